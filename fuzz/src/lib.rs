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

use tinyroom::json::Reader;
use tinyroom::store::Changes;
use tinyroom::wire::{Body, Message};

/// When everything happens, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_767_225_600_000;

/// Hands over the changes that a message carries, part by part.
pub fn each_change(message: &Message, mut take: impl FnMut(&Changes)) {
    match &message.body {
        Body::ContentDiff(changes) => take(changes),
        Body::LongContentDiff => {
            Changes::read_in_parts(&mut Reader::new(message.payload), take).expect("it has been read before");
        }
        Body::Response(response) => response.stamp().into_iter().for_each(|stamp| stamp.each_part(&mut take)),
        _ => {}
    }
}
