//! Positions in a list, found by the hashes of what lies there.

use super::size::{Size, allocated};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// The positions of a list's items. It holds nothing else: whoever has the list looks there.
#[derive(Debug)]
pub(super) struct Index {
    positions: HashTable<u32>,
    hasher: FixedState,
}

impl Index {
    /// One with room for so many.
    pub fn with_capacity(items: usize, hasher: FixedState) -> Self {
        Self { positions: HashTable::with_capacity(items), hasher }
    }

    pub fn hasher(&self) -> &FixedState {
        &self.hasher
    }

    /// What its table takes.
    pub fn bytes(&self) -> usize {
        allocated(self.positions.allocation_size())
    }

    /// The position with this hash where the item is the one that is sought.
    pub fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        self.positions.find(hash, |&position| is_it(position as usize)).map(|&position| position as usize)
    }

    /// Adds the position of an item that lies in the list already.
    pub fn add(&mut self, position: usize, hash_at: impl Fn(&FixedState, usize) -> u64, size: &mut Size) {
        let before = self.bytes();
        let Self { positions, hasher } = self;
        let hash = hash_at(hasher, position);
        positions.insert_unique(hash, position as u32, |&position| hash_at(hasher, position as usize));
        size.memory += self.bytes() - before;
    }
}
