use anyhow::{Context, bail};
use aws_lc_rs::{digest, rand};
use store::Role;
use store::roster::{self, CredentialKind, Enrolment};
use vitals::{DeviceKind, Realm};

use super::block_on;
use crate::args::{Device, Enrol};
use crate::config::Config;
use crate::database::Database;
use crate::fit;
use crate::tls::Tls;

pub(crate) fn device(config: &Config, command: Device) -> anyhow::Result<()> {
    if matches!(&command, Device::Enrol(new) if new.realm == Realm::Live) {
        return Err(fit::Live.into());
    }
    let database = Database::open(config)?;
    let outcome = block_on(async {
        fit::schema(&database.access).await?;
        let mut db = database.access.acting("command").pool(Role::Portal, 1)?.get().await?;
        match command {
            Device::Enrol(new) => enrol(config, &mut db, &new).await,
            Device::List => list(&db).await,
            Device::Revoke { id } => {
                if !roster::revoke(&db, id.as_str()).await? {
                    bail!("no device {id} is enrolled, or it is revoked already");
                }
                println!("revoked {id}");
                Ok(())
            }
        }
    });
    database.close(config)?;
    outcome
}

/// All of it or nothing: what fails leaves no device without a credential, and no files.
async fn enrol(config: &Config, db: &mut store::Client, new: &Enrol) -> anyhow::Result<()> {
    let kind = match (new.gateway, new.service) {
        (true, _) => DeviceKind::Gateway,
        (_, true) => DeviceKind::Service,
        _ => DeviceKind::Device,
    };
    let enrolment = Enrolment {
        name: new.id.clone(),
        kind,
        profile: new.profile,
        age_class: new.age_class,
        realm: new.realm,
        gateway: new.behind.clone(),
    };
    let tx = db.transaction().await.context("begin")?;
    let key = match roster::enrol(&tx, &enrolment).await {
        Ok(key) => key,
        Err(error) if error.constraint() == Some("devices_external_id_key") => {
            bail!("{} is enrolled already: its one credential stays, and an id is never given twice", new.id)
        }
        Err(error) => return Err(error).context("enrol the device"),
    };
    if let Some(dir) = &new.certificate {
        let mut issued = Tls::open(config)?.issue(&new.id, dir)?;
        let digest = sha256(&issued.der);
        roster::add_credential(&tx, key, CredentialKind::Certificate, &digest, Some(issued.ends_at)).await?;
        tx.commit().await.context("commit the enrolment")?;
        issued.keep();
        println!("certificate {}\nkey {}", issued.certificate.display(), issued.key.display());
        return Ok(());
    }
    let mut secret = [0; 32];
    rand::fill(&mut secret).context("draw a secret")?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    roster::add_credential(&tx, key, CredentialKind::Secret, &sha256(secret.as_bytes()), None).await?;
    tx.commit().await.context("commit the enrolment")?;
    println!("secret {secret}");
    Ok(())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

async fn list(db: &store::Client) -> anyhow::Result<()> {
    let roster = roster::load(db).await?;
    let mut devices: Vec<_> = roster.iter().collect();
    devices.sort_by(|left, right| left.name.cmp(&right.name));
    println!("{:<24} {:<8} {:<8} {:<11} {:<5} {:<8} enrolled", "id", "kind", "profile", "age class", "realm", "state");
    for device in devices {
        let state = if device.revoked { "revoked" } else { "active" };
        println!(
            "{:<24} {:<8} {:<8} {:<11} {:<5} {state:<8} {}",
            device.name.as_str(),
            device.kind.word(),
            device.profile.word(),
            device.age_class.word(),
            device.realm.word(),
            device.enrolled_at,
        );
    }
    Ok(())
}
