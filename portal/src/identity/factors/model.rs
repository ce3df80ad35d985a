use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::identity::totp::Seed;

/// A new authenticator, to be confirmed by a code of it. Shown once.
#[derive(Serialize, TS, ToSchema)]
pub(crate) struct SeedShown {
    /// Base 32.
    pub secret: String,
    /// `otpauth://`
    pub uri: String,
}

/// Recovery codes, each good once. Shown once.
#[derive(Serialize, TS, ToSchema)]
pub(crate) struct Codes {
    pub codes: Vec<String>,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub password: Zeroizing<String>,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPin {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub pin: Zeroizing<String>,
}

impl SeedShown {
    pub(crate) fn new(seed: &Seed, login: &str) -> Self {
        Self { secret: seed.base32().to_string(), uri: seed.uri(login).to_string() }
    }
}
