use serde_json::{Value, json};

use super::staff::{Member, Office, command, first_administrator, grant, invited, proves_himself_always};
use crate::site::Site;

/// Of portal/src/identity/users/store.rs.
const ADMINISTRATORS_LOCK: i64 = 0x7669_6769_6c61_646d;

fn approve(grant: &Value) -> String {
    format!("/api/grants/{}/approve", grant["id"].as_str().unwrap())
}

fn path(grant: &Value) -> String {
    format!("/api/grants/{}", grant["id"].as_str().unwrap())
}

async fn roles(member: &mut Member) -> Value {
    member.browser.get("/api/session").await.ok()["roles"].clone()
}

#[tokio::test]
async fn what_opens_a_chart_takes_two_and_neither_is_its_holder() {
    let mut office = Office::open().await;
    for role in ["nurse", "charge_nurse", "physician"] {
        let mut holder = invited(&office.site, &mut office.anna, &format!("new.{role}")).await;
        let proposed = grant(&mut office.anna, &holder, role).await.ok();
        assert_eq!((&proposed["state"], roles(&mut holder).await), (&json!("pending"), json!([])));
        holder.browser.post(&approve(&proposed), Value::Null).await.refused(403, "missing_permission");
        office.anna.browser.post(&approve(&proposed), Value::Null).await.refused(403, "own_proposal");
        let pending = office.bert.browser.get("/api/grants?state=pending").await.ok();
        assert_eq!(pending["grants"][0]["id"], proposed["id"]);
        let active = office.bert.browser.post(&approve(&proposed), Value::Null).await.ok();
        assert_eq!((&active["state"], roles(&mut holder).await), (&json!("active"), json!([role])));
        office.bert.browser.post(&approve(&proposed), Value::Null).await.refused(409, "not_pending");
    }
    for role in ["scheduler", "biller", "auditor", "privacy_officer", "device_engineer"] {
        let mut holder = invited(&office.site, &mut office.anna, &format!("new.{role}")).await;
        assert_eq!(grant(&mut office.anna, &holder, role).await.ok()["state"], "active");
        assert_eq!(roles(&mut holder).await, json!([role]));
        office.stays_awake().await;
    }
}

#[tokio::test]
async fn the_database_itself_takes_no_grant_of_fewer_than_three_persons() {
    let mut office = Office::open().await;
    let nora = office.hire("nora.lind", "nurse").await;
    let db = office.site.database.pool().get().await.unwrap();
    let (a, b, n) = (office.anna.id, office.bert.id, nora.id);
    for (granter, approver) in [(a, a), (n, b), (a, n)] {
        let changed = "UPDATE role_grants SET granted_by = $2, approved_by = $3 WHERE user_id = $1";
        assert!(db.execute(changed, &[&n, &granter, &approver]).await.is_err(), "{granter} {approver}");
    }
}

#[tokio::test]
async fn nobody_changes_what_he_may_do_himself() {
    let mut office = Office::open().await;
    let (anna, bert) = (&mut office.anna, &mut office.bert);
    let own = json!({"user_id": anna.id, "role": "auditor"});
    anna.browser.post("/api/grants", own).await.refused(403, "own_grants");
    let proposed = grant(bert, anna, "auditor").await.ok();
    anna.browser.delete(&path(&proposed)).await.refused(403, "own_grants");
    let held = anna.browser.get(&format!("/api/grants?user={}", anna.id)).await.ok();
    for grant in held["grants"].as_array().unwrap() {
        anna.browser.delete(&path(grant)).await.refused(403, "own_grants");
    }
    anna.browser.post(&format!("/api/users/{}/disable", anna.id), Value::Null).await.refused(403, "own_account");
    assert_eq!(bert.browser.delete(&path(&proposed)).await.status, 204);
}

#[tokio::test]
async fn an_administrator_opens_no_chart_by_another_role_either() {
    let mut office = Office::open().await;
    for role in ["nurse", "physician", "scheduler", "biller"] {
        grant(&mut office.anna, &office.bert, role).await.refused(409, "excluded_role");
    }
    let nora = office.hire("nora.lind", "nurse").await;
    grant(&mut office.anna, &nora, "administrator").await.refused(409, "excluded_role");
    grant(&mut office.anna, &nora, "nurse").await.refused(409, "granted_already");
}

