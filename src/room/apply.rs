//! Changes are merged, kept, and told.

use super::deliver::sealed;
use super::durability::Durability;
use super::group_commit::Gathered;
use super::{ConnectionId, Output, Room, Settings};
use crate::access::Access;
use crate::hlc::AHEAD_MS;
use crate::journal::Commit;
use crate::store::{Changes, MergePolicy, Merged, Place};
use crate::wire::{self, ROOM_ID};

impl Room {
    /// Merges a change of a client's, and keeps and sends what won. `source` is the text it came in, and the payload in
    /// it, where they can go on as they are. Answers whether anything won. A read-only room takes in nothing, and from who may
    /// not write nothing is taken: there it is whether anything is to be undone.
    pub(super) fn apply(&mut self, from: ConnectionId, changes: &Changes, source: Option<(&str, &str)>) -> bool {
        let now_ms = self.now_ms();
        if !self.may_write(from) {
            return self.undo(from, changes);
        }
        if self.durability.is_read_only() {
            if let Some(session) = self.sessions.get_mut(&from) {
                session.was_ignored = true;
            }
            return false;
        }
        let policy = self.policy();
        let gathered = !self.commits.is_empty();
        let places = self.commits.places();
        let before = places.len();
        let merged = self.store.merge(changes, policy, |place| places.push(place));
        let won = places.len() > before;
        if won {
            self.commits.add_author(from);
            if !gathered && !self.commits.gathers(now_ms) {
                // What lies ahead must leave others' cells alone, and what is not as a client spells it is written anew.
                let is_plain = merged.fully_accepted()
                    && changes.is_canonical()
                    && !changes.newest().is_future(self.clock.wall_ms(), AHEAD_MS);
                self.commit_now(from, source.filter(|_| is_plain));
            } else if self.commits.is_full() {
                self.commit();
            }
        }
        self.note_refused(from, &merged);
        won
    }

    /// Whether what comes from a client may be merged. Of one that is gone only what it had sent before may, if it might write.
    pub(super) fn may_write(&self, from: ConnectionId) -> bool {
        let session = self.sessions.get(&from);
        session.map_or(self.departed_writer == Some(from), |session| session.grant.access.includes(Access::Write))
    }

    fn policy(&self) -> MergePolicy {
        let Settings { max_future_ms, max_memory_bytes: memory_limit, limits, .. } = self.settings;
        let (max_value_bytes, max_id_bytes) = (limits.value_bytes, limits.id_bytes);
        let usual = MergePolicy::from(self.clock.wall_ms());
        MergePolicy { max_future_ms, memory_limit, max_value_bytes, max_id_bytes, ..usual }
    }

    /// What could not be taken is refused cell by cell, and said once. What comes from the future is asked for again when
    /// its time has come.
    fn note_refused(&mut self, from: ConnectionId, merged: &Merged) {
        let Some(session) = self.sessions.get_mut(&from) else { return };
        if let Some(at_ms) = merged.acceptable_at_ms
            && session.recheck_at_ms.is_none_or(|recheck_at_ms| at_ms < recheck_at_ms)
        {
            session.recheck_at_ms = Some(at_ms);
            self.recheck_at_ms = Some(self.recheck_at_ms.map_or(at_ms, |recheck_at_ms| recheck_at_ms.min(at_ms)));
            self.outputs.push_back(Output::Remember { connection: from, recheck_at_ms: Some(at_ms) });
        }
        let Merged { refused: full, malformed, oversized, .. } = *merged;
        if full + malformed + oversized > 0 && !std::mem::replace(&mut session.has_been_refused, true) {
            let (holds, limit) = (self.store.memory_bytes(), self.settings.max_memory_bytes);
            let text = format!(
                "{from} sent cells that are refused: {full} for which there is no room ({holds} of {limit} bytes are taken), \
                {oversized} that are too long, or their ids are, and {malformed} marked as an object that hold none"
            );
            self.outputs.push_back(Output::Warn { text });
        }
    }

    /// Asks those once more what they hold whose stamps from the future have come of age.
    pub(super) fn recheck(&mut self) {
        let now_ms = self.clock.wall_ms();
        if self.recheck_at_ms.is_none_or(|at_ms| at_ms > now_ms) {
            return;
        }
        for id in self.connections().collect::<Vec<_>>() {
            let session = self.sessions.get_mut(&id);
            if session.and_then(|session| session.recheck_at_ms.take_if(|at_ms| *at_ms <= now_ms)).is_some() {
                self.outputs.push_back(Output::Remember { connection: id, recheck_at_ms: None });
                self.ask_anew(id);
            }
        }
        self.recheck_at_ms = self.sessions.values().filter_map(|session| session.recheck_at_ms).min();
    }

