//! A client's mergeable store, kept as TinyBase keeps it: it is the other side's view of what `src/store` does.

use super::tree::{Leaves, Tree};
use std::collections::BTreeMap;
use tinyroom::hash::{Fnv, IdPrefix};

/// What a deleted cell or value travels as.
pub const UNDEFINED: &str = "\"\u{fffc}\"";

/// Tables of rows of cells, and values, with a hash at each node. Rows and tables have no stamps of their own.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    tables: BTreeMap<String, Table>,
    hash: u32,
    values: Row,
    /// Whether what is received with no stamp hashes as if that were the text `undefined`, as up to 5.4.9.
    misreads_missing_stamps: bool,
}

#[derive(Clone, Debug, Default)]
struct Table {
    rows: BTreeMap<String, Row>,
    hash: u32,
}

/// The cells of a row, or the values.
#[derive(Clone, Debug, Default)]
struct Row {
    cells: BTreeMap<String, Cell>,
    hash: u32,
}

#[derive(Clone, Debug)]
struct Cell {
    value: String,
    hlc: String,
    hash: u32,
}

impl Replica {
    pub fn new(misreads_missing_stamps: bool) -> Self {
        Self { misreads_missing_stamps, ..Self::default() }
    }

    /// Merges a change, `[tables, values, 1]`. Answers the newest stamp that won.
    pub fn merge(&mut self, change: &Tree) -> String {
        self.merge_tables(change.at("0"), false).max(self.merge_values(change.at("1")))
    }

    /// Merges content of its own, which hashes rightly in every version.
    pub fn merge_own(&mut self, change: &Tree) -> String {
        let misreads = std::mem::take(&mut self.misreads_missing_stamps);
        let newest = self.merge(change);
        self.misreads_missing_stamps = misreads;
        newest
    }

    /// Merges a stamp of tables. A stamp in it that is empty is lost where a client puts it together from the answers to
    /// types 5 and 6.
    pub fn merge_tables(&mut self, tables: &Tree, is_put_together: bool) -> String {
        let missing = self.missing();
        let mut newest = String::new();
        for (&table_id, rows) in tables.at("0").object() {
            let table = self.tables.entry(table_id.to_owned()).or_default();
            let of_table = IdPrefix::new(table_id);
            self.hash ^= if table.rows.is_empty() { 0 } else { of_table.in_table(table.hash) };
            for (&row_id, cells) in rows.at("0").object() {
                let of_row = IdPrefix::new(row_id);
                let row = table.rows.entry(row_id.to_owned()).or_default();
                table.hash ^= if row.cells.is_empty() { 0 } else { of_row.in_table(row.hash) };
                newest = newest.max(row.merge(cells, missing, if is_put_together { missing } else { "" }));
                table.hash ^= of_row.in_table(row.hash);
            }
            self.hash ^= of_table.in_table(table.hash);
        }
        newest
    }

    /// Merges a stamp of values.
    pub fn merge_values(&mut self, values: &Tree) -> String {
        let missing = self.missing();
        self.values.merge(values, missing, "")
    }

    /// The hashes of tables and of values.
    pub fn hashes(&self) -> (u32, u32) {
        (self.hash, self.values.hash)
    }

    /// Every cell and value with its stamp, by its path.
    pub fn leaves(&self) -> Leaves {
        let leaf = |cell: &Cell| (cell.value.clone(), format!("\"{}\"", cell.hlc));
        let mut leaves = Leaves::new();
        for (table_id, table) in &self.tables {
            for (row_id, row) in &table.rows {
                let path = |cell_id: &String| vec![table_id.clone(), row_id.clone(), cell_id.clone()];
                leaves.extend(row.cells.iter().map(|(id, cell)| (path(id), leaf(cell))));
            }
        }
        leaves.extend(self.values.cells.iter().map(|(id, cell)| (vec![id.clone()], leaf(cell))));
        leaves
    }

    /// The value of a cell.
    pub fn cell(&self, table: &str, row: &str, cell: &str) -> Option<&str> {
        Some(&self.tables.get(table)?.rows.get(row)?.cells.get(cell)?.value)
    }

    /// `{table: hash}`.
    pub fn table_hashes(&self) -> String {
        object(self.tables.iter().map(|(id, table)| (id, table.hash.to_string())))
    }

    /// `{table: {row: hash}}` of the tables whose hashes are others than these.
    pub fn row_hashes(&self, theirs: &Tree) -> String {
        object(self.differing(theirs).map(|(id, table, _)| (id, hashes(&table.rows, |row| row.hash))))
    }

    /// `{table: {row: {cell: hash}}}` of the rows whose hashes are others than these.
    pub fn cell_hashes(&self, theirs: &Tree) -> String {
        object(theirs.object().iter().filter_map(|(&table_id, rows)| {
            let table = self.tables.get(table_id)?;
            let rows = table.rows.iter().filter(|(id, row)| differs(rows, id, row.hash) == Some(true));
            let rows: Vec<_> = rows.map(|(id, row)| (id, hashes(&row.cells, |cell| cell.hash))).collect();
            (!rows.is_empty()).then(|| (table_id, object(rows)))
        }))
    }

    /// `{value: hash}`.
    pub fn value_hashes(&self) -> String {
        hashes(&self.values.cells, |value| value.hash)
    }

