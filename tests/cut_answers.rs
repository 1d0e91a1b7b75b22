//! What an answer holds when it may be only so long, or so new, and what it owes then.
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
use support::texts::t;
use tinyroom::json::Reader;
use tinyroom::store::{Answer, AnswerLimits, HashTree, Store};

fn answer(store: &Store, type_: u8, question: &str, limits: AnswerLimits) -> Answer {
    let levels = if type_ == 7 { 1 } else { type_ - 3 };
    let theirs = HashTree::read(&mut Reader::new(question), levels).unwrap();
    match type_ {
        4 => store.table_diff(&theirs, limits),
        5 => store.row_diff(&theirs, limits),
        6 => store.cell_diff(&theirs, limits),
        _ => store.value_diff(&theirs, limits),
    }
}

/// The answer, and what it owes as a change.
fn answer_and_owed(store: &Store, type_: u8, question: &str, limits: AnswerLimits) -> [String; 2] {
    let Answer { text, owed } = answer(store, type_, question, limits);
    assert!(owed.is_sorted_by(|one, other| one.end < other.start), "{owed:?}");
    let places = owed.into_iter().flat_map(|range| store.places_in(range));
    [text, store.changes_text(places)]
}

/// Checks a row of ever shorter answers: each comes where it may be just as long as it is, and gives way to the next where
/// it may be a byte shorter. The last comes however short it may be.
fn assert_cuts(store: &Store, type_: u8, question: &str, answers: &[[&str; 2]]) {
    let limited = |bytes| answer_and_owed(store, type_, question, AnswerLimits { bytes, ..AnswerLimits::whole() });
    let answers: Vec<_> = answers.iter().map(|answer| answer.map(t)).collect();
    let mut bytes = usize::MAX;
    for answer in &answers {
        assert_eq!(limited(bytes), *answer, "{bytes} bytes");
        assert_eq!(limited(answer[0].len()), *answer, "{} bytes", answer[0].len());
        bytes = answer[0].len() - 1;
    }
    let [last, _] = answers.last().unwrap();
    assert_eq!([limited(bytes), limited(0)].map(|[text, _]| text), [&last[..]; 2]);
}

/// Three rows in a table, one in another, and three values.
fn held() -> Store {
    store_of([&*t(
        r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]},"@older"],"w":[{"r":[{"c":[4,"@old"]}]}]},"@older"],[{"v":[5,"@old"],"x":[6],"y":["@gone","@new"]},"@older"],1]"#,
    )])
}

const NOTHING: &str = r#"[[{}],[{}],1]"#;
const T: &str =
    r#""t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]},"@older"]"#;
const W: &str = r#""w":[{"r":[{"c":[4,"@old"]}]}]"#;

