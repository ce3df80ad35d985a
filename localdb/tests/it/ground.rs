use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use localdb::{Cluster, Options, Purpose};

/// A state folder of its own, whose cluster is deleted at the end of the test, passed or failed.
pub(crate) struct Ground {
    pub(crate) options: Options,
    folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new(purpose: Purpose) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { state_dir: folder.path().join("state"), cache_dir: None, purpose };
        Self { options, folder }
    }

    /// The state folder lies below one that only its owner may enter, at a path too long for a socket.
    pub(crate) fn deep_and_closed(purpose: Purpose) -> Self {
        let mut ground = Self::new(purpose);
        ground.options.state_dir = ground.folder.path().join("d".repeat(120)).join("state");
        ground
    }

    pub(crate) fn start(&self) -> Cluster {
        localdb::start(&self.options, &|line| eprintln!("{line}")).unwrap()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = localdb::remove(&self.options) {
            eprintln!("removing {} failed: {error}", self.folder.path().display());
        }
    }
}

pub(crate) fn psql(cluster: &Cluster, url: &str, sql: &str) -> Output {
    let postgres = fs::read_link(format!("/proc/{}/exe", cluster.pid())).unwrap();
    let mut psql = Command::new(postgres.with_file_name("psql"));
    psql.env_clear().args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output().unwrap()
}

/// What a query says as the owner role; panics where it is refused.
pub(crate) fn ask(cluster: &Cluster, sql: &str) -> String {
    let output = psql(cluster, &cluster.owner_url(), sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn signal(pid: u32, name: &str) {
    let done = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status().unwrap();
    assert!(done.success());
}

pub(crate) fn wait_until_gone(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(30);
    // A killed child of nobody is reaped by init; its command line is empty as soon as it is dead.
    while fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()) {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::yield_now();
    }
}

/// The folder of the socket, as the url names it.
pub(crate) fn socket_folder(cluster: &Cluster) -> PathBuf {
    let url = cluster.place();
    let host = url.split(' ').find_map(|part| part.strip_prefix("host=")).unwrap();
    Path::new(host).to_owned()
}