    /// The answer to type 4.
    pub fn table_diff(&self, theirs: &Tree) -> String {
        let new = self.tables.iter().filter(|(id, _)| !theirs.object().contains_key(id.as_str()));
        let new = object(new.map(|(id, table)| (id, stamps(&table.rows, |row| stamps(&row.cells, Cell::stamp)))));
        let differing = object(self.differing(theirs).map(|(id, table, _)| (id, table.hash.to_string())));
        format!("[[{new}],{differing}]")
    }

    /// The answer to type 5.
    pub fn row_diff(&self, theirs: &Tree) -> String {
        let (mut new, mut differing) = (Vec::new(), Vec::new());
        for (&table_id, rows) in theirs.object() {
            let Some(table) = self.tables.get(table_id) else { continue };
            let is_new = |id: &str, row: &Row| differs(rows, id, row.hash).is_none();
            let lacked: Vec<_> = table.rows.iter().filter(|(id, row)| is_new(id, row)).collect();
            if !lacked.is_empty() {
                let rows = object(lacked.into_iter().map(|(id, row)| (id, stamps(&row.cells, Cell::stamp))));
                new.push((table_id, format!("[{rows}]")));
            }
            let others = table.rows.iter().filter(|(id, row)| differs(rows, id, row.hash) == Some(true));
            let others: Vec<_> = others.map(|(id, row)| (id, row.hash.to_string())).collect();
            if !others.is_empty() {
                differing.push((table_id, object(others)));
            }
        }
        format!("[[{}],{}]", object(new), object(differing))
    }

    /// The answer to type 6.
    pub fn cell_diff(&self, theirs: &Tree) -> String {
        let tables = theirs.object().iter().filter_map(|(&table_id, rows)| {
            let table = self.tables.get(table_id)?;
            let rows = rows.object().iter().filter_map(|(&row_id, cells)| {
                let row = table.rows.get(row_id)?;
                let cells = row.cells.iter().filter(|(id, cell)| differs(cells, id, cell.hash) != Some(false));
                let cells: Vec<_> =
                    cells.map(|(id, cell)| (id, format!("[{},\"{}\"]", cell.value, cell.hlc))).collect();
                (!cells.is_empty()).then(|| (row_id, format!("[{}]", object(cells))))
            });
            let rows: Vec<_> = rows.collect();
            (!rows.is_empty()).then(|| (table_id, format!("[{}]", object(rows))))
        });
        format!("[{}]", object(tables))
    }

    /// The answer to type 7.
    pub fn value_diff(&self, theirs: &Tree) -> String {
        let values = self.values.cells.iter().filter(|(id, value)| differs(theirs, id, value.hash) != Some(false));
        format!("[{}]", object(values.map(|(id, value)| (id, value.stamp()))))
    }

    /// What is hashed in the place of a stamp that is missing.
    fn missing(&self) -> &'static str {
        if self.misreads_missing_stamps { "undefined" } else { "" }
    }

    fn differing<'a>(&'a self, theirs: &'a Tree) -> impl Iterator<Item = (&'a String, &'a Table, u32)> {
        let tables = self.tables.iter().map(|(id, table)| (id, table, table.hash));
        tables.filter(|(id, _, hash)| differs(theirs, id, *hash) == Some(true))
    }
}

impl Row {
    /// A stamp that is missing, or empty, is hashed as these.
    fn merge(&mut self, cells: &Tree, missing: &str, empty: &str) -> String {
        let mut newest = String::new();
        for (&id, stamp) in cells.at("0").object() {
            let stamp = stamp.array();
            let hlc = stamp.get(1).map(|hlc| hlc.scalar().trim_matches('"'));
            let old = self.cells.get(id);
            if old.is_some_and(|old| !old.hlc.is_empty() && hlc.unwrap_or_default() <= old.hlc.as_str()) {
                continue;
            }
            let value = stamp[0].scalar();
            let hashed = if value == UNDEFINED { "null" } else { value };
            let hashed_hlc = match hlc {
                None => missing,
                Some("") => empty,
                Some(hlc) => hlc,
            };
            let hash = Fnv::new().bytes(hashed.as_bytes()).bytes(b":").bytes(hashed_hlc.as_bytes()).finish();
            let of_cell = IdPrefix::new(id);
            self.hash ^= old.map_or(0, |old| of_cell.in_row(old.hash)) ^ of_cell.in_row(hash);
            let hlc = hlc.unwrap_or_default().to_owned();
            newest = newest.max(hlc.clone());
            self.cells.insert(id.to_owned(), Cell { value: value.to_owned(), hlc, hash });
        }
        newest
    }
}

impl Cell {
    fn stamp(&self) -> String {
        match self.hlc.as_str() {
            "" => format!("[{}]", self.value),
            hlc => format!("[{},\"{hlc}\"]", self.value),
        }
    }
}

/// Whether the hash of a child is another than theirs; `None` where they have none.
fn differs(theirs: &Tree, id: &str, hash: u32) -> Option<bool> {
    theirs.object().get(id).map(|theirs| theirs.scalar() != hash.to_string())
}

fn hashes<T>(children: &BTreeMap<String, T>, hash: impl Fn(&T) -> u32) -> String {
    object(children.iter().map(|(id, child)| (id, hash(child).to_string())))
}

fn stamps<T>(children: &BTreeMap<String, T>, stamp: impl Fn(&T) -> String) -> String {
    format!("[{}]", object(children.iter().map(|(id, child)| (id, stamp(child)))))
}

fn object(entries: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> String {
    let entries = entries.into_iter().map(|(id, text)| format!("\"{}\":{text}", id.as_ref()));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}
