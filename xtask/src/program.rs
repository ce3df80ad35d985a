use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::{folders, interrupt};

const POLL: Duration = Duration::from_millis(50);
/// What a program told to stop may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command in the root of the sources, deaf to the terminal's Ctrl-C: we stop it, in our order.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folders::root()).stdin(Stdio::null()).process_group(0);
    command
}

pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end with its output streamed; an interrupt stops it and everything it started.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = name(command);
    let mut running = Running::start(command)?;
    let status = loop {
        if let Some(status) = running.ended()? {
            break status;
        }
        if interrupt::interrupted() {
            running.stop()?;
            interrupt::check()?;
        }
        thread::sleep(POLL);
    };
    if !status.success() {
        bail!("run {name}: {status}");
    }
    Ok(())
}

/// What it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = name(command);
    let output = command.output().with_context(|| format!("start {name}"))?;
    if !output.status.success() {
        bail!("run {name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("read what {name} printed"))
}

pub(crate) fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn name(command: &Command) -> String {
    let arguments = command.get_args().take(3).map(|argument| argument.to_string_lossy());
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let words: Vec<_> = std::iter::once(program).chain(arguments).collect();
    words.join(" ")
}

/// A process and all that it started. Killed when dropped.
pub(crate) struct Running {
    name: String,
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = name(command);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name, child })
    }

    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("wait for {}", self.name))
    }

    /// SIGTERM, and SIGKILL to what does not heed it.
    pub(crate) fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal("TERM");
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        self.signal("KILL");
        bail!("stop {}: it did not end within {} s", self.name, PATIENCE.as_secs());
    }

    /// To the whole process group. By the shell's own `kill`: a small Debian has no other.
    fn signal(&self, signal: &str) {
        let script = format!("kill -s {signal} -- -{}", self.child.id());
        match Command::new("sh").args(["-c", &script]).output() {
            Ok(told) if told.status.success() => {}
            Ok(told) => eprintln!("could not stop {}: {}", self.name, String::from_utf8_lossy(&told.stderr).trim()),
            Err(error) => eprintln!("could not stop {}: start sh: {error}", self.name),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("KILL");
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
