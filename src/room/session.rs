//! What the room knows of a connection while it is awake.

use super::backlog::Backlog;
use super::corrections::Corrections;
use super::meter::Meter;
use super::send_window::SendWindow;
use crate::access::Grant;
use crate::store::Place;
use crate::sync::Conversation;
use crate::wire::Fragments;
use std::collections::VecDeque;
use std::ops::Range;

/// Of how much content of the room's the cells are asked for at a time, in bytes: at first, and at most.
const COMPARED_BYTES: (usize, usize) = (256 << 10, 4 << 20);
/// By how many times that grows, with each answer that is no longer than this.
const COMPARED_GROWTH: usize = 4;

/// How far a client is with its first load, or with one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has said nothing yet that shows. One whose socket was reconnected under it says nothing by itself.
    Connecting,
    /// It has asked for the hashes, and not said what it holds: it drops changes.
    Loading {
        /// When it last said something, or was asked, since it was asked what it holds, having taken its time.
        reminded_ms: Option<u64>,
    },
    /// It takes changes.
    Synced,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Session {
    /// Who is behind it, and what that one may do.
    pub grant: Grant,
    pub phase: Phase,
    pub conversation: Conversation,
    /// What it is still to be asked about in a comparison: tables whose rows differ, and rows whose cells differ.
    pub tables_to_compare: VecDeque<Range<Place>>,
    pub rows_to_compare: VecDeque<Range<Place>>,
    /// Of how much content of the room's the cells are asked for at a time, in bytes.
    pub compared_bytes: usize,
    /// What it holds that the room does not, where it may not write.
    pub corrections: Corrections,
    /// What it is still to be sent.
    pub backlog: Backlog,
    /// Whether it is asked what it holds when it has been sent that.
    pub asks_after_backlog: bool,
    pub window: SendWindow,
    pub meter: Meter,
    pub fragments: Fragments,
    /// The slice in which it last sent something, and how many messages.
    pub slice: u64,
    pub messages: u64,
    /// When a stamp of its own that was refused for being of the future can be accepted, in milliseconds since 1970.
    pub recheck_at_ms: Option<u64>,
    /// Whether it has been reported that something of its own did not fit.
    pub has_been_refused: bool,
    /// Whether the room, read-only, took in nothing of what it sent.
    pub was_ignored: bool,
}

impl Session {
    fn new(grant: Grant, phase: Phase) -> Self {
        Self {
            grant,
            phase,
            conversation: Conversation::default(),
            tables_to_compare: VecDeque::new(),
            rows_to_compare: VecDeque::new(),
            compared_bytes: COMPARED_BYTES.0,
            corrections: Corrections::default(),
            backlog: Backlog::default(),
            asks_after_backlog: false,
            window: SendWindow::default(),
            meter: Meter::default(),
            fragments: Fragments::default(),
            slice: 0,
            messages: 0,
            recheck_at_ms: None,
            has_been_refused: false,
            was_ignored: false,
        }
    }

    /// A connection that was just opened.
    pub fn opened(grant: Grant) -> Self {
        Self::new(grant, Phase::Connecting)
    }

    /// A connection that was open while the room was out of memory.
    pub fn resumed(grant: Grant, recheck_at_ms: Option<u64>) -> Self {
        Self { recheck_at_ms, ..Self::new(grant, Phase::Synced) }
    }

    /// Whether it may be in its first load, for all the room knows.
    pub fn may_load(&self) -> bool {
        self.phase != Phase::Synced
    }

    /// Whether it loads, and drops changes.
    pub fn loads(&self) -> bool {
        matches!(self.phase, Phase::Loading { .. })
    }

    /// Notes how long an answer about cells was. To one far away each question costs a round trip, so the next is about more;
    /// but not where the client holds far more than the room, since what it sends at once is bounded.
    pub fn on_cells(&mut self, answer_bytes: usize) {
        let grown_bytes = COMPARED_GROWTH * self.compared_bytes;
        self.compared_bytes =
            if answer_bytes <= grown_bytes { grown_bytes.min(COMPARED_BYTES.1) } else { COMPARED_BYTES.0 };
    }

    /// Begins anew, after what was sent last, and asked with it, may not have gone out, or what it was about is not where it
    /// was any more.
    pub fn start_over(&mut self) {
        self.conversation = Conversation::default();
        self.tables_to_compare.clear();
        self.rows_to_compare.clear();
        self.corrections.clear();
        self.backlog.clear();
        self.asks_after_backlog = false;
        self.window = SendWindow::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, Session};
    use crate::access::Access;

    #[test]
    fn ever_more_is_compared_at_a_time_with_who_does_not_hold_far_more_than_the_room() {
        let mut session = Session::opened(Grant::of(Access::Write));
        let mut compare = |answer_bytes| {
            session.on_cells(answer_bytes);
            session.compared_bytes >> 10
        };
        assert_eq!([1 << 20, 0, 0].map(&mut compare), [1 << 10, 4 << 10, 4 << 10]);
        assert_eq!([(16 << 20) + 1, (1 << 20) + 1].map(&mut compare), [256, 256]);
    }
}
