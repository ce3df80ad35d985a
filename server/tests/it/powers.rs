//! As whom a server talks to its database, and what it refuses to be.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use localdb::{Cluster, Options, Purpose};
use store::testing::{database, empty_database};

use super::vigil::{PATIENCE, Site, count};

/// EX_USAGE.
const WRONG: Option<i32> = Some(64);

/// Where roles may be changed: those of the cluster for tests are every test's.
struct Ground {
    cluster: Cluster,
    options: Options,
    _home: tempfile::TempDir,
}

impl Ground {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let options = Options { state_dir: home.path().join("db"), cache_dir: None, purpose: Purpose::Serve };
        let cluster = localdb::start(&options, &|_| ()).unwrap();
        Self { cluster, options, _home: home }
    }

    async fn execute(&self, statement: &str) {
        let superuser = store::connect(&self.cluster.superuser_url(), "test").await.unwrap();
        superuser.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = localdb::remove(&self.options) {
            eprintln!("removing the cluster failed: {error}");
        }
    }
}

/// At the end of the test, passed or failed.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// (exit code, what it complained of, what it answered) of a command that ends by itself.
fn ended(site: &Site, argument: &str) -> (Option<i32>, String, String) {
    let mut command = site.command();
    let mut child = Killed(command.arg(argument).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(begin.elapsed() < PATIENCE, "vigil {argument} was not refused");
        thread::sleep(Duration::from_millis(20));
    };
    let (mut told, mut answer) = (String::new(), String::new());
    child.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    child.0.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    (status.code(), told, answer)
}

#[tokio::test]
async fn a_role_that_may_too_much_is_refused_before_a_port_is_bound() {
    let ground = Ground::start();
    let site = Site::at(&ground.cluster);
    assert!(site.run(&["migrate"]).starts_with("applied V1__devices"));
    assert!(site.run(&["check"]).ends_with("fit to start\n"));
    for (change, back, said) in [
        ("ALTER ROLE vigil_portal SUPERUSER", "ALTER ROLE vigil_portal NOSUPERUSER", "vigil_portal is a superuser"),
        (
            "ALTER ROLE vigil_portal BYPASSRLS",
            "ALTER ROLE vigil_portal NOBYPASSRLS",
            "vigil_portal passes by row-level security",
        ),
        ("ALTER ROLE vigil_keys CREATEROLE", "ALTER ROLE vigil_keys NOCREATEROLE", "vigil_keys may make roles"),
        ("ALTER ROLE vigil_audit CREATEDB", "ALTER ROLE vigil_audit NOCREATEDB", "vigil_audit may make databases"),
        (
            "GRANT pg_read_all_data TO vigil_alerting",
            "REVOKE pg_read_all_data FROM vigil_alerting",
            "vigil_alerting is a member of pg_read_all_data",
        ),
        (
            "ALTER TABLE devices OWNER TO vigil_ingest",
            "ALTER TABLE devices OWNER TO vigil_owner",
            "vigil_ingest owns devices",
        ),
        (
            "ALTER DATABASE vigil OWNER TO vigil_ingest",
            "ALTER DATABASE vigil OWNER TO vigil_owner",
            "vigil_ingest owns the database vigil",
        ),
        (
            "GRANT UPDATE, DELETE ON audit_events TO vigil_audit",
            "REVOKE UPDATE, DELETE ON audit_events FROM vigil_audit",
            "vigil_audit may DELETE audit_events; vigil_audit may UPDATE audit_events",
        ),
    ] {
        ground.execute(change).await;
        for command in ["all", "check"] {
            let (code, told, answer) = ended(&site, command);
            assert_eq!(code, WRONG, "{change}: vigil {command}: {told}");
            assert!(told.contains(said), "{change}: vigil {command}: {told}");
            assert!(command != "all" || answer.is_empty(), "{change}: it told an address");
        }
        ground.execute(back).await;
    }
    assert!(site.run(&["check"]).ends_with("fit to start\n"));
    // No role can be a member of its member, so those go first.
    ground.execute("REVOKE vigil_ingest FROM vigil_owner; GRANT vigil_owner TO vigil_ingest").await;
    let (code, told, _) = ended(&site, "all");
    assert!(code == WRONG && told.contains("vigil_ingest is a member of vigil_owner"), "{told}");
}

