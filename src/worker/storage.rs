//! The journal in SQLite: one table, whose rows are the journal's.

use super::bindings;
use crate::journal::{Commit, FORMAT, Fault, HEADER, Journal, LoadError, Loader, Row, Settings, Write};
use crate::store::Store;
use std::cell::Cell;
use std::fmt::Display;
use thiserror::Error;
use worker::js_sys::JsString;
use worker::{SqlCursor, SqlStorage, SqlStorageValue, Storage};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS tinyroom_journal (
    sequence INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL,
    goes_on INTEGER NOT NULL,
    entries TEXT NOT NULL
)";
const EXISTS: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tinyroom_journal'";
/// As bytes a text comes over as it is; as a JavaScript string it would be decoded and encoded again.
const SELECT: &str = "SELECT sequence, bytes, goes_on, CAST(entries AS BLOB) FROM tinyroom_journal ORDER BY sequence";
const INSERT: &str = "INSERT INTO tinyroom_journal (sequence, bytes, goes_on, entries) VALUES (?, ?, ?, ?)";
const APPEND: &str = "UPDATE tinyroom_journal SET bytes = bytes + ?, entries = entries || char(10) || ?
    WHERE sequence = ?";
const FOLD: &str = "UPDATE tinyroom_journal SET
    bytes = tinyroom_journal.bytes + 1 + folded.bytes,
    entries = tinyroom_journal.entries || char(10) || folded.entries
    FROM (SELECT bytes, entries FROM tinyroom_journal WHERE sequence = ?) AS folded
    WHERE tinyroom_journal.sequence = ?";
const MOVE: &str = "UPDATE tinyroom_journal SET bytes = moved.bytes, entries = moved.entries
    FROM (SELECT bytes, entries FROM tinyroom_journal WHERE sequence = ?) AS moved
    WHERE tinyroom_journal.sequence = ?";
const REPLACE: &str = "UPDATE tinyroom_journal SET bytes = ?, entries = ? WHERE sequence = ?";

