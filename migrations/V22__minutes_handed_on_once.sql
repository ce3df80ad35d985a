-- What an hour or a day of minutes costs whoever reads it: `device_vitals_minute` reads the table itself, where it handed on
-- what `minutes_within` had read, each time through a store of all rows. What is read is the same as before.

-- Planned each time: vitals_dirty swings between empty and millions of rows, and a plan fits one of them.
CREATE FUNCTION minutes_to_compute(device int4, since timestamptz, until timestamptz) RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    first timestamptz := date_bin('1 minute', since + interval '1 minute' - interval '1 microsecond', 'epoch');
    past timestamptz := date_bin('1 minute', until, 'epoch');
BEGIN
    RETURN ARRAY(
        SELECT d.minute FROM vitals_dirty d WHERE d.device_key = device AND d.minute >= first AND d.minute < past
        UNION
        SELECT date_bin('1 minute', edge, 'epoch') FROM unnest(ARRAY[since, past]) edge
        WHERE since < until AND (edge = since AND since < first OR edge = past AND past < until)
    );
END $$;
COMMENT ON FUNCTION minutes_to_compute IS 'Minutes of a period that the table does not tell: those that are marked, and those that the period cuts.';

-- Each value is judged once, behind a fence (OFFSET 0): beside the sums it would be judged in each of them.
CREATE FUNCTION minutes_computed(device int4, since timestamptz, until timestamptz, minutes timestamptz[])
    RETURNS SETOF vitals_minute LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    worthy text;
    sums text;
BEGIN
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
            OFFSET 0
        ) frames GROUP BY minute', sums, worthy)
        USING device, greatest(since, (SELECT min(m) FROM unnest(minutes) m)),
            least(until, (SELECT max(m) FROM unnest(minutes) m) + interval '1 minute'), minutes;
END $$;
COMMENT ON FUNCTION minutes_computed IS 'These minutes, of what was measured within a period, as the roll-up would have them.';

CREATE OR REPLACE FUNCTION minutes_within(device int4, since timestamptz, until timestamptz) RETURNS SETOF vitals_minute
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    others timestamptz[] := minutes_to_compute(device, since, until);
BEGIN
    RETURN QUERY SELECT * FROM vitals_minute m WHERE m.device_key = device AND m.minute >= since
        AND m.minute < date_bin('1 minute', until, 'epoch') AND m.minute <> ALL (others);
    IF others <> '{}' THEN
        RETURN QUERY SELECT * FROM minutes_computed(device, since, until, others);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION device_vitals_minute(device int4, since timestamptz, until timestamptz)
    RETURNS SETOF vitals_minute LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    p tstzrange;
    others timestamptz[];
BEGIN
    FOR p IN SELECT unnest(device_periods(device, since, until)) LOOP
        others := minutes_to_compute(device, lower(p), upper(p));
        RETURN QUERY SELECT * FROM vitals_minute m WHERE m.device_key = device AND m.minute >= lower(p)
            AND m.minute < date_bin('1 minute', upper(p), 'epoch') AND m.minute <> ALL (others);
        IF others <> '{}' THEN
            RETURN QUERY SELECT * FROM minutes_computed(device, lower(p), upper(p), others);
        END IF;
    END LOOP;
END $$;

REVOKE EXECUTE ON FUNCTION minutes_to_compute, minutes_computed FROM PUBLIC;
