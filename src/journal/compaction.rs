//! Compaction: a snapshot in slices, and then an end to what it replaces.
//!
//! A slice holds the content of its places as it is when the slice is written. What changes later stands in the journal
//! behind the mark where compaction began, and stays. A room that ends in the middle leaves some slices behind: they
//! load like anything else, and the next compaction deletes them with the rest.

use super::{Commit, Extent, Journal, Write};
use crate::store::{Place, Store};

#[derive(Debug)]
pub(super) struct Compaction {
    /// The first row that stays.
    mark: i64,
    /// The first place that no slice holds yet.
    cursor: Place,
    /// The row that the last slice went to.
    row: Option<Extent>,
    /// How many bytes will be deleted.
    replaces: usize,
}

impl Journal {
    /// Whether there is a slice to write.
    pub fn is_compaction_due(&self, store: &Store) -> bool {
        self.compaction.is_some()
            || self.header_is_sound && self.total_bytes > 2 * store.text_bytes() + self.settings.slack_bytes
    }

    /// The next slice of a snapshot, or its end.
    pub fn compact(&mut self, store: &Store) -> Commit {
        let mut compaction = self.compaction.take().unwrap_or_else(|| {
            // What comes from here on must not go to a row that will be deleted.
            (self.level0, self.level1, self.level2) = (None, None, None);
            Compaction { mark: self.next, cursor: Place::START, row: None, replaces: self.total_bytes }
        });
        let mut places = store.places_from(compaction.cursor).peekable();
        let mut writes = self.begin();
        if let Some(slice) = store.next_changes_text(&mut places, self.settings.slice_bytes) {
            self.total_bytes += slice.len() + 1;
            compaction.row = self.add(slice, compaction.row, &mut writes);
        }
        if let Some(&next) = places.peek() {
            compaction.cursor = next;
            self.compaction = Some(compaction);
        } else {
            self.total_bytes = self.total_bytes.saturating_sub(compaction.replaces);
            self.level2 = self.level2.or(compaction.row);
            writes.push(Write::DeleteBefore { first: compaction.mark, quarantined: self.quarantined.clone() });
        }
        Commit { writes }
    }
}
