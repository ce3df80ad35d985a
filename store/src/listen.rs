//! Hearing of what others commit: LISTEN on a connection of one's own.

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket, tls::NoTlsStream};

use crate::Error;
use crate::connect::PATIENCE;

/// A session that hears what is notified, and can ask as well.
pub struct Listener {
    pub(crate) client: Client,
    heard: Receiver<()>,
    /// Drives the connection; its drop ends both, though a query may never have been answered.
    _driven: JoinSet<()>,
}

impl Listener {
    /// Hears everything that is notified on `channel` from here on. `name` is what `pg_stat_activity` calls it.
    pub(crate) async fn open(mut to: Config, name: &str, channel_name: &str) -> Result<Self, Error> {
        to.application_name(name);
        let opened = tokio::time::timeout(PATIENCE, async {
            let (client, connection) = to.connect(NoTls).await?;
            // One place: what is heard says only "look again", however often it was said.
            let (tell, heard) = channel(1);
            let mut driven = JoinSet::new();
            driven.spawn(drive(connection, tell));
            client.batch_execute(&format!("LISTEN {channel_name}")).await?;
            Ok(Self { client, heard, _driven: driven })
        });
        opened.await.map_err(|_| Error::ConnectTimeout(PATIENCE.as_secs()))?
    }

    /// The session itself; its locks end when it does.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Ready once something was notified since the last call, and at once when the connection is gone.
    pub async fn heard(&mut self) {
        self.heard.recv().await;
    }
}

async fn drive(mut connection: Connection<Socket, NoTlsStream>, tell: Sender<()>) {
    let mut messages = poll_fn(|context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(_)) => {
                // Full: whoever listens will look anyway.
                tell.try_send(()).unwrap_or_default();
            }
            Ok(_) => {}
            // Whoever uses the client gets an error of its own; this one says why.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a listening connection ended");
                return;
            }
        }
    }
}
