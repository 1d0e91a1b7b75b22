//! The journal in SQLite: one table, whose rows are the journal's.

use super::bindings;
use crate::journal::{Commit, FORMAT, Fault, HEADER, Journal, LoadError, Loader, Row, Settings, Write};
use crate::store::Store;
use thiserror::Error;
use worker::{SqlStorage, SqlStorageValue, Storage};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS tinyroom_journal (
    sequence INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL,
    goes_on INTEGER NOT NULL,
    entries TEXT NOT NULL
)";
const EXISTS: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tinyroom_journal'";
const SELECT: &str = "SELECT sequence, bytes, goes_on, entries FROM tinyroom_journal ORDER BY sequence";
const INSERT: &str = "INSERT INTO tinyroom_journal (sequence, bytes, goes_on, entries) VALUES (?, ?, ?, ?)";
const APPEND: &str = "UPDATE tinyroom_journal SET bytes = bytes + ?, entries = entries || char(10) || ?
    WHERE sequence = ?";
const FOLD: &str = "UPDATE tinyroom_journal SET
    bytes = tinyroom_journal.bytes + 1 + tail.bytes,
    entries = tinyroom_journal.entries || char(10) || tail.entries
    FROM (SELECT bytes, entries FROM tinyroom_journal WHERE sequence = ?) AS tail
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

/// Reads the whole content from disk into an empty store.
pub(super) fn load(
    storage: &Storage,
    store: Store,
    settings: Settings,
) -> Result<(Store, Journal, Vec<Fault>), StorageError> {
    let sql = storage.sql();
    let mut loader = Loader::new(store, settings);
    if sql.exec(EXISTS, None)?.raw().next().is_some() {
        for values in sql.exec(SELECT, None)?.raw() {
            use SqlStorageValue::{Integer, String};
            let values: Result<[_; 4], _> = values?.try_into();
            let Ok([Integer(sequence), Integer(bytes), Integer(goes_on), String(entries)]) = values else {
                let unexpected = worker::Error::from("a row of the journal has columns of other types");
                return Err(unexpected.into());
            };
            let bytes = usize::try_from(bytes).unwrap_or_default();
            loader.row(Row { sequence, bytes, goes_on: goes_on != 0, entries: &entries })?;
        }
    }
    Ok(loader.finish())
}

/// Carries out the writes of a commit: all of them, or none.
pub(super) fn commit(storage: &Storage, commit: Commit) -> worker::Result<()> {
    let sql = storage.sql();
    match <[Write; 1]>::try_from(commit.writes) {
        Ok([write]) => carry_out(&sql, write),
        Err(writes) => {
            let mut writes = Some(writes);
            bindings::transaction(storage, &mut || {
                writes.take().into_iter().flatten().try_for_each(|write| carry_out(&sql, write))
            })
        }
    }
}

fn carry_out(sql: &SqlStorage, write: Write) -> worker::Result<()> {
    let length = |text: &str| SqlStorageValue::Integer(text.len() as i64);
    match write {
        Write::Create => {
            sql.exec(CREATE, None)?;
            insert(sql, HEADER, false, header(1))
        }
        Write::Insert { sequence, goes_on, entries } => insert(sql, sequence, goes_on, entries),
        Write::Append { sequence, entry } => {
            let more = SqlStorageValue::Integer(entry.len() as i64 + 1);
            sql.exec(APPEND, vec![more, entry.into(), sequence.into()]).map(drop)
        }
        Write::Fold { tail, body, entry } => {
            sql.exec(FOLD, vec![tail.into(), body.into()])?;
            sql.exec(REPLACE, vec![length(&entry), entry.into(), tail.into()]).map(drop)
        }
        Write::Forget { first, set_aside } => {
            let kept = set_aside.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let forget = format!(
                "DELETE FROM tinyroom_journal WHERE sequence > {HEADER} AND sequence < ? AND sequence NOT IN ({kept})"
            );
            sql.exec(&forget, vec![first.into()])?;
            let header = header(first);
            sql.exec(REPLACE, vec![length(&header), header.into(), HEADER.into()]).map(drop)
        }
    }
}

fn insert(sql: &SqlStorage, sequence: i64, goes_on: bool, entries: String) -> worker::Result<()> {
    let bytes = SqlStorageValue::Integer(entries.len() as i64);
    let goes_on = SqlStorageValue::Integer(goes_on.into());
    sql.exec(INSERT, vec![sequence.into(), bytes, goes_on, entries.into()]).map(drop)
}

fn header(first: i64) -> String {
    format!("{{\"format\":{FORMAT},\"first\":{first}}}")
}
