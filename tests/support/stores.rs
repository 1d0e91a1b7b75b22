//! Stores made of changes, and what they hold.

use super::fixtures::LATER_MS;
use super::tree::Tree;
use tinyroom::json::{ReadError, Reader};
use tinyroom::store::{Changes, Merged, Place, Store};

/// Reads a change and merges it, when all in the fixtures can be.
pub fn merge(store: &mut Store, change: &str) -> Merged {
    let mut reader = Reader::new(change);
    let changes = Changes::read(&mut reader).unwrap_or_else(|error| panic!("{error}: {change}"));
    reader.end().unwrap();
    store.merge(&changes, LATER_MS, |_| {})
}

/// A store into which these changes were merged in order.
pub fn store_of<'a>(changes: impl IntoIterator<Item = &'a str>) -> Store {
    let mut store = Store::new(7);
    for change in changes {
        merge(&mut store, change);
    }
    store
}

/// The tables' and the values' hash.
pub fn hashes(store: &Store) -> (u32, u32) {
    let hashes = store.content_hashes();
    (hashes.tables, hashes.values)
}

/// Checks that two stores hold the same, with the same hashes.
pub fn assert_same(one: &Store, other: &Store) {
    assert_eq!(Tree::parse(&one.content_text()), Tree::parse(&other.content_text()));
}

/// The whole content as a change.
pub fn whole_change(store: &Store) -> String {
    store.changes_text(store.places_from(Place::START))
}

/// A change of one cell.
pub fn cell(table: &str, row: &str, cell: &str, value: &str, hlc: &str) -> String {
    format!(r#"[[{{"{table}":[{{"{row}":[{{"{cell}":[{value},"{hlc}"]}}]}}]}}],[{{}}],1]"#)
}

/// A string, number or word as the room reads it, spelled as JavaScript prints it.
pub fn scalar(text: &str) -> Result<String, ReadError> {
    let mut reader = Reader::new(text);
    let read = reader.scalar("a scalar")?.into_owned();
    reader.end()?;
    Ok(read)
}
