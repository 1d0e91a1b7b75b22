//! Changes that leave together, and those that must not: cells ahead of the clock share no text with others'.
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
use support::stores::store_of;
use tinyroom::store::{Place, Store};

const UNTIL_MS: u64 = NOW_MS + 60_000;

/// A text with the stamps of Alice, Bobby and Carol in the place of their names: `@A` for one of now, `@A+` for one that is
/// ahead by a millisecond too much.
fn t(template: &str) -> String {
    [("A", "Alice"), ("B", "Bobby"), ("C", "Carol")].into_iter().fold(template.to_owned(), |text, (short, client)| {
        text.replace(&format!("@{short}+"), &stamp(UNTIL_MS + 1, 0, client))
            .replace(&format!("@{short}"), &stamp(UNTIL_MS, 0, client))
    })
}

fn texts(store: &Store, limit: usize) -> Vec<String> {
    let places: Vec<_> = store.places_from(Place::START).collect();
    store.change_texts(&places, limit, UNTIL_MS)
}

#[test]
fn what_is_not_ahead_leaves_together() {
    let change = t(r#"[[{"t":[{"r":[{"a":[1,"@A"],"b":[2,"@B"]}],"s":[{"a":[3]}]}]}],[{"v":[4,"@C"]}],1]"#);
    let store = store_of([&*change]);
    assert_eq!(texts(&store, usize::MAX), [change]);
    assert_eq!(store.change_texts(&[], usize::MAX, UNTIL_MS), [""; 0]);
}

#[test]
fn what_is_ahead_comes_last_each_client_s_alone() {
    let change = t(
        r#"[[{"t":[{"r":[{"a":[1,"@B+"],"b":[2,"@B"],"c":[3,"@A+"]}],"s":[{"a":[4,"@A+"],"b":[5]}]}]}],[{"v":[6,"@C+"],"w":[7,"@A"],"x":[8,"@B+"]}],1]"#,
    );
    let expected = [
        r#"[[{"t":[{"r":[{"b":[2,"@B"]}],"s":[{"b":[5]}]}]}],[{"w":[7,"@A"]}],1]"#,
        r#"[[{"t":[{"r":[{"a":[1,"@B+"]}]}]}],[{"x":[8,"@B+"]}],1]"#,
        r#"[[{"t":[{"r":[{"c":[3,"@A+"]}],"s":[{"a":[4,"@A+"]}]}]}],[{}],1]"#,
        r#"[[{}],[{"v":[6,"@C+"]}],1]"#,
    ];
    assert_eq!(texts(&store_of([&*change]), usize::MAX), expected.map(t));
}

#[test]
fn where_everything_is_ahead_there_is_nothing_else() {
    let change = t(r#"[[{"t":[{"r":[{"a":[1,"@A+"]}]}]}],[{}],1]"#);
    assert_eq!(texts(&store_of([&*change]), usize::MAX), [change]);
}

#[test]
fn each_text_is_about_as_long_as_it_may_be() {
    let change = t(
        r#"[[{"t":[{"r":[{"a":[1,"@A+"],"b":[2,"@A"],"c":[3,"@A+"],"d":[4,"@A"]}]}]}],[{"v":[5,"@A"],"w":[6,"@A+"]}],1]"#,
    );
    let expected = [
        r#"[[{"t":[{"r":[{"b":[2,"@A"]}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"d":[4,"@A"]}]}]}],[{}],1]"#,
        r#"[[{}],[{"v":[5,"@A"]}],1]"#,
        r#"[[{"t":[{"r":[{"a":[1,"@A+"]}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[3,"@A+"]}]}]}],[{}],1]"#,
        r#"[[{}],[{"w":[6,"@A+"]}],1]"#,
    ];
    assert_eq!(texts(&store_of([&*change]), 40), expected.map(t));
}

#[test]
fn the_place_of_a_container_s_stamp_is_never_lost() {
    let change = t(r#"[[{},"@A"],[{},"@B"],1]"#);
    let store = store_of([&*change]);
    assert_eq!(texts(&store, usize::MAX), [change]);
}

/// Who makes up a client for each cell does not make a text for each.
#[test]
fn of_many_clients_the_last_share_a_text() {
    let hlc = |n: usize| stamp(UNTIL_MS + 1, 0, &format!("--{n:03}"));
    let change = |cells: &mut dyn Iterator<Item = usize>| {
        let cells: Vec<_> = cells.map(|n| format!(r#""c{n}":[{n},"{}"]"#, hlc(n % 100))).collect();
        format!(r#"[[{{"t":[{{"r":[{{{}}}]}}]}}],[{{}}],1]"#, cells.join(","))
    };
    let store = store_of([&*change(&mut (0..200))]);
    let mut expected: Vec<_> = (0..16).map(|n| change(&mut [n, n + 100].into_iter())).collect();
    expected.push(change(&mut (16..100).chain(116..200)));
    assert_eq!(texts(&store, usize::MAX), expected);
}

/// Each text repeats the ids of table and row: who makes up clients, and ids of a megabyte, is not told seventeen of them.
#[test]
fn the_longer_the_ids_are_the_fewer_clients_have_texts_of_their_own() {
    for (id_bytes, expected) in [(10, 17), (1 << 10, 17), (2 << 10, 9), (16 << 10, 2), (1 << 20, 1)] {
        let cell = |n| format!(r#""{n}":[{n},"{}"]"#, stamp(UNTIL_MS + 1, 0, &format!("cli{n}")));
        let cells: Vec<_> = (10..60).map(cell).collect();
        let (table, row) = ("t".repeat(id_bytes / 2), "r".repeat(id_bytes / 2));
        let change = format!(r#"[[{{"{table}":[{{"{row}":[{{{}}}]}}]}}],[{{}}],1]"#, cells.join(","));
        let texts = texts(&store_of([&*change]), usize::MAX);
        assert_eq!(texts.len(), expected, "ids of {id_bytes} bytes");
        let others = store_of(texts.iter().map(|text| &**text));
        assert_eq!(others.content_text(), store_of([&*change]).content_text());
    }
}
