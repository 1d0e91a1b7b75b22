//! What one client may take of the room, and leave lying in it.
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
use support::harness::Harness;
use support::stamp::stamp;
use support::stores::store_of;
use support::texts::{keep, relay, row, t};
use tinyroom::journal;
use tinyroom::room::Settings;

const MB: usize = 1 << 20;

/// A change that sets a row to a value of a megabyte.
fn megabyte(row_id: usize, version: u32) -> String {
    row(&format!("r{row_id}"), &format!("\"{}\"", "x".repeat(MB)), &stamp(NOW_MS, version, "Alice"))
}

/// How often a line begins like this.
fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

#[test]
fn a_client_that_does_not_read_is_asked_and_then_closed_and_the_others_notice_nothing() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    let (mut asked, mut closed) = ((0, 0), None);
    for version in 0..30 {
        room.say("a", &format!("\n[null,3,{}]", megabyte(0, version)));
        room.pass(100);
        let outputs = room.outputs();
        assert_eq!((count(&outputs, "keep a: "), count(&outputs, "all but a < a")), (1, 1));
        asked.0 += count(&outputs, "b < S\n[\"{b#h}\",6,{}]");
        asked.1 += count(&outputs, "c < S\n[\"{c#h}\",6,{}]");
        if count(&outputs, "b < ") > 0 {
            room.say("b", "S\n[\"{b#h}\",0,[{}]]");
            room.expect(&[]);
        }
        closed = closed.or(outputs.iter().find(|line| line.starts_with("close ")).map(|line| (version, line.clone())));
    }
    let (version, reason) = closed.unwrap();
    assert!(reason.starts_with("close c: 1013 tinybase:15:unread: "), "{reason}");
    assert_eq!(version, 23, "24 MiB are let pass");
    assert!(asked.0 > 5 && asked.1 == 1, "{asked:?}");
}

#[test]
fn where_all_together_leave_too_much_unread_the_silent_are_closed() {
    let mut room = Harness::holding("", &["a", "b", "c", "d", "e", "f", "g"]);
    let mut closed = Vec::new();
    for version in 0..22 {
        room.say("a", &format!("\n[null,3,{}]", megabyte(0, version)));
        room.pass(200);
        closed.extend(room.outputs().into_iter().filter(|line| line.starts_with("close ")));
        room.say("b", "S\n[\"{b#h}\",0,[{}]]");
        room.outputs();
        assert!(closed.is_empty() || version >= 96 / 6, "{closed:?} at {version}");
    }
    assert!(!closed.is_empty() && closed.iter().all(|line| line.contains(": 1013 tinybase:15:unread: ")), "{closed:?}");
    assert!(closed.iter().all(|line| !line.starts_with("close b")), "{closed:?}");
}

#[test]
fn however_fast_it_comes_what_lies_unread_is_bounded() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    let closed = (0..64).any(|version| {
        room.say("a", &format!("\n[null,3,{}]", megabyte(0, version)));
        room.pass(1);
        room.say("b", "S\n[\"{b#h}\",0,[{}]]");
        count(&room.outputs(), "close c: 1013 tinybase:15:unread: ") == 1
    });
    assert!(closed, "64 MiB lie unread");
}

#[test]
fn a_client_that_asks_for_everything_again_and_again_is_closed() {
    let mut room = Harness::holding(&megabyte(0, 0), &["a", "b"]);
    let mut answers = 0;
    let closed = loop {
        room.say("a", "\n[\"q\",4,{}]");
        let outputs = room.outputs();
        match outputs.iter().find(|line| line.starts_with("close ")) {
            Some(line) => break line.clone(),
            None => answers += count(&outputs, "a < S\n[\"q\",0,"),
        }
        assert!(answers < 300);
    };
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!(answers > 200, "{answers}");
    room.say("b", "\n[\"q\",4,{}]");
    assert_eq!(count(&room.outputs(), "b < S\n[\"q\",0,"), 1);
}

#[test]
fn what_is_owed_goes_no_further_ahead_than_the_client_reads() {
    let settings = Settings { answer_bytes: MB, change_bytes: MB, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default());
    room.connect("w");
    for id in 0..12 {
        room.say("w", &format!("\n[null,3,{}]", megabyte(id, 0)));
        room.pass(10);
        room.outputs();
    }
    room.disconnect("w");
    room.connect("a");
    room.wake();
    room.say("a", "\n[\"q\",4,{}]");
    let mut rows = count(&room.outputs(), "a < S\n[\"q\",0,");
    let mut rounds = 0;
    while rows < 12 {
        let before = rows;
        while room.timeout_in_ms().is_some() {
            room.pass(0);
            rows += count(&room.outputs(), "a < S\n[null,3,");
        }
        assert!(rows > before && rows <= before + 4, "from {before} to {rows} rows");
        rounds += 1;
        room.say("a", "S\n[\"{a#h}\",0,[{}]]");
        room.outputs();
    }
    assert!(rounds >= 3, "{rounds}");
}

/// A room that is just full with one cell.
fn full_room() -> Harness {
    let held = row("r", "\"some text\"", "@older");
    let settings = Settings { max_memory_bytes: store_of([&*held]).memory_bytes(), ..Settings::default() };
    Harness::with(settings, journal::Settings::default()).with_content(&held, &["a", "b"])
}

#[test]
fn a_full_room_takes_nothing_new_and_lets_what_there_is_be_changed_and_deleted() {
    for (edit, taken) in [
        (row("s", "1", "@old"), false),
        (t(r#"[[{"t":[{"r":[{"d":[1,"@old"]}]}]}],[{}],1]"#), false),
        (t(r#"[[{}],[{"v":[1,"@old"]}],1]"#), false),
        (row("r", &format!("\"{}\"", "x".repeat(100_000)), "@old"), false),
        (row("r", "\"another text\"", "@old"), true),
        (row("r", "\"@gone\"", "@old"), true),
    ] {
        let mut room = full_room();
        room.say("a", &format!("\n[null,3,{edit}]"));
        if taken {
            room.expect(&[&keep("a", "append 1", &edit), &relay("a", &edit)]);
        } else {
            let outputs = room.outputs();
            assert!(outputs[0].starts_with("close a: 1013 tinybase:15:room: "), "{outputs:?}");
            assert_eq!(outputs.len(), 1);
        }
    }
}

#[test]
fn of_a_change_that_is_too_much_for_a_full_room_the_rest_is_kept_and_sent() {
    let mut room = full_room();
    let edit = r#"[[{"t":[{"r":[{"c":[2,"@old"]}],"s":[{"c":[3,"@old"]}]}]}],[{}],1]"#;
    room.say("a", &format!("\n[null,3,{edit}]"));
    let outputs = room.outputs();
    let taken = row("r", "2", "@old");
    assert_eq!(outputs[..2], [keep("a", "append 1", &taken), relay("a", &taken)]);
    assert!(outputs[2].starts_with("close a: 1013 tinybase:15:room: "), "{outputs:?}");
}

#[test]
fn small_edits_do_not_make_a_full_room_grow_without_end() {
    let mut room = full_room();
    for version in 0..100 {
        let value = format!("\"{}\"", "x".repeat(900 * version as usize));
        room.connect("c");
        room.say("c", &format!("\n[null,3,{}]", row("r", &value, &stamp(NOW_MS, version, "Carol"))));
        room.pass(10);
        room.outputs();
        room.disconnect("c");
    }
    let memory = room.room.store().memory_bytes();
    assert!(memory < 10_000, "{memory} bytes");
}
