//! What a store takes in memory, counted by an allocator, and what it says of itself.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unsafe_code,
    reason = "these are tests, and an allocator cannot be written without"
)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write;
use support::fixtures::NOW_MS;
use support::stamp::stamp;
use tinyroom::json::Reader;
use tinyroom::store::{Changes, Store};

thread_local! {
    /// The bytes this thread has allocated and not freed.
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

impl Counting {
    /// What an allocation takes of the memory: with a header, in steps of 8, and 4 words at least.
    fn taken(layout: Layout) -> usize {
        (layout.size() + size_of::<usize>()).next_multiple_of(8).max(4 * size_of::<usize>())
    }
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(Self::taken(layout)));
        // SAFETY: what holds of this call holds of that one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(Self::taken(layout)));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Merges changes, and answers the store and how many bytes it takes.
fn measured(changes: impl Iterator<Item = String>) -> (Store, usize) {
    let before = LIVE.get();
    let mut store = Store::new(1);
    for change in changes {
        let mut reader = Reader::new(&change);
        let changes = Changes::read(&mut reader).unwrap();
        store.merge(&changes, NOW_MS, |_| {});
    }
    // What a thread frees for another one takes its count below zero.
    let taken = LIVE.get().wrapping_sub(before);
    (store, taken)
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

#[test]
fn a_store_knows_about_how_much_it_takes() {
    let text = |length: usize| move |n: usize| format!("\"{:0length$}\"", n);
    let shapes: [(&str, Box<dyn Iterator<Item = String>>); 6] = [
        ("small cells", Box::new(table(5_000, 10, |n| n.to_string()))),
        ("one cell a row", Box::new(table(20_000, 1, |n| n.to_string()))),
        ("a wide row", Box::new(table(1, 20_000, |n| n.to_string()))),
        ("words", Box::new(table(5_000, 5, text(20)))),
        ("texts", Box::new(table(500, 4, text(2_000)))),
        (
            "tombstones",
            Box::new(table(5_000, 10, |_| "null".to_owned()).map(|change| change.replace("null", "\"\u{fffc}\""))),
        ),
    ];
    for (name, changes) in shapes {
        let (store, taken) = measured(changes);
        let says = store.memory_bytes();
        println!("{name}: takes {taken}, says {says}");
        assert!(says * 100 > taken * 75 && says * 100 < taken * 140, "{name}: takes {taken}, says {says}");
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
