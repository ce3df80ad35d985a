use vitals::Parameter;

use super::model::{Devices, ParameterInfo, Parameters};
use super::store;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::web::{ApiError, Json};

/// Back to here the database is asked for the last word of a device that has not spoken since this server started.
const LOOK_BACK_MS: i64 = 7 * 86_400_000;

pub(super) async fn list(app: App, caller: Caller) -> Result<Json<Devices>, ApiError> {
    let mut devices = app.hub.devices(false);
    let silent: Vec<_> =
        devices.iter().filter(|(_, device)| device.last_received_at.is_none()).map(|(key, _)| *key).collect();
    let event = || Event::new(Category::Devices, Action::Read, Entity::all(EntityKind::Device));
    if silent.is_empty() {
        caller.record(Purpose::Operations, event()).await?;
    } else {
        let floor = app.clock.now().plus_millis(-LOOK_BACK_MS);
        let read = Read::begin(&caller, Purpose::Operations).await?;
        let heard = read.find(async |db| store::last_received(db, &silent, floor).await).await?;
        let heard = read.seen(heard, |_| event()).await?;
        for (key, device) in &mut devices {
            device.last_received_at = device.last_received_at.or_else(|| heard.get(key).copied());
        }
    }
    Ok(Json(Devices { devices: devices.into_iter().map(|(_, device)| device).collect() }))
}

pub(super) fn parameters() -> Result<Json<Parameters>, ApiError> {
    Ok(Json(Parameters { parameters: Parameter::ALL.iter().copied().map(ParameterInfo::from).collect() }))
}
