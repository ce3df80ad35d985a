//! The configuration of a private PostgreSQL: bulk ingest with every acknowledged row durable, or a throw-away.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::Purpose;

const MB: u64 = 1 << 20;

pub(crate) fn postgresql_conf(purpose: Purpose, socket_dir: &Path, hba_file: &Path) -> String {
    let mut settings = vec![
        ("listen_addresses", String::new()),
        ("port", "5432".into()),
        ("unix_socket_directories", list_item(socket_dir)),
        ("unix_socket_permissions", "0700".into()),
        ("hba_file", hba_file.display().to_string()),
        ("password_encryption", "scram-sha-256".into()),
        ("shared_preload_libraries", "timescaledb".into()),
        // Its scheduler holds connections that block cloning a template, and Vigil uses none of its jobs.
        ("timescaledb.max_background_workers", "0".into()),
        ("timescaledb.telemetry_level", "off".into()),
        // LLVM is left out of the assembled packages.
        ("jit", "off".into()),
        // A hypertable of 400 daily chunks locks each chunk and its index in one plan.
        ("max_locks_per_transaction", "256".into()),
        ("random_page_cost", "1.1".into()),
        ("effective_io_concurrency", "64".into()),
        ("autovacuum", "on".into()),
        // The one zone compiled into PostgreSQL: a bare host may have no zone files.
        ("timezone", "GMT".into()),
        ("log_timezone", "GMT".into()),
        ("logging_collector", "on".into()),
        ("log_directory", "../log".into()),
        // One file a weekday, begun again a week later: logs stay bounded.
        ("log_filename", "postgresql-%a.log".into()),
        ("log_rotation_age", "1d".into()),
        ("log_rotation_size", "0".into()),
        ("log_truncate_on_rotation", "on".into()),
        // Statements and error details carry values of a person; a log must not.
        ("log_statement", "none".into()),
        ("log_min_duration_statement", "-1".into()),
        ("log_min_error_statement", "panic".into()),
        ("log_error_verbosity", "terse".into()),
        ("log_parameter_max_length", "0".into()),
        ("log_parameter_max_length_on_error", "0".into()),
    ];
    settings.extend(match purpose {
        Purpose::Serve => serve(),
        Purpose::Test => test(),
    });
    let mut text = "# Written by Vigil at each start: changes here are lost.\n".to_owned();
    for (name, value) in settings {
        let value = value.replace('\\', "\\\\").replace('\'', "''");
        writeln!(text, "{name} = '{value}'").expect("writing to a string cannot fail");
    }
    text
}

pub(crate) fn pg_hba_conf(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Serve => "local all all scram-sha-256\n",
        Purpose::Test => "local all all trust\n",
    }
}

fn serve() -> Vec<(&'static str, String)> {
    vec![
        ("max_connections", "100".into()),
        ("shared_buffers", format!("{}MB", (memory_bytes() / 8 / MB).clamp(128, 2048))),
        ("wal_buffers", "64MB".into()),
        // Far apart checkpoints: each makes every touched index page go to the log whole once more.
        ("max_wal_size", "8GB".into()),
        ("min_wal_size", "1GB".into()),
        ("checkpoint_timeout", "15min".into()),
        ("fsync", "on".into()),
        ("full_page_writes", "on".into()),
        ("synchronous_commit", "on".into()),
    ]
}

fn test() -> Vec<(&'static str, String)> {
    vec![
        ("max_connections", "300".into()),
        ("shared_buffers", "128MB".into()),
        ("max_wal_size", "1GB".into()),
        ("fsync", "off".into()),
        ("full_page_writes", "off".into()),
        ("synchronous_commit", "off".into()),
    ]
}

/// `unix_socket_directories` is a list: an element in double quotes may hold commas and spaces.
fn list_item(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

/// What this process may use: the machine's memory or the control group's limit, whichever is less.
fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    });
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.unwrap_or(0).min(group.unwrap_or(u64::MAX))
}
