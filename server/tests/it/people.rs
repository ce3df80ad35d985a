//! `vigil user …` on the host.

use store::testing::database;

use super::vigil::{Site, count};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_goes_to_standard_output_only_and_is_audited() {
    let database = database().await;
    let site = Site::of(&database).await;
    let command = |arguments: &[&str]| site.command().args(arguments).output().unwrap();
    let printed = command(&["user", "first-admin"]);
    let (out, told) = (String::from_utf8(printed.stdout).unwrap(), String::from_utf8(printed.stderr).unwrap());
    assert!(printed.status.success(), "{told}");
    let (place, token) = out.trim().split_once("/welcome#").unwrap();
    assert!(place.starts_with("http://127.0.0.1") && token.len() == 64, "{out}");
    assert!(!told.contains(token), "{told}");
    let ours = "SELECT count(*) FROM audit_events WHERE system_part = 'command' AND entity_kind = 'one_time_code'";
    assert_eq!(count(&database, ours).await, 1);
    assert_eq!(count(&database, "SELECT count(*) FROM audit_links").await, 1, "it is in the chain already");

    let listed = command(&["user", "list"]);
    assert!(listed.status.success() && listed.stdout.starts_with(b"login"));
    let nobody = command(&["user", "disable", "nobody"]);
    assert!(!nobody.status.success() && String::from_utf8(nobody.stderr).unwrap().contains("no user nobody"));
}
