//! Changes and content as JSON text, exactly as a TinyBase client prints them.

use super::row::{Cell, Row};
use super::{Place, Store};
use crate::hlc::Hlc;
use std::fmt::Write;
use std::iter::Peekable;

impl Store {
    /// Every place from `start` on, in order.
    pub fn places_from(&self, start: Place) -> impl Iterator<Item = Place> {
        let tables = self.tables.values().enumerate().skip(start.table as usize);
        let cells = tables.flat_map(move |(table, content)| {
            let table = table as u32;
            let first_row = if table == start.table { start.row } else { 0 };
            content.rows.values().enumerate().skip(first_row as usize).flat_map(move |(row, content)| {
                let row = row as u32;
                let first_cell = if (table, row) == (start.table, start.row) { start.cell } else { 0 };
                (first_cell..content.cells().len() as u32).map(move |cell| Place { table, row, cell })
            })
        });
        let first_value = if start.is_value() { start.cell as usize } else { 0 };
        cells.chain((first_value..self.values.cells().len()).map(Place::of_value))
    }

    /// The places of one row from `start` on, in order.
    pub fn places_of_row(&self, start: Place) -> impl Iterator<Item = Place> + use<> {
        let row =
            if start.is_value() { Some(&self.values) } else { self.row(start.table, start.row).map(|(_, row)| row) };
        let cells = row.map_or(0, |row| row.cells().len());
        (start.cell..cells as u32).map(move |cell| Place { cell, ..start })
    }

    /// A change of the cells at these places, which ascend.
    pub fn changes_text(&self, places: impl IntoIterator<Item = Place>) -> String {
        self.next_changes_text(&mut places.into_iter().peekable(), usize::MAX).unwrap_or_else(|| "[[{}],[{}],1]".into())
    }

    /// A change of about `limit` bytes, or of one cell where that alone is longer, of the next of these places, which
    /// ascend; `None` where there are none left.
    pub fn next_changes_text(
        &self,
        places: &mut Peekable<impl Iterator<Item = Place>>,
        limit: usize,
    ) -> Option<String> {
        places.peek()?;
        let mut writer = ChangeWriter::new(self, String::from("["), false);
        while let Some(place) = places.next_if(|place| !place.is_value() && writer.len() < limit) {
            writer.cell(place);
        }
        let mut out = writer.finish();
        out.push_str(",[{");
        let mut more = false;
        while let Some(place) = places.next_if(|place| place.is_value() && out.len() < limit) {
            if let Some(cell) = self.values.cells().get(place.cell as usize) {
                self.write_cell(&mut out, cell, more, false);
                more = true;
            }
        }
        close_stamp(&mut out, self.values.hlc);
        out.push_str(",1]");
        Some(out)
    }

    /// The whole content, every stamp with its hash: what TinyBase calls `MergeableContent`.
    pub fn content_text(&self) -> String {
        let mut out = String::with_capacity(self.text_bytes * 3 / 2);
        out.push_str("[[{");
        for (index, (id, table)) in self.tables.iter().enumerate() {
            open_stamp(&mut out, id, index > 0);
            for (index, (id, row)) in table.rows.iter().enumerate() {
                open_stamp(&mut out, id, index > 0);
                self.write_hashed_cells(&mut out, row);
            }
            close_hashed(&mut out, table.hlc, table.hash);
        }
        close_hashed(&mut out, self.hlc, self.hash);
        out.push_str(",[{");
        self.write_hashed_cells(&mut out, &self.values);
        out.push(']');
        out
    }

    fn write_hashed_cells(&self, out: &mut String, row: &Row) {
        for (index, cell) in row.cells().iter().enumerate() {
            write_key(out, self.ids.text(cell.id), index > 0);
            out.push('[');
            write_value(out, cell);
            write_hlc_and_hash(out, cell.hlc, cell.hash);
        }
        close_hashed(out, row.hlc, row.hash);
    }

