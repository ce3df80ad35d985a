use std::sync::OnceLock;

use futures_util::future::join;
use store::{Client, Pool, Transaction, prepared};
use vitals::PatientId;

use super::Caller;
use super::context::Context;
use crate::audit::{Event, Purpose};
use crate::web::ApiError;

/// A read-only transaction of somebody. Dropped, it has shown nothing.
#[must_use = "what was found leaves it only through `seen`"]
pub(crate) struct Read {
    tx: Transaction,
    caller: Caller,
    purpose: Purpose,
    /// Somebody treats those whom he is shown.
    treats: bool,
    /// Of the snapshot that the whole read has.
    behind_glass: OnceLock<Vec<PatientId>>,
}

/// What a read found. It has no way out but to be seen, which is written down first.
///
/// ```
/// fn hold(found: portal::Unseen<u32>) -> portal::Unseen<u32> {
///     found
/// }
/// ```
///
/// Nobody looks into it, nor takes it apart:
///
/// ```compile_fail,E0616
/// fn peek(found: portal::Unseen<u32>) -> u32 {
///     found.0
/// }
/// ```
///
/// ```compile_fail,E0532
/// fn peek(portal::Unseen(found): portal::Unseen<u32>) -> u32 {
///     found
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn print(found: portal::Unseen<u32>) {
///     println!("{found:?}");
/// }
/// ```
#[must_use = "hand it to `Read::seen`"]
pub struct Unseen<T>(T);

/// A glass is broken only where there is no relation, and lasts an hour: until then whatever is seen of these is seen through
/// it.
const BEHIND_GLASS: &str = "-- portal::caller::behind_glass
    SELECT * FROM behind_glass() LIMIT 1000";

async fn behind_glass(db: &Client) -> Result<Vec<PatientId>, store::Error> {
    let rows = prepared::query(db, BEHIND_GLASS, &[]).await?;
    rows.iter().map(|row| Ok(PatientId(row.try_get(0)?))).collect()
}

impl Read {
    pub(crate) async fn begin(caller: &Caller, purpose: Purpose) -> Result<Self, ApiError> {
        let context = Context { caller, purpose, place: false, audit: None };
        Self::under(&context, caller.desk().pool()).await
    }

    /// For the wall: a screen that is enrolled for a place shows it, whoever is identified there.
    pub(crate) async fn of_place(caller: &Caller, purpose: Purpose) -> Result<Self, ApiError> {
        let context = Context { caller, purpose, place: true, audit: None };
        Self::under(&context, caller.desk().pool()).await
    }

    /// Of the audit itself, as the role that may read it.
    pub(crate) async fn of_audit(caller: &Caller, purpose: Purpose) -> Result<Self, ApiError> {
        let context = Context { caller, purpose, place: false, audit: None };
        Self::under(&context, caller.desk().audit().pool()).await
    }

    async fn under(context: &Context<'_>, pool: &Pool) -> Result<Self, ApiError> {
        let tx = Transaction::read_only_later(pool, &context.settings()).await?;
        let (caller, purpose, treats) = (context.caller.clone(), context.purpose, context.treats());
        Ok(Self { tx, caller, purpose, treats, behind_glass: OnceLock::new() })
    }

    /// Runs queries. What they found stays unseen.
    pub(crate) async fn find<T, E: From<store::Error>>(
        &self,
        query: impl AsyncFnOnce(&Client) -> Result<T, E>,
    ) -> Result<Unseen<T>, E> {
        if !self.treats || self.behind_glass.get().is_some() {
            return self.tx.run(query).await.map(Unseen);
        }
        // On the way together; where the first fails, so does what follows, and less plainly.
        let both = self.tx.run(async |db| Ok::<_, E>(join(behind_glass(db), query(db)).await));
        let (behind_glass, found) = both.await?;
        let behind_glass = behind_glass?;
        self.behind_glass.get_or_init(|| behind_glass);
        found.map(Unseen)
    }

    /// The same, where what was found may be what is known already: then nothing new is seen, and no event says so.
    pub(crate) async fn seen_if_new<T: PartialEq>(
        self,
        found: Unseen<T>,
        known: &T,
        event: impl FnOnce(&T) -> Event,
    ) -> Result<Option<T>, ApiError> {
        if found.0 == *known {
            self.tx.rollback().await?;
            return Ok(None);
        }
        self.seen(found, event).await.map(Some)
    }

    /// Lets out what was found, once it is durable that it was seen. `event` says by what was found whom it is about.
    pub(crate) async fn seen<T>(self, found: Unseen<T>, event: impl FnOnce(&T) -> Event) -> Result<T, ApiError> {
        let Self { tx, caller, purpose, treats, behind_glass } = self;
        let event = event(&found.0);
        let behind_glass = match behind_glass.into_inner() {
            Some(these) => these,
            None if treats => tx.run(async |db| self::behind_glass(db).await).await?, // found by another read
            None => Vec::new(),
        };
        let (broken, others) = event.part(&behind_glass);
        let record = async {
            for (purpose, event) in
                others.map(|event| (purpose, event)).into_iter().chain(broken.map(|event| (Purpose::BreakGlass, event)))
            {
                caller.record(purpose, event).await?;
            }
            Ok::<_, ApiError>(())
        };
        // At once: the wait for the batch holds no connection.
        let (ended, recorded) = join(tx.rollback(), record).await;
        recorded?;
        ended?;
        Ok(found.0)
    }
}
