-- Patients, what they are known by, and when and where they are with us. Everything that names a person is sealed by his own
-- key (`_sealed`); he is found by keyed tokens.

CREATE TABLE patients (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    status           text NOT NULL DEFAULT 'active' CHECK (status IN ('provisional', 'active', 'merged', 'error')),
    merged_into      uuid CONSTRAINT patients_not_merged_into_itself CHECK (merged_into <> id),
    restricted       bool NOT NULL DEFAULT false,
    birth_sealed     bytea,
    sex              text CHECK (sex IN ('female', 'male', 'other', 'unknown')),
    gender           text CONSTRAINT patients_gender_form CHECK (gender ~ '^[a-z_-]{1,40}$'),
    deceased_sealed  bytea,
    legal_hold       bool NOT NULL DEFAULT false,
    retention        text NOT NULL DEFAULT 'clinical' REFERENCES retention_classes (code),
    version          int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (merged_into, realm) REFERENCES patients (id, realm),
    CONSTRAINT patients_merged_into_somebody CHECK ((status = 'merged') = (merged_into IS NOT NULL))
);
COMMENT ON TABLE patients IS 'A person whom we care for, or have. Written by the portal.';
COMMENT ON COLUMN patients.status IS 'provisional: not identified yet; error: made by mistake.';
COMMENT ON COLUMN patients.merged_into IS 'The record that goes on.';
COMMENT ON COLUMN patients.restricted IS 'Whoever has no relation is not even told that he is here.';
COMMENT ON COLUMN patients.birth_sealed IS 'The date of birth.';
COMMENT ON COLUMN patients.sex IS 'At birth.';
COMMENT ON COLUMN patients.gender IS 'As the patient says, a word of the site''s list.';
COMMENT ON COLUMN patients.deceased_sealed IS 'When he died; null: not that we know.';
COMMENT ON COLUMN patients.legal_hold IS 'Nothing of him may be removed, and his key may not be destroyed.';
COMMENT ON COLUMN patients.retention IS 'How long it is kept.';
CALL keep_versions('patients');
CALL fix_realm('patients');

CREATE TABLE patient_names (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES patients (id),
    use         text NOT NULL CHECK (use IN ('official', 'usual', 'maiden', 'nickname', 'temporary', 'alias', 'old')),
    sealed      bytea NOT NULL,
    valid       daterange NOT NULL CONSTRAINT patient_names_valid_lasts CHECK (NOT isempty(valid)),
    version     int4 NOT NULL DEFAULT 1,
    CONSTRAINT patient_names_one_official EXCLUDE USING gist (patient_id WITH =, valid WITH &&) WHERE (use = 'official')
);
CREATE INDEX patient_names_of ON patient_names (patient_id);
COMMENT ON TABLE patient_names IS 'A name of a patient, for as long as it is one. Written by the portal.';
COMMENT ON COLUMN patient_names.use IS 'As in FHIR HumanName.';
COMMENT ON COLUMN patient_names.sealed IS 'Prefix, given names, family name, suffix.';
COMMENT ON COLUMN patient_names.valid IS 'When he bears it, whatever we knew of it.';
CALL keep_versions('patient_names');

CREATE TABLE patient_contacts (
    id          uuid PRIMARY KEY,
    patient_id  uuid NOT NULL REFERENCES patients (id),
    kind        text NOT NULL CHECK (kind IN ('phone', 'email', 'address', 'person')),
    sealed      bytea NOT NULL,
    relation    text CONSTRAINT patient_contacts_relation_form CHECK (relation ~ '^[a-z_]{1,40}$'),
    valid       daterange NOT NULL CONSTRAINT patient_contacts_valid_lasts CHECK (NOT isempty(valid)),
    version     int4 NOT NULL DEFAULT 1
);
CREATE INDEX patient_contacts_of ON patient_contacts (patient_id);
COMMENT ON TABLE patient_contacts IS 'How a patient, or somebody close to him, is reached. Written by the portal.';
COMMENT ON COLUMN patient_contacts.kind IS 'person: somebody else, with whatever is known of him.';
COMMENT ON COLUMN patient_contacts.sealed IS 'Number, address or person.';
COMMENT ON COLUMN patient_contacts.relation IS 'Whose it is, such as mother; null: his own.';
COMMENT ON COLUMN patient_contacts.valid IS 'When it holds, whatever we knew of it.';
CALL keep_versions('patient_contacts');

CREATE TABLE patient_links (
    id          uuid PRIMARY KEY,
    realm       text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id  uuid NOT NULL,
    other_id    uuid NOT NULL CONSTRAINT patient_links_to_another CHECK (other_id <> patient_id),
    kind        text NOT NULL CHECK (kind IN ('mother', 'newborn', 'guarantor', 'replaced_by')),
    version     int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (other_id, realm) REFERENCES patients (id, realm),
    CONSTRAINT patient_links_once UNIQUE (patient_id, other_id, kind)
);
CREATE INDEX patient_links_to ON patient_links (other_id);
COMMENT ON TABLE patient_links IS 'What one patient is to another. Written by the portal.';
COMMENT ON COLUMN patient_links.other_id IS 'The patient who is his mother, newborn, guarantor or successor.';
COMMENT ON COLUMN patient_links.kind IS 'What the other one is.';
CALL keep_versions('patient_links');
CALL fix_realm('patient_links');

