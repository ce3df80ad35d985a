use aws_lc_rs::digest;
use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{SessionId, StationId, Timestamp, UserId};
use warp::http::{HeaderMap, header};

use crate::app::App;
use crate::caller::{Identity, Request, Who};
use crate::permission::Role;
use crate::web::ApiError;

/// `__Host-` needs Secure, which plain HTTP on loopback has not.
const COOKIES: [&str; 2] = ["__Host-vigil", "vigil"];

/// Two factors that count, none of them proven wrong since.
const SESSION: &str = "-- portal::identity::session
    SELECT s.id, s.user_id, s.station_id, u.realm FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.locked_at IS NULL AND s.expires_at > $2
        AND u.status = 'active' AND cardinality(s.factors) >= 2";

/// A role for two persons counts once it is approved.
const ROLES: &str = "-- portal::identity::roles
    SELECT DISTINCT r.code FROM role_grants g JOIN roles r ON r.id = g.role_id
    WHERE g.user_id = $1 AND g.during @> $2::timestamptz AND (NOT r.two_persons OR g.approved_at IS NOT NULL OR g.granted_part IS NOT NULL)
    LIMIT 16";

/// Finds out who makes the request, or says that it is nobody.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap, _: &Request) -> Result<Identity, ApiError> {
    let token = cookie(headers).ok_or(ApiError::NotSignedIn)?;
    let token_hash = digest::digest(&digest::SHA256, token.as_bytes());
    let db = app.desk.identity_pool().get().await?;
    find(&db, token_hash.as_ref(), app.desk.now()).await?.ok_or(ApiError::NotSignedIn)
}

async fn find(db: &impl Db, token_hash: &[u8], now: Timestamp) -> Result<Option<Identity>, Error> {
    let Some(row) = db.query_opt(SESSION, &[&token_hash, &At(now)]).await? else { return Ok(None) };
    let user: Uuid = row.try_get("user_id")?;
    let roles = db.query(ROLES, &[&user, &At(now)]).await?;
    let roles = roles.iter().map(|row| Ok(Role::from_word(row.try_get(0)?)));
    Ok(Some(Identity {
        who: Who::User {
            user: UserId(user),
            session: SessionId(row.try_get("id")?),
            station: row.try_get::<_, Option<Uuid>>("station_id")?.map(StationId),
        },
        realm: row.try_get::<_, &str>("realm")?.parse().ok(),
        roles: roles.filter_map(Result::transpose).collect::<Result<_, Error>>()?,
    }))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    cookies.find(|(name, _)| COOKIES.contains(name)).map(|(_, value)| value)
}
