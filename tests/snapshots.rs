//! The content of one moment, read bit by bit while the store goes on.
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
use std::collections::BTreeMap;
use support::fixtures::NOW_MS;
use support::stamp::stamp;
use support::stores::{cell, merge, store_of};
use tinyroom::store::{SnapshotId, Store};

const ID: SnapshotId = SnapshotId(1);
/// Until when a snapshot is there, where that is not what is tested.
const LATER: u64 = 1_000;

/// A change of some cells, values and stamps of rows, tables and all, old and new, in a small world.
fn random_change(random: &mut Rng, round: u32) -> String {
    let hlc = |random: &mut Rng| match random.u32(..5) {
        0 => String::new(),
        1 => stamp(NOW_MS, round.saturating_sub(random.u32(..20)), "Bobby"),
        _ => stamp(NOW_MS, round, "Alice"),
    };
    let stamped = |random: &mut Rng, inner: String| match random.u32(..4) {
        0 => format!("[{{{inner}}},\"{}\"]", hlc(random)),
        _ => format!("[{{{inner}}}]"),
    };
    let cells = |random: &mut Rng, count: u32| {
        let value = |random: &mut Rng| match random.u32(..4) {
            0 => "\"\u{fffc}\"".to_owned(),
            1 => random.u32(..).to_string(),
            _ => format!("\"{}\"", "aé€🎉".repeat(random.usize(..12))),
        };
        let ids: Vec<_> = (0..random.u32(1..=count)).map(|_| random.u32(..25)).collect();
        let cells = ids.iter().map(|id| format!("\"c{id}\":[{},\"{}\"]", value(random), hlc(random)));
        cells.collect::<Vec<_>>().join(",")
    };
    let mut tables = Vec::new();
    for _ in 0..random.u32(..3) {
        let mut rows = Vec::new();
        for _ in 0..random.u32(1..4) {
            let inner = cells(random, 4);
            rows.push(format!("\"r{}\":{}", random.u32(..12), stamped(random, inner)));
        }
        tables.push(format!("\"t{}\":{}", random.u32(..6), stamped(random, rows.join(","))));
    }
    let tables = stamped(random, tables.join(","));
    let values = if random.bool() { cells(random, 3) } else { String::new() };
    format!("[{tables},{},1]", stamped(random, values))
}

#[test]
fn a_snapshot_that_is_read_between_merges_is_the_content_of_the_moment_when_it_began() {
    let mut longest = 0;
    for seed in 0..60 {
        let mut random = Rng::with_seed(seed);
        let mut store = Store::new(seed);
        let mut round = 0;
        let limit = random.usize(1..200);
        let merges = random.u32(1..4);
        // Those that are open: what was there when they began, and what has been read of it.
        let mut open: BTreeMap<u64, (String, String)> = BTreeMap::new();
        for step in 0..300 {
            for _ in 0..random.u32(..merges) {
                round += 1;
                merge(&mut store, &random_change(&mut random, round));
            }
            if open.len() < 8 && random.u32(..20) == 0 {
                store.open_snapshot(SnapshotId(step), LATER);
                open.insert(step, (store.content_text(), String::new()));
            }
            let readers: Vec<_> = open.keys().copied().collect();
            for reader in readers.into_iter().filter(|_| random.bool()) {
                let (content, read) = open.get_mut(&reader).unwrap();
                let mut chunk = String::new();
                let is_last = store.read_snapshot(SnapshotId(reader), LATER, &mut chunk, limit).unwrap();
                assert!(!chunk.is_empty());
                longest = longest.max(chunk.len());
                read.push_str(&chunk);
                if is_last {
                    assert_eq!(read, content, "seed {seed}, from step {reader} to {step}");
                    assert!(!store.has_snapshot(SnapshotId(reader)));
                    open.remove(&reader);
                } else {
                    assert!(content.starts_with(&*read), "seed {seed}, from step {reader} to {step}");
                }
            }
        }
    }
    println!("the longest part had {longest} bytes");
}

#[test]
fn without_changes_a_part_is_hardly_longer_than_asked_for_whatever_is_in_it() {
    let long = format!("\"{}\"", "aé€🎉".repeat(1_000));
    let mut store = store_of([&*cell("t", "r", "c", &long, &stamp(NOW_MS, 1, "Alice"))]);
    for row in 0..100 {
        merge(&mut store, &cell("t", &format!("r{row}"), "c", "1", &stamp(NOW_MS, 2, "Alice")));
    }
    for limit in [1, 100, 1_000] {
        store.open_snapshot(ID, LATER);
        let mut read = String::new();
        loop {
            let mut part = String::new();
            let is_last = store.read_snapshot(ID, LATER, &mut part, limit).unwrap();
            assert!(part.len() <= limit + 100, "{} bytes where {limit} were asked for", part.len());
            read.push_str(&part);
            if is_last {
                break;
            }
        }
        assert_eq!(read, store.content_text());
    }
}

