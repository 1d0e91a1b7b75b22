//! Changes, from their merge until they are kept and sent.
//!
//! ```text
//!           a change wins: commit            it is durable                 the window ends
//!   quiet ────────────────────────▶ in flight ──────────▶ window for some ms ───────────────▶ quiet
//!                                     ▲   │                  │                with nothing pending
//!                                     │   ▼ changes gather   ▼ changes gather
//!                                     │  pending ──────────▶ pending
//!                                     └──────────────────────┘ the window ends: commit
//! ```
//!
//! A lone change leaves at once, as it came. While it is in flight to the disk, and for some milliseconds after, the room
//! gathers what arrives, and sends it as one commit and one ContentDiff: the longer the more sockets there are to send
//! to, and the longer the disk takes, since what waits for it is all in hand when it is done. Whatever else shows what
//! the room holds, an answer above all, commits first, so nothing is seen that is not kept. (Where changes may be
//! [kept later](super::unkept) a commit only relays: then windows are as long as it takes to send.)
//!
//! To be told when a commit is on disk costs a lone change a twentieth of its time. So while the disk is quick the next few
//! stay unconfirmed, until one is asked after again; a commit of what has gathered is always confirmed.

use super::ConnectionId;
use crate::journal::{Commit, Journal};
use crate::store::{Place, Store};
use std::ops::Range;

/// For every so many sockets the window is a millisecond longer.
const SOCKETS_PER_MS: u64 = 10;

/// A disk that takes no longer holds nobody up.
const QUICK_MS: u64 = 2;

/// How many lone changes in a row are not asked after while the disk is quick.
const UNCONFIRMED: usize = 15;

/// How many places may be pending: a flood holds up the timer that ends the window, and everybody with it.
pub(super) const MAX_PENDING_PLACES: usize = 16 << 10;

/// The journal, and what has been merged and not yet kept in it.
#[derive(Debug)]
pub(super) struct GroupCommit {
    journal: Journal,
    pending: Gathered,
    /// When the last commit was, and when the next one is due.
    window_ms: Range<u64>,
    /// Whether the last commit is still on its way to the disk, for all the room knows.
    in_flight: bool,
    /// How many lone changes will be taken for durable from now on without a report.
    unconfirmed: usize,
    max_window_ms: u64,
    is_compacting: bool,
}

/// What has gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Where it lies: in order and none twice, once it is taken out.
    pub places: Vec<Place>,
    /// Whose it is.
    pub authors: Vec<ConnectionId>,
}

impl Gathered {
    /// Notes whose some of it is.
    pub fn add_author(&mut self, author: ConnectionId) {
        if !self.authors.contains(&author) {
            self.authors.push(author);
        }
    }

    /// Puts the places in order, each once.
    pub fn sort(&mut self) {
        self.places.sort_unstable();
        self.places.dedup();
    }

    /// Takes it out, in order.
    pub fn take(&mut self) -> Self {
        self.sort();
        std::mem::take(self)
    }
}

impl GroupCommit {
    pub fn new(journal: Journal, max_window_ms: u64) -> Self {
        let pending = Gathered::default();
        Self {
            journal,
            pending,
            window_ms: 0..0,
            in_flight: false,
            unconfirmed: 0,
            max_window_ms,
            is_compacting: false,
        }
    }

    /// The journal.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Goes on with another journal, and forgets what is pending.
    pub fn start_over(&mut self, journal: Journal) {
        *self = Self::new(journal, self.max_window_ms);
    }

    /// Goes on with another journal.
    pub fn reload(&mut self, journal: Journal) {
        self.journal = journal;
        self.is_compacting = false;
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.pending.places.is_empty()
    }

    /// Whether what comes now must wait.
    pub fn gathers(&self, now_ms: u64) -> bool {
        self.window_ms.contains(&now_ms) || self.in_flight && now_ms >= self.window_ms.end
    }

    /// Whether as much is pending as may be.
    pub fn is_full(&self) -> bool {
        self.pending.places.len() > MAX_PENDING_PLACES
    }

