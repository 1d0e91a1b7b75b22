//! The content of one moment, written bit by bit while the store goes on.
//!
//! Nothing is ever removed from a store, and what is new stands behind what was there. So a snapshot needs no copy of the
//! content: it notes where the tables ended, and of a row that a merge is about to change, and that is still to be written,
//! it keeps the text.
//!
//! ```text
//! written, may change │ to be written as it is, or from the text that was kept │ has come since: is left out
//! ────────────────────┴── at
//! ```

use super::ids::Ids;
use super::row::Row;
use super::write::{close_hashed, open_stamp, write_hashed_cells};
use super::{Place, Store, Table};
use crate::hlc::Hlc;

/// What a kept text takes beside its own length.
const TEXT_OVERHEAD: usize = 32;

/// How far the content of a moment is written, and what of it has changed since.
#[derive(Debug)]
pub(super) struct Snapshot {
    tables: Vec<TableEnd>,
    hlc: Hlc,
    hash: u32,
    /// What is to be written next.
    at: Place,
    /// How much of the value there is written.
    offset: usize,
    /// The texts of rows that have changed, by their first cells' places.
    kept: Vec<(Place, Box<str>)>,
    /// What these take, in bytes.
    kept_bytes: usize,
}

/// What was behind the last row of a table.
#[derive(Debug)]
struct TableEnd {
    rows: u32,
    hlc: Hlc,
    hash: u32,
}

impl Snapshot {
    /// The content as it is now.
    pub fn of(store: &Store) -> Self {
        let end = |table: &Table| TableEnd { rows: table.rows.len() as u32, hlc: table.hlc, hash: table.hash };
        Self {
            tables: store.tables.values().map(end).collect(),
            hlc: store.hlc,
            hash: store.hash,
            at: Place::START,
            offset: 0,
            kept: Vec::new(),
            kept_bytes: 0,
        }
    }

    /// Writes on until `out` is about as long as `limit`. Answers whether that was the last of it.
    pub fn write(&mut self, store: &Store, out: &mut String, limit: usize) -> bool {
        if (self.at, self.offset) == (Place::START, 0) {
            out.push_str("[[{");
        }
        loop {
            let begins = self.at.cell == 0 && self.offset == 0;
            let index = self.at.table as usize;
            let row = if let Some((end, (id, table))) = self.tables.get(index).zip(store.tables.get_index(index)) {
                let row = table.rows.get_index(self.at.row as usize);
                let Some((row_id, row)) = row.filter(|_| self.at.row < end.rows) else {
                    close_hashed(out, end.hlc, end.hash);
                    self.at = self.at.next_table();
                    continue;
                };
                if begins {
                    if self.at.row == 0 {
                        open_stamp(out, id, self.at.table > 0);
                    }
                    open_stamp(out, row_id, self.at.row > 0);
                }
                row
            } else {
                if begins {
                    close_hashed(out, self.hlc, self.hash);
                    out.push_str(",[{");
                    self.at = Place::of_value(0);
                }
                &store.values
            };
            if let Some(text) = self.take_kept() {
                out.push_str(&text);
                self.offset = 0;
            } else if !write_hashed_cells(&store.ids, row, (&mut self.at.cell, &mut self.offset), out, limit) {
                return false;
            }
            if self.at.is_value() {
                out.push(']');
                return true;
            }
            self.at = self.at.next_row();
            if out.len() >= limit {
                return false;
            }
        }
    }

    /// Keeps the text of the row that begins at `first` before it changes, if it is still to be written. Answers whether all
    /// that is kept takes less than `limit` bytes.
    pub fn keep(&mut self, first: Place, row: &Row, ids: &Ids, limit: usize) -> bool {
        let is_at_it = first.is_in_row_of(self.at);
        let is_written = first < self.at && !is_at_it;
        let is_new = || self.tables.get(first.table as usize).is_none_or(|end| first.row >= end.rows);
        if !is_written
            && (first.is_value() || !is_new())
            && let Err(index) = self.find_kept(first)
        {
            let (mut cell, mut offset) = if is_at_it { (self.at.cell, self.offset) } else { (0, 0) };
            let mut text = String::new();
            write_hashed_cells(ids, row, (&mut cell, &mut offset), &mut text, limit);
            self.kept_bytes += text.len() + TEXT_OVERHEAD;
            self.kept.insert(index, (first, text.into()));
        }
        self.kept_bytes < limit
    }

    /// The text that was kept of the row to be written next, or of the rest of it.
    fn take_kept(&mut self) -> Option<Box<str>> {
        let index = self.find_kept(Place { cell: 0, ..self.at }).ok()?;
        let (_, text) = self.kept.get_mut(index)?;
        self.kept_bytes -= text.len();
        Some(std::mem::take(text))
    }

    #[inline(never)]
    fn find_kept(&self, first: Place) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&first, |&(first, _)| first)
    }
}
