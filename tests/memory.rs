//! What a store takes in memory, counted by an allocator, and what it says of itself.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use std::fmt::Write;
use std::ops::Range;
use support::counting::{Counting, LIVE, PEAK};
use support::fixtures::NOW_MS;
use support::stamp::stamp;
use support::stores::whole_change;
use support::texts::t;
use tinyroom::json::Reader;
use tinyroom::store::{Changes, MergePolicy, Merged, Place, Store};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// ── Changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// A change of one row of a table: the ids of its cells, and their values.
fn row(table: &str, row: &str, version: u32, cells: impl IntoIterator<Item = (String, String)>) -> String {
    let hlc = stamp(NOW_MS, version, "Alice");
    let cells: Vec<_> = cells.into_iter().map(|(id, value)| format!("\"{id}\":[{value},\"{hlc}\"]")).collect();
    format!("[[{{\"{table}\":[{{\"{row}\":[{{{}}}]}}]}}],[{{}}],1]", cells.join(","))
}

/// The same of the values.
fn values(values: impl IntoIterator<Item = (String, String)>) -> String {
    let hlc = stamp(NOW_MS, 0, "Alice");
    let values: Vec<_> = values.into_iter().map(|(id, value)| format!("\"{id}\":[{value},\"{hlc}\"]")).collect();
    format!("[[{{}}],[{{{}}}],1]", values.join(","))
}

/// Cells, each with its number as its value.
fn cells(numbers: Range<usize>) -> impl Iterator<Item = (String, String)> {
    numbers.map(|cell| (format!("cell-{cell}"), cell.to_string()))
}

