//! What must hold for whatever bytes a socket brings: fed by the fuzz targets, and by every test run with their seeds.

use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use store::roster::Roster;
use tokio::sync::watch;
use tokio::time::Instant;
use vitals::{AgeClass, Clock, Device, DeviceKey, DeviceKind, DeviceName, DeviceProfile, Realm, Timestamp, Topic};

use super::acl::{Permit, Rights, Subject, command_target};
use super::codes::Code;
use super::delivery::Delivery;
use super::packet::{self, Frame, Kind, Published, Version};
use super::{connect, identity, subscribe};
use crate::pipeline::Pipeline;
use crate::{Config, Outlets};

/// Small enough that a length field beyond it is soon met.
const MAX_PACKET: usize = 2_048;

/// Bytes as a client sends them. The first one says which version was agreed on and how the rest is cut into reads; what
/// is understood must not depend on the cuts.
pub fn framing(bytes: &[u8]) {
    let Some((&first, sent)) = bytes.split_first() else { return };
    let version = if first & 1 == 0 { Version::V4 } else { Version::V5 };
    let whole = understood(sent, std::iter::once(sent.len()), version);
    assert_eq!(understood(sent, std::iter::repeat(1), version), whole, "byte by byte");
    // Lengths that wander, so that cuts fall everywhere within packets.
    let wandering = std::iter::successors(Some(usize::from(first >> 1) % 13 + 1), |length| Some(length * 5 % 31 + 1));
    assert_eq!(understood(sent, wandering, version), whole);
}

/// What is understood of each packet, and how it ended: the code of a fault, or how many bytes wait for more.
fn understood(sent: &[u8], reads: impl Iterator<Item = usize>, version: Version) -> (Vec<String>, Result<usize, Code>) {
    let (mut buffer, mut packets, mut taken, mut arrived) = (BytesMut::new(), Vec::new(), 0, 0);
    for read in reads {
        let end = sent.len().min(arrived + read);
        buffer.extend_from_slice(&sent[arrived..end]);
        arrived = end;
        loop {
            match packet::next(&mut buffer, MAX_PACKET) {
                Ok(Some(frame)) => {
                    let end = arrived - buffer.len();
                    assert!((2..=MAX_PACKET).contains(&(end - taken)), "a packet of {} bytes", end - taken);
                    assert_eq!(declared(&sent[taken..end]), frame.body(), "exactly one packet");
                    taken = end;
                    packets.push(understand(frame, version));
                }
                Ok(None) => break,
                Err(code) => return (packets, Err(code)),
            }
        }
        assert_eq!(buffer, sent[taken..arrived], "nothing is consumed of half a packet");
        if arrived == sent.len() {
            break;
        }
    }
    (packets, Ok(buffer.len()))
}

/// The body of a packet by its length field, read as the standard's pseudo-code does (§1.5.5); all of the packet.
fn declared(packet: &[u8]) -> &[u8] {
    let (mut length, mut multiplier, mut at) = (0, 1, 1);
    loop {
        length += usize::from(packet[at] & 127) * multiplier;
        multiplier *= 128;
        at += 1;
        if packet[at - 1] & 128 == 0 {
            break;
        }
    }
    assert_eq!(at + length, packet.len());
    &packet[at..]
}

fn understand(frame: Frame, version: Version) -> String {
    match frame.kind {
        Kind::Connect => match connect::read(&frame) {
            Ok(connect) => format!("{connect:?}"),
            Err(refused) => format!("refused {refused:?}"),
        },
        Kind::Publish => publish(frame, version),
        Kind::PubAck => format!("{:?}", frame.acknowledged(version)),
        Kind::Disconnect => format!("{:?}", frame.goodbye(version)),
        Kind::Subscribe => format!("{:?}", subscribe::subscribe(&frame, version)),
        Kind::Unsubscribe => format!("{:?}", subscribe::unsubscribe(&frame, version)),
        Kind::PingReq => format!("{}", frame.is_padded()),
    }
}

