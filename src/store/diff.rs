//! What another store lacks, told by its hashes: the answers to requests 4 to 7, and the hashes a room asks with.
//!
//! An answer that would be longer than a limit ends there, and the rest of its rows are *owed*: the asker is sent them
//! as changes, which every client merges as gladly.

use super::hash_tree::{HashNode, HashTree};
use super::row::Row;
use super::write::{ChangeWriter, Style, close_stamp, write_key, write_number};
use super::{Place, Store};
use std::iter::Peekable;
use std::ops::Range;

/// An answer to a request for differences.
#[derive(Debug)]
pub struct Answer {
    /// The payload of the response.
    pub text: String,
    /// Where what did not fit lies, in order, each to the end of a row.
    pub owed: Vec<Range<Place>>,
}

impl Store {
    /// Answers `GetTableDiff`: the tables the asker lacks, and our hashes of those that differ.
    pub fn table_diff(&self, theirs: &HashTree, limit: usize) -> Answer {
        let theirs = by_position(theirs.top(), self.tables.len(), |id| self.tables.get_index_of(id));
        let mut new = LimitedWriter::new(self, limit, "[", Style::CHANGE);
        let mut differing = Hashes::new();
        for (position, ((id, table), theirs)) in self.tables.iter().zip(theirs).enumerate() {
            match theirs {
                None => (0..table.rows.len()).for_each(|row| new.row(position, row)),
                Some(theirs) if theirs.hash != table.hash => differing.leaf(id, table.hash),
                Some(_) => {}
            }
        }
        new.finish_with(differing)
    }

    /// Answers `GetRowDiff`: the rows the asker lacks, and our hashes of those that differ.
    pub fn row_diff(&self, theirs: &HashTree, limit: usize) -> Answer {
        let mut new = LimitedWriter::new(self, limit, "[", Style::ROW_DIFF);
        let mut differing = Hashes::new();
        for (position, node) in named(theirs.top(), |id| self.tables.get_index_of(id)) {
            let Some((id, table)) = self.tables.get_index(position) else { continue };
            differing.enter(id);
            let rows = by_position(theirs.children(node), table.rows.len(), |id| table.rows.get_index_of(id));
            for (row_position, ((id, row), theirs)) in table.rows.iter().zip(rows).enumerate() {
                match theirs {
                    None => new.row(position, row_position),
                    Some(theirs) if theirs.hash != row.hash => differing.leaf(id, row.hash),
                    Some(_) => {}
                }
            }
            differing.leave();
        }
        new.finish_with(differing)
    }

    /// Answers `GetCellDiff`: the cells that the asker lacks or holds otherwise.
    pub fn cell_diff(&self, theirs: &HashTree, limit: usize) -> Answer {
        let mut differing = LimitedWriter::new(self, limit, "", Style::CELL_DIFF);
        for (table_position, node) in named(theirs.top(), |id| self.tables.get_index_of(id)) {
            let Some((_, table)) = self.tables.get_index(table_position) else { continue };
            for (row_position, node) in named(theirs.children(node), |id| table.rows.get_index_of(id)) {
                let Some((_, row)) = table.rows.get_index(row_position) else { continue };
                let place = Place { table: table_position as u32, row: row_position as u32, cell: 0 };
                differing.cells(self.differing_cells(row, theirs.children(node), place));
            }
        }
        differing.finish()
    }

    /// Answers `GetValueDiff`: the values that the asker lacks or holds otherwise.
    pub fn value_diff(&self, theirs: &HashTree, limit: usize) -> Answer {
        let mut differing = self.differing_cells(&self.values, theirs.top(), Place::of_value(0)).peekable();
        let mut text = String::from("[{");
        self.write_values(&mut text, &mut differing, limit, false);
        close_stamp(&mut text, self.values.hlc);
        Answer { text, owed: differing.peek().map(|&place| place..place.next_row()).into_iter().collect() }
    }

    /// The payload of `GetTableDiff`: our hash of each table.
    pub fn table_hashes(&self) -> String {
        let mut hashes = Hashes::new();
        self.tables.iter().for_each(|(id, table)| hashes.leaf(id, table.hash));
        hashes.finish()
    }

    /// The payload of `GetRowDiff`: our hashes of the rows in those of their tables that differ from ours; `None` where
    /// none does.
    pub fn row_hashes(&self, theirs: &HashTree) -> Option<String> {
        let mut hashes = Hashes::new();
        for (position, node) in named(theirs.top(), |id| self.tables.get_index_of(id)) {
            let Some((id, table)) = self.tables.get_index(position) else { continue };
            if node.hash != table.hash {
                hashes.enter(id);
                table.rows.iter().for_each(|(id, row)| hashes.leaf(id, row.hash));
                hashes.leave();
            }
        }
        hashes.finish_unless_empty()
    }

    /// The payload of `GetCellDiff`: our hashes of the cells in those of their rows that differ from ours; `None` where
    /// none does.
    pub fn cell_hashes(&self, theirs: &HashTree) -> Option<String> {
        let mut hashes = Hashes::new();
        for (position, node) in named(theirs.top(), |id| self.tables.get_index_of(id)) {
            let Some((id, table)) = self.tables.get_index(position) else { continue };
            hashes.enter(id);
            for (position, node) in named(theirs.children(node), |id| table.rows.get_index_of(id)) {
                let Some((id, row)) = table.rows.get_index(position) else { continue };
                if node.hash != row.hash {
                    hashes.enter(id);
                    row.cells().iter().for_each(|cell| hashes.leaf(self.ids.text(cell.id), cell.hash));
                    hashes.leave();
                }
            }
            hashes.leave();
        }
        hashes.finish_unless_empty()
    }

