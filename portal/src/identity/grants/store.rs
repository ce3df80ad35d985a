use store::time::At;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::{Realm, RoleGrantId, Timestamp, UserId};

use super::model::{Grant, NewGrant};
use crate::permission::Role;

const LIST: &str = "-- portal::identity::grants::list
    SELECT g.id, g.user_id, r.code, g.version, g.location_id, lower(g.during) AS since, upper(g.during) AS until, g.granted_by,
        g.approved_by, NOT role_counts(g, r) AS pending
    FROM role_grants g JOIN roles r ON r.id = g.role_id
    WHERE g.realm = $1 AND ($2::uuid IS NULL OR g.id < $2) AND ($4::uuid IS NULL OR g.user_id = $4)
        AND ($5::uuid IS NULL OR g.id = $5)
        AND (NOT $6 OR NOT role_counts(g, r)
            AND (upper_inf(g.during) OR upper(g.during) > $7))
    ORDER BY g.id DESC LIMIT $3";

const INSERT: &str = "-- portal::identity::grants::insert
    INSERT INTO role_grants (id, realm, user_id, role_id, location_id, during, granted_by, awaits_approval)
    SELECT $1, $2, $3, id, $5, tstzrange($6, $7), $8, $9 FROM roles WHERE code = $4";

/// Also what waits to be approved.
const HELD: &str = "-- portal::identity::grants::held
    SELECT DISTINCT r.code FROM role_grants g JOIN roles r ON r.id = g.role_id
    WHERE g.user_id = $1 AND (upper_inf(g.during) OR upper(g.during) > $2)";

const APPROVE: &str = "-- portal::identity::grants::approve
    UPDATE role_grants SET approved_by = $2, approved_at = $3 WHERE id = $1 AND approved_at IS NULL";

/// One that was proposed at this very moment lasts a microsecond: a range that is empty is refused.
const END: &str = "-- portal::identity::grants::end
    UPDATE role_grants SET during = tstzrange(lower(during), greatest($2, lower(during) + interval '1 microsecond'))
    WHERE id = $1 AND (upper_inf(during) OR upper(during) > $2)";

pub(super) struct Wanted {
    pub(super) of: Option<Uuid>,
    pub(super) only: Option<RoleGrantId>,
    pub(super) pending: bool,
}

pub(super) async fn list(
    db: &impl Db,
    realm: Realm,
    (before, limit): (Option<Uuid>, i64),
    wanted: Wanted,
    now: Timestamp,
) -> Result<Vec<Grant>, Error> {
    let Wanted { of, only, pending } = wanted;
    let only = only.map(|only| only.0);
    let rows = db.query(LIST, &[&realm.word(), &before, &limit, &of, &only, &pending, &At(now)]).await?;
    rows.iter().filter_map(|row| grant(row, now).transpose()).collect()
}

/// The roles that somebody has, or will have once they are approved.
pub(super) async fn held(db: &impl Db, user: UserId, now: Timestamp) -> Result<Vec<Role>, Error> {
    let rows = db.query(HELD, &[&user.0, &At(now)]).await?;
    let roles = rows.iter().map(|row| Ok(Role::from_word(row.try_get(0)?)));
    roles.filter_map(Result::transpose).collect()
}

pub(super) async fn insert(
    db: &impl Db,
    id: RoleGrantId,
    realm: Realm,
    new: &NewGrant,
    (by, awaits): (UserId, bool),
    now: Timestamp,
) -> Result<(), Error> {
    let (until, role) = (new.until.map(At), new.role.word());
    let realm = realm.word();
    db.execute(INSERT, &[&id.0, &realm, &new.user_id, &role, &new.location_id, &At(now), &until, &by.0, &awaits])
        .await?;
    Ok(())
}

pub(super) async fn approve(db: &impl Db, id: RoleGrantId, by: UserId, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(APPROVE, &[&id.0, &by.0, &At(now)]).await? == 1)
}

pub(super) async fn end(db: &impl Db, id: RoleGrantId, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(END, &[&id.0, &At(now)]).await? == 1)
}

/// None: a role that this program does not know.
fn grant(row: &Row, now: Timestamp) -> Result<Option<Grant>, Error> {
    let Some(role) = Role::from_word(row.try_get("code")?) else { return Ok(None) };
    let until = row.try_get::<_, Option<At>>("until")?.map(|At(at)| at);
    let text = |id: Option<Uuid>| id.map(|id| id.to_string());
    let ended = until.is_some_and(|until| until <= now);
    let pending = row.try_get("pending")?;
    Ok(Some(Grant {
        id: RoleGrantId(row.try_get("id")?),
        user_id: UserId(row.try_get("user_id")?),
        role,
        location_id: text(row.try_get("location_id")?),
        from: row.try_get::<_, At>("since")?.0,
        until,
        granted_by: text(row.try_get("granted_by")?),
        approved_by: text(row.try_get("approved_by")?),
        state: match (ended, pending) {
            (true, _) => "ended",
            (false, true) => "pending",
            (false, false) => "active",
        },
        version: row.try_get("version")?,
    }))
}
