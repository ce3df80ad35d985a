use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use azure_core::Error as Failed;
use azure_core::credentials::{Secret as Shared, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RequestContent, RetryOptions, Transport, Url};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use azure_security_keyvault_keys::models::{EncryptionAlgorithm, KeyClientWrapKeyOptions, KeyOperationParameters};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions, ResourceExt};
use tokio::time::timeout;
use zeroize::{Zeroize, Zeroizing};

use super::{Identity, Settings, VaultError, is_name};
use crate::secret::Secret;

/// A connection that is not made, or says nothing, for this long is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// Between two attempts.
const LONGEST_PAUSE: azure_core::time::Duration = azure_core::time::Duration::seconds(2);

/// Characters of what somebody else says that we repeat.
const MAX_SAID: usize = 300;

/// A key of a vault, and as whom it is asked. Cheap to clone; keeps its token while that is valid.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    client: KeyClient,
    key: String,
    version: Option<String>,
    patience: Duration,
}

impl Vault {
    /// Asks nothing yet.
    pub fn new(settings: &Settings) -> Result<Self, VaultError> {
        Self::by(settings, reqwest::Client::builder())
    }

    /// Through this proxy, to whom is vouched for by this authority only: for tests, which are the vault.
    #[cfg(feature = "testing")]
    pub fn through(settings: &Settings, proxy: std::net::SocketAddr, authority: &str) -> Result<Self, VaultError> {
        let failed = |error: reqwest::Error| VaultError::Identity(error.to_string());
        let proxy = reqwest::Proxy::all(format!("http://{proxy}")).map_err(failed)?;
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).map_err(failed)?;
        Self::by(settings, reqwest::Client::builder().proxy(proxy).tls_certs_only([authority]))
    }

    fn by(settings: &Settings, http: reqwest::ClientBuilder) -> Result<Self, VaultError> {
        let Settings { url, key, version, identity, patience } = settings;
        let place = Url::parse(url).ok().filter(|url| url.scheme() == "https" && url.has_host());
        let bare = place.filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none());
        let bare = bare.filter(|url| url.username().is_empty() && url.password().is_none());
        bare.ok_or(VaultError::Settings("url: it is https, a host and nothing else"))?;
        if !is_name(key) || !version.as_deref().is_none_or(is_name) {
            return Err(VaultError::Settings("key and version have letters, digits and hyphens"));
        }
        let http = http.connect_timeout(SILENCE).read_timeout(SILENCE).redirect(reqwest::redirect::Policy::none());
        let http = http.build().map_err(|error| VaultError::Identity(innermost(&error)))?;
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::new(http))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                // Looked at before each pause, and the pauses double up to the longest: the last attempt begins before a third
                // and one pause have passed (12 s of 30), so that what was said last is told rather than that we waited.
                max_total_elapsed: azure_core::time::Duration::try_from(*patience / 3).unwrap_or_default(),
                max_delay: LONGEST_PAUSE,
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        };
        let credential =
            credential(identity, client_options.clone()).map_err(|error| VaultError::Identity(first_line(&error)))?;
        let options = KeyClientOptions { client_options, ..KeyClientOptions::default() };
        let client =
            KeyClient::new(url, credential, Some(options)).map_err(|error| VaultError::Identity(first_line(&error)))?;
        Ok(Self(Arc::new(Inner { client, key: key.clone(), version: version.clone(), patience: *patience })))
    }

    /// Which wraps, where that is not left to the vault.
    pub(crate) fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Which version wrapped it, and what came of it.
    pub(crate) async fn wrap(&self, secret: &Secret) -> Result<(String, Vec<u8>), VaultError> {
        let Inner { client, key, version, .. } = &*self.0;
        // Without one, the newest.
        let options = KeyClientWrapKeyOptions { key_version: version.clone(), ..KeyClientWrapKeyOptions::default() };
        let asked = client.wrap_key(key, parameters(secret.bytes())?, Some(options));
        let answer = self.bounded(asked).await?.into_model().map_err(|_| unreadable())?;
        let version = answer.resource_id().ok().and_then(|id| id.version).filter(|version| is_name(version));
        let wrapped = answer.result.filter(|wrapped| !wrapped.is_empty());
        Ok((version.ok_or_else(unreadable)?, wrapped.ok_or_else(unreadable)?))
    }

    /// None: what came out is none of our keys.
    pub(crate) async fn unwrap(&self, version: &str, wrapped: &[u8]) -> Result<Option<Secret>, VaultError> {
        let Inner { client, key, .. } = &*self.0;
        let asked = client.unwrap_key(key, version, parameters(wrapped)?, None);
        // What cannot be read may be the key: it is not told.
        let answer = self.bounded(asked).await?.into_model().map_err(|_| unreadable())?;
        let bytes = Zeroizing::new(answer.result.ok_or_else(unreadable)?);
        Ok(Secret::read(&bytes))
    }

    async fn bounded<T>(&self, asked: impl Future<Output = Result<T, Failed>>) -> Result<T, VaultError> {
        let patience = self.0.patience;
        match timeout(patience, Box::pin(asked)).await {
            Ok(answer) => answer.map_err(|error| told(&error)),
            Err(_) => Err(VaultError::Late(patience)),
        }
    }
}

