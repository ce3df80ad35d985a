-- Organisations, places, staff, and what a person or a screen signs in with.
--
-- A realm is part of every key between organisations, places, patients, staff, devices and stations: (id, realm) → (id, realm).

CREATE TABLE organizations (
    id       uuid PRIMARY KEY,
    realm    text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    kind     text NOT NULL CHECK (kind IN ('facility', 'payer', 'assigning_authority', 'manufacturer', 'billing_entity')),
    name     text NOT NULL CONSTRAINT organizations_name_length CHECK (length(name) BETWEEN 1 AND 200),
    npi      text CONSTRAINT organizations_npi_form CHECK (npi ~ '^[0-9]{10}$'),
    tax_id   text CONSTRAINT organizations_tax_id_form CHECK (tax_id ~ '^[0-9]{2}-?[0-9]{7}$'),
    part_of  uuid CONSTRAINT organizations_not_part_of_itself CHECK (part_of <> id),
    version  int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (part_of, realm) REFERENCES organizations (id, realm)
);
COMMENT ON TABLE organizations IS 'A hospital, a payer, whoever gives out numbers. Written by the portal.';
COMMENT ON COLUMN organizations.kind IS 'What it is to us.';
COMMENT ON COLUMN organizations.name IS 'As people call it.';
COMMENT ON COLUMN organizations.npi IS 'National Provider Identifier (US), ten digits.';
COMMENT ON COLUMN organizations.tax_id IS 'Employer Identification Number (US).';
COMMENT ON COLUMN organizations.part_of IS 'The organisation that it belongs to.';
CALL keep_versions('organizations');
CALL fix_realm('organizations');

CREATE TABLE locations (
    id                  uuid PRIMARY KEY,
    realm               text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    org_id              uuid NOT NULL,
    parent_id           uuid,
    kind                text NOT NULL CHECK (kind IN ('site', 'unit', 'room', 'bed', 'cot', 'corridor', 'virtual')),
    code                text NOT NULL CONSTRAINT locations_code_form CHECK (code ~ '^\S(.{0,38}\S)?$'),
    tz                  text CONSTRAINT locations_tz_form CHECK (tz ~ '^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$'),
    default_profile_id  uuid,                                    -- → profiles (V12)
    state               text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'blocked', 'cleaning', 'closed')),
    lineage             uuid[] NOT NULL,
    version             int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (org_id, realm) REFERENCES organizations (id, realm),
    FOREIGN KEY (parent_id, realm) REFERENCES locations (id, realm),
    CONSTRAINT locations_code_key UNIQUE NULLS NOT DISTINCT (realm, parent_id, code),
    CONSTRAINT locations_site_has_tz CHECK (kind <> 'site' OR tz IS NOT NULL),
    CONSTRAINT locations_only_sites_on_top CHECK (parent_id IS NOT NULL OR kind = 'site'),
    CONSTRAINT locations_unit_has_profile CHECK (kind <> 'unit' OR default_profile_id IS NOT NULL)
);
CREATE INDEX locations_within ON locations USING gin (lineage);
COMMENT ON TABLE locations IS 'A place, from a site down to a bed. Written by the portal.';
COMMENT ON COLUMN locations.kind IS 'A bed or a cot takes one patient; virtual is where patients at home are.';
COMMENT ON COLUMN locations.code IS 'As written on the door, unique within its parent.';
COMMENT ON COLUMN locations.tz IS 'IANA time zone; null: that of the place above.';
COMMENT ON COLUMN locations.default_profile_id IS 'The rules by which a patient is watched who has none of his own; null: that of the place above.';
COMMENT ON COLUMN locations.state IS 'Whether somebody may be put there.';
COMMENT ON COLUMN locations.lineage IS 'Itself and every place above it, nearest first. Kept by locations_lineage.';

-- May be moved below another place, never below itself.
CREATE FUNCTION keep_lineage() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    above uuid[] := '{}';
BEGIN
    IF TG_WHEN = 'AFTER' THEN
        UPDATE locations SET parent_id = parent_id WHERE parent_id = NEW.id;
        RETURN NULL;
    END IF;
    IF NEW.parent_id IS NOT NULL THEN
        SELECT lineage INTO above FROM locations WHERE id = NEW.parent_id FOR SHARE;
    END IF;
    IF NEW.id = ANY (above) OR NEW.parent_id = NEW.id THEN
        RAISE EXCEPTION 'a place would lie within itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'locations_lineage_cycle';
    END IF;
    NEW.lineage := ARRAY[NEW.id] || coalesce(above, '{}');
    RETURN NEW;
