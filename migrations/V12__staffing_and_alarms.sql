-- Who is on duty for whom, by which rules patients are watched, and what became of each alarm. Rules and alarms of V3 move into it.

CREATE TABLE shifts (
    id           uuid PRIMARY KEY,
    unit_id      uuid NOT NULL REFERENCES locations (id),
    name         text NOT NULL CONSTRAINT shifts_name_length CHECK (length(name) BETWEEN 1 AND 40),
    local_start  time NOT NULL,
    local_end    time NOT NULL,
    days         int2[] NOT NULL CONSTRAINT shifts_days_of_week CHECK (days <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::int2[] AND cardinality(days) > 0),
    version      int4 NOT NULL DEFAULT 1,
    CONSTRAINT shifts_name_key UNIQUE (unit_id, name)
);
COMMENT ON TABLE shifts IS 'When people of a unit usually work. Written by the portal.';
COMMENT ON COLUMN shifts.unit_id IS 'The location that is the unit.';
COMMENT ON COLUMN shifts.name IS 'As staff call it.';
COMMENT ON COLUMN shifts.local_start IS 'Wall time in the zone of the site.';
COMMENT ON COLUMN shifts.local_end IS 'Wall time in the zone of the site; not after the start: on the next day.';
COMMENT ON COLUMN shifts.days IS 'On which it starts; 1 is Monday (ISO 8601).';
CALL keep_versions('shifts');

CREATE TABLE duties (
    id               uuid PRIMARY KEY,
    realm            text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    unit_id          uuid NOT NULL,
    practitioner_id  uuid NOT NULL,
    role             text NOT NULL CHECK (role IN ('nurse', 'charge', 'oncall', 'rapid')),
    during           tstzrange NOT NULL CONSTRAINT duties_end CHECK (NOT isempty(during) AND NOT upper_inf(during)),
    accepted_at      timestamptz,
    version          int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (unit_id, realm) REFERENCES locations (id, realm),
    FOREIGN KEY (practitioner_id, realm) REFERENCES practitioners (id, realm),
    CONSTRAINT duties_once EXCLUDE USING gist (practitioner_id WITH =, unit_id WITH =, role WITH =, during WITH &&)
);
CREATE INDEX duties_of ON duties (practitioner_id);
CREATE INDEX duties_in ON duties (unit_id);
COMMENT ON TABLE duties IS 'Somebody works in a unit from when to when. Written by the portal.';
COMMENT ON COLUMN duties.unit_id IS 'The location that is the unit.';
COMMENT ON COLUMN duties.role IS 'What he is called for.';
COMMENT ON COLUMN duties.during IS 'From when to when; going earlier ends it.';
COMMENT ON COLUMN duties.accepted_at IS 'When he said that he is there; null: planned.';
CALL keep_versions('duties');
CALL fix_realm('duties');

CREATE TABLE handoffs (
    id           uuid PRIMARY KEY,
    realm        text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    from_duty    uuid NOT NULL,
    to_duty      uuid NOT NULL CONSTRAINT handoffs_to_another CHECK (to_duty <> from_duty),
    at           timestamptz NOT NULL,
    items        jsonb NOT NULL,
    accepted_at  timestamptz,
    version      int4 NOT NULL DEFAULT 1,
    UNIQUE (id, realm),
    FOREIGN KEY (from_duty, realm) REFERENCES duties (id, realm),
    FOREIGN KEY (to_duty, realm) REFERENCES duties (id, realm)
);
COMMENT ON TABLE handoffs IS 'One duty gives patients or places to another. Written by the portal.';
COMMENT ON COLUMN handoffs.from_duty IS 'Who gives.';
COMMENT ON COLUMN handoffs.to_duty IS 'Who takes.';
COMMENT ON COLUMN handoffs.items IS 'Identifiers of what was gone through, never names.';
COMMENT ON COLUMN handoffs.accepted_at IS 'When the other took it; null: not yet, the first answers.';
CALL keep_versions('handoffs');
CALL fix_realm('handoffs');

