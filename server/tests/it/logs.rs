//! Logs carry ids, never names, topics or values, whatever `VIGIL_LOG` asks for.

use std::fs::File;

use store::testing::database;
use vitals::Clock;

use super::client::{Client, Login, Version};
use super::vigil::{Site, Vigil};

/// More particular than any directive of ours.
const EVERYTHING: &str = "trace,rumqttd=trace,rumqttd::router=trace,rumqttd::router::routing=trace,rumqttd::link=trace";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_and_a_reading_leave_no_topic_name_or_value_in_the_log() {
    let db = database().await;
    let site = Site::of(&db).await;
    let log = site.path("log");
    let (bed_secret, service) = (site.enrol("bed-of-somebody", &[]), site.enrol("commander", &["--service"]));
    let mut command = site.command();
    command.env("VIGIL_LOG", EVERYTHING).stderr(File::create(&log).unwrap());
    let vigil = Vigil::start(command);
    let login = |id, secret| Client::connect(vigil.mqtt, Version::V5, Login { id, secret, will: None });
    let mut bed = login("bed-of-somebody", &bed_secret).await.unwrap();
    assert_eq!(bed.subscribe("vigil/v1/bed-of-somebody/down/#").await, 1);
    let frame = format!(r#"{{"t":"{}","hr":71.25}}"#, Clock::system().now());
    assert_eq!(bed.publish("vigil/v1/bed-of-somebody/vitals", &frame).await, Some(0));
    let mut service = login("commander", &service).await.unwrap();
    let command = service.publish("vigil/v1/bed-of-somebody/down/secretive", "payload-of-it").await;
    assert_eq!(command, Some(0));
    let delivered = bed.answer(0x30).await.unwrap();
    assert!(delivered.ends_with(b"payload-of-it"), "it went through the router");
    // Who is refused is told by its key, or not at all.
    assert_eq!(login("stranger-at-the-door", "0123").await.err(), Some(0x86));
    assert_eq!(bed.publish("vigil/v1/elsewhere/vitals", "{}").await, Some(0x87));
    login("bed-of-somebody", &bed_secret).await.unwrap();
    assert!(bed.answer(0xe0).await.is_some_and(|code| code[0] == 0x8E), "taken over");
    assert_eq!(vigil.stop(), Some(0));
    let said = std::fs::read_to_string(log).unwrap();
    assert!(said.contains("closed a connection device.id="), "our own lines are there: {said}");
    for word in
        ["bed-of-somebody", "commander", "stranger", "elsewhere", "secretive", "payload-of-it", "vigil/v1", "71.25"]
    {
        let line = said.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
    // A driver that says each statement, and the router that opens a span for each message.
    for word in ["preparing query", "SELECT", "publish{", "incoming"] {
        assert!(!said.contains(word), "{word} in {said}");
    }
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let output = Site::new("host=/nowhere").command().env("VIGIL_LOG", "ingest=loud").arg("all").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && said.contains("VIGIL_LOG"), "{said}");
}
