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
    known: IndexMap<Box<str>, Known, FixedState>,
    /// The id that was asked for last.
    last: CellId,
}

#[derive(Debug)]
struct Known {
    prefix: IdPrefix,
    /// The id that was asked for after this one: rows list their cells in the same order again and again, so looking here
    /// first spares most of the hashing.
    successor: CellId,
}

impl Ids {
    pub fn new(hasher: FixedState) -> Self {
        Self { known: IndexMap::with_hasher(hasher), last: CellId(0) }
    }

    /// The id that stands for a text, if any does yet.
    pub fn find(&mut self, text: &str) -> Option<CellId> {
        let guess = self.known.get_index(self.last.0 as usize).map(|(_, known)| known.successor);
        let id = guess.filter(|&guess| self.text(guess) == text).or_else(|| self.get(text))?;
        self.follow(id);
        Some(id)
    }

    /// Lets an id stand for a text that none stands for yet.
    pub fn add(&mut self, text: &str) -> CellId {
        let id = CellId(self.known.len() as u32);
        self.known.insert(text.into(), Known { prefix: IdPrefix::new(text), successor: id });
        self.follow(id);
        id
    }

    pub fn get(&self, text: &str) -> Option<CellId> {
        self.known.get_index_of(text).map(|index| CellId(index as u32))
    }

    pub fn text(&self, id: CellId) -> &str {
        self.known.get_index(id.0 as usize).map_or("", |(text, _)| text)
    }

    pub fn prefix(&self, id: CellId) -> IdPrefix {
        self.known.get_index(id.0 as usize).map_or_else(|| IdPrefix::new(""), |(_, known)| known.prefix)
    }

    fn follow(&mut self, id: CellId) {
        if let Some((_, last)) = self.known.get_index_mut(self.last.0 as usize) {
            last.successor = id;
        }
        self.last = id;
    }
}
