use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::browser::Browser;
use super::staff::{PASSWORD, first_administrator};
use crate::site::Site;

#[tokio::test]
async fn another_password_ends_every_other_session() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    let mut elsewhere = Browser::new(&site);
    anna.signs_in(&site, &mut elsewhere).await;
    anna.browser.post("/api/session/input", Value::Null).await.ok();
    let new = "a-much-Better-sentence";
    anna.browser.put("/api/me/password", json!({"password": new})).await.refused(403, "step_up_needed");
    anna.steps_up(&site).await;
    for weak in ["short", "Password1234!", "anna.berg-anna.berg"] {
        anna.browser.put("/api/me/password", json!({"password": weak})).await.refused(400, "weak_password");
    }
    anna.browser.put("/api/me/password", json!({"password": new})).await.ok();
    assert_eq!((anna.browser.state().await.as_str(), elsewhere.state().await.as_str()), ("open", "none"));
    anna.password_in(&mut elsewhere, PASSWORD).await.refused(401, "wrong_credentials");
    anna.password_in(&mut elsewhere, new).await.ok();
}

#[tokio::test]
async fn another_authenticator_counts_once_it_is_confirmed() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    anna.steps_up(&site).await;
    let shown = anna.browser.post("/api/me/totp", Value::Null).await.ok();
    let secret = shown["secret"].as_str().unwrap();
    assert!(shown["uri"].as_str().unwrap().starts_with("otpauth://totp/Vigil:anna.berg?secret="));
    let new = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    let code_of_new = || new.generate(u64::try_from(site.clock.now().millis() / 1_000).unwrap()).to_string();
    let mut elsewhere = Browser::new(&site);
    anna.signs_in(&site, &mut elsewhere).await;
    let old = json!({"code": anna.code(&site)});
    anna.browser.put("/api/me/totp", old).await.refused(401, "wrong_code");
    anna.browser.put("/api/me/totp", json!({"code": code_of_new()})).await.ok();
    assert_eq!(elsewhere.state().await, "none");
    anna.password_in(&mut elsewhere, PASSWORD).await.ok();
    let old = json!({"code": anna.code(&site)});
    elsewhere.post("/api/session/factor", old).await.refused(401, "wrong_code");
    elsewhere.post("/api/session/factor", json!({"code": code_of_new()})).await.ok();
}

#[tokio::test]
async fn other_recovery_codes_void_those_before() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    anna.steps_up(&site).await;
    let codes = anna.browser.post("/api/me/recovery-codes", Value::Null).await.ok()["codes"].clone();
    let mut browser = Browser::new(&site);
    anna.password_in(&mut browser, PASSWORD).await.ok();
    browser.post("/api/session/factor", json!({"code": anna.recovery[0]})).await.refused(401, "wrong_code");
    browser.post("/api/session/factor", json!({"code": codes[9]})).await.ok();
}

#[tokio::test]
async fn a_seed_lies_sealed_and_a_token_only_as_its_digest() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let db = site.database.pool().get().await.unwrap();
    let tables = ["users", "credentials", "sessions", "one_time_codes", "sign_in_places", "audit_events"];
    let mut stored = String::new();
    for table in tables {
        let row =
            db.query_one(&format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"), &[]).await.unwrap();
        stored.push_str(row.get(0));
    }
    assert!(stored.contains("anna.berg") && stored.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    let secret = anna.secret();
    let hex = secret.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for secret in [hex.as_str(), anna.browser.token().unwrap(), PASSWORD, &anna.recovery[0]] {
        assert!(!stored.contains(secret), "{secret}");
    }
}