fn text(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

/// A change for each thousand of these rows of one table: the ids of its cells, and their values.
fn table(rows: usize, cells: usize, value: impl Fn(usize) -> String) -> impl Iterator<Item = String> {
    (0..rows.div_ceil(1000)).map(move |thousand| {
        let mut change = String::from("[[{\"table\":[{");
        for row in (0..rows).skip(thousand * 1000).take(1000) {
            let comma = if row % 1000 > 0 { "," } else { "" };
            write!(change, "{comma}\"row-{row}\":[{{").unwrap();
            for cell in 0..cells {
                let comma = if cell > 0 { "," } else { "" };
                let hlc = stamp(NOW_MS, (row * cells + cell) as u32, "Alice");
                write!(change, "{comma}\"cell-{cell}\":[{},\"{hlc}\"]", value(row + cell)).unwrap();
            }
            change.push_str("}]");
        }
        change + "}]}],[{}],1]"
    })
}

/// Merges a change by a policy. Answers what became of it, and the most memory that was taken meanwhile.
fn merge(store: &mut Store, change: &str, policy: impl Into<MergePolicy>) -> (Merged, usize) {
    let changes = Changes::read(&mut Reader::new(change)).unwrap();
    let before = LIVE.get();
    PEAK.set(before);
    let merged = store.merge(&changes, policy, |_| {});
    (merged, (PEAK.get() - before).cast_unsigned())
}

/// Merges changes, and answers the store and how many bytes it takes.
fn measured(mut changes: impl Iterator<Item = String>) -> (Store, usize) {
    let before = LIVE.get();
    let mut store = Store::new(1);
    changes.by_ref().for_each(|change| {
        merge(&mut store, &change, NOW_MS);
    });
    (store, (LIVE.get() - before).cast_unsigned())
}

#[test]
fn a_small_cell_takes_less_than_ninety_bytes() {
    let (rows, cells) = (20_000, 10);
    let (store, taken) = measured(table(rows, cells, |n| (n % 1000).to_string()));
    let each = taken / (rows * cells);
    println!(
        "{each} bytes for each of {} small cells in {rows} rows; the store says {}",
        rows * cells,
        store.memory_bytes() / (rows * cells)
    );
    // On a machine of 64 bits. A WebAssembly module has half-sized pointers.
    assert!(each < 90, "{each} bytes a cell");
}

/// To the byte.
#[test]
fn a_store_knows_how_much_it_takes() {
    let number = |n: usize| n.to_string();
    let long = |name: &str, n: usize| format!("{name}-{n}-{}", "x".repeat(400));
    let one = |id: &str, value: String| [(id.to_owned(), value)];
    let deleted = "\"\u{fffc}\"";
    let shapes: [(&str, Box<dyn Iterator<Item = String>>); 22] = [
        ("few large values", Box::new(table(500, 4, |n| text(2000 + n % 10)))),
        ("many small values", Box::new(table(5_000, 10, number))),
        ("words", Box::new(table(5_000, 5, |n| text(n % 40)))),
        ("rows of 1 cell", Box::new(table(20_000, 1, number))),
        ("rows of 3 cells", Box::new(table(7_000, 3, number))),
        ("rows of 16 cells", Box::new(table(1_500, 16, number))),
        ("rows of 17 cells", Box::new(table(1_500, 17, number))),
        ("rows of 40 cells", Box::new(table(700, 40, number))),
        ("rows of 70 cells", Box::new(table(400, 70, number))),
        ("tables of 1 row", Box::new((0..5_000).map(|n| row(&format!("table-{n}"), "row", 0, cells(0..2))))),
        ("long ids", Box::new((0..300).map(|n| row(&long("t", n), &long("r", n), 0, one(&long("c", n), number(n)))))),
        ("ids of their own", Box::new((0..5_000).map(|n| row("t", &format!("row-{n}"), 0, cells(4 * n..4 * n + 4))))),
        (
            "tombstones",
            Box::new((0..2_000).map(|n| row("t", &number(n), 0, cells(0..10).map(|(id, _)| (id, deleted.to_owned()))))),
        ),
        (
            "what was deleted",
            Box::new((0..4_000).map(|n| {
                row("t", &number(n % 2_000), n as u32, one("c", if n < 2_000 { text(300) } else { deleted.to_owned() }))
            })),
        ),
        (
            "rows that grew by a cell at a time",
            Box::new((0..30_000).map(|n| row("t", &number(n % 1_000), 0, cells(n / 1_000..n / 1_000 + 1)))),
        ),
        (
            "longer and longer values",
            Box::new((0..5_000).map(|n| row("t", &number(n % 500), n as u32, one("c", text(n / 10))))),
        ),
        (
            "shorter and shorter values",
            Box::new((0..5_000).map(|n| row("t", &number(n % 500), n as u32, one("c", text(520 - n / 10))))),
        ),
        ("a row of 100,000 cells", Box::new((0..1).map(|_| row("t", "r", 0, cells(0..100_000))))),
        ("the same in parts", Box::new((0..100).map(|n| row("t", "r", 0, cells(1_000 * n..1_000 * n + 1_000))))),
        ("100,000 values", Box::new((0..1).map(|_| values(cells(0..100_000))))),
        ("a value at a time", Box::new((0..10_000).map(|n| values(cells(n..n + 1))))),
        ("one cell", Box::new((0..1).map(|_| row("t", "r", 0, cells(0..1))))),
    ];
    for (name, changes) in shapes {
        let (store, taken) = measured(changes);
        let says = store.memory_bytes();
        println!("{name}: takes {taken}, says {says}");
        assert_eq!(says, taken, "{name}");
    }
}

#[test]
fn what_is_replaced_is_given_back() {
    let change = |value: &str, round| {
        let hlc = stamp(NOW_MS, round, "Alice");
        format!("[[{{\"t\":[{{\"r\":[{{\"c\":[\"{value}\",\"{hlc}\"]}}]}}]}}],[{{}}],1]")
    };
    let large = "x".repeat(10_000);
    let (once, taken) = measured((0..1).map(|round| change(&large, round)));
    let (often, taken_often) = measured((0..500).map(|round| change(&large, round)));
    assert_eq!((often.memory_bytes(), taken_often), (once.memory_bytes(), taken));
    let (deleted, taken_deleted) =
        measured((0..2).map(|round| change(if round == 0 { &large } else { "\u{fffc}" }, round)));
    assert!(taken_deleted + 10_000 <= taken && deleted.memory_bytes() + 10_000 <= once.memory_bytes());
}

// ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

fn limited(memory_limit: usize) -> MergePolicy {
    MergePolicy { memory_limit, ..MergePolicy::from(NOW_MS) }
}

/// What a store says that it takes, and what of the memory is taken.
fn taken(store: &Store) -> (usize, isize) {
    (store.memory_bytes(), LIVE.get())
}

#[test]
fn one_large_change_fills_a_store_up_to_its_limit() {
    let many = || cells(0..60_000);
    let rows: Vec<_> = (0..20_000).map(|n| format!("\"{n}\":[{{\"c\":[{n}]}}]")).collect();
    for change in [row("t", "r", 0, many()), values(many()), format!("[[{{\"t\":[{{{}}}]}}],[{{}}],1]", rows.join(","))]
    {
        let limit = 2 << 20;
        let mut store = Store::new(1);
        let (merged, peak) = merge(&mut store, &change, limited(limit));
        let holds = store.memory_bytes();
        println!("{holds} bytes of {limit}, {peak} at most: {merged:?}");
        let cells = store.places_from(Place::START).count();
        assert!(merged.won == cells && merged.refused > cells / 2, "{merged:?}");
        // What is added last may have made a table twice as large; what a row has to spare at its end is given back.
        assert!((limit - limit / 8..limit + limit / 2).contains(&holds), "{holds} bytes");
        assert!(peak < 2 * limit, "{peak} bytes");
    }
}

#[test]
fn what_comes_into_being_last_is_whole() {
    let mut store = Store::new(1);
    let change = t(
        "[[{\"t\":[{\"r\":[{\"c\":[1],\"d\":[1]}],\"s\":[{\"c\":[1]}]}],\"u\":[{\"r\":[{\"c\":[1]}]}]}],[{\"v\":[1]}],1]",
    );
    let (merged, _) = merge(&mut store, &change, limited(1));
    assert_eq!(merged, Merged { won: 1, refused: 4, ..Merged::default() });
    assert_eq!(whole_change(&store), "[[{\"t\":[{\"r\":[{\"c\":[1]}]}]}],[{}],1]");
}

#[test]
fn what_a_full_store_refuses_leaves_nothing_behind() {
    let (mut store, _) = measured(table(100, 10, |n| n.to_string()));
    let limit = store.memory_bytes();
    let content = store.content_text();
    let before = taken(&store);
    let ids = |n: usize| (0..n).map(|n| (format!("new-{n}"), text(100)));
    for (change, refused) in [
        (row("new", "row-0", 0, ids(3)), 3),
        (row("table", "new", 0, ids(50)), 50),
        (row("table", "row-0", 0, ids(1_000)), 1_000),
        (row("table", "row-0", 2_000, [("cell-0".to_owned(), text(1_100))]), 1),
        (values(ids(1_000)), 1_000),
    ] {
        let (merged, _) = merge(&mut store, &change, limited(limit));
        assert_eq!(merged, Merged { refused, ..Merged::default() });
        drop(change);
    }
    assert_eq!(taken(&store), before);
    assert_eq!(store.content_text(), content);
}

#[test]
fn cells_from_the_future_get_no_room() {
    let hlc = stamp(NOW_MS + 3_600_000, 0, "Carol");
    let future = (0..50_000).map(|n| format!(",\"f{n}\":[1,\"{hlc}\"]")).collect::<String>();
    let of = |future: &str| format!("[[{{\"t\":[{{\"r\":[{{\"c\":[1]{future}}}]}}]}}],[{{}}],1]");
    let mut few = Store::new(1);
    merge(&mut few, &of(""), NOW_MS);
    let mut many = Store::new(1);
    let before = LIVE.get();
    let (merged, peak) = merge(&mut many, &of(&future), NOW_MS);
    assert_eq!((merged.won, merged.future), (1, 50_000));
    assert_eq!(many.memory_bytes(), few.memory_bytes());
    assert_eq!(LIVE.get() - before, few.memory_bytes().cast_signed());
    assert!(peak < 5_000, "{peak} bytes");
}

/// Each by a little, until all of them together are too much.
#[test]
fn values_that_grow_in_one_change_lead_a_quarter_over_the_limit_and_no_further() {
    let ids = |value: String| (0..100).map(move |n| (format!("c{n}"), value.clone()));
    let mut store = Store::new(1);
    merge(&mut store, &row("t", "r", 0, ids(text(500))), NOW_MS);
    let limit = store.memory_bytes();
    let (merged, _) = merge(&mut store, &row("t", "r", 1, ids(text(1_500))), limited(limit));
    let most = limit + limit / 4;
    assert!((most..most + 1_008).contains(&store.memory_bytes()), "{} of {most}", store.memory_bytes());
    assert_eq!((merged.won, merged.refused), ((limit / 4).div_ceil(1_008), 100 - merged.won));
    let (merged, _) = merge(&mut store, &row("t", "r", 2, ids(text(500))), limited(limit));
    assert_eq!((merged.won, store.memory_bytes()), (100, limit), "what shrinks is taken");
}
