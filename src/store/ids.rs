//! The ids of cells and values, each kept once.
//!
//! A table's rows share their cell ids, so a row holds numbers in their place: four bytes a cell, and the part of the
//! hash that an id alone decides is computed once for the store. Each comes with a cell that is taken, and stays as it does.

use super::map::Map;
use super::size::Size;
use crate::hash::IdPrefix;
use foldhash::fast::FixedState;

/// Stands for a cell's or value's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CellId(u32);

#[derive(Debug)]
pub(super) struct Ids {
    known: Map<Known>,
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
        Self { known: Map::new(hasher), last: CellId(0) }
    }

    /// The id that stands for a text, if any does yet.
    pub fn find(&mut self, text: &str) -> Option<CellId> {
        let guess = self.known.get(self.last.0 as usize).map(|known| known.successor);
        let id = guess.filter(|&guess| self.text(guess) == text).or_else(|| self.get(text))?;
        self.follow(id);
        Some(id)
    }

    /// Lets an id stand for a text that none stands for yet.
    pub fn add(&mut self, text: &str, size: &mut Size) -> CellId {
        let id = CellId(self.known.len() as u32);
        self.known.add(text, Known { prefix: IdPrefix::new(text), successor: id }, size);
        self.follow(id);
        id
    }

    pub fn get(&self, text: &str) -> Option<CellId> {
        self.known.get_index_of(text).map(|index| CellId(index as u32))
    }

    pub fn text(&self, id: CellId) -> &str {
        self.known.id(id.0 as usize).unwrap_or_default()
    }

    pub fn prefix(&self, id: CellId) -> IdPrefix {
        self.known.get(id.0 as usize).map_or_else(|| IdPrefix::new(""), |known| known.prefix)
    }

    fn follow(&mut self, id: CellId) {
        if let Some(last) = self.known.get_mut(self.last.0 as usize) {
            last.successor = id;
        }
        self.last = id;
    }
}
