//! A screen of the ward, enrolled as a station: a WebSocket client that counts the alarms it is shown.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::COOKIE;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// A heartbeat comes each second.
const SILENT: Duration = Duration::from_secs(10);

pub(super) struct Screen {
    alarms: Arc<AtomicU64>,
}

#[derive(Deserialize)]
struct Told {
    r#type: String,
    what: Option<String>,
}

impl Screen {
    /// Watches every device from now on, until the server closes.
    pub(super) fn open(portal: SocketAddr, station: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(portal).context("connect a screen")?;
        socket.set_read_timeout(Some(SILENT)).context("connect a screen")?;
        let mut handshake = format!("ws://{portal}/live").into_client_request().context("open a screen")?;
        handshake.headers_mut().insert(COOKIE, station.parse().context("open a screen")?);
        let (mut socket, _) =
            tungstenite::client(handshake, socket).map_err(|error| anyhow!("open a screen: {error}"))?;
        let watch = r#"{"type":"watch","devices":null,"resume":null}"#;
        socket.send(Message::text(watch)).context("watch the ward")?;
        let alarms = Arc::new(AtomicU64::new(0));
        let seen = alarms.clone();
        thread::spawn(move || {
            if let Err(error) = follow(&mut socket, &seen) {
                eprintln!("a screen lost its link: {error}");
            }
        });
        Ok(Self { alarms })
    }

    /// Raised alarms that it was shown.
    pub(super) fn alarms(&self) -> u64 {
        self.alarms.load(Ordering::SeqCst)
    }
}

/// Ends without an error when the server says goodbye.
fn follow(socket: &mut WebSocket<TcpStream>, seen: &AtomicU64) -> Result<(), tungstenite::Error> {
    loop {
        let message = match socket.read() {
            Ok(message) => message,
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => return Ok(()),
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error),
        };
        let Message::Text(text) = message else { continue };
        let raised = serde_json::from_str::<Told>(&text)
            .is_ok_and(|told| told.r#type == "alarm" && told.what.as_deref() == Some("raised"));
        if raised {
            seen.fetch_add(1, Ordering::SeqCst);
        }
    }
}
