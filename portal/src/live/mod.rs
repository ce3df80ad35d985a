pub(crate) mod protocol;
