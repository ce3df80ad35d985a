use std::sync::Arc;
use std::time::Duration;

use keys::Keyring;
use tokio::sync::watch;
use uuid::Uuid;
use vitals::Timestamp;

use super::seats::{Seat, Seats};
use super::sight::{Looker, Sight};
use crate::audit::{Action, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::identity::LOCKS_MS;
use crate::web::ApiError;

/// A relation that has ended takes the numbers off a screen within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after which names are opened anew, though nobody else is shown: somebody may be called otherwise now.
const NAMES_EVERY: u32 = 15;

/// One subscription of a screen: an event when it begins, whenever it shows others, and when it ends.
pub(crate) struct View {
    caller: Caller,
    keyring: Keyring,
    id: Uuid,
    seat: Seat,
    sight: watch::Sender<Arc<Sight>>,
    /// Told when who may see what has changed.
    news: watch::Receiver<()>,
}

impl View {
    /// While the database is away a screen goes on with what it saw last; its event goes to the disk.
    pub(crate) async fn open(
        caller: Caller,
        seats: &Seats,
        keyring: Keyring,
        news: watch::Receiver<()>,
    ) -> Result<Self, ApiError> {
        let id = caller.request().correlation.0;
        let sight = match first_look(&caller, &keyring, id).await {
            Ok(sight) => Arc::new(sight),
            Err(ApiError::Database(error)) => {
                let sight = seats.sight(&caller).ok_or(error)?;
                caller.record(Purpose::Treatment, sight.event(id, Action::Create)).await?;
                sight
            }
            Err(error) => return Err(error),
        };
        let seat = seats.take(&caller, &sight);
        Ok(Self { caller, keyring, id, seat, sight: watch::Sender::new(sight), news })
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn sight(&self) -> watch::Receiver<Arc<Sight>> {
        self.sight.subscribe()
    }

    /// What this view shows, as one event.
    pub(crate) fn event(&self, action: Action) -> Event {
        self.sight.borrow().event(self.id, action)
    }

    /// Looks on, for as long as what it shows can be written down.
    pub(crate) async fn follow(&self) {
        let (mut news, mut looks, mut looked_at) = (self.news.clone(), 0_u32, self.caller.now());
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                Ok(()) = news.changed() => {}
            }
            looks = looks.wrapping_add(1);
            match self.look(looks.is_multiple_of(NAMES_EVERY)).await {
                Ok(()) => looked_at = self.caller.now(),
                // What was seen is seen on.
                Err(ApiError::Database(_)) => self.go_on_unseeing(looked_at),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a screen may show no more");
                    return;
                }
            }
        }
    }

    async fn look(&self, names_too: bool) -> Result<(), ApiError> {
        let known = self.sight.borrow().clone();
        let read = Read::of_place(&self.caller, Purpose::Treatment).await?;
        let looker = Looker { who: self.caller.who(), keyring: &self.keyring, now: self.caller.now() };
        let reuse = (!names_too).then_some(&*known);
        let found = read.find(async |db| Sight::find(db, &looker, reuse).await).await?;
        let new = read.seen_if_new(found, &known, |sight| sight.event(self.id, Action::Update)).await?;
        if let Some(new) = new.map(Arc::new) {
            self.show(new);
        }
        Ok(())
    }

    /// The database is away, and with it whatever says that somebody is still there: by now any session would have locked.
    fn go_on_unseeing(&self, looked_at: Timestamp) {
        tracing::debug!("a screen goes on with what it saw before the database was away");
        let known = self.sight.borrow().clone();
        if self.caller.now().millis_since(looked_at) >= LOCKS_MS && *known != known.nameless() {
            self.show(Arc::new(known.nameless()));
        }
    }

    fn show(&self, sight: Arc<Sight>) {
        self.seat.sees(&sight);
        self.sight.send_replace(sight);
    }

    pub(crate) async fn close(&self) {
        if self.caller.record(Purpose::Treatment, self.event(Action::Delete)).await.is_err() {
            tracing::warn!("the end of a screen's view was not recorded");
        }
    }
}

async fn first_look(caller: &Caller, keyring: &Keyring, id: Uuid) -> Result<Sight, ApiError> {
    let read = Read::of_place(caller, Purpose::Treatment).await?;
    let looker = Looker { who: caller.who(), keyring, now: caller.now() };
    let found = read.find(async |db| Sight::find(db, &looker, None).await).await?;
    read.seen(found, |sight| sight.event(id, Action::Create)).await
}
