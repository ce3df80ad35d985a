use vitals::PatientId;

/// None of them tells what was sealed, nor with what.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Changed, cut, moved to another row or column, or sealed with another key: which of them cannot be told.
    #[error("sealed bytes cannot be opened as {0}")]
    Unopened(crate::Field),
    #[error("patient {0} has no key")]
    NoKey(PatientId),
    #[error("the key of patient {0} was destroyed")]
    Destroyed(PatientId),
    #[error("something of patient {0} is on legal hold")]
    LegalHold(PatientId),
    #[error("{rows} rows are still found by a token of an older index key than version {version}; both stay in use")]
    OldTokens { rows: i64, version: i32 },
    #[error("no keys have been made in this database")]
    NoKeys,
    #[error("the database of keys was made with another root key")]
    AnotherRoot,
    #[error("the main database has keys, and the database of keys has none: they do not belong together")]
    Apart,
    #[error("a root key is being replaced: finish that first, by `vigil keys rotate --root FILE`")]
    TwoRoots,
    #[error("keys are being rotated already")]
    Rotating,
    #[error(
        "{processes} of the processes that use these keys did not take the new ones; their logs say why. Repeat it then"
    )]
    Unheard { processes: i64 },
    #[error("keys change faster than they can be read")]
    Unsettled,
    #[error(transparent)]
    Root(#[from] crate::RootError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Nothing gets better by trying again: start is refused.
    pub fn is_wrong_root(&self) -> bool {
        match self {
            Self::Root(error) => !error.is_temporary(),
            _ => matches!(self, Self::AnotherRoot | Self::Apart | Self::Unopened(_)),
        }
    }
}
