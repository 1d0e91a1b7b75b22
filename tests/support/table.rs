//! The table of a journal in memory, which carries out writes as the SQL in `src/worker/storage.rs` does.

use std::collections::BTreeMap;
use tinyroom::journal::{Commit, FORMAT, Fault, HEADER, Journal, LoadError, Loader, Row, Settings, Write};
use tinyroom::store::Store;

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub bytes: usize,
    pub goes_on: bool,
    pub entries: String,
}

/// The table. It counts rows as SQLite does: each that is inserted, updated or deleted is one written.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: BTreeMap<i64, Stored>,
    pub rows_written: usize,
}

impl Table {
    /// Carries out a commit. A write to a row that is not there, or one more into a row that is, loses what it was to
    /// keep, and so fails.
    pub fn carry_out(&mut self, commit: &Commit) {
        for write in &commit.writes {
            match write {
                Write::Create => {
                    assert!(self.rows.is_empty(), "the table is there already");
                    self.insert(HEADER, false, header(1));
                }
                Write::Renew { first } => self.replace(HEADER, header(*first)),
                Write::Insert { sequence, goes_on, entries } => self.insert(*sequence, *goes_on, entries.clone()),
                Write::Append { sequence, entry } => self.append(*sequence, entry),
                Write::Fold { from, into } => {
                    let folded = self.row(*from).entries.clone();
                    self.append(*into, &folded);
                }
                Write::Move { from, into } => {
                    let moved = self.row(*from).entries.clone();
                    self.replace(*into, moved);
                }
                Write::Replace { sequence, entry } => self.replace(*sequence, entry.clone()),
                Write::DeleteBefore { first, quarantined } => {
                    let before = self.rows.len();
                    self.rows.retain(|row, _| *row <= HEADER || row >= first || quarantined.contains(row));
                    self.rows_written += before - self.rows.len();
                    if self.rows.contains_key(&HEADER) {
                        self.replace(HEADER, header(*first));
                    }
                }
            }
        }
    }

    /// Loads everything.
    pub fn try_load(&self, settings: Settings) -> Result<(Store, Journal, Vec<Fault>), LoadError> {
        let mut loader = Loader::new(Store::new(5), settings);
        for (&sequence, Stored { bytes, goes_on, entries }) in &self.rows {
            loader.row(Row { sequence, bytes: *bytes, goes_on: *goes_on, entries })?;
        }
        Ok(loader.finish())
    }

    /// Loads everything, of which nothing must be quarantined.
    pub fn load(&self, settings: Settings) -> (Store, Journal) {
        let (store, journal, faults) = self.try_load(settings).unwrap();
        assert_eq!(faults, []);
        (store, journal)
    }

    /// The row with this number.
    pub fn row(&mut self, sequence: i64) -> &mut Stored {
        self.rows.get_mut(&sequence).unwrap_or_else(|| panic!("there is no row {sequence}"))
    }

    fn insert(&mut self, sequence: i64, goes_on: bool, entries: String) {
        let stored = Stored { bytes: entries.len(), goes_on, entries };
        assert_eq!(self.rows.insert(sequence, stored), None, "row {sequence} is there already");
        self.rows_written += 1;
    }

    fn append(&mut self, sequence: i64, entry: &str) {
        let row = self.row(sequence);
        row.entries.push('\n');
        row.entries.push_str(entry);
        row.bytes += 1 + entry.len();
        self.rows_written += 1;
    }

    fn replace(&mut self, sequence: i64, entries: String) {
        let row = self.row(sequence);
        row.bytes = entries.len();
        row.entries = entries;
        self.rows_written += 1;
    }
}

fn header(first: i64) -> String {
    format!("{{\"format\":{FORMAT},\"first\":{first}}}")
}
