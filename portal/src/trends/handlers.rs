use store::series::{self, Point};

use super::model::{Series, Vitals, VitalsQuery};
use crate::app::App;
use crate::web::{ApiError, Json};

/// Buckets in one answer; a screen has no more columns of pixels.
const MAX_POINTS: i64 = 2_000;

/// The longest span: the archive's horizon.
const MAX_SPAN_MS: i64 = 400 * 86_400_000;

/// Below a minute, buckets the axis can label.
const STEPS_MS: [i64; 6] = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000];

pub(super) async fn show(query: VitalsQuery, app: App) -> Result<Json<Vitals>, ApiError> {
    let VitalsQuery { device, from, to, step } = query;
    let span_ms = to.millis_since(from);
    if !(1..=MAX_SPAN_MS).contains(&span_ms) {
        return Err(ApiError::bad_request("invalid_span", "`to` is after `from`, by at most 400 days"));
    }
    let step_ms = match step {
        Some(0) => return Err(ApiError::bad_request("invalid_step", "a step is at least one second")),
        Some(step) => least_step(span_ms).max(i64::from(step) * 1_000),
        None => least_step(span_ms),
    };
    let roster = app.roster.borrow().clone();
    let known = roster
        .by_name(device.as_str())
        .ok_or(ApiError::NotFound { code: "unknown_device", detail: "no device is enrolled under this name" })?;
    let found = series::buckets(&app.pool.get().await?, known.key, from, to, step_ms).await?;
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

/// The finest step that keeps to the most points, whole minutes from a minute on. One bucket is spared: a span that
/// does not begin with a bucket touches one more.
fn least_step(span_ms: i64) -> i64 {
    let least = span_ms.div_euclid(MAX_POINTS - 1) + 1;
    let minutes = (least + 59_999).div_euclid(60_000) * 60_000;
    STEPS_MS.into_iter().find(|step| *step >= least).unwrap_or(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_never_needs_more_than_the_most_points() {
        for hours in [1, 4, 8, 24, 72, 24 * 30, 24 * 400] {
            let span_ms = hours * 3_600_000;
            let step_ms = least_step(span_ms);
            assert!(span_ms / step_ms + 1 <= MAX_POINTS, "{hours} h at {step_ms} ms");
            assert!(step_ms < 60_000 || step_ms % 60_000 == 0);
        }
        assert_eq!(least_step(3_600_000), 2_000);
    }
}
