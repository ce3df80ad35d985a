//! A screen: a WebSocket on /live.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::vigil::PATIENCE;

pub struct Screen {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    opened: Instant,
    seen: Vec<(String, String)>,
}

impl Screen {
    pub async fn open(portal: SocketAddr) -> Self {
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{portal}/live")).await.unwrap();
        let watch = r#"{"type":"watch","devices":null,"resume":null}"#;
        socket.send(Message::text(watch)).await.unwrap();
        Self { socket, opened: Instant::now(), seen: Vec::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("news in time").expect("open").unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    fn note(&mut self, alarm: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.seen.push((text(&alarm["device"]), text(&alarm["code"])));
    }

    /// How long after opening this alarm was on the screen.
    pub async fn alarm(&mut self, device: &str, code: &str) -> Duration {
        let wanted = (device.to_owned(), code.to_owned());
        while !self.seen.contains(&wanted) {
            assert!(self.opened.elapsed() < PATIENCE, "never on the screen: {wanted:?}; seen {:?}", self.seen);
            let news = self.next().await;
            match news["type"].as_str() {
                Some("alarm") => self.note(&news["alarm"]),
                Some("snapshot") => news["alarms"].as_array().unwrap().iter().for_each(|alarm| self.note(alarm)),
                _ => {}
            }
        }
        self.opened.elapsed()
    }

    pub fn seen(&self) -> &[(String, String)] {
        &self.seen
    }
}
