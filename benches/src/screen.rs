//! A screen: a WebSocket on /live, as a browser opens it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use vitals::What;

use crate::site::COOKIE;

pub(crate) struct Screen(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What of `portal/src/live/protocol.rs` a bench looks at.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum News {
    Snapshot {
        #[serde(flatten)]
        place: Place,
    },
    Missed {
        alarms: Vec<Step>,
    },
    Numbers {
        numbers: Vec<Latest>,
    },
    Alarm(Step),
    #[serde(other)]
    Other,
}

/// A place in the order of all transitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Place {
    pub(crate) epoch: i64,
    pub(crate) seq: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) what: What,
    pub(crate) alarm: Alarm,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) device: Option<String>,
    pub(crate) code: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Latest {
    pub(crate) device: String,
    pub(crate) values: HashMap<String, Number>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Number {
    pub(crate) value: Option<f32>,
}

impl Screen {
    /// Watches the numbers of these devices, or of all; alarms of every device come always.
    pub(crate) async fn open(
        portal: SocketAddr,
        devices: Option<&[String]>,
        resume: Option<Place>,
    ) -> anyhow::Result<Self> {
        let mut handshake = format!("ws://{portal}/live").into_client_request()?;
        handshake.headers_mut().insert("cookie", HeaderValue::from_static(COOKIE));
        let (mut socket, _) = tokio_tungstenite::connect_async(handshake).await?;
        let resume = resume.map(|Place { epoch, seq }| json!({ "epoch": epoch, "seq": seq }));
        let watch = json!({ "type": "watch", "devices": devices, "resume": resume });
        socket.send(Message::text(watch.to_string())).await?;
        Ok(Self(socket))
    }

    /// The next message and when it was here.
    pub(crate) async fn next(&mut self) -> anyhow::Result<(News, Instant)> {
        loop {
            let message = self.0.next().await.context("the screen was closed")??;
            let now = Instant::now();
            match message {
                Message::Text(text) => return Ok((serde_json::from_str(&text).context("news for a screen")?, now)),
                Message::Close(_) => bail!("the screen was sent away"),
                _ => {}
            }
        }
    }

    /// Takes the next message without looking into it; how many bytes it had.
    pub(crate) async fn skim(&mut self) -> anyhow::Result<usize> {
        Ok(self.0.next().await.context("the screen was closed")??.len())
    }
}
