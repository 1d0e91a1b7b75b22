//! Rows that cannot be read: quarantined as they are, while the rest of the room lives on.
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
use support::scribe::{SMALL, Scribe};
use support::stamp::stamp;
use support::stores::{assert_same, cell, store_of};
use support::table::Table;
use support::tree::Tree;
use tinyroom::journal::{Fault, LoadError, Problem, Settings, Write};
use tinyroom::json::Reader;
use tinyroom::store::{Changes, Store};

/// A journal of several rows and a chunked text, as many edits have left it.
fn journal_of_many_rows() -> Scribe {
    let mut scribe = Scribe::new(Settings { slack_bytes: 1 << 20, ..SMALL });
    for n in 0..60 {
        scribe.set("many", &format!("c{n}"), &n.to_string());
        if n == 30 {
            scribe.set("chunked", "c", &format!("\"{}\"", "x".repeat(2_000)));
        }
    }
    scribe.assert_kept();
    let chunks = scribe.table.rows.values().filter(|row| row.goes_on).count();
    assert!(chunks == 2 && scribe.table.rows.len() >= 8, "{:?}", scribe.table.rows);
    Scribe { settings: SMALL, ..scribe }
}

/// Loads a table with faults and lives on in it: an edit and a wake, edits, compactions, and more wakes. Everything that could be read,
/// and everything written since, must be there in the end, and the rows named `quarantined` as they were. Answers the store
/// as it was first loaded, and the faults.
fn live_on(table: &Table, quarantined: &[i64]) -> (Store, Vec<Fault>) {
    let (first, _, faults) = table.try_load(SMALL).unwrap();
    let mut lived = table.clone();
    let mut content = first.content_text();
    for wake in 0..3 {
        let (store, journal, again) = lived.try_load(SMALL).unwrap();
        assert_eq!(Tree::parse(&store.content_text()), Tree::parse(&content), "at wake {wake}");
        assert!(again.len() <= faults.len(), "more faults at wake {wake}: {again:?}");
        assert!(
            again.iter().any(|fault| quarantined.contains(&fault.sequence)) || wake > 0,
            "{again:?} at wake {wake}"
        );
        let sound = lived.rows.iter().filter(|(row, _)| **row > 0 && !quarantined.contains(row));
        let bytes: usize = sound.map(|(_, row)| row.entries.len() + 1).sum();
        assert_eq!(journal.total_bytes(), bytes, "what a snapshot is to replace, at wake {wake}");
        let mut scribe = Scribe { settings: SMALL, store, journal, table: lived, time_ms: NOW_MS + 1_000 * (wake + 1) };
        scribe.set("later", "first", &wake.to_string());
        let (reloaded, ..) = scribe.table.try_load(SMALL).unwrap();
        assert_same(&reloaded, &scribe.store);
        let compactions = scribe.edit_and_compact();
        assert!(compactions > 0 || quarantined.contains(&0), "no compaction at wake {wake}");
        content = scribe.store.content_text();
        lived = scribe.table;
        for row in quarantined.iter().filter(|row| table.rows.contains_key(row)) {
            assert_eq!(lived.rows.get(row), table.rows.get(row), "row {row} was touched at wake {wake}");
        }
    }
    (first, faults)
}

fn sequences(faults: &[Fault]) -> Vec<i64> {
    let mut sequences: Vec<_> = faults.iter().map(|fault| fault.sequence).collect();
    sequences.sort_unstable();
    sequences
}

#[test]
fn a_row_cut_short_is_quarantined_and_what_is_whole_in_it_is_read() {
    for row in [1, 2] {
        let mut table = journal_of_many_rows().table;
        let entries = &mut table.row(row).entries;
        assert!(entries.matches('\n').count() > 1);
        entries.truncate(entries.len() - 10);
        let (store, faults) = live_on(&table, &[row]);
        assert_eq!(sequences(&faults), [row]);
        assert!(faults[0].problem.to_string().starts_with("expected "), "{}", faults[0].problem);
        assert_eq!(cells(&store, "many"), 59);
    }
}

