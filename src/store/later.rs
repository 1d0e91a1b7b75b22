//! What of a change is later than the store: what somebody holds who may read and not write, and shows in the place of what the
//! store holds.

use super::changes::{CellChange, Changes};
use super::row::{Cell, Row};
use super::{Path, Place, Store};
use crate::hlc::Hlc;

/// So many bytes of ids are as much work as to look at a cell.
const ID_BYTES: usize = 4;

/// A cell or value of a change that the store would merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// Its path.
    pub path: Path,
    /// Where it lies in the store, if there is one.
    pub place: Option<Place>,
    /// Its stamp in the change.
    pub hlc: Hlc,
    /// Whether it holds the same in both: nothing, where it is deleted in the change and the store has none.
    pub is_same: bool,
}

impl Store {
    /// Finds what of a change has a later stamp than here, or none in both places and another value, until `found` wants no more.
    pub fn later_in(&self, changes: &Changes, mut found: impl FnMut(Later) -> bool) {
        self.look_at(changes.len());
        for table in &changes.tables {
            let ours = self.tables.get_full(&table.id);
            for row in changes.rows(table) {
                let ours = ours.and_then(|(position, table)| Some((position, table.rows.get_full(&row.id)?)));
                for cell in changes.cells(row) {
                    let place = |position| {
                        let (table, (row, _)) = ours?;
                        Some(Place { cell: position, ..Place::range_of_row(table, row).start })
                    };
                    let own = ours.and_then(|(_, (_, row))| self.own(row, cell));
                    if let Some((hlc, is_same)) = later(own.map(|(_, own)| own), cell) {
                        let path = Path::of_cell(&table.id, &row.id, &cell.id);
                        self.look_at(path.id_bytes() / ID_BYTES);
                        let place = own.and_then(|(position, _)| place(position));
                        if !found(Later { path, place, hlc, is_same }) {
                            return;
                        }
                    }
                }
            }
        }
        for value in &changes.values {
            let own = self.own(&self.values, value);
            if let Some((hlc, is_same)) = later(own.map(|(_, own)| own), value) {
                let place = own.map(|(position, _)| Place::of_value(position as usize));
                let path = Path::Value((&*value.id).into());
                self.look_at(path.id_bytes() / ID_BYTES);
                if !found(Later { path, place, hlc, is_same }) {
                    return;
                }
            }
        }
    }

    fn own<'s>(&'s self, row: &'s Row, theirs: &CellChange) -> Option<(u32, &'s Cell)> {
        let position = row.find(self.ids.get(&theirs.id)?)?;
        Some((position as u32, row.cells().get(position)?))
    }
}

/// The stamp of what is later than our own, and whether it holds the same.
fn later(own: Option<&Cell>, theirs: &CellChange) -> Option<(Hlc, bool)> {
    let (hlc, value) = own.map_or((Hlc::EMPTY, ""), |own| (own.hlc, &*own.value));
    let is_same = *theirs.value == *value;
    (theirs.hlc > hlc || theirs.hlc.is_empty() && hlc.is_empty() && !is_same).then_some((theirs.hlc, is_same))
}
