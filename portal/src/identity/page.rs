use uuid::Uuid;

use crate::web::ApiError;

const LONGEST: i64 = 200;
const USUAL: i64 = 50;

/// A page of things whose ids rise with time, newest first. Its cursor is opaque to clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    before: Option<Uuid>,
    limit: i64,
}

impl Page {
    pub(crate) fn parse(cursor: Option<&str>, limit: Option<i64>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(USUAL);
        if !(1..=LONGEST).contains(&limit) {
            return Err(ApiError::bad_request("invalid_limit", format!("limit: 1 to {LONGEST}")));
        }
        let invalid = |_| ApiError::bad_request("invalid_cursor", "hand back `next` of a page as it came");
        Ok(Self { before: cursor.map(str::parse).transpose().map_err(invalid)?, limit })
    }

    /// Where to go on, and how many to ask for: one more than are shown says whether there are more.
    pub(crate) fn ask(self) -> (Option<Uuid>, i64) {
        (self.before, self.limit + 1)
    }

    /// What is shown of what was found, and where the next page goes on.
    pub(crate) fn cut<T>(self, mut found: Vec<T>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| more).map(|last| id(last).simple().to_string());
        (found, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_a_gap() {
        let all: Vec<_> = (1..=5_u128).rev().map(Uuid::from_u128).collect();
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = Page::parse(cursor.as_deref(), Some(2)).unwrap();
            let (before, limit) = page.ask();
            let after: Vec<_> = all.iter().copied().filter(|id| before.is_none_or(|before| *id < before)).collect();
            let found = after.into_iter().take(limit as usize).collect();
            let (shown, next) = page.cut(found, |id| *id);
            seen.extend(shown);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(Page::parse(Some("x"), None).is_err() && Page::parse(None, Some(0)).is_err());
    }
}
