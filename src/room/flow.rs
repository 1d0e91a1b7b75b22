//! Backpressure: what one client may take of the room, and leave lying in it.
//!
//! *Reading.* A socket takes what it is sent and keeps it until the client has read it, and does not say how much that is.
//! So the room counts what it sends, and asks a question now and then that costs next to nothing to answer: a
//! `GetCellDiff` about no cell, with an id that only whoever reads it can know. The answer tells that all before the
//! question was read. (Whatever else a client says tells nothing: it may write and not read.) Such a question goes with
//! whatever leaves something owed: if the room is evicted and forgets that, the answer has it tell the client its hashes.
//!
//! A client that has more than its [share](Room::share_bytes) unread is *left behind*: it is sent no more changes, so that
//! one slow reader costs the room a bounded amount, and its patience. Once it has read enough it is told the room's
//! hashes, and pulls what it missed.
//!
//! While all together have [`MAX_TOTAL_UNHEARD_BYTES`] unread, a client that asks gets little of its answer at once and the
//! rest as it reads, and a large change goes to those for whom there is room: the others are left behind. So a crowd that
//! opens a large document at once takes no more memory than that, a share for each, and time.
//!
//! One that has not answered for [`PATIENCE_MS`] is closed if it is behind or leaves [`MAX_UNHEARD_BYTES`] of answers
//! unread; one that leaves twice that, at once; and where all together leave [`MAX_TOTAL_UNHEARD_BYTES`], the one among
//! the silent that leaves most.
//!
//! *Writing.* What a client sends, and what it asks for, is charged to it in bytes. [`BURST_BYTES`] are free at once, to
//! move in with a large document, and [`BYTES_PER_SECOND`] ever after: far more than the busiest app needs.
//!
//! *Letting others in.* Frames that lie ready are handed to a room one after the other, and while there are some, no timer
//! goes off and no other socket is read: a client that sends faster than the room takes it in would have it to itself. So
//! after [`TURN_BYTES`] without a timer, if they come fast, the room [pauses](super::Output::Pause) for a moment. Whoever
//! sent them is charged [`MESSAGE_BYTES`] more for each; who now and then waits for what it sent to come back is never in
//! such a hurry.

use super::{Connection, ConnectionId, Output, Room};
use crate::sync::{Next, PullId, Step};
use crate::wire::{MessageType, WireError};

/// How much may be sent to a client that does not say that it reads, in bytes: one long answer, and what comes after it.
pub const MAX_UNHEARD_BYTES: usize = 24 << 20;
/// How much may lie unread by all of them together, in bytes, before the silent among them are closed.
pub const MAX_TOTAL_UNHEARD_BYTES: usize = 96 << 20;
/// How long a client may take to answer, in milliseconds.
pub const PATIENCE_MS: u64 = 10_000;
/// How much of changes one client may have unread, in bytes, at least and at most; in between it is its part of the
/// total.
const SHARE_BYTES: (usize, usize) = (256 << 10, 8 << 20);
/// How far ahead of a client the room goes in sending what it is owed, in bytes.
const MAX_AHEAD_BYTES: usize = 4 << 20;
/// After how many bytes a client is asked whether it reads, at least and at most; in between it is a quarter of its part
/// of the total.
const ASK_AFTER_BYTES: (usize, usize) = (16 << 10, 1 << 20);

/// What a client may send and ask for at once, in bytes.
pub const BURST_BYTES: u64 = 256 << 20;
/// What it may send and ask for each second ever after.
pub const BYTES_PER_SECOND: u64 = 8 << 20;
/// What a message is charged beside its bytes where the room had to pause: reading it, and relaying what is in it, costs
/// about as much as that many bytes do.
pub const MESSAGE_BYTES: u64 = 1 << 10;
/// How much the room takes in without a pause, in bytes, with [`MESSAGE_BYTES`] for each message: some milliseconds' work.
const TURN_BYTES: u64 = 1 << 20;
/// In how many milliseconds: where it takes longer to come, there is time for others in between.
const TURN_MS: u64 = 250;

/// One client's account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    /// What it was sent and has not said that it read, in bytes.
    unheard_bytes: usize,
    /// The question that it has not answered yet.
    asked: Option<Asked>,
    /// Whether it is sent no changes until it has read more.
    behind: bool,
    /// What it was charged and has not paid off by waiting, in bytes.
    charged_bytes: u64,
    charged_ms: u64,
    /// How many messages it has sent since the room paused last or a timer went off, if that was this turn.
    messages: u64,
    turn: u64,
}

/// What the room has taken in since it paused last, or a timer went off, or nothing of the kind was called for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    number: u64,
    since_ms: u64,
    bytes: u64,
}

impl Turn {
    /// Begins the next.
    pub fn pass(&mut self, now_ms: u64) {
        *self = Self { number: self.number + 1, since_ms: now_ms, bytes: 0 };
    }

