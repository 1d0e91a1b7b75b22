//! The ids of cells and values, each kept once.
//!
//! A table's rows share their cell ids, so a row holds numbers in their place: four bytes a cell, and the part of the
//! hash that an id alone decides is computed once for the store.

use crate::hash::IdPrefix;
use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// Stands for a cell's or value's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CellId(u32);

#[derive(Debug)]
pub(super) struct Ids {
    known: IndexMap<Box<str>, IdPrefix, FixedState>,
}

impl Ids {
    pub fn new(hasher: FixedState) -> Self {
        Self { known: IndexMap::with_hasher(hasher) }
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn get(&self, id: &str) -> Option<CellId> {
        self.known.get_index_of(id).map(|index| CellId(index as u32))
    }

    pub fn intern(&mut self, id: &str) -> CellId {
        self.get(id).unwrap_or_else(|| CellId(self.known.insert_full(id.into(), IdPrefix::new(id)).0 as u32))
    }

    pub fn text(&self, id: CellId) -> &str {
        self.known.get_index(id.0 as usize).map_or("", |(text, _)| text)
    }

    pub fn prefix(&self, id: CellId) -> IdPrefix {
        self.known.get_index(id.0 as usize).map_or_else(|| IdPrefix::new(""), |(_, &prefix)| prefix)
    }
}
