use super::*;
use vitals::{AgeClass, DeviceKey, DeviceKind, DeviceProfile, Realm};

fn pipeline(clock: Clock) -> Pipeline {
    let outlets = Outlets {
        judge: Arc::new(|_| {}),
        show: Arc::new(|_, _| {}),
        presence: Arc::new(|_, _, _| {}),
        held: Arc::new(|_, _, _| {}),
        flapping: Arc::new(|_, _| {}),
        database_away: Arc::new(|_, _| {}),
    };
    Pipeline::new(
        Config::default(),
        clock,
        Arc::default(),
        vec![Arc::new(Queue::default())],
        outlets,
        Keyring::for_tests(),
    )
}

fn send(pipeline: &Pipeline, payload: &str) {
    let device = Device {
        key: DeviceKey(1),
        name: "bed-01".try_into().unwrap(),
        kind: DeviceKind::Device,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Test,
        gateway: None,
        enrolled_at: Timestamp::default(),
        revoked: false,
    };
    let route = pipeline.route(Arc::new(device), StreamKind::Vitals, Bytes::from_static(b"vigil/v1/bed-01/vitals"));
    let publish = Publish { route, payload: Bytes::copy_from_slice(payload.as_bytes()), json: true, pkid: None };
    pipeline.accept(&mut vec![publish], &mut pipeline.window());
}

const NOW: Timestamp = Timestamp::from_millis(1_795_428_000_000);

#[test]
fn what_is_refused_does_not_carry_arrival_away_from_the_clock() {
    let (clock, _hand) = Clock::settable(NOW);
    let pipeline = pipeline(clock);
    let refused = format!("[{}]", vec!["{},{\"t\":1}"; 2_000].join(","));
    for _ in 0..500 {
        send(&pipeline, &refused);
    }
    assert_eq!(pipeline.0.arrivals.now(), NOW);
}

#[tokio::test]
async fn frames_of_an_array_that_are_stored_arrive_one_after_the_other() {
    let (clock, _hand) = Clock::settable(NOW);
    let pipeline = pipeline(clock);
    let at = |ms: i64| NOW.plus_millis(ms);
    let array = format!("[{{\"t\":\"{}\",\"hr\":70}},{{}},{{\"t\":\"{}\",\"hr\":71}}]", at(-20), at(-10));
    send(&pipeline, &array);
    send(&pipeline, &array);
    let taken = pipeline.0.queues[0].take(100, &tokio_util::sync::CancellationToken::new()).await.unwrap();
    let arrived: Vec<_> = taken.iter().flat_map(|one| &one.frames).map(|frame| frame.received_at).collect();
    assert_eq!(arrived, [0, 1, 2, 3].map(|micros| NOW.plus_micros(micros)));
}

#[test]
fn a_small_message_that_costs_much_memory_fills_the_window_and_the_common_bound() {
    let outlets = Outlets {
        judge: Arc::new(|_| {}),
        show: Arc::new(|_, _| {}),
        presence: Arc::new(|_, _, _| {}),
        held: Arc::new(|_, _, _| {}),
        flapping: Arc::new(|_, _| {}),
        database_away: Arc::new(|_, _| {}),
    };
    let device = Arc::new(Device {
        key: DeviceKey(1),
        name: "bed-1".try_into().unwrap(),
        kind: DeviceKind::Device,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Test,
        gateway: None,
        enrolled_at: Timestamp::from_micros(0),
        revoked: false,
    });
    let keys: Vec<_> = (10..90).map(|key| format!("\"x{key}\":1")).collect();
    let others = format!("{{{}}}", keys.join(","));
    let frames = format!("[{}]", [r#"{"t":1795428000000}"#; 40].join(","));
    for (payload, kept) in [(others, 80 * size_of::<OtherReading>()), (frames, 40 * size_of::<Frame>())] {
        assert!(payload.len() * 2 < kept, "{} bytes of payload", payload.len());
        for (window_bytes, held_bytes) in [(kept, usize::MAX), (usize::MAX, kept)] {
            let config = Config { window_bytes, held_bytes, ..Config::default() };
            let (clock, _) = Clock::settable(Timestamp::from_millis(1_795_428_000_000));
            let queue = Arc::new(Queue::default());
            let pipeline = Pipeline::new(
                config,
                clock,
                Arc::default(),
                vec![queue.clone()],
                outlets.clone(),
                Keyring::for_tests(),
            );
            let route =
                pipeline.route(device.clone(), StreamKind::Vitals, Bytes::from_static(b"vigil/v1/bed-1/vitals"));
            let mut window = pipeline.window();
            let publish = Publish { route, payload: payload.clone().into(), json: true, pkid: Some(1) };
            pipeline.accept(&mut vec![publish], &mut window);
            assert!(!window.has_room(), "{window_bytes} of the window, {held_bytes} of all");
        }
    }
}
