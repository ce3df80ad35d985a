//! Codes that change every 30 s (RFC 6238: SHA-1, six digits), each good once.

use totp_rs::{Builder, Secret, Totp};
use vitals::Timestamp;
use zeroize::Zeroizing;

use super::secret::bytes;

/// Bytes of a seed, as RFC 4226 recommends.
const LENGTH: usize = 20;

/// What an authenticator and we know. Stored sealed.
pub(crate) struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    pub(crate) fn draw() -> Self {
        Self(Zeroizing::new(bytes::<LENGTH>().to_vec()))
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person types it.
    pub(crate) fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.totp().secret().to_base32())
    }

    /// As an authenticator scans it. A login holds nothing else that needs an escape.
    pub(crate) fn uri(&self, login: &str) -> Zeroizing<String> {
        let login = login.replace('+', "%2B").replace('@', "%40");
        Zeroizing::new(format!("otpauth://totp/Vigil:{login}?secret={}&issuer=Vigil", *self.base32()))
    }

    pub(crate) fn code(&self, at: Timestamp) -> String {
        self.totp().generate(seconds(at)).to_string()
    }

    /// The step of a code that is good now: of this 30 s or a neighbour's, and after `last`, the step of the last code taken.
    pub(crate) fn step(&self, code: &str, now: Timestamp, last: Option<i64>) -> Option<i64> {
        let step = self.totp().check(code, seconds(now)).and_then(|step| i64::try_from(step).ok())?;
        last.is_none_or(|last| last < step).then_some(step)
    }

    fn totp(&self) -> Totp {
        Builder::new().with_secret(Secret::from(self.0.to_vec())).build_noncompliant()
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.millis() / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_millis(59_000);

    fn of_the_rfc() -> Seed {
        Seed::from_bytes(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Appendix B, the last six of its eight digits.
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(of_the_rfc().code(Timestamp::from_millis(second * 1_000)), code);
        }
        assert_eq!(*of_the_rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_is_good_once_and_for_a_minute_and_a_half() {
        let (seed, code) = (of_the_rfc(), of_the_rfc().code(T0));
        assert_eq!(seed.step(&code, T0, None), Some(1));
        assert_eq!(seed.step(&code, T0, Some(0)), Some(1));
        assert_eq!(seed.step(&code, T0, Some(1)), None);
        for (later_ms, good) in [(30_999, true), (31_000, false), (-30_000, true), (-59_000, true)] {
            assert_eq!(seed.step(&code, T0.plus_millis(later_ms), None).is_some(), good, "{later_ms}");
        }
        for code in ["", "28708", "2870820", "28708a", "٢٨٧٠٨٢"] {
            assert_eq!(seed.step(code, T0, None), None, "{code}");
        }
    }
}
