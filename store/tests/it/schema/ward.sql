-- A row of every table of the core: two beds, two nurses, a physician and an administrator, two patients with a monitor each.
-- @word is the uuid of that word.

INSERT INTO organizations (id, realm, kind, name, npi, tax_id) VALUES (@mercy, 'demo', 'facility', 'Mercy', '1234567893', '12-3456789');
INSERT INTO organizations (id, realm, kind, name) VALUES (@elsewhere, 'test', 'facility', 'Elsewhere');
INSERT INTO profiles (id, age_class, name) VALUES (@adults, 'adult', 'Adults');
INSERT INTO locations (id, realm, org_id, parent_id, kind, code, tz, default_profile_id) VALUES
    (@site, 'demo', @mercy, NULL, 'site', 'Mercy', 'America/New_York', NULL),
    (@unit, 'demo', @mercy, @site, 'unit', '4 West', NULL, @adults),
    (@bed1, 'demo', @mercy, @unit, 'bed', '1', NULL, NULL),
    (@bed2, 'demo', @mercy, @unit, 'bed', '2', NULL, NULL),
    (@other_unit, 'demo', @mercy, @site, 'unit', '5 East', NULL, @adults),
    (@other_site, 'test', @elsewhere, NULL, 'site', 'Elsewhere', 'UTC', NULL);
INSERT INTO practitioners (id, realm, org_id, display_name, npi) VALUES
    (@ann, 'demo', @mercy, 'Ann', '1000000004'), (@ben, 'demo', @mercy, 'Ben', NULL), (@cat, 'demo', @mercy, 'Cat', NULL);
INSERT INTO practitioner_roles (id, realm, practitioner_id, code, location_id, during)
    VALUES (@anns_role, 'demo', @ann, 'nurse', @unit, tstzrange('2026-01-01', NULL));
INSERT INTO users (id, realm, practitioner_id, login, display_name, status) VALUES
    (@user_ann, 'demo', @ann, 'ann', 'Ann', 'active'), (@user_ben, 'demo', @ben, 'ben', 'Ben', 'active'),
    (@user_cat, 'demo', @cat, 'cat', 'Cat', 'active'), (@user_dan, 'demo', NULL, 'dan', 'Dan', 'active');
INSERT INTO users (id, realm, login, display_name) VALUES (@user_eve, 'test', 'eve', 'Eve');
INSERT INTO credentials (id, user_id, kind, hash, confirmed_at) VALUES (@anns_password, @user_ann, 'password', '$argon2id$v=19', now());
INSERT INTO credentials (id, user_id, kind, issuer, subject) VALUES (@anns_oidc, @user_ann, 'oidc', 'https://issuer', 'ann');
INSERT INTO stations (id, realm, location_id, name, mode, token_hash, expires_at)
    VALUES (@wall, 'demo', @unit, 'Wall', 'wall', sha256('wall'), now() + interval '90 days');
INSERT INTO one_time_codes (id, purpose, digest, station_id, expires_at)
    VALUES (@code, 'station', sha256('code'), @wall, now() + interval '15 minutes');
INSERT INTO sessions (id, realm, token_hash, user_id, station_id, factors, started_at, last_input_at, expires_at)
    VALUES (@session, 'demo', sha256('session'), @user_ann, @wall, '{password,totp}', now(), now(), now() + interval '12 hours');
INSERT INTO role_permissions (role_id, permission) SELECT id, 'read_vitals' FROM roles WHERE code = 'nurse';
INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_by, approved_by, approved_at)
    SELECT @anns_grant, 'demo', @user_ann, id, tstzrange('2026-01-01', NULL), @user_dan, @user_cat, now() FROM roles WHERE code = 'nurse';
INSERT INTO system_keys (id, purpose, version, wrapped, state) VALUES (@key, 'data', 1, '\x00', 'active');
INSERT INTO idempotency (key_hash, user_id, endpoint, request_hash, expires_at)
    VALUES (sha256('key'), @user_ann, 'POST /api/patients', sha256('body'), now() + interval '1 day');

INSERT INTO audit_events (id, at, realm, category, action, outcome, user_id, purpose) VALUES
    (@event, now(), 'demo', 'chart', 'R', 'success', @user_ann, 'TREAT'), (@event2, now(), 'demo', 'chart', 'R', 'refused', @user_ben, 'TREAT');
