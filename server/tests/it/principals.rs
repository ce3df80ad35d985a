//! What each kind of client may say and hear, and the code with which the rest is refused, in both versions (P5).

use store::testing::{TestDatabase, database};
use vitals::Clock;

use super::client::Version::{self, V5, V311};
use super::client::{Client, Login};
use super::vigil::{Site, Vigil, count};

const NOT_AUTHORIZED: u8 = 0x87;
const SHARED_NOT_SUPPORTED: u8 = 0x9E;

/// A refused CONNECT.
const fn connack(version: Version) -> u8 {
    match version {
        V311 => 5,
        V5 => NOT_AUTHORIZED,
    }
}

/// A subscription that MQTT 5 refuses with `code`.
const fn suback(version: Version, code: u8) -> u8 {
    match version {
        V311 => 0x80,
        V5 => code,
    }
}

struct Ward {
    db: TestDatabase,
    vigil: Vigil,
    _site: Site,
    secrets: Vec<(&'static str, String)>,
}

async fn ward() -> Ward {
    let db = database().await;
    let site = Site::of(&db).await;
    let kinds: [(&str, &[&str]); 7] = [
        ("service", &["--service"]),
        ("bed", &[]),
        ("gateway", &["--gateway"]),
        ("pump", &["--behind", "gateway"]),
        ("gone", &["--behind", "gateway"]),
        ("gateway-2", &["--gateway"]),
        ("pump-2", &["--behind", "gateway-2"]),
    ];
    let secrets = kinds.map(|(id, options)| (id, site.enrol(id, options))).to_vec();
    site.run(&["device", "revoke", "gone"]);
    let vigil = site.start();
    Ward { db, vigil, _site: site, secrets }
}

/// What one client may do. Topics of one word are short for `vigil/v1/…` where they begin with `~`.
struct Rights<'a> {
    id: &'a str,
    publishes: &'a [&'a str],
    never_publishes: &'a [&'a str],
    subscribes: &'a [&'a str],
    never_subscribes: &'a [&'a str],
    never_wills: &'a [&'a str],
}

fn topic(short: &str) -> String {
    short.replace('~', "vigil/v1")
}

impl Ward {
    async fn connect(&self, version: Version, id: &str, will: Option<&str>) -> Result<Client, u8> {
        let (_, secret) = self.secrets.iter().find(|(known, _)| *known == id).unwrap();
        Client::connect(self.vigil.mqtt, version, Login { id, secret, will }).await
    }

