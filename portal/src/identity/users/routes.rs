use vitals::UserId;
use warp::Filter;

use super::handlers;
use super::model::{Invited, NewUser, PageQuery, User, UserList};
use crate::app::App;
use crate::caller::once;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, asked, mount, routes};

const MANAGE: Access = Access::Needs(Permission::ManageUsers);

const LIST: Endpoint =
    Endpoint::get("/api/users", MANAGE, "Who may sign in").query::<PageQuery>().answers::<UserList>();
const INVITE: Endpoint = Endpoint::post("/api/users", MANAGE, "Invites somebody")
    .takes::<NewUser>()
    .answers::<Invited>()
    .created()
    .once()
    .grave();
const DISABLE: Endpoint = Endpoint::post("/api/users/{id}/disable", MANAGE, "Ends somebody's access at once")
    .answers::<User>()
    .of_version()
    .grave();

pub(crate) fn routes(app: &App) -> Route {
    let with = |endpoint| app.filter().and(app.caller(endpoint));
    let list = warp::path::end().and(warp::get()).and(warp::query()).and(with(&LIST)).then(handlers::list);
    let invite = warp::path::end().and(warp::post()).and(with(&INVITE)).and(asked()).then(once(handlers::invite));
    let disable = warp::path!(UserId / "disable").and(warp::post()).and(with(&DISABLE)).then(handlers::disable);
    mount("users", routes![LIST => list, INVITE => invite, DISABLE => disable])
}
