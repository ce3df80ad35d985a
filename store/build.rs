fn main() {
    // The migrations are embedded by a macro, which cannot see that a file was added.
    println!("cargo::rerun-if-changed=../migrations");
}
