use tokio_postgres::Client;

use super::{PUT_ON, portal};
use crate::schema::{admin, id, named, run, ward};

/// What the sight of a station, or of a user, tells: device and patient, where he may be seen.
async fn sight(client: &Client, who: &str, name: &str) -> Vec<(i32, Option<uuid::Uuid>)> {
    client.batch_execute("BEGIN").await.unwrap();
    client.execute("SELECT set_config('vigil.' || $1, $2, true)", &[&who, &id(name).to_string()]).await.unwrap();
    let rows = client.query("SELECT * FROM sight(now()) ORDER BY 1", &[]).await.unwrap();
    client.batch_execute("ROLLBACK").await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_station_sees_who_lies_in_its_place_and_a_user_whom_he_cares_for() {
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    run(&admin, PUT_ON).await.unwrap();
    let (pat, quinn) = (Some(id("pat")), Some(id("quinn")));
    let elsewhere = (3, None);
    assert_eq!(sight(&portal, "station", "wall").await, [(1, pat), (2, quinn), elsewhere], "both lie on its unit");
    assert_eq!(sight(&portal, "user", "user_ann").await, [(1, pat), (2, None)], "covers one of the beds");
    assert_eq!(sight(&portal, "user", "nobody_we_know").await, [(1, None), (2, None)]);
    for (change, expected) in [
        ("UPDATE stations SET location_id = @bed2", [(1, None), (2, quinn)]),
        ("UPDATE stations SET location_id = @site", [(1, pat), (2, quinn)]),
        ("UPDATE stations SET location_id = @other_unit", [(1, None), (2, None)]),
        ("UPDATE encounter_locations SET location_id = @other_unit WHERE id = @lies", [(1, pat), (2, None)]),
        ("UPDATE encounter_locations SET superseded_at = now() WHERE id = @lies", [(1, None), (2, None)]),
        ("UPDATE stations SET location_id = @unit", [(1, None), (2, quinn)]),
        ("UPDATE stations SET revoked_at = now()", [(1, None), (2, None)]),
    ] {
        run(&admin, change).await.unwrap();
        let [one, other] = expected;
        assert_eq!(sight(&portal, "station", "wall").await, [one, other, elsewhere], "{change}");
    }
}

#[tokio::test]
async fn what_is_on_nobody_is_shown_where_it_is_kept_and_everywhere_if_nobody_knows() {
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    let (elsewhere, two) = ((3, None), (2, None));
    let seen = async |who: &str, name: &str| {
        portal.batch_execute("BEGIN").await.unwrap();
        portal.execute(&format!("SELECT set_config('vigil.{who}', '{}', true)", id(name)), &[]).await.unwrap();
        let row = portal.query_one("SELECT device_seen(2, now())", &[]).await.unwrap();
        portal.batch_execute("ROLLBACK").await.unwrap();
        row.get::<_, bool>(0)
    };
    for (change, hidden) in [
        ("SELECT", false),
        ("UPDATE devices SET location_id = @bed1 WHERE key = 2", false),
        ("UPDATE devices SET location_id = @other_unit WHERE key = 2", true),
        ("UPDATE devices SET location_id = @site WHERE key = 2", true),
        ("UPDATE stations SET location_id = @site", false),
        ("UPDATE stations SET revoked_at = now()", true),
    ] {
        run(&admin, change).await.unwrap();
        let sight = sight(&portal, "station", "wall").await;
        assert_eq!((sight.contains(&two), sight.contains(&elsewhere)), (hidden, true), "{change}");
        assert_eq!((seen("station", "wall").await, seen("user", "user_ann").await), (!hidden, true), "{change}");
    }
    assert_eq!(self::sight(&portal, "user", "user_ann").await, [], "who acts himself sees all that is on nobody");
}

#[tokio::test]
async fn a_device_is_told_apart_by_whom_it_was_on() {
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    let asked = async |user: &str| {
        let settings = named("SELECT set_config('vigil.user', $1, true)");
        portal.batch_execute("BEGIN").await.unwrap();
        portal.execute(&settings, &[&id(user).to_string()]).await.unwrap();
        let subjects = "SELECT patient_id, standing FROM device_subjects(1, '2026-01-01', '2026-01-03')";
        let row = portal.query_one(subjects, &[]).await.unwrap();
        let seen =
            "SELECT device_seen(1, '2026-01-01 12:00Z'), device_seen(1, '2026-01-02 12:00Z'), device_seen(NULL, now())";
        let seen = portal.query_one(seen, &[]).await.unwrap();
        portal.batch_execute("ROLLBACK").await.unwrap();
        let patient: Option<uuid::Uuid> = row.get(0);
        (patient.is_some(), row.get::<_, String>(1), [seen.get::<_, bool>(0), seen.get(1), seen.get(2)])
    };
    let nobody_wore_it_then = true;
    assert_eq!(asked("user_ann").await, (true, "seen".to_owned(), [true, nobody_wore_it_then, true]));
    let holds_no_role = false;
    assert_eq!(asked("user_cat").await, (false, "no_relation".to_owned(), [false, holds_no_role, true]));
    run(&admin, "UPDATE patients SET restricted = true WHERE id = @pat").await.unwrap();
    assert_eq!(asked("user_cat").await, (false, "unknown".to_owned(), [false, holds_no_role, true]));
}
