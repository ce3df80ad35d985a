use store::minutes;
use store::testing::TestDatabase;
use vitals::Timestamp;

use super::{portal, seen_by};
use crate::schema::{admin, run, ward};

/// Device 1 was Pat's from 10:00:30 to 10:02:30, then Quinn's until 10:04, then nobody's. A frame each ten seconds, of which
/// the heart rate is the number from 10:00 on; device 2 was taken for Pat's by mistake. Ann and Ben are nurses, and Ben has
/// nothing to do with either.
async fn shared() -> TestDatabase {
    let db = ward().await;
    let shared = "
        UPDATE device_assignments SET during = '[2026-01-02 10:00:30+00, 2026-01-02 10:02:30+00)' WHERE id = @assigned;
        INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at) VALUES
            (@quinns, 'demo', 1, @quinn, @other_stay, '[2026-01-02 10:02:30+00, 2026-01-02 10:04+00)', 'scan', now());
        INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at, superseded_at)
            VALUES (@mistaken, 'demo', 2, @pat, @stay, '[2026-01-02 10:00+00,)', 'manual', now(), now());
        INSERT INTO vitals (at, received_at, device_key, flags, hr)
            SELECT timestamptz '2026-01-02 10:00+00' + n * interval '10 s', now(), device, 1, n
            FROM generate_series(0, 35) n, generate_series(1, 2) device;
        INSERT INTO vitals_dirty SELECT DISTINCT device_key, date_bin('1 minute', at, 'epoch') FROM vitals;
        INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_by, approved_by, approved_at)
            SELECT @bens_grant, 'demo', @user_ben, id, tstzrange('2026-01-01', NULL), @user_dan, @user_cat, now()
            FROM roles WHERE code = 'nurse'";
    run(&admin(&db).await, shared).await.unwrap();
    db
}

const HOUR: &str = "'2026-01-02 10:00+00', '2026-01-02 11:00+00'";

async fn rates(db: &TestDatabase, user: Option<&str>, function: &str) -> Vec<String> {
    let rates = format!("SELECT device_key || ':' || hr FROM {function} ORDER BY device_key, at");
    seen_by(&portal(db).await, user, &rates).await.unwrap()
}

fn numbered(device: i32, range: std::ops::Range<i32>) -> Vec<String> {
    range.map(|n| format!("{device}:{n}")).collect()
}

#[tokio::test]
async fn frames_are_cut_to_assignments_and_relations() {
    let db = shared().await;
    let patient = |patient: &str| format!("patient_vitals({patient}, {HOUR})");
    assert_eq!(rates(&db, Some("user_ann"), &patient("@pat")).await, numbered(1, 3..15));
    assert_eq!(rates(&db, Some("user_cat"), &patient("@quinn")).await, numbered(1, 15..24));
    assert_eq!(rates(&db, Some("user_ann"), &patient("@quinn")).await, [""; 0]);
    assert_eq!(rates(&db, None, &patient("@pat")).await, [""; 0]);
    assert_eq!(
        rates(&db, Some("user_ann"), "patient_vitals(@pat, '2026-01-02 10:01+00', '2026-01-02 10:01:30+00')").await,
        numbered(1, 6..9)
    );
    assert_eq!(rates(&db, Some("user_ann"), "patient_vitals(@pat, NULL, NULL)").await, [""; 0]);
}

#[tokio::test]
async fn a_corrected_assignment_moves_the_frames() {
    let db = shared().await;
    let corrected = "UPDATE device_assignments SET superseded_at = now() WHERE id = @quinns;
        UPDATE device_assignments SET during = '[2026-01-02 10:00:30+00, 2026-01-02 10:04+00)' WHERE id = @assigned";
    run(&admin(&db).await, corrected).await.unwrap();
    assert_eq!(rates(&db, Some("user_ann"), &format!("patient_vitals(@pat, {HOUR})")).await, numbered(1, 3..24));
    assert_eq!(rates(&db, Some("user_cat"), &format!("patient_vitals(@quinn, {HOUR})")).await, [""; 0]);
}

