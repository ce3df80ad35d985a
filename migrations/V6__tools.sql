-- What every later table uses: who acts, versions and their history, realms that never change, rows that are only added.
--
-- From here on every table and every column that does not explain itself carries its comment in the catalog, where a test
-- asks for it. Procedures end with the table they are called for: CALL keep_versions('patients').

-- A reading is of one realm on its whole way: a gateway that speaks for a device of another one would mix them (V11). Asked
-- before anything is changed, so that the version before this one still starts.
DO $$
DECLARE
    mixed text := (SELECT string_agg(d.external_id, ', ' ORDER BY d.external_id) FROM devices d
        JOIN devices g ON g.key = d.gateway_key WHERE g.realm <> d.realm);
BEGIN
    IF mixed IS NOT NULL THEN
        RAISE EXCEPTION 'these devices are of another realm than the gateway that speaks for them: %', mixed
            USING HINT = 'with the version before this one, revoke each and enrol it in the realm of its gateway';
    END IF;
END $$;

-- A database that was made before PostgreSQL 15 lets everybody make functions there, which ours would then call.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE EXTENSION IF NOT EXISTS btree_gist;   -- `=` and `&&` in one exclusion constraint

-- Who acts is said by the transaction: set_config('vigil.user', …, true). ''  and never said are the same.

CREATE FUNCTION acting_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('vigil.user', true), '')::uuid;
COMMENT ON FUNCTION acting_user IS 'The user for whom this transaction works; null: nobody.';

CREATE FUNCTION acting_part() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('vigil.part', true), ''), CASE session_user
        WHEN 'vigil_ingest' THEN 'ingest' WHEN 'vigil_alerting' THEN 'alerting'
        WHEN 'vigil_audit' THEN 'audit' WHEN 'vigil_keys' THEN 'keys' END);
COMMENT ON FUNCTION acting_part IS
    'The part of Vigil that works for itself; null: none. Roles that never work for a person need not say it.';

CREATE FUNCTION system_acts() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
    RETURN acting_user() IS NULL
        AND coalesce(acting_part() IN ('ingest', 'alerting', 'portal', 'audit', 'keys', 'demo', 'command'), false);
COMMENT ON FUNCTION system_acts IS 'Whether Vigil works for itself: never while it works for a user.';

-- A screen at which nobody acts shows its place.
CREATE FUNCTION acting_station() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('vigil.station', true), '')::uuid;
COMMENT ON FUNCTION acting_station IS 'The screen for which this transaction works; null: none.';

CREATE FUNCTION somebody_acts() RETURNS bool LANGUAGE sql STABLE PARALLEL SAFE
    RETURN system_acts() OR acting_user() IS NOT NULL OR acting_station() IS NOT NULL;

CREATE FUNCTION acting_audit() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('vigil.audit', true), '')::uuid;
COMMENT ON FUNCTION acting_audit IS 'The audit event that explains what this transaction writes.';

-- One function for every table with versions, as its BEFORE and as its AFTER trigger. Columns given to it change without
-- making a version. As the owner: nobody else may write history.
CREATE FUNCTION keep_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    history text := quote_ident(TG_TABLE_NAME || '_history');
    moment timestamptz := clock_timestamp();
BEGIN
    -- Somebody's temporary table of the same name would write into our history.
    IF TG_TABLE_SCHEMA <> 'public' THEN
        RAISE EXCEPTION 'versions are kept of our own tables only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_WHEN = 'BEFORE' THEN
        IF TG_OP = 'INSERT' THEN
            NEW.version := 1;
        ELSIF TG_NARGS > 0 AND to_jsonb(OLD) - TG_ARGV = to_jsonb(NEW) - TG_ARGV THEN
            NEW.version := OLD.version;
        ELSE
            NEW.version := OLD.version + 1;
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        -- A clock that stepped back must not keep anybody from writing: the version lasted a microsecond then.
        EXECUTE format('UPDATE %s SET recorded = tstzrange(lower(recorded),
                greatest($1, lower(recorded) + interval ''1 microsecond''))
            WHERE id = $2 AND version = $3 RETURNING upper(recorded)', history)
            INTO moment USING moment, OLD.id, OLD.version;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE format('INSERT INTO %s SELECT tstzrange($1, NULL), $2, $3, ($4).*', history)
            USING coalesce(moment, clock_timestamp()), coalesce(acting_user()::text, acting_part(), session_user),
                acting_audit(), NEW;
    END IF;
    RETURN NULL;
END $$;

-- `quiet`: columns whose change alone makes no version.
CREATE PROCEDURE keep_versions(kept regclass, VARIADIC quiet text[] DEFAULT '{}') LANGUAGE plpgsql AS $$
DECLARE
    name text := (SELECT relname FROM pg_class WHERE oid = kept);
    arguments text := (SELECT coalesce(string_agg(quote_literal(q), ', '), '') FROM unnest(quiet) q);
