use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vitals::{Device, DeviceKey, Frame, OtherReading, Quarantined, Timestamp};

use crate::window::{Held, Ticket};

/// What one socket read brought for one device. Stored in one transaction, then its ticket commits.
pub(crate) struct Submission {
    pub(crate) device: Arc<Device>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) others: Vec<OtherReading>,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) statuses: Vec<(DeviceKey, Bytes, Timestamp)>,
    pub(crate) ticket: Arc<Ticket>,
    /// Given back with the submission: bounded by `Config::held_bytes`, this queue needs no bound of its own.
    pub(crate) held: Held,
}

impl Submission {
    /// What it costs a transaction; a message that was refused whole costs one too.
    fn items(&self) -> usize {
        (self.frames.len() + self.others.len() + self.quarantined.len() + self.statuses.len()).max(1)
    }
}

/// What waits for one writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Submission>>,
    filled: Notify,
}

impl Queue {
    pub(crate) fn push(&self, submission: Submission) {
        let mut waiting = self.waiting.lock();
        waiting.push_back(submission);
        // The writer sleeps only on an empty queue.
        if waiting.len() == 1 {
            drop(waiting);
            self.filled.notify_one();
        }
    }

    /// Everything that waits, up to about `rows` items; None once stopped and empty.
    pub(crate) async fn take(&self, rows: usize, stop: &CancellationToken) -> Option<Vec<Submission>> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                if !waiting.is_empty() {
                    let mut sum = 0;
                    let fits = waiting.iter().take_while(|submission| {
                        let before = sum;
                        sum += submission.items();
                        before < rows
                    });
                    let count = fits.count();
                    return Some(waiting.drain(..count).collect());
                }
                if stop.is_cancelled() {
                    return None;
                }
            }
            tokio::select! {
                () = self.filled.notified() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
