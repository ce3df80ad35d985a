use uuid::Uuid;
use vitals::{Realm, StationId, Timestamp};
use zeroize::Zeroizing;

use super::handlers::CODE_MS;
use super::model::{NewStation, StationMode, StationPrivacy};
use super::store;
use crate::caller::Write;
use crate::identity::secret::{code, digest_of, normal};
use crate::web::ApiError;

/// Shown once.
pub(crate) struct CodeOnce {
    pub(crate) station: StationId,
    /// The station was not there before.
    pub(crate) made: bool,
    pub(crate) code: Zeroizing<String>,
    pub(crate) expires_at: Timestamp,
}

/// For a command on the host: the code of the station of this name, which is made in this place where there is none.
pub(crate) async fn code_by_name(
    write: &Write,
    realm: Realm,
    (name, location_id): (&str, Uuid),
    now: Timestamp,
) -> Result<CodeOnce, ApiError> {
    let mut known = store::list(write.db(), realm).await?.into_iter();
    let known = known.find(|station| station.name == name && !station.revoked).map(|station| station.id);
    let station = known.unwrap_or_else(|| StationId::new(now));
    if known.is_none() {
        let (name, mode) = (name.to_owned(), StationMode::Wall);
        let new = NewStation { name, mode, location_id, privacy: StationPrivacy::default() };
        store::insert(write.db(), station, realm, &new).await?;
    }
    let (code, expires_at) = (code::<10>(), now.plus_millis(CODE_MS));
    store::new_code(write.db(), station, &digest_of(&normal(&code)), None, (now, expires_at)).await?;
    Ok(CodeOnce { station, made: known.is_none(), code, expires_at })
}
