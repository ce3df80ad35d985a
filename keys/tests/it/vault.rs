//! A root key that a vault's key wraps.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keys::vault::{ClientSecret, Identity, Settings, Vault, VaultError};
use keys::{Error, Keyring, Place, RootError, RootFile, RootKey, WrappedFile, recovery};
use serde_json::json;
use tempfile::TempDir;

use super::ground::{Ground, NAME, patient, read};
use super::vault_server::{ASSERTION, CLIENT, HOST, KEY, SECRET, TENANT, VaultServer};

pub(super) const MANAGED: Identity = Identity::Managed { client: None };

pub(super) fn settings(identity: Identity) -> Settings {
    Settings { patience: Duration::from_secs(6), ..Settings::new(&format!("https://{HOST}"), KEY, identity) }
}

pub(super) fn place(server: &VaultServer, path: PathBuf) -> Place {
    place_as(server, path, &settings(MANAGED))
}

pub(super) fn place_as(server: &VaultServer, path: PathBuf, settings: &Settings) -> Place {
    Place::Wrapped(WrappedFile { path, vault: Vault::through(settings, server.proxy, &server.authority).unwrap() })
}

/// A vault, and a root key that it wraps.
pub(super) async fn made() -> (VaultServer, TempDir, Place) {
    let (server, folder) = (VaultServer::start().await, tempfile::tempdir().unwrap());
    let place = place(&server, folder.path().join("root.wrapped"));
    place.make().await.unwrap();
    (server, folder, place)
}

/// The 32 bytes, which only a file without a vault spells.
pub(super) async fn bytes(root: &RootKey, folder: &Path) -> Vec<u8> {
    let path = folder.join("plain.key");
    Place::Plain(RootFile { path: path.clone(), apart_from: Vec::new() }).write(root).await.unwrap();
    let text = fs::read_to_string(path).unwrap();
    let digits = text.trim().strip_prefix("vigil-root-1:").unwrap();
    (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

pub(super) fn wrapped(place: &Place) -> WrappedFile {
    match place {
        Place::Wrapped(file) => file.clone(),
        Place::Plain(_) => unreachable!("a vault wraps it"),
    }
}

pub(super) async fn refused(place: &Place) -> RootError {
    place.read().await.unwrap_err()
}

#[tokio::test]
async fn a_keyring_opens_by_a_vault_that_is_asked_once() {
    let ground = Ground::new().await;
    let (server, folder, place) = made().await;
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let before = server.done().len();
    let root = place.read().await.unwrap();
    let keyring = Keyring::open(root.clone(), ground.main(), ground.keys().await).await.unwrap();
    let who = patient();
    let sealed = keyring.make_patient(who).await.unwrap().seal(NAME, b"row", b"Ada");
    root.again().await.unwrap();
    assert_eq!(server.done()[before..], ["unwrapkey v1"], "the file is the same: so is the key");

    let again = Keyring::open(place.read().await.unwrap(), ground.main(), ground.keys().await).await.unwrap();
    assert_eq!(&**again.patient(who).await.unwrap().open(NAME, b"row", &sealed).unwrap(), b"Ada");
    let error = Keyring::open(ground.root(), ground.main(), ground.keys().await).await.unwrap_err();
    assert!(matches!(error, Error::AnotherRoot), "{error}");

    let bytes = bytes(&root, folder.path()).await;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!fs::read_to_string(place.path()).unwrap().contains(&hex), "its file does not spell it");
    assert!(!server.heard(&bytes), "neither the vault nor who reads along learns the root key");
}

#[tokio::test]
async fn a_root_key_is_never_overwritten_and_never_written_as_it_is() {
    let (server, folder, place) = made().await;
    let (before, asked) = (fs::read(place.path()).unwrap(), server.done().len());
    assert!(matches!(place.make().await, Err(RootError::Exists(_))));
    assert_eq!((fs::read(place.path()).unwrap(), server.done().len()), (before.clone(), asked));
    let copy = folder.path().join("copy");
    place.read().await.unwrap().write(&copy).unwrap();
    assert_eq!(fs::read(copy).unwrap(), before);
}

#[tokio::test]
async fn every_identity_is_proven_and_another_is_refused() {
    let server = VaultServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, ASSERTION).unwrap();
    let secret = |secret: &str| Identity::Secret {
        tenant: TENANT.to_owned(),
        client: CLIENT.to_owned(),
        secret: ClientSecret::new(secret.to_owned()),
    };
    let workload = |client: &str| Identity::Workload {
        tenant: Some(TENANT.to_owned()),
        client: Some(client.to_owned()),
        token: Some(token.clone()),
    };
    let managed = |client: &str| Identity::Managed { client: Some(client.to_owned()) };
    for (name, identity) in [("managed", managed(CLIENT)), ("secret", secret(SECRET)), ("workload", workload(CLIENT))] {
        let place = place_as(&server, folder.path().join(name), &settings(identity));
        place.make().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        place.read().await.unwrap();
    }
    for (name, identity) in
        [("managed", managed("nobody")), ("secret", secret("another")), ("workload", workload("nobody"))]
    {
        let place = place_as(&server, folder.path().join(format!("not-{name}")), &settings(identity));
        let error = place.make().await.unwrap_err();
        assert!(matches!(error, RootError::Vault(VaultError::Unknown { .. })), "{name}: {error:?}");
        assert!(error.is_temporary() && !error.to_string().contains("another"), "{error}");
        assert!(!place.path().exists());
    }
}