CREATE TABLE cover (
    id           uuid PRIMARY KEY,
    realm        text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    duty_id      uuid NOT NULL,
    location_id  uuid,
    patient_id   uuid,
    kind         text NOT NULL CHECK (kind IN ('primary', 'buddy', 'break')),
    during       tstzrange NOT NULL CONSTRAINT cover_ends CHECK (NOT isempty(during) AND NOT upper_inf(during)),
    accepted_at  timestamptz,
    handoff_id   uuid,
    version      int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (duty_id, realm) REFERENCES duties (id, realm),
    FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (handoff_id, realm) REFERENCES handoffs (id, realm),
    CONSTRAINT cover_of_one CHECK (num_nonnulls(location_id, patient_id) = 1)
);
CREATE INDEX cover_by ON cover (duty_id);
CREATE INDEX cover_at ON cover (location_id) WHERE location_id IS NOT NULL;
CREATE INDEX cover_of ON cover (patient_id) WHERE patient_id IS NOT NULL;
COMMENT ON TABLE cover IS 'A duty answers for a place, with whoever lies there or below, or for a patient, and sees them for it. Written by the portal.';
COMMENT ON COLUMN cover.location_id IS 'With every place below it; else the patient.';
COMMENT ON COLUMN cover.kind IS 'break: while the primary one is away.';
COMMENT ON COLUMN cover.during IS 'From when to when.';
COMMENT ON COLUMN cover.accepted_at IS 'When he took it; null: planned.';
COMMENT ON COLUMN cover.handoff_id IS 'By which it came to him; null: by none.';
CALL keep_versions('cover');
CALL fix_realm('cover');

-- Rules: a name, and its numbered versions, which nobody ever changes.

CREATE TABLE rules (
    id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    code  text NOT NULL CONSTRAINT rules_code_key UNIQUE
);
INSERT INTO rules (code) SELECT DISTINCT code FROM rule_versions;
COMMENT ON TABLE rules IS 'What its versions have in common. Added by alerting when it first speaks of one, changed by nobody.';
COMMENT ON COLUMN rules.code IS 'Stable name, such as hr_high.';
CALL append_only('rules');

ALTER TABLE rule_versions
    ADD COLUMN rule_id uuid REFERENCES rules (id),
    ADD COLUMN n int4 CONSTRAINT rule_versions_n_positive CHECK (n > 0),
    ADD COLUMN hash bytea CONSTRAINT rule_versions_hash_length CHECK (octet_length(hash) = 32),
    ADD COLUMN author uuid REFERENCES users (id),
    ADD COLUMN at timestamptz NOT NULL DEFAULT now();
UPDATE rule_versions v SET rule_id = o.rule_id, n = o.n, hash = sha256(convert_to(o.body, 'UTF8')) FROM (
    SELECT v.id, r.id AS rule_id, row_number() OVER (PARTITION BY v.code ORDER BY v.id) AS n,
        concat_ws(' ', v.priority, v.body) AS body
    FROM rule_versions v JOIN rules r ON r.code = v.code
) o WHERE o.id = v.id;
ALTER TABLE rule_versions
    DROP COLUMN code,
    ALTER COLUMN rule_id SET NOT NULL,
    ALTER COLUMN n SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL,
    ADD CONSTRAINT rule_versions_n_key UNIQUE (rule_id, n),
    ADD UNIQUE (id, rule_id);
COMMENT ON TABLE rule_versions IS 'One version of a rule: another limit is another version. Added by alerting, changed by nobody.';
COMMENT ON COLUMN rule_versions.id IS 'Derived from what it says, so that a replay finds the same one.';
COMMENT ON COLUMN rule_versions.priority IS 'Of its alarms (IEC 60601-1-8).';
COMMENT ON COLUMN rule_versions.body IS 'The condition (store/src/alarms/body.rs).';
COMMENT ON COLUMN rule_versions.n IS 'Counts the versions of a rule from 1. Set by the database.';
COMMENT ON COLUMN rule_versions.hash IS 'SHA-256 of priority and body as they were added. Set by the database.';
COMMENT ON COLUMN rule_versions.author IS 'The user who made it; null: came with the program.';