    /// Where to note the places of what is merged.
    pub fn places(&mut self) -> &mut Vec<Place> {
        &mut self.pending.places
    }

    /// Notes whose the last of them are.
    pub fn add_author(&mut self, author: ConnectionId) {
        self.pending.add_author(author);
    }

    /// When what is pending is due.
    pub fn due_ms(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.window_ms.end)
    }

    /// Takes out what is pending.
    pub fn take(&mut self) -> Gathered {
        self.pending.take()
    }

    /// Gives back the memory of what was taken out: it serves the next changes.
    pub fn reuse(&mut self, mut places: Vec<Place>) {
        places.clear();
        if self.pending.places.capacity() < places.capacity() && self.is_empty() {
            self.pending.places = places;
        }
    }

    /// Whether a lone change that leaves now is to be confirmed.
    pub fn wants_confirmation(&mut self) -> bool {
        let is_due = self.unconfirmed == 0;
        self.unconfirmed = self.unconfirmed.saturating_sub(1);
        is_due
    }

    /// Notes that a commit leaves, and begins the window in which what comes next gathers.
    pub fn on_commit(&mut self, is_confirmed: bool, sockets: usize, now_ms: u64) {
        let window_ms = if is_confirmed { self.max_window_ms } else { self.sending_ms(sockets) };
        self.window_ms = now_ms..now_ms + window_ms;
        self.in_flight = is_confirmed;
    }

    /// Notes that the last commit is on disk: from here on the window is no longer than it takes to send it.
    pub fn on_durable(&mut self, sockets: usize, now_ms: u64) {
        if std::mem::take(&mut self.in_flight) {
            let is_quick = now_ms <= self.window_ms.start + QUICK_MS;
            self.unconfirmed = if is_quick { UNCONFIRMED } else { 0 };
            self.window_ms.end = self.window_ms.end.min(now_ms + self.sending_ms(sockets));
        }
    }

    /// Notes whether a snapshot is due, as only a commit can make it.
    pub fn note_compaction(&mut self, store: &Store) {
        self.is_compacting |= self.journal.is_compaction_due(store);
    }

    /// Whether there is a slice of a snapshot to write.
    pub fn is_compacting(&self) -> bool {
        self.is_compacting
    }

    /// The next slice of a snapshot.
    pub fn compact(&mut self, store: &Store) -> Commit {
        let commit = self.journal.compact(store);
        self.is_compacting = self.journal.is_compaction_due(store);
        commit
    }

    /// How long the window is for the number of sockets alone.
    fn sending_ms(&self, sockets: usize) -> u64 {
        (1 + sockets as u64 / SOCKETS_PER_MS).min(self.max_window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupCommit, UNCONFIRMED};
    use crate::journal::{Journal, Settings};

    fn commits() -> GroupCommit {
        GroupCommit::new(Journal::new(Settings::default()), 50)
    }

    #[test]
    fn changes_gather_until_the_last_commit_is_on_disk_and_sent() {
        let mut commits = commits();
        assert!(!commits.gathers(100));
        commits.on_commit(true, 30, 100);
        assert!(commits.gathers(100) && commits.gathers(10_000), "for as long as the disk takes");
        commits.on_durable(30, 110);
        assert!(commits.gathers(113) && !commits.gathers(114), "and as it takes to send to thirty");
    }

    #[test]
    fn while_the_disk_is_quick_a_few_commits_are_not_confirmed() {
        let mut commits = commits();
        assert!(commits.wants_confirmation());
        commits.on_commit(true, 3, 100);
        commits.on_durable(3, 102);
        assert_eq!((0..100).take_while(|_| !commits.wants_confirmation()).count(), UNCONFIRMED);
        commits.on_commit(true, 3, 200);
        commits.on_durable(3, 203);
        assert!(commits.wants_confirmation(), "three milliseconds are not quick");
    }

    #[test]
    fn a_window_is_never_longer_than_it_may_be() {
        let mut commits = commits();
        commits.on_commit(false, 10_000, 100);
        assert!(commits.gathers(149) && !commits.gathers(150));
    }
}
