//! A root key that a vault wraps, through the binary: it finds the vault by a proxy and trusts an authority by a file, both as the
//! system names them.

use std::fs;
use std::path::PathBuf;

use super::vigil::Site;

/// As an administrator writes it.
fn configuration(site: &Site, more: &str) -> PathBuf {
    let path = site.path("vault.toml");
    let vault = "[keys.vault]\nurl = \"https://hospital.vault.azure.net\"\nkey = \"vigil-root\"\n";
    fs::write(&path, format!("{vault}{more}\n[system]\ndisk_low_percent = 0\n")).unwrap();
    path
}

/// CI has two: the released one, which serves other tests, was built without.
#[test]
fn a_vault_needs_a_binary_that_was_built_for_it() {
    let site = Site::new("host=/nowhere dbname=vigil");
    if cfg!(feature = "azure") && std::env::var_os("VIGIL_BIN").is_none() {
        return;
    }
    let mut command = if cfg!(feature = "azure") { site.command() } else { site.command_as_built() };
    let output = command.arg("--config").arg(configuration(&site, "")).arg("all").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && said.contains("the cargo feature `azure`"), "{said}");
}

#[test]
fn who_we_are_to_a_vault_is_told_once_and_whole() {
    let site = Site::new("host=/nowhere dbname=vigil");
    for (more, said) in [
        ("identity = \"client\"", "a `tenant` and a `client`"),
        ("identity = \"client\"\ntenant = \"t\"\nclient = \"c\"", "one secret"),
        ("secret_file = \"s\"", "only a client"),
        ("token_file = \"s\"", "only a workload"),
        ("tenant = \"t\"", "no `tenant`"),
        ("identity = \"somebody\"", "somebody"),
        ("secret = \"in the file\"", "vault.toml:4: unknown field `secret`"),
        ("secret = in the file", "vault.toml:4: "),
    ] {
        let configuration = configuration(&site, more);
        let output = site.command_as_built().arg("--config").arg(configuration).arg("check").output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(64) && told.contains(said), "{more}: {told}");
        assert!(!told.contains("in the file"), "a secret was printed: {told}");
    }
}

#[cfg(feature = "azure")]
mod real {
    use std::fs::{self, File, Permissions};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use store::testing::{TestDatabase, database};

    use super::super::vault_server::{CLIENT, SECRET, TENANT, VaultServer, base64};
    use super::super::vigil::{Site, Vigil};
    use super::configuration;

    struct Ward {
        site: Site,
        server: VaultServer,
        identity: String,
    }

    impl Ward {
        async fn new(db: &TestDatabase, identity: &str) -> Self {
            let (site, server) = (Site::of(db).await, VaultServer::start().await);
            fs::write(site.path("authority.pem"), &server.authority).unwrap();
            Self { site, server, identity: identity.to_owned() }
        }

