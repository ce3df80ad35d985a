use std::io::BufRead;

use anyhow::{Context, ensure};
use keys::Zeroizing;
use keys::rotate::Databases;
use keys::shred::{Shredded, TwoPersons, shred};
use portal::command::Proof;
use vitals::Clock;

use super::keys::MAX_LINE;
use super::user::with_users;
use crate::args::Shred;
use crate::config::Config;
use crate::database::Database;
use crate::root_key;

pub(super) fn command(config: &Config, what: &Shred) -> anyhow::Result<()> {
    let [password, code, password_of_other, code_of_other] = lines()?;
    let asks = Proof { login: what.by.clone(), password, code };
    let agrees = Proof { login: what.approved_by.clone(), password: password_of_other, code: code_of_other };
    with_users(config, async |users, database| {
        let [by, approved_by] = users.agree_to_shred(what.patient, [asks, agrees], &what.reason).await?;
        let persons = TwoPersons::new(by, approved_by).context("two different people")?;
        let done = destroy(database, what, persons).await;
        users.shredded(what.patient, done.is_ok()).await?;
        let Shredded { at, final_from, everywhere } = done?;
        println!("the key of {} was destroyed at {at}", what.patient);
        println!("from {final_from} on no backup brings anything of this patient back");
        ensure!(everywhere, "the key is gone, but not everywhere yet: run the same again");
        Ok(())
    })
}

async fn destroy(database: &Database, what: &Shred, persons: TwoPersons) -> anyhow::Result<Shredded> {
    let (main, store) = root_key::pools(&database.access)?;
    let (databases, now) = (Databases::new(main, store), Clock::system().now());
    shred(what.patient, persons, &databases, now, what.backups_kept_days).await.map_err(root_key::told)
}

/// Of standard input, each a secret.
fn lines<const MANY: usize>() -> anyhow::Result<[Zeroizing<String>; MANY]> {
    let mut input = std::io::stdin().lock();
    let mut lines = std::array::from_fn(|_| Zeroizing::new(String::with_capacity(MAX_LINE)));
    for line in &mut lines {
        std::io::Read::take(&mut input, MAX_LINE as u64).read_line(line).context("read standard input")?;
        let length = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(length);
    }
    Ok(lines)
}
