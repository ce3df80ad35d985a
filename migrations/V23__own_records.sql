-- Nobody opens his own record, whatever relation he has to himself. And whatever ends a relation tells it, so that a screen
-- looks again at once (V18) and not only when it would have looked anyway.

CREATE TABLE own_records (
    id             uuid PRIMARY KEY,
    realm          text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    user_id        uuid NOT NULL,
    patient_id     uuid NOT NULL,
    superseded_at  timestamptz,
    version        int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (user_id, realm) REFERENCES users (id, realm),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    CONSTRAINT own_records_once UNIQUE (user_id, patient_id)
);
COMMENT ON TABLE own_records IS 'Which patient a user is himself: that record stays closed to him. Written by the portal, for a command on the host.';
COMMENT ON COLUMN own_records.superseded_at IS 'It was a mistake, found out then: the record is as any other to him.';
CALL keep_versions('own_records');
CALL fix_realm('own_records');
CALL guard('own_records', looked_up => true);
GRANT SELECT, INSERT, UPDATE ON own_records TO vigil_portal;
GRANT SELECT ON own_records_history TO vigil_portal;

CREATE FUNCTION is_own_record(patient uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM own_records o WHERE o.user_id = acting_user() AND o.patient_id = patient AND o.superseded_at IS NULL
    );
END $$;
COMMENT ON FUNCTION is_own_record IS 'Whether the acting user is this patient himself.';
REVOKE EXECUTE ON FUNCTION is_own_record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_own_record TO vigil_portal;

CREATE OR REPLACE FUNCTION related(patient uuid) RETURNS bool LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    me uuid := acting_user();
    practitioner uuid;
    own bool;
    known bool := false;
BEGIN
    SELECT u.practitioner_id, EXISTS (
            SELECT FROM own_records o WHERE o.user_id = u.id AND o.patient_id = patient AND o.superseded_at IS NULL
        ) INTO practitioner, own FROM users u WHERE u.id = me AND u.status = 'active';
    IF NOT FOUND OR own THEN
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

CREATE OR REPLACE FUNCTION seen_patients() RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
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
        (SELECT c.patient_id FROM duties d JOIN cover c ON c.duty_id = d.id
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
        SELECT g.patient_id FROM access_grants g WHERE g.user_id = me AND g.during @> now())
        EXCEPT
        SELECT o.patient_id FROM own_records o WHERE o.user_id = me AND o.superseded_at IS NULL;
END $$;

CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON duties FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON cover FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON care_team FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON encounter_locations FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON device_assignments FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE OR DELETE ON own_records FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
