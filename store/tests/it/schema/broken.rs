use std::collections::BTreeSet;

use super::{admin, run, ward};

/// A constraint, and a statement that breaks it and no other in the ward.
const BROKEN: &[(&str, &str)] = &[
    ("retention_classes_years", "UPDATE retention_classes SET years = 0"),
    ("organizations_name_length", "UPDATE organizations SET name = ''"),
    ("organizations_npi_form", "UPDATE organizations SET npi = '123'"),
    ("organizations_tax_id_form", "UPDATE organizations SET tax_id = 'x'"),
    ("organizations_not_part_of_itself", "UPDATE organizations SET part_of = id"),
    ("organizations_realm_fixed", "UPDATE organizations SET realm = 'live' WHERE id = @elsewhere"),
    ("locations_code_form", "UPDATE locations SET code = ' 1'"),
    ("locations_code_key", "UPDATE locations SET code = '2' WHERE id = @bed1"),
    ("locations_tz_form", "UPDATE locations SET tz = '+01:00'"),
    ("locations_only_sites_on_top", "UPDATE locations SET parent_id = NULL WHERE id = @bed1"),
    ("locations_site_has_tz", "UPDATE locations SET tz = NULL WHERE id = @site"),
    ("locations_unit_has_profile", "UPDATE locations SET default_profile_id = NULL WHERE id = @unit"),
    ("locations_lineage_cycle", "UPDATE locations SET parent_id = @bed1 WHERE id = @unit"),
    ("locations_parent_id_realm_fkey", "UPDATE locations SET parent_id = @other_site WHERE id = @unit"),
    ("practitioners_name_length", "UPDATE practitioners SET display_name = ''"),
    ("practitioners_npi_form", "UPDATE practitioners SET npi = '123' WHERE id = @ann"),
    ("practitioners_npi_key", "UPDATE practitioners SET npi = '1000000004' WHERE id = @ben"),
    ("practitioner_roles_code_form", "UPDATE practitioner_roles SET code = 'A nurse'"),
    ("practitioner_roles_during_lasts", "UPDATE practitioner_roles SET during = 'empty'"),
    ("users_practitioner_key", "UPDATE users SET practitioner_id = @ann WHERE id = @user_ben"),
    ("users_login_key", "UPDATE users SET login = 'ann' WHERE id = @user_ben"),
    ("users_login_form", "UPDATE users SET login = 'Ann' WHERE id = @user_ben"),
    ("users_name_length", "UPDATE users SET display_name = ''"),
    ("users_disabled_since", "UPDATE users SET status = 'disabled'"),
    ("credentials_hash_form", "UPDATE credentials SET hash = 'secret' WHERE id = @anns_password"),
    ("credentials_form", "UPDATE credentials SET sealed = '\\x01' WHERE id = @anns_password"),
    (
        "credentials_subject_key",
        "INSERT INTO credentials (id, user_id, kind, issuer, subject) VALUES (@x, @user_ben, 'oidc', 'https://issuer', 'ann')",
    ),
    (
        "credentials_one_of_a_kind",
        "INSERT INTO credentials (id, user_id, kind, hash, confirmed_at) VALUES (@x, @user_ann, 'password', '$argon2id$', now())",
    ),
    ("stations_name_length", "UPDATE stations SET name = ''"),
    ("stations_token_hash_length", "UPDATE stations SET token_hash = '\\x00'"),
    ("stations_token_expires", "UPDATE stations SET token_hash = NULL"),
    (
        "stations_token_hash_key",
        "INSERT INTO stations (id, realm, location_id, name, mode, token_hash, expires_at)
            VALUES (@x, 'demo', @unit, 'x', 'wall', sha256('wall'), now())",
    ),
    (
        "one_time_codes_digest_key",
        "INSERT INTO one_time_codes (id, purpose, digest, expires_at) VALUES (@x, 'first_administrator', sha256('code'), now())",
    ),
    ("one_time_codes_digest_length", "UPDATE one_time_codes SET digest = '\\x00'"),
    ("one_time_codes_target", "UPDATE one_time_codes SET user_id = @user_ann"),
    ("sessions_expires_after_start", "UPDATE sessions SET expires_at = started_at"),
    ("sessions_factors_known", "UPDATE sessions SET factors = '{trust}'"),
    ("sessions_token_hash_length", "UPDATE sessions SET token_hash = '\\x00'"),
    (
        "sessions_token_hash_key",
        "INSERT INTO sessions SELECT @x, realm, token_hash, user_id, station_id, factors, address, started_at, stepped_up_at,
            last_input_at, locked_at, expires_at, revoked_at FROM sessions",
    ),
    ("sign_in_places_digest_length", "INSERT INTO sign_in_places VALUES (@user_ann, '\\x00', now())"),
    ("station_old_tokens_digest_length", "INSERT INTO station_old_tokens VALUES (@wall, '\\x00', now())"),
    (
        "station_old_tokens_digest_key",
        "INSERT INTO stations (id, realm, location_id, name, mode) VALUES (@x, 'demo', @unit, 'Wall 2', 'wall');
            INSERT INTO station_old_tokens VALUES (@wall, sha256('old'), now()), (@x, sha256('old'), now())",
    ),
    ("roles_code_key", "INSERT INTO roles (id, code, two_persons) VALUES (@x, 'nurse', false)"),
    ("roles_code_form", "INSERT INTO roles (id, code, two_persons) VALUES (@x, 'Nurse', false)"),
    ("role_permissions_form", "UPDATE role_permissions SET permission = 'ALL'"),
    ("role_grants_approved_when", "UPDATE role_grants SET approved_at = NULL"),
    ("role_grants_different_persons", "UPDATE role_grants SET approved_by = granted_by"),
    ("role_grants_during_lasts", "UPDATE role_grants SET during = 'empty'"),
    ("role_grants_has_granter", "UPDATE role_grants SET granted_by = NULL"),
    ("role_grants_part_known", "UPDATE role_grants SET granted_by = NULL, granted_part = 'anybody'"),
    (
        "role_grants_once",
        "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
            SELECT @x, realm, user_id, role_id, '[2026-06-01,2026-07-01)', 'demo' FROM role_grants",
    ),
    ("role_grants_user_id_realm_fkey", "UPDATE role_grants SET user_id = @user_eve"),
    ("system_keys_purpose_form", "UPDATE system_keys SET purpose = 'Data'"),
    (
        "system_keys_version_key",
        "INSERT INTO system_keys (id, purpose, version, wrapped, state) VALUES (@x, 'data', 1, '\\x00', 'next')",
    ),
    ("system_keys_destroyed_is_empty", "UPDATE system_keys SET state = 'destroyed'"),
    (
        "system_keys_one_active",
        "INSERT INTO system_keys (id, purpose, version, wrapped, state) VALUES (@x, 'data', 2, '\\x00', 'active')",
    ),
    ("idempotency_key_length", "UPDATE idempotency SET key_hash = '\\x00'"),
    ("idempotency_request_length", "UPDATE idempotency SET request_hash = '\\x00'"),
    (
        "audit_events_agent",
        "INSERT INTO audit_events (id, at, category, action, outcome) VALUES (@x, now(), 'chart', 'R', 'success')",
    ),
    (
        "audit_events_category_form",
        "INSERT INTO audit_events (id, at, category, action, outcome, device_key) VALUES (@x, now(), 'The chart', 'R', 'success', 1)",
    ),
    (
        "audit_events_part_known",
        "INSERT INTO audit_events (id, at, category, action, outcome, system_part) VALUES (@x, now(), 'x', 'R', 'success', 'us')",
    ),
    (
        "audit_events_endpoint_length",
        "INSERT INTO audit_events (id, at, category, action, outcome, device_key, endpoint)
            VALUES (@x, now(), 'x', 'R', 'success', 1, repeat('x', 201))",
    ),
    (
        "audit_events_entity_form",
        "INSERT INTO audit_events (id, at, category, action, outcome, device_key, entity_kind)
            VALUES (@x, now(), 'x', 'R', 'success', 1, 'A patient')",
    ),
    (
        "audit_events_detail_length",
        "INSERT INTO audit_events (id, at, category, action, outcome, device_key, detail_sealed)
            VALUES (@x, now(), 'x', 'R', 'success', 1, convert_to(repeat('x', 65537), 'UTF8'))",
    ),
    (
        "audit_events_times_positive",
        "INSERT INTO audit_events (id, at, category, action, outcome, device_key, times) VALUES (@x, now(), 'x', 'R', 'success', 1, 0)",
    ),
    ("audit_events_append_only", "UPDATE audit_events SET outcome = 'success' WHERE false"),
    ("audit_events_append_only", "DELETE FROM audit_events"),
    ("audit_events_append_only", "TRUNCATE audit_events CASCADE"),
    ("audit_subjects_append_only", "UPDATE audit_subjects SET patient_id = @quinn"),
    ("audit_subjects_append_only", "DELETE FROM audit_subjects"),
    ("audit_links_append_only", "UPDATE audit_links SET hash = sha256('')"),
    ("audit_links_append_only", "TRUNCATE audit_links CASCADE"),
    ("audit_links_event_key", "INSERT INTO audit_links VALUES (@stream, 2, @event, sha256(''))"),
    ("audit_links_seq_positive", "INSERT INTO audit_links VALUES (@stream, 0, @event2, sha256(''))"),
    ("audit_links_hash_length", "INSERT INTO audit_links VALUES (@stream, 2, @event2, '\\x00')"),
    ("audit_links_stream_fkey", "INSERT INTO audit_links VALUES (@event, 1, @event2, sha256(''))"),
    ("audit_streams_append_only", "UPDATE audit_streams SET opened_at = now()"),
    ("audit_streams_hash_length", "INSERT INTO audit_streams VALUES (@event, now(), @stream, 1, '\\x00')"),
    ("audit_streams_after_whole", "INSERT INTO audit_streams VALUES (@event, now(), @stream, NULL, NULL)"),
    ("audit_heads_append_only", "DELETE FROM audit_heads"),
    ("audit_heads_hash_length", "INSERT INTO audit_heads VALUES (@stream, 1, '\\x00', '\\x00', now())"),
    ("audit_heads_stream_seq_fkey", "INSERT INTO audit_heads VALUES (@stream, 9, sha256(''), '\\x00', now())"),
    ("patients_gender_form", "UPDATE patients SET gender = 'Female'"),
    ("patients_merged_into_somebody", "UPDATE patients SET status = 'merged'"),
    ("patients_not_merged_into_itself", "UPDATE patients SET status = 'merged', merged_into = id"),
    ("patients_merged_into_realm_fkey", "UPDATE patients SET status = 'merged', merged_into = @stranger WHERE id = @pat"),
    ("patients_realm_fixed", "UPDATE patients SET realm = 'live' WHERE id = @stranger"),
    ("patient_names_valid_lasts", "UPDATE patient_names SET valid = 'empty'"),
    (
        "patient_names_one_official",
        "INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES (@x, @pat, 'official', '', '[2026-01-01,)')",
    ),
    ("patient_contacts_relation_form", "UPDATE patient_contacts SET relation = 'Her mother'"),
    ("patient_contacts_valid_lasts", "UPDATE patient_contacts SET valid = 'empty'"),
    ("patient_links_to_another", "UPDATE patient_links SET other_id = patient_id"),
    (
        "patient_links_once",
        "INSERT INTO patient_links (id, realm, patient_id, other_id, kind) VALUES (@x, 'demo', @pat, @quinn, 'guarantor')",
    ),
    ("patient_links_other_id_realm_fkey", "UPDATE patient_links SET other_id = @stranger"),
    ("patient_identifiers_type_form", "UPDATE patient_identifiers SET type = 'mrn'"),
    ("patient_identifiers_token_length", "UPDATE patient_identifiers SET token = ''"),
    ("patient_identifiers_valid_lasts", "UPDATE patient_identifiers SET valid = 'empty'"),
    ("patient_identifiers_active_key", "UPDATE patient_identifiers SET token = sha256('1')"),
    ("patient_identifiers_issuer_org_realm_fkey", "UPDATE patient_identifiers SET issuer_org = @elsewhere"),
    ("patient_merges_of_two", "UPDATE patient_merges SET retired_id = survivor_id"),
    ("patient_merges_undone_by_somebody", "UPDATE patient_merges SET undone_at = now()"),
    (
        "patient_merges_retired_key",
        "INSERT INTO patient_merges (id, realm, survivor_id, retired_id, at, by) VALUES (@x, 'demo', @pat, @quinn, now(), @user_dan)",
    ),
    ("patient_flags_code_form", "UPDATE patient_flags SET code = 'Fall risk'"),
    ("patient_flags_during_lasts", "UPDATE patient_flags SET during = 'empty'"),
    ("consents_during_lasts", "UPDATE consents SET during = 'empty'"),
    (
        "consents_one_decision",
        "INSERT INTO consents (id, patient_id, scope, decision, during) VALUES (@x, @pat, 'monitoring', 'deny', '[2026-05-01,)')",
    ),
    ("episodes_programme_form", "UPDATE episodes SET programme = 'At home'"),
    ("episodes_during_lasts", "UPDATE episodes SET during = 'empty'"),
    ("encounters_visit_token_length", "UPDATE encounters SET visit_token = '' WHERE id = @stay"),
    ("encounters_visit_whole", "UPDATE encounters SET visit_token = NULL WHERE id = @stay"),
    (
        "encounters_visit_key",
        "UPDATE encounters SET visit_token = sha256('v1'), visit_key_version = 1, visit_sealed = '' WHERE id = @other_stay",
    ),
    ("encounters_during_lasts", "UPDATE encounters SET during = 'empty'"),
    ("encounter_locations_during_lasts", "UPDATE encounter_locations SET during = 'empty'"),
    ("encounter_locations_left_has_end", "UPDATE encounter_locations SET status = 'left'"),
    ("encounter_locations_taken", "UPDATE encounter_locations SET location_id = @bed1 WHERE id = @quinn_lies"),
    (
        "encounter_locations_elsewhere",
        "INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during)
            VALUES (@x, 'demo', @stay, @pat, @unit, true, 'active', '[2026-05-01,)')",
    ),
    ("encounter_locations_encounter_id_patient_id_realm_fkey", "UPDATE encounter_locations SET patient_id = @quinn, physical = false WHERE id = @lies"),
    ("encounter_locations_location_id_realm_fkey", "UPDATE encounter_locations SET location_id = @other_site WHERE id = @lies"),
    (
        "own_records_once",
        "INSERT INTO own_records (id, realm, user_id, patient_id) VALUES (@x, 'demo', @user_ann, @pat)",
    ),
    ("care_team_role_form", "UPDATE care_team SET role = 'The boss'"),
    ("care_team_during_lasts", "UPDATE care_team SET during = 'empty'"),
    (
        "care_team_once",
        "INSERT INTO care_team (id, realm, patient_id, practitioner_id, role, during) VALUES (@x, 'demo', @quinn, @cat, 'attending', '[2026-05-01,)')",
    ),
    ("access_grants_alarm_named", "UPDATE access_grants SET alarm_id = @alarm"),
    ("access_grants_ends", "UPDATE access_grants SET via = 'referral', during = '[2026-01-01,)'"),
    ("access_grants_glass_has_reason", "UPDATE access_grants SET reason_code = NULL"),
    ("access_grants_glass_is_short", "UPDATE access_grants SET during = tstzrange(now(), now() + interval '61 minutes')"),
    ("access_grants_reason_form", "UPDATE access_grants SET reason_code = 'An emergency'"),
    ("access_grants_reviewed_whole", "UPDATE access_grants SET reviewed_by = @user_ann"),
    (
        "access_grants_reviewed_by_another",
        "UPDATE access_grants SET reviewed_by = user_id, reviewed_at = now(), review = 'justified'",
    ),
    ("devices_external_id_key", "UPDATE devices SET external_id = 'monitor-1' WHERE key = 2"),
    ("devices_external_id_form", "UPDATE devices SET external_id = 'a/b' WHERE key = 2"),
    ("devices_id_key", "UPDATE devices SET id = (SELECT id FROM devices WHERE key = 1)"),
    ("devices_fixed_somewhere", "UPDATE devices SET attachment = 'fixed' WHERE key = 2"),
    ("devices_gateway_key_realm_fkey", "UPDATE devices SET gateway_key = 3 WHERE key = 1"),
    ("devices_realm_fixed", "UPDATE devices SET realm = 'live' WHERE key = 2"),
    (
        "device_credentials_device_key_kind_digest_key",
        "INSERT INTO device_credentials (device_key, kind, digest) VALUES (1, 'secret', sha256('secret'))",
    ),
    ("device_assignments_during_lasts", "UPDATE device_assignments SET during = 'empty'"),
    ("device_assignments_superseded_when", "UPDATE device_assignments SET superseded_by = @user_ann"),
    (
        "device_assignments_taken",
        "INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at)
            VALUES (@x, 'demo', 1, @quinn, @other_stay, '[2026-01-01 12:00,)', 'scan', now())",
    ),
    ("device_assignments_device_key_realm_fkey", "UPDATE device_assignments SET device_key = 3"),
    ("observations_by_one", "UPDATE observations SET device_key = 1"),
    ("observations_say_something", "UPDATE observations SET value_num = NULL, unit = NULL"),
    ("observations_number_has_unit", "UPDATE observations SET unit = NULL"),
    (
        "observations_superseded_key",
        "INSERT INTO observations (id, realm, patient_id, encounter_id, code_system, code, code_display, value_code, effective_at,
                recorded_at, performer_id, supersedes)
            SELECT id, 'demo', @pat, @stay, 's', 'c', 'd', 'v', now(), now(), @ann, @seen FROM unnest(ARRAY[@x, @y]) id",
    ),
    ("shifts_days_of_week", "UPDATE shifts SET days = '{0}'"),
    ("shifts_name_length", "UPDATE shifts SET name = ''"),
    (
        "shifts_name_key",
        "INSERT INTO shifts (id, unit_id, name, local_start, local_end, days) VALUES (@x, @unit, 'Night', '19:00', '07:00', '{1}')",
    ),
    ("duties_end", "UPDATE duties SET during = '[2026-01-01,)' WHERE id = @duty"),
    (
        "duties_once",
        "INSERT INTO duties (id, realm, unit_id, practitioner_id, role, during)
            VALUES (@x, 'demo', @unit, @ann, 'nurse', tstzrange(now(), now() + interval '1 hour'))",
    ),
    ("handoffs_to_another", "UPDATE handoffs SET to_duty = from_duty"),
    ("cover_ends", "UPDATE cover SET during = '[2026-01-01,)'"),
    ("cover_of_one", "UPDATE cover SET patient_id = @pat"),
    ("rules_code_key", "INSERT INTO rules (code) VALUES ('hr_high')"),
    ("rules_append_only", "UPDATE rules SET code = 'x'"),
    ("rule_versions_append_only", "UPDATE rule_versions SET body = '{}'"),
    ("rule_versions_append_only", "DELETE FROM rule_versions"),
    ("profiles_name_length", "UPDATE profiles SET name = ''"),
    ("profiles_name_key", "INSERT INTO profiles (id, age_class, name) VALUES (@x, 'adult', 'Adults')"),
    ("profile_rules_during_lasts", "UPDATE profile_rules SET during = 'empty'"),
    (
        "profile_rules_one_version",
        "INSERT INTO profile_rules (id, profile_id, rule_id, rule_version_id, during)
            SELECT @x, profile_id, rule_id, rule_version_id, '[2026-05-01,)' FROM profile_rules",
    ),
    ("limit_overrides_different_persons", "UPDATE limit_overrides SET approved_by = asked_by"),
    ("limit_overrides_active_is_approved", "UPDATE limit_overrides SET approved_by = NULL"),
    ("limit_overrides_during_lasts", "UPDATE limit_overrides SET during = 'empty'"),
    (
        "limit_overrides_one_active",
        "INSERT INTO limit_overrides (id, realm, encounter_id, patient_id, rule_id, bounds, reason_sealed, asked_by, approved_by,
                status, during)
            SELECT @x, realm, encounter_id, patient_id, rule_id, bounds, reason_sealed, asked_by, approved_by, status,
                '[2026-05-01,)' FROM limit_overrides",
    ),
    ("engine_inputs_kind_form", "INSERT INTO engine_inputs VALUES (1, 2, now(), 'A roster', NULL, '{}')"),
    ("engine_inputs_append_only", "DELETE FROM engine_inputs"),
    (
        "alarms_key",
        "INSERT INTO alarms (id, rule_version_id, kind, priority, onset_at, raised_at)
            SELECT id, @hr_high_1, 'technical', 'high', now(), now() FROM unnest(ARRAY[@x, @y]) id",
    ),
    (
        "alarms_key",
        "INSERT INTO alarms (id, realm, device_key, patient_id, rule_version_id, kind, priority, onset_at, raised_at)
            SELECT @x, realm, device_key, patient_id, rule_version_id, kind, priority, onset_at, raised_at FROM alarms WHERE id = @alarm",
    ),
    ("alarms_realm_fixed", "UPDATE alarms SET realm = NULL"),
    (
        "alarms_of_a_realm",
        "INSERT INTO alarms (id, device_key, rule_version_id, kind, priority, onset_at, raised_at)
            VALUES (@x, 999, @hr_high_1, 'technical', 'high', now(), now())",
    ),
    ("alarms_stay_has_patient", "UPDATE alarms SET patient_id = NULL"),
    ("alarms_device_key_realm_fkey", "UPDATE alarms SET device_key = 3"),
    (
        "alarm_transitions_actor_named",
        "INSERT INTO alarm_transitions (epoch, seq, alarm_id, what, at, received_at, actor) VALUES (1, 9, @alarm, 'cleared', now(), now(), 'user')",
    ),
    (
        "alarm_transitions_cause_form",
        "INSERT INTO alarm_transitions (epoch, seq, alarm_id, what, at, received_at, cause) VALUES (1, 9, @alarm, 'cleared', now(), now(), 'So')",
    ),
    ("alarm_transitions_append_only", "UPDATE alarm_transitions SET value = 1"),
    ("inactivations_end", "UPDATE inactivations SET during = '[2026-01-01,)'"),
    ("inactivations_of_its_scope", "UPDATE inactivations SET scope = 'station'"),
    ("inactivations_reason_form", "UPDATE inactivations SET reason = 'Of care'"),
    (
        "deliveries_once",
        "INSERT INTO deliveries (id, alarm_id, step, recipient_duty, channel, queued_at) VALUES (@x, @alarm, 0, @duty, 'station', now())",
    ),
    (
        "quarantine_once",
        "INSERT INTO quarantine (device_key, topic, digest, reason, detail, payload, first_received_at, last_received_at)
            VALUES (1, 't', sha256('p'), 'malformed', 'd', '', now(), now())",
    ),
];

