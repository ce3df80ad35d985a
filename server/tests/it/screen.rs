//! A screen: a WebSocket on /live.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use store::testing::Person;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use vitals::Timestamp;

use super::vigil::PATIENCE;

pub struct Screen {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    opened: Instant,
    seen: Vec<(String, String)>,
    cleared: Vec<(String, String)>,
    /// (device, received at, in ms) of every latest reading that was shown.
    numbers: Vec<(String, i64)>,
}

impl Screen {
    pub async fn open(portal: SocketAddr, nurse: &Person) -> Self {
        let mut handshake = format!("ws://{portal}/live").into_client_request().unwrap();
        handshake.headers_mut().insert("cookie", nurse.cookie().parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(handshake).await.unwrap();
        let watch = r#"{"type":"watch","devices":null,"resume":null}"#;
        socket.send(Message::text(watch)).await.unwrap();
        Self { socket, opened: Instant::now(), seen: Vec::new(), cleared: Vec::new(), numbers: Vec::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("news in time").expect("open").unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    fn note(&mut self, news: &Value) {
        let list = |key: &str| news[key].as_array().cloned().unwrap_or_default();
        for number in list("numbers") {
            self.numbers.push((text(&number["device"]), number["received_at_ms"].as_i64().unwrap()));
        }
        self.seen.extend(list("alarms").iter().map(which));
        match news["what"].as_str() {
            Some("cleared") => self.cleared.push(which(&news["alarm"])),
            Some(_) => self.seen.push(which(&news["alarm"])),
            None => {}
        }
    }

    async fn until(&mut self, what: &str, shown: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !shown(self) {
            assert!(begin.elapsed() < PATIENCE, "never on the screen: {what}; seen {:?}", self.seen);
            let news = self.next().await;
            self.note(&news);
        }
    }

    /// How long after opening this alarm was on the screen.
    pub async fn alarm(&mut self, device: &str, code: &str) -> Duration {
        let wanted = (device.to_owned(), code.to_owned());
        self.until(code, |screen| screen.seen.contains(&wanted)).await;
        self.opened.elapsed()
    }

    pub async fn cleared(&mut self, device: &str, code: &str) {
        let wanted = (device.to_owned(), code.to_owned());
        self.until(code, |screen| screen.cleared.contains(&wanted)).await;
    }

    /// A reading of the device that was received after this moment.
    pub async fn number(&mut self, device: &str, after: Timestamp) {
        let newer = |(name, at): &(String, i64)| name == device && *at > after.millis();
        self.until(device, |screen| screen.numbers.iter().any(newer)).await;
    }

    /// Goes on looking, whatever comes.
    pub async fn looks_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(news) = timeout(end.saturating_duration_since(Instant::now()), self.next()).await {
            self.note(&news);
        }
    }

    /// Looks until the server closes or is gone; answers every alarm that was ever on the screen.
    pub async fn ends(mut self) -> Vec<(String, String)> {
        while let Some(Ok(message)) = timeout(PATIENCE, self.socket.next()).await.expect("an end in time") {
            if let Message::Text(text) = message {
                self.note(&serde_json::from_str(&text).unwrap());
            }
        }
        self.seen
    }

    pub fn seen(&self) -> &[(String, String)] {
        &self.seen
    }
}

/// (device, code); the device of an alarm of the system is empty.
fn which(alarm: &Value) -> (String, String) {
    (text(&alarm["device"]), text(&alarm["code"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
