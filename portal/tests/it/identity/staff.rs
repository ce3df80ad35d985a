use portal::command::Users;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

use super::browser::{Answer, Browser};
use crate::site::Site;

pub(crate) const PASSWORD: &str = "tulip-Quarry-79-lantern";

/// Somebody with a password and an authenticator, and the browser in which he set them up.
pub(crate) struct Member {
    pub(crate) id: Uuid,
    pub(crate) login: String,
    pub(crate) recovery: Vec<String>,
    pub(crate) browser: Browser,
    totp: Totp,
}

impl Member {
    /// Follows a link to its end: signed in with both factors.
    pub(crate) async fn welcomed(site: &Site, token: &str, login: &str) -> Self {
        let mut member = Self::begins(site, token, login).await;
        let codes = member.finishes(site, token).await.ok();
        member.recovery = codes["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().into()).collect();
        let session = member.browser.get("/api/session").await.ok();
        assert_eq!(session["state"], "open");
        member.id = session["user"]["id"].as_str().unwrap().parse().unwrap();
        member
    }

    pub(crate) async fn begins(site: &Site, token: &str, login: &str) -> Self {
        let mut browser = Browser::new(site);
        let shown = browser.post("/api/welcome", json!({"token": token})).await.ok();
        let mut body = json!({"token": token, "password": PASSWORD});
        if shown["purpose"] == "first_administrator" {
            body["login"] = json!(login);
            body["display_name"] = json!("Somebody");
        }
        let secret = browser.post("/api/welcome/begin", body).await.ok()["secret"].as_str().unwrap().to_owned();
        let totp = Builder::new().with_secret(Secret::try_from_base32(&secret).unwrap()).build().unwrap();
        Self { id: Uuid::nil(), login: login.to_owned(), recovery: Vec::new(), browser, totp }
    }

    pub(crate) async fn finishes(&mut self, site: &Site, token: &str) -> Answer {
        let code = self.code(site);
        self.browser.post("/api/welcome/finish", json!({"token": token, "code": code})).await
    }

    /// What the authenticator shows; a new one each time, since each is good once.
    pub(crate) fn code(&self, site: &Site) -> String {
        site.hand.advance_ms(30_000);
        self.code_now(site)
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.totp.secret().as_bytes()
    }

    pub(crate) fn code_now(&self, site: &Site) -> String {
        self.totp.generate(u64::try_from(site.clock.wall().millis() / 1_000).unwrap()).to_string()
    }

    /// The first factor, in this browser.
    pub(crate) async fn password_in(&self, browser: &mut Browser, password: &str) -> Answer {
        browser.post("/api/session", json!({"login": self.login, "password": password})).await
    }

    /// Both factors.
    pub(crate) async fn signs_in(&self, site: &Site, browser: &mut Browser) -> Value {
        assert_eq!(self.password_in(browser, PASSWORD).await.ok()["state"], "half");
        let session = browser.post("/api/session/factor", json!({"code": self.code(site)})).await.ok();
        assert_eq!(session["state"], "open");
        session
    }

    pub(crate) async fn steps_up(&mut self, site: &Site) {
        let code = self.code(site);
        self.browser.post("/api/session/step-up", json!({"code": code})).await.ok();
    }
}

/// A portal with two administrators.
pub(crate) struct Office {
    pub(crate) site: Site,
    pub(crate) anna: Member,
    pub(crate) bert: Member,
}

pub(crate) fn command(site: &Site) -> Users {
    let deps = site.deps();
    Users::new(deps.pool, deps.audit_pool, deps.clock, deps.keyring)
}

/// The first one, by the link of the command line.
pub(crate) async fn first_administrator(site: &Site) -> Member {
    let link = command(site).first_administrator(false).await.unwrap();
    Member::welcomed(site, &link.token, "anna.berg").await
}

impl Office {
    pub(crate) async fn open() -> Self {
        Self::open_on(Site::open().await).await
    }

    pub(crate) async fn open_on(site: Site) -> Self {
        let mut anna = first_administrator(&site).await;
        proves_himself_always(&site, &anna).await;
        let bert = invited(&site, &mut anna, "bert.cole").await;
        proves_himself_always(&site, &bert).await;
        // While there is one administrator, he makes the second alone.
        grant(&mut anna, &bert, "administrator").await.ok();
        Self { site, anna, bert }
    }

    /// Invited by one, granted by one, and approved by the other where that is needed.
    pub(crate) async fn hire(&mut self, login: &str, role: &str) -> Member {
        let member = invited(&self.site, &mut self.anna, login).await;
        self.employ(&member, role).await;
        member
    }

    pub(crate) async fn employ(&mut self, member: &Member, role: &str) -> Value {
        let grant = grant(&mut self.anna, member, role).await.ok();
        if grant["state"] != "pending" {
            return grant;
        }
        let approve = format!("/api/grants/{}/approve", grant["id"].as_str().unwrap());
        self.bert.browser.post(&approve, Value::Null).await.ok()
    }

    /// Keeps both administrators from being locked while time goes on.
    pub(crate) async fn stays_awake(&mut self) {
        for administrator in [&mut self.anna, &mut self.bert] {
            administrator.browser.post("/api/session/input", Value::Null).await.ok();
        }
    }
}

/// By a hand on the database: what is grave needs a code each five minutes, and each code takes half a minute of a test.
pub(crate) async fn proves_himself_always(site: &Site, member: &Member) {
    let db = site.database.pool().get().await.unwrap();
    db.execute("UPDATE sessions SET stepped_up_at = '2100-01-01' WHERE user_id = $1", &[&member.id]).await.unwrap();
}

pub(crate) async fn invited(site: &Site, by: &mut Member, login: &str) -> Member {
    let invited = by.browser.post("/api/users", json!({"login": login, "display_name": "Somebody"})).await.ok();
    Member::welcomed(site, invited["token"].as_str().unwrap(), login).await
}

pub(crate) async fn grant(by: &mut Member, to: &Member, role: &str) -> Answer {
    by.browser.post("/api/grants", json!({"user_id": to.id, "role": role})).await
}
