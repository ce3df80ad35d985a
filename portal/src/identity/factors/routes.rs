use warp::Filter;

use super::handlers;
use super::model::{Codes, NewPassword, NewPin, SeedShown};
use crate::app::App;
use crate::identity::sign_in::{CodeBody, SessionView};
use crate::identity::visit::visit;
use crate::web::{Access, Endpoint, Route, json, mount, routes};

const PASSWORD: Endpoint = Endpoint::put("/api/me/password", Access::SignedIn, "Another password")
    .takes::<NewPassword>()
    .answers::<SessionView>();
const NEW_TOTP: Endpoint =
    Endpoint::post("/api/me/totp", Access::SignedIn, "Another authenticator").answers::<SeedShown>();
const CONFIRM_TOTP: Endpoint = Endpoint::put("/api/me/totp", Access::SignedIn, "Confirms the other authenticator")
    .takes::<CodeBody>()
    .answers::<SessionView>();
const RECOVERY: Endpoint =
    Endpoint::post("/api/me/recovery-codes", Access::SignedIn, "Other recovery codes").answers::<Codes>();
const PIN: Endpoint = Endpoint::put("/api/me/pin", Access::SignedIn, "Another PIN").takes::<NewPin>().no_content();

pub(crate) fn routes(app: &App) -> Route {
    let password = warp::path!("password").and(warp::put()).and(visit(app, &PASSWORD)).and(json());
    let password = password.then(handlers::password);
    let new_totp = warp::path!("totp").and(warp::post()).and(visit(app, &NEW_TOTP)).then(handlers::new_totp);
    let confirm = warp::path!("totp").and(warp::put()).and(visit(app, &CONFIRM_TOTP)).and(json());
    let confirm = confirm.then(handlers::confirm_totp);
    let recovery = warp::path!("recovery-codes").and(warp::post()).and(visit(app, &RECOVERY));
    let recovery = recovery.then(handlers::recovery_codes);
    let pin = warp::path!("pin").and(warp::put()).and(visit(app, &PIN)).and(json()).then(handlers::pin);
    mount(
        "me",
        routes![
            PASSWORD => password,
            NEW_TOTP => new_totp,
            CONFIRM_TOTP => confirm,
            RECOVERY => recovery,
            PIN => pin,
        ],
    )
}