    /// Keeps and sends a lone change: as it came, where it can go on so.
    fn commit_now(&mut self, from: ConnectionId, source: Option<(&str, &str)>) {
        let Some((body, payload)) = source else { return self.commit() };
        let Gathered { places, authors } = self.commits.take();
        if self.keeps_later() {
            self.keep_later(&places, &authors);
        } else {
            let commit = self.commits.journal().append(payload.to_owned());
            let is_confirmed = self.commits.wants_confirmation();
            self.persist(Output::Persist { commit, authors, report: is_confirmed });
        }
        self.broadcast(Some(from), wire::envelope::seal(from, body), &places);
        self.commits.reuse(places);
    }

    /// Keeps and sends what is pending.
    pub(super) fn commit(&mut self) {
        if self.commits.is_empty() {
            return;
        }
        let Gathered { places, authors } = self.commits.take();
        let author = match authors.as_slice() {
            [author] => Some(*author),
            _ => None,
        };
        let from = author.map_or(ROOM_ID.to_owned(), |author| author.to_string());
        let changes = self.change_texts(&places);
        let texts = sealed(&from, &changes);
        if self.keeps_later() {
            self.keep_later(&places, &authors);
        } else {
            self.keep_all(changes, authors);
        }
        for text in texts {
            self.broadcast(author, text, &places);
        }
        self.commits.reuse(places);
    }

    /// Keeps what has been relayed and is [not kept yet](super::unkept), and what is pending.
    pub(super) fn keep(&mut self) {
        self.commit();
        if let Some(Gathered { places, authors }) = self.unkept.take() {
            self.keep_all(self.change_texts(&places), authors);
        }
    }

    /// Keeps it when its time has come, or nobody is left who holds it.
    pub(super) fn keep_if_due(&mut self) {
        let now_ms = self.now_ms();
        if self.unkept.due_ms().is_some_and(|at_ms| at_ms <= now_ms || self.sessions.is_empty()) {
            self.keep();
        }
    }

    /// Whether changes are kept later than they are relayed: not while a disk that took nothing is tried.
    fn keeps_later(&self) -> bool {
        self.unkept.is_allowed() && self.durability == Durability::Writable
    }

    fn keep_later(&mut self, places: &[Place], authors: &[ConnectionId]) {
        let now_ms = self.now_ms();
        self.unkept.add(places, authors, now_ms);
        self.commits.on_commit(false, self.sessions.len(), now_ms);
    }

    fn keep_all(&mut self, changes: Vec<String>, authors: Vec<ConnectionId>) {
        let mut commit = Commit::default();
        for change in changes {
            commit.writes.extend(self.commits.journal().append(change).writes);
        }
        self.persist(Output::Persist { commit, authors, report: true });
    }

    pub(super) fn change_texts(&self, places: &[Place]) -> Vec<String> {
        self.store.change_texts(places, self.settings.change_bytes, self.until_ms())
    }

    fn persist(&mut self, output: Output) {
        let is_confirmed = matches!(output, Output::Persist { report: true, .. });
        self.outputs.push_back(output);
        self.commits.note_compaction(&self.store);
        self.commits.on_commit(is_confirmed, self.sessions.len(), self.now_ms());
    }

    /// Writes a slice of a snapshot. It may hold what is not sent yet, but what is sent must have been kept before.
    pub(super) fn compact(&mut self) {
        self.keep();
        let commit = self.commits.compact(&self.store);
        self.outputs.push_back(Output::Persist { commit, authors: Vec::new(), report: false });
    }

    /// What was committed last is on disk.
    pub(super) fn on_durable(&mut self) {
        self.commits.on_durable(self.sessions.len(), self.now_ms());
        if self.durability.on_durable() {
            self.sessions.values_mut().for_each(|session| session.was_ignored = false);
            self.ask_everybody();
        }
    }

    /// Tries the disk again once its time is over: with what one client holds that was ignored, and then another,
    /// until a commit shows how it is.
    pub(super) fn retry_commits(&mut self) {
        if !self.durability.on_time(self.now_ms()) {
            return;
        }
        let ignored = |(id, session): (&ConnectionId, &super::Session)| session.was_ignored.then_some(*id);
        match self.sessions.iter().find_map(ignored) {
            Some(id) => self.ask_anew(id),
            None => self.durability.on_nobody(),
        }
    }

    /// Up to which time a stamp may travel with others'.
    pub(super) fn until_ms(&self) -> u64 {
        self.clock.wall_ms().saturating_add(AHEAD_MS)
    }
}