    fn is_over(&self, now_ms: u64) -> bool {
        !(self.since_ms..self.since_ms + TURN_MS).contains(&now_ms)
    }
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    id: PullId,
    at_ms: u64,
    /// What it was sent before, in bytes.
    behind_bytes: usize,
}

impl Flow {
    /// Begins to count anew, after what was sent last, and asked with it, may not have gone out.
    pub fn start_over(&mut self) {
        *self = Self { charged_bytes: self.charged_bytes, charged_ms: self.charged_ms, ..Self::default() };
    }

    fn is_silent(&self, now_ms: u64) -> bool {
        self.asked.is_some_and(|asked| now_ms >= asked.at_ms + PATIENCE_MS)
    }

    fn charge(&mut self, bytes: u64, now_ms: u64) -> Result<(), WireError> {
        let waited_ms = now_ms.saturating_sub(self.charged_ms);
        self.charged_ms = now_ms;
        self.charged_bytes =
            self.charged_bytes.saturating_sub(waited_ms.saturating_mul(BYTES_PER_SECOND) / 1000) + bytes;
        if self.charged_bytes > BURST_BYTES {
            let (limit, found) = (BURST_BYTES as usize, self.charged_bytes as usize);
            return Err(WireError::Limit { what: "rate", limit, found });
        }
        Ok(())
    }
}

impl Room {
    /// Charges what a client sent.
    pub(super) fn charge_message(&mut self, from: ConnectionId, bytes: usize, now_ms: u64) -> Result<(), WireError> {
        if self.turn.is_over(now_ms) {
            self.turn.pass(now_ms);
        } else if self.turn.bytes > TURN_BYTES {
            self.pause(now_ms);
        }
        let bytes = bytes as u64;
        self.turn.bytes += bytes + MESSAGE_BYTES;
        let Some(connection) = self.connections.get_mut(&from) else { return Ok(()) };
        let flow = &mut connection.flow;
        flow.messages = if flow.turn == self.turn.number { flow.messages + 1 } else { 1 };
        flow.turn = self.turn.number;
        flow.charge(bytes, now_ms)
    }

    /// Lets others in, at the cost of those who did not.
    fn pause(&mut self, now_ms: u64) {
        self.outputs.push_back(Output::Pause);
        let turn = self.turn.number;
        let hurried = self.connections.iter_mut().filter(|(_, connection)| connection.flow.turn == turn);
        let charged =
            hurried.map(|(&id, Connection { flow, .. })| (id, flow.charge(flow.messages * MESSAGE_BYTES, now_ms)));
        let closed: Vec<_> = charged.filter_map(|(id, charged)| Some((id, charged.err()?))).collect();
        closed.iter().for_each(|(id, error)| self.close(*id, error));
        self.turn.pass(now_ms);
    }

    /// Charges what a client was sent because it asked.
    pub(super) fn charge_answer(&mut self, to: ConnectionId, bytes: usize, now_ms: u64) -> Result<(), WireError> {
        self.connections.get_mut(&to).map_or(Ok(()), |connection| connection.flow.charge(bytes as u64, now_ms))
    }

    /// Notes that a client is sent something.
    pub(super) fn note_sent(&mut self, to: ConnectionId, bytes: usize) {
        let Some(connection) = self.connections.get_mut(&to) else { return };
        connection.flow.unheard_bytes += bytes;
        self.unheard_bytes += bytes;
        self.watch(to);
    }

    /// Notes that all but an author are to be sent something. Answers who must not be: the author, and whoever is behind.
    pub(super) fn note_broadcast(&mut self, author: Option<ConnectionId>, bytes: usize) -> Vec<ConnectionId> {
        let (share, is_large) = (self.share_bytes(), bytes > self.ask_after_bytes());
        let mut except = Vec::from_iter(author);
        for (&id, Connection { flow, .. }) in &mut self.connections {
            if Some(id) == author {
                continue;
            }
            flow.behind |=
                flow.unheard_bytes > share || is_large && self.unheard_bytes + bytes > MAX_TOTAL_UNHEARD_BYTES;
            if flow.behind {
                except.push(id);
            } else {
                flow.unheard_bytes += bytes;
                self.unheard_bytes += bytes;
            }
        }
        except
    }

    /// Asks whoever has been sent much, and closes whoever has been asked for long.
    pub(super) fn watch_all(&mut self) {
        let ask_after = self.ask_after_bytes();
        let due = |flow: &Flow| flow.unheard_bytes > ask_after || flow.behind;
        let unheard = self.connections.iter().filter(|(_, connection)| due(&connection.flow));
        let unheard: Vec<_> = unheard.map(|(&id, _)| id).collect();
        unheard.into_iter().for_each(|id| self.watch(id));
    }

