//! People who sign in by the front door of a running server, by the clock of this machine.

use std::collections::BTreeMap;

use reqwest::{Method, header};
use serde_json::{Value, json};
use store::Client;
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;
use vitals::Clock;

use super::vigil::Vigil;

pub const PASSWORD: &str = "tulip-Quarry-79-lantern";

/// A browser: it keeps cookies.
pub struct Browser {
    vigil: std::net::SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(vigil: &Vigil) -> Self {
        Self { vigil: vigil.portal, cookies: BTreeMap::new() }
    }

    pub async fn ask(&mut self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = reqwest::Client::new().request(method, format!("http://{}{path}", self.vigil));
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        // Each may be kept for when it is asked for again, secrets among it.
        request =
            request.header(header::COOKIE, cookies.join("; ")).header("idempotency-key", Uuid::now_v7().to_string());
        let response = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }
}

/// Somebody who has just set up a password and an authenticator. Neither sleeps until the next code: the one after the
/// present is taken too.
pub struct Member {
    pub browser: Browser,
    pub totp: Totp,
    pub secrets: Vec<(&'static str, String)>,
}

impl Member {
    pub async fn welcomed(vigil: &Vigil, token: &str, login: &str) -> Self {
        let mut browser = Browser::new(vigil);
        let named = browser.post("/api/welcome", json!({"token": token})).await;
        let mut body = json!({"token": token, "password": PASSWORD});
        if named["purpose"] == "first_administrator" {
            body["login"] = json!(login);
            body["display_name"] = json!("Of the staff");
        }
        let begun = browser.post("/api/welcome/begin", body).await;
        let seed = begun["secret"].as_str().unwrap().to_owned();
        let totp = Builder::new().with_secret(Secret::try_from_base32(&seed).unwrap()).build().unwrap();
        let code = code(&totp, 0);
        let codes = browser.post("/api/welcome/finish", json!({"token": token, "code": code})).await;
        let mut secrets = vec![("the token of a link", token.to_owned()), ("a seed as it is typed", seed)];
        let recovery = codes["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
        secrets.extend(recovery.map(|code| ("a recovery code", code)));
        Self { browser, totp, secrets }
    }

    /// For what is grave. Codes may be given again after it: nobody waits 30 s for the next.
    pub async fn steps_up(&mut self, superuser: &Client) {
        let again = "UPDATE credentials SET last_step = NULL";
        superuser.execute(again, &[]).await.unwrap();
        self.browser.post("/api/session/step-up", json!({"code": code(&self.totp, 0)})).await;
        superuser.execute(again, &[]).await.unwrap();
    }

    pub fn keeps(&mut self, what: &'static str) {
        self.secrets.push((what, self.browser.cookies["vigil"].clone()));
    }
}

pub fn code(totp: &Totp, steps_ahead: i64) -> String {
    totp.generate(u64::try_from(Clock::system().now().millis() / 1_000 + 30 * steps_ahead).unwrap()).to_string()
}
