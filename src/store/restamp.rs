//! A change of what the store holds under other stamps: for who would drop it under its own.

use super::changes::UNDEFINED_TEXT;
use super::row::Cell;
use super::write::{close_stamp, open_stamp, value_text, write_hlc, write_key};
use super::{Path, Store};
use crate::hlc::Hlc;

impl Store {
    /// A change of these cells and values, whose paths ascend, under these stamps. What the store has not is deleted by it.
    pub fn restamped_text(&self, cells: &[(Path, Hlc)]) -> String {
        let (mut tables, mut values) = (String::from("[[{"), String::new());
        let mut open: Option<(&str, &str)> = None;
        for (path, hlc) in cells {
            match path {
                Path::Cell { table, row, cell } => {
                    let same_table = open.is_some_and(|(open, _)| *open == **table);
                    let same_row = same_table && open.is_some_and(|(_, open)| *open == **row);
                    if open.is_some() && !same_row {
                        close_stamp(&mut tables, Hlc::EMPTY);
                    }
                    if !same_table {
                        if open.is_some() {
                            close_stamp(&mut tables, Hlc::EMPTY);
                        }
                        open_stamp(&mut tables, table, open.is_some());
                    }
                    if !same_row {
                        open_stamp(&mut tables, row, same_table);
                    }
                    write(&mut tables, cell, self.value_of(path), *hlc, same_row);
                    open = Some((table, row));
                }
                Path::Value(id) => {
                    let comma = !values.is_empty();
                    write(&mut values, id, self.value_of(path), *hlc, comma);
                }
            }
        }
        if open.is_some() {
            tables.push_str("}]}]");
        }
        tables + "}],[{" + &values + "}],1]"
    }

    /// What lies at a path, as JSON text: nothing, where it is deleted or never was.
    fn value_of(&self, path: &Path) -> &str {
        self.cell_of(path).map_or(UNDEFINED_TEXT, value_text)
    }

    fn cell_of(&self, path: &Path) -> Option<&Cell> {
        let (row, id) = match path {
            Path::Cell { table, row, cell } => {
                let (_, table) = self.tables.get_full(table)?;
                let (_, row) = table.rows.get_full(row)?;
                (row, cell)
            }
            Path::Value(id) => (&self.values, id),
        };
        row.cells().get(row.find(self.ids.get(id)?)?)
    }
}

fn write(out: &mut String, id: &str, value: &str, hlc: Hlc, comma: bool) {
    write_key(out, id, comma);
    out.push('[');
    out.push_str(value);
    write_hlc(out, hlc);
    out.push(']');
}
