use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use store::Pool;
use tokio::sync::Mutex;
use vitals::PatientId;

use crate::Error;
use crate::cache::Cache;
use crate::load::{self, Loaded, TRIES, Wrapping};
use crate::newer::{Found as Other, Newer};
use crate::patients::{self, Found, PatientKey};
use crate::root::RootKey;
use crate::system::SystemKey;
use crate::token::{IndexKeys, Token, TokenKind};

/// Every key that this process may use. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    system: SystemKey,
    index: IndexKeys,
    patients: Patients,
}

enum Patients {
    Stored(Box<Stored>),
    #[cfg(feature = "testing")]
    InMemory(crate::testing::InMemory),
}

struct Stored {
    root: ArcSwap<RootKey>,
    main: Pool,
    keys: Pool,
    wrapping: ArcSwap<Wrapping>,
    cache: Cache,
    reloading: Mutex<()>,
    newer: Newer,
}

impl Keyring {
    /// Reads what both databases hold, and makes the first keys where there are none. `main` and `keys` connect as
    /// `vigil_keys`. Does not hear of changes later on: for whoever runs longer than a command, `follow`.
    pub async fn open(root: RootKey, main: Pool, keys: Pool) -> Result<Self, Error> {
        load::begin(&root, &main, &keys).await?;
        let loaded = load::load(&root, &main.get().await?, &keys.get().await?).await?;
        Ok(Self::with(root, main, keys, loaded))
    }

    fn with(root: RootKey, main: Pool, keys: Pool, loaded: Loaded) -> Self {
        let Loaded { wrapping, system, index, .. } = loaded;
        let stored = Stored {
            root: ArcSwap::from_pointee(root),
            main,
            keys,
            wrapping: ArcSwap::from_pointee(wrapping),
            cache: Cache::default(),
            reloading: Mutex::default(),
            newer: Newer::default(),
        };
        Self(Arc::new(Inner {
            system: SystemKey::new(system),
            index: IndexKeys::new(index),
            patients: Patients::Stored(Box::new(stored)),
        }))
    }

    /// Without a database: keys that end with the last clone.
    #[cfg(feature = "testing")]
    pub fn for_tests() -> Self {
        let (system, index) = crate::testing::keys();
        let patients = Patients::InMemory(crate::testing::InMemory::default());
        Self(Arc::new(Inner { system: SystemKey::new(system), index: IndexKeys::new(index), patients }))
    }

    /// The root key that opens it now.
    pub fn root(&self) -> Option<RootKey> {
        match &self.0.patients {
            Patients::Stored(stored) => Some(RootKey::clone(&stored.root.load())),
            #[cfg(feature = "testing")]
            Patients::InMemory(_) => None,
        }
    }

    /// For what belongs to no patient.
    pub fn system(&self) -> &SystemKey {
        &self.0.system
    }

    /// The key of one patient. An error where there is none yet, and where it was destroyed.
    pub async fn patient(&self, patient: PatientId) -> Result<PatientKey, Error> {
        match &self.0.patients {
            Patients::Stored(stored) => self.find(stored, patient).await,
            #[cfg(feature = "testing")]
            Patients::InMemory(keys) => keys.find(patient),
        }
    }

    /// The key of a new patient; of one who has a key already, that one.
    pub async fn make_patient(&self, patient: PatientId) -> Result<PatientKey, Error> {
        match &self.0.patients {
            Patients::Stored(stored) => self.make(stored, patient).await,
            #[cfg(feature = "testing")]
            Patients::InMemory(keys) => keys.make(patient),
        }
    }

    async fn make(&self, stored: &Stored, patient: PatientId) -> Result<PatientKey, Error> {
        for _ in 0..TRIES {
            if !patients::make(patient, &stored.wrapping.load(), &stored.keys).await? {
                // There is one, or our wrapping key is not the active one any more.
                match self.find(stored, patient).await {
                    Err(Error::NoKey(_)) => {
                        self.reload_from(stored).await?;
                    }
                    found => return found,
                }
            }
        }
        self.find(stored, patient).await
    }

