//! The root key: which file is one, what start makes of it, and what `vigil keys` does beside a running server.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use store::testing::database;
use vitals::Clock;

use super::mqtt::Device;
use super::vigil::{Site, Vigil, count};

/// EX_USAGE.
const WRONG: Option<i32> = Some(64);

fn key_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap().trim().rsplit(':').next().unwrap().to_owned()
}

/// Runs a command that reads this line from standard input; answers what it printed, and what it complained about.
fn told(site: &Site, arguments: &[&str], line: &str) -> (Option<i32>, String) {
    let mut command = site.command();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// What `all` says, which must end before it has a port or a state.
fn refused(site: &Site, file: &Path) -> String {
    let state = site.path("fresh");
    let mut command = site.command();
    command.env("VIGIL_STATE_DIR", &state).env("VIGIL_KEYS_FILE", file);
    let output = command.arg("all").output().unwrap();
    assert_eq!(output.status.code(), WRONG, "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_file_that_is_no_root_key_for_us_ends_the_start_before_anything_is_made() {
    let site = Site::new("host=/nowhere dbname=vigil");
    let fresh = site.path("fresh");
    assert!(refused(&site, Path::new("")).contains("no root key"), "on a named database there is no throw-away key");
    assert!(refused(&site, &site.key("absent")).contains("absent"));
    assert!(!fresh.exists());

    let open = site.key("open.key");
    fs::copy(site.key("root.key"), &open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&site, &open).contains("others may read"));
    assert!(!fresh.exists());

    fs::create_dir(&fresh).unwrap();
    site.run(&["keys", "init", fresh.join("root.key").to_str().unwrap()]);
    symlink(fresh.join("root.key"), site.key("link.key")).unwrap();
    for inside in [fresh.join("root.key"), site.key("link.key")] {
        assert!(refused(&site, &inside).contains("copied with the data"));
    }
    assert_eq!(fs::read_dir(&fresh).unwrap().count(), 1, "nothing but the key that we put there");
    for arguments in [&["check"][..], &["keys", "check"], &["keys", "rotate", "--wrapping"]] {
        let output = site.command().env("VIGIL_KEYS_FILE", &open).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), WRONG, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_root_key_is_refused_and_the_right_one_starts() {
    let db = database().await;
    let site = Site::of(&db).await;
    assert_eq!(site.start().stop(), Some(0));
    site.run(&["keys", "init", site.key("foreign.key").to_str().unwrap()]);
    assert!(refused(&site, &site.key("foreign.key")).contains("another root key"));
    let output = site.command().env("VIGIL_KEYS_FILE", site.key("foreign.key")).arg("check").output().unwrap();
    assert_eq!(output.status.code(), WRONG);
    assert_eq!(site.start().stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_is_replaced_beside_a_running_server() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    let before = key_of(&site.key("root.key"));
    site.run(&["keys", "init", site.key("next.key").to_str().unwrap()]);
    let next = site.key("next.key");
    for (kept, arguments) in [
        &["--wrapping"][..],
        &["--index"],
        &["--root", next.to_str().unwrap(), "--keep-old"],
        &["--root", next.to_str().unwrap()],
        &["--wrapping"],
    ]
    .into_iter()
    .enumerate()
    {
        site.run(&[&["keys", "rotate"], arguments].concat());
        device.stores(&format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now())).await;
        device.publish("vigil/v1/bed-1/vitals", &format!(r#"{{"hr":"of {kept}"}}"#)).await.unwrap();
        device.acknowledged().await.unwrap();
        assert_eq!(count(&db, "SELECT count(*) FROM quarantine WHERE sealed").await, kept as i64 + 1, "{arguments:?}");
    }
    assert_ne!(key_of(&site.key("root.key")), before);
    assert_eq!(key_of(&site.key("root.key")), key_of(&next), "the new one took its place");
    assert_eq!(site.run(&["keys", "check"]), "the root key opens patients=0 destroyed=0\n");
    assert_eq!(vigil.stop(), Some(0));
    assert_eq!(site.start().stop(), Some(0));
    fs::write(site.key("old.key"), format!("vigil-root-1:{before}\n")).unwrap();
    fs::set_permissions(site.key("old.key"), Permissions::from_mode(0o600)).unwrap();
    assert!(refused(&site, &site.key("old.key")).contains("another root key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_file_brings_the_root_key_back_and_proves_it() {
    let db = database().await;
    let site = Site::of(&db).await;
    assert_eq!(site.start().stop(), Some(0));
    let (file, passphrase) = (site.key("recovery"), "correct horse battery");
    let file = file.to_str().unwrap();
    let (code, said) = told(&site, &["keys", "export", file], "too short");
    assert!(code == Some(1) && said.contains("at least 16"), "{said}");
    assert_eq!(told(&site, &["keys", "export", file], passphrase).0, Some(0));
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let (code, said) = told(&site, &["keys", "export", file], passphrase);
    assert!(code == Some(1) && said.contains("exists"), "never overwritten: {said}");

    let before = key_of(&site.key("root.key"));
    let (code, said) = told(&site, &["keys", "import", file], passphrase);
    assert!(code != Some(0) && said.contains("exists"), "a root key is never overwritten: {said}");
    fs::remove_file(site.key("root.key")).unwrap();
    assert!(refused(&site, &site.key("root.key")).contains("root.key"));
    let (code, said) = told(&site, &["keys", "import", file], "correct horse batterz");
    assert!(code == Some(1) && said.contains("does not open"), "{said}");
    assert!(!site.key("root.key").exists());
    let (code, said) = told(&site, &["keys", "import", file], passphrase);
    assert!(code == Some(0) && said.contains("opens patients=0"), "{said}");
    assert_eq!(key_of(&site.key("root.key")), before);
    assert_eq!(site.start().stop(), Some(0));

    // Of another database it is proven to be wrong, and nothing is written.
    let elsewhere = database().await;
    let other = Site::of(&elsewhere).await;
    assert_eq!(other.start().stop(), Some(0));
    fs::remove_file(other.key("root.key")).unwrap();
    assert_eq!(told(&other, &["keys", "import", file], passphrase).0, WRONG);
    assert!(!other.key("root.key").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_and_no_metric_tells_a_key() {
    let db = database().await;
    let site = Site::of(&db).await;
    let log = site.path("log");
    let mut command = site.command();
    command.env("VIGIL_LOG", "trace").stderr(File::create(&log).unwrap());
    let vigil = Vigil::start(command);
    site.run(&["keys", "rotate", "--wrapping"]);
    let metrics = vigil.metrics_page().await;
    assert_eq!(vigil.stop(), Some(0));
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("the keys are known"), "the server heard of it: {said}");
    let key = key_of(&site.key("root.key"));
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
    for spelled in [key.clone(), key.to_uppercase(), format!("{bytes:?}").trim_matches(['[', ']']).to_owned()] {
        assert!(!said.contains(&spelled) && !metrics.contains(&spelled));
    }
}
