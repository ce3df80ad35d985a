use std::path::{Path, PathBuf};

/// The root of the sources.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the workspace")
}

/// Where cargo builds and where every task keeps its state.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

pub(crate) fn release(program: &str) -> PathBuf {
    target().join("release").join(program)
}

/// Binaries of the fuzz targets, what they found worth keeping, and what they found.
pub(crate) fn fuzz() -> PathBuf {
    target().join("fuzz")
}

pub(crate) fn web() -> PathBuf {
    root().join("portal/web")
}
