-- When a patient is with us, where he lies, and who may see him for it.

CREATE TABLE encounters (
    id                 uuid PRIMARY KEY,
    realm              text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id         uuid NOT NULL,
    episode_id         uuid,
    account_id         uuid,
    class              text NOT NULL CHECK (class IN ('inpatient', 'outpatient', 'emergency', 'observation', 'home', 'virtual')),
    status             text NOT NULL CHECK (status IN ('planned', 'arrived', 'in_progress', 'on_leave', 'finished', 'cancelled')),
    visit_token        bytea CONSTRAINT encounters_visit_token_length CHECK (octet_length(visit_token) = 32),
    visit_key_version  int4 CHECK (visit_key_version > 0),
    visit_sealed       bytea,
    during             tstzrange NOT NULL CONSTRAINT encounters_during_lasts CHECK (NOT isempty(during)),
    age_class          text NOT NULL CHECK (age_class IN ('adult', 'paediatric', 'neonatal')),
    attending_id       uuid,
    legal_hold         bool NOT NULL DEFAULT false,
    retention          text NOT NULL DEFAULT 'clinical' REFERENCES retention_classes (code),
    version            int4 NOT NULL DEFAULT 1,
    UNIQUE (id, patient_id),
    UNIQUE (id, patient_id, realm),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (episode_id, patient_id) REFERENCES episodes (id, patient_id),
    FOREIGN KEY (account_id, patient_id) REFERENCES accounts (id, patient_id),
    FOREIGN KEY (attending_id, realm) REFERENCES practitioners (id, realm),
    CONSTRAINT encounters_visit_whole CHECK (num_nonnulls(visit_token, visit_key_version, visit_sealed) IN (0, 3))
);
CREATE UNIQUE INDEX encounters_visit_key ON encounters (realm, visit_key_version, visit_token) WHERE status <> 'cancelled';
CREATE INDEX encounters_of ON encounters (patient_id);
COMMENT ON TABLE encounters IS 'One stay or visit of a patient. Written by the portal.';
COMMENT ON COLUMN encounters.episode_id IS 'Null: not part of one.';
COMMENT ON COLUMN encounters.account_id IS 'Null: not billed yet.';
COMMENT ON COLUMN encounters.class IS 'What kind of stay it is.';
COMMENT ON COLUMN encounters.status IS 'As in FHIR Encounter.';
COMMENT ON COLUMN encounters.visit_token IS 'Keyed hash of the visit number, by which it is found.';
COMMENT ON COLUMN encounters.visit_key_version IS 'Of the key that made the token.';
COMMENT ON COLUMN encounters.visit_sealed IS 'The visit number as written.';
COMMENT ON COLUMN encounters.during IS 'From when to when; without an end while it lasts.';
COMMENT ON COLUMN encounters.age_class IS 'By which limits he is watched.';
COMMENT ON COLUMN encounters.attending_id IS 'The practitioner who answers for him.';
COMMENT ON COLUMN encounters.legal_hold IS 'May not be removed.';
COMMENT ON COLUMN encounters.retention IS 'How long it is kept.';
CALL keep_versions('encounters', 'visit_token', 'visit_key_version');
CALL fix_realm('encounters');

CREATE TABLE encounter_locations (
    id             uuid PRIMARY KEY,
    realm          text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    encounter_id   uuid NOT NULL,
    patient_id     uuid NOT NULL,
    location_id    uuid NOT NULL,
    physical       bool NOT NULL,
    status         text NOT NULL CHECK (status IN ('reserved', 'active', 'leave', 'left')),
    during         tstzrange NOT NULL CONSTRAINT encounter_locations_during_lasts CHECK (NOT isempty(during)),
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    superseded_at  timestamptz,
    version        int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    CONSTRAINT encounter_locations_left_has_end CHECK (status <> 'left' OR NOT upper_inf(during)),
    CONSTRAINT encounter_locations_taken EXCLUDE USING gist (location_id WITH =, during WITH &&)
        WHERE (physical AND status <> 'left' AND superseded_at IS NULL),
    CONSTRAINT encounter_locations_elsewhere EXCLUDE USING gist (patient_id WITH =, during WITH &&)
        WHERE (physical AND status <> 'left' AND superseded_at IS NULL)
);
CREATE INDEX encounter_locations_of ON encounter_locations (patient_id) WHERE superseded_at IS NULL;
CREATE INDEX encounter_locations_stay ON encounter_locations (encounter_id);
CREATE INDEX encounter_locations_at ON encounter_locations (location_id) WHERE superseded_at IS NULL;
COMMENT ON TABLE encounter_locations IS 'Where a patient is during a stay. Superseded, never removed. Written by the portal.';
COMMENT ON COLUMN encounter_locations.physical IS 'True: he lies there, so that nobody else does and he lies nowhere else. False: he belongs there, as to a unit.';
COMMENT ON COLUMN encounter_locations.status IS 'leave: away for a while, the bed is his.';
COMMENT ON COLUMN encounter_locations.during IS 'From when to when; without an end while he is there.';
COMMENT ON COLUMN encounter_locations.superseded_at IS 'When something else was found to be true; null: holds.';
CALL keep_versions('encounter_locations');
CALL fix_realm('encounter_locations');

