//! Who saw and did what: written before anybody is shown anything, chained so that a later change shows.

mod chain;
mod committer;
mod event;
mod export;
mod handlers;
mod heads;
mod hex;
mod links;
mod model;
mod record;
mod repeats;
mod routes;
mod sealer;
mod search;
mod signer;
mod sink;
mod spool;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;
mod verify;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::store::Pool;
use keys::{Field, Keyring};
use vitals::{Clock, EventId};

use heads::Heads;
use repeats::Repeats;
use sealer::Sealer;
use signer::Signer;
use spool::Spool;

pub(crate) use committer::{Committer, Unrecorded};
pub(crate) use event::{Action, Category, Entity, EntityKind, Event, Outcome, Purpose};
pub use export::{ExportError, Filter, Format, export};
#[cfg(test)]
pub(crate) use model::{AuditEvent, AuditEvents};
pub(crate) use record::{Agent, Record};
pub(crate) use repeats::Sameness;
pub(crate) use routes::routes;
pub use signer::{KeyError, PublicKey};
pub(crate) use store::insert;
pub(crate) use upkeep::Upkeep;
pub use verify::{Adopted, Finding, Verified, verify};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the audit's database")]
    Database(#[from] ::store::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the folder of the audit")]
    Folder(#[source] io::Error),
    #[error("write a head of the audit")]
    Heads(#[source] io::Error),
    #[error("write a head of the audit outside")]
    Sink(#[source] io::Error),
    #[error("read the heads in {0}")]
    HeadsOf(PathBuf, #[source] io::Error),
}

/// Where the audit keeps what is not in the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of this machine: the spool, the heads, and the key that signs them unless it lies elsewhere.
    pub folder: PathBuf,
    /// The Ed25519 key (PKCS #8), 0600. Made where there is none.
    pub key: PathBuf,
    /// Heads are appended to this file too: on a mount that this machine cannot rewrite.
    pub sink: Option<PathBuf>,
}

impl Settings {
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), key: folder.join("signing.key"), sink: None }
    }

    /// Every file that heads are written to, and that is there.
    pub fn files_of_heads(&self) -> Vec<PathBuf> {
        let files = [Some(heads::file_in(&self.folder)), self.sink.clone()];
        files.into_iter().flatten().filter(|file| file.exists()).collect()
    }

    /// What `verify` checks signatures with.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::read(&signer::beside(&self.key))
    }
}

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Audit {
    /// As `vigil_audit`.
    pool: Pool,
    committer: Committer,
    repeats: Arc<Repeats>,
    sealer: Arc<Sealer>,
    clock: Clock,
    keyring: Keyring,
}

/// Sealed with the key of the system, since an event is about more than one person.
const DETAIL: Field = Field::new("audit_events", "detail_sealed");

/// Bytes of a text: more says no more.
const MOST_DETAIL: usize = 16_384;

impl Audit {
    /// `pool` is that of `vigil_audit`. Nothing is written before the upkeep runs.
    pub(crate) fn open(
        pool: Pool,
        clock: Clock,
        keyring: Keyring,
        settings: &Settings,
    ) -> Result<(Self, Upkeep), Error> {
        make_private(&settings.folder).map_err(Error::Folder)?;
        let spool = Spool::open(&settings.folder).map_err(Error::Folder)?;
        let signer = Signer::open(&settings.key)?;
        let sealer = Arc::new(Sealer::new(pool.clone(), clock.clone()));
        let (committer, commit) = Committer::start(pool.clone(), sealer.clone(), Some(spool));
        let (folder, sink) = (&settings.folder, settings.sink.clone());
        let heads = Heads::open(pool.clone(), clock.clone(), sealer.clone(), signer, folder, sink);
        let heads = heads.map_err(Error::Heads)?;
        let audit = Self { pool, committer, repeats: Arc::default(), sealer, clock, keyring };
        Ok((audit.clone(), Upkeep { audit, heads, commit: Box::pin(commit) }))
    }

    /// For a command, which has no disk to go to and ends with [`Self::close`].
    pub(crate) fn of_a_command(pool: Pool, clock: Clock, keyring: Keyring) -> Self {
        let sealer = Arc::new(Sealer::new(pool.clone(), clock.clone()));
        let (committer, commit) = Committer::start(pool.clone(), sealer.clone(), None);
        tokio::spawn(commit);
        Self { pool, committer, repeats: Arc::default(), sealer, clock, keyring }
    }

    /// Appends what was written to the chain now, and signs its end where this account may: elsewhere, the portal does
    /// within a minute.
    pub(crate) async fn close(&self, settings: Option<&Settings>) -> Result<(), ::store::Error> {
        self.sealer.seal().await?;
        if let Some(settings) = settings
            && let Err(error) = self.sign(settings).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "what this command did is not signed yet");
        }
        Ok(())
    }

    /// Makes neither a key nor a file: they would be this account's, and not the portal's.
    async fn sign(&self, settings: &Settings) -> Result<(), Error> {
        if !settings.key.exists() || !heads::file_in(&settings.folder).exists() {
            return Ok(());
        }
        let signer = Signer::open(&settings.key)?;
        let (pool, clock, sealer) = (self.pool.clone(), self.clock.clone(), self.sealer.clone());
        let heads = Heads::open(pool, clock, sealer, signer, &settings.folder, settings.sink.clone());
        heads.map_err(Error::Heads)?.sign_once().await
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Ends once the event is durable.
    pub(crate) async fn record(&self, record: Record) -> Result<(), Unrecorded> {
        self.committer.commit(record).await
    }

    /// The same, but what was recorded within the last minute is counted.
    pub(crate) async fn record_once(&self, same: Sameness, record: Record) -> Result<(), Unrecorded> {
        self.repeats.commit(&self.committer, same, record).await
    }

    /// So that it opens in the row of this event and nowhere else.
    pub(crate) fn seal(&self, event: EventId, text: &str) -> Vec<u8> {
        let text = &text.as_bytes()[..text.floor_char_boundary(MOST_DETAIL)];
        self.keyring.system().seal(DETAIL, event.0.as_bytes(), text)
    }

    /// A transaction that is about to commit holds this event. Before it: whoever made the request may leave while it
    /// commits, and what was committed needs a link all the same.
    pub(crate) fn will_be_written(&self, event: EventId) -> Result<(), Unrecorded> {
        if !self.sealer.has_room() {
            return Err(Unrecorded);
        }
        self.sealer.announce([event]);
        Ok(())
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
