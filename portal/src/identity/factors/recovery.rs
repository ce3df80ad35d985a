use vitals::{Timestamp, UserId};
use zeroize::Zeroizing;

use crate::app::App;
use crate::caller::Write;
use crate::identity::credentials;
use crate::identity::secret::{code, normal};
use crate::identity::sessions::Factor;
use crate::identity::sign_in::NUMBERS;
use crate::web::ApiError;

/// Ten codes of 75 bits, with the hashes that are stored of them. Hashing comes before the transaction that stores them.
pub(crate) struct Made {
    pub(crate) codes: Vec<String>,
    hashes: Vec<String>,
}

pub(crate) async fn make(app: &App) -> Result<Made, ApiError> {
    let mut made = Made { codes: Vec::new(), hashes: Vec::new() };
    for number in NUMBERS.chars() {
        let code = Zeroizing::new(format!("{number}-{}", *code::<15>()));
        made.hashes.push(app.gate.hasher.hash(normal(&code)).await?);
        made.codes.push(code.to_string());
    }
    Ok(made)
}

impl Made {
    /// In place of older ones.
    pub(crate) async fn store(&self, write: &Write, user: UserId, now: Timestamp) -> Result<(), ApiError> {
        credentials::revoke_kind(write.db(), user, Factor::Recovery, true, now).await?;
        for (number, hash) in self.hashes.iter().enumerate() {
            // Their order is that of their numbers.
            let at = now.plus_micros(i64::try_from(number).unwrap_or(0));
            credentials::insert_hash(write.db(), (user, Factor::Recovery), hash, (at, Some(now))).await?;
        }
        Ok(())
    }
}
