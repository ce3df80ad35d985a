//! Which hosts a database's address names, read as tokio-postgres reads it. Everything unclear is an error.

use std::net::IpAddr;

/// A folder of sockets, `localhost`, or an address of the loopback.
pub(super) fn is_this_machine(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// The values of `host` and `hostaddr`, in `postgres://…` or in `host=… dbname=…`.
pub(super) fn hosts(url: &str) -> Result<Vec<String>, &'static str> {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    match rest {
        Some(rest) => of_url(rest),
        None => of_pairs(url),
    }
}

fn of_url(rest: &str) -> Result<Vec<String>, &'static str> {
    // A password with an @ in the clear is not understood by tokio-postgres either.
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let place = place.split_once('/').map_or(place, |(place, _)| place);
    let mut hosts = Vec::new();
    for one in place.split(',').filter(|one| !one.is_empty()) {
        let host = match one.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or("a [ without its ]")?.0,
            None => one.split_once(':').map_or(one, |(host, _)| host),
        };
        hosts.push(decoded(host)?);
    }
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').ok_or("a parameter without a value")?;
        if matches!(decoded(key)?.as_str(), "host" | "hostaddr") {
            hosts.extend(decoded(value)?.split(',').map(str::to_owned));
        }
    }
    Ok(hosts)
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit =
            |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).ok_or("a % without a number");
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| "no UTF-8 behind a %")
}

fn of_pairs(text: &str) -> Result<Vec<String>, &'static str> {
    let mut hosts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or("a word without a value")?;
        let (value, after) = value(after.trim_start())?;
        if matches!(key.trim(), "host" | "hostaddr") {
            hosts.extend(value.split(',').map(str::to_owned));
        }
        rest = after.trim_start();
    }
    Ok(hosts)
}

/// A value, quoted or not, and what is left.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let (quoted, body) = match text.strip_prefix('\'') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut value = String::new();
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.push(characters.next().ok_or("a \\ at the end")?.1),
            '\'' if quoted => return Ok((value, &body[at + 1..])),
            space if !quoted && space.is_whitespace() => return Ok((value, &body[at..])),
            other => value.push(other),
        }
    }
    if quoted { Err("a quote that is not closed") } else { Ok((value, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_elsewhere_is_seen_however_it_is_written() {
        for url in [
            "host=db.example user=vigil",
            "user=vigil host = '10.0.0.7' dbname=vigil",
            r"password='a\'b host=x' host=d\b",
            "host=/run/vigil,db.example",
            "host=localhost hostaddr=10.0.0.7",
            "postgres://vigil:secret@db.example/vigil",
            "postgresql://db.example:5433",
            "postgres://localhost,[2001:db8::1]:5432/vigil",
            "postgres://%2Frun%2Fvigil/vigil?host=db.example",
            "postgres://vigil@localhost/vigil?hostaddr=10.0.0.7&application_name=x",
        ] {
            let hosts = hosts(url).unwrap();
            assert!(hosts.iter().any(|host| !is_this_machine(host)), "{url}: {hosts:?}");
        }
    }

    #[test]
    fn this_machine_is_known_however_it_is_written() {
        for url in [
            "host=/run/vigil port=5432 user=vigil dbname=vigil",
            "host='/var/lib/a folder' password='host=db.example'",
            "host=localhost hostaddr=127.0.0.1",
            "host=::1",
            "postgres://vigil:secret@127.0.0.1:5432/vigil",
            "postgres://[::1]/vigil?application_name=host",
            "postgres://%2Frun%2Fvigil/vigil",
            "postgres:///vigil?host=/run/vigil",
        ] {
            let hosts = hosts(url).unwrap();
            assert!(!hosts.is_empty() && hosts.iter().all(|host| is_this_machine(host)), "{url}: {hosts:?}");
        }
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for url in ["host", "host='/run", r"host=\", "postgres://[::1/vigil", "postgres://h?host", "postgres://%2"] {
            assert!(hosts(url).is_err(), "{url}");
        }
    }
}