    async fn find(&self, stored: &Stored, patient: PatientId) -> Result<PatientKey, Error> {
        let (cached, asked) = stored.cache.find(patient);
        if let Some(key) = cached {
            return Ok(key);
        }
        for _ in 0..TRIES {
            let found = patients::find(patient, &stored.wrapping.load(), &stored.keys).await?;
            match found {
                Found::Key(key) => {
                    stored.cache.put(&key, asked);
                    return Ok(key);
                }
                Found::None => return Err(Error::NoKey(patient)),
                Found::Destroyed => return Err(Error::Destroyed(patient)),
                Found::Elsewhere => {
                    self.reload_from(stored).await?;
                }
            }
        }
        Err(Error::Unsettled)
    }

    /// What to store beside sealed bytes, so that they are found again. The text is normalised by whoever knows what it is.
    pub fn token(&self, kind: TokenKind, normalised: impl AsRef<[u8]>) -> Token {
        self.0.index.token(kind, normalised.as_ref())
    }

    /// What to look for: while index keys rotate, rows have tokens of two versions.
    pub fn tokens(&self, kind: TokenKind, normalised: impl AsRef<[u8]>) -> Vec<Token> {
        self.0.index.tokens(kind, normalised.as_ref())
    }

    /// Keys of patients are read anew, each time while changes are not heard of.
    pub(crate) fn hears(&self, hears: bool) {
        match &self.0.patients {
            Patients::Stored(stored) => stored.cache.hears(hears),
            #[cfg(feature = "testing")]
            Patients::InMemory(_) => {}
        }
    }

    /// Everything anew. One at a time, so that nothing newer is overwritten.
    pub(crate) async fn reload(&self) -> Result<Reloaded, Error> {
        match &self.0.patients {
            Patients::Stored(stored) => self.reload_from(stored).await,
            #[cfg(feature = "testing")]
            Patients::InMemory(_) => Ok(Reloaded { generation: 0, root: Root::Stays }),
        }
    }

    async fn reload_from(&self, stored: &Stored) -> Result<Reloaded, Error> {
        let _alone = stored.reloading.lock().await;
        let ours = stored.root.load_full();
        let (main, keys) = (stored.main.get().await?, stored.keys.get().await?);
        // What is in memory comes first: its place is asked where the database tells of another root key.
        let by_ours = load::load(&ours, &main, &keys).await;
        let (root, loaded, asked) = match by_ours {
            Ok(loaded) if !loaded.root_retires => (ours, loaded, false),
            Ok(_) | Err(Error::AnotherRoot) => match stored.newer.than(&ours) {
                Ok(Other::Newer(newer)) => match load::load(&newer, &main, &keys).await {
                    // The file came before the database knows of it, or it is a wrong one: ours may still do.
                    Err(Error::AnotherRoot) => (ours, by_ours?, false),
                    loaded => (newer, loaded?, false),
                },
                Ok(Other::Same) => (ours, by_ours?, false),
                Ok(Other::Asked) => (ours, by_ours?, true),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "keeping the last root key");
                    (ours, by_ours?, false)
                }
            },
            Err(error) => return Err(error),
        };
        let Loaded { generation, root_retires, wrapping, system, index } = loaded;
        stored.root.store(root);
        stored.wrapping.store(Arc::new(wrapping));
        self.0.system.replace(system);
        self.0.index.replace(index);
        // Among what changed may be a key that was destroyed.
        stored.cache.forget();
        let root = match (root_retires, asked) {
            (false, _) => Root::Stays,
            (true, true) => Root::Asked,
            (true, false) => Root::Retires,
        };
        Ok(Reloaded { generation, root })
    }
}

/// The count of changes that is known now.
pub(crate) struct Reloaded {
    pub(crate) generation: i32,
    pub(crate) root: Root,
}

pub(crate) enum Root {
    Stays,
    /// Another one replaces ours, and a vault is asked for it.
    Asked,
    /// Another one replaces ours, and our file does not hold it yet.
    Retires,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}
