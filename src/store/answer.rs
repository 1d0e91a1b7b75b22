//! Answers to requests for differences, up to their limits.

use super::change_writer::{ChangeWriter, Style};
use super::hash_writer::HashWriter;
use super::row::Row;
use super::write::{close_length, close_stamp};
use super::{Place, Store, push_range};
use crate::hlc::Hlc;
use std::ops::Range;

/// What an answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// How long its text may be, in bytes of UTF-8. One with nothing in it may be longer.
    pub bytes: usize,
    /// The newest time that the stamp of a cell or value in it may have, in milliseconds since 1970: what is newer is left for
    /// a change of its own.
    pub until_ms: u64,
}

impl AnswerLimits {
    /// The limits of an answer that holds all there is.
    pub const fn whole() -> Self {
        Self { bytes: usize::MAX, until_ms: u64::MAX }
    }

    fn is_too_new(self, hlc: Hlc) -> bool {
        hlc.time_ms() > self.until_ms
    }
}

/// An answer to a request for differences.
#[derive(Debug)]
pub struct Answer {
    /// The payload of the response.
    pub text: String,
    /// Where what it leaves out lies, in order.
    pub owed: Vec<Range<Place>>,
}

impl Answer {
    /// An answer of the values at these places.
    pub(super) fn of_values(store: &Store, places: impl Iterator<Item = Place>, limits: AnswerLimits) -> Self {
        let mut answer = Self { text: String::from("[{"), owed: Vec::new() };
        let start = answer.text.len();
        let end = close_length(store.values.hlc);
        for place in places {
            let Some(cell) = store.values.cells().get(place.cell as usize) else { continue };
            let comma = answer.text.len() > start;
            if limits.is_too_new(cell.hlc) {
                push_range(&mut answer.owed, place..place.next_cell());
            } else if answer.text.len() + store.cell_length(cell, comma, false) + end > limits.bytes {
                push_range(&mut answer.owed, place..place.next_row());
                break;
            } else {
                store.write_cell(&mut answer.text, cell, comma, false);
            }
        }
        close_stamp(&mut answer.text, store.values.hlc);
        answer
    }
}

/// Writes a stamp of tables, and hashes of what differs, up to the limits, and notes what is owed beyond them.
pub(super) struct AnswerWriter<'a> {
    store: &'a Store,
    new: ChangeWriter<'a>,
    differing: Option<HashWriter>,
    limits: AnswerLimits,
    owed: Vec<Range<Place>>,
}

impl<'a> AnswerWriter<'a> {
    /// An answer of a stamp and hashes.
    pub fn with_hashes(store: &'a Store, style: Style, limits: AnswerLimits) -> Self {
        let new = ChangeWriter::new(store, String::from("["), style);
        Self { store, new, differing: Some(HashWriter::new()), limits, owed: Vec::new() }
    }

    /// An answer of a stamp alone.
    pub fn without_hashes(store: &'a Store, style: Style, limits: AnswerLimits) -> Self {
        Self { store, new: ChangeWriter::new(store, String::new(), style), differing: None, limits, owed: Vec::new() }
    }

    /// Writes the cells of a row, of which `first` is the place of the first.
    pub fn row(&mut self, row: &Row, first: Place) {
        self.cells((0..row.cells().len() as u32).map(|cell| Place { cell, ..first }));
    }

    /// Writes cells of a row.
    pub fn cells(&mut self, places: impl Iterator<Item = Place>) {
        let hashes = self.hashes_length();
        for place in places {
            if !self.cell(place, hashes) {
                break;
            }
        }
    }

    /// Writes a cell, beside hashes of a length. Answers whether there is room for more.
    fn cell(&mut self, place: Place, hashes: usize) -> bool {
        let Some(at) = self.store.cell_at(place) else { return true };
        if self.limits.is_too_new(at.cell.hlc) {
            push_range(&mut self.owed, place..place.next_cell());
            return true;
        }
        let fits = self.new.length_with(at) + hashes <= self.limits.bytes;
        if fits {
            self.new.cell(at);
        } else {
            push_range(&mut self.owed, place..place.next_row());
        }
        fits
    }

    /// Begins a branch of hashes.
    pub fn enter(&mut self, id: &str) {
        if let Some(differing) = &mut self.differing {
            differing.enter(id);
        }
    }

    /// Ends it.
    pub fn leave(&mut self) {
        if let Some(differing) = &mut self.differing {
            differing.leave();
        }
    }

    /// Writes the hash of a table or row that differs. Where it does not fit, all that it is the hash of is owed: the asker
    /// will not ask for it.
    pub fn hash(&mut self, id: &str, hash: u32, places: Range<Place>) {
        let Some(differing) = &mut self.differing else { return };
        let mark = differing.mark();
        differing.leaf(id, hash);
        if self.new.length() + self.hashes_length() > self.limits.bytes {
            self.differing.iter_mut().for_each(|differing| differing.take_back(mark));
            push_range(&mut self.owed, places);
        }
    }

    /// Ends the answer.
    pub fn finish(self) -> Answer {
        let mut text = self.new.finish();
        if let Some(differing) = self.differing {
            text.push(',');
            text.push_str(&differing.finish());
            text.push(']');
        }
        Answer { text, owed: self.owed }
    }

    /// How long the hashes are, and what stands around them.
    fn hashes_length(&self) -> usize {
        self.differing.as_ref().map_or(0, |differing| differing.length() + ",]".len())
    }
}