        fn command(&self, arguments: &[&str]) -> Command {
            let mut command = self.site.command_as_built();
            let proxy = format!("http://{}", self.server.proxy);
            for other in ["ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "SSL_CERT_DIR"]
            {
                command.env_remove(other);
            }
            command
                .env("HTTPS_PROXY", &proxy)
                .env("HTTP_PROXY", &proxy)
                .env("SSL_CERT_FILE", self.site.path("authority.pem"))
                // Beside the data: it is of no use to whoever has both.
                .env("VIGIL_KEYS_FILE", self.site.path("root.wrapped"))
                .arg("--config")
                .arg(configuration(&self.site, &self.identity))
                .args(arguments);
            command
        }

        /// The exit code, and what it said.
        fn told(&self, arguments: &[&str], line: &str) -> (Option<i32>, String) {
            let mut command = self.command(arguments);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
        }

        fn run(&self, arguments: &[&str]) -> String {
            let (code, said) = self.told(arguments, "");
            assert_eq!(code, Some(0), "{arguments:?}: {said}");
            said
        }

        fn refused(&self, arguments: &[&str], code: i32, why: &str) {
            let (told, said) = self.told(arguments, "");
            assert!(told == Some(code) && said.contains(why), "{arguments:?}: {told:?} {said}");
        }

        fn init(&self, name: &str) -> String {
            let path = self.site.path(name).to_str().unwrap().to_owned();
            self.run(&["keys", "init", &path]);
            path
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_lives_by_a_root_key_that_only_its_vault_opens() {
        let db = database().await;
        let ward = Ward::new(&db, "").await;
        let here = ward.init("root.wrapped");
        assert_eq!(fs::metadata(&here).unwrap().permissions().mode() & 0o777, 0o600);
        let (before, log) = (ward.server.done().len(), ward.site.path("log"));
        let mut command = ward.command(&[]);
        let loud = "trace,azure_core=trace,azure_identity=trace,typespec_client_core=trace,reqwest=trace,hyper=trace,hyper_util=trace,rustls=trace";
        command.env("VIGIL_LOG", loud).stderr(File::create(&log).unwrap());
        let vigil = Vigil::start(command);
        assert_eq!(ward.server.done()[before..], ["unwrapkey v1"], "a start asks once");

        ward.run(&["keys", "rotate", "--wrapping"]);
        ward.server.make_key("v2");
        ward.run(&["keys", "rotate", "--vault"]);
        assert!(fs::read_to_string(&here).unwrap().contains(":v2:"));
        let next = ward.init("next.wrapped");
        let before = fs::read(&here).unwrap();
        ward.run(&["keys", "rotate", "--root", &next]);
        assert_ne!(fs::read(&here).unwrap(), before);
        ward.server.remove_key("v1");
        assert_eq!(ward.run(&["keys", "check"]), "the root key opens patients=0 destroyed=0\n");
        ward.run(&["check"]);
        assert_eq!(vigil.stop(), Some(0));
        assert_eq!(Vigil::start(ward.command(&[])).stop(), Some(0));

        let (file, passphrase) = (ward.site.path("recovery"), "correct horse battery");
        let file = file.to_str().unwrap();
        assert_eq!(ward.told(&["keys", "export", file], passphrase).0, Some(0));
        fs::remove_file(&here).unwrap();
        assert_eq!(ward.told(&["keys", "import", file], passphrase).0, Some(0));
        assert_eq!(ward.run(&["keys", "check"]), "the root key opens patients=0 destroyed=0\n");
        // By the recovery file the bytes are known: nobody was told them.
        let text = fs::read_to_string(file).unwrap();
        let plain = ward.site.key("plain.key");
        keys::recovery::import(&text, passphrase).unwrap().write(&plain).unwrap();
        let hex = fs::read_to_string(plain).unwrap().trim().rsplit(':').next().unwrap().to_owned();
        let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert!(!ward.server.heard(&bytes));
        let said = fs::read_to_string(log).unwrap();
        assert!(said.contains("unwrapkey") && said.contains("the keys are known"), "the client was loud: {said}");
        for spelled in
            [hex, base64(&bytes), format!("{bytes:?}").trim_matches(['[', ']']).to_owned(), "token-0".to_owned()]
        {
            assert!(!said.contains(&spelled), "{spelled}");
        }
        for entry in fs::read_dir(ward.site.path("")).unwrap() {
            let path = entry.unwrap().path();
            let holds = path.is_file() && fs::read(&path).unwrap().windows(32).any(|window| window == bytes);
            assert!(!holds, "{}", path.display());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_start_fails_whatever_its_vault_says_and_is_refused_by_what_is_wrong_here() {
        let db = database().await;
        let ward = Ward::new(&db, "").await;
        ward.refused(&["all"], 64, "root.wrapped");
        let here = ward.init("root.wrapped");
        for (status, why) in [(403, "wrapKey and unwrapKey"), (404, "no such key"), (400, "not the one that wrapped")] {
            ward.server.always_answers(Some(status));
            ward.refused(&["all"], 1, why);
            ward.refused(&["keys", "check"], 1, why);
        }
        ward.server.always_answers(Some(503));
        let asked = Instant::now();
        ward.refused(&["keys", "check"], 1, "away: HTTP 503");
        assert!(asked.elapsed() < Duration::from_secs(20), "it was asked for {:?}", asked.elapsed());
        ward.server.always_answers(None);
        assert_eq!(Vigil::start(ward.command(&[])).stop(), Some(0));
        fs::set_permissions(&here, Permissions::from_mode(0o644)).unwrap();
        ward.refused(&["all"], 64, "others may read");
        fs::set_permissions(&here, Permissions::from_mode(0o600)).unwrap();
        let other = ward.init("other.wrapped");
        fs::rename(other, &here).unwrap();
        ward.refused(&["all"], 64, "another root key");
    }

    /// The file was wrapped again meanwhile, by a version that nobody here may use: nobody asks.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_standby_takes_over_whatever_its_vault_says() {
        let db = database().await;
        let ward = Ward::new(&db, "").await;
        ward.init("root.wrapped");
        let active = Vigil::start(ward.command(&[]));
        let standby = Vigil::stand_by(ward.command(&[]));
        ward.server.make_key("v2");
        ward.run(&["keys", "rotate", "--vault"]);
        ward.server.always_answers(Some(403));
        active.kill();
        standby.takes_over().await;
        ward.server.always_answers(Some(503));
        assert_eq!(standby.stop(), Some(0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_proves_itself_by_a_secret_that_lies_in_a_private_file() {
        let db = database().await;
        let of = |more: &str| format!("identity = \"client\"\ntenant = \"{TENANT}\"\nclient = \"{CLIENT}\"\n{more}");
        let mut ward = Ward::new(&db, "").await;
        let secret = ward.site.key("secret");
        ward.identity = of(&format!("secret_file = \"{}\"", secret.display()));
        let file = ward.site.path("root.wrapped");
        let init = ["keys", "init", file.to_str().unwrap()];
        fs::write(&secret, format!("{SECRET}\n")).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();
        ward.refused(&init, 64, "others may read");
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        ward.run(&init);
        fs::write(&secret, "another").unwrap();
        ward.refused(&["all"], 1, "the identity was refused: HTTP 401");
        let beside = ward.site.path("secret");
        fs::copy(&secret, &beside).unwrap();
        let before = std::mem::replace(&mut ward.identity, of(&format!("secret_file = \"{}\"", beside.display())));
        ward.refused(&["all"], 64, "would be copied with the data");
        ward.identity = before;
        ward.identity = of("");
        let output = ward.command(&["keys", "check"]).env("VIGIL_VAULT_SECRET", SECRET).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no keys have been made"), "the root key was opened: {said}");
    }
}
