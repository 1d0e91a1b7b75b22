//! Questions and answers of a pull, against those of the real TinyBase.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use support::fixtures::{LATER_MS, hash, list, text, texts};
use support::stores::{cell, hashes, merge, store_of, whole_change};
use support::tree::{Tree, leaves};
use tinyroom::json::Reader;
use tinyroom::store::{Answer, AnswerLimits, Changes, HashTree, KnownHashes, PartLimits, Store};

#[test]
fn questions_and_answers_are_those_of_tinybase() {
    let mut rows_asked = 0;
    for case in list("diffs", "pairs") {
        let (a, b) = (store_of(texts(&case, "a")), store_of(texts(&case, "b")));
        for (asker, answerer, pulls) in [(&a, &b, &case["aPulls"]), (&b, &a, &case["bPulls"])] {
            let name = text(&case, "name");
            let asked = pull(asker, answerer);
            let expected = pulls["requests"].as_array().unwrap();
            assert_eq!(asked.len(), expected.len(), "{name}: {expected:?}");
            for (asked, expected) in asked.iter().zip(expected) {
                assert_eq!(Value::from(asked.type_), expected["type"], "{name}");
                assert_eq!(Tree::parse(&asked.request), Tree::parse(text(expected, "request")), "{name}");
                assert_eq!(Tree::parse(&asked.answer.text), Tree::parse(text(expected, "response")), "{name}");
                assert!(asked.answer.owed.is_empty());
                rows_asked += usize::from(asked.type_ == 6);
            }
            let mut asker = copy_of(asker);
            asked.iter().for_each(|asked| take_in(&mut asker, asked));
            if !is_swap_of_empty_stamps(&a, &b) {
                assert_eq!(Tree::parse(&asker.content_text()), Tree::parse(text(pulls, "content")), "{name}");
                assert_eq!(hashes(&asker), (hash(&pulls["hashes"][0]), hash(&pulls["hashes"][1])), "{name}");
            }
        }
    }
    assert!(rows_asked > 50, "{rows_asked}");
}

/// Whether some cell has an empty stamp and another value in each: TinyBase takes the other's then, a room keeps its own.
fn is_swap_of_empty_stamps(a: &Store, b: &Store) -> bool {
    let (a, b) = (a.content_text(), b.content_text());
    let (a, b) = (leaves(&Tree::parse(&a)), leaves(&Tree::parse(&b)));
    a.iter().any(|(path, (value, hlc))| {
        hlc == "\"\"" && b.get(path).is_some_and(|other| other.1 == *hlc && other.0 != *value)
    })
}

#[test]
fn what_does_not_fit_into_an_answer_is_owed() {
    let mut owed = 0;
    for case in list("diffs", "pairs") {
        let (a, b) = (store_of(texts(&case, "a")), store_of(texts(&case, "b")));
        for limit in [0, 40, 120] {
            let mut pulled = copy_of(&a);
            for asked in pull(&a, &b) {
                let limits = AnswerLimits { bytes: limit, ..AnswerLimits::whole() };
                let short = answer(&b, asked.type_, &asked.request, limits);
                let least = answer(&b, asked.type_, &asked.request, AnswerLimits { bytes: 0, ..limits });
                assert!(short.text.len() <= limit.max(least.text.len()), "{} bytes of {limit}", short.text.len());
                assert!(least.text.len() < 100, "nothing takes {} bytes", least.text.len());
                assert!(short.owed.is_sorted_by(|one, other| one.end < other.start));
                let places: Vec<_> = short.owed.iter().flat_map(|range| b.places_in(range.clone())).collect();
                owed += places.len();
                let rest = b.changes_text(places);
                take_in(&mut pulled, &Asked { answer: short, ..asked });
                merge(&mut pulled, &rest);
            }
            let mut unlimited = copy_of(&a);
            pull(&a, &b).iter().for_each(|asked| take_in(&mut unlimited, asked));
            // What is owed comes as a change, which names the stamp of a table where TinyBase's answers do not.
            let (pulled, unlimited) = (pulled.content_text(), unlimited.content_text());
            assert_eq!(leaves(&Tree::parse(&pulled)), leaves(&Tree::parse(&unlimited)), "{}", case["name"]);
        }
    }
    assert!(owed > 300, "{owed}");
}

