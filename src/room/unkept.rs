//! Changes that are relayed before they are kept.
//!
//! A room keeps a change before anyone sees it, so what is dragged with a pointer at 60 Hz is 60 rows a second, and a row
//! costs more than a hundred times what a message does. With [`keep_within_ms`](super::Settings::keep_within_ms) a change is
//! relayed at once, and stays *unkept* for so long at most. What comes meanwhile joins it, each cell once, in its newest
//! state, and all of it is kept as one commit:
//!
//! ```text
//!           a change wins: broadcast       its time has come, too much is unkept, compaction,
//!            ┌──────────┐                  the stored content is about to be read, the last client leaves
//!            │          ▼                                          │
//!   nothing ─┴──────▶ unkept ──────────────────────────────────────▼───────────────────────────────▶ nothing
//!                                             persist, and then whatever depends on it
//! ```
//!
//! Answers do not wait: they may show what others have seen already. While a disk that took nothing is tried again, changes
//! are kept before they are seen, since nobody must be shown ever more that is not going to be kept.
//!
//! # What can be lost
//!
//! The edits of the last so many milliseconds, if the object dies and everybody who has them goes for good. Whoever has them
//! and comes back, or goes on, makes the room whole:
//!
//! - *A hibernating room has nothing unkept.* There is a timer for as long as something is, and a pending timer keeps an
//!   object in memory: for up to 15 minutes, which is why [`MAX_WITHIN_MS`] is less.
//! - *An object that crashes, is reset or deployed anew* loses its sockets with its memory. Whoever connects again says what
//!   it holds or is asked, as ever, and the room takes what it lacks.
//! - *A module that is reset under an object*, which a trap in any room of its isolate brings about, takes the memory, and
//!   the timer with it, and leaves the sockets open. To the room that is a wake like any other. So where changes may be
//!   unkept everybody whose socket was open during a wake is asked at their next message what they hold. Nobody is woken
//!   for it, and nothing is written.
//! - *A commit that fails* takes from the room what was unkept. It becomes read-only, and once the disk takes commits again
//!   everybody is asked what they hold.

use super::ConnectionId;
use super::group_commit::{Gathered, MAX_PENDING_PLACES};
use crate::store::Place;

/// How long anything may be unkept, whatever is set, in milliseconds.
const MAX_WITHIN_MS: u64 = 60_000;

/// What is unkept.
#[derive(Debug)]
pub(super) struct Unkept {
    within_ms: u64,
    changes: Gathered,
    /// When it is to be kept, if there is any.
    due_ms: Option<u64>,
}

impl Unkept {
    /// Nothing yet. It may stay for so long: 0 where everything is kept before it is relayed.
    pub fn new(within_ms: u64) -> Self {
        Self { within_ms: within_ms.min(MAX_WITHIN_MS), changes: Gathered::default(), due_ms: None }
    }

    /// Whether anything may be unkept.
    pub fn is_allowed(&self) -> bool {
        self.within_ms > 0
    }

    /// When it is to be kept.
    pub fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// Adds what is relayed. Where there is too much to wait with it is due at once: more than half of what may be pending, so
    /// that what changes again and again is not put in order at each change.
    pub fn add(&mut self, places: &[Place], authors: &[ConnectionId], now_ms: u64) {
        self.due_ms.get_or_insert(now_ms + self.within_ms);
        self.changes.places.extend_from_slice(places);
        authors.iter().for_each(|&author| self.changes.add_author(author));
        if self.changes.places.len() > MAX_PENDING_PLACES {
            self.changes.sort();
            if self.changes.places.len() > MAX_PENDING_PLACES / 2 {
                self.due_ms = Some(now_ms);
            }
        }
    }

    /// Takes it out, if there is any.
    pub fn take(&mut self) -> Option<Gathered> {
        self.due_ms.take().map(|_| self.changes.take())
    }
}
