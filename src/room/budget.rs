//! What all clients of a room together may take of it.
//!
//! *Unread.* All that is sent and not acknowledged lies in the runtime's memory, which the rooms of an isolate share. While
//! it comes to [`MAX_UNACKED_BYTES`], a client that asks gets little of its answer at once and the rest as it reads, and
//! changes are deferred. So a crowd that opens a large document at once takes no more memory than that, a share for each,
//! and time.
//!
//! *Letting others in.* Frames that lie ready are handed to a room one after the other, and while there are some, no timer
//! goes off and no other socket is read: a client that sends faster than the room takes it in would have it to itself. So
//! after a *slice* of [`SLICE_BYTES`] of work without a timer, if they come fast, the room pauses for a moment. Work is what
//! comes in, what is answered or asked, and what is looked at for it ([`LOOK_BYTES`]). Whoever sent the messages is debited
//! [`MESSAGE_BYTES`] more for each; who now and then waits for what it sent to come back is never in such a hurry.

/// How much may be unacknowledged by all of them together, in bytes.
pub const MAX_UNACKED_BYTES: usize = 96 << 20;
/// How much of changes one client may have unacknowledged, in bytes, at least and at most; in between it is its part of the
/// total.
const SHARE_BYTES: (usize, usize) = (256 << 10, 4 << 20);
/// What one client may leave unacknowledged, in bytes: as long as it reads, and when it has been silent for long.
pub const MAX_CLIENT_BYTES: (usize, usize) = (48 << 20, 8 << 20);
/// In a room of so many clients a probe for each comes once in a while of so many milliseconds; in a larger one less often.
const PROBES: (u64, u64) = (125, 500);

/// What a message is debited beside its bytes where the room had to pause: reading it, and relaying what is in it, costs
/// about as much as that many bytes do.
pub const MESSAGE_BYTES: u64 = 1 << 10;
/// What a table, row, cell or value that the room looks at is debited: a short question, or an answer that nobody asked for,
/// may have it look at all it holds.
pub const LOOK_BYTES: u64 = 4;
/// How much the room takes in without a pause, in bytes, with [`MESSAGE_BYTES`] for each message: some milliseconds' work.
const SLICE_BYTES: u64 = 1 << 20;
/// In how many milliseconds: where it takes longer to come, there is time for others in between.
const SLICE_MS: u64 = 250;

/// The account of a room.
#[derive(Debug, Default)]
pub(super) struct Budget {
    unacked_bytes: usize,
    slice: Slice,
}

/// What the room has taken in since it paused last, or a timer went off, or nothing of the kind was called for.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    number: u64,
    since_ms: u64,
    bytes: u64,
}

impl Budget {
    /// Notes that something is sent.
    pub fn on_sent(&mut self, bytes: usize) {
        self.unacked_bytes += bytes;
    }

    /// Notes that something is acknowledged, or that whoever was sent it is gone.
    pub fn on_acked(&mut self, bytes: usize) {
        self.unacked_bytes -= bytes;
    }

    /// Notes that nobody is owed an acknowledgement any more.
    pub fn forget_unacked(&mut self) {
        self.unacked_bytes = 0;
    }

    /// How much may still be sent, in bytes.
    pub fn bytes_left(&self) -> usize {
        MAX_UNACKED_BYTES.saturating_sub(self.unacked_bytes)
    }

    /// Whether more is unacknowledged than may be.
    pub fn is_overdrawn(&self) -> bool {
        self.unacked_bytes > MAX_UNACKED_BYTES
    }

    /// Whether the room is to pause before the next message.
    pub fn is_pause_due(&mut self, now_ms: u64) -> bool {
        if !(self.slice.since_ms..self.slice.since_ms + SLICE_MS).contains(&now_ms) {
            self.next_slice(now_ms);
        }
        self.slice.bytes > SLICE_BYTES
    }

    /// Notes that a message came.
    pub fn on_message(&mut self, bytes: usize) {
        self.on_work(bytes as u64 + MESSAGE_BYTES);
    }

    /// Notes what was done for one.
    pub fn on_work(&mut self, bytes: u64) {
        self.slice.bytes += bytes;
    }

    /// Begins the next slice.
    pub fn next_slice(&mut self, now_ms: u64) {
        self.slice = Slice { number: self.slice.number + 1, since_ms: now_ms, bytes: 0 };
    }

    /// The number of the slice.
    pub fn slice(&self) -> u64 {
        self.slice.number
    }
}

/// How much of changes each of so many clients may have unacknowledged, in bytes.
pub(super) fn share_bytes(clients: usize) -> usize {
    (MAX_UNACKED_BYTES / clients.max(1)).clamp(SHARE_BYTES.0, SHARE_BYTES.1)
}

/// How often at most each of so many clients is probed for the time alone, in milliseconds.
pub(super) fn probe_interval_ms(clients: usize) -> u64 {
    PROBES.1 * (clients as u64).max(PROBES.0) / PROBES.0
}
