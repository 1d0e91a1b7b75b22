//! Changes and content as JSON text, exactly as a TinyBase client prints them.

use super::row::{Cell, Row};
use super::size::CELL_OVERHEAD;
use super::{Place, Store};
use crate::hlc::Hlc;
use std::fmt::Write;
use std::iter::Peekable;
use std::ops::Range;

/// An id is written again only where this many times as much stands behind it each time: so no text of the whole content
/// is much longer than the content is.
const LONG_ID_RATIO: usize = 4;
/// For that a text may be longer than its limit, but no longer than this: every client takes 16 MiB.
const MAX_LONG_ID_TEXT_BYTES: usize = 12 << 20;

impl Store {
    /// Every place from `start` on, in order. Tables or values that hold nothing, and have a stamp all the same, have one
    /// place.
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
        let values = self.values.cells().len().max(usize::from(!self.values.hlc.is_empty()));
        let bare = self.tables.is_empty() && !self.hlc.is_empty() && start == Place::START;
        bare.then_some(Place::START).into_iter().chain(cells).chain((first_value..values).map(Place::of_value))
    }

    /// The places in a range, in order.
    pub fn places_in(&self, range: Range<Place>) -> impl Iterator<Item = Place> {
        self.places_from(range.start).take_while(move |&place| place < range.end)
    }

    /// A change of the cells at these places, which ascend.
    pub fn changes_text(&self, places: impl IntoIterator<Item = Place>) -> String {
        self.next_changes_text(&mut places.into_iter().peekable(), usize::MAX).unwrap_or_else(|| "[[{}],[{}],1]".into())
    }

    /// A change of at most about `limit` bytes, or of one cell where that alone is longer, of the next of these places,
    /// which ascend; `None` where there are none left.
    pub fn next_changes_text(
        &self,
        places: &mut Peekable<impl Iterator<Item = Place>>,
        limit: usize,
    ) -> Option<String> {
        places.peek()?;
        let mut writer = ChangeWriter::new(self, String::from("["), Style::CHANGE);
        while let Some(place) =
            places.next_if(|place| !place.is_value() && (writer.is_empty() || writer.fits(*place, limit)))
        {
            writer.cell(place);
        }
        let must = writer.is_empty();
        let mut out = writer.finish();
        out.push_str(",[{");
        self.write_values(&mut out, places, limit, must);
        close_stamp(&mut out, self.values.hlc);
        out.push_str(",1]");
        Some(out)
    }

    /// The whole content, every stamp with its hash: what TinyBase calls `MergeableContent`.
    pub fn content_text(&self) -> String {
        let mut out = String::new();
        self.write_content(&mut out);
        out
    }

    /// Writes the same behind what `out` holds.
    pub fn write_content(&self, out: &mut String) {
        out.reserve(self.size.text * 3 / 2);
        out.push_str("[[{");
        for (index, (id, table)) in self.tables.iter().enumerate() {
            open_stamp(out, id, index > 0);
            for (index, (id, row)) in table.rows.iter().enumerate() {
                open_stamp(out, id, index > 0);
                self.write_hashed_cells(out, row);
            }
            close_hashed(out, table.hlc, table.hash);
        }
        close_hashed(out, self.hlc, self.hash);
        out.push_str(",[{");
        self.write_hashed_cells(out, &self.values);
        out.push(']');
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

    /// Writes `"id":[value,hlc]`; where the HLC is empty it is left out, unless `empty_hlc`.
    pub(super) fn write_cell(&self, out: &mut String, cell: &Cell, comma: bool, empty_hlc: bool) {
        write_key(out, self.ids.text(cell.id), comma);
        out.push('[');
        write_value(out, cell);
        if empty_hlc || !cell.hlc.is_empty() {
            write_hlc(out, cell.hlc);
        }
        out.push(']');
    }

    /// Writes the values at the next of these places, up to a limit for the whole text, but one at least where it `must`.
    pub(super) fn write_values(
        &self,
        out: &mut String,
        places: &mut Peekable<impl Iterator<Item = Place>>,
        limit: usize,
        mut must: bool,
    ) {
        let cell_at = |place: &Place| self.values.cells().get(place.cell as usize);
        let fits = |place: &Place, length: usize| {
            place.is_value() && cell_at(place).is_none_or(|cell| length + self.length_of(cell) <= limit)
        };
        let mut comma = false;
        while let Some(place) = places.next_if(|place| must && place.is_value() || fits(place, out.len())) {
            if let Some(cell) = cell_at(&place) {
                self.write_cell(out, cell, comma, false);
                comma = true;
            }
            must = false;
        }
    }

    fn length_of(&self, cell: &Cell) -> usize {
        self.ids.text(cell.id).len() + cell.value.len() + CELL_OVERHEAD
    }
}