    /// Writes `"id":[value,hlc]`; where the HLC is empty it is left out, unless `always_hlc`.
    pub(super) fn write_cell(&self, out: &mut String, cell: &Cell, comma: bool, always_hlc: bool) {
        write_key(out, self.ids.text(cell.id), comma);
        out.push('[');
        write_value(out, cell);
        if always_hlc || !cell.hlc.is_empty() {
            write_hlc(out, cell.hlc);
        }
        out.push(']');
    }

    pub(super) fn values_row(&self) -> &Row {
        &self.values
    }
}

/// Writes a stamp of tables, cell by cell.
pub(super) struct ChangeWriter<'a> {
    store: &'a Store,
    out: String,
    open: Option<Place>,
    first_table: bool,
    always_hlc: bool,
}

impl<'a> ChangeWriter<'a> {
    /// Begins a stamp of tables behind what `out` holds.
    pub fn new(store: &'a Store, mut out: String, always_hlc: bool) -> Self {
        out.push_str("[{");
        Self { store, out, open: None, first_table: true, always_hlc }
    }

    /// The bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Writes the cell at a place behind the last one.
    pub fn cell(&mut self, place: Place) {
        let Some((table_id, table)) = self.store.tables.get_index(place.table as usize) else { return };
        let Some((row_id, row)) = table.rows.get_index(place.row as usize) else { return };
        let Some(cell) = row.cells().get(place.cell as usize) else { return };
        let same_table = self.open.is_some_and(|open| open.table == place.table);
        let same_row = same_table && self.open.is_some_and(|open| open.row == place.row);
        if !same_row {
            self.close_row();
        }
        if !same_table {
            self.close_table();
            open_stamp(&mut self.out, table_id, !self.first_table);
            self.first_table = false;
        }
        if !same_row {
            open_stamp(&mut self.out, row_id, same_table);
        }
        self.store.write_cell(&mut self.out, cell, same_row, self.always_hlc);
        self.open = Some(place);
    }

    /// Ends the stamp.
    pub fn finish(mut self) -> String {
        self.close_row();
        self.close_table();
        close_stamp(&mut self.out, self.store.hlc);
        self.out
    }

    fn close_row(&mut self) {
        if let Some((_, row)) = self.open.and_then(|open| self.store.row(open.table, open.row)) {
            close_stamp(&mut self.out, row.hlc);
        }
    }

    fn close_table(&mut self) {
        if let Some((_, table)) = self.open.and_then(|open| self.store.tables.get_index(open.table as usize)) {
            close_stamp(&mut self.out, table.hlc);
        }
    }
}

/// Writes `"id":`.
pub(super) fn write_key(out: &mut String, id: &str, comma: bool) {
    out.push_str(if comma { ",\"" } else { "\"" });
    out.push_str(id);
    out.push_str("\":");
}

/// Writes a number in decimal digits.
pub(super) fn write_number(out: &mut String, number: u32) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

fn write_value(out: &mut String, cell: &Cell) {
    out.push_str(if cell.value.is_empty() { "\"\u{fffc}\"" } else { &cell.value });
}

fn write_hlc(out: &mut String, hlc: Hlc) {
    out.push_str(",\"");
    out.push_str(hlc.text().as_str());
    out.push('"');
}

fn write_hlc_and_hash(out: &mut String, hlc: Hlc, hash: u32) {
    write_hlc(out, hlc);
    out.push(',');
    write_number(out, hash);
    out.push(']');
}

fn open_stamp(out: &mut String, id: &str, comma: bool) {
    write_key(out, id, comma);
    out.push_str("[{");
}

fn close_stamp(out: &mut String, hlc: Hlc) {
    out.push('}');
    if !hlc.is_empty() {
        write_hlc(out, hlc);
    }
    out.push(']');
}

fn close_hashed(out: &mut String, hlc: Hlc, hash: u32) {
    out.push('}');
    write_hlc_and_hash(out, hlc, hash);
}