/// What nobody can break: the database sets these columns itself, and refuses to change them.
const SET_BY_THE_DATABASE: [&str; 3] = ["rule_versions_n_key", "rule_versions_n_positive", "rule_versions_hash_length"];

/// Constraints with a name of their own; those of closed lists, and keys that others refer to, are named by PostgreSQL.
const NAMED: &str = "SELECT conname::text FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x')
        AND conname !~ '_check[0-9]*$' AND conname !~ '_(id|key)(_patient_id|_rule_id)?(_realm)?_key$'
    UNION ALL SELECT indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND indpred IS NOT NULL AND indexrelid::regclass::text NOT LIKE '%.%'";

#[tokio::test]
async fn each_constraint_refuses_by_its_name() {
    let db = ward().await;
    let client = admin(&db).await;
    let mut wrong = Vec::new();
    for (constraint, broken) in BROKEN {
        let refused = run(&client, &format!("BEGIN; {broken}")).await;
        client.batch_execute("ROLLBACK").await.unwrap();
        match refused {
            Err(error) if error.constraint() == Some(constraint) => {}
            other => wrong.push(format!("{constraint}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_named_constraint_is_broken_once() {
    let db = ward().await;
    let client = admin(&db).await;
    let mut named: BTreeSet<String> = client.query(NAMED, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    for constraint in BROKEN.iter().map(|(constraint, _)| *constraint).chain(SET_BY_THE_DATABASE) {
        named.remove(constraint);
    }
    assert!(named.is_empty(), "nobody breaks {named:?}");
}

/// Between two rows that both have a realm, it is part of the key.
#[tokio::test]
async fn no_key_leads_from_one_realm_to_another() {
    let db = ward().await;
    let leaks = "SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attname = 'realm')
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = confrelid AND attname = 'realm')
        AND NOT EXISTS (
            SELECT FROM unnest(conkey, confkey) AS pair (own, other)
            JOIN pg_attribute o ON o.attrelid = conrelid AND o.attnum = own AND o.attname = 'realm'
            JOIN pg_attribute t ON t.attrelid = confrelid AND t.attnum = other AND t.attname = 'realm'
        )";
    let client = admin(&db).await;
    // By way of the patient: (patient_id, realm) or (encounter_id, patient_id, realm) stands beside it.
    let by_patient = [
        "encounters_episode_id_patient_id_fkey",
        "encounters_account_id_patient_id_fkey",
        "observations_supersedes_patient_id_fkey",
    ];
    let found: Vec<String> = client.query(leaks, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let found: Vec<_> = found.iter().filter(|name| !by_patient.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?} may lead into another realm");
    let unfixed = "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attname = 'realm' AND relname NOT LIKE '%\\_history'
            AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = attrelid AND tgname IN ('realm_fixed', 'append_only'))";
    let unfixed: Vec<String> = client.query(unfixed, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(unfixed, Vec::<String>::new());
}