/// A change of these tables of [`held`], as it is owed.
fn tables(tables: &str) -> String {
    format!(r#"[[{{{tables}}},"@older"],[{{}},"@older"],1]"#)
}

/// The rest of table `t` and table `w`.
fn rest_of_t_and_w(rows: &str) -> String {
    tables(&format!(r#""t":[{{{rows}}},"@older"],{W}"#))
}

#[test]
fn an_answer_of_tables_holds_what_fits_and_owes_the_rest() {
    let rest = rest_of_t_and_w;
    assert_cuts(
        &held(),
        4,
        "{}",
        &[
            [&format!(r#"[[{{{T},{W}}},"@older"],{{}}]"#), NOTHING],
            [&format!(r#"[[{{{T}}},"@older"],{{}}]"#), &tables(W)],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"]},"@older"]},"@older"],{}]"#,
                &rest(r#""u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]},"@older"]},"@older"],{}]"#,
                &rest(r#""s":[{"c":[2,"@new"]},"@older"]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}]},"@older"]},"@older"],{}]"#,
                &rest(r#""s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"]}]},"@older"]},"@older"],{}]"#,
                &rest(r#""r":[{"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{"t":[{"u":[{"c":[3]}]},"@older"]},"@older"],{}]"#,
                &rest(r#""r":[{"c":[1,"@old"],"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"]"#),
            ],
            [r#"[[{},"@older"],{}]"#, &tables(&format!("{T},{W}"))],
        ],
    );
}

/// The asker will not ask for the rows of a table of which it was told no hash.
#[test]
fn of_a_table_whose_hash_does_not_fit_everything_is_owed() {
    assert_cuts(
        &held(),
        4,
        r#"{"t":7,"w":7}"#,
        &[
            [r#"[[{},"@older"],{"t":4136351971,"w":3422854072}]"#, NOTHING],
            [r#"[[{},"@older"],{"t":4136351971}]"#, &tables(W)],
            [r#"[[{},"@older"],{}]"#, &tables(&format!("{T},{W}"))],
        ],
    );
}

#[test]
fn what_is_new_and_hashes_of_what_differs_share_one_limit() {
    let rest = rest_of_t_and_w;
    assert_cuts(
        &held(),
        5,
        r#"{"t":{"s":7},"w":{"r":1}}"#,
        &[
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]}]},"@older"],{"t":{"s":4210144807},"w":{"r":2882020698}}]"#,
                NOTHING,
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]}]},"@older"],{"t":{"s":4210144807}}]"#,
                &tables(W),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}]}]},"@older"],{"t":{"s":4210144807}}]"#,
                &rest(r#""u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]}]},"@older"],{}]"#,
                &rest(r#""s":[{"c":[2,"@new"]},"@older"]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}]}]},"@older"],{}]"#,
                &rest(r#""s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}]},"@older"],{}]"#,
                &rest(r#""r":[{"d":["@gone"]}],"s":[{"c":[2,"@new"]},"@older"],"u":[{"c":[3]}]"#),
            ],
            [
                r#"[[{},"@older"],{"t":{"s":4210144807},"w":{"r":2882020698}}]"#,
                &tables(r#""t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]},"@older"]"#),
            ],
            [
                r#"[[{},"@older"],{"t":{"s":4210144807}}]"#,
                &rest(r#""r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]"#),
            ],
            [r#"[[{},"@older"],{}]"#, &tables(&format!("{T},{W}"))],
        ],
    );
}

#[test]
fn an_answer_of_cells_holds_what_fits_and_owes_the_rest() {
    let rest = rest_of_t_and_w;
    assert_cuts(
        &held(),
        6,
        r#"{"t":{"r":{},"u":{}},"w":{"r":{"c":7}}}"#,
        &[
            [
                r#"[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone",""]}],"u":[{"c":[3,""]}]},"@older"],"w":[{"r":[{"c":[4,"@old"]}]}]},"@older"]"#,
                NOTHING,
            ],
            [r#"[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone",""]}],"u":[{"c":[3,""]}]},"@older"]},"@older"]"#, &tables(W)],
            [r#"[{"t":[{"r":[{"c":[1,"@old"],"d":["@gone",""]}]},"@older"]},"@older"]"#, &rest(r#""u":[{"c":[3]}]"#)],
            [
                r#"[{"t":[{"r":[{"c":[1,"@old"]}]},"@older"]},"@older"]"#,
                &rest(r#""r":[{"d":["@gone"]}],"u":[{"c":[3]}]"#),
            ],
            [r#"[{"t":[{"u":[{"c":[3,""]}]},"@older"]},"@older"]"#, &rest(r#""r":[{"c":[1,"@old"],"d":["@gone"]}]"#)],
            [
                r#"[{"w":[{"r":[{"c":[4,"@old"]}]}]},"@older"]"#,
                &tables(r#""t":[{"r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]},"@older"]"#),
            ],
            [r#"[{},"@older"]"#, &rest(r#""r":[{"c":[1,"@old"],"d":["@gone"]}],"u":[{"c":[3]}]"#)],
        ],
    );
}

#[test]
fn an_answer_of_values_holds_what_fits_and_owes_the_rest() {
    let values = |values: &str| format!(r#"[[{{}},"@older"],[{{{values}}},"@older"],1]"#);
    assert_cuts(
        &held(),
        7,
        r#"{"x":7}"#,
        &[
            [r#"[{"v":[5,"@old"],"x":[6],"y":["@gone","@new"]},"@older"]"#, NOTHING],
            [r#"[{"v":[5,"@old"],"x":[6]},"@older"]"#, &values(r#""y":["@gone","@new"]"#)],
            [r#"[{"v":[5,"@old"]},"@older"]"#, &values(r#""x":[6],"y":["@gone","@new"]"#)],
            [r#"[{},"@older"]"#, &values(r#""v":[5,"@old"],"x":[6],"y":["@gone","@new"]"#)],
        ],
    );
}

#[test]
fn hashes_of_many_rows_are_as_many_as_fit_and_the_other_rows_are_owed_in_one_piece() {
    const ROWS: usize = 10_000;
    let rows: Vec<_> = (0..ROWS).map(|n| format!(r#""{n:036}":[{{"c":[{n}]}}]"#)).collect();
    let store = store_of([&*format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))]);
    let theirs: Vec<_> = (0..ROWS).map(|n| format!(r#""{n:036}":7"#)).collect();
    let question = format!(r#"{{"t":{{{}}}}}"#, theirs.join(","));
    let limits = AnswerLimits { bytes: 128 << 10, ..AnswerLimits::whole() };
    let Answer { text, owed } = answer(&store, 5, &question, limits);
    let [owed] = owed.try_into().unwrap();
    let told = text.matches("\":").count() - 1;
    assert_eq!(told + store.places_in(owed).count(), ROWS);
    assert!((limits.bytes - 60..=limits.bytes).contains(&text.len()), "{} bytes", text.len());
}

/// A client whose clock is behind would drop all that comes with them.
#[test]
fn what_is_too_new_is_owed_to_the_cell() {
    let ahead = |ms| stamp(NOW_MS + ms, 0, "Carol");
    let content = |cells: &str, values: &str| {
        format!(r#"[[{{"t":[{{"r":[{{{cells}}}]}}]}}],[{{{values}}}],1]"#)
            .replace("@60", &ahead(60))
            .replace("@61", &ahead(61))
    };
    let cells = r#""a":[1,"@60"],"b":[2,"@61"],"c":[3,"@61"],"d":[4,"@60"],"e":[5,"@61"]"#;
    let store = store_of([&*content(cells, cells)]);
    let (near, far) = (r#""a":[1,"@60"],"d":[4,"@60"]"#, r#""b":[2,"@61"],"c":[3,"@61"],"e":[5,"@61"]"#);
    let limits = AnswerLimits { until_ms: NOW_MS + 60, ..AnswerLimits::whole() };
    let tables = content(near, "").replace(",[{}],1]", ",{}]");
    assert_eq!(answer_and_owed(&store, 4, "{}", limits), [tables.clone(), content(far, "")]);
    assert_eq!(answer_and_owed(&store, 5, r#"{"t":{}}"#, limits), [tables.clone(), content(far, "")]);
    let cells = tables.replace(",{}]", "")[1..].to_owned();
    assert_eq!(answer_and_owed(&store, 6, r#"{"t":{"r":{}}}"#, limits), [cells, content(far, "")]);
    let values = content("", near).replace(r#"[[{"t":[{"r":[{}]}]}],"#, "").replace(",1]", "");
    let owed = content("", far).replace(r#"{"t":[{"r":[{}]}]}"#, "{}");
    assert_eq!(answer_and_owed(&store, 7, "{}", limits), [values, owed]);
    let later = AnswerLimits { until_ms: NOW_MS + 61, ..limits };
    assert_eq!(answer(&store, 4, "{}", later).owed, []);
    // What does not fit behind one that is too new is owed with it.
    let short = AnswerLimits { bytes: tables.len() - 1, ..limits };
    let rest = r#""b":[2,"@61"],"c":[3,"@61"],"d":[4,"@60"],"e":[5,"@61"]"#;
    assert_eq!(answer(&store, 4, "{}", short).owed.len(), 1);
    assert_eq!(answer_and_owed(&store, 4, "{}", short)[1], content(rest, ""));
}
