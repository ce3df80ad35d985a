-- What was done with whose data, in a form that shows any later change; and answers kept for requests that come twice.

CREATE TABLE audit_events (
    id              uuid PRIMARY KEY,
    at              timestamptz NOT NULL,
    realm           text CHECK (realm IN ('live', 'demo', 'test')),
    category        text NOT NULL CONSTRAINT audit_events_category_form CHECK (category ~ '^[a-z_]{1,40}$'),
    action          text NOT NULL CHECK (action IN ('C', 'R', 'U', 'D', 'E')),
    outcome         text NOT NULL CHECK (outcome IN ('success', 'refused', 'failed')),
    user_id         uuid,
    system_part     text CONSTRAINT audit_events_part_known
                    CHECK (system_part IN ('ingest', 'alerting', 'portal', 'audit', 'keys', 'demo', 'command')),
    device_key      int4,
    role            text,
    session_id      uuid,
    station_id      uuid,
    address         inet,
    purpose         text CHECK (purpose IN ('TREAT', 'BTG', 'PAY', 'OPS')),
    endpoint        text CONSTRAINT audit_events_endpoint_length CHECK (length(endpoint) <= 200),
    entity_kind     text CONSTRAINT audit_events_entity_form CHECK (entity_kind ~ '^[a-z_]{1,40}$'),
    entity_id       uuid,
    entity_version  int4,
    detail_sealed   bytea CONSTRAINT audit_events_detail_length CHECK (octet_length(detail_sealed) <= 65536),
    times           int4 NOT NULL DEFAULT 1 CONSTRAINT audit_events_times_positive CHECK (times > 0),
    correlation_id  uuid,
    retention       text NOT NULL DEFAULT 'audit' REFERENCES retention_classes (code),
    CONSTRAINT audit_events_agent CHECK (num_nonnulls(user_id, system_part, device_key) > 0)
);
CREATE INDEX audit_events_by_time ON audit_events (at);
CREATE INDEX audit_events_by_user ON audit_events (user_id, at) WHERE user_id IS NOT NULL;
COMMENT ON TABLE audit_events IS 'One thing that was done or refused, by a request or by a part of Vigil. Added by every part, changed by nobody. Names no row of another table by a key, since it outlives them.';
COMMENT ON COLUMN audit_events.at IS 'By the clock of the process; the id rises with it, but for ties.';
COMMENT ON COLUMN audit_events.realm IS 'Of what it touched; null: of no realm.';
COMMENT ON COLUMN audit_events.category IS 'A word of the program''s closed list.';
COMMENT ON COLUMN audit_events.action IS 'Create, read, update, delete, execute (FHIR AuditEvent).';
COMMENT ON COLUMN audit_events.outcome IS 'refused: no right; failed: no result.';
COMMENT ON COLUMN audit_events.system_part IS 'The part of Vigil that worked for itself.';
COMMENT ON COLUMN audit_events.device_key IS 'The device that acted.';
COMMENT ON COLUMN audit_events.role IS 'By virtue of which the user might.';
COMMENT ON COLUMN audit_events.address IS 'From where the request came.';
COMMENT ON COLUMN audit_events.purpose IS 'Treatment, break-glass, payment, operations.';
COMMENT ON COLUMN audit_events.endpoint IS 'Method and template, never the address with its identifiers.';
COMMENT ON COLUMN audit_events.entity_kind IS 'What entity_id names: the table, in the singular.';
COMMENT ON COLUMN audit_events.entity_version IS 'As it was read, or as it was after the write.';
COMMENT ON COLUMN audit_events.detail_sealed IS 'Reasons, free text and search terms, by the system key.';
COMMENT ON COLUMN audit_events.times IS 'How many identical requests it stands for.';
COMMENT ON COLUMN audit_events.correlation_id IS 'Of everything that one request or message caused.';
COMMENT ON COLUMN audit_events.retention IS 'How long it is kept.';
CALL append_only('audit_events');

