use std::sync::Arc;

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use crate::audit::Unrecorded;

/// RFC 9457. `code` is stable; `title` and `detail` are for people.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    pub code: &'static str,
    pub detail: String,
}

/// What went wrong, in the caller's terms.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{detail}")]
    BadRequest { code: &'static str, detail: String },
    #[error("nobody is signed in here, or no longer")]
    NotSignedIn,
    /// What was given proves nothing.
    #[error("{detail}")]
    Unproven { code: &'static str, detail: &'static str },
    #[error("too many wrong ones: wait {seconds} s")]
    Throttled { seconds: i64 },
    #[error("{detail}")]
    Conflict { code: &'static str, detail: &'static str },
    /// Somebody else was faster (RFC 9110 §13.1.1).
    #[error("it is not what it was when you looked: look again")]
    Changed,
    #[error("this Idempotency-Key stands for another request")]
    KeyReused,
    #[error("the body has more than {} bytes", super::body::LONGEST)]
    TooLong,
    #[error("the body did not come within {} s", super::patience::BODY_PATIENCE.as_secs())]
    TooSlow,
    #[error("{detail}")]
    Forbidden { code: &'static str, detail: &'static str },
    #[error("{detail}")]
    NotFound { code: &'static str, detail: &'static str },
    #[error("the path knows other methods")]
    MethodNotAllowed,
    #[error("{detail}")]
    Unavailable { code: &'static str, detail: String },
    #[error("read from the database")]
    Database(#[from] store::Error),
    #[error("it cannot be written down who sees this, so it is not shown")]
    Unrecorded(#[from] Unrecorded),
    #[error("keys are away")]
    Keys(#[from] keys::Error),
}

/// A problem that a filter found before any handler was called.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Arc<ApiError>);

impl warp::reject::Reject for Refused {}

impl ApiError {
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::BadRequest { code, detail: detail.into() }
    }

    pub(crate) fn not_signed_in() -> Self {
        Self::NotSignedIn
    }

    /// The same whether the name or the password is wrong.
    pub(crate) fn wrong_credentials() -> Self {
        Self::Unproven { code: "wrong_credentials", detail: "the user name or the password is wrong" }
    }

    pub(crate) fn wrong_code() -> Self {
        Self::Unproven { code: "wrong_code", detail: "the code is wrong, or was used before" }
    }

    pub(crate) fn wrong_pin() -> Self {
        Self::Unproven { code: "wrong_pin", detail: "the PIN is wrong, or does not hold here: give two factors" }
    }

    pub(crate) fn missing_permission() -> Self {
        Self::Forbidden { code: "missing_permission", detail: "none of your roles allows this" }
    }

    pub(crate) fn step_up_needed() -> Self {
        Self::Forbidden { code: "step_up_needed", detail: "give a code of your authenticator first" }
    }

    pub(crate) fn no_relation() -> Self {
        Self::Forbidden { code: "no_relation", detail: "you have nothing to do with whom this is about" }
    }

    /// Says that somebody may not, and not that something is wrong.
    pub(crate) fn refuses(&self) -> bool {
        matches!(self, Self::NotSignedIn | Self::Forbidden { .. })
    }

    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest { code, .. } => (StatusCode::BAD_REQUEST, code),
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, "not_signed_in"),
            Self::Unproven { code, .. } => (StatusCode::UNAUTHORIZED, code),
            Self::Throttled { .. } => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code),
            Self::Changed => (StatusCode::PRECONDITION_FAILED, "changed_meanwhile"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            Self::Forbidden { code, .. } => (StatusCode::FORBIDDEN, code),
            Self::NotFound { code, .. } => (StatusCode::NOT_FOUND, code),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unavailable { code, .. } => (StatusCode::SERVICE_UNAVAILABLE, code),
            Self::Database(_) => (StatusCode::SERVICE_UNAVAILABLE, "database_away"),
            Self::Unrecorded(_) => (StatusCode::SERVICE_UNAVAILABLE, "audit_away"),
            Self::Keys(_) => (StatusCode::SERVICE_UNAVAILABLE, "keys_away"),
        }
    }

    pub(crate) fn response(&self) -> Response {
        let (status, code) = self.parts();
        if let Self::Database(error) = self {
            tracing::warn!(error = error as &dyn std::error::Error, "a request found the database away");
        }
        if let Self::Keys(error) = self {
            tracing::warn!(error = error as &dyn std::error::Error, "a request found no key");
        }
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: self.to_string(),
        };
        let mut response = warp::reply::json(&problem).into_response();
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::Throttled { seconds } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        response
    }
}

impl Reply for ApiError {
    fn into_response(self) -> Response {
        self.response()
    }
}
