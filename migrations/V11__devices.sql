-- Devices move into the core: a realm in their keys, a place, versions; and which patient each of them measured, and when.

ALTER TABLE devices
    ADD COLUMN attachment text NOT NULL DEFAULT 'portable' CHECK (attachment IN ('fixed', 'portable', 'gateway')),
    ADD COLUMN location_id uuid,
    ADD COLUMN status text NOT NULL DEFAULT 'in_use' CHECK (status IN ('in_use', 'stored', 'in_repair', 'lost', 'retired')),
    ADD COLUMN version int4 NOT NULL DEFAULT 1,
    ADD UNIQUE (key, realm),
    DROP CONSTRAINT devices_gateway_key_fkey,
    ADD FOREIGN KEY (gateway_key, realm) REFERENCES devices (key, realm),
    ADD FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    ADD CONSTRAINT devices_fixed_somewhere CHECK (attachment <> 'fixed' OR location_id IS NOT NULL);
UPDATE devices SET attachment = 'gateway' WHERE kind = 'gateway';
CREATE INDEX devices_at ON devices (location_id) WHERE location_id IS NOT NULL;
COMMENT ON TABLE devices IS 'What is enrolled: a device, a gateway that speaks for others, a service account. Written by `vigil device`; every part reads it through the roster. What changes by the minute stands in device_clocks and device_statuses.';
COMMENT ON COLUMN devices.key IS 'What telemetry rows carry: four bytes instead of sixteen.';
COMMENT ON COLUMN devices.external_id IS 'Its name: MQTT client id and user name.';
COMMENT ON COLUMN devices.kind IS 'What it may do on the wire.';
COMMENT ON COLUMN devices.profile IS 'How long its frames count as live: 15 s at the bedside, 60 s at home.';
COMMENT ON COLUMN devices.age_class IS 'By which limits it is judged while nobody is assigned.';
COMMENT ON COLUMN devices.gateway_key IS 'The gateway that may speak for it.';
COMMENT ON COLUMN devices.revision IS 'Of the roster, when the row was last written.';
COMMENT ON COLUMN devices.attachment IS 'fixed: measures whoever lies at its place; portable: goes with a patient.';
COMMENT ON COLUMN devices.location_id IS 'Where it is fixed or kept.';
COMMENT ON COLUMN devices.status IS 'Of the equipment; whether it may speak is revoked_at.';
-- `devices_stamped` comes before `version_raised`: a new revision alone is no new version.
CALL keep_versions('devices', 'revision');
CALL fix_realm('devices');

-- Whoever writes a device need not be allowed to write this.
ALTER FUNCTION bump_roster_revision() SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
REVOKE EXECUTE ON FUNCTION bump_roster_revision FROM PUBLIC;

COMMENT ON TABLE device_credentials IS 'What a device proves itself with. Added and revoked by `vigil device`, never edited.';
COMMENT ON COLUMN device_credentials.device_key IS 'Whose it is.';
COMMENT ON COLUMN device_credentials.kind IS 'What the digest is of.';
COMMENT ON COLUMN device_credentials.digest IS 'SHA-256 of the secret, or of the certificate''s DER.';
COMMENT ON COLUMN device_credentials.not_before IS 'From when it is good.';
COMMENT ON COLUMN device_credentials.not_after IS 'Until when; null: until it is revoked.';
COMMENT ON COLUMN device_credentials.revision IS 'Of the roster, when the row was last written.';

COMMENT ON TABLE roster_revision IS 'One row: rises with every change of devices and their credentials. Written by their triggers.';
COMMENT ON COLUMN roster_revision.sole IS 'Keeps it one row.';
COMMENT ON COLUMN roster_revision.revision IS 'The newest.';
COMMENT ON COLUMN roster_revision.removal IS 'The newest in which rows went: whoever knows less reads everything again.';

COMMENT ON TABLE device_statuses IS 'The last retained status of a device. Written by ingest, in the transaction that is acknowledged.';
COMMENT ON COLUMN device_statuses.device_key IS 'Whose it is.';
COMMENT ON COLUMN device_statuses.payload IS 'As it came, for subscribers.';

COMMENT ON TABLE device_clocks IS 'What ingest knew of a device''s clock, so that a backlog after a restart is not taken for a slow clock. Written by ingest.';
COMMENT ON COLUMN device_clocks.device_key IS 'Whose it is.';
COMMENT ON COLUMN device_clocks.offset_us IS 'Microseconds to add to its time to get ours.';

