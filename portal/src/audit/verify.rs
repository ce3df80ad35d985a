//! Whether the audit is as it was written: what was changed, removed, put in or moved is named.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ::store::{Client, Pool, Transaction};
use ahash::{AHashMap, AHashSet};
use uuid::Uuid;
use vitals::Timestamp;

use super::Error;
use super::chain::{self, Hash, Place, Stored};
use super::heads;
use super::links::{self, Link, Opened};
use super::signer::{Head, PublicKey};
use super::store;

/// Links read at once.
const PAGE: i64 = 1_000;

/// What is younger may not be sealed yet: after a crash, the next process adopts it within a minute.
const UNSEALED_MS: i64 = 120_000;

/// Mismatches of one stream among which a swap is looked for; each is compared with each.
const COMPARED: usize = 256;

/// One moment of the database; it may take as long as it takes.
const SETTINGS: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0; \
     SELECT set_config('vigil.part', 'audit', true)";

/// What was looked at, and what was found wrong.
#[derive(Debug, Default)]
pub struct Verified {
    pub streams: usize,
    pub links: u64,
    pub heads: usize,
    /// Events too young to be expected in a chain.
    pub unsealed: usize,
    /// Linked though no process announced them: a crash left them, or somebody put them in just before a restart.
    pub adopted: Vec<Adopted>,
    pub findings: Vec<Finding>,
}

/// An event that a later process sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    pub stream: Uuid,
    pub seq: i64,
    pub event: Uuid,
}

impl fmt::Display for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, seq, event } = self;
        write!(f, "adopted: event {event} (stream {stream}, link {seq}) was announced by no process")
    }
}

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The event, its subjects, or the link itself.
    Changed {
        stream: Uuid,
        seq: i64,
        event: Uuid,
    },
    /// The link is where another event's was.
    Reordered {
        stream: Uuid,
        seq: i64,
        event: Uuid,
    },
    Removed {
        stream: Uuid,
        seq: i64,
        event: Uuid,
    },
    /// In the table and in no chain.
    Inserted {
        event: Uuid,
    },
    LinksRemoved {
        stream: Uuid,
        first: i64,
        last: i64,
    },
    /// A head tells another hash of this link: the chain up to here was made anew.
    Rewritten {
        stream: Uuid,
        seq: i64,
        told_by: String,
    },
    StreamRemoved {
        stream: Uuid,
        told_by: String,
    },
    /// Heads that are in a file and no longer in the database.
    HeadsRemoved {
        stream: Uuid,
        heads: usize,
    },
    /// Links of a stream that never began.
    StreamInserted {
        stream: Uuid,
    },
    /// Not signed with the key.
    Forged {
        stream: Uuid,
        seq: i64,
        told_by: String,
    },
    /// A file of heads that holds something else.
    Unreadable {
        file: PathBuf,
        lines: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { stream, seq, event } => write!(f, "changed: event {event} (stream {stream}, link {seq})"),
            Self::Reordered { stream, seq, event } => {
                write!(f, "reordered: event {event} (stream {stream}, link {seq})")
            }
            Self::Removed { stream, seq, event } => write!(f, "removed: event {event} (stream {stream}, link {seq})"),
            Self::Inserted { event } => write!(f, "inserted: event {event} is in no chain"),
            Self::LinksRemoved { stream, first, last } => {
                write!(f, "removed: links {first} to {last} of stream {stream}")
            }
            Self::Rewritten { stream, seq, told_by } => {
                write!(f, "rewritten: stream {stream} up to link {seq}, of which {told_by} knows another hash")
            }
            Self::StreamRemoved { stream, told_by } => write!(f, "removed: stream {stream}, which {told_by} knows"),
            Self::HeadsRemoved { stream, heads } => {
                write!(f, "removed: {heads} heads of stream {stream} from the database")
            }
            Self::StreamInserted { stream } => write!(f, "inserted: stream {stream} never began"),
            Self::Forged { stream, seq, told_by } => {
                write!(f, "forged: the head of stream {stream} at link {seq} in {told_by} has no valid signature")
            }
            Self::Unreadable { file, lines } => write!(f, "{}: {lines} lines are no heads", file.display()),
        }
    }
}

