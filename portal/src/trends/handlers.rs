use store::series::{self, Point};

use super::model::{Series, Vitals, VitalsQuery};
use crate::app::App;
use crate::web::{ApiError, Json};

/// The longest span: the archive's horizon.
const MAX_SPAN_MS: i64 = 400 * 86_400_000;

/// Asked of the store where the caller names none; it widens a step to what keeps to the most points.
const FINEST_S: u32 = 1;

pub(super) async fn show(query: VitalsQuery, app: App) -> Result<Json<Vitals>, ApiError> {
    let VitalsQuery { device, from, to, step } = query;
    let span_ms = to.millis_since(from);
    if !(1..=MAX_SPAN_MS).contains(&span_ms) {
        return Err(ApiError::bad_request("invalid_span", "`to` is after `from`, by at most 400 days"));
    }
    let step = step.unwrap_or(FINEST_S);
    if step == 0 {
        return Err(ApiError::bad_request("invalid_step", "a step is at least one second"));
    }
    let roster = app.roster.borrow().clone();
    let known = roster
        .by_name(device.as_str())
        .ok_or(ApiError::NotFound { code: "unknown_device", detail: "no device is enrolled under this name" })?;
    let found = series::buckets(&app.pool.get().await?, known.key, from, to, i64::from(step) * 1_000).await?;
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
    Ok(Json(Vitals {
        device,
        from,
        to,
        step_ms: found.step_ms,
        times_ms: found.times.iter().map(|time| time.millis()).collect(),
        series: columns.collect(),
    }))
}
