//! Backpressure: what one client may take of the room, and leave lying in it.
//!
//! *Reading.* A socket takes what it is sent and keeps it until the client has read it, and does not say how much that is.
//! So the room counts what it has sent since it last heard from the client, and asks a question now and then that costs
//! next to nothing to answer: a `GetCellDiff` about no cell. A client that reads answers it. One that has not for
//! [`PATIENCE_MS`], and leaves [`MAX_UNHEARD_BYTES`] unread, is closed, as is one that leaves twice that in less time; and
//! where all together leave
//! [`MAX_TOTAL_UNHEARD_BYTES`], so is the one among the silent that leaves most.
//!
//! *Writing.* What a client sends, and what it asks for, is charged to it in bytes. [`BURST_BYTES`] are free at once, to
//! move in with a large document, and [`BYTES_PER_SECOND`] ever after: far more than the busiest app needs.

use super::{ConnectionId, Room};
use crate::sync::Step;
use crate::wire::WireError;

/// How much may be sent to a client that is not heard of, in bytes: one long answer, and what comes after it.
pub const MAX_UNHEARD_BYTES: usize = 24 << 20;
/// How much may be sent in all to clients that are not heard of, in bytes.
pub const MAX_TOTAL_UNHEARD_BYTES: usize = 96 << 20;
/// How long a client may take to be heard of, in milliseconds.
pub const PATIENCE_MS: u64 = 2000;
/// How far ahead of a client the room goes in sending what it is owed, in bytes.
const MAX_AHEAD_BYTES: usize = 4 << 20;
/// After how many bytes a client is asked to be heard of, at most and at least; in between it is a share of the total.
const ASK_AFTER_BYTES: (usize, usize) = (16 << 10, 1 << 20);

/// What a client may send and ask for at once, in bytes.
pub const BURST_BYTES: u64 = 256 << 20;
/// What it may send and ask for each second ever after.
pub const BYTES_PER_SECOND: u64 = 8 << 20;
/// What a message is charged beside its bytes.
const MESSAGE_BYTES: u64 = 128;

/// One client's account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    /// What it was sent since it was last heard of, in bytes.
    unheard_bytes: usize,
    /// When it was asked to be heard of, and has not been since.
    asked_ms: Option<u64>,
    /// What it was charged and has not paid off by waiting, in bytes.
    charged_bytes: u64,
    charged_ms: u64,
}

impl Flow {
    fn is_silent(&self, now_ms: u64) -> bool {
        self.asked_ms.is_some_and(|asked_ms| now_ms >= asked_ms + PATIENCE_MS)
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
    /// Hears of a client, and charges what it sent.
    pub(super) fn hear_of(&mut self, from: ConnectionId, bytes: usize, now_ms: u64) -> Result<(), WireError> {
        let Some(connection) = self.connections.get_mut(&from) else { return Ok(()) };
        self.unheard_bytes -= connection.flow.unheard_bytes;
        connection.flow.unheard_bytes = 0;
        connection.flow.asked_ms = None;
        let charged = connection.flow.charge(bytes as u64 + MESSAGE_BYTES, now_ms);
        if connection.synced && !connection.owed.is_empty() {
            self.line_up(from);
        }
        charged
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

    /// Notes that all but one are sent something.
    pub(super) fn note_broadcast(&mut self, except: Option<ConnectionId>, bytes: usize) {
        let ask_after = self.ask_after_bytes();
        let mut unheard = Vec::new();
        for (&id, connection) in &mut self.connections {
            if Some(id) != except {
                connection.flow.unheard_bytes += bytes;
                self.unheard_bytes += bytes;
                if connection.flow.unheard_bytes > ask_after {
                    unheard.push(id);
                }
            }
        }
        unheard.into_iter().for_each(|id| self.watch(id));
    }

    /// Whether a client has read enough to be sent more of what it is owed.
    pub(super) fn keeps_up(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|connection| connection.flow.unheard_bytes < MAX_AHEAD_BYTES)
    }

    fn watch(&mut self, id: ConnectionId) {
        let ask_after = self.ask_after_bytes();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let flow = &mut connection.flow;
        let limit = if flow.is_silent(self.now_ms) { MAX_UNHEARD_BYTES } else { 2 * MAX_UNHEARD_BYTES };
        if flow.unheard_bytes > limit {
            let found = flow.unheard_bytes;
            self.close(id, &WireError::Limit { what: "unread", limit, found });
        } else if flow.unheard_bytes > ask_after && flow.asked_ms.is_none() {
            flow.asked_ms = Some(self.now_ms);
            self.ask(id, Step::Heard, "{}");
        }
        if self.unheard_bytes > MAX_TOTAL_UNHEARD_BYTES {
            self.close_slowest();
        }
    }

    fn ask_after_bytes(&self) -> usize {
        let (least, most) = ASK_AFTER_BYTES;
        (MAX_TOTAL_UNHEARD_BYTES / 4 / self.connections.len().max(1)).clamp(least, most)
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
