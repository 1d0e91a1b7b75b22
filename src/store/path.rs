//! What a cell or value is called, wherever it lies.

use super::{Place, Store};

/// The ids that lead to a cell or value. They are ordered by these, the values last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// To a cell.
    Cell {
        /// Its table.
        table: Box<str>,
        /// Its row.
        row: Box<str>,
        /// Its own id.
        cell: Box<str>,
    },
    /// To a value.
    Value(Box<str>),
}

impl Path {
    pub(super) fn of_cell(table: &str, row: &str, cell: &str) -> Self {
        Self::Cell { table: table.into(), row: row.into(), cell: cell.into() }
    }

    /// How long its ids are together, in bytes.
    pub fn id_bytes(&self) -> usize {
        match self {
            Self::Cell { table, row, cell } => table.len() + row.len() + cell.len(),
            Self::Value(id) => id.len(),
        }
    }
}

impl Store {
    /// The path to a place; none where nothing lies there.
    pub fn path_at(&self, place: Place) -> Option<Path> {
        if place.is_value() {
            let value = self.values.cells().get(place.cell as usize)?;
            return Some(Path::Value(self.ids.text(value.id).into()));
        }
        let (table_id, table) = self.tables.get_index(place.table as usize)?;
        let (row_id, row) = table.rows.get_index(place.row as usize)?;
        let cell = row.cells().get(place.cell as usize)?;
        Some(Path::of_cell(table_id, row_id, self.ids.text(cell.id)))
    }
}
