//! A stamp of tables, or of values, as an answer brings it.
//!
//! What is read takes several times its text in memory, so a long one is read in parts: once to see whether it can be read
//! at all, and once more to merge it, as [changes](super::changes) are.

use super::changes::{Changes, LONG, PART};
use crate::hlc::Hlc;
use crate::json::{ReadError, Reader};

/// What an answer brings of tables, or of values.
#[derive(Debug)]
pub struct Stamp<'a> {
    /// All of it, or nothing of a long one.
    whole: Changes<'a>,
    long: Option<Long<'a>>,
    longest_value: usize,
}

#[derive(Clone, Copy, Debug)]
struct Long<'a> {
    text: &'a str,
    of_values: bool,
}

impl<'a> Stamp<'a> {
    /// Reads `[{table: …}, hlc]`.
    pub fn read_tables(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        Self::read(reader, false)
    }

    /// Reads `[{value: …}, hlc]`.
    pub fn read_values(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        Self::read(reader, true)
    }

    fn read(reader: &mut Reader<'a>, of_values: bool) -> Result<Self, ReadError> {
        let start = reader.at();
        let (mut is_long, mut longest_value) = (false, 0);
        let whole = Changes::read_stamp(reader, of_values, LONG, |part| {
            is_long = true;
            longest_value = longest_value.max(part.longest_value());
        })?;
        longest_value = longest_value.max(whole.longest_value());
        if is_long {
            let long = Some(Long { text: reader.slice_from(start), of_values });
            return Ok(Self { whole: Changes::default(), long, longest_value });
        }
        Ok(Self { whole, long: None, longest_value })
    }

    /// A stamp with nothing under it.
    pub fn of_hlc(hlc: Hlc, of_values: bool) -> Self {
        let whole = if of_values { Changes::of_values_hlc(hlc) } else { Changes::of_tables_hlc(hlc) };
        Self { whole, long: None, longest_value: 0 }
    }

    /// The tables' own HLC.
    pub fn tables_hlc(&self) -> Hlc {
        self.whole.tables_hlc()
    }

    /// How long the longest of its values is, in bytes of its JSON text.
    pub fn longest_value(&self) -> usize {
        self.longest_value
    }

    /// Hands over all of it, part by part.
    pub fn each_part(&self, mut take: impl FnMut(&Changes<'a>)) {
        let Some(Long { text, of_values }) = self.long else { return take(&self.whole) };
        // It has been read before.
        if let Ok(rest) = Changes::read_stamp(&mut Reader::new(text), of_values, PART, &mut take) {
            take(&rest);
        }
    }
}
