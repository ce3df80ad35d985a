//! SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10).

use super::codes::Code;
use super::packet::{Frame, Version};
use super::properties::{self, within};
use super::read::Reader;

/// Filters of one SUBSCRIBE or UNSUBSCRIBE: more than a connection may have.
const MAX_FILTERS: usize = 32;

/// Whether what is retained is sent when the subscription is made (MQTT 5's Retain Handling).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    Always,
    WhenNew,
    Never,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter<'a> {
    pub(super) path: &'a str,
    pub(super) qos: u8,
    /// MQTT 5's Retain As Published.
    pub(super) as_published: bool,
    pub(super) replay: Replay,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subscribe<'a> {
    pub(super) packet_id: u16,
    /// It came with a Subscription Identifier.
    pub(super) with_id: bool,
    pub(super) filters: Vec<Filter<'a>>,
}

pub(super) fn subscribe(frame: &Frame, version: Version) -> Result<Subscribe<'_>, Code> {
    let mut packet = Reader::new(frame.body());
    let packet_id = packet.packet_id()?;
    let with_id = version.is_v5() && properties::read(&mut packet, within::SUBSCRIBE)?.subscription_id;
    let filters = filters(packet, |packet| {
        let path = path(packet)?;
        let options = packet.u8()?;
        let (qos, no_local) = (options & 3, options & 4 != 0);
        // Of these bits 3.1.1 has the first two alone; nobody hears itself here, so No Local changes nothing.
        let reserved = if version.is_v5() { 0xC0 } else { 0xFC };
        if qos == 3 || options & reserved != 0 {
            return Err(Code::Malformed);
        }
        let replay = match options >> 4 {
            0 => Replay::Always,
            1 => Replay::WhenNew,
            2 => Replay::Never,
            _ => return Err(Code::ProtocolError),
        };
        if no_local && path.starts_with("$share/") {
            return Err(Code::ProtocolError);
        }
        Ok(Filter { path, qos, as_published: options & 8 != 0, replay })
    })?;
    Ok(Subscribe { packet_id, with_id, filters })
}

pub(super) fn unsubscribe(frame: &Frame, version: Version) -> Result<(u16, Vec<&str>), Code> {
    let mut packet = Reader::new(frame.body());
    let packet_id = packet.packet_id()?;
    if version.is_v5() {
        properties::read(&mut packet, within::UNSUBSCRIBE)?;
    }
    Ok((packet_id, filters(packet, path)?))
}

fn path<'a>(packet: &mut Reader<'a>) -> Result<&'a str, Code> {
    let path = packet.text()?;
    if path.is_empty() { Err(Code::Malformed) } else { Ok(path) }
}

fn filters<'a, T>(
    mut packet: Reader<'a>,
    mut one: impl FnMut(&mut Reader<'a>) -> Result<T, Code>,
) -> Result<Vec<T>, Code> {
    let mut filters = Vec::new();
    while !packet.is_empty() {
        if filters.len() == MAX_FILTERS {
            return Err(Code::QuotaExceeded);
        }
        filters.push(one(&mut packet)?);
    }
    if filters.is_empty() { Err(Code::ProtocolError) } else { Ok(filters) }
}
