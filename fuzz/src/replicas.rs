//! Three replicas that hear of the same changes, in whatever order and however often, hold the same in the end; so do three
//! that pull from each other what they lack.

use super::NOW_MS;
use super::cells::{assert_same, cells, merge};
use super::source::{Change, Source};
use std::ops::Range;
use tinyroom::json::Reader;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Place, Store};

const REPLICAS: usize = 3;

pub fn run(input: &[u8]) {
    let mut source = Source::new(input);
    match source.below(3) {
        0 => hear(&mut source),
        1 => pull(&mut source),
        _ => conflict(&mut source),
    }
}

/// Everyone hears every change.
fn hear(source: &mut Source) {
    let kind = Change { containers: true, any_stamp: true, conflicts: false };
    let mut replicas = new_replicas();
    let changes = changes(source, kind);
    for replica in &mut replicas {
        let mut order: Vec<&String> = changes.iter().collect();
        for last in (1..order.len()).rev() {
            order.swap(last, source.below(last + 1));
        }
        for change in &order {
            merge(replica, change);
        }
        // What a row is stamped with is lost before the row is there, and heard now.
        let won: usize = order.iter().map(|change| merge(replica, change).won).sum();
        let before = cells(replica);
        let again: usize = order.iter().map(|change| merge(replica, change).won).sum();
        assert_eq!((won, again, cells(replica)), (0, 0, before), "repeats change something");
    }
    assert_all_same(&replicas);
}

/// Everyone hears some changes, and pulls the rest.
fn pull(source: &mut Source) {
    let kind = Change { containers: false, any_stamp: true, conflicts: false };
    let mut replicas = new_replicas();
    for change in changes(source, kind) {
        let heard = source.byte();
        for (index, replica) in replicas.iter_mut().enumerate() {
            if heard >> index & 1 == 1 {
                merge(replica, &change);
            }
        }
    }
    // What one has travels to its neighbour, and from there to the third.
    for _ in 0..2 {
        for asker in 0..REPLICAS {
            let limit = [usize::MAX, 1, 100, 400][source.below(4)];
            let mut lent = std::mem::replace(&mut replicas[asker], Store::new(0));
            pull_from(&mut lent, &replicas[(asker + 1) % REPLICAS], limit);
            replicas[asker] = lent;
        }
    }
    assert_all_same(&replicas);
}

/// Where one stamp comes with several values, everyone keeps its own, and all that can be the same is.
fn conflict(source: &mut Source) {
    let kind = Change { containers: false, any_stamp: true, conflicts: true };
    let mut replicas = new_replicas();
    let changes = changes(source, kind);
    for (index, replica) in replicas.iter_mut().enumerate() {
        let (before, behind) = changes.split_at(index.min(changes.len()));
        for change in behind.iter().chain(before) {
            merge(replica, change);
        }
    }
    let stamps = |replica: &Store| cells(replica).iter().map(|cell| without_value(cell)).collect::<Vec<_>>();
    let expected = stamps(&replicas[0]);
    replicas.iter().for_each(|replica| assert_eq!(stamps(replica), expected));
}

fn new_replicas() -> [Store; REPLICAS] {
    [1, 2, 3].map(Store::new)
}

fn changes(source: &mut Source, kind: Change) -> Vec<String> {
    (0..1 + source.below(8)).map(|_| kind.text(source)).collect()
}

fn assert_all_same(replicas: &[Store; REPLICAS]) {
    replicas.iter().for_each(|replica| assert_same(&replicas[0], replica, "replicas in the end"));
}

/// One pull, as a room and its clients do it, with answers of at most so many bytes.
fn pull_from(asker: &mut Store, other: &Store, bytes: usize) {
    let limits = AnswerLimits { bytes, ..AnswerLimits::whole() };
    let answer = other.table_diff(&tree(&asker.table_hashes(), 1), limits);
    let differing = take(asker, other, &answer.text, answer.owed);
    let rows = asker.row_hashes(&tree(&differing, 1));
    if let Some(rows) = rows {
        let answer = other.row_diff(&tree(&rows, 2), limits);
        let differing = take(asker, other, &answer.text, answer.owed);
        if let Some(cells) = asker.cell_hashes(&tree(&differing, 2)) {
            let answer = other.cell_diff(&tree(&cells, 3), limits);
            merge(asker, &format!("[{},[{{}}],1]", answer.text));
            merge(asker, &owed(other, answer.owed));
        }
    }
    let answer = other.value_diff(&tree(&asker.value_hashes(usize::MAX), 1), limits);
    merge(asker, &format!("[[{{}}],{},1]", answer.text));
    merge(asker, &owed(other, answer.owed));
}

/// Merges what is new in an answer `[new, differing]`, and answers the text of the rest.
fn take(asker: &mut Store, other: &Store, answer: &str, ranges: Vec<Range<Place>>) -> String {
    const ANSWER: &str = "an answer";
    let mut reader = Reader::new(answer);
    let read = (|| {
        let mut cursor = reader.array(ANSWER)?;
        reader.expect_element(&mut cursor, ANSWER)?;
        let new = Changes::read_stamp(&mut reader, false)?;
        reader.expect_element(&mut cursor, ANSWER)?;
        Ok::<_, tinyroom::json::ReadError>(new)
    })();
    asker.merge(&read.unwrap_or_else(|error| panic!("{error}: {answer}")), NOW_MS, |_| {});
    merge(asker, &owed(other, ranges));
    let differing = &answer[reader.at()..];
    differing.strip_suffix(']').unwrap_or_else(|| panic!("no answer: {answer}")).to_owned()
}

fn owed(other: &Store, ranges: Vec<Range<Place>>) -> String {
    other.changes_text(ranges.into_iter().flat_map(|range| other.places_in(range)))
}

fn tree(hashes: &str, levels: u8) -> HashTree<'_> {
    HashTree::read(&mut Reader::new(hashes), levels).unwrap_or_else(|error| panic!("{error}: {hashes}"))
}

/// The ids and the stamp in the text of one cell: all but what stands between its last `[` and the stamp.
fn without_value(cell: &str) -> String {
    let start = cell.rfind("\":[").map_or(0, |start| start + 3);
    let stamp = cell.rfind(",\"").filter(|&stamp| stamp > start).map_or("", |stamp| &cell[stamp..]);
    format!("{}{stamp}", &cell[..start])
}
