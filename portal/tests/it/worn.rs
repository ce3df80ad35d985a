//! What a device measured is of whoever wore it then, on a screen as in a chart.

use serde_json::{Value, json};
use vitals::{Parameter, What};

use crate::people::{Patient, somebody};
use crate::screen::Screen;
use crate::site::{EPOCH, Site, T0, step};

async fn watching(site: &Site, resume: Value) -> Screen {
    let mut screen = Screen::connect(site).await;
    screen.say(&json!({"type": "watch", "devices": null, "resume": resume})).await;
    screen
}

/// Numbers and an alarm of somebody restricted on bed-01, who has taken it off by now.
async fn ward() -> (Site, Patient) {
    let site = Site::open().await;
    let patient = Patient::admit(&site.database).await;
    patient.wears(&site.database, site.beds[0]).await;
    patient.restrict(&site.database).await;
    site.hub.show(&[site.frame(0, Parameter::Hr, 134.0)], 0);
    site.hub.transition(&step(1, Some(site.beds[0]), 1, What::Raised));
    site.hand.advance_ms(60_000);
    (site, patient)
}

#[tokio::test]
async fn what_somebody_leaves_on_a_device_is_shown_to_nobody() {
    let (site, patient) = ward().await;
    let mut screen = watching(&site, Value::Null).await;
    let snapshot = screen.until("snapshot").await;
    assert_eq!((&snapshot["numbers"], &snapshot["alarms"]), (&json!([]), &json!([])));

    patient.takes_off(&site.database, site.clock.now()).await;
    while screen.until("roster").await["devices"].as_array().unwrap().len() != 3 {}
    let snapshot = screen.until("snapshot").await;
    assert_eq!((&snapshot["numbers"], &snapshot["alarms"]), (&json!([]), &json!([])));
    let mut late = watching(&site, json!({"epoch": EPOCH, "seq": 0})).await;
    assert_eq!(late.until("missed").await["alarms"], json!([]));
    assert_eq!(late.until("snapshot").await["alarms"], json!([]));

    // What it measures from now on is of nobody, and everybody's.
    site.hub.show(&[site.frame(0, Parameter::Spo2, 97.0)], 0);
    let values = screen.until("numbers").await["numbers"][0]["values"].clone();
    assert_eq!((&values["spo2"]["value"], &values["hr"]), (&json!(97.0), &Value::Null));
    site.hub.transition(&step(2, Some(site.beds[0]), 120, What::Raised));
    assert_eq!(screen.until("alarm").await["seq"], 2);
}

#[tokio::test]
async fn the_next_wearers_nurse_is_told_what_holds_and_nothing_of_the_one_before() {
    let (site, before) = ward().await;
    before.takes_off(&site.database, site.clock.now()).await;
    let next = Patient::admit(&site.database).await;
    next.wears_from(&site.database, site.beds[0], site.clock.now()).await;
    next.is_cared_for_by(&site.database, &site.nurse).await;
    let mut screen = watching(&site, json!({"epoch": EPOCH, "seq": 0})).await;
    assert_eq!(screen.until("missed").await["alarms"], json!([]));
    let snapshot = screen.until("snapshot").await;
    assert_eq!(snapshot["numbers"], json!([]));
    // It is active on him: without the value, and from when it is his.
    let (alarm, now) = (&snapshot["alarms"][0], json!(site.clock.now()));
    assert_eq!((&alarm["value"], &alarm["text"]), (&Value::Null, &json!("HR > 120")));
    assert_eq!((&alarm["onset_at"], &alarm["raised_at"]), (&now, &now));
}

#[tokio::test]
async fn what_was_missed_is_an_event_about_whom_it_was() {
    let site = Site::open().await;
    let mut patients = Vec::new();
    for bed in 0..2 {
        let patient = Patient::admit(&site.database).await;
        patient.wears(&site.database, site.beds[bed]).await;
        patient.is_cared_for_by(&site.database, &site.nurse).await;
        patients.push(patient.id);
    }
    let db = site.database.pool().get().await.unwrap();
    // Stored by the run before this one, of bed-01 alone.
    let epoch = store::alarms::begin_epoch(&db, T0).await.unwrap();
    let stored = vitals::Transition { epoch, ..step(1, Some(site.beds[0]), 1, What::Raised) };
    store::alarms::save(&db, &[stored]).await.unwrap();
    let mut screen = watching(&site, json!({"epoch": epoch, "seq": 0})).await;
    assert_eq!(screen.until("missed").await["alarms"][0]["seq"], 1);
    let about = "SELECT array_agg(patient_id) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.entity_kind = 'live_view' AND e.action = 'R'";
    assert_eq!(db.query_one(about, &[]).await.unwrap().get::<_, Vec<uuid::Uuid>>(0), patients[..1]);
    let engineer = somebody(&site.database, "device_engineer").await;
    assert!(Screen::try_connect_as(&site, &engineer).await.is_none());
}
