//! Another root key than the one in memory, where the database tells of one.
//!
//! A file is read at once. A vault may be slow or away, so nobody waits for it: one question at a time is asked beside everything
//! else, and who looks again finds its answer.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::RootError;
use crate::place::{Place, WrappedFile};
use crate::root::RootKey;

/// Pause before a vault is asked again that did not open it.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Newer {
    /// What the vault opened last.
    opened: Arc<ArcSwapOption<RootKey>>,
    asking: Arc<Mutex<()>>,
}

pub(crate) enum Found {
    /// Its place holds no other.
    Same,
    /// Ask again in a moment.
    Asked,
    Newer(Arc<RootKey>),
}

impl Newer {
    #[cfg_attr(not(feature = "azure"), expect(unreachable_code, reason = "without it there is no wrapped file"))]
    pub(crate) fn than(&self, ours: &RootKey) -> Result<Found, RootError> {
        match ours.place() {
            None => Ok(Found::Same),
            Some(Place::Plain(file)) => Ok(Found::Newer(Arc::new(RootKey::read(file)?))),
            Some(Place::Wrapped(file)) => {
                let there = file.look()?;
                if ours.is_wrapped_as(&there) {
                    return Ok(Found::Same);
                }
                if let Some(opened) = self.opened.load_full().filter(|opened| opened.is_wrapped_as(&there)) {
                    return Ok(Found::Newer(opened));
                }
                self.ask(file.clone());
                Ok(Found::Asked)
            }
        }
    }

    /// Unless somebody asks already.
    fn ask(&self, file: WrappedFile) {
        let Ok(alone) = self.asking.clone().try_lock_owned() else { return };
        let opened = self.opened.clone();
        tokio::spawn(async move {
            match Box::pin(file.read()).await {
                Ok(newer) => opened.store(Some(Arc::new(newer))),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "keeping the last root key");
                    sleep(RETRY).await;
                }
            }
            drop(alone);
        });
    }
}
