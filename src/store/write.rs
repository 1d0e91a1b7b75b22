//! Changes and content as JSON text, exactly as a TinyBase client prints them.

use super::change_writer::{CellAt, ChangeWriter, Style};
use super::changes::UNDEFINED_TEXT;
use super::ids::Ids;
use super::row::{Cell, Row};
use super::size::CELL_OVERHEAD;
use super::snapshot::Snapshot;
use super::{Place, Store};
use crate::hlc::Hlc;
use std::fmt::Write;
use std::iter::Peekable;
use std::ops::Range;

/// Of how many clients the cells that are ahead have texts of their own.
const MAX_CLIENTS_AHEAD: usize = 16;
/// Of fewer where the ids of their tables and rows are long: each text repeats them, up to so many bytes.
const MAX_IDS_AHEAD_BYTES: usize = 16 << 10;
/// In UTF-8, in bytes: who writes at least as much gets on.
const LONGEST_CHARACTER: usize = 4;

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
            writer.place(place);
        }
        let must = writer.is_empty();
        let mut out = writer.finish();
        out.push_str(",[{");
        self.write_values(&mut out, places, limit, must);
        close_stamp(&mut out, self.values.hlc);
        out.push_str(",1]");
        Some(out)
    }

    /// The changes of the cells at these places, which ascend, each of at most about `limit` bytes. Cells stamped later than
    /// `until_ms` come last and share no text with others, since a client whose clock is behind drops what comes with them;
    /// nor do those of different clients share one, up to a number.
    pub fn change_texts(&self, places: &[Place], limit: usize, until_ms: u64) -> Vec<String> {
        let mut ahead: Vec<(Hlc, Place)> = Vec::new();
        let mut texts = Vec::new();
        self.write_texts(places, limit, &mut texts, &mut |place| {
            let hlc = self.hlc_at(place);
            let is_ahead = hlc.time_ms() > until_ms;
            if is_ahead {
                ahead.push((hlc, place));
            }
            !is_ahead
        });
        let id_bytes = ahead.iter().map(|(_, place)| self.cell_at(*place).map_or(0, CellAt::id_bytes)).max();
        let clients = (MAX_IDS_AHEAD_BYTES / id_bytes.unwrap_or(0).max(1)).min(MAX_CLIENTS_AHEAD);
        for group in by_client(ahead, clients) {
            self.write_texts(&group, limit, &mut texts, &mut |_| true);
        }
        texts
    }

    fn write_texts(
        &self,
        places: &[Place],
        limit: usize,
        texts: &mut Vec<String>,
        goes_along: &mut dyn FnMut(Place) -> bool,
    ) {
        let mut places = places.iter().copied().filter(|&place| goes_along(place)).peekable();
        texts.extend(std::iter::from_fn(|| self.next_changes_text(&mut places, limit)));
    }

    /// The stamp of the cell at a place; the empty one where there is none.
    pub fn hlc_at(&self, place: Place) -> Hlc {
        if place.is_value() {
            return self.values.cells().get(place.cell as usize).map_or(Hlc::EMPTY, |cell| cell.hlc);
        }
        self.cell_at(place).map_or(Hlc::EMPTY, |at| at.cell.hlc)
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
        Snapshot::of(self).write(self, out, usize::MAX);
    }

    /// Writes `"id":[value,hlc]`; where the HLC is empty it is left out, unless `empty_hlc`.
    pub(super) fn write_cell(&self, out: &mut String, cell: &Cell, comma: bool, empty_hlc: bool) {
        write_key(out, self.ids.text(cell.id), comma);
        out.push('[');
        out.push_str(value_text(cell));
        if empty_hlc || !cell.hlc.is_empty() {
            write_hlc(out, cell.hlc);
        }
        out.push(']');
    }

    /// How long exactly that is.
    pub(super) fn cell_length(&self, cell: &Cell, comma: bool, empty_hlc: bool) -> usize {
        let value = value_text(cell);
        let hlc = if empty_hlc || !cell.hlc.is_empty() { hlc_length(cell.hlc) } else { 0 };
        key_length(self.ids.text(cell.id), comma) + "[]".len() + value.len() + hlc
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

    /// About how long that is.
    pub(super) fn length_of(&self, cell: &Cell) -> usize {
        self.ids.text(cell.id).len() + cell.value.len() + CELL_OVERHEAD
    }
}

