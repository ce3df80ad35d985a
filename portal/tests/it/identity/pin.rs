use serde_json::{Value, json};

use super::browser::Browser;
use super::staff::{Member, Office};
use super::stations::enrolled;

const PIN: &str = "271828";

async fn with_pin(office: &mut Office) -> Member {
    let mut nora = office.hire("nora.lind", "nurse").await;
    nora.steps_up(&office.site).await;
    nora.browser.put("/api/me/pin", json!({"pin": "123456"})).await.refused(400, "weak_pin");
    nora.browser.put("/api/me/pin", json!({"pin": PIN})).await.ok();
    nora
}

async fn by_pin(browser: &mut Browser, login: &str, pin: &str) -> super::browser::Answer {
    browser.post("/api/session/pin", json!({"login": login, "pin": pin})).await
}

#[tokio::test]
async fn it_holds_only_where_two_factors_were_given() {
    let mut office = Office::open().await;
    let nora = with_pin(&mut office).await;
    let (mut here, mut there) = (enrolled(&mut office, "wall-1").await, enrolled(&mut office, "wall-2").await);
    by_pin(&mut here, "nora.lind", PIN).await.refused(401, "wrong_pin");
    nora.signs_in(&office.site, &mut here).await;
    here.delete("/api/session").await.ok();
    let session = by_pin(&mut here, "nora.lind", PIN).await.ok();
    assert_eq!((&session["state"], &session["factors"]), (&json!("open"), &json!(["pin"])));
    assert_eq!(session["station"]["name"], "wall-1");
    // Neither on another station, nor on a screen that is none.
    by_pin(&mut there, "nora.lind", PIN).await.refused(401, "wrong_pin");
    by_pin(&mut Browser::new(&office.site), "nora.lind", PIN).await.refused(401, "wrong_pin");
}

#[tokio::test]
async fn it_unlocks_and_is_of_one_shift() {
    let mut office = Office::open().await;
    let nora = with_pin(&mut office).await;
    let mut here = enrolled(&mut office, "wall-1").await;
    nora.signs_in(&office.site, &mut here).await;
    office.site.hand.advance_ms(5 * 60_000);
    assert_eq!(here.state().await, "locked");
    here.post("/api/session/unlock", json!({"pin": "314159"})).await.refused(401, "wrong_pin");
    let unlocked = here.post("/api/session/unlock", json!({"pin": PIN})).await.ok();
    assert_eq!(unlocked["state"], "open");
    office.site.hand.advance_ms(11 * 3_600_000);
    let last = by_pin(&mut here, "nora.lind", PIN).await.ok();
    assert_eq!(last["state"], "open");
    office.site.hand.advance_ms(3_600_000);
    by_pin(&mut here, "nora.lind", PIN).await.refused(401, "wrong_pin");
}

#[tokio::test]
async fn the_end_of_a_duty_ends_it() {
    let mut office = Office::open().await;
    let nora = with_pin(&mut office).await;
    let mut here = enrolled(&mut office, "wall-1").await;
    nora.signs_in(&office.site, &mut here).await;
    let db = office.site.database.pool().get().await.unwrap();
    let now = office.site.clock.now();
    let (since, until) = (now.plus_millis(-60_000).to_string(), now.plus_millis(60_000).to_string());
    let practitioner = uuid::Uuid::now_v7();
    db.execute("INSERT INTO practitioners (id, realm, display_name) VALUES ($1, 'demo', 'Nora')", &[&practitioner])
        .await
        .unwrap();
    db.execute("UPDATE users SET practitioner_id = $2 WHERE id = $1", &[&nora.id, &practitioner]).await.unwrap();
    let duty = "INSERT INTO duties (id, realm, unit_id, practitioner_id, role, during)
        SELECT gen_random_uuid(), 'demo', id, $1, 'nurse', tstzrange($2::text::timestamptz, $3::text::timestamptz)
        FROM locations LIMIT 1";
    db.execute(duty, &[&practitioner, &since, &until]).await.unwrap();
    by_pin(&mut here, "nora.lind", PIN).await.ok();
    office.site.hand.advance_ms(60_000);
    by_pin(&mut here, "nora.lind", PIN).await.refused(401, "wrong_pin");
}

#[tokio::test]
async fn five_wrong_ones_void_it_until_two_factors_are_given() {
    let mut office = Office::open().await;
    let nora = with_pin(&mut office).await;
    let (mut here, mut there) = (enrolled(&mut office, "wall-1").await, enrolled(&mut office, "wall-2").await);
    nora.signs_in(&office.site, &mut here).await;
    here.delete("/api/session").await.ok();
    // Where it does not hold anyway, nobody makes it void.
    for _ in 0..6 {
        by_pin(&mut there, "nora.lind", "000000").await.refused(401, "wrong_pin");
    }
    by_pin(&mut here, "nora.lind", PIN).await.ok();
    here.delete("/api/session").await.ok();
    let tries = (0..8).map(|_| {
        let mut here = here.clone();
        tokio::spawn(async move { by_pin(&mut here, "nora.lind", "000000").await.status })
    });
    for tried in tries.collect::<Vec<_>>() {
        assert_eq!(tried.await.unwrap(), 401);
    }
    by_pin(&mut here, "nora.lind", PIN).await.refused(401, "wrong_pin");
    nora.signs_in(&office.site, &mut here).await;
    here.delete("/api/session").await.ok();
    by_pin(&mut here, "nora.lind", PIN).await.ok();
}

#[tokio::test]
async fn what_is_ended_from_elsewhere_ends_it_too() {
    let mut office = Office::open().await;
    let mut nora = with_pin(&mut office).await;
    let mut here = enrolled(&mut office, "wall-1").await;
    nora.signs_in(&office.site, &mut here).await;
    nora.browser.post("/api/session/input", Value::Null).await.ok();
    assert_eq!(nora.browser.delete("/api/sessions/others").await.status, 204);
    by_pin(&mut here, "nora.lind", PIN).await.refused(401, "wrong_pin");
}
