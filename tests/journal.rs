//! A store at rest: what a commit writes, and what is loaded after each of them.
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
use support::fixtures::NOW_MS;
use support::scribe::{SMALL, Scribe, ends_compaction};
use support::stamp::stamp;
use support::stores::{assert_same, cell, merge, store_of, whole_change};
use tinyroom::journal::{Commit, Settings, Write};

#[test]
fn every_prefix_of_commits_loads_to_the_store_as_it_was_then() {
    let mut random = Rng::with_seed(1);
    let mut scribe = Scribe::new(SMALL);
    let (mut folds, mut chunks, mut slices, mut compactions) = (0, 0, 0, 0);
    for _ in 0..600 {
        let commit = scribe.set_any(&mut random);
        folds += commit.writes.iter().filter(|write| matches!(write, Write::Fold { .. })).count();
        chunks += commit.writes.iter().filter(|write| matches!(write, Write::Insert { goes_on: true, .. })).count();
        scribe.assert_kept();
        if let Some(commit) = scribe.compact() {
            slices += 1;
            scribe.assert_kept();
            compactions += usize::from(ends_compaction(&commit));
        }
    }
    assert!(folds > 20 && chunks > 20 && compactions > 5, "{folds} folds, {chunks} chunks, {compactions} compactions");
    assert!(slices > 5 * compactions, "{slices} slices in {compactions} compactions");
}

#[test]
fn a_kill_between_two_slices_loses_nothing() {
    let mut random = Rng::with_seed(2);
    let mut scribe = Scribe::new(SMALL);
    let mut kills = 0;
    for _ in 0..300 {
        scribe.set_any(&mut random);
        if scribe.compact().is_some() {
            let mut woken = Scribe::woken(SMALL, &scribe.table);
            let mut expected = store_of([&*whole_change(&scribe.store)]);
            for n in 0..8 {
                let edit = cell("t", "woken", &format!("c{n}"), &n.to_string(), &stamp(NOW_MS, n, "Bobby"));
                woken.edit(&edit);
                merge(&mut expected, &edit);
                woken.compact();
            }
            woken.assert_kept();
            assert_same(&woken.store, &expected);
            kills += 1;
        }
    }
    assert!(kills > 50, "{kills}");
}

/// What a commit writes to which rows.
fn rows_of(commit: &Commit) -> String {
    let writes = commit.writes.iter().map(|write| match write {
        Write::Create => "create".to_owned(),
        Write::Insert { sequence, .. } => format!("insert {sequence}"),
        Write::Append { sequence, .. } => format!("append {sequence}"),
        Write::Fold { from, into } => format!("fold {from} into {into}"),
        Write::Move { from, into } => format!("move {from} to {into}"),
        Write::Replace { sequence, .. } => format!("replace {sequence}"),
        Write::DeleteBefore { first, quarantined } if quarantined.is_empty() => format!("forget before {first}"),
        _ => panic!("{write:?}"),
    });
    writes.collect::<Vec<_>>().join(" + ")
}

#[test]
fn the_first_commit_makes_the_table_and_the_next_ones_write_a_row_each() {
    let mut scribe = Scribe::new(Settings::default());
    assert_eq!(rows_of(&scribe.set("r", "c", "1")), "create + insert 1");
    assert_eq!(scribe.table.rows_written, 2, "the header and the first row");
    for (n, value) in ["2", "3", "4"].into_iter().enumerate() {
        assert_eq!(rows_of(&scribe.set("r", "c", value)), "append 1");
        assert_eq!(scribe.table.rows_written, n + 3);
    }
    scribe.assert_kept();
}

