-- What sign-in needs beyond V7: where somebody has signed in before, tokens that change, grants that wait, and news of who may see what.

CREATE TABLE sign_in_places (
    user_id  uuid NOT NULL REFERENCES users (id),
    digest   bytea NOT NULL CONSTRAINT sign_in_places_digest_length CHECK (octet_length(digest) = 32),
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, digest)
);
COMMENT ON TABLE sign_in_places IS 'A browser or an address where a user gave two factors in the last 90 days: wrong tries from elsewhere never keep him out there. Written by the portal.';
COMMENT ON COLUMN sign_in_places.digest IS 'SHA-256 of the browser''s cookie, or of the address.';
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_places TO vigil_portal;

CREATE TABLE station_old_tokens (
    station_id  uuid PRIMARY KEY REFERENCES stations (id),
    digest      bytea NOT NULL CONSTRAINT station_old_tokens_digest_key UNIQUE
                CONSTRAINT station_old_tokens_digest_length CHECK (octet_length(digest) = 32),
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE station_old_tokens IS 'The token that a station had before, good until it first comes with the new one: an answer that is lost locks no screen out. Written by the portal.';
COMMENT ON COLUMN station_old_tokens.digest IS 'SHA-256 of the token.';
GRANT SELECT, INSERT, UPDATE, DELETE ON station_old_tokens TO vigil_portal;

ALTER TABLE one_time_codes ADD COLUMN recovers bool NOT NULL DEFAULT false;
COMMENT ON COLUMN one_time_codes.recovers IS 'Of a first administrator: good though there is one.';

ALTER TABLE role_grants ADD COLUMN awaits_approval bool NOT NULL DEFAULT false;
ALTER TABLE role_grants_history ADD COLUMN awaits_approval bool NOT NULL DEFAULT false;
COMMENT ON COLUMN role_grants.awaits_approval IS 'Counts once approved, though the role does not demand it: of an administrator, where there were two to decide.';
COMMENT ON COLUMN role_grants_history.awaits_approval IS 'Counts once approved, though the role does not demand it: of an administrator, where there were two to decide.';

-- A screen at which nobody is identified is an agent as well.
ALTER TABLE audit_events DROP CONSTRAINT audit_events_agent,
    ADD CONSTRAINT audit_events_agent CHECK (num_nonnulls(user_id, system_part, device_key, station_id) > 0);

-- Whoever keeps a socket open looks again: what changed is read, not told.
CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vigil_access', '');
    RETURN NULL;
END $$;
CREATE TRIGGER access_news AFTER UPDATE OF revoked_at ON sessions FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER UPDATE OF status ON users FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER UPDATE OF revoked_at, privacy ON stations FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE ON role_grants FOR EACH STATEMENT EXECUTE FUNCTION tell_access();
CREATE TRIGGER access_news AFTER INSERT OR UPDATE ON access_grants FOR EACH STATEMENT EXECUTE FUNCTION tell_access();

-- Whoever reviews broken glasses has no relation to the patients, so that no policy lets him see the grants: these two
-- functions do, and ask themselves whether he may. The program asks before them (portal/src/permission.rs).
CREATE FUNCTION reviews_glasses() RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    RETURN EXISTS (
        SELECT FROM role_grants g JOIN roles r ON r.id = g.role_id JOIN users u ON u.id = g.user_id
        WHERE g.user_id = acting_user() AND u.status = 'active' AND r.code = 'privacy_officer' AND g.during @> now()
            AND (g.approved_at IS NOT NULL OR g.granted_part IS NOT NULL OR NOT (r.two_persons OR g.awaits_approval))
    );

CREATE FUNCTION broken_glasses(unreviewed bool, before uuid, size int8) RETURNS SETOF access_grants
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF reviews_glasses() THEN
        RETURN QUERY SELECT * FROM access_grants g
            WHERE g.via = 'break_glass' AND (NOT unreviewed OR g.reviewed_at IS NULL) AND (before IS NULL OR g.id < before)
                AND g.realm = (SELECT realm FROM users WHERE id = acting_user())
            ORDER BY g.id DESC LIMIT size;
    END IF;
END $$;
COMMENT ON FUNCTION broken_glasses IS 'For who reviews them, newest first; for anybody else none.';

CREATE FUNCTION review_glass(glass uuid, finding text, at timestamptz) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    looked access_grants;
BEGIN
    SELECT * INTO looked FROM access_grants WHERE id = glass AND via = 'break_glass'
        AND realm = (SELECT realm FROM users WHERE id = acting_user()) FOR UPDATE;
    IF NOT FOUND OR NOT reviews_glasses() THEN
        RETURN 'unknown';
    ELSIF looked.user_id = acting_user() THEN
        RETURN 'own';
    ELSIF looked.reviewed_at IS NOT NULL THEN
        RETURN 'already';
    END IF;
    UPDATE access_grants SET reviewed_by = acting_user(), reviewed_at = at, review = finding WHERE id = glass;
    RETURN 'reviewed';
END $$;
COMMENT ON FUNCTION review_glass IS 'What came of it: reviewed, or unknown, own, already, and nothing was done.';

REVOKE EXECUTE ON FUNCTION reviews_glasses, broken_glasses, review_glass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reviews_glasses, broken_glasses, review_glass TO vigil_portal;
