//! A view of `/live` that never comes about, or is refused.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::identity::staff::Office;
use crate::identity::stations::enrolled;
use crate::site::Site;

const OF_VIEWS: &str =
    "SELECT coalesce(string_agg(action, '' ORDER BY id), '') FROM audit_events WHERE entity_kind = 'live_view'";

#[tokio::test]
async fn one_that_leaves_before_it_came_about_has_an_end() {
    let site = Site::open().await;
    let mut other = store::connect(site.database.url(), "test").await.unwrap();
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut socket = TcpStream::connect(site.address).await.unwrap();
    let request = format!(
        "GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        site.address,
        site.nurse.cookie()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    // Its beginning waits to be written.
    let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'audit_events'::regclass AND NOT granted";
    while lock.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    drop(socket);
    lock.rollback().await.unwrap();
    let begun = std::time::Instant::now();
    loop {
        let said: String = other.query_one(OF_VIEWS, &[]).await.unwrap().get(0);
        if said.len() == 2 {
            assert!(said.contains('C') && said.contains('D'), "{said}");
            return;
        }
        assert!(begun.elapsed().as_secs() < 20, "only {said} was said");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stations_socket_gives_way_to_one_that_is_let_in_and_to_no_other() {
    let mut office = Office::open().await;
    let wall = enrolled(&mut office, "wall-1").await;
    let mut first = wall.live().await.unwrap();
    first.until("heartbeat").await;
    let db = office.site.database.pool().get().await.unwrap();
    db.batch_execute("ALTER FUNCTION worn_since RENAME TO elsewhere").await.unwrap();
    assert!(wall.live().await.is_none(), "nobody knows what it may show");
    first.until("heartbeat").await;
    db.batch_execute("ALTER FUNCTION elsewhere RENAME TO worn_since").await.unwrap();
    let mut second = wall.live().await.unwrap();
    assert_eq!(first.closed().await, 4_001);
    second.until("heartbeat").await;
}
