//! Peers that take their time, on a connection in memory and by a clock that goes on when nothing else does.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use warp::Filter;

use super::*;
use crate::web::patience::{ANSWER_PATIENCE, BODY_PATIENCE};
use crate::web::{json, mount, pick};

/// Bytes that are on their way: an answer of ours is longer.
const PIPE: usize = 1_024;
const LONG: usize = 200_000;
/// Far more than anything of ours takes.
const NEVER: Duration = Duration::from_secs(3_600);

/// A connection to a portal that takes a form, gives a long answer, and tells a screen something long.
async fn connected() -> (DuplexStream, JoinHandle<()>) {
    let form = json::<Value>().map(|form: Value| warp::reply::json(&form).into_response()).boxed();
    let long = warp::any().map(|| "x".repeat(LONG).into_response()).boxed();
    let screen = warp::ws().map(|socket: warp::ws::Ws| {
        let tells = |mut socket: warp::ws::WebSocket| async move {
            futures_util::SinkExt::send(&mut socket, warp::ws::Message::text("x".repeat(LONG))).await.unwrap();
        };
        socket.on_upgrade(tells).into_response()
    });
    let screen = screen.boxed();
    let routes = [("form", form), ("long", long), ("live", screen)];
    let routes = pick(routes.map(|(path, filter)| mount(path, [Route::unlisted(filter)])));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    let peer = Peer(([127, 0, 0, 1], 1).into());
    let service = Guarded { routes: warp::service(routes.into_filter()), guard: Guard::any_host(), peer };
    let place = Places::new(1, 1).free().await.take(peer.0.ip()).unwrap();
    let (ours, theirs) = duplex(PIPE);
    let talk = Talk { http, service, stop: CancellationToken::new(), place };
    (theirs, tokio::spawn(talk.over(ours)))
}

/// Everything that comes until the connection is closed.
async fn rest(peer: &mut DuplexStream) -> String {
    let mut said = String::new();
    timeout(NEVER, peer.read_to_string(&mut said)).await.expect("it is closed").unwrap();
    said
}

fn form(length: usize, goes_on: &str) -> String {
    format!("POST /form HTTP/1.1\r\nHost: portal\r\nConnection: {goes_on}\r\nContent-Length: {length}\r\n\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408_and_the_connection_closes() {
    let (mut peer, _talk) = connected().await;
    let begun = Instant::now();
    peer.write_all(form(100, "keep-alive").as_bytes()).await.unwrap();
    // A byte now and then is no body either.
    let (mut reads, mut writes) = tokio::io::split(peer);
    let drip = tokio::spawn(async move {
        while writes.write_all(b" ").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut said = String::new();
    timeout(NEVER, reads.read_to_string(&mut said)).await.expect("it is closed").unwrap();
    drip.abort();
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("connection: close\r\n"), "{said}");
    assert!(said.contains("\"code\":\"slow_body\""), "{said}");
    assert!(begun.elapsed() < BODY_PATIENCE + Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_over_a_bad_link_is_taken() {
    let (mut peer, _talk) = connected().await;
    peer.write_all(form(2, "close").as_bytes()).await.unwrap();
    for byte in [b"4", b"2"] {
        sleep(BODY_PATIENCE / 3).await;
        peer.write_all(byte).await.unwrap();
    }
    let said = rest(&mut peer).await;
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("42"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_cut() {
    for takes in [false, true] {
        let (mut peer, talk) = connected().await;
        let begun = Instant::now();
        peer.write_all(b"GET /long HTTP/1.1\r\nHost: portal\r\n\r\n").await.unwrap();
        // Some of it each second, which would take minutes: no answer is held that long.
        let taking = async {
            let mut some = [0; 1_000];
            while takes && peer.read_exact(&mut some).await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let (ended, ()) = tokio::join!(timeout(NEVER, talk), taking);
        ended.expect("it is cut").unwrap();
        assert!(begun.elapsed() < ANSWER_PATIENCE + Duration::from_secs(5), "{takes}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_slowly_comes_whole() {
    let (mut peer, _talk) = connected().await;
    peer.write_all(b"GET /long HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n\r\n").await.unwrap();
    sleep(ANSWER_PATIENCE / 2).await;
    assert!(rest(&mut peer).await.len() > LONG);
}

#[tokio::test(start_paused = true)]
async fn a_screen_is_not_cut_by_what_holds_for_answers() {
    let (peer, talk) = connected().await;
    let (mut screen, _) = tokio_tungstenite::client_async("ws://portal/live", peer).await.unwrap();
    talk.await.unwrap();
    sleep(ANSWER_PATIENCE * 10).await;
    let told = timeout(NEVER, futures_util::StreamExt::next(&mut screen)).await.unwrap().unwrap().unwrap();
    assert_eq!(told, Message::text("x".repeat(LONG)));
}
