//! A stamp of tables as text, cell by cell.

use super::row::{Cell, Row};
use super::write::{close_length, close_stamp, open_length, open_stamp};
use super::{Place, Store, Table};
use crate::hlc::Hlc;

/// An id is written again only where this many times as much stands behind it each time: so no text of the whole content
/// is much longer than the content is.
const LONG_ID_RATIO: usize = 4;
/// For that a text may be longer than its limit, but no longer than this: every client takes 16 MiB.
const MAX_LONG_ID_TEXT_BYTES: usize = 12 << 20;

/// What TinyBase leaves out, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Whether an empty HLC of a cell is written.
    pub empty_hlcs: bool,
    /// Whether the tables' HLCs are written.
    table_hlcs: bool,
}

impl Style {
    pub const CHANGE: Self = Self { empty_hlcs: false, table_hlcs: true };
    pub const ROW_DIFF: Self = Self { empty_hlcs: false, table_hlcs: false };
    pub const CELL_DIFF: Self = Self { empty_hlcs: true, table_hlcs: true };
}

/// A cell, and the way to it.
#[derive(Clone, Copy)]
pub(super) struct CellAt<'a> {
    pub place: Place,
    pub cell: &'a Cell,
    table_id: &'a str,
    table: &'a Table,
    row_id: &'a str,
    row: &'a Row,
}

impl CellAt<'_> {
    /// How long the ids of its table and row are.
    pub fn id_bytes(self) -> usize {
        self.table_id.len() + self.row_id.len()
    }

    /// The cell at a place of the same row.
    fn in_row(self, place: Place) -> Option<Self> {
        Some(Self { place, cell: self.row.cells().get(place.cell as usize)?, ..self })
    }

    /// The cell at a place of the same table.
    fn in_table(self, place: Place) -> Option<Self> {
        let (row_id, row) = self.table.rows.get_index(place.row as usize)?;
        Some(Self { place, cell: row.cells().get(place.cell as usize)?, row_id, row, ..self })
    }
}

impl Store {
    /// The cell at a place of the tables.
    pub(super) fn cell_at(&self, place: Place) -> Option<CellAt<'_>> {
        let (table_id, table) = self.tables.get_index(place.table as usize)?;
        let (row_id, row) = table.rows.get_index(place.row as usize)?;
        let cell = row.cells().get(place.cell as usize)?;
        Some(CellAt { place, cell, table_id, table, row_id, row })
    }
}

/// Writes a stamp of tables, cell by cell.
pub(super) struct ChangeWriter<'a> {
    store: &'a Store,
    out: String,
    style: Style,
    open: Option<Open<'a>>,
}

/// The last cell that was written, and how much was when its table and row were begun.
#[derive(Clone, Copy)]
struct Open<'a> {
    at: CellAt<'a>,
    table_start: usize,
    row_start: usize,
}

impl<'a> ChangeWriter<'a> {
    /// Begins a stamp of tables behind what `out` holds.
    pub fn new(store: &'a Store, mut out: String, style: Style) -> Self {
        out.push_str("[{");
        Self { store, out, style, open: None }
    }

    /// Whether no cell was written yet.
    pub fn is_empty(&self) -> bool {
        self.open.is_none()
    }

    /// Whether the cell at a place fits into a limit. So does one whose row's or table's id is so long that to write it again
    /// for the cell, in another text, would be worse than to be over the limit.
    pub fn fits(&self, place: Place, limit: usize) -> bool {
        let Some(at) = self.cell_at(place) else { return true };
        let cell = self.store.length_of(at.cell);
        let Some(open) = &self.open else { return cell <= limit };
        let (same_table, same_row) = self.is_in_open(place);
        let ids = if same_row { 0 } else { at.row_id.len() };
        let length = self.out.len();
        length + ids + cell <= limit
            || length + cell <= MAX_LONG_ID_TEXT_BYTES
                && (same_table && length - open.table_start < LONG_ID_RATIO * at.table_id.len()
                    || same_row && length - open.row_start < LONG_ID_RATIO * at.row_id.len())
    }

    /// How long exactly the stamp is at its end.
    pub fn length(&self) -> usize {
        let open = self.open.map_or(0, |open| self.close_lengths(open.at, true, true));
        self.out.len() + open + close_length(self.store.hlc)
    }

    /// The same, were the stamp to end with this cell behind the last one.
    pub fn length_with(&self, at: CellAt) -> usize {
        let (same_table, same_row) = self.is_in_open(at.place);
        let closed = self.open.map_or(0, |open| self.close_lengths(open.at, !same_row, !same_table));
        let table = if same_table { 0 } else { open_length(at.table_id, self.open.is_some()) };
        let row = if same_row { 0 } else { open_length(at.row_id, same_table) };
        let cell = self.store.cell_length(at.cell, same_row, self.style.empty_hlcs);
        let ends = self.close_lengths(at, true, true) + close_length(self.store.hlc);
        self.out.len() + closed + table + row + cell + ends
    }

    /// Writes the cell at a place behind the last one.
    pub fn place(&mut self, place: Place) {
        if let Some(at) = self.cell_at(place) {
            self.cell(at);
        }
    }

    /// The cell at a place. The last that was written shows the way to its neighbours.
    fn cell_at(&self, place: Place) -> Option<CellAt<'a>> {
        match &self.open {
            Some(Open { at, .. }) if at.place.is_in_row_of(place) => at.in_row(place),
            Some(Open { at, .. }) if at.place.table == place.table => at.in_table(place),
            _ => self.store.cell_at(place),
        }
    }

    /// Writes a cell behind the last one.
    pub fn cell(&mut self, at: CellAt<'a>) {
        let (same_table, same_row) = self.is_in_open(at.place);
        if !same_row {
            self.close_row();
        }
        if !same_table {
            let first = self.open.is_none();
            self.close_table();
            open_stamp(&mut self.out, at.table_id, !first);
        }
        let table_start = self.open.filter(|_| same_table).map_or(self.out.len(), |open| open.table_start);
        if !same_row {
            open_stamp(&mut self.out, at.row_id, same_table);
        }
        let row_start = self.open.filter(|_| same_row).map_or(self.out.len(), |open| open.row_start);
        self.store.write_cell(&mut self.out, at.cell, same_row, self.style.empty_hlcs);
        self.open = Some(Open { at, table_start, row_start });
    }

    /// Ends the stamp.
    pub fn finish(mut self) -> String {
        self.close_row();
        self.close_table();
        close_stamp(&mut self.out, self.store.hlc);
        self.out
    }

    fn close_row(&mut self) {
        if let Some(open) = self.open {
            close_stamp(&mut self.out, open.at.row.hlc);
        }
    }

    fn close_table(&mut self) {
        if let Some(open) = self.open {
            let hlc = self.table_hlc(open.at.table);
            close_stamp(&mut self.out, hlc);
        }
    }

    fn close_lengths(&self, at: CellAt, row: bool, table: bool) -> usize {
        let row = if row { close_length(at.row.hlc) } else { 0 };
        row + if table { close_length(self.table_hlc(at.table)) } else { 0 }
    }

    fn table_hlc(&self, table: &Table) -> Hlc {
        if self.style.table_hlcs { table.hlc } else { Hlc::EMPTY }
    }

    /// Whether a place is in the table, and in the row, of the last cell.
    fn is_in_open(&self, place: Place) -> (bool, bool) {
        let last = self.open.map(|open| open.at.place);
        (last.is_some_and(|last| last.table == place.table), last.is_some_and(|last| last.is_in_row_of(place)))
    }
}
