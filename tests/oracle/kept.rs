//! Histories that once failed, or that chance is not likely to find.

use super::check::check;
use super::history::{Asker, History, Step};
use super::process::{Batch, Oracle};
use std::iter;
use tinyroom::json::{ReadError, Reader};
use tinyroom::store::Changes;
use tinyroom::wire::{Message, MessageType};

fn holds(changes: &[&str]) {
    for asker in [Asker::Never, Asker::Then, Asker::Before] {
        let step = |change: &&str| Step { change: (*change).to_owned(), asker, noise: Vec::new() };
        check(&History { steps: changes.iter().map(step).collect() }).unwrap();
    }
}

#[test]
fn of_a_row_that_stands_twice_the_last_counts_even_where_it_is_empty() {
    holds(&[r#"[[{"t":[{"r":[{"c":[1]}],"q":[{"c":[1]}],"r":[{}]}]}],[{}],1]"#]);
    holds(&[r#"[[{"t":[{"r":[{"c":[1]}]}],"t":[{}]}],[{}],1]"#]);
}

#[test]
fn an_empty_row_is_merged_into_one_that_cancelled_out() {
    let cancelled = r#"[[{"t":[{"r":[{"\ud800":[1],"\ud801":[1]}]}]}],[{}],1]"#;
    let empty = r#"[[{"t":[{"r":[{},"Nb-------------0"]}]}],[{}],1]"#;
    holds(&[cancelled, empty, empty, r#"[[{"t":[{"r":[{"c":[1]}]}]}],[{}],1]"#]);
}

#[test]
fn stamps_of_containers_with_nothing_in_them() {
    let bare = r#"[[{},"Nb-------------0"],[{},"Nb-------------1"],1]"#;
    let row = r#"[[{"t":[{"r":[{"c":[1]}]}]}],[{}],1]"#;
    let stamped_row = r#"[[{"t":[{"r":[{},"Nb-------------2"]},"Nb-------------3"]}],[{}],1]"#;
    holds(&[bare, row, bare, stamped_row]);
    holds(&[stamped_row, row, stamped_row]);
}

#[test]
fn a_history_of_one_large_change() {
    let long = "é\\n".repeat(40_000);
    let rows = (0..100).map(|row| {
        let cells: Vec<_> = (0..20).map(|cell| format!("\"c{cell}\":[{}]", row * cell)).collect();
        format!("\"r{row}\":[{{{}}}]", cells.join(","))
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    holds(&[&format!("[[{{\"t\":[{{{rows}}}]}}],[{{\"{long}\":[\"{long}\"]}}],1]")]);
}

#[test]
fn text_that_is_nested_deeply_is_refused_and_exhausts_no_stack() {
    for part in ["[", "{\"a\":", "[{\"a\":", "[[{\"t\":[{\"r\":[{\"c\":["] {
        let deep = part.repeat(1_000_000);
        let refused: Result<_, ReadError> = Changes::read(&mut Reader::new(&deep));
        assert!(refused.is_err(), "{part}");
        for number in MessageType::Response as u8..=MessageType::GetValueDiff as u8 {
            assert!(Message::read(&format!("[null,{number},{deep}")).is_err(), "{number} {part}");
        }
    }
}

/// V8 from 12.8 on reads some keys wrong, once it has read certain others. Half of all histories failed for it.
#[test]
fn the_oracle_reads_keys_with_escapes() {
    let poison = r#"{"h":[],"\\":0}"#;
    let mut batch = Batch::default();
    for text in iter::repeat_n([poison, r#"{"h":1,"\"":2}"#, r#"{"h":1,"\n":2}"#], 3).flatten() {
        batch.add("json", &[text]);
    }
    let answers = Oracle::lock().ask(&batch);
    assert_eq!(answers[1..3], [Ok(r#"{"h":1,"\"":2}"#.to_owned()), Ok(r#"{"h":1,"\n":2}"#.to_owned())]);
    assert_eq!(answers[6..], answers[..3]);
}
