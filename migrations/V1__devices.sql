-- Devices, gateways and service accounts, and what they may prove themselves with.
-- Written by `vigil device`; read by every part through the roster.

CREATE TABLE devices (
    key          int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- what telemetry rows carry: four bytes instead of sixteen
    id           uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    external_id  text NOT NULL CONSTRAINT devices_external_id_key UNIQUE
                 CONSTRAINT devices_external_id_form CHECK (external_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    kind         text NOT NULL CHECK (kind IN ('device', 'gateway', 'service')),
    profile      text NOT NULL DEFAULT 'bedside' CHECK (profile IN ('bedside', 'home')),
    age_class    text NOT NULL DEFAULT 'adult' CHECK (age_class IN ('adult', 'paediatric', 'neonatal')),
    realm        text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    gateway_key  int4 REFERENCES devices (key),                  -- the gateway that may speak for it
    enrolled_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);

CREATE TABLE device_credentials (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    device_key  int4 NOT NULL REFERENCES devices (key),
    kind        text NOT NULL CHECK (kind IN ('secret', 'certificate')),
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),  -- SHA-256 of the secret, or of the certificate's DER
    not_before  timestamptz NOT NULL DEFAULT now(),
    not_after   timestamptz,
    revoked_at  timestamptz,
    UNIQUE (device_key, kind, digest)
);

-- One row: rises with every change of the two tables above, so that a reader knows when to read them again.
CREATE TABLE roster_revision (
    sole      bool PRIMARY KEY DEFAULT true CHECK (sole),
    revision  int8 NOT NULL
);
INSERT INTO roster_revision (revision) VALUES (0);

CREATE FUNCTION bump_roster_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE roster_revision SET revision = revision + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER devices_changed AFTER INSERT OR UPDATE OR DELETE ON devices
    FOR EACH STATEMENT EXECUTE FUNCTION bump_roster_revision();
CREATE TRIGGER device_credentials_changed AFTER INSERT OR UPDATE OR DELETE ON device_credentials
    FOR EACH STATEMENT EXECUTE FUNCTION bump_roster_revision();

-- The last retained status of each device. Written by the ingest writers, in the transaction that is acknowledged.
CREATE TABLE device_statuses (
    device_key   int4 PRIMARY KEY REFERENCES devices (key),
    payload      bytea NOT NULL,         -- as it came, for subscribers
    received_at  timestamptz NOT NULL
);

-- What ingest knew of each device's clock, so that a backlog after a restart is not taken for a slow clock.
CREATE TABLE device_clocks (
    device_key  int4 PRIMARY KEY REFERENCES devices (key),
    offset_us   int8 NOT NULL,           -- add to event time to get ours
    seen_at     timestamptz NOT NULL
);
