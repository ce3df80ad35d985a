//! Remembers each device's clock offset over a restart, so that a backlog is not taken for a slow clock.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::pipeline::Devices;

const EVERY: Duration = Duration::from_secs(60);

pub(crate) async fn load(pool: &store::Pool, devices: &Devices, clock: &Clock) -> Result<(), store::Error> {
    let db = pool.get().await?;
    let now = clock.now();
    for (device, offset_us, _) in store::clocks::load(&db).await? {
        devices.remember(device, offset_us, now);
    }
    Ok(())
}

pub(crate) async fn run(pool: store::Pool, devices: Arc<Devices>, clock: Clock, stop: CancellationToken) {
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = stop.cancelled() => true,
        };
        let now = clock.now();
        let outcome = async {
            let db = pool.get().await?;
            store::clocks::save(&db, &devices.offsets(now), now).await
        };
        if let Err(error) = outcome.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not save clock offsets");
        }
        if stopped {
            return;
        }
    }
}
