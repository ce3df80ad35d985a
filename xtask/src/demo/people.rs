//! Who signs in at the demo, and what makes a screen one of its stations.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

use super::vigil::Site;

/// The screen on which a person looks at the ward.
const WALL: &str = "central";

/// The one that counts alarms.
const COUNTING: &str = "demo-screen";

const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the ward's people; what was printed once stays in a file of the state, for the next time.
pub(super) fn seed(site: &Site) -> anyhow::Result<()> {
    let told = site.ask(&["demo", "seed"])?;
    let file = site.path("people");
    let known = fs::read_to_string(&file).unwrap_or_default();
    if told.trim() != "already" {
        fs::write(&file, known + &told).context("write the sign-ins")?;
    }
    Ok(())
}

/// How somebody gets in, with a code for the wall that is fresh.
pub(super) fn print(site: &Site, portal: SocketAddr) -> anyhow::Result<()> {
    let people = fs::read_to_string(site.path("people")).context("read the sign-ins")?;
    println!("\n    The ward is at http://{portal}/ for who signs in:\n");
    for line in people.lines() {
        if let ["user", login, "role", role, "password", password] = line.split(' ').collect::<Vec<_>>()[..] {
            println!("        {login:<10} {password}   {}", role.replace('_', " "));
        }
    }
    let code = code(site, WALL)?;
    println!("\n    The second factor of each:           ./vigil demo code nurse");
    println!("    A screen becomes the ward's wall:    http://{portal}/station with {code}, good for 10 minutes");
    println!("    Another code for it:                 ./vigil demo station-code\n");
    Ok(())
}

/// The cookie of a screen that is a station of the ward.
pub(super) fn station(site: &Site, portal: SocketAddr) -> anyhow::Result<String> {
    let body = serde_json::json!({ "code": code(site, COUNTING)? }).to_string();
    let mut socket = TcpStream::connect_timeout(&portal, PATIENCE).context("connect a screen")?;
    socket.set_read_timeout(Some(PATIENCE)).context("connect a screen")?;
    let head = format!("POST /api/station HTTP/1.1\r\nHost: {portal}\r\nConnection: close\r\n");
    write!(socket, "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .context("enrol a screen")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).context("enrol a screen")?;
    let cookie = answer.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let cookie = value.split(';').next()?;
        (name.eq_ignore_ascii_case("set-cookie") && !cookie.ends_with('=')).then(|| cookie.to_owned())
    });
    match cookie {
        Some(cookie) => Ok(cookie),
        None => bail!("enrol a screen: {}", answer.lines().next().unwrap_or("no answer")),
    }
}

fn code(site: &Site, station: &str) -> anyhow::Result<String> {
    let told = site.ask(&["demo", "station-code", station])?;
    let mut words = told.split(' ').skip_while(|word| *word != "code").skip(1);
    Ok(words.next().context("read the code of a station")?.to_owned())
}
