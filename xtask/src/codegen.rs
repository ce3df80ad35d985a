use crate::program::{self, cargo};

/// The portal's own test compares, and writes when it is told to.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let mut test = cargo();
    test.args(["test", "--package", "portal", "--lib", "types_for_the_browser"]);
    if !check {
        test.env("VIGIL_UPDATE", "1");
    }
    program::run(&mut test)
}