#[test]
fn a_garbled_entry_is_quarantined_and_the_others_in_its_row_are_read() {
    let mut table = journal_of_many_rows().table;
    let second = table.row(2).entries.find('\n').unwrap() + 1;
    table.row(2).entries.replace_range(second..=second, "?");
    let (store, faults) = live_on(&table, &[2]);
    assert_eq!(sequences(&faults), [2]);
    let problem = faults[0].problem.to_string();
    assert!(problem.starts_with("entry 1: at byte 0: expected a change"), "{problem}");
    assert_eq!(cells(&store, "many"), 59);
}

/// Clients throw at a value that has the mark of an object and no object behind it.
#[test]
fn a_malformed_object_is_read_as_deleted_and_its_row_is_quarantined() {
    let malformed = entry_with(&["\u{fffd}{bad", "\u{fffd}[1", "\u{fffd}{}", "text"]);
    for (row, spoil) in [(1, format!("\n{malformed}")), (2, format!("\n{}\n{malformed}", entry_with(&["text"])))] {
        let mut table = journal_of_many_rows().table;
        let stored = table.row(row);
        let entry = stored.entries.split('\n').count() + spoil.matches('\n').count() - 1;
        stored.entries.push_str(&spoil);
        stored.bytes = stored.entries.len();
        let (store, faults) = live_on(&table, &[row]);
        assert_eq!(faults, [Fault { sequence: row, problem: Problem::Malformed { entry, values: 2 } }]);
        assert_eq!(faults[0].problem.to_string(), format!("entry {entry}: malformed objects, read as deleted: 2"));
        assert_eq!(objects(&store), ["\"\u{fffc}\"", "\"\u{fffc}\"", "\"\u{fffd}{}\"", "\"text\""]);
        assert_eq!(cells(&store, "many"), 60);
    }
}

#[test]
fn a_malformed_object_in_a_chunked_text_is_read_as_deleted_and_every_chunk_is_quarantined() {
    let text = entry_with(&["\u{fffd}{bad", &"x".repeat(1_000)]);
    let mut scribe = Scribe::new(SMALL);
    scribe.set("many", "c", "1");
    scribe.table.carry_out(&scribe.journal.append(text));
    let chunks: Vec<_> = scribe.table.rows.keys().copied().filter(|row| *row > 1).collect();
    assert_eq!(chunks, [2, 3]);
    let (store, faults) = live_on(&scribe.table, &chunks);
    assert_eq!(faults, [Fault { sequence: 3, problem: Problem::Malformed { entry: 0, values: 1 } }]);
    assert_eq!(objects(&store)[0], "\"\u{fffc}\"");
    assert_eq!(cells(&store, "many"), 1);
}

#[test]
fn what_was_set_after_a_malformed_object_holds_at_every_wake() {
    let mut scribe = Scribe::new(SMALL);
    scribe.table.carry_out(&scribe.journal.append(entry_with(&["\u{fffd}{bad"])));
    let (store, journal, _) = scribe.table.try_load(SMALL).unwrap();
    let mut scribe = Scribe { store, journal, ..scribe };
    scribe.set("objects", "c0", "1");
    let (store, faults) = live_on(&scribe.table, &[1]);
    assert_eq!(sequences(&faults), [1]);
    assert_eq!(objects(&store), ["1"]);
}

