//! How browsers reach the portal. Cookies, HSTS, the hosts it answers to and a bar on every page follow from it (decision 0018).

mod routes;

use std::sync::Arc;

use serde::Serialize;
use tokio_rustls::TlsAcceptor;
use ts_rs::TS;
use utoipa::ToSchema;

pub(crate) use routes::routes;

/// Whether the name or address in `Host` is ours: asked at each request, since a certificate is replaced while we run.
pub type Hosts = Arc<dyn Fn(&str) -> bool + Send + Sync>;

#[derive(Clone)]
pub enum Transport {
    /// HTTP in the clear, which never leaves this machine.
    Plain,
    Tls(Tls),
}

#[derive(Clone)]
pub struct Tls {
    /// Its certificate is its own business: another one may be shown tomorrow.
    pub acceptor: TlsAcceptor,
    pub certificate: Certificate,
    pub hosts: Hosts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Of an authority that the operator chose.
    Configured,
    /// Of ourselves: it keeps eavesdroppers out, and proves nothing about who answers.
    SelfMade,
}

impl Transport {
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Plain => None,
            Self::Tls(tls) => Some(tls),
        }
    }
}

/// What a page says about its own connection.
#[derive(Clone, Copy, Debug, Serialize, TS, ToSchema)]
pub(crate) struct TransportView {
    #[ts(type = "\"plain\" | \"self_made\" | \"configured\"")]
    pub transport: &'static str,
}

impl TransportView {
    fn of(transport: &Transport) -> Self {
        let transport = match transport.tls().map(|tls| tls.certificate) {
            None => "plain",
            Some(Certificate::SelfMade) => "self_made",
            Some(Certificate::Configured) => "configured",
        };
        Self { transport }
    }
}
