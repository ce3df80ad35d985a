use std::sync::Arc;

use keys::Keyring;
use store::testing::{Person, TestDatabase};
use store::{Client, Role, roster};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vitals::{Clock, Realm, StationId};

use super::*;
use crate::app::{App, Deps};
use crate::audit::{Audit, Settings};
use crate::caller::{Caller, Identity, Part, Who};
use crate::config::Config;
use crate::identity::hashing::PATIENCE;
use crate::live::Hub;
use crate::transport::Transport;

const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);
const PIN: &str = "271828";
const STATION: Uuid = Uuid::from_u128(0xd);

const PLACES: &str = "
    INSERT INTO organizations (id, realm, kind, name) VALUES ('00000000-0000-0000-0000-000000000001', 'live', 'facility', 'Mercy');
    INSERT INTO locations (id, realm, org_id, kind, code, tz) VALUES
        ('00000000-0000-0000-0000-00000000000a', 'live', '00000000-0000-0000-0000-000000000001', 'site', 'Mercy', 'UTC');
    INSERT INTO stations (id, realm, location_id, name, mode, token_hash, expires_at) VALUES ('00000000-0000-0000-0000-00000000000d',
        'live', '00000000-0000-0000-0000-00000000000a', 'Wall', 'wall', sha256('token'), '2100-01-01')";
const HAS_PIN: &str = "INSERT INTO credentials (id, user_id, kind, hash, made_at, confirmed_at)
    VALUES (gen_random_uuid(), $1, 'pin', $2, '2000-01-01', '2000-01-01')";
const WRONG: &str = "SELECT failures::int8 FROM credentials WHERE user_id = $1 AND kind = 'pin'";

/// A station's screen before whatever stands in the database.
async fn at_station(database: &TestDatabase) -> Visit {
    let (clock, keyring) = (Clock::settable(T0).0, Keyring::for_tests());
    let (audit_pool, folder) = (database.pool_of(Role::Audit), std::env::temp_dir());
    let roster = roster::watch(database.pool()).await.unwrap().0;
    let deps = Deps {
        pool: database.pool_of(Role::Portal),
        audit_pool: audit_pool.clone(),
        audit: Settings::in_folder(&folder),
        clock: clock.clone(),
        keyring: keyring.clone(),
        hub: Hub::new(clock.clone(), roster.clone(), &[], 1),
        roster,
        transport: Transport::Plain,
        ready: Arc::new(|| Ok(())),
    };
    let audit = Audit::of_a_command(audit_pool, clock, keyring);
    let app = App::new(deps, audit, &Config::default(), CancellationToken::new());
    let identity = Identity::new(Who::Station(StationId(STATION)), Some(Realm::Live), Vec::new());
    let caller = Caller::system(&app.desk, Part::Portal).turned_out(identity);
    Visit { app, caller, token: None, place: None, station_token: None }
}

async fn wrong(db: &Client, person: &Person) -> i64 {
    db.query_one(WRONG, &[&person.user]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_try_that_nobody_had_a_turn_to_look_at_is_given_back() {
    let database = store::testing::database().await;
    let db = database.pool().get().await.unwrap();
    db.batch_execute(PLACES).await.unwrap();
    let nora = Person::with_role(&db, "nurse", T0).await.unwrap();
    db.execute("UPDATE sessions SET station_id = $1", &[&STATION]).await.unwrap();
    let visit = at_station(&database).await;
    let hasher = &visit.app.gate.hasher;
    let hash = hasher.hash(Zeroizing::new(PIN.to_owned())).await.unwrap();
    db.execute(HAS_PIN, &[&nora.user, &hash]).await.unwrap();
    let gives = |pin: &str| prove(&visit, Some(UserId(nora.user)), Zeroizing::new(pin.to_owned()));

    assert_eq!(gives("314159").await.unwrap(), None);
    assert_eq!(wrong(&db, &nora).await, 1);
    let busy = hasher.all_turns(Lane::Known).await;
    let waits = async {
        // It is counted before anybody has a turn.
        let begun = std::time::Instant::now();
        while wrong(&db, &nora).await < 2 {
            assert!(begun.elapsed().as_secs() < 20, "nobody counts the try");
        }
        tokio::time::pause();
        tokio::time::advance(PATIENCE).await;
        tokio::time::resume();
    };
    let (proven, ()) = tokio::join!(gives(PIN), waits);
    assert!(matches!(proven, Err(ApiError::Unavailable { code: "busy", .. })), "{proven:?}");
    assert_eq!(wrong(&db, &nora).await, 1, "nobody looked at it");
    drop(busy);
    assert_eq!(gives(PIN).await.unwrap(), Some(T0));
    assert_eq!(wrong(&db, &nora).await, 0);
}
