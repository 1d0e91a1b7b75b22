//! A row, which the values are too: cells in the order of their arrival, and their hash.

use super::ids::{CellId, Ids};
use super::index::Index;
use super::list::List;
use super::size::{Size, allocated};
use crate::hash::Fnv;
use crate::hlc::Hlc;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// A row with more cells than this is given an index; up to it, looking at each is quicker.
const FEW: usize = 16;
/// A new row makes room for no more cells than this before they are taken: none of them need be.
const MANY: usize = 64;

#[derive(Debug)]
pub(super) struct Cell {
    pub id: CellId,
    pub hash: u32,
    pub hlc: Hlc,
    /// The value's canonical JSON text; empty for a tombstone.
    pub value: Box<str>,
}

impl Cell {
    pub fn new(id: CellId, value: &str, hlc: Hlc) -> Self {
        let hashed = if value.is_empty() { "null" } else { value };
        let hash = Fnv::new().bytes(hashed.as_bytes()).bytes(b":").bytes(hlc.text().as_bytes()).finish();
        Self { id, hash, hlc, value: value.into() }
    }
}

#[derive(Debug, Default)]
pub(super) struct Row {
    pub hlc: Hlc,
    pub hash: u32,
    cells: List<Cell>,
    /// Most rows have none, and pay for a pointer alone.
    index: Option<Box<Index>>,
}

impl Row {
    /// A row with room for so many cells, up to a number.
    pub fn with_room(cells: usize, size: &mut Size) -> Self {
        Self { cells: List::with_room(cells.min(MANY), size), ..Self::default() }
    }

    /// Gives back the room that no cell was put in.
    pub fn fit(&mut self, size: &mut Size) {
        self.cells.fit(size);
    }

    pub fn cells(&self) -> &List<Cell> {
        &self.cells
    }

    pub fn find(&self, id: CellId) -> Option<usize> {
        match &self.index {
            Some(index) => {
                let is_it = |position: usize| self.cells.get(position).is_some_and(|cell| cell.id == id);
                index.find(index.hasher().hash_one(id), is_it)
            }
            None => self.cells.iter().position(|cell| cell.id == id),
        }
    }

    /// Puts a cell in its place, in the stead of the one there, and answers the place.
    pub fn put(
        &mut self,
        place: Option<usize>,
        cell: Cell,
        (ids, hasher, size): (&Ids, &FixedState, &mut Size),
    ) -> usize {
        let prefix = ids.prefix(cell.id);
        if let Some((place, old)) = place.and_then(|place| Some((place, self.cells.get_mut(place)?))) {
            size.replace_value(&old.value, &cell.value);
            self.hash ^= prefix.in_table(old.hash) ^ prefix.in_table(cell.hash);
            *old = cell;
            return place;
        }
        let place = self.cells.len();
        self.hash ^= prefix.in_row(cell.hash);
        size.add_cell(ids.text(cell.id), &cell.value);
        self.cells.push(cell, size);
        let cells = &self.cells;
        let hash_at = |hasher: &FixedState, at: usize| cells.get(at).map_or(0, |cell| hasher.hash_one(cell.id));
        match &mut self.index {
            Some(index) => index.add(place, hash_at, size),
            None if cells.len() > FEW => {
                let mut index = Index::with_capacity(cells.len(), hasher.clone());
                size.memory += allocated(size_of::<Index>()) + index.bytes();
                (0..cells.len()).for_each(|place| index.add(place, hash_at, size));
                self.index = Some(Box::new(index));
            }
            None => {}
        }
        place
    }

    /// Takes the greater of the row's own HLC and `hlc`. Answers whether it changed.
    pub fn advance_hlc(&mut self, hlc: Hlc) -> bool {
        advance_hlc(&mut self.hlc, &mut self.hash, hlc)
    }
}

/// Takes the greater of a container's own HLC and `hlc` into both its HLC and its hash.
pub(super) fn advance_hlc(own: &mut Hlc, hash: &mut u32, hlc: Hlc) -> bool {
    if hlc <= *own {
        return false;
    }
    for replaced in [*own, hlc] {
        if !replaced.is_empty() {
            *hash ^= Fnv::new().bytes(replaced.text().as_bytes()).finish();
        }
    }
    *own = hlc;
    true
}
