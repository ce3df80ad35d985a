use futures_util::future::try_join;
use store::series::{self, Point, Series as Found};
use vitals::{DeviceKey, DeviceName, Timestamp};

use super::model::{Series, Vitals, VitalsQuery};
use super::store::{Worn, worn};
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Outcome, Purpose};
use crate::caller::{Caller, Read};
use crate::web::{ApiError, Json};

/// The longest span: the archive's horizon.
const MAX_SPAN_MS: i64 = 400 * 86_400_000;

/// Asked of the store where the caller names none; it widens a step to what keeps to the most points.
const FINEST_S: u32 = 1;

/// A device that was only on somebody of whom nobody is told is answered as one that there is not.
const UNKNOWN: ApiError =
    ApiError::NotFound { code: "unknown_device", detail: "no device is enrolled under this name" };

pub(super) async fn show(query: VitalsQuery, app: App, caller: Caller) -> Result<Json<Vitals>, ApiError> {
    let VitalsQuery { device, from, to, step } = query;
    let span_ms = to.millis_since(from);
    if !(1..=MAX_SPAN_MS).contains(&span_ms) {
        return Err(ApiError::bad_request("invalid_span", "`to` is after `from`, by at most 400 days"));
    }
    let step = step.unwrap_or(FINEST_S);
    if step == 0 {
        return Err(ApiError::bad_request("invalid_step", "a step is at least one second"));
    }
    let key = app.roster.borrow().by_name(device.as_str()).map(|device| device.key).ok_or(UNKNOWN)?;
    let read = Read::begin(&caller, Purpose::Treatment).await?;
    let found = read.find(async |db| {
        // Together: the values of whom may not be seen do not leave the database either way.
        let values = series::buckets(db, key, from, to, i64::from(step) * 1_000);
        let (worn, values) = try_join(worn(db, key, from, to), values).await?;
        let found = worn.shown().then_some(values);
        Ok::<_, ApiError>((worn, found))
    });
    let found = found.await?;
    let (worn, found) = read.seen(found, |(worn, _)| worn.event(key, (from, to))).await?;
    let Some(found) = found else {
        return Err(if worn.unrelated { ApiError::no_relation() } else { UNKNOWN });
    };
    Ok(Json(view(device, (from, to), found)))
}

pub(crate) fn view(device: DeviceName, (from, to): (Timestamp, Timestamp), found: Found) -> Vitals {
    let columns = found.columns.into_iter().map(|(parameter, points)| {
        let each = |pick: fn(&Point) -> f32| points.iter().map(|point| point.as_ref().map(pick)).collect();
        Series {
            parameter,
            unit: parameter.unit(),
            mean: each(|point| point.mean),
            min: each(|point| point.min),
            max: each(|point| point.max),
            count: points.iter().map(|point| point.as_ref().map_or(0, |point| point.count)).collect(),
        }
    });
    Vitals {
        device,
        from,
        to,
        step_ms: found.step_ms,
        times_ms: found.times.iter().map(|time| time.millis()).collect(),
        series: columns.collect(),
    }
}

impl Worn {
    /// By anybody whom the caller may see, or by nobody: then it is nobody's data.
    fn shown(&self) -> bool {
        !self.seen.is_empty() || !(self.unrelated || self.restricted)
    }

    fn event(&self, key: DeviceKey, (from, to): (Timestamp, Timestamp)) -> Event {
        let event = Event::new(Category::Care, Action::Read, Entity::one(EntityKind::Device, self.device));
        if self.shown() {
            event.about(self.seen.iter().copied())
        } else {
            // Whom it would have been about, the audit finds out by itself.
            event.about_whoever_wore(key, from, to).outcome(Outcome::Refused)
        }
    }
}
