//! The PostgreSQL process of a data folder: seen through its pid file and /proc, never through our memory, since any
//! process may have started it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::error::{At, Error};
use crate::folders::Folders;
use crate::programs::Programs;
use crate::run;

/// After a crash under load PostgreSQL replays up to 8 GB of log before it answers.
const START_S: u64 = 600;
/// A fast shutdown ends sessions at once, then writes every dirty page.
const STOP_S: u64 = 180;
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Shutdown {
    /// Ends sessions, writes everything, leaves nothing to recover.
    Fast,
    /// Drops everything; the next start recovers from the log.
    Immediate,
}

/// The process that serves `data`, if it is alive. A pid file left by a crash names nobody, or somebody else.
pub(crate) fn running(data: &Path) -> Option<u32> {
    let pid = pid_file_lines(data).first()?.parse().ok()?;
    serves(pid, data).then_some(pid)
}

fn pid_file_lines(data: &Path) -> Vec<String> {
    let text = fs::read_to_string(pid_file(data)).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

fn serves(pid: u32, data: &Path) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut arguments = arguments.split(|byte| *byte == 0);
    let is_postgres = arguments.next().is_some_and(|program| program.ends_with(b"/postgres"));
    is_postgres && arguments.any(|argument| argument == data.as_os_str().as_encoded_bytes())
}

pub(crate) fn start(programs: &Programs, account: &Account, folders: &Folders) -> Result<u32, Error> {
    let data = folders.data();
    let deadline = Instant::now() + Duration::from_secs(START_S);
    loop {
        forget_dead(folders)?;
        match pg_ctl_start(programs, account, folders) {
            Ok(()) => break,
            // Sessions of a killed predecessor let go of their shared memory as soon as they notice.
            Err(Error::Program { detail, .. }) if detail.contains("pre-existing shared memory") => {
                if Instant::now() > deadline {
                    return Err(Error::Program { doing: "starting PostgreSQL".to_owned(), detail });
                }
                thread::sleep(POLL * 4);
            }
            Err(error) => return Err(error),
        }
    }
    running(&data).ok_or_else(|| Error::Program {
        doing: "starting PostgreSQL".to_owned(),
        detail: format!("it ended at once, see {}", folders.log().display()),
    })
}

/// PostgreSQL takes a lock file at its word if any process of its user has that number: after a reboot another one, or
/// the killed one that nobody has reaped yet. We look closer.
fn forget_dead(folders: &Folders) -> Result<(), Error> {
    if running(&folders.data()).is_some() {
        return Ok(());
    }
    let socket = folders.socket_file();
    for file in [pid_file(&folders.data()), socket.with_extension("5432.lock"), socket] {
        if file.exists() {
            fs::remove_file(&file).at("removing", &file)?;
        }
    }
    Ok(())
}

fn pg_ctl_start(programs: &Programs, account: &Account, folders: &Folders) -> Result<(), Error> {
    let log = folders.start_log();
    if log.exists() {
        fs::remove_file(&log).at("removing", &log)?;
    }
    // pg_ctl hands the options to a shell.
    let configuration = folders.configuration().display().to_string().replace('\'', "'\\''");
    let mut pg_ctl = programs.command(account, "pg_ctl");
    pg_ctl.args(["start", "--wait", "--silent", "--timeout", &START_S.to_string()]).arg("-D").arg(folders.data());
    pg_ctl.arg("-l").arg(&log).arg("-o").arg(format!("-c config_file='{configuration}'"));
    run::output(&mut pg_ctl, "starting PostgreSQL").map(drop).map_err(|error| {
        let detail = run::last_lines(&fatal_lines(folders), &error.to_string());
        Error::program("starting PostgreSQL", format!("{detail} (more in {})", folders.log().display()))
    })
}

/// Why the last start failed: said before the log files are open, or at the end of the latest of them.
fn fatal_lines(folders: &Folders) -> String {
    let logs = fs::read_dir(folders.log()).into_iter().flatten().flatten().map(|log| log.path());
    let logs = logs.filter(|log| *log != folders.start_log());
    let latest = logs.max_by_key(|log| fs::metadata(log).and_then(|log| log.modified()).ok());
    let read = |log: &Path| fs::read_to_string(log).unwrap_or_default();
    let said = read(&folders.start_log());
    let fatal = |line: &&str| line.contains("FATAL:") || line.contains("PANIC:");
    if said.lines().any(|line| fatal(&line)) {
        return said;
    }
    let later = latest.map(|log| read(&log)).unwrap_or_default();
    later.lines().rfind(fatal).map_or(said, str::to_owned)
}

/// Waits until a server that somebody else started takes connections.
pub(crate) fn wait_ready(pid: u32, folders: &Folders) -> Result<(), Error> {
    let data = folders.data();
    // The eighth line of the pid file says what the server is doing (miscadmin.h, LOCK_FILE_LINE_PM_STATUS).
    wait(pid, "become ready", START_S, folders, || {
        pid_file_lines(&data).get(7).is_some_and(|status| status == "ready") || !serves(pid, &data)
    })
}

pub(crate) fn shut_down(pid: u32, how: Shutdown, folders: &Folders) -> Result<(), Error> {
    let signal = match how {
        Shutdown::Fast => "INT",
        Shutdown::Immediate => "QUIT",
    };
    let data = folders.data();
    let sent = run::output(
        Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid.to_string()]),
        "signalling PostgreSQL",
    );
    if sent.is_err() && serves(pid, &data) {
        return sent.map(drop);
    }
    wait(pid, "stop", STOP_S, folders, || !serves(pid, &data))
}

fn wait(pid: u32, verb: &'static str, seconds: u64, folders: &Folders, done: impl Fn() -> bool) -> Result<(), Error> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !done() {
        if Instant::now() > deadline {
            return Err(Error::Slow { pid, verb, seconds, log: folders.log() });
        }
        thread::sleep(POLL);
    }
    Ok(())
}
