//! What nobody does alone: two people at the host, each with both factors (decision 0021).

use keys::Zeroizing;
use vitals::{PatientId, Realm, UserId};

use super::authenticate::roles;
use super::command::{Error, Users};
use super::credentials;
use super::hashing::{Hasher, Lane};
use super::sessions::Factor;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Outcome};
use crate::caller::Write;
use crate::permission::Role;

const REALM_OF: &str = "-- portal::identity::two_persons::realm_of
    SELECT realm FROM patients WHERE id = $1";

/// In one's own words.
const LONGEST_REASON: usize = 500;

/// What somebody at the host says who he is by.
pub struct Proof {
    pub login: String,
    pub password: Zeroizing<String>,
    /// Of his authenticator.
    pub code: Zeroizing<String>,
}

struct Proven {
    user: UserId,
    realm: Realm,
    roles: Vec<Role>,
}

impl Users {
    /// Two people agree that a patient's key is destroyed. That they did, and why, is durable before this ends, so that a
    /// deed which breaks off has its reason on record.
    pub async fn agree_to_shred(
        &self,
        patient: PatientId,
        [asks, agrees]: [Proof; 2],
        reason: &str,
    ) -> Result<[UserId; 2], Error> {
        if !(1..=LONGEST_REASON).contains(&reason.trim().chars().count()) {
            return Err(Error::Refused(format!("a reason of 1 to {LONGEST_REASON} characters")));
        }
        let (asks, agrees) = (self.prove(asks).await?, self.prove(agrees).await?);
        let Some((asks, agrees)) = asks.zip(agrees).filter(|(asks, agrees)| enough(asks, agrees)) else {
            self.write().await?.commit(event(Action::Execute, patient).outcome(Outcome::Refused)).await?;
            return Err(Error::NotTwo);
        };
        let write = self.write().await?;
        if realm_of(&write, patient).await? != Some(asks.realm) || asks.realm != agrees.realm {
            let asked = Entity::one(EntityKind::PatientKey, patient.0);
            write.commit(Event::new(Category::Keys, Action::Execute, asked).outcome(Outcome::Refused)).await?;
            return Err(Error::UnknownPatient(patient));
        }
        let detail = serde_json::json!({"by": asks.user, "approved_by": agrees.user, "reason": reason.trim()});
        write.commit(event(Action::Execute, patient).detail(detail.to_string())).await?;
        Ok([asks.user, agrees.user])
    }

    /// What came of it.
    pub async fn shredded(&self, patient: PatientId, done: bool) -> Result<(), Error> {
        let outcome = if done { Outcome::Success } else { Outcome::Failed };
        Ok(self.write().await?.commit(event(Action::Delete, patient).outcome(outcome)).await?)
    }

    /// None: somebody who is not who he says. A code that was right is used up, whatever comes of it.
    async fn prove(&self, proof: Proof) -> Result<Option<Proven>, Error> {
        let (write, now) = (self.write().await?, self.clock.now());
        let login = proof.login.trim().to_lowercase();
        let account = credentials::by_login(write.db(), &login, Factor::Password).await?;
        let hash = account.as_ref().and_then(|account| account.hash.clone());
        let right = Hasher::new().verify(Lane::Known, proof.password, hash).await?;
        let Some(account) = account.filter(|_| right) else { return Ok(None) };
        let seed = credentials::totp(write.db(), self.keyring.system(), account.user, true).await?;
        let Some(seed) = seed else { return Ok(None) };
        let Some(step) = seed.step(proof.code.trim(), now) else { return Ok(None) };
        if !credentials::use_step(write.db(), seed.id, step).await? {
            return Ok(None);
        }
        let roles = roles(write.db(), account.user, now).await?;
        let proved = Entity::one(EntityKind::User, account.user.0);
        write.commit(Event::new(Category::Identity, Action::Execute, proved)).await?;
        Ok(Some(Proven { user: account.user, realm: account.realm, roles }))
    }
}

/// What is destroyed is personal, so one of them answers for privacy.
fn enough(asks: &Proven, agrees: &Proven) -> bool {
    let officer = |one: &Proven| one.roles.contains(&Role::PrivacyOfficer);
    let may = |one: &Proven| officer(one) || one.roles.contains(&Role::Administrator);
    asks.user != agrees.user && may(asks) && may(agrees) && (officer(asks) || officer(agrees))
}

async fn realm_of(write: &Write, patient: PatientId) -> Result<Option<Realm>, Error> {
    let row = write.db().query_opt(REALM_OF, &[&patient.0]).await.map_err(store::Error::from)?;
    Ok(row.and_then(|row| row.get::<_, &str>(0).parse().ok()))
}

fn event(action: Action, patient: PatientId) -> Event {
    Event::new(Category::Keys, action, Entity::one(EntityKind::PatientKey, patient.0)).about([patient])
}
