use std::convert::Infallible;

use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::refuse::refuse;
use super::{ApiError, Endpoint};

/// What is served, and the endpoints that say so: nothing of ours is served that they do not name.
pub(crate) struct Route {
    endpoints: Vec<&'static Endpoint>,
    /// Boxed, so that the hundredth costs the compiler what the first did.
    filter: BoxedFilter<(Response,)>,
}

/// `ENDPOINT => filter`, each filter ending in what a handler gives.
macro_rules! routes {
    ($($endpoint:expr => $filter:expr),+ $(,)?) => {
        [$($crate::web::Route::of(&$endpoint, warp::Filter::boxed(warp::Filter::map($filter, $crate::web::respond)))),+]
    };
}
pub(crate) use routes;

impl Route {
    pub(crate) fn of(endpoint: &'static Endpoint, filter: BoxedFilter<(Response,)>) -> Self {
        Self { endpoints: vec![endpoint], filter }
    }

    /// For what is no endpoint: the files of the UI, and a standby's one sentence.
    pub(crate) fn unlisted(filter: BoxedFilter<(Response,)>) -> Self {
        Self { endpoints: Vec::new(), filter }
    }

    pub(crate) fn endpoints(&self) -> &[&'static Endpoint] {
        &self.endpoints
    }

    pub(crate) fn into_filter(self) -> BoxedFilter<(Response,)> {
        self.filter
    }
}

/// Serves `routes` under `/prefix`. Once the prefix matches, this mount answers, whatever the outcome: a refusal never
/// leaks into the next slice.
pub(crate) fn mount(prefix: &'static str, routes: impl IntoIterator<Item = Route>) -> Route {
    let Route { endpoints, filter } = pick(routes);
    Route { endpoints, filter: warp::path(prefix).and(filter).boxed() }
}

/// The first route that takes the request, or the problem why none does.
pub(crate) fn pick(routes: impl IntoIterator<Item = Route>) -> Route {
    let either = |left: Route, right: Route| Route {
        endpoints: [left.endpoints, right.endpoints].concat(),
        filter: left.filter.or(right.filter).unify().boxed(),
    };
    let Route { endpoints, filter } = routes.into_iter().reduce(either).expect("a mount has at least one route");
    let answered = filter.recover(|rejection| async move { Ok::<_, Infallible>(refuse(&rejection)) }).unify();
    Route { endpoints, filter: answered.boxed() }
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