-- As the owner, since a lock is a right to change.
CREATE FUNCTION number_rule_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM rules WHERE id = NEW.rule_id FOR NO KEY UPDATE;
    NEW.n := (SELECT coalesce(max(n), 0) + 1 FROM rule_versions WHERE rule_id = NEW.rule_id);
    NEW.hash := sha256(convert_to(concat_ws(' ', NEW.priority, NEW.body), 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER numbered BEFORE INSERT ON rule_versions FOR EACH ROW EXECUTE FUNCTION number_rule_version();
CALL append_only('rule_versions');

-- A statement of its own within another, so that of two that name a new rule at once both find it.
CREATE FUNCTION rule_named(name text) RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO rules (code) VALUES (name) ON CONFLICT (code) DO NOTHING;
    RETURN (SELECT id FROM rules WHERE code = name);
END $$;
COMMENT ON FUNCTION rule_named IS 'The rule of this code, made where there is none.';

CREATE TABLE profiles (
    id         uuid PRIMARY KEY,
    age_class  text NOT NULL CHECK (age_class IN ('adult', 'paediatric', 'neonatal')),
    name       text NOT NULL CONSTRAINT profiles_name_length CHECK (length(name) BETWEEN 1 AND 100),
    version    int4 NOT NULL DEFAULT 1,
    CONSTRAINT profiles_name_key UNIQUE (age_class, name)
);
COMMENT ON TABLE profiles IS 'The rules by which patients of one kind are watched. Written by the portal.';
COMMENT ON COLUMN profiles.age_class IS 'For whom it is.';
COMMENT ON COLUMN profiles.name IS 'As staff call it.';
CALL keep_versions('profiles');
ALTER TABLE locations ADD FOREIGN KEY (default_profile_id) REFERENCES profiles (id);

CREATE TABLE profile_rules (
    id               uuid PRIMARY KEY,
    profile_id       uuid NOT NULL REFERENCES profiles (id),
    rule_id          uuid NOT NULL,
    rule_version_id  uuid NOT NULL,
    during           tstzrange NOT NULL CONSTRAINT profile_rules_during_lasts CHECK (NOT isempty(during)),
    version          int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (rule_version_id, rule_id) REFERENCES rule_versions (id, rule_id),
    CONSTRAINT profile_rules_one_version EXCLUDE USING gist (profile_id WITH =, rule_id WITH =, during WITH &&)
);
COMMENT ON TABLE profile_rules IS 'A profile holds this version of a rule, one at a time. Written by the portal.';
COMMENT ON COLUMN profile_rules.during IS 'From when to when.';
CALL keep_versions('profile_rules');

CREATE TABLE limit_overrides (
    id             uuid PRIMARY KEY,
    realm          text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    encounter_id   uuid NOT NULL,
    patient_id     uuid NOT NULL,
    rule_id        uuid NOT NULL REFERENCES rules (id),
    bounds         jsonb NOT NULL,
    reason_sealed  bytea NOT NULL,
    asked_by       uuid NOT NULL,
    approved_by    uuid,
    status         text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'active', 'ended')),
    during         tstzrange NOT NULL CONSTRAINT limit_overrides_during_lasts CHECK (NOT isempty(during)),
    version        int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    FOREIGN KEY (asked_by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (approved_by, realm) REFERENCES users (id, realm),
    CONSTRAINT limit_overrides_different_persons CHECK (asked_by <> approved_by),
    CONSTRAINT limit_overrides_active_is_approved CHECK (status <> 'active' OR approved_by IS NOT NULL),
    CONSTRAINT limit_overrides_one_active EXCLUDE USING gist (encounter_id WITH =, rule_id WITH =, during WITH &&)
        WHERE (status = 'active')
);
CREATE INDEX limit_overrides_of ON limit_overrides (patient_id);
COMMENT ON TABLE limit_overrides IS 'Other limits for one patient, for as long as he stays. Written by the portal.';
COMMENT ON COLUMN limit_overrides.bounds IS 'What of the rule''s body is different.';
COMMENT ON COLUMN limit_overrides.reason_sealed IS 'Why, by the patient''s key.';
COMMENT ON COLUMN limit_overrides.asked_by IS 'The user who asked for it.';
COMMENT ON COLUMN limit_overrides.approved_by IS 'Another user; null: not yet.';
COMMENT ON COLUMN limit_overrides.status IS 'Only an active one counts.';
COMMENT ON COLUMN limit_overrides.during IS 'From when to when.';
CALL keep_versions('limit_overrides');
CALL fix_realm('limit_overrides');

-- The engine and its alarms.

COMMENT ON TABLE engine_epochs IS 'One run of the engine. Written by alerting.';
COMMENT ON COLUMN engine_epochs.epoch IS 'Rises with every run.';
COMMENT ON COLUMN engine_epochs.stopped_at IS 'Null while it runs, and after a crash until the next start.';
COMMENT ON TABLE node_epoch IS 'One row: how often a node has become the active one. Written by raise_node_epoch.';
COMMENT ON COLUMN node_epoch.sole IS 'Keeps it one row.';
COMMENT ON COLUMN node_epoch.epoch IS 'The newest.';
COMMENT ON COLUMN node_epoch.since IS 'By the clock of the database.';

CREATE TABLE engine_inputs (
    epoch        int8 NOT NULL REFERENCES engine_epochs (epoch),
    seq          int8 NOT NULL,
    received_at  timestamptz NOT NULL,
    kind         text NOT NULL CONSTRAINT engine_inputs_kind_form CHECK (kind ~ '^[a-z_]{1,40}$'),
    ref_id       uuid,
    body         jsonb NOT NULL,
    PRIMARY KEY (epoch, seq)
);
COMMENT ON TABLE engine_inputs IS 'What the engine was told beside frames, so that a replay knows it. Added by alerting, changed by nobody.';
COMMENT ON COLUMN engine_inputs.epoch IS 'The run of the engine.';
COMMENT ON COLUMN engine_inputs.seq IS 'In the order in which the engine took it.';
COMMENT ON COLUMN engine_inputs.kind IS 'A word of the engine''s closed list.';
COMMENT ON COLUMN engine_inputs.ref_id IS 'The row that it came from.';
COMMENT ON COLUMN engine_inputs.body IS 'Identifiers and numbers, never names.';
CALL append_only('engine_inputs');

ALTER TABLE alarms
    ADD COLUMN realm text CHECK (realm IN ('live', 'demo', 'test')),
    ADD COLUMN patient_id uuid,
    ADD COLUMN encounter_id uuid,
    ADD COLUMN location_id uuid,
    ADD COLUMN presence text NOT NULL GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 'present' ELSE 'ended' END) STORED,
    ADD COLUMN signal text NOT NULL DEFAULT 'on' CHECK (signal IN ('on', 'latched', 'acknowledged', 'paused', 'off')),
    ADD COLUMN responsibility text NOT NULL DEFAULT 'nobody' CHECK (responsibility IN ('nobody', 'offered', 'accepted')),
    ADD COLUMN step int2 NOT NULL DEFAULT 0 CHECK (step >= 0),
    ADD COLUMN known_assignment_id uuid,
    ADD COLUMN association text NOT NULL DEFAULT 'ok' CHECK (association IN ('ok', 'corrected')),
    ADD COLUMN context jsonb;
