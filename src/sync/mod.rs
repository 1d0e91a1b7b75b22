//! One peer's side of a conversation: what it reported, what was asked, what is in flight.
//!
//! A room that learns of a client's content hashes, and finds them to differ from its own, *compares*. It names what it
//! holds with hashes that cannot be right, 0, so that the client reports its own for all of it:
//!
//! ```text
//! room                                      client
//!  ├─ 4 GetTableDiff {table: 0} ────────────▶│
//!  │◀──────── [tables we lack, {table: hash}]┤  merged; a table that is not reported, it lacks; where hashes differ:
//!  ├─ 5 GetRowDiff {table: {row: 0}} ───────▶│
//!  │◀─── [rows we lack, {table: {row: hash}}]┤  merged; a row that is not reported, it lacks; where hashes differ:
//!  ├─ 6 GetCellDiff {table: {row: {}}} ─────▶│  some rows at a time
//!  │◀───────────── all that it holds of those┤  merged; what is not among it, or older, it lacks
//!  ├─ 7 GetValueDiff {} ────────────────────▶│  beside all that, where the hashes of the values differ
//!  │◀───────────────────── all of its values ┤  merged; likewise
//!  ├─ 3 ContentDiff ────────────────────────▶│  what it lacks, at the pace at which it reads
//!  ├─ 1 GetContentHashes ───────────────────▶│  and once more from the top, if anything was merged or sent
//! ```
//!
//! TinyBase's own way is that each side pulls: but a client gives up on an answer after a second, and one at a distance
//! would never get anything. It answers at any time, though, and takes changes whenever they come. So the room asks for
//! both sides, and nothing rests on what a client must do within a second. Every version answers 4 to 7 as soon as it is
//! connected, and 1 once it syncs.
//!
//! The answers are merged as they come, and each says all that the next question needs: what step an answer belongs to is
//! written in its [`RequestToken`]. A room that was evicted in the middle of a comparison goes on with it when the answer
//! wakes it, and in the end asks for the hashes once more.
//!
//! *Rest.* A comparison that changed nothing on either side, though the hashes differ, is not made again until either
//! changes: versions up to 5.4.9 hash cells without a stamp in a way of their own, and what the room had to refuse the
//! client goes on holding.

mod conversation;
mod token;

pub use conversation::{Conversation, Next};
pub use token::{RequestToken, Step};
