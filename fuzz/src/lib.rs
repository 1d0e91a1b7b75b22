//! What the fuzzers do with their input. `tests/corpus.rs` does the same, without a fuzzer, with every input that is kept
//! in `corpus/` and `crashes/`.

pub mod cells;
pub mod fragments;
pub mod journal;
pub mod json;
pub mod replicas;
pub mod room;
pub mod source;
pub mod table;
pub mod wire;

/// When everything happens, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_767_225_600_000;