UPDATE alarms SET realm = devices.realm FROM devices WHERE devices.key = alarms.device_key;
ALTER TABLE alarms
    DROP CONSTRAINT alarms_device_key_fkey,
    DROP CONSTRAINT alarms_key,
    ADD FOREIGN KEY (device_key, realm) REFERENCES devices (key, realm),
    ADD FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    ADD FOREIGN KEY (encounter_id, patient_id, realm) REFERENCES encounters (id, patient_id, realm),
    ADD FOREIGN KEY (location_id, realm) REFERENCES locations (id, realm),
    ADD FOREIGN KEY (known_assignment_id, realm) REFERENCES device_assignments (id, realm),
    ADD UNIQUE (id, realm),
    ADD CONSTRAINT alarms_key UNIQUE NULLS NOT DISTINCT (rule_version_id, device_key, patient_id, onset_at),
    ADD CONSTRAINT alarms_of_a_realm CHECK (realm IS NOT NULL OR num_nonnulls(device_key, patient_id, location_id) = 0),
    ADD CONSTRAINT alarms_stay_has_patient CHECK (encounter_id IS NULL OR patient_id IS NOT NULL);
CALL fix_realm('alarms');
CREATE INDEX alarms_of ON alarms (patient_id, raised_at DESC) WHERE patient_id IS NOT NULL;
COMMENT ON TABLE alarms IS 'One alarm from onset to end, upserted by its key so that a replay finds the same row. Written by alerting.';
COMMENT ON COLUMN alarms.id IS 'Derived from the key.';
COMMENT ON COLUMN alarms.device_key IS 'Null: of no device, as the system about itself.';
COMMENT ON COLUMN alarms.kind IS 'About the patient, or about equipment (IEC 60601-1-8).';
COMMENT ON COLUMN alarms.priority IS 'That of the rule.';
COMMENT ON COLUMN alarms.onset_at IS 'When the condition began.';
COMMENT ON COLUMN alarms.raised_at IS 'When it had lasted for its delay.';
COMMENT ON COLUMN alarms.ended_at IS 'When the condition ended; null: it holds.';
COMMENT ON COLUMN alarms.value IS 'The most extreme since the onset, in the unit of the rule''s parameter.';
COMMENT ON COLUMN alarms.realm IS 'live, demo or test: that of the device or the patient; null: the system about itself.';
COMMENT ON COLUMN alarms.patient_id IS 'Whom it is about; null: nobody, or nobody was assigned.';
COMMENT ON COLUMN alarms.location_id IS 'Where he lay at the onset.';
COMMENT ON COLUMN alarms.presence IS 'Of the condition.';
COMMENT ON COLUMN alarms.signal IS 'Of tone and light; latched: it sounds though the condition ended.';
COMMENT ON COLUMN alarms.responsibility IS 'Whether somebody took it on.';
COMMENT ON COLUMN alarms.step IS 'How far it was escalated; 0: whoever covers.';
COMMENT ON COLUMN alarms.known_assignment_id IS 'The assignment by which the patient was known at the onset.';
COMMENT ON COLUMN alarms.association IS 'corrected: it was shown as another patient''s first.';
COMMENT ON COLUMN alarms.context IS 'What the engine knew at the onset, numbers only.';
ALTER TABLE access_grants ADD FOREIGN KEY (alarm_id, realm) REFERENCES alarms (id, realm);

