//! Merging: the greater stamp wins, cell by cell.
//!
//! A cell is accepted where there is none yet, or where its HLC is greater than the one there. Two empty HLCs leave the
//! room's own: TinyBase takes the last to arrive, by which two peers can swap their values for ever, while a room that
//! stays with the first lets everybody settle on it. Rows and tables come into being with their first accepted cell.

use super::changes::{Branch, CellChange, Changes};
use super::ids::Ids;
use super::row::{Cell, Row, raise};
use super::size::Size;
use super::{Place, Store, Table};
use crate::hash::IdPrefix;
use crate::hlc::Hlc;
use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// On what terms a change is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The time. Stamps too far ahead of it are left out.
    pub now_ms: u64,
    /// How many bytes a value may become longer by in a store that is full, where cells that exist can be changed and
    /// deleted and none is added; `None` in a store that is not.
    pub growth: Option<usize>,
    /// Whether a cell replaces one with the same stamp.
    pub replaces_equal: bool,
}

impl Terms {
    /// The terms on which a store is read back: its stamps passed the room's clock when they came, its size was measured
    /// then, and where two cells have one stamp the later entry is what the room held.
    pub const STORED: Self = Self { now_ms: u64::MAX, growth: None, replaces_equal: true };
}

impl From<u64> for Terms {
    fn from(now_ms: u64) -> Self {
        Self { now_ms, growth: None, replaces_equal: false }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Cells and values that were accepted.
    pub won: usize,
    /// Those for which the store had something as new or newer.
    pub lost: usize,
    /// Those left out because their stamp lies too far in the future; stamps of rows and tables are counted here too.
    pub future: usize,
    /// Those refused because the store is full.
    pub refused: usize,
}

impl Merged {
    /// Whether every cell and value of the change was accepted.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.future == 0 && self.refused == 0
    }

    /// Counts the cells of a row that does not come into being.
    fn pass_over(&mut self, cells: &[CellChange], terms: Terms) {
        let future = cells.iter().filter(|cell| cell.hlc.is_future(terms.now_ms)).count();
        self.future += future;
        self.refused += cells.len() - future;
    }

    fn admits(&mut self, hlc: Hlc, terms: Terms) -> bool {
        let future = hlc.is_future(terms.now_ms);
        self.future += usize::from(future);
        !future
    }
}

impl Store {
    /// Merges a change, and names the place of each cell that won. Where a container's HLC rose and none of its cells won,
    /// a place within it is named all the same, so that whoever passes on what is named passes on the HLC.
    pub fn merge(&mut self, changes: &Changes, terms: impl Into<Terms>, mut won: impl FnMut(Place)) -> Merged {
        let terms = terms.into();
        let mut merged = Merged::default();
        for table in &changes.tables {
            self.merge_table(changes, table, terms, &mut merged, &mut won);
        }
        if merged.admits(changes.tables_hlc, terms) {
            let raised = raise(&mut self.hlc, &mut self.hash, changes.tables_hlc);
            if raised && merged.won == 0 {
                won(Place::START);
            }
        }
        self.merge_values(changes, terms, &mut merged, &mut won);
        merged
    }

