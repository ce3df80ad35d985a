use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use vitals::CorrelationId;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::{Caller, Identity, Proof, Request, Who};
use crate::app::App;
use crate::audit::{Category, Entity, EntityKind, Event, Outcome, Purpose};
use crate::identity::{self, Jar};
use crate::web::{Access, ApiError, Endpoint, IfMatch, Refused};

/// Where a connection comes from. Put beside each request by `web/serve.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Who made a request, once that is known. Put beside each by `web/serve.rs`, which lets no answer out unexplained.
#[derive(Clone, Default)]
pub(crate) struct Asker(Arc<OnceLock<Caller>>);

impl Asker {
    pub(crate) async fn explained(&self, answer: Response) -> Response {
        match self.0.get() {
            Some(caller) => caller.explained(answer).await,
            None => answer,
        }
    }
}

impl App {
    /// Lets in whom `endpoint` lets in, as the last part of its route: a path that is not served asks no session.
    pub(crate) fn caller(&self, endpoint: &'static Endpoint) -> BoxedFilter<(Caller,)> {
        let app = self.clone();
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let parts = warp::path::full().and(query).and(warp::header::headers_cloned());
        parts
            .and(warp::ext::optional())
            .and(warp::ext::optional())
            .and_then(
                move |path: FullPath, query: String, headers: HeaderMap, peer: Option<Peer>, asker: Option<Asker>| {
                    let app = app.clone();
                    let request = Request {
                        endpoint: Some(endpoint),
                        target: format!("{}?{query}", path.as_str()).into(),
                        address: peer.map(|Peer(address)| address.ip()),
                        correlation: CorrelationId::new(app.desk.now()),
                        proof: proof(&app, &headers),
                        if_match: IfMatch::read(&headers),
                        key: headers.get("idempotency-key").cloned(),
                        claim: None,
                        trace: Arc::default(),
                    };
                    async move {
                        let caller = admit(&app, endpoint, &headers, request).await.map_err(reject)?;
                        if let Some(Asker(asker)) = asker {
                            // A second route that lets the same request in would be of the same caller.
                            drop(asker.set(caller.clone()));
                        }
                        Ok::<_, Rejection>(caller)
                    }
                },
            )
            .boxed()
    }
}

fn reject(error: ApiError) -> Rejection {
    warp::reject::custom(Refused(Arc::new(error)))
}

async fn admit(
    app: &App,
    endpoint: &'static Endpoint,
    headers: &HeaderMap,
    request: Request,
) -> Result<Caller, ApiError> {
    let identity = match identity::authenticate(app, headers, &request).await {
        Ok(identity) => identity,
        Err(ApiError::Database(error)) if endpoint.without_database && error.away() => {
            app.seats.who(&request.proof, app.desk.now()).ok_or(error)?
        }
        Err(error) => {
            return refuse(&Caller::new(Identity::nobody(), request, &app.desk), endpoint, error).await;
        }
    };
    let caller = Caller::new(identity, request, &app.desk);
    let refused = match endpoint.access {
        Access::Open => None,
        Access::SignedIn | Access::Needs(_) if caller.who() == Who::Nobody => Some(ApiError::not_signed_in()),
        Access::SignedIn if caller.user().is_some() => None,
        Access::SignedIn => Some(ApiError::not_signed_in()),
        Access::Needs(permission) => caller.require(permission).err(),
    };
    let unproven = endpoint.grave && !caller.identity().stepped_up;
    let refused = refused.or_else(|| unproven.then(ApiError::step_up_needed));
    match refused {
        None => Ok(caller),
        Some(error) => refuse(&caller, endpoint, error).await,
    }
}

fn proof(app: &App, headers: &HeaderMap) -> Proof {
    let read = |jar| app.gate.cookies.read(headers, jar);
    Proof { session: read(Jar::Session), station: read(Jar::Station) }
}

/// Says no, once it is written down that somebody asked.
async fn refuse(caller: &Caller, endpoint: &Endpoint, error: ApiError) -> Result<Caller, ApiError> {
    if error.refuses() {
        let event = Event::new(Category::Rights, endpoint.method.action(), Entity::all(EntityKind::Endpoint))
            .outcome(Outcome::Refused);
        caller.record(Purpose::Operations, event).await?;
    }
    Err(error)
}
