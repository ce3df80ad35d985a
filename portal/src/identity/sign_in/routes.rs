use warp::Filter;

use super::handlers;
use super::model::{CodeBody, PinSignInBody, SessionView, SignInBody, UnlockBody};
use crate::app::App;
use crate::identity::visit::visit;
use crate::web::{Access, Endpoint, Route, json, mount, routes};

// Open: a session that is half or locked is for these alone, and each looks at it itself.
const SHOW: Endpoint = Endpoint::get("/api/session", Access::Open, "Who is signed in here").answers::<SessionView>();
const PASSWORD: Endpoint =
    Endpoint::post("/api/session", Access::Open, "The first factor").takes::<SignInBody>().answers::<SessionView>();
const SIGN_OUT: Endpoint = Endpoint::delete("/api/session", Access::Open, "Signs out").no_content();
const FACTOR: Endpoint = Endpoint::post("/api/session/factor", Access::Open, "The second factor")
    .takes::<CodeBody>()
    .answers::<SessionView>();
const PIN: Endpoint = Endpoint::post("/api/session/pin", Access::Open, "Signs in again at a station")
    .takes::<PinSignInBody>()
    .answers::<SessionView>();
const LOCK: Endpoint = Endpoint::post("/api/session/lock", Access::Open, "Locks").answers::<SessionView>();
const UNLOCK: Endpoint =
    Endpoint::post("/api/session/unlock", Access::Open, "Unlocks").takes::<UnlockBody>().answers::<SessionView>();
const STEP_UP: Endpoint = Endpoint::post("/api/session/step-up", Access::Open, "Proves it again for something grave")
    .takes::<CodeBody>()
    .answers::<SessionView>();
const INPUT: Endpoint =
    Endpoint::post("/api/session/input", Access::Open, "A person did something").answers::<SessionView>();

pub(crate) fn routes(app: &App) -> Route {
    let end = || warp::path::end();
    let show = end().and(warp::get()).and(visit(app, &SHOW)).then(handlers::show);
    let password = end().and(warp::post()).and(visit(app, &PASSWORD)).and(json()).then(handlers::password);
    let sign_out = end().and(warp::delete()).and(visit(app, &SIGN_OUT)).then(handlers::sign_out);
    let factor = warp::path!("factor").and(warp::post()).and(visit(app, &FACTOR)).and(json()).then(handlers::factor);
    let pin = warp::path!("pin").and(warp::post()).and(visit(app, &PIN)).and(json()).then(handlers::pin);
    let lock = warp::path!("lock").and(warp::post()).and(visit(app, &LOCK)).then(handlers::lock);
    let unlock = warp::path!("unlock").and(warp::post()).and(visit(app, &UNLOCK)).and(json()).then(handlers::unlock);
    let step_up = warp::path!("step-up").and(warp::post()).and(visit(app, &STEP_UP)).and(json());
    let step_up = step_up.then(handlers::step_up);
    let input = warp::path!("input").and(warp::post()).and(visit(app, &INPUT)).then(handlers::input);
    mount(
        "session",
        routes![
            SHOW => show,
            PASSWORD => password,
            SIGN_OUT => sign_out,
            FACTOR => factor,
            PIN => pin,
            LOCK => lock,
            UNLOCK => unlock,
            STEP_UP => step_up,
            INPUT => input,
        ],
    )
}