#[tokio::test]
async fn of_a_device_what_is_nobodys_is_every_nurses_and_the_rest_is_cut() {
    let db = shared().await;
    let unassigned = [numbered(1, 0..3), numbered(1, 24..36)].concat();
    let device = format!("device_vitals(1, {HOUR})");
    assert_eq!(rates(&db, Some("user_ben"), &device).await, unassigned);
    assert_eq!(rates(&db, Some("user_ann"), &device).await, [numbered(1, 0..15), numbered(1, 24..36)].concat());
    assert_eq!(rates(&db, Some("user_cat"), &device).await, numbered(1, 15..24), "cares for Quinn, and holds no role");
    assert_eq!(rates(&db, Some("user_dan"), &device).await, numbered(1, 15..24), "broke the glass, and holds no role");
    assert_eq!(rates(&db, None, &device).await, [""; 0]);
    let mistaken = format!("device_vitals(2, {HOUR})");
    assert_eq!(rates(&db, Some("user_ann"), &mistaken).await, numbered(2, 0..36), "saw it as Pat's");
    assert_eq!(rates(&db, Some("user_ben"), &mistaken).await, [""; 0], "it may be Pat's all the same");
}

/// (minute, n, least, most, mean, last) of the heart rate.
async fn minutes_seen(db: &TestDatabase, user: &str, function: &str) -> Vec<String> {
    let minutes = format!(
        "SELECT to_char(minute AT TIME ZONE 'UTC', 'MI') || ' ' || concat_ws(' ', hr_n, hr_min, hr_max, hr_mean, hr_last)
        FROM {function} ORDER BY minute, hr_min"
    );
    seen_by(&portal(db).await, Some(user), &minutes).await.unwrap()
}

/// A minute that an assignment cuts is of two patients in the table, and of one in the answer. Ann has two periods of device 1,
/// up to what is Quinn's and from then on.
#[tokio::test]
async fn minutes_are_cut_too_and_the_same_before_and_after_the_roll_up() {
    let db = shared().await;
    let pat = ["00 3 3 5 4 5", "01 6 6 11 8.5 11", "02 3 12 14 13 14"];
    let quinn = ["02 3 15 17 16 17", "03 6 18 23 20.5 23"];
    let nobody = ["00 3 0 2 1 2", "04 6 24 29 26.5 29", "05 6 30 35 32.5 35"];
    let anns = ["00 6 0 5 2.5 5", pat[1], pat[2], nobody[1], nobody[2]];
    let whole = "SELECT count(*)::text FROM vitals_minute";
    for state in ["marked", "rolled up", "marked again"] {
        match state {
            "rolled up" => {
                let before = Timestamp::parse("2026-01-03T00:00:00Z").unwrap();
                let taken = minutes::recompute(&db.pool().get().await.unwrap(), before, 1_000).await;
                assert_eq!(taken.unwrap(), 12);
                let rows: String = admin(&db).await.query_one(whole, &[]).await.unwrap().get(0);
                assert_eq!(rows, "12");
            }
            // The table's row is old then, and stands beside the frames; those of the other minutes are as good as ever.
            "marked again" => {
                let old = "UPDATE vitals_minute SET hr_mean = 0 WHERE minute = '2026-01-02 10:01+00';
                    INSERT INTO vitals_dirty SELECT device_key, minute FROM vitals_minute, generate_series(1, 2) twice
                        WHERE minute = '2026-01-02 10:01+00'";
                run(&admin(&db).await, old).await.unwrap();
            }
            _ => {}
        }
        assert_eq!(minutes_seen(&db, "user_ann", &format!("patient_vitals_minute(@pat, {HOUR})")).await, pat);
        assert_eq!(minutes_seen(&db, "user_cat", &format!("patient_vitals_minute(@quinn, {HOUR})")).await, quinn);
        assert_eq!(minutes_seen(&db, "user_ann", &format!("patient_vitals_minute(@quinn, {HOUR})")).await, [""; 0]);
        assert_eq!(minutes_seen(&db, "user_ben", &format!("device_vitals_minute(1, {HOUR})")).await, nobody);
        assert_eq!(minutes_seen(&db, "user_cat", &format!("device_vitals_minute(1, {HOUR})")).await, quinn);
        assert_eq!(minutes_seen(&db, "user_ann", &format!("device_vitals_minute(1, {HOUR})")).await, anns);
        let within = "device_vitals_minute(1, '2026-01-02 10:00:10+00', '2026-01-02 10:00:20+00')";
        assert_eq!(minutes_seen(&db, "user_ben", within).await, ["00 1 1 1 1 1"]);
        let parts = "patient_vitals_minute(@pat, '2026-01-02 10:01:20+00', '2026-01-02 10:01:50+00')";
        assert_eq!(minutes_seen(&db, "user_ann", parts).await, ["01 3 8 10 9 10"]);
    }
}

