use store::time::At;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::{PatientId, Realm, Timestamp, UserId};

const STANDING: &str = "-- portal::identity::break_glass::standing
    SELECT standing($1)";

const OWN: &str = "-- portal::identity::break_glass::own
    SELECT is_own_record($1)";

const INSERT: &str = "-- portal::identity::break_glass::insert
    INSERT INTO access_grants (id, realm, user_id, patient_id, via, during, reason_code, reason_sealed, review_by)
    VALUES ($1, $2, $3, $4, 'break_glass', tstzrange($5, $6), $7, $8, $9)";

const LIST: &str = "-- portal::identity::break_glass::list
    SELECT id, user_id, patient_id, lower(during) AS since, upper(during) AS until, reason_code, reason_sealed, review_by,
        reviewed_by, reviewed_at, review
    FROM broken_glasses($1, $2, $3)";

const REVIEW: &str = "-- portal::identity::break_glass::review
    SELECT outcome, patient FROM review_glass($1, $2, $3)";

/// What the database keeps of one.
pub(super) struct Stored {
    pub(super) id: Uuid,
    pub(super) user: UserId,
    pub(super) patient: PatientId,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) reason_code: String,
    pub(super) reason_sealed: Option<Vec<u8>>,
    pub(super) due_at: Timestamp,
    pub(super) reviewed: Option<(Uuid, Timestamp, String)>,
}

/// `seen`, `no_relation`, or `unknown`, which a restricted one is too.
pub(super) async fn standing(db: &impl Db, patient: PatientId) -> Result<String, Error> {
    Ok(db.query_one(STANDING, &[&patient.0]).await?.try_get(0)?)
}

/// Whether whoever acts is this patient himself.
pub(super) async fn own(db: &impl Db, patient: PatientId) -> Result<bool, Error> {
    Ok(db.query_one(OWN, &[&patient.0]).await?.try_get(0)?)
}

pub(super) struct New<'a> {
    pub(super) id: Uuid,
    pub(super) realm: Realm,
    pub(super) user: UserId,
    pub(super) patient: PatientId,
    pub(super) during: (Timestamp, Timestamp),
    pub(super) reason: (&'a str, &'a [u8]),
    pub(super) due_at: Timestamp,
}

pub(super) async fn insert(db: &impl Db, new: &New<'_>) -> Result<(), Error> {
    let New { id, realm, user, patient, during: (from, until), reason: (code, sealed), due_at } = new;
    let times = (At(*from), At(*until), At(*due_at));
    let realm = realm.word();
    db.execute(INSERT, &[id, &realm, &user.0, &patient.0, &times.0, &times.1, code, sealed, &times.2]).await?;
    Ok(())
}

/// None for whoever reviews none: the function asks that itself.
pub(super) async fn list(
    db: &impl Db,
    unreviewed: bool,
    (before, limit): (Option<Uuid>, i64),
) -> Result<Vec<Stored>, Error> {
    db.query(LIST, &[&unreviewed, &before, &limit]).await?.iter().map(stored).collect()
}

/// `reviewed`; or `unknown`, `own`, `already` or `open`, and nothing was done. With whom it was about.
pub(super) async fn review(
    db: &impl Db,
    id: Uuid,
    found: &str,
    at: Timestamp,
) -> Result<(String, Option<PatientId>), Error> {
    let row = db.query_one(REVIEW, &[&id, &found, &At(at)]).await?;
    Ok((row.try_get(0)?, row.try_get::<_, Option<Uuid>>(1)?.map(PatientId)))
}

fn stored(row: &Row) -> Result<Stored, Error> {
    let at = |name| row.try_get::<_, At>(name).map(|At(at)| at);
    let reviewed = match row.try_get::<_, Option<Uuid>>("reviewed_by")? {
        Some(by) => Some((by, at("reviewed_at")?, row.try_get("review")?)),
        None => None,
    };
    Ok(Stored {
        id: row.try_get("id")?,
        user: UserId(row.try_get("user_id")?),
        patient: PatientId(row.try_get("patient_id")?),
        from: at("since")?,
        until: at("until")?,
        reason_code: row.try_get("reason_code")?,
        reason_sealed: row.try_get("reason_sealed")?,
        due_at: at("review_by")?,
        reviewed,
    })
}
