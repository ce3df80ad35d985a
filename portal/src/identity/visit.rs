use store::Client;
use vitals::{Realm, Timestamp, UserId, subscriber};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;

use super::cookies::Jar;
use super::hashing::Lane;
use super::places;
use super::secret::{Digest, digest_of};
use super::sessions::{self, Session, State};
use super::throttle::{Charge, Kind, Wait};
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Outcome, Purpose};
use crate::caller::{Caller, Identity, Proof, Who};
use crate::web::{ApiError, Endpoint};

/// A request that is about who makes it, so that it may come from somebody half signed in, locked, or nobody.
pub(super) struct Visit {
    pub(super) app: App,
    pub(super) caller: Caller,
    /// The digest of the token that it brought.
    pub(super) token: Option<Digest>,
    pub(super) place: Option<Digest>,
    pub(super) station_token: Option<Digest>,
}

/// The last part of a route.
pub(super) fn visit(app: &App, endpoint: &'static Endpoint) -> BoxedFilter<(Visit,)> {
    let with = app.clone();
    let visit = move |headers: HeaderMap, caller: Caller| {
        let read = |jar| with.gate.cookies.read(&headers, jar);
        let (token, place, station_token) = (read(Jar::Session), read(Jar::Place), read(Jar::Station));
        Visit { app: with.clone(), caller, token, place, station_token }
    };
    warp::header::headers_cloned().and(app.caller(endpoint)).map(visit).boxed()
}

impl Visit {
    pub(super) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// What an authenticator's clock must agree with.
    pub(super) fn wall(&self) -> Timestamp {
        self.app.clock.wall()
    }

    /// Nobody of another realm signs in at a station.
    pub(super) fn fits(&self, realm: Realm) -> bool {
        self.caller.station().is_none() || self.caller.realm() == Some(realm)
    }

    /// This browser has another token of the same session from now on.
    pub(super) fn goes_on_by(&self, session: &Digest) {
        self.app.seats.moves(self.caller.request().proof, self.proof_with(session), None, self.now());
    }

    pub(super) fn proof_with(&self, session: &Digest) -> Proof {
        Proof { session: Some(*session), ..self.caller.request().proof }
    }

    /// Whoever was signed in with this browser has gone. What a place shows stays on its screen.
    pub(super) fn begins_anew(&self, session: Option<&Digest>) {
        let old = self.caller.request().proof;
        match self.caller.station() {
            Some(station) => {
                let place = Identity::new(Who::Station(station), self.caller.realm(), Vec::new());
                self.app.seats.moves(old, Proof { session: session.copied(), ..old }, Some(place), self.now());
            }
            None => self.app.seats.give_up(&old),
        }
    }

    pub(super) async fn db(&self) -> Result<Client, ApiError> {
        Ok(self.app.desk.identity_pool().get().await?)
    }

    /// What the cookie stands for, whatever its state. A session of a station counts on its screen only.
    pub(super) async fn session(&self) -> Result<Option<Session>, ApiError> {
        let Some(token) = &self.token else { return Ok(None) };
        let found = sessions::store::find(&self.db().await?, token, self.now()).await?;
        Ok(found.filter(|session| session.station == self.caller.station()))
    }

    /// The session, in one of these states, with the digest that it goes by.
    pub(super) async fn session_in(&self, states: &[State]) -> Result<(Session, Digest), ApiError> {
        let fits = |session: &Session| session.state(self.now()).is_some_and(|state| states.contains(&state));
        if let (Some(session), Some(token)) = (self.session().await?.filter(fits), self.token) {
            return Ok((session, token));
        }
        let event = Event::new(Category::Identity, Action::Execute, Entity::all(EntityKind::Session));
        self.caller.record(Purpose::Operations, event.outcome(Outcome::Refused)).await?;
        Err(ApiError::NotSignedIn)
    }

    /// Charges a try to whom it belongs, and refuses it where there were too many.
    pub(super) async fn attempt(&self, kind: Kind, login: &str, user: Option<UserId>) -> Result<Attempt<'_>, ApiError> {
        let account = digest_of(login);
        if let Some(station) = self.caller.station() {
            let place = digest_of(&station.to_string());
            return self.charge(vec![Charge::Place(kind, account, place), Charge::Station(place)], true);
        }
        // As many questions to the database for a name that nobody has.
        let user = user.unwrap_or(UserId(uuid::Uuid::nil()));
        let known = places::known(&self.db().await?, user, &self.places()).await?;
        let own = known.map_or(Charge::Account(kind, account), |place| Charge::Place(kind, account, place));
        if known.is_some() && known == self.place {
            return self.charge(vec![own], true);
        }
        // An address that is known is still one that many share.
        let address = self.caller.request().address.map(|address| Charge::Address(subscriber(address)));
        self.charge([own].into_iter().chain(address).collect(), false)
    }

    /// A try within a session, which nobody else can make.
    pub(super) fn attempt_in(&self, kind: Kind, session: &Session) -> Result<Attempt<'_>, ApiError> {
        let place = digest_of(&session.id.to_string());
        self.charge(vec![Charge::Place(kind, digest_of(&session.login), place)], true)
    }

    pub(super) fn charge(&self, charges: Vec<Charge>, known: bool) -> Result<Attempt<'_>, ApiError> {
        let throttled = |Wait { seconds }| {
            metrics::counter!("vigil_sign_in_throttled_total").increment(1);
            ApiError::Throttled { seconds }
        };
        self.app.gate.throttle.charge(&charges, self.now()).map_err(throttled)?;
        Ok(Attempt { visit: self, charges, lane: if known { Lane::Known } else { Lane::Stranger } })
    }

    /// Where this is, as places are remembered: the browser first, since an address is shared.
    pub(super) fn places(&self) -> Vec<Digest> {
        let address = self.caller.request().address.map(|address| digest_of(&subscriber(address).to_string()));
        self.place.into_iter().chain(address).collect()
    }

    /// Writes down that somebody was not who he said, and gives the answer.
    pub(super) async fn denied(&self, user: Option<UserId>, answer: ApiError) -> Result<ApiError, ApiError> {
        metrics::counter!("vigil_sign_in_denied_total").increment(1);
        let entity = match user {
            Some(user) => Entity::one(EntityKind::User, user.0),
            None => Entity::all(EntityKind::User),
        };
        let event = Event::new(Category::Identity, Action::Execute, entity).outcome(Outcome::Refused);
        self.caller.record_each(Purpose::Operations, event).await?;
        Ok(answer)
    }
}

/// A try that was charged, to be forgiven if it was right.
pub(super) struct Attempt<'a> {
    visit: &'a Visit,
    charges: Vec<Charge>,
    pub(super) lane: Lane,
}

impl Attempt<'_> {
    /// What was found out; or nobody was there to look, and the try is not counted.
    pub(super) fn looked<T>(&self, found: Result<T, ApiError>) -> Result<T, ApiError> {
        if matches!(found, Err(ApiError::Unavailable { .. })) {
            self.visit.app.gate.throttle.take_back(&self.charges);
        }
        found
    }

    pub(super) fn was_right(self) {
        self.visit.app.gate.throttle.forgive(&self.charges);
    }
}
