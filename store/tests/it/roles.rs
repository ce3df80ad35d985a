use store::powers::excessive;
use store::testing::{TestDatabase, database, empty_database};
use store::{Access, Error, Role};

/// What is found while `change` is in force, which a rollback takes back: roles belong to the whole cluster, where other
/// tests run.
async fn found_with(db: &TestDatabase, change: &str) -> Vec<String> {
    db.pool().get().await.unwrap().batch_execute(change).await.unwrap();
    excessive(&db.access()).await.unwrap()
}

#[tokio::test]
async fn what_a_table_or_the_database_gives_a_part_is_found() {
    let db = database().await;
    db.key_store().await;
    assert_eq!(excessive(&db.access()).await.unwrap(), [""; 0]);
    for (change, back, expected) in [
        (
            "GRANT UPDATE ON audit_events TO vigil_audit",
            "REVOKE UPDATE ON audit_events FROM vigil_audit",
            "vigil_audit may UPDATE audit_events",
        ),
        (
            "GRANT UPDATE (hash) ON audit_links TO vigil_portal",
            "REVOKE UPDATE (hash) ON audit_links FROM vigil_portal",
            "vigil_portal may UPDATE audit_links",
        ),
        (
            "GRANT TRUNCATE ON audit_heads TO PUBLIC",
            "REVOKE TRUNCATE ON audit_heads FROM PUBLIC",
            "vigil_alerting may TRUNCATE audit_heads",
        ),
        (
            "ALTER TABLE devices OWNER TO vigil_ingest",
            "ALTER TABLE devices OWNER TO vigil_owner",
            "vigil_ingest owns devices",
        ),
        (
            "ALTER FUNCTION raise_node_epoch OWNER TO vigil_ingest",
            "ALTER FUNCTION raise_node_epoch OWNER TO vigil_owner",
            "vigil_ingest owns the function raise_node_epoch()",
        ),
    ] {
        let found = found_with(&db, change).await;
        assert!(found.contains(&expected.to_owned()), "{change}: {found:?}");
        assert_eq!(found_with(&db, back).await, [""; 0], "{back}");
    }
    let own = format!("ALTER DATABASE {} OWNER TO vigil_portal", db.access().database());
    let found = found_with(&db, &own).await;
    assert!(found.contains(&format!("vigil_portal owns the database {}", db.access().database())), "{found:?}");
}

#[tokio::test]
async fn a_table_of_the_key_store_is_found_too() {
    let db = database().await;
    let keys = db.key_store().await.pool().get().await.unwrap();
    keys.batch_execute("CREATE TABLE more (n int); ALTER TABLE more OWNER TO vigil_keys").await.unwrap();
    assert_eq!(excessive(&db.access()).await.unwrap(), ["vigil_keys owns more"]);
}

#[tokio::test]
async fn only_the_role_of_keys_comes_into_the_key_store() {
    let db = database().await;
    let store = db.key_store().await;
    for role in Role::RUNNING {
        let asked = store.pool_of(role).get().await;
        match (role, asked) {
            (Role::Keys, Ok(_)) => {}
            (Role::Keys, Err(error)) => panic!("{error}"),
            (role, Ok(_)) => panic!("{} comes in", role.name()),
            (_, Err(error)) => assert_eq!(error.sqlstate(), Some("42501"), "{error}"),
        }
    }
}

#[tokio::test]
async fn only_the_owner_migrates_and_its_session_is_gone_when_it_is_done() {
    let db = empty_database().await;
    db.key_store().await;
    let soon = std::time::Duration::from_secs(1);
    let superuser = Access::new(&db.place(), None).unwrap().with_owner(db.url()).unwrap();
    let refused = store::migrate::run(&superuser, soon).await;
    assert!(matches!(refused, Err(Error::WrongOwner(user)) if user == "postgres"));
    let nobody = Access::new(&db.place(), None).unwrap();
    assert!(matches!(store::migrate::run(&nobody, soon).await, Err(Error::NoOwner)));
    assert!(!store::migrate::run(&db.access(), soon).await.unwrap().is_empty());
    let owners = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'vigil_owner' AND datname = current_database()";
    let left: i64 = db.pool().get().await.unwrap().query_one(owners, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_takeover_ends_what_every_role_of_an_older_epoch_left_open() {
    let db = database().await;
    db.key_store().await;
    let access = db.access();
    let lead = async || {
        let store::lease::Turn::Ours(locked) = store::lease::take(&access).await.unwrap() else { panic!("taken") };
        locked.lead().await.unwrap()
    };
    let first = lead().await;
    let (mut old, mut pools) = (Vec::new(), Vec::new());
    let places = Role::RUNNING.map(|role| (access.clone(), role));
    for (place, role) in places.into_iter().chain([(access.key_store(), Role::Keys)]) {
        let pool = place.fenced(role, 1, first.epoch()).unwrap();
        let client = pool.get().await.unwrap();
        client.batch_execute("BEGIN").await.unwrap();
        old.push((place.database().to_owned(), role, client));
        pools.push(pool);
    }
    let beside = db.pool_of(Role::Portal).get().await.unwrap();
    // As a node that is frozen: its sessions stay, its lease is over.
    let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'vigil lease'";
    db.pool().get().await.unwrap().query_one(end, &[]).await.unwrap();
    let second = lead().await;
    for (database, role, client) in old {
        assert!(client.batch_execute("SELECT 1").await.is_err(), "{} in {database} goes on", role.name());
    }
    beside.batch_execute("SELECT 1").await.expect("whoever runs beside goes on");
    for pool in &pools {
        let Err(refused) = pool.get().await else { panic!("a pool of the first makes one more") };
        assert!(refused.to_string().contains("another node has taken over"), "{refused}");
    }
    assert_ne!(first.epoch(), second.epoch());
}
