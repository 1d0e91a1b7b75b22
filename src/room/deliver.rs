//! What is sent, to whom, and how far ahead of each: see `send_window`.

use super::budget::{self, LOOK_BYTES, MAX_CLIENT_BYTES, MAX_UNACKED_BYTES, MESSAGE_BYTES};
use super::meter::Overdrawn;
use super::send_window::SendWindow;
use super::undo::touches;
use super::{ConnectionId, Output, Room, Session};
use crate::store::Place;
use crate::sync::{RequestToken, Step};
use crate::wire::message::RequestId;
use crate::wire::{self, MessageType, ROOM_ID, WireError};
use std::ops::Range;

/// How much of a backlog goes at a time where nothing is left of the budget, in bytes.
const LEAST_SLICE_BYTES: usize = 16 << 10;

/// How much of backlogs is written before others are let in, in bytes.
const BACKLOG_TURN_BYTES: usize = 1 << 20;
/// How many times what was written is sent at the cost of writing it.
const SENDS_PER_WRITE: usize = 16;

/// A part of somebody's backlog.
#[derive(Default)]
struct Part {
    places: Vec<Place>,
    texts: Vec<String>,
    bytes: usize,
}

impl Room {
    /// Debits what a client sent.
    pub(super) fn debit_message(&mut self, from: ConnectionId, bytes: usize) -> Result<(), WireError> {
        let now_ms = self.now_ms();
        if self.budget.is_pause_due(now_ms) {
            self.pause();
        }
        self.budget.on_message(bytes);
        let (slice, rate) = (self.budget.slice(), self.settings.limits.rate);
        let Some(session) = self.sessions.get_mut(&from) else { return Ok(()) };
        session.messages = if session.slice == slice { session.messages + 1 } else { 1 };
        session.slice = slice;
        session.meter.debit(bytes as u64, now_ms, rate).map_err(WireError::from)
    }

    /// Debits what a client is sent because of something that it did.
    pub(super) fn debit(&mut self, to: ConnectionId, bytes: u64) -> Result<(), WireError> {
        let (now_ms, rate) = (self.now_ms(), self.settings.limits.rate);
        let session = self.sessions.get_mut(&to);
        session.map_or(Ok(()), |session| session.meter.debit(bytes, now_ms, rate)).map_err(WireError::from)
    }

    /// Debits the work that something a client did has brought about: what it is answered or asked, in bytes, and what was
    /// looked at meanwhile.
    pub(super) fn debit_work(&mut self, to: ConnectionId, bytes: usize) -> Result<(), WireError> {
        let bytes = bytes as u64 + self.store.take_looked_at() * LOOK_BYTES;
        self.budget.on_work(bytes);
        self.debit(to, bytes)
    }

    /// Lets others in, at the cost of those who did not.
    pub(super) fn pause(&mut self) {
        let (now_ms, slice, rate) = (self.now_ms(), self.budget.slice(), self.settings.limits.rate);
        if !self.outputs.iter().any(|output| matches!(output, Output::Pause)) {
            self.outputs.push_back(Output::Pause);
        }
        let hurried = self.sessions.iter_mut().filter(|(_, session)| session.slice == slice);
        let debited =
            hurried.map(|(&id, session)| (id, session.meter.debit(session.messages * MESSAGE_BYTES, now_ms, rate)));
        let overdrawn: Vec<_> = debited.filter_map(|(id, debited)| Some((id, debited.err()?))).collect();
        overdrawn.into_iter().for_each(|(id, error)| self.close(id, &error.into()));
        self.budget.next_slice(now_ms);
    }

    /// Sends a question, or an answer.
    pub(super) fn send(&mut self, to: ConnectionId, id: &RequestId, type_: MessageType, payload: &str) {
        let text = wire::envelope::seal(ROOM_ID, &wire::message::text(id, type_, payload));
        self.send_text(to, text, |window, bytes, _| window.on_talked(bytes));
        self.probe_if_due(to);
    }

    pub(super) fn send_text(&mut self, to: ConnectionId, text: String, note: fn(&mut SendWindow, usize, u64)) {
        let (bytes, now_ms) = (text.len(), self.now_ms());
        let Some(session) = self.sessions.get_mut(&to) else { return };
        note(&mut session.window, bytes, now_ms);
        self.budget.on_sent(bytes);
        self.outputs.push_back(Output::Send { to, text });
        self.bound_unacked(to);
    }

