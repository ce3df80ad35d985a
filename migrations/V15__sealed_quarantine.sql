-- What came from a device may hold anything, a name among it: payloads in quarantine are sealed by the system key. And a patient
-- whose key is destroyed is found by no search any more.

ALTER TABLE quarantine ADD COLUMN sealed bool NOT NULL DEFAULT false;
CREATE INDEX quarantine_not_sealed ON quarantine (id) WHERE NOT sealed;
COMMENT ON COLUMN quarantine.sealed IS 'Whether the payload is; every row is soon after a start.';
COMMENT ON COLUMN quarantine.payload IS 'Sealed by the system key, bound to the digest; of what could not be understood at most 8 KiB.';
COMMENT ON COLUMN quarantine.digest IS 'Keyed hash of the whole payload: tells whether it is the same, and to nobody what it is.';

-- As the owner: history keeps tokens too. Refused while anything of the patient is on legal hold, and none can be put on it
-- until the transaction ends.
CREATE FUNCTION forget_tokens(forgotten uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    held bool;
    kept text;
BEGIN
    SELECT legal_hold INTO held FROM patients WHERE id = forgotten FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such patient' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'patients_exists';
    END IF;
    PERFORM FROM accounts WHERE patient_id = forgotten FOR UPDATE;
    PERFORM FROM encounters WHERE patient_id = forgotten FOR UPDATE;
    IF held OR EXISTS (SELECT FROM accounts WHERE patient_id = forgotten AND legal_hold)
        OR EXISTS (SELECT FROM encounters WHERE patient_id = forgotten AND legal_hold) THEN
        RAISE EXCEPTION 'on legal hold' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patients_legal_hold';
    END IF;
    DELETE FROM patient_tokens WHERE patient_id = forgotten;
    -- Thirty-two bytes that are the token of nothing, each its own.
    FOREACH kept IN ARRAY ARRAY['patient_identifiers', 'patient_identifiers_history'] LOOP
        EXECUTE format('UPDATE %I SET token = sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
            WHERE patient_id = $1', kept) USING forgotten;
    END LOOP;
    FOREACH kept IN ARRAY ARRAY['encounters', 'encounters_history'] LOOP
        EXECUTE format('UPDATE %I SET visit_token = sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
            WHERE patient_id = $1 AND visit_token IS NOT NULL', kept) USING forgotten;
    END LOOP;
END $$;
COMMENT ON FUNCTION forget_tokens IS 'Of a patient whose key is destroyed in the same moment (keys/src/shred.rs).';
REVOKE EXECUTE ON FUNCTION forget_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_tokens TO vigil_keys;