#[tokio::test]
async fn what_a_vault_refuses_is_not_asked_again_at_once_and_says_what_is_missing() {
    let (server, _folder, place) = made().await;
    for (status, said) in [(403, "unwrapKey"), (404, "no such key"), (400, "not the one that wrapped"), (409, "log")] {
        server.answers(&[status]);
        let asked = Instant::now();
        let error = refused(&place).await;
        let is_refused =
            matches!(&error, RootError::Vault(VaultError::Refused { status: told, .. }) if *told == status);
        assert!(is_refused && error.to_string().contains(said), "{error:?}");
        let error = Error::from(error);
        assert!(!error.is_wrong_root() && asked.elapsed() < Duration::from_secs(2), "it is not asked again: {error}");
    }
    server.remove_key("v1");
    assert!(matches!(refused(&place).await, RootError::Vault(VaultError::Refused { status: 404, .. })));
    server.make_key("v1");
    let error = refused(&place).await;
    assert!(matches!(error, RootError::Vault(VaultError::Refused { status: 400, .. })), "another key: {error:?}");
}

#[tokio::test]
async fn a_vault_that_is_away_is_asked_again_and_not_for_ever() {
    let (server, _folder, place) = made().await;
    server.answers(&[503, 429, 500]);
    place.read().await.unwrap();
    for status in [503, 429] {
        server.always_answers(Some(status));
        let asked = Instant::now();
        let error = refused(&place).await;
        assert!(error.is_temporary() && !Error::from(error).is_wrong_root(), "{status}");
        let took = asked.elapsed();
        assert!(took > Duration::from_millis(500) && took < Duration::from_secs(8), "{took:?}");
    }
    server.always_answers(None);
    // A port that nobody has by now.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let vault = Vault::through(&settings(MANAGED), gone, &server.authority).unwrap();
    let error = refused(&Place::Wrapped(WrappedFile { path: place.path().to_owned(), vault })).await;
    assert!(error.is_temporary(), "{error}");
}

/// As a proxy, or Entra's own front, says that it is in trouble.
#[tokio::test]
async fn a_token_that_is_not_given_may_be_given_later_in_whatever_form_that_is_told() {
    let server = VaultServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let secret = ClientSecret::new(SECRET.to_owned());
    let identity = Identity::Secret { tenant: TENANT.to_owned(), client: CLIENT.to_owned(), secret };
    let place = place_as(&server, folder.path().join("root.wrapped"), &settings(identity));
    let page = json!("<html><body>The service is unavailable.</body></html>");
    let escaped =
        json!({ "error_description": "AADSTS90033: A transient error.\r\nTrace ID: 1", "error_codes": [90033] });
    for (status, said) in
        [(503, page.clone()), (429, page.clone()), (400, page.clone()), (503, escaped.clone()), (401, escaped)]
    {
        server.gives_no_token(Some((status, said)));
        let error = place.make().await.unwrap_err();
        assert!(matches!(error, RootError::Vault(VaultError::NoToken(_))), "{error:?}");
        assert!(error.is_temporary() && !error.to_string().contains(SECRET), "{error}");
    }
    server.gives_no_token(None);
    place.make().await.unwrap();
}