fn credential(identity: &Identity, client_options: ClientOptions) -> Result<Arc<dyn TokenCredential>, Failed> {
    Ok(match identity.clone() {
        Identity::Managed { client } => ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(UserAssignedId::ClientId),
            client_options,
        }))?,
        Identity::Workload { tenant, client, token } => {
            WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions { client_options },
                client_id: client,
                tenant_id: tenant,
                token_file_path: token,
            }))?
        }
        Identity::Secret { tenant, client, secret } => {
            let options = ClientSecretCredentialOptions { client_options };
            ClientSecretCredential::new(&tenant, client, Shared::new(secret.0.to_string()), Some(options))?
        }
    })
}

fn parameters(value: &[u8]) -> Result<RequestContent<KeyOperationParameters>, VaultError> {
    let mut parameters = KeyOperationParameters {
        algorithm: Some(EncryptionAlgorithm::RsaOaep256),
        value: Some(value.to_vec()),
        ..KeyOperationParameters::default()
    };
    let content = parameters.clone().try_into().map_err(|_| unreadable());
    parameters.value.zeroize();
    content
}

fn unreadable() -> VaultError {
    VaultError::Answer("it is not what Key Vault answers".to_owned())
}

fn told(error: &Failed) -> VaultError {
    let ours = || causes(error).filter_map(|cause| cause.downcast_ref::<Failed>());
    let of_identity = ours().any(|cause| matches!(cause.kind(), ErrorKind::Credential));
    for cause in ours() {
        match cause.kind() {
            ErrorKind::HttpResponse { status, .. } => {
                let (status, said) = (u16::from(*status), first_line(cause));
                return match status {
                    408 | 410 | 429 | 500.. => VaultError::Away(format!("HTTP {status}: {said}")),
                    _ if of_identity => VaultError::Unknown { status, said },
                    _ => VaultError::Refused { status, said },
                };
            }
            ErrorKind::Connection | ErrorKind::Io => return VaultError::Away(innermost(cause)),
            _ => {}
        }
    }
    match of_identity {
        true => VaultError::NoToken(format!("{}: {}", first_line(error), innermost(error))),
        false => VaultError::Answer(innermost(error)),
    }
}

/// What lies at the bottom of it, a refused connection say.
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(first_line).unwrap_or_default()
}

/// From itself downwards.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn first_line(error: &dyn Error) -> String {
    error.to_string().trim().lines().next().unwrap_or_default().chars().take(MAX_SAID).collect()
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({}, {})", self.0.client.endpoint(), self.0.key)
    }
}
