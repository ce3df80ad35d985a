//! What must hold for whatever a browser sends: fed by the fuzz targets, and by every test run with their seeds.

use serde_json::Value;
use vitals::{DeviceName, Timestamp};

use crate::live::protocol::{FromClient, Watch};
use crate::web::Cursor;

/// A message on `/live`.
pub fn live(message: &[u8]) {
    let Ok(FromClient::Watch(Watch { devices, resume })) = serde_json::from_slice(message) else { return };
    let Ok(Value::Object(told)) = serde_json::from_slice(message) else { panic!("understood, yet no JSON object") };
    assert_eq!(told.get("type"), Some(&Value::from("watch")));
    assert!(told.keys().all(|key| ["type", "devices", "resume"].contains(&key.as_str())), "{told:?}");
    assert_eq!(devices.map_or(Value::Null, Value::from), told.get("devices").cloned().unwrap_or_default());
    let resume = resume.map_or(Value::Null, |token| serde_json::to_value(token).expect("two numbers"));
    assert_eq!(resume, told.get("resume").cloned().unwrap_or_default());
}

/// One value of a query string, decoded.
pub fn query(value: &[u8]) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    if let Ok(cursor) = Cursor::parse(text) {
        assert!(Cursor::parse(&cursor.print()).is_ok_and(|again| again == cursor), "{text}: {cursor:?}");
    }
    if let Some(at) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at), "{text}");
    }
    if let Ok(name) = DeviceName::try_from(text) {
        assert_eq!(name.as_str(), text);
        assert!(
            !text.is_empty() && text.len() <= 64 && text.is_ascii() && !text.contains(['/', '+', '#', '$']),
            "{text}"
        );
    }
}
