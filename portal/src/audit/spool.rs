//! Events that the database could not take, on the disk of this machine until it can.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::record::Record;

/// An hour of a thousand events a second is 1.5 GB; what the live wall does without a database is a few events a minute.
const MOST_BYTES: u64 = 256 << 20;

/// One file of lines of JSON. A line without its end was never answered for: it is passed over.
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    written: u64,
    /// Up to here the database has them.
    drained: u64,
}

impl Spool {
    /// Goes on with what an earlier process left.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("events.spool");
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
        // The name too is durable before anything is answered for.
        File::open(folder)?.sync_all()?;
        let mut spool = Self { path, file, written: 0, drained: 0 };
        spool.written = spool.whole()?;
        spool.file.set_len(spool.written)?;
        Ok(spool)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.drained == self.written
    }

    /// Ends once they are on the disk. What fails leaves none of them.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        if self.written + lines.len() as u64 > MOST_BYTES {
            return Err(io::Error::other("the spool of the audit is full"));
        }
        if let Err(error) = self.file.write_all(&lines).and_then(|()| self.file.sync_data()) {
            self.file.set_len(self.written)?;
            return Err(error);
        }
        self.written += lines.len() as u64;
        Ok(())
    }

    /// At most `most` of those that are not drained, and where they end.
    pub(crate) fn next(&self, most: usize) -> io::Result<(Vec<Record>, u64)> {
        let mut from = File::open(&self.path)?;
        from.seek(SeekFrom::Start(self.drained))?;
        let (mut lines, mut records, mut end) = (BufReader::new(from), Vec::new(), self.drained);
        let mut line = Vec::new();
        while records.len() < most && end < self.written {
            line.clear();
            let read = lines.read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                // Somebody cut the file. What is gone stays gone; what comes is kept again.
                metrics::counter!("vigil_audit_spool_cut_total").increment(1);
                tracing::error!(bytes = self.written - end, "the spool of the audit is shorter than it was written");
                return Ok((records, self.written));
            }
            end += read;
            match serde_json::from_slice(&line) {
                Ok(record) => records.push(record),
                Err(_) => self.set_aside(&line)?,
            }
        }
        Ok((records, end))
    }

    /// What no table takes and no program reads is kept for whoever looks into it.
    pub(crate) fn set_aside(&self, line: &[u8]) -> io::Result<()> {
        metrics::counter!("vigil_audit_events_set_aside_total").increment(1);
        tracing::error!("an event of the audit was set aside: see events.refused beside the spool");
        let aside = self.path.with_extension("refused");
        let mut aside = OpenOptions::new().append(true).create(true).mode(0o600).open(aside)?;
        aside.write_all(line)?;
        aside.sync_all()
    }

    /// The database has those before `end`. The file is emptied once it has all, and only then.
    pub(crate) fn drained(&mut self, end: u64) -> io::Result<()> {
        self.drained = end;
        if self.is_empty() {
            self.file.set_len(0)?;
            self.file.sync_all()?;
            (self.written, self.drained) = (0, 0);
        }
        Ok(())
    }

    /// How long the file is without a line that was cut.
    fn whole(&self) -> io::Result<u64> {
        let text = fs::read(&self.path)?;
        Ok(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end as u64 + 1))
    }
}