END $$;
CREATE TRIGGER lineage_set BEFORE INSERT OR UPDATE ON locations FOR EACH ROW EXECUTE FUNCTION keep_lineage();
CREATE TRIGGER lineage_below AFTER UPDATE ON locations FOR EACH ROW
    WHEN (OLD.lineage IS DISTINCT FROM NEW.lineage) EXECUTE FUNCTION keep_lineage();
CALL keep_versions('locations');
CALL fix_realm('locations');

CREATE TABLE practitioners (
    id            uuid PRIMARY KEY,
    realm         text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    org_id        uuid,
    display_name  text NOT NULL CONSTRAINT practitioners_name_length CHECK (length(display_name) BETWEEN 1 AND 200),
    npi           text CONSTRAINT practitioners_npi_form CHECK (npi ~ '^[0-9]{10}$'),
    active        bool NOT NULL DEFAULT true,
    version       int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (org_id, realm) REFERENCES organizations (id, realm)
);
CREATE UNIQUE INDEX practitioners_npi_key ON practitioners (realm, npi) WHERE npi IS NOT NULL;
COMMENT ON TABLE practitioners IS 'Who cares for patients, whether he ever signs in or not. Written by the portal.';
COMMENT ON COLUMN practitioners.display_name IS 'As colleagues read it.';
COMMENT ON COLUMN practitioners.npi IS 'National Provider Identifier (US), ten digits.';
COMMENT ON COLUMN practitioners.active IS 'False: left; stays for what he did.';
CALL keep_versions('practitioners');
CALL fix_realm('practitioners');

CREATE TABLE practitioner_roles (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    practitioner_id  uuid NOT NULL,
    code             text NOT NULL CONSTRAINT practitioner_roles_code_form CHECK (code ~ '^[a-z_]{1,40}$'),
    location_id      uuid,
    during           tstzrange NOT NULL CONSTRAINT practitioner_roles_during_lasts CHECK (NOT isempty(during)),
    version          int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (practitioner_id, realm) REFERENCES practitioners (id, realm),
    FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm)
);
CREATE INDEX practitioner_roles_of ON practitioner_roles (practitioner_id);
COMMENT ON TABLE practitioner_roles IS 'What somebody is, and where: a cardiologist of a site. Says nothing of what he may see. Written by the portal.';
COMMENT ON COLUMN practitioner_roles.code IS 'A word of the site''s list, such as cardiologist.';
COMMENT ON COLUMN practitioner_roles.during IS 'From when to when.';
CALL keep_versions('practitioner_roles');
CALL fix_realm('practitioner_roles');

CREATE TABLE users (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    practitioner_id  uuid CONSTRAINT users_practitioner_key UNIQUE,
    login            text NOT NULL CONSTRAINT users_login_key UNIQUE
                     CONSTRAINT users_login_form CHECK (login ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),
    display_name     text NOT NULL CONSTRAINT users_name_length CHECK (length(display_name) BETWEEN 1 AND 200),
    status           text NOT NULL DEFAULT 'invited' CHECK (status IN ('invited', 'active', 'disabled')),
    disabled_at      timestamptz,
    version          int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (practitioner_id, realm) REFERENCES practitioners (id, realm),
    CONSTRAINT users_disabled_since CHECK ((status = 'disabled') = (disabled_at IS NOT NULL))
);
COMMENT ON TABLE users IS 'A person who signs in. Never removed. Written by the portal and by `vigil user`.';
COMMENT ON COLUMN users.login IS 'In lower case, so that one name is one person.';
COMMENT ON COLUMN users.display_name IS 'As colleagues read it.';
COMMENT ON COLUMN users.status IS 'invited: has set no password yet.';
CALL keep_versions('users');
CALL fix_realm('users');

