use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::assemble::lock;
use crate::error::{At, Error};
use crate::folders::Folders;
use crate::postmaster::{self, Shutdown};
use crate::programs::Programs;
use crate::secret::Secret;
use crate::setup::{self, OWNER};
use crate::{Options, Purpose, Status};

/// A running private PostgreSQL. Dropping it stops nothing.
#[derive(Clone)]
pub struct Cluster {
    folders: Folders,
    purpose: Purpose,
    superuser: String,
    owner: String,
    pid: u32,
    started_here: bool,
}

/// Without its passwords.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("place", &self.place()).field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Where it is, in the key-value form of libpq with the socket folder as `host`: names nobody.
    pub fn place(&self) -> String {
        self.folders.place()
    }

    /// As its superuser, with the password: to administer, and for tests.
    pub fn superuser_url(&self) -> String {
        self.superuser.clone()
    }

    /// As `vigil_owner`, with the password.
    pub fn owner_url(&self) -> String {
        self.owner.clone()
    }

    /// Holds a file for each role with its password. None: it believes whoever comes.
    pub fn passwords(&self) -> Option<PathBuf> {
        (self.purpose == Purpose::Serve).then(|| self.folders.passwords())
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its tables and its log lie.
    pub fn data_dir(&self) -> PathBuf {
        self.folders.data()
    }

    /// False where it was found running: then it is not the caller's to stop.
    pub fn started_here(&self) -> bool {
        self.started_here
    }

    /// Ends all sessions, writes everything, and waits for the end.
    pub fn stop(&self) -> Result<(), Error> {
        postmaster::shut_down(self.pid, Shutdown::Fast, &self.folders)
    }

    /// Ends it without writing anything more; the next start recovers.
    pub fn stop_now(&self) -> Result<(), Error> {
        postmaster::shut_down(self.pid, Shutdown::Immediate, &self.folders)
    }
}

/// Makes what is missing and starts the cluster, or finds it running. May take a minute the first time on a machine;
/// `progress` gets one short line for each step that takes seconds.
pub fn start(options: &Options, progress: &dyn Fn(&str)) -> Result<Cluster, Error> {
    let state_dir = &options.state_dir;
    make_state_dir(state_dir)?;
    let _lock = lock(&state_dir.join("localdb.lock"), progress)?;
    let account = Account::existing_or_new()?;
    let folders = Folders::make(state_dir, &account)?;
    let data = folders.data();
    let prepared = folders.home.join("prepared");

    let found = postmaster::running(&data);
    if let Some(pid) = found {
        postmaster::wait_ready(pid, &folders)?;
        if is_prepared(&prepared) && postmaster::running(&data) == Some(pid) {
            return cluster(options, folders, pid, false);
        }
    }
    let programs = Programs::find(options, &data, &account, progress)?;
    if !data.exists() {
        progress("making a PostgreSQL cluster");
        setup::initialise(&programs, &account, &folders, options.purpose)?;
    }
    let still_running = postmaster::running(&data);
    let pid = match still_running {
        Some(pid) => pid,
        None => {
            progress("starting PostgreSQL");
            setup::configure(&account, &folders, options.purpose)?;
            postmaster::start(&programs, &account, &folders)?
        }
    };
    if let Err(error) = setup::prepare(&programs, &account, &folders) {
        // Without its database the server is of no use, and the caller has no handle to stop it by.
        if still_running.is_none() {
            postmaster::shut_down(pid, Shutdown::Fast, &folders)?;
        }
        return Err(error);
    }
    fs::write(&prepared, setup::version()).at("writing", &prepared)?;
    cluster(options, folders, pid, still_running.is_none())
}

fn is_prepared(note: &Path) -> bool {
    fs::read_to_string(note).is_ok_and(|version| version == setup::version())
}

/// Its parents get the usual mode, itself none for others.
fn make_state_dir(state_dir: &Path) -> Result<(), Error> {
    if let Some(parent) = state_dir.parent() {
        fs::create_dir_all(parent).at("making", parent)?;
    }
    match DirBuilder::new().mode(0o700).create(state_dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && state_dir.is_dir() => Ok(()),
        made => made.at("making", state_dir),
    }
}

pub fn status(options: &Options) -> Result<Status, Error> {
    Ok(match Folders::existing(&options.state_dir) {
        None => Status::Absent,
        Some(folders) => match postmaster::running(&folders.data()) {
            Some(pid) => Status::Running { pid },
            None => Status::Stopped,
        },
    })
}

/// Ends the server, whoever started it. Nothing to do is not an error.
pub fn stop(options: &Options) -> Result<(), Error> {
    let Some(folders) = Folders::existing(&options.state_dir) else { return Ok(()) };
    let _lock = lock(&options.state_dir.join("localdb.lock"), &|_| ())?;
    match postmaster::running(&folders.data()) {
        Some(pid) => postmaster::shut_down(pid, Shutdown::Fast, &folders),
        None => Ok(()),
    }
}

/// Where its superuser connects to, whether it is running or not.
pub fn url(options: &Options) -> Result<String, Error> {
    let folders =
        Folders::existing(&options.state_dir).ok_or_else(|| Error::Absent { path: options.state_dir.clone() })?;
    superuser_url(options.purpose, &folders)
}

/// Stops a cluster and deletes it with all its data: for demonstrations and tests.
pub fn remove(options: &Options) -> Result<(), Error> {
    // Also what a start left that failed before there was any data.
    let Some(folders) = Folders::known(&options.state_dir) else { return Ok(()) };
    let _lock = lock(&options.state_dir.join("localdb.lock"), &|_| ())?;
    if let Some(pid) = postmaster::running(&folders.data()) {
        postmaster::shut_down(pid, Shutdown::Immediate, &folders)?;
    }
    for folder in [&folders.socket, &folders.home] {
        if folder.exists() {
            fs::remove_dir_all(folder).at("removing", folder)?;
        }
    }
    Folders::forget(&options.state_dir)
}

fn cluster(options: &Options, folders: Folders, pid: u32, started_here: bool) -> Result<Cluster, Error> {
    let purpose = options.purpose;
    let (superuser, owner) =
        (superuser_url(purpose, &folders)?, url_of(purpose, &folders, OWNER, &folders.passwords().join(OWNER))?);
    Ok(Cluster { folders, purpose, superuser, owner, pid, started_here })
}

fn superuser_url(purpose: Purpose, folders: &Folders) -> Result<String, Error> {
    url_of(purpose, folders, "postgres", &folders.superuser_secret())
}

fn url_of(purpose: Purpose, folders: &Folders, role: &str, secret: &Path) -> Result<String, Error> {
    let url = format!("{} user={role}", folders.place());
    Ok(match purpose {
        Purpose::Serve => format!("{url} password={}", Secret::read(secret)?.text()),
        Purpose::Test => url,
    })
}
