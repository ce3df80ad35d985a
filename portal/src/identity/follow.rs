//! Ends open sockets within a second of their right, and has them look again whom they may show: V18__sign_in.sql announces
//! what changed, and what is open is read anew.

use std::time::Duration;

use store::{Error, Pool};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use vitals::{Clock, SessionId, StationId, Timestamp};

use super::roles;
use super::sessions;
use super::sockets::{Ended, Holder, Sockets};
use super::stations;
use crate::permission::Permission;

const CHANNEL: &str = "vigil_access";

/// Between two looks, so that a thousand changes in a row are looked at four times a second.
const PAUSE: Duration = Duration::from_millis(250);

/// Time passes without any news: an idle user's session ends.
const TICK: Duration = Duration::from_millis(500);

/// Looks this often though nothing was heard, as the roster does (store/src/roster/watch.rs).
const UNHEARD: Duration = Duration::from_secs(30);

const PATIENCE: Duration = Duration::from_secs(10);

const RETRY: Duration = Duration::from_secs(1);

/// Never ends. While the database is away sockets stay open: alarms go on (design P3), and nothing can be revoked.
pub(crate) async fn follow(pool: Pool, clock: Clock, sockets: Sockets) {
    loop {
        if let Err(error) = heed(&pool, &clock, &sockets).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot follow who may see what");
        }
        sleep(RETRY).await;
    }
}

async fn heed(pool: &Pool, clock: &Clock, sockets: &Sockets) -> Result<(), Error> {
    let mut listener = pool.listen("vigil access", CHANNEL).await?;
    roles::publish(pool).await?;
    // What was announced before it listened.
    let mut known = sockets.opened();
    let mut next_end = look(pool, clock, sockets, &sockets.holders()).await?;
    let mut looked = Instant::now();
    loop {
        let heard = timeout(TICK, listener.heard()).await.is_ok();
        if listener.client().is_closed() {
            return Ok(());
        }
        let over = next_end.is_some_and(|end| end <= clock.now()) || looked.elapsed() > UNHEARD;
        if heard {
            sockets.tell_news();
        }
        // One that was let in before its right ended and opens after is looked at too.
        if heard || over || sockets.opened() != known {
            sleep(PAUSE).await;
            known = sockets.opened();
            next_end = look(pool, clock, sockets, &sockets.holders()).await?;
            looked = Instant::now();
        }
    }
}

/// Ends what has no right any more; when the next one would end without input.
async fn look(
    pool: &Pool,
    clock: &Clock,
    sockets: &Sockets,
    (of_sessions, of_stations): &(Vec<Uuid>, Vec<Uuid>),
) -> Result<Option<Timestamp>, Error> {
    if of_sessions.is_empty() && of_stations.is_empty() {
        return Ok(None);
    }
    let read = async {
        let (db, now) = (pool.get().await?, clock.now());
        let sessions = sessions::store::standing(&db, of_sessions, Permission::ReadVitals, now).await?;
        Ok::<_, Error>((sessions, stations::standing(&db, of_stations, now).await?, now))
    };
    let (sessions, stations, now) =
        timeout(PATIENCE, read).await.map_err(|_| Error::Unanswered(PATIENCE.as_secs()))??;
    for session in of_sessions.iter().copied().map(SessionId) {
        match sessions.iter().find(|(standing, _)| *standing == session) {
            None => sockets.end(Holder::Session(session), Ended::Revoked),
            Some((_, ends_at)) if *ends_at <= now => sockets.end(Holder::Session(session), Ended::Idle),
            Some(_) => {}
        }
    }
    for station in of_stations.iter().copied().map(StationId) {
        if !stations.contains(&station) {
            sockets.end(Holder::Station(station), Ended::Revoked);
        }
    }
    Ok(sessions.iter().map(|(_, ends_at)| *ends_at).filter(|ends_at| now < *ends_at).min())
}
