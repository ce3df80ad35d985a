//! Which files are a root key for us.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use keys::{RootError, RootFile, RootKey};

fn read(path: &Path, apart_from: &[PathBuf]) -> Result<RootKey, RootError> {
    RootKey::read(&RootFile { path: path.to_owned(), apart_from: apart_from.to_vec() })
}

#[test]
fn a_file_that_is_made_is_private_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    RootKey::make(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    assert!(matches!(RootKey::make(&path), Err(RootError::Exists(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    read(&path, &[]).unwrap();
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    RootKey::make(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o660] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let refused = read(&path, &[]);
        assert!(matches!(refused, Err(RootError::Mode(_, told)) if told == mode), "{mode:o}: {refused:?}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    read(&path, &[]).unwrap();
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    RootKey::make(&path).unwrap();
    // Only the administrator can give a file away; for anybody else there is none to be found.
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        return;
    }
    assert!(matches!(read(&path, &[]), Err(RootError::Owner(_, 65_534))));
}

#[test]
fn a_file_beside_the_data_is_refused_however_it_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let (state, elsewhere) = (folder.path().join("state"), folder.path().join("elsewhere"));
    fs::create_dir_all(state.join("deep")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let (inside, outside) = (state.join("deep/root.key"), elsewhere.join("root.key"));
    RootKey::make(&inside).unwrap();
    RootKey::make(&outside).unwrap();
    symlink(&inside, elsewhere.join("link.key")).unwrap();
    symlink(&state, folder.path().join("link")).unwrap();
    symlink(&outside, state.join("out.key")).unwrap();
    let by_links = folder.path().join("link");
    for (path, apart) in [
        (inside.clone(), &state),
        (elsewhere.join("link.key"), &state),
        (elsewhere.join("../state/deep/root.key"), &state),
        (by_links.join("deep/root.key"), &state),
        (inside.clone(), &by_links),
    ] {
        let refused = read(&path, std::slice::from_ref(apart));
        assert!(matches!(refused, Err(RootError::BesideData(..))), "{}: {refused:?}", path.display());
    }
    for path in [&outside, &state.join("out.key")] {
        read(path, std::slice::from_ref(&state)).unwrap();
    }
    read(&outside, &[folder.path().join("else"), folder.path().join("absent")]).unwrap();
}

#[test]
fn what_is_no_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    let key = "ab".repeat(32);
    for text in [
        String::new(),
        key.clone(),
        format!("vigil-root-1:{}", &key[2..]),
        format!("vigil-root-1:{key}00"),
        format!("vigil-root-1:{}zz", &key[2..]),
        format!("vigil-root-1:+a{}", &key[2..]),
        format!("vigil-root-2:{key}"),
        format!("vigil-root-1:{}é", &key[2..]),
    ] {
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(read(&path, &[]), Err(RootError::Form(_))), "{text}");
    }
    assert!(matches!(read(folder.path(), &[]), Err(RootError::NotAFile(_) | RootError::Mode(..))));
    assert!(matches!(read(&folder.path().join("absent"), &[]), Err(RootError::File(..))));
}
