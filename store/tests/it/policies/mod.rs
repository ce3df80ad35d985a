//! Who sees whom, asked as the portal's role: the database answers, whatever the program forgets.

mod forgotten;
mod relations;
mod stations;
mod telemetry;
mod writing;

use store::testing::TestDatabase;
use tokio_postgres::Client;

use crate::schema::{id, named, role};

/// A device on each of the two patients.
const PUT_ON: &str = "UPDATE device_assignments SET during = tstzrange('2026-01-01', NULL);
    INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at)
        VALUES (gen_random_uuid(), 'demo', 2, @quinn, @other_stay, tstzrange('2026-01-01', NULL), 'scan', now())";

/// A connection of the portal's role.
async fn portal(db: &TestDatabase) -> Client {
    role(db, "vigil_portal").await
}

/// In a transaction of that user, or of nobody; `sql` yields one text a row.
async fn seen_by(client: &Client, user: Option<&str>, sql: &str) -> Result<Vec<String>, store::Error> {
    client.batch_execute("BEGIN").await?;
    let user = user.map_or_else(String::new, |user| id(user).to_string());
    client.execute("SELECT set_config('vigil.user', $1, true)", &[&user]).await?;
    let rows = client.query(&named(sql), &[]).await;
    client.batch_execute("ROLLBACK").await?;
    Ok(rows?.iter().map(|row| row.get(0)).collect())
}

/// Which of the ward's two patients a user sees.
async fn patients_of(client: &Client, user: &str) -> Vec<&'static str> {
    ours(&seen_by(client, Some(user), "SELECT id::text FROM patients").await.unwrap())
}

/// The same of a wall, which asks for all that is worn at once.
async fn worn_by(client: &Client, user: &str) -> Vec<&'static str> {
    let worn = "SELECT patient_id::text FROM sight(now()) WHERE patient_id IS NOT NULL";
    ours(&seen_by(client, Some(user), worn).await.unwrap())
}

fn ours(seen: &[String]) -> Vec<&'static str> {
    ["pat", "quinn", "stranger"].into_iter().filter(|name| seen.contains(&id(name).to_string())).collect()
}
