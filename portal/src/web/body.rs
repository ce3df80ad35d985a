use serde::de::DeserializeOwned;
use warp::Filter;
use warp::filters::BoxedFilter;

/// Bytes of a JSON body: a form, never a document.
pub(super) const LONGEST: u64 = 16 * 1_024;

/// The body, as the last part of a route: whoever is not let in has nothing read.
pub(crate) fn json<T: DeserializeOwned + Send + 'static>() -> BoxedFilter<(T,)> {
    warp::body::content_length_limit(LONGEST).and(warp::body::json()).boxed()
}
