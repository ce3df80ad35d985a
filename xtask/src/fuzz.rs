//! Whatever bytes come: the targets of `fuzz/`, one after the other, and what each of them did.

use std::fs::{self, File};

use anyhow::{Context, bail};

use crate::folders;
use crate::program::{self, cargo, command};

/// Each target and its longest input in bytes: room for several packets, frames or names; more only repeats itself.
const TARGETS: [(&str, u32); 7] = [
    ("framing", 1_024),
    ("wire", 1_024),
    ("topic", 256),
    ("rights", 256),
    ("certificate", 1_024),
    ("live", 512),
    ("query", 128),
];

/// libFuzzer's flags name coverage of this platform's linker.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Only these; all where none is named.
    #[arg(value_name = "TARGET", value_parser = TARGETS.map(|(target, _)| target))]
    targets: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    build()?;
    let wanted = |target: &str| arguments.targets.is_empty() || arguments.targets.iter().any(|named| named == target);
    let mut failed = Vec::new();
    for (target, longest) in TARGETS.into_iter().filter(|(target, _)| wanted(target)) {
        match fuzz(target, longest, arguments.seconds) {
            Ok(told) => println!("{target}: {} s, {told}", arguments.seconds),
            Err(error) => {
                crate::interrupt::check()?;
                println!("{target}: {error:#}");
                failed.push(target);
            }
        }
    }
    if !failed.is_empty() {
        bail!("find nothing: {}", failed.join(", "));
    }
    Ok(())
}

/// With the versions that ship: the lock file is the root's, and cargo adds what only the targets need.
fn build() -> anyhow::Result<()> {
    let fuzz = folders::root().join("fuzz");
    fs::copy(folders::root().join("Cargo.lock"), fuzz.join("Cargo.lock")).context("copy the lock file")?;
    // The flags are in `fuzz/.cargo/config.toml`, which cargo finds from there.
    program::run(cargo().current_dir(fuzz).args(["build", "--release", "--bins", "--target-dir"]).arg(folders::fuzz()))
}

/// Goes on from what earlier runs found worth keeping. Answers what it did.
fn fuzz(target: &str, longest: u32, seconds: u32) -> anyhow::Result<String> {
    let (corpus, artifacts) = (folders::fuzz().join("corpus").join(target), folders::fuzz().join("artifacts"));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let log = folders::fuzz().join(format!("{target}.log"));
    let mut fuzzer = command(folders::fuzz().join(PLATFORM).join("release").join(target));
    fuzzer
        .args([format!("-max_total_time={seconds}"), format!("-max_len={longest}")])
        // An input that takes seconds, or a gibibyte, is a finding as well.
        .args(["-timeout=5", "-rss_limit_mb=1024"])
        .arg(format!("-artifact_prefix={}/{target}-", artifacts.display()))
        .args([&corpus, &folders::root().join("fuzz/seeds").join(target)])
        .stderr(File::create(&log).with_context(|| format!("create {}", log.display()))?);
    let outcome = program::run(&mut fuzzer);
    let told = fs::read_to_string(&log).unwrap_or_default();
    if let Err(error) = outcome {
        let end: Vec<_> = told.lines().rev().take(30).collect();
        return Err(error.context(end.into_iter().rev().collect::<Vec<_>>().join("\n")));
    }
    done(&told).with_context(|| format!("read {}", log.display()))
}

/// From libFuzzer's last line, `#4096 DONE cov: 812 ft: 3201 corp: 240/9Kb lim: 1024 exec/s: 512 rss: 88Mb` with a tab before DONE.
fn done(log: &str) -> Option<String> {
    let (executions, rest) = log.lines().find(|line| line.contains("DONE"))?.strip_prefix('#')?.split_once('\t')?;
    let mut words = rest.split_whitespace();
    let mut after = |name: &str| words.find(|word| *word == name).and_then(|_| words.next());
    let (edges, features, kept) = (after("cov:")?, after("ft:")?, after("corp:")?);
    Some(format!("{executions} executions, {edges} edges, {features} features, {kept} kept"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_did_is_read_from_its_last_line() {
        let log = "INFO: Seed: 1\n#2\tINITED cov: 7 ft: 8 corp: 1/1b exec/s: 0 rss: 40Mb\n\
            #4096\tDONE   cov: 812 ft: 3201 corp: 240/9Kb lim: 1024 exec/s: 512 rss: 88Mb\nDone 4096 runs in 8 second(s)\n";
        assert_eq!(done(log).unwrap(), "4096 executions, 812 edges, 3201 features, 240/9Kb kept");
        assert_eq!(done("INFO: Seed: 1\n==1==ERROR: libFuzzer: timeout after 5 seconds\n"), None);
    }

    #[test]
    fn every_target_has_its_seeds_and_its_entry() {
        let fuzz = folders::root().join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for (target, _) in TARGETS {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
            assert!(fs::read_dir(fuzz.join("seeds").join(target)).unwrap().next().is_some(), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
