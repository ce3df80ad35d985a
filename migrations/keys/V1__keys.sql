-- Keys of patients, each wrapped, apart from what they open. Written only by the crate `keys`, as vigil_keys.

CREATE TABLE generation (
    the_row  bool PRIMARY KEY DEFAULT true CHECK (the_row),
    number   int4 NOT NULL DEFAULT 1
);
COMMENT ON TABLE generation IS 'Counts changes of keys; one row. Every process that holds keys says by an advisory lock which count it knows.';
INSERT INTO generation DEFAULT VALUES;

CREATE TABLE root_keys (
    check_value  bytea PRIMARY KEY CONSTRAINT root_keys_check_value_length CHECK (octet_length(check_value) = 32),
    state        text NOT NULL CHECK (state IN ('active', 'retired')),
    made_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE root_keys IS 'A root key that opens this database; two while one replaces the other. The key itself is in no database.';
COMMENT ON COLUMN root_keys.check_value IS 'Derived from the root key; it tells nothing of it.';
COMMENT ON COLUMN root_keys.state IS 'retired: opens until nobody uses it any more.';

CREATE TABLE wrapping_keys (
    version  int4 PRIMARY KEY,
    state    text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    made_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX wrapping_keys_one_active ON wrapping_keys (state) WHERE state = 'active';
COMMENT ON TABLE wrapping_keys IS 'A key that wraps the keys of patients and of the system.';
COMMENT ON COLUMN wrapping_keys.state IS 'next: opens; active: wraps; retired: on its way out of every row.';

CREATE TABLE wrapped_keys (
    version      int4 NOT NULL REFERENCES wrapping_keys,
    check_value  bytea NOT NULL REFERENCES root_keys,
    wrapped      bytea NOT NULL,
    PRIMARY KEY (version, check_value)
);
COMMENT ON TABLE wrapped_keys IS 'A wrapping key as one root key wraps it.';

CREATE TABLE patient_keys (
    patient_id        uuid PRIMARY KEY,
    wrapping_version  int4 REFERENCES wrapping_keys,
    wrapped           bytea,
    made_at           timestamptz NOT NULL DEFAULT now(),
    destroyed_at      timestamptz,
    CONSTRAINT patient_keys_destroyed_is_empty CHECK ((destroyed_at IS NOT NULL) = (wrapped IS NULL)
        AND (wrapped IS NULL) = (wrapping_version IS NULL))
);
CREATE INDEX patient_keys_wrapping_version ON patient_keys (wrapping_version);
COMMENT ON TABLE patient_keys IS 'The key of one patient; or that it was destroyed, which nothing undoes.';

CREATE FUNCTION stay_destroyed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a key that was destroyed stays destroyed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patient_keys_stay_destroyed';
END $$;
CREATE TRIGGER stay_destroyed BEFORE UPDATE OR DELETE ON patient_keys FOR EACH ROW
    WHEN (OLD.destroyed_at IS NOT NULL) EXECUTE FUNCTION stay_destroyed();

GRANT SELECT, UPDATE ON generation TO vigil_keys;
GRANT SELECT, INSERT, UPDATE, DELETE ON root_keys, wrapping_keys, wrapped_keys TO vigil_keys;
GRANT SELECT, INSERT, UPDATE ON patient_keys TO vigil_keys;
GRANT SELECT ON refinery_schema_history TO vigil_keys;