/// Heads by stream and link, with who tells each.
type Told = AHashMap<Uuid, BTreeMap<i64, Vec<(String, Hash)>>>;

/// Who tells what stands in `audit_heads`.
const DATABASE: &str = "the database";

/// `files` are those that heads are written to beside the database.
pub async fn verify(pool: &Pool, key: &PublicKey, files: &[PathBuf], now: Timestamp) -> Result<Verified, Error> {
    let mut seen = Verified::default();
    let (mut told, mut expected) = (Told::default(), AHashSet::new());
    // Before the database is looked at: it is never behind them.
    for file in files {
        let (heads, others) = heads::read(file).map_err(|error| Error::HeadsOf(file.clone(), error))?;
        if others > 0 {
            seen.findings.push(Finding::Unreadable { file: file.clone(), lines: others });
        }
        // The newest may be on its way to the database.
        let old = heads.iter().filter(|head| now.millis_since(head.at).abs() >= UNSEALED_MS && key.signed(head));
        expected.extend(old.map(|head| (head.stream, head.seq)));
        hear(&mut told, &mut seen, key, &name(file), heads);
    }
    let tx = Transaction::read_only(pool, SETTINGS).await?;
    let heads = store::heads(tx.db()).await?;
    for head in &heads {
        expected.remove(&(head.stream, head.seq));
    }
    hear(&mut told, &mut seen, key, DATABASE, heads);
    let streams = links::streams(tx.db()).await?;
    let known: AHashSet<_> = streams.iter().map(|(stream, _)| *stream).collect();
    let mut missing: Vec<_> = told.iter().filter(|(stream, _)| !known.contains(*stream)).collect();
    missing.sort_unstable_by_key(|(stream, _)| **stream);
    for (stream, heads) in missing {
        let told_by = heads.values().flatten().map(|(by, _)| by.clone()).next().unwrap_or_default();
        seen.findings.push(Finding::StreamRemoved { stream: *stream, told_by });
    }
    seen.findings.extend(heads_removed(expected.into_iter().filter(|(stream, _)| known.contains(stream))));
    seen.streams = streams.len();
    for (stream, opened) in streams {
        let heads = told.remove(&stream).unwrap_or_default();
        Walk { db: tx.db(), stream, heads, seen: &mut seen }.walk(opened, &known).await?;
    }
    for stream in store::streams_without_beginning(tx.db()).await? {
        seen.findings.push(Finding::StreamInserted { stream });
    }
    for (event, at) in store::unlinked_events(tx.db()).await? {
        if (now.millis_since(at)).abs() < UNSEALED_MS {
            seen.unsealed += 1;
        } else {
            seen.findings.push(Finding::Inserted { event });
        }
    }
    tx.rollback().await?;
    Ok(seen)
}

fn heads_removed(missing: impl Iterator<Item = (Uuid, i64)>) -> impl Iterator<Item = Finding> {
    let mut removed = BTreeMap::new();
    for (stream, _) in missing {
        *removed.entry(stream).or_default() += 1;
    }
    removed.into_iter().map(|(stream, heads)| Finding::HeadsRemoved { stream, heads })
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

fn hear(told: &mut Told, seen: &mut Verified, key: &PublicKey, by: &str, heads: Vec<Head>) {
    for head in heads {
        seen.heads += 1;
        let (stream, seq) = (head.stream, head.seq);
        if key.signed(&head) {
            told.entry(stream).or_default().entry(seq).or_default().push((by.to_owned(), head.hash));
        } else {
            seen.findings.push(Finding::Forged { stream, seq, told_by: by.to_owned() });
        }
    }
}

/// One stream, from its first link to its last.
struct Walk<'a> {
    db: &'a Client,
    stream: Uuid,
    heads: BTreeMap<i64, Vec<(String, Hash)>>,
    seen: &'a mut Verified,
}

/// A link whose hash is not that of its event after the link before.
struct Mismatch {
    seq: i64,
    event: Stored,
    before: Hash,
    hash: Hash,
    adopted: bool,
}

