//! The statements that bring rows into `vitals` which may be there already: gaps are filled, nothing is overwritten.

use vitals::Parameter;

use super::encode::columns;

pub(super) fn copy_into(table: &str) -> String {
    format!("COPY {table} ({}) FROM STDIN (FORMAT BINARY)", columns())
}

pub(super) const INCOMING: &str = "-- telemetry::incoming
    CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE vitals) ON COMMIT DELETE ROWS";

/// Rows of `incoming` from $1 to $2 with a value that differs from one already stored. The bounds are plain parameters,
/// so that chunks outside them are never opened; LATERAL keeps the planner from scanning whole chunks for a few keys.
pub(super) fn conflicts() -> String {
    let differs: Vec<_> =
        Parameter::ALL.iter().map(|parameter| format!("stored.{parameter} <> incoming.{parameter}")).collect();
    format!(
        "-- telemetry::conflicts
        SELECT incoming.device_key, incoming.at FROM incoming CROSS JOIN LATERAL (
            SELECT * FROM vitals WHERE vitals.device_key = incoming.device_key AND vitals.at = incoming.at
                AND vitals.at >= $1 AND vitals.at <= $2
        ) stored WHERE incoming.at >= $1 AND incoming.at <= $2 AND ({})",
        differs.join(" OR ")
    )
}

pub(super) fn merge() -> String {
    let fill: Vec<_> = Parameter::ALL
        .iter()
        .map(|parameter| format!("{parameter} = coalesce(vitals.{parameter}, excluded.{parameter})"))
        .collect();
    let gap: Vec<_> = Parameter::ALL
        .iter()
        .map(|parameter| format!("(vitals.{parameter} IS NULL AND excluded.{parameter} IS NOT NULL)"))
        .collect();
    let filled: Vec<_> = Parameter::ALL
        .iter()
        .map(|parameter| format!("CASE WHEN vitals.{parameter} IS NOT NULL THEN '{parameter}' END"))
        .collect();
    // A mark comes with the value it speaks of, or for one that is absent: never onto a value that stood without.
    let marks = format!("excluded.q - array_remove(ARRAY[{}], NULL)", filled.join(", "));
    // 16 = Flags::VALUE_FLAGGED: the only flag that a filled gap can add.
    format!(
        "-- telemetry::merge
        INSERT INTO vitals ({columns}) SELECT {columns} FROM incoming
        ON CONFLICT (device_key, at) DO UPDATE SET {},
            q = CASE WHEN excluded.q IS NULL THEN vitals.q ELSE nullif(({marks}) || coalesce(vitals.q, '{{}}'), '{{}}') END,
            flags = vitals.flags | (excluded.flags & 16)
        WHERE {} OR (excluded.q IS NOT NULL AND NOT coalesce(vitals.q, '{{}}') @> ({marks}))",
        fill.join(", "),
        gap.join(" OR "),
        columns = columns(),
    )
}

pub(super) const MARK_DIRTY: &str = "-- telemetry::mark_dirty
    INSERT INTO vitals_dirty (device_key, minute) SELECT * FROM unnest($1::int4[], $2::timestamptz[])";

pub(super) const OTHERS: &str = "-- telemetry::others
    INSERT INTO readings_other (device_key, code, at, value, unit)
    SELECT * FROM unnest($1::int4[], $2::text[], $3::timestamptz[], $4::float8[], $5::text[])
    ON CONFLICT (device_key, code, at) DO NOTHING";

/// Positions, from one, of the readings from $5 to $6 that differ from the one stored.
pub(super) const OTHER_CONFLICTS: &str = "-- telemetry::other_conflicts
    SELECT new.position FROM unnest($1::int4[], $2::text[], $3::timestamptz[], $4::float8[]) WITH ORDINALITY
        AS new (device_key, code, at, value, position)
    CROSS JOIN LATERAL (
        SELECT value FROM readings_other r WHERE r.device_key = new.device_key AND r.code = new.code AND r.at = new.at
            AND r.at >= $5 AND r.at <= $6
    ) stored WHERE new.at >= $5 AND new.at <= $6 AND stored.value <> new.value";

pub(super) const QUARANTINE: &str = "-- telemetry::quarantine
    INSERT INTO quarantine (device_key, topic, digest, reason, detail, payload, first_received_at, last_received_at, count,
        sealed)
    SELECT *, true FROM unnest($1::int4[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[],
        $8::timestamptz[], $9::int8[])
    ON CONFLICT (device_key, topic, digest) DO UPDATE
    SET count = quarantine.count + excluded.count, last_received_at = excluded.last_received_at";

pub(super) const STATUS: &str = "-- telemetry::status
    INSERT INTO device_statuses (device_key, payload, received_at) VALUES ($1, $2, $3)
    ON CONFLICT (device_key) DO UPDATE SET payload = excluded.payload, received_at = excluded.received_at
    WHERE device_statuses.received_at <= excluded.received_at";