/// What goes to the router sealed comes out of it as it went in.
fn publish(frame: Frame, version: Version) -> String {
    let cut = match packet::publish(frame, version) {
        Ok(cut) => cut,
        Err(code) => return format!("{code:?}"),
    };
    let Published { topic, payload, pkid, json, properties, expiry } = cut;
    let told = format!("{topic:?} {payload:?} {pkid:?} {json} {properties:?} {expiry:?}");
    let since = Instant::now();
    let command = Delivery { topic, payload, qos: u8::from(pkid.is_some()), properties, expiry, since };
    assert_eq!(Delivery::open(&command.seal(), since), Some(command));
    told
}

/// Nothing is published to it.
static PIPELINE: LazyLock<Pipeline> = LazyLock::new(|| {
    let outlets = Outlets {
        judge: Arc::new(|_| {}),
        show: Arc::new(|_, _| {}),
        presence: Arc::new(|_, _, _| {}),
        held: Arc::new(|_, _, _| {}),
        flapping: Arc::new(|_, _| {}),
        database_away: Arc::new(|_, _| {}),
    };
    Pipeline::new(Config::default(), Clock::system(), Arc::default(), Vec::new(), outlets, keys::Keyring::for_tests())
});

/// A topic or filter, asked of a device, a gateway and a service.
pub fn rights(bytes: &[u8]) {
    let roster = roster();
    let (_sender, receiver) = watch::channel(Arc::new(roster.clone()));
    for me in roster.iter() {
        let mut rights = Rights::new(me.clone(), receiver.clone());
        let permit = rights.publish(bytes, &PIPELINE).map(told);
        assert_eq!(rights.publish(bytes, &PIPELINE).map(told), permit, "asked again");
        if let Some(device) = permit {
            let text = std::str::from_utf8(bytes).expect("a permitted topic is ASCII");
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'#')), "{text}");
            match device {
                Some(device) => {
                    let topic = Topic::parse(text).expect("telemetry has a topic of ours");
                    assert_eq!(topic.device, device.name.as_str());
                    let behind_me = me.kind == DeviceKind::Gateway && device.gateway == Some(me.key) && !device.revoked;
                    assert!(device.key == me.key || behind_me, "{} speaks for {}", me.name, device.name);
                }
                None => {
                    assert!(me.kind == DeviceKind::Service && text.starts_with("vigil/v1/"), "{text}");
                    assert!(command_target(text).is_some_and(DeviceName::is_valid), "{text}");
                }
            }
        }
        let Ok(filter) = std::str::from_utf8(bytes) else { continue };
        let own_status = format!("vigil/v1/{}/status", me.name);
        assert_eq!(rights.will(filter), me.kind != DeviceKind::Service && filter == own_status);
        let Ok(subject) = rights.subscribe(filter) else { continue };
        assert!(filter.bytes().all(|byte| byte.is_ascii_graphic()), "{filter}");
        match subject {
            Subject::Down => assert!(filter.starts_with(&format!("vigil/v1/{}/down/", me.name)), "{filter}"),
            Subject::Status(_) => assert_eq!(me.kind, DeviceKind::Service, "{filter}"),
        }
    }
}

/// The device spoken for; none for a command.
fn told(permit: &Permit) -> Option<Arc<Device>> {
    match permit {
        Permit::Telemetry(route) => Some(route.device.clone()),
        Permit::Down => None,
    }
}

fn roster() -> Roster {
    let device = |key, name: &str, kind, gateway, revoked| Device {
        key: DeviceKey(key),
        name: DeviceName::try_from(name).expect("a name of ours"),
        kind,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Test,
        gateway,
        enrolled_at: Timestamp::from_millis(0),
        revoked,
    };
    let gateway = Some(DeviceKey(2));
    let devices = vec![
        device(1, "bed", DeviceKind::Device, None, false),
        device(2, "gw", DeviceKind::Gateway, None, false),
        device(3, "pump", DeviceKind::Device, gateway, false),
        device(4, "gone", DeviceKind::Device, gateway, true),
        device(5, "desk", DeviceKind::Service, None, false),
    ];
    Roster::new(1, devices, Vec::new())
}

/// A client's certificate, in DER.
pub fn certificate(der: &[u8]) {
    if let Some(name) = identity::common_name(der) {
        // An empty one is nobody's.
        let stands_in_it = name.is_empty() || der.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(stands_in_it, "{name}");
    }
}
