use std::fs;
use std::path::Path;

use vitals::fuzzing;

#[test]
fn what_must_hold_for_any_bytes_holds_for_the_seeds() {
    for (target, holds) in [("wire", fuzzing::wire as fn(&[u8])), ("topic", fuzzing::topic)] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty(), "{target}");
        seeds.iter().for_each(|seed| holds(seed));
    }
}
