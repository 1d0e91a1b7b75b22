//! What a client lacks, told by its answers: the questions that name what a store holds, and what their answers show.
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
use std::collections::VecDeque;
use std::ops::Range;
use support::fixtures::{LATER_MS, NOW_MS};
use support::stamp::stamp;
use support::stores::{assert_same, cell, merge, store_of};
use support::texts::t;
use support::tree::Tree;
use tinyroom::json::Reader;
use tinyroom::store::{
    AnswerLimits, ChangeReader, Changes, Comparison, HashTree, PartLimits, Place, Shown, ShownValues, Store,
};

/// Three tables: two rows in the first, the first of two cells, one in each of the others; and two values.
fn held() -> Store {
    store_of([&*t(
        r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":[2]}],"s":[{"c":[3,"@old"]}]}],"u":[{"r":[{"c":[4,"@old"]}]}],"w":[{"r":[{"c":[5,"@old"]}]}]}],[{"v":[6,"@old"],"x":[7]}],1]"#,
    )])
}

/// A text with the hashes of [`held`] in the place of `#t`, `#u`, `#w`, `#r` and `#s`.
fn with_hashes(text: &str) -> String {
    let content = held().content_text();
    let content = Tree::parse(&content);
    let tables = content.at("0").at("0");
    let rows = tables.at("t").at("0");
    let named = [
        ("#t", tables.at("t")),
        ("#u", tables.at("u")),
        ("#w", tables.at("w")),
        ("#r", rows.at("r")),
        ("#s", rows.at("s")),
    ];
    named.iter().fold(t(text), |text, (name, node)| text.replace(name, node.at("2").scalar()))
}

/// Every table as it is compared, where all of them differ.
fn differing_tables(store: &Store) -> VecDeque<Range<Place>> {
    let hashes = store.table_names(usize::MAX).replace(":0", ":1");
    let differing = HashTree::read(&mut Reader::new(&hashes), 1).unwrap();
    Shown::of_tables(store, differing).finish(store).differing.into()
}

/// Every row, likewise.
fn differing_rows(store: &Store) -> VecDeque<Range<Place>> {
    let hashes = store.row_names(&mut differing_tables(store), usize::MAX).unwrap().replace(":0", ":1");
    let differing = HashTree::read(&mut Reader::new(&hashes), 2).unwrap();
    Shown::of_rows(store, differing).finish(store).differing.into()
}

/// What ranges hold, as a change.
fn change(store: &Store, ranges: &[Range<Place>]) -> String {
    assert!(ranges.is_sorted_by(|one, other| one.end < other.start), "{ranges:?}");
    store.changes_text(ranges.iter().cloned().flat_map(|range| store.places_in(range)))
}

/// What an answer to type 4 or 5 shows a store.
fn difference(store: &Store, type_: u8, answer: &str) -> Comparison {
    let (stamp, hashes) = split(answer);
    let theirs = HashTree::read(&mut Reader::new(hashes), type_ - 3).unwrap();
    let mut shown = if type_ == 4 { Shown::of_tables(store, theirs) } else { Shown::of_rows(store, theirs) };
    in_parts(stamp, false, usize::MAX, |part| shown.take(store, part));
    shown.finish(store)
}

/// An answer of a stamp and hashes, in two.
fn split(answer: &str) -> (&str, &str) {
    let answer = answer.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
    let mut reader = Reader::new(answer);
    Changes::read_stamp(&mut reader, false).unwrap();
    let (stamp, hashes) = answer.split_at(reader.at());
    (stamp, hashes.strip_prefix(',').unwrap())
}

/// Reads a stamp of tables or of values in parts of a size.
fn in_parts(text: &str, of_values: bool, size: usize, mut take: impl FnMut(&Changes)) {
    let (mut parts, mut reader) = (ChangeReader::of_stamp(of_values), Reader::new(text));
    while !parts.is_over() {
        take(&parts.read(&mut reader, PartLimits { nodes: size, bytes: usize::MAX }).unwrap());
    }
}

/// What an answer of cells shows that a client lacks.
fn lacking_cells(store: &Store, answer: &str) -> Vec<Range<Place>> {
    let mut shown = Shown::of_cells();
    in_parts(&t(answer), false, usize::MAX, |part| shown.take(store, part));
    shown.finish(store).lacking
}

/// What an answer of values shows, to be asked what is lacking.
fn shown_values(store: &Store, answer: &str) -> ShownValues {
    let mut shown = ShownValues::default();
    in_parts(&t(answer), true, usize::MAX, |part| shown.take(store, part));
    shown
}

