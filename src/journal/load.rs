//! Loading: every row is merged, and what cannot be read is quarantined and reported.

use super::{Extent, FORMAT, HEADER, Journal, Settings};
use crate::json::{ReadError, Reader};
use crate::store::{Changes, MergePolicy, Store};
use thiserror::Error;

/// A row as it is read.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its number.
    pub sequence: i64,
    /// How long its text was when it was written, in bytes of UTF-8.
    pub bytes: usize,
    /// Whether its text goes on in the next row.
    pub goes_on: bool,
    /// Its text.
    pub entries: &'a str,
}

/// Something that could not be read. The row stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row.
    pub sequence: i64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a row.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// It is the header, and does not say a format.
    #[error("header: {0}")]
    Header(ReadError),
    /// Its text is not as long as it was when it was written.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// How long it was.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// One of its entries is no change.
    #[error("entry {entry}: {error}")]
    Entry {
        /// Which, counted from 0.
        entry: usize,
        /// Why.
        error: ReadError,
    },
    /// One of its entries holds values with the mark of an object and no object, which were read as deleted.
    #[error("entry {entry}: malformed objects, read as deleted: {values}")]
    Malformed {
        /// Which, counted from 0.
        entry: usize,
        /// How many values.
        values: usize,
    },
    /// It is not there.
    #[error("missing")]
    Missing,
    /// It goes on in a row that is not there.
    #[error("its text goes on in a row that is missing")]
    Unfinished,
}

/// Why a journal must not be touched.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LoadError {
    /// It was written by a newer Tinyroom.
    #[error("the room is stored in format {found}, and this Tinyroom reads up to {FORMAT}")]
    Newer {
        /// Its format.
        found: u32,
    },
}

/// Loads a store from its rows.
#[derive(Debug)]
pub struct Loader {
    store: Store,
    journal: Journal,
    /// The newest rows that can grow, of those without a gap: at most three, the newest first.
    newest: Vec<Extent>,
    chunked: Option<Chunked>,
    faults: Vec<Fault>,
    header_seen: bool,
    /// Whether the header has said which row is the first.
    first_known: bool,
    /// Whether the text of the last row was to go on.
    goes_on: bool,
}

/// A text that is in chunks.
#[derive(Debug)]
struct Chunked {
    rows: Vec<i64>,
    text: String,
}

impl Chunked {
    /// The row in which it goes on.
    fn next(&self) -> i64 {
        self.rows.last().map_or(0, |last| last + 1)
    }

    /// What it has in the account of the journal's bytes.
    fn bytes(&self) -> usize {
        self.text.len() + self.rows.len()
    }
}

impl Loader {
    /// A loader into an empty store.
    pub fn new(store: Store, settings: Settings) -> Self {
        Self {
            store,
            journal: Journal::new(settings),
            newest: Vec::new(),
            chunked: None,
            faults: Vec::new(),
            header_seen: false,
            first_known: false,
            goes_on: false,
        }
    }

