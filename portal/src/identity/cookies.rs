//! The three cookies: who is signed in, which screen this is, and that somebody has signed in in this browser.

use warp::http::{HeaderMap, HeaderValue, header};

use super::secret::{Digest, digest_of_token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jar {
    Session,
    Station,
    Place,
}

/// How cookies are named and dressed here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    /// `__Host-` demands Secure, which plain HTTP on loopback has not in every browser.
    secure: bool,
}

impl Cookies {
    pub(crate) const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn name(self, jar: Jar) -> &'static str {
        match (self.secure, jar) {
            (true, Jar::Session) => "__Host-vigil",
            (true, Jar::Station) => "__Host-vigil-station",
            (true, Jar::Place) => "__Host-vigil-place",
            (false, Jar::Session) => "vigil",
            (false, Jar::Station) => "vigil-station",
            (false, Jar::Place) => "vigil-place",
        }
    }

    /// The digest of the token in it. None where there are two: one of them was planted, and nobody can tell which.
    pub(crate) fn read(self, headers: &HeaderMap, jar: Jar) -> Option<Digest> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name(jar)).map(|(_, value)| value);
        let value = values.next()?;
        if values.next().is_some() { None } else { digest_of_token(value) }
    }

    /// Lasts `days`, else until the browser is closed.
    pub(crate) fn give(self, jar: Jar, token: &str, days: Option<u32>) -> HeaderValue {
        let age = days.map(|days| format!("; Max-Age={}", u64::from(days) * 86_400)).unwrap_or_default();
        self.header(jar, token, &age)
    }

    pub(crate) fn take(self, jar: Jar) -> HeaderValue {
        self.header(jar, "", "; Max-Age=0")
    }

    fn header(self, jar: Jar, value: &str, age: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name(jar));
        let mut header = HeaderValue::try_from(text).expect("letters, digits and punctuation");
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::{digest_of, token};
    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_and_for_no_script() {
        let text = |header: HeaderValue| header.to_str().unwrap().to_owned();
        let (plain, secure) = (Cookies::new(false), Cookies::new(true));
        assert_eq!(
            text(secure.give(Jar::Session, "t", None)),
            "__Host-vigil=t; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            text(secure.give(Jar::Station, "t", Some(90))),
            "__Host-vigil-station=t; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=7776000"
        );
        assert_eq!(text(plain.take(Jar::Session)), "vigil=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    }

    #[test]
    fn what_was_planted_beside_ours_is_not_taken_for_it() {
        let (token, cookies, mut headers) = (token(), Cookies::new(true), HeaderMap::new());
        let mut add = |text: String| headers.append(header::COOKIE, HeaderValue::try_from(text).unwrap());
        add(format!("a=b; __Host-vigil={}", *token));
        add(format!("vigil={}; __Host-vigil-place=short", "0".repeat(64)));
        assert_eq!(cookies.read(&headers, Jar::Session), Some(digest_of(&token)));
        assert_eq!((cookies.read(&headers, Jar::Place), cookies.read(&headers, Jar::Station)), (None, None));
        headers.append(header::COOKIE, HeaderValue::try_from(format!("__Host-vigil={}", "0".repeat(64))).unwrap());
        assert_eq!(cookies.read(&headers, Jar::Session), None);
    }
}
