//! What clients ask is answered, and what they hold is compared with what the room holds.

use super::session::Phase;
use super::shown_by::ShownBy;
use super::timers::Timer;
use super::{ConnectionId, Room};
use crate::store::{Answer, AnswerLimits, Changes, Comparison, ContentHashes, HashTree, Place, Store};
use crate::sync::{Next, RequestToken, Step};
use crate::wire::message::{RequestId, hashes_text};
use crate::wire::{Body, MAX_TEXT_BYTES, MessageType, Response, WireError};
use std::ops::Range;

/// How long a client that loads has for its next question, or to say what it holds, in milliseconds.
pub(super) const REMIND_AFTER_MS: u64 = 1000;

/// How long it has to say that when it was asked, in milliseconds, before it is taken to have loaded: one that never does
/// would never get what is deferred for it. Only for that the room waits, which keeps it in memory.
const LOADED_AFTER_MS: u64 = 15_000;

/// As long as the values come to no more than this, in bytes, a client whose values differ is asked for all of them.
const FEW_VALUES_BYTES: usize = 64 << 10;

impl Room {
    /// Asks a new connection for its hashes, unless it has begun by itself. One whose socket was reconnected under its
    /// client does not, and would never learn what it missed.
    pub(super) fn request_hashes_after_connect(&mut self, id: ConnectionId) {
        if self.sessions.get(&id).is_some_and(|session| session.phase == Phase::Connecting) {
            self.ask_for_hashes(id);
        }
    }

    /// Asks one that has begun, and has not said what it holds: a client that starts does, but there are those that only
    /// load, after a pull that was cut off. Such a one may have made edits meanwhile that it has not sent.
    pub(super) fn request_hashes_after_load(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match session.phase {
            Phase::Loading { reminded_ms: None } => {
                session.phase = Phase::Loading { reminded_ms: Some(now_ms) };
                self.ask_for_hashes(id);
                self.wait_for_load(id);
            }
            Phase::Loading { reminded_ms: Some(_) } => self.on_load_ended(id),
            Phase::Connecting | Phase::Synced => {}
        }
    }

    /// Answers a client's question, or hears what it holds.
    pub(super) fn on_request(&mut self, from: ConnectionId, id: &RequestId, body: &Body) -> Result<(), WireError> {
        match body {
            Body::GetContentHashes => {
                self.commit();
                self.on_load_started(from);
                self.answer(from, id, &|store, _| Answer {
                    text: hashes_text(store.content_hashes()),
                    owed: Vec::new(),
                })
            }
            Body::GetTableDiff(theirs) => self.answer_question(from, id, MessageType::GetTableDiff, theirs),
            Body::GetRowDiff(theirs) => self.answer_question(from, id, MessageType::GetRowDiff, theirs),
            Body::GetCellDiff(theirs) => self.answer_question(from, id, MessageType::GetCellDiff, theirs),
            Body::GetValueDiff(theirs) => self.answer_question(from, id, MessageType::GetValueDiff, theirs),
            Body::ContentHashes(theirs) => {
                self.commit();
                self.on_load_ended(from);
                self.on_content_hashes(from, *theirs, false);
                Ok(())
            }
            Body::ContentDiff(_) | Body::Response(_) | Body::Long(_) => Ok(()),
        }
    }

    /// Answers a question of one of the types 4 to 7.
    pub(super) fn answer_question(
        &mut self,
        from: ConnectionId,
        id: &RequestId,
        type_: MessageType,
        theirs: &HashTree,
    ) -> Result<(), WireError> {
        self.answer(from, id, &|store, limits| match type_ {
            MessageType::GetTableDiff => store.table_diff(theirs, limits),
            MessageType::GetRowDiff => store.row_diff(theirs, limits),
            MessageType::GetCellDiff => store.cell_diff(theirs, limits),
            _ => store.value_diff(theirs, limits),
        })
    }

    /// Answers a client's question with what is found for it, up to the limits, and sends the rest as changes.
    fn answer(
        &mut self,
        from: ConnectionId,
        id: &RequestId,
        find: &dyn Fn(&Store, AnswerLimits) -> Answer,
    ) -> Result<(), WireError> {
        self.commit();
        let loads = self.sessions.get(&from).is_some_and(|session| session.may_load());
        let bytes = if loads { self.settings.load_answer_bytes } else { self.settings.answer_bytes };
        let limits = AnswerLimits { bytes: bytes.min(self.room_for_answer(from)), until_ms: self.until_ms() };
        let answer = find(&self.store, limits);
        self.remind_later(from);
        self.debit_work(from, answer.text.len())?;
        self.send(from, id, MessageType::Response, &answer.text);
        if !answer.owed.is_empty() {
            self.defer(from, answer.owed);
            self.ask_after_backlog(from);
        }
        Ok(())
    }

