//! What both databases hold of keys, unwrapped; and the first keys of a new database.

use store::{Db, Pool};
use uuid::Uuid;

use crate::cipher::{self, Cipher};
use crate::root::RootKey;
use crate::rows::{self, State, SystemRow, WrappingRow};
use crate::secret::Secret;
use crate::token::IndexKey;
use crate::{Error, Field};

const WRAPPED: Field = Field::new("wrapped_keys", "wrapped");
const SYSTEM: Field = Field::new("system_keys", "wrapped");

/// Purposes in `system_keys`.
pub(crate) const DATA: &str = "data";
pub(crate) const INDEX: &str = "index";

/// A rotation may move a key between two reads of ours; so often in a row it cannot.
pub(crate) const TRIES: usize = 5;

/// A wrapping key in every version that some row may still have.
pub(crate) struct Wrapping {
    versions: Vec<Cipher>,
    active: i32,
}

impl Wrapping {
    pub(crate) fn active(&self) -> &Cipher {
        self.version(self.active).expect("the active one was loaded")
    }

    fn version(&self, version: i32) -> Option<&Cipher> {
        self.versions.iter().find(|cipher| cipher.version() == version)
    }

    /// None: wrapped by a version that was not loaded.
    pub(crate) fn unwrap(&self, field: Field, id: &[u8], wrapped: &[u8]) -> Result<Option<Secret>, Error> {
        let version = cipher::version(wrapped).ok_or(Error::Unopened(field))?;
        self.version(version).map(|cipher| unwrapped(cipher, field, id, wrapped)).transpose()
    }
}

fn unwrapped(cipher: &Cipher, field: Field, id: &[u8], wrapped: &[u8]) -> Result<Secret, Error> {
    Secret::read(&cipher.open(field, id, wrapped)?).ok_or(Error::Unopened(field))
}

/// Everything but the keys of patients, which are read one by one.
pub(crate) struct Loaded {
    pub(crate) generation: i32,
    /// Another root key is to replace ours.
    pub(crate) root_retires: bool,
    pub(crate) wrapping: Wrapping,
    pub(crate) system: Vec<Cipher>,
    pub(crate) index: Vec<IndexKey>,
}

pub(crate) async fn load(root: &RootKey, main: &impl Db, keys: &impl Db) -> Result<Loaded, Error> {
    for _ in 0..TRIES {
        let generation = rows::generation(keys).await?;
        let (wrapping, root_retires) = wrapping(root, keys).await?;
        let Some((system, index)) = system(&wrapping, main).await? else { continue };
        if rows::generation(keys).await? == generation && !system.is_empty() && !index.is_empty() {
            return Ok(Loaded { generation, root_retires, wrapping, system, index });
        }
    }
    Err(Error::Unsettled)
}

/// All versions, and whether another root key is to replace this one.
pub(crate) async fn wrapping(root: &RootKey, keys: &impl Db) -> Result<(Wrapping, bool), Error> {
    let check_value = root.check_value();
    let roots = rows::roots(keys).await?;
    if roots.is_empty() {
        return Err(Error::NoKeys);
    }
    let known = roots.into_iter().find(|(known, _)| *known == check_value);
    let Some((_, state)) = known else { return Err(Error::AnotherRoot) };
    let by_root = root.cipher();
    let (mut versions, mut active) = (Vec::new(), None);
    for row in rows::wrapping(keys, &check_value).await? {
        let secret = unwrap_by_root(&by_root, &row)?;
        versions.push(Cipher::new(row.version, &secret));
        if row.state == State::Active {
            active = Some(row.version);
        }
    }
    let active = active.ok_or(Error::AnotherRoot)?;
    Ok((Wrapping { versions, active }, state == State::Retired))
}

/// None: a rotation has moved on since the wrapping keys were read.
async fn system(wrapping: &Wrapping, main: &impl Db) -> Result<Option<(Vec<Cipher>, Vec<IndexKey>)>, Error> {
    let (mut system, mut index) = (Vec::new(), Vec::new());
    for SystemRow { purpose, version, wrapped, .. } in rows::system(main).await? {
        let Some(secret) = wrapping.unwrap(SYSTEM, &system_id(&purpose, version), &wrapped)? else { return Ok(None) };
        match purpose.as_str() {
            DATA => system.push(Cipher::new(version, &secret)),
            INDEX => index.push(IndexKey::new(version, &secret)),
            // Of a newer program.
            _ => {}
        }
    }
    Ok(Some((system, index)))
}

