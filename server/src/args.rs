use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use vitals::{AgeClass, DeviceName, DeviceProfile, PatientId, Realm, Timestamp, UserId};

/// Carries vital signs from the bedside to the person who must act on them.
#[derive(Debug, Parser)]
#[command(name = "vigil", version, arg_required_else_help = false)]
pub(crate) struct Arguments {
    /// The configuration; without it everything has its default.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in this process (the default).
    All,
    /// The private database of this machine.
    #[command(subcommand)]
    Localdb(Localdb),
    /// Devices, gateways and service accounts.
    #[command(subcommand)]
    Device(Device),
    /// Brings the schema up to date, as its owner (VIGIL_DATABASE_OWNER_URL).
    Migrate {
        /// Make the roles, their passwords and the databases first, as a superuser (VIGIL_DATABASE_ADMIN_URL).
        #[arg(long)]
        make_roles: bool,
    },
    /// The root key, and what it wraps.
    #[command(subcommand)]
    Keys(Keys),
    /// Who saw and did what.
    #[command(subcommand)]
    Audit(Audit),
    /// People who sign in, from the host itself.
    #[command(subcommand)]
    User(User),
    /// Help for a demonstration, where nobody is real.
    #[command(subcommand)]
    Demo(Demo),
    /// Says whether the configuration, the database and the certificates are fit to start.
    Check {
        /// Also count what is stored.
        #[arg(long)]
        counts: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Prints the link by which the first administrator signs in: good once, for 15 minutes.
    FirstAdmin {
        /// Though there is an administrator, when none of them can sign in.
        #[arg(long)]
        recover: bool,
    },
    List,
    /// Ends somebody's access; every session within a second.
    Disable {
        login: String,
    },
    /// Closes a patient's record to the user who is that patient himself.
    OwnRecord {
        login: String,
        patient: PatientId,
        /// It was a mistake: to him the record is as any other again.
        #[arg(long)]
        mistaken: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Demo {
    /// Prints what the user's authenticator shows now.
    Code { login: String },
    /// Makes a ward, its staff and its patients, beside the beds that are enrolled in realm demo. Passwords are printed once.
    Seed,
    /// Prints the code that makes a screen this station of the ward: good once, for 10 minutes.
    StationCode {
        #[arg(default_value = portal::demo::WALL)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Names every event that was changed, removed, put in or moved since it was written. Exit code 1 if there is any.
    Verify {
        /// The public key of the signed heads; without it, the one beside the configured key.
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// Files with signed heads, such as the sink's; without any, those that the configuration names.
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
    },
    /// Writes events to standard output, newest first. That it went out is an event itself.
    Export(Box<Export>),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("format").required(true)))]
pub(crate) struct Export {
    /// For a spreadsheet (RFC 4180).
    #[arg(long, group = "format")]
    pub(crate) csv: bool,
    /// One event a line.
    #[arg(long, group = "format")]
    pub(crate) json: bool,
    /// Of this user only.
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<UserId>,
    /// About this patient only.
    #[arg(long, value_name = "ID")]
    pub(crate) patient: Option<PatientId>,
    /// RFC 3339, inclusive.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<Timestamp>,
    /// RFC 3339, exclusive.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("not an RFC 3339 timestamp")
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Localdb {
    Start,
    Stop,
    /// Prints the connection string, with its password.
    Url,
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Enrols a device and prints its secret once, or writes its key and certificate.
    Enrol(Box<Enrol>),
    List,
    /// Refuses the device from now on. What it sent stays.
    Revoke {
        id: DeviceName,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Enrol {
    /// 1 to 64 of A-Z a-z 0-9 . _ -
    pub(crate) id: DeviceName,
    /// May speak for the devices enrolled behind it.
    #[arg(long, conflicts_with = "service")]
    pub(crate) gateway: bool,
    /// Reads every status and writes commands, nothing else.
    #[arg(long)]
    pub(crate) service: bool,
    /// Write ID.key and ID.pem into this folder, or here, instead of making a secret.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    pub(crate) certificate: Option<PathBuf>,
    /// The gateway that may speak for it.
    #[arg(long, value_name = "GATEWAY")]
    pub(crate) behind: Option<DeviceName>,
    /// bedside or home
    #[arg(long, default_value = "bedside")]
    pub(crate) profile: DeviceProfile,
    /// adult, paediatric or neonatal
    #[arg(long, default_value = "adult")]
    pub(crate) age_class: AgeClass,
    /// demo or test; live waits for backup and restore
    #[arg(long, default_value = "demo")]
    pub(crate) realm: Realm,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Draws a root key into FILE, which must not exist; wrapped, where the configuration names a vault.
    Init { file: PathBuf },
    /// Opens every key there is with the root key.
    Check,
    /// Replaces keys while everything runs. What was broken off is finished by the same call.
    Rotate(Rotate),
    /// Writes the root key into FILE under a passphrase, the first line of standard input.
    Export { file: PathBuf },
    /// Writes the root key of a recovery file to where the configuration says, once it is proven that it opens every key
    /// there is. The passphrase is the first line of standard input.
    Import { file: PathBuf },
    /// Destroys the key of a patient, so that nothing of him is ever read again. Two people agree, a privacy officer and
    /// another one or an administrator: password and code of the one who asks, then of the other, as four lines of
    /// standard input.
    Shred(Box<Shred>),
}

#[derive(Debug, Args)]
pub(crate) struct Shred {
    pub(crate) patient: PatientId,
    /// Who asks for it.
    #[arg(long, value_name = "LOGIN")]
    pub(crate) by: String,
    /// Who agrees.
    #[arg(long, value_name = "LOGIN")]
    pub(crate) approved_by: String,
    /// Kept sealed in the audit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// How long a backup of the key store, or of its log, is kept: until then it brings the patient back.
    #[arg(long, value_name = "DAYS")]
    pub(crate) backups_kept_days: u16,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("which").required(true)))]
pub(crate) struct Rotate {
    /// The root key, by the one in this file.
    #[arg(long, value_name = "FILE", group = "which")]
    pub(crate) root: Option<PathBuf>,
    /// Both root keys open until the same is asked for without this: for files of other nodes, which are replaced by hand.
    #[arg(long, requires = "root")]
    pub(crate) keep_old: bool,
    /// What a vault made of the root key, by the newest version of the vault's key. The root key stays.
    #[arg(long, group = "which")]
    pub(crate) vault: bool,
    /// The key that wraps the others.
    #[arg(long, group = "which")]
    pub(crate) wrapping: bool,
    /// The key of search tokens.
    #[arg(long, group = "which")]
    pub(crate) index: bool,
}