BEGIN
    EXECUTE format('CREATE TABLE %I (
            recorded tstzrange NOT NULL, author text NOT NULL, audit_id uuid, LIKE %I INCLUDING COMMENTS,
            CONSTRAINT %I PRIMARY KEY (id, version)
        )', name || '_history', name, name || '_history_pkey');
    EXECUTE format('COMMENT ON TABLE %I IS %L', name || '_history',
        format('A version of a row of %s, the newest too. Written by keep_version.', name));
    EXECUTE format('COMMENT ON COLUMN %I.recorded IS %L', name || '_history',
        'From when to when it was the newest, by the clock of the database.');
    EXECUTE format('COMMENT ON COLUMN %I.author IS %L', name || '_history',
        'The id of the user, else the part of Vigil, else the role of the database.');
    EXECUTE format('COMMENT ON COLUMN %I.version IS %L', name,
        'Rises by one with every change; ETag and versionId.');
    -- Rows that were there before.
    EXECUTE format('INSERT INTO %I SELECT tstzrange(now(), NULL), session_user, NULL, t.* FROM %I t', name || '_history', name);
    EXECUTE format('CREATE TRIGGER version_raised BEFORE INSERT OR UPDATE ON %I
        FOR EACH ROW EXECUTE FUNCTION keep_version(%s)', name, arguments);
    EXECUTE format('CREATE TRIGGER version_kept AFTER INSERT OR UPDATE OR DELETE ON %I
        FOR EACH ROW EXECUTE FUNCTION keep_version()', name);
END $$;

CREATE FUNCTION refuse_other_realm() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the realm of a row of % never changes', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_realm_fixed';
END $$;

-- The realm of a row never changes; `realm_fixed` is what a change violates.
CREATE PROCEDURE fix_realm(fixed regclass) LANGUAGE plpgsql AS $$
DECLARE
    said regclass;
BEGIN
    EXECUTE format('CREATE TRIGGER realm_fixed BEFORE UPDATE ON %s FOR EACH ROW
        WHEN (OLD.realm IS DISTINCT FROM NEW.realm) EXECUTE FUNCTION refuse_other_realm()', fixed);
    FOREACH said IN ARRAY ARRAY[fixed, to_regclass(fixed || '_history')] LOOP
        CONTINUE WHEN said IS NULL;
        EXECUTE format('COMMENT ON COLUMN %s.realm IS %L', said, 'live, demo or test; never changes, never mixes with another.');
    END LOOP;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are added, never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

-- Even the owner adds rows only. Of the statement, so that one which finds no row is refused too.
CREATE PROCEDURE append_only(kept regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', kept);
END $$;

-- How long a record is kept, by what it is.
CREATE TABLE retention_classes (
    code   text PRIMARY KEY,
    years  int2 CONSTRAINT retention_classes_years CHECK (years > 0),
    basis  text NOT NULL
);
COMMENT ON TABLE retention_classes IS 'How long records of one kind are kept. Written by migrations; the years by the site.';
COMMENT ON COLUMN retention_classes.code IS 'What rows with a retention name.';
COMMENT ON COLUMN retention_classes.years IS 'After the last event of the record; null: for ever.';
COMMENT ON COLUMN retention_classes.basis IS 'The rule that demands it.';
INSERT INTO retention_classes (code, years, basis) VALUES
    ('clinical', NULL, 'law of the state; for ever until the site says otherwise'),
    ('billing', NULL, 'law of the state and contracts with payers; for ever until the site says otherwise'),
    ('audit', 6, '45 CFR 164.316(b)(2)(i) and 164.528: six years');
GRANT SELECT ON retention_classes TO vigil_portal, vigil_audit, vigil_keys;

-- What the holder of the lease must do and its role may not (store/src/lease.rs, decision 0009).

-- Both for the session that holds the lease only: 0x76 is its class, 0x6967696c its number (store/src/lease.rs).
CREATE FUNCTION refuse_without_lease() RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
            AND classid = 118 AND objid = 1768384876 AND objsubid = 1) THEN
        RAISE EXCEPTION 'this session does not hold the lease' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION raise_node_epoch() RETURNS int4 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT refuse_without_lease();
    UPDATE node_epoch SET epoch = epoch + 1, since = now() RETURNING epoch;
END;
COMMENT ON FUNCTION raise_node_epoch IS 'A node has become the active one; the answer is its epoch.';

-- A node that was passed keeps no session in the key store either, whose sessions hold the lock of their epoch there.
CREATE FUNCTION end_other_epochs(ours oid, wait_ms int8) RETURNS int8 LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT refuse_without_lease();
    SELECT count(pg_terminate_backend(pid, wait_ms)) FROM (
        SELECT DISTINCT pid FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 1449748329 AND objid <> ours AND objsubid = 2
            AND database IN (SELECT oid FROM pg_database WHERE datname IN (current_database(), current_database() || '_keys'))
    ) old;
END;
COMMENT ON FUNCTION end_other_epochs IS 'Ends sessions that hold the shared lock of another epoch; the answer is their number.';

REVOKE EXECUTE ON FUNCTION refuse_without_lease, raise_node_epoch, end_other_epochs FROM PUBLIC;
REVOKE EXECUTE ON PROCEDURE keep_versions, fix_realm, append_only FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION keep_version, refuse_other_realm, refuse_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION raise_node_epoch, end_other_epochs TO vigil_ingest;
GRANT SELECT ON node_epoch TO vigil_ingest, vigil_alerting, vigil_portal, vigil_audit, vigil_keys;
GRANT SELECT ON refinery_schema_history TO vigil_ingest, vigil_alerting, vigil_portal, vigil_audit, vigil_keys;
