//! How large a store is: as text, and in memory.

use super::Table;
use super::row::{Cell, Row};

/// What a cell adds to the text of the content beside its id and its value: brackets, quotes and stamp.
pub(super) const CELL_OVERHEAD: usize = 27;
/// What a row or table adds to it beside its id.
const BRANCH_OVERHEAD: usize = 9;
/// An allocation has a header, and a least size.
const LEAST_ALLOCATION: usize = 4 * size_of::<usize>();
/// An entry of an index: its hash and key beside the content, and its share of a table of positions at most half full.
const INDEX_ENTRY: usize = size_of::<usize>() + size_of::<Box<str>>() + 3 * size_of::<usize>();

/// The sizes of a store's content, in bytes, kept with every merge.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// About the length of its text.
    pub text: usize,
    /// About what it takes in memory.
    pub memory: usize,
}

impl Size {
    pub fn add_table(&mut self, id: &str) {
        self.add_branch(id, size_of::<Table>());
    }

    pub fn add_row(&mut self, id: &str) {
        self.add_branch(id, size_of::<Row>() + LEAST_ALLOCATION);
    }

    pub fn add_cell(&mut self, id: &str, value: &str) {
        self.text += id.len() + value.len() + CELL_OVERHEAD;
        self.memory += size_of::<Cell>() + allocated(value);
    }

    pub fn add_cell_id(&mut self, id: &str) {
        self.memory += INDEX_ENTRY + size_of::<u32>() + allocated(id);
    }

    pub fn replace_value(&mut self, old: &str, new: &str) {
        self.text = self.text + new.len() - old.len();
        self.memory = self.memory + allocated(new) - allocated(old);
    }

    fn add_branch(&mut self, id: &str, own: usize) {
        self.text += id.len() + BRANCH_OVERHEAD;
        self.memory += INDEX_ENTRY + own + allocated(id);
    }
}

fn allocated(text: &str) -> usize {
    if text.is_empty() {
        return 0;
    }
    (text.len() + size_of::<usize>()).next_multiple_of(8).max(LEAST_ALLOCATION)
}
