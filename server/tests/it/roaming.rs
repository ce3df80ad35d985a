//! A device that knows several nodes: it keeps every frame until it is acknowledged, and sends what is left to whoever
//! takes it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Timestamp};

use super::mqtt::Device;

/// A node that does not answer in this time is left for another.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between attempts to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// Frames on their way at once.
const WINDOW: usize = 8;

pub struct Roaming {
    pub id: String,
    pub secret: String,
    pub nodes: Vec<SocketAddr>,
    pub spo2: u8,
    /// Between frames. None: as fast as they are acknowledged.
    pub pace: Option<Duration>,
}

impl Roaming {
    /// Measures until `stop`, then until everything is acknowledged; answers the times of all frames.
    pub async fn run(self, stop: CancellationToken) -> Vec<Timestamp> {
        let (mut times, mut left) = (Vec::new(), VecDeque::new());
        let clock = Clock::system();
        let mut nodes = self.nodes.iter().copied().cycle();
        loop {
            let node = nodes.next().expect("there is a node");
            let connecting = timeout(PATIENCE, Device::try_connect(node, &self.id, &self.secret));
            if let Ok(Ok(mut device)) = connecting.await
                && self.serve(&mut device, &clock, &mut times, &mut left, &stop).await.is_ok()
            {
                return times;
            }
            sleep(PAUSE).await;
        }
    }

    /// Err: the node is gone, or does not answer.
    async fn serve(
        &self,
        device: &mut Device,
        clock: &Clock,
        times: &mut Vec<Timestamp>,
        left: &mut VecDeque<String>,
        stop: &CancellationToken,
    ) -> std::io::Result<()> {
        for frame in &*left {
            device.send(frame).await?;
        }
        loop {
            while left.len() < WINDOW && !stop.is_cancelled() {
                let at = times.last().map_or(clock.now(), |last| clock.now().max(last.plus_micros(1)));
                times.push(at);
                left.push_back(format!(r#"{{"t":"{at}","seq":{},"spo2":{}}}"#, times.len(), self.spo2));
                device.send(left.back().expect("just pushed")).await?;
                if self.pace.is_some() {
                    break;
                }
            }
            if left.is_empty() {
                return Ok(());
            }
            timeout(PATIENCE, device.acknowledged()).await??;
            left.pop_front();
            if let Some(pace) = self.pace {
                sleep(pace).await;
            }
        }
    }
}
