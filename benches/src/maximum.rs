//! The maximum load: the whole way of a reading at a thousand connections, as `bench ingest` measures it.

use std::time::{Duration, Instant};

use crate::load::{Latencies, Load, Plan, Source, WINDOW};
use crate::server::Server;
use crate::site::{Enrolled, Site};

/// Caches are cold before.
const WARM_UP: Duration = Duration::from_secs(2);

pub(crate) struct Maximum {
    pub(crate) frames_per_s: f64,
    pub(crate) latencies: Latencies,
}

/// Leaves the tables empty.
pub(crate) async fn measure(
    site: &Site,
    server: &Server,
    devices: &[Enrolled],
    time: Duration,
) -> anyhow::Result<Maximum> {
    let load = Load::start(Plan {
        broker: server.mqtt,
        devices: devices.to_vec(),
        window: WINDOW,
        source: Source::Fast(None),
        returns: false,
    })?;
    tokio::time::sleep(WARM_UP).await;
    drop(load.take_latencies());
    let (begin, before) = (Instant::now(), load.acknowledged());
    tokio::time::sleep(time).await;
    let (seconds, frames) = (begin.elapsed().as_secs_f64(), load.acknowledged() - before);
    let latencies = load.take_latencies();
    load.stop().await?;
    site.empty().await?;
    Ok(Maximum { frames_per_s: frames as f64 / seconds, latencies })
}
