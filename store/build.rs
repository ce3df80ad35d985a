#![expect(clippy::print_stdout, reason = "how a build script speaks to Cargo")]

fn main() {
    // The migrations are embedded by a macro, which cannot see that a file was added.
    println!("cargo::rerun-if-changed=../migrations");
}
