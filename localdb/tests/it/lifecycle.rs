use std::fs;
use std::thread;

use localdb::{Error, Purpose, Status};

use crate::ground::{Ground, ask, psql, signal, socket_folder, wait_until_gone};

#[test]
fn a_cluster_keeps_its_data_over_stop_and_start() {
    let ground = Ground::new(Purpose::Serve);
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Absent);
    assert!(localdb::url(&ground.options).is_err());

    let first = ground.start();
    assert!(first.started_here());
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Running { pid: first.pid() });
    assert_eq!(localdb::url(&ground.options).unwrap(), first.superuser_url());
    ask(&first, "CREATE TABLE frames (at timestamptz NOT NULL, hr real)");
    ask(&first, "SELECT create_hypertable('frames', 'at', create_default_indexes => false)");
    ask(&first, "INSERT INTO frames VALUES ('2026-11-23T10:00:00Z', 72)");
    first.stop().unwrap();
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Stopped);
    assert!(!socket_folder(&first).join(".s.PGSQL.5432").exists());

    let second = ground.start();
    assert!(second.started_here());
    assert_eq!(second.owner_url(), first.owner_url());
    assert_eq!(ask(&second, "SELECT hr FROM frames"), "72");
    localdb::stop(&ground.options).unwrap();
    localdb::stop(&ground.options).unwrap();
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Stopped);
}

#[test]
fn a_second_start_finds_the_first_running() {
    let ground = Ground::new(Purpose::Test);
    let first = ground.start();
    let second = ground.start();
    assert!(!second.started_here());
    assert_eq!((second.pid(), second.place()), (first.pid(), first.place()));
}

#[test]
fn of_two_starts_at_once_one_starts_it() {
    let ground = Ground::new(Purpose::Test);
    let clusters = thread::scope(|scope| {
        let starts = [(); 3].map(|()| scope.spawn(|| ground.start()));
        starts.map(|start| start.join().unwrap())
    });
    assert_eq!(clusters.iter().filter(|cluster| cluster.started_here()).count(), 1);
    assert!(clusters.iter().all(|cluster| cluster.pid() == clusters[0].pid()));
}

#[test]
fn a_killed_postmaster_is_recovered_from_at_the_next_start() {
    let ground = Ground::new(Purpose::Serve);
    let killed = ground.start();
    ask(&killed, "CREATE TABLE kept (n int)");
    ask(&killed, "INSERT INTO kept SELECT generate_series(1, 1000)");
    let left_behind = socket_folder(&killed).join(".s.PGSQL.5432");
    signal(killed.pid(), "KILL");
    wait_until_gone(killed.pid());
    assert!(left_behind.exists());
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Stopped);

    let next = ground.start();
    assert!(next.started_here());
    assert_eq!(ask(&next, "SELECT count(*) FROM kept"), "1000");
    next.stop_now().unwrap();
    let after_crash = ground.start();
    assert_eq!(ask(&after_crash, "SELECT count(*) FROM kept"), "1000");
}

#[test]
fn a_pid_file_that_names_a_living_stranger_does_not_stop_a_start() {
    let ground = Ground::new(Purpose::Test);
    let first = ground.start();
    first.stop().unwrap();
    let data = ground.options.state_dir.join("localdb/data");
    let stranger = std::process::id();
    fs::write(data.join("postmaster.pid"), format!("{stranger}\n{}\n", data.display())).unwrap();
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Stopped);
    assert_ne!(ground.start().pid(), stranger);
}

#[test]
fn a_crash_halfway_through_making_a_cluster_is_made_good() {
    let ground = Ground::new(Purpose::Test);
    let half = ground.options.state_dir.join("localdb/data.new");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("PG_VERSION"), "17\n").unwrap();
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Absent);
    assert_eq!(ask(&ground.start(), "SELECT 1"), "1");
}

#[test]
fn a_test_cluster_may_clone_a_template_with_hypertables() {
    let ground = Ground::new(Purpose::Test);
    let cluster = ground.start();
    ask(&cluster, "CREATE TABLE frames (at timestamptz NOT NULL)");
    ask(&cluster, "SELECT create_hypertable('frames', 'at')");
    let elsewhere = cluster.superuser_url().replace("dbname=vigil", "dbname=postgres");
    let cloned = psql(&cluster, &elsewhere, "CREATE DATABASE clone TEMPLATE vigil");
    assert!(cloned.status.success(), "{}", String::from_utf8_lossy(&cloned.stderr));
    let clone = cluster.superuser_url().replace("dbname=vigil", "dbname=clone");
    assert!(psql(&cluster, &clone, "INSERT INTO frames VALUES (now())").status.success());
}

#[test]
fn a_removed_cluster_leaves_no_process_and_no_data() {
    let ground = Ground::deep_and_closed(Purpose::Test);
    let cluster = ground.start();
    let socket = socket_folder(&cluster);
    localdb::remove(&ground.options).unwrap();
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Absent);
    wait_until_gone(cluster.pid());
    assert!(!socket.exists());
}

#[test]
fn a_cluster_of_a_postgresql_that_is_gone_is_named_and_left_alone() {
    let ground = Ground::new(Purpose::Test);
    ground.start().stop().unwrap();
    let version = ground.options.state_dir.join("localdb/data/PG_VERSION");
    let made_by = fs::read_to_string(&version).unwrap();
    fs::write(&version, "12\n").unwrap();
    let refused = localdb::start(&ground.options, &|_| ()).unwrap_err();
    assert!(matches!(&refused, Error::Major { major, .. } if major == "12"), "{refused}");
    fs::write(&version, made_by).unwrap();
    assert!(ground.start().started_here());
}

#[test]
fn a_lost_password_file_is_named_and_nothing_is_left_running() {
    let ground = Ground::new(Purpose::Serve);
    ground.start().stop().unwrap();
    fs::remove_file(ground.options.state_dir.join("localdb/postgres.password")).unwrap();
    let refused = localdb::start(&ground.options, &|_| ()).unwrap_err();
    assert!(matches!(&refused, Error::NoSecret { path } if path.ends_with("postgres.password")), "{refused}");
    assert_eq!(localdb::status(&ground.options).unwrap(), Status::Stopped);
}
