use serde_json::{Value, json};

use super::browser::Browser;
use super::staff::{Office, PASSWORD, first_administrator};
use crate::site::Site;

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn without_input_a_session_locks_and_then_ends() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    site.hand.advance_ms(4 * MINUTE);
    anna.browser.post("/api/session/input", Value::Null).await.ok();
    site.hand.advance_ms(5 * MINUTE - 1);
    // What a page does by itself is no input.
    anna.browser.get("/api/users").await.ok();
    site.hand.advance_ms(1);
    assert_eq!(anna.browser.state().await, "locked");
    anna.browser.get("/api/users").await.refused(401, "not_signed_in");
    anna.browser.post("/api/session/input", Value::Null).await.refused(401, "not_signed_in");
    anna.browser
        .post("/api/session/unlock", json!({"password": "wrong-wrong-wrong"}))
        .await
        .refused(401, "wrong_credentials");
    anna.browser.post("/api/session/unlock", json!({})).await.refused(400, "invalid_body");
    anna.browser.post("/api/session/unlock", json!({"password": PASSWORD})).await.ok();
    anna.browser.get("/api/users").await.ok();
    site.hand.advance_ms(15 * MINUTE);
    assert_eq!(anna.browser.state().await, "none");
    anna.browser.post("/api/session/unlock", json!({"password": PASSWORD})).await.refused(401, "not_signed_in");
}

#[tokio::test]
async fn a_locked_screen_that_loses_its_link_finds_back_to_the_alarms_and_to_nothing_else() {
    let mut office = Office::open().await;
    let mut nurse = office.hire("nora.lind", "nurse").await;
    nurse.browser.post("/api/session/lock", Value::Null).await.ok();
    nurse.browser.live().await.expect("let in while locked").until("heartbeat").await;
    nurse.browser.get("/api/devices").await.refused(401, "not_signed_in");
    office.anna.browser.post("/api/session/lock", Value::Null).await.ok();
    assert!(office.anna.browser.live().await.is_none(), "an administrator watches no ward");
    office.site.hand.advance_ms(15 * MINUTE);
    assert!(nurse.browser.live().await.is_none(), "signed out");
}

#[tokio::test]
async fn after_twelve_hours_it_ends_however_busy() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut browser = Browser::new(&site);
    let session = anna.signs_in(&site, &mut browser).await;
    assert_eq!(session["locks_at"], json!(site.clock.now().plus_millis(5 * MINUTE)));
    for _ in 0..12 * 15 - 1 {
        site.hand.advance_ms(4 * MINUTE);
        browser.post("/api/session/input", Value::Null).await.ok();
    }
    assert_eq!(browser.state().await, "open");
    // The half minute until its code was entered.
    site.hand.advance_ms(4 * MINUTE - 30_000);
    assert_eq!(browser.state().await, "none");
}

#[tokio::test]
async fn what_was_proven_again_counts_for_five_minutes() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    let pin = json!({"pin": "271828"});
    anna.browser.put("/api/me/pin", pin.clone()).await.refused(403, "step_up_needed");
    anna.steps_up(&site).await;
    anna.browser.put("/api/me/pin", pin.clone()).await.ok();
    site.hand.advance_ms(4 * MINUTE);
    anna.browser.post("/api/session/input", Value::Null).await.ok();
    anna.browser.put("/api/me/pin", pin.clone()).await.ok();
    site.hand.advance_ms(MINUTE);
    anna.browser.put("/api/me/pin", pin).await.refused(403, "step_up_needed");
    let recovery = json!({"code": anna.recovery[0]});
    anna.browser.post("/api/session/step-up", recovery).await.refused(401, "wrong_code");
}
