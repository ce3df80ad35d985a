//! A broker of a hundred lines, so that a test decides which PUBACK never comes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the broker does with the n-th publish at QoS 1 of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Acknowledge,
    Silence,
    HangUp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Connect { connection: usize, version: u8 },
    Publish { connection: usize, topic: String, retain: bool, payload: String },
    Disconnect { connection: usize },
}

pub(crate) struct Broker {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Broker {
    /// `answer` is given the number of the connection and of the publish on it, both from 0.
    pub(crate) fn start(answer: impl Fn(usize, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = format!("mqtt://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || serve(stream.expect("accept"), connection, &log, &*answer));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no thread panicked").clone()
    }

    /// The sequence numbers of all frames on the telemetry topic of this device, as (connection, seq).
    pub(crate) fn sequence(&self, device: &str) -> Vec<(usize, i64)> {
        let mut sequence = Vec::new();
        for seen in self.seen() {
            let Seen::Publish { connection, topic, payload, .. } = seen else { continue };
            if topic == format!("vigil/v1/{device}/vitals") {
                let mut frames = Vec::new();
                vitals::wire::decode(payload.as_bytes(), &mut frames).expect("a frame");
                for frame in frames {
                    assert!(frame.faults.is_empty() && frame.others.is_empty(), "{payload}");
                    assert!(matches!(frame.t, vitals::wire::Time::At(_)), "{payload}");
                    sequence.push((connection, frame.seq.expect("a sequence number")));
                }
            }
        }
        sequence
    }
}

fn serve(mut stream: TcpStream, connection: usize, log: &Mutex<Vec<Seen>>, answer: &dyn Fn(usize, usize) -> Answer) {
    let (mut version, mut publishes) = (4, 0);
    let note = |seen| log.lock().expect("no thread panicked").push(seen);
    while let Ok((head, body)) = packet(&mut stream) {
        match head >> 4 {
            1 => {
                version = body[6];
                note(Seen::Connect { connection, version });
                let connack: &[u8] = if version == 5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] };
                stream.write_all(connack).expect("write");
            }
            3 => {
                let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..2 + length].to_vec()).expect("UTF-8");
                let qos = head >> 1 & 3;
                let mut rest = 2 + length;
                let packet_id = [body[rest], body[rest + 1]];
                rest += if qos > 0 { 2 } else { 0 };
                if version == 5 {
                    rest += 1 + usize::from(body[rest]);
                }
                let payload = String::from_utf8(body[rest..].to_vec()).expect("UTF-8");
                note(Seen::Publish { connection, topic, retain: head & 1 == 1, payload });
                if qos > 0 {
                    match answer(connection, publishes) {
                        Answer::Acknowledge => {
                            stream.write_all(&[0x40, 2, packet_id[0], packet_id[1]]).expect("write");
                        }
                        Answer::Silence => {}
                        Answer::HangUp => return,
                    }
                    publishes += 1;
                }
            }
            12 => stream.write_all(&[0xD0, 0]).expect("write"),
            14 => note(Seen::Disconnect { connection }),
            _ => {}
        }
    }
}

fn packet(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let head = byte[0];
    let (mut length, mut shift) = (0, 0);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7F) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}
