use warp::Filter;

use super::handlers;
use super::model::{BeginBody, FinishBody, TokenBody, Welcome};
use crate::app::App;
use crate::identity::factors::{Codes, SeedShown};
use crate::identity::visit::visit;
use crate::web::{Access, Endpoint, Route, json, mount, routes};

const SHOW: Endpoint =
    Endpoint::post("/api/welcome", Access::Open, "What a link is for").takes::<TokenBody>().answers::<Welcome>();
const BEGIN: Endpoint = Endpoint::post("/api/welcome/begin", Access::Open, "Chooses a password")
    .takes::<BeginBody>()
    .answers::<SeedShown>();
const FINISH: Endpoint = Endpoint::post("/api/welcome/finish", Access::Open, "Proves the authenticator, and signs in")
    .takes::<FinishBody>()
    .answers::<Codes>();

pub(crate) fn routes(app: &App) -> Route {
    let show = warp::path::end().and(warp::post()).and(visit(app, &SHOW)).and(json()).then(handlers::show);
    let begin = warp::path!("begin").and(warp::post()).and(visit(app, &BEGIN)).and(json()).then(handlers::begin);
    let finish = warp::path!("finish").and(warp::post()).and(visit(app, &FINISH)).and(json()).then(handlers::finish);
    mount("welcome", routes![SHOW => show, BEGIN => begin, FINISH => finish])
}