#[test]
fn between_the_slices_of_a_compaction_edits_go_to_rows_behind_it() {
    let one_each = Settings { level0_bytes: 1, level0_entries: 0, level1_bytes: 1, slice_bytes: 60, ..SMALL };
    let mut scribe = Scribe::new(Settings { slack_bytes: 0, row_bytes: 1_000, ..one_each });
    scribe.set("1", "c", "1");
    while !scribe.journal.is_compaction_due(&scribe.store) {
        scribe.set("2", "c", "2");
    }
    let slice = |scribe: &mut Scribe| scribe.compact().map(|commit| rows_of(&commit));
    let first = scribe.table.rows.keys().copied().max().unwrap() + 1;
    assert_eq!(slice(&mut scribe), Some(format!("insert {first}")));
    assert_eq!(rows_of(&scribe.set("1", "c", "3")), format!("insert {}", first + 1));
    scribe.set("2", "c", "4");
    assert_eq!(slice(&mut scribe), Some(format!("append {first} + forget before {first}")));
    assert_eq!(scribe.table.rows.keys().copied().min_by_key(|&row| (row == 0, row)), Some(first));
    scribe.assert_kept();
}

#[test]
fn a_level_that_is_full_is_folded_into_the_next() {
    // Two edits fit into level 0, two of those into level 1, and two of those into level 2.
    let settings = Settings { level0_bytes: 150, level0_entries: 0, level1_bytes: 300, row_bytes: 600, ..SMALL };
    let mut scribe = Scribe::new(Settings { slack_bytes: 100_000, ..settings });
    scribe.set("r", "c", "0");
    let mut begun = Vec::new();
    for n in 1..23 {
        let written = rows_of(&scribe.set("r", "c", &n.to_string()));
        let level0 = scribe.table.rows.keys().copied().max().unwrap();
        if n % 2 == 1 {
            assert_eq!(written, format!("append {level0}"), "edit {n}")
        } else {
            begun.push(written)
        }
        scribe.assert_kept();
    }
    assert_eq!(
        begun,
        [
            "insert 2",
            "fold 2 into 1 + replace 2",
            "insert 3",
            "fold 3 into 2 + replace 3",
            "fold 2 into 1 + move 3 to 2 + replace 3",
            "fold 3 into 2 + replace 3",
            "insert 4",
            "fold 4 into 3 + replace 4",
            "fold 3 into 2 + move 4 to 3 + replace 4",
            "fold 4 into 3 + replace 4",
            "insert 5",
        ]
    );
}

#[test]
fn level_0_of_few_entries_grows_to_four_times_its_length() {
    let mut scribe = Scribe::new(Settings { level0_bytes: 100, level1_bytes: 2_000, row_bytes: 2_000, ..SMALL });
    let length = |n: usize| format!("\"{}\"", "x".repeat(n));
    let written = [1, 1, 1, 1, 200, 100, 1, 500, 1].map(|n| rows_of(&scribe.set("r", "c", &length(n))));
    assert_eq!(
        written,
        [
            "create + insert 1",
            "append 1",
            "append 1",
            // A fourth entry goes only to a level 0 that is short with it,
            "insert 2",
            "append 2",
            // and one that would make it longer than four times that to none.
            "fold 2 into 1 + replace 2",
            "append 2",
            "fold 2 into 1 + replace 2",
            "fold 2 into 1 + replace 2",
        ]
    );
    scribe.assert_kept();
}

#[test]
fn after_a_wake_the_newest_row_grows_on_and_one_that_is_large_is_left() {
    let mut scribe = Scribe::new(Settings { row_bytes: 5_000, ..SMALL });
    scribe.set("r", "c", "1");
    scribe.set("r", "large", &format!("\"{}\"", "x".repeat(2_000)));
    let mut woken = Scribe::woken(scribe.settings, &scribe.table);
    assert_eq!(rows_of(&woken.set("r", "c", "2")), "insert 3");
    let mut woken = Scribe::woken(scribe.settings, &woken.table);
    assert_eq!(rows_of(&woken.set("r", "c", "3")), "append 3");
    woken.assert_kept();
}

#[test]
fn a_room_that_wakes_for_each_edit_writes_what_one_that_stays_awake_writes() {
    let settings = Settings { slack_bytes: 100_000, ..SMALL };
    let (mut awake, mut woken) = (Scribe::new(settings), Scribe::new(settings));
    let mut moves = 0;
    for n in 0..100 {
        let value = format!("\"{}\"", "x".repeat(n % 7 * 40));
        let commit = awake.set("r", "c", &value);
        assert_eq!(woken.set("r", "c", &value), commit);
        moves += commit.writes.iter().filter(|write| matches!(write, Write::Move { .. })).count();
        woken = Scribe { time_ms: woken.time_ms, ..Scribe::woken(settings, &woken.table) };
    }
    assert!(moves > 2 && awake.table.rows.len() > 6, "{moves} moves, {:?}", awake.table.rows.keys());
}

