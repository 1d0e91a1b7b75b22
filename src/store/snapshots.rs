//! The snapshots of a store that are being read.

use super::ids::Ids;
use super::row::Row;
use super::snapshot::Snapshot;
use super::{Place, Store};

/// How many there are at most: one more, and the oldest ends.
const MAX_OPEN: usize = 8;
/// What all of them may keep of what changes, in bytes, each its share: one that would keep more ends.
const MAX_KEPT_BYTES: usize = 8 << 20;

/// Stands for a snapshot that is being read: no other has the same number, nor had one of the same room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotId(pub u64);

/// Those that are being read, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Snapshots(Vec<Reading>);

#[derive(Debug)]
struct Reading {
    id: SnapshotId,
    until_ms: u64,
    snapshot: Snapshot,
}

impl Snapshots {
    /// The row that begins at `first` may be about to change.
    #[inline]
    pub fn before_change(&mut self, first: Place, row: &Row, ids: &Ids) {
        if !self.0.is_empty() {
            self.keep(first, row, ids);
        }
    }

    #[cold]
    fn keep(&mut self, first: Place, row: &Row, ids: &Ids) {
        let share = MAX_KEPT_BYTES / self.0.len().max(1);
        self.0.retain_mut(|reading| reading.snapshot.keep(first, row, ids, share));
    }
}

impl Store {
    /// Takes a snapshot of the content as it is now, which is there until some time.
    pub fn open_snapshot(&mut self, id: SnapshotId, until_ms: u64) {
        if self.snapshots.0.len() == MAX_OPEN {
            self.snapshots.0.remove(0);
        }
        self.snapshots.0.push(Reading { id, until_ms, snapshot: Snapshot::of(self) });
    }

    /// Whether a snapshot is there still. It goes when it is read to its end or closed, when its time is over, and before it
    /// would keep too much of what changes.
    pub fn has_snapshot(&self, id: SnapshotId) -> bool {
        self.snapshots.0.iter().any(|reading| reading.id == id)
    }

    /// Writes on at a snapshot until `out` is about as long as `limit`, longer where a row has changed meanwhile, and lets it
    /// be there until another time. Answers whether that was the last of it; nothing where it is not there any more.
    pub fn read_snapshot(&mut self, id: SnapshotId, until_ms: u64, out: &mut String, limit: usize) -> Option<bool> {
        let mut snapshots = std::mem::take(&mut self.snapshots);
        let reading = snapshots.0.iter_mut().find(|reading| reading.id == id);
        let is_last = reading.map(|reading| {
            reading.until_ms = until_ms;
            reading.snapshot.write(self, out, limit)
        });
        self.snapshots = snapshots;
        if is_last == Some(true) {
            self.close_snapshot(id);
        }
        is_last
    }

    /// Lets go of a snapshot.
    pub fn close_snapshot(&mut self, id: SnapshotId) {
        self.snapshots.0.retain(|reading| reading.id != id);
    }

    /// Lets go of the snapshots whose time is over.
    pub fn close_snapshots(&mut self, now_ms: u64) {
        self.snapshots.0.retain(|reading| reading.until_ms > now_ms);
    }

    /// When the time of the first of them is over.
    pub fn snapshots_until_ms(&self) -> Option<u64> {
        self.snapshots.0.iter().map(|reading| reading.until_ms).min()
    }
}
