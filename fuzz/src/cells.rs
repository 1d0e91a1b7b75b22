//! What a store holds, to be compared; and that it reads back.

use super::NOW_MS;
use std::collections::BTreeSet;
use tinyroom::json::Reader;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Merged, Place, Store};

/// Every cell and value of a store as a change of its own, the stamps of its containers included.
pub fn cells(store: &Store) -> BTreeSet<String> {
    store.places_from(Place::START).map(|place| store.changes_text([place])).collect()
}

/// Fails where two stores do not hold the same, or do not say so.
pub fn assert_same(one: &Store, other: &Store, what: &str) {
    assert_eq!(cells(one), cells(other), "{what}");
    assert_eq!(one.content_hashes(), other.content_hashes(), "{what}");
}

/// Merges the text of a change that must be one.
pub fn merge(store: &mut Store, text: &str) -> Merged {
    let mut reader = Reader::new(text);
    let changes = Changes::read(&mut reader).unwrap_or_else(|error| panic!("{error}: {text}"));
    reader.end().unwrap_or_else(|error| panic!("{error}: {text}"));
    store.merge(&changes, NOW_MS, |_| {})
}

/// Fails where a store cannot be read back from what it writes.
pub fn assert_reads_back(store: &Store) {
    let content = store.content_text();
    for (what, text) in [("content", content.clone()), ("change", store.changes_text(store.places_from(Place::START)))]
    {
        let mut copy = Store::new(7);
        merge(&mut copy, &text);
        assert_same(store, &copy, what);
        let merged = merge(&mut copy, &text);
        assert_eq!(merged.won, 0, "the same {what} again");
    }
    for limit in [1, 60, 300] {
        let mut copy = Store::new(8);
        let mut places = store.places_from(Place::START).peekable();
        let mut written = 0;
        while let Some(text) = store.next_changes_text(&mut places, limit) {
            written += text.len();
            merge(&mut copy, &text);
        }
        assert_same(store, &copy, "changes in slices");
        // Each slice has brackets and the stamps of its containers.
        let slices = 200 * cells(store).len();
        assert!(written <= 2 * content.len() + slices, "{written} bytes of slices for {} of content", content.len());
    }
    for bytes in [1, 200, usize::MAX] {
        for until_ms in [NOW_MS, u64::MAX] {
            assert_answers_tell_all(store, AnswerLimits { bytes, until_ms });
        }
    }
}

/// Fails where someone who holds nothing does not get everything.
fn assert_answers_tell_all(store: &Store, limits: AnswerLimits) {
    let nothing = HashTree::default();
    let mut copy = Store::new(9);
    let tables = store.table_diff(&nothing, limits);
    let values = store.value_diff(&nothing, limits);
    let stamps = tables.text.strip_suffix(",{}]").and_then(|text| text.strip_prefix('['));
    let stamps = stamps.unwrap_or_else(|| panic!("who holds nothing differs in nothing: {}", tables.text));
    merge(&mut copy, &format!("[{stamps},{},1]", values.text));
    let owed = tables.owed.into_iter().chain(values.owed);
    let places = owed.flat_map(|range| store.places_in(range));
    merge(&mut copy, &store.changes_text(places));
    assert_same(store, &copy, "answers");
}
