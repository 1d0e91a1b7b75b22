//! Those who read the content, and are no connections.
//!
//! Each reads a snapshot, in as many parts as it has room for. What they read is debited to one account for all of them, by
//! the length of the text, and whoever finds it overdrawn has to come back later. Who takes nothing for
//! [`READER_SILENCE_MS`] is given up, as everybody is when the content is loaded anew: then the snapshot is not there any
//! more.

use super::Room;
use super::meter::Rate;
use crate::store::SnapshotId;

/// How long a reader may take nothing, in milliseconds.
pub const READER_SILENCE_MS: u64 = 60_000;
/// About how long a part is, in bytes.
const PART_BYTES: usize = 128 << 10;

/// The readers have taken more than they may. It can be tried again after so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

impl Room {
    /// Debits the readers with the whole content.
    pub fn debit_readers(&mut self) -> Result<(), RetryAfter> {
        let mut account = self.readers;
        let debited = account.debit(self.store.text_bytes() as u64, self.now_ms(), Rate::DEFAULT);
        debited.map_err(|by| RetryAfter((by.debt_bytes - by.rate.burst_bytes).div_ceil(by.rate.bytes_per_s)))?;
        self.readers = account;
        Ok(())
    }

    /// Begins to read the content as it is now.
    pub fn open_reader(&mut self) -> SnapshotId {
        let reader = SnapshotId(self.random.u64(..));
        self.store.open_snapshot(reader, self.now_ms() + READER_SILENCE_MS);
        self.set_timers();
        reader
    }

    /// Writes the next part, with what `out` holds already, and answers whether it is the last; nothing where the reader has
    /// been given up.
    pub fn read_on(&mut self, reader: SnapshotId, out: &mut String, now_ms: u64) -> Option<bool> {
        self.clock.advance(now_ms);
        let is_last = self.store.read_snapshot(reader, self.now_ms() + READER_SILENCE_MS, out, PART_BYTES);
        self.set_timers();
        is_last
    }

    /// Lets a reader go.
    pub fn close_reader(&mut self, reader: SnapshotId) {
        self.store.close_snapshot(reader);
        self.set_timers();
    }

    /// Whether a reader has neither come to the end nor been given up.
    pub fn has_reader(&self, reader: SnapshotId) -> bool {
        self.store.has_snapshot(reader)
    }
}
