-- What the audit lacked: a mark on what no process announced, names for what was refused, and an end before a review.

-- Who searches the audit has no relation to those whom it is about, and only the audit's own role reads it.
CREATE POLICY read ON audit_subjects FOR SELECT TO vigil_audit USING (somebody_acts());

ALTER TABLE audit_links ADD COLUMN adopted bool NOT NULL DEFAULT false;
COMMENT ON COLUMN audit_links.adopted IS 'No process announced the event: a crash left it, or somebody put it there. Part of the hash.';

CREATE FUNCTION wearers(device int4, since timestamptz, until timestamptz) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT DISTINCT patient_id FROM device_assignments
    WHERE device_key = device AND superseded_at IS NULL AND during && tstzrange(since, until) LIMIT 10000;
END;
COMMENT ON FUNCTION wearers IS 'On whom the device was from since to before until, whoever asks: for the event of a refusal, which names those whom the answer does not.';
REVOKE EXECUTE ON FUNCTION wearers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wearers TO vigil_audit;

-- Whoever finds an access justified has seen all of it, so it must be over; one that he finds unjustified ends with that.
DROP FUNCTION review_glass;
CREATE FUNCTION review_glass(glass uuid, finding text, moment timestamptz, OUT outcome text, OUT patient uuid)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    looked access_grants;
BEGIN
    outcome := 'unknown';
    SELECT * INTO looked FROM access_grants WHERE id = glass AND via = 'break_glass'
        AND realm = (SELECT u.realm FROM users u WHERE u.id = acting_user()) FOR UPDATE;
    IF NOT FOUND OR NOT reviews_glasses() THEN
        RETURN;
    END IF;
    patient := looked.patient_id;
    IF looked.user_id = acting_user() THEN
        outcome := 'own';
    ELSIF looked.reviewed_at IS NOT NULL THEN
        outcome := 'already';
    ELSIF finding = 'justified' AND moment < upper(looked.during) THEN
        outcome := 'open';
    ELSE
        UPDATE access_grants SET reviewed_by = acting_user(), reviewed_at = moment, review = finding,
            during = tstzrange(lower(during), least(upper(during), greatest(moment, lower(during) + interval '1 microsecond')))
            WHERE id = glass;
        outcome := 'reviewed';
    END IF;
END $$;
COMMENT ON FUNCTION review_glass IS 'What came of it: reviewed, or unknown, own, already, open, and nothing was done; and whom it is about.';
REVOKE EXECUTE ON FUNCTION review_glass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION review_glass TO vigil_portal;