    /// Sends a text to all but its author. For whom there is no room it is deferred: where it came from is known.
    pub(super) fn broadcast(&mut self, author: Option<ConnectionId>, text: String, places: &[Place]) {
        let (now_ms, bytes) = (self.now_ms(), text.len());
        let interval_ms = budget::probe_interval_ms(self.sessions.len());
        let is_large = bytes > self.share_bytes() / 4;
        let unknown = self.sessions.iter().filter(|(_, session)| session.window.is_unknown(now_ms));
        for id in unknown.map(|(&id, _)| id).collect::<Vec<_>>() {
            self.probe(id);
        }
        let mut except = Vec::from_iter(author);
        let mut due = Vec::new();
        for (&id, session) in &mut self.sessions {
            if Some(id) == author {
                continue;
            }
            let fits = !is_large || bytes <= self.budget.bytes_left();
            let fits = fits && !touches(&session.corrections, places, &self.store);
            if fits && session.backlog.is_empty() && session.window.has_room_for(bytes, now_ms) {
                session.window.on_sent(bytes, now_ms);
                self.budget.on_sent(bytes);
            } else {
                session.backlog.add_places(places);
                except.push(id);
            }
            if session.window.wants_probe(now_ms, interval_ms) || !session.backlog.is_empty() {
                due.push(id);
            }
        }
        self.outputs.push_back(Output::Broadcast { except, text });
        for id in due {
            self.pursue_backlog(id);
            self.bound_unacked(id);
        }
    }

    /// Notes what a client is still to be sent.
    pub(super) fn defer(&mut self, to: ConnectionId, places: Vec<Range<Place>>) {
        if let Some(session) = self.sessions.get_mut(&to) {
            session.backlog.add(places);
            self.pursue_backlog(to);
        }
    }

    /// Sees to it that a client gets its backlog: it is in line for it, or its answer to a probe puts it there. One that
    /// loads would drop it, and gets it when it says that it has loaded.
    ///
    /// While it is not in line a probe is on its way: if the room is evicted and forgets the backlog, the answer has it ask the
    /// client what it holds.
    pub(super) fn pursue_backlog(&mut self, to: ConnectionId) {
        let Some(session) = self.sessions.get(&to) else { return };
        if session.backlog.is_empty() {
            return self.probe_if_due(to);
        }
        if session.loads() {
            return self.wait_for_load(to);
        }
        if !session.window.knows_distance() {
            self.probe(to);
        }
        if self.has_room_for_slice(to) {
            self.enqueue(to);
            self.probe_if_due(to);
        } else {
            self.probe(to);
        }
    }

    /// Whether the next part of a client's backlog may be sent now. Where the budget has no room for it, it may when the client
    /// has acknowledged everything.
    fn has_room_for_slice(&mut self, to: ConnectionId) -> bool {
        let (now_ms, bytes_left) = (self.now_ms(), self.budget.bytes_left().max(LEAST_SLICE_BYTES));
        let Some(session) = self.sessions.get_mut(&to) else { return false };
        session.window.has_room_for_slice(now_ms)
            && (session.window.unacked_bytes() == 0 || session.backlog.next_bytes(&self.store) <= bytes_left)
    }

    /// Puts a client in line for its backlog.
    pub(super) fn enqueue(&mut self, to: ConnectionId) {
        if !self.backlog_queue.contains(&to) {
            self.backlog_queue.push_back(to);
        }
    }

    /// Sends those in line the next part of their backlogs, one after the other, until it comes to some milliseconds' work.
    /// In a busy room a timer goes off rarely: were it one of them each time, they would only fall further behind. Those of
    /// a crowd lack the same, which is written once.
    pub(super) fn send_backlogs(&mut self) {
        self.commit();
        let mut part = Part::default();
        let mut bytes = 0;
        for _ in 0..self.backlog_queue.len() {
            let Some(to) = self.backlog_queue.pop_front() else { return };
            if let Some(mut places) = self.next_part(to) {
                self.correct(to, &mut places);
                if places != part.places {
                    part = self.part(places);
                    bytes += part.bytes;
                }
                bytes += part.bytes / SENDS_PER_WRITE;
                self.send_part(to, &part);
            }
            if bytes >= BACKLOG_TURN_BYTES {
                return;
            }
        }
    }

    /// Takes out of a client's backlog as much as its window has room for.
    fn next_part(&mut self, to: ConnectionId) -> Option<Vec<Place>> {
        if !self.has_room_for_slice(to) {
            self.pursue_backlog(to);
            return None;
        }
        let session = self.sessions.get(&to).filter(|session| !session.loads())?;
        let slice = session.window.slice_bytes();
        let limit = self.settings.change_bytes.min(slice).min(self.budget.bytes_left().max(LEAST_SLICE_BYTES));
        let session = self.sessions.get_mut(&to)?;
        Some(session.backlog.take(&self.store, limit))
    }