CREATE TABLE audit_subjects (
    event_id    uuid NOT NULL REFERENCES audit_events (id),
    patient_id  uuid NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (patient_id, at, event_id)
);
CREATE INDEX audit_subjects_of ON audit_subjects (event_id);
COMMENT ON TABLE audit_subjects IS 'A patient whom an event was about, or would have been had it not been refused. Added with the event.';
COMMENT ON COLUMN audit_subjects.patient_id IS 'Also of somebody who is no patient of ours: whoever asked for him.';
COMMENT ON COLUMN audit_subjects.at IS 'That of the event.';
CALL append_only('audit_subjects');

CREATE TABLE audit_links (
    stream    uuid NOT NULL,
    seq       int8 NOT NULL CONSTRAINT audit_links_seq_positive CHECK (seq > 0),
    event_id  uuid NOT NULL CONSTRAINT audit_links_event_key UNIQUE REFERENCES audit_events (id),
    hash      bytea NOT NULL CONSTRAINT audit_links_hash_length CHECK (octet_length(hash) = 32),
    PRIMARY KEY (stream, seq)
);
COMMENT ON TABLE audit_links IS 'An event''s place in a chain. Added by the sealer, within a second of the event.';
COMMENT ON COLUMN audit_links.stream IS 'One chain a process, from its start to its end.';
COMMENT ON COLUMN audit_links.seq IS 'Without gaps, from 1.';
COMMENT ON COLUMN audit_links.hash IS 'SHA-256 of the hash before it, and of the event and its subjects as they are stored.';
CALL append_only('audit_links');

CREATE TABLE audit_heads (
    stream     uuid NOT NULL,
    seq        int8 NOT NULL,
    hash       bytea NOT NULL CONSTRAINT audit_heads_hash_length CHECK (octet_length(hash) = 32),
    signature  bytea NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (stream, seq),
    FOREIGN KEY (stream, seq) REFERENCES audit_links (stream, seq)
);
COMMENT ON TABLE audit_heads IS 'How far a chain had come, signed. Added each minute by the part that signs; also written where no role of the database reaches.';
COMMENT ON COLUMN audit_heads.stream IS 'The chain.';
COMMENT ON COLUMN audit_heads.hash IS 'Of the link.';
COMMENT ON COLUMN audit_heads.signature IS 'Of stream, seq, hash and at, by a key that no role of the database can read.';
CALL append_only('audit_heads');

-- Whoever writes says what he did; only the part that seals, searches and verifies reads it.
GRANT INSERT ON audit_events, audit_subjects TO vigil_ingest, vigil_alerting, vigil_portal, vigil_audit, vigil_keys;
GRANT SELECT ON audit_events, audit_subjects TO vigil_audit;
GRANT SELECT, INSERT ON audit_links, audit_heads TO vigil_audit;

CREATE TABLE idempotency (
    key_hash         bytea NOT NULL CONSTRAINT idempotency_key_length CHECK (octet_length(key_hash) = 32),
    user_id          uuid NOT NULL REFERENCES users (id),
    endpoint         text NOT NULL,
    request_hash     bytea NOT NULL CONSTRAINT idempotency_request_length CHECK (octet_length(request_hash) = 32),
    response_sealed  bytea,
    expires_at       timestamptz NOT NULL,
    PRIMARY KEY (key_hash, user_id, endpoint)
);
CREATE INDEX idempotency_expired ON idempotency (expires_at);
COMMENT ON TABLE idempotency IS 'A creation that was asked for, with its answer for when it is asked for again. Written by the portal.';
COMMENT ON COLUMN idempotency.key_hash IS 'SHA-256 of the Idempotency-Key.';
COMMENT ON COLUMN idempotency.endpoint IS 'Method and template.';
COMMENT ON COLUMN idempotency.request_hash IS 'SHA-256 of the body: the same key with another body is refused.';
COMMENT ON COLUMN idempotency.response_sealed IS 'Status, headers and body, by the system key; null: still at work.';
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO vigil_portal;
GRANT SELECT, UPDATE (response_sealed), DELETE ON idempotency TO vigil_keys;    -- when the system key changes
