//! Root keys that a vault wraps are replaced, wrapped again and followed, with a vault that answers late or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use keys::rotate::Databases;
use keys::vault::{Settings, VaultError};
use keys::{Error, Keyring, RootError, rotate};

use super::ground::{Ground, patient};
use super::vault::{MANAGED, bytes, made, place, place_as, refused, settings, wrapped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_root_key_is_replaced_by_another_and_whoever_follows_takes_it() {
    let ground = Ground::new().await;
    let (server, folder, here) = made().await;
    let old = here.read().await.unwrap();
    let (keyring, following) = Keyring::follow(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    tokio::spawn(following);
    let next = place(&server, folder.path().join("next"));
    next.make().await.unwrap();
    let new = next.read().await.unwrap();
    let install = || new.replace(here.path());
    rotate::root(&old, &new, &ground.databases().await, install, false).await.unwrap();
    assert_eq!(fs::read(here.path()).unwrap(), fs::read(next.path()).unwrap());
    keyring.make_patient(patient()).await.unwrap();
    Keyring::open(here.read().await.unwrap(), ground.main(), ground.keys().await).await.unwrap();
    let error = Keyring::open(old, ground.main(), ground.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::AnotherRoot), "{error}");
}

/// With the patience of production, of a look at the database and of a vault, which is the longer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_hears_of_changes_while_its_vault_says_nothing() {
    let ground = Ground::new().await;
    let (server, folder, here) = made().await;
    let patient_settings = Settings { patience: Settings::new("", "", MANAGED).patience, ..settings(MANAGED) };
    let here = place_as(&server, here.path().to_owned(), &patient_settings);
    let old = here.read().await.unwrap();
    let (keyring, following) = Keyring::follow(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    tokio::spawn(following);
    let next = place(&server, folder.path().join("next"));
    next.make().await.unwrap();
    let new = next.read().await.unwrap();
    server.is_silent(true);
    // Both open: the one in memory will do.
    let databases = ground.databases().await;
    rotate::root(&old, &new, &databases, || new.replace(here.path()), true).await.unwrap();
    assert_eq!(server.kept_waiting(), 0);
    let hasty = Databases { patience: Duration::ZERO, ..databases.clone() };
    let unheard = rotate::root(&old, &new, &hasty, || Ok(()), false).await;
    assert!(matches!(unheard, Err(Error::Unheard { processes: 1 })), "{unheard:?}");
    server.keeps_somebody_waiting().await;
    keyring.make_patient(patient()).await.unwrap();
    server.is_silent(false);
    rotate::root(&new, &new, &databases, || Ok(()), false).await.unwrap();
    assert_eq!(server.kept_waiting(), 1);
    // What it knows by now opens without a vault, as a takeover needs it; and so does one whose file was wrapped again.
    server.always_answers(Some(503));
    let newest = keyring.root().unwrap();
    drop(Keyring::follow(newest.clone(), ground.main(), ground.keys().await).await.unwrap());
    server.always_answers(None);
    server.make_key("v2");
    assert_eq!(rotate::vault(&wrapped(&here), &databases).await.unwrap(), "v2");
    server.always_answers(Some(403));
    let (asked, tokens) = (server.done(), server.asked_for_tokens());
    drop(Keyring::follow(newest, ground.main(), ground.keys().await).await.unwrap());
    assert_eq!((server.done(), server.asked_for_tokens()), (asked, tokens));
    // One that slept through it needs its vault.
    let error = Keyring::follow(old.clone(), ground.main(), ground.keys().await).await.err().unwrap();
    assert!(matches!(error, Error::Root(RootError::Vault(_))), "{error}");
    server.always_answers(None);
    drop(Keyring::follow(old, ground.main(), ground.keys().await).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_wait_ask_a_vault_once() {
    let ground = Ground::new().await;
    let (server, folder, here) = made().await;
    let old = here.read().await.unwrap();
    let deaf = Keyring::open(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    let next = place(&server, folder.path().join("next"));
    next.make().await.unwrap();
    let (new, databases) = (next.read().await.unwrap(), ground.databases().await);
    rotate::root(&old, &new, &databases, || new.replace(here.path()), false).await.unwrap();
    rotate::wrapping(&new, &databases).await.unwrap();
    server.is_silent(true);
    for _ in 0..8 {
        let error = deaf.make_patient(patient()).await.unwrap_err();
        assert!(matches!(error, Error::AnotherRoot), "nobody waits for the vault: {error}");
    }
    server.keeps_somebody_waiting().await;
    assert!(matches!(deaf.make_patient(patient()).await, Err(Error::AnotherRoot)));
    assert_eq!(server.kept_waiting(), 1);
    server.is_silent(false);
    let opened = async { while deaf.make_patient(patient()).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(60), opened).await.unwrap();
    assert_eq!(server.kept_waiting(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_forgotten_while_a_follower_cannot_ask_its_vault() {
    let ground = Ground::new().await;
    let (server, folder, here) = made().await;
    let old = here.read().await.unwrap();
    let (keyring, following) = Keyring::follow(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    tokio::spawn(following);
    let next = place(&server, folder.path().join("next"));
    next.make().await.unwrap();
    let new = next.read().await.unwrap();
    server.always_answers(Some(503));
    let impatient = Databases { patience: Duration::from_secs(5), ..ground.databases().await };
    let error = rotate::root(&old, &new, &impatient, || new.replace(here.path()), false).await.unwrap_err();
    assert!(matches!(error, Error::Unheard { processes: 1 }), "{error}");
    keyring.make_patient(patient()).await.unwrap();
    Keyring::open(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    server.always_answers(None);
    rotate::root(&new, &new, &ground.databases().await, || Ok(()), false).await.unwrap();
    let error = Keyring::open(old, ground.main(), ground.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::AnotherRoot), "{error}");
}

/// As the vault keeps it waiting, a rotation before or after it must not be undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_root_key_is_replaced_while_it_is_wrapped_again() {
    let ground = Ground::new().await;
    let (server, folder, here) = made().await;
    let old = here.read().await.unwrap();
    Keyring::open(old.clone(), ground.main(), ground.keys().await).await.unwrap();
    let next = place(&server, folder.path().join("next"));
    next.make().await.unwrap();
    let new = next.read().await.unwrap();
    let databases = ground.databases().await;
    server.is_silent(true);
    let (file, of_it) = (wrapped(&here), databases.clone());
    let again = tokio::spawn(async move { rotate::vault(&file, &of_it).await });
    server.keeps_somebody_waiting().await;
    let refused = rotate::root(&old, &new, &databases, || new.replace(here.path()), false).await;
    server.is_silent(false);
    assert!(matches!(refused, Err(Error::Rotating)), "{refused:?}");
    assert_eq!(again.await.unwrap().unwrap(), "v1");
    rotate::root(&old, &new, &databases, || new.replace(here.path()), false).await.unwrap();
    rotate::vault(&wrapped(&here), &databases).await.unwrap();
    Keyring::open(here.read().await.unwrap(), ground.main(), ground.keys().await).await.unwrap();
    // Whoever put the old one back is told, and nothing is written.
    old.replace(here.path()).unwrap();
    let before = fs::read(here.path()).unwrap();
    let error = rotate::vault(&wrapped(&here), &databases).await.unwrap_err();
    assert!(matches!(error, Error::AnotherRoot) && error.is_wrong_root(), "{error}");
    assert_eq!(fs::read(here.path()).unwrap(), before);
}

#[tokio::test]
async fn the_version_that_is_pinned_or_the_newest_wraps_it_again() {
    let ground = Ground::new().await;
    let databases = ground.databases().await;
    let (server, folder, place) = made().await;
    let root = place.read().await.unwrap();
    let pinned = |version: &str| {
        let settings = Settings { version: Some(version.to_owned()), ..settings(MANAGED) };
        wrapped(&place_as(&server, place.path().to_owned(), &settings))
    };
    let (ours, old) = (bytes(&root, folder.path()).await, fs::read(place.path()).unwrap());
    server.make_key("v2");
    let asked = server.done().len();
    let error = rotate::vault(&pinned("v1"), &databases).await.unwrap_err();
    assert!(error.is_wrong_root() && error.to_string().contains("version v1 wraps it already"), "{error}");
    assert_eq!((fs::read(place.path()).unwrap(), server.done().len()), (old.clone(), asked));
    assert_eq!(rotate::vault(&wrapped(&place), &databases).await.unwrap(), "v2");
    assert_eq!(rotate::vault(&pinned("v1"), &databases).await.unwrap(), "v1");
    assert_eq!(rotate::vault(&pinned("v2"), &databases).await.unwrap(), "v2");
    assert_ne!(fs::read(place.path()).unwrap(), old);
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    server.remove_key("v1");
    let again = root.again().await.unwrap();
    fs::remove_file(folder.path().join("plain.key")).unwrap();
    assert_eq!(bytes(&again, folder.path()).await, ours, "the root key stays");
    assert_eq!(server.done().last().unwrap(), "unwrapkey v2");
    fs::write(place.path(), old).unwrap();
    assert!(matches!(refused(&place).await, RootError::Vault(VaultError::Refused { status: 404, .. })));
}
