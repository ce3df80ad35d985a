-- What a screen is shown: by whom, or by which place.

-- A station at which nobody acts shows its place: it has no relation to anybody, and sees whoever lies there.

CREATE FUNCTION lies_before(patient uuid, station uuid) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN EXISTS (
        SELECT FROM stations s
        JOIN locations l ON l.lineage @> ARRAY[s.location_id]
        JOIN encounter_locations e ON e.location_id = l.id AND e.patient_id = patient
        WHERE s.id = station AND s.revoked_at IS NULL
            AND e.superseded_at IS NULL AND e.status IN ('active', 'leave') AND e.during @> now()
    );
COMMENT ON FUNCTION lies_before IS 'Whether the patient lies in the place that this station shows.';

-- Whoever acts sees by his own relations, at whatever screen.
CREATE OR REPLACE FUNCTION may_see(patient uuid) RETURNS bool LANGUAGE sql STABLE
    RETURN system_acts() OR CASE WHEN patient IS NULL THEN somebody_acts()
        WHEN acting_user() IS NULL THEN acting_station() IS NOT NULL AND lies_before(patient, acting_station())
        ELSE current_setting('vigil.seen', true) = current_setting('vigil.user', true) || patient OR related(patient) END;

-- What a device measures is somebody's while it is assigned, and nobody's otherwise.

CREATE FUNCTION device_seen(device int4, moment timestamptz) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN device IS NULL OR moment <@ device_periods(device, moment, moment + interval '1 microsecond');
COMMENT ON FUNCTION device_seen IS 'Whether what this device measured then may be seen; null: the system about itself.';

CREATE OR REPLACE FUNCTION device_subjects(device int4, since timestamptz, until timestamptz)
    RETURNS TABLE (patient_id uuid, standing text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN a.standing = 'seen' THEN a.patient_id END, a.standing FROM (
        SELECT patient_id, standing(patient_id) FROM (
            SELECT DISTINCT patient_id FROM device_assignments
            WHERE device_key = device AND superseded_at IS NULL AND during && tstzrange(since, until)
        ) assigned
    ) a;
END;
COMMENT ON FUNCTION device_subjects IS 'Whom the device measured from since to before until, by name only if he may be seen; nobody: it was on nobody.';

CREATE FUNCTION sight(moment timestamptz) RETURNS TABLE (device_key int4, patient_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT a.device_key, CASE WHEN may_see(a.patient_id) THEN a.patient_id END FROM device_assignments a
    WHERE a.superseded_at IS NULL AND a.during @> moment
    UNION ALL
    SELECT d.key, NULL FROM devices d
    WHERE station_acts() AND d.key NOT IN (SELECT kept_before(acting_station()))
        AND NOT EXISTS (SELECT FROM device_assignments a
            WHERE a.device_key = d.key AND a.superseded_at IS NULL AND a.during @> moment);
END;
COMMENT ON FUNCTION sight IS 'Every device that is on somebody now: on whom, or null where he may not be seen. For a station also, with null, what is on nobody and kept elsewhere.';

REVOKE EXECUTE ON FUNCTION device_seen, device_subjects, sight FROM PUBLIC;
GRANT EXECUTE ON FUNCTION device_seen TO vigil_alerting, vigil_portal;          -- alerting is told everything
GRANT EXECUTE ON FUNCTION device_subjects, sight TO vigil_portal;