#[tokio::test]
async fn the_second_administrator_is_made_by_one_and_every_other_by_two() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    proves_himself_always(&site, &anna).await;
    let mut bert = invited(&site, &mut anna, "bert.cole").await;
    proves_himself_always(&site, &bert).await;
    assert_eq!(grant(&mut anna, &bert, "administrator").await.ok()["state"], "active");
    let mut carl = invited(&site, &mut anna, "carl.ode").await;
    let third = grant(&mut anna, &carl, "administrator").await.ok();
    assert_eq!(third["state"], "pending");
    carl.browser.get("/api/users").await.refused(403, "missing_permission");
    anna.browser.post(&approve(&third), Value::Null).await.refused(403, "own_proposal");
    bert.browser.post(&approve(&third), Value::Null).await.ok();
    carl.browser.get("/api/users").await.ok();
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let mut office = Office::open().await;
    let (anna, bert) = (&mut office.anna, &mut office.bert);
    let held = bert.browser.get(&format!("/api/grants?user={}", anna.id)).await.ok()["grants"][0].clone();
    assert_eq!(bert.browser.delete(&path(&held)).await.status, 204);
    anna.browser.get("/api/users").await.refused(403, "missing_permission");
    bert.browser.delete(&path(&held)).await.refused(409, "ended_already");
    // She has her session still, and nobody who may give her more would be left.
    let again = grant(bert, anna, "administrator").await.ok();
    assert_eq!(again["state"], "active");
    office.site.hand.advance_ms(1);
    let of_bert = anna.browser.get(&format!("/api/grants?user={}", bert.id)).await.ok()["grants"][0].clone();
    // Both at once, each of whom leaves the other one.
    let (mut one, mut other) = (anna.browser.clone(), bert.browser.clone());
    let (ends_bert, ends_anna) = (path(&of_bert), path(&again));
    let db = office.site.database.pool().get().await.unwrap();
    // Held until both were let in, each as an administrator.
    db.execute("SELECT pg_advisory_lock($1)", &[&ADMINISTRATORS_LOCK]).await.unwrap();
    let both = async { tokio::join!(one.delete(&ends_bert), other.delete(&ends_anna)) };
    let release = async {
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted";
        while db.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 2 {
            tokio::task::yield_now().await;
        }
        db.execute("SELECT pg_advisory_unlock($1)", &[&ADMINISTRATORS_LOCK]).await.unwrap();
    };
    let ((left, right), ()) = tokio::join!(both, release);
    assert!(left.status == 204 || right.status == 204, "{} {}", left.body, right.body);
    assert!(left.status != 204 || right.status != 204, "nobody would be left");
    let left = "SELECT count(*) FROM role_grants g JOIN roles r ON r.id = g.role_id
        WHERE r.code = 'administrator' AND upper_inf(g.during)";
    assert_eq!(db.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_grant_that_has_ended_gives_nothing_from_then_on() {
    let mut office = Office::open().await;
    let mut eve = office.hire("eve.moor", "auditor").await;
    assert_eq!(roles(&mut eve).await, json!(["auditor"]));
    let until = office.site.clock.now().plus_millis(60_000);
    let mut fred = invited(&office.site, &mut office.anna, "fred.hay").await;
    let body = json!({"user_id": fred.id, "role": "auditor", "until": until});
    office.anna.browser.post("/api/grants", body).await.ok();
    assert_eq!(roles(&mut fred).await, json!(["auditor"]));
    office.site.hand.set(until);
    assert_eq!(roles(&mut fred).await, json!([]));
    let past = json!({"user_id": fred.id, "role": "biller", "until": until});
    office.anna.browser.post("/api/grants", past).await.refused(400, "invalid_span");
}

#[tokio::test]
async fn what_is_grave_takes_a_fresh_code() {
    let mut office = Office::open().await;
    let fred = invited(&office.site, &mut office.anna, "fred.hay").await;
    let db = office.site.database.pool().get().await.unwrap();
    db.execute("UPDATE sessions SET stepped_up_at = NULL WHERE user_id = $1", &[&office.anna.id]).await.unwrap();
    let nothing = uuid::Uuid::nil();
    let body = json!({"user_id": fred.id, "role": "auditor"});
    let anna = &mut office.anna.browser;
    anna.post("/api/grants", body.clone()).await.refused(403, "step_up_needed");
    let user = json!({"login": "gil.roe", "display_name": "Gil"});
    anna.post("/api/users", user).await.refused(403, "step_up_needed");
    let station = json!({"name": "w", "mode": "wall", "location_id": nothing});
    anna.post("/api/stations", station).await.refused(403, "step_up_needed");
    for path in [
        format!("/api/grants/{nothing}/approve"),
        format!("/api/users/{}/disable", fred.id),
        format!("/api/stations/{nothing}/code"),
    ] {
        anna.post(&path, Value::Null).await.refused(403, "step_up_needed");
    }
    for path in [format!("/api/grants/{nothing}"), format!("/api/stations/{nothing}")] {
        anna.delete(&path).await.refused(403, "step_up_needed");
    }
    office.anna.steps_up(&office.site).await;
    office.anna.browser.post("/api/grants", body).await.ok();
}

#[tokio::test]
async fn a_role_holds_everywhere_or_is_not_given() {
    let mut office = Office::open().await;
    let eve = invited(&office.site, &mut office.anna, "eve.moor").await;
    let body = json!({"user_id": eve.id, "role": "auditor", "location_id": uuid::Uuid::nil()});
    office.anna.browser.post("/api/grants", body).await.refused(400, "location_not_enforced");
}

#[tokio::test]
async fn who_administers_for_a_while_is_not_who_is_left() {
    let site = Site::open().await;
    // Nobody administers this site yet, and the host ends whom it likes.
    command(&site).disable(&site.nurse.user.to_string()).await.unwrap();
    let mut anna = first_administrator(&site).await;
    proves_himself_always(&site, &anna).await;
    let mut carl = invited(&site, &mut anna, "carl.ode").await;
    proves_himself_always(&site, &carl).await;
    let until = site.clock.now().plus_millis(600_000);
    let for_a_while = json!({"user_id": carl.id, "role": "administrator", "until": until});
    anna.browser.post("/api/grants", for_a_while).await.ok();
    let of_anna = carl.browser.get(&format!("/api/grants?user={}", anna.id)).await.ok()["grants"][0].clone();
    carl.browser.delete(&path(&of_anna)).await.refused(409, "last_administrator");
    let disable = format!("/api/users/{}/disable", anna.id);
    carl.browser.post(&disable, Value::Null).await.refused(409, "last_administrator");
    assert!(command(&site).disable("anna.berg").await.is_err());
    command(&site).disable("carl.ode").await.unwrap();
}

#[tokio::test]
async fn what_somebody_proposed_who_administers_no_longer_is_approved_by_nobody() {
    let mut office = Office::open().await;
    let nora = invited(&office.site, &mut office.anna, "nora.lind").await;
    let proposed = grant(&mut office.anna, &nora, "nurse").await.ok();
    let held = office.bert.browser.get(&format!("/api/grants?user={}", office.anna.id)).await.ok()["grants"][0].clone();
    assert_eq!(office.bert.browser.delete(&path(&held)).await.status, 204);
    office.bert.browser.post(&approve(&proposed), Value::Null).await.refused(409, "proposer_gone");
}

#[tokio::test]
async fn who_was_let_in_as_an_administrator_and_is_none_any_more_changes_nothing() {
    let mut office = Office::open().await;
    let nora = invited(&office.site, &mut office.anna, "nora.lind").await;
    let proposed = grant(&mut office.anna, &nora, "nurse").await.ok();
    let db = office.site.database.pool().get().await.unwrap();
    db.execute("SELECT pg_advisory_lock($1)", &[&ADMINISTRATORS_LOCK]).await.unwrap();
    let (site, bert) = (&office.site, &mut office.bert);
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted";
        while db.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        let end = "UPDATE role_grants SET during = tstzrange(lower(during), $2::text::timestamptz) WHERE user_id = $1";
        db.execute(end, &[&bert.id, &site.clock.now().to_string()]).await.unwrap();
        db.execute("SELECT pg_advisory_unlock($1)", &[&ADMINISTRATORS_LOCK]).await.unwrap();
    };
    let (mut browser, path) = (bert.browser.clone(), approve(&proposed));
    let (answer, ()) = tokio::join!(browser.post(&path, Value::Null), meanwhile);
    answer.refused(403, "missing_permission");
}

#[tokio::test]
async fn a_role_that_excludes_another_is_found_among_any_number_that_have_ended() {
    let mut office = Office::open().await;
    let db = office.site.database.pool().get().await.unwrap();
    let ended = "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
        SELECT gen_random_uuid(), 'demo', $1, r.id, tstzrange(d, d + interval '1 hour'), 'command'
        FROM roles r, generate_series('2000-01-01'::timestamptz, '2001-01-01', '1 day') d WHERE r.code = 'auditor'";
    db.execute(ended, &[&office.bert.id]).await.unwrap();
    grant(&mut office.anna, &office.bert, "nurse").await.refused(409, "excluded_role");
}