impl Walk<'_> {
    async fn walk(mut self, (opened_at, after): Opened, known: &AHashSet<Uuid>) -> Result<(), Error> {
        if let Some(place) = after {
            self.look_back(place, known).await?;
        }
        let (mut before, mut last) = (Some(chain::genesis(self.stream, opened_at, after)), 0);
        let mut mismatches = Vec::new();
        loop {
            let page = links::page(self.db, self.stream, last, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for link in page {
                self.seen.links += 1;
                if link.seq != last + 1 {
                    self.find(|stream| Finding::LinksRemoved { stream, first: last + 1, last: link.seq - 1 });
                    before = None;
                }
                last = link.seq;
                self.compare_heads(&link);
                let hash = link.hash;
                mismatches.extend(self.check(link, before));
                before = Some(hash);
            }
        }
        self.tell_apart(&mismatches);
        // A head beyond the last link: the end is gone.
        if let Some((&head, _)) = self.heads.last_key_value().filter(|(head, _)| **head > last) {
            self.find(|stream| Finding::LinksRemoved { stream, first: last + 1, last: head });
        }
        Ok(())
    }

    fn find(&mut self, finding: impl FnOnce(Uuid) -> Finding) {
        self.seen.findings.push(finding(self.stream));
    }

    /// The stream before this one still has the place that it had when this one began.
    async fn look_back(&mut self, place: Place, known: &AHashSet<Uuid>) -> Result<(), Error> {
        let told_by = format!("stream {}", self.stream);
        if !known.contains(&place.stream) {
            self.seen.findings.push(Finding::StreamRemoved { stream: place.stream, told_by });
            return Ok(());
        }
        let there = links::page(self.db, place.stream, place.seq - 1, 1).await?;
        match there.first().filter(|link| link.seq == place.seq) {
            Some(link) if link.hash == place.hash => {}
            Some(_) => self.seen.findings.push(Finding::Rewritten { stream: place.stream, seq: place.seq, told_by }),
            // The walk of that stream names what is gone but for its end, of which only this one knows.
            None => {
                let end = links::last(self.db, place.stream).await?.map_or(0, |last| last.seq);
                if end < place.seq {
                    let (stream, first, last) = (place.stream, end + 1, place.seq);
                    self.seen.findings.push(Finding::LinksRemoved { stream, first, last });
                }
            }
        }
        Ok(())
    }

    fn compare_heads(&mut self, link: &Link) {
        let heads = self.heads.get(&link.seq).into_iter().flatten();
        let other = heads.filter(|(_, hash)| *hash != link.hash).map(|(by, _)| by.clone()).next();
        if let Some(told_by) = other {
            self.find(|stream| Finding::Rewritten { stream, seq: link.seq, told_by });
        }
    }

    fn check(&mut self, link: Link, before: Option<Hash>) -> Option<Mismatch> {
        let Link { seq, event, hash, adopted, stored } = link;
        if adopted {
            self.seen.adopted.push(Adopted { stream: self.stream, seq, event });
        }
        let Some(stored) = stored else {
            self.find(|stream| Finding::Removed { stream, seq, event });
            return None;
        };
        // After links that are gone nothing can be said of the next one but by its head.
        let before = before?;
        (chain::link(&before, &stored, adopted) != hash).then_some(Mismatch {
            seq,
            event: stored,
            before,
            hash,
            adopted,
        })
    }

    /// Whether an event stands in another's place, or was changed.
    fn tell_apart(&mut self, mismatches: &[Mismatch]) {
        let compared = &mismatches[..mismatches.len().min(COMPARED)];
        for mismatch in mismatches {
            let stood =
                |other: &&Mismatch| chain::link(&mismatch.before, &other.event, mismatch.adopted) == mismatch.hash;
            let (seq, event) = (mismatch.seq, mismatch.event.id);
            match compared.iter().find(stood) {
                Some(_) => self.find(|stream| Finding::Reordered { stream, seq, event }),
                None => self.find(|stream| Finding::Changed { stream, seq, event }),
            }
        }
    }
}
