//! Finding what an earlier server left, where a room has no journal of its own.

use super::bindings;
use crate::import::{Import, Piece};
use crate::journal::{Commit, Journal};
use crate::settings::Settings;
use crate::store::Store;
use worker::wasm_bindgen::JsValue;
use worker::{Date, Result, SqlStorage, SqlStorageValue, Storage, console_error, console_log};

/// The key of the PartyKit server of 2024.
const OLD_STORE_KEY: &str = "store";
const TABLES: &str = "tinybase_tables";
const VALUES: &str = "tinybase_values";
/// The id of the one row of TinyBase's JSON mode.
const OLD_ROW: &str = "_";
/// What up to 8.5 the cells of fragmented mode hold that were deleted, and from 7.0 those that hold `null` as well.
const UNDEFINED_OR_NULL: &str = "[null]";
const TABLE_NAMES: &str = "SELECT name FROM sqlite_master WHERE type = 'table'";

/// Imports what an earlier server left, whole. Answers the store and journal to go on with, and what to keep; nothing
/// where nothing was left.
pub(super) fn run(storage: &Storage, store: Store, settings: &Settings) -> Result<(Store, Journal, Option<Commit>)> {
    let mut import = Import::new(store, Date::now().as_millis());
    let mut found = Vec::new();
    from_keys(storage, &mut import, &mut found)?;
    from_tables(&storage.sql(), &settings.move_in_table, &mut import, &mut found)?;
    let (store, left) = import.finish();
    let mut journal = Journal::new(settings.journal);
    let commit = journal.append_all(&store);
    // An earlier server may have saved a room to which nobody had written.
    if commit.writes.is_empty() && left.is_nothing() {
        return Ok((store, journal, None));
    }
    console_log!("importing what an earlier server stored: {}", found.join(", "));
    for error in &left.unreadable {
        console_error!("a piece of it cannot be imported, and stays where it is: {error}");
    }
    for (count, what) in
        [(left.future, "stamps in it lie in the future"), (left.malformed, "objects in it are malformed")]
    {
        if count > 0 {
            console_error!("{count} {what}, and stay where they are");
        }
    }
    Ok((store, journal, Some(commit)))
}

/// The key `store`, and a key for each node. The prefix of those is found by the keys of the two roots: `<prefix>t` and
/// `<prefix>v`.
fn from_keys(storage: &Storage, import: &mut Import, found: &mut Vec<String>) -> Result<()> {
    let entries: Vec<(String, JsValue)> = bindings::keys_and_values(storage)?;
    let has = |key: &str| entries.iter().any(|(other, stamp)| other == key && stamp.is_array());
    let prefixes: Vec<&str> = entries
        .iter()
        .filter_map(|(key, _)| key.strip_suffix('t'))
        .filter(|prefix| has(&format!("{prefix}t")) && has(&format!("{prefix}v")))
        .collect();
    for (key, value) in &entries {
        if key == OLD_STORE_KEY {
            found.push(format!("the key {key:?}"));
            let content = value.as_string().unwrap_or_else(|| bindings::json(value));
            import.add(Piece::Content(&content));
        }
        for prefix in &prefixes {
            if let Some(key) = key.strip_prefix(prefix).filter(|_| value.is_array()) {
                import.add(Piece::Keyed { key, stamp: &bindings::json(value) });
            }
        }
    }
    found.extend(prefixes.iter().map(|prefix| format!("the keys with the prefix {prefix:?}")));
    Ok(())
}

fn from_tables(sql: &SqlStorage, old_table: &str, import: &mut Import, found: &mut Vec<String>) -> Result<()> {
    let names: Vec<String> = rows(sql, TABLE_NAMES)?.into_iter().filter_map(|[name]| name).collect();
    for name in &names {
        if name == old_table && from_content(sql, name, import)? {
            found.push(format!("the table {name:?}"));
        }
        let Some(prefix) = name.strip_suffix(TABLES) else { continue };
        let values = format!("{prefix}{VALUES}");
        if names.contains(&values) {
            let before = found.len();
            found.push(format!("the tables {name:?} and {values:?}"));
            if !from_fragments(sql, name, &values, import)? {
                found.truncate(before);
            }
        }
    }
    Ok(())
}

/// JSON mode, whatever its columns were called. Answers whether there was any content.
fn from_content(sql: &SqlStorage, table: &str, import: &mut Import) -> Result<bool> {
    let mut any = false;
    for columns in all_rows(sql, &format!("SELECT * FROM {}", quoted(table)))? {
        let texts = || columns.iter().flatten();
        if texts().any(|text| text == OLD_ROW) {
            for content in texts().filter(|text| text.starts_with("[[")) {
                any = true;
                import.add(Piece::Content(content));
            }
        }
    }
    Ok(any)
}

/// Fragmented mode. Answers whether there was anything in the tables.
fn from_fragments(sql: &SqlStorage, tables: &str, values: &str, import: &mut Import) -> Result<bool> {
    let columns = "value_data, timestamp";
    let query = format!("SELECT table_id, row_id, cell_id, {columns} FROM {}", quoted(tables));
    let nodes: Vec<[Option<String>; 5]> = rows(sql, &query)?;
    // Only up to 8.5 cells have rows of their own.
    let is_lossy = nodes.iter().any(|[_, _, cell, ..]| cell.is_some());
    let stamp = |data: &str, hlc: &str| match data {
        UNDEFINED_OR_NULL if is_lossy => format!("[\"{}\",\"{hlc}\"]", bindings::UNDEFINED),
        _ => format!("{},\"{hlc}\"]", data.strip_suffix(']').unwrap_or(data)),
    };
    let mut any = false;
    for node in &nodes {
        let [Some(table), Some(row), cell, Some(data), Some(hlc)] = node else { continue };
        any = true;
        match cell {
            Some(cell) => import.add(Piece::Cell { ids: [table, row, cell], stamp: &stamp(data, hlc) }),
            None => {
                // `[0]` for a row whose cells have rows of their own.
                if let Some(cells) = data.strip_prefix('[').and_then(|data| data.strip_suffix(']'))
                    && cells.starts_with('{')
                {
                    import.add(Piece::Row { ids: [table, row], cells });
                }
            }
        }
    }
    let query = format!("SELECT value_id, {columns} FROM {}", quoted(values));
    for node in rows(sql, &query)? {
        let [Some(id), Some(data), Some(hlc)] = node else { continue };
        any = true;
        import.add(Piece::Value { id: &id, stamp: &stamp(&data, &hlc) });
    }
    Ok(any)
}

/// The rows of a query, each column as a text where it is one.
fn rows<const COLUMNS: usize>(sql: &SqlStorage, query: &str) -> Result<Vec<[Option<String>; COLUMNS]>> {
    let fixed = |row: Vec<_>| row.try_into().map_err(|_| worker::Error::from("a row has another number of columns"));
    all_rows(sql, query)?.into_iter().map(fixed).collect()
}

fn all_rows(sql: &SqlStorage, query: &str) -> Result<Vec<Vec<Option<String>>>> {
    let text = |value| match value {
        SqlStorageValue::String(text) => Some(text),
        _ => None,
    };
    sql.exec(query, None)?.raw().map(|row| Ok(row?.into_iter().map(text).collect())).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
