//! What it ran on, and who used its processors.

use std::fmt;
use std::fs;

pub(crate) struct Machine {
    model: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            text.lines()
                .find(|line| line.starts_with(name))
                .and_then(|line| line.split_once(':'))
                .map(|(_, value)| value.trim().to_owned())
        };
        let memory_kib: u64 = field(&text("/proc/meminfo"), "MemTotal")
            .and_then(|value| value.split_whitespace().next()?.parse().ok())
            .unwrap_or_default();
        Self {
            model: field(&text("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kib.div_ceil(1 << 20),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} cores, {} GiB, Linux {}", self.model, self.cores, self.memory_gib, self.kernel)
    }
}

/// Clock ticks a second in /proc (USER_HZ, fixed on Linux).
const TICKS: f64 = 100.0;

/// (parent, own ticks, ticks of children that have ended)
fn stat(process: &str) -> Option<(u32, u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command may hold spaces and brackets: fields are counted from the last bracket.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((number(1)? as u32, number(11)? + number(12)?, number(13)? + number(14)?))
}

fn children(root: u32) -> impl Iterator<Item = (String, u64)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |entry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.parse::<u32>().is_ok())?;
        let (parent, own, ended) = stat(&name)?;
        (parent == root).then_some((name, own + ended))
    })
}

/// CPU seconds of a process and of its children, ended ones included.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    let own = stat(&root.to_string()).map_or(0, |(_, own, ended)| own + ended);
    (own + children(root).map(|(_, ticks)| ticks).sum::<u64>()) as f64 / TICKS
}

/// A thread of this process, by which its CPU time can be told from the rest.
#[derive(Clone, Debug)]
pub(crate) struct Thread(String);

impl Thread {
    pub(crate) fn current() -> std::io::Result<Self> {
        // `{process}/task/{thread}`
        Ok(Self(fs::read_link("/proc/thread-self")?.display().to_string()))
    }

    /// 0 once it has ended.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        stat(&self.0).map_or(0.0, |(_, own, _)| own as f64 / TICKS)
    }
}

/// A line of /proc/…/status in MB (2^20).
fn status_mb(process: &str, line: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib: f64 = text.lines().find_map(|text| text.strip_prefix(line))?.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1_024.0)
}

/// What a process has in memory, files of its program included.
pub(crate) fn rss_mb(process: u32) -> f64 {
    status_mb(&process.to_string(), "VmRSS:").unwrap_or(f64::NAN)
}

/// The most it ever had.
pub(crate) fn peak_mb(process: u32) -> f64 {
    status_mb(&process.to_string(), "VmHWM:").unwrap_or(f64::NAN)
}

/// What the processes of a database have for themselves: its shared buffers are of a fixed size.
pub(crate) fn private_mb(postmaster: u32) -> f64 {
    let processes = std::iter::once(postmaster.to_string()).chain(children(postmaster).map(|(name, _)| name));
    processes.filter_map(|process| status_mb(&process, "RssAnon:")).sum()
}
