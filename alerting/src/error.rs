use crate::profiles::InvalidProfile;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    #[error("{doing}")]
    Database { doing: &'static str, source: store::Error },
}

impl Error {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(store::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