    async fn holds(&self, rights: &Rights<'_>) {
        let frame = || format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now());
        for version in [V311, V5] {
            let mut client = self.connect(version, rights.id, None).await.unwrap();
            for filter in rights.never_subscribes {
                let code = client.subscribe(&topic(filter)).await;
                assert_eq!(code, suback(version, NOT_AUTHORIZED), "{version:?} {} hears {filter}", rights.id);
            }
            for filter in rights.subscribes {
                assert!(client.subscribe(&topic(filter)).await <= 1, "{version:?} {} misses {filter}", rights.id);
            }
            let code = client.subscribe(&topic("$share/all/~/+/status")).await;
            assert_eq!(code, suback(version, SHARED_NOT_SUPPORTED), "{version:?} {}", rights.id);
            for said in rights.publishes {
                let code = client.publish(&topic(said), &frame()).await;
                assert_eq!(code, Some(0), "{version:?} {} may not say {said}", rights.id);
            }
            let before = self.kept().await;
            for said in rights.never_publishes {
                let code = client.publish(&topic(said), &frame()).await;
                let refused = (version == V5).then_some(NOT_AUTHORIZED);
                assert_eq!(code, refused, "{version:?} {} says {said}", rights.id);
                if version == V311 {
                    client = self.connect(version, rights.id, None).await.unwrap();
                }
            }
            assert_eq!(self.kept().await, before, "{version:?} {}: what is refused leaves nothing", rights.id);
            for will in rights.never_wills {
                let refused = self.connect(version, rights.id, Some(&topic(will))).await.err();
                assert_eq!(refused, Some(connack(version)), "{version:?} {} leaves {will}", rights.id);
            }
        }
    }

    /// Rows of every table that a PUBLISH may end in.
    async fn kept(&self) -> i64 {
        let tables = ["vitals", "readings_other", "device_statuses", "quarantine"];
        let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})")).join(" + ");
        count(&self.db, &format!("SELECT {counts}")).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_reads_statuses_writes_commands_and_nothing_else() {
    ward()
        .await
        .holds(&Rights {
            id: "service",
            publishes: &["~/bed/down/limits", "~/pump/down/a/b", "~/service/down/x"],
            never_publishes: &[
                "~/service/vitals",
                "~/service/status",
                "~/bed/vitals",
                "~/bed/status",
                "~/bed/waves/ecg",
                "~/gateway/relay/pump/vitals",
                "~/service/relay/bed/vitals",
                "~/bed/down/",
                "~/bed/down",
                "vigil/v2/bed/down/x",
                "down/x",
                "$SYS/x",
            ],
            subscribes: &["~/+/status", "~/bed/status"],
            never_subscribes: &[
                "~/bed/down/#",
                "~/+/down/#",
                "~/service/down/#",
                "~/bed/vitals",
                "~/+/vitals",
                "~/+/+",
                "~/#",
                "~/+/status/#",
                "#",
                "+/+/+/status",
                "$SYS/#",
            ],
            never_wills: &["~/service/status", "~/bed/status", "~/bed/down/x", "~/bed/vitals"],
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_speaks_for_its_own_devices_and_hears_its_own_commands() {
    ward()
        .await
        .holds(&Rights {
            id: "gateway",
            publishes: &["~/gateway/relay/pump/vitals", "~/gateway/relay/pump/status", "~/gateway/status"],
            never_publishes: &[
                "~/gateway/relay/pump-2/vitals",
                "~/gateway/relay/pump-2/status",
                "~/gateway/relay/bed/vitals",
                "~/gateway/relay/gone/vitals",
                "~/gateway/relay/nobody/vitals",
                "~/gateway/relay/gateway/vitals",
                "~/gateway/relay/gateway-2/vitals",
                "~/gateway/relay/service/status",
                "~/gateway-2/relay/pump-2/vitals",
                "~/pump/vitals",
                "~/pump/status",
                "~/pump/down/x",
                "~/gateway/down/x",
                "~/gateway/relay/pump/down/x",
            ],
            subscribes: &["~/gateway/down/#", "~/gateway/down/limits"],
            never_subscribes: &[
                "~/pump/down/#",
                "~/gateway/relay/pump/down/#",
                "~/gateway/relay/+/down/#",
                "~/+/down/#",
                "~/gateway-2/down/#",
                "~/pump/status",
                "~/+/status",
                "~/pump/vitals",
                "~/#",
            ],
            never_wills: &["~/pump/status", "~/gateway/relay/pump/status", "~/gateway-2/status", "~/gateway/vitals"],
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_speaks_and_hears_for_itself() {
    ward()
        .await
        .holds(&Rights {
            id: "bed",
            publishes: &["~/bed/vitals", "~/bed/status"],
            never_publishes: &[
                "~/pump/vitals",
                "~/bed/relay/bed/vitals",
                "~/bed/relay/pump/vitals",
                "~/gateway/relay/bed/vitals",
                "~/bed/down/x",
                "~/service/down/x",
                "~/pump/down/x",
            ],
            subscribes: &["~/bed/down/#"],
            never_subscribes: &["~/pump/down/#", "~/+/down/#", "~/bed/status", "~/+/status", "~/bed/vitals", "~/bed/#"],
            never_wills: &["~/pump/status", "~/bed/vitals", "~/bed/down/x"],
        })
        .await;
}
