use std::collections::BTreeMap;

use reqwest::{Method, header};
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::screen::Screen;
use crate::site::Site;

/// A browser: it keeps cookies, and nothing else does.
#[derive(Clone)]
pub(crate) struct Browser {
    http: reqwest::Client,
    address: std::net::SocketAddr,
    pub(crate) cookies: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) set_cookies: Vec<String>,
    pub(crate) retry_after: Option<String>,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What it must have been.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.body);
    }
}

impl Browser {
    pub(crate) fn new(site: &Site) -> Self {
        Self::at(site.address)
    }

    pub(crate) fn at(address: std::net::SocketAddr) -> Self {
        Self { http: reqwest::Client::new(), address, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("http://{}{path}", self.address));
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.line());
        }
        if let Some(body) = body.filter(|body| !body.is_null()) {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let texts = |name| {
            let values = response.headers().get_all(name).iter();
            values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (set_cookies, retry_after) = (texts(header::SET_COOKIE), texts(header::RETRY_AFTER).pop());
        for cookie in &set_cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, body, set_cookies, retry_after }
    }

    fn line(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub(crate) fn token(&self) -> Option<&String> {
        self.cookies.get("vigil")
    }

    pub(crate) async fn state(&mut self) -> String {
        self.get("/api/session").await.ok()["state"].as_str().unwrap().to_owned()
    }

    /// Its end of `/live`. None: refused.
    pub(crate) async fn live(&self) -> Option<Screen> {
        let mut handshake = format!("ws://{}/live", self.address).into_client_request().unwrap();
        handshake.headers_mut().insert("cookie", self.line().parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(handshake).await.ok()?;
        Some(Screen(socket))
    }
}
