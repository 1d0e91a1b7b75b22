//! The questions that name what the room holds: what a client lacks is [shown](super::shown) by its answers.
//!
//! A table or row that is named with the hash 0 is reported with the client's own hash: one that is not reported, it lacks.
//! (Where its hash happens to be 0 it is sent what it has already.) Of a row of which no cell is named, and of values where
//! none is, it sends all that it holds.

use super::hash_writer::HashWriter;
use super::{Place, Store};
use std::collections::VecDeque;
use std::ops::Range;

impl Store {
    /// The payload of `GetTableDiff` that names every table: as many as fit into a limit. (The client answers with the content
    /// of those that are not named.)
    pub fn table_names(&self, limit: usize) -> String {
        let mut names = HashWriter::new();
        for id in self.tables.keys() {
            if names.length() + id.len() + NAME_OVERHEAD > limit {
                break;
            }
            names.leaf(id, 0);
        }
        names.finish()
    }

    /// The payload of `GetRowDiff` that names every row of the next of these tables: of as many as fit into a limit, or of
    /// one, as many rows as fit. (The client answers with the content of those that are not named.) `None` where there are no
    /// tables left.
    pub fn row_names(&self, tables: &mut VecDeque<Range<Place>>, limit: usize) -> Option<String> {
        let mut names = HashWriter::new();
        let mut is_begun = false;
        while let Some(range) = tables.front_mut() {
            let place = range.start;
            let table = self.tables.get_index(place.table as usize);
            let Some((id, table)) = table.filter(|_| place < range.end) else {
                tables.pop_front();
                continue;
            };
            self.look_at(table.rows.len());
            let length: usize = table.rows.keys().map(|id| id.len() + NAME_OVERHEAD).sum();
            if is_begun && names.length() + length + id.len() + NAME_OVERHEAD > limit {
                break;
            }
            range.start = place.next_table();
            is_begun = true;
            names.enter(id);
            for id in table.rows.keys() {
                if names.length() + id.len() + NAME_OVERHEAD > limit {
                    break;
                }
                names.leaf(id, 0);
            }
            names.leave_open();
        }
        is_begun.then(|| names.finish())
    }

    /// The payload of `GetCellDiff` that names the next of these rows, and no cell: of so many as hold about `limit` bytes of
    /// ours. `None` where there are no rows left.
    pub fn cell_names(&self, rows: &mut VecDeque<Range<Place>>, limit: usize) -> Option<String> {
        let mut names = HashWriter::new();
        let (mut bytes, mut open) = (0, None);
        while let Some(range) = rows.front_mut() {
            let place = range.start;
            let table = self.tables.get_index(place.table as usize);
            let row = table.and_then(|(_, table)| table.rows.get_index(place.row as usize));
            let Some(((table_id, _), (id, row))) = table.zip(row).filter(|_| place < range.end) else {
                range.start = place.next_table();
                if range.start >= range.end {
                    rows.pop_front();
                }
                continue;
            };
            self.look_at(row.cells().len());
            bytes += id.len() + row.cells().iter().map(|cell| self.length_of(cell)).sum::<usize>();
            if bytes > limit && open.is_some() {
                break;
            }
            range.start = place.next_row();
            if open != Some(place.table) {
                if open.replace(place.table).is_some() {
                    names.leave_open();
                }
                names.enter(table_id);
            }
            names.enter(id);
            names.leave_open();
        }
        open.map(|_| {
            names.leave_open();
            names.finish()
        })
    }
}

/// What a name adds to a payload beside its id: quotes, colon, 0 and comma.
const NAME_OVERHEAD: usize = 5;
