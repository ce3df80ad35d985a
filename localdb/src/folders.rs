//! Where the parts of one cluster lie, and who may enter.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::{At, Error};

/// `sockaddr_un.sun_path` holds 108 bytes with its final zero (unix(7)).
const MAX_SOCKET_PATH_BYTES: usize = 107;
const SOCKET_NAME: &str = ".s.PGSQL.5432";
/// Where clusters go whose state folder is closed to the system user.
const SYSTEM_HOME: &str = "/var/lib/vigil-db";
/// Names that place, in the state folder.
const NOTE: &str = "localdb.home";

/// `home` stays the caller's: it holds configuration and secrets that PostgreSQL must not be able to change.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) home: PathBuf,
    pub(crate) socket: PathBuf,
}

impl Folders {
    /// The folders of a cluster made earlier, if any.
    pub(crate) fn existing(state_dir: &Path) -> Option<Self> {
        Self::known(state_dir).filter(|folders| folders.data().exists())
    }

    /// Where they are, or would be by default; none without a state folder.
    pub(crate) fn known(state_dir: &Path) -> Option<Self> {
        let state_dir = state_dir.canonicalize().ok()?;
        Some(Self::at(Self::remembered(&state_dir).unwrap_or_else(|| state_dir.join("localdb"))))
    }

    /// Chooses and makes them, with owners and modes set again each time.
    pub(crate) fn make(state_dir: &Path, account: &Account) -> Result<Self, Error> {
        let state_dir = state_dir.canonicalize().at("resolving", state_dir)?;
        let home = match Self::remembered(&state_dir) {
            Some(home) => home,
            None => Self::choose_home(&state_dir, account)?,
        };
        let folders = Self::at(home);
        make_folder(&folders.home, if account.is_system_user() { 0o710 } else { 0o700 })?;
        account.share(&folders.home)?;
        if !account.can_enter(&folders.home) {
            return Err(Error::Unreachable { path: folders.home, user: account.name() });
        }
        make_private(&folders.log(), account)?;
        make_private(&folders.socket, account)?;
        Ok(folders)
    }

    fn at(home: PathBuf) -> Self {
        let within = home.join("run");
        let fits = within.join(SOCKET_NAME).as_os_str().len() <= MAX_SOCKET_PATH_BYTES;
        let socket = if fits { within } else { short_folder(&home) };
        Self { home, socket }
    }

    fn remembered(state_dir: &Path) -> Option<PathBuf> {
        fs::read_to_string(state_dir.join(NOTE)).ok().map(|text| PathBuf::from(text.trim_end()))
    }

    /// Lets go of a home elsewhere, once that is removed.
    pub(crate) fn forget(state_dir: &Path) -> Result<(), Error> {
        let note = state_dir.join(NOTE);
        if note.exists() {
            fs::remove_file(&note).at("removing", &note)?;
        }
        Ok(())
    }

    fn choose_home(state_dir: &Path, account: &Account) -> Result<PathBuf, Error> {
        open_to_group(state_dir, account)?;
        if account.can_enter(state_dir) {
            return Ok(state_dir.join("localdb"));
        }
        make_folder(Path::new(SYSTEM_HOME), 0o755)?;
        let home = Path::new(SYSTEM_HOME).join(digest(state_dir));
        let note = state_dir.join(NOTE);
        fs::write(&note, home.to_string_lossy().as_bytes()).at("writing", &note)?;
        Ok(home)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(crate) fn socket_file(&self) -> PathBuf {
        self.socket.join(SOCKET_NAME)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.home.join("postgresql.conf")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// What PostgreSQL says before its own log files are open.
    pub(crate) fn start_log(&self) -> PathBuf {
        self.log().join("start.log")
    }

    /// In the key-value form of libpq.
    pub(crate) fn place(&self) -> String {
        format!("host={} port=5432 dbname=vigil", quoted(&self.socket))
    }

    pub(crate) fn superuser_secret(&self) -> PathBuf {
        self.home.join("postgres.password")
    }

    /// A file for each role but the superuser, named by it.
    pub(crate) fn passwords(&self) -> PathBuf {
        self.home.join("passwords")
    }

    /// Of the one role that there was until roles were parted; the owner's now.
    pub(crate) fn former_secret(&self) -> PathBuf {
        self.home.join("vigil.password")
    }
}

/// As libpq reads a value: in quotes where it holds anything but plain characters.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        return path;
    }
    format!("'{}'", path.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A state folder with no rights for its group opens to the database's group, to pass through only.
fn open_to_group(state_dir: &Path, account: &Account) -> Result<(), Error> {
    let mode = fs::metadata(state_dir).at("reading", state_dir)?.mode();
    if account.is_system_user() && mode & 0o071 == 0 {
        account.share(state_dir)?;
        fs::set_permissions(state_dir, Permissions::from_mode(mode & 0o7777 | 0o010)).at("opening", state_dir)?;
    }
    Ok(())
}

fn short_folder(home: &Path) -> PathBuf {
    // Deterministic, so that every process finds the same one; /run is emptied by a reboot, and made again by a start.
    let base = if home.starts_with(SYSTEM_HOME) || is_root() { "/run" } else { "/tmp" };
    Path::new(base).join(format!("vigil-db-{}", digest(home)))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// FNV-1a: a short name that stays the same from release to release, which std's hasher does not promise.
fn digest(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<(), Error> {
    fs::create_dir_all(path).at("making", path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).at("setting the mode of", path)
}

/// A 0700 folder of the database's user. One that somebody else prepared (in /tmp, say) is refused.
pub(crate) fn make_private(path: &Path, account: &Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.own(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path).at("reading", path)?;
            let private = found.is_dir() && found.uid() == account.uid && found.mode() & 0o077 == 0;
            // A crash between making and handing over leaves one that is still the caller's.
            let ours = found.is_dir() && is_root() && found.uid() == 0 && found.mode() & 0o077 == 0;
            match (private, ours) {
                (true, _) => Ok(()),
                (false, true) => account.own(path),
                (false, false) => Err(Error::Untrusted { path: path.to_owned() }),
            }
        }
        Err(error) => Err(error).at("making", path),
    }
}
