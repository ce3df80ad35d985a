//! Keys are replaced while everything runs. Each step can be repeated: a rotation that was broken off is finished by the
//! same call. Between two steps every process that follows has taken the one before.

use std::time::Duration;

use store::{Client, Pool};
use tokio::time::{Instant, sleep};
use vitals::PatientId;

use crate::keyring::Keyring;
use crate::load::{self, INDEX, Wrapping};
use crate::place::WrappedFile;
use crate::root::{RootError, RootKey};
use crate::rows::{self, State, SystemRow};
use crate::{Error, patients};

/// How long followers may take to know a change. They hear of it at once.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

/// How long the database may take to notice that the rotation before this one has gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// Patients of one transaction: no reader waits for it, and its locks are held for milliseconds.
const PATIENTS: i64 = 500;

/// Both databases, as `vigil_keys`.
#[derive(Clone, Debug)]
pub struct Databases {
    pub main: Pool,
    pub keys: Pool,
    /// How long followers may take to know a change.
    pub patience: Duration,
}

impl Databases {
    pub fn new(main: Pool, keys: Pool) -> Self {
        Self { main, keys, patience: PATIENCE }
    }

    /// Announces a change, and returns once every process that follows has taken it.
    pub(crate) async fn tell(&self, client: &Client) -> Result<(), Error> {
        let generation = rows::announce(client).await?;
        let deadline = Instant::now() + self.patience;
        loop {
            match rows::behind(client, generation).await? {
                0 => return Ok(()),
                processes if Instant::now() >= deadline => return Err(Error::Unheard { processes }),
                _ => sleep(LOOK).await,
            }
        }
    }

    /// Until the value is dropped: two rotations at a time would each think that the other's key is the old one.
    async fn alone(&self) -> Result<impl Send + use<>, Error> {
        let session = self.keys.connect("vigil keys rotate").await?;
        let deadline = Instant::now() + FAREWELL;
        loop {
            let ours = session.query_one(rows::ROTATE_ALONE, &[&rows::ROTATING]).await.and_then(|row| row.try_get(0));
            match ours.map_err(store::Error::from)? {
                true => return Ok(session),
                false if Instant::now() >= deadline => return Err(Error::Rotating),
                false => sleep(LOOK).await,
            }
        }
    }
}

/// Wraps every wrapping key with `new` as well, lets `install` put it where processes look for it, waits until they have
/// it, and then forgets the old one; `keep_old` leaves both, for nodes whose files are replaced by hand.
pub async fn root(
    old: &RootKey,
    new: &RootKey,
    databases: &Databases,
    install: impl FnOnce() -> Result<(), RootError>,
    keep_old: bool,
) -> Result<(), Error> {
    let _alone = databases.alone().await?;
    let mut client = databases.keys.get().await?;
    let (by_old, by_new, check_value) = (old.cipher(), new.cipher(), new.check_value());
    let tx = client.transaction().await.map_err(store::Error::from)?;
    let wrapped = rows::wrapping(&tx, &old.check_value()).await?;
    if wrapped.is_empty() {
        return Err(Error::AnotherRoot);
    }
    rows::add_root(&tx, &check_value).await?;
    for row in wrapped {
        let secret = load::unwrap_by_root(&by_old, &row)?;
        rows::add_wrapped(&tx, row.version, &check_value, &load::wrap_by_root(&by_new, row.version, &secret)).await?;
    }
    if !keep_old {
        rows::retire_roots_but(&tx, &check_value).await?;
    }
    tx.commit().await.map_err(store::Error::from)?;
    install()?;
    databases.tell(&client).await?;
    if keep_old {
        return Ok(());
    }
    let tx = client.transaction().await.map_err(store::Error::from)?;
    rows::remove_retired_roots(&tx, &check_value).await?;
    tx.commit().await.map_err(store::Error::from)?;
    databases.tell(&client).await
}

/// Wraps the root key that lies there by the version of the vault's key that is pinned, or the newest; the answer is which. The
/// file is read while no other rotation runs, so that what another one has put there is never undone.
pub async fn vault(file: &WrappedFile, databases: &Databases) -> Result<String, Error> {
    let _alone = databases.alone().await?;
    file.pinned()?;
    let before = file.look()?;
    let root = Box::pin(file.read()).await?;
    Keyring::fits(&root, &databases.main, &databases.keys).await?;
    let (wrapped, version) = Box::pin(file.wrap(&root)).await?;
    // A vault is slow: whoever lost the database meanwhile is alone no more.
    if file.look()? != before {
        return Err(Error::Rotating);
    }
    wrapped.replace(&file.path)?;
    Ok(version)
}

