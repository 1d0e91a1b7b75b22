//! What of a change is left out, and what is told of it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use support::fixtures::NOW_MS;
use support::stamp::stamp;
use support::stores::whole_change;
use support::texts::{row, t};
use tinyroom::hlc::{AHEAD_MS, DEFAULT_MAX_FUTURE_MS};
use tinyroom::json::Reader;
use tinyroom::store::{Changes, MergePolicy, Merged, Store};

fn merge(store: &mut Store, change: &str, policy: impl Into<MergePolicy>) -> Merged {
    store.merge(&Changes::read(&mut Reader::new(change)).unwrap(), policy, |_| {})
}

/// The stamp of a time so many milliseconds ahead.
fn ahead(ms: u64) -> String {
    stamp(NOW_MS + ms, 0, "Alice")
}

#[test]
fn a_cell_from_the_future_is_left_out_and_its_time_is_told() {
    let (soon, later, last) =
        (ahead(DEFAULT_MAX_FUTURE_MS + 10), ahead(DEFAULT_MAX_FUTURE_MS + 20), ahead(DEFAULT_MAX_FUTURE_MS));
    let change = format!(
        r#"[[{{"t":[{{"r":[{{"a":[1,"{later}"],"b":[2,"{last}"],"c":[3,"{soon}"]}}]}}],"u":[{{"r":[{{"a":[4,"{later}"]}}]}}]}}],[{{"v":[5,"{later}"]}}],1]"#
    );
    let mut store = Store::new(1);
    let merged = merge(&mut store, &change, NOW_MS);
    assert_eq!(merged, Merged { won: 1, future: 4, acceptable_at_ms: Some(NOW_MS + 10), ..Merged::default() });
    assert!(!merged.fully_accepted());
    assert_eq!(whole_change(&store), format!(r#"[[{{"t":[{{"r":[{{"b":[2,"{last}"]}}]}}]}}],[{{}}],1]"#));
    let merged = merge(&mut store, &change, NOW_MS + 10);
    assert_eq!(merged, Merged { won: 1, lost: 1, future: 3, acceptable_at_ms: Some(NOW_MS + 20), ..Merged::default() });
    let merged = merge(&mut store, &change, NOW_MS + 20);
    assert_eq!(merged, Merged { won: 3, lost: 2, ..Merged::default() });
}

#[test]
fn how_far_ahead_a_cell_may_be_is_a_matter_of_policy() {
    let change = format!(r#"[[{{"t":[{{"r":[{{"a":[1,"{}"],"b":[1,"{}"]}}]}}]}}],[{{}}],1]"#, ahead(10), ahead(11));
    let policy = MergePolicy { max_future_ms: 10, ..MergePolicy::from(NOW_MS) };
    let merged = merge(&mut Store::new(1), &change, policy);
    assert_eq!(merged, Merged { won: 1, future: 1, acceptable_at_ms: Some(NOW_MS + 1), ..Merged::default() });
}

/// It would travel with everybody's cells.
#[test]
fn a_container_may_be_no_more_than_a_minute_ahead() {
    let (near, far) = (ahead(AHEAD_MS), ahead(AHEAD_MS + 1));
    for hlcs in [
        [&far, &near, &near, &near],
        [&near, &far, &near, &near],
        [&near, &near, &far, &near],
        [&near, &near, &near, &far],
    ] {
        let [row, table, tables, values] = hlcs;
        let change = format!(
            r#"[[{{"t":[{{"r":[{{"c":[1,"{far}"]}},"{row}"]}},"{table}"]}},"{tables}"],[{{"v":[1,"{far}"]}},"{values}"],1]"#
        );
        let mut store = Store::new(1);
        let merged = merge(&mut store, &change, NOW_MS);
        assert_eq!(merged, Merged { won: 2, future: 1, acceptable_at_ms: Some(NOW_MS + 1), ..Merged::default() });
        let left_out = whole_change(&store);
        assert_eq!((left_out.matches(&far).count(), left_out.matches(&near).count()), (2, 3), "{left_out}");
    }
}

#[test]
fn a_policy_may_hold_a_container_to_less_than_a_minute() {
    let change = format!(r#"[[{{"t":[{{"r":[{{"c":[1]}},"{}"]}}]}}],[{{}}],1]"#, ahead(11));
    let policy = MergePolicy { max_future_ms: 10, ..MergePolicy::from(NOW_MS) };
    let merged = merge(&mut Store::new(1), &change, policy);
    assert_eq!(merged, Merged { won: 1, future: 1, acceptable_at_ms: Some(NOW_MS + 1), ..Merged::default() });
}

#[test]
fn in_a_stored_room_no_time_is_the_future() {
    let change = r#"[[{"t":[{"r":[{"c":[1,"zzzzzzzzzzzzzzzz"]},"zzzzzzzzzzzzzzzz"]}]}],[{}],1]"#;
    assert_eq!(merge(&mut Store::new(1), change, MergePolicy::STORED), Merged { won: 1, ..Merged::default() });
}

/// TinyBase would throw whenever it is read.
#[test]
fn a_cell_with_the_mark_of_an_object_and_no_json_behind_it_is_left_out_alone() {
    let change = t(
        "[[{\"t\":[{\"r\":[{\"a\":[\"\u{fffd}{bad\",\"@new\"],\"b\":[\"\u{fffd}{}\",\"@old\"],\"c\":[1,\"@future\"]}],\"s\":[{\"a\":[\"\u{fffd}\"]}]}],\"u\":[{\"r\":[{\"a\":[\"\u{fffd}[\"]}]}]}],[{\"v\":[\"\\ufffd]\",\"@new\"],\"w\":[\"x\u{fffd}\",\"@old\"]}],1]",
    );
    let mut store = Store::new(1);
    merge(&mut store, &row("r", "2", "@old"), NOW_MS);
    let merged = merge(&mut store, &change, NOW_MS);
    assert_eq!((merged.won, merged.lost, merged.future, merged.refused, merged.malformed), (2, 0, 1, 0, 4));
    assert!(!merged.fully_accepted());
    let held = "[[{\"t\":[{\"r\":[{\"c\":[2,\"@old\"],\"b\":[\"\u{fffd}{}\",\"@old\"]}]}]}],[{\"w\":[\"x\u{fffd}\",\"@old\"]}],1]";
    assert_eq!(whole_change(&store), t(held));
}

#[test]
fn one_that_replaces_a_sound_value_changes_nothing() {
    let mut store = Store::new(1);
    merge(&mut store, &row("r", "\"\u{fffd}[]\"", "@old"), NOW_MS);
    let held = store.content_text();
    let merged = merge(&mut store, &row("r", "\"\u{fffd}[\"", "@new"), NOW_MS);
    assert_eq!(merged, Merged { malformed: 1, ..Merged::default() });
    assert_eq!(store.content_text(), held);
}

#[test]
fn in_a_stored_room_one_is_a_tombstone_with_its_stamp() {
    let stored = "[[{\"t\":[{\"r\":[{\"c\":[\"\u{fffd}{bad\",\"@new\"]}]}]}],[{\"v\":[\"\u{fffd}\",\"@old\"]}],1]";
    let deleted = t("[[{\"t\":[{\"r\":[{\"c\":[\"@gone\",\"@new\"]}]}]}],[{\"v\":[\"@gone\",\"@old\"]}],1]");
    let (mut store, mut same) = (Store::new(1), Store::new(1));
    assert_eq!(
        merge(&mut store, &t(stored), MergePolicy::STORED),
        Merged { won: 2, malformed: 2, ..Merged::default() }
    );
    merge(&mut same, &deleted, MergePolicy::STORED);
    assert_eq!(whole_change(&store), deleted);
    assert_eq!(store.content_text(), same.content_text());
    assert_eq!((store.text_bytes(), store.memory_bytes()), (same.text_bytes(), same.memory_bytes()));
}

#[test]
fn in_a_full_store_one_is_counted_once() {
    let policy = MergePolicy { memory_limit: 0, ..MergePolicy::from(NOW_MS) };
    let change = "[[{\"t\":[{\"r\":[{\"c\":[\"\u{fffd}{bad\"],\"d\":[1]}]}]}],[{\"v\":[\"\u{fffd}\"]}],1]";
    let merged = merge(&mut Store::new(1), change, policy);
    assert_eq!(merged, Merged { refused: 1, malformed: 2, ..Merged::default() });
}