    /// How much memory the content takes so far, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.store.memory_bytes()
    }

    /// Takes in the next row; they come in the order of their numbers.
    pub fn row(&mut self, row: Row) -> Result<(), LoadError> {
        self.journal.created = true;
        if row.sequence <= HEADER {
            self.header_seen = true;
            return self.header(row);
        }
        if !self.first_known {
            self.first_known = true;
            self.journal.next = row.sequence;
            if !self.header_seen {
                self.journal.header_is_sound = false;
                self.faults.push(Fault { sequence: HEADER, problem: Problem::Missing });
            }
        }
        self.goes_on = row.goes_on;
        self.note_missing(row.sequence);
        self.journal.next = self.journal.next.max(row.sequence + 1);
        let entries = if row.entries.len() == row.bytes {
            self.text(row)
        } else {
            self.quarantine_chunks();
            let problem = Problem::Length { expected: row.bytes, found: row.entries.len() };
            self.quarantine(row.sequence, problem);
            self.entries(row.sequence, row.entries);
            None
        };
        // What is quarantined is not the next snapshot's to replace.
        if !self.journal.quarantined.contains(&row.sequence) {
            self.journal.total_bytes += row.entries.len() + 1;
        }
        match entries {
            Some(entries) => {
                self.newest.truncate(2);
                self.newest.insert(0, Extent { sequence: row.sequence, bytes: row.entries.len(), entries });
            }
            None => self.newest.clear(),
        }
        Ok(())
    }

    /// The store, the journal to go on with, and what could not be read.
    pub fn finish(mut self) -> (Store, Journal, Vec<Fault>) {
        self.quarantine_chunks();
        // A row that is written in the place of a missing chunk would be taken for it.
        self.journal.next += i64::from(self.goes_on);
        // Each row goes on as the level for which it is short enough: a snapshot or a large change may have left a long one.
        let settings = &self.journal.settings;
        let mut newest = self.newest.into_iter().peekable();
        self.journal.level0 = newest.next_if(|row| row.bytes <= settings.level0_limit(row.entries.saturating_sub(1)));
        self.journal.level1 = newest.next_if(|row| row.bytes <= settings.level1_bytes);
        self.journal.level2 = newest.next();
        (self.store, self.journal, self.faults)
    }

    fn header(&mut self, row: Row) -> Result<(), LoadError> {
        match read_header(row.entries) {
            Ok((found, _)) if found > FORMAT => Err(LoadError::Newer { found }),
            Ok((found, first)) => {
                self.first_known = true;
                self.journal.next = first.max(HEADER + 1);
                self.journal.outdated = Some(first).filter(|_| found < FORMAT);
                Ok(())
            }
            Err(error) => {
                self.journal.header_is_sound = false;
                self.faults.push(Fault { sequence: row.sequence, problem: Problem::Header(error) });
                Ok(())
            }
        }
    }

    /// From the first on rows follow each other without a gap. Those before it were quarantined once.
    fn note_missing(&mut self, sequence: i64) {
        if sequence > self.journal.next {
            self.quarantine_chunks();
            self.newest.clear();
            self.faults.push(Fault { sequence: self.journal.next, problem: Problem::Missing });
        }
    }

    /// Takes in the text of a row. Answers how many entries it holds, if it can grow.
    fn text(&mut self, row: Row) -> Option<usize> {
        if self.chunked.as_ref().is_some_and(|chunked| chunked.next() != row.sequence) {
            self.quarantine_chunks();
        }
        if row.goes_on {
            let chunked = self.chunked.get_or_insert_with(|| Chunked { rows: Vec::new(), text: String::new() });
            chunked.rows.push(row.sequence);
            chunked.text.push_str(row.entries);
            return None;
        }
        let Some(mut chunked) = self.chunked.take() else {
            return self.entries(row.sequence, row.entries);
        };
        let counted = chunked.bytes();
        chunked.text.push_str(row.entries);
        if self.entries(row.sequence, &chunked.text).is_none() {
            self.journal.total_bytes -= counted;
            self.journal.quarantined.extend(chunked.rows);
        }
        None
    }

    /// Merges each line of a text. Answers how many there are, if all of them could be read.
    fn entries(&mut self, sequence: i64, text: &str) -> Option<usize> {
        let mut entries = Some(0);
        for (entry, line) in text.split('\n').enumerate() {
            let problem = match merge(&mut self.store, line) {
                Ok(0) => {
                    entries = entries.map(|_| entry + 1);
                    continue;
                }
                Ok(values) => Problem::Malformed { entry, values },
                Err(error) => Problem::Entry { entry, error },
            };
            entries = None;
            self.quarantine(sequence, problem);
        }
        entries
    }

    fn quarantine(&mut self, sequence: i64, problem: Problem) {
        if self.journal.quarantined.last() != Some(&sequence) {
            self.journal.quarantined.push(sequence);
            self.faults.push(Fault { sequence, problem });
        }
    }

    fn quarantine_chunks(&mut self) {
        let Some(chunked) = self.chunked.take() else { return };
        self.journal.total_bytes -= chunked.bytes();
        chunked.rows.into_iter().for_each(|sequence| self.quarantine(sequence, Problem::Unfinished));
    }
}

/// Merges an entry. Answers how many of its values are malformed.
fn merge(store: &mut Store, line: &str) -> Result<usize, ReadError> {
    let mut malformed = 0;
    Changes::read_text(line, |changes| malformed += store.merge_all(changes, MergePolicy::STORED).malformed)?;
    Ok(malformed)
}

fn read_header(text: &str) -> Result<(u32, i64), ReadError> {
    let mut reader = Reader::new(text);
    let mut cursor = reader.object("a header `{\"format\":1,\"first\":1}`")?;
    let (mut format, mut first) = (None, None);
    while let Some(key) = reader.key(&mut cursor)? {
        match &*key {
            "format" => format = Some(reader.hash("the number of the format")?),
            "first" => first = Some(i64::from(reader.hash("the number of the first row")?)),
            _ => drop(reader.scalar("a scalar")?),
        }
        // Whatever else a newer format has in its header, its number is enough to leave it alone.
        if let Some(newer) = format.filter(|&format| format > FORMAT) {
            return Ok((newer, 0));
        }
    }
    format.zip(first).ok_or_else(|| reader.error("a format and a first row"))
}