    /// What a backlog's places hold, as it is sent.
    fn part(&self, places: Vec<Place>) -> Part {
        let texts = sealed(ROOM_ID, &self.change_texts(&places));
        Part { places, bytes: texts.iter().map(String::len).sum(), texts }
    }

    fn send_part(&mut self, to: ConnectionId, part: &Part) {
        if self.sessions.get(&to).is_some_and(|session| session.backlog.is_asked_for())
            && let Err(error) = self.debit(to, part.bytes as u64)
        {
            return self.close(to, &error);
        }
        for text in &part.texts {
            self.send_text(to, text.clone(), SendWindow::on_sent);
        }
        let Some(session) = self.sessions.get_mut(&to) else { return };
        if !session.backlog.is_empty() {
            self.pursue_backlog(to);
        } else if std::mem::take(&mut session.asks_after_backlog) {
            self.ask_for_hashes(to);
        } else {
            self.probe_if_due(to);
        }
    }

    /// A client answers a probe.
    pub(super) fn on_ack(&mut self, from: ConnectionId, token: RequestToken) {
        let (now_ms, share) = (self.now_ms(), self.share_bytes());
        let Some(session) = self.sessions.get_mut(&from) else { return };
        match session.window.on_ack(token, share, now_ms) {
            Some(bytes) => {
                self.budget.on_acked(bytes);
                self.pursue_backlog(from);
            }
            // The room was evicted since it asked, and has forgotten what it was to send; it may have asked again meanwhile.
            None => self.ask_for_hashes(from),
        }
    }

    /// Probes a client if it is time to.
    fn probe_if_due(&mut self, id: ConnectionId) {
        let (now_ms, interval_ms) = (self.now_ms(), budget::probe_interval_ms(self.sessions.len()));
        if self.sessions.get(&id).is_some_and(|session| session.window.wants_probe(now_ms, interval_ms)) {
            self.probe(id);
        }
    }

    /// Probes a client, unless it has not answered yet.
    fn probe(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms();
        if self.sessions.get(&id).is_none_or(|session| session.window.is_probing()) {
            return;
        }
        let token = RequestToken::new(Step::Probe, &mut self.random);
        let body = wire::message::text(&token.request_id(), Step::Probe.message_type(), "{}");
        self.send_text(id, wire::envelope::seal(ROOM_ID, &body), SendWindow::on_sent);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.window.on_probe(token, now_ms);
        }
    }

    /// How much of an answer may be sent at once, in bytes: what is left of the budget, and a little to one that reads even
    /// where nothing is.
    pub(super) fn room_for_answer(&self, id: ConnectionId) -> usize {
        let Some(session) = self.sessions.get(&id) else { return 0 };
        let (unacked, share) = (session.window.unacked_bytes(), self.share_bytes());
        let least = if unacked <= share { share / 4 } else { 0 };
        self.budget.bytes_left().max(least).min((MAX_CLIENT_BYTES.0 / 2).saturating_sub(unacked))
    }

    fn share_bytes(&self) -> usize {
        budget::share_bytes(self.sessions.len())
    }

    /// Closes a client that leaves too much unacknowledged; and, where all together do, whoever leaves most of those that
    /// have been silent for longer than the slowest reader takes.
    fn bound_unacked(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms();
        let Some(session) = self.sessions.get(&id) else { return };
        let found = session.window.unacked_bytes();
        let limit = if session.window.is_silent(now_ms) { MAX_CLIENT_BYTES.1 } else { MAX_CLIENT_BYTES.0 };
        if found > limit {
            self.close(id, &WireError::Limit { what: "unread", limit, found });
        }
        if !self.budget.is_overdrawn() {
            return;
        }
        let bytes = |session: &Session| session.window.unacked_bytes();
        let silent = self.sessions.iter().filter(|(_, session)| session.window.is_silent(now_ms));
        if let Some((&id, session)) = silent.max_by_key(|(_, session)| bytes(session)) {
            let found = bytes(session);
            self.close(id, &WireError::Limit { what: "unread", limit: MAX_UNACKED_BYTES, found });
        }
    }
}

/// Changes as texts that come from somebody.
pub(super) fn sealed(from: &str, changes: &[String]) -> Vec<String> {
    let body = |change: &String| wire::message::text(&RequestId(None), MessageType::ContentDiff, change);
    changes.iter().map(|change| wire::envelope::seal(from, &body(change))).collect()
}

impl From<Overdrawn> for WireError {
    fn from(overdrawn: Overdrawn) -> Self {
        Self::Limit { what: "rate", limit: overdrawn.rate.burst_bytes as usize, found: overdrawn.debt_bytes as usize }
    }
}
