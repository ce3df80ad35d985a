use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keys::Keyring;
use tokio::sync::watch;
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

use super::seats::{Seat, Seats};
use super::sight::{Found, Sight};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::identity::LOCKS_MS;
use crate::web::ApiError;

/// A relation that has ended takes the numbers off a screen within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after which names are opened anew, though nobody else is shown: somebody may be called otherwise now.
const NAMES_EVERY: u32 = 15;

/// After so many looks in a row that a database which is there did not answer, nobody is named.
const FAILED_LOOKS: u32 = 3;

/// One subscription of a screen: an event when it begins, whenever it shows others, and when it ends.
pub(crate) struct View {
    showing: Showing,
    keyring: Keyring,
    seat: Seat,
    /// When the database said what is shown at first.
    looked_at: Timestamp,
    /// Told when who may see what has changed.
    news: watch::Receiver<()>,
}

/// What a view shows to whom. It says that it has ended also where its socket never came about, or its task was dropped.
struct Showing {
    caller: Caller,
    id: Uuid,
    sight: watch::Sender<Arc<Sight>>,
    /// Nothing is left to be said of it.
    said: AtomicBool,
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
        // Before its beginning is written down: whoever leaves at that moment has it ended as well.
        let showing = Showing { caller, id, sight: watch::Sender::default(), said: AtomicBool::new(false) };
        let (sight, looked_at) = match showing.begin(seats, &keyring).await {
            Ok(begun) => begun,
            Err(error) => {
                showing.said.store(true, Ordering::Relaxed);
                return Err(error);
            }
        };
        let seat = seats.take(&showing.caller, &sight, looked_at);
        showing.sight.send_replace(sight);
        Ok(Self { showing, keyring, seat, looked_at, news })
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.showing.caller
    }

    pub(crate) fn sight(&self) -> watch::Receiver<Arc<Sight>> {
        self.showing.sight.subscribe()
    }

    /// That this view told of these patients.
    pub(crate) fn told(&self, patients: Vec<PatientId>) -> Event {
        let entity = Entity::one(EntityKind::LiveView, self.showing.id);
        Event::new(Category::Care, Action::Read, entity).about(patients)
    }

    /// Looks on, for as long as what it shows can be written down.
    pub(crate) async fn follow(&self) {
        let (mut news, mut looks, mut looked_at) = (self.news.clone(), 0_u32, self.looked_at);
        let mut failed = 0_u32;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                Ok(()) = news.changed() => {}
            }
            looks = looks.wrapping_add(1);
            let asked_at = self.caller().now();
            match self.look(looks.is_multiple_of(NAMES_EVERY)).await {
                Ok(()) => {
                    (looked_at, failed) = (asked_at, 0);
                    self.seat.looked(looked_at);
                }
                // What was seen is seen on.
                Err(ApiError::Database(error)) if error.away() => self.go_on_unseeing(looked_at),
                // There, and did not answer: who may be seen may have changed.
                Err(ApiError::Database(error)) => {
                    failed = failed.saturating_add(1);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        failed,
                        "a screen could not look whom it may show"
                    );
                    if failed >= FAILED_LOOKS {
                        self.unname();
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a screen may show no more");
                    return;
                }
            }
        }
    }

    async fn look(&self, names_too: bool) -> Result<(), ApiError> {
        let Showing { caller, id, sight, .. } = &self.showing;
        let known = sight.borrow().clone();
        let read = Read::of_place(caller, Purpose::Treatment).await?;
        let reuse = (!names_too).then_some(&**known.found());
        let found = read.find(async |db| Found::find(db, caller.who(), caller.now(), reuse).await).await?;
        let new = read.seen_if_new(found, known.found(), |found| found.event(*id, Action::Update)).await?;
        // Whom it names was written down when the name was found: opening it later shows nobody else.
        let found = match new {
            Some(new) => Arc::new(new),
            None if names_too => known.found().clone(),
            None => return Ok(()),
        };
        let new = Sight::open(found, &self.keyring, (!names_too).then_some(&*known)).await;
        if new != *known {
            self.show(Arc::new(new));
        }
        Ok(())
    }

    /// The database is away, and with it whatever says that somebody is still there: by now any session would have locked.
    fn go_on_unseeing(&self, looked_at: Timestamp) {
        tracing::debug!("a screen goes on with what it saw before the database was away");
        if self.caller().now().millis_since(looked_at) >= LOCKS_MS {
            self.unname();
        }
    }

    fn unname(&self) {
        let known = self.showing.sight.borrow().clone();
        if *known != known.nameless() {
            self.show(Arc::new(known.nameless()));
        }
    }

    fn show(&self, sight: Arc<Sight>) {
        self.seat.sees(&sight);
        self.showing.sight.send_replace(sight);
    }

    /// Whoever sat here has no right to it any more, and does not come back without the database.
    pub(crate) fn give_up(&self) {
        self.seat.give_up();
    }

    pub(crate) async fn close(&self) {
        if let Some(end) = self.showing.end() {
            end.await;
        }
    }
}

impl Showing {
    /// What it shows, and when the database said so.
    async fn begin(&self, seats: &Seats, keyring: &Keyring) -> Result<(Arc<Sight>, Timestamp), ApiError> {
        let now = self.caller.now();
        match first_look(&self.caller, keyring, self.id).await {
            Ok(sight) => Ok((Arc::new(sight), now)),
            Err(ApiError::Database(error)) if error.away() => {
                let (mut sight, looked_at) = seats.sight(&self.caller).ok_or(error)?;
                if now.millis_since(looked_at) >= LOCKS_MS {
                    sight = Arc::new(sight.nameless());
                }
                self.caller.record(Purpose::Treatment, sight.event(self.id, Action::Create)).await?;
                Ok((sight, looked_at))
            }
            Err(error) => Err(error),
        }
    }

    /// Says that it has ended, unless that is said.
    fn end(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        if self.said.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (caller, event) = (self.caller.clone(), self.sight.borrow().event(self.id, Action::Delete));
        Some(async move {
            if caller.record(Purpose::Treatment, event).await.is_err() {
                tracing::warn!("the end of a screen's view was not recorded");
            }
        })
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        if let (Some(end), Ok(runtime)) = (self.end(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(end);
        }
    }
}

async fn first_look(caller: &Caller, keyring: &Keyring, id: Uuid) -> Result<Sight, ApiError> {
    let read = Read::of_place(caller, Purpose::Treatment).await?;
    let found = read.find(async |db| Found::find(db, caller.who(), caller.now(), None).await).await?;
    let found = read.seen(found, |found| found.event(id, Action::Create)).await?;
    Ok(Sight::open(Arc::new(found), keyring, None).await)
}
