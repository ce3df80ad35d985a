//! Who may publish and subscribe what (design §4.1). Checked a packet, so that no session outlives a right.

use std::sync::Arc;

use bytes::Bytes;
use store::roster::Roster;
use tokio::sync::watch;
use vitals::{Device, DeviceKind, DeviceName, Stream, Topic};

use super::codes::Code;
use crate::pipeline::{Pipeline, Route, StreamKind};

/// Longest topic or filter. Ours reach 150 bytes; the rest is room for the tail of a command's topic.
const MAX_TOPIC: usize = 256;
const PREFIX: &str = "vigil/v1/";

#[derive(Clone)]
pub(super) enum Permit {
    Telemetry(Arc<Route>),
    /// A service's command; it goes to the router.
    Down,
}

pub(super) struct Rights {
    pub(super) me: Arc<Device>,
    pub(super) roster: watch::Receiver<Arc<Roster>>,
    /// A device publishes on one topic again and again: the answer for the last one.
    last: Option<(Bytes, Permit)>,
}

impl Rights {
    pub(super) fn new(me: Arc<Device>, roster: watch::Receiver<Arc<Roster>>) -> Self {
        Self { me, roster, last: None }
    }

    /// To be called when the roster changed.
    pub(super) fn refresh(&mut self) {
        self.last = None;
        let roster = self.roster.borrow_and_update().clone();
        if let Some(me) = roster.by_key(self.me.key) {
            self.me = me.clone();
        }
    }

    /// None: not permitted.
    pub(super) fn publish(&mut self, topic: &[u8], pipeline: &Pipeline) -> Option<&Permit> {
        if self.last.as_ref().is_none_or(|(last, _)| last != topic) {
            let permit = self.look_up(topic, pipeline)?;
            // A copy: a slice would keep the whole read buffer alive.
            self.last = Some((Bytes::copy_from_slice(topic), permit));
        }
        self.last.as_ref().map(|(_, permit)| permit)
    }

    fn look_up(&self, bytes: &[u8], pipeline: &Pipeline) -> Option<Permit> {
        if bytes.len() > MAX_TOPIC {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        if self.me.kind == DeviceKind::Service {
            return command_target(text).map(|_| Permit::Down);
        }
        let topic = Topic::parse(text)?;
        let device = match topic.gateway {
            None if topic.device == self.me.name.as_str() => self.me.clone(),
            Some(gateway) if gateway == self.me.name.as_str() && self.me.kind == DeviceKind::Gateway => {
                let roster = self.roster.borrow();
                let device = roster.by_name(topic.device)?;
                let mine = device.gateway == Some(self.me.key) && device.kind == DeviceKind::Device && !device.revoked;
                mine.then(|| device.clone())?
            }
            _ => return None,
        };
        let stream = match topic.stream {
            Stream::Vitals => StreamKind::Vitals,
            Stream::Waves { .. } => StreamKind::Waves,
            Stream::Status => StreamKind::Status,
        };
        Some(Permit::Telemetry(pipeline.route(device, stream, Bytes::copy_from_slice(bytes))))
    }

    /// A will may be the client's own status and nothing else.
    pub(super) fn will(&self, topic: &str) -> bool {
        let own = Topic { gateway: None, device: self.me.name.as_str(), stream: Stream::Status };
        self.me.kind != DeviceKind::Service && own.to_string() == topic
    }

    pub(super) fn subscribe(&self, filter: &str) -> Result<Subject, Code> {
        if filter.starts_with("$share") {
            return Err(Code::SharedNotSupported);
        }
        let visible = filter.bytes().all(|byte| byte.is_ascii_graphic());
        if filter.len() > MAX_TOPIC || !visible || !rumqttd::protocol::valid_filter(filter) {
            return Err(Code::FilterInvalid);
        }
        let (name, tail) =
            filter.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).ok_or(Code::NotAuthorized)?;
        match self.me.kind {
            DeviceKind::Service if tail == "status" && name == "+" => Ok(Subject::Status(None)),
            DeviceKind::Service if tail == "status" => {
                DeviceName::try_from(name).map(|name| Subject::Status(Some(name))).map_err(|_| Code::NotAuthorized)
            }
            DeviceKind::Device | DeviceKind::Gateway if name == self.me.name.as_str() && tail.starts_with("down/") => {
                Ok(Subject::Down)
            }
            _ => Err(Code::NotAuthorized),
        }
    }
}

/// What a permitted subscription is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Down,
    /// Of this device, or of every one.
    Status(Option<DeviceName>),
}

/// The device that `vigil/v1/{device}/down/…` addresses. The tail is visible ASCII without wildcards: rumqttd's router
/// takes anything else as it comes, and dies of a topic that begins with a character of two bytes.
pub(super) fn command_target(topic: &str) -> Option<&str> {
    let (name, tail) = topic.strip_prefix(PREFIX)?.split_once('/')?;
    let tail = tail.strip_prefix("down/")?;
    let plain = tail.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'#'));
    (DeviceName::is_valid(name) && plain && !tail.is_empty()).then_some(name)
}
