//! The running parts: each task has a name, and they stop in reverse.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The parts, in the order in which they were started: intake last, so that it stops first and the rest drains.
pub(crate) struct Parts {
    /// Cancelled by a signal, or by a part that ended.
    stop: CancellationToken,
    running: Vec<(&'static str, CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Parts {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { stop, running: Vec::new() }
    }

    pub(crate) fn start<F>(&mut self, name: &'static str, part: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stop, all) = (CancellationToken::new(), self.stop.clone());
        let part = part(stop.clone());
        let task = tokio::spawn(async move {
            // Dropped however the part ends, a panic included: nothing goes on without it.
            let _ended = all.drop_guard();
            part.await
        });
        self.running.push((name, stop, task));
    }

    /// What keeps something current and never ends by itself.
    pub(crate) fn keep(&mut self, name: &'static str, current: impl Future<Output = ()> + Send + 'static) {
        self.start(name, |stop| async move {
            tokio::select! { () = current => {}, () = stop.cancelled() => {} }
            Ok(())
        });
    }

    /// Waits for the signal, then stops every part, each within `patience`.
    pub(crate) async fn until_stopped(mut self, patience: Duration) -> anyhow::Result<()> {
        self.stop.cancelled().await;
        let mut failed = None;
        while let Some((name, stop, task)) = self.running.pop() {
            stop.cancel();
            let error = match timeout(patience, task).await {
                Ok(Ok(Ok(()))) => {
                    tracing::info!("{name} stopped");
                    continue;
                }
                Ok(Ok(Err(error))) => error.context(format!("run {name}")),
                Ok(Err(error)) => anyhow::Error::new(error).context(format!("run {name}")),
                Err(_) => anyhow::anyhow!("{name} did not stop in {} s", patience.as_secs()),
            };
            tracing::error!("could not {error:#}");
            failed.get_or_insert(error);
        }
        failed.map_or(Ok(()), Err)
    }
}
