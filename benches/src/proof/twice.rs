//! The same frames sent twice.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::ensure;
use vitals::Timestamp;

use super::{Found, verdict_table};
use crate::ledger;
use crate::load::{Load, Plan, Source, Told, WINDOW};
use crate::server::Server;
use crate::site::{Enrolled, Site};

pub(super) async fn run(site: &Site, devices: &[Enrolled], frames: usize) -> anyhow::Result<Found> {
    eprintln!("{frames} frames, twice");
    site.empty().await?;
    let server = site.start()?;
    let mut first = send(&server, devices, Source::Fast(Some(frames / devices.len()))).await?;
    let before = contents(site).await?;
    let books = Arc::new(std::mem::take(&mut first.books));
    let second = send(&server, devices, Source::Again(books.clone())).await?;
    ensure!(
        second.acknowledged == first.acknowledged,
        "{} acknowledged of {}",
        second.acknowledged,
        first.acknowledged
    );
    let after = contents(site).await?;
    drop(server);

    let (from, until) = (Timestamp::from_micros(0), Timestamp::from_millis(4_102_444_800_000));
    let mut verdict = ledger::verify(&site.client, devices, &books, from, until).await?;
    let wrong = vec![
        (u64::from(before != after), "tables that the second sending changed"),
        (ledger::altered(&site.client).await?, "rows whose values are not those that were sent"),
        (ledger::quarantined(&site.client).await?, "messages in quarantine"),
    ];
    let mut text = format!("## {} frames sent twice\n\n", first.acknowledged);
    let speed = |told: &Told| told.acknowledged as f64 / told.seconds;
    writeln!(
        text,
        "{:.0} frames/s the first time, {:.0} the second. Rows before the second sending: {}, after: {}; a hash over all rows is {}.\n",
        speed(&first),
        speed(&second),
        before.0,
        after.0,
        if before.1 == after.1 { "the same" } else { "another" }
    )?;
    verdict_table(&mut text, &verdict, &wrong)?;
    // Acknowledged twice, to be in the table once.
    verdict.acknowledged += second.acknowledged;
    Ok(Found { verdict, wrong, text })
}

async fn send(server: &Server, devices: &[Enrolled], source: Source) -> anyhow::Result<Told> {
    let (broker, devices) = (server.mqtt, devices.to_vec());
    Load::start(Plan { broker, devices, window: WINDOW, source, returns: false })?.ended().await
}

/// How many rows, and a hash over all of their columns.
async fn contents(site: &Site) -> anyhow::Result<(i64, String)> {
    let query = "SELECT count(*), coalesce(sum(hash_record_extended(v, 0)::numeric), 0)::text FROM vitals v";
    let row = site.client.query_one(query, &[]).await?;
    Ok((row.get(0), row.get(1)))
}
