//! The audit for somebody outside, from the command line.

use std::io::{self, Write};

use keys::Keyring;
use store::Pool;
use vitals::{Clock, PatientId, Timestamp, UserId};

use super::Settings;
use super::event::{Action, Purpose};
use super::handlers::MOST_EXPORTED;
use super::model::CSV_HEAD;
use super::search::Search;
use crate::caller::{Caller, Desk, Part, Read};

/// What goes out; everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub user: Option<UserId>,
    pub patient: Option<PatientId>,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    /// One event a line.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("read the audit: {0}")]
    Read(String),
    #[error("seal the event of the export")]
    Seal(#[source] store::Error),
    #[error("write the export")]
    Write(#[from] io::Error),
}

/// Newest first, page by page, each once it is recorded that it goes out; the number of events. With `settings` the end of
/// its own chain is signed.
pub async fn export(
    (portal, audit): (Pool, Pool),
    keyring: Keyring,
    clock: Clock,
    filter: Filter,
    format: Format,
    settings: Option<&Settings>,
    out: &mut dyn Write,
) -> Result<usize, ExportError> {
    let terms = format!("{filter:?}");
    let Filter { user, patient, from, to } = filter;
    // Before its own events, which it would run after.
    let to = Some(to.unwrap_or_else(|| clock.now()));
    let desk = Desk::of_a_command(portal, audit, clock, keyring);
    let caller = Caller::system(&desk, Part::Command);
    let mut search =
        Search { realm: None, disclosures: false, user, patient, from, to, before: None, most: MOST_EXPORTED };
    let mut exported = 0;
    if format == Format::Csv {
        out.write_all(CSV_HEAD.as_bytes())?;
    }
    loop {
        let page = async {
            let read = Read::of_audit(&caller, Purpose::Operations).await?;
            let found = read.find(async |db| search.page(db, desk.audit().keyring()).await).await?;
            read.seen(found, |page| page.event(Action::Execute, terms.clone())).await
        };
        let page = page.await.map_err(|error: crate::web::ApiError| ExportError::Read(error.to_string()))?;
        for event in &page.events {
            match format {
                Format::Csv => out.write_all(event.csv().as_bytes())?,
                Format::Json => {
                    serde_json::to_writer(&mut *out, event).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
            }
        }
        exported += page.events.len();
        let Some(last) = page.events.last().filter(|_| page.more) else { break };
        search.before = Some((last.at, last.id));
    }
    desk.audit().close(settings).await.map_err(ExportError::Seal)?;
    out.flush()?;
    Ok(exported)
}
