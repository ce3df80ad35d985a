//! The user that PostgreSQL runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{At, Error};
use crate::run;

/// PostgreSQL refuses root, and nothing else on the host should own its files.
const SYSTEM_USER: &str = "vigil-db";

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Set where the caller is root and has to become somebody else.
    system_user: Option<&'static str>,
}

impl Account {
    /// The caller, or for root the system user, if there is one yet.
    pub(crate) fn existing() -> Result<Option<Self>, Error> {
        let own = Path::new("/proc/self");
        let me = fs::metadata(own).at("reading the user id from", own)?;
        if me.uid() != 0 {
            return Ok(Some(Self { uid: me.uid(), gid: me.gid(), system_user: None }));
        }
        Ok(system_ids().map(|(uid, gid)| Self { uid, gid, system_user: Some(SYSTEM_USER) }))
    }

    pub(crate) fn existing_or_new() -> Result<Self, Error> {
        if let Some(account) = Self::existing()? {
            return Ok(account);
        }
        let home = ["--home-dir", "/nonexistent", "--no-create-home", "--shell", "/usr/sbin/nologin"];
        let mut useradd = Command::new("useradd");
        let mut adduser = Command::new("adduser");
        let made = run::output(useradd.args(["--system", "--user-group"]).args(home).arg(SYSTEM_USER), "useradd")
            .or_else(|_| {
                let home = ["--home", "/nonexistent", "--no-create-home", "--shell", "/usr/sbin/nologin"];
                run::output(adduser.args(["--system", "--group"]).args(home).arg(SYSTEM_USER), "adduser")
            });
        // Two processes may have raced to make it: what counts is whether it is there now.
        match (Self::existing()?, made) {
            (Some(account), _) => Ok(account),
            (None, Err(error)) => Err(Error::NoUser { user: SYSTEM_USER, detail: error.to_string() }),
            (None, Ok(_)) => Err(Error::NoUser { user: SYSTEM_USER, detail: "it is not found by name".to_owned() }),
        }
    }

    pub(crate) fn name(&self) -> String {
        self.system_user.map_or_else(|| self.uid.to_string(), str::to_owned)
    }

    pub(crate) fn is_system_user(&self) -> bool {
        self.system_user.is_some()
    }

    /// A command that will run as this user, with nothing of the caller's environment or folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "GMT").current_dir("/");
        if self.is_system_user() {
            // With a uid set by root, std also clears the supplementary groups.
            command.gid(self.gid).uid(self.uid);
        }
        command
    }

    /// Hands a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        if self.is_system_user() {
            lchown(path, Some(self.uid), Some(self.gid)).at("changing the owner of", path)?;
        }
        Ok(())
    }

    /// Lets this user's group at a file or folder that stays the caller's.
    pub(crate) fn share(&self, path: &Path) -> Result<(), Error> {
        if self.is_system_user() {
            lchown(path, None, Some(self.gid)).at("changing the group of", path)?;
        }
        Ok(())
    }

    /// Whether this user can enter a folder, all its parents and access lists considered.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let mut shell = self.command(Path::new("/bin/sh"));
        run::output(shell.args(["-c", "cd \"$0\""]).arg(folder), "entering a folder").is_ok()
    }
}

fn system_ids() -> Option<(u32, u32)> {
    let id = |flag| run::output(Command::new("id").args([flag, SYSTEM_USER]), "id").ok()?.trim().parse().ok();
    Some((id("-u")?, id("-g")?))
}
