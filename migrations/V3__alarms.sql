-- Alarms, written by alerting; the engine's epochs, written by whoever runs it.

-- One run of the engine. `stopped_at` is null while it runs and after a crash: then the last frame received tells.
CREATE TABLE engine_epochs (
    epoch       int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    stopped_at  timestamptz
);

-- Immutable: a changed limit is another version with another id.
CREATE TABLE rule_versions (
    id        uuid PRIMARY KEY,          -- derived from the body
    code      text NOT NULL,
    priority  text NOT NULL CHECK (priority IN ('low', 'medium', 'high')),
    body      jsonb NOT NULL
);

-- One alarm from onset to end. Upserted by its key, so that a replay finds the same row.
CREATE TABLE alarms (
    id               uuid PRIMARY KEY,   -- derived from the key below
    device_key       int4 REFERENCES devices (key),   -- null: the system about itself
    rule_version_id  uuid NOT NULL REFERENCES rule_versions (id),
    kind             text NOT NULL CHECK (kind IN ('physiological', 'technical')),
    priority         text NOT NULL CHECK (priority IN ('low', 'medium', 'high')),
    onset_at         timestamptz NOT NULL,   -- when the condition began
    raised_at        timestamptz NOT NULL,   -- when it had lasted for its delay
    ended_at         timestamptz,
    value            real,               -- the most extreme since onset
    CONSTRAINT alarms_key UNIQUE NULLS NOT DISTINCT (rule_version_id, device_key, onset_at)
);
CREATE INDEX alarms_active ON alarms (raised_at) WHERE ended_at IS NULL;
CREATE INDEX alarms_by_time ON alarms (raised_at DESC, id);

-- Append only. (epoch, seq) is the resume token of every screen.
CREATE TABLE alarm_transitions (
    epoch        int8 NOT NULL,
    seq          int8 NOT NULL,
    alarm_id     uuid NOT NULL REFERENCES alarms (id),
    what         text NOT NULL CHECK (what IN ('raised', 'updated', 'cleared')),
    at           timestamptz NOT NULL,   -- the deadline that was met
    received_at  timestamptz NOT NULL,   -- of the input that brought it about
    value        real,
    PRIMARY KEY (epoch, seq)
);
CREATE INDEX alarm_transitions_of ON alarm_transitions (alarm_id);
