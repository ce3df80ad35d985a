-- What a screen shows of a device is of whoever wears it now.

-- Whoever wore a device last is found at the end of its list.
CREATE INDEX device_assignments_ended ON device_assignments (device_key, upper(during)) WHERE superseded_at IS NULL;

CREATE FUNCTION worn_since(moment timestamptz) RETURNS TABLE (device_key int4, since timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT d.key, w.since FROM devices d CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT lower(a.during) FROM device_assignments a
            WHERE a.device_key = d.key AND a.superseded_at IS NULL AND a.during @> moment
        ), (
            SELECT upper(a.during) FROM device_assignments a
            WHERE a.device_key = d.key AND a.superseded_at IS NULL AND upper(a.during) <= moment
            ORDER BY upper(a.during) DESC LIMIT 1
        )) AS since
    ) w WHERE w.since IS NOT NULL;
END;
COMMENT ON FUNCTION worn_since IS 'Of every device that was ever on anybody: since when it is on whom it is on at this moment, or on nobody.';

REVOKE EXECUTE ON FUNCTION worn_since FROM PUBLIC;
GRANT EXECUTE ON FUNCTION worn_since TO vigil_portal;
