use std::collections::BTreeMap;

use ahash::AHashMap;
use tokio_postgres::types::{Json, ToSql};
use vitals::{Transition, What};

use super::body::Body;
use crate::time::At;
use crate::{Db, Error};

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[SAVE];

/// One statement, so that it is one transaction on any client. An alarm that was told as far as this, or further, is
/// left as it is.
const SAVE: &str = "-- alarms::save
    WITH versions AS (
        INSERT INTO rule_versions (id, rule_id, priority, body)
        SELECT id, rule_named(code), priority, body
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) AS new (id, code, priority, body)
        WHERE NOT EXISTS (SELECT FROM rule_versions WHERE rule_versions.id = new.id)
        ON CONFLICT (id) DO NOTHING
    ), told AS (
        INSERT INTO alarms (id, realm, device_key, rule_version_id, kind, priority, onset_at, raised_at, ended_at, value,
            patient_id, encounter_id, known_assignment_id)
        SELECT new.id, (SELECT realm FROM devices WHERE key = new.device_key), new.device_key, rule, kind, priority, onset_at,
            raised_at, ended_at, value, worn.patient_id, worn.encounter_id, worn.id
        FROM unnest($5::uuid[], $6::int4[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[],
            $12::timestamptz[], $13::real[], $14::int8[], $15::int8[])
            AS new (id, device_key, rule, kind, priority, onset_at, raised_at, ended_at, value, epoch, seq)
        LEFT JOIN device_assignments worn ON worn.device_key = new.device_key AND worn.superseded_at IS NULL
            AND worn.during @> onset_at
        WHERE NOT EXISTS (
            SELECT FROM alarm_transitions t WHERE t.alarm_id = new.id AND (t.epoch, t.seq) >= (new.epoch, new.seq)
        )
        ON CONFLICT (id) DO UPDATE SET ended_at = coalesce(excluded.ended_at, alarms.ended_at),
            value = coalesce(excluded.value, alarms.value)
    )
    INSERT INTO alarm_transitions (epoch, seq, alarm_id, what, at, received_at, value)
    SELECT * FROM unnest($16::int8[], $17::int8[], $18::uuid[], $19::text[], $20::timestamptz[], $21::timestamptz[],
        $22::real[])
    ON CONFLICT (epoch, seq) DO NOTHING";

/// Stores all of them or none, in the order of (epoch, seq). Saving the same ones again changes nothing.
pub async fn save(db: &impl Db, transitions: &[Transition]) -> Result<(), Error> {
    if transitions.is_empty() {
        return Ok(());
    }
    // By id, so that two statements at once lock rows in one order.
    let rules: BTreeMap<_, _> = transitions.iter().map(|transition| (transition.rule.id.0, &transition.rule)).collect();
    let alarms = latest(transitions);
    let mut columns = Columns::default();
    columns.add(rules.keys().copied());
    columns.add(rules.values().map(|rule| rule.code.as_str()));
    columns.add(rules.values().map(|rule| rule.priority.word()));
    columns.add(rules.values().map(|rule| Json(Body::from(rule.condition))));

    columns.add(alarms.iter().map(|alarm| alarm.last.alarm.0));
    columns.add(alarms.iter().map(|alarm| alarm.last.device.map(|key| key.0)));
    columns.add(alarms.iter().map(|alarm| alarm.last.rule.id.0));
    columns.add(alarms.iter().map(|alarm| if alarm.last.rule.technical() { "technical" } else { "physiological" }));
    columns.add(alarms.iter().map(|alarm| alarm.last.rule.priority.word()));
    columns.add(alarms.iter().map(|alarm| At(alarm.last.onset_at)));
    columns.add(alarms.iter().map(|alarm| At(alarm.first.at)));
    columns.add(alarms.iter().map(|alarm| (alarm.last.what == What::Cleared).then_some(At(alarm.last.at))));
    columns.add(alarms.iter().map(|alarm| alarm.value));
    columns.add(alarms.iter().map(|alarm| alarm.last.epoch));
    columns.add(alarms.iter().map(|alarm| alarm.last.seq));

    columns.add(transitions.iter().map(|transition| transition.epoch));
    columns.add(transitions.iter().map(|transition| transition.seq));
    columns.add(transitions.iter().map(|transition| transition.alarm.0));
    columns.add(transitions.iter().map(|transition| transition.what.word()));
    columns.add(transitions.iter().map(|transition| At(transition.at)));
    columns.add(transitions.iter().map(|transition| At(transition.received_at)));
    columns.add(transitions.iter().map(|transition| transition.value));
    db.execute(SAVE, &columns.parameters()).await?;
    Ok(())
}

/// What a batch says of one alarm.
struct Latest<'a> {
    first: &'a Transition,
    last: &'a Transition,
    value: Option<f32>,
}

/// One entry an alarm, since a statement may touch a row only once; sorted by id like the rules.
fn latest(transitions: &[Transition]) -> Vec<Latest<'_>> {
    let mut alarms: AHashMap<_, Latest<'_>> = AHashMap::new();
    for transition in transitions {
        let new = || Latest { first: transition, last: transition, value: None };
        let alarm = alarms.entry(transition.alarm).or_insert_with(new);
        alarm.last = transition;
        alarm.value = transition.value.or(alarm.value);
    }
    let mut alarms: Vec<_> = alarms.into_values().collect();
    alarms.sort_unstable_by_key(|alarm| alarm.last.alarm);
    alarms
}

/// The arrays of a statement, in the order of its parameters.
#[derive(Default)]
struct Columns<'a>(Vec<Box<dyn ToSql + Send + Sync + 'a>>);

impl<'a> Columns<'a> {
    fn add<T: ToSql + Send + Sync + 'a>(&mut self, values: impl Iterator<Item = T>) {
        self.0.push(Box::new(values.collect::<Vec<_>>()));
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect()
    }
}
