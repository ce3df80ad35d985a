use warp::Rejection;
use warp::reject;
use warp::reply::{Reply, Response};

use super::{ApiError, Refused};

/// The problem behind a rejection of warp's.
pub(crate) fn refuse(rejection: &Rejection) -> Response {
    if let Some(Refused(error)) = rejection.find() {
        return error.response();
    }
    let error = if let Some(error) = rejection.find::<reject::InvalidQuery>() {
        let detail = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        ApiError::bad_request("invalid_query", detail)
    } else if let Some(error) = rejection.find::<warp::filters::body::BodyDeserializeError>() {
        let detail = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        ApiError::bad_request("invalid_body", detail)
    } else if rejection.find::<reject::UnsupportedMediaType>().is_some() {
        ApiError::bad_request("invalid_body", "the body must be application/json")
    } else if rejection.find::<reject::LengthRequired>().is_some() {
        ApiError::bad_request("invalid_body", "the request must say how long its body is")
    } else if rejection.find::<reject::PayloadTooLarge>().is_some() {
        ApiError::TooLong
    } else if rejection.find::<reject::MethodNotAllowed>().is_some() {
        ApiError::MethodNotAllowed
    } else if rejection.find::<reject::MissingHeader>().is_some() || rejection.find::<reject::InvalidHeader>().is_some()
    {
        ApiError::bad_request("websocket_expected", "this path answers a WebSocket handshake only")
    } else {
        ApiError::NotFound { code: "not_found", detail: "nothing is served here" }
    };
    error.into_response()
}