    /// A client answers the question whether it reads.
    pub(super) fn heard(&mut self, from: ConnectionId, id: PullId, now_ms: u64) {
        let ask_after = self.ask_after_bytes();
        let Some(connection) = self.connections.get_mut(&from) else { return };
        let flow = &mut connection.flow;
        let read_bytes = match flow.asked.take_if(|asked| asked.id == id) {
            Some(asked) => asked.behind_bytes,
            None if flow.asked.is_some() => return,
            // The room was evicted since it asked, and has forgotten whether it left the client behind.
            None => {
                flow.behind = true;
                0
            }
        };
        flow.unheard_bytes -= read_bytes;
        self.unheard_bytes -= read_bytes;
        let brought_up = flow.behind && flow.unheard_bytes <= ask_after;
        flow.behind &= !brought_up;
        if connection.synced && !connection.owed.is_empty() {
            self.line_up(from);
        }
        if brought_up {
            self.flush(now_ms);
            self.go_on(from, Next::Tell);
        } else {
            self.watch(from);
        }
    }

    /// Whether a client has read enough to be sent more of what it is owed.
    pub(super) fn keeps_up(&self, id: ConnectionId) -> bool {
        let ahead = if self.bytes_left() > 0 { MAX_AHEAD_BYTES } else { self.ask_after_bytes() };
        self.connections.get(&id).is_some_and(|connection| connection.flow.unheard_bytes <= ahead)
    }

    /// How much may be sent to a client at once, in bytes: what is left of the total, and a little to one that reads even
    /// where nothing is.
    pub(super) fn bytes_to_spare(&self, id: ConnectionId) -> usize {
        let reads =
            self.connections.get(&id).is_some_and(|connection| connection.flow.unheard_bytes <= self.share_bytes());
        self.bytes_left().max(if reads { self.ask_after_bytes() } else { 0 })
    }

    fn bytes_left(&self) -> usize {
        MAX_TOTAL_UNHEARD_BYTES.saturating_sub(self.unheard_bytes)
    }

    /// Asks whoever has been sent much whether it reads, and closes whoever leaves too much unread.
    pub(super) fn watch(&mut self, id: ConnectionId) {
        let (ask_after, share) = (self.ask_after_bytes(), self.share_bytes());
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let flow = &mut connection.flow;
        let found = flow.unheard_bytes;
        let limit = match flow.is_silent(self.now_ms) {
            true if flow.behind => share,
            true => MAX_UNHEARD_BYTES,
            false => 2 * MAX_UNHEARD_BYTES,
        };
        if found > limit {
            self.close(id, &WireError::Limit { what: "unread", limit, found });
        } else if found > ask_after || flow.behind {
            self.ask_whether_it_reads(id);
        }
        if self.unheard_bytes > MAX_TOTAL_UNHEARD_BYTES {
            self.close_slowest();
        }
    }

    /// Asks a client whether it reads, unless it has not answered yet.
    pub(super) fn ask_whether_it_reads(&mut self, id: ConnectionId) {
        let Some(Connection { flow, .. }) = self.connections.get_mut(&id) else { return };
        if flow.asked.is_none() {
            let question = PullId::new(Step::Heard, &mut self.random);
            flow.asked = Some(Asked { id: question, at_ms: self.now_ms, behind_bytes: flow.unheard_bytes });
            self.send(id, &question.request_id(), MessageType::GetCellDiff, "{}");
        }
    }

    fn ask_after_bytes(&self) -> usize {
        self.part_of_total(4, ASK_AFTER_BYTES)
    }

    /// How much of changes each client may have unread, in bytes.
    fn share_bytes(&self) -> usize {
        self.part_of_total(1, SHARE_BYTES)
    }

    fn part_of_total(&self, parts: usize, (least, most): (usize, usize)) -> usize {
        (MAX_TOTAL_UNHEARD_BYTES / parts / self.connections.len().max(1)).clamp(least, most)
    }

    /// Forgets a client that is gone.
    pub(super) fn forget(&mut self, id: ConnectionId) -> bool {
        let gone = self.connections.swap_remove(&id);
        self.unheard_bytes -= gone.as_ref().map_or(0, |gone| gone.flow.unheard_bytes);
        gone.is_some()
    }

    fn close_slowest(&mut self) {
        let silent = self.connections.iter().filter(|(_, connection)| connection.flow.is_silent(self.now_ms));
        if let Some((&id, connection)) = silent.max_by_key(|(_, connection)| connection.flow.unheard_bytes) {
            let (limit, found) = (MAX_TOTAL_UNHEARD_BYTES, connection.flow.unheard_bytes);
            self.close(id, &WireError::Limit { what: "unread", limit, found });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST_BYTES, BYTES_PER_SECOND, Flow};

    #[test]
    fn what_is_charged_is_paid_off_by_waiting() {
        let mut flow = Flow::default();
        assert!(flow.charge(BURST_BYTES, 0).is_ok());
        assert!(flow.charge(1, 0).is_err());
        let mut flow = Flow::default();
        assert!(flow.charge(BURST_BYTES, 0).is_ok());
        assert!(flow.charge(BYTES_PER_SECOND, 1000).is_ok());
        assert!(flow.charge(1, 1000).is_err());
    }
}
