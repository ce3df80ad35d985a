//! `vigil keys shred`: one patient is forgotten, by two people, and nobody else is.

use std::io::Write;
use std::process::Stdio;

use keys::{Field, Keyring, RootFile, RootKey};
use serde_json::json;
use store::Role;
use store::testing::{TestDatabase, database};
use uuid::Uuid;
use vitals::PatientId;

use super::staff::{Member, PASSWORD, code};
use super::vigil::{Site, count};

const NAME: Field = Field::new("patient_names", "sealed");

/// Two privacy officers, an administrator and a nurse, by their logins.
const STAFF: [(&str, &str); 4] =
    [("anna.berg", ""), ("petra.lund", "privacy_officer"), ("piet.vos", "privacy_officer"), ("nora.lind", "nurse")];

struct Office {
    db: TestDatabase,
    site: Site,
    staff: Vec<Member>,
    patients: [(PatientId, Vec<u8>); 2],
}

impl Office {
    async fn open() -> Self {
        let db = database().await;
        let site = Site::of(&db).await;
        let vigil = site.start();
        let link = site.run(&["user", "first-admin"]);
        let anna = Member::welcomed(&vigil, link.trim().split_once('#').unwrap().1, STAFF[0].0).await;
        let mut staff = vec![anna];
        staff[0].steps_up(&db.pool().get().await.unwrap()).await;
        for (login, role) in &STAFF[1..] {
            let invited = json!({"login": login, "display_name": "Of the staff"});
            let invited = staff[0].browser.post("/api/users", invited).await;
            staff.push(Member::welcomed(&vigil, invited["token"].as_str().unwrap(), login).await);
            let grant = "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
                SELECT gen_random_uuid(), u.realm, u.id, r.id, '[2000-01-01,)', 'command' FROM users u, roles r
                WHERE u.login = $1 AND r.code = $2";
            assert_eq!(db.pool().get().await.unwrap().execute(grant, &[login, role]).await.unwrap(), 1);
        }
        assert_eq!(vigil.stop(), Some(0));
        let keyring = keyring(&db, &site).await;
        let patients = [admit(&db, &keyring, "demo").await, admit(&db, &keyring, "demo").await];
        Self { db, site, staff, patients }
    }

