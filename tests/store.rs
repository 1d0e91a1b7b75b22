//! The store against the real TinyBase: what it holds after a history, and every hash of it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use fastrand::Rng;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use support::fixtures::{LATER_MS, NOW_MS, hash, list, text, texts};
use support::stores::{hashes, merge, scalar, store_of, whole_change};
use support::tree::{Tree, leaves};
use tinyroom::hash::Fnv;
use tinyroom::json::{Reader, string};
use tinyroom::store::{Changes, MergePolicy, Place, Store};

#[test]
fn texts_hash_as_in_tinybase() {
    for case in list("hashes", "texts") {
        let quoted = text(&case, "text");
        let canonical = string::canonical(&quoted[1..quoted.len() - 1]).unwrap();
        let fnv = Fnv::new().bytes(string::unescaped(&canonical).as_bytes());
        assert_eq!(fnv.finish(), hash(&case["hash"]), "{quoted}");
    }
}

#[test]
fn cells_and_values_hash_as_in_tinybase() {
    for case in list("hashes", "cells") {
        let (written, hlc) = (text(&case, "value"), text(&case, "hlc"));
        let value = &*scalar(written).unwrap();
        let store = store_of([&*format!(
            r#"[[{{"t":[{{"r":[{{"c":[{written},"{hlc}"]}}]}}]}}],[{{"v":[{written},"{hlc}"]}}],1]"#
        )]);
        let content = store.content_text();
        let content = Tree::parse(&content);
        let cell = content.at("0").at("0").at("t").at("0").at("r").at("0").at("c");
        for leaf in [cell, content.at("1").at("0").at("v")] {
            assert_eq!(leaf.array(), [value, &*format!("\"{hlc}\""), &*case["hash"].to_string()].map(Tree::Scalar));
        }
    }
}

#[test]
fn every_node_above_a_cell_hashes_as_in_tinybase() {
    for case in list("hashes", "trees") {
        let quoted = text(&case, "id");
        let id = string::canonical(&quoted[1..quoted.len() - 1]).unwrap();
        let store = store_of([text(&case, "change")]);
        let content = store.content_text();
        let content = Tree::parse(&content);
        let tables = content.at("0");
        let table = tables.at("0").at(&id);
        let row = table.at("0").at(&id);
        let values = content.at("1");
        let nodes = [
            ("tables", tables),
            ("table", table),
            ("row", row),
            ("cell", row.at("0").at(&id)),
            ("values", values),
            ("value", values.at("0").at(&id)),
        ];
        for (name, node) in nodes {
            let expected = [case[name][0].to_string(), case[name][1].to_string()];
            assert_eq!([node.at("1").scalar(), node.at("2").scalar()], expected, "{name} of {case}");
        }
    }
}

#[test]
fn ids_that_hash_alike_cancel_out_as_in_tinybase() {
    for case in list("hashes", "pairs") {
        let store = store_of([text(&case, "change")]);
        assert_eq!(store.content_hashes().tables, hash(&case["tablesHash"]), "{case}");
        let content = store.content_text();
        let content = Tree::parse(&content);
        let table = content.at("0").at("0").at("t");
        assert_eq!(table.at("2").scalar(), case["tableHash"].to_string());
        let rows = table.at("0").object().values().map(|row| row.at("2").scalar()).collect::<Vec<_>>();
        assert_eq!(rows, [case["rowHashes"][0].to_string(), case["rowHashes"][1].to_string()]);
    }
}

#[test]
fn histories_end_as_in_tinybase_after_each_change() {
    for case in list("merges", "histories") {
        check_history(&case, "contents", "hashes");
    }
}

#[test]
fn of_two_empty_stamps_a_room_keeps_its_own() {
    for case in list("merges", "twoEmptyStamps") {
        check_history(&case, "roomContents", "roomHashes");
    }
}

fn check_history(case: &Value, contents: &str, hash_pairs: &str) {
    let name = text(case, "name");
    let mut store = Store::new(1);
    for (step, (change, content)) in texts(case, "changes").into_iter().zip(texts(case, contents)).enumerate() {
        merge(&mut store, change);
        assert_eq!(Tree::parse(&store.content_text()), Tree::parse(content), "{name}, change {step}");
        let expected = &case[hash_pairs][step];
        assert_eq!(hashes(&store), (hash(&expected[0]), hash(&expected[1])), "{name}, change {step}");
    }
}

#[test]
fn every_hash_is_what_its_definition_says() {
    for case in list("merges", "histories") {
        let store = store_of(texts(&case, "changes"));
        assert_defined(&Tree::parse(&store.content_text()));
    }
}

