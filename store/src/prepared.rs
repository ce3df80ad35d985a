//! Statements that a connection prepares once and keeps: for what every request asks. There are as many as the program
//! has texts of them.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Db, Error};

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

pub async fn query(db: &impl Db, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.query(&statement, params).await?)
}

pub async fn query_opt(db: &impl Db, sql: &str, params: Params<'_>) -> Result<Option<Row>, Error> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.query_opt(&statement, params).await?)
}

pub async fn execute(db: &impl Db, sql: &str, params: Params<'_>) -> Result<u64, Error> {
    let statement = db.prepare_cached(sql).await?;
    Ok(db.execute(&statement, params).await?)
}