    /// The payload of `GetValueDiff`: our hash of each value.
    pub fn value_hashes(&self) -> String {
        let mut hashes = Hashes::new();
        self.values.cells().iter().for_each(|cell| hashes.leaf(self.ids.text(cell.id), cell.hash));
        hashes.finish()
    }

    /// The places of a row's cells whose hashes are not among theirs; `first` is the place of its first cell.
    fn differing_cells(&self, row: &Row, theirs: &[HashNode], first: Place) -> impl Iterator<Item = Place> {
        let theirs = by_position(theirs, row.cells().len(), |id| row.find(self.ids.get(id)?));
        let cells = row.cells().iter().zip(theirs).enumerate();
        let differing = cells.filter(|(_, (cell, theirs))| theirs.is_none_or(|theirs| theirs.hash != cell.hash));
        differing.map(move |(cell, _)| Place { cell: cell as u32, ..first })
    }
}

/// Their nodes that name something of ours, in our order and with its position; of a name that stands twice the last. What
/// they do not name costs nothing.
fn named<'a, 'b>(
    nodes: &'b [HashNode<'a>],
    position: impl Fn(&str) -> Option<usize>,
) -> impl Iterator<Item = (usize, &'b HashNode<'a>)> {
    let key = |(index, node): (usize, &HashNode)| Some((position(&node.id)? as u64) << 32 | index as u64);
    let mut keys: Vec<_> = nodes.iter().enumerate().filter_map(key).collect();
    keys.sort_unstable();
    let mut keys = keys.into_iter().peekable();
    std::iter::from_fn(move || {
        let mut key = keys.next()?;
        while let Some(later) = keys.next_if(|later| later >> 32 == key >> 32) {
            key = later;
        }
        Some(((key >> 32) as usize, nodes.get(key as u32 as usize)?))
    })
}

/// Their nodes, each where we have what it names; of a name that stands twice the last.
fn by_position<'a, 'b>(
    nodes: &'b [HashNode<'a>],
    length: usize,
    position: impl Fn(&str) -> Option<usize>,
) -> Vec<Option<&'b HashNode<'a>>> {
    let mut found = vec![None; length];
    for node in nodes {
        if let Some(slot) = position(&node.id).and_then(|position| found.get_mut(position)) {
            *slot = Some(node);
        }
    }
    found
}

/// Writes a stamp of tables up to a limit, and notes what is owed beyond it.
struct LimitedWriter<'a> {
    store: &'a Store,
    writer: ChangeWriter<'a>,
    limit: usize,
    owed: Vec<Range<Place>>,
}

impl<'a> LimitedWriter<'a> {
    fn new(store: &'a Store, limit: usize, start: &str, style: Style) -> Self {
        Self { store, writer: ChangeWriter::new(store, start.to_owned(), style), limit, owed: Vec::new() }
    }

    fn row(&mut self, table: usize, row: usize) {
        let (table, row) = (table as u32, row as u32);
        let length = self.store.row(table, row).map_or(0, |(_, row)| row.cells().len());
        self.cells((0..length as u32).map(|cell| Place { table, row, cell }));
    }

    fn cells(&mut self, places: impl Iterator<Item = Place>) {
        let mut places: Peekable<_> = places.peekable();
        while let Some(place) = places.next_if(|place| self.writer.fits(*place, self.limit)) {
            self.writer.cell(place);
        }
        let Some(&rest) = places.peek() else { return };
        match self.owed.last_mut().filter(|last| last.end == rest) {
            Some(last) => last.end = rest.next_row(),
            None => self.owed.push(rest..rest.next_row()),
        }
    }

    fn finish_with(self, differing: Hashes) -> Answer {
        let mut text = self.writer.finish();
        text.push(',');
        text.push_str(&differing.finish());
        text.push(']');
        Answer { text, owed: self.owed }
    }

    fn finish(self) -> Answer {
        Answer { text: self.writer.finish(), owed: self.owed }
    }
}

/// Writes a tree of hashes, leaving out branches with nothing in them.
struct Hashes {
    out: String,
    entered: Vec<usize>,
}

impl Hashes {
    fn new() -> Self {
        Self { out: String::from("{"), entered: Vec::new() }
    }

    fn enter(&mut self, id: &str) {
        self.entered.push(self.out.len());
        self.key(id);
        self.out.push('{');
    }

    fn leaf(&mut self, id: &str, hash: u32) {
        self.key(id);
        write_number(&mut self.out, hash);
    }

    fn leave(&mut self) {
        let start = self.entered.pop().unwrap_or_default();
        if self.out.ends_with('{') {
            self.out.truncate(start);
        } else {
            self.out.push('}');
        }
    }

    fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }

    fn finish_unless_empty(self) -> Option<String> {
        (self.out.len() > 1).then(|| self.finish())
    }

    fn key(&mut self, id: &str) {
        let comma = !self.out.ends_with('{');
        write_key(&mut self.out, id, comma);
    }
}
