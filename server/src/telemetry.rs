//! Logs to standard error, metrics for `/metrics`.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterFn, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Ours: what a bare level in `VIGIL_LOG` is about.
const OURS: [&str; 8] = ["vigil", "ingest", "alerting", "portal", "keys", "store", "localdb", "vitals"];
/// The most that other crates say unless `VIGIL_LOG` names them: below it drivers tell statements and peers.
const OTHERS: LevelFilter = LevelFilter::WARN;
/// Its spans carry topics, and topics name devices (reference/mqtt.md §5). A directive could be undone by one that is
/// more particular, so it is no directive.
const NEVER: &str = "rumqttd";

/// `wanted` is the value of `VIGIL_LOG`.
pub(crate) fn log_to_stderr(wanted: &str) -> Result<(), ParseError> {
    let colour = std::io::stderr().is_terminal();
    subscriber(wanted, colour, std::io::stderr)?.init();
    Ok(())
}

fn subscriber<W>(wanted: &str, colour: bool, writer: W) -> Result<impl Subscriber + Send + Sync, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour).with_target(false);
    Ok(tracing_subscriber::registry().with(lines).with(filter(wanted)?).with(no_router()))
}

fn filter(wanted: &str) -> Result<EnvFilter, ParseError> {
    let (mut level, mut named) = (LevelFilter::INFO, Vec::new());
    for directive in wanted.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        match directive.parse() {
            Ok(bare) => level = bare,
            Err(_) => named.push(directive.to_owned()),
        }
    }
    let mut directives = vec![level.min(OTHERS).to_string()];
    directives.extend(OURS.map(|ours| format!("{ours}={level}")));
    // Behind ours, which they may override.
    directives.append(&mut named);
    EnvFilter::builder().parse(directives.join(","))
}

fn no_router() -> FilterFn {
    filter_fn(|line| {
        line.target().strip_prefix(NEVER).is_none_or(|module| !module.is_empty() && !module.starts_with("::"))
    })
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

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Which of what is said at every level by us, a driver and the router is let through.
    fn let_through(wanted: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(wanted, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let span =
                tracing::error_span!(target: "rumqttd::router::routing", "publish", topic = "vigil/v1/bed-1/down/x");
            let _publish = span.enter();
            tracing::error!(target: "rumqttd", "router");
            tracing::error!(target: "rumqttd::router::routing", "router");
            for level in 0..5 {
                macro_rules! say {
                    ($target:literal, $who:literal) => {
                        match level {
                            0 => tracing::error!(target: $target, concat!($who, "-error;")),
                            1 => tracing::warn!(target: $target, concat!($who, "-warn;")),
                            2 => tracing::info!(target: $target, concat!($who, "-info;")),
                            3 => tracing::debug!(target: $target, concat!($who, "-debug;")),
                            _ => tracing::trace!(target: $target, concat!($who, "-trace;")),
                        }
                    };
                }
                say!("ingest::front", "ours");
                say!("tokio_postgres::prepare", "driver");
            }
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        assert!(!text.contains("router") && !text.contains("topic"), "{wanted}: {text}");
        let words = ["ours-", "driver-"].map(|who| {
            let mut levels = ["trace", "debug", "info", "warn", "error"].into_iter();
            let most = levels.find(|level| text.contains(&format!("{who}{level};"))).unwrap_or("off");
            format!("{who}{most}")
        });
        words.join(" ")
    }

    #[test]
    fn a_bare_level_is_about_us_others_are_named_and_the_router_is_never_heard() {
        for (wanted, through) in [
            ("", "ours-info driver-warn"),
            ("warn", "ours-warn driver-warn"),
            ("error", "ours-error driver-error"),
            ("off", "ours-off driver-off"),
            ("trace", "ours-trace driver-warn"),
            ("debug,tokio_postgres=debug", "ours-debug driver-debug"),
            ("tokio_postgres::prepare=trace", "ours-info driver-trace"),
            ("warn, ingest=debug", "ours-debug driver-warn"),
            ("ingest::front=trace", "ours-trace driver-warn"),
            ("trace,rumqttd=trace", "ours-trace driver-warn"),
            ("rumqttd::router=trace,rumqttd::router::routing=trace", "ours-info driver-warn"),
            ("warn,[publish]=trace,rumqttd[publish{topic}]=trace", "ours-warn driver-warn"),
        ] {
            assert_eq!(let_through(wanted), through, "VIGIL_LOG={wanted}");
        }
        assert!(filter("ingest=loud").is_err());
    }
}
