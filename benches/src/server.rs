//! The release binary under test, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

pub(crate) struct Server {
    child: Child,
    pub(crate) mqtt: SocketAddr,
    pub(crate) mqtts: SocketAddr,
    pub(crate) portal: SocketAddr,
}

impl Server {
    /// Starts the `vigil` that lies beside this program and waits for `ready`.
    pub(crate) fn start(state_dir: &Path, database_url: &str) -> anyhow::Result<Self> {
        let vigil = std::env::current_exe()?.with_file_name("vigil");
        let mut child = Command::new(&vigil)
            .arg("all")
            .env("VIGIL_STATE_DIR", state_dir)
            .env("VIGIL_DATABASE_URL", database_url)
            .env("VIGIL_MQTT_LISTEN", "127.0.0.1:0")
            .env("VIGIL_MQTTS_LISTEN", "127.0.0.1:0")
            .env("VIGIL_HTTP_LISTEN", "127.0.0.1:0")
            .env("VIGIL_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", vigil.display()))?;
        let (mut mqtt, mut mqtts, mut portal) = (None, None, None);
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        for line in &mut lines {
            let line = line?;
            match line.split_once(' ') {
                Some(("mqtt", address)) => mqtt = Some(address.parse()?),
                Some(("mqtts", address)) => mqtts = Some(address.parse()?),
                Some(("portal", url)) => {
                    portal = Some(url.trim_start_matches("http://").trim_end_matches('/').parse()?)
                }
                _ if line == "ready" => break,
                _ => {}
            }
        }
        match (mqtt, mqtts, portal) {
            (Some(mqtt), Some(mqtts), Some(portal)) => Ok(Self { child, mqtt, mqtts, portal }),
            _ => bail!("vigil did not become ready"),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM: what it holds is stored before the database stops.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}