/// Places by the client whose stamp their cell has, and those of all other clients together once there are so many: who
/// invents clients makes no text for each cell.
fn by_client(cells: Vec<(Hlc, Place)>, most: usize) -> impl Iterator<Item = Vec<Place>> {
    let mut groups: Vec<(u32, Vec<Place>)> = Vec::new();
    for (hlc, place) in cells {
        let client = hlc.client();
        let known = groups.iter().position(|group| group.0 == client);
        let index = known.unwrap_or(groups.len().min(most));
        match groups.get_mut(index) {
            Some((_, group)) => group.push(place),
            None => groups.push((client, vec![place])),
        }
    }
    groups.into_iter().map(|(_, group)| group)
}

/// Writes `"id":`.
pub(super) fn write_key(out: &mut String, id: &str, comma: bool) {
    out.push_str(if comma { ",\"" } else { "\"" });
    out.push_str(id);
    out.push_str("\":");
}

/// How long that is.
fn key_length(id: &str, comma: bool) -> usize {
    usize::from(comma) + id.len() + "\"\":".len()
}

/// Writes a number in decimal digits.
pub(super) fn write_number(out: &mut String, number: u32) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

pub(super) fn value_text(cell: &Cell) -> &str {
    if cell.value.is_empty() { UNDEFINED_TEXT } else { &cell.value }
}

pub(super) fn write_hlc(out: &mut String, hlc: Hlc) {
    out.push_str(",\"");
    out.push_str(hlc.text().as_str());
    out.push('"');
}

fn hlc_length(hlc: Hlc) -> usize {
    ",\"\"".len() + if hlc.is_empty() { 0 } else { 16 }
}

fn write_hlc_and_hash(out: &mut String, hlc: Hlc, hash: u32) {
    write_hlc(out, hlc);
    out.push(',');
    write_number(out, hash);
    out.push(']');
}

pub(super) fn open_stamp(out: &mut String, id: &str, comma: bool) {
    write_key(out, id, comma);
    out.push_str("[{");
}

/// How long that is.
pub(super) fn open_length(id: &str, comma: bool) -> usize {
    key_length(id, comma) + "[{".len()
}

pub(super) fn close_stamp(out: &mut String, hlc: Hlc) {
    out.push('}');
    if !hlc.is_empty() {
        write_hlc(out, hlc);
    }
    out.push(']');
}

/// How long that end is.
pub(super) fn close_length(hlc: Hlc) -> usize {
    "}]".len() + if hlc.is_empty() { 0 } else { hlc_length(hlc) }
}

/// Writes the cells of a row with their hashes, and its end, from an offset in the value of a cell on, until `out` is about
/// as long as `limit`. Answers whether that is all, and moves cell and offset on where it is not.
pub(super) fn write_hashed_cells(
    ids: &Ids,
    row: &Row,
    (place, offset): (&mut u32, &mut usize),
    out: &mut String,
    limit: usize,
) -> bool {
    for cell in row.cells().iter().skip(*place as usize) {
        if *offset == 0 {
            write_key(out, ids.text(cell.id), *place > 0);
            out.push('[');
        }
        let rest = value_text(cell).get(*offset..).unwrap_or_default();
        let length = rest.floor_char_boundary(limit.saturating_sub(out.len()).max(LONGEST_CHARACTER));
        out.push_str(rest.get(..length).unwrap_or_default());
        if length < rest.len() {
            *offset += length;
            return false;
        }
        write_hlc_and_hash(out, cell.hlc, cell.hash);
        (*place, *offset) = (*place + 1, 0);
        if out.len() >= limit {
            return false;
        }
    }
    close_hashed(out, row.hlc, row.hash);
    true
}

pub(super) fn close_hashed(out: &mut String, hlc: Hlc, hash: u32) {
    out.push('}');
    write_hlc_and_hash(out, hlc, hash);
}
