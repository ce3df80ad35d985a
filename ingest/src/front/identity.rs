use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use store::roster::{Credential, CredentialKind, Roster};
use vitals::{Device, DeviceName, Timestamp};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Front;
use super::codes::Code;
use super::connect::Login;

/// Longest wait for the database when a client is not on the roster yet.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(2);

/// What a client proved itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    kind: CredentialKind,
    digest: [u8; 32],
}

pub(super) struct Identity {
    pub(super) device: Arc<Device>,
    pub(super) proof: Proof,
}

/// By certificate where there is one, by secret otherwise. `client_id` is the identity that is claimed.
pub(super) async fn authenticate(
    front: &Front,
    client_id: &str,
    login: Option<&Login>,
    certificate: Option<&[u8]>,
) -> Result<Identity, Code> {
    let name = DeviceName::try_from(client_id).map_err(|_| Code::ClientIdInvalid)?;
    if login.is_some_and(|login| !login.username.is_empty() && login.username != client_id) {
        return Err(Code::BadLogin);
    }
    let proof = match (certificate, login) {
        (Some(der), _) if common_name(der).as_deref() == Some(client_id) => {
            Proof { kind: CredentialKind::Certificate, digest: sha256(der) }
        }
        (Some(_), _) | (None, None) => return Err(Code::NotAuthorized),
        (None, Some(login)) => Proof { kind: CredentialKind::Secret, digest: sha256(&login.password) },
    };
    // One code for an unknown name and for a wrong proof: an outsider learns no names.
    let wrong = if proof.kind == CredentialKind::Secret { Code::BadLogin } else { Code::NotAuthorized };
    let now = front.clock.now();
    let known = {
        let roster = front.roster.borrow();
        roster.by_name(name.as_str()).map(|device| (device.clone(), roster.credentials(device.key).to_vec()))
    };
    let (device, credentials) = match known.filter(|(_, credentials)| !credentials.is_empty()) {
        Some(known) => known,
        None => look_up(front, &name).await?.ok_or(wrong)?,
    };
    let Some(credential) = proven(&credentials, &proof) else { return Err(wrong) };
    if device.revoked || !valid(credential, now) {
        return Err(Code::NotAuthorized);
    }
    Ok(Identity { device, proof })
}

/// A device that was enrolled a moment ago is in the database before it is on the roster.
async fn look_up(front: &Front, name: &DeviceName) -> Result<Option<(Arc<Device>, Vec<Credential>)>, Code> {
    let _permit = front.look_ups.try_acquire().map_err(|_| Code::Unavailable)?;
    let found = tokio::time::timeout(LOOK_UP_PATIENCE, async {
        let client = front.pool.get().await?;
        store::roster::find(&client, name.as_str()).await
    });
    match found.await {
        Ok(Ok(found)) => Ok(found.map(|(device, credentials)| (Arc::new(device), credentials))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "could not look up a device that is not on the roster");
            Err(Code::Unavailable)
        }
        Err(_) => Err(Code::Unavailable),
    }
}

/// Compares with every credential, whichever matches.
fn proven<'a>(credentials: &'a [Credential], proof: &Proof) -> Option<&'a Credential> {
    let mut matching = None;
    for credential in credentials.iter().filter(|credential| credential.kind == proof.kind) {
        if verify_slices_are_equal(&credential.digest, &proof.digest).is_ok() {
            matching = Some(credential);
        }
    }
    matching
}

fn valid(credential: &Credential, now: Timestamp) -> bool {
    !credential.revoked && credential.not_before <= now && credential.not_after.is_none_or(|end| now < end)
}

/// Whether the roster took the right away since. What is not on the roster may be newer than it.
pub(super) fn revoked(roster: &Roster, device: &Device, proof: &Proof) -> bool {
    let Some(current) = roster.by_key(device.key) else { return false };
    let credential = proven(roster.credentials(device.key), proof);
    current.revoked || credential.is_some_and(|credential| credential.revoked)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

pub(super) fn common_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    Some(name)
}
