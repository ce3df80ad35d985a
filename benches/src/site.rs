//! A private database, a state folder and enrolled devices: what every bench begins with and leaves nothing of.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Client, NoTls};

use crate::server::Server;

/// Nothing waits for it: nobody else uses the database.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who watches the screens of a bench. The superuser signs her in: no program of ours does so without factors. She stays
/// as long as the longest bench: whoever does nothing is locked out after five minutes.
pub(crate) const COOKIE: &str = "vigil=62656e6368652077617463682061206e757273652c206e6f7420612073697400";

const NURSE: &str = "WITH practitioner AS (
        INSERT INTO practitioners (id, realm, display_name) VALUES (gen_random_uuid(), 'test', 'Bench') RETURNING id
    ), person AS (
        INSERT INTO users (id, realm, practitioner_id, login, display_name, status)
        SELECT gen_random_uuid(), 'test', id, 'bench', 'Bench', 'active' FROM practitioner RETURNING id
    ), role AS (
        INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
        SELECT gen_random_uuid(), 'test', person.id, roles.id, '[2000-01-01,)', 'command' FROM person, roles WHERE code = 'nurse'
    )
    INSERT INTO sessions (id, realm, token_hash, user_id, factors, started_at, last_input_at, expires_at)
    SELECT gen_random_uuid(), 'test', sha256(split_part($1, '=', 2)::bytea), id, '{password,totp}', now(), now() + interval '7 days',
        now() + interval '7 days' FROM person";

pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) cluster: localdb::Cluster,
    /// As the superuser.
    pub(crate) client: Client,
    /// Process of the database, whose children do its work.
    pub(crate) postmaster: u32,
}

/// A device, and what it proves itself with.
#[derive(Clone, Debug)]
pub(crate) struct Enrolled {
    pub(crate) name: String,
    pub(crate) secret: String,
    /// What its rows carry.
    pub(crate) key: i32,
}

/// Runs a bench on a site of its own, in a folder of this name beside the program; Ctrl-C and SIGTERM end it in order.
pub(crate) fn run(name: &str, bench: impl AsyncFnOnce(&Site) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = std::env::current_exe()?.with_file_name(name);
    let options =
        localdb::Options { state_dir: folder.join("localdb"), cache_dir: None, purpose: localdb::Purpose::Serve };
    let lock = std::fs::File::create(folder.with_extension("lock"))?;
    lock.try_lock().with_context(|| format!("{name} runs already"))?;
    // What a run that was killed left, its database first.
    localdb::remove(&options)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("remove the last bench's state")?;
    }
    std::fs::create_dir_all(&folder)?;
    let cluster = localdb::start(&options, &|step| eprintln!("{step}"))?;
    let outcome = runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let site = Site::open(folder, &cluster).await?;
        tokio::select! {
            outcome = bench(&site) => outcome,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("interrupted"),
        }
    });
    localdb::remove(&options)?;
    outcome
}

impl Site {
    async fn open(folder: PathBuf, cluster: &localdb::Cluster) -> anyhow::Result<Self> {
        let access = store::Access::new(&cluster.place(), cluster.passwords())?.with_owner(&cluster.owner_url())?;
        store::migrate::run(&access, PATIENCE).await?;
        let (client, connection) = tokio_postgres::connect(&cluster.superuser_url(), NoTls).await?;
        tokio::spawn(connection);
        client.execute(NURSE, &[&COOKIE]).await.context("sign a nurse in")?;
        Ok(Self { folder, cluster: cluster.clone(), client, postmaster: cluster.pid() })
    }

    pub(crate) fn start(&self) -> anyhow::Result<Server> {
        Server::start(&self.folder, &self.cluster)
    }

    pub(crate) async fn version(&self) -> anyhow::Result<String> {
        Ok(self.client.query_one("SHOW server_version", &[]).await?.get(0))
    }

    /// Enrols `{prefix}-00001` … since yesterday. A running server learns of them with its next look at the roster.
    pub(crate) async fn enrol(&self, prefix: &str, devices: usize) -> anyhow::Result<Vec<Enrolled>> {
        let rows = self
            .client
            .query(
                "WITH new AS (
                    INSERT INTO devices (external_id, kind, realm, enrolled_at)
                    SELECT $1::text || '-' || to_char(n, 'FM00000'), 'device', 'test', now() - interval '1 day'
                    FROM generate_series(1, $2::int) n
                    RETURNING key, external_id
                ), proof AS (
                    INSERT INTO device_credentials (device_key, kind, digest)
                    SELECT key, 'secret', sha256(convert_to('secret of ' || external_id, 'UTF8')) FROM new
                )
                SELECT key, external_id FROM new ORDER BY external_id",
                &[&prefix, &(devices as i32)],
            )
            .await?;
        let enrolled = |row: tokio_postgres::Row| {
            let name: String = row.get(1);
            Enrolled { secret: format!("secret of {name}"), name, key: row.get(0) }
        };
        Ok(rows.into_iter().map(enrolled).collect())
    }

    /// Empties the tables of telemetry, without a checkpoint to come.
    pub(crate) async fn empty(&self) -> anyhow::Result<()> {
        self.client.batch_execute("TRUNCATE vitals, vitals_minute, vitals_dirty").await?;
        self.client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }
}