INSERT INTO audit_subjects (event_id, patient_id, at) VALUES (@event, @pat, now());
INSERT INTO audit_streams (stream, opened_at) VALUES (@stream, now());
INSERT INTO audit_links (stream, seq, event_id, hash) VALUES (@stream, 1, @event, sha256('link'));
INSERT INTO audit_heads (stream, seq, hash, signature, at) VALUES (@stream, 1, sha256('link'), '\x00', now());

INSERT INTO patients (id, realm, sex, gender) VALUES (@pat, 'demo', 'female', 'female'), (@quinn, 'demo', 'male', NULL);
INSERT INTO patients (id, realm) VALUES (@stranger, 'test');
INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES (@pats_name, @pat, 'official', '\x01', daterange('1980-01-01', NULL)),
    (@quinns_name, @quinn, 'official', '\x01', daterange('1980-01-01', NULL));
INSERT INTO patient_contacts (id, patient_id, kind, sealed, relation, valid)
    VALUES (@pats_phone, @pat, 'phone', '\x01', 'mother', daterange('2020-01-01', NULL));
INSERT INTO patient_links (id, realm, patient_id, other_id, kind) VALUES (@link, 'demo', @pat, @quinn, 'guarantor');
INSERT INTO patient_identifiers (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, valid) VALUES
    (@pats_number, 'demo', @pat, @mercy, 'MR', '\x01', sha256('1'), 1, daterange('2020-01-01', NULL)),
    (@quinns_number, 'demo', @quinn, @mercy, 'MR', '\x01', sha256('2'), 1, daterange('2020-01-01', NULL));
INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES (1, 7, 0, @pat), (1, 8, 0, @quinn);
INSERT INTO patient_merges (id, realm, survivor_id, retired_id, at, by) VALUES (@merge, 'demo', @pat, @quinn, now(), @user_dan);
INSERT INTO patient_flags (id, realm, patient_id, kind, code, during, by)
    VALUES (@flag, 'demo', @pat, 'safety', 'fall_risk', tstzrange('2026-01-01', NULL), @user_ann);
INSERT INTO consents (id, patient_id, scope, decision, during) VALUES (@consent, @pat, 'monitoring', 'permit', tstzrange('2026-01-01', NULL));
INSERT INTO accounts (id, realm, patient_id, billing_org) VALUES (@account, 'demo', @pat, @mercy);
INSERT INTO episodes (id, realm, patient_id, programme, during, consent_id, managing_org)
    VALUES (@episode, 'demo', @pat, 'home_monitoring', tstzrange('2026-01-01', NULL), @consent, @mercy);
INSERT INTO encounters (id, realm, patient_id, class, status, during, age_class, attending_id, visit_token, visit_key_version, visit_sealed)
    VALUES (@stay, 'demo', @pat, 'inpatient', 'in_progress', tstzrange('2026-01-01', NULL), 'adult', @ann, sha256('v1'), 1, '\x01'),
    (@other_stay, 'demo', @quinn, 'inpatient', 'in_progress', tstzrange('2026-01-01', NULL), 'adult', NULL, NULL, NULL, NULL);
INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during) VALUES
    (@lies, 'demo', @stay, @pat, @bed1, true, 'active', tstzrange('2026-01-01', NULL)),
    (@quinn_lies, 'demo', @other_stay, @quinn, @bed2, true, 'active', tstzrange('2026-01-01', NULL));
INSERT INTO care_team (id, realm, patient_id, practitioner_id, role, during)
    VALUES (@team, 'demo', @quinn, @cat, 'attending', tstzrange('2026-01-01', NULL));
INSERT INTO own_records (id, realm, user_id, patient_id, superseded_at) VALUES (@own, 'demo', @user_ann, @pat, '2026-01-02');
INSERT INTO access_grants (id, realm, user_id, patient_id, via, during, reason_code, review_by) VALUES
    (@glass, 'demo', @user_dan, @quinn, 'break_glass', tstzrange(now(), now() + interval '1 hour'), 'emergency', now() + interval '72 hours');

