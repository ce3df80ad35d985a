//! What was acknowledged against what is in the table, frame by frame.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use tokio_postgres::Client;
use vitals::{Parameter, Timestamp};

use crate::dataset;
use crate::site::Enrolled;

/// PostgreSQL counts from 2000-01-01.
const EPOCH_US: i64 = 946_684_800_000_000;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) acknowledged: u64,
    pub(crate) rows: u64,
    /// Acknowledged, and not in the table.
    pub(crate) lost: u64,
    /// Rows beyond one for each (device, at).
    pub(crate) doubled: u64,
    /// In the table, and not acknowledged.
    pub(crate) unasked: u64,
}

impl std::ops::AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.rows += other.rows;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.unasked += other.unasked;
    }
}

/// `books`: when each acknowledged frame was measured, in the order of `devices`. Rows of other devices are passed over,
/// and those outside `from..until`.
pub(crate) async fn verify(
    client: &Client,
    devices: &[Enrolled],
    books: &[Vec<Timestamp>],
    from: Timestamp,
    until: Timestamp,
) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    for (book, rows) in books.iter().zip(rows(client, devices, from, until).await?) {
        verdict += compare(book, rows);
        // Whoever measures beside it gets its turn.
        tokio::task::yield_now().await;
    }
    Ok(verdict)
}

fn compare(book: &[Timestamp], mut rows: Vec<Timestamp>) -> Verdict {
    let all = rows.len();
    rows.sort_unstable();
    rows.dedup();
    let found = book.iter().filter(|at| rows.binary_search(at).is_ok()).count();
    Verdict {
        acknowledged: book.len() as u64,
        rows: all as u64,
        lost: (book.len() - found) as u64,
        doubled: (all - rows.len()) as u64,
        unasked: (rows.len() - found) as u64,
    }
}

/// The times of each device's rows.
async fn rows(
    client: &Client,
    devices: &[Enrolled],
    from: Timestamp,
    until: Timestamp,
) -> anyhow::Result<Vec<Vec<Timestamp>>> {
    let places: HashMap<i32, usize> = devices.iter().enumerate().map(|(place, device)| (device.key, place)).collect();
    let query = format!("SELECT device_key, at FROM vitals WHERE at >= '{from}' AND at < '{until}'");
    let stream = client.copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT BINARY)")).await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = vec![Vec::new(); devices.len()];
    let mut first = true;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let row = if std::mem::take(&mut first) { chunk.get(HEADER.len()..).context("a header")? } else { &chunk };
        // PostgreSQL sends one row a message; the trailer is the only short one.
        if row.len() <= 2 {
            continue;
        }
        // Field count, and a length before each field.
        ensure!(row.len() == 2 + 4 + 4 + 4 + 8, "a row of {} bytes", row.len());
        let key = i32::from_be_bytes(row[6..10].try_into()?);
        let at = i64::from_be_bytes(row[14..22].try_into()?);
        if let Some(&place) = places.get(&key) {
            rows[place].push(Timestamp::from_micros(at + EPOCH_US));
        }
    }
    Ok(rows)
}

/// Rows of a load whose values are not those that the device sent under their `seq`.
pub(crate) async fn altered(client: &Client) -> anyhow::Result<u64> {
    let columns: Vec<_> = Parameter::ALL.iter().map(|parameter| parameter.key()).collect();
    let sent = (0..dataset::CYCLE).map(|index| {
        let values = dataset::values(index);
        let value = |parameter: &Parameter| values.get(*parameter).map_or("NULL".to_owned(), |value| value.to_string());
        let values: Vec<_> = Parameter::ALL.iter().map(|parameter| format!("{}::real", value(parameter))).collect();
        format!("({index}, {})", values.join(", "))
    });
    let query = format!(
        "SELECT count(*) FROM vitals v JOIN (VALUES {sent}) AS sent (cycle, {columns})
             ON sent.cycle = (v.seq - {first}) % {cycle}
         WHERE v.seq >= {first} AND ROW({left}) IS DISTINCT FROM ROW({right})",
        sent = sent.collect::<Vec<_>>().join(", "),
        columns = columns.join(", "),
        first = dataset::FIRST_SEQ,
        cycle = dataset::CYCLE,
        left = columns.iter().map(|column| format!("v.{column}")).collect::<Vec<_>>().join(", "),
        right = columns.iter().map(|column| format!("sent.{column}")).collect::<Vec<_>>().join(", "),
    );
    count(client, &query).await
}

pub(crate) async fn quarantined(client: &Client) -> anyhow::Result<u64> {
    count(client, "SELECT count(*) FROM quarantine").await
}

async fn count(client: &Client, query: &str) -> anyhow::Result<u64> {
    let count: i64 = client.query_one(query, &[]).await?.get(0);
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(book: &[i64], rows: &[i64]) -> (u64, u64, u64) {
        let times = |times: &[i64]| times.iter().map(|us| Timestamp::from_micros(*us)).collect::<Vec<_>>();
        let verdict = compare(&times(book), times(rows));
        (verdict.lost, verdict.doubled, verdict.unasked)
    }

    #[test]
    fn what_is_lost_doubled_and_unasked_is_told_apart_where_counts_agree() {
        assert_eq!(told(&[1, 2, 3], &[3, 1, 2]), (0, 0, 0));
        assert_eq!(told(&[1, 2, 3], &[3, 1, 1]), (1, 1, 0));
        assert_eq!(told(&[1, 2, 3], &[3, 1, 4]), (1, 0, 1));
        assert_eq!(told(&[], &[4, 4]), (0, 1, 1));
    }
}