/// An entry that sets cells to these texts.
fn entry_with(texts: &[&str]) -> String {
    let hlc = stamp(NOW_MS, 0, "Alice");
    let cells = texts.iter().enumerate().map(|(n, text)| format!(r#""c{n}":["{text}","{hlc}"]"#));
    format!(r#"[[{{"t":[{{"objects":[{{{}}}]}}]}}],[{{}}],1]"#, cells.collect::<Vec<_>>().join(","))
}

/// The values of those cells, as JSON.
fn objects(store: &Store) -> Vec<String> {
    let content = store.content_text();
    let content = Tree::parse(&content);
    let row = content.at("0").at("0").at("t").at("0").at("objects").at("0");
    row.object().values().map(|cell| cell.at("0").scalar().to_owned()).collect()
}

#[test]
fn a_row_missing_from_the_middle_is_named() {
    let mut table = journal_of_many_rows().table;
    let missing = table.rows.remove(&2).unwrap();
    let (store, faults) = live_on(&table, &[2]);
    assert_eq!(sequences(&faults), [2]);
    assert_eq!(faults[0].problem.to_string(), "missing");
    assert_eq!(cells(&store, "many"), 60 - missing.entries.split('\n').count());
}

#[test]
fn a_chunked_text_with_a_chunk_missing_is_quarantined() {
    for missing in 0..3 {
        let mut table = journal_of_many_rows().table;
        let first = first_chunk(&table);
        table.rows.remove(&(first + missing));
        let (store, faults) = live_on(&table, &[first, first + 1, first + 2]);
        let gap = faults.iter().find(|fault| fault.sequence == first + missing);
        assert_eq!(gap.unwrap().problem.to_string(), "missing", "{faults:?}");
        assert_eq!(cells(&store, "many"), 60);
        assert_eq!(cells(&store, "chunked"), 0, "without chunk {missing}");
    }
}

/// What comes next must not be taken for what is missing.
#[test]
fn a_chunked_text_that_lacks_its_end_at_the_very_end_is_not_gone_on_with() {
    for cut in [false, true] {
        let mut scribe = Scribe::new(SMALL);
        scribe.set("many", "c", "1");
        scribe.set("chunked", "c", &format!("\"{}\"", "x".repeat(2_000)));
        let mut table = scribe.table;
        let last = *table.rows.keys().last().unwrap();
        table.rows.remove(&last);
        if cut {
            table.row(last - 1).entries.pop();
        }
        let (store, faults) = live_on(&table, &[last - 2, last - 1]);
        assert!(faults.iter().all(|fault| fault.sequence >= last - 2), "{faults:?}");
        assert_eq!((cells(&store, "many"), cells(&store, "chunked")), (1, 0));
    }
}

#[test]
fn a_chunked_text_that_is_garbled_is_quarantined() {
    for chunk in 0..3 {
        let mut table = journal_of_many_rows().table;
        let first = first_chunk(&table);
        table.row(first + chunk).entries.replace_range(0..1, "\u{1}");
        let (store, faults) = live_on(&table, &[first, first + 1, first + 2]);
        assert_eq!(faults.len(), 1);
        assert_eq!(cells(&store, "many"), 60);
        assert_eq!(cells(&store, "chunked"), 0, "chunk {chunk} is garbled");
    }
}

#[test]
fn a_chunked_text_with_a_chunk_cut_short_is_quarantined() {
    for chunk in 0..3 {
        let mut table = journal_of_many_rows().table;
        let first = first_chunk(&table);
        table.row(first + chunk).entries.pop();
        let (store, faults) = live_on(&table, &[first, first + 1, first + 2]);
        assert!(faults.iter().all(|fault| (first..first + 3).contains(&fault.sequence)), "{faults:?}");
        assert_eq!(cells(&store, "many"), 60);
        assert_eq!(cells(&store, "chunked"), 0, "chunk {chunk} is cut short");
    }
}

/// The row that the chunked text begins in.
fn first_chunk(table: &Table) -> i64 {
    *table.rows.iter().find(|(_, row)| row.goes_on).unwrap().0
}

/// A row that is quarantined stands before every snapshot ever after. What the room held must not change by that.
#[test]
fn of_two_entries_with_one_stamp_the_later_is_kept_before_and_after_a_compaction() {
    for unreadable in [1, 2] {
        let mut scribe = Scribe::new(Settings { level0_bytes: 80, level0_entries: 0, ..SMALL });
        for value in ["1", "2"] {
            let commit = scribe.journal.append(cell("t", "r", "c", value, &stamp(NOW_MS, 0, "Alice")));
            scribe.table.carry_out(&commit);
        }
        scribe.table.row(unreadable).entries.push_str("\nunreadable");
        let (store, faults) = live_on(&scribe.table, &[unreadable]);
        assert_eq!(sequences(&faults), [unreadable]);
        assert!(store.content_text().contains(r#""c":[2,"#), "{}", store.content_text());
    }
}

#[test]
fn a_newer_format_is_refused() {
    for header in [r#"{"format":2,"first":1}"#, r#"{"format":4294967295}"#, r#"{"first":1,"format":2,"more":{}}"#] {
        let mut table = journal_of_many_rows().table;
        table.row(0).entries = header.to_owned();
        table.row(0).bytes = header.len();
        let LoadError::Newer { found } = table.try_load(SMALL).unwrap_err();
        assert!(found > 1);
    }
}

#[test]
fn an_older_format_is_brought_forward_by_the_first_commit() {
    for compacts in [false, true] {
        let Scribe { mut table, store: expected, .. } = journal_of_many_rows();
        table.row(0).entries = table.row(0).entries.replace("\"format\":1", "\"format\":0");
        let mut scribe = Scribe::woken(SMALL, &table);
        assert_same(&scribe.store, &expected);
        let commit = if compacts {
            let slice = scribe.journal.compact(&scribe.store);
            scribe.table.carry_out(&slice);
            slice
        } else {
            scribe.set("later", "first", "1")
        };
        assert_eq!(commit.writes[0], Write::Renew { first: 1 });
        assert_eq!(scribe.table.rows[&0].entries, r#"{"format":1,"first":1}"#);
        let again = scribe.set("later", "second", "2");
        assert!(!matches!(again.writes[0], Write::Renew { .. }), "{again:?}");
        scribe.assert_kept();
    }
}

#[test]
fn a_garbled_header_is_left_alone_and_every_row_stays() {
    for header in ["", r#"{"format":1,"fir"#, r#"{"format":1}"#, r#"{"format":"1","first":1}"#, "[]"] {
        let mut table = journal_of_many_rows().table;
        let rows: Vec<_> = table.rows.keys().copied().collect();
        table.row(0).entries = header.to_owned();
        let (store, faults) = live_on(&table, &[0]);
        assert_eq!(sequences(&faults), [0], "{header}");
        assert!(faults[0].problem.to_string().starts_with("header: "));
        assert_eq!(cells(&store, "many"), 60);
        let (store, mut journal, _) = table.try_load(SMALL).unwrap();
        table.carry_out(&journal.append(cell("t", "more", "c", "1", "")));
        assert!(!journal.is_compaction_due(&store), "rows that nobody can count must not be forgotten");
        assert!(rows.iter().all(|row| table.rows.contains_key(row)));
    }
}

#[test]
fn a_missing_header_is_named_and_every_row_stays() {
    let mut table = journal_of_many_rows().table;
    // Rows that do not begin with 1, as after a compaction.
    table.rows.remove(&1);
    table.rows.remove(&0);
    let (store, faults) = live_on(&table, &[0]);
    assert_eq!(sequences(&faults), [0]);
    assert_eq!(faults[0].problem.to_string(), "missing");
    assert_eq!(cells(&store, "chunked"), 1);
}

#[test]
fn whatever_row_is_lost_the_others_are_read() {
    let whole = journal_of_many_rows().table;
    for lost in whole.rows.keys() {
        let mut table = whole.clone();
        table.rows.remove(lost);
        let (store, ..) = table.try_load(SMALL).unwrap();
        let sound = table.rows.range(1..).filter(|(_, row)| row.entries.split('\n').all(is_change));
        let expected = store_of(sound.flat_map(|(_, row)| row.entries.split('\n')));
        assert_eq!(cells(&store, "many"), cells(&expected, "many"), "without row {lost}");
    }
}

fn is_change(line: &str) -> bool {
    let mut reader = Reader::new(line);
    Changes::read(&mut reader).and_then(|_| reader.end()).is_ok()
}

/// How many cells a row of table `t` has.
fn cells(store: &Store, row: &str) -> usize {
    let content = store.content_text();
    let content = Tree::parse(&content);
    content.at("0").at("0").at("t").at("0").object().get(row).map_or(0, |row| row.at("0").object().len())
}
