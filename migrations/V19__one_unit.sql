-- A station sees one unit: who lies in its place (V17), and of what is on nobody only what is kept there.

CREATE FUNCTION station_acts() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
    RETURN acting_station() IS NOT NULL AND acting_user() IS NULL AND NOT system_acts();
COMMENT ON FUNCTION station_acts IS 'Whether this transaction works for a screen at which nobody acts.';

-- A device whose place nobody wrote down may stand anywhere: its alarm is shown on every wall rather than on none.
CREATE FUNCTION kept_before(station uuid) RETURNS SETOF int4 LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
    SET search_path = public, pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT d.key FROM devices d JOIN stations s ON s.realm = d.realm
    WHERE s.id = station AND s.revoked_at IS NULL AND (d.location_id IS NULL OR d.location_id = ANY (ARRAY(
        SELECT l.id FROM stations o JOIN locations l ON l.lineage @> ARRAY[o.location_id] WHERE o.id = station
    )));
END;
COMMENT ON FUNCTION kept_before IS 'Devices of the station''s realm that are fixed or kept in its place, and those without any.';

CREATE OR REPLACE FUNCTION sight(moment timestamptz) RETURNS TABLE (device_key int4, patient_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT a.device_key, CASE WHEN may_see(a.patient_id) THEN a.patient_id END FROM device_assignments a
    WHERE a.superseded_at IS NULL AND a.during @> moment
    UNION ALL
    SELECT d.key, NULL FROM devices d
    WHERE station_acts() AND d.revoked_at IS NULL AND d.key NOT IN (SELECT kept_before(acting_station()))
        AND NOT EXISTS (SELECT FROM device_assignments a
            WHERE a.device_key = d.key AND a.superseded_at IS NULL AND a.during @> moment);
END;
COMMENT ON FUNCTION sight IS 'Every device that is on somebody now: on whom, or null where he may not be seen. For a station also, with null, what is on nobody and kept elsewhere.';

CREATE OR REPLACE FUNCTION device_periods(device int4, since timestamptz, until timestamptz) RETURNS tstzmultirange
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_catalog, pg_temp AS $$
DECLARE
    asked tstzmultirange := tstzmultirange(tstzrange(since, until));
    assigned tstzmultirange;
    seen tstzmultirange;
BEGIN
    IF has_table_privilege(session_user, 'vitals', 'SELECT') THEN
        RETURN asked;
    END IF;
    SELECT coalesce(range_agg(during), '{}'), coalesce(range_agg(during) FILTER (WHERE may_see(patient_id)), '{}')
        INTO assigned, seen FROM device_assignments
        WHERE device_key = device AND superseded_at IS NULL AND during && tstzrange(since, until);
    IF somebody_acts() AND NOT (station_acts() AND device NOT IN (SELECT kept_before(acting_station()))) THEN
        seen := seen + (asked - assigned);
    END IF;
    RETURN asked * seen;
END $$;

REVOKE EXECUTE ON FUNCTION kept_before FROM PUBLIC;
