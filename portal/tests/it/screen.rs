use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::site::Site;
use store::testing::Person;

/// Far more than any message takes: reaching it means that the message does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser's end of `/live`.
pub(crate) struct Screen(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Screen {
    pub(crate) async fn connect(site: &Site) -> Self {
        Self::try_connect(site).await.expect("a place for one more screen")
    }

    /// None where the portal has no place for another screen.
    pub(crate) async fn try_connect(site: &Site) -> Option<Self> {
        Self::try_connect_as(site, &site.nurse).await
    }

    pub(crate) async fn try_connect_as(site: &Site, person: &Person) -> Option<Self> {
        Self::try_connect_with(site, &person.cookie()).await
    }

    pub(crate) async fn try_connect_with(site: &Site, cookie: &str) -> Option<Self> {
        let mut handshake = format!("ws://{}/live", site.address).into_client_request().unwrap();
        handshake.headers_mut().insert("cookie", cookie.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(handshake).await.ok()?;
        Some(Self(socket))
    }

    /// Watches everything.
    pub(crate) async fn watching(site: &Site) -> Self {
        let mut screen = Self::connect(site).await;
        screen.say(&json!({"type": "watch", "devices": null})).await;
        screen
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// None once the server has closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a message in time")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The code with which the server closes; what comes before is passed over.
    pub(crate) async fn closed(&mut self) -> u16 {
        self.closed_after().await.0
    }

    /// The same, and how many heartbeats came before: one a second.
    pub(crate) async fn closed_after(&mut self) -> (u16, usize) {
        let (begun, mut beats) = (std::time::Instant::now(), 0);
        loop {
            assert!(begun.elapsed() < PATIENCE, "it does not close");
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("it closes in time");
            match message.expect("a close frame comes first").expect("a close frame comes first") {
                Message::Close(frame) => return (frame.expect("with its reason").code.into(), beats),
                Message::Text(text) => beats += usize::from(text.contains("\"type\":\"heartbeat\"")),
                _ => {}
            }
        }
    }

    /// The next message of this type; others are passed over, heartbeats among them, which come for ever.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        let begun = std::time::Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE * 3, "no {kind} comes");
            let message = self.next().await.unwrap_or_else(|| panic!("closed before {kind}"));
            if message["type"] == kind {
                return message;
            }
        }
    }
}