    fn merge_table(
        &mut self,
        changes: &Changes,
        change: &Branch,
        terms: Terms,
        merged: &mut Merged,
        won: &mut impl FnMut(Place),
    ) {
        let rows = changes.rows(change);
        let position = match self.tables.get_index_of(&*change.id) {
            Some(position) => position,
            None if rows.iter().any(|row| terms.admit_row(changes.cells(row))) => {
                let rows = IndexMap::with_hasher(self.hasher.clone());
                let table = Table { hlc: Hlc::EMPTY, hash: 0, rows };
                self.size.add_table(&change.id);
                self.tables.insert_full(change.id.as_ref().into(), table).0
            }
            None => {
                rows.iter().for_each(|row| merged.pass_over(changes.cells(row), terms));
                return;
            }
        };
        let Some((_, table)) = self.tables.get_index_mut(position) else { return };
        let old_hash = (!table.rows.is_empty()).then_some(table.hash);
        let won_before = merged.won;
        for change in rows {
            let cells = changes.cells(change);
            let row_position = match table.rows.get_index_of(&*change.id) {
                Some(row_position) => row_position,
                None if terms.admit_row(cells) => {
                    self.size.add_row(&change.id);
                    table.rows.insert_full(change.id.as_ref().into(), Row::with_capacity(cells.len())).0
                }
                None => {
                    merged.pass_over(cells, terms);
                    continue;
                }
            };
            let Some((_, row)) = table.rows.get_index_mut(row_position) else { continue };
            let old_hash = (!row.cells().is_empty()).then_some(row.hash);
            let place = |cell| Place { table: position as u32, row: row_position as u32, cell };
            let row_won_before = merged.won;
            for cell in cells {
                let context = (&mut self.ids, &self.hasher, &mut self.size);
                if let Some(cell) = merge_cell(row, cell, terms, context, merged) {
                    won(place(cell as u32));
                }
            }
            if merged.admits(change.hlc, terms) && row.raise(change.hlc) && merged.won == row_won_before {
                won(place(0));
            }
            replace(&mut table.hash, &change.id, old_hash, row.hash);
        }
        if merged.admits(change.hlc, terms)
            && raise(&mut table.hlc, &mut table.hash, change.hlc)
            && merged.won == won_before
        {
            won(Place { table: position as u32, row: 0, cell: 0 });
        }
        let new_hash = table.hash;
        replace(&mut self.hash, &change.id, old_hash, new_hash);
    }

    fn merge_values(&mut self, changes: &Changes, terms: Terms, merged: &mut Merged, won: &mut impl FnMut(Place)) {
        let won_before = merged.won;
        for value in &changes.values {
            let context = (&mut self.ids, &self.hasher, &mut self.size);
            if let Some(cell) = merge_cell(&mut self.values, value, terms, context, merged) {
                won(Place::of_value(cell));
            }
        }
        if merged.admits(changes.values_hlc, terms) && self.values.raise(changes.values_hlc) && merged.won == won_before
        {
            won(Place::of_value(0));
        }
    }
}

impl Terms {
    /// Whether a row may come into being: a cell of it must be acceptable.
    fn admit_row(self, cells: &[CellChange]) -> bool {
        self.growth.is_none() && cells.iter().any(|cell| !cell.hlc.is_future(self.now_ms))
    }
}

/// Merges one cell into a row. Answers its place where it won.
fn merge_cell(
    row: &mut Row,
    change: &CellChange,
    terms: Terms,
    (ids, hasher, size): (&mut Ids, &FixedState, &mut Size),
    merged: &mut Merged,
) -> Option<usize> {
    if !merged.admits(change.hlc, terms) {
        return None;
    }
    let id = ids.find(&change.id);
    let place = id.and_then(|id| row.find(id));
    let own = place.and_then(|place| row.cells().get(place));
    if own.is_some_and(|own| change.hlc < own.hlc || change.hlc == own.hlc && !terms.replaces_equal) {
        merged.lost += 1;
        return None;
    }
    if let Some(growth) = terms.growth
        && own.is_none_or(|own| change.value.len() > own.value.len() + growth)
    {
        merged.refused += 1;
        return None;
    }
    match own {
        Some(own) => size.replace_value(&own.value, &change.value),
        None => size.add_cell(&change.id, &change.value),
    }
    let id = id.unwrap_or_else(|| {
        size.add_cell_id(&change.id);
        ids.add(&change.id)
    });
    merged.won += 1;
    Some(row.put(place, Cell::new(id, &change.value, change.hlc), ids, hasher))
}

/// Exchanges a child's part in the hash of a table or of the tables; `old` is none for a child that is new.
fn replace(hash: &mut u32, id: &str, old: Option<u32>, new: u32) {
    if old != Some(new) {
        let prefix = IdPrefix::new(id);
        *hash ^= old.map_or(0, |old| prefix.in_table(old)) ^ prefix.in_table(new);
    }
}