CREATE TABLE credentials (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    kind         text NOT NULL CHECK (kind IN ('password', 'totp', 'passkey', 'pin', 'recovery', 'oidc')),
    hash         text CONSTRAINT credentials_hash_form CHECK (hash ~ '^\$argon2id\$'),
    sealed       bytea,
    issuer       text,
    subject      text,
    last_step    int8,
    failures     int2 NOT NULL DEFAULT 0 CHECK (failures >= 0),
    made_at      timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT credentials_subject_key UNIQUE (issuer, subject),
    CONSTRAINT credentials_form CHECK (CASE kind
        WHEN 'totp' THEN sealed IS NOT NULL AND num_nonnulls(hash, issuer, subject) = 0
        WHEN 'passkey' THEN sealed IS NOT NULL AND num_nonnulls(hash, issuer, subject) = 0
        WHEN 'oidc' THEN num_nonnulls(issuer, subject) = 2 AND num_nonnulls(hash, sealed) = 0
        ELSE hash IS NOT NULL AND num_nonnulls(sealed, issuer, subject) = 0 END)
);
CREATE UNIQUE INDEX credentials_one_of_a_kind ON credentials (user_id, kind)
    WHERE kind IN ('password', 'totp', 'pin') AND confirmed_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX credentials_of ON credentials (user_id) WHERE revoked_at IS NULL;
COMMENT ON TABLE credentials IS 'What a user proves himself with. Replaced, never edited but for the counters. Written by the portal and by `vigil user`.';
COMMENT ON COLUMN credentials.kind IS 'oidc: somebody else vouches.';
COMMENT ON COLUMN credentials.hash IS 'Of a password, PIN or recovery code: argon2id in PHC form.';
COMMENT ON COLUMN credentials.sealed IS 'Of a TOTP the seed, of a passkey its public key, by the system key.';
COMMENT ON COLUMN credentials.issuer IS 'Of OpenID Connect: who vouches.';
COMMENT ON COLUMN credentials.subject IS 'Of OpenID Connect: for whom.';
COMMENT ON COLUMN credentials.last_step IS 'Of a TOTP: the last 30 s step that was accepted, which is accepted once.';
COMMENT ON COLUMN credentials.failures IS 'Wrong tries since the last right one.';
COMMENT ON COLUMN credentials.confirmed_at IS 'When its owner first proved that he has it; null: counts for nothing yet.';

CREATE TABLE stations (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    location_id      uuid NOT NULL,
    name             text NOT NULL CONSTRAINT stations_name_length CHECK (length(name) BETWEEN 1 AND 100),
    mode             text NOT NULL CHECK (mode IN ('wall', 'desktop', 'phone')),
    token_hash       bytea CONSTRAINT stations_token_hash_key UNIQUE
                     CONSTRAINT stations_token_hash_length CHECK (octet_length(token_hash) = 32),
    privacy          text NOT NULL DEFAULT 'initials' CHECK (privacy IN ('names', 'initials', 'none')),
    annunciates      bool NOT NULL DEFAULT false,
    expires_at       timestamptz,
    last_painted_at  timestamptz,
    revoked_at       timestamptz,
    version          int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    CONSTRAINT stations_token_expires CHECK ((token_hash IS NULL) = (expires_at IS NULL))
);
COMMENT ON TABLE stations IS 'A screen that was enrolled for a place. Written by the portal.';
COMMENT ON COLUMN stations.name IS 'As staff call it.';
COMMENT ON COLUMN stations.mode IS 'What kind of screen it is.';
COMMENT ON COLUMN stations.token_hash IS 'SHA-256 of its token; null: its code was not redeemed yet.';
COMMENT ON COLUMN stations.privacy IS 'What it shows of a name while nobody has identified there.';
COMMENT ON COLUMN stations.annunciates IS 'True: the unit relies on its tones.';
COMMENT ON COLUMN stations.last_painted_at IS 'When it last said that alarms are on its glass.';
CALL keep_versions('stations', 'last_painted_at', 'token_hash', 'expires_at');
CALL fix_realm('stations');

CREATE TABLE one_time_codes (
    id          uuid PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('first_administrator', 'invitation', 'reset', 'station')),
    digest      bytea NOT NULL CONSTRAINT one_time_codes_digest_key UNIQUE
                CONSTRAINT one_time_codes_digest_length CHECK (octet_length(digest) = 32),
    user_id     uuid REFERENCES users (id),
    station_id  uuid REFERENCES stations (id),
    made_at     timestamptz NOT NULL DEFAULT now(),
    made_by     uuid REFERENCES users (id),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CONSTRAINT one_time_codes_target CHECK (CASE purpose
        WHEN 'station' THEN station_id IS NOT NULL AND user_id IS NULL
        WHEN 'first_administrator' THEN station_id IS NULL
        ELSE user_id IS NOT NULL AND station_id IS NULL END)
);
COMMENT ON TABLE one_time_codes IS 'A link or code that is good once and for minutes. Written by the portal and by `vigil user`.';
COMMENT ON COLUMN one_time_codes.purpose IS 'What its holder may do with it.';
COMMENT ON COLUMN one_time_codes.digest IS 'SHA-256 of the code.';
COMMENT ON COLUMN one_time_codes.made_by IS 'Null: the command line.';

