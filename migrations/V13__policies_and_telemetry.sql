-- Who sees whom: row-level security on every table of persons, and the only ways from a person to telemetry.

-- A person's row is seen by whoever covers his place or him, is of his team, or was let in, and by Vigil itself. A row of
-- nobody is seen by everybody who acts. The owner himself sees no more than anybody else; only functions that look up
-- relations, which run as the owner for somebody else, see the tables that they need.

CREATE FUNCTION related(patient uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    me uuid := acting_user();
    practitioner uuid;
BEGIN
    SELECT practitioner_id INTO practitioner FROM users WHERE id = me AND status = 'active';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF EXISTS (
        SELECT FROM cover c JOIN duties d ON d.id = c.duty_id
        WHERE d.practitioner_id = practitioner AND d.during @> now() AND c.during @> now() AND (c.patient_id = patient
            OR c.location_id = ANY (ARRAY(
                SELECT unnest(l.lineage) FROM encounter_locations e JOIN locations l ON l.id = e.location_id
                WHERE e.patient_id = patient AND e.superseded_at IS NULL AND e.status IN ('active', 'leave')
                    AND e.during @> now()
            )))
    ) OR EXISTS (
        SELECT FROM care_team t WHERE t.practitioner_id = practitioner AND t.patient_id = patient AND t.during @> now()
    ) OR EXISTS (
        SELECT FROM access_grants g WHERE g.user_id = me AND g.patient_id = patient AND g.during @> now()
    ) THEN
        PERFORM set_config('vigil.seen', current_setting('vigil.user') || patient, true);
        RETURN true;
    END IF;
    RETURN false;
END $$;
COMMENT ON FUNCTION related IS 'Whether the acting user has something to do with this patient now. Remembers the last one until the transaction ends, by vigil.seen: a page asks for many rows of one patient.';

CREATE FUNCTION may_see(patient uuid) RETURNS bool LANGUAGE sql STABLE
    RETURN system_acts() OR CASE WHEN patient IS NULL THEN acting_user() IS NOT NULL
        ELSE current_setting('vigil.seen', true) = current_setting('vigil.user', true) || patient OR related(patient) END;
COMMENT ON FUNCTION may_see IS 'All that policies ask. Becomes part of the query, so that Vigil itself pays no call a row.';

CREATE FUNCTION standing(patient uuid) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN CASE WHEN patient IS NULL OR NOT EXISTS (SELECT FROM patients WHERE id = patient) THEN 'unknown'
        WHEN may_see(patient) THEN 'seen'
        WHEN EXISTS (SELECT FROM patients WHERE id = patient AND NOT restricted AND somebody_acts()) THEN 'no_relation'
        ELSE 'unknown' END;
END $$;
COMMENT ON FUNCTION standing IS 'What to answer who asks for a patient: seen, no_relation (403), or unknown (404), which a restricted one is too.';

CREATE FUNCTION acts_as(codes text[]) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN EXISTS (
        SELECT FROM role_grants g JOIN roles r ON r.id = g.role_id JOIN users u ON u.id = g.user_id
        WHERE g.user_id = acting_user() AND u.status = 'active' AND r.code = ANY (codes) AND g.during @> now()
            AND (g.approved_at IS NOT NULL OR g.granted_part IS NOT NULL OR NOT r.two_persons)
    );
COMMENT ON FUNCTION acts_as IS 'Whether the acting user holds one of these roles now. What a role may is said by portal/src/permission.rs.';

-- For a table with patient_id, and its history. `seen` is an expression of its columns; `looked_up` lets functions of the
-- owner read it, which must then clip what they answer. By CASE, since the order of policies is not promised, and looking
-- up a relation to look up a relation would never end.
CREATE PROCEDURE guard(guarded text, seen text DEFAULT 'may_see(patient_id)', looked_up bool DEFAULT false)
    LANGUAGE plpgsql AS $$
BEGIN
    IF looked_up THEN
        seen := format('CASE WHEN current_user = %L AND session_user <> current_user THEN true ELSE %s END', current_user, seen);
    END IF;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY seen ON %I USING (%s)', guarded, seen);
    IF guarded LIKE '%\_history' THEN
        -- The owner, in keep_version.
        EXECUTE format('CREATE POLICY kept ON %I TO CURRENT_USER USING (pg_trigger_depth() > 0)', guarded);
    ELSIF to_regclass(guarded || '_history') IS NOT NULL THEN
        CALL guard(guarded || '_history', seen);
    END IF;
END $$;
REVOKE EXECUTE ON PROCEDURE guard FROM PUBLIC;

CALL guard('patients', 'may_see(id)', looked_up => true);
CALL guard('patient_names');
CALL guard('patient_contacts');
CALL guard('patient_links');
CALL guard('patient_identifiers');
CALL guard('patient_tokens');
CALL guard('patient_merges', 'may_see(survivor_id) OR may_see(retired_id)');
CALL guard('patient_flags');
CALL guard('consents');
CALL guard('accounts');
CALL guard('episodes');
CALL guard('encounters');
CALL guard('encounter_locations', looked_up => true);
CALL guard('care_team', looked_up => true);
CALL guard('access_grants', looked_up => true);
CALL guard('device_assignments', looked_up => true);
CALL guard('observations');
CALL guard('cover', looked_up => true);
CALL guard('limit_overrides');
-- Of a device that is on nobody: to those who care for patients, and to screens. The system about itself: to everybody.
CALL guard('alarms', 'CASE WHEN patient_id IS NULL AND device_key IS NOT NULL AND acting_user() IS NOT NULL
    THEN acts_as(''{nurse,charge_nurse,physician}'') ELSE may_see(patient_id) END');
CALL guard('alarm_transitions', 'system_acts() OR EXISTS (SELECT FROM alarms WHERE alarms.id = alarm_id)');
CALL guard('deliveries', 'system_acts() OR EXISTS (SELECT FROM alarms WHERE alarms.id = alarm_id)');
CALL guard('inactivations');
CALL guard('audit_subjects');

-- Before there is a relation: a patient is registered, a glass is broken. By its registration somebody reaches only a
-- person who is nobody's yet, and by a broken glass only himself does.
CREATE FUNCTION known_to_nobody(patient uuid) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN NOT EXISTS (SELECT FROM access_grants WHERE patient_id = patient)
        AND NOT EXISTS (SELECT FROM care_team WHERE patient_id = patient)
        AND NOT EXISTS (SELECT FROM encounter_locations WHERE patient_id = patient);
CREATE POLICY registered ON patients FOR INSERT WITH CHECK (somebody_acts());
CREATE POLICY let_in ON access_grants FOR INSERT WITH CHECK (
    user_id = acting_user() AND (via = 'break_glass' OR via = 'registration' AND known_to_nobody(patient_id)));

-- Who covers a place reaches whoever lies there: said by those whose task that is, for whomever.
CREATE POLICY staffed ON cover AS RESTRICTIVE FOR INSERT WITH CHECK (system_acts() OR acts_as('{charge_nurse}'));
CREATE POLICY staffed_on ON cover AS RESTRICTIVE FOR UPDATE USING (system_acts() OR acts_as('{charge_nurse}'));
ALTER TABLE duties ENABLE ROW LEVEL SECURITY;
ALTER TABLE duties FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON duties FOR SELECT USING (true);
CREATE POLICY staffed ON duties FOR INSERT WITH CHECK (system_acts() OR acts_as('{charge_nurse}'));
CREATE POLICY staffed_on ON duties FOR UPDATE USING (system_acts() OR acts_as('{charge_nurse}'));
-- A search term leads to an identifier and no further: whether the patient is seen is asked of his own row.
CREATE POLICY searched ON patient_tokens FOR SELECT USING (somebody_acts());
-- What was refused is recorded too.
CREATE POLICY recorded ON audit_subjects FOR INSERT WITH CHECK (true);

-- Telemetry: policies do not reach the chunks of a hypertable, so the portal has no right on it, and asks these functions.

COMMENT ON TABLE vitals IS 'What one device measured at one moment. Units: vitals/src/parameter.rs. Written only by ingest, by COPY or merge.';
COMMENT ON COLUMN vitals.at IS 'By the clock of the device.';
COMMENT ON COLUMN vitals.received_at IS 'By ours; rises strictly on a node.';
COMMENT ON COLUMN vitals.flags IS 'Bits of vitals/src/frame.rs.';
COMMENT ON COLUMN vitals.q IS 'Marks of single values, only where there are any.';
COMMENT ON TABLE readings_other IS 'A reading outside the closed list of parameters. Written only by ingest.';
COMMENT ON COLUMN readings_other.code IS 'As the device names it.';
COMMENT ON COLUMN readings_other.value IS 'In `unit`.';
COMMENT ON COLUMN readings_other.unit IS 'UCUM, as the device declared it.';
COMMENT ON TABLE vitals_minute IS 'Count, least, most, mean and last value of each parameter of one device in one minute. Written only by the roll-up, which computes whole minutes anew from vitals.';
COMMENT ON TABLE vitals_dirty IS 'A minute whose roll-up is out of date. Added by ingest with the frames; the roll-up removes what it read.';
COMMENT ON TABLE quarantine IS 'What was refused, with the reason; the same bytes again count up. Written by ingest.';
COMMENT ON COLUMN quarantine.topic IS 'On which it came.';
COMMENT ON COLUMN quarantine.count IS 'How often it came.';
COMMENT ON COLUMN quarantine.digest IS 'Tells whether the whole payload is the same.';
COMMENT ON COLUMN quarantine.reason IS 'A word of vitals/src/quarantine.rs.';
COMMENT ON COLUMN quarantine.detail IS 'Names a key or a position, never a value.';
COMMENT ON COLUMN quarantine.payload IS 'At most 8 KiB of it.';

-- A station sees one unit: who lies in its place (V17), and of what is on nobody only what is kept there.

CREATE FUNCTION station_acts() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
    RETURN acting_station() IS NOT NULL AND acting_user() IS NULL AND NOT system_acts();
COMMENT ON FUNCTION station_acts IS 'Whether this transaction works for a screen at which nobody acts.';

-- A device whose place nobody wrote down may stand anywhere: its alarm is shown on every wall rather than on none.
CREATE FUNCTION kept_before(station uuid) RETURNS SETOF int4 LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT d.key FROM devices d JOIN stations s ON s.realm = d.realm
    WHERE s.id = station AND s.revoked_at IS NULL AND (d.location_id IS NULL OR d.location_id = ANY (ARRAY(
        SELECT l.id FROM stations o JOIN locations l ON l.lineage @> ARRAY[o.location_id] WHERE o.id = station
    )));
END;
COMMENT ON FUNCTION kept_before IS 'Devices of the station''s realm that are fixed or kept in its place, and those without any.';

-- Of a device: while somebody is assigned, to whoever may see him; while nobody is, to those who care for patients, and to
-- screens. What was taken for a patient's by mistake stays with those who may see him, until it is another's: it may be a
-- person's all the same. Whoever may read the table itself is told everything.
CREATE FUNCTION device_periods(device int4, since timestamptz, until timestamptz) RETURNS tstzmultirange
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asked tstzmultirange := tstzmultirange(tstzrange(since, until));
    assigned tstzmultirange;
    seen tstzmultirange;
    mistaken tstzmultirange;
    seen_by_mistake tstzmultirange;
BEGIN
    IF has_table_privilege(session_user, 'vitals', 'SELECT') THEN
        RETURN asked;
    END IF;
    SELECT coalesce(range_agg(during) FILTER (WHERE NOT mistake), '{}'),
            coalesce(range_agg(during) FILTER (WHERE NOT mistake AND seen_now), '{}'),
            coalesce(range_agg(during) FILTER (WHERE mistake), '{}'),
            coalesce(range_agg(during) FILTER (WHERE mistake AND seen_now), '{}')
        INTO assigned, seen, mistaken, seen_by_mistake FROM (
            SELECT during, superseded_at IS NOT NULL AS mistake, may_see(patient_id) AS seen_now FROM device_assignments
            WHERE device_key = device AND during && tstzrange(since, until)
        ) assignments;
    seen := seen + (seen_by_mistake - assigned);
    IF (CASE WHEN station_acts() THEN device IN (SELECT kept_before(acting_station()))
        ELSE system_acts() OR acts_as('{nurse,charge_nurse,physician}') END) THEN
        seen := seen + (asked - assigned - mistaken);
    END IF;
    RETURN asked * seen;
END $$;

CREATE FUNCTION patient_periods(patient uuid, since timestamptz, until timestamptz)
    RETURNS TABLE (device_key int4, period tstzrange) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF may_see(patient) THEN
        RETURN QUERY SELECT a.device_key, a.during * tstzrange(since, until) FROM device_assignments a
            WHERE a.patient_id = patient AND a.superseded_at IS NULL AND a.during && tstzrange(since, until);
    END IF;
END $$;

-- Plain bounds and a plan for them alone open the chunks that are read and no others (decision 0011).

CREATE FUNCTION device_vitals(device int4, since timestamptz, until timestamptz) RETURNS SETOF vitals
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER ROWS 3600
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    p tstzrange;
BEGIN
    FOR p IN SELECT unnest(device_periods(device, since, until)) LOOP
        RETURN QUERY SELECT * FROM vitals v WHERE v.device_key = device AND v.at >= lower(p) AND v.at < upper(p);
    END LOOP;
END $$;
COMMENT ON FUNCTION device_vitals IS 'Frames of a device from since to before until, as far as they may be seen.';

CREATE FUNCTION patient_vitals(patient uuid, since timestamptz, until timestamptz) RETURNS SETOF vitals
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER ROWS 3600
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT * FROM patient_periods(patient, since, until) LOOP
        RETURN QUERY SELECT * FROM vitals v
            WHERE v.device_key = p.device_key AND v.at >= lower(p.period) AND v.at < upper(p.period);
    END LOOP;
END $$;
COMMENT ON FUNCTION patient_vitals IS 'Frames of whatever devices were the patient''s, while they were, from since to before until.';

-- Minutes of one device and period. Those that are marked, and those that the period cuts, are computed from their frames:
-- a row of the table would hold somebody else's values, or old ones. Parameters are those of the table, so that a new one
-- needs no new function; what counts is what the roll-up counts (store/src/columns.rs).
CREATE FUNCTION minutes_within(device int4, since timestamptz, until timestamptz) RETURNS SETOF vitals_minute
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    first timestamptz := date_bin('1 minute', since + interval '1 minute' - interval '1 microsecond', 'epoch');
    past timestamptz := date_bin('1 minute', until, 'epoch');
    due timestamptz[] := ARRAY(
        SELECT DISTINCT d.minute FROM vitals_dirty d WHERE d.device_key = device AND d.minute >= first AND d.minute < past
    );
    edges timestamptz[] := ARRAY(SELECT DISTINCT date_bin('1 minute', edge, 'epoch') FROM unnest(ARRAY[since, past]) edge
        WHERE since < until AND (edge = since AND since < first OR edge = past AND past < until));
    worthy text;
    sums text;
BEGIN
    RETURN QUERY SELECT * FROM vitals_minute m WHERE m.device_key = device AND m.minute >= first AND m.minute < past
        AND m.minute <> ALL (due);
    IF cardinality(due || edges) = 0 THEN
        RETURN;
    END IF;
    SELECT string_agg(format('CASE WHEN q IS NULL OR q ->> %1$L IS NULL
            OR q ->> %1$L IN (''validated'', ''ongoing'', ''early'', ''questionable'') THEN %1$I END AS %1$I', name), ', ')
        INTO worthy FROM (
            SELECT left(attname, -2) AS name FROM pg_attribute
            WHERE attrelid = 'vitals_minute'::regclass AND attname LIKE '%\_n' AND NOT attisdropped
        ) parameters;
    SELECT string_agg(CASE part
            WHEN 'n' THEN format('nullif(count(%I), 0)::int4', name)
            WHEN 'min' THEN format('min(%I)', name)
            WHEN 'max' THEN format('max(%I)', name)
            WHEN 'mean' THEN format('avg(%I)::real', name)
            WHEN 'last' THEN format('last(%1$I, at) FILTER (WHERE %1$I IS NOT NULL)', name)
            ELSE CASE attname WHEN 'device_key' THEN '$1' WHEN 'minute' THEN 'minute' ELSE 'now()' END
        END, ', ' ORDER BY attnum) INTO sums FROM (
            SELECT attnum, attname, substring(attname FROM '^(.*)_(?:n|min|max|mean|last)$') AS name,
                substring(attname FROM '_(n|min|max|mean|last)$') AS part
            FROM pg_attribute WHERE attrelid = 'vitals_minute'::regclass AND attnum > 0 AND NOT attisdropped
        ) columns;
    RETURN QUERY EXECUTE format(
        'SELECT %s FROM (
            SELECT date_bin(''1 minute'', at, ''epoch'') AS minute, at, %s FROM vitals
            WHERE device_key = $1 AND at >= $2 AND at < $3 AND flags & 32 = 0
                AND date_bin(''1 minute'', at, ''epoch'') = ANY ($4)
        ) frames GROUP BY minute', sums, worthy)
        USING device, greatest(since, (SELECT min(m) FROM unnest(due || edges) m)),
            least(until, (SELECT max(m) FROM unnest(due || edges) m) + interval '1 minute'), due || edges;
END $$;

CREATE FUNCTION device_vitals_minute(device int4, since timestamptz, until timestamptz) RETURNS SETOF vitals_minute
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT m.* FROM unnest(device_periods(device, since, until)) p
        CROSS JOIN LATERAL minutes_within(device, lower(p), upper(p)) m;
END $$;
COMMENT ON FUNCTION device_vitals_minute IS 'Minutes of a device from since to before until, exact whether or not they were rolled up, as far as they may be seen.';

CREATE FUNCTION patient_vitals_minute(patient uuid, since timestamptz, until timestamptz) RETURNS SETOF vitals_minute
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT m.* FROM patient_periods(patient, since, until) p
        CROSS JOIN LATERAL minutes_within(p.device_key, lower(p.period), upper(p.period)) m;
END $$;
COMMENT ON FUNCTION patient_vitals_minute IS 'Minutes of whatever devices were the patient''s, while they were, exact whether or not they were rolled up.';

CREATE FUNCTION last_received(devices int4[], since timestamptz) RETURNS TABLE (device_key int4, received_at timestamptz)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT wanted.key, newest.received_at FROM unnest(devices) AS wanted (key) CROSS JOIN LATERAL (
        SELECT v.received_at FROM vitals v WHERE v.device_key = wanted.key AND v.at >= since ORDER BY v.at DESC LIMIT 1
    ) newest WHERE somebody_acts();
END $$;
COMMENT ON FUNCTION last_received IS 'When each of these was last heard, by its newest frame since then: no value of anybody.';

REVOKE EXECUTE ON FUNCTION known_to_nobody, kept_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION known_to_nobody TO vigil_portal;
REVOKE EXECUTE ON FUNCTION device_periods, patient_periods, device_vitals, patient_vitals, minutes_within,
    device_vitals_minute, patient_vitals_minute, last_received, standing FROM PUBLIC;
GRANT EXECUTE ON FUNCTION device_vitals, patient_vitals, device_vitals_minute, patient_vitals_minute, last_received, standing
    TO vigil_portal;

GRANT SELECT, INSERT, UPDATE ON vitals, readings_other, vitals_minute, quarantine TO vigil_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON vitals_dirty TO vigil_ingest;        -- UPDATE: it locks the marks that it takes
GRANT SELECT ON vitals, device_clocks TO vigil_alerting;                     -- the past, when it starts
