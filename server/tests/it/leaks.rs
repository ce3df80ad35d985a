//! Nothing that is kept, written or shown beside the portal's answers tells who a patient is or how somebody proves himself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use keys::{Field, Keyring, RootFile, RootKey, TokenKind};
use reqwest::{Method, header};
use serde_json::{Value, json};
use store::testing::Person;
use store::{Access, Client, Pool, Role};
use uuid::Uuid;
use vitals::{Clock, PatientId};

use super::client::{Client as Mqtt, Login, Version};
use super::mqtt::Device;
use super::screen::Screen;
use super::searcher::{Searcher, hex};
use super::staff::{Member, PASSWORD, code};
use super::vigil::{Site, Vigil, eventually};

const FAMILY: &str = "Zörbelquist";
const GIVEN: &str = "Quillonia Aurelie";
const BORN: &str = "1913-07-29";
const MRN: &str = "MRN-7719-QX42";
const PHONE: &str = "+49 7719 004213";
const REASON: &str = "cyanotic in the corridor, and nobody of her team is here";
const WRONG: &str = "gondola-Marble-41-thicket";
const PIN: &str = "719004218836";

struct Ward {
    options: localdb::Options,
    cluster: localdb::Cluster,
    site: Site,
    superuser: Pool,
    patient: Uuid,
    _home: tempfile::TempDir,
}

impl Drop for Ward {
    fn drop(&mut self) {
        if let Err(error) = localdb::remove(&self.options) {
            eprintln!("removing the private database failed: {error}");
        }
    }
}

impl Ward {
    /// A cluster as an installation has it, and one patient in it, sealed as the product seals.
    async fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let options =
            localdb::Options { state_dir: home.path().join("db"), cache_dir: None, purpose: localdb::Purpose::Serve };
        let cluster = localdb::start(&options, &|_| ()).unwrap();
        let site = Site::at(&cluster);
        site.run(&["migrate"]);
        // To seed and to look: nobody grants him anything, and no policy binds him.
        let access = Access::new(&cluster.place(), None).unwrap().with_owner(&cluster.superuser_url()).unwrap();
        let superuser = access.pool(Role::Owner, 2).unwrap();
        let ward = Self { options, cluster, site, superuser, patient: Uuid::now_v7(), _home: home };
        ward.admit().await;
        ward
    }

    async fn db(&self) -> Client {
        self.superuser.get().await.unwrap()
    }

    async fn admit(&self) {
        let db = self.db().await;
        let access = Access::new(&self.cluster.place(), self.cluster.passwords()).unwrap();
        let file = RootFile { path: self.site.key("root.key"), apart_from: Vec::new() };
        let (main, store) = (access.pool(Role::Keys, 2).unwrap(), access.key_store().pool(Role::Keys, 2).unwrap());
        let keyring = Keyring::open(RootKey::read(&file).unwrap(), main, store).await.unwrap();
        let key = keyring.make_patient(PatientId(self.patient)).await.unwrap();
        let seal =
            |table, column, id: Uuid, text: &str| key.seal(Field::new(table, column), id.as_bytes(), text.as_bytes());
        let (patient, issuer, id) = (self.patient, Uuid::now_v7(), Uuid::now_v7());
        let sql = "INSERT INTO patients (id, realm, birth_sealed) VALUES ($1, 'demo', $2)";
        let born = seal("patients", "birth_sealed", patient, BORN);
        db.execute(sql, &[&patient, &born]).await.unwrap();
        let name = seal("patient_names", "sealed", id, &json!({"family": FAMILY, "given": GIVEN}).to_string());
        let sql =
            "INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES ($1, $2, 'official', $3, '[,)')";
        db.execute(sql, &[&id, &patient, &name]).await.unwrap();
        let phone = seal("patient_contacts", "sealed", id, PHONE);
        let sql =
            "INSERT INTO patient_contacts (id, patient_id, kind, sealed, valid) VALUES ($1, $2, 'phone', $3, '[,)')";
        db.execute(sql, &[&id, &patient, &phone]).await.unwrap();
        let term = keyring.token(TokenKind::Name, FAMILY.to_lowercase());
        let sql = "INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES ($1, $2, 1, $3)";
        db.execute(sql, &[&term.key_version, &term.short(), &patient]).await.unwrap();
        let sql =
            "INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'demo', 'assigning_authority', 'Demo')";
        db.execute(sql, &[&issuer]).await.unwrap();
        let number = keyring.token(TokenKind::Identifier, format!("{issuer}|MR|{MRN}"));
        let sql = "INSERT INTO patient_identifiers
                (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, valid)
            VALUES ($1, 'demo', $2, $3, 'MR', $4, $5, $6, '[2026-01-01,)')";
        let sealed = seal("patient_identifiers", "value_sealed", id, MRN);
        let (token, version) = (number.bytes.to_vec(), number.key_version);
        db.execute(sql, &[&id, &patient, &issuer, &sealed, &token, &version]).await.unwrap();
    }

    async fn is_nurse(&self, login: &str) {
        let sql = "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
            SELECT gen_random_uuid(), u.realm, u.id, r.id, '[2000-01-01,)', 'command' FROM users u, roles r
            WHERE u.login = $1 AND r.code = 'nurse'";
        assert_eq!(self.db().await.execute(sql, &[&login]).await.unwrap(), 1);
    }

    async fn count(&self, sql: &str) -> i64 {
        self.db().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// As a backup takes it: SQL text, with every `bytea` in hexadecimal.
    fn dump(&self, database: &str) -> Vec<u8> {
        let running = fs::read_to_string(self.cluster.data_dir().join("postmaster.pid")).unwrap();
        let server = fs::read_link(format!("/proc/{}/exe", running.lines().next().unwrap())).unwrap();
        let program = server.with_file_name("pg_dump");
        let url = format!("{} dbname={database}", self.cluster.superuser_url());
        let output = Command::new(&program).arg("--dbname").arg(url).output().unwrap();
        assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The cluster with its tables, its log of writes and its log of words.
    fn cluster_folder(&self) -> PathBuf {
        self.cluster.data_dir().parent().unwrap().to_owned()
    }
}

/// The bytes of every `bytea` of a dump, apart from each other.
fn unhexed(dump: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut out, mut rest) = (Vec::new(), dump);
    while let Some(at) = rest.windows(2).position(|pair| pair == br"\x") {
        let digits: Vec<u8> = rest[at + 2..].iter().map_while(digit).collect();
        out.extend(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low));
        out.extend(b"\n");
        rest = &rest[at + 2 + digits.len()..];
    }
    out
}