/// The first keys, where there are none. Whoever comes at the same time waits and finds them.
pub(crate) async fn begin(root: &RootKey, main: &Pool, keys: &Pool) -> Result<(), Error> {
    let (mut keys, main) = (keys.get().await?, main.get().await?);
    let complete = |of_system: &[SystemRow]| {
        [DATA, INDEX].iter().all(|purpose| of_system.iter().any(|row| row.purpose == *purpose))
    };
    if !rows::roots(&keys).await?.is_empty() && complete(&rows::system(&main).await?) {
        return Ok(());
    }
    // Two transactions: what wraps is stored before anything that it wraps, so that whoever breaks off in between leaves
    // keys which the next one completes.
    let tx = keys.transaction().await.map_err(store::Error::from)?;
    rows::lock(&tx).await?;
    if rows::roots(&tx).await?.is_empty() {
        if !rows::system(&main).await?.is_empty() {
            return Err(Error::Apart);
        }
        rows::add_root(&tx, &root.check_value()).await?;
        add_wrapping(&tx, root, 1, State::Active).await?;
    }
    tx.commit().await.map_err(store::Error::from)?;
    let tx = keys.transaction().await.map_err(store::Error::from)?;
    rows::lock(&tx).await?;
    let of_system = rows::system(&main).await?;
    let (wrapping, _) = wrapping(root, &tx).await?;
    for purpose in [DATA, INDEX] {
        if !of_system.iter().any(|row| row.purpose == purpose) {
            add_system(&main, &wrapping, purpose, 1, State::Active).await?;
        }
    }
    Ok(tx.commit().await.map_err(store::Error::from)?)
}

pub(crate) fn wrap_by_root(by_root: &Cipher, version: i32, secret: &Secret) -> Vec<u8> {
    by_root.seal(WRAPPED, &version.to_be_bytes(), secret.bytes())
}

pub(crate) fn unwrap_by_root(by_root: &Cipher, row: &WrappingRow) -> Result<Secret, Error> {
    unwrapped(by_root, WRAPPED, &row.version.to_be_bytes(), &row.wrapped)
}

pub(crate) async fn add_wrapping(keys: &impl Db, root: &RootKey, version: i32, state: State) -> Result<(), Error> {
    let wrapped = wrap_by_root(&root.cipher(), version, &Secret::draw());
    rows::add_wrapping(keys, version, state).await?;
    Ok(rows::add_wrapped(keys, version, &root.check_value(), &wrapped).await?)
}

pub(crate) async fn add_system(
    main: &impl Db,
    wrapping: &Wrapping,
    purpose: &str,
    version: i32,
    state: State,
) -> Result<(), Error> {
    let wrapped = wrapping.active().seal(SYSTEM, &system_id(purpose, version), Secret::draw().bytes());
    let row = SystemRow { id: Uuid::now_v7(), purpose: purpose.to_owned(), version, wrapped, state };
    Ok(rows::add_system(main, &row).await?)
}

/// None: the active wrapping key wraps it already.
pub(crate) fn rewrap_system(wrapping: &Wrapping, row: &SystemRow) -> Result<Option<Vec<u8>>, Error> {
    if cipher::version(&row.wrapped) == Some(wrapping.active) {
        return Ok(None);
    }
    let id = system_id(&row.purpose, row.version);
    let secret = wrapping.unwrap(SYSTEM, &id, &row.wrapped)?.ok_or(Error::Unopened(SYSTEM))?;
    Ok(Some(wrapping.active().seal(SYSTEM, &id, secret.bytes())))
}

/// Which row of `system_keys` a wrapped key is.
fn system_id(purpose: &str, version: i32) -> Vec<u8> {
    format!("{purpose}/{version}").into_bytes()
}