    /// Goes on with a comparison by a client's answer. One that the room cannot have asked for is let pass: it may have come
    /// too late.
    pub(super) fn on_response(
        &mut self,
        from: ConnectionId,
        id: &RequestId,
        response: Response,
        bytes: usize,
    ) -> Result<(), WireError> {
        let Some(token) = RequestToken::of(id) else { return Ok(()) };
        let (brought, theirs) = match (token.step, response) {
            (Step::Probe, _) => {
                self.on_ack(from, token);
                return Ok(());
            }
            (Step::Hashes, Response::ContentHashes(theirs)) => {
                self.commit();
                match self.sessions.get(&from).map(|session| session.phase) {
                    // It is in the middle of a load, and drops changes; it will say what it holds when that is over.
                    Some(Phase::Loading { reminded_ms: None }) => {}
                    _ => {
                        self.on_load_ended(from);
                        self.on_content_hashes(from, theirs, true);
                    }
                }
                return Ok(());
            }
            (Step::Tables | Step::Rows, Response::Difference(new, theirs)) => (new, theirs),
            (Step::Cells, Response::Tables(theirs)) => (theirs, HashTree::default()),
            (Step::Cells, Response::Empty(hlc)) => {
                let won = self.apply(from, &Changes::of_tables_hlc(hlc), None);
                self.commit();
                self.on_compared(from, won, Vec::new());
                return Ok(());
            }
            (Step::Values | Step::DifferingValues, Response::Values(theirs)) => (theirs, HashTree::default()),
            (Step::Values | Step::DifferingValues, Response::Empty(hlc)) => {
                (Changes::of_values_hlc(hlc), HashTree::default())
            }
            (Step::Hashes, _) => return Err(WireError::Answer { expected: "content hashes" }),
            (Step::Tables | Step::Rows, _) => return Err(WireError::Answer { expected: "a stamp and hashes" }),
            (Step::Cells, _) => return Err(WireError::Answer { expected: "a stamp of tables" }),
            (Step::Values | Step::DifferingValues, _) => {
                return Err(WireError::Answer { expected: "a stamp of values" });
            }
        };
        let mut shown = ShownBy::answer(token.step, theirs, &self.store);
        let won = self.apply(from, &brought, None);
        shown.take(&self.store, &brought);
        self.commit();
        self.on_shown(from, token.step, shown, won, bytes);
        Ok(())
    }

    fn on_load_started(&mut self, from: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(&from) {
            session.phase = Phase::Loading { reminded_ms: None };
        }
    }

    fn on_load_ended(&mut self, from: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(&from) {
            session.phase = Phase::Synced;
            self.timers.stop_all_of(from);
            self.pursue_backlog(from);
        }
    }

    /// Gives who loads its time for the next question.
    fn remind_later(&mut self, from: ConnectionId) {
        let now_ms = self.now_ms();
        let Some(session) = self.sessions.get_mut(&from) else { return };
        if let Phase::Loading { reminded_ms } = &mut session.phase {
            match reminded_ms {
                None => self.timers.set(Timer::AfterLoad(from), now_ms + REMIND_AFTER_MS),
                Some(reminded_ms) => *reminded_ms = now_ms,
            }
            self.timers.set(Timer::AfterConnect(from), None::<u64>);
            self.wait_for_load(from);
        }
    }

    /// Takes who was asked what it holds, and has a backlog, to have loaded after a while.
    pub(super) fn wait_for_load(&mut self, id: ConnectionId) {
        let Some(session) = self.sessions.get(&id).filter(|session| !session.backlog.is_empty()) else { return };
        if let Phase::Loading { reminded_ms: Some(reminded_ms) } = session.phase {
            self.timers.set(Timer::AfterLoad(id), reminded_ms + LOADED_AFTER_MS);
        }
    }

    /// A client says what it holds. Nothing is pending.
    fn on_content_hashes(&mut self, from: ConnectionId, theirs: ContentHashes, was_asked: bool) {
        let (ours, now_ms) = (self.store.content_hashes(), self.now_ms());
        let Some(session) = self.sessions.get_mut(&from) else { return };
        let is_backlog = !session.backlog.is_empty();
        let next = session.conversation.on_content_hashes(theirs, ours, was_asked, is_backlog, now_ms);
        self.perform(from, next);
    }