#[test]
fn after_a_compaction_level_1_is_folded_into_its_last_row() {
    let mut scribe = Scribe::new(SMALL);
    while !scribe.journal.is_compaction_due(&scribe.store) {
        scribe.set("r", "c", "1");
    }
    scribe.compact_whole();
    let snapshot = scribe.table.rows.keys().copied().max().unwrap();
    let (level1, level0) = (snapshot + 1, snapshot + 2);
    let folded = (0..20).map(|n| rows_of(&scribe.set("r", "c", &n.to_string()))).find(|rows| rows.contains("move"));
    let expected = format!("fold {level1} into {snapshot} + move {level0} to {level1} + replace {level0}");
    assert_eq!(folded.as_deref(), Some(&*expected));
    scribe.assert_kept();
}

#[test]
fn a_change_longer_than_a_row_is_chunked_between_characters() {
    let mut scribe = Scribe::new(SMALL);
    scribe.set("r", "before", "1");
    let commit = scribe.set("r", "long", &format!("\"{}\"", "🎉".repeat(1_000)));
    let chunks: Vec<_> = commit
        .writes
        .iter()
        .map(|write| match write {
            Write::Insert { goes_on, entries, .. } => (*goes_on, entries.len()),
            write => panic!("{write:?}"),
        })
        .collect();
    assert_eq!(chunks.len(), 5);
    assert!(chunks[..4].iter().all(|&(goes_on, bytes)| goes_on && bytes > SMALL.row_bytes - 4));
    assert!(!chunks[4].0);
    scribe.set("r", "behind", "2");
    scribe.assert_kept();
    scribe.compact_whole();
    scribe.assert_kept();
}

#[test]
fn an_edit_costs_one_row() {
    let mut random = Rng::with_seed(3);
    let mut scribe = Scribe::new(Settings::default());
    let mut compactions = 0;
    for n in 0..100_000 {
        let (row, id) = (random.u16(..500), random.u8(..4));
        scribe.set(&format!("row-{row}"), ["done", "text", "by", "position"][usize::from(id)], &n.to_string());
        compactions += scribe.compact().iter().filter(|commit| ends_compaction(commit)).count();
    }
    assert!(compactions > 5, "{compactions}");
    assert!(scribe.table.rows_written <= 105_000, "{} rows written", scribe.table.rows_written);
    assert!(scribe.table.rows.len() <= 10, "{} rows to read at a wake", scribe.table.rows.len());
    scribe.assert_kept();
}

#[test]
fn an_edit_in_a_growing_room_costs_one_row() {
    let mut scribe = Scribe::new(Settings::default());
    for n in 0..30_000 {
        scribe.set(&format!("row-{}", n / 5), &format!("cell-{}", n % 5), "\"some text of a usual length\"");
        scribe.compact();
    }
    assert!(scribe.table.rows_written <= 31_500, "{} rows written", scribe.table.rows_written);
    let most = scribe.store.text_bytes() / 500_000 + 10;
    assert!(scribe.table.rows.len() <= most, "{} rows to read at a wake", scribe.table.rows.len());
    scribe.assert_kept();
}

#[test]
fn large_changes_between_small_ones_and_wakes_leave_few_rows() {
    let mut scribe = Scribe::new(Settings::default());
    for n in 0..45 {
        scribe.set("large", &format!("c{n}"), &format!("\"{}\"", "x".repeat(70_000 + n % 7 * 90_000)));
        (0..3).for_each(|small| drop(scribe.set("small", &format!("c{small}"), &n.to_string())));
        scribe = Scribe { time_ms: scribe.time_ms, ..Scribe::woken(scribe.settings, &scribe.table) };
        let most = scribe.store.text_bytes() / 500_000 + 10;
        assert!(scribe.table.rows.len() <= most, "{} rows to read at a wake, of {most}", scribe.table.rows.len());
    }
    scribe.assert_kept();
}

