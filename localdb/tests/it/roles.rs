//! The roles of the parts, and a cluster from before there were any.

use std::fs;
use std::process::{Command, Stdio};

use localdb::{Cluster, Purpose};

use crate::ground::{Ground, ask, psql};

const ROLES: [&str; 6] = ["vigil_owner", "vigil_ingest", "vigil_alerting", "vigil_portal", "vigil_audit", "vigil_keys"];

fn as_superuser(cluster: &Cluster, sql: &str) -> String {
    let elsewhere = cluster.superuser_url().replace("dbname=vigil", "dbname=postgres");
    let output = psql(cluster, &elsewhere, sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_role_comes_in_with_its_own_password_only_and_may_nothing_that_it_is_not_granted() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    let folder = cluster.passwords().unwrap();
    let password = |role: &str| fs::read_to_string(folder.join(role)).unwrap().trim().to_owned();
    for (role, other) in ROLES.into_iter().zip(ROLES.into_iter().cycle().skip(1)) {
        let place = format!("{} user={role}", cluster.place());
        let url = format!("{place} password={}", password(role));
        let who = psql(&cluster, &url, "SELECT current_user");
        assert_eq!(String::from_utf8_lossy(&who.stdout).trim(), role);
        assert!(!psql(&cluster, &place, "SELECT 1").status.success(), "{role} needs none");
        let another = format!("{place} password={}", password(other));
        assert!(!psql(&cluster, &another, "SELECT 1").status.success(), "{role} takes that of {other}");
        if role != "vigil_owner" {
            assert!(!psql(&cluster, &url, "CREATE TABLE mine (n int)").status.success(), "{role} makes tables");
            let keys = psql(&cluster, &url.replace("dbname=vigil", "dbname=vigil_keys"), "SELECT 1");
            assert_eq!(keys.status.success(), role == "vigil_keys", "{role} and the key store");
        }
    }
    let powerful = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'vigil%'
        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR NOT rolcanlogin)";
    assert_eq!(as_superuser(&cluster, powerful), "0");
}

#[test]
fn a_lost_password_of_a_part_is_replaced_at_the_next_start() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    let file = cluster.passwords().unwrap().join("vigil_portal");
    let before = fs::read_to_string(&file).unwrap();
    cluster.stop().unwrap();
    fs::remove_file(&file).unwrap();
    let cluster = ground.start();
    let now = fs::read_to_string(&file).unwrap();
    assert_ne!(now, before);
    let url = format!("{} user=vigil_portal password={}", cluster.place(), now.trim());
    assert!(psql(&cluster, &url, "SELECT 1").status.success());
}

/// As a cluster was made until roles were parted, with a table in it.
fn made_before(cluster: &Cluster) {
    ask(cluster, "CREATE TABLE kept AS SELECT 7 AS n");
    for undo in [
        "DROP DATABASE vigil_keys",
        "DROP ROLE vigil_ingest, vigil_alerting, vigil_portal, vigil_audit, vigil_keys",
        "ALTER ROLE vigil_owner RENAME TO vigil",
    ] {
        as_superuser(cluster, undo);
    }
    let folder = cluster.passwords().unwrap();
    let home = folder.parent().unwrap();
    fs::rename(folder.join("vigil_owner"), home.join("vigil.password")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(home.join("prepared"), "").unwrap();
}

#[test]
fn a_cluster_with_one_role_is_carried_over_once_nobody_uses_it() {
    let ground = Ground::new(Purpose::Serve);
    let cluster = ground.start();
    let owner_url = cluster.owner_url();
    made_before(&cluster);
    let psql_program = fs::read_link(format!("/proc/{}/exe", cluster.pid())).unwrap().with_file_name("psql");
    let older = owner_url.replace("user=vigil_owner", "user=vigil");
    // An older server: it is there until its input ends.
    let mut server =
        Command::new(psql_program).env_clear().args(["-X", "-q", "-w", &older]).stdin(Stdio::piped()).spawn().unwrap();
    let there = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'vigil'";
    while as_superuser(&cluster, there) == "0" {
        assert!(server.try_wait().unwrap().is_none(), "it ended");
    }
    let refused = localdb::start(&ground.options, &|_| ()).unwrap_err();
    assert!(refused.to_string().contains("stop it first"), "{refused}");
    assert_eq!(as_superuser(&cluster, "SELECT count(*) FROM pg_roles WHERE rolname = 'vigil_owner'"), "0");
    drop(server.stdin.take());
    server.wait().unwrap();
    while as_superuser(&cluster, there) != "0" {}

    let carried = ground.start();
    assert_eq!((carried.pid(), carried.owner_url()), (cluster.pid(), owner_url), "whoever knows the password comes in");
    assert_eq!(ask(&carried, "SELECT n FROM kept"), "7");
    assert_eq!(ask(&carried, "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"), "vigil_owner");
    assert_eq!(as_superuser(&carried, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'vigil%'"), "6");
    assert!(!carried.passwords().unwrap().parent().unwrap().join("vigil.password").exists());
}
