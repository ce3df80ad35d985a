//! The binary in a process of its own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::header;
use store::testing::{Person, TestDatabase};
use tempfile::TempDir;
use vitals::{Clock, Realm};

/// Generous: a test machine with two busy cores. Nothing waits for it when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of state, and a database that may come and go.
pub struct Site {
    pub dir: TempDir,
    /// Apart from it, the root key of whoever has a database of his own.
    keys: TempDir,
    /// Where the database is, the folder of its passwords, and its owner's address.
    database: [String; 3],
    /// Who asks the portal.
    nurse: Option<Person>,
}

impl Site {
    /// Without an address, the private database, whose root key is a throw-away one.
    pub fn new(url: &str) -> Self {
        Self::with([url.to_owned(), String::new(), String::new()])
    }

    /// On a database for tests and its key store.
    pub async fn of(db: &TestDatabase) -> Self {
        let mut site = Self::without_people(db).await;
        let superuser = db.pool().get().await.unwrap();
        // Where nothing is migrated yet there is nobody.
        site.nurse = Person::in_realm(&superuser, Realm::Demo, "nurse", Clock::system().now()).await.ok();
        site
    }

    /// The same, where nobody has signed in yet.
    pub async fn without_people(db: &TestDatabase) -> Self {
        db.key_store().await;
        Self::with([db.place(), String::new(), db.owner_url()])
    }

    pub fn nurse(&self) -> &Person {
        self.nurse.as_ref().expect("somebody who is signed in")
    }

    /// On a cluster that wants passwords.
    pub fn at(cluster: &localdb::Cluster) -> Self {
        let passwords = cluster.passwords().unwrap();
        Self::with([cluster.place(), passwords.display().to_string(), cluster.owner_url()])
    }

    fn with(database: [String; 3]) -> Self {
        let keys = TempDir::new().unwrap();
        if !database[0].is_empty() {
            keys::RootKey::make(&keys.path().join("root.key")).unwrap();
        }
        Self { dir: TempDir::new().unwrap(), keys, database, nurse: None }
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.keys.path().join(name)
    }

    pub fn command(&self) -> Command {
        self.command_of(std::env::var_os("VIGIL_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_vigil").into()))
    }

    /// Of the binary that was built with this test, with its cargo features.
    pub fn command_as_built(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_vigil").into())
    }

    fn command_of(&self, program: OsString) -> Command {
        let mut command = Command::new(program);
        let [url, passwords, owner] = &self.database;
        command
            .env("VIGIL_STATE_DIR", self.dir.path())
            .env("VIGIL_KEYS_FILE", if url.is_empty() { PathBuf::new() } else { self.key("root.key") })
            .env("VIGIL_DATABASE_URL", url)
            .env("VIGIL_DATABASE_PASSWORDS", passwords)
            .env("VIGIL_DATABASE_OWNER_URL", owner)
            .env("VIGIL_MQTT_LISTEN", "127.0.0.1:0")
            .env("VIGIL_MQTTS_LISTEN", "127.0.0.1:0")
            .env("VIGIL_HTTP_LISTEN", "127.0.0.1:0")
            .env("VIGIL_METRICS_LISTEN", "127.0.0.1:0")
            .env("VIGIL_LOG", "warn");
        command
    }

    /// Runs a command to its end; answers what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "vigil {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; answers its exit code and what it said.
    pub fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command().args(arguments).output().unwrap();
        assert!(!output.status.success(), "vigil {arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Enrols a device; answers its secret.
    pub fn enrol(&self, id: &str, options: &[&str]) -> String {
        let told = self.run(&[&["device", "enrol", id], options].concat());
        told.trim().strip_prefix("secret ").expect("a secret").to_owned()
    }

    pub fn start(&self) -> Vigil {
        self.start_with("")
    }

    /// A second node on the same database. The node that it stands by for goes on.
    pub fn stand_by(&self) -> Vigil {
        Vigil::stand_by(self.configured("")).of(self)
    }

    pub fn start_with(&self, config: &str) -> Vigil {
        Vigil::start(self.configured(config)).of(self)
    }

    /// With this as its configuration file. Unless it says so, a disk of the test machine that is nearly full is no alarm.
    fn configured(&self, config: &str) -> Command {
        let path = self.path("vigil.toml");
        let quiet = if config.contains("[system]") { "" } else { "[system]\ndisk_low_percent = 0\n" };
        std::fs::write(&path, format!("{config}\n{quiet}")).unwrap();
        let mut command = self.command();
        command.arg("--config").arg(path);
        command
    }

    pub fn ca(&self) -> PathBuf {
        self.path("tls/server-ca.pem")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        Path::new(self.dir.path()).join(name)
    }
}

