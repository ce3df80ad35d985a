//! Remembers each device's clock offset over a restart, so that a backlog is not taken for a slow clock.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use tokio_util::sync::CancellationToken;
use vitals::{Clock, DeviceKey, Timestamp};

use crate::pipeline::Devices;

/// Soon enough that a crash hardly ever comes between a clock that was understood and its row: a replay looks for a slow
/// device's frames by it.
const EVERY: Duration = Duration::from_secs(5);

/// An offset that changed by less is not written again: the least delay wanders by milliseconds.
const WORTH_US: i64 = 250_000;

/// An offset is remembered for as long as a running process would remember it.
const FRESH_MS: i64 = 10 * 60_000;

pub(crate) async fn load(pool: &store::Pool, devices: &Devices, clock: &Clock) -> Result<(), store::Error> {
    let db = pool.get().await?;
    let now = clock.now();
    for (device, offset_us, seen_at) in store::clocks::load(&db).await? {
        if now.millis_since(seen_at) < FRESH_MS {
            devices.remember(device, offset_us, now);
        }
    }
    Ok(())
}

pub(crate) async fn run(pool: store::Pool, devices: Arc<Devices>, clock: Clock, stop: CancellationToken) {
    let mut saved: AHashMap<DeviceKey, (i64, Timestamp)> = AHashMap::default();
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = stop.cancelled() => true,
        };
        let now = clock.now();
        let mut offsets = devices.offsets(now);
        offsets.retain(|(device, offset_us)| match saved.get(device) {
            // Half way through its life the row is written again, so that it does not look forgotten.
            Some((before, at)) => (offset_us - before).abs() >= WORTH_US || now.millis_since(*at) > FRESH_MS / 2,
            None => true,
        });
        if !offsets.is_empty() {
            let outcome = async {
                let db = pool.get().await?;
                store::clocks::save(&db, &offsets, now).await
            };
            match outcome.await {
                Ok(()) => saved.extend(offsets.into_iter().map(|(device, offset_us)| (device, (offset_us, now)))),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "could not save clock offsets"),
            }
        }
        if stopped {
            return;
        }
    }
}
