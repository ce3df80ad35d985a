//! The release binary under test, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use localdb::Cluster;

pub(crate) struct Server {
    child: Child,
    state_dir: PathBuf,
    database: Cluster,
    pub(crate) mqtt: SocketAddr,
    pub(crate) mqtts: SocketAddr,
    pub(crate) portal: SocketAddr,
    metrics: SocketAddr,
}

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Server {
    /// Starts the `vigil` that lies beside this program and waits for `ready`.
    pub(crate) fn start(state_dir: &Path, database: &Cluster) -> anyhow::Result<Self> {
        let (child, [mqtt, mqtts, portal, metrics]) = spawn(state_dir, database, [ANY; 4])?;
        Ok(Self { child, state_dir: state_dir.to_owned(), database: database.clone(), mqtt, mqtts, portal, metrics })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of the process runs any more.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again, at the same addresses, and waits for `ready`.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        let addresses = [self.mqtt, self.mqtts, self.portal, self.metrics];
        (self.child, _) = spawn(&self.state_dir, &self.database, addresses)?;
        Ok(())
    }

    /// What it tells monitoring.
    pub(crate) async fn metrics(&self) -> anyhow::Result<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(self.metrics).await?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.metrics);
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

fn spawn(
    state_dir: &Path,
    database: &Cluster,
    [mqtt, mqtts, portal, metrics]: [SocketAddr; 4],
) -> anyhow::Result<(Child, [SocketAddr; 4])> {
    let vigil = std::env::current_exe()?.with_file_name("vigil");
    // Beside the state, which no root key may lie in. The next bench has another database, and takes it as well.
    let root_key = state_dir.with_extension("root.key");
    if !root_key.exists() {
        keys::RootKey::make(&root_key)?;
    }
    let mut child = Command::new(&vigil)
        .arg("all")
        .env("VIGIL_STATE_DIR", state_dir)
        .env("VIGIL_KEYS_FILE", &root_key)
        .env("VIGIL_DATABASE_URL", database.place())
        .env("VIGIL_DATABASE_PASSWORDS", database.passwords().context("a folder of passwords")?)
        .env("VIGIL_DATABASE_OWNER_URL", database.owner_url())
        .env("VIGIL_MQTT_LISTEN", mqtt.to_string())
        .env("VIGIL_MQTTS_LISTEN", mqtts.to_string())
        .env("VIGIL_HTTP_LISTEN", portal.to_string())
        .env("VIGIL_METRICS_LISTEN", metrics.to_string())
        .env("VIGIL_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", vigil.display()))?;
    let (mut mqtt, mut mqtts, mut portal, mut metrics, mut ready) = (None, None, None, None, false);
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    for line in &mut lines {
        let line = line?;
        match line.split_once(' ') {
            Some(("mqtt", address)) => mqtt = Some(address.parse()?),
            Some(("mqtts", address)) => mqtts = Some(address.parse()?),
            Some(("portal", url)) => portal = Some(url.trim_start_matches("http://").trim_end_matches('/').parse()?),
            Some(("metrics", url)) => {
                metrics = Some(url.trim_start_matches("http://").trim_end_matches("/metrics").parse()?);
            }
            _ if line == "ready" => {
                ready = true;
                break;
            }
            _ => {}
        }
    }
    match (mqtt, mqtts, portal, metrics) {
        (Some(mqtt), Some(mqtts), Some(portal), Some(metrics)) if ready => Ok((child, [mqtt, mqtts, portal, metrics])),
        _ => {
            // It said why on standard error.
            drop(child.kill());
            bail!("vigil did not become ready: {:?}", child.wait()?)
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was killed and not started again has been waited for: its number may be somebody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            // SIGTERM: what it holds is stored before the database stops.
            drop(Command::new("kill").arg(self.child.id().to_string()).status());
            drop(self.child.wait());
        }
    }
}
