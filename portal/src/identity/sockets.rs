//! Open sockets, and who they are for, so that each ends with the right to it.

use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;
use vitals::{SessionId, StationId};

use crate::caller::Who;

/// Why a socket ends before its screen leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A station has one; a newer one has come.
    Replaced,
    /// The session or the station was ended.
    #[default]
    Revoked,
    /// Nobody did anything for too long.
    Idle,
}

impl Ended {
    /// Of the WebSocket's close frame.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Replaced => 4_001,
            Self::Revoked => 4_002,
            Self::Idle => 4_003,
        }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Replaced => "another screen is this station now",
            Self::Revoked => "ended",
            Self::Idle => "nobody is here",
        }
    }
}

/// What a socket's right comes from. At a station it is the station's: it stays when its user goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Session(SessionId),
    Station(StationId),
}

/// As many as `portal::Config::max_screens` allows.
#[derive(Clone, Default)]
pub(crate) struct Sockets {
    held: Arc<Mutex<Held>>,
    news: watch::Sender<()>,
}

#[derive(Default)]
struct Held {
    last: u64,
    open: AHashMap<u64, (Holder, oneshot::Sender<Ended>)>,
}

/// One of them; leaves them when it is dropped.
pub(crate) struct Socket {
    number: u64,
    sockets: Sockets,
    ended: oneshot::Receiver<Ended>,
}

impl Sockets {
    /// None: nobody whose right could end.
    pub(crate) fn open(&self, who: Who) -> Option<Socket> {
        let holder = match who {
            Who::User { station: Some(station), .. } | Who::Station(station) => Holder::Station(station),
            Who::User { session, .. } => Holder::Session(session),
            Who::System(_) | Who::Nobody => return None,
        };
        if let Holder::Station(_) = holder {
            self.end(holder, Ended::Replaced);
        }
        let (end, ended) = oneshot::channel();
        let mut held = self.held.lock();
        held.last += 1;
        let number = held.last;
        held.open.insert(number, (holder, end));
        Some(Socket { number, sockets: self.clone(), ended })
    }

    /// Ends all that this one holds.
    pub(crate) fn end(&self, holder: Holder, why: Ended) {
        let ended: Vec<_> = self.held.lock().open.extract_if(|_, (of, _)| *of == holder).collect();
        for (_, (_, end)) in ended {
            // Its screen may have left at this moment.
            end.send(why).unwrap_or_default();
        }
    }

    /// Changes whenever who may see what may have changed.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(super) fn tell_news(&self) {
        self.news.send_replace(());
    }

    /// How many were ever opened: another number, and there is one that was not looked at.
    pub(crate) fn opened(&self) -> u64 {
        self.held.lock().last
    }

    /// Whose sockets are open, each once.
    pub(crate) fn holders(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let (mut sessions, mut stations) = (Vec::new(), Vec::new());
        for (holder, _) in self.held.lock().open.values() {
            match holder {
                Holder::Session(session) => sessions.push(session.0),
                Holder::Station(station) => stations.push(station.0),
            }
        }
        for ids in [&mut sessions, &mut stations] {
            ids.sort_unstable();
            ids.dedup();
        }
        (sessions, stations)
    }
}

impl Socket {
    /// Ready once it must end.
    pub(crate) async fn ended(&mut self) -> Ended {
        (&mut self.ended).await.unwrap_or(Ended::Revoked)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.sockets.held.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use vitals::UserId;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[tokio::test]
    async fn a_station_has_one_socket_and_a_session_as_many_as_it_opens() {
        let sockets = Sockets::default();
        let at = |station: Option<u128>| Who::User {
            user: UserId(id(1)),
            session: SessionId(id(2)),
            station: station.map(id).map(StationId),
        };
        let mut first = sockets.open(Who::Station(StationId(id(9)))).unwrap();
        let second = sockets.open(at(Some(9))).unwrap();
        assert_eq!(first.ended().await, Ended::Replaced);
        let (mut third, mut fourth) = (sockets.open(at(None)).unwrap(), sockets.open(at(None)).unwrap());
        assert_eq!(sockets.holders(), (vec![id(2)], vec![id(9)]));
        sockets.end(Holder::Session(SessionId(id(2))), Ended::Revoked);
        assert_eq!((third.ended().await, fourth.ended().await), (Ended::Revoked, Ended::Revoked));
        drop(second);
        assert_eq!(sockets.holders(), (vec![], vec![]));
        // One that comes where another has gone is seen to have come.
        let before = sockets.opened();
        drop(sockets.open(at(None)).unwrap());
        assert_ne!(sockets.opened(), before);
        assert!(sockets.open(Who::Nobody).is_none());
    }
}
