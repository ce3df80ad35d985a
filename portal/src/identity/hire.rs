//! Somebody of a demonstration: a user with both factors, whom nobody had to invite.

use keys::{Keyring, Zeroizing};
use uuid::Uuid;
use vitals::{Realm, Timestamp, UserId};

use super::grants::handlers::{approved, proposed};
use super::grants::model::NewGrant;
use super::hashing::Hasher;
use super::password::weakness;
use super::secret::code;
use super::sessions::Factor;
use super::totp::Seed;
use super::{credentials, users};
use crate::caller::{Part, Write};
use crate::permission::Role;
use crate::web::ApiError;

pub(crate) struct NewHire<'a> {
    pub(crate) login: &'a str,
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    /// As whom he cares for patients.
    pub(crate) practitioner: Option<Uuid>,
}

/// By whom he has his role.
#[derive(Clone, Copy)]
pub(crate) enum Vouched {
    /// The demo itself, of the administrators.
    Demo,
    /// Two of them: one proposes, the other approves what needs two.
    ByTwo(UserId, UserId),
}

/// The user, and the password, which nobody is told again. Violates `users_login_key` where somebody has this login.
pub(crate) async fn hire(
    write: &Write,
    (keyring, hasher): (&Keyring, &Hasher),
    new: &NewHire<'_>,
    vouched: Vouched,
    (realm, now): (Realm, Timestamp),
) -> Result<(UserId, Zeroizing<String>), ApiError> {
    let (user, password, seed) = (UserId::new(now), password(new.login), Seed::draw());
    let hash = hasher.hash(password.clone()).await?;
    users::store::insert(write.db(), user, realm, new.login, new.name).await?;
    if let Some(practitioner) = new.practitioner {
        users::store::practises(write.db(), user, practitioner).await?;
    }
    credentials::insert_hash(write.db(), (user, Factor::Password), &hash, (now, Some(now))).await?;
    credentials::insert_seed(write.db(), keyring.system(), user, &seed, now).await?;
    credentials::confirm(write.db(), user, Factor::Totp, None, now).await?;
    users::store::activate(write.db(), user).await?;
    match vouched {
        Vouched::Demo => users::store::make_administrator(write.db(), user, realm, Part::Demo, now).await?,
        Vouched::ByTwo(one, other) => {
            let wanted = NewGrant { user_id: user.0, role: new.role, location_id: None, until: None };
            let grant = proposed(write, realm, &wanted, one, now).await?;
            if grant.state == "pending" {
                approved(write, realm, grant.id, other, now).await?;
            }
        }
    }
    Ok((user, password))
}

/// 75 bits.
fn password(login: &str) -> Zeroizing<String> {
    loop {
        let drawn = code::<15>();
        if weakness(&drawn, login).is_none() {
            return drawn;
        }
    }
}