CREATE TABLE sessions (
    id              uuid PRIMARY KEY,
    realm           text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    token_hash      bytea NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE
                    CONSTRAINT sessions_token_hash_length CHECK (octet_length(token_hash) = 32),
    user_id         uuid NOT NULL,
    station_id      uuid,
    factors         text[] NOT NULL DEFAULT '{}' CONSTRAINT sessions_factors_known
                    CHECK (factors <@ ARRAY['password', 'totp', 'passkey', 'pin', 'recovery', 'oidc']),
    address         inet,
    started_at      timestamptz NOT NULL,
    stepped_up_at   timestamptz,
    last_input_at   timestamptz NOT NULL,
    locked_at       timestamptz,
    expires_at      timestamptz NOT NULL CONSTRAINT sessions_expires_after_start CHECK (expires_at > started_at),
    revoked_at      timestamptz,
    FOREIGN KEY (user_id, realm) REFERENCES users (id, realm),
    FOREIGN KEY (station_id, realm) REFERENCES stations (id, realm)
);
CREATE INDEX sessions_of ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_on ON sessions (station_id) WHERE revoked_at IS NULL;
COMMENT ON TABLE sessions IS 'Somebody signed in. The id stays while the token changes with every factor given. Written by the portal.';
COMMENT ON COLUMN sessions.token_hash IS 'SHA-256 of the cookie''s 256 bits.';
COMMENT ON COLUMN sessions.station_id IS 'Null: a screen that is no station.';
COMMENT ON COLUMN sessions.factors IS 'Kinds of credentials given so far.';
COMMENT ON COLUMN sessions.address IS 'From where it began.';
COMMENT ON COLUMN sessions.stepped_up_at IS 'When a factor was last given again for something grave.';
COMMENT ON COLUMN sessions.last_input_at IS 'Of a person: nothing that a page does by itself counts.';
COMMENT ON COLUMN sessions.expires_at IS 'However busy it is.';
CALL fix_realm('sessions');

CREATE TABLE roles (
    id           uuid PRIMARY KEY,
    code         text NOT NULL CONSTRAINT roles_code_key UNIQUE CONSTRAINT roles_code_form CHECK (code ~ '^[a-z_]{1,40}$'),
    two_persons  bool NOT NULL
);
COMMENT ON TABLE roles IS 'A set of permissions that can be granted. Written by migrations.';
COMMENT ON COLUMN roles.code IS 'As the program names it (portal/src/permission.rs).';
COMMENT ON COLUMN roles.two_persons IS 'True: a grant counts once a second administrator approved it.';
INSERT INTO roles (id, code, two_persons) VALUES
    ('0190f000-0000-7000-8000-000000000001', 'nurse', true),
    ('0190f000-0000-7000-8000-000000000002', 'charge_nurse', true),
    ('0190f000-0000-7000-8000-000000000003', 'physician', true),
    ('0190f000-0000-7000-8000-000000000004', 'scheduler', false),
    ('0190f000-0000-7000-8000-000000000005', 'biller', false),
    ('0190f000-0000-7000-8000-000000000006', 'administrator', false),
    ('0190f000-0000-7000-8000-000000000007', 'auditor', false),
    ('0190f000-0000-7000-8000-000000000008', 'privacy_officer', false),
    ('0190f000-0000-7000-8000-000000000009', 'device_engineer', false);

CREATE TABLE role_permissions (
    role_id     uuid NOT NULL REFERENCES roles (id),
    permission  text NOT NULL CONSTRAINT role_permissions_form CHECK (permission ~ '^[a-z_]{1,60}$'),
    PRIMARY KEY (role_id, permission)
);
COMMENT ON TABLE role_permissions IS 'What a role may, as the program knows it: for people who ask the database. Written by the portal when it starts.';
COMMENT ON COLUMN role_permissions.permission IS 'A word of the closed list (portal/src/permission.rs).';

