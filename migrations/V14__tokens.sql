-- A row is found by the token that the active index key made of it. While index keys are replaced (keys/src/rotate.rs), whoever
-- computed a token by the old one before and writes it after would write what nobody finds once that key is destroyed.
-- Whoever writes a token writes the version of its key; only `forget_tokens`, whose tokens are of nothing, does not.

CREATE FUNCTION refuse_old_token() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made_by int4 := (to_jsonb(NEW) ->> TG_ARGV[0])::int4;
BEGIN
    -- Locked until we commit: another one becomes active only afterwards, and then finds this row.
    PERFORM FROM system_keys WHERE purpose = 'index' AND version = made_by AND state = 'active' FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM system_keys WHERE purpose = 'index') THEN
        RAISE EXCEPTION 'the index key % is not the active one', made_by
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_token_is_current',
                HINT = 'compute the token again';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION refuse_old_token FROM PUBLIC;

CREATE TRIGGER token_is_current BEFORE INSERT OR UPDATE OF key_version ON patient_identifiers
    FOR EACH ROW EXECUTE FUNCTION refuse_old_token('key_version');
CREATE TRIGGER token_is_current BEFORE INSERT OR UPDATE OF key_version ON patient_tokens
    FOR EACH ROW EXECUTE FUNCTION refuse_old_token('key_version');
CREATE TRIGGER token_is_current BEFORE INSERT OR UPDATE OF visit_key_version ON encounters
    FOR EACH ROW WHEN (NEW.visit_token IS NOT NULL) EXECUTE FUNCTION refuse_old_token('visit_key_version');
