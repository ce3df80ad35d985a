//! Both databases, and a root key in a folder of its own.

use std::path::PathBuf;

use keys::rotate::Databases;
use keys::{Field, Keyring, RootFile, RootKey};
use store::testing::{TestDatabase, database};
use store::{Pool, Role};
use tempfile::TempDir;
use uuid::Uuid;
use vitals::PatientId;

pub(crate) const NAME: Field = Field::new("patient_names", "sealed");

pub(crate) struct Ground {
    pub(crate) db: TestDatabase,
    folder: TempDir,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let ground = Self { db: database().await, folder: tempfile::tempdir().unwrap() };
        ground.db.key_store().await;
        RootKey::make(&ground.path("root.key")).unwrap();
        ground
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> RootKey {
        read(self.path("root.key"))
    }

    pub(crate) fn main(&self) -> Pool {
        self.db.pool_of(Role::Keys)
    }

    pub(crate) async fn keys(&self) -> Pool {
        self.db.key_store().await.pool_of(Role::Keys)
    }

    pub(crate) async fn databases(&self) -> Databases {
        Databases::new(self.main(), self.keys().await)
    }

    pub(crate) async fn open(&self) -> Keyring {
        Keyring::open(self.root(), self.main(), self.keys().await).await.unwrap()
    }

    /// A keyring that hears of changes, as a server's does.
    pub(crate) async fn follow(&self) -> Keyring {
        let (keyring, following) = Keyring::follow(self.root(), self.main(), self.keys().await).await.unwrap();
        tokio::spawn(following);
        keyring
    }

    /// As the superuser, of the database of keys.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let client = self.db.key_store().await.pool().get().await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get(0)
    }
}

pub(crate) fn read(path: PathBuf) -> RootKey {
    RootKey::read(&RootFile { path, apart_from: Vec::new() }).unwrap()
}

pub(crate) fn patient() -> PatientId {
    PatientId(Uuid::now_v7())
}
