//! The limit: bare COPY BINARY of the rows that the server stored, by one connection into the same table.

use std::time::Instant;

use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio_postgres::Client;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Every row of `vitals` as COPY prints it, in order of arrival.
pub(crate) async fn rows(client: &Client) -> anyhow::Result<Vec<Bytes>> {
    let stream = client.copy_out("COPY (SELECT * FROM vitals ORDER BY received_at) TO STDOUT (FORMAT BINARY)").await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    let mut first = true;
    while let Some(chunk) = stream.next().await {
        let mut chunk = chunk?;
        if std::mem::take(&mut first) {
            drop(chunk.split_to(SIGNATURE.len()));
        }
        // PostgreSQL sends one row a message; the trailer is the only short one.
        if chunk.len() > 2 {
            rows.push(chunk);
        }
    }
    Ok(rows)
}

/// (device, at) of a row: fields 4 and 1, each behind a length of four bytes.
fn key(row: &[u8]) -> anyhow::Result<(i32, i64)> {
    let mut rest = row.get(2..).context("a field count")?;
    let (mut at, mut device) = (0, 0);
    for field in 0..4 {
        let length = i32::from_be_bytes(rest.get(..4).context("a length")?.try_into()?).max(0) as usize;
        let value = rest.get(4..4 + length).context("a value")?;
        match field {
            0 => at = i64::from_be_bytes(value.try_into()?),
            3 => device = i32::from_be_bytes(value.try_into()?),
            _ => {}
        }
        rest = &rest[4 + length..];
    }
    Ok((device, at))
}

/// Seconds that COPY takes in batches of `batch` rows, each sorted by key as the server sorts its own, each committed.
/// Encoding and sorting happen before the clock starts.
pub(crate) async fn copy(client: &Client, rows: &[Bytes], batch: usize) -> anyhow::Result<f64> {
    let mut batches = Vec::new();
    for rows in rows.chunks(batch.max(1)) {
        let mut keyed = rows.iter().map(|row| Ok((key(row)?, row))).collect::<anyhow::Result<Vec<_>>>()?;
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let mut bytes = BytesMut::with_capacity(SIGNATURE.len() + rows.iter().map(Bytes::len).sum::<usize>() + 2);
        bytes.put_slice(SIGNATURE);
        keyed.iter().for_each(|(_, row)| bytes.put_slice(row));
        bytes.put_i16(-1);
        batches.push(bytes.freeze());
    }
    client.batch_execute("SET synchronous_commit = on").await?;
    let statement = client.prepare("COPY vitals FROM STDIN (FORMAT BINARY)").await?;
    let begin = Instant::now();
    for batch in batches {
        let mut sink = std::pin::pin!(client.copy_in(&statement).await?);
        sink.send(batch).await?;
        sink.finish().await?;
    }
    Ok(begin.elapsed().as_secs_f64())
}
