//! People of a test, put there by the superuser as SQL: no program of ours opens a session without factors.

use tokio_postgres::Client;
use uuid::Uuid;
use vitals::{Realm, Timestamp};

use crate::Error;
use crate::time::At;

/// Longer than any test sets a clock ahead, and so long they count as busy: 400 days.
const SIGNED_IN_MS: i64 = 34_560_000_000;

/// Somebody who is signed in with two factors.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: Uuid,
    pub session: Uuid,
    pub practitioner: Uuid,
    token: String,
}

impl Person {
    /// As of `now`, with this role everywhere.
    pub async fn with_role(db: &Client, role: &str, now: Timestamp) -> Result<Self, Error> {
        Self::in_realm(db, Realm::Live, role, now).await
    }

    /// Elsewhere than among those who are real.
    pub async fn in_realm(db: &Client, realm: Realm, role: &str, now: Timestamp) -> Result<Self, Error> {
        let realm = realm.word();
        let token = format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple());
        let person = Self { user: Uuid::now_v7(), session: Uuid::now_v7(), practitioner: Uuid::now_v7(), token };
        let Self { user, session, practitioner, token } = &person;
        db.execute(
            "INSERT INTO practitioners (id, realm, display_name) VALUES ($1, $2, 'Somebody')",
            &[practitioner, &realm],
        )
        .await?;
        db.execute(
            "INSERT INTO users (id, realm, practitioner_id, login, display_name, status)
                VALUES ($1, $4, $2, $3, 'Somebody', 'active')",
            &[user, practitioner, &user.to_string(), &realm],
        )
        .await?;
        db.execute(
            "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
                SELECT gen_random_uuid(), $3, $1, id, '[2000-01-01,)', 'command' FROM roles WHERE code = $2",
            &[user, &role, &realm],
        )
        .await?;
        db.execute(
            "INSERT INTO sessions
                    (id, realm, token_hash, user_id, factors, started_at, stepped_up_at, last_input_at, expires_at)
                VALUES ($1, $6, sha256($2::text::bytea), $3, '{password,totp}', $4, $4, $5, $5)",
            &[session, token, user, &At(now), &At(now.plus_millis(SIGNED_IN_MS)), &realm],
        )
        .await?;
        Ok(person)
    }

    /// The header of his requests on plain HTTP.
    pub fn cookie(&self) -> String {
        format!("vigil={}", self.token)
    }
}
