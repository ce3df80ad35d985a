//! Reads of one patient without audit, row-level security and decryption: what `bench portal` measures them against.
//!
//! Signing in, permissions, statements, answers and the way through warp are those of the portal itself. What differs: no
//! transaction and nobody's context in it, a role that policies do not bind, frames from their table and minutes by the function that
//! reads them without asking anybody (`minutes_within`), no question on whom a device was, no event, and nothing opened. The
//! program `vigil` never calls it.

use std::sync::Arc;

use keys::Zeroizing;
use store::{Pool, series};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vitals::PatientId;
use warp::Filter;

use crate::app::{App, Deps};
use crate::audit::Audit;
use crate::caller::Caller;
use crate::config::Config;
use crate::patients::{self, Patient};
use crate::run::{Error, door};
use crate::trends::{self, Vitals, VitalsQuery};
use crate::web::{ApiError, Json, mount, routes, serve};

/// What sealing adds before and after what is sealed (decision 0015): bytes of this length stand for it here, so that
/// the rows of both sides are as long.
pub const AROUND: (usize, usize) = (17, 16);

const UNKNOWN: ApiError = ApiError::NotFound { code: "not_found", detail: "nothing has this id" };

/// What reads frames has connections of its own: its statement reads a hypertable itself, and so keeps no plan (decision
/// 0011). A read of either kind waits for a turn, as all of the portal's wait for one of its connections.
#[derive(Clone)]
pub struct Frames {
    pub pool: Pool,
    pub turns: Arc<Semaphore>,
}

/// Serves `/api/patients/{id}` and `/api/vitals` until `stop`, over `deps.pool` as a role that sees everything.
pub async fn run(deps: Deps, frames: Frames, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
    let door = door(&listener, &deps.transport)?;
    let audit = Audit::of_a_command(deps.audit_pool.clone(), deps.clock.clone(), deps.keyring.clone());
    let app = App::new(deps, audit, &Config::default(), stop.clone());
    let patient = warp::path!("patients" / PatientId).and(warp::get()).and(app.filter());
    let turns = frames.turns.clone();
    let patient = patient.and(app.caller(&patients::SHOW));
    let patient = patient.then(move |patient, app, caller| patient_of(patient, app, caller, turns.clone()));
    let vitals = warp::path!("vitals").and(warp::get()).and(warp::query()).and(app.filter());
    let vitals = vitals.and(app.caller(&trends::SHOW));
    let vitals = vitals.then(move |query, app, caller| vitals_of(query, app, caller, frames.clone()));
    let routes = mount("api", routes![patients::SHOW => patient, trends::SHOW => vitals]);
    serve(&listener, routes, &door, &stop, std::time::Duration::ZERO).await;
    Ok(())
}

async fn patient_of(patient: PatientId, app: App, _: Caller, turns: Arc<Semaphore>) -> Result<Json<Patient>, ApiError> {
    let turn = turns.acquire().await;
    let db = app.desk.identity_pool().get().await?;
    let stored = patients::banner(&db, patient, app.clock.now()).await?.ok_or(UNKNOWN)?;
    drop((db, turn));
    let (before, after) = AROUND;
    let open = |_, _: &[u8], kept: &[u8]| Ok(Zeroizing::new(kept[before..kept.len() - after].to_vec()));
    Ok(Json(stored.open(open)?))
}

async fn vitals_of(query: VitalsQuery, app: App, _: Caller, frames: Frames) -> Result<Json<Vitals>, ApiError> {
    let VitalsQuery { device, from, to, step } = query;
    let key = app.roster.borrow().by_name(device.as_str()).map(|device| device.key).ok_or(UNKNOWN)?;
    let step_ms = i64::from(step.unwrap_or(1)) * 1_000;
    let turn = frames.turns.acquire().await;
    let pool = if step_ms < series::MINUTE_MS { &frames.pool } else { app.desk.identity_pool() };
    let db = pool.get().await?;
    let found = series::bare_buckets(&db, key, (from, to), step_ms).await?;
    drop((db, turn));
    Ok(Json(trends::view(device, (from, to), found)))
}
