use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency told apart: ten minutes, in µs.
const LONGEST_US: u64 = 600_000_000;

/// What the whole fleet has done, in frames; latencies are of messages.
#[derive(Debug)]
pub(crate) struct Report {
    /// Handed to a connection at least once.
    pub(crate) sent: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    /// Handed over once more after a lost connection.
    pub(crate) resent: AtomicU64,
    /// Given up: the outbox was full, or the broker refused the message.
    pub(crate) lost: AtomicU64,
    /// Made, and neither acknowledged nor lost.
    pub(crate) held: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    puback_us: Mutex<Histogram<u64>>,
}

impl Report {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are in order");
        Self {
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            resent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            held: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            puback_us: Mutex::new(histogram),
        }
    }

    pub(crate) fn latency(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.puback_us.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        let histogram = self.puback_us.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.value_at_quantile(quantile) as f64 / 1_000.0
    }

    pub(crate) fn line(&self) -> String {
        format!(
            "sent={} acknowledged={} unacknowledged={} resent={} lost={} reconnects={} \
             puback_p50_ms={:.2} puback_p99_ms={:.2} puback_max_ms={:.2}",
            self.sent.load(Relaxed),
            self.acknowledged.load(Relaxed),
            self.held.load(Relaxed),
            self.resent.load(Relaxed),
            self.lost.load(Relaxed),
            self.reconnects.load(Relaxed),
            self.quantile_ms(0.5),
            self.quantile_ms(0.99),
            self.quantile_ms(1.0),
        )
    }

    /// The line for machines.
    pub(crate) fn result(&self) -> String {
        format!(
            "RESULT sent={} acknowledged={} resent={} lost={} p50_ms={:.2} p99_ms={:.2}",
            self.sent.load(Relaxed),
            self.acknowledged.load(Relaxed),
            self.resent.load(Relaxed),
            self.lost.load(Relaxed),
            self.quantile_ms(0.5),
            self.quantile_ms(0.99),
        )
    }
}