#[tokio::test]
async fn nobody_else_is_taken_for_the_vault() {
    let (server, _folder, place) = made().await;
    let other = VaultServer::start().await;
    // It answers in the vault's name, and somebody else vouches for it.
    let vault = Vault::through(&settings(MANAGED), server.proxy, &other.authority).unwrap();
    let done = server.done();
    let error = refused(&Place::Wrapped(WrappedFile { path: place.path().to_owned(), vault })).await;
    assert!(error.to_string().contains("certificate") && server.done() == done, "{error}");
    // It wants a token that is good elsewhere.
    let fresh = self::place(&server, place.path().to_owned());
    server.challenges_for("https://evil.example");
    let tokens = server.asked_for_tokens();
    let error = refused(&fresh).await;
    assert!(error.to_string().contains("evil.example") && error.is_temporary(), "{error}");
    assert_eq!((server.done(), server.asked_for_tokens()), (done, tokens));
    for url in [
        format!("http://{HOST}"),
        format!("https://{HOST}/keys"),
        format!("https://me@{HOST}"),
        format!("https://:word@{HOST}"),
        format!("https://{HOST}#root"),
        HOST.to_owned(),
    ] {
        let settings = Settings { url, ..settings(MANAGED) };
        assert!(matches!(Vault::new(&settings), Err(VaultError::Settings(_))), "{}", settings.url);
    }
    for (key, version) in [("", None), ("../secrets", None), ("a/b", None), (KEY, Some("v1/../v2"))] {
        let settings = Settings { key: key.to_owned(), version: version.map(str::to_owned), ..settings(MANAGED) };
        assert!(matches!(Vault::new(&settings), Err(VaultError::Settings(_))), "{key} {version:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_changed_opens_nothing() {
    let (server, folder, place) = made().await;
    server.make_key("v2");
    let text = fs::read_to_string(place.path()).unwrap();
    let parts: Vec<&str> = text.trim().split(':').collect();
    let flip = |part: &str| format!("{}{}", &part[..part.len() - 1], if part.ends_with('0') { '1' } else { '0' });
    let changed = |at: usize, part: String| {
        let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        parts[at] = part;
        parts.join(":")
    };
    place_as(&server, folder.path().join("other"), &Settings { version: Some("v1".to_owned()), ..settings(MANAGED) })
        .make()
        .await
        .unwrap();
    let other = fs::read_to_string(folder.path().join("other")).unwrap();
    let other: Vec<&str> = other.trim().split(':').collect();
    for text in [
        changed(1, "v2".to_owned()),
        changed(1, "v3".to_owned()),
        changed(2, flip(parts[2])),
        changed(3, flip(parts[3])),
        // A good key and a good seal, of two files.
        changed(2, other[2].to_owned()),
        changed(3, other[3].to_owned()),
        changed(3, String::new()),
    ] {
        fs::write(place.path(), &text).unwrap();
        let error = refused(&place).await;
        let altered = matches!(error, RootError::Altered(_));
        let refused = matches!(error, RootError::Vault(VaultError::Refused { status: 400 | 404, .. }));
        assert!((altered || refused) && Error::from(error).is_wrong_root() == altered, "{text}");
    }
    for text in [
        changed(1, "v1/../v2".to_owned()),
        changed(2, "zz".to_owned()),
        changed(2, String::new()),
        format!("{}:00", text.trim()),
    ] {
        fs::write(place.path(), &text).unwrap();
        assert!(matches!(place.look(), Err(RootError::Form(_))), "{text}");
    }
}

#[tokio::test]
async fn a_wrapped_file_is_private_and_never_taken_for_another_kind() {
    let (_server, folder, place) = made().await;
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
        assert!(matches!(place.look(), Err(RootError::Mode(_, told)) if told == mode), "{mode:o}");
        assert!(matches!(refused(&place).await, RootError::Mode(..)));
    }
    fs::set_permissions(place.path(), Permissions::from_mode(0o600)).unwrap();
    let file = RootFile { path: place.path().to_owned(), apart_from: Vec::new() };
    assert!(matches!(RootKey::read(&file), Err(RootError::IsWrapped(_))));
    let plain = folder.path().join("plain.key");
    RootKey::make(&plain).unwrap();
    let Place::Wrapped(WrappedFile { vault, .. }) = place else { unreachable!("made above") };
    assert!(matches!(Place::Wrapped(WrappedFile { path: plain, vault }).look(), Err(RootError::IsPlain(_))));
}

#[tokio::test]
async fn a_recovery_file_moves_a_root_key_into_a_vault_and_out_of_it() {
    let ground = Ground::new().await;
    let (server, folder) = (VaultServer::start().await, tempfile::tempdir().unwrap());
    ground.open().await;
    let file = recovery::export(&ground.root(), "correct horse battery").unwrap();
    let place = place(&server, folder.path().join("root.wrapped"));
    place.write(&recovery::import(&file, "correct horse battery").unwrap()).await.unwrap();
    let wrapped = place.read().await.unwrap();
    Keyring::open(wrapped.clone(), ground.main(), ground.keys().await).await.unwrap();
    let file = recovery::export(&wrapped, "correct horse battery").unwrap();
    let out = folder.path().join("root.key");
    recovery::import(&file, "correct horse battery").unwrap().write(&out).unwrap();
    Keyring::open(read(out), ground.main(), ground.keys().await).await.unwrap();
}

/// A vault that may wrap and not unwrap would leave a root key that is lost.
#[tokio::test]
async fn what_cannot_be_opened_again_is_not_written() {
    let server = VaultServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let place = place(&server, folder.path().join("root.wrapped"));
    server.refuses("unwrapkey");
    assert!(matches!(place.make().await, Err(RootError::Vault(VaultError::Refused { status: 403, .. }))));
    assert_eq!(server.done(), ["wrapkey v1"]);
    assert!(!place.path().exists());
}

#[test]
fn nothing_prints_a_clients_secret() {
    let identity = Identity::Secret {
        tenant: TENANT.to_owned(),
        client: CLIENT.to_owned(),
        secret: ClientSecret::new(SECRET.to_owned()),
    };
    let settings = settings(identity);
    let vault = Vault::new(&settings).unwrap();
    assert!(!format!("{settings:?} {vault:?}").contains(SECRET));
}
