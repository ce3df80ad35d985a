use warp::http::uri::Authority;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use super::ApiError;

/// Scripts from ourselves only. Mantine writes style attributes, hence the one relaxation.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Refuses what another site could make a browser on this machine ask: while nobody signs in, being addressed by a
/// loopback name, from a page of our own, is what says that the caller sits here.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), ApiError> {
    let forbidden = |code, detail| Err(ApiError::Forbidden { code, detail });
    let headers = request.headers();
    let host = match (request.uri().authority(), headers.get(header::HOST)) {
        (Some(authority), _) => Some(authority.clone()),
        (None, Some(host)) => Authority::try_from(host.as_bytes()).ok(),
        (None, None) => None,
    };
    let Some(host) = host.filter(|host| matches!(host.host(), "localhost" | "127.0.0.1" | "[::1]")) else {
        return forbidden("foreign_host", "the portal answers to localhost, 127.0.0.1 and [::1] only");
    };
    for origin in headers.get_all(header::ORIGIN) {
        let ours = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        if ours != Some(host.as_str()) {
            return forbidden("foreign_origin", "the portal answers pages of its own only");
        }
    }
    Ok(())
}

pub(crate) fn harden(headers: &mut HeaderMap) {
    const ALWAYS: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    headers.extend(ALWAYS.map(|(name, value)| (Some(name), value)));
    // What an answer does not say itself is about patients and is kept nowhere.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
