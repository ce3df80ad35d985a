use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keys::Keyring;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use vitals::PatientId;

use super::seats::{Looked, Seat, Seats};
use super::sight::{Found, Sight};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::web::ApiError;

/// From one look to the next: a relation that ends by its time takes the numbers off a screen within a second, and a look
/// takes a moment itself. One that somebody ends is told (V18, V23).
const LOOK: Duration = Duration::from_millis(750);

/// From one look to the next where a thousand changes in a row are told.
const PAUSE: Duration = Duration::from_millis(250);

/// Looks after which names are opened anew, though nobody else is shown: somebody may be called otherwise now.
const NAMES_EVERY: u32 = 15;

/// After so many looks in a row that a database which is there did not answer, nobody is named.
const FAILED_LOOKS: u32 = 3;

/// One subscription of a screen: an event when it begins, whenever it shows others, and when it ends.
pub(crate) struct View {
    showing: Showing,
    keyring: Keyring,
    seat: Seat,
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
        let (sight, looked) = match showing.begin(seats, &keyring).await {
            Ok(begun) => begun,
            Err(error) => {
                showing.said.store(true, Ordering::Relaxed);
                return Err(error);
            }
        };
        let seat = seats.take(&showing.caller, &sight, looked);
        showing.sight.send_replace(sight);
        Ok(Self { showing, keyring, seat, news })
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
        let (mut news, mut looks, mut failed) = (self.news.clone(), 0_u32, 0_u32);
        let mut looked = Instant::now();
        // Beside the looks: whoever goes from the glass waits for nobody's key.
        let mut opening: Option<Pin<Box<dyn Future<Output = Sight> + Send + '_>>> = None;
        loop {
            tokio::select! {
                () = sleep_until(looked + LOOK) => {}
                () = told(&mut news, looked + PAUSE) => {}
                opened = async { opening.as_mut().expect("there is one").await }, if opening.is_some() => {
                    opening = None;
                    self.show(opened);
                    continue;
                }
            }
            (looks, looked) = (looks.wrapping_add(1), Instant::now());
            let all = looks.is_multiple_of(NAMES_EVERY);
            match self.look(all).await {
                Ok(new) => {
                    failed = 0;
                    let sight = self.showing.sight.borrow().clone();
                    if new || opening.is_none() && (all || sight.lacks_names()) {
                        opening = Some(Box::pin((*sight).clone().open(&self.keyring, all)));
                    }
                }
                // What was seen is seen on.
                Err(ApiError::Database(error)) if error.away() => {
                    tracing::debug!("a screen goes on with what it saw before the database was away");
                    // With the database is away whatever says that somebody is still there.
                    if self.seat.names_nobody() {
                        opening = None;
                        self.unname();
                    }
                }
                // There, and did not answer: who may be seen may have changed.
                Err(ApiError::Database(error)) => {
                    failed = failed.saturating_add(1);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        failed,
                        "a screen could not look whom it may show"
                    );
                    if failed >= FAILED_LOOKS {
                        opening = None;
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

    /// True: others are shown than before, at once by the names that are known of them.
    async fn look(&self, names_too: bool) -> Result<bool, ApiError> {
        let Showing { caller, id, sight, .. } = &self.showing;
        let (known, asked_at, mut locks_at) = (sight.borrow().clone(), caller.now(), None);
        let read = Read::of_place(caller, Purpose::Treatment).await?;
        let reuse = (!names_too).then_some(&**known.found());
        let query = async |db: &_| {
            let (found, until) = Found::find(db, caller.who(), caller.now(), reuse).await?;
            locks_at = until;
            Ok::<_, store::Error>(found)
        };
        let found = read.find(query).await?;
        let new = read.seen_if_new(found, known.found(), |found| found.event(*id, Action::Update)).await?;
        self.seat.looked(Looked::new(asked_at, locks_at));
        // Whom it names was written down when the name was found: opening it later shows nobody else.
        let Some(new) = new else { return Ok(false) };
        self.show(Sight::at_once(Arc::new(new), &known));
        Ok(true)
    }

    fn unname(&self) {
        let known = self.showing.sight.borrow().clone();
        self.show(known.nameless());
    }

    fn show(&self, sight: Sight) {
        if sight != **self.showing.sight.borrow() {
            let sight = Arc::new(sight);
            self.seat.sees(&sight);
            self.showing.sight.send_replace(sight);
        }
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
    /// What it shows, and what the database said of that.
    async fn begin(&self, seats: &Seats, keyring: &Keyring) -> Result<(Arc<Sight>, Looked), ApiError> {
        match first_look(&self.caller, keyring, self.id).await {
            Ok((sight, looked)) => Ok((Arc::new(sight), looked)),
            Err(ApiError::Database(error)) if error.away() => {
                let (mut sight, looked) = seats.sight(&self.caller).ok_or(error)?;
                if looked.names_nobody(self.caller.now()) {
                    sight = Arc::new(sight.nameless());
                }
                self.caller.record(Purpose::Treatment, sight.event(self.id, Action::Create)).await?;
                Ok((sight, looked))
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

async fn first_look(caller: &Caller, keyring: &Keyring, id: Uuid) -> Result<(Sight, Looked), ApiError> {
    let (asked_at, mut locks_at) = (caller.now(), None);
    let read = Read::of_place(caller, Purpose::Treatment).await?;
    let query = async |db: &_| {
        let (found, until) = Found::find(db, caller.who(), caller.now(), None).await?;
        locks_at = until;
        Ok::<_, store::Error>(found)
    };
    let found = read.find(query).await?;
    let found = read.seen(found, |found| found.event(id, Action::Create)).await?;
    let sight = Sight::at_once(Arc::new(found), &Sight::default()).open(keyring, true).await;
    Ok((sight, Looked::new(asked_at, locks_at)))
}

/// When there are news, and not before `then`. Where nobody tells any more, never.
async fn told(news: &mut watch::Receiver<()>, then: Instant) {
    if news.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep_until(then).await;
}
