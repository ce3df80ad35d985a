use keys::{Error, Field, Keyring, PatientKey, Token, TokenKind};
use store::{Db, Pool, Row};
use uuid::Uuid;
use vitals::PatientId;
use zeroize::Zeroizing;

/// By the id of the row.
pub(super) const VALUE: Field = Field::new("patient_identifiers", "value_sealed");

/// HL7 table 0203.
pub(crate) const MEDICAL_RECORD: &str = "MR";

/// Rows at a time: each is opened by the key of its patient.
const ROWS: i64 = 500;

const OLDER: &str = "-- portal::patients::older
    SELECT id, patient_id, issuer_org, type, value_sealed FROM patient_identifiers
    WHERE key_version <> $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3";

/// Whoever wrote it meanwhile knew the newest key.
const MOVE: &str = "-- portal::patients::move_token
    UPDATE patient_identifiers SET token = coalesce($2, token), key_version = $3 WHERE id = $1 AND key_version <> $3";

/// A number that somebody gave to a person.
pub(crate) struct Identifier<'a> {
    pub(crate) issuer: Uuid,
    /// HL7 table 0203.
    pub(crate) kind: &'a str,
    pub(crate) value: &'a str,
}

impl Identifier<'_> {
    pub(crate) fn seal(&self, key: &PatientKey, row: Uuid) -> Vec<u8> {
        key.seal(VALUE, row.as_bytes(), self.value.as_bytes())
    }

    /// By which it is found however it is typed: without spaces and hyphens, in capitals.
    pub(crate) fn token(&self, keyring: &Keyring) -> Token {
        let value = self.value.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase);
        let value: Zeroizing<String> = Zeroizing::new(value.collect());
        let normal = Zeroizing::new(format!("{}|{}|{}", self.issuer, self.kind, *value));
        keyring.token(TokenKind::Identifier, normal.as_bytes())
    }
}

/// Gives every identifier a token of the keyring's newest index key, and answers how many had another. `main` connects as
/// `vigil_keys`.
pub async fn retoken(keyring: &Keyring, main: &Pool) -> Result<u64, Error> {
    let (db, mut moved, mut after) = (main.get().await?, 0, None);
    let version = keyring.token(TokenKind::Identifier, "").key_version;
    loop {
        let rows = older(&db, version, after).await?;
        let Some(last) = rows.last() else { return Ok(moved) };
        after = Some(last.id);
        for row in rows {
            moved += set(&db, row.id, row.token(keyring).await?, version).await?;
        }
    }
}

/// A row with a token of another index key.
struct Older {
    id: Uuid,
    patient: PatientId,
    issuer: Uuid,
    kind: String,
    sealed: Vec<u8>,
}

impl Older {
    /// None: his key is destroyed, and what stands there is the token of nothing.
    async fn token(&self, keyring: &Keyring) -> Result<Option<Token>, Error> {
        let key = match keyring.patient(self.patient).await {
            Err(Error::Destroyed(_)) => return Ok(None),
            key => key?,
        };
        let value = key.open(VALUE, self.id.as_bytes(), &self.sealed)?;
        let value = std::str::from_utf8(&value).map_err(|_| Error::Unopened(VALUE))?;
        Ok(Some(Identifier { issuer: self.issuer, kind: &self.kind, value }.token(keyring)))
    }
}

async fn older(db: &impl Db, version: i32, after: Option<Uuid>) -> Result<Vec<Older>, store::Error> {
    let rows = db.query(OLDER, &[&version, &after, &ROWS]).await?;
    let row = |row: &Row| {
        Ok(Older {
            id: row.try_get(0)?,
            patient: PatientId(row.try_get(1)?),
            issuer: row.try_get(2)?,
            kind: row.try_get(3)?,
            sealed: row.try_get(4)?,
        })
    };
    rows.iter().map(row).collect()
}

async fn set(db: &impl Db, id: Uuid, token: Option<Token>, version: i32) -> Result<u64, store::Error> {
    let bytes = token.as_ref().map(|token| token.bytes.as_slice());
    Ok(db.execute(MOVE, &[&id, &bytes, &version]).await?)
}
