//! What the fuzzers do with their input. `tests/corpus.rs` does the same, without a fuzzer, with every input that is kept
//! in `corpus/` and `crashes/`.

pub mod cells;
pub mod cost;
#[path = "../../tests/support/counting.rs"]
pub mod counting;
pub mod fragments;
pub mod journal;
pub mod json;
pub mod replicas;
pub mod room;
pub mod shape;
pub mod source;
#[path = "../../tests/support/stamp.rs"]
pub mod stamp;
pub mod table;
pub mod wire;

use tinyroom::store::Changes;
use tinyroom::wire::{Body, Message};

/// When everything happens, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_767_225_600_000;

/// Hands over the changes that a message carries. No input of a fuzzer that asks is long.
pub fn each_change(message: &Message, take: impl FnOnce(&Changes)) {
    let changes = match &message.body {
        Body::ContentDiff(changes) => Some(changes),
        Body::Response(response) => response.changes(),
        _ => None,
    };
    if let Some(changes) = changes {
        take(changes);
    }
}