    /// The command, with what these two say; the exit code, what it printed and what it complained about.
    async fn shred(&self, patient: PatientId, logins: [&str; 2], lines: &[&str]) -> (Option<i32>, String) {
        // Each code is good once, and nobody waits 30 s for the next.
        self.db.pool().get().await.unwrap().execute("UPDATE credentials SET last_step = NULL", &[]).await.unwrap();
        let mut command = self.site.command();
        command.args(["keys", "shred", &patient.to_string(), "--by", logins[0], "--approved-by", logins[1]]);
        command.args(["--reason", "asked for by the patient's court order 7719", "--backups-kept-days", "35"]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    /// What these two say when they say the right thing.
    async fn both(&self, patient: PatientId, logins: [&str; 2]) -> (Option<i32>, String) {
        let [one, other] = logins.map(|login| self.code_of(login));
        self.shred(patient, logins, &[PASSWORD, &one, PASSWORD, &other]).await
    }

    fn code_of(&self, login: &str) -> String {
        code(&self.staff[STAFF.iter().position(|(known, _)| *known == login).unwrap()].totp, 0)
    }

    /// Whether what was sealed for each of the two opens.
    async fn opens(&self) -> [bool; 2] {
        let keyring = keyring(&self.db, &self.site).await;
        let mut opens = [false; 2];
        for ((who, sealed), opens) in self.patients.iter().zip(&mut opens) {
            let key = keyring.patient(*who).await.ok();
            *opens = key.is_some_and(|key| key.open(NAME, b"row", sealed).is_ok_and(|plain| &**plain == b"Ada"));
        }
        opens
    }

    async fn events(&self, which: &str) -> i64 {
        let sql = "SELECT count(*) FROM audit_events WHERE category = 'keys' AND entity_kind = 'patient_key' AND ";
        count(&self.db, &format!("{sql}{which}")).await
    }
}

async fn keyring(db: &TestDatabase, site: &Site) -> Keyring {
    let file = RootFile { path: site.key("root.key"), apart_from: Vec::new() };
    let keys = db.key_store().await.pool_of(Role::Keys);
    Keyring::open(RootKey::read(&file).unwrap(), db.pool_of(Role::Keys), keys).await.unwrap()
}

async fn admit(db: &TestDatabase, keyring: &Keyring, realm: &str) -> (PatientId, Vec<u8>) {
    let who = PatientId(Uuid::now_v7());
    let db = db.pool().get().await.unwrap();
    db.execute("INSERT INTO patients (id, realm) VALUES ($1, $2)", &[&who.0, &realm]).await.unwrap();
    let token = "INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES (1, 42, 1, $1)";
    db.execute(token, &[&who.0]).await.unwrap();
    (who, keyring.make_patient(who).await.unwrap().seal(NAME, b"row", b"Ada"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_destroy_the_key_of_one_patient_and_no_other() {
    let office = Office::open().await;
    let [(ada, _), (bob, _)] = &office.patients;
    let (petra, piet) = (office.code_of("petra.lund"), office.code_of("piet.vos"));
    let two = ["petra.lund", "piet.vos"];
    for (logins, lines) in [
        // One person twice, and by another spelling.
        (["petra.lund", "petra.lund"], [PASSWORD, &petra, PASSWORD, &petra]),
        (["petra.lund", " PETRA.lund"], [PASSWORD, &petra, PASSWORD, &petra]),
        (two, [PASSWORD, &petra, PASSWORD, "000000"]),
        (two, [PASSWORD, &petra, "gondola-Marble-41-thicket", &piet]),
        (two, [PASSWORD, &petra, PASSWORD, ""]),
        (["petra.lund", "nobody"], [PASSWORD, &petra, PASSWORD, &piet]),
        // Who reads charts has no business here; nor has an administrator without an officer.
        (["petra.lund", "nora.lind"], [PASSWORD, &petra, PASSWORD, &office.code_of("nora.lind")]),
        (["anna.berg", "nora.lind"], [PASSWORD, &office.code_of("anna.berg"), PASSWORD, &office.code_of("nora.lind")]),
    ] {
        let (code, said) = office.shred(*ada, logins, &lines).await;
        assert!(code == Some(1) && said.contains("two different people"), "{logins:?}: {code:?} {said}");
    }
    assert_eq!(office.events("outcome = 'refused' AND action = 'E'").await, 8);

    let db = office.db.pool().get().await.unwrap();
    db.execute("UPDATE patients SET legal_hold = true WHERE id = $1", &[&ada.0]).await.unwrap();
    let (code, said) = office.both(*ada, two).await;
    assert!(code == Some(1) && said.contains("legal hold"), "{code:?} {said}");
    db.execute("UPDATE patients SET legal_hold = false WHERE id = $1", &[&ada.0]).await.unwrap();
    assert_eq!(office.events("outcome = 'failed' AND action = 'D'").await, 1);
    let elsewhere = admit(&office.db, &keyring(&office.db, &office.site).await, "live").await.0;
    for unknown in [elsewhere, PatientId(Uuid::now_v7())] {
        let (code, said) = office.both(unknown, two).await;
        assert!(code == Some(1) && said.contains("no patient"), "{code:?} {said}");
    }
    assert_eq!(office.opens().await, [true, true], "nothing came of any of it");

    let (code, said) = office.both(*ada, ["piet.vos", "anna.berg"]).await;
    assert!(code == Some(0) && said.contains("from ") && said.contains("no backup brings"), "{code:?} {said}");
    assert_eq!(office.opens().await, [false, true]);
    let terms: i64 = db
        .query_one("SELECT count(*) FROM patient_tokens WHERE patient_id <> $1", &[&elsewhere.0])
        .await
        .unwrap()
        .get(0);
    assert_eq!(terms, 1, "whoever is forgotten is not found either");
    let lost = office.site.run(&["keys", "check"]);
    assert_eq!(lost, "the root key opens patients=2 destroyed=1\n");
    for (which, expected) in [("action = 'E' AND outcome = 'success'", 2), ("action = 'D' AND outcome = 'success'", 1)]
    {
        assert_eq!(office.events(which).await, expected, "{which}");
    }
    let told = office.site.run(&["audit", "export", "--json", "--patient", &ada.to_string()]);
    assert!(told.contains("court order 7719") && !told.contains(&bob.to_string()), "why is kept: {told}");
    assert!(office.site.run(&["audit", "verify"]).contains("findings=0"));
}
