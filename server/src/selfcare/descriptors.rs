use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Beside what is counted: listeners, the runtime, followers of the database, certificates while they are read, clients
/// that are being sent away.
const RESERVE: u64 = 256;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "{needed} file descriptors may be needed ({counted}) and this process may have {allowed}: raise its hard limit \
         (LimitNOFILE= of a systemd unit, `ulimit -Hn` of a shell), or lower these numbers in the configuration"
    )]
    TooFew { needed: u64, allowed: u64, counted: String },
    #[error("raise the limit of file descriptors to {0}")]
    Raise(u64, #[source] rustix::io::Errno),
}

/// Raises the soft limit as far as the configuration may need it. Every socket is a descriptor: a process that runs out
/// refuses devices without a word, so a configuration that does not fit is refused instead.
pub(crate) fn provide(config: &Config) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = raised(&needs(config), limit)? else { return Ok(()) };
    let wanted = Rlimit { current: Some(current), maximum: limit.maximum };
    setrlimit(Resource::Nofile, wanted).map_err(|error| Error::Raise(current, error))
}

/// What may be open at once, as people know it.
fn needs(config: &Config) -> [(&'static str, u64); 8] {
    let (ingest, front) = (&config.ingest, &config.ingest.front);
    [
        ("ingest.front.max_connections", front.max_connections as u64),
        ("ingest.front.max_unauthenticated", front.max_unauthenticated as u64),
        ("portal.max_screens", config.portal.max_screens as u64),
        ("other connections to the portal", portal::MAX_CONNECTIONS as u64),
        ("connections to the page of metrics", portal::MAX_SCRAPERS as u64),
        ("database.connections", config.database.connections.all() as u64),
        ("ingest.writers", ingest.writers as u64),
        ("reserve", RESERVE),
    ]
}

/// The soft limit that is needed; None where it is there already.
fn raised(needs: &[(&str, u64)], limit: Rlimit) -> Result<Option<u64>, Error> {
    let needed = needs.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if let Some(allowed) = limit.maximum.filter(|allowed| *allowed < needed) {
        let counted: Vec<_> = needs.iter().map(|(what, count)| format!("{what} {count}")).collect();
        return Err(Error::TooFew { needed, allowed, counted: counted.join(", ") });
    }
    Ok(limit.current.filter(|current| *current < needed).map(|_| needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_rises_as_far_as_it_must_and_never_falls() {
        let needs = [("devices", 900), ("reserve", 100)];
        for (current, maximum, expected) in [
            (Some(256), Some(4_096), Some(1_000)),
            (Some(999), Some(1_000), Some(1_000)),
            (Some(1_000), Some(1_000), None),
            (Some(4_096), Some(4_096), None),
            (Some(256), None, Some(1_000)),
            (None, None, None),
        ] {
            let limit = Rlimit { current, maximum };
            assert_eq!(raised(&needs, limit).unwrap(), expected, "{limit:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_every_number() {
        let limit = Rlimit { current: Some(256), maximum: Some(999) };
        let said = raised(&[("devices", 900), ("reserve", 100)], limit).unwrap_err().to_string();
        assert!(said.starts_with("1000 file descriptors may be needed (devices 900, reserve 100)"), "{said}");
        assert!(said.contains("may have 999: raise") && said.contains("LimitNOFILE="), "{said}");
        let absurd = [("devices", u64::MAX), ("reserve", 1)];
        assert!(raised(&absurd, limit).is_err());
    }

    #[test]
    fn what_is_shipped_fits_into_twenty_thousand() {
        // The hard limit of some hosts; those that systemd boots have half a million.
        let limit = Rlimit { current: Some(1_024), maximum: Some(20_000) };
        raised(&needs(&Config::default()), limit).unwrap();
    }
}
