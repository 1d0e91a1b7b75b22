//! Questions of clients, and answers to the room's own.

use super::{ConnectionId, Room};
use crate::store::{Answer, AnswerLimits, Changes, ContentHashes};
use crate::sync::{Next, PullId, Step};
use crate::wire::message::{RequestId, hashes_text};
use crate::wire::{Body, MAX_TEXT_BYTES, Message, MessageType, Response, WireError};

/// How long a client has to say what it holds after it has begun, in milliseconds.
const REMIND_AFTER_MS: u64 = 1000;

impl Room {
    /// Asks a new connection for its hashes, unless it has begun by itself. One whose socket was reconnected under its
    /// client does not, and would never learn what it missed.
    pub(super) fn greet(&mut self, id: ConnectionId) {
        if self.connections.get(&id).is_some_and(|connection| !connection.synced && !connection.loads) {
            self.ask(id, Step::Hashes, "\"\"");
        }
    }

    /// Asks one that has begun, and has not said what it holds: a client that starts does, but there are those that only
    /// load, after a pull that was cut off. Such a one may have made edits meanwhile that it has not sent.
    pub(super) fn remind(&mut self, id: ConnectionId) {
        if self.connections.get(&id).is_some_and(|connection| connection.loads) {
            self.ask(id, Step::Hashes, "\"\"");
        }
    }

    /// Answers a client's question, or hears what it holds.
    pub(super) fn request(&mut self, from: ConnectionId, message: &Message, now_ms: u64) -> Result<(), WireError> {
        self.flush(now_ms);
        let loads = self.connections.get(&from).is_some_and(|connection| connection.loads || !connection.synced);
        let limit = if loads { self.settings.load_answer_bytes } else { self.settings.answer_bytes };
        let limits = AnswerLimits { bytes: limit.min(self.bytes_to_spare(from)), ..AnswerLimits::whole() };
        let answer = match &message.body {
            Body::GetContentHashes => {
                self.begun(from, now_ms);
                Answer { text: hashes_text(self.store.content_hashes()), owed: Vec::new() }
            }
            Body::GetTableDiff(theirs) => self.store.table_diff(theirs, limits),
            Body::GetRowDiff(theirs) => self.store.row_diff(theirs, limits),
            Body::GetCellDiff(theirs) => self.store.cell_diff(theirs, limits),
            Body::GetValueDiff(theirs) => self.store.value_diff(theirs, limits),
            Body::ContentHashes(theirs) => {
                self.hear(from, *theirs, now_ms);
                return Ok(());
            }
            Body::ContentDiff(_) | Body::Response(_) => return Ok(()),
        };
        self.charge_answer(from, answer.text.len(), now_ms)?;
        self.send(from, &message.id, MessageType::Response, &answer.text);
        self.owe(from, answer.owed);
        Ok(())
    }

