-- A node that was passed keeps no session in the key store either, whose sessions hold the lock of their epoch there.

CREATE OR REPLACE FUNCTION end_other_epochs(class oid, ours oid, wait_ms int8) RETURNS int8 LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    RETURN (SELECT count(pg_terminate_backend(pid, wait_ms)) FROM (
        SELECT DISTINCT pid FROM pg_locks
        WHERE locktype = 'advisory' AND classid = class AND objid <> ours AND objsubid = 2
            AND database IN (SELECT oid FROM pg_database WHERE datname IN (current_database(), current_database() || '_keys'))
    ) old);
