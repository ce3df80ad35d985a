use std::sync::Arc;
use std::time::Duration;

use ahash::AHashSet;
use store::time::At;
use store::{Db, Error};
use tokio::sync::watch;
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

use super::seats::{Seat, Seats};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::web::ApiError;

/// A relation that has ended takes the numbers off a screen within this time.
const LOOK: Duration = Duration::from_secs(1);

const SIGHT: &str = "-- portal::live::sight
    SELECT device_key, patient_id FROM sight($1) LIMIT 100000";

/// What a screen may show now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Devices on somebody who may not be seen. One that is on nobody is seen: a bed's alarm waits for no name.
    hidden: AHashSet<DeviceKey>,
    /// Whom the others are on.
    subjects: Vec<PatientId>,
}

impl Sight {
    pub(crate) fn hides(&self, device: DeviceKey) -> bool {
        self.hidden.contains(&device)
    }

    async fn find(db: &impl Db, now: Timestamp) -> Result<Self, Error> {
        let mut sight = Self::default();
        for row in db.query(SIGHT, &[&At(now)]).await? {
            match row.try_get::<_, Option<Uuid>>(1)? {
                Some(patient) => sight.subjects.push(PatientId(patient)),
                None => drop(sight.hidden.insert(DeviceKey(row.try_get(0)?))),
            }
        }
        sight.subjects.sort_unstable();
        Ok(sight)
    }
}

/// One subscription of a screen: an event when it begins, whenever it shows others, and when it ends.
pub(crate) struct View {
    caller: Caller,
    id: Uuid,
    seat: Seat,
    sight: watch::Sender<Arc<Sight>>,
}

impl View {
    /// While the database is away a screen goes on with what it saw last; its event goes to the disk.
    pub(crate) async fn open(caller: Caller, seats: &Seats) -> Result<Self, ApiError> {
        let id = caller.request().correlation.0;
        let sight = match first_look(&caller, id).await {
            Ok(sight) => Arc::new(sight),
            Err(ApiError::Database(error)) => {
                let sight = seats.sight(&caller).ok_or(error)?;
                caller.record(Purpose::Treatment, event(id, Action::Create, &sight)).await?;
                sight
            }
            Err(error) => return Err(error),
        };
        let seat = seats.take(&caller, &sight);
        Ok(Self { caller, id, seat, sight: watch::Sender::new(sight) })
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(crate) fn sight(&self) -> watch::Receiver<Arc<Sight>> {
        self.sight.subscribe()
    }

    /// What this view shows, as one event.
    pub(crate) fn event(&self, action: Action) -> Event {
        event(self.id, action, &self.sight.borrow())
    }

    /// Looks on, for as long as what it shows can be written down.
    pub(crate) async fn follow(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look().await {
                Ok(()) => {}
                // What was seen is seen on.
                Err(ApiError::Database(_)) => {
                    tracing::debug!("a screen goes on with what it saw before the database was away")
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a screen may show no more");
                    return;
                }
            }
        }
    }

    async fn look(&self) -> Result<(), ApiError> {
        let known = self.sight.borrow().clone();
        let read = Read::of_place(&self.caller, Purpose::Treatment).await?;
        let now = self.caller.now();
        let found = read.find(async |db| Sight::find(db, now).await).await?;
        let new = read.seen_if_new(found, &known, |sight| event(self.id, Action::Update, sight)).await?;
        if let Some(new) = new.map(Arc::new) {
            self.seat.sees(&new);
            self.sight.send_replace(new);
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        if self.caller.record(Purpose::Treatment, self.event(Action::Delete)).await.is_err() {
            tracing::warn!("the end of a screen's view was not recorded");
        }
    }
}

async fn first_look(caller: &Caller, id: Uuid) -> Result<Sight, ApiError> {
    let read = Read::of_place(caller, Purpose::Treatment).await?;
    let now = caller.now();
    let found = read.find(async |db| Sight::find(db, now).await).await?;
    read.seen(found, |sight| event(id, Action::Create, sight)).await
}

fn event(id: Uuid, action: Action, sight: &Sight) -> Event {
    Event::new(Category::Care, action, Entity::one(EntityKind::LiveView, id)).about(sight.subjects.iter().copied())
}