/// Every file under it that is there when it is read, with what it holds.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    found.extend(fs::read(entry.path()).ok().map(|held| (entry.path(), held)))
                }
                _ => {}
            }
        }
    }
    found
}

/// What is asked for with her name in it, by whoever has no business to.
async fn names_in_requests(vigil: &Vigil, someone: &Person) {
    let portal = format!("http://{}", vigil.portal);
    let body = json!({"login": FAMILY, "password": WRONG, FAMILY: MRN});
    for path in [
        format!("/api/patients/{FAMILY}"),
        format!("/api/disclosures/{FAMILY}?from={BORN}"),
        format!("/api/audit?patient={FAMILY}&name={MRN}"),
        format!("/api/vitals?device={MRN}&from={BORN}&to={BORN}"),
        format!("/api/session?{FAMILY}={MRN}"),
        format!("/{FAMILY}/{MRN}"),
    ] {
        for cookie in [someone.cookie(), format!("vigil={FAMILY}; vigil-station={MRN}")] {
            for method in [Method::GET, Method::POST, Method::PUT] {
                let request = reqwest::Client::new().request(method, format!("{portal}{path}")).json(&body);
                let named = |name| (name, header::HeaderValue::from_bytes(FAMILY.as_bytes()).unwrap());
                let headers = [header::USER_AGENT, header::REFERER, header::FROM].map(named).into_iter().collect();
                let cookie = header::HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
                request.headers(headers).header(header::COOKIE, cookie).send().await.unwrap();
            }
        }
    }
    let foreign =
        reqwest::Client::new().get(format!("{portal}/api/devices")).header(header::HOST, format!("{MRN}.test"));
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

/// What devices say with her name in it: not JSON, too much of it, and what the frame has no place for.
async fn names_from_devices(ward: &Ward, device: &mut Device) {
    let now = Clock::system().now();
    for payload in [
        format!("{FAMILY}, {GIVEN}, {BORN}, {MRN}"),
        format!(r#"{{"t":"{now}","hr":72,"patient":"{FAMILY}","mrn":"{MRN}"}}"#),
        format!(r#"{{"t":"{BORN}","hr":"{FAMILY}"}}"#),
        format!(r#"{{"t":"{now}","hr":72,"note":"{}"}}"#, FAMILY.repeat(2_000)),
    ] {
        device.send(&payload).await.unwrap();
        device.acknowledged().await.unwrap();
    }
    let open = "SELECT count(*) FROM quarantine WHERE NOT sealed";
    assert!(ward.count("SELECT count(*) FROM quarantine").await >= 2 && ward.count(open).await == 0);
}

/// Signs in, opens a record, looks for who did; answers what must be found nowhere.
async fn a_shift(ward: &Ward, vigil: &Vigil) -> Vec<Member> {
    let link = ward.site.run(&["user", "first-admin"]);
    let mut anna = Member::welcomed(vigil, link.trim().split_once('#').unwrap().1, "anna.berg").await;
    anna.keeps("a session");
    anna.steps_up(&ward.superuser.get().await.unwrap()).await;
    anna.keeps("an administrator's session after step-up");
    let invited = json!({"login": "nora.lind", "display_name": "Of the staff"});
    let invited = anna.browser.post("/api/users", invited).await;
    let mut nora = Member::welcomed(vigil, invited["token"].as_str().unwrap(), "nora.lind").await;
    nora.keeps("a session");
    ward.is_nurse("nora.lind").await;
    nora.browser.post("/api/session/step-up", json!({"code": code(&nora.totp, 1)})).await;
    nora.keeps("a session after step-up");
    let set = nora.browser.ask(Method::PUT, "/api/me/pin", json!({"pin": PIN})).await;
    assert_eq!(set.0, 204, "{}", set.1);
    let reason = format!("{FAMILY} ({MRN}): {REASON}");
    let broken = json!({"patient_id": ward.patient, "reason_code": "other", "reason": reason});
    nora.browser.post("/api/break-glass", broken).await;
    nora.keeps("a session after break-glass");

    assert_eq!(anna.browser.ask(Method::DELETE, "/api/session", Value::Null).await.0, 204);
    let wrong = json!({"login": "anna.berg", "password": WRONG});
    assert_eq!(anna.browser.ask(Method::POST, "/api/session", wrong).await.0, 401);
    anna.browser.post("/api/session", json!({"login": "anna.berg", "password": PASSWORD})).await;
    anna.keeps("half a session");
    anna.browser.post("/api/session/factor", json!({"code": code(&anna.totp, 1)})).await;
    anna.keeps("a session again");
    vec![anna, nora]
}

fn searcher(members: &[Member]) -> Searcher {
    let mut searcher = Searcher::default()
        .text("the family name", FAMILY)
        .text("the given names", GIVEN)
        .text("the birth date", BORN)
        .text("the record number", MRN)
        .text("the phone number", PHONE)
        .text("the reason", REASON)
        .text("the password", PASSWORD)
        .text("the wrong password", WRONG)
        .text("the PIN", PIN);
    for member in members {
        searcher = searcher.bytes("a seed", member.totp.secret().as_bytes());
        for (what, secret) in &member.secrets {
            searcher = searcher.text(what, secret).text(what, &secret.replace('-', ""));
            // A token is 32 bytes, whoever writes them down.
            let bytes: Option<Vec<u8>> =
                (0..secret.len()).step_by(2).map(|at| u8::from_str_radix(secret.get(at..at + 2)?, 16).ok()).collect();
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() >= 16) {
                searcher = searcher.bytes(what, &bytes);
            }
        }
    }
    searcher
}

/// What is found where, and whether what must be there was: a place that was not looked at has nothing to tell.
fn finds(searcher: &Searcher, places: &[(PathBuf, Vec<u8>)]) -> Vec<String> {
    let told = |(place, held): &(PathBuf, Vec<u8>)| {
        let found = searcher.find(held).into_iter().map(|what| format!("{}: {what}", place.display()));
        found.collect::<Vec<_>>()
    };
    places.iter().flat_map(told).collect()
}

fn holds(places: &[(PathBuf, Vec<u8>)], under: &str, word: &[u8]) -> bool {
    let within = |held: &[u8]| held.windows(word.len()).any(|window| window == word);
    places.iter().any(|(place, held)| place.to_string_lossy().contains(under) && within(held))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_dump_file_log_or_metric_tells_a_name_or_a_secret_in_any_form() {
    let ward = Ward::open().await;
    let log = ward.site.path("log");
    let secret = ward.site.enrol("bed-01", &["--realm", "demo"]);
    let mut command = ward.site.command();
    command.env("VIGIL_LOG", "trace").stderr(File::create(&log).unwrap());
    let vigil = Vigil::start(command);
    let members = a_shift(&ward, &vigil).await;
    let (now, db) = (Clock::system().now(), ward.db().await);
    let nurse = Person::in_realm(&db, vitals::Realm::Demo, "nurse", now).await.unwrap();
    let auditor = Person::in_realm(&db, vitals::Realm::Demo, "auditor", now).await.unwrap();
    drop(db);
    let search = format!("http://{}/api/audit?patient={}", vigil.portal, ward.patient);
    let found = reqwest::Client::new().get(search).header(header::COOKIE, auditor.cookie()).send().await.unwrap();
    assert_eq!(found.json::<Value>().await.unwrap()["events"].as_array().unwrap().len(), 1, "the broken glass");
    for someone in [&nurse, &auditor] {
        names_in_requests(&vigil, someone).await;
    }
    let mut bed = Device::connect(vigil.mqtt, "bed-01", &secret).await;
    names_from_devices(&ward, &mut bed).await;
    let stranger = Login { id: FAMILY, secret: MRN, will: None };
    assert!(Mqtt::connect(vigil.mqtt, Version::V5, stranger).await.is_err());

    // The database goes away, and what is seen meanwhile goes to the disk.
    let screen = Screen::open(vigil.portal, &nurse).await;
    localdb::stop(&ward.options).unwrap();
    drop(screen);
    let screen = Screen::open(vigil.portal, &nurse).await;
    bed.send(&format!("{FAMILY} while nobody stores it")).await.unwrap();
    names_in_requests(&vigil, &nurse).await;
    let spool = ward.site.path("audit/events.spool");
    eventually("events on the disk", async || fs::metadata(&spool).is_ok_and(|spool| spool.len() > 0)).await;
    let metrics = reqwest::get(format!("http://{}/metrics", vigil.metrics)).await.unwrap().bytes().await.unwrap();
    let mut places = files(ward.site.dir.path());
    places.push(("/metrics".into(), metrics.to_vec()));
    assert!(holds(&places, "events.spool", b"live_view") && holds(&places, "/metrics", b"vigil_audit_events_spooled"));

    let options = ward.options.clone();
    localdb::start(&options, &|_| ()).unwrap();
    bed.acknowledged().await.unwrap();
    drop(screen);
    assert_eq!(vigil.stop(), Some(0));
    search_at_rest(&ward, &searcher(&members), places).await;
}

async fn search_at_rest(ward: &Ward, searcher: &Searcher, mut places: Vec<(PathBuf, Vec<u8>)>) {
    let db = ward.db().await;
    db.batch_execute("CHECKPOINT").await.unwrap();
    for database in ["vigil", "vigil_keys"] {
        let dump = ward.dump(database);
        places.push((format!("{database}.sql unhexed").into(), unhexed(&dump)));
        places.push((format!("{database}.sql").into(), dump));
    }
    places.extend(files(ward.site.dir.path()));
    places.extend(files(&ward.cluster_folder()));
    // What is there to be found is found, each in its place.
    let patient = ward.patient.to_string();
    assert!(holds(&places, "vigil.sql", patient.as_bytes()) && holds(&places, "vigil_keys.sql", patient.as_bytes()));
    for place in ["pg_wal", "base"] {
        assert!(holds(&places, place, b"nora.lind"), "{place}");
    }
    assert!(holds(&places, "/log", b"a request found the database away"));
    assert_eq!(finds(searcher, &places), [""; 0]);

    // And so is a name that somebody forgets to seal.
    let forgotten = "UPDATE patient_names SET sealed = convert_to($1, 'UTF8')";
    db.execute(forgotten, &[&FAMILY]).await.unwrap();
    let dump = ward.dump("vigil");
    let told = [
        searcher.find(&unhexed(&dump)).contains("the family name in plain"),
        searcher.find(&dump).contains("the family name in hex"),
        finds(searcher, &files(&ward.cluster.data_dir().join("pg_wal"))).iter().any(|told| told.ends_with("plain")),
    ];
    assert_eq!(told, [true; 3], "{}", hex(FAMILY.as_bytes()));
}