CREATE TABLE patient_identifiers (
    id            uuid PRIMARY KEY,
    realm         text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id    uuid NOT NULL,
    issuer_org    uuid NOT NULL,
    type          text NOT NULL CONSTRAINT patient_identifiers_type_form CHECK (type ~ '^[A-Z0-9]{1,10}$'),
    value_sealed  bytea NOT NULL,
    token         bytea NOT NULL CONSTRAINT patient_identifiers_token_length CHECK (octet_length(token) = 32),
    key_version   int4 NOT NULL CHECK (key_version > 0),
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'old', 'error')),
    valid         daterange NOT NULL CONSTRAINT patient_identifiers_valid_lasts CHECK (NOT isempty(valid)),
    version       int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (issuer_org, realm) REFERENCES organizations (id, realm)
);
CREATE UNIQUE INDEX patient_identifiers_active_key ON patient_identifiers (realm, issuer_org, type, key_version, token)
    WHERE status = 'active';
CREATE INDEX patient_identifiers_of ON patient_identifiers (patient_id);
COMMENT ON TABLE patient_identifiers IS 'A number that somebody knows a patient by. Written by the portal.';
COMMENT ON COLUMN patient_identifiers.issuer_org IS 'The assigning authority.';
COMMENT ON COLUMN patient_identifiers.type IS 'MR, SS, DL … (HL7 table 0203).';
COMMENT ON COLUMN patient_identifiers.value_sealed IS 'The number as written.';
COMMENT ON COLUMN patient_identifiers.token IS 'Keyed hash of the normalised number: by it the number is found, and taken once.';
COMMENT ON COLUMN patient_identifiers.key_version IS 'Of the key that made the token.';
COMMENT ON COLUMN patient_identifiers.status IS 'Active ones are unique.';
COMMENT ON COLUMN patient_identifiers.valid IS 'When it is his, whatever we knew of it.';
CALL keep_versions('patient_identifiers', 'token', 'key_version');
CALL fix_realm('patient_identifiers');

-- Three times as many rows as any other table of persons: no history, no foreign key from the index's side but the patient.
CREATE TABLE patient_tokens (
    key_version  int4 NOT NULL CHECK (key_version > 0),
    token        int8 NOT NULL,
    rank         int2 NOT NULL,
    patient_id   uuid NOT NULL REFERENCES patients (id),
    PRIMARY KEY (key_version, token, rank, patient_id)
);
CREATE INDEX patient_tokens_of ON patient_tokens (patient_id);
COMMENT ON TABLE patient_tokens IS 'A search term that leads to a patient. An index: written by the portal with the names, made anew by `vigil keys rotate`.';
COMMENT ON COLUMN patient_tokens.key_version IS 'Of the key that made the token.';
COMMENT ON COLUMN patient_tokens.token IS '64 bits of the keyed hash of a normalised term or its beginning.';
COMMENT ON COLUMN patient_tokens.rank IS 'How good a match it is; the least is the best.';