/// The answer is the version of the new wrapping key and how many keys it wraps.
pub async fn wrapping(root: &RootKey, databases: &Databases) -> Result<(i32, u64), Error> {
    let _alone = databases.alone().await?;
    let (mut client, main) = (databases.keys.get().await?, databases.main.get().await?);
    if rows::roots(&client).await?.len() > 1 {
        return Err(Error::TwoRoots);
    }
    let known = rows::wrapping(&client, &root.check_value()).await?;
    let newest = known.last().ok_or(Error::AnotherRoot)?;
    let version = match newest.state {
        // A rotation was broken off: it goes on where it stood.
        State::Next => newest.version,
        _ if known.len() > 1 => newest.version,
        _ => {
            let version = newest.version + 1;
            let tx = client.transaction().await.map_err(store::Error::from)?;
            load::add_wrapping(&tx, root, version, State::Next).await?;
            tx.commit().await.map_err(store::Error::from)?;
            version
        }
    };
    // Everybody can open what it wraps before anything is wrapped.
    databases.tell(&client).await?;
    let tx = client.transaction().await.map_err(store::Error::from)?;
    rows::activate_wrapping(&tx, version).await?;
    tx.commit().await.map_err(store::Error::from)?;
    let (wrapping, _) = load::wrapping(root, &client).await?;
    let moved = sweep_patients(&wrapping, &mut client).await? + sweep_system(&wrapping, &main).await?;
    let tx = client.transaction().await.map_err(store::Error::from)?;
    rows::remove_retired_wrapping(&tx).await?;
    tx.commit().await.map_err(store::Error::from)?;
    databases.tell(&client).await?;
    Ok((version, moved))
}

/// No row is added with an older version once that is not the active one: what is found here is all there is.
async fn sweep_patients(wrapping: &Wrapping, client: &mut Client) -> Result<u64, Error> {
    let (active, mut moved) = (wrapping.active().version(), 0);
    loop {
        let tx = client.transaction().await.map_err(store::Error::from)?;
        let found = rows::patients_not_by(&tx, active, PATIENTS).await?;
        if found.is_empty() {
            return Ok(moved);
        }
        let again: Result<Vec<(PatientId, Vec<u8>)>, Error> =
            found.into_iter().map(|(patient, old)| Ok((patient, patients::rewrap(wrapping, patient, &old)?))).collect();
        moved += rows::rewrap_patients(&tx, active, &again?).await?;
        tx.commit().await.map_err(store::Error::from)?;
    }
}

async fn sweep_system(wrapping: &Wrapping, main: &Client) -> Result<u64, Error> {
    let mut moved = 0;
    for row in rows::system(main).await? {
        if let Some(again) = load::rewrap_system(wrapping, &row)? {
            moved += rows::rewrap_system(main, &row, &again).await?;
        }
    }
    Ok(moved)
}

/// Makes the next index key, lets `reindex` give every row a token of it, and destroys the one before. While `reindex`
/// runs, whoever writes writes new tokens and whoever looks looks for both. The answer is the version of the new key.
pub async fn index<F>(root: &RootKey, databases: &Databases, reindex: F) -> Result<i32, Error>
where
    F: AsyncFnOnce(&Keyring) -> Result<(), Error>,
{
    let _alone = databases.alone().await?;
    let client = databases.keys.get().await?;
    let mut of_main = databases.main.get().await?;
    let (wrapping, _) = load::wrapping(root, &client).await?;
    let known: Vec<SystemRow> = rows::system(&of_main).await?.into_iter().filter(|row| row.purpose == INDEX).collect();
    let newest = known.iter().max_by_key(|row| row.version).ok_or(Error::AnotherRoot)?;
    let version = match newest.state {
        State::Next => newest.version,
        // Broken off while rows still had tokens of the one before.
        _ if known.len() > 1 => newest.version,
        _ => {
            load::add_system(&of_main, &wrapping, INDEX, newest.version + 1, State::Next).await?;
            newest.version + 1
        }
    };
    // Everybody looks for both before anything has a token of the new one.
    databases.tell(&client).await?;
    let tx = of_main.transaction().await.map_err(store::Error::from)?;
    rows::activate_system(&tx, INDEX, version).await?;
    tx.commit().await.map_err(store::Error::from)?;
    // Nobody writes a token of the old one any more: what `reindex` finds is all there is.
    databases.tell(&client).await?;
    reindex(&Keyring::open(root.clone(), databases.main.clone(), databases.keys.clone()).await?).await?;
    match rows::tokens_not_of(&of_main, version).await? {
        0 => {}
        rows => return Err(Error::OldTokens { rows, version }),
    }
    rows::destroy_retired_system(&of_main, INDEX).await?;
    databases.tell(&client).await?;
    Ok(version)
}