    /// An answer has been merged and looked at, and what won has been kept.
    pub(super) fn on_shown(&mut self, from: ConnectionId, step: Step, shown: ShownBy, won: bool, bytes: usize) {
        match shown {
            ShownBy::Nothing => {}
            ShownBy::Tables(shown) => {
                let Comparison { lacking, differing } = shown.finish(&self.store);
                if let Some(session) = self.sessions.get_mut(&from) {
                    match step {
                        Step::Tables => session.tables_to_compare = differing.into(),
                        // Of a comparison that goes on there are none left: what nobody asked for does not pile up.
                        Step::Rows => session.rows_to_compare = differing.into(),
                        _ => session.on_cells(bytes),
                    }
                }
                self.on_compared(from, won, lacking);
            }
            ShownBy::Values(shown) => {
                let reported = self.sessions.get(&from).and_then(|session| session.conversation.reported());
                let lacking = match step {
                    Step::DifferingValues => {
                        shown.lacking_of_differing(&self.store, reported.map(|reported| reported.values))
                    }
                    _ => shown.lacking(&self.store),
                };
                self.note_step(from, won, lacking);
                self.end_comparison(from, true);
            }
        }
    }

    /// A step in the comparison of the tables is over.
    fn on_compared(&mut self, from: ConnectionId, won: bool, lacking: Vec<Range<Place>>) {
        self.note_step(from, won, lacking);
        self.compare_next(from);
    }

    fn note_step(&mut self, from: ConnectionId, won: bool, lacking: Vec<Range<Place>>) {
        let now_ms = self.now_ms();
        if let Some(session) = self.sessions.get_mut(&from) {
            session.conversation.on_step(won || !lacking.is_empty(), now_ms);
        }
        if !lacking.is_empty() {
            self.defer(from, lacking);
        }
    }

    /// Asks for the next part of what is to be compared: cells of rows that differ, rows of tables that do.
    fn compare_next(&mut self, with: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&with) else { return };
        if let Some(names) = self.store.cell_names(&mut session.rows_to_compare, session.compared_bytes) {
            self.ask(with, Step::Cells, &names);
        } else if let Some(names) = self.store.row_names(&mut session.tables_to_compare, MAX_TEXT_BYTES) {
            self.ask(with, Step::Rows, &names);
        } else {
            self.end_comparison(with, false);
        }
    }

    fn end_comparison(&mut self, with: ConnectionId, of_values: bool) {
        let ours = self.store.content_hashes();
        let Some(session) = self.sessions.get_mut(&with) else { return };
        let next = session.conversation.on_compared(of_values, ours);
        self.perform(with, next);
    }

    fn perform(&mut self, with: ConnectionId, next: Next) {
        match next {
            Next::Idle => {}
            Next::Compare { tables, values } => {
                if tables {
                    self.compare_tables(with);
                }
                if values {
                    self.compare_values(with);
                }
            }
            Next::AskHashes => self.ask_after_backlog(with),
        }
    }

    /// Of a client whose tables have the hash of nothing it is known what it lacks.
    fn compare_tables(&mut self, with: ConnectionId) {
        let reported = self.sessions.get(&with).and_then(|session| session.conversation.reported());
        if reported.is_some_and(|reported| reported.tables == 0) {
            self.note_step(with, false, vec![Place::ALL_TABLES]);
            self.end_comparison(with, false);
        } else {
            self.ask(with, Step::Tables, &self.store.table_names(MAX_TEXT_BYTES));
        }
    }

    fn compare_values(&mut self, with: ConnectionId) {
        let reported = self.sessions.get(&with).and_then(|session| session.conversation.reported());
        if reported.is_some_and(|reported| reported.values == 0) {
            self.note_step(with, false, vec![Place::ALL_VALUES]);
            self.end_comparison(with, true);
        } else if self.store.value_bytes() <= FEW_VALUES_BYTES {
            self.ask(with, Step::Values, "{}");
        } else {
            self.ask(with, Step::DifferingValues, &self.store.value_hashes(MAX_TEXT_BYTES));
        }
    }

    /// Asks a client what it holds when it has been sent what it lacks: now, if that has been done.
    fn ask_after_backlog(&mut self, id: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.backlog.is_empty() {
            self.ask_for_hashes(id);
        } else {
            session.asks_after_backlog = true;
        }
    }

    /// Asks a client what it holds, whatever was found out before.
    pub(super) fn ask_anew(&mut self, id: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.was_ignored = false;
            session.conversation.forget();
            self.ask_for_hashes(id);
        }
    }

    /// Asks a client what it holds. Whatever the room has merged is sent before, so that who answers with what the room held
    /// then is in step.
    pub(super) fn ask_for_hashes(&mut self, id: ConnectionId) {
        self.commit();
        let ours = self.store.content_hashes();
        if let Some(session) = self.sessions.get_mut(&id) {
            session.conversation.on_asked(ours);
            self.ask(id, Step::Hashes, "\"\"");
        }
    }

    /// Asks a client, at its own cost: it may have brought the question about.
    fn ask(&mut self, whom: ConnectionId, step: Step, payload: &str) {
        if let Err(error) = self.debit_work(whom, payload.len()) {
            return self.close(whom, &error);
        }
        let token = RequestToken::new(step, &mut self.random);
        self.send(whom, &token.request_id(), step.message_type(), payload);
    }
}
