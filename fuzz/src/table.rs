//! The journal's table, without a database.

use std::collections::BTreeMap;
use tinyroom::journal::{Commit, FORMAT, Fault, HEADER, Journal, LoadError, Loader, Row, Settings, Write};
use tinyroom::store::Store;

/// Small, so that a few hundred bytes do all that a journal can do.
pub const SETTINGS: Settings = Settings {
    level0_bytes: 70,
    level0_entries: 2,
    level1_bytes: 150,
    row_bytes: 300,
    slice_bytes: 150,
    slack_bytes: 100,
};

/// Rows by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: BTreeMap<i64, Stored>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub bytes: usize,
    pub goes_on: bool,
    pub entries: String,
}

impl Stored {
    pub fn new(entries: String, goes_on: bool) -> Self {
        Self { bytes: entries.len(), goes_on, entries }
    }
}

impl Table {
    pub fn load(&self) -> Result<(Store, Journal, Vec<Fault>), LoadError> {
        let mut loader = Loader::new(Store::new(5), SETTINGS);
        for (&sequence, Stored { bytes, goes_on, entries }) in &self.rows {
            loader.row(Row { sequence, bytes: *bytes, goes_on: *goes_on, entries })?;
        }
        Ok(loader.finish())
    }

    pub fn carry_out(&mut self, commit: &Commit) {
        commit.writes.iter().for_each(|write| self.write(write));
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::Create => self.insert(HEADER, header(1), false),
            Write::Renew { first } => *self.row(HEADER) = Stored::new(header(*first), false),
            Write::Insert { sequence, goes_on, entries } => self.insert(*sequence, entries.clone(), *goes_on),
            Write::Append { sequence, entry } => self.row(*sequence).append(entry),
            Write::Fold { from, into } => {
                let folded = self.row(*from).entries.clone();
                self.row(*into).append(&folded);
            }
            Write::Move { from, into } => *self.row(*into) = self.row(*from).clone(),
            Write::Replace { sequence, entry } => *self.row(*sequence) = Stored::new(entry.clone(), false),
            Write::DeleteBefore { first, quarantined } => {
                self.rows.retain(|row, _| *row == HEADER || row >= first || quarantined.contains(row));
                // As in SQL, where there is no header nothing is changed.
                self.rows.entry(HEADER).and_modify(|row| *row = Stored::new(header(*first), false));
            }
        }
    }

    fn insert(&mut self, sequence: i64, entries: String, goes_on: bool) {
        assert!(entries.len() <= SETTINGS.row_bytes, "a row of {} bytes", entries.len());
        let before = self.rows.insert(sequence, Stored::new(entries, goes_on));
        assert_eq!(before, None, "row {sequence} is written over");
    }

    fn row(&mut self, sequence: i64) -> &mut Stored {
        self.rows.get_mut(&sequence).unwrap_or_else(|| panic!("there is no row {sequence}"))
    }
}

impl Stored {
    fn append(&mut self, entry: &str) {
        self.entries.push('\n');
        self.entries.push_str(entry);
        self.bytes += 1 + entry.len();
        assert!(self.entries.len() <= SETTINGS.row_bytes, "a row of {} bytes", self.entries.len());
    }
}

fn header(first: i64) -> String {
    format!("{{\"format\":{FORMAT},\"first\":{first}}}")
}
