//! What a journal holds, listed for someone who must find out what happened.

use super::Row;
use crate::hlc::Hlc;
use crate::json::Reader;
use crate::json::string;
use crate::store::Changes;
use std::fmt::Write;

/// Lists rows, or the entries of one, as JSON objects.
///
/// A row: `{"sequence":7,"bytes":310,"entries":4,"unreadable":0,"cells":5,"newest":"…","time":1764000000000}`. Where its
/// text goes on in the next row it has `"goes_on":true` instead, and the row where it ends tells of the whole. An entry has its number
/// in the row, its bytes, its cells and its newest stamp, with the time in it in milliseconds since 1970; where it cannot
/// be read, why.
#[derive(Debug, Default)]
pub struct Listing {
    out: String,
    chunked: String,
}

/// What is worth knowing of an entry.
#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    cells: usize,
    newest: Hlc,
}

impl Listing {
    /// Lists a row.
    pub fn row(&mut self, row: Row) {
        self.comma();
        let _ = write!(self.out, "{{\"sequence\":{},\"bytes\":{}", row.sequence, row.entries.len());
        if row.goes_on {
            self.out.push_str(",\"goes_on\":true}");
            self.chunked.push_str(row.entries);
            return;
        }
        let mut whole = std::mem::take(&mut self.chunked);
        let text = if whole.is_empty() {
            row.entries
        } else {
            whole.push_str(row.entries);
            &whole
        };
        let summaries: Vec<_> = text.split('\n').map(Summary::of).collect();
        let unreadable = summaries.iter().filter(|summary| summary.is_err()).count();
        let _ = write!(self.out, ",\"entries\":{},\"unreadable\":{unreadable}", summaries.len());
        let sum = summaries.into_iter().flatten().fold(Summary::default(), |sum, summary| Summary {
            cells: sum.cells + summary.cells,
            newest: sum.newest.max(summary.newest),
        });
        self.summary(sum);
    }

    /// Lists each entry of a row.
    pub fn entries(&mut self, row: Row) {
        for (number, entry) in row.entries.split('\n').enumerate() {
            self.comma();
            let _ = write!(self.out, "{{\"entry\":{number},\"bytes\":{}", entry.len());
            match Summary::of(entry) {
                Ok(summary) => self.summary(summary),
                Err(problem) => {
                    self.out.push_str(",\"problem\":\"");
                    string::escape(&problem, &mut self.out);
                    self.out.push_str("\"}");
                }
            }
        }
    }

    /// The list.
    pub fn finish(self) -> String {
        format!("[{}]", self.out)
    }

    // Writing to a String cannot fail, here and above.
    fn summary(&mut self, Summary { cells, newest }: Summary) {
        let (stamp, time) = (newest.text(), newest.time_ms());
        let _ = write!(self.out, ",\"cells\":{cells},\"newest\":\"{}\",\"time\":{time}}}", stamp.as_str());
    }

    fn comma(&mut self) {
        if !self.out.is_empty() {
            self.out.push(',');
        }
    }
}

impl Summary {
    fn of(entry: &str) -> Result<Self, String> {
        let mut reader = Reader::new(entry);
        let changes = Changes::read(&mut reader).and_then(|changes| reader.end().map(|()| changes));
        changes
            .map(|changes| Self { cells: changes.len(), newest: changes.newest() })
            .map_err(|error| error.to_string())
    }
}
