//! What another store lacks, told by its hashes: the answers to requests 4 to 7, and the hashes that whoever pulls asks
//! with, as clients do.
//!
//! What does not fit into an answer, or is too new for it, is *owed*: the asker is sent it as changes, which every client
//! merges as gladly.

use super::answer::{Answer, AnswerLimits, AnswerWriter};
use super::change_writer::Style;
use super::hash_tree::{HashNode, HashTree};
use super::hash_writer::HashWriter;
use super::row::Row;
use super::{Place, Store};

impl Store {
    /// Answers `GetTableDiff`: the tables the asker lacks, and our hashes of those that differ.
    pub fn table_diff(&self, theirs: &HashTree, limits: AnswerLimits) -> Answer {
        self.look_at(self.tables.len());
        let theirs = by_position(theirs.top(), self.tables.len(), &|id| self.tables.get_index_of(id));
        let mut answer = AnswerWriter::with_hashes(self, Style::CHANGE, limits);
        for (position, ((id, table), theirs)) in self.tables.iter().zip(theirs).enumerate() {
            let place = Place { table: position as u32, ..Place::START };
            match theirs {
                None => {
                    self.look_at(table.rows.len());
                    table.rows.values().zip(0..).for_each(|(content, row)| answer.row(content, Place { row, ..place }))
                }
                Some(theirs) if theirs.hash != table.hash => answer.hash(id, table.hash, place..place.next_table()),
                Some(_) => {}
            }
        }
        answer.finish()
    }

    /// Answers `GetRowDiff`: the rows the asker lacks, and our hashes of those that differ.
    pub fn row_diff(&self, theirs: &HashTree, limits: AnswerLimits) -> Answer {
        let mut answer = AnswerWriter::with_hashes(self, Style::ROW_DIFF, limits);
        for (position, node) in named(theirs.top(), &|id| self.tables.get_index_of(id)) {
            let Some((id, table)) = self.tables.get_index(position) else { continue };
            answer.enter(id);
            self.look_at(table.rows.len());
            let rows = by_position(theirs.children(node), table.rows.len(), &|id| table.rows.get_index_of(id));
            for (row_position, ((id, row), theirs)) in table.rows.iter().zip(rows).enumerate() {
                let place = Place { table: position as u32, row: row_position as u32, cell: 0 };
                match theirs {
                    None => answer.row(row, place),
                    Some(theirs) if theirs.hash != row.hash => answer.hash(id, row.hash, place..place.next_row()),
                    Some(_) => {}
                }
            }
            answer.leave();
        }
        answer.finish()
    }

    /// Answers `GetCellDiff`: the cells that the asker lacks or holds otherwise.
    pub fn cell_diff(&self, theirs: &HashTree, limits: AnswerLimits) -> Answer {
        let mut answer = AnswerWriter::without_hashes(self, Style::CELL_DIFF, limits);
        for (table_position, node) in named(theirs.top(), &|id| self.tables.get_index_of(id)) {
            let Some((_, table)) = self.tables.get_index(table_position) else { continue };
            for (row_position, node) in named(theirs.children(node), &|id| table.rows.get_index_of(id)) {
                let Some((_, row)) = table.rows.get_index(row_position) else { continue };
                let place = Place { table: table_position as u32, row: row_position as u32, cell: 0 };
                answer.cells(self.differing_cells(row, theirs.children(node), place));
            }
        }
        answer.finish()
    }

    /// Answers `GetValueDiff`: the values that the asker lacks or holds otherwise.
    pub fn value_diff(&self, theirs: &HashTree, limits: AnswerLimits) -> Answer {
        Answer::of_values(self, self.differing_cells(&self.values, theirs.top(), Place::of_value(0)), limits)
    }

    /// The payload of `GetTableDiff`: our hash of each table.
    pub fn table_hashes(&self) -> String {
        let mut hashes = HashWriter::new();
        self.tables.iter().for_each(|(id, table)| hashes.leaf(id, table.hash));
        hashes.finish()
    }

    /// The payload of `GetRowDiff`: our hashes of the rows in those of their tables that differ from ours; `None` where
    /// none does.
    pub fn row_hashes(&self, theirs: &HashTree) -> Option<String> {
        let mut hashes = HashWriter::new();
        for (position, node) in named(theirs.top(), &|id| self.tables.get_index_of(id)) {
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
        let mut hashes = HashWriter::new();
        for (position, node) in named(theirs.top(), &|id| self.tables.get_index_of(id)) {
            let Some((id, table)) = self.tables.get_index(position) else { continue };
            hashes.enter(id);
            for (position, node) in named(theirs.children(node), &|id| table.rows.get_index_of(id)) {
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

    /// The payload of `GetValueDiff`: our hash of each value, of as many as fit into a limit. (The client answers with the
    /// content of those that are not named.)
    pub fn value_hashes(&self, limit: usize) -> String {
        let mut hashes = HashWriter::new();
        for cell in self.values.cells().iter() {
            let before = hashes.mark();
            hashes.leaf(self.ids.text(cell.id), cell.hash);
            if hashes.length() > limit {
                hashes.take_back(before);
                break;
            }
        }
        hashes.finish()
    }

    /// The places of a row's cells whose hashes are not among theirs; `first` is the place of its first cell.
    fn differing_cells(&self, row: &Row, theirs: &[HashNode], first: Place) -> impl Iterator<Item = Place> {
        self.look_at(row.cells().len());
        let theirs = by_position(theirs, row.cells().len(), &|id| row.find(self.ids.get(id)?));
        let cells = row.cells().iter().zip(theirs).enumerate();
        let differing = cells.filter(|(_, (cell, theirs))| theirs.is_none_or(|theirs| theirs.hash != cell.hash));
        differing.map(move |(cell, _)| Place { cell: cell as u32, ..first })
    }
}

/// Their nodes that name something of ours, in our order and with its position; of a name that stands twice the last. What
/// they do not name costs nothing.
fn named<'a, 'b>(
    nodes: &'b [HashNode<'a>],
    position: &dyn Fn(&str) -> Option<usize>,
) -> impl Iterator<Item = (usize, &'b HashNode<'a>)> {
    let key = |(index, node): (usize, &HashNode)| Some((node.name.position(position)? as u64) << 32 | index as u64);
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
pub(super) fn by_position<'a, 'b>(
    nodes: &'b [HashNode<'a>],
    length: usize,
    position: &dyn Fn(&str) -> Option<usize>,
) -> Vec<Option<&'b HashNode<'a>>> {
    let mut found = vec![None; length];
    for node in nodes {
        if let Some(slot) = node.name.position(position).and_then(|position| found.get_mut(position)) {
            *slot = Some(node);
        }
    }
    found
}
