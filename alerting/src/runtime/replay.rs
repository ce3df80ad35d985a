use std::iter::Peekable;
use std::slice::Iter;
use std::vec::IntoIter;

use ahash::AHashSet;
use vitals::{DeviceKey, Frame, Timestamp};

use super::Judges;
use super::recall::Recalled;
use super::restart::{Past, Run, Stretch};

/// The past on its way into the judges: what is recalled, frames, starts and stops, in the order in which they happened.
pub(super) struct Replay<'a> {
    past: &'a Past,
    judges: &'a Judges,
    stretch: Stretch,
    runs: Peekable<Iter<'a, Run>>,
    /// By when they were heard.
    recalled: Peekable<IntoIter<Recalled>>,
    devices: AHashSet<DeviceKey>,
    /// The time from which on all are judged has been reached.
    all: bool,
    last: Timestamp,
    count: usize,
}

impl<'a> Replay<'a> {
    pub(super) fn new(past: &'a Past, judges: &'a Judges, stretch: Stretch, recalled: Vec<Recalled>) -> Self {
        let devices: AHashSet<_> = recalled.iter().map(|recalled| recalled.device).collect();
        let mut runs = past.runs.iter().peekable();
        while runs.next_if(|run| run.started_at < stretch.read_from).is_some() {}
        past.seed(judges, stretch.read_from, |device| !devices.contains(&device));
        let (recalled, last) = (recalled.into_iter().peekable(), stretch.read_from);
        Self { past, judges, stretch, runs, recalled, devices, all: false, last, count: 0 }
    }

    /// From when on the frames of this device are wanted.
    pub(super) fn wants(&self, device: DeviceKey) -> Timestamp {
        if self.devices.contains(&device) { self.stretch.judged_from } else { self.stretch.read_from }
    }

    /// The next frames in the order of receipt.
    pub(super) fn take(&mut self, frames: &[Frame]) {
        let judged_from = self.stretch.judged_from;
        let (before, since) = frames.split_at(frames.partition_point(|frame| frame.received_at < judged_from));
        self.judge(before);
        if !since.is_empty() {
            self.judge_all();
            self.judge(since);
        }
    }

    /// No more frames: how many there were.
    pub(super) fn end(mut self) -> usize {
        self.judge_all();
        self.start_until(self.stretch.until);
        self.count
    }

    fn judge(&mut self, frames: &[Frame]) {
        let mut rest = frames;
        while let Some(first) = rest.first() {
            self.start_until(first.received_at);
            let next_start = self.runs.peek().map(|run| run.started_at);
            let same_run = |frame: &Frame| next_start.is_none_or(|start| frame.received_at < start);
            let (part, later) = rest.split_at(rest.partition_point(same_run));
            self.judges.judge(part);
            self.last = part.last().map_or(self.last, |frame| frame.received_at);
            rest = later;
        }
        self.count += frames.len();
    }

    fn judge_all(&mut self) {
        if self.all {
            return;
        }
        let from = self.stretch.judged_from;
        self.start_until(from);
        self.recall_before(from);
        // While it was down nothing came due.
        let stopped = self.runs.peek().and_then(|run| run.stopped_before);
        let (at, devices) = (stopped.map_or(from, |stopped| stopped.min(from)), &self.devices);
        self.past.seed(self.judges, at, |device| devices.contains(&device));
        self.all = true;
    }

    /// The runs that began until `now`, each after what came before it.
    fn start_until(&mut self, now: Timestamp) {
        while let Some(&Run { started_at, stopped_before }) = self.runs.next_if(|run| run.started_at <= now) {
            self.recall_before(started_at);
            self.judges.restart(stopped_before.unwrap_or(self.last), started_at);
            self.last = self.last.max(started_at);
        }
    }

    fn recall_before(&mut self, moment: Timestamp) {
        while let Some(recalled) = self.recalled.next_if(|recalled| recalled.heard_at < moment) {
            self.last = self.last.max(recalled.heard_at);
            self.judges.recall(recalled);
        }
    }
}

#[cfg(test)]
mod tests;
