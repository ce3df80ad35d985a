-- The roles of a cluster, for every database of Vigil in it: run by whoever may make roles, as often as he likes. Plain SQL, since
-- psql runs it (localdb) and so does `vigil migrate --make-roles`. Passwords are set by whoever runs it.
--
-- vigil_owner owns the databases and is used for migrations only. Every part runs as a role of its own, which owns nothing;
-- what it may do is granted by migrations.

DO $$
DECLARE
    role text;
BEGIN
    -- Until now one role owned everything and ran everything.
    IF to_regrole('vigil_owner') IS NULL
        AND EXISTS (SELECT FROM pg_database WHERE datname = 'vigil' AND datdba = to_regrole('vigil')) THEN
        IF EXISTS (SELECT FROM pg_stat_activity WHERE usesysid = to_regrole('vigil')) THEN
            RAISE EXCEPTION 'an older Vigil uses this database with the role vigil, which is to be renamed to vigil_owner: stop it first';
        END IF;
        ALTER ROLE vigil RENAME TO vigil_owner;
    END IF;
    FOREACH role IN ARRAY ARRAY['vigil_owner', 'vigil_ingest', 'vigil_alerting', 'vigil_portal', 'vigil_audit', 'vigil_keys'] LOOP
        IF to_regrole(role) IS NULL THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
    END LOOP;
END $$;

-- It inherits what its members may, so that what it defines may end their sessions (a takeover does).
ALTER ROLE vigil_owner LOGIN INHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE vigil_ingest LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE vigil_alerting LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE vigil_portal LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE vigil_audit LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE vigil_keys LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
GRANT vigil_ingest, vigil_alerting, vigil_portal, vigil_audit, vigil_keys TO vigil_owner;
