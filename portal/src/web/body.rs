use std::sync::Arc;

use aws_lc_rs::digest;
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::filters::BoxedFilter;
use warp::{Filter, reject};

use super::{ApiError, Refused};

/// Bytes of a JSON body: a form, never a document.
pub(super) const LONGEST: u64 = 16 * 1_024;

/// The body, as the last part of a route: whoever is not let in has nothing read.
pub(crate) fn json<T: DeserializeOwned + Send + 'static>() -> BoxedFilter<(T,)> {
    warp::body::content_length_limit(LONGEST).and(warp::body::json()).boxed()
}

/// What is asked for, and a digest that tells whether it is asked for again.
pub(crate) struct Asked<T> {
    pub(crate) body: T,
    pub(crate) digest: [u8; 32],
}

/// The body of what is done once: white space and the order of its fields make it no other.
pub(crate) fn asked<T: DeserializeOwned + Send + 'static>() -> BoxedFilter<(Asked<T>,)> {
    let read = |value: Value| async move {
        let text = value.to_string();
        let digest =
            digest::digest(&digest::SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes");
        match serde_json::from_value(value) {
            Ok(body) => Ok(Asked { body, digest }),
            Err(error) => {
                let error = ApiError::bad_request("invalid_body", error.to_string());
                Err(reject::custom(Refused(Arc::new(error))))
            }
        }
    };
    warp::body::content_length_limit(LONGEST).and(warp::body::json()).and_then(read).boxed()
}