ALTER TABLE alarm_transitions
    ADD COLUMN actor text NOT NULL DEFAULT 'engine' CHECK (actor IN ('user', 'station', 'engine')),
    ADD COLUMN actor_id uuid,
    ADD COLUMN cause text CONSTRAINT alarm_transitions_cause_form CHECK (cause ~ '^[a-z_]{1,40}$'),
    ADD CONSTRAINT alarm_transitions_actor_named CHECK ((actor = 'engine') = (actor_id IS NULL));
COMMENT ON TABLE alarm_transitions IS 'One step of an alarm as it was told to screens; (epoch, seq) is their resume token. Added by alerting, changed by nobody.';
COMMENT ON COLUMN alarm_transitions.epoch IS 'The run of the engine.';
COMMENT ON COLUMN alarm_transitions.seq IS 'In the order in which they were told.';
COMMENT ON COLUMN alarm_transitions.what IS 'What happened.';
COMMENT ON COLUMN alarm_transitions.at IS 'The deadline that was met.';
COMMENT ON COLUMN alarm_transitions.received_at IS 'Of the input that brought it about.';
COMMENT ON COLUMN alarm_transitions.value IS 'The most extreme so far, in the unit of the rule''s parameter.';
COMMENT ON COLUMN alarm_transitions.actor IS 'Who brought it about.';
COMMENT ON COLUMN alarm_transitions.actor_id IS 'The user or the station.';
COMMENT ON COLUMN alarm_transitions.cause IS 'Why, where `what` does not say it: a word of the engine''s closed list.';
CALL append_only('alarm_transitions');

