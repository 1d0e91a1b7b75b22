//! Merging: the greater stamp wins, cell by cell.
//!
//! A cell is accepted where there is none yet, or where its HLC is greater than the one there. Two empty HLCs leave the
//! room's own: TinyBase takes the last to arrive, by which two peers can swap their values for ever, while a room that
//! stays with the first lets everybody settle on it. Rows and tables come into being with their first accepted cell.

use super::changes::{Branch, CellChange, Changes};
use super::row::{Cell, Row, raise};
use super::{BRANCH_OVERHEAD, CELL_OVERHEAD, Place, Store, Table};
use crate::hash::IdPrefix;
use crate::hlc::Hlc;
use indexmap::IndexMap;

/// What became of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Cells and values that were accepted.
    pub won: usize,
    /// Those for which the store had something as new or newer.
    pub lost: usize,
    /// Those left out because their stamp lies too far in the future.
    pub future: usize,
}

impl Merged {
    /// Whether every cell and value of the change was accepted.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.future == 0
    }
}

impl Store {
    /// Merges a change, leaving out stamps too far ahead of `now_ms`, and names the place of each cell that won. Where a
    /// container's HLC rose and none of its cells won, a place within it is named all the same, so that whoever passes
    /// on what is named passes on the HLC.
    pub fn merge(&mut self, changes: &Changes, now_ms: u64, mut won: impl FnMut(Place)) -> Merged {
        let mut merged = Merged::default();
        for table in &changes.tables {
            self.merge_table(changes, table, now_ms, &mut merged, &mut won);
        }
        if !changes.tables_hlc.is_future(now_ms) {
            let raised = raise(&mut self.hlc, &mut self.hash, changes.tables_hlc);
            if raised && merged.won == 0 && self.row(0, 0).is_some() {
                won(Place::START);
            }
        }
        self.merge_values(changes, now_ms, &mut merged, &mut won);
        merged
    }

    fn merge_table(
        &mut self,
        changes: &Changes,
        change: &Branch,
        now_ms: u64,
        merged: &mut Merged,
        won: &mut impl FnMut(Place),
    ) {
        let rows = changes.rows(change);
        let position = match self.tables.get_index_of(&*change.id) {
            Some(position) => position,
            None if rows.iter().any(|row| has_present(changes.cells(row), now_ms)) => {
                let rows = IndexMap::with_hasher(self.hasher.clone());
                let table = Table { hlc: Hlc::EMPTY, hash: 0, rows };
                self.text_bytes += change.id.len() + BRANCH_OVERHEAD;
                self.tables.insert_full(change.id.as_ref().into(), table).0
            }
            None => {
                merged.future += rows.iter().map(|row| changes.cells(row).len()).sum::<usize>();
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
                None if has_present(cells, now_ms) => {
                    self.text_bytes += change.id.len() + BRANCH_OVERHEAD;
                    table.rows.insert_full(change.id.as_ref().into(), Row::with_capacity(cells.len())).0
                }
                None => {
                    merged.future += cells.len();
                    continue;
                }
            };
            let Some((_, row)) = table.rows.get_index_mut(row_position) else { continue };
            let old_hash = (!row.cells().is_empty()).then_some(row.hash);
            let place = |cell| Place { table: position as u32, row: row_position as u32, cell };
            let row_won_before = merged.won;
            for cell in cells {
                let context = (&mut self.ids, &self.hasher, &mut self.text_bytes);
                if let Some(cell) = merge_cell(row, cell, now_ms, context, merged) {
                    won(place(cell as u32));
                }
            }
            if !change.hlc.is_future(now_ms) && row.raise(change.hlc) && merged.won == row_won_before {
                won(place(0));
            }
            replace(&mut table.hash, &change.id, old_hash, row.hash);
        }
        if !change.hlc.is_future(now_ms)
            && raise(&mut table.hlc, &mut table.hash, change.hlc)
            && merged.won == won_before
        {
            won(Place { table: position as u32, row: 0, cell: 0 });
        }
        let new_hash = table.hash;
        replace(&mut self.hash, &change.id, old_hash, new_hash);
    }

    fn merge_values(&mut self, changes: &Changes, now_ms: u64, merged: &mut Merged, won: &mut impl FnMut(Place)) {
        let won_before = merged.won;
        for value in &changes.values {
            let context = (&mut self.ids, &self.hasher, &mut self.text_bytes);
            if let Some(cell) = merge_cell(&mut self.values, value, now_ms, context, merged) {
                won(Place::of_value(cell));
            }
        }
        if !changes.values_hlc.is_future(now_ms)
            && self.values.raise(changes.values_hlc)
            && merged.won == won_before
            && !self.values.cells().is_empty()
        {
            won(Place::of_value(0));
        }
    }
}

fn has_present(cells: &[CellChange], now_ms: u64) -> bool {
    cells.iter().any(|cell| !cell.hlc.is_future(now_ms))
}

/// Merges one cell into a row. Answers its place where it won.
fn merge_cell(
    row: &mut Row,
    change: &CellChange,
    now_ms: u64,
    (ids, hasher, text_bytes): (&mut super::Ids, &foldhash::fast::FixedState, &mut usize),
    merged: &mut Merged,
) -> Option<usize> {
    if change.hlc.is_future(now_ms) {
        merged.future += 1;
        return None;
    }
    let id = ids.intern(&change.id);
    let place = row.find(id);
    match place.and_then(|place| row.cells().get(place)) {
        Some(own) if change.hlc <= own.hlc => {
            merged.lost += 1;
            return None;
        }
        Some(own) => *text_bytes -= own.value.len(),
        None => *text_bytes += change.id.len() + CELL_OVERHEAD,
    }
    *text_bytes += change.value.len();
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
