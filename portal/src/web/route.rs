use std::convert::Infallible;

use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::ApiError;
use super::refuse::refuse;

/// One endpoint. Boxed, so that the hundredth costs the compiler what the first did.
pub(crate) type Route = BoxedFilter<(Response,)>;

macro_rules! routes {
    ($($endpoint:expr),+ $(,)?) => { [$(warp::Filter::boxed(warp::Filter::map($endpoint, $crate::web::respond))),+] };
}
pub(crate) use routes;

/// Serves `routes` under `/prefix`. Once the prefix matches, this mount answers, whatever the outcome: a refusal never
/// leaks into the next slice.
pub(crate) fn mount<const N: usize>(prefix: &'static str, routes: [Route; N]) -> Route {
    warp::path(prefix).and(pick(routes)).boxed()
}

/// The first route that takes the request, or the problem why none does.
pub(crate) fn pick<const N: usize>(routes: [Route; N]) -> Route {
    let any = routes
        .into_iter()
        .reduce(|left, right| left.or(right).unify().boxed())
        .expect("a mount has at least one route");
    any.recover(|rejection| async move { Ok::<_, Infallible>(refuse(&rejection)) }).unify().boxed()
}

pub(crate) fn respond<R: Reply>(outcome: Result<R, ApiError>) -> Response {
    match outcome {
        Ok(reply) => reply.into_response(),
        Err(error) => error.into_response(),
    }
}

pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize + Send> Reply for Json<T> {
    fn into_response(self) -> Response {
        warp::reply::json(&self.0).into_response()
    }
}
