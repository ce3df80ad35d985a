//! A keyring opens with its own root key and its own two databases, and with no others.

use keys::{Error, Keyring, RootKey, TokenKind};

use super::ground::{Ground, NAME, patient, read};

#[tokio::test]
async fn what_one_process_sealed_another_opens() {
    let ground = Ground::new().await;
    let (first, who) = (ground.open().await, patient());
    let by_system = first.system().seal(NAME, b"row", b"seed");
    let by_patient = first.make_patient(who).await.unwrap().seal(NAME, b"row", b"Ada");
    let again = ground.open().await;
    assert_eq!(&**again.system().open(NAME, b"row", &by_system).unwrap(), b"seed");
    assert_eq!(&**again.patient(who).await.unwrap().open(NAME, b"row", &by_patient).unwrap(), b"Ada");
    assert_eq!(again.token(TokenKind::Visit, "v1"), first.token(TokenKind::Visit, "v1"));
    assert!(matches!(again.patient(patient()).await, Err(Error::NoKey(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_start_at_once_make_first_keys_once() {
    let ground = Ground::new().await;
    let mut started = tokio::task::JoinSet::new();
    for _ in 0..6 {
        started.spawn(Keyring::open(ground.root(), ground.main(), ground.keys().await));
    }
    let keyrings: Vec<_> = started.join_all().await.into_iter().map(Result::unwrap).collect();
    let sealed = keyrings[0].system().seal(NAME, b"row", b"seed");
    assert!(keyrings.iter().all(|keyring| keyring.system().open(NAME, b"row", &sealed).is_ok()));
    assert_eq!(ground.count("SELECT count(*) FROM wrapping_keys").await, 1);
    let who = patient();
    let made = tokio::join!(keyrings[1].make_patient(who), keyrings[2].make_patient(who));
    let sealed = made.0.unwrap().seal(NAME, b"row", b"Ada");
    assert!(made.1.unwrap().open(NAME, b"row", &sealed).is_ok(), "one key of one patient");
}

#[tokio::test]
async fn another_root_key_is_refused() {
    let ground = Ground::new().await;
    ground.open().await;
    RootKey::make(&ground.path("other.key")).unwrap();
    let other = read(ground.path("other.key"));
    let error = Keyring::open(other, ground.main(), ground.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::AnotherRoot) && error.is_wrong_root(), "{error}");
}

#[tokio::test]
async fn a_main_database_whose_keys_are_elsewhere_is_refused() {
    let (ground, other) = (Ground::new().await, Ground::new().await);
    ground.open().await;
    let error = Keyring::open(other.root(), ground.main(), other.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::Apart) && error.is_wrong_root(), "{error}");
    other.open().await;
    let error = Keyring::open(other.root(), ground.main(), other.keys().await).await.unwrap_err();
    assert!(error.is_wrong_root(), "{error}");
}

#[tokio::test]
async fn wrapped_keys_that_change_places_open_nothing() {
    let ground = Ground::new().await;
    let (keyring, ada, bob) = (ground.open().await, patient(), patient());
    keyring.make_patient(ada).await.unwrap();
    keyring.make_patient(bob).await.unwrap();
    let swap = "UPDATE patient_keys one SET wrapped = other.wrapped FROM patient_keys other WHERE one.patient_id <> other.patient_id";
    ground.db.key_store().await.pool().get().await.unwrap().batch_execute(swap).await.unwrap();
    let fresh = ground.open().await;
    assert!(matches!(fresh.patient(ada).await, Err(Error::Unopened(_))));
    let swap = "UPDATE system_keys one SET wrapped = other.wrapped FROM system_keys other WHERE one.id <> other.id";
    ground.db.pool().get().await.unwrap().batch_execute(swap).await.unwrap();
    let error = Keyring::open(ground.root(), ground.main(), ground.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::Unopened(_)) && error.is_wrong_root(), "{error}");
}

/// As bytes, and as the file spells it.
#[tokio::test]
async fn no_database_holds_the_root_key() {
    let ground = Ground::new().await;
    ground.open().await.make_patient(patient()).await.unwrap();
    let text = std::fs::read_to_string(ground.path("root.key")).unwrap();
    let spelled = text.trim().rsplit(':').next().unwrap();
    assert_eq!(spelled.len(), 64);
    for db in [&ground.db, ground.db.key_store().await] {
        let client = db.pool().get().await.unwrap();
        let tables =
            "SELECT format('%I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        let mut seen = 0;
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            // A row as text has its bytes in hexadecimal.
            let sql =
                format!("SELECT count(*), count(*) FILTER (WHERE strpos(t::text, '{spelled}') > 0) FROM {table} t");
            let row = client.query_one(&sql, &[]).await.unwrap();
            seen += row.get::<_, i64>(0);
            assert_eq!(row.get::<_, i64>(1), 0, "{table}");
        }
        assert!(seen > 0, "something was looked through");
    }
}

#[tokio::test]
async fn no_key_prints_itself() {
    let ground = Ground::new().await;
    let (keyring, who) = (ground.open().await, patient());
    let key = keyring.make_patient(who).await.unwrap();
    let text = std::fs::read_to_string(ground.path("root.key")).unwrap();
    let spelled = text.trim().rsplit(':').next().unwrap();
    let printed = format!("{:?} {keyring:?} {key:?} {:?}", ground.root(), keyring.system());
    assert!(printed.len() < 200 && !printed.contains(spelled), "{printed}");
    assert!(printed.starts_with("RootKey Keyring PatientKey("), "{printed}");
}
