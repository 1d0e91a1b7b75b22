//! How large a store is: as text, and in memory.
//!
//! What it takes in memory is an account of its allocations, each with its header and rounding: ids, values, and lists and
//! hash tables with what they have to spare. Whatever allocates books the difference when it does, so nothing is ever counted
//! up. Only the limit of a [merge policy](super::MergePolicy) bounds it, and that bounds all of it:
//!
//! - *ids of cells and values* are known once for the store, and come with the first cell of that name;
//! - *tombstones* are cells with no value: a cell that is deleted gives back its value and nothing else, for good.
//!
//! Both stay as long as the store is in memory, as every cell does.

/// What a cell adds to the text of the content beside its id and its value: brackets, quotes and stamp.
pub(super) const CELL_OVERHEAD: usize = 27;
/// What a row or table adds to it beside its id.
const BRANCH_OVERHEAD: usize = 9;

/// The sizes of a store's content, in bytes, kept with every merge.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// About the length of its text.
    pub text: usize,
    /// What it takes in memory.
    pub memory: usize,
}

impl Size {
    pub fn add_branch(&mut self, id: &str) {
        self.text += id.len() + BRANCH_OVERHEAD;
    }

    pub fn add_cell(&mut self, id: &str, value: &str) {
        self.text += id.len() + value.len() + CELL_OVERHEAD;
        self.memory += allocated(value.len());
    }

    pub fn replace_value(&mut self, old: &str, new: &str) {
        self.text = self.text + new.len() - old.len();
        self.memory = self.memory + allocated(new.len()) - allocated(old.len());
    }
}

/// What so many bytes take: with a header of a word, in steps of two, and four at least. So it is in dlmalloc, the Worker's
/// allocator, and in that of the GNU C library.
pub(super) fn allocated(bytes: usize) -> usize {
    const WORD: usize = size_of::<usize>();
    if bytes == 0 { 0 } else { (bytes + WORD).next_multiple_of(2 * WORD).max(4 * WORD) }
}

/// What a list takes, with what it has to spare.
pub(super) fn allocated_for<T>(list: &Vec<T>) -> usize {
    allocated(list.capacity() * size_of::<T>())
}
