use keys::{Keyring, Zeroizing};
use store::Db;
use store::time::At;
use uuid::Uuid;
use vitals::{CorrelationId, Realm, Timestamp, UserId};

use super::ward::Ward;
use crate::caller::Write;
use crate::identity::{Hasher, NewHire, Vouched, hire, user_by_login};
use crate::permission::Role;
use crate::web::ApiError;

/// A year: a demonstration that is kept for longer begins anew.
const DUTY_MS: i64 = 365 * 86_400_000;

const PRACTITIONER: &str = "-- portal::demo::practitioner
    INSERT INTO practitioners (id, realm, org_id, display_name) VALUES ($1, $2, $3, $4)";

const PRACTITIONER_ROLE: &str = "-- portal::demo::practitioner_role
    INSERT INTO practitioner_roles (id, realm, practitioner_id, code, location_id, during)
    VALUES ($1, $2, $3, $4, $5, tstzrange($6, NULL))";

const DUTY: &str = "-- portal::demo::duty
    INSERT INTO duties (id, realm, unit_id, practitioner_id, role, during, accepted_at)
    VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), $6)";

const COVER: &str = "-- portal::demo::cover
    INSERT INTO cover (id, realm, duty_id, location_id, kind, during, accepted_at)
    VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), $6)";

/// The two who vouch for everybody else.
const ADMINISTRATORS: [&str; 2] = ["admin", "admin2"];

/// Who cares for the patients of the ward, beside nurses.
pub(super) const PHYSICIAN: &str = "physician";

pub(super) struct Post {
    pub(super) login: &'static str,
    name: &'static str,
    pub(super) role: Role,
    practice: Practice,
}

#[derive(Clone, Copy)]
enum Practice {
    /// Cares for nobody.
    Office,
    /// On duty in the ward, in this role, covering all of it in this way.
    Ward { duty: &'static str, cover: &'static str },
    /// Of the ward's patients' teams.
    Teams,
    /// Of no ward here, so that there is somebody without a relation.
    Elsewhere,
}

const fn post(login: &'static str, name: &'static str, role: Role, practice: Practice) -> Post {
    Post { login, name, role, practice }
}

/// The administrators first.
pub(super) const STAFF: [Post; 11] = [
    post(ADMINISTRATORS[0], "Ada Winter", Role::Administrator, Practice::Office),
    post(ADMINISTRATORS[1], "Abel Moreau", Role::Administrator, Practice::Office),
    post("nurse", "Nora Lind", Role::Nurse, Practice::Ward { duty: "nurse", cover: "primary" }),
    post("charge", "Carla Brandt", Role::ChargeNurse, Practice::Ward { duty: "charge", cover: "buddy" }),
    post(PHYSICIAN, "Dr. Piet Visser", Role::Physician, Practice::Teams),
    post("float", "Finn Amari", Role::Nurse, Practice::Elsewhere),
    post("scheduler", "Sofia Rossi", Role::Scheduler, Practice::Office),
    post("biller", "Bela Horvath", Role::Biller, Practice::Office),
    post("auditor", "Aiko Tanaka", Role::Auditor, Practice::Office),
    post("privacy", "Priya Nair", Role::PrivacyOfficer, Practice::Office),
    post("engineer", "Emil Larsen", Role::DeviceEngineer, Practice::Office),
];

impl Post {
    /// None: somebody has this login already.
    pub(super) async fn fill(
        &self,
        write: &Write,
        tools: (&Keyring, &Hasher),
        ward: &Ward,
        (realm, now): (Realm, Timestamp),
    ) -> Result<Option<(UserId, Zeroizing<String>)>, ApiError> {
        if user_by_login(write.db(), self.login).await?.is_some() {
            return Ok(None);
        }
        let practitioner = match self.practice {
            Practice::Office => None,
            practice => Some(self.practise(write.db(), practice, ward, now).await?),
        };
        let vouched = match self.role {
            Role::Administrator => Vouched::Demo,
            _ => {
                let [one, other] = ADMINISTRATORS.map(|login| user_by_login(write.db(), login));
                let missing = || ApiError::NotFound { code: "not_found", detail: "the demo has lost an administrator" };
                Vouched::ByTwo(one.await?.ok_or_else(missing)?, other.await?.ok_or_else(missing)?)
            }
        };
        let new = NewHire { login: self.login, name: self.name, role: self.role, practitioner };
        hire(write, tools, &new, vouched, (realm, now)).await.map(Some)
    }

    async fn practise(
        &self,
        db: &impl Db,
        practice: Practice,
        ward: &Ward,
        now: Timestamp,
    ) -> Result<Uuid, store::Error> {
        let (practitioner, realm) = (new_id(now), super::REALM.word());
        db.execute(PRACTITIONER, &[&practitioner, &realm, &ward.org, &self.name]).await?;
        let place = (!matches!(practice, Practice::Elsewhere)).then_some(ward.unit);
        let code = self.role.word();
        db.execute(PRACTITIONER_ROLE, &[&new_id(now), &realm, &practitioner, &code, &place, &At(now)]).await?;
        if let Practice::Ward { duty, cover } = practice {
            let (id, until) = (new_id(now), At(now.plus_millis(DUTY_MS)));
            db.execute(DUTY, &[&id, &realm, &ward.unit, &practitioner, &duty, &At(now), &until]).await?;
            db.execute(COVER, &[&new_id(now), &realm, &id, &ward.unit, &cover, &At(now), &until]).await?;
        }
        Ok(practitioner)
    }
}

pub(super) fn new_id(now: Timestamp) -> Uuid {
    CorrelationId::new(now).0
}
