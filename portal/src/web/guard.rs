use std::sync::Arc;

use warp::http::uri::Authority;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

use super::ApiError;
use crate::transport::{Certificate, Hosts, Transport};

/// Scripts from ourselves only. Mantine writes style attributes, hence the one relaxation. `'self'` is the WebSocket as well:
/// wss of the same host and port (CSP 3, §6.7.2.8).
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What no page of ours asks of the browser.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
     microphone=(), midi=(), payment=(), usb=()";

/// A year. This host only: what else lies under its name is not ours to speak for.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What every request is asked before any route sees it, and what every answer is dressed with.
#[derive(Clone)]
pub(crate) struct Guard {
    /// None: any. For what needs a proof that no browser adds by itself.
    hosts: Option<Hosts>,
    /// With which pages of ours begin.
    scheme: &'static str,
    strict_transport: bool,
}

impl Guard {
    pub(crate) fn of(transport: &Transport) -> Self {
        match transport.tls() {
            None => Self::loopback(),
            Some(tls) => Self {
                hosts: Some(tls.hosts.clone()),
                scheme: "https://",
                // A browser that was told so once could not go back to the bar's "accept the risk".
                strict_transport: tls.certificate == Certificate::Configured,
            },
        }
    }

    /// In the clear, to whoever sits at this machine.
    pub(crate) fn loopback() -> Self {
        let hosts: Hosts = Arc::new(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        Self { hosts: Some(hosts), scheme: "http://", strict_transport: false }
    }

    pub(crate) fn any_host() -> Self {
        Self { hosts: None, scheme: "https://", strict_transport: false }
    }

    /// Refuses what another site could make a browser ask: being addressed by a name of ours, from a page of our own.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), ApiError> {
        let foreign_origin =
            || ApiError::Forbidden { code: "foreign_origin", detail: "the portal answers pages of its own only" };
        let headers = request.headers();
        let host = match (request.uri().authority(), headers.get(header::HOST)) {
            (Some(authority), _) => Some(authority.clone()),
            (None, Some(host)) => Authority::try_from(host.as_bytes()).ok(),
            (None, None) => None,
        };
        let Some(host) = host.filter(|host| self.is_ours(host)) else {
            let detail = "the portal does not answer to this name: `http.hosts` says to which it does";
            return Err(ApiError::Forbidden { code: "foreign_host", detail });
        };
        for origin in headers.get_all(header::ORIGIN) {
            let ours = origin.to_str().ok().and_then(|origin| origin.strip_prefix(self.scheme));
            if ours != Some(host.as_str()) {
                return Err(foreign_origin());
            }
        }
        // A browser says it even where it sends no Origin: with images, scripts and frames.
        let elsewhere = headers.get_all(SITE).iter().any(|site| site != "same-origin" && site != "none");
        if elsewhere && !is_followed_link(request) { Err(foreign_origin()) } else { Ok(()) }
    }

    fn is_ours(&self, host: &Authority) -> bool {
        // A name of somebody before an @ is no part of any Host.
        let plain = !host.as_str().contains('@');
        plain && self.hosts.as_ref().is_none_or(|hosts| hosts(&host.host().to_ascii_lowercase()))
    }

    pub(crate) fn harden(&self, headers: &mut HeaderMap) {
        const ALWAYS: [(HeaderName, HeaderValue); 7] = [
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS)),
        ];
        headers.extend(ALWAYS.map(|(name, value)| (Some(name), value)));
        if self.strict_transport {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
        }
        // What an answer does not say itself is about patients and is kept nowhere.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Somebody came here by a link on another site. No cookie of ours comes with it (SameSite=Strict).
fn is_followed_link<B>(request: &Request<B>) -> bool {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    safe && request.headers().get(MODE).is_some_and(|mode| mode == "navigate")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(guard: &Guard, method: Method, headers: &[(&str, &str)]) -> Option<&'static str> {
        let mut request = Request::builder().method(method).uri("/api/session");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match guard.check(&request.body(()).unwrap()) {
            Ok(()) => None,
            Err(ApiError::Forbidden { code, .. }) => Some(code),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn only_names_of_ours_and_pages_of_ours_get_an_answer() {
        let guard =
            Guard { hosts: Some(Arc::new(|host| host == "vigil.example")), scheme: "https://", strict_transport: true };
        let ours = ("host", "vigil.example:8443");
        for (headers, expected) in [
            (vec![ours], None),
            (vec![("host", "VIGIL.example:8443")], None),
            (vec![ours, ("origin", "https://vigil.example:8443")], None),
            (vec![ours, ("sec-fetch-site", "same-origin")], None),
            (vec![ours, ("sec-fetch-site", "none")], None),
            (vec![], Some("foreign_host")),
            (vec![("host", "vigil.example.evil.example")], Some("foreign_host")),
            (vec![("host", "me@vigil.example")], Some("foreign_host")),
            (vec![("host", "localhost:8443")], Some("foreign_host")),
            (vec![ours, ("origin", "http://vigil.example:8443")], Some("foreign_origin")),
            (vec![ours, ("origin", "https://vigil.example")], Some("foreign_origin")),
            (vec![ours, ("origin", "null")], Some("foreign_origin")),
            (
                vec![ours, ("origin", "https://vigil.example:8443"), ("origin", "https://evil.example")],
                Some("foreign_origin"),
            ),
            (vec![ours, ("sec-fetch-site", "cross-site")], Some("foreign_origin")),
            (vec![ours, ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "websocket")], Some("foreign_origin")),
        ] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                assert_eq!(code(&guard, method.clone(), &headers), expected, "{method} {headers:?}");
            }
        }
        let link = [ours, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(code(&guard, Method::GET, &link), None, "a link in a mail");
        assert_eq!(code(&guard, Method::POST, &link), Some("foreign_origin"), "a form of another site");
    }
}