/// A store of so many rows of ten kilobytes each, and the same rows once more.
fn large(rows: u32) -> (Store, impl Fn(&mut Store, u32)) {
    let text = format!("\"{}\"", "x".repeat(10_000));
    let write = move |store: &mut Store, round: u32| {
        for row in 0..rows {
            merge(store, &cell("t", &format!("r{row}"), "c", &text, &stamp(NOW_MS, round, "Alice")));
        }
    };
    let mut store = Store::new(1);
    write(&mut store, 1);
    (store, write)
}

#[test]
fn a_snapshot_that_would_keep_more_than_eight_megabytes_ends() {
    for (rows, ends) in [(800, false), (850, true)] {
        let (mut store, write) = large(rows);
        store.open_snapshot(ID, LATER);
        write(&mut store, 2);
        assert_eq!(store.has_snapshot(ID), !ends, "{rows} rows");
        assert_eq!(store.read_snapshot(ID, LATER, &mut String::new(), 1).is_none(), ends);
    }
    // What has been written already is not kept, and what was kept is let go as it is written.
    let (mut store, write) = large(850);
    store.open_snapshot(ID, LATER);
    let content = store.content_text();
    let mut read = String::new();
    while read.len() < content.len() / 10 {
        store.read_snapshot(ID, LATER, &mut read, 1).unwrap();
    }
    write(&mut store, 2);
    write(&mut store, 3);
    while !store.read_snapshot(ID, LATER, &mut read, 1).unwrap() {}
    assert!(read == content);
}

#[test]
fn a_row_that_is_too_large_to_be_kept_ends_the_snapshot_when_it_changes() {
    let text = |mark: &str| format!("\"{mark}{}\"", "x".repeat(20 << 20));
    let mut store = store_of([&*cell("t", "r", "c", &text("a"), &stamp(NOW_MS, 1, "Alice"))]);
    store.open_snapshot(ID, LATER);
    merge(&mut store, &cell("t", "other", "c", "1", &stamp(NOW_MS, 2, "Alice")));
    assert!(store.has_snapshot(ID));
    merge(&mut store, &cell("t", "r", "c", &text("b"), &stamp(NOW_MS, 2, "Alice")));
    assert!(!store.has_snapshot(ID));
}

#[test]
fn snapshots_share_what_may_be_kept() {
    // 8 MB for one, 4 MB each for two.
    let (mut store, write) = large(500);
    store.open_snapshot(SnapshotId(1), LATER);
    write(&mut store, 2);
    store.open_snapshot(SnapshotId(2), LATER);
    assert!(store.has_snapshot(SnapshotId(1)));
    write(&mut store, 3);
    assert_eq!(
        [1, 2].map(|id| store.has_snapshot(SnapshotId(id))),
        [false, true],
        "the second has all of it for itself"
    );
}

#[test]
fn of_nine_snapshots_the_oldest_ends() {
    let (mut store, _) = large(1);
    (1..=8).for_each(|id| store.open_snapshot(SnapshotId(id), LATER));
    assert!((1..=8).all(|id| store.has_snapshot(SnapshotId(id))));
    store.open_snapshot(SnapshotId(9), LATER);
    assert_eq!((1..=9).filter(|&id| store.has_snapshot(SnapshotId(id))).collect::<Vec<_>>(), Vec::from_iter(2..=9));
}

#[test]
fn a_snapshot_is_there_until_its_time_which_reading_puts_off() {
    let (mut store, _) = large(1);
    store.open_snapshot(SnapshotId(1), 100);
    store.open_snapshot(SnapshotId(2), 200);
    assert_eq!(store.snapshots_until_ms(), Some(100));
    store.read_snapshot(SnapshotId(1), 300, &mut String::new(), 1);
    assert_eq!(store.snapshots_until_ms(), Some(200));
    store.close_snapshots(199);
    assert!(store.has_snapshot(SnapshotId(2)));
    store.close_snapshots(200);
    assert_eq!([1, 2].map(|id| store.has_snapshot(SnapshotId(id))), [true, false]);
    store.close_snapshots(300);
    assert_eq!(store.snapshots_until_ms(), None);
}

#[test]
fn a_snapshot_that_is_closed_is_gone() {
    let mut store = Store::new(1);
    store.open_snapshot(ID, LATER);
    assert!(store.has_snapshot(ID));
    store.close_snapshot(ID);
    assert!(!store.has_snapshot(ID));
    assert_eq!(store.read_snapshot(ID, LATER, &mut String::new(), 1), None);
}
