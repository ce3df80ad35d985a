use store::alarms::{AlarmRow, after};
use vitals::DeviceKey;

use super::hub::Hub;
use super::log::{Behind, Standing};
use super::protocol::{Step, Token};
use super::view::View;
use crate::alarms;
use crate::audit::Purpose;
use crate::caller::Read;
use crate::web::ApiError;

/// Transitions read from the database at once.
const PAGE: i64 = 500;

/// Transitions a returning screen is told one by one: a day of a large ward. Beyond, how things stand says more.
const MOST: usize = 10_000;

/// What a returning screen is told.
pub(crate) struct Told {
    pub(crate) missed: Vec<Step>,
    pub(crate) standing: Standing,
    /// Nothing lies between the token, `missed` and `standing`.
    pub(crate) complete: bool,
}

/// From memory where it reaches back far enough, else from the database up to where memory begins.
pub(crate) async fn catch_up(hub: &Hub, view: &View, token: Token) -> Told {
    let mut missed = Vec::new();
    let reached = match hub.log().after(token) {
        Ok(_) => Some(token),
        Err(Behind { floor }) if token > floor => None,
        Err(_) => stored(hub, view, token, &mut missed).await,
    };
    if let Some(mut reached) = reached {
        // Memory that reaches back to the first step of this run leaves nothing out after what the runs before stored.
        if let Err(Behind { floor }) = hub.log().after(reached)
            && floor.seq == 0
        {
            reached = reached.max(floor);
        }
        if let Ok((steps, standing)) = hub.log().after(reached) {
            missed.extend(steps.iter().map(|step| Step::clone(step)));
            return Told { missed, standing, complete: true };
        }
    }
    Told { missed, standing: hub.log().standing(), complete: false }
}

/// Reads on until memory can take over or nothing more is stored; the last step read. None: it could not be read, or is
/// too much.
async fn stored(hub: &Hub, view: &View, token: Token, missed: &mut Vec<Step>) -> Option<Token> {
    let mut reached = token;
    while missed.len() < MOST {
        let (page, last) = match read(hub, view, reached).await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a screen's missed alarms cannot be read");
                return None;
            }
        };
        let Some(last) = last else { return Some(reached) };
        reached = last;
        missed.extend(page);
        if hub.log().after(reached).is_ok() {
            return Some(reached);
        }
    }
    None
}

/// A page as far as it may be told, and where it ends.
async fn read(hub: &Hub, view: &View, token: Token) -> Result<(Vec<Step>, Option<Token>), ApiError> {
    let (sight, roster) = (view.sight().borrow().clone(), hub.roster().borrow().clone());
    let read = Read::of_place(view.caller(), Purpose::Treatment).await?;
    let page = async |db: &_| {
        let rows = after(db, token.epoch, token.seq, PAGE).await?;
        let last = rows.last().map(|(step, _)| Token { epoch: step.epoch, seq: step.seq });
        let told = |(step, alarm): &(_, AlarmRow)| {
            Some((alarm.device, sight.step(alarm.device, &alarms::step_from_row(step, alarm, &roster))?))
        };
        Ok::<_, store::Error>((rows.iter().filter_map(told).collect::<Vec<_>>(), last))
    };
    let found = read.find(page).await?;
    let about = |(told, _): &(Vec<(Option<DeviceKey>, Step)>, _)| {
        view.told(sight.wearers(told.iter().filter_map(|(device, _)| *device)))
    };
    let (told, last) = read.seen(found, about).await?;
    Ok((told.into_iter().map(|(_, step)| step).collect(), last))
}
