//! The release binary under test, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use localdb::Cluster;

/// A program that says when it is ready, and is ended with the value.
pub(crate) struct Process(Child);

pub(crate) struct Server {
    process: Process,
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
        let (process, [mqtt, mqtts, portal, metrics]) = spawn(state_dir, database, [ANY; 4])?;
        Ok(Self { process, state_dir: state_dir.to_owned(), database: database.clone(), mqtt, mqtts, portal, metrics })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// SIGKILL: nothing of the process runs any more.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.0.kill()?;
        self.process.0.wait()?;
        Ok(())
    }

    /// Starts it again, at the same addresses, and waits for `ready`.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        let addresses = [self.mqtt, self.mqtts, self.portal, self.metrics];
        (self.process, _) = spawn(&self.state_dir, &self.database, addresses)?;
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
) -> anyhow::Result<(Process, [SocketAddr; 4])> {
    let root_key = root_key(state_dir)?;
    let mut vigil = Command::new(std::env::current_exe()?.with_file_name("vigil"));
    vigil
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
        .env("VIGIL_LOG", "warn");
    let (process, lines) = Process::start(vigil)?;
    let address = |name: &str| {
        let said = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let said = said.with_context(|| format!("vigil does not say where it serves {name}"))?;
        Ok::<SocketAddr, anyhow::Error>(
            said.trim_start_matches("http://").trim_end_matches("/metrics").trim_end_matches('/').parse()?,
        )
    };
    let addresses = [address("mqtt")?, address("mqtts")?, address("portal")?, address("metrics")?];
    Ok((process, addresses))
}

/// Made where there is none: beside the state, which no root key may lie in. The next bench has another database, and takes
/// it as well.
pub(crate) fn root_key(state_dir: &Path) -> anyhow::Result<PathBuf> {
    let root_key = state_dir.with_extension("root.key");
    if !root_key.exists() {
        keys::RootKey::make(&root_key)?;
    }
    Ok(root_key)
}

impl Process {
    /// What it said until it was ready.
    pub(crate) fn start(mut program: Command) -> anyhow::Result<(Self, Vec<String>)> {
        let child =
            program.stdout(Stdio::piped()).spawn().with_context(|| format!("start {:?}", program.get_program()))?;
        let mut process = Self(child);
        let mut said = Vec::new();
        for line in BufReader::new(process.0.stdout.take().context("its output")?).lines() {
            match line?.as_str() {
                "ready" => return Ok((process, said)),
                line => said.push(line.to_owned()),
            }
        }
        // It said why on standard error.
        drop(process.0.kill());
        bail!("{:?} did not become ready: {:?}", program.get_program(), process.0.wait()?)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that was killed and not started again has been waited for: its number may be somebody else's.
        if matches!(self.0.try_wait(), Ok(None)) {
            // SIGTERM: what it holds is stored before the database stops.
            drop(Command::new("kill").arg(self.0.id().to_string()).status());
            drop(self.0.wait());
        }
    }
}
