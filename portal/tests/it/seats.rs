//! Who comes back while the database is away: whoever was there a moment ago, and nobody whose right has ended.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};
use store::testing::{Person, TestDatabase};
use store::{Access, Pool, Role};

use crate::identity::browser::Browser;
use crate::people::{Patient, somebody};
use crate::screen::Screen;
use crate::site::{Another, Site};

/// A portal whose way to the database can be cut.
struct Cut {
    portal: Another,
    pool: Pool,
    way: PathBuf,
}

impl Cut {
    async fn beside(site: &Site) -> Self {
        let (place, way) = (site.database.place(), site.folder.path().join("way"));
        let real = place.split(' ').find_map(|word| word.strip_prefix("host=")).expect("a folder with a socket");
        symlink(real, &way).unwrap();
        let place = place.replace(real, way.to_str().unwrap());
        let pool = Access::new(&place, None).unwrap().pool(Role::Portal, 4).unwrap();
        Self { portal: site.another_on(pool.clone()).await, pool, way }
    }

    async fn goes_away(&self, database: &TestDatabase) {
        std::fs::remove_file(&self.way).unwrap();
        let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND usename = 'vigil_portal'";
        database.pool().get().await.unwrap().execute(ends, &[]).await.unwrap();
    }

    fn browser(&self, person: &Person) -> Browser {
        let mut browser = Browser::at(self.portal.address);
        let token = person.cookie().strip_prefix("vigil=").unwrap().to_owned();
        browser.cookies.insert("vigil".to_owned(), token);
        browser
    }
}

#[tokio::test]
async fn whose_session_was_ended_does_not_come_back_without_the_database() {
    let site = Site::open().await;
    let cut = Cut::beside(&site).await;
    let (left, signed_out) = (somebody(&site.database, "nurse").await, somebody(&site.database, "nurse").await);
    let [mut ended, stays, leaves] = [&site.nurse, &left, &signed_out].map(|person| cut.browser(person));
    let mut of_ended = ended.live().await.unwrap();
    of_ended.until("heartbeat").await;
    let (mut of_stays, mut of_leaves) = (stays.live().await.unwrap(), leaves.live().await.unwrap());
    of_stays.until("heartbeat").await;
    of_leaves.until("heartbeat").await;
    let db = site.database.pool().get().await.unwrap();
    db.execute(
        "UPDATE sessions SET revoked_at = $2::text::timestamptz WHERE id = $1",
        &[&site.nurse.session, &site.clock.now().to_string()],
    )
    .await
    .unwrap();
    assert_eq!(of_ended.closed().await, 4_002);
    let mut copy = leaves.clone();
    copy.delete("/api/session").await.ok();
    assert_eq!(of_leaves.closed().await, 4_002);
    cut.goes_away(&site.database).await;
    stays.live().await.expect("alarms wait for no database").until("heartbeat").await;
    assert!(ended.live().await.is_none(), "it was ended");
    assert!(leaves.live().await.is_none(), "he has signed out");
    assert_eq!(ended.get("/api/devices").await.status, 503);
}

#[tokio::test]
async fn a_screen_comes_back_by_the_cookie_that_a_lock_gave_it_and_by_no_older_one() {
    let site = Site::open().await;
    let cut = Cut::beside(&site).await;
    let mut browser = cut.browser(&site.nurse);
    let mut screen = browser.live().await.unwrap();
    screen.until("heartbeat").await;
    let before = browser.clone();
    browser.post("/api/session/lock", Value::Null).await.ok();
    assert_ne!(browser.token(), before.token());
    cut.goes_away(&site.database).await;
    let mut anew = browser.live().await.expect("alarms wait for no database");
    anew.until("heartbeat").await;
    assert!(before.live().await.is_none(), "that cookie is nobody's any more");
    // Its socket was opened by it, and gives its place back all the same.
    drop((screen, anew));
    browser.live().await.expect("a moment ago it was there").until("heartbeat").await;
}

#[tokio::test]
async fn a_database_that_makes_one_wait_is_asked_all_the_same() {
    let site = Site::open().await;
    let cut = Cut::beside(&site).await;
    let browser = cut.browser(&site.nurse);
    browser.live().await.unwrap().until("heartbeat").await;
    let all = futures_util::future::join_all((0..4).map(|_| cut.pool.get())).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(browser.live().await.is_none(), "he comes back by way of the database");
    drop(all);
    browser.live().await.unwrap().until("heartbeat").await;
    assert_ne!(cut.browser(&site.nurse).get("/api/session").await.body, Value::Null);
}

#[tokio::test]
async fn a_page_loaded_anew_shows_names_no_longer_than_the_one_before() {
    let site = Site::open().await;
    let grace = Patient::admit(&site.database).await;
    grace.is_called(&site, "Grace", "Okafor").await;
    grace.wears(&site.database, site.beds[0]).await;
    grace.is_cared_for_by(&site.database, &site.nurse).await;
    let cut = Cut::beside(&site).await;
    let browser = cut.browser(&site.nurse);
    let watching = async || {
        let mut screen = browser.live().await.expect("alarms wait for no database");
        screen.say(&json!({"type": "watch", "devices": null})).await;
        let first = first_bed(&mut screen).await;
        (screen, first)
    };
    let named = json!({"id": grace.id, "label": "Okafor, Grace"});
    let (mut before, shown) = watching().await;
    assert_eq!(shown, named);
    cut.goes_away(&site.database).await;
    // A minute before its time is over.
    site.hand.advance_ms(4 * 60_000);
    let (mut anew, shown) = watching().await;
    assert_eq!(shown, named);
    site.hand.advance_ms(60_000);
    for screen in [&mut before, &mut anew] {
        assert_eq!(first_bed(screen).await, Value::Null, "five minutes since the database said so");
    }
    drop((before, anew));
    assert_eq!(watching().await.1, Value::Null);
}

#[tokio::test]
async fn a_page_loaded_anew_names_nobody_once_whoever_is_there_has_done_nothing_for_five_minutes() {
    let site = Site::open().await;
    let grace = Patient::admit(&site.database).await;
    grace.is_called(&site, "Grace", "Okafor").await;
    grace.wears(&site.database, site.beds[0]).await;
    grace.is_cared_for_by(&site.database, &site.nurse).await;
    let cut = Cut::beside(&site).await;
    let browser = cut.browser(&site.nurse);
    let watching = async || {
        let mut screen = browser.live().await.expect("alarms wait for no database");
        screen.say(&json!({"type": "watch", "devices": null})).await;
        let first = first_bed(&mut screen).await;
        (screen, first)
    };
    let db = site.database.pool().get().await.unwrap();
    db.execute("UPDATE sessions SET last_input_at = started_at", &[]).await.unwrap();
    // The database says so long after the last input.
    site.hand.advance_ms(4 * 60_000);
    let (mut before, shown) = watching().await;
    assert_eq!(shown["label"], "Okafor, Grace");
    cut.goes_away(&site.database).await;
    site.hand.advance_ms(60_000);
    assert_eq!(watching().await.1, Value::Null, "the page has locked by itself");
    assert_eq!(first_bed(&mut before).await, Value::Null);
}

/// On whom the first bed is, by the next roster.
async fn first_bed(screen: &mut Screen) -> Value {
    screen.until("roster").await["devices"][0]["patient"].clone()
}