// ── The questions ────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_table_is_named() {
    assert_eq!(held().table_names(usize::MAX), r#"{"t":0,"u":0,"w":0}"#);
    assert_eq!(held().table_names(18), r#"{"t":0,"u":0}"#);
    assert_eq!(held().table_names(0), "{}", "and the client sends all of them");
    assert_eq!(Store::new(1).table_names(usize::MAX), "{}");
}

#[test]
fn rows_are_named_table_by_table_as_long_as_they_fit() {
    let (t, u, w) = (r#""t":{"r":0,"s":0}"#, r#""u":{"r":0}"#, r#""w":{"r":0}"#);
    for (limit, texts) in [
        (usize::MAX, vec![format!("{{{t},{u},{w}}}")]),
        (38, vec![format!("{{{t},{u}}}"), format!("{{{w}}}")]),
        (25, vec![format!("{{{t}}}"), format!("{{{u},{w}}}")]),
        (24, vec![format!("{{{t}}}"), format!("{{{u}}}"), format!("{{{w}}}")]),
        (16, vec![r#"{"t":{"r":0}}"#.to_owned(), format!("{{{u}}}"), format!("{{{w}}}")]),
        (0, vec![r#"{"t":{}}"#.to_owned(), r#"{"u":{}}"#.to_owned(), r#"{"w":{}}"#.to_owned()]),
    ] {
        let (store, mut tables) = (held(), differing_tables(&held()));
        let named: Vec<_> = std::iter::from_fn(|| store.row_names(&mut tables, limit)).collect();
        assert_eq!(named, texts, "{limit} bytes");
        assert!(named.iter().all(|text| text.len() <= limit.max(8)));
    }
}

#[test]
fn the_cells_of_some_rows_at_a_time_are_asked_for_of_one_at_least() {
    for (limit, texts) in [
        (usize::MAX, &[r#"{"t":{"r":{},"s":{}},"u":{"r":{}},"w":{"r":{}}}"#][..]),
        // A row of two cells comes to 59 bytes, one of one to 30.
        (90, &[r#"{"t":{"r":{},"s":{}}}"#, r#"{"u":{"r":{}},"w":{"r":{}}}"#]),
        (60, &[r#"{"t":{"r":{}}}"#, r#"{"t":{"s":{}},"u":{"r":{}}}"#, r#"{"w":{"r":{}}}"#]),
        (0, &[r#"{"t":{"r":{}}}"#, r#"{"t":{"s":{}}}"#, r#"{"u":{"r":{}}}"#, r#"{"w":{"r":{}}}"#]),
    ] {
        let (store, mut rows) = (held(), differing_rows(&held()));
        let named: Vec<_> = std::iter::from_fn(|| store.cell_names(&mut rows, limit)).collect();
        assert_eq!(named, texts, "{limit} bytes");
    }
}

#[test]
fn only_the_rows_that_differ_are_asked_for() {
    let store = held();
    let mut rows = differing_rows(&store);
    assert_eq!(rows.len(), 3, "neighbours are one range");
    rows.truncate(1);
    assert_eq!(store.cell_names(&mut rows, usize::MAX).unwrap(), r#"{"t":{"r":{},"s":{}}}"#);
    let differing = with_hashes(r#"[[{}],{"t":{"r":#r,"s":1}}]"#);
    let mut rows = difference(&store, 5, &differing).differing.into();
    assert_eq!(store.cell_names(&mut rows, usize::MAX).unwrap(), r#"{"t":{"s":{}}}"#);
    assert_eq!(store.cell_names(&mut rows, usize::MAX), None);
}

#[test]
fn of_very_many_places_that_differ_those_between_are_asked_for_as_well() {
    let (table_count, row_count) = (10, 2_000);
    let rows: Vec<_> = (0..row_count).map(|row| format!(r#""r{row}":[{{"c":[0]}}]"#)).collect();
    let table = format!("[{{{}}}]", rows.join(","));
    let tables: Vec<_> = (0..table_count).map(|position| format!(r#""t{position}":{table}"#)).collect();
    let store = store_of([&*format!("[[{{{}}}],[{{}}],1]", tables.join(","))]);
    // Every other row has another hash, here as everywhere.
    let names = store.row_names(&mut differing_tables(&store), usize::MAX).unwrap();
    let same = Tree::parse(&store.content_text()).at("0").at("0").at("t0").at("0").at("r0").at("2").scalar().to_owned();
    let hashes: Vec<_> = names.split(":0").collect();
    let (last, hashes) = hashes.split_last().unwrap();
    let hashes = hashes.iter().enumerate().map(|(at, name)| {
        let hash = if at % 2 == 0 { "1" } else { &*same };
        format!("{name}:{hash}")
    });
    let shown = difference(&store, 5, &format!("[[{{}}],{}{last}]", hashes.collect::<String>()));
    assert!((1_000..=4_096).contains(&shown.differing.len()), "{} ranges", shown.differing.len());
    assert!(shown.lacking.is_empty());
    let named = store.cell_names(&mut shown.differing.into(), usize::MAX).unwrap();
    let named = Tree::parse(&named);
    for table in 0..table_count {
        for row in (0..row_count).step_by(2) {
            assert!(
                named.at(&format!("t{table}")).object().contains_key(&*format!("r{row}")),
                "row {row} of table {table}"
            );
        }
    }
}

#[test]
fn tables_that_lie_side_by_side_are_one_place_and_asked_for_one_by_one() {
    let store = held();
    let mut tables = differing_tables(&store);
    assert_eq!(tables.len(), 1);
    let named: Vec<_> = std::iter::from_fn(|| store.row_names(&mut tables, 0)).collect();
    assert_eq!(named, [r#"{"t":{}}"#, r#"{"u":{}}"#, r#"{"w":{}}"#]);
}

// ── What the answers show ────────────────────────────────────────────────────────────────────────────────────────────

const T: &str = r#""t":[{"r":[{"c":[1,"@old"],"d":[2]}],"s":[{"c":[3,"@old"]}]}]"#;
const REST_OF_T: &str = r#""t":[{"r":[{"d":[2]}],"s":[{"c":[3,"@old"]}]}]"#;
const U: &str = r#""u":[{"r":[{"c":[4,"@old"]}]}]"#;
const W: &str = r#""w":[{"r":[{"c":[5,"@old"]}]}]"#;

/// A change of these tables of [`held`].
fn tables(tables: &[&str]) -> String {
    t(&format!("[[{{{}}}],[{{}}],1]", tables.join(",")))
}

#[test]
fn a_table_that_is_not_reported_is_lacking_and_one_with_another_hash_differs() {
    for (answer, lacking, differing) in [
        ("[[{}],{}]", &[T, U, W][..], &[][..]),
        (r##"[[{}],{"t":#t,"u":#u,"w":#w}]"##, &[], &[]),
        (r##"[[{}],{"w":#w,"t":#t}]"##, &[U], &[]),
        (r##"[[{}],{"t":1,"u":#u,"w":2}]"##, &[], &[T, W]),
        (r##"[[{}],{"u":1}]"##, &[T, W], &[U]),
        // What is named twice counts as it is named last, and what the store has not counts not at all.
        (r##"[[{}],{"t":1,"u":#u,"w":#w,"x":5,"t":#t}]"##, &[], &[]),
        // With nothing in it.
        (r##"[[{}],{"t":0,"u":#u,"w":#w}]"##, &[T], &[]),
        // Sent with all that is in it, as what was not named is: it lacks the rest.
        (r##"[[{"t":[{"r":[{"c":[1,"@old"]}]}]}],{"u":#u,"w":#w}]"##, &[REST_OF_T], &[]),
    ] {
        let store = held();
        let shown = difference(&store, 4, &with_hashes(answer));
        assert_eq!(change(&store, &shown.lacking), tables(lacking), "{answer}");
        assert_eq!(change(&store, &shown.differing), tables(differing), "{answer}");
        assert_eq!(shown.is_empty(), lacking.is_empty() && differing.is_empty());
    }
}

#[test]
fn of_the_tables_in_an_answer_a_row_that_is_not_reported_is_lacking_and_one_with_another_hash_differs() {
    let (r, s) = (r#""t":[{"r":[{"c":[1,"@old"],"d":[2]}]}]"#, r#""t":[{"s":[{"c":[3,"@old"]}]}]"#);
    for (answer, lacking, differing) in [
        ("[[{}],{}]", &[][..], &[][..]),
        (r##"[[{}],{"t":{"r":#r,"s":#s}}]"##, &[], &[]),
        (r##"[[{}],{"t":{"r":#r}}]"##, &[s], &[]),
        (r##"[[{}],{"t":{"r":1,"s":#s}}]"##, &[], &[r]),
        (r##"[[{}],{"t":{"s":1}}]"##, &[r], &[s]),
        (r##"[[{}],{"t":{"r":1,"s":2},"u":{"r":3}}]"##, &[], &[T, U]),
        (r##"[[{}],{"t":{"r":1,"s":#s,"x":1,"r":#r},"x":{"r":1}}]"##, &[], &[]),
        // It holds a row that the store has not had, and none that was named.
        (r##"[[{"t":[{"y":[{"c":[1]}]}]}],{}]"##, &[T], &[]),
        // Rows that were not named, with all that is in them: the same, older, newer, and in part.
        (r##"[[{"t":[{"r":[{"c":[1,"@old"],"d":[2]}]}]}],{"t":{"s":#s}}]"##, &[], &[]),
        (
            r##"[[{"t":[{"r":[{"c":[0,"@older"],"d":[2]}]}]}],{"t":{"s":#s}}]"##,
            &[r#""t":[{"r":[{"c":[1,"@old"]}]}]"#],
            &[],
        ),
        (r##"[[{"t":[{"r":[{"c":[0,"@new"]}]}]}],{"t":{"s":#s}}]"##, &[r#""t":[{"r":[{"d":[2]}]}]"#], &[]),
    ] {
        let store = held();
        let Comparison { lacking: found, differing: differ } = difference(&store, 5, &with_hashes(answer));
        assert_eq!(change(&store, &found), tables(lacking), "{answer}");
        assert_eq!(change(&store, &differ), tables(differing), "{answer}");
    }
}

#[test]
fn of_rows_of_which_all_was_sent_what_is_missing_or_older_is_lacking() {
    for (answer, lacking) in [
        ("[{}]", &[][..]),
        (r#"[{"t":[{"r":[{"c":[1,"@old"],"d":[2,""]}]}]}]"#, &[]),
        (r#"[{"t":[{"r":[{"c":[1,"@old"]}]}]}]"#, &[r#""t":[{"r":[{"d":[2]}]}]"#]),
        (r#"[{"t":[{"r":[{"c":[9,"@older"],"d":[2,""]}]}]}]"#, &[r#""t":[{"r":[{"c":[1,"@old"]}]}]"#]),
        (r#"[{"t":[{"r":[{"c":[9,"@new"],"d":[9,"@old"]}]}]}]"#, &[]),
        // Two with no stamp: the room's stays.
        (r#"[{"t":[{"r":[{"c":[1,"@old"],"d":[9,""]}]}]}]"#, &[r#""t":[{"r":[{"d":[2]}]}]"#]),
        // With the same stamp nothing could be done about it.
        (r#"[{"t":[{"r":[{"c":[9,"@old"],"d":[2,""]}]}]}]"#, &[]),
        (r#"[{"w":[{"r":[{"d":[1]}]}],"x":[{"r":[{"c":[1]}]}],"t":[{"y":[{"c":[1]}]}]}]"#, &[W]),
    ] {
        let store = held();
        assert_eq!(change(&store, &lacking_cells(&store, answer)), tables(lacking), "{answer}");
    }
}

#[test]
fn of_values_of_which_all_were_sent_what_is_missing_or_older_is_lacking() {
    for (answer, lacking) in [
        ("[{}]", r#""v":[6,"@old"],"x":[7]"#),
        (r#"[{"v":[6,"@old"],"x":[7]}]"#, ""),
        (r#"[{"v":[0,"@older"],"x":[0,"@new"],"y":[1]}]"#, r#""v":[6,"@old"]"#),
        (r#"[{"x":[8]}]"#, r#""v":[6,"@old"],"x":[7]"#),
    ] {
        let store = held();
        let expected = t(&format!("[[{{}}],[{{{lacking}}}],1]"));
        assert_eq!(change(&store, &shown_values(&store, answer).lacking(&store)), expected, "{answer}");
    }
}

#[test]
fn of_values_that_were_not_sent_none_is_lacking_where_the_hash_of_all_shows_that() {
    let store = store_of([&*t(r#"[[{}],[{"a":[1,"@old"],"b":[2,"@old"],"c":[3,"@old"],"d":[4]},"@old"],1]"#)]);
    let lacking = |answer: &str, theirs: &str| {
        let reported = store_of([&*t(&format!("[[{{}}],{theirs},1]"))]).content_hashes().values;
        change(&store, &shown_values(&store, answer).lacking_of_differing(&store, Some(reported)))
    };
    let expected = |values: &str| t(&format!(r#"[[{{}}],[{{{values}}}{}],1]"#, r#","@old""#));
    // It holds `b` in an older state, and all else as the store does.
    let theirs = r#"[{"a":[1,"@old"],"b":[9,"@older"],"c":[3,"@old"],"d":[4]},"@old"]"#;
    assert_eq!(lacking(r#"[{"b":[9,"@older"]},"@old"]"#, theirs), expected(r#""b":[2,"@old"]"#));
    // It lacks `c` as well.
    let theirs = r#"[{"a":[1,"@old"],"b":[9,"@older"],"d":[4]},"@old"]"#;
    let all = expected(r#""a":[1,"@old"],"b":[2,"@old"],"c":[3,"@old"],"d":[4]"#);
    assert_eq!(lacking(r#"[{"b":[9,"@older"]},"@old"]"#, theirs), all);
    // It lacks the stamp of the values alone.
    let theirs = r#"[{"a":[1,"@old"],"b":[2,"@old"],"c":[3,"@old"],"d":[4]}]"#;
    assert_eq!(lacking("[{}]", theirs), all);
    // What it reported is not known any more.
    let unknown = shown_values(&store, r#"[{"b":[9,"@older"]}]"#).lacking_of_differing(&store, None);
    assert_eq!(change(&store, &unknown), all);
}

/// No client writes such an answer, which has the room look at all there is, again and again.
#[test]
fn what_stands_in_an_answer_once_more_is_not_looked_at_again() {
    let cells: Vec<_> = (0..1_000).map(|cell| format!("\"{cell}\":[1]")).collect();
    let rows: Vec<_> = (0..1_000).map(|row| format!("\"{row}\":[{{\"c\":[1]}}]")).collect();
    let store = store_of([&*format!(
        r#"[[{{"t":[{{"r":[{{{}}}]}}],"u":[{{{}}}]}}],[{{}}],1]"#,
        cells.join(","),
        rows.join(",")
    )]);
    let again = |text: &str| format!("[{{{}}}]", vec![text; 500].join(","));
    for part in [1, 5, 1_000, usize::MAX] {
        for text in [r#""t":[{"r":[{"0":[1]}],"x":[{"c":[1]}]}],"u":[{"7":[{"c":[1]}]}]"#, r#""t":[{}],"u":[{}]"#] {
            let nothing = HashTree::default;
            for mut shown in [Shown::of_tables(&store, nothing()), Shown::of_rows(&store, nothing()), Shown::of_cells()]
            {
                store.take_looked_at();
                in_parts(&again(text), false, part, |part| shown.take(&store, part));
                shown.finish(&store);
                let looked_at = store.take_looked_at();
                assert!(looked_at < 2_200, "{looked_at} in parts of {part}");
            }
        }
    }
}

/// It travels with any cell.
#[test]
fn the_stamp_of_a_container_is_lacking_where_nothing_else_in_it_is() {
    let cell = r#"{"r":[{"c":[1,"@old"]}"#;
    for (held, step, answer) in [
        (format!(r#"[[{{"t":[{cell}]}}]}},"@new"],[{{}}],1]"#), 4, r#"[[{}],{"t":#t}]"#),
        (format!(r#"[[{{"t":[{cell}]}},"@new"]}}],[{{}}],1]"#), 5, r#"[[{}],{"t":{"r":#r}}]"#),
        (format!(r#"[[{{"t":[{cell},"@new"]}}]}}],[{{}}],1]"#), 6, r#"[{"t":[{"r":[{"c":[1,"@old"]}]}]}]"#),
        (r#"[[{}],[{"v":[1,"@old"]},"@new"],1]"#.to_owned(), 7, r#"[{"v":[1,"@old"]}]"#),
    ] {
        let held = t(&held);
        let store = store_of([&*held]);
        let content = store.content_text();
        let content = Tree::parse(&content);
        let mut answer = t(answer);
        if answer.contains('#') {
            let table = content.at("0").at("0").at("t");
            let hash = |node: &Tree| node.at("2").scalar().to_owned();
            answer = answer.replace("#t", &hash(table)).replace("#r", &hash(table.at("0").at("r")));
        }
        let lacking = match step {
            4 | 5 => difference(&store, step, &answer).lacking,
            6 => lacking_cells(&store, &answer),
            _ => shown_values(&store, &answer).lacking(&store),
        };
        assert_eq!(change(&store, &lacking), held);
    }
    let store = store_of([&*t(r#"[[{"t":[{"r":[{"c":[1]},"@old"]}]}],[{},"@old"],1]"#)]);
    assert_eq!(shown_values(&store, r#"[{},"@old"]"#).lacking(&store), []);
}

// ── All of it ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A random edit: of a cell or a value, with a stamp of its own, or with none and always the same value.
fn edit(random: &mut Rng) -> String {
    let id = random.u8(..6);
    let (value, hlc) = match random.u32(..20) {
        0 => (i32::from(id), String::new()),
        _ => {
            let version = random.u32(..1000);
            (version as i32, stamp(NOW_MS, version, "Alice"))
        }
    };
    match random.u8(..4) {
        0 => format!(r#"[[{{}}],[{{"v{id}":[{value},"{hlc}"]}}],1]"#),
        _ => cell(
            &format!("t{}", random.u8(..4)),
            &format!("r{}", random.u8(..5)),
            &format!("c{id}"),
            &value.to_string(),
            &hlc,
        ),
    }
}

/// Compares two stores, with names up to a limit and answers in parts of a size. Answers what `theirs` lacks.
fn compare(ours: &mut Store, theirs: &Store, limit: usize, part: usize) -> Vec<Range<Place>> {
    let whole = AnswerLimits::whole();
    let named = |text: &str, levels| HashTree::read(&mut Reader::new(text.to_owned().leak()), levels).unwrap();
    let both = |ours: &mut Store, answer: &str, levels| {
        let (stamp, hashes) = split(answer);
        let theirs = named(hashes, levels);
        let mut shown = if levels == 1 { Shown::of_tables(ours, theirs) } else { Shown::of_rows(ours, theirs) };
        in_parts(stamp, false, part, |part| {
            ours.merge(part, LATER_MS, |_| {});
            shown.take(ours, part);
        });
        shown.finish(ours)
    };
    let answer = theirs.table_diff(&named(&ours.table_names(limit), 1), whole).text;
    let Comparison { mut lacking, differing } = both(ours, &answer, 1);
    let (mut tables, mut rows) = (VecDeque::from(differing), VecDeque::new());
    while let Some(names) = ours.row_names(&mut tables, limit) {
        let answer = theirs.row_diff(&named(&names, 2), whole).text;
        let shown = both(ours, &answer, 2);
        lacking.extend(shown.lacking);
        rows.extend(shown.differing);
    }
    while let Some(names) = ours.cell_names(&mut rows, limit) {
        let mut shown = Shown::of_cells();
        in_parts(&theirs.cell_diff(&named(&names, 3), whole).text, false, part, |part| {
            ours.merge(part, LATER_MS, |_| {});
            shown.take(ours, part);
        });
        lacking.extend(shown.finish(ours).lacking);
    }
    let names = if limit == usize::MAX { "{}".to_owned() } else { ours.value_hashes(limit) };
    let mut shown = ShownValues::default();
    in_parts(&theirs.value_diff(&named(&names, 1), whole).text, true, part, |part| {
        ours.merge(part, LATER_MS, |_| {});
        shown.take(ours, part);
    });
    lacking.extend(match limit {
        usize::MAX => shown.lacking(ours),
        _ => shown.lacking_of_differing(ours, Some(theirs.content_hashes().values)),
    });
    lacking
}

#[test]
fn after_a_comparison_both_hold_the_same_and_nothing_was_sent_that_was_there() {
    for seed in 0..4_000 {
        let mut random = Rng::with_seed(seed);
        let shared: Vec<_> = (0..random.u8(..40)).map(|_| edit(&mut random)).collect();
        let [mut ours, mut theirs] = [(); 2].map(|()| store_of(shared.iter().map(String::as_str)));
        for store in [&mut ours, &mut theirs] {
            for _ in 0..random.u8(..12) {
                merge(store, &edit(&mut random));
            }
        }
        let limit = if random.bool() { usize::MAX } else { random.usize(..200) };
        let part = if random.bool() { usize::MAX } else { random.usize(1..20) };
        let mut lacking = compare(&mut ours, &theirs, limit, part);
        lacking.sort_by_key(|range| range.start);
        let places: Vec<_> = lacking.into_iter().flat_map(|range| ours.places_in(range).collect::<Vec<_>>()).collect();
        let merged = merge(&mut theirs, &ours.changes_text(places.iter().copied()));
        assert_same(&ours, &theirs);
        if limit == usize::MAX {
            assert_eq!((merged.won, merged.lost), (places.len(), 0), "seed {seed}");
        }
    }
}