CREATE TABLE role_grants (
    id            uuid PRIMARY KEY,
    realm         text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    user_id       uuid NOT NULL,
    role_id       uuid NOT NULL REFERENCES roles (id),
    location_id   uuid,
    during        tstzrange NOT NULL CONSTRAINT role_grants_during_lasts CHECK (NOT isempty(during)),
    granted_by    uuid,
    granted_part  text CONSTRAINT role_grants_part_known CHECK (granted_part IN ('command', 'demo')),
    approved_by   uuid,
    approved_at   timestamptz,
    version       int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (user_id, realm) REFERENCES users (id, realm),
    FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    FOREIGN KEY (granted_by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (approved_by, realm) REFERENCES users (id, realm),
    CONSTRAINT role_grants_has_granter CHECK (num_nonnulls(granted_by, granted_part) = 1),
    CONSTRAINT role_grants_approved_when CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT role_grants_different_persons CHECK (granted_by <> user_id AND approved_by <> user_id AND approved_by <> granted_by),
    CONSTRAINT role_grants_once EXCLUDE USING gist (user_id WITH =, role_id WITH =,
        coalesce(location_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =, during WITH &&)
);
CREATE INDEX role_grants_of ON role_grants (user_id);
COMMENT ON TABLE role_grants IS 'A role that somebody has. Of a role for two persons it counts once approved, unless the command line gave it. Written by the portal and by `vigil user`.';
COMMENT ON COLUMN role_grants.location_id IS 'Where; null: everywhere.';
COMMENT ON COLUMN role_grants.during IS 'From when to when; revoking ends it.';
COMMENT ON COLUMN role_grants.granted_by IS 'Neither the user nor the approver.';
COMMENT ON COLUMN role_grants.granted_part IS 'In place of a person: the first administrator, the staff of a demo.';
COMMENT ON COLUMN role_grants.approved_by IS 'Neither the user nor the granter.';
CALL keep_versions('role_grants');
CALL fix_realm('role_grants');

CREATE TABLE system_keys (
    id       uuid PRIMARY KEY,
    purpose  text NOT NULL CONSTRAINT system_keys_purpose_form CHECK (purpose ~ '^[a-z_]{1,40}$'),
    version  int4 NOT NULL CHECK (version > 0),
    wrapped  bytea,
    state    text NOT NULL CHECK (state IN ('next', 'active', 'retired', 'destroyed')),
    made_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT system_keys_version_key UNIQUE (purpose, version),
    CONSTRAINT system_keys_destroyed_is_empty CHECK ((state = 'destroyed') = (wrapped IS NULL))
);
CREATE UNIQUE INDEX system_keys_one_active ON system_keys (purpose) WHERE state = 'active';
COMMENT ON TABLE system_keys IS 'A key that seals what belongs to no patient, or makes search tokens. Written by `vigil keys` and at the first start.';
COMMENT ON COLUMN system_keys.purpose IS 'What it seals or makes.';
COMMENT ON COLUMN system_keys.version IS 'The part of every sealed value that says which key opens it; not a version of the row.';
COMMENT ON COLUMN system_keys.wrapped IS 'The key under a wrapping key, with that one''s version.';
COMMENT ON COLUMN system_keys.state IS 'next: being filled in beside the active one; retired: opens, seals no more.';

GRANT SELECT, INSERT, UPDATE ON organizations, locations, practitioners, practitioner_roles, users, credentials, stations,
    one_time_codes, sessions, role_grants TO vigil_portal;
GRANT SELECT ON organizations_history, locations_history, practitioners_history, practitioner_roles_history, users_history,
    stations_history, role_grants_history, roles TO vigil_portal;
GRANT SELECT, INSERT, DELETE ON role_permissions TO vigil_portal;
GRANT SELECT ON organizations, locations, practitioners TO vigil_alerting;
GRANT SELECT ON users, locations, stations, practitioners TO vigil_audit;    -- whose names stand beside events
GRANT SELECT, INSERT, UPDATE ON system_keys TO vigil_keys;
GRANT SELECT (id, user_id, kind, sealed, revoked_at), UPDATE (sealed) ON credentials TO vigil_keys;    -- when the system key changes
