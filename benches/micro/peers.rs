//! The stores, and what one asks the other.

use crate::texts::{NOW_MS, content, difference};
use tinyroom::json::Reader;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Store};

/// No answer here is cut short.
const LIMITS: AnswerLimits = AnswerLimits::whole();

/// Reads a change.
pub fn read(change: &str) -> Changes<'_> {
    let mut reader = Reader::new(change);
    let changes = Changes::read(&mut reader).unwrap();
    reader.end().unwrap();
    changes
}

/// Reads a change and merges it. Every cell of it must win.
pub fn merge(store: &mut Store, change: &str) {
    take_in(store, &read(change));
}

/// Merges a change that was read before.
pub fn take_in(store: &mut Store, changes: &Changes) {
    let merged = store.merge(changes, NOW_MS, |place| {
        divan::black_box(place);
    });
    assert!(merged.fully_accepted(), "{merged:?}");
}

/// A store of these changes.
pub fn store_of(changes: &[String]) -> Store {
    let mut store = Store::new(7);
    changes.iter().for_each(|change| merge(&mut store, change));
    store
}

/// The answer to `GetTableDiff`, from the text of the question.
pub fn table_diff(store: &Store, question: &str) -> String {
    store.table_diff(&hashes(question, 1), LIMITS).text
}

/// The answer to `GetRowDiff`.
pub fn row_diff(store: &Store, question: &str) -> String {
    store.row_diff(&hashes(question, 2), LIMITS).text
}

/// The answer to `GetCellDiff`.
pub fn cell_diff(store: &Store, question: &str) -> String {
    store.cell_diff(&hashes(question, 3), LIMITS).text
}

/// A store, and what a peer asks of it that holds one row in a hundred as it was before.
pub struct Asked {
    pub store: Store,
    pub of_rows: String,
    pub of_cells: String,
}

/// Lets the peer ask down to the cells.
pub fn asked() -> Asked {
    let asker = store_of(&[content()]);
    let store = store_of(&[content(), difference()]);
    let of_rows = asker.row_hashes(&hashes(&store.table_hashes(), 1)).unwrap();
    let answer = row_diff(&store, &of_rows);
    let differing = answer.strip_prefix("[[{}],").and_then(|rest| rest.strip_suffix("]")).unwrap();
    let of_cells = asker.cell_hashes(&hashes(differing, 2)).unwrap();
    Asked { store, of_rows, of_cells }
}

fn hashes(text: &str, levels: u8) -> HashTree<'_> {
    let mut reader = Reader::new(text);
    let tree = HashTree::read(&mut reader, levels).unwrap();
    reader.end().unwrap();
    tree
}
