use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01 UTC: the resolution of the database, so nothing is rounded on the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// RFC 3339 with any offset; digits beyond the microsecond are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(usual) = Self::parse_utc(text.as_bytes()) {
            return Some(usual);
        }
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Self(parsed.as_nanosecond().div_euclid(1_000).try_into().ok()?))
    }

    /// The usual text, `2026-11-23T10:00:00.25Z` with up to six digits of a second, several times faster; None says only that
    /// it is another one.
    pub(crate) fn parse_utc(text: &[u8]) -> Option<Self> {
        let (date_time, end) = text.split_at_checked(19)?;
        let number = |from: usize, to: usize| {
            date_time[from..to]
                .iter()
                .try_fold(0_i64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if marks.iter().any(|&(place, mark)| date_time[place] != mark) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let in_time = hour < 24 && minute < 60 && second < 60;
        if !in_time || year < 1970 || !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) {
            return None;
        }
        let micros = match end {
            [b'Z'] => 0,
            [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => {
                let mut micros = 0;
                for place in 0..6 {
                    let digit = digits.get(place).copied().unwrap_or(b'0');
                    micros = micros * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
                }
                micros
            }
            _ => return None,
        };
        let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds * 1_000_000 + micros))
    }

    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    pub const fn plus_millis(self, millis: i64) -> Self {
        self.plus_micros(millis.saturating_mul(1_000))
    }

    /// How long after `earlier` this is, in microseconds; negative when it is before.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.micros_since(earlier).div_euclid(1_000)
    }

    /// The start of the minute this moment lies in.
    pub const fn minute(self) -> Self {
        Self(self.0.div_euclid(60_000_000) * 60_000_000)
    }
}

const fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, in years that begin in March, so that a leap day ends one.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (month, era) = ((month + 9) % 12, year.div_euclid(400));
    let year = year.rem_euclid(400);
    let day = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 timestamp"))
    }
}

/// Where the time comes from. Handed to whoever needs it, so that a test can hold it still.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Clock {
    /// The machine's clock, never backwards: where it is set back, this one goes on at its own pace until the machine's
    /// has caught up. Receive times, silence and onset delays would otherwise stand still for as long as the step was.
    pub fn system() -> Self {
        Self::system_after(Timestamp(i64::MIN))
    }

    /// The machine's clock, and never a time that is not after `before`: where that is ahead, this one goes on from there.
    pub fn system_after(before: Timestamp) -> Self {
        let (began, lead) = (Instant::now(), AtomicI64::new(before.0.saturating_add(1)));
        let now = move || {
            // The wall first: a pause between the two must not push us ahead.
            let Timestamp(wall) = machine();
            let steady = began.elapsed().as_micros() as i64;
            let ahead = wall - steady;
            Timestamp(lead.fetch_max(ahead, Ordering::Relaxed).max(ahead) + steady)
        };
        Self { now: Arc::new(now), wall: Arc::new(machine) }
    }

    /// A clock that moves only when its hand is moved.
    pub fn settable(start: Timestamp) -> (Self, Hand) {
        let hand = Hand { micros: Arc::new(AtomicI64::new(start.0)), ahead: Arc::default() };
        let (now, wall) = (hand.clone(), hand.clone());
        let now = move || Timestamp(now.micros.load(Ordering::SeqCst));
        let wall = move || Timestamp(wall.micros.load(Ordering::SeqCst) - wall.ahead.load(Ordering::SeqCst));
        (Self { now: Arc::new(now), wall: Arc::new(wall) }, hand)
    }

    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// What the machine's clock says at this moment, back and forth as it is set: only for what somebody else's clock must
    /// agree with, as an authenticator's.
    pub fn wall(&self) -> Timestamp {
        (self.wall)()
    }
}

fn machine() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    let now = jiff::Timestamp::now();
    Timestamp(now.as_microsecond())
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Moves a settable clock.
#[derive(Clone, Debug)]
pub struct Hand {
    micros: Arc<AtomicI64>,
    /// By how much it is ahead of the wall.
    ahead: Arc<AtomicI64>,
}

impl Hand {
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.0, Ordering::SeqCst);
    }

    pub fn advance_ms(&self, millis: i64) {
        self.micros.fetch_add(millis * 1_000, Ordering::SeqCst);
    }

    /// As if the machine's clock had gone ahead and had been set right again.
    pub fn run_ahead_ms(&self, millis: i64) {
        self.ahead.fetch_add(millis * 1_000, Ordering::SeqCst);
        self.advance_ms(millis);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_jiff(text: &str) -> Option<Timestamp> {
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Timestamp(parsed.as_nanosecond().div_euclid(1_000) as i64))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_usual_text_is_read_as_the_calendar_has_it(
            year in 1960..2420_i32, month in 0..14, day in 0..33, hour in 0..25, minute in 0..62, second in 0..62,
            fraction in "(\\.[0-9]{0,8})?",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z");
            let usual = Timestamp::parse_utc(text.as_bytes());
            let whole = !fraction.is_empty() && fraction.len() < 8 || fraction.is_empty();
            if usual.is_some() {
                prop_assert_eq!(usual, by_jiff(&text));
            } else if whole && fraction != "." && year >= 1970 && second < 60 {
                prop_assert_eq!(by_jiff(&text), None);
            }
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_is_the_calendars() {
        for day in 0..400 * 366_i64 {
            let text = Timestamp(day * 86_400_000_000).to_string();
            assert_eq!(Timestamp::parse_utc(text.as_bytes()), Some(Timestamp(day * 86_400_000_000)), "{text}");
        }
    }

    #[test]
    fn a_clock_goes_on_after_what_another_has_seen() {
        let ahead = Clock::system().now().plus_millis(60_000);
        let clock = Clock::system_after(ahead);
        let (first, second) = (clock.now(), clock.now());
        assert!(ahead < first && first <= second, "{ahead} {first} {second}");
        let (before, clock) = (Clock::system().now(), Clock::system_after(Timestamp::default()));
        assert!(before <= clock.now() && clock.now() < ahead);
    }
}
