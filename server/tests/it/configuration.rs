//! A wrong configuration ends with 64 before anything is made or bound.

use super::vigil::Site;

/// EX_USAGE.
const WRONG: Option<i32> = Some(64);
/// Nothing is listening; whoever tried would end with another code.
const DATABASE: &str = "host=/nowhere dbname=vigil";

fn refused(file: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let site = Site::new(DATABASE);
    let state = site.path("state");
    let path = site.path("vigil.toml");
    std::fs::write(&path, file).unwrap();
    let mut command = site.command();
    command.env("VIGIL_STATE_DIR", &state).envs(environment.iter().copied());
    let output = command.arg("--config").arg(&path).arg("all").output().unwrap();
    assert!(output.stdout.is_empty(), "{file}: said {}", String::from_utf8_lossy(&output.stdout));
    if output.status.code() == WRONG {
        assert!(!state.exists(), "{file}: something was made");
    }
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn each_senseless_setting_is_refused_by_name() {
    for (table, key) in [
        ("database.connections", "ingest"),
        ("database.connections", "alerting"),
        ("database.connections", "portal"),
        ("database.connections", "audit"),
        ("database.connections", "keys"),
        ("ingest", "writers"),
        ("ingest", "window"),
        ("ingest", "window_bytes"),
        ("ingest", "held_bytes"),
        ("ingest", "horizon_days"),
        ("ingest.front", "max_connections"),
        ("ingest.front", "max_unauthenticated"),
        ("ingest.front", "connect_timeout_ms"),
        ("ingest.front", "max_packet_bytes"),
        ("ingest.front", "max_keep_alive_s"),
        ("ingest.front", "write_timeout_ms"),
        ("ingest.front", "patience_ms"),
        ("portal", "max_screens"),
    ] {
        let (code, said) = refused(&format!("[{table}]\n{key} = 0\n"), &[]);
        assert!(code == WRONG && said.contains(&format!("{table}.{key} may not be 0")), "{table}.{key}: {said}");
    }
    for file in ["[ingest]\nwindow = 65536", "[ingest]\nhorizon_days = -1", "[ingest]\nwindows = 1", "state_dir = 7"] {
        assert_eq!(refused(file, &[]).0, WRONG, "{file}");
    }
}

#[test]
fn nothing_without_tls_leaves_this_machine() {
    for (variable, value) in [
        ("VIGIL_MQTT_LISTEN", "0.0.0.0:0"),
        ("VIGIL_HTTP_LISTEN", "0.0.0.0:0"),
        ("VIGIL_HTTP_LISTEN", "[::]:0"),
        ("VIGIL_DATABASE_URL", "host=192.0.2.1 user=vigil dbname=vigil"),
        ("VIGIL_DATABASE_URL", "postgres://vigil:secret@db.example/vigil"),
        ("VIGIL_DATABASE_URL", "host='/unclosed"),
        ("VIGIL_DATABASE_OWNER_URL", "postgres://vigil_owner:secret@db.example/vigil"),
        ("VIGIL_DATABASE_ADMIN_URL", "host=192.0.2.1 user=postgres"),
    ] {
        let (code, said) = refused("", &[(variable, value)]);
        assert_eq!(code, WRONG, "{variable}={value}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn beyond_loopback_the_portal_and_its_metrics_need_what_is_named() {
    const BEYOND: &str = "listen = \"0.0.0.0:0\"\n";
    let pair = "tls.certificate = \"/nowhere/web.pem\"\ntls.key = \"/nowhere/web.key\"\n";
    let made = "tls.self_made = \"accepted\"\n";
    let token = "token_file = \"/nowhere/token\"\n";
    // What the test's environment says outweighs the file.
    let unset = [("VIGIL_HTTP_LISTEN", ""), ("VIGIL_METRICS_LISTEN", "")];
    for (http, metrics, why) in [
        (BEYOND.to_owned(), String::new(), "or `http.tls.self_made = \"accepted\"`"),
        (format!("{BEYOND}tls.self_made = \"yes\"\n"), String::new(), "unknown variant `yes`"),
        (format!("{BEYOND}tls.key = \"web.key\"\n"), String::new(), "belong together"),
        (format!("tls.certificate = \"web.pem\"\n{made}"), String::new(), "belong together"),
        (format!("{pair}{made}"), String::new(), "leave one of them out"),
        (format!("{BEYOND}{pair}"), String::new(), "the certificate of `http.tls` is not fit: read /nowhere/web.pem"),
        ("hosts = [\"vigil.example\"]\n".to_owned(), String::new(), "`http.hosts` holds for TLS"),
        (format!("hosts = [\"https://vigil.example\"]\n{made}"), String::new(), "without scheme and port"),
        (made.to_owned(), BEYOND.to_owned(), "they need `metrics.token_file`"),
        (String::new(), format!("{BEYOND}{token}"), "they need the portal's `http.tls`"),
        (made.to_owned(), format!("{BEYOND}{token}"), "read the token of metrics in /nowhere/token"),
        (String::new(), token.to_owned(), "read the token of metrics in /nowhere/token"),
    ] {
        let file = format!("[http]\n{http}[metrics]\n{metrics}");
        let (code, said) = refused(&file, &unset);
        assert!(code == WRONG && said.contains(why), "{file}: {said}");
    }
}

#[test]
fn the_database_is_named_without_a_user_since_every_part_has_its_own() {
    for url in ["host=/nowhere user=vigil dbname=vigil", "host=/nowhere dbname=vigil password=secret", "host=/nowhere"]
    {
        let (code, said) = refused("", &[("VIGIL_DATABASE_URL", url)]);
        assert!(code == WRONG && said.contains("the database's address names"), "{url}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn the_environment_overrides_the_file_for_better_and_worse() {
    let open = "[http]\nlisten = \"0.0.0.0:0\"\n";
    let (code, said) = refused(open, &[("VIGIL_HTTP_LISTEN", "")]);
    assert_eq!(code, WRONG, "the file alone: {said}");
    let (code, said) = refused(open, &[]);
    assert_eq!(code, Some(1), "only the database is missing then: {said}");
    assert_eq!(refused("[http]\nlisten = \"127.0.0.1:0\"\n", &[("VIGIL_HTTP_LISTEN", "0.0.0.0:0")]).0, WRONG);
    assert_eq!(refused("", &[("VIGIL_MQTTS_LISTEN", "8883")]).0, WRONG, "a port without an address");
}
