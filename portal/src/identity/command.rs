//! What `vigil user …` and `vigil demo code` do, on the host and as the program itself.

use keys::{Keyring, Zeroizing};
use store::Pool;
use vitals::{Clock, PatientId, Timestamp};

use super::secret::{digest_of, token};
use super::{credentials, sessions, users, welcome};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose, Settings};
use crate::caller::{Caller, Desk, Part, Write};
use crate::demo::Demo;
use crate::web::ApiError;

pub use super::two_persons::Proof;

/// Of the first administrator's link.
const FIRST_MS: i64 = 15 * 60_000;

/// More than these are not listed at once.
const LISTED: i64 = 10_000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is an administrator already; `--recover` makes another link all the same")]
    AdministratorExists,
    #[error("nobody would be left to give rights: make another administrator first")]
    LastAdministrator,
    #[error("no user {0}, or disabled already")]
    UnknownUser(String),
    #[error("a live realm exists: codes come from people's own authenticators only")]
    LiveRealm,
    #[error("{0} has no authenticator")]
    NoAuthenticator(String),
    #[error(transparent)]
    Database(#[from] store::Error),
    #[error(
        "it takes two different people, each with password and code: a privacy officer, and another one or an administrator"
    )]
    NotTwo,
    #[error("no patient {0} of theirs")]
    UnknownPatient(PatientId),
    #[error("{0}")]
    Refused(String),
}

impl From<keys::Error> for Error {
    fn from(error: keys::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Database(error) => Self::Database(error),
            error => Self::Refused(error.to_string()),
        }
    }
}

/// The token of a link, for the fragment of `/welcome#…`.
pub struct Link {
    pub token: Zeroizing<String>,
    pub expires_at: Timestamp,
}

/// One line of `vigil user list`.
pub struct Line {
    pub login: String,
    pub status: String,
    pub roles: Vec<&'static str>,
}

/// The host's own hand on users: it needs no session, and every use is audited as `command`.
pub struct Users {
    desk: Desk,
    pub(super) clock: Clock,
    pub(super) keyring: Keyring,
}

impl Users {
    /// `pool` connects as the portal does, `audit_pool` as the audit does. Ends with [`Self::close`].
    pub fn new(pool: Pool, audit_pool: Pool, clock: Clock, keyring: Keyring) -> Self {
        Self { desk: Desk::of_a_command(pool, audit_pool, clock.clone(), keyring.clone()), clock, keyring }
    }

    /// What was done is in the audit's chain afterwards, whose end is signed where `settings` lead to a key.
    pub async fn close(self, settings: Option<&Settings>) -> Result<(), Error> {
        Ok(self.desk.audit().close(settings).await?)
    }

    /// An earlier link is void.
    pub async fn first_administrator(&self, recover: bool) -> Result<Link, Error> {
        let (write, now, token) = (self.write().await?, self.clock.now(), token());
        users::store::lock_administrators(write.db()).await?;
        if !recover && users::store::administrators(write.db(), welcome::store::REALM, now).await? > 0 {
            return Err(Error::AdministratorExists);
        }
        let expires_at = now.plus_millis(FIRST_MS);
        welcome::store::first(write.db(), &digest_of(&token), recover, (now, expires_at)).await?;
        write.commit(rights(Action::Create, Entity::all(EntityKind::OneTimeCode))).await?;
        Ok(Link { token, expires_at })
    }

    pub async fn list(&self) -> Result<Vec<Line>, Error> {
        let write = self.write().await?;
        let found = users::store::list(write.db(), None, (None, LISTED), None, self.clock.now()).await?;
        write.commit(rights(Action::Read, Entity::all(EntityKind::User))).await?;
        let line = |user: users::User| Line {
            login: user.login,
            status: user.status,
            roles: user.roles.into_iter().map(crate::permission::Role::word).collect(),
        };
        Ok(found.into_iter().rev().map(line).collect())
    }

    /// Ends every session of the user within a second, wherever it is.
    pub async fn disable(&self, login: &str) -> Result<(), Error> {
        let (write, now) = (self.write().await?, self.clock.now());
        let unknown = || Error::UnknownUser(login.to_owned());
        let user = users::store::by_login(write.db(), login).await?.ok_or_else(unknown)?;
        users::store::lock_administrators(write.db()).await?;
        if users::store::last_administrator(write.db(), user, None, now).await? {
            return Err(Error::LastAdministrator);
        }
        if !users::store::disable(write.db(), user, None, now).await? {
            return Err(unknown());
        }
        sessions::store::revoke(write.db(), user, None, None, now).await?;
        write.commit(rights(Action::Delete, Entity::one(EntityKind::User, user.0))).await?;
        Ok(())
    }

    /// From now on this patient's record is closed to the user, who is that patient himself; or it is as any other again, if
    /// that was a mistake.
    pub async fn own_record(&self, login: &str, patient: PatientId, mistaken: bool) -> Result<(), Error> {
        let (write, now) = (self.write().await?, self.clock.now());
        let unknown = || Error::UnknownUser(login.to_owned());
        let user = users::store::by_login(write.db(), login).await?.ok_or_else(unknown)?;
        let known = if mistaken {
            users::store::not_own_record(write.db(), user, patient, now).await?
        } else {
            users::store::own_record(write.db(), user, patient, now).await?
        };
        if !known {
            return Err(Error::UnknownPatient(patient));
        }
        write.commit(rights(Action::Update, Entity::one(EntityKind::User, user.0)).about([patient])).await?;
        Ok(())
    }

    /// The code that the user's authenticator shows now. Where anybody real may be, it is refused.
    pub async fn demo_code(&self, login: &str) -> Result<String, Error> {
        let write = self.write().await?;
        if store::realms::live(write.db()).await? {
            return Err(Error::LiveRealm);
        }
        let unknown = || Error::UnknownUser(login.to_owned());
        let user = users::store::by_login(write.db(), login).await?.ok_or_else(unknown)?;
        let seed = credentials::totp(write.db(), self.keyring.system(), user, true).await?;
        let seed = seed.ok_or_else(|| Error::NoAuthenticator(login.to_owned()))?;
        write.commit(rights(Action::Read, Entity::one(EntityKind::Credential, seed.id))).await?;
        Ok(seed.seed.code(self.clock.wall()))
    }

    /// Everybody and everything of a demonstration.
    pub fn demo(&self) -> Demo {
        Demo::new(self.desk.clone(), self.clock.clone(), self.keyring.clone())
    }

    pub(super) async fn write(&self) -> Result<Write, Error> {
        Ok(Write::begin(&Caller::system(&self.desk, Part::Command), Purpose::Operations).await?)
    }
}

fn rights(action: Action, entity: Entity) -> Event {
    Event::new(Category::Rights, action, entity)
}