    /// Goes on with a pull by a client's answer. One that the room cannot have asked for is let pass: it may have come
    /// too late.
    pub(super) fn response(
        &mut self,
        from: ConnectionId,
        id: &RequestId,
        response: &Response,
        now_ms: u64,
    ) -> Result<(), WireError> {
        let Some(id) = PullId::of(id) else { return Ok(()) };
        match (id.step, response) {
            (Step::Hashes, Response::ContentHashes(theirs)) => {
                self.flush(now_ms);
                self.hear(from, *theirs, now_ms);
            }
            (Step::Tables, Response::Difference(new, differing)) => {
                self.take_in(from, new, None, now_ms)?;
                self.flush(now_ms);
                let hashes = self.store.row_hashes(differing);
                if !hashes.is_some_and(|hashes| self.ask(from, Step::Rows, &hashes)) {
                    self.pulled(from, id.step, now_ms);
                }
            }
            (Step::Rows, Response::Difference(new, differing)) => {
                self.take_in(from, new, None, now_ms)?;
                self.flush(now_ms);
                let hashes = self.store.cell_hashes(differing);
                if !hashes.is_some_and(|hashes| self.ask(from, Step::Cells, &hashes)) {
                    self.pulled(from, id.step, now_ms);
                }
            }
            (Step::Cells, Response::Tables(new)) | (Step::Values, Response::Values(new)) => {
                self.take_in(from, new, None, now_ms)?;
                self.pulled(from, id.step, now_ms);
            }
            (Step::Cells, Response::Empty(hlc)) => {
                self.take_in(from, &Changes::of_tables_hlc(*hlc), None, now_ms)?;
                self.pulled(from, id.step, now_ms);
            }
            (Step::Values, Response::Empty(hlc)) => {
                self.take_in(from, &Changes::of_values_hlc(*hlc), None, now_ms)?;
                self.pulled(from, id.step, now_ms);
            }
            (Step::Heard, _) => self.heard(from, id, now_ms),
            (Step::Hashes, _) => return Err(WireError::Answer { expected: "content hashes" }),
            (Step::Tables | Step::Rows, _) => return Err(WireError::Answer { expected: "a stamp and hashes" }),
            (Step::Cells, _) => return Err(WireError::Answer { expected: "a stamp of tables" }),
            (Step::Values, _) => return Err(WireError::Answer { expected: "a stamp of values" }),
        }
        Ok(())
    }

    fn begun(&mut self, from: ConnectionId, now_ms: u64) {
        let Some(connection) = self.connections.get_mut(&from) else { return };
        if !std::mem::replace(&mut connection.loads, true) {
            self.reminders.push_back((now_ms + REMIND_AFTER_MS, from));
        }
    }

    /// A client says what it holds. Nothing is pending.
    fn hear(&mut self, from: ConnectionId, theirs: ContentHashes, now_ms: u64) {
        let ours = self.store.content_hashes();
        let Some(connection) = self.connections.get_mut(&from) else { return };
        connection.synced = true;
        connection.loads = false;
        self.reminders.retain(|(_, id)| *id != from);
        if !connection.owed.is_empty() {
            // It lacks what it is about to get. Afterwards it is asked again.
            self.line_up(from);
            return;
        }
        let next = connection.peer.hashes(theirs, ours, now_ms);
        self.go_on(from, next);
    }

    fn pulled(&mut self, from: ConnectionId, step: Step, now_ms: u64) {
        self.flush(now_ms);
        let ours = self.store.content_hashes();
        let Some(connection) = self.connections.get_mut(&from) else { return };
        let next = connection.peer.merged(step, ours, now_ms);
        self.go_on(from, next);
    }

    pub(super) fn go_on(&mut self, with: ConnectionId, next: Next) {
        match next {
            Next::Rest => {}
            Next::Pull { tables, values } => {
                if tables {
                    self.ask(with, Step::Tables, &self.store.table_hashes());
                }
                if values {
                    self.ask(with, Step::Values, &self.store.value_hashes());
                }
            }
            Next::Ask => {
                self.ask(with, Step::Hashes, "\"\"");
            }
            Next::Tell => {
                let hashes = hashes_text(self.store.content_hashes());
                self.send(with, &RequestId(None), MessageType::ContentHashes, &hashes);
            }
        }
    }

    /// Asks a client, at its own cost: it may have brought the question about. One longer than any client reads is not asked:
    /// the pull ends there, with what it has brought.
    pub(super) fn ask(&mut self, whom: ConnectionId, step: Step, payload: &str) -> bool {
        if payload.len() >= MAX_TEXT_BYTES {
            return false;
        }
        if let Err(error) = self.charge_answer(whom, payload.len(), self.now_ms) {
            self.close(whom, &error);
            return true;
        }
        let id = PullId::new(step, &mut self.random);
        let type_ = match step {
            Step::Hashes => MessageType::GetContentHashes,
            Step::Tables => MessageType::GetTableDiff,
            Step::Rows => MessageType::GetRowDiff,
            Step::Cells | Step::Heard => MessageType::GetCellDiff,
            Step::Values => MessageType::GetValueDiff,
        };
        self.send(whom, &id.request_id(), type_, payload);
        true
    }
}
