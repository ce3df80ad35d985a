use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use localdb::{Error, Purpose};

use crate::ground::{Ground, ask, psql, socket_folder};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o777
}

#[test]
fn only_the_right_password_opens_it() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    assert_eq!(ask(&cluster, "SELECT current_user"), "vigil_owner");
    let (place, password) =
        cluster.owner_url().split_once(" password=").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(password.len(), 64);
    let wrong = psql(&cluster, &format!("{place} password=wrong"), "SELECT 1");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("password authentication failed"));
    assert!(!psql(&cluster, &place, "SELECT 1").status.success());
    let superuser = place.replace("user=vigil_owner", "user=postgres");
    assert!(!psql(&cluster, &format!("{superuser} password={password}"), "SELECT 1").status.success());
}

#[test]
fn the_owner_role_owns_its_database_and_nothing_more() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    assert_eq!(ask(&cluster, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "f");
    assert_eq!(ask(&cluster, "SELECT extname FROM pg_extension WHERE extname = 'timescaledb'"), "timescaledb");
    ask(&cluster, "CREATE EXTENSION btree_gist");
    assert!(!psql(&cluster, &cluster.owner_url(), "CREATE DATABASE another").status.success());
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN \
                    ('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'jit', 'log_statement', \
                    'log_error_verbosity', 'timescaledb.max_background_workers')";
    assert_eq!(
        ask(&cluster, settings),
        "fsync=on full_page_writes=on jit=off listen_addresses= log_error_verbosity=terse log_statement=none \
         synchronous_commit=on timescaledb.max_background_workers=0"
    );
}

#[test]
fn files_and_folders_are_closed_to_others() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    let home = ground.options.state_dir.join("localdb");
    assert_eq!(mode(&home) & 0o007, 0);
    for private in [home.join("data"), home.join("log"), socket_folder(&cluster)] {
        assert_eq!(mode(&private), 0o700, "{}", private.display());
    }
    assert_eq!(mode(&home.join("passwords")), 0o700);
    let parts =
        ["owner", "ingest", "alerting", "portal", "audit", "keys"].map(|part| format!("passwords/vigil_{part}"));
    for secret in ["postgres.password".to_owned()].into_iter().chain(parts) {
        assert_eq!(mode(&home.join(&secret)), 0o600, "{secret}");
        assert_eq!(fs::metadata(home.join(secret)).unwrap().uid(), own_uid());
    }
    assert!(!home.join("log/initdb.password").exists());
}

#[test]
fn values_in_a_failed_statement_do_not_reach_the_logs() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    ask(&cluster, "CREATE TABLE people (name text UNIQUE CHECK (name <> 'Aurelia Private'))");
    let statement = "INSERT INTO people VALUES ('Aurelia Private')";
    assert!(!psql(&cluster, &cluster.owner_url(), statement).status.success());
    ask(&cluster, "INSERT INTO people VALUES ('Berta Private')");
    assert!(!psql(&cluster, &cluster.owner_url(), "INSERT INTO people VALUES ('Berta Private')").status.success());
    cluster.stop().unwrap();
    let logs = fs::read_dir(ground.options.state_dir.join("localdb/log")).unwrap();
    let logs: String = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    assert!(logs.contains("violates unique constraint"), "{logs}");
    assert!(!logs.contains("Private"), "{logs}");
}

#[test]
fn postgresql_never_runs_as_root() {
    let ground = Ground::new(Purpose::Test);
    let cluster = ground.start();
    let status = fs::read_to_string(format!("/proc/{}/status", cluster.pid())).unwrap();
    let ids = |key: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.split_whitespace().map(|id| id.parse().unwrap()).collect()
    };
    assert!(ids("Uid:").iter().all(|uid| *uid != 0), "{status}");
    assert!(ids("Gid:").iter().all(|gid| *gid != 0), "{status}");
    if own_uid() == 0 {
        assert_eq!(ids("Groups:"), [] as [u32; 0]);
    } else {
        assert!(ids("Uid:").iter().all(|uid| *uid == own_uid()));
    }
}

#[test]
fn a_state_folder_that_is_closed_and_too_long_for_a_socket_still_works() {
    let ground = Ground::deep_and_closed(Purpose::Serve);
    let cluster = ground.start();
    let socket = socket_folder(&cluster).join(".s.PGSQL.5432");
    assert!(socket.as_os_str().len() <= 107, "{}", socket.display());
    assert_eq!(mode(&socket_folder(&cluster)), 0o700);
    assert_eq!(ask(&cluster, "SELECT 1"), "1");
    cluster.stop().unwrap();
    assert_eq!(ground.start().place(), cluster.place());
}

#[test]
fn a_socket_folder_prepared_by_somebody_else_is_refused() {
    let ground = Ground::new(Purpose::Test);
    let home = ground.options.state_dir.join("localdb");
    fs::create_dir_all(&home).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    symlink(elsewhere.path(), home.join("run")).unwrap();
    let refused = localdb::start(&ground.options, &|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Untrusted { .. }), "{refused}");
}

fn own_uid() -> u32 {
    fs::metadata("/proc/self").unwrap().uid()
}