/// What TinyBase leaves out, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Whether an empty HLC of a cell is written.
    empty_hlcs: bool,
    /// Whether the tables' HLCs are written.
    table_hlcs: bool,
}

impl Style {
    pub const CHANGE: Self = Self { empty_hlcs: false, table_hlcs: true };
    pub const ROW_DIFF: Self = Self { empty_hlcs: false, table_hlcs: false };
    pub const CELL_DIFF: Self = Self { empty_hlcs: true, table_hlcs: true };
}

/// Writes a stamp of tables, cell by cell.
pub(super) struct ChangeWriter<'a> {
    store: &'a Store,
    out: String,
    style: Style,
    open: Option<Open<'a>>,
}

/// The table and row that the last cell was written into, and how much was since they were begun.
#[derive(Clone, Copy)]
struct Open<'a> {
    place: Place,
    table_id: &'a str,
    row_id: &'a str,
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
        let Some((row_id, row)) = self.store.row(place.table, place.row) else { return true };
        let cell = row.cells().get(place.cell as usize).map_or(0, |cell| self.store.length_of(cell));
        let Some(open) = &self.open else { return cell <= limit };
        let same_table = open.place.table == place.table;
        let same_row = open.place.is_in_row_of(place);
        let ids = if same_row { 0 } else { row_id.len() };
        let length = self.out.len();
        length + ids + cell <= limit
            || length + cell <= MAX_LONG_ID_TEXT_BYTES
                && (same_table && length - open.table_start < LONG_ID_RATIO * open.table_id.len()
                    || same_row && length - open.row_start < LONG_ID_RATIO * open.row_id.len())
    }

    /// Writes the cell at a place behind the last one.
    pub fn cell(&mut self, place: Place) {
        let Some((table_id, table)) = self.store.tables.get_index(place.table as usize) else { return };
        let Some((row_id, row)) = table.rows.get_index(place.row as usize) else { return };
        let Some(cell) = row.cells().get(place.cell as usize) else { return };
        let same_table = self.open.is_some_and(|open| open.place.table == place.table);
        let same_row = self.open.is_some_and(|open| open.place.is_in_row_of(place));
        if !same_row {
            self.close_row();
        }
        if !same_table {
            let first = self.open.is_none();
            self.close_table();
            open_stamp(&mut self.out, table_id, !first);
        }
        let table_start = self.open.filter(|_| same_table).map_or(self.out.len(), |open| open.table_start);
        if !same_row {
            open_stamp(&mut self.out, row_id, same_table);
        }
        let row_start = self.open.filter(|_| same_row).map_or(self.out.len(), |open| open.row_start);
        self.store.write_cell(&mut self.out, cell, same_row, self.style.empty_hlcs);
        self.open = Some(Open { place, table_id, row_id, table_start, row_start });
    }

    /// Ends the stamp.
    pub fn finish(mut self) -> String {
        self.close_row();
        self.close_table();
        close_stamp(&mut self.out, self.store.hlc);
        self.out
    }

    fn close_row(&mut self) {
        if let Some((_, row)) = self.open.and_then(|open| self.store.row(open.place.table, open.place.row)) {
            close_stamp(&mut self.out, row.hlc);
        }
    }

    fn close_table(&mut self) {
        if let Some((_, table)) = self.open.and_then(|open| self.store.tables.get_index(open.place.table as usize)) {
            close_stamp(&mut self.out, if self.style.table_hlcs { table.hlc } else { Hlc::EMPTY });
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

pub(super) fn close_stamp(out: &mut String, hlc: Hlc) {
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
