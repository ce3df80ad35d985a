//! Running other programs and keeping what they said.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{At, Error};

/// What of a failed program's output goes into an error: its last lines, which name the cause.
const LAST_LINES: usize = 6;

/// Runs to the end and returns standard output.
pub(crate) fn output(command: &mut Command, doing: &str) -> Result<String, Error> {
    let done = command.stdin(Stdio::null()).output().map_err(|error| Error::program(doing, error.to_string()))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = [done.stdout, done.stderr].concat();
    Err(Error::program(doing, last_lines(&String::from_utf8_lossy(&said), &done.status.to_string())))
}

/// Runs with `input` on standard input. The input is not part of any error: it may hold a password.
pub(crate) fn feed(command: &mut Command, input: &str, doing: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Error::program(doing, error.to_string());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    // A program that ended early explains itself on standard error; the broken pipe would hide that.
    let fed = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let done = child.wait_with_output().map_err(failed)?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(Error::program(doing, last_lines(&said, &done.status.to_string())));
    }
    fed.unwrap_or(Ok(())).map_err(failed)
}

/// Runs to the end, handing each line of standard output and error to `line` as it appears; returns success and all
/// that was said.
pub(crate) fn watch(command: &mut Command, path: &Path, line: &mut dyn FnMut(&str)) -> Result<(bool, String), Error> {
    let doing = "running a program in";
    let (reader, writer) = io::pipe().at(doing, path)?;
    let second = writer.try_clone().at(doing, path)?;
    let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(second).spawn().at(doing, path)?;
    // The command holds the pipe's writing ends; without letting go of them the reader would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut said = String::new();
    for text in BufReader::new(reader).split(b'\n') {
        let text = text.at(doing, path)?;
        let text = String::from_utf8_lossy(&text);
        line(&text);
        said.push_str(&text);
        said.push('\n');
    }
    let status = child.wait().at(doing, path)?;
    Ok((status.success(), said))
}

/// The end of what a program said, on one line, or `otherwise` if it said nothing.
pub(crate) fn last_lines(said: &str, otherwise: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len() {
        0 => otherwise.to_owned(),
        count => lines[count.saturating_sub(LAST_LINES)..].join("; "),
    }
}
