//! MQTT 3.1.1 as a device speaks it: packets, and a connection that has been admitted.

use std::net::SocketAddr;

use anyhow::ensure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::Enrolled;

/// Bytes of a PUBACK, a CONNACK without properties, and of nothing else a server sends here.
pub(crate) const ACK: usize = 4;

pub(crate) const DISCONNECT: [u8; 2] = [0xe0, 0];

/// Identifiers cycle below the protocol's 65,535.
const IDENTIFIERS: usize = 60_000;

pub(crate) fn identifier(index: usize) -> u16 {
    (index % IDENTIFIERS) as u16 + 1
}

pub(crate) fn puback(identifier: u16) -> [u8; ACK] {
    let [high, low] = identifier.to_be_bytes();
    [0x40, 2, high, low]
}

/// Appends a PUBLISH at QoS 1.
pub(crate) fn publish(topic: &str, identifier: u16, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x32);
    length(2 + topic.len() + 2 + payload.len(), out);
    text(topic, out);
    out.extend_from_slice(&identifier.to_be_bytes());
    out.extend_from_slice(payload);
}

/// CONNECT with user name, password and a clean session.
fn connect(device: &Enrolled, keep_alive_s: u16) -> Vec<u8> {
    let mut out = vec![0x10];
    length(10 + 3 * 2 + 2 * device.name.len() + device.secret.len(), &mut out);
    text("MQTT", &mut out);
    out.extend_from_slice(&[4, 0xc2]);
    out.extend_from_slice(&keep_alive_s.to_be_bytes());
    for field in [&device.name, &device.name, &device.secret] {
        text(field, &mut out);
    }
    out
}

/// SUBSCRIBE at QoS 0 to what is sent down to the device.
pub(crate) fn subscribe_down(device: &str, identifier: u16) -> Vec<u8> {
    let filter = format!("vigil/v1/{device}/down/#");
    let mut out = vec![0x82];
    length(2 + 2 + filter.len() + 1, &mut out);
    out.extend_from_slice(&identifier.to_be_bytes());
    text(&filter, &mut out);
    out.push(0);
    out
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

/// Seconds of keep-alive of the devices that send all the time.
const KEEP_ALIVE_S: u16 = 60;

/// Connects over TCP and waits for CONNACK.
pub(crate) async fn open(broker: SocketAddr, device: &Enrolled) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(broker).await?;
    socket.set_nodelay(true)?;
    admit(&mut socket, device, KEEP_ALIVE_S).await?;
    Ok(socket)
}

/// CONNECT and CONNACK over whatever carries the bytes.
pub(crate) async fn admit(
    socket: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    device: &Enrolled,
    keep_alive_s: u16,
) -> anyhow::Result<()> {
    socket.write_all(&connect(device, keep_alive_s)).await?;
    let mut connack = [0; ACK];
    socket.read_exact(&mut connack).await?;
    ensure!(connack == [0x20, 2, 0, 0], "refused with {connack:?}");
    Ok(())
}
