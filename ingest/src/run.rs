use std::sync::Arc;
use std::time::Duration;

use keys::Keyring;
use store::roster::Roster;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::front::{self, Listener};
use crate::pipeline::{Devices, Pipeline};
use crate::write::{Queue, Shared, Writer};
use crate::{Config, Outlets, clocks, minutes, plain};

/// How long the writers go on trying after the front has ended, when the database is away.
const LAST_TRY: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read what the database knows of devices")]
    Start(#[from] store::Error),
    #[error("a writer ended with readings that are not stored and were not acknowledged")]
    Unstored,
    #[error("serve devices")]
    Front(#[from] front::Error),
}

/// What `server` gives.
pub struct Deps {
    pub pool: store::Pool,
    pub clock: Clock,
    pub roster: watch::Receiver<Arc<Roster>>,
    pub outlets: Outlets,
    /// Seals what goes to quarantine.
    pub keyring: Keyring,
    pub listeners: Vec<Listener>,
}

/// Serves devices until stopped, then drains: the front stops reading, the writers commit, the front acknowledges.
/// `serving` is called once every listener accepts.
pub async fn run(
    config: Config,
    deps: Deps,
    serving: impl FnOnce() + Send,
    stop: CancellationToken,
) -> Result<(), Error> {
    let Deps { pool, clock, roster, outlets, keyring, listeners } = deps;
    let devices = Arc::new(Devices::default());
    clocks::load(&pool, &devices, &clock).await?;
    let (drained, give_up) = (CancellationToken::new(), CancellationToken::new());
    let (mut queues, mut shared, mut writers) = (Vec::new(), Vec::new(), JoinSet::new());
    for number in 0..config.writers.max(1) {
        let writer = Writer {
            name: format!("vigil writer {number}"),
            pool: pool.clone(),
            clock: clock.clone(),
            queue: Arc::new(Queue::default()),
            shared: Arc::new(Shared::default()),
            outlets: outlets.clone(),
            keyring: keyring.clone(),
            stop: drained.clone(),
            give_up: give_up.clone(),
        };
        queues.push(writer.queue.clone());
        shared.push(writer.shared.clone());
        writers.spawn(writer.run());
    }
    let beside = [
        tokio::spawn(minutes::run(pool.clone(), clock.clone(), shared, drained.clone())),
        tokio::spawn(clocks::run(pool.clone(), devices.clone(), clock.clone(), drained.clone())),
        tokio::spawn(plain::run(pool.clone(), keyring.clone(), drained.clone())),
    ];
    let pipeline = Pipeline::new(config.clone(), clock.clone(), devices, queues, outlets, keyring);
    let deps = front::Deps { config: config.front, roster, pool, clock, pipeline };
    serving();
    let served = tokio::select! {
        served = front::run(listeners, deps, stop) => served,
        // A writer ends only when it is told to. One that panicked would leave its devices waiting for ever.
        Some(_) = writers.join_next() => return Err(Error::Unstored),
    };
    drained.cancel();
    tokio::spawn(async move {
        tokio::time::sleep(LAST_TRY).await;
        give_up.cancel();
    });
    for task in beside {
        if task.await.is_err() {
            tracing::error!("a task of ingest panicked");
        }
    }
    while let Some(ended) = writers.join_next().await {
        if !matches!(ended, Ok(Ok(()))) {
            return Err(Error::Unstored);
        }
    }
    Ok(served?)
}