CREATE TABLE device_assignments (
    id             uuid PRIMARY KEY,
    realm          text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    device_key     int4 NOT NULL,
    patient_id     uuid NOT NULL,
    encounter_id   uuid NOT NULL,
    during         tstzrange NOT NULL CONSTRAINT device_assignments_during_lasts CHECK (NOT isempty(during)),
    source         text NOT NULL CHECK (source IN ('adt', 'scan', 'manual')),
    confirmed_by   uuid,
    recorded_at    timestamptz NOT NULL,
    recorded_by    uuid,
    superseded_at  timestamptz,
    superseded_by  uuid,
    version        int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (device_key, realm) REFERENCES devices (key, realm),
    FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    FOREIGN KEY (confirmed_by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (recorded_by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (superseded_by, realm) REFERENCES users (id, realm),
    CONSTRAINT device_assignments_superseded_when CHECK (superseded_by IS NULL OR superseded_at IS NOT NULL),
    CONSTRAINT device_assignments_taken EXCLUDE USING gist (device_key WITH =, during WITH &&) WHERE (superseded_at IS NULL)
);
CREATE INDEX device_assignments_of ON device_assignments (patient_id) WHERE superseded_at IS NULL;
COMMENT ON TABLE device_assignments IS 'A device measured this patient then: all that telemetry knows of persons. Corrected by superseding. Written by the portal.';
COMMENT ON COLUMN device_assignments.device_key IS 'The device.';
COMMENT ON COLUMN device_assignments.during IS 'By the clock of the device, as its rows are; without an end while it lasts.';
COMMENT ON COLUMN device_assignments.source IS 'adt: followed from where he lies.';
COMMENT ON COLUMN device_assignments.confirmed_by IS 'Who looked at both; null: nobody did.';
COMMENT ON COLUMN device_assignments.recorded_by IS 'Null: Vigil itself.';
COMMENT ON COLUMN device_assignments.superseded_at IS 'When something else was found to be true; null: holds.';
COMMENT ON COLUMN device_assignments.superseded_by IS 'Who found it; null: Vigil itself, or it holds.';
CALL keep_versions('device_assignments');
CALL fix_realm('device_assignments');

CREATE TABLE observations (
    id            uuid PRIMARY KEY,
    realm         text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id    uuid NOT NULL,
    encounter_id  uuid NOT NULL,
    code_system   text NOT NULL,
    code          text NOT NULL,
    code_display  text NOT NULL,
    value_num     float8,
    value_code    text,
    text_sealed   bytea,
    unit          text,
    effective_at  timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    performer_id  uuid,
    device_key    int4,
    set_id        uuid,
    status        text NOT NULL DEFAULT 'final' CHECK (status IN ('final', 'amended', 'error')),
    supersedes    uuid,
    version       int4 NOT NULL DEFAULT 1,
    UNIQUE (id, patient_id),
    FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    FOREIGN KEY (performer_id, realm) REFERENCES practitioners (id, realm),
    FOREIGN KEY (device_key, realm) REFERENCES devices (key, realm),
    FOREIGN KEY (supersedes, patient_id) REFERENCES observations (id, patient_id),
    CONSTRAINT observations_by_one CHECK (num_nonnulls(performer_id, device_key) = 1),
    CONSTRAINT observations_say_something CHECK (num_nonnulls(value_num, value_code, text_sealed) > 0),
    CONSTRAINT observations_number_has_unit CHECK ((value_num IS NULL) = (unit IS NULL))
);
CREATE INDEX observations_of ON observations (patient_id, effective_at);
CREATE UNIQUE INDEX observations_superseded_key ON observations (supersedes) WHERE supersedes IS NOT NULL;
COMMENT ON TABLE observations IS 'What somebody saw or entered by hand, and single results of devices that are no stream. Written by the portal.';
COMMENT ON COLUMN observations.code_system IS 'URI of the list that the code is of.';
COMMENT ON COLUMN observations.code IS 'What was observed.';
COMMENT ON COLUMN observations.code_display IS 'As the observer read it.';
COMMENT ON COLUMN observations.value_num IS 'In `unit`.';
COMMENT ON COLUMN observations.value_code IS 'A word of a list, such as alert.';
COMMENT ON COLUMN observations.text_sealed IS 'In the observer''s words.';
COMMENT ON COLUMN observations.unit IS 'UCUM.';
COMMENT ON COLUMN observations.effective_at IS 'When it was so.';
COMMENT ON COLUMN observations.performer_id IS 'The practitioner who observed; else the device.';
COMMENT ON COLUMN observations.device_key IS 'The device that measured; else the practitioner.';
COMMENT ON COLUMN observations.set_id IS 'Of those that were entered together.';
COMMENT ON COLUMN observations.status IS 'amended: another one supersedes it; error: was never so.';
COMMENT ON COLUMN observations.supersedes IS 'The observation in whose place it stands.';
CALL keep_versions('observations');
CALL fix_realm('observations');

GRANT SELECT ON devices, device_credentials, roster_revision TO vigil_ingest, vigil_alerting, vigil_portal;
GRANT INSERT, UPDATE ON devices, device_credentials TO vigil_portal;
GRANT SELECT ON devices_history TO vigil_portal;
GRANT SELECT, INSERT, UPDATE ON device_statuses, device_clocks TO vigil_ingest;
GRANT SELECT ON device_statuses, device_clocks TO vigil_alerting, vigil_portal;
GRANT SELECT, INSERT, UPDATE ON device_assignments, observations TO vigil_portal;
GRANT SELECT ON device_assignments_history, observations_history TO vigil_portal;
GRANT SELECT ON device_assignments, observations TO vigil_alerting;
GRANT SELECT ON devices TO vigil_audit;                                      -- whose names stand beside events
