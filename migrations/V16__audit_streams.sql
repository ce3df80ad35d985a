-- Where each chain of the audit began.

CREATE TABLE audit_streams (
    stream        uuid PRIMARY KEY,
    opened_at     timestamptz NOT NULL,
    after_stream  uuid REFERENCES audit_streams (stream),
    after_seq     int8,
    after_hash    bytea CONSTRAINT audit_streams_hash_length CHECK (octet_length(after_hash) = 32),
    CONSTRAINT audit_streams_after_whole CHECK (num_nulls(after_stream, after_seq, after_hash) IN (0, 3))
);
COMMENT ON TABLE audit_streams IS 'The chain of one process, from its start to its end. Added by the sealer with its first link.';
COMMENT ON COLUMN audit_streams.stream IS 'Of its links and heads.';
COMMENT ON COLUMN audit_streams.opened_at IS 'By the clock of the process.';
COMMENT ON COLUMN audit_streams.after_stream IS 'The newest chain before it: its place is hashed into the first link of this one, so that no chain goes unnoticed. Null: there was none.';
COMMENT ON COLUMN audit_streams.after_seq IS 'The last link of that one then.';
COMMENT ON COLUMN audit_streams.after_hash IS 'Of that link.';
CALL append_only('audit_streams');
ALTER TABLE audit_links ADD FOREIGN KEY (stream) REFERENCES audit_streams (stream);
GRANT SELECT, INSERT ON audit_streams TO vigil_audit;
