-- What every read asks of the database. A function in SQL that runs as its owner is planned at each call; one in PL/pgSQL
-- keeps its plans as long as the connection lasts. None of these reads a hypertable, so a plan fits whatever is asked
-- (decision 0011). Who may see what is the same as before, but that a grant which awaits approval (V18) opens nothing here either.

-- Whoever a device was taken for by mistake is looked for as well.
CREATE INDEX device_assignments_device ON device_assignments (device_key);

CREATE FUNCTION role_counts(held role_grants, role roles) RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN held.approved_at IS NOT NULL OR held.granted_part IS NOT NULL OR NOT (role.two_persons OR held.awaits_approval);
COMMENT ON FUNCTION role_counts IS 'Whether a grant needs no approval any more: it was given, or none is demanded. Becomes part of the query.';

CREATE OR REPLACE FUNCTION acts_as(codes text[]) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM role_grants g JOIN roles r ON r.id = g.role_id JOIN users u ON u.id = g.user_id
        WHERE g.user_id = acting_user() AND u.status = 'active' AND r.code = ANY (codes) AND g.during @> now()
            AND role_counts(g, r)
    );
END $$;

CREATE OR REPLACE FUNCTION reviews_glasses() RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN acts_as('{privacy_officer}');

-- One relation after the other: each costs as much to begin as to answer.
CREATE OR REPLACE FUNCTION related(patient uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    me uuid := acting_user();
    practitioner uuid;
    known bool := false;
BEGIN
    SELECT practitioner_id INTO practitioner FROM users WHERE id = me AND status = 'active';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF practitioner IS NOT NULL THEN
        known := EXISTS (
            SELECT FROM duties d JOIN cover c ON c.duty_id = d.id
            WHERE d.practitioner_id = practitioner AND d.during @> now() AND c.during @> now() AND (c.patient_id = patient
                OR c.location_id = ANY (ARRAY(
                    SELECT unnest(l.lineage) FROM encounter_locations e JOIN locations l ON l.id = e.location_id
                    WHERE e.patient_id = patient AND e.superseded_at IS NULL AND e.status IN ('active', 'leave')
                        AND e.during @> now()
                )))
        );
        IF NOT known THEN
            known := EXISTS (
                SELECT FROM care_team t
                WHERE t.practitioner_id = practitioner AND t.patient_id = patient AND t.during @> now()
            );
        END IF;
    END IF;
    IF NOT known THEN
        known := EXISTS (
            SELECT FROM access_grants g WHERE g.user_id = me AND g.patient_id = patient AND g.during @> now()
        );
    END IF;
    IF known THEN
        PERFORM set_config('vigil.seen', current_setting('vigil.user') || patient, true);
    END IF;
    RETURN known;
END $$;

-- For a list that is read whole: of each of a house's patients alone it would be asked a thousand times.
CREATE FUNCTION seen_patients() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    me uuid := acting_user();
    practitioner uuid;
BEGIN
    IF me IS NULL THEN
        RETURN QUERY SELECT e.patient_id FROM stations s
            JOIN locations l ON l.lineage @> ARRAY[s.location_id]
            JOIN encounter_locations e ON e.location_id = l.id
            WHERE s.id = acting_station() AND s.revoked_at IS NULL
                AND e.superseded_at IS NULL AND e.status IN ('active', 'leave') AND e.during @> now();
        RETURN;
    END IF;
    SELECT practitioner_id INTO practitioner FROM users WHERE id = me AND status = 'active';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.patient_id FROM duties d JOIN cover c ON c.duty_id = d.id
        WHERE d.practitioner_id = practitioner AND d.during @> now() AND c.during @> now() AND c.patient_id IS NOT NULL
        UNION
        SELECT e.patient_id FROM duties d JOIN cover c ON c.duty_id = d.id
            JOIN locations l ON l.lineage @> ARRAY[c.location_id]
            JOIN encounter_locations e ON e.location_id = l.id
        WHERE d.practitioner_id = practitioner AND d.during @> now() AND c.during @> now()
            AND e.superseded_at IS NULL AND e.status IN ('active', 'leave') AND e.during @> now()
        UNION
        SELECT t.patient_id FROM care_team t WHERE t.practitioner_id = practitioner AND t.during @> now()
        UNION
        SELECT g.patient_id FROM access_grants g WHERE g.user_id = me AND g.during @> now();
END $$;
COMMENT ON FUNCTION seen_patients IS 'All of whom may_see says that they are seen, of somebody or of a station; not of Vigil itself, which sees everybody.';

-- Of whom he sees, past the policy, which would look for a relation of each glass that he ever broke.
CREATE FUNCTION behind_glass() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT g.patient_id FROM access_grants g
        WHERE g.user_id = acting_user() AND g.via = 'break_glass' AND g.during @> now();
END $$;
COMMENT ON FUNCTION behind_glass IS 'Whom the acting user sees through a glass that he broke.';

CREATE OR REPLACE FUNCTION lies_before(patient uuid, station uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM encounter_locations e JOIN locations l ON l.id = e.location_id
        JOIN stations s ON l.lineage @> ARRAY[s.location_id]
        WHERE e.patient_id = patient AND s.id = station AND s.revoked_at IS NULL
            AND e.superseded_at IS NULL AND e.status IN ('active', 'leave') AND e.during @> now()
    );
END $$;

CREATE OR REPLACE FUNCTION device_periods(device int4, since timestamptz, until timestamptz) RETURNS tstzmultirange
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    asked tstzmultirange := tstzmultirange(tstzrange(since, until));
    assigned tstzmultirange := '{}';
    seen tstzmultirange := '{}';
    mistaken tstzmultirange := '{}';
    seen_by_mistake tstzmultirange := '{}';
    nobodys tstzmultirange;
    a record;
BEGIN
    IF has_table_privilege(session_user, 'vitals', 'SELECT') THEN
        RETURN asked;
    END IF;
    FOR a IN SELECT patient_id, tstzmultirange(during) AS period, superseded_at IS NOT NULL AS mistake
        FROM device_assignments WHERE device_key = device AND during && tstzrange(since, until)
    LOOP
        IF NOT a.mistake THEN
            assigned := assigned + a.period;
            IF may_see(a.patient_id) THEN
                seen := seen + a.period;
            END IF;
        ELSE
            mistaken := mistaken + a.period;
            IF may_see(a.patient_id) THEN
                seen_by_mistake := seen_by_mistake + a.period;
            END IF;
        END IF;
    END LOOP;
    seen := seen + (seen_by_mistake - assigned);
    nobodys := asked - assigned - mistaken;
    IF NOT isempty(nobodys) AND (CASE WHEN station_acts() THEN device IN (SELECT kept_before(acting_station()))
        ELSE system_acts() OR acts_as('{nurse,charge_nurse,physician}') END) THEN
        seen := seen + nobodys;
    END IF;
    RETURN asked * seen;
END $$;

CREATE OR REPLACE FUNCTION device_seen(device int4, moment timestamptz) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN device IS NULL OR moment <@ device_periods(device, moment, moment + interval '1 microsecond');
END $$;

CREATE OR REPLACE FUNCTION device_subjects(device int4, since timestamptz, until timestamptz)
    RETURNS TABLE (patient_id uuid, standing text) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wearer uuid;
BEGIN
    FOR wearer IN SELECT DISTINCT a.patient_id FROM device_assignments a
        WHERE a.device_key = device AND a.superseded_at IS NULL AND a.during && tstzrange(since, until)
    LOOP
        standing := CASE WHEN may_see(wearer) THEN 'seen' ELSE standing(wearer) END;
        patient_id := CASE WHEN standing = 'seen' THEN wearer END;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION sight(moment timestamptz) RETURNS TABLE (device_key int4, patient_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT a.device_key, CASE WHEN system_acts() OR s.id IS NOT NULL THEN a.patient_id END
        FROM device_assignments a LEFT JOIN (SELECT DISTINCT seen_patients()) s (id) ON s.id = a.patient_id
        WHERE a.superseded_at IS NULL AND a.during @> moment;
    IF station_acts() THEN
        RETURN QUERY SELECT d.key, NULL::uuid FROM devices d
            WHERE d.key NOT IN (SELECT kept_before(acting_station()))
                AND NOT EXISTS (SELECT FROM device_assignments a
                    WHERE a.device_key = d.key AND a.superseded_at IS NULL AND a.during @> moment);
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION seen_patients, behind_glass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION behind_glass TO vigil_portal;
