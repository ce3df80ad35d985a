//! The release binary, as a server and as a command.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, bail};

use crate::folders;
use crate::program::{Running, command, output};

const PATIENCE: Duration = Duration::from_secs(5);

/// A folder of state and the addresses on which it is served.
pub(super) struct Site {
    state: PathBuf,
    /// Of a database that is named; a private one has a throw-away key beside it.
    root_key: Option<PathBuf>,
    listen: [(&'static str, String); 4],
}

pub(super) struct Counts {
    pub(super) vitals: u64,
    pub(super) alarms: u64,
}

impl Site {
    pub(super) fn new(state: &Path, root_key: Option<PathBuf>) -> Self {
        let listen = [
            ("VIGIL_MQTT_LISTEN", 1883),
            ("VIGIL_MQTTS_LISTEN", 8883),
            ("VIGIL_HTTP_LISTEN", 8080),
            ("VIGIL_METRICS_LISTEN", 9464),
        ]
        .map(|(name, port)| (name, address(port)));
        Self { state: state.to_owned(), root_key, listen }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.path("tls/server-ca.pem")
    }

    fn log(&self) -> PathBuf {
        self.path("vigil.log")
    }

    /// Once: what was sealed with it is lost without it.
    pub(super) fn make_root_key(&self) -> anyhow::Result<()> {
        match &self.root_key {
            Some(path) if !path.exists() => output(self.command().args(["keys", "init"]).arg(path)).map(drop),
            _ => Ok(()),
        }
    }

    fn command(&self) -> Command {
        let mut command = command(folders::release("vigil"));
        command.envs(self.root_key.iter().map(|path| ("VIGIL_KEYS_FILE", path)));
        command.env("VIGIL_STATE_DIR", &self.state).envs(self.listen.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Answers the secret.
    pub(super) fn enrol(&self, name: &str) -> anyhow::Result<String> {
        let told = self.ask(&["device", "enrol", name, "--realm", "demo"])?;
        let secret = told.lines().find_map(|line| line.strip_prefix("secret ")).context("read the secret")?;
        Ok(secret.trim().to_owned())
    }

    /// Answers what a command printed.
    pub(super) fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        output(self.command().args(arguments))
    }

    pub(super) fn counts(&self) -> anyhow::Result<Counts> {
        let told = self.ask(&["check", "--counts"])?;
        let count = |name: &str| {
            let word = told.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.and_then(|number| number.parse().ok()).with_context(|| format!("read the number of {name}"))
        };
        Ok(Counts { vitals: count("vitals")?, alarms: count("alarms")? })
    }
}

/// The usual port, or a free one where it is taken.
fn address(port: u16) -> String {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(usual) {
        Ok(_) => usual.to_string(),
        Err(_) => "127.0.0.1:0".to_owned(),
    }
}

pub(super) struct Vigil {
    running: Mutex<Running>,
    log: PathBuf,
    pub(super) mqtts: SocketAddr,
    pub(super) portal: SocketAddr,
    metrics: SocketAddr,
}

/// What a status line tells.
pub(super) struct Metrics {
    pub(super) frames_stored: u64,
    pub(super) screens: u64,
}

impl Vigil {
    /// Returns when every listener serves. Its log goes to a file in the state.
    pub(super) fn start(site: &Site) -> anyhow::Result<Self> {
        let log = File::create(site.log()).context("write vigil's log")?;
        let mut running = Running::start(site.command().arg("all").stdout(Stdio::piped()).stderr(log))?;
        let stdout = running.child.stdout.take().context("read what vigil prints")?;
        let mut lines = BufReader::new(stdout).lines();
        let (mut mqtts, mut portal, mut metrics) = (None, None, None);
        for line in &mut lines {
            let line = line.context("read what vigil prints")?;
            match line.split_once(' ') {
                Some(("mqtts", address)) => mqtts = address.parse().ok(),
                Some(("portal", url)) => portal = url.trim_start_matches("http://").trim_end_matches('/').parse().ok(),
                Some(("metrics", url)) => {
                    metrics = url.trim_start_matches("http://").trim_end_matches("/metrics").parse().ok();
                }
                _ if line == "ready" => break,
                _ => {}
            }
        }
        let (Some(mqtts), Some(portal), Some(metrics)) = (mqtts, portal, metrics) else {
            bail!("start vigil; its log ends:\n{}", tail(&site.log()));
        };
        // A full pipe would stop it.
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { running: Mutex::new(running), log: site.log(), mqtts, portal, metrics })
    }

    pub(super) fn check_running(&self) -> anyhow::Result<()> {
        match self.running.lock().expect("nobody panics with it").ended()? {
            Some(status) => bail!("keep vigil running: {status}; its log ends:\n{}", tail(&self.log)),
            None => Ok(()),
        }
    }

    pub(super) fn metrics(&self) -> anyhow::Result<Metrics> {
        let text = get(self.metrics, "/metrics").context("ask vigil for its metrics")?;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<f64>().ok()).unwrap_or_default() as u64
        };
        Ok(Metrics { frames_stored: value("vigil_frames_stored_total"), screens: value("vigil_screens") })
    }

    pub(super) fn stop(self) -> anyhow::Result<()> {
        let status = self.running.lock().expect("nobody panics with it").stop()?;
        if !status.success() {
            bail!("stop vigil: {status}; its log ends:\n{}", tail(&self.log));
        }
        Ok(())
    }
}

fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