#[test]
fn a_name_that_stands_twice_in_an_answer_asks_once() {
    let store = store_of([&*cell("t", "r", "c", "1", "OhqqeV-----Alice")]);
    let mut reader = Reader::new(r#"{"t":1,"t":2}"#);
    let tables = HashTree::read(&mut reader, 1).unwrap();
    let question = store.row_hashes(&tables).unwrap();
    assert_eq!(question.matches("\"r\":").count(), 1, "{question}");
    let mut reader = Reader::new(r#"{"t":{"r":1,"r":2},"t":{"r":3}}"#);
    let rows = HashTree::read(&mut reader, 2).unwrap();
    let question = store.cell_hashes(&rows).unwrap();
    assert_eq!(question.matches("\"c\":").count(), 1, "{question}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What a hostile client may name in its questions neither fails nor brings more than there is.
    #[test]
    fn questions_may_name_anything(ids in proptest::collection::vec("[trcx]", 0..12), levels in 1..=3u8) {
        let store = store_of([
            &*cell("t", "r", "c", "1", "OhqqeV-----Alice"),
            &*cell("t", "r", "x", "2", "OhqqeV-----Alice"),
            &*cell("x", "x", "x", "3", "OhqqeV-----Alice"),
        ]);
        let question = nested(&ids, levels);
        let type_ = u64::from(levels) + 3;
        let answered = answer(&store, type_, &question, AnswerLimits::whole());
        prop_assert!(answered.text.len() < 200, "{}", answered.text);
        let asked = Asked { type_, request: question, answer: answered };
        let mut asker = Store::new(1);
        take_in(&mut asker, &asked);
        let (asker, store) = (asker.content_text(), store.content_text());
        let (asker, store) = (leaves(&Tree::parse(&asker)), leaves(&Tree::parse(&store)));
        prop_assert!(asker.iter().all(|(path, leaf)| store.get(path) == Some(leaf)));
    }
}

/// `{id: {id: {id: 7}}}` for each id, down to a level.
fn nested(ids: &[String], levels: u8) -> String {
    let inner = if levels == 1 { "7".to_owned() } else { nested(ids, levels - 1) };
    let ids: BTreeSet<_> = ids.iter().collect();
    format!("{{{}}}", ids.iter().map(|id| format!("\"{id}\":{inner}")).collect::<Vec<_>>().join(","))
}

/// A question of a pull, and its answer.
struct Asked {
    type_: u64,
    request: String,
    answer: Answer,
}

/// A whole pull, as a TinyBase client does it: what comes back is merged at its end.
fn pull(asker: &Store, answerer: &Store) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    let mut ask = |type_, request: String| {
        let answer = answer(answerer, type_, &request, AnswerLimits::whole());
        asked.push(Asked { type_, request, answer });
        asked.last().unwrap().answer.text.clone()
    };
    ask(1, "\"\"".to_owned());
    let (ours, theirs) = (asker.content_hashes(), answerer.content_hashes());
    if ours.tables != theirs.tables {
        let tables = ask(4, asker.table_hashes());
        if let Some(request) = differing(&tables, 1, |differing| asker.row_hashes(differing)) {
            let rows = ask(5, request);
            if let Some(request) = differing(&rows, 2, |differing| asker.cell_hashes(differing)) {
                ask(6, request);
            }
        }
    }
    if ours.values != theirs.values {
        ask(7, asker.value_hashes(usize::MAX));
    }
    asked
}

fn answer(answerer: &Store, type_: u64, request: &str, limits: AnswerLimits) -> Answer {
    let by = |theirs: &HashTree| match type_ {
        4 => answerer.table_diff(theirs, limits),
        5 => answerer.row_diff(theirs, limits),
        6 => answerer.cell_diff(theirs, limits),
        _ => answerer.value_diff(theirs, limits),
    };
    if type_ == 1 {
        let (tables, values) = hashes(answerer);
        return Answer { text: format!("[{tables},{values}]"), owed: Vec::new() };
    }
    let levels = if type_ == 7 { 1 } else { type_ as u8 - 3 };
    let answer = by(&HashTree::read(&mut Reader::new(request), levels).unwrap());
    // Of a long question only what is known is read.
    for nodes in [1, usize::MAX] {
        let mut known = if type_ == 7 { KnownHashes::of_values() } else { KnownHashes::of_tables(levels) };
        let mut at = 0;
        while !known.is_over() {
            let mut reader = Reader::resume(request, at);
            known.read(&mut reader, answerer, PartLimits { nodes, bytes: usize::MAX }).unwrap();
            at = reader.at();
        }
        let same = by(&known.finish());
        assert_eq!((&same.text, &same.owed), (&answer.text, &answer.owed), "{request}");
    }
    answer
}

/// The next question, from the hashes in an answer to 4 or 5.
fn differing(answer: &str, levels: u8, next: impl Fn(&HashTree) -> Option<String>) -> Option<String> {
    let mut reader = Reader::new(answer);
    let mut cursor = reader.array("an answer").unwrap();
    reader.expect_element(&mut cursor, "a stamp").unwrap();
    Changes::read_stamp(&mut reader, false).unwrap();
    reader.expect_element(&mut cursor, "hashes").unwrap();
    next(&HashTree::read(&mut reader, levels).unwrap())
}

fn take_in(asker: &mut Store, asked: &Asked) {
    let mut reader = Reader::new(&asked.answer.text);
    let changes = match asked.type_ {
        1 => return,
        4 | 5 => {
            let mut cursor = reader.array("an answer").unwrap();
            reader.expect_element(&mut cursor, "a stamp").unwrap();
            Changes::read_stamp(&mut reader, false)
        }
        6 => Changes::read_stamp(&mut reader, false),
        _ => Changes::read_stamp(&mut reader, true),
    };
    asker.merge(&changes.unwrap(), LATER_MS, |_| {});
}

fn copy_of(store: &Store) -> Store {
    store_of([&*whole_change(store)])
}