CREATE TABLE care_team (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id       uuid NOT NULL,
    encounter_id     uuid,
    practitioner_id  uuid NOT NULL,
    role             text NOT NULL CONSTRAINT care_team_role_form CHECK (role ~ '^[a-z_]{1,40}$'),
    during           tstzrange NOT NULL CONSTRAINT care_team_during_lasts CHECK (NOT isempty(during)),
    version          int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    FOREIGN KEY (practitioner_id, realm) REFERENCES practitioners (id, realm),
    CONSTRAINT care_team_once EXCLUDE USING gist (patient_id WITH =, practitioner_id WITH =, role WITH =, during WITH &&)
);
CREATE INDEX care_team_of ON care_team (practitioner_id, patient_id);
COMMENT ON TABLE care_team IS 'Who cares for a patient, and sees him for it. Written by the portal.';
COMMENT ON COLUMN care_team.encounter_id IS 'Null: beyond one stay, as a family doctor.';
COMMENT ON COLUMN care_team.role IS 'A word of the site''s list, such as attending.';
COMMENT ON COLUMN care_team.during IS 'From when to when.';
CALL keep_versions('care_team');
CALL fix_realm('care_team');

CREATE TABLE access_grants (
    id             uuid PRIMARY KEY,
    realm          text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    user_id        uuid NOT NULL,
    patient_id     uuid NOT NULL,
    via            text NOT NULL CHECK (via IN ('care_team', 'alarm', 'break_glass', 'referral', 'registration')),
    during         tstzrange NOT NULL CONSTRAINT access_grants_ends CHECK (NOT isempty(during) AND NOT upper_inf(during)),
    reason_code    text CONSTRAINT access_grants_reason_form CHECK (reason_code ~ '^[a-z_]{1,40}$'),
    reason_sealed  bytea,
    alarm_id       uuid,                                         -- → alarms (V12)
    review_by      timestamptz,
    reviewed_by    uuid,
    reviewed_at    timestamptz,
    review         text CHECK (review IN ('justified', 'unjustified')),
    version        int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (user_id, realm) REFERENCES users (id, realm),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (reviewed_by, realm) REFERENCES users (id, realm),
    CONSTRAINT access_grants_alarm_named CHECK ((via = 'alarm') = (alarm_id IS NOT NULL)),
    CONSTRAINT access_grants_glass_has_reason CHECK (via <> 'break_glass' OR num_nonnulls(reason_code, review_by) = 2),
    CONSTRAINT access_grants_glass_is_short CHECK (via <> 'break_glass'
        OR upper(during) <= lower(during) + interval '60 minutes'),
    CONSTRAINT access_grants_reviewed_whole CHECK (num_nonnulls(reviewed_by, reviewed_at, review) IN (0, 3)),
    CONSTRAINT access_grants_reviewed_by_another CHECK (reviewed_by <> user_id)
);
CREATE INDEX access_grants_of ON access_grants (user_id, patient_id);
CREATE INDEX access_grants_to ON access_grants (patient_id);
CREATE INDEX access_grants_unreviewed ON access_grants (review_by) WHERE review_by IS NOT NULL AND reviewed_at IS NULL;
COMMENT ON TABLE access_grants IS 'Somebody may see a patient for a while, though he neither covers him nor is of his team. Written by the portal.';
COMMENT ON COLUMN access_grants.via IS 'How he came by it; registration: he made the record.';
COMMENT ON COLUMN access_grants.during IS 'From when to when; always ends.';
COMMENT ON COLUMN access_grants.reason_code IS 'A word of the site''s list.';
COMMENT ON COLUMN access_grants.reason_sealed IS 'In his own words, by the patient''s key.';
COMMENT ON COLUMN access_grants.alarm_id IS 'The alarm that called him.';
COMMENT ON COLUMN access_grants.review_by IS 'Until when somebody else must have looked at it; null: nobody need.';
COMMENT ON COLUMN access_grants.reviewed_by IS 'Somebody else.';
COMMENT ON COLUMN access_grants.review IS 'What the reviewer found.';
CALL keep_versions('access_grants');
CALL fix_realm('access_grants');

GRANT SELECT, INSERT, UPDATE ON encounters, encounter_locations, care_team, access_grants TO vigil_portal;
GRANT SELECT ON encounters_history, encounter_locations_history, care_team_history, access_grants_history TO vigil_portal;
GRANT SELECT ON encounters, encounter_locations TO vigil_alerting;
GRANT SELECT (id, patient_id, realm, status, visit_token, visit_key_version, visit_sealed),
    UPDATE (visit_token, visit_key_version) ON encounters TO vigil_keys;