INSERT INTO devices (key, external_id, kind, realm, location_id) OVERRIDING SYSTEM VALUE
    VALUES (1, 'monitor-1', 'device', 'demo', @unit), (2, 'monitor-2', 'device', 'demo', NULL), (3, 'real', 'device', 'live', NULL);
SELECT setval(pg_get_serial_sequence('devices', 'key'), 3);
INSERT INTO device_credentials (device_key, kind, digest) VALUES (1, 'secret', sha256('secret'));
INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at) VALUES
    (@assigned, 'demo', 1, @pat, @stay, tstzrange('2026-01-01', '2026-01-02'), 'scan', now());
INSERT INTO observations (id, realm, patient_id, encounter_id, code_system, code, code_display, value_num, unit, effective_at, recorded_at, performer_id)
    VALUES (@seen, 'demo', @pat, @stay, 'http://loinc.org', '9279-1', 'Respiratory rate', 14, '/min', now(), now(), @ann);

INSERT INTO shifts (id, unit_id, name, local_start, local_end, days) VALUES (@shift, @unit, 'Night', '19:00', '07:00', '{1,2,3}');
INSERT INTO duties (id, realm, unit_id, practitioner_id, role, during) VALUES
    (@duty, 'demo', @unit, @ann, 'nurse', tstzrange(now() - interval '1 hour', now() + interval '8 hours')),
    (@next_duty, 'demo', @unit, @ben, 'nurse', tstzrange(now() + interval '8 hours', now() + interval '16 hours'));
INSERT INTO handoffs (id, realm, from_duty, to_duty, at, items) VALUES (@handoff, 'demo', @duty, @next_duty, now(), '[]');
INSERT INTO cover (id, realm, duty_id, location_id, kind, during)
    VALUES (@covered, 'demo', @duty, @bed1, 'primary', tstzrange(now() - interval '1 hour', now() + interval '8 hours'));
INSERT INTO rule_versions (id, rule_id, priority, body) VALUES (@hr_high_1, rule_named('hr_high'), 'high', '{"condition": "silence", "after_ms": 1}');
INSERT INTO profile_rules (id, profile_id, rule_id, rule_version_id, during)
    VALUES (@profiled, @adults, rule_named('hr_high'), @hr_high_1, tstzrange('2026-01-01', NULL));
INSERT INTO limit_overrides (id, realm, encounter_id, patient_id, rule_id, bounds, reason_sealed, asked_by, approved_by, status, during)
    VALUES (@override, 'demo', @stay, @pat, rule_named('hr_high'), '{"limit": 140}', '\x01', @user_ann, @user_cat, 'active', tstzrange('2026-01-01', NULL));
INSERT INTO engine_epochs (started_at) VALUES (now());
INSERT INTO engine_inputs (epoch, seq, received_at, kind, body) SELECT epoch, 1, now(), 'roster', '{}' FROM engine_epochs;
INSERT INTO alarms (id, realm, device_key, patient_id, encounter_id, rule_version_id, kind, priority, onset_at, raised_at)
    VALUES (@alarm, 'demo', 1, @pat, @stay, @hr_high_1, 'physiological', 'high', '2026-01-01', '2026-01-01'),
    (@other_alarm, 'demo', 2, @quinn, @other_stay, @hr_high_1, 'physiological', 'high', '2026-01-01', '2026-01-01');
INSERT INTO alarm_transitions (epoch, seq, alarm_id, what, at, received_at) VALUES (1, 1, @alarm, 'raised', now(), now()),
    (1, 2, @other_alarm, 'raised', now(), now());
INSERT INTO inactivations (id, realm, scope, patient_id, kind, reason, by, during)
    VALUES (@silenced, 'demo', 'patient', @pat, 'audio', 'care', @user_ann, tstzrange(now(), now() + interval '2 minutes'));
INSERT INTO deliveries (id, alarm_id, step, recipient_duty, channel, queued_at) VALUES
    (@delivery, @alarm, 0, @duty, 'station', now()), (@other_delivery, @other_alarm, 0, @duty, 'station', now());
INSERT INTO quarantine (device_key, topic, digest, reason, detail, payload, first_received_at, last_received_at)
    VALUES (1, 't', sha256('p'), 'malformed', 'd', '\x00', now(), now());