/// A chart adds up what comes of one minute.
#[tokio::test]
async fn two_periods_within_a_minute_give_it_a_row_each() {
    let db = shared().await;
    let shorter =
        "UPDATE device_assignments SET during = '[2026-01-02 10:02:30+00, 2026-01-02 10:02:50+00)' WHERE id = @quinns";
    run(&admin(&db).await, shorter).await.unwrap();
    let minute = "device_vitals_minute(1, '2026-01-02 10:02+00', '2026-01-02 10:03+00')";
    assert_eq!(minutes_seen(&db, "user_ann", minute).await, ["02 3 12 14 13 14", "02 1 17 17 17 17"]);
    assert_eq!(minutes_seen(&db, "user_ben", minute).await, ["02 1 17 17 17 17"]);
}

/// What the functions compute is what the roll-up computes: every parameter, marks and simulated frames as it has them.
#[tokio::test]
async fn a_computed_minute_is_what_the_roll_up_would_have_made_of_it() {
    let db = shared().await;
    let client = admin(&db).await;
    let marks: Vec<_> = vitals::Validity::ALL.iter().map(|mark| format!("'{}'", mark.key())).collect();
    let odd = format!(
        "UPDATE vitals SET spo2 = 90 + hr / 10, q = jsonb_build_object('spo2', (ARRAY[{}])[1 + hr::int % {}])
            WHERE hr::int % 3 = 0;
        UPDATE vitals SET flags = flags | {} WHERE hr::int % 7 = 0",
        marks.join(", "),
        marks.len(),
        vitals::Flags::SIMULATED.0
    );
    run(&client, &odd).await.unwrap();
    let computed = format!("SELECT to_jsonb(m) - 'computed_at' FROM device_vitals_minute(2, {HOUR}) m ORDER BY minute");
    let minutes = async || -> Vec<serde_json::Value> {
        client.query(&computed, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let before = minutes().await;
    minutes::recompute(&db.pool().get().await.unwrap(), Timestamp::parse("2026-01-03T00:00:00Z").unwrap(), 1_000)
        .await
        .unwrap();
    let stored = "SELECT to_jsonb(m) - 'computed_at' FROM vitals_minute m WHERE device_key = 2 ORDER BY minute";
    let stored: Vec<serde_json::Value> =
        client.query(stored, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(before.len(), 6);
    assert_eq!(before, stored);
    assert_eq!(minutes().await, stored);
    assert!(before.iter().any(|minute| minute["spo2_n"].is_number()), "some marks leave a value worthy");
}

/// Of somebody's device too: when it was heard is no value.
#[tokio::test]
async fn when_a_device_was_heard_is_no_secret() {
    let db = shared().await;
    let heard = "SELECT device_key::text FROM last_received('{1,2,3}', '2026-01-02 10:00+00') ORDER BY 1";
    assert_eq!(seen_by(&portal(&db).await, Some("user_ben"), heard).await.unwrap(), ["1", "2"]);
    assert_eq!(
        seen_by(&portal(&db).await, None, "SELECT 'x' FROM last_received('{1}', '2027-01-01')").await.unwrap(),
        [""; 0]
    );
}