CREATE TABLE patient_merges (
    id           uuid PRIMARY KEY,
    realm        text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    survivor_id  uuid NOT NULL,
    retired_id   uuid NOT NULL CONSTRAINT patient_merges_of_two CHECK (retired_id <> survivor_id),
    at           timestamptz NOT NULL,
    by           uuid NOT NULL,
    undone_at    timestamptz,
    undone_by    uuid,
    version      int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (survivor_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (retired_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (undone_by, realm) REFERENCES users (id, realm),
    CONSTRAINT patient_merges_undone_by_somebody CHECK ((undone_at IS NULL) = (undone_by IS NULL))
);
CREATE UNIQUE INDEX patient_merges_retired_key ON patient_merges (retired_id) WHERE undone_at IS NULL;
CREATE INDEX patient_merges_survivor ON patient_merges (survivor_id);
COMMENT ON TABLE patient_merges IS 'Two records turned out to be of one person. Written by the portal; undone, never removed.';
COMMENT ON COLUMN patient_merges.survivor_id IS 'The patient whose record goes on.';
COMMENT ON COLUMN patient_merges.retired_id IS 'The patient whose record ends.';
COMMENT ON COLUMN patient_merges.by IS 'The user who did it.';
COMMENT ON COLUMN patient_merges.undone_by IS 'The user who undid it.';
CALL keep_versions('patient_merges');
CALL fix_realm('patient_merges');

CREATE TABLE patient_flags (
    id          uuid PRIMARY KEY,
    realm       text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('safety', 'isolation', 'directive', 'administrative')),
    code        text NOT NULL CONSTRAINT patient_flags_code_form CHECK (code ~ '^[a-z0-9_]{1,40}$'),
    during      tstzrange NOT NULL CONSTRAINT patient_flags_during_lasts CHECK (NOT isempty(during)),
    by          uuid NOT NULL,
    version     int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (by, realm) REFERENCES users (id, realm)
);
CREATE INDEX patient_flags_of ON patient_flags (patient_id);
COMMENT ON TABLE patient_flags IS 'What everybody who comes near must know: fall risk, isolation, no resuscitation. Written by the portal.';
COMMENT ON COLUMN patient_flags.kind IS 'What it is about.';
COMMENT ON COLUMN patient_flags.code IS 'A word of the site''s list.';
COMMENT ON COLUMN patient_flags.during IS 'From when to when.';
COMMENT ON COLUMN patient_flags.by IS 'The user who set it.';
CALL keep_versions('patient_flags');
CALL fix_realm('patient_flags');

CREATE TABLE consents (
    id           uuid PRIMARY KEY,
    patient_id   uuid NOT NULL REFERENCES patients (id),
    scope        text NOT NULL CHECK (scope IN ('treatment', 'monitoring', 'disclosure', 'research', 'contact')),
    decision     text NOT NULL CHECK (decision IN ('permit', 'deny')),
    during       tstzrange NOT NULL CONSTRAINT consents_during_lasts CHECK (NOT isempty(during)),
    document_id  uuid,
    version      int4 NOT NULL DEFAULT 1,
    UNIQUE (id, patient_id),
    CONSTRAINT consents_one_decision EXCLUDE USING gist (patient_id WITH =, scope WITH =, during WITH &&)
);
COMMENT ON TABLE consents IS 'What a patient allowed or forbade. Written by the portal.';
COMMENT ON COLUMN consents.scope IS 'Of what.';
COMMENT ON COLUMN consents.decision IS 'What he said.';
COMMENT ON COLUMN consents.during IS 'From when to when; withdrawing ends it.';
COMMENT ON COLUMN consents.document_id IS 'What he signed.';
CALL keep_versions('consents');

CREATE TABLE accounts (
    id           uuid PRIMARY KEY,
    realm        text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id   uuid NOT NULL,
    billing_org  uuid NOT NULL,
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'on_hold', 'closed', 'error')),
    legal_hold   bool NOT NULL DEFAULT false,
    retention    text NOT NULL DEFAULT 'billing' REFERENCES retention_classes (code),
    version      int4 NOT NULL DEFAULT 1,
    UNIQUE (id, patient_id),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (billing_org, realm) REFERENCES organizations (id, realm)
);
CREATE INDEX accounts_of ON accounts (patient_id);
COMMENT ON TABLE accounts IS 'What belongs on one bill. Written by the portal.';
COMMENT ON COLUMN accounts.billing_org IS 'Who sends the bill.';
COMMENT ON COLUMN accounts.status IS 'error: opened by mistake.';
COMMENT ON COLUMN accounts.legal_hold IS 'May not be removed.';
COMMENT ON COLUMN accounts.retention IS 'How long it is kept.';
CALL keep_versions('accounts');
CALL fix_realm('accounts');

CREATE TABLE episodes (
    id            uuid PRIMARY KEY,
    realm         text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    patient_id    uuid NOT NULL,
    programme     text NOT NULL CONSTRAINT episodes_programme_form CHECK (programme ~ '^[a-z0-9_]{1,40}$'),
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('planned', 'active', 'on_hold', 'finished', 'cancelled')),
    during        tstzrange NOT NULL CONSTRAINT episodes_during_lasts CHECK (NOT isempty(during)),
    consent_id    uuid,
    managing_org  uuid NOT NULL,
    version       int4 NOT NULL DEFAULT 1,
    UNIQUE (id, patient_id),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (consent_id, patient_id) REFERENCES consents (id, patient_id),
    FOREIGN KEY (managing_org, realm) REFERENCES organizations (id, realm)
);
CREATE INDEX episodes_of ON episodes (patient_id);
COMMENT ON TABLE episodes IS 'Care over months, such as monitoring at home; holds many encounters. Written by the portal.';
COMMENT ON COLUMN episodes.programme IS 'A word of the site''s list.';
COMMENT ON COLUMN episodes.status IS 'As in FHIR EpisodeOfCare.';
COMMENT ON COLUMN episodes.during IS 'From when to when.';
COMMENT ON COLUMN episodes.managing_org IS 'Who answers for it.';
CALL keep_versions('episodes');
CALL fix_realm('episodes');

GRANT SELECT, INSERT, UPDATE ON patients, patient_names, patient_contacts, patient_links, patient_identifiers, patient_merges,
    patient_flags, consents, accounts, episodes TO vigil_portal;
GRANT SELECT, INSERT, DELETE ON patient_tokens TO vigil_portal, vigil_keys;
GRANT SELECT ON patients_history, patient_names_history, patient_contacts_history, patient_links_history,
    patient_identifiers_history, patient_merges_history, patient_flags_history, consents_history, accounts_history,
    episodes_history TO vigil_portal;
-- Makes tokens anew; destroys a patient's key only where nothing forbids it.
GRANT SELECT (id, realm, status, legal_hold, retention) ON patients TO vigil_keys;
GRANT SELECT ON patient_names, patient_identifiers TO vigil_keys;
GRANT UPDATE (token, key_version) ON patient_identifiers TO vigil_keys;
GRANT SELECT ON patients TO vigil_alerting;
