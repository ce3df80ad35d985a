mod error;

pub(crate) use error::Problem;
