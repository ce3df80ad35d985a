use std::collections::BTreeSet;
use std::net::IpAddr;

use vitals::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;

use super::{DAY_MS, SERVER_CA};

/// What is left of our own server certificate when another one is made.
pub(super) const RENEW_DAYS: i64 = 30;

/// What clients see of us.
pub(crate) struct ServerCertificate {
    pub(crate) ends_at: Timestamp,
    pub(super) names: BTreeSet<String>,
    /// Another authority's is the operator's to renew.
    pub(super) self_made: bool,
}

impl ServerCertificate {
    pub(super) fn read(pem: &[u8]) -> anyhow::Result<Self> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem)?;
        let certificate = Pem::parse_x509(&pem)?;
        let issuers: Vec<_> = certificate.issuer().iter_common_name().map(|name| name.as_str()).collect();
        Ok(Self { ends_at: end_of(&certificate), names: names_in(&certificate), self_made: issuers == [Ok(SERVER_CA)] })
    }

    pub(super) fn fits(&self, names: &BTreeSet<String>) -> bool {
        !self.self_made || (!self.due() && self.names == *names)
    }

    /// Ours to make anew.
    pub(super) fn due(&self) -> bool {
        let renew_at = self.ends_at.plus_millis(-RENEW_DAYS * DAY_MS);
        self.self_made && vitals::Clock::system().now() >= renew_at
    }
}

pub(super) fn end_of(certificate: &X509Certificate<'_>) -> Timestamp {
    Timestamp::from_millis(certificate.validity().not_after.timestamp() * 1_000)
}

/// For whom it is; nobody where it cannot be read.
pub(super) fn names_of(der: &[u8]) -> BTreeSet<String> {
    parse_x509_certificate(der).map(|(_, certificate)| names_in(&certificate)).unwrap_or_default()
}

fn names_in(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    names.map_or(&[][..], |names| &names.value.general_names).iter().filter_map(written).collect()
}

/// In the form in which names and addresses are compared.
pub(super) fn written_as(name: &str) -> String {
    name.parse().map_or_else(|_| name.to_ascii_lowercase(), |ip: IpAddr| ip.to_string())
}

fn written(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_certificate_is_renewed_before_it_ends_and_anothers_is_left_alone() {
        let names = BTreeSet::from(["localhost".to_owned()]);
        let with = |days: i64, self_made| ServerCertificate {
            ends_at: vitals::Clock::system().now().plus_millis(days * DAY_MS),
            names: names.clone(),
            self_made,
        };
        assert!(with(RENEW_DAYS + 1, true).fits(&names));
        assert!(!with(RENEW_DAYS - 1, true).fits(&names));
        assert!(!with(RENEW_DAYS + 1, true).fits(&BTreeSet::new()));
        assert!(with(-1, false).fits(&BTreeSet::new()));
    }
}
