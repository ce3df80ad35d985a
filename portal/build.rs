//! The UI is embedded when the portal is compiled: a new build of it compiles the portal anew.

fn main() {
    // Watching a folder that is missing would rebuild every time.
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo:warning=could not create web/dist: {error}");
    }
    println!("cargo:rerun-if-changed=web/dist");
}
