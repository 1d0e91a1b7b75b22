//! The mergeable store: tables of rows of cells, and values, each with its stamp and hash.
//!
//! It is TinyBase's `MergeableStore` with no app on top: nothing here is edited, everything is merged.
//!
//! - [`changes`] and `change_reader`: a change as it arrives, read from its text
//! - `merge`: which cell wins, and what that does to the hashes
//! - [`write`](mod@write), `change_writer` and `hash_writer`: changes, content and hashes as text
//! - [`hash_tree`], `diff` and `answer`: what another store lacks, told by its hashes, up to a limit
//! - `compare`, `shown` and `shown_values`: what a client lacks, told by its answers to questions
//! - `later`, `restamp` and `path`: what a client holds that may not write, and how that is undone
//! - `snapshot` and `snapshots`: the content of one moment, for who reads it bit by bit
//! - `map`, `names`, `index`, `list`, `row`, `ids`, `size`: how it lies in memory, and how much that takes
//!
//! Nothing is ever removed: a deleted cell stays as a tombstone, so a [`Place`] once given out names the same cell for
//! as long as the store is in memory.

mod answer;
mod change_reader;
mod change_writer;
pub mod changes;
mod compare;
mod diff;
pub mod hash_tree;
mod hash_writer;
mod ids;
mod index;
mod later;
mod list;
mod map;
mod merge;
mod names;
mod path;
mod restamp;
mod row;
mod shown;
mod shown_values;
mod size;
mod snapshot;
mod snapshots;
pub mod write;

pub use answer::{Answer, AnswerLimits};
pub use change_reader::{ChangeReader, PartLimits};
pub use changes::Changes;
pub use hash_tree::{HashTree, KnownHashes};
pub use later::Later;
pub use merge::{MergePolicy, Merged};
pub use path::Path;
pub use shown::{Comparison, Shown};
pub use shown_values::ShownValues;
pub use snapshots::SnapshotId;

use crate::hlc::Hlc;
use foldhash::fast::FixedState;
use ids::Ids;
use map::Map;
use row::Row;
use size::Size;
use snapshots::Snapshots;
use std::cell::Cell;
use std::ops::Range;

/// A mergeable store.
#[derive(Debug)]
pub struct Store {
    hlc: Hlc,
    hash: u32,
    tables: Map<Table>,
    values: Row,
    ids: Ids,
    hasher: FixedState,
    size: Size,
    /// How many tables, rows, cells and values have been looked at.
    looked_at: Cell<u64>,
    snapshots: Snapshots,
}

#[derive(Debug)]
struct Table {
    hlc: Hlc,
    hash: u32,
    rows: Map<Row>,
}

/// Where a cell or value lies. Places are ordered as the content is, the values last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    table: u32,
    row: u32,
    cell: u32,
}

/// The hashes of the tables and of the values: two stores with the same hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHashes {
    /// Of the tables.
    pub tables: u32,
    /// Of the values.
    pub values: u32,
}

impl Store {
    /// An empty store. The seed keeps strangers, who choose the ids, from guessing where they are hashed to.
    pub fn new(seed: u64) -> Self {
        let hasher = FixedState::with_seed(seed);
        Self {
            hlc: Hlc::EMPTY,
            hash: 0,
            tables: Map::new(hasher.clone()),
            values: Row::default(),
            ids: Ids::new(hasher.clone()),
            hasher,
            size: Size::default(),
            looked_at: Cell::default(),
            snapshots: Snapshots::default(),
        }
    }

    /// The hashes of the whole content.
    pub fn content_hashes(&self) -> ContentHashes {
        ContentHashes { tables: self.hash, values: self.values.hash }
    }

    /// Whether nothing was ever merged into it.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.values.cells().is_empty()
    }

    /// About how long the text of the content is, in bytes: what a snapshot of it takes.
    pub fn text_bytes(&self) -> usize {
        self.size.text
    }

    /// How much memory the content takes, in bytes, with what its allocations have to spare.
    pub fn memory_bytes(&self) -> usize {
        self.size.memory
    }

    /// How many tables, rows, cells and values have been looked at, since this was asked last, to find out what somebody lacks.
    /// What was merged or written is not among them: that has a length.
    pub fn take_looked_at(&self) -> u64 {
        self.looked_at.take()
    }

    fn look_at(&self, count: usize) {
        self.looked_at.set(self.looked_at.get() + count as u64);
    }

    /// How many bytes the values add to a text, about.
    pub fn value_bytes(&self) -> usize {
        self.look_at(self.values.cells().len());
        self.values.cells().iter().map(|cell| self.length_of(cell)).sum()
    }

    /// How many bytes the cell at a place adds to a text, about.
    pub fn bytes_at(&self, place: Place) -> usize {
        if place.is_value() {
            return self.values.cells().get(place.cell as usize).map_or(0, |cell| self.length_of(cell));
        }
        let row_id = |table: &Table| table.rows.get_index(place.row as usize).map_or(0, |(id, _)| id.len());
        let table = self.tables.get_index(place.table as usize).filter(|_| place.cell == 0);
        self.cell_at(place).map_or(0, |at| self.length_of(at.cell)) + table.map_or(0, |(_, table)| row_id(table))
    }
}

impl Place {
    /// The table that stands for the values.
    const VALUES: u32 = u32::MAX;

    /// The range of all tables.
    pub const ALL_TABLES: Range<Self> = Self::START..Self { table: Self::VALUES, row: 0, cell: 0 };

    /// The range of all values.
    pub const ALL_VALUES: Range<Self> =
        Self { table: Self::VALUES, row: 0, cell: 0 }..Self { table: Self::VALUES, row: 1, cell: 0 };

    /// Before every place.
    pub const START: Self = Self { table: 0, row: 0, cell: 0 };

    fn of_value(cell: usize) -> Self {
        Self { table: Self::VALUES, row: 0, cell: cell as u32 }
    }

    fn is_value(self) -> bool {
        self.table == Self::VALUES
    }

    fn is_in_row_of(self, other: Self) -> bool {
        (self.table, self.row) == (other.table, other.row)
    }

    /// Where the next cell of the row is, if there is one.
    fn next_cell(self) -> Self {
        Self { cell: self.cell + 1, ..self }
    }

    /// Where the next row begins, if there is one.
    fn next_row(self) -> Self {
        Self { row: self.row + 1, cell: 0, ..self }
    }

    /// Where the next table begins, if there is one.
    fn next_table(self) -> Self {
        Self { table: self.table + 1, row: 0, cell: 0 }
    }

    /// The range of this place alone.
    pub fn range(self) -> Range<Self> {
        self..self.next_cell()
    }

    fn range_of_table(position: usize) -> Range<Self> {
        let start = Self { table: position as u32, row: 0, cell: 0 };
        start..start.next_table()
    }

    fn range_of_row(table: usize, row: usize) -> Range<Self> {
        let start = Self { table: table as u32, row: row as u32, cell: 0 };
        start..start.next_row()
    }
}

/// Adds a range, to the last of those that are there where it follows that.
fn push_range(ranges: &mut Vec<Range<Place>>, range: Range<Place>) {
    match ranges.last_mut().filter(|last| last.end == range.start) {
        Some(last) => last.end = range.end,
        None => ranges.push(range),
    }
}

/// At most so many ranges: of more, neighbours become one, with what lies between them.
pub fn at_most(limit: usize, mut ranges: Vec<Range<Place>>) -> Vec<Range<Place>> {
    while ranges.len() > limit {
        let pairs = ranges.chunks(2).filter_map(|pair| Some(pair.first()?.start..pair.last()?.end));
        ranges = pairs.collect();
    }
    ranges
}
