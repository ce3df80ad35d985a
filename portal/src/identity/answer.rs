use serde::Serialize;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

/// JSON, or nothing, with what it does to the browser's cookies.
pub(crate) struct Answer<T> {
    status: StatusCode,
    body: Option<T>,
    cookies: Vec<HeaderValue>,
}

impl<T> Answer<T> {
    pub(crate) fn new(body: T) -> Self {
        Self { status: StatusCode::OK, body: Some(body), cookies: Vec::new() }
    }

    pub(crate) fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::new(body) }
    }

    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, cookies: Vec::new() }
    }

    #[must_use]
    pub(crate) fn cookie(mut self, cookie: HeaderValue) -> Self {
        self.cookies.push(cookie);
        self
    }
}

impl<T: Serialize + Send> Reply for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => warp::reply::json(&body).into_response(),
            None => Response::default(),
        };
        *response.status_mut() = self.status;
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
