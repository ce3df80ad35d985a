use std::path::PathBuf;

use keys::vault::{ClientSecret, Identity, Settings};
use serde::Deserialize;

use super::{Error, env};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keys {
    /// The root key: apart from state and data, unless a vault wraps it. `VIGIL_KEYS_FILE` overrides. Without one a private
    /// database is taken for a demonstration, and its root key lies beside it.
    pub(crate) file: Option<PathBuf>,
    /// Whose key wraps what the file holds. Needs the cargo feature `azure`.
    pub(crate) vault: Option<Vault>,
}

/// A key of Azure Key Vault, and who we are to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vault {
    url: String,
    key: String,
    version: Option<String>,
    #[serde(default)]
    identity: Kind,
    tenant: Option<String>,
    client: Option<String>,
    /// Of a workload; without it, where its webhook says.
    token_file: Option<PathBuf>,
    /// Of a client; or `VIGIL_VAULT_SECRET`.
    secret_file: Option<PathBuf>,
    #[serde(skip)]
    secret: Option<ClientSecret>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Of the machine.
    #[default]
    Managed,
    /// Of a Kubernetes service account.
    Workload,
    /// An application that has a secret.
    Client,
}

impl Keys {
    pub(super) fn read_environment(&mut self) {
        self.file = env("VIGIL_KEYS_FILE").map(PathBuf::from).or(self.file.take());
        if let Some(vault) = &mut self.vault {
            vault.secret = env("VIGIL_VAULT_SECRET").map(ClientSecret::new);
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(vault) = &self.vault else { return Ok(()) };
        let is_client = vault.identity == Kind::Client;
        let secrets = usize::from(vault.secret_file.is_some()) + usize::from(vault.secret.is_some());
        Err(Error::Vault(match () {
            () if self.file.is_none() => "it needs `keys.file`, where what it wraps lies",
            () if is_client && (vault.tenant.is_none() || vault.client.is_none()) => {
                "a client has a `tenant` and a `client`"
            }
            () if is_client && secrets != 1 => "a client has one secret: `secret_file` or VIGIL_VAULT_SECRET",
            () if !is_client && secrets > 0 => "only a client has a secret",
            () if vault.identity != Kind::Workload && vault.token_file.is_some() => {
                "only a workload has a `token_file`"
            }
            () if vault.identity == Kind::Managed && vault.tenant.is_some() => "a managed identity has no `tenant`",
            () => return Ok(()),
        }))
    }
}

impl Vault {
    /// Reads the client's secret where it lies in a file: in none of these folders.
    pub(crate) fn settings(&self, apart_from: &[PathBuf]) -> Result<Settings, keys::RootError> {
        let client = self.client.clone();
        let identity = match self.identity {
            Kind::Managed => Identity::Managed { client },
            Kind::Workload => {
                Identity::Workload { tenant: self.tenant.clone(), client, token: self.token_file.clone() }
            }
            Kind::Client => {
                let secret = match (&self.secret_file, &self.secret) {
                    (Some(file), _) => ClientSecret::read(file, apart_from)?,
                    (None, given) => given.clone().unwrap_or(ClientSecret::new(String::new())),
                };
                let tenant = self.tenant.clone().unwrap_or_default();
                Identity::Secret { tenant, client: client.unwrap_or_default(), secret }
            }
        };
        Ok(Settings { version: self.version.clone(), ..Settings::new(&self.url, &self.key, identity) })
    }
}