pub struct Vigil {
    child: Child,
    lines: Receiver<String>,
    pub mqtt: SocketAddr,
    pub mqtts: SocketAddr,
    pub portal: SocketAddr,
    /// Where `/metrics` is.
    pub metrics: SocketAddr,
    nurse: Option<Person>,
}

impl Vigil {
    pub fn start(command: Command) -> Self {
        Self::launch(command, "ready")
    }

    pub fn stand_by(command: Command) -> Self {
        Self::launch(command, "standby")
    }

    /// Returns once it has printed its addresses and this word.
    fn launch(mut command: Command, word: &str) -> Self {
        let mut child = command.arg("all").stdout(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || told.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let (mut mqtt, mut mqtts, mut portal, mut metrics) = (None, None, None, None);
        while let Ok(line) = lines.recv() {
            match line.split_once(' ') {
                Some(("mqtt", address)) => mqtt = address.parse().ok(),
                Some(("mqtts", address)) => mqtts = address.parse().ok(),
                Some(("portal", url)) => portal = place(url),
                Some(("metrics", url)) => metrics = place(url),
                _ if line == word => {
                    let (mqtt, mqtts, portal) = (mqtt.unwrap(), mqtts.unwrap(), portal.unwrap());
                    return Self { child, lines, mqtt, mqtts, portal, metrics: metrics.unwrap(), nurse: None };
                }
                _ => {}
            }
        }
        panic!("vigil ended before it was {word}: {:?}", child.wait());
    }

    /// Asked by the nurse of this site.
    pub fn of(mut self, site: &Site) -> Self {
        self.nurse.clone_from(&site.nurse);
        self
    }

    /// Waits until a standby has become the active node.
    pub async fn takes_over(&self) {
        eventually("a takeover", async || self.lines.try_iter().any(|line| line == "ready")).await;
    }

    /// SIGSTOP: it does not run, and does not know it.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap().success());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of the process runs any more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub fn stop(self) -> Option<i32> {
        self.begin_stop();
        self.ended()
    }

    /// SIGTERM.
    pub fn begin_stop(&self) {
        self.signal("-TERM");
    }

    /// The exit code, once it is there.
    pub fn ended(mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < PATIENCE, "vigil does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.portal);
        let mut request = reqwest::Client::new().get(&url);
        if let Some(nurse) = &self.nurse {
            request = request.header(header::COOKIE, nurse.cookie());
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    pub async fn metrics_page(&self) -> String {
        reqwest::get(format!("http://{}/metrics", self.metrics)).await.unwrap().text().await.unwrap()
    }

    /// The value of a metric without labels; 0 where nothing was counted.
    pub async fn metric(&self, name: &str) -> f64 {
        let page = self.metrics_page().await;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Active and ended alarms as (device, code).
    pub async fn alarms(&self) -> Vec<(String, String)> {
        let page = self.get("/api/alarms?state=all&limit=200").await;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        page["alarms"].as_array().unwrap().iter().map(|alarm| (text(&alarm["device"]), text(&alarm["code"]))).collect()
    }

    pub async fn alarm_comes(&self, device: &str, code: &str) {
        let wanted = (device.to_owned(), code.to_owned());
        eventually(&format!("alarm {code} of {device}"), async || self.alarms().await.contains(&wanted)).await;
    }
}

/// The address in a URL.
fn place(url: &str) -> Option<SocketAddr> {
    url.split_once("://")?.1.split('/').next()?.parse().ok()
}

impl Drop for Vigil {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks until the answer is yes.
pub async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !ask().await {
        assert!(begin.elapsed() < PATIENCE, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn count(db: &TestDatabase, sql: &str) -> i64 {
    db.pool().get().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
}
