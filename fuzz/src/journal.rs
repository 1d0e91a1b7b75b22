//! A journal of any rows is loaded, however garbled, and goes on: what was readable is there ever after, and what was not
//! stays where it is.

use super::NOW_MS;
use super::cells::assert_same;
use super::source::{Change, Source};
use super::table::{Stored, Table};
use std::collections::BTreeMap;
use tinyroom::journal::{Fault, Journal, Listing, Problem, Row};
use tinyroom::json::Reader;
use tinyroom::store::{Changes, Store};

pub fn run(input: &[u8]) {
    let mut source = Source::new(input);
    let mut table = rows(&mut source);
    list(&table);
    // What a newer Tinyroom has written is not touched.
    let Ok((mut store, mut journal, faults)) = table.load() else { return };
    let unreadable = quarantined(&table, &faults);
    while !source.is_over() {
        if source.one_in(4) {
            let (loaded, continued, _) = load(&table);
            assert_same(&store, &loaded, "a journal that was loaded again");
            (store, journal) = (loaded, continued);
        }
        change(&Change::ANY.text(&mut source), &mut store, &mut journal, &mut table);
        if source.one_in(2) {
            compact(&store, &mut journal, &mut table);
        }
    }
    compact(&store, &mut journal, &mut table);
    assert_same(&store, &load(&table).0, "the journal at the end");
    for (sequence, row) in unreadable {
        assert_eq!(table.rows.get(&sequence), Some(&row), "what cannot be read stays");
    }
}

/// Rows of texts and changes, with a header or without one.
fn rows(source: &mut Source) -> Table {
    let mut table = Table::default();
    let mut sequence = i64::from(source.one_in(8));
    for _ in 0..source.below(12) {
        let how = source.byte();
        let mut entries = match how % 4 {
            0 => source.text().to_owned(),
            1 => Change::ANY.text(source),
            2 => format!("{}\n{}", Change::ANY.text(source), Change::ANY.text(source)),
            _ => format!("{{\"format\":{},\"first\":{}}}", source.below(3), source.below(5)),
        };
        if how & 4 != 0 {
            // In chunks, or cut short.
            let mut end = source.below(entries.len() + 1);
            while !entries.is_char_boundary(end) {
                end -= 1;
            }
            let rest = entries.split_off(end);
            if how & 8 != 0 {
                table.rows.insert(sequence, Stored::new(std::mem::replace(&mut entries, rest), true));
                sequence += 1;
            }
        }
        let lost = if how & 16 != 0 { source.below(40) } else { 0 };
        let row = Stored { bytes: entries.len() + lost, goes_on: how & 32 != 0, entries };
        table.rows.insert(sequence, row);
        sequence += if how & 64 != 0 { 1 + source.below(4) as i64 } else { 1 };
    }
    table
}

fn list(table: &Table) {
    let (mut rows, mut entries) = (Listing::default(), Listing::default());
    for (&sequence, Stored { bytes, goes_on, entries: text }) in &table.rows {
        let row = Row { sequence, bytes: *bytes, goes_on: *goes_on, entries: text };
        rows.row(row);
        entries.entries(row);
    }
    for list in [rows.finish(), entries.finish()] {
        assert!(list.starts_with('[') && list.ends_with(']'), "{list}");
    }
}

fn load(table: &Table) -> (Store, Journal, Vec<Fault>) {
    table.load().unwrap_or_else(|error| panic!("what was written is not read again: {error}"))
}

fn quarantined(table: &Table, faults: &[Fault]) -> BTreeMap<i64, Stored> {
    let rows = faults.iter().filter(|fault| !matches!(fault.problem, Problem::Missing | Problem::Header(_)));
    let rows = rows.map(|fault| (fault.sequence, table.rows.get(&fault.sequence).cloned()));
    rows.map(|(sequence, row)| (sequence, row.unwrap_or_else(|| panic!("there is no row {sequence}")))).collect()
}

fn change(text: &str, store: &mut Store, journal: &mut Journal, table: &mut Table) {
    let changes = Changes::read(&mut Reader::new(text)).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut places = Vec::new();
    store.merge(&changes, NOW_MS, |place| places.push(place));
    if !places.is_empty() {
        places.sort_unstable();
        places.dedup();
        table.carry_out(&journal.append(store.changes_text(places)));
    }
}

/// Compacts until nothing is due. Any slice may be the last thing that happens.
fn compact(store: &Store, journal: &mut Journal, table: &mut Table) {
    let mut slices = 0;
    while journal.is_compaction_due(store) {
        table.carry_out(&journal.compact(store));
        assert_same(store, &load(table).0, "between two slices");
        slices += 1;
        assert!(slices <= 2 + store.places_from(tinyroom::store::Place::START).count(), "compaction has no end");
    }
}
