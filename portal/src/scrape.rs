//! What this process counts, for Prometheus: on an address of its own, where nobody signs in.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::http::{HeaderMap, HeaderValue, header};
use warp::reply::{Reply, Response, with_header};

use crate::run::{Error, beyond_loopback};
use crate::web::{ApiError, Door, Guard, Route, mount, pick, respond, serve};

/// Connections at once: a few monitors, and whoever looks by hand. More wait in the kernel's backlog.
pub const MAX_SCRAPERS: usize = 16;

/// How long an answer under way may take when it is time to stop.
const DRAIN: Duration = Duration::from_millis(250);

/// Renders the metrics of this process in the text format of Prometheus.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// What lets in a monitor that is not on this machine.
#[derive(Clone)]
pub struct BearerToken(Digest);

impl BearerToken {
    pub fn new(text: &str) -> Self {
        Self(digest(&SHA256, text.as_bytes()))
    }

    /// In the same time whatever is wrong with it.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let given = digest(&SHA256, given.unwrap_or_default());
        verify_slices_are_equal(given.as_ref(), self.0.as_ref()).is_ok()
    }
}

/// Who may read the page, and how.
#[derive(Clone)]
pub struct Scrape {
    pub render: Render,
    /// Without one, only a loopback address is served.
    pub token: Option<BearerToken>,
    /// Beyond this machine a token is not sent in the clear.
    pub tls: Option<TlsAcceptor>,
}

/// Serves `/metrics` until `stop`.
pub async fn serve_metrics(listener: TcpListener, scrape: Scrape, stop: CancellationToken) -> Result<(), Error> {
    let Scrape { render, token, tls } = scrape;
    let beyond = beyond_loopback(&listener)?;
    if let (Some(address), true) = (beyond, token.is_none() || tls.is_none()) {
        return Err(Error::NotLoopback(address));
    }
    // On loopback a page of another site must not read it; elsewhere its token is what no such page has.
    let guard = if beyond.is_none() { Guard::loopback() } else { Guard::any_host() };
    let door = Door { guard, tls, connections: MAX_SCRAPERS, of_one_address: MAX_SCRAPERS };
    serve(&listener, page(render, token), &door, &stop, DRAIN).await;
    Ok(())
}

fn page(render: Render, token: Option<BearerToken>) -> Route {
    let page = warp::path::end().and(warp::get()).and(warp::header::headers_cloned());
    let page = page.map(move |headers: HeaderMap| match &token {
        Some(token) if !token.is_in(&headers) => refused(),
        _ => with_header(render(), header::CONTENT_TYPE, "text/plain; version=0.0.4").into_response(),
    });
    pick([mount("metrics", [Route::unlisted(page.boxed())])])
}

fn refused() -> Response {
    let detail = "give the bearer token of `metrics.token_file`";
    let mut response = ApiError::Unproven { code: "wrong_token", detail }.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// In place of the page on the portal's address, where whoever reached a screen would reach it.
pub(crate) fn elsewhere() -> Route {
    let detail = "metrics are served on an address of their own";
    let nothing = warp::any().map(move || respond(Err::<String, _>(ApiError::NotFound { code: "not_found", detail })));
    mount("metrics", [Route::unlisted(nothing.boxed())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_lets_in() {
        let token = BearerToken::new("0123456789abcdef0123456789abcdef");
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
        assert!(token.is_in(&with("Bearer 0123456789abcdef0123456789abcdef")));
        for value in ["", "Bearer", "Bearer ", "Bearer 0123456789abcdef", "0123456789abcdef0123456789abcdef"] {
            assert!(!token.is_in(&with(value)), "{value}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(!token.is_in(&with("Basic 0123456789abcdef0123456789abcdef")));
    }
}
