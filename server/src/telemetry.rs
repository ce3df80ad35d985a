//! Logs to standard error, metrics for `/metrics`.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// rumqttd's spans name topics, and topics name devices: its own log stays out (reference/mqtt.md §5).
const ALWAYS: &str = "rumqttd=off";

pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("VIGIL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.add_directive(ALWAYS.parse().expect("the directive is valid"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

/// Between two of these the recorder keeps every sample of a histogram, whether or not anybody reads `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);

pub(crate) async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(UPKEEP) => metrics.run_upkeep(),
            () = stop.cancelled() => return Ok(()),
        }
    }
}

pub(crate) fn metrics() -> anyhow::Result<PrometheusHandle> {
    Ok(PrometheusBuilder::new().install_recorder()?)
}
