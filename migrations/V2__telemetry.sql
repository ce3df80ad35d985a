-- Telemetry. Rows name the device, never a person. Written only by the ingest writers, by COPY or merge (design §4.2).

CREATE EXTENSION IF NOT EXISTS timescaledb;

-- What one device measured at one moment. Units: vitals/src/parameter.rs. The order of the columns is the order of COPY.
CREATE TABLE vitals (
    at           timestamptz NOT NULL,   -- by the device's own clock
    received_at  timestamptz NOT NULL,   -- by ours; rises strictly on a node
    seq          int8,
    device_key   int4 NOT NULL,
    flags        int4 NOT NULL,          -- vitals/src/frame.rs
    hr           real,
    pr_spo2      real,
    pr           real,
    spo2         real,
    pi           real,
    rr           real,
    nibp_sys     real,
    nibp_dia     real,
    nibp_map     real,
    abp_sys      real,
    abp_dia      real,
    abp_map      real,
    temp         real,
    etco2        real,
    glucose      real,
    weight       real,
    q            jsonb                   -- per-parameter marks, only where there are any
);
SELECT create_hypertable('vitals', 'at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);
CREATE UNIQUE INDEX vitals_device_at ON vitals (device_key, at);

-- Readings outside the closed list of parameters.
CREATE TABLE readings_other (
    device_key  int4 NOT NULL,
    code        text NOT NULL,
    at          timestamptz NOT NULL,
    value       float8 NOT NULL,
    unit        text                     -- UCUM as declared by the device
);
SELECT create_hypertable('readings_other', 'at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);
CREATE UNIQUE INDEX readings_other_device_code_at ON readings_other (device_key, code, at);

-- Count, minimum, maximum, mean and last value a device, parameter and minute. Written only by the roll-up, which
-- recomputes whole minutes from `vitals`.
CREATE TABLE vitals_minute (
    device_key  int4 NOT NULL,
    minute      timestamptz NOT NULL,
    hr_n int4, hr_min real, hr_max real, hr_mean real, hr_last real,
    pr_spo2_n int4, pr_spo2_min real, pr_spo2_max real, pr_spo2_mean real, pr_spo2_last real,
    pr_n int4, pr_min real, pr_max real, pr_mean real, pr_last real,
    spo2_n int4, spo2_min real, spo2_max real, spo2_mean real, spo2_last real,
    pi_n int4, pi_min real, pi_max real, pi_mean real, pi_last real,
    rr_n int4, rr_min real, rr_max real, rr_mean real, rr_last real,
    nibp_sys_n int4, nibp_sys_min real, nibp_sys_max real, nibp_sys_mean real, nibp_sys_last real,
    nibp_dia_n int4, nibp_dia_min real, nibp_dia_max real, nibp_dia_mean real, nibp_dia_last real,
    nibp_map_n int4, nibp_map_min real, nibp_map_max real, nibp_map_mean real, nibp_map_last real,
    abp_sys_n int4, abp_sys_min real, abp_sys_max real, abp_sys_mean real, abp_sys_last real,
    abp_dia_n int4, abp_dia_min real, abp_dia_max real, abp_dia_mean real, abp_dia_last real,
    abp_map_n int4, abp_map_min real, abp_map_max real, abp_map_mean real, abp_map_last real,
    temp_n int4, temp_min real, temp_max real, temp_mean real, temp_last real,
    etco2_n int4, etco2_min real, etco2_max real, etco2_mean real, etco2_last real,
    glucose_n int4, glucose_min real, glucose_max real, glucose_mean real, glucose_last real,
    weight_n int4, weight_min real, weight_max real, weight_mean real, weight_last real,
    computed_at timestamptz NOT NULL DEFAULT now()
);
SELECT create_hypertable('vitals_minute', 'minute', chunk_time_interval => INTERVAL '30 days', create_default_indexes => false);
CREATE UNIQUE INDEX vitals_minute_device_minute ON vitals_minute (device_key, minute);

-- Minutes whose roll-up is out of date. A mark commits with the frames that caused it; the roll-up deletes the marks it
-- read. No unique key: two writers never wait for each other here.
CREATE TABLE vitals_dirty (
    device_key  int4 NOT NULL,
    minute      timestamptz NOT NULL
);
CREATE INDEX vitals_dirty_device_minute ON vitals_dirty (device_key, minute);

-- What was refused, with the reason. The same bytes on the same topic count up instead of filling the disk.
CREATE TABLE quarantine (
    id              int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_key      int4 NOT NULL,
    topic           text NOT NULL,
    digest          bytea NOT NULL,      -- SHA-256 of the whole payload
    reason          text NOT NULL,       -- vitals/src/quarantine.rs
    detail          text NOT NULL,       -- names a key or a position, never a value
    payload         bytea NOT NULL,      -- at most 8 KiB of it
    first_received_at  timestamptz NOT NULL,
    last_received_at   timestamptz NOT NULL,
    count           int8 NOT NULL DEFAULT 1,
    CONSTRAINT quarantine_once UNIQUE (device_key, topic, digest)
);
