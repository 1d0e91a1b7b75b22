//! Every input that is worth keeping, through what the fuzzers do with it: those in `fuzz/corpus/`, which reach all that
//! was reached yet, and those in `fuzz/crashes/`, which once failed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::counting::Counting;
use std::fs;
use std::path::{Path, PathBuf};

/// For [`cost`] alone.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn replay(target: &str, run: fn(&[u8])) {
    let kept = files(&Path::new("fuzz/corpus").join(target));
    assert!(!kept.is_empty(), "there is no corpus of {target}");
    for path in kept.into_iter().chain(files(&Path::new("fuzz/crashes").join(target))) {
        // Told where it fails.
        println!("{}", path.display());
        run(&fs::read(&path).unwrap());
    }
}

/// The files in a folder, in order; none where there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn wire() {
    replay("wire", fuzz::wire::run);
}

#[test]
fn fragments() {
    replay("fragments", fuzz::fragments::run);
}

#[test]
fn journal() {
    replay("journal", fuzz::journal::run);
}

#[test]
fn json() {
    replay("json", fuzz::json::run);
}

#[test]
fn replicas() {
    replay("replicas", fuzz::replicas::run);
}

#[test]
fn room() {
    replay("room", fuzz::room::run);
}

#[test]
fn cost() {
    replay("cost", |input| {
        for record in fuzz::cost::run(input) {
            println!("{record}");
        }
    });
}
