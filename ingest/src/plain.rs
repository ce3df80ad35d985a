//! Payloads that went to quarantine before they were sealed are sealed once, after a start, a few at a time.

use std::time::Duration;

use keys::{Keyring, TokenKind};
use store::Pool;
use store::telemetry::quarantine;
use tokio_util::sync::CancellationToken;

use crate::pipeline::seal;

/// Rows of one transaction. A payload has at most a packet's bytes.
const ROWS: i64 = 32;

/// Pause between two transactions: writers come first, above all right after a takeover.
const PAUSE: Duration = Duration::from_millis(100);

/// Pause before another try when the database is away.
const RETRY: Duration = Duration::from_secs(10);

pub(crate) async fn run(pool: Pool, keyring: Keyring, stop: CancellationToken) {
    let mut sealed = 0;
    while !stop.is_cancelled() {
        let pause = match some(&pool, &keyring).await {
            Ok(0) => break,
            Ok(rows) => {
                sealed += rows;
                PAUSE
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "payloads in quarantine cannot be sealed yet");
                RETRY
            }
        };
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => break }
    }
    if sealed > 0 {
        tracing::info!(rows = sealed, "payloads in quarantine were sealed");
    }
}

/// Answers how many. Of a payload that was cut the whole is not known: its new digest is a keyed one of the old, so what
/// repeats it begins a row of its own.
async fn some(pool: &Pool, keyring: &Keyring) -> Result<usize, store::Error> {
    let mut client = pool.get().await?;
    let tx = client.transaction().await?;
    let rows = quarantine::plain(&tx, ROWS).await?;
    for row in &rows {
        let digest = keyring.token(TokenKind::Quarantine, &row.digest).bytes;
        quarantine::seal(&tx, row.id, &digest, &seal(keyring, &digest, &row.payload)).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}
