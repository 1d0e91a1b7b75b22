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