CREATE TABLE inactivations (
    id          uuid PRIMARY KEY,
    realm       text NOT NULL CHECK (realm IN ('live', 'demo', 'test')),
    scope       text NOT NULL CHECK (scope IN ('station', 'patient', 'patient_rule')),
    station_id  uuid,
    patient_id  uuid,
    rule_id     uuid REFERENCES rules (id),
    kind        text NOT NULL CHECK (kind IN ('audio', 'care', 'off')),
    reason      text NOT NULL CONSTRAINT inactivations_reason_form CHECK (reason ~ '^[a-z_]{1,40}$'),
    by          uuid NOT NULL,
    during      tstzrange NOT NULL CONSTRAINT inactivations_end CHECK (NOT isempty(during) AND NOT upper_inf(during)),
    ended_by    uuid,
    version     int4 NOT NULL DEFAULT 1,
    FOREIGN KEY (station_id, realm) REFERENCES stations (id, realm),
    FOREIGN KEY (patient_id, realm) REFERENCES patients (id, realm),
    FOREIGN KEY (by, realm) REFERENCES users (id, realm),
    FOREIGN KEY (ended_by, realm) REFERENCES users (id, realm),
    CONSTRAINT inactivations_of_its_scope CHECK (CASE scope
        WHEN 'station' THEN station_id IS NOT NULL AND num_nonnulls(patient_id, rule_id) = 0
        WHEN 'patient' THEN patient_id IS NOT NULL AND num_nonnulls(station_id, rule_id) = 0
        ELSE num_nonnulls(patient_id, rule_id) = 2 AND station_id IS NULL END)
);
CREATE INDEX inactivations_of ON inactivations (patient_id) WHERE patient_id IS NOT NULL;
COMMENT ON TABLE inactivations IS 'Somebody silenced or switched off alarms for a while. Written by the portal.';
COMMENT ON COLUMN inactivations.scope IS 'Of what.';
COMMENT ON COLUMN inactivations.kind IS 'audio: no tone; care: at the bedside, alarms wait; off: none.';
COMMENT ON COLUMN inactivations.reason IS 'A word of the site''s list.';
COMMENT ON COLUMN inactivations.by IS 'The user who did it.';
COMMENT ON COLUMN inactivations.during IS 'From when to when; always ends.';
COMMENT ON COLUMN inactivations.ended_by IS 'The user who ended it early; null: nobody did.';
CALL keep_versions('inactivations');
CALL fix_realm('inactivations');

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    alarm_id        uuid NOT NULL REFERENCES alarms (id),
    step            int2 NOT NULL CHECK (step >= 0),
    recipient_duty  uuid NOT NULL REFERENCES duties (id),
    channel         text NOT NULL CHECK (channel IN ('station', 'phone', 'push', 'pager')),
    queued_at       timestamptz NOT NULL,
    sent_at         timestamptz,
    received_at     timestamptz,
    painted_at      timestamptz,
    accepted_at     timestamptz,
    outcome         text CHECK (outcome IN ('accepted', 'declined', 'expired', 'failed', 'withdrawn')),
    tries           int2 NOT NULL DEFAULT 0 CHECK (tries >= 0),
    CONSTRAINT deliveries_once UNIQUE (alarm_id, step, recipient_duty, channel)
);
CREATE INDEX deliveries_open ON deliveries (queued_at) WHERE outcome IS NULL;
COMMENT ON TABLE deliveries IS 'An alarm on its way to somebody by one channel. Written by alerting; its times are its history.';
COMMENT ON COLUMN deliveries.step IS 'Of the escalation.';
COMMENT ON COLUMN deliveries.recipient_duty IS 'The duty that is called.';
COMMENT ON COLUMN deliveries.channel IS 'By what.';
COMMENT ON COLUMN deliveries.painted_at IS 'When a screen said that it is on its glass.';
COMMENT ON COLUMN deliveries.outcome IS 'Null: on its way.';
COMMENT ON COLUMN deliveries.tries IS 'How often it was sent.';

REVOKE EXECUTE ON FUNCTION rule_named, number_rule_version FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rule_named TO vigil_alerting, vigil_portal;

GRANT SELECT, INSERT ON rules, rule_versions, alarm_transitions, engine_inputs TO vigil_alerting;
GRANT SELECT, INSERT, UPDATE ON alarms, engine_epochs, deliveries TO vigil_alerting;
GRANT SELECT ON shifts, duties, handoffs, cover, profiles, profile_rules, limit_overrides, inactivations TO vigil_alerting;

GRANT SELECT, INSERT, UPDATE ON shifts, duties, handoffs, cover, profiles, profile_rules, limit_overrides, inactivations
    TO vigil_portal;
GRANT SELECT ON shifts_history, duties_history, handoffs_history, cover_history, profiles_history, profile_rules_history,
    limit_overrides_history, inactivations_history TO vigil_portal;
GRANT SELECT ON alarms, alarm_transitions, deliveries, engine_epochs TO vigil_portal;
GRANT SELECT, INSERT ON rules, rule_versions TO vigil_portal;
