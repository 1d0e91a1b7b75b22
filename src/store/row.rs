//! A row, which the values are too: cells in the order of their arrival, and their hash.

use super::ids::{CellId, Ids};
use crate::hash::Fnv;
use crate::hlc::Hlc;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// A row with more cells than this is given an index; up to it, looking at each is quicker.
const FEW: usize = 16;

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
    cells: Vec<Cell>,
    #[expect(clippy::box_collection, reason = "most rows have none, and pay for a pointer alone")]
    index: Option<Box<HashMap<CellId, u32, FixedState>>>,
}

impl Row {
    pub fn with_capacity(cells: usize) -> Self {
        Self { cells: Vec::with_capacity(cells), ..Self::default() }
    }

    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub fn find(&self, id: CellId) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(&id).map(|&position| position as usize),
            None => self.cells.iter().position(|cell| cell.id == id),
        }
    }

    /// Puts a cell in its place, in the stead of the one there, and answers the place.
    pub fn put(&mut self, place: Option<usize>, cell: Cell, ids: &Ids, hasher: &FixedState) -> usize {
        let prefix = ids.prefix(cell.id);
        if let Some((place, old)) = place.and_then(|place| Some((place, self.cells.get_mut(place)?))) {
            self.hash ^= prefix.in_table(old.hash) ^ prefix.in_table(cell.hash);
            *old = cell;
            return place;
        }
        let place = self.cells.len();
        self.hash ^= prefix.in_row(cell.hash);
        if let Some(index) = &mut self.index {
            index.insert(cell.id, place as u32);
        }
        self.cells.push(cell);
        if self.index.is_none() && self.cells.len() > FEW {
            let mut index = HashMap::with_capacity_and_hasher(2 * FEW, hasher.clone());
            index.extend(self.cells.iter().enumerate().map(|(place, cell)| (cell.id, place as u32)));
            self.index = Some(Box::new(index));
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
