use serde::Serialize;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use crate::caller::Kept;
use crate::web::etag;

/// JSON, or nothing, with what it does to the browser's cookies.
pub(crate) struct Answer<T> {
    status: StatusCode,
    body: Option<T>,
    cookies: Vec<HeaderValue>,
    version: Option<i32>,
}

impl<T> Answer<T> {
    pub(crate) fn new(body: T) -> Self {
        Self { status: StatusCode::OK, body: Some(body), cookies: Vec::new(), version: None }
    }

    pub(crate) fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::new(body) }
    }

    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, cookies: Vec::new(), version: None }
    }

    /// Of what it tells of.
    #[must_use]
    pub(crate) fn version(self, version: i32) -> Self {
        Self { version: Some(version), ..self }
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
        if let Some(version) = self.version {
            response.headers_mut().insert(header::ETAG, etag(version));
        }
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// For what gives no cookies: they would be somebody else's by the second time.
impl<T: Serialize> From<Answer<T>> for Kept {
    fn from(answer: Answer<T>) -> Self {
        debug_assert!(answer.cookies.is_empty(), "cookies are given once");
        let body = serde_json::to_string(&answer.body).expect("an answer is plain data");
        Self { status: answer.status.as_u16(), version: answer.version, body }
    }
}
