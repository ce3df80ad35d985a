-- Changes of the roster are announced, and can be read without the rest of it.
--
-- Each row carries the revision that wrote it last. The bump holds the one row of roster_revision until its transaction
-- ends, so revisions become visible in their order: whoever sees one sees every row of it and of those before.

ALTER TABLE devices ADD COLUMN revision int8 NOT NULL DEFAULT 0;
CREATE INDEX devices_revision ON devices (revision);

ALTER TABLE device_credentials ADD COLUMN revision int8 NOT NULL DEFAULT 0;
CREATE INDEX device_credentials_revision ON device_credentials (revision);

-- The last one in which rows went, which leave no trace of their own: whoever knows less reads everything again.
ALTER TABLE roster_revision ADD COLUMN removal int8 NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION bump_roster_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    risen int8;
BEGIN
    UPDATE roster_revision SET revision = revision + 1,
        removal = CASE WHEN TG_OP IN ('DELETE', 'TRUNCATE') THEN revision + 1 ELSE removal END
        RETURNING revision INTO risen;
    -- The number is for whoever listens by hand: a reader asks the table what is newest.
    PERFORM pg_notify('vigil_roster', risen::text);
    RETURN NULL;
END $$;

CREATE FUNCTION stamp_roster_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := (SELECT revision FROM roster_revision);
    RETURN NEW;
END $$;

-- Before the rows, which carry its number.
DROP TRIGGER devices_changed ON devices;
CREATE TRIGGER devices_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON devices
    FOR EACH STATEMENT EXECUTE FUNCTION bump_roster_revision();
CREATE TRIGGER devices_stamped BEFORE INSERT OR UPDATE ON devices
    FOR EACH ROW EXECUTE FUNCTION stamp_roster_revision();

DROP TRIGGER device_credentials_changed ON device_credentials;
CREATE TRIGGER device_credentials_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON device_credentials
    FOR EACH STATEMENT EXECUTE FUNCTION bump_roster_revision();
CREATE TRIGGER device_credentials_stamped BEFORE INSERT OR UPDATE ON device_credentials
    FOR EACH ROW EXECUTE FUNCTION stamp_roster_revision();
