//! What a client lacks, told by its answers to questions that name what the room holds.
//!
//! A table or row that is named with the hash 0 is reported with the client's own hash: one that is not reported, it lacks.
//! (Where its hash happens to be 0 it is sent what it has already.) Of a row of which no cell is named, and of values where
//! none is, it sends all that it holds.

use super::changes::{CellChange, Changes};
use super::diff::by_position;
use super::hash_tree::{HashNode, HashTree};
use super::hash_writer::HashWriter;
use super::ids::Ids;
use super::row::{Cell, Row};
use super::{Place, Store, Table};
use crate::hash::Fnv;
use std::collections::VecDeque;
use std::ops::Range;

/// What an answer shows. Both lists ascend.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Where what the client lacks lies.
    pub lacking: Vec<Range<Place>>,
    /// Tables, or rows, of which it holds something else than we do: each by its whole range.
    pub differing: Vec<Range<Place>>,
}

impl Comparison {
    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.lacking.len() + self.differing.len()
    }
}

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
        while let Some(place) = tables.front().map(|range| range.start) {
            let Some((id, table)) = self.tables.get_index(place.table as usize) else { break };
            self.look_at(table.rows.len());
            let length: usize = table.rows.keys().map(|id| id.len() + NAME_OVERHEAD).sum();
            if is_begun && names.length() + length + id.len() + NAME_OVERHEAD > limit {
                break;
            }
            tables.pop_front();
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
                rows.pop_front();
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

    /// What the answer to [`table_names`](Self::table_names) shows, after `new` has been merged.
    pub fn compare_tables(&self, new: &Changes, theirs: &HashTree) -> Comparison {
        self.look_at(self.tables.len());
        let theirs = by_position(theirs.top(), self.tables.len(), &|id| self.tables.get_index_of(id));
        let mut sent = vec![None; self.tables.len()];
        for table in &new.tables {
            if let Some(sent) = self.tables.get_index_of(&table.id).and_then(|table| sent.get_mut(table)) {
                *sent = Some(table);
            }
        }
        let mut comparison = Comparison::default();
        for (position, (table, (theirs, sent))) in self.tables.values().zip(theirs.iter().zip(sent)).enumerate() {
            let range = Place::range_of_table(position);
            match (theirs.map_or(0, |theirs| theirs.hash), sent) {
                (hash, _) if theirs.is_some() && hash == table.hash => {}
                // No hash, or that of a table in which there is nothing. One that was sent may have been there, and not named.
                (0, Some(sent)) => {
                    let rows = new.rows(sent).iter().map(|row| (&*row.id, new.cells(row)));
                    self.compare_rows_of((position, table), &[], rows, &mut comparison);
                }
                (0, None) => push(&mut comparison.lacking, range),
                _ => comparison.differing.push(range),
            }
        }
        // A stamp of their own travels with any cell.
        if comparison.is_empty() && !self.hlc.is_empty() {
            push(&mut comparison.lacking, Place::START.range());
        }
        comparison
    }

    /// What the answer to [`row_names`](Self::row_names) shows, after `new` has been merged.
    pub fn compare_rows(&self, new: &Changes, theirs: &HashTree) -> Comparison {
        self.look_at(self.tables.len());
        let position = |id: &str| self.tables.get_index_of(id);
        let nodes = by_position(theirs.top(), self.tables.len(), &position);
        let mut sent: Vec<_> = new.tables.iter().filter_map(|table| Some((position(&table.id)?, table))).collect();
        sent.sort_by_key(|(position, _)| *position);
        let mut sent = sent.into_iter().peekable();
        let mut comparison = Comparison::default();
        for (position, (table, node)) in self.tables.values().zip(nodes).enumerate() {
            let own: Vec<_> =
                std::iter::from_fn(|| sent.next_if(|(other, _)| *other == position)).map(|(_, sent)| sent).collect();
            if node.is_some() || !own.is_empty() {
                let nodes = node.map_or(&[][..], |node| theirs.children(node));
                let rows = own.into_iter().flat_map(|sent| new.rows(sent)).map(|row| (&*row.id, new.cells(row)));
                self.compare_rows_of((position, table), nodes, rows, &mut comparison);
            }
        }
        comparison
    }

    /// The same for one table, of which it has reported these hashes of rows and sent these cells of others.
    fn compare_rows_of<'a>(
        &self,
        (position, table): (usize, &Table),
        nodes: &[HashNode],
        rows: impl Iterator<Item = (&'a str, &'a [CellChange<'a>])>,
        comparison: &mut Comparison,
    ) {
        self.look_at(table.rows.len());
        let of_rows = |id: &str| table.rows.get_index_of(id);
        let theirs = by_position(nodes, table.rows.len(), &of_rows);
        let before = comparison.len();
        let mut sent = vec![None; table.rows.len()];
        for (id, cells) in rows {
            if let Some(sent) = of_rows(id).and_then(|row| sent.get_mut(row)) {
                *sent = Some(cells);
            }
        }
        for (row_position, (row, (theirs, sent))) in table.rows.values().zip(theirs.iter().zip(sent)).enumerate() {
            let range = Place::range_of_row(position, row_position);
            match (theirs, sent) {
                (Some(theirs), _) if theirs.hash == row.hash => {}
                (Some(_), _) => push(&mut comparison.differing, range),
                (None, Some(cells)) => {
                    let lacking = &mut comparison.lacking;
                    self.add_lacking(row, range.start, cells, &mut |place| push(lacking, place.range()));
                }
                (None, None) => push(&mut comparison.lacking, range),
            }
        }
        if comparison.len() == before && !table.hlc.is_empty() {
            push(&mut comparison.lacking, Place::range_of_row(position, 0).start.range());
        }
    }

    /// What a client lacks of rows of which it has sent all that it holds, after that has been merged.
    pub fn lacking_cells(&self, theirs: &Changes) -> Vec<Range<Place>> {
        let mut places = Vec::new();
        for table in &theirs.tables {
            let Some((position, own)) = self.tables.get_full(&table.id) else { continue };
            for row in theirs.rows(table) {
                let Some((row_position, own)) = own.rows.get_full(&row.id) else { continue };
                let start = Place::range_of_row(position, row_position).start;
                let before = places.len();
                self.add_lacking(own, start, theirs.cells(row), &mut |place| places.push(place));
                if places.len() == before && own.hlc > row.hlc {
                    places.push(start);
                }
            }
        }
        places.sort_unstable();
        let mut lacking = Vec::new();
        places.into_iter().for_each(|place| push(&mut lacking, place.range()));
        lacking
    }

    /// What a client lacks of the values, of which it has sent all that it holds, after that has been merged.
    pub fn lacking_values(&self, theirs: &Changes) -> Vec<Range<Place>> {
        let mut lacking = Vec::new();
        self.add_lacking(&self.values, Place::of_value(0), &theirs.values, &mut |place| {
            push(&mut lacking, place.range())
        });
        if lacking.is_empty() && self.values.hlc > theirs.values_hlc {
            push(&mut lacking, Place::of_value(0).range());
        }
        lacking
    }

    /// The same where it has sent only those whose hashes differ from ours, and has reported the hash of all. Where that is
    /// the sum of what it sent and of the rest of ours, it lacks nothing of the rest; else it may lack any of that.
    pub fn lacking_of_differing_values(&self, theirs: &Changes, reported: Option<u32>) -> Vec<Range<Place>> {
        self.look_at(self.values.cells().len());
        let sent = by_cell(&self.values, &theirs.values, &self.ids);
        let mut sum = 0;
        for (cell, theirs) in self.values.cells().iter().zip(&sent) {
            let hash = theirs.map_or(cell.hash, |theirs| Cell::new(cell.id, &theirs.value, theirs.hlc).hash);
            sum ^= self.ids.prefix(cell.id).in_row(hash);
        }
        if !self.values.hlc.is_empty() {
            sum ^= Fnv::new().bytes(self.values.hlc.text().as_bytes()).finish();
        }
        if reported != Some(sum) {
            return self.lacking_values(theirs);
        }
        let mut lacking = Vec::new();
        self.add_lacking(&self.values, Place::of_value(0), &theirs.values, &mut |place| {
            if sent.get(place.cell as usize).is_some_and(Option::is_some) {
                push(&mut lacking, place.range());
            }
        });
        lacking
    }

    /// Adds those places of a row whose cells are not among theirs, or are newer.
    fn add_lacking(&self, row: &Row, start: Place, theirs: &[CellChange], add: &mut dyn FnMut(Place)) {
        self.look_at(row.cells().len());
        for (position, (own, theirs)) in row.cells().iter().zip(by_cell(row, theirs, &self.ids)).enumerate() {
            let holds = |theirs: &CellChange| {
                theirs.hlc > own.hlc || theirs.hlc == own.hlc && (!own.hlc.is_empty() || *theirs.value == *own.value)
            };
            if !theirs.is_some_and(holds) {
                add(Place { cell: position as u32, ..start });
            }
        }
    }
}

/// Adds a range behind those that are there, or to the last of them.
fn push(ranges: &mut Vec<Range<Place>>, range: Range<Place>) {
    match ranges.last_mut().filter(|last| last.end == range.start) {
        Some(last) => last.end = range.end,
        None => ranges.push(range),
    }
}

/// What a name adds to a payload beside its id: quotes, colon, 0 and comma.
const NAME_OVERHEAD: usize = 5;

/// Their cells, each where we have one of that id; of an id that stands twice the last.
fn by_cell<'a, 'b>(row: &Row, theirs: &'b [CellChange<'a>], ids: &Ids) -> Vec<Option<&'b CellChange<'a>>> {
    let mut found = vec![None; row.cells().len()];
    for cell in theirs {
        let slot = ids.get(&cell.id).and_then(|id| row.find(id)).and_then(|position| found.get_mut(position));
        if let Some(slot) = slot {
            *slot = Some(cell);
        }
    }
    found
}
