use std::sync::Arc;

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::cipher::{self, Cipher};
use crate::{Error, Field};

/// Seals what belongs to no patient: seeds of second factors, secrets of other systems, payloads in quarantine, text of the audit.
#[derive(Debug)]
pub struct SystemKey {
    /// The first one seals, all of them open.
    versions: ArcSwap<Vec<Cipher>>,
}

impl SystemKey {
    pub(crate) fn new(versions: Vec<Cipher>) -> Self {
        Self { versions: ArcSwap::from_pointee(versions) }
    }

    pub(crate) fn replace(&self, versions: Vec<Cipher>) {
        self.versions.store(Arc::new(versions));
    }

    pub fn seal(&self, field: Field, id: &[u8], plain: &[u8]) -> Vec<u8> {
        self.versions.load().first().expect("a keyring opens with a key of the system").seal(field, id, plain)
    }

    /// The error does not tell why; neither does it tell anything of what is sealed.
    pub fn open(&self, field: Field, id: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (versions, version) = (self.versions.load(), cipher::version(sealed));
        let cipher = versions.iter().find(|cipher| Some(cipher.version()) == version).ok_or(Error::Unopened(field))?;
        cipher.open(field, id, sealed)
    }
}
