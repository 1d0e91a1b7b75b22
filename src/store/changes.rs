//! A TinyBase change, read from its text and borrowing from it.
//!
//! ```text
//! [ [{table: [{row: [{cell: [value, hlc]}, hlc]}, hlc]}, hlc],  [{value: [value, hlc]}, hlc],  1 ]
//! ```
//!
//! An HLC may be missing wherever it is empty. The nodes lie flat, level by level, and a parent names the range of its
//! children: reading a change of a thousand cells allocates four times.

use super::change_reader::{ChangeReader, PartLimits};
use crate::hlc::Hlc;
use crate::json::{ReadError, Reader};
use std::borrow::Cow;
use std::ops::Range;

/// How *undefined* travels in JSON text: what a deleted cell or value holds.
pub(super) const UNDEFINED: &str = "\u{fffc}";
pub(super) const UNDEFINED_TEXT: &str = "\"\u{fffc}\"";

/// A change, or any part of one.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    pub(super) tables_hlc: Hlc,
    pub(super) values_hlc: Hlc,
    pub(super) values: Vec<CellChange<'a>>,
    pub(super) tables: Vec<Branch<'a>>,
    pub(super) rows: Vec<Branch<'a>>,
    pub(super) cells: Vec<CellChange<'a>>,
    pub(super) not_canonical: bool,
}

/// A cell or value as it arrives.
#[derive(Debug)]
pub(super) struct CellChange<'a> {
    pub id: Cow<'a, str>,
    /// The value's canonical JSON text; empty for a deletion.
    pub value: Cow<'a, str>,
    pub hlc: Hlc,
    /// Whether the value bears the mark of an object and holds none: TinyBase would throw whenever it is read.
    pub is_malformed: bool,
}

/// A table or row as it arrives.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub id: Cow<'a, str>,
    pub hlc: Hlc,
    pub(super) children: Range<usize>,
}

impl<'a> Changes<'a> {
    /// Reads `[tables, values, 1]`, or the same without the 1.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        ChangeReader::of_change().read(reader, PartLimits::NONE)
    }

    /// Reads `[{table: …}, hlc]`, or `[{value: …}, hlc]`.
    pub fn read_stamp(reader: &mut Reader<'a>, of_values: bool) -> Result<Self, ReadError> {
        ChangeReader::of_stamp(of_values).read(reader, PartLimits::NONE)
    }

    /// Reads a text that is a change and nothing else, in parts where it is long. Of one that cannot be read none is taken.
    pub fn read_text(text: &'a str, mut take: impl FnMut(&Self)) -> Result<(), ReadError> {
        let (mut reader, mut parts) = (Reader::new(text), ChangeReader::of_change());
        let whole = parts.read(&mut reader, PartLimits::WHOLE)?;
        let is_long = !parts.is_over();
        while !parts.is_over() {
            parts.read(&mut reader, PartLimits::PART)?;
        }
        reader.end()?;
        if !is_long {
            take(&whole);
            return Ok(());
        }
        drop(whole);
        let (mut reader, mut parts) = (Reader::new(text), ChangeReader::of_change());
        while !parts.is_over() {
            take(&parts.read(&mut reader, PartLimits::PART)?);
        }
        Ok(())
    }

    /// A change of nothing but the tables' own HLC.
    pub fn of_tables_hlc(hlc: Hlc) -> Self {
        Self { tables_hlc: hlc, not_canonical: true, ..Self::default() }
    }

    /// A change of nothing but the values' own HLC.
    pub fn of_values_hlc(hlc: Hlc) -> Self {
        Self { values_hlc: hlc, not_canonical: true, ..Self::default() }
    }

    /// The tables' own HLC.
    pub fn tables_hlc(&self) -> Hlc {
        self.tables_hlc
    }

    /// Whether the text is fit to be passed on and stored as it came: nothing in it stands twice, is empty, carries a
    /// hash or is set apart by white space.
    pub fn is_canonical(&self) -> bool {
        !self.not_canonical
    }

    /// How long the longest of its values is, in bytes of its JSON text.
    pub fn longest_value(&self) -> usize {
        self.cells.iter().chain(&self.values).map(|cell| cell.value.len()).max().unwrap_or(0)
    }

    /// The newest of its stamps.
    pub fn newest(&self) -> Hlc {
        let branches = self.tables.iter().chain(&self.rows).map(|branch| branch.hlc);
        let cells = self.cells.iter().chain(&self.values).map(|cell| cell.hlc);
        branches.chain(cells).fold(self.tables_hlc.max(self.values_hlc), Hlc::max)
    }

    /// How many cells and values are in it.
    pub fn len(&self) -> usize {
        self.cells.len() + self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn rows(&self, table: &Branch<'a>) -> &[Branch<'a>] {
        self.rows.get(table.children.clone()).unwrap_or_default()
    }

    pub(super) fn cells(&self, row: &Branch<'a>) -> &[CellChange<'a>] {
        self.cells.get(row.children.clone()).unwrap_or_default()
    }
}