/// Why a room could not be loaded.
#[derive(Debug, Error)]
pub(super) enum StorageError {
    /// The journal must not be touched.
    #[error(transparent)]
    Journal(#[from] LoadError),
    /// The database failed.
    #[error("the storage failed: {0}")]
    Database(#[from] worker::Error),
}

/// The disk of one room, and how much it was used since the room woke.
pub(super) struct Disk {
    storage: Storage,
    sql: SqlStorage,
    /// The statement of an edit, as a string of JavaScript's: a new one each time would be looked up anew.
    append: JsString,
    rows_read: Cell<usize>,
    rows_written: Cell<usize>,
}

impl Disk {
    pub fn new(storage: Storage) -> Self {
        let sql = storage.sql();
        Self { storage, sql, append: APPEND.into(), rows_read: Cell::new(0), rows_written: Cell::new(0) }
    }

    /// The storage that the journal is in.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The rows read and written so far, as SQLite counts them for the bill.
    pub fn rows(&self) -> (usize, usize) {
        (self.rows_read.get(), self.rows_written.get())
    }

    /// Reads the whole content into an empty store, and tells after each row how much memory it takes so far, in bytes.
    pub fn load(
        &self,
        store: Store,
        settings: Settings,
        taken: &dyn Fn(usize),
    ) -> Result<(Store, Journal, Vec<Fault>), StorageError> {
        let mut loader = Loader::new(store, settings);
        self.each_row(|row| {
            loader.row(row)?;
            taken(loader.memory_bytes());
            Ok(())
        })?;
        Ok(loader.finish())
    }

    /// Hands over each row of the journal, in order.
    pub fn each_row(&self, mut take: impl FnMut(Row) -> Result<(), StorageError>) -> Result<(), StorageError> {
        if self.exec(EXISTS, vec![])?.raw().next().is_none() {
            return Ok(());
        }
        let cursor = self.sql.exec(SELECT, None)?;
        for values in cursor.raw() {
            use SqlStorageValue::{Blob, Integer};
            let values: Result<[_; 4], _> = values?.try_into();
            let Ok([Integer(sequence), bytes, goes_on, entries]) = values else { continue };
            // What is not of its type has no length that could be right, so the row is quarantined.
            let bytes = if let Integer(bytes) = bytes { usize::try_from(bytes).ok() } else { None };
            let entries = if let Blob(entries) = entries { entries } else { Vec::new() };
            let entries = String::from_utf8(entries)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            let goes_on = matches!(goes_on, Integer(1));
            take(Row { sequence, bytes: bytes.unwrap_or(usize::MAX), goes_on, entries: &entries })?;
        }
        self.count(cursor.rows_read(), cursor.rows_written());
        Ok(())
    }

    /// Carries out the writes of a commit: all of them, or none.
    pub fn commit(&self, commit: Commit) -> worker::Result<()> {
        let mut writes = commit.writes.into_iter();
        if let [Write::Insert { .. } | Write::Append { .. }] = writes.as_slice() {
            // A single statement is a transaction by itself.
            return writes.try_for_each(|write| self.carry_out(write));
        }
        bindings::transaction(&self.storage, &mut || writes.try_for_each(|write| self.carry_out(write)))
    }

    fn carry_out(&self, write: Write) -> worker::Result<()> {
        match write {
            Write::Create => {
                self.exec(CREATE, vec![])?;
                self.insert(HEADER, false, header(1))
            }
            Write::Renew { first } => self.replace(HEADER, header(first)).map(drop),
            Write::Insert { sequence, goes_on, entries } => self.insert(sequence, goes_on, entries),
            Write::Append { sequence, entry } => {
                let (read, written) = bindings::append(&self.sql, &self.append, &entry, sequence)?;
                self.count(read, written);
                is_there(sequence, written)
            }
            Write::Fold { from, into } => self.transfer(FOLD, from, into),
            Write::Move { from, into } => self.transfer(MOVE, from, into),
            Write::Replace { sequence, entry } => is_there(sequence, self.replace(sequence, entry)?),
            Write::DeleteBefore { first, quarantined } => {
                let kept = quarantined.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                self.exec(
                    &format!(
                        "DELETE FROM tinyroom_journal
                        WHERE sequence > {HEADER} AND sequence < ? AND sequence NOT IN ({kept})"
                    ),
                    vec![first.into()],
                )?;
                self.replace(HEADER, header(first)).map(drop)
            }
        }
    }

    fn insert(&self, sequence: i64, goes_on: bool, entries: String) -> worker::Result<()> {
        let goes_on = SqlStorageValue::Integer(goes_on.into());
        self.exec(INSERT, vec![sequence.into(), length(&entries), goes_on, entries.into()]).map(drop)
    }

    /// Writes to a row what another holds.
    fn transfer(&self, query: &str, from: i64, into: i64) -> worker::Result<()> {
        is_there(format_args!("{from} or {into}"), self.exec(query, vec![from.into(), into.into()])?.rows_written())
    }

    /// Answers how many rows were written: none, where there is no such row.
    fn replace(&self, sequence: i64, entries: String) -> worker::Result<usize> {
        Ok(self.exec(REPLACE, vec![length(&entries), entries.into(), sequence.into()])?.rows_written())
    }

    fn exec(&self, query: &str, values: Vec<SqlStorageValue>) -> worker::Result<SqlCursor> {
        self.sql.exec(query, values).inspect(|cursor| self.count(cursor.rows_read(), cursor.rows_written()))
    }

    fn count(&self, read: usize, written: usize) {
        self.rows_read.update(|rows| rows + read);
        self.rows_written.update(|rows| rows + written);
    }
}

/// Fails where a row was to be changed and is not there, as when a person has deleted it: what was to be kept is not.
fn is_there(row: impl Display, written: usize) -> worker::Result<()> {
    if written > 0 { Ok(()) } else { Err(format!("row {row} of the journal is gone").into()) }
}

fn length(text: &str) -> SqlStorageValue {
    SqlStorageValue::Integer(text.len() as i64)
}

fn header(first: i64) -> String {
    format!("{{\"format\":{FORMAT},\"first\":{first}}}")
}