/// TinyBase takes a hash of 0 for an absent child, and then what it says of the hashes above depends on the way there.
/// A room goes by the definition instead, and has no empty rows and tables.
#[test]
fn where_a_hash_is_0_the_definition_decides() {
    for case in list("merges", "zeroHashes") {
        let mut store = Store::new(1);
        for (change, content) in texts(&case, "changes").into_iter().zip(texts(&case, "contents")) {
            merge(&mut store, change);
            let own = store.content_text();
            let own = Tree::parse(&own);
            assert_defined(&own);
            assert_eq!(leaves(&own), leaves(&Tree::parse(content)), "{case}");
            let rows = own.at("0").at("0").object().values().flat_map(|table| table.at("0").object().values());
            assert!(rows.clone().all(|row| !row.at("0").object().is_empty()), "an empty row in {case}");
            assert_eq!(own.at("0").at("0").object().is_empty(), rows.count() == 0, "an empty table in {case}");
        }
    }
}

/// Ids that differ by lone surrogates hash alike, so that two cells, rows or tables can cancel each other out.
#[test]
fn what_cancels_out_is_there_all_the_same() {
    let twice = |inner: &str| format!(r#"{{"\ud800":[{inner}],"\ud801":[{inner}]}}"#);
    let cells = twice("1");
    let rows = twice(r#"{"c":[1]}"#);
    let tables = twice(r#"{"r":[{"c":[1]}]}"#);
    let changes = [
        format!(r#"[[{{"t":[{{"r":[{cells}]}}]}}],[{cells}],1]"#),
        format!(r#"[[{{"u":[{rows}]}}],[{{}}],1]"#),
        format!(r#"[[{tables}],[{{}}],1]"#),
        r#"[[{"t":[{"r":[{"c":[1]}],"s":[{"c":[1]}]}],"u":[{"r":[{"c":[1]}]}],"w":[{"r":[{"c":[1]}]}]}],[{"v":[1]}],1]"#.to_owned(),
    ];
    let mut store = Store::new(1);
    for change in changes.iter().chain(&changes) {
        merge(&mut store, change);
        assert_defined(&Tree::parse(&store.content_text()));
    }
    assert_eq!(store.content_text().matches("\\ud80").count(), 8);
}

#[test]
fn a_row_or_table_with_no_cell_changes_nothing() {
    for empty in [
        r#"[[{"t":[{}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{},"OhqqeV-----Alice"]},"OhqqeV-----Alice"]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1,"zzzzzzz---------"]}]}]}],[{}],1]"#,
    ] {
        let mut store = Store::new(1);
        merge(&mut store, empty);
        assert!(store.is_empty(), "{empty}");
        assert_eq!(store.content_text(), r#"[[{},"",0],[{},"",0]]"#);
    }
}

#[test]
fn of_a_row_that_stands_twice_the_last_is_merged_even_where_it_is_empty() {
    for twice in [
        r#"[[{"t":[{"r":[{"c":[1]}],"r":[{}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1]}]}],"t":[{}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1]}]}],"t":[{"r":[{}]}]}],[{}],1]"#,
    ] {
        assert!(store_of([twice]).is_empty(), "{twice}");
    }
}

/// What TinyBase drops whole is no change here either; only a stamp from the future costs no more than its cell.
#[test]
fn what_tinybase_refuses_is_refused() {
    let mut read = Vec::new();
    for case in list("merges", "refused") {
        let mut reader = Reader::new(text(&case, "change"));
        match Changes::read(&mut reader).and_then(|changes| reader.end().map(|()| changes)) {
            Err(_) => {}
            Ok(changes) => {
                let mut store = store_of([text(&case, "before")]);
                let policy = MergePolicy { max_future_ms: 5 * 60_000, ..MergePolicy::from(NOW_MS) };
                let merged = store.merge(&changes, policy, |_| {});
                assert!(!store.content_text().contains("OhqrnjW"), "a stamp from the future: {case}");
                read.push((text(&case, "name").to_owned(), merged.won, merged.future));
            }
        }
    }
    let ahead = [("a stamp 5 minutes and 1 ms ahead".to_owned(), 1, 1), ("a container stamp ahead".to_owned(), 1, 1)];
    assert_eq!(read, ahead);
}

#[test]
fn a_history_ends_the_same_in_any_order() {
    let mut random = Rng::with_seed(3);
    let mut shuffled = 0;
    for case in list("merges", "histories") {
        let mut changes = texts(&case, "changes");
        if has_conflict(&changes) || changes.iter().any(|change| loses_a_container_stamp(change)) {
            continue;
        }
        let in_order = store_of(changes.iter().copied());
        for _ in 0..3 {
            random.shuffle(&mut changes);
            let store = store_of(changes.iter().copied());
            assert_eq!(Tree::parse(&store.content_text()), Tree::parse(&in_order.content_text()), "{}", case["name"]);
            shuffled += 1;
        }
    }
    assert!(shuffled > 600, "only {shuffled} orders were looked at");
}

/// Whether one path has two values of the same stamp, or of none, in different changes.
fn has_conflict(changes: &[&str]) -> bool {
    let mut seen = BTreeMap::new();
    changes.iter().any(|change| {
        let content = store_of([*change]).content_text();
        let leaves = leaves(&Tree::parse(&content));
        leaves.into_iter().any(|(path, (value, hlc))| *seen.entry((path, hlc)).or_insert(value.clone()) != value)
    })
}

/// Whether a change stamps a row or table that it gives no cell, which counts only where the row is there before.
fn loses_a_container_stamp(change: &str) -> bool {
    let stamps = change.matches("\"},\"").count() + change.matches("{},\"").count();
    stamps > 0 && change.contains("{}")
}

#[test]
fn a_store_written_as_changes_reads_back_the_same() {
    for case in list("merges", "histories") {
        let store = store_of(texts(&case, "changes"));
        let copy = store_of([&*whole_change(&store)]);
        assert_eq!(copy.content_text(), store.content_text(), "{}", case["name"]);
        assert_eq!(hashes(&copy), hashes(&store));
        let mut pieces = Store::new(2);
        let mut places = store.places_from(Place::START).peekable();
        while let Some(piece) = store.next_changes_text(&mut places, 100) {
            merge(&mut pieces, &piece);
        }
        assert_eq!(pieces.content_text(), store.content_text(), "{} in pieces", case["name"]);
    }
}

#[test]
fn what_won_is_named_place_by_place() {
    let mut whole = Store::new(1);
    let mut follower = Store::new(2);
    for case in list("merges", "histories") {
        for change in texts(&case, "changes") {
            let mut reader = Reader::new(change);
            let changes = Changes::read(&mut reader).unwrap();
            let mut won = BTreeSet::new();
            let merged = whole.merge(&changes, LATER_MS, |place| _ = won.insert(place));
            assert!(merged.won <= won.len());
            merge(&mut follower, &whole.changes_text(won));
            assert_eq!(hashes(&follower), hashes(&whole), "{}: {change}", case["name"]);
        }
    }
    assert_eq!(follower.content_text(), whole.content_text());
}

#[test]
fn the_size_of_the_text_is_never_far_from_the_truth() {
    for case in list("merges", "histories") {
        let store = store_of(texts(&case, "changes"));
        let (estimate, written) = (store.text_bytes(), whole_change(&store).len());
        assert!(written < 2 * estimate + 64, "{}: {written} bytes, estimated as {estimate}", case["name"]);
    }
}

/// A change, a question or an answer must not cost much more to write than it says.
#[test]
fn a_long_id_does_not_multiply_what_is_written() {
    let (row, cells) = ("r".repeat(5_000), (0..200).map(|n| format!("\"c{n}\":[{n}]")).collect::<Vec<_>>().join(","));
    let store = store_of([&*format!(r#"[[{{"t":[{{"{row}":[{{{cells}}}]}}]}}],[{{}}],1]"#)]);
    let whole = whole_change(&store).len();
    let mut places = store.places_from(Place::START).peekable();
    let mut written = 0;
    while let Some(piece) = store.next_changes_text(&mut places, 1_000) {
        written += piece.len();
    }
    assert!(written < 3 * whole, "{written} bytes in pieces, {whole} as a whole");
}

/// Recomputes every hash of a content from the definition in `src/hash.rs`, by other means.
fn assert_defined(content: &Tree) {
    fn defined(node: &Tree, level: u8) -> u32 {
        let hlc = node.at("1").scalar().trim_matches('"');
        let hash = if level == 0 {
            let value = node.at("0").scalar();
            fnv(&format!("{}:{hlc}", if value == "\"\u{fffc}\"" { "null" } else { value }))
        } else {
            let children = node.at("0").object().iter().map(|(id, child)| {
                let (id, child) = (unescaped(id), defined(child, level - 1));
                fnv(&format!("{id}:{child}")) ^ if level == 1 { fnv(&format!("{id}:0")) } else { 0 }
            });
            children.fold(if hlc.is_empty() { 0 } else { fnv(hlc) }, |sum, hash| sum ^ hash)
        };
        assert_eq!(node.at("2").scalar(), hash.to_string(), "{node:?}");
        hash
    }
    defined(content.at("0"), 3);
    defined(content.at("1"), 1);
}

fn fnv(text: &str) -> u32 {
    text.bytes().fold(2_166_136_261, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
}

/// An id without its escapes; lone surrogates, which alone are escaped as `\ud…`, become U+FFFD.
fn unescaped(id: &str) -> String {
    let replaced = id.split("\\ud").enumerate().map(|(index, piece)| match index {
        0 => piece.to_owned(),
        _ => format!("\u{fffd}{}", &piece[3..]),
    });
    serde_json::from_str(&format!("\"{}\"", replaced.collect::<String>())).unwrap()
}
