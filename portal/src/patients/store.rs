use keys::{Error as KeyError, Field, Zeroizing};
use store::time::At;
use store::{Db, Error, Row, prepared};
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

use super::identifier;
use super::model::{Patient, PatientIdentifier};
use super::name::{BIRTH, HumanName, NAME};

const DECEASED: Field = Field::new("patients", "deceased_sealed");

/// Row-level security leaves nothing of whom the caller has nothing to do with. An exclusion constraint leaves one official
/// name a day; of others the first that was given.
const BANNER: &str = "-- portal::patients::banner
    SELECT p.id, p.status, p.birth_sealed, p.deceased_sealed, p.sex, p.gender, p.version,
        n.ids AS name_ids, n.uses AS name_uses, n.names, i.ids AS number_ids, i.types, i.issuers, i.numbers
    FROM patients p
    CROSS JOIN LATERAL (
        SELECT array_agg(id) AS ids, array_agg(use) AS uses, array_agg(sealed) AS names FROM (
            SELECT id, use, sealed FROM patient_names
            WHERE patient_id = p.id AND use IN ('official', 'usual') AND valid @> ($2::timestamptz AT TIME ZONE 'UTC')::date
            ORDER BY id LIMIT 8
        ) name
    ) n
    CROSS JOIN LATERAL (
        SELECT array_agg(id) AS ids, array_agg(type) AS types, array_agg(issuer) AS issuers, array_agg(value_sealed) AS numbers
        FROM (
            SELECT i.id, i.type, o.name AS issuer, i.value_sealed
            FROM patient_identifiers i JOIN organizations o ON o.id = i.issuer_org
            WHERE i.patient_id = p.id AND i.status = 'active' AND i.valid @> ($2::timestamptz AT TIME ZONE 'UTC')::date
            ORDER BY i.type, i.id LIMIT 16
        ) number
    ) i
    WHERE p.id = $1";

const STANDING: &str = "-- portal::patients::standing
    SELECT standing($1)";

/// A banner as the database keeps it.
pub(crate) struct Stored {
    id: PatientId,
    status: String,
    birth: Option<Vec<u8>>,
    deceased: Option<Vec<u8>>,
    sex: Option<String>,
    gender: Option<String>,
    version: i32,
    /// Id, use, sealed name.
    names: Vec<(Uuid, String, Vec<u8>)>,
    /// Id, type, issuer, sealed number.
    identifiers: Vec<(Uuid, (String, String), Vec<u8>)>,
}

/// What was sealed is not what it says it is: nobody but the portal writes it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0} holds something else when opened")]
    Form(Field),
}

/// What the banner shows at `now`. None: no patient who may be seen has this id.
pub(crate) async fn banner(db: &impl Db, patient: PatientId, now: Timestamp) -> Result<Option<Stored>, Error> {
    prepared::query_opt(db, BANNER, &[&patient.0, &At(now)]).await?.as_ref().map(stored).transpose()
}

/// `seen`, `no_relation`, or `unknown`, which a restricted one is too.
pub(super) async fn standing(db: &impl Db, patient: PatientId) -> Result<String, Error> {
    Ok(db.query_one(STANDING, &[&patient.0]).await?.try_get(0)?)
}

impl Stored {
    /// Whether anything of it needs a key.
    pub(super) fn sealed(&self) -> bool {
        self.birth.is_some() || self.deceased.is_some() || !self.names.is_empty() || !self.identifiers.is_empty()
    }

    /// Opens each field by `open(field, id of its row, sealed)`.
    pub(crate) fn open(
        self,
        open: impl Fn(Field, &[u8], &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>,
    ) -> Result<Patient, Unreadable> {
        let text = |field, id: Uuid, sealed: &[u8]| {
            let plain = open(field, id.as_bytes(), sealed)?;
            str::from_utf8(&plain).map(str::to_owned).map_err(|_| Unreadable::Form(field))
        };
        let own = |field, sealed: Option<Vec<u8>>| sealed.map(|sealed| text(field, self.id.0, &sealed)).transpose();
        let name = |wanted: &str| {
            let found = self.names.iter().find(|(_, used, _)| used == wanted);
            let opened = found.map(|(id, _, sealed)| {
                let plain = open(NAME, id.as_bytes(), sealed)?;
                HumanName::read(&plain).ok_or(Unreadable::Form(NAME))
            });
            opened.transpose()
        };
        let identifiers = self.identifiers.iter().map(|(id, (kind, issuer), sealed)| {
            let value = text(identifier::VALUE, *id, sealed)?;
            Ok::<_, Unreadable>(PatientIdentifier { kind: kind.clone(), issuer: issuer.clone(), value })
        });
        Ok(Patient {
            id: self.id,
            official: name("official")?,
            usual: name("usual")?,
            birth_date: own(BIRTH, self.birth)?,
            deceased_at: own(DECEASED, self.deceased)?,
            identifiers: identifiers.collect::<Result<_, _>>()?,
            status: self.status,
            sex: self.sex,
            gender: self.gender,
            version: self.version,
        })
    }
}

fn stored(row: &Row) -> Result<Stored, Error> {
    let ids = |name| row.try_get::<_, Option<Vec<Uuid>>>(name).map(Option::unwrap_or_default);
    let texts = |name| row.try_get::<_, Option<Vec<String>>>(name).map(Option::unwrap_or_default);
    let sealed = |name| row.try_get::<_, Option<Vec<Vec<u8>>>>(name).map(Option::unwrap_or_default);
    let names = ids("name_ids")?.into_iter().zip(texts("name_uses")?).zip(sealed("names")?);
    let labels = texts("types")?.into_iter().zip(texts("issuers")?);
    let identifiers = ids("number_ids")?.into_iter().zip(labels).zip(sealed("numbers")?);
    Ok(Stored {
        id: PatientId(row.try_get("id")?),
        status: row.try_get("status")?,
        birth: row.try_get("birth_sealed")?,
        deceased: row.try_get("deceased_sealed")?,
        sex: row.try_get("sex")?,
        gender: row.try_get("gender")?,
        version: row.try_get("version")?,
        names: names.map(|((id, used), sealed)| (id, used, sealed)).collect(),
        identifiers: identifiers.map(|((id, label), sealed)| (id, label, sealed)).collect(),
    })
}
