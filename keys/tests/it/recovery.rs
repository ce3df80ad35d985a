//! The root key comes back from the safe.

use keys::recovery::{RecoveryError, export, import};
use keys::{Error, Keyring, RootKey};

use super::ground::{Ground, NAME, patient, read};

const PASSPHRASE: &str = "correct horse battery";

#[tokio::test]
async fn after_the_root_key_is_lost_the_recovery_file_opens_everything() {
    let ground = Ground::new().await;
    let (keyring, who) = (ground.open().await, patient());
    let sealed = keyring.make_patient(who).await.unwrap().seal(NAME, b"row", b"Ada");
    let file = export(&ground.root(), PASSPHRASE).unwrap();
    let key = std::fs::read_to_string(ground.path("root.key")).unwrap();
    assert!(!file.contains(key.trim().rsplit(':').next().unwrap()), "sealed, not copied");

    std::fs::remove_file(ground.path("root.key")).unwrap();
    RootKey::make(&ground.path("root.key")).unwrap();
    let foreign = Keyring::open(ground.root(), ground.main(), ground.keys().await).await;
    assert!(matches!(foreign, Err(Error::AnotherRoot)), "without it nothing opens");

    std::fs::remove_file(ground.path("root.key")).unwrap();
    import(&file, PASSPHRASE).unwrap().write(&ground.path("root.key")).unwrap();
    let again = ground.open().await;
    assert_eq!(&**again.patient(who).await.unwrap().open(NAME, b"row", &sealed).unwrap(), b"Ada");
}

#[test]
fn only_its_own_passphrase_opens_it_and_only_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    RootKey::make(&folder.path().join("root.key")).unwrap();
    let root = read(folder.path().join("root.key"));
    assert!(matches!(export(&root, "fifteen letters"), Err(RecoveryError::Short)));
    let file = export(&root, PASSPHRASE).unwrap();
    assert!(matches!(import(&file, "correct horse batterz"), Err(RecoveryError::Unopened)));
    // One digit of the salt, and one of what is sealed.
    for place in ["vigil-recovery-1:".len(), file.trim().len() - 1] {
        let mut changed = file.as_bytes().to_vec();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(matches!(import(&changed, PASSPHRASE), Err(RecoveryError::Unopened)), "{changed}");
    }
    for text in ["", "vigil-recovery-1:", "vigil-recovery-1:00:00", "vigil-recovery-2:00:00", "vigil-recovery-1:é:é"]
    {
        assert!(matches!(import(text, PASSPHRASE), Err(RecoveryError::Form)), "{text}");
    }
    assert_ne!(*export(&root, PASSPHRASE).unwrap(), *file, "a salt of its own each time");
}