#[test]
fn a_change_of_a_thousand_rows_costs_at_most_three() {
    let mut scribe = Scribe::new(Settings::default());
    for round in 0..40 {
        let hlc = stamp(NOW_MS, round, "Alice");
        let rows = (0..1_000).map(|n| format!(r#""r{n}":[{{"a":[{round},"{hlc}"],"b":["{n}","{hlc}"]}}]"#));
        let rows = rows.collect::<Vec<_>>().join(",");
        let before = scribe.table.rows_written;
        scribe.edit(&format!(r#"[[{{"t":[{{{rows}}}]}}],[{{}}],1]"#));
        let written = scribe.table.rows_written - before;
        assert!(written <= 3, "{written} rows written in round {round}");
        scribe.set("lone", "c", &round.to_string());
        scribe.compact_whole();
    }
    scribe.assert_kept();
}

#[test]
fn a_compaction_of_fifty_megabytes_goes_in_small_slices() {
    let settings = Settings::default();
    let mut scribe = Scribe::new(settings);
    let text = "x".repeat(1_000);
    let mut fill = |round: u32| {
        for part in 0..50 {
            let hlc = stamp(NOW_MS + u64::from(round), part, "Alice");
            let rows = (0..1_000).map(|n| format!(r#""r{part}-{n}":[{{"c":["{round}{text}","{hlc}"]}}]"#));
            scribe.edit(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.collect::<Vec<_>>().join(",")));
        }
    };
    (0..3).for_each(&mut fill);
    scribe.set("r", "large", &format!("\"{}\"", "x".repeat(1_000_000)));
    assert!(scribe.store.text_bytes() > 50_000_000);
    let mut slices = Vec::new();
    while let Some(commit) = scribe.compact() {
        let texts = commit.writes.iter().map(|write| match write {
            Write::Insert { entries, .. } => entries.len(),
            Write::Append { entry, .. } => entry.len(),
            Write::DeleteBefore { .. } => 0,
            write => panic!("{write:?}"),
        });
        slices.push(texts.sum::<usize>());
    }
    slices.sort_unstable();
    // A cell that is longer than a slice is one alone.
    let longest = slices.pop().unwrap();
    assert!((1_000_000..1_000_100).contains(&longest), "{longest}");
    assert!(slices.len() >= 97 && slices.iter().all(|&bytes| bytes <= settings.slice_bytes + 100), "{slices:?}");
    let most = scribe.store.text_bytes() / 500_000 + 10;
    assert!(scribe.table.rows.len() <= most, "{} rows to read at a wake", scribe.table.rows.len());
    scribe.assert_kept();
}

#[test]
fn a_compaction_comes_to_an_end_whatever_the_ids() {
    for (table, row, id) in [(5_000, 1, 1), (1, 5_000, 1), (1, 1, 5_000), (3_000, 3_000, 1)] {
        let settings = Settings { row_bytes: 4_000, slice_bytes: 1_000, ..SMALL };
        let mut scribe = Scribe::new(settings);
        let (table, row, id) = ("t".repeat(table), "r".repeat(row), "c".repeat(id));
        let cells = (0..40).map(|n| format!("\"{id}{n}\":[{n}]")).collect::<Vec<_>>().join(",");
        scribe.edit(&format!(r#"[[{{"{table}":[{{"{row}":[{{{cells}}}]}}]}}],[{{}}],1]"#));
        while !scribe.journal.is_compaction_due(&scribe.store) {
            scribe.set("r", "c", "true");
        }
        let (before, content) = (scribe.table.rows_written, scribe.store.text_bytes());
        scribe.compact_whole();
        let written = scribe.table.rows_written - before;
        let most = scribe.table.rows.len() + 10 + 2 * content / settings.slice_bytes;
        assert!(written <= most, "{written} rows written for {content} bytes");
        scribe.assert_kept();
    }
}
