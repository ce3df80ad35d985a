//! How a connection ends: what its client is told, and what is said of it.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use vitals::{Stream, Topic};

use super::codes::Code;
use super::encode;
use super::session::{Ending, Session};
use crate::pipeline::{Publish, StreamKind};

/// How long a client that is sent away may need to read why.
const GOODBYE: Duration = Duration::from_millis(500);

impl Session {
    pub(super) async fn finish(&mut self, ending: Ending) {
        let device = self.rights.me.key;
        let code = match ending {
            Ending::Left | Ending::Gone => None,
            Ending::Cut(code) => Some(code),
            Ending::Stopped => Some(Code::ShuttingDown),
        };
        // When we stop, the device has not gone: its will stays unsaid.
        if matches!(ending, Ending::Gone | Ending::Cut(_)) {
            self.say_the_will();
        }
        if let Some(code) = code {
            if code != Code::ShuttingDown {
                self.front.refused(code);
                tracing::info!(device.id = %device, reason = code.label(), "closed a connection");
            }
            if self.version.is_v5() {
                encode::disconnect(&mut self.write, code);
            }
            let linger = code != Code::TakenOver;
            // A client that does not take its goodbye loses nothing that was promised to it.
            if !matches!(timeout(GOODBYE, self.goodbye(linger)).await, Ok(Ok(()))) {
                tracing::debug!(device.id = %device, "a client went before it was told why");
            }
        }
    }

    /// Closing a socket with bytes unread resets it, and the client would never read why: so they are read.
    async fn goodbye(&mut self, linger: bool) -> io::Result<()> {
        self.socket.write_all_buf(&mut self.write).await?;
        self.socket.flush().await?;
        self.socket.shutdown().await?;
        if linger {
            tokio::io::copy(&mut self.socket, &mut tokio::io::sink()).await?;
        }
        Ok(())
    }

    fn say_the_will(&mut self) {
        let Some((payload, qos)) = self.will.take() else { return };
        let device = self.rights.me.clone();
        self.front.statuses.put(&device.name, &payload, qos);
        let topic = Topic { gateway: None, device: device.name.as_str(), stream: Stream::Status }.to_string();
        let route = self.front.pipeline.route(device, StreamKind::Status, topic.into());
        let mut will = vec![Publish { route, payload, json: true, pkid: None }];
        self.front.pipeline.accept(&mut will, &mut self.window);
    }
}
