use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::heads::{UNSENT, lines};
use super::signer::Head;

/// How long the outside may take for a write before nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The file outside, on a mount that may hang: each write has a thread of its own, which holds up neither the audit nor the
/// end of the process, and there is never a second one.
pub(crate) struct Sink {
    file: PathBuf,
    unsent: VecDeque<Head>,
    writing: Option<Writing>,
}

struct Writing {
    heads: Vec<Head>,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Sink {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, unsent: VecDeque::new(), writing: None }
    }

    pub(crate) fn owe(&mut self, head: Head) {
        if self.unsent.len() == UNSENT {
            self.unsent.pop_front();
        }
        self.unsent.push_back(head);
    }

    /// Sends what is owed; what fails, or is not over in time, is looked after with the next call.
    pub(crate) async fn send(&mut self) -> io::Result<()> {
        let sent = self.write().await;
        let writing = self.writing.as_ref().map_or(0, |writing| writing.heads.len());
        metrics::gauge!("vigil_audit_heads_unsent").set((self.unsent.len() + writing) as f64);
        sent
    }

    async fn write(&mut self) -> io::Result<()> {
        let mut patience = Duration::ZERO;
        if self.writing.is_none() && !self.unsent.is_empty() {
            self.writing = Some(self.begin()?);
            patience = PATIENCE;
        }
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let Ok(ended) = timeout(patience, &mut writing.ended).await else {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the sink of the audit does not answer"));
        };
        let ended = ended.unwrap_or_else(|_| Err(io::Error::other("the thread of the sink panicked")));
        let Some(Writing { heads, .. }) = self.writing.take().filter(|_| ended.is_err()) else { return ended };
        heads.into_iter().rev().for_each(|head| self.unsent.push_front(head));
        self.unsent.drain(..self.unsent.len().saturating_sub(UNSENT));
        ended
    }

    fn begin(&mut self) -> io::Result<Writing> {
        // Whatever was cut before, by whomever, ends here.
        let text = [b"\n".to_vec(), lines(&self.unsent)?].concat();
        let (tell, ended) = oneshot::channel();
        let file = self.file.clone();
        // Nobody may wait for the answer any more.
        let work = move || drop(tell.send(append(&file, &text)));
        std::thread::Builder::new().name("audit-sink".to_owned()).spawn(work)?;
        Ok(Writing { heads: self.unsent.drain(..).collect(), ended })
    }
}

/// Ends once it is on the disk.
fn append(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    file.write_all(text)?;
    file.sync_all()
}
