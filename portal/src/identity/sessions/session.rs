use vitals::{Realm, SessionId, StationId, Timestamp, UserId};

use crate::web::ApiError;

/// Without input for so long, names go from the screen.
pub(crate) const LOCKS_MS: i64 = 5 * 60_000;

/// Without input for so long, the user is signed out.
pub(crate) const IDLE_MS: i64 = 15 * 60_000;

/// After so long the user is signed out however busy, and a PIN asks for two factors again.
pub(crate) const LONGEST_MS: i64 = 12 * 3_600_000;

/// To give the second factor after the first.
const HALF_MS: i64 = 5 * 60_000;

/// A factor given again for something grave counts for so long.
pub(crate) const STEPPED_UP_MS: i64 = 5 * 60_000;

/// A kind of credential, as `sessions.factors` and `credentials.kind` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    Password,
    Totp,
    Recovery,
    Pin,
}

impl Factor {
    const ALL: [Self; 4] = [Self::Password, Self::Totp, Self::Recovery, Self::Pin];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::Pin => "pin",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.word() == word)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// One factor of two.
    Half,
    Open,
    Locked,
}

impl State {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Half => "half",
            Self::Open => "open",
            Self::Locked => "locked",
        }
    }
}

/// Somebody signed in, or half.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) realm: Realm,
    pub(crate) station: Option<StationId>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) started_at: Timestamp,
    pub(crate) stepped_up_at: Option<Timestamp>,
    pub(crate) last_input_at: Timestamp,
    pub(crate) locked_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
}

impl Session {
    /// Two factors, or the PIN, which is taken only where two were given.
    pub(crate) fn complete(&self) -> bool {
        let proven = |factor| self.factors.contains(&factor);
        proven(Factor::Pin) || proven(Factor::Password) && (proven(Factor::Totp) || proven(Factor::Recovery))
    }

    /// None: it has ended.
    pub(crate) fn state(&self, now: Timestamp) -> Option<State> {
        if now >= self.ends_at() {
            return None;
        }
        Some(match () {
            () if !self.complete() => State::Half,
            () if self.locked_at.is_some() || now >= self.locks_at() => State::Locked,
            () => State::Open,
        })
    }

    pub(crate) fn locks_at(&self) -> Timestamp {
        self.last_input_at.plus_millis(LOCKS_MS).min(self.ends_at())
    }

    /// Unless there is input.
    pub(crate) fn ends_at(&self) -> Timestamp {
        self.last_input_at.plus_millis(IDLE_MS).min(self.expires_at)
    }

    /// Until when what is grave may be done.
    pub(crate) fn stepped_up_until(&self) -> Option<Timestamp> {
        self.stepped_up_at.map(|at| at.plus_millis(STEPPED_UP_MS))
    }

    pub(crate) fn stepped_up(&self, now: Timestamp) -> bool {
        self.stepped_up_until().is_some_and(|until| now < until)
    }

    pub(crate) fn require_step_up(&self, now: Timestamp) -> Result<(), ApiError> {
        match self.stepped_up(now) {
            true => Ok(()),
            false => Err(ApiError::step_up_needed()),
        }
    }

    /// The first factor was right.
    pub(crate) fn half(mut self, now: Timestamp) -> Self {
        self.expires_at = now.plus_millis(HALF_MS);
        self
    }

    pub(crate) fn with_factor(mut self, factor: Factor) -> Self {
        self.factors.push(factor);
        self
    }

    /// The second factor was right.
    pub(crate) fn with(mut self, factor: Factor, now: Timestamp) -> Self {
        self.factors.push(factor);
        self.expires_at = self.started_at.plus_millis(LONGEST_MS);
        self.unlocked(now)
    }

    pub(crate) fn unlocked(mut self, now: Timestamp) -> Self {
        (self.last_input_at, self.locked_at) = (now, None);
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);

    fn with(factors: &[Factor]) -> Session {
        Session {
            id: SessionId(Uuid::nil()),
            user: UserId(Uuid::nil()),
            login: String::new(),
            display_name: String::new(),
            realm: Realm::Test,
            station: None,
            factors: factors.to_vec(),
            started_at: T0,
            stepped_up_at: None,
            last_input_at: T0,
            locked_at: None,
            expires_at: T0.plus_millis(LONGEST_MS),
        }
    }

    #[test]
    fn only_two_kinds_or_a_pin_are_enough() {
        use Factor::{Password, Pin, Recovery, Totp};
        for (factors, complete) in [
            (&[][..], false),
            (&[Password], false),
            (&[Password, Password], false),
            (&[Totp], false),
            (&[Totp, Recovery], false),
            (&[Password, Totp], true),
            (&[Password, Recovery], true),
            (&[Pin], true),
        ] {
            assert_eq!(with(factors).complete(), complete, "{factors:?}");
            let state = if complete { State::Open } else { State::Half };
            assert_eq!(with(factors).state(T0), Some(state));
        }
    }

    #[test]
    fn it_locks_then_ends_and_only_input_prolongs_it() {
        let mut session = with(&[Factor::Password, Factor::Totp]);
        for (later_ms, state) in [
            (0, Some(State::Open)),
            (LOCKS_MS - 1, Some(State::Open)),
            (LOCKS_MS, Some(State::Locked)),
            (IDLE_MS - 1, Some(State::Locked)),
            (IDLE_MS, None),
        ] {
            assert_eq!(session.state(T0.plus_millis(later_ms)), state, "{later_ms}");
        }
        session.last_input_at = T0.plus_millis(LONGEST_MS - 1);
        assert_eq!(session.state(T0.plus_millis(LONGEST_MS - 1)), Some(State::Open));
        assert_eq!(session.state(T0.plus_millis(LONGEST_MS)), None, "however busy");
        session.locked_at = Some(T0);
        assert_eq!(session.state(T0), Some(State::Locked));
        assert_eq!(with(&[Factor::Password]).half(T0).state(T0.plus_millis(HALF_MS)), None);
    }
}
