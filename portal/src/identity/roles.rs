use store::{Error, Pool};

use crate::permission::Role;

/// In one statement, so that whoever reads it finds all of it.
const PUBLISH: &str = "-- portal::identity::roles::publish
    WITH known AS (
        SELECT r.id, k.permission FROM unnest($1::text[], $2::text[]) AS k (role, permission) JOIN roles r ON r.code = k.role
    ), gone AS (
        DELETE FROM role_permissions p WHERE NOT EXISTS (
            SELECT FROM known k WHERE k.id = p.role_id AND k.permission = p.permission)
    )
    INSERT INTO role_permissions (role_id, permission) SELECT id, permission FROM known ON CONFLICT DO NOTHING";

/// Tells the database what each role may, for people who ask it. Nothing here reads it back.
pub(super) async fn publish(pool: &Pool) -> Result<(), Error> {
    let pairs = Role::ALL.iter().flat_map(|role| role.permissions().iter().map(move |permission| (role, permission)));
    let (roles, permissions): (Vec<_>, Vec<_>) = pairs.map(|(role, one)| (role.word(), one.word())).unzip();
    pool.get().await?.execute(PUBLISH, &[&roles, &permissions]).await?;
    Ok(())
}