#[tokio::test]
async fn without_its_password_no_part_comes_in_and_one_that_others_can_read_is_not_used() {
    let ground = Ground::start();
    let site = Site::at(&ground.cluster);
    site.run(&["migrate"]);
    let check = |folder: &str| {
        let output = site.command().env("VIGIL_DATABASE_PASSWORDS", folder).arg("check").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = check("");
    assert!(code == Some(1) && told.contains("password missing"), "{told}");
    let folder = ground.cluster.passwords().unwrap();
    let ingest = folder.join("vigil_ingest");
    let right = fs::read(&ingest).unwrap();
    fs::write(&ingest, "wrong").unwrap();
    let (code, told) = check(folder.to_str().unwrap());
    assert!(code == Some(1) && told.contains("password authentication failed"), "{told}");
    fs::write(&ingest, right).unwrap();
    fs::set_permissions(&ingest, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, told) = check(folder.to_str().unwrap());
    assert!(code == Some(1) && told.contains("open to others"), "{told}");
    fs::set_permissions(&ingest, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check(folder.to_str().unwrap()).0, Some(0));
}

#[tokio::test]
async fn roles_are_made_on_a_database_of_ones_own_with_a_password_each() {
    let ground = Ground::start();
    let site = Site::new(&ground.cluster.place().replace("dbname=vigil", "dbname=ward"));
    let passwords = site.path("passwords");
    let migrate = |arguments: &[&str]| {
        let owner = format!("{} user=vigil_owner password=chosen", ground.cluster.place());
        let mut command = site.command();
        command.env("VIGIL_DATABASE_PASSWORDS", &passwords).env("VIGIL_DATABASE_OWNER_URL", owner);
        command.env("VIGIL_DATABASE_ADMIN_URL", ground.cluster.superuser_url()).args(arguments).output().unwrap()
    };
    let before = migrate(&["migrate"]);
    assert!(!before.status.success(), "there is no such database yet");
    for expected in ["applied V1__devices", "the schema is current"] {
        let made = migrate(&["migrate", "--make-roles"]);
        let told = String::from_utf8(made.stdout).unwrap();
        assert!(told.starts_with(expected), "{told}: {}", String::from_utf8_lossy(&made.stderr));
    }
    for role in store::Role::RUNNING {
        assert_eq!(fs::metadata(passwords.join(role.name())).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(String::from_utf8(migrate(&["check"]).stdout).unwrap().ends_with("fit to start\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_would_migrate_waits_without_a_port_and_leaves_no_session_of_the_owner() {
    let db = empty_database().await;
    let site = Site::of(&db).await;
    let older = store::connect(db.url(), "test").await.unwrap();
    // The lease, as store/src/lease.rs takes it.
    older.batch_execute("SELECT pg_advisory_lock(x'766967696c'::bit(40)::int8)").await.unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = site.command();
    command.env("VIGIL_HTTP_LISTEN", port.to_string()).arg("all").stdout(Stdio::piped());
    let mut vigil = Killed(command.spawn().unwrap());
    let mut lines = BufReader::new(vigil.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "waiting");
    assert!(TcpStream::connect(port).is_err(), "it has a port");
    drop(older);
    assert!(lines.next().unwrap().unwrap().starts_with("mqtt 127.0.0.1:"));
    let owners = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'vigil_owner' AND datname LIKE current_database() || '%'";
    assert_eq!(count(&db, owners).await, 0);
    assert_eq!(count(&db, "SELECT count(*) FROM devices").await, 0);
    assert!(lines.any(|line| line.unwrap() == "ready"));
    assert!(TcpStream::connect(port).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_talks_to_the_database_as_its_own_role() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil = site.start();
    vigil.alarms().await;
    let roles = "SELECT count(DISTINCT usename) FROM pg_stat_activity WHERE datname = current_database()
        AND usename IN ('vigil_ingest', 'vigil_alerting', 'vigil_portal', 'vigil_audit', 'vigil_keys')";
    assert_eq!(count(&db, roles).await, 5);
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND usename NOT IN ('vigil_ingest', 'vigil_alerting', 'vigil_portal', 'vigil_audit', 'vigil_keys')";
    assert_eq!(count(&db, others).await, 0);
    assert_eq!(vigil.stop(), Some(0));
}
