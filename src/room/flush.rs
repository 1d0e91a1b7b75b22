//! Changes, from their merge until they are kept and sent.
//!
//! ```text
//!           a change wins: flush              it is kept                     the window ends
//!   quiet ────────────────────────▶ on its way ──────────▶ window for some ms ───────────────▶ quiet
//!                                     ▲   │                  │                with nothing pending
//!                                     │   ▼ changes gather   ▼ changes gather
//!                                     │  pending ──────────▶ pending
//!                                     └──────────────────────┘ the window ends: flush
//! ```
//!
//! A lone change leaves at once, as it came. While it is on its way to the disk, and for some milliseconds after, the room
//! gathers what arrives, and sends it as one commit and one ContentDiff: the longer the more sockets there are to send
//! to, and the longer the disk takes, since what waits for it is all in hand when it is done. Whatever else shows what
//! the room holds, an answer above all, flushes first, so nothing is seen that is not kept.
//!
//! To be told when a commit is on disk costs a lone change a twentieth of its time. So while the disk is quick that is
//! taken for granted of the next few, until one is asked after again; a flush of what has gathered always is.

use super::{ConnectionId, Output, Room};
use crate::journal::Commit;
use crate::store::{Changes, MergePolicy, Place};
use crate::wire::message::RequestId;
use crate::wire::{self, MessageType, ROOM_ID, WireError};
use std::ops::Range;

/// For every so many sockets the window is a millisecond longer.
const SOCKETS_PER_MS: u64 = 10;

/// A disk that takes no longer holds nobody up.
const QUICK_MS: u64 = 2;

/// How many lone changes in a row are not asked after while the disk is quick.
const LONE_CHANGES_ON_TRUST: usize = 15;

/// How many places may be pending: a flood holds up the timer that ends the window, and everybody with it.
const MAX_PENDING_PLACES: usize = 16 << 10;

/// How much longer a value may become in a room that is full, up to a quarter over its limit.
const SMALL_GROWTH_BYTES: usize = 1024;

/// What has been merged and not yet kept.
#[derive(Debug, Default)]
pub(super) struct Pending {
    places: Vec<Place>,
    authors: Vec<ConnectionId>,
    /// When the last flush was, and when the next one is due.
    window_ms: Range<u64>,
    /// Whether what was flushed last is still on its way to the disk, for all the room knows.
    on_its_way: bool,
    /// How many lone changes will be taken for kept from now on without a report.
    on_trust: usize,
}

impl Pending {
    /// Whether changes gather. A clock that was set back to before the last flush is no reason to.
    fn gathers(&self, now_ms: u64) -> bool {
        self.window_ms.contains(&now_ms) || self.on_its_way && now_ms >= self.window_ms.end
    }
}

impl Room {
    /// Merges a change of a client's, and keeps and sends what won. `source` is the text it came in, and the payload in
    /// it, where they can go on as they are. Fails where the room is full and had no place for something in it.
    pub(super) fn take_in(
        &mut self,
        from: ConnectionId,
        changes: &Changes,
        source: Option<(&str, &str)>,
        now_ms: u64,
    ) -> Result<(), WireError> {
        let limit = self.settings.max_memory_bytes;
        let found = self.store.memory_bytes();
        let max_growth = match found {
            _ if found < limit => None,
            _ if found < limit + limit / 4 => Some(SMALL_GROWTH_BYTES),
            _ => Some(0),
        };
        let policy = MergePolicy { max_growth, ..MergePolicy::from(now_ms) };
        let places = &mut self.pending.places;
        let before = places.len();
        let merged = self.store.merge(changes, policy, |place| places.push(place));
        if places.len() > before {
            if !self.pending.authors.contains(&from) {
                self.pending.authors.push(from);
            }
            if before == 0 && !self.pending.gathers(now_ms) {
                self.leave_at_once(from, source.filter(|_| merged.fully_accepted() && changes.is_canonical()), now_ms);
            } else if self.pending.places.len() > MAX_PENDING_PLACES {
                self.flush(now_ms);
            }
        }
        if merged.refused > 0 { Err(WireError::Limit { what: "room", limit, found }) } else { Ok(()) }
    }

    /// Keeps and sends a lone change: as it came, where it can go on so.
    fn leave_at_once(&mut self, from: ConnectionId, source: Option<(&str, &str)>, now_ms: u64) {
        let Some((body, payload)) = source else { return self.flush(now_ms) };
        self.pending.places.clear();
        let commit = self.journal.append(payload.to_owned());
        let text = wire::envelope::seal(from, body);
        let report = self.pending.on_trust == 0;
        self.pending.on_trust = self.pending.on_trust.saturating_sub(1);
        self.release(commit, vec![text], report, now_ms);
    }

    /// Keeps and sends what is pending.
    pub(super) fn flush(&mut self, now_ms: u64) {
        let mut places = std::mem::take(&mut self.pending.places);
        if places.is_empty() {
            return;
        }
        places.sort_unstable();
        places.dedup();
        let from = match self.pending.authors.as_slice() {
            [author] => author.to_string(),
            _ => ROOM_ID.to_owned(),
        };
        let mut commit = Commit::default();
        let mut texts = Vec::new();
        let mut rest = places.drain(..).peekable();
        while let Some(change) = self.store.next_changes_text(&mut rest, self.settings.change_bytes) {
            let body = wire::message::text(&RequestId(None), MessageType::ContentDiff, &change);
            texts.push(wire::envelope::seal(&from, &body));
            commit.writes.extend(self.journal.append(change).writes);
        }
        drop(rest);
        // The allocation serves the next changes.
        self.pending.places = places;
        self.release(commit, texts, true, now_ms);
    }

    /// When to flush.
    pub(super) fn flush_at_ms(&self) -> Option<u64> {
        (!self.pending.places.is_empty()).then_some(self.pending.window_ms.end)
    }

    /// Flushes what is pending if the window is over, as it is too when the clock was set back to before it.
    pub(super) fn end_window(&mut self, now_ms: u64) {
        if !self.pending.window_ms.contains(&now_ms) {
            self.flush(now_ms);
        }
    }

    fn release(&mut self, commit: Commit, texts: Vec<String>, report: bool, now_ms: u64) {
        let authors = std::mem::take(&mut self.pending.authors);
        let author = match authors.as_slice() {
            [author] => Some(*author),
            _ => None,
        };
        self.outputs.push_back(Output::Persist { commit, authors, report });
        self.compacting |= self.journal.is_compaction_due(&self.store);
        for text in texts {
            let except = self.note_broadcast(author, text.len());
            self.outputs.push_back(Output::Broadcast { except, text });
        }
        self.watch_all();
        let window_ms = if report { self.settings.max_window_ms } else { self.sending_ms() };
        self.pending.window_ms = now_ms..now_ms + window_ms;
        self.pending.on_its_way = report;
    }

    /// What was flushed last is on disk: from here on the window is no longer than it takes to send it.
    pub(super) fn kept(&mut self, now_ms: u64) {
        if std::mem::take(&mut self.pending.on_its_way) {
            let is_quick = now_ms <= self.pending.window_ms.start + QUICK_MS;
            self.pending.on_trust = if is_quick { LONE_CHANGES_ON_TRUST } else { 0 };
            self.pending.window_ms.end = self.pending.window_ms.end.min(now_ms + self.sending_ms());
        }
    }

    /// How long the window is for the number of sockets alone.
    fn sending_ms(&self) -> u64 {
        let sockets = self.connections.len() as u64;
        (1 + sockets / SOCKETS_PER_MS).min(self.settings.max_window_ms)
    }
}
