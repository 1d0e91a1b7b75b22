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
use support::texts::{hashes_of, keep, relay, row, t};
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

/// Lets `a` change a row, a megabyte at a time and so many milliseconds apart, while `reads` answer when they are asked
/// whether they read. Answers what `watched` is sent of it, how often it is asked, and how it is closed, after how many.
fn megabytes(
    room: &mut Harness,
    versions: std::ops::Range<u32>,
    ms: u64,
    reads: &[&str],
    watched: &str,
) -> (usize, usize, Option<(u32, String)>) {
    let (mut sent, mut asked, mut closed) = (0, 0, None);
    for version in versions {
        room.say("a", &format!("\n[null,3,{}]", megabyte(0, version)));
        room.pass(ms);
        let outputs = room.outputs();
        assert_eq!((count(&outputs, "keep a: "), count(&outputs, "all but a")), (1, 1));
        let relay = outputs.iter().find(|line| line.starts_with("all but a")).unwrap();
        let is_left_out = relay.split(" < ").next().unwrap().split(' ').any(|name| name == watched);
        sent += usize::from(!is_left_out && closed.is_none());
        asked += count(&outputs, &format!("{watched} < S\n[\"{{{watched}#h}}\",6,{{}}]"));
        for reader in reads {
            if count(&outputs, &format!("{reader} < ")) > 0 {
                room.answer_that_it_reads(reader);
                room.expect(&[]);
            }
        }
        closed = closed.or(outputs
            .iter()
            .find(|line| line.starts_with(&format!("close {watched}")))
            .map(|line| (version, line.clone())));
    }
    (sent, asked, closed)
}

#[test]
fn a_client_that_does_not_read_is_left_behind_and_then_closed_and_the_others_notice_nothing() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    let (sent, asked, closed) = megabytes(&mut room, 0..30, 500, &["b"], "c");
    assert_eq!((sent, asked), (8, 1), "its share of 8 MiB, and no question twice");
    let (version, reason) = closed.unwrap();
    assert!(reason.starts_with("close c: 1013 tinybase:15:unread: "), "{reason}");
    assert_eq!(version, 19, "10 s after it was asked");
    assert_eq!(megabytes(&mut room, 30..60, 500, &["b"], "b"), (30, 30, None), "whoever reads gets all");
}

#[test]
fn whatever_a_client_says_that_does_not_read_it_is_left_behind() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    let mut sent = 0;
    for version in 0..20 {
        sent += megabytes(&mut room, version..version + 1, 100, &["b"], "c").0;
        for text in ["S\n[\"\",0,[{}]]", "S\n[\"0123456789a.hbcd\",0,[{}]]", "\n[null,2,[0,0]]"] {
            room.say("c", text);
        }
        room.outputs();
    }
    assert_eq!(sent, 8);
}

#[test]
fn a_client_that_was_left_behind_is_told_the_hashes_when_it_has_read() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    assert_eq!(megabytes(&mut room, 0..12, 100, &["b"], "c"), (8, 1, None));
    // It was asked behind the second megabyte, and is asked again behind the eighth.
    room.answer_that_it_reads("c");
    room.expect(&["c < S\n[\"{c#h}\",6,{}]"]);
    room.answer_that_it_reads("c");
    room.expect(&[&format!("c < S\n[null,2,{}]", hashes_of(&[&megabyte(0, 11)]))]);
    assert_eq!(megabytes(&mut room, 12..15, 100, &["b", "c"], "c"), (3, 3, None), "and gets changes again");
}

/// The question that it answers may come from before the room was evicted, and the room have left it behind then.
#[test]
fn a_client_that_answers_a_question_the_room_has_forgotten_is_told_the_hashes() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    megabytes(&mut room, 0..12, 100, &["b"], "c");
    room.wake();
    room.answer_that_it_reads("c");
    room.expect(&[&format!("c < S\n[null,2,{}]", hashes_of(&[&megabyte(0, 11)]))]);
}

/// What it was asked may be among what was not sent.
#[test]
fn after_a_commit_that_failed_nobody_is_closed_for_a_question_that_was_lost() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    assert_eq!(megabytes(&mut room, 0..7, 100, &["b"], "c"), (7, 1, None));
    room.fail();
    room.outputs();
    room.pass(20_000);
    assert_eq!(megabytes(&mut room, 7..12, 100, &["b"], "c"), (5, 1, None));
    room.answer_that_it_reads("c");
    assert_eq!(room.outputs().len(), 1, "it is asked for the rest");
}

#[test]
fn where_all_together_leave_too_much_unread_the_silent_are_closed() {
    let content = t(&format!("[[{{}}],[{{\"v\":[\"{}\",\"@older\"]}}],1]", "x".repeat(7 * MB)));
    let mut room = Harness::holding(&content, &["a", "b", "c", "d", "e"]);
    let ask = |room: &mut Harness, clients: &[&str]| {
        let mut closed = Vec::new();
        for client in clients {
            room.say(client, "\n[\"q\",7,{}]");
            closed.extend(room.outputs().into_iter().filter(|line| line.starts_with("close ")));
        }
        closed
    };
    for _ in 0..3 {
        assert_eq!(ask(&mut room, &["a", "b", "c", "d"]), [""; 0], "4 × 21 MiB");
    }
    room.pass(10_000);
    room.answer_that_it_reads("a");
    room.outputs();
    assert_eq!(ask(&mut room, &["e", "e"]), [""; 0], "a has read 7 MiB of its 21");
    let closed = ask(&mut room, &["a"]);
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(closed[0].contains(": 1013 tinybase:15:unread: ") && !closed[0].starts_with("close a"), "{closed:?}");
}

#[test]
fn however_fast_it_comes_what_lies_unread_is_bounded() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    assert_eq!(megabytes(&mut room, 0..64, 1, &["b"], "c"), (8, 1, None));
    // Answers are what a client asked for, and it is not left without them, but there is an end.
    let mut answers = 0;
    let closed = loop {
        room.say("c", "\n[\"q\",4,{}]");
        let outputs = room.outputs();
        match outputs.iter().find(|line| line.starts_with("close ")) {
            Some(line) => break line.clone(),
            None => answers += count(&outputs, "c < S\n[\"q\",0,"),
        }
    };
    assert!(closed.starts_with("close c: 1013 tinybase:15:unread: "), "{closed}");
    assert_eq!(answers, 48 - 8 - 1);
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
        if count(&outputs, "a < S\n[\"{a#h}\",6,{}]") > 0 {
            room.answer_that_it_reads("a");
            room.outputs();
        }
        assert!(answers < 300);
    };
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!(answers > 200, "{answers}");
    room.say("b", "\n[\"q\",4,{}]");
    assert_eq!(count(&room.outputs(), "b < S\n[\"q\",0,"), 1);
}

#[test]
fn a_client_that_floods_the_room_with_small_messages_is_closed() {
    let mut room = Harness::holding("", &["a", "b"]);
    let mut messages = 0;
    let closed = loop {
        room.say("a", "\n[\"q\",7,{}]");
        messages += 1;
        if let Some(line) = room.outputs().into_iter().find(|line| line.starts_with("close ")) {
            break line;
        }
        // 30,000 a second.
        room.now_ms += u64::from(messages % 30 == 0);
    };
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!((260_000..400_000).contains(&messages), "{messages}");
}

#[test]
fn a_flood_of_edits_leaves_before_its_window_ends() {
    let mut room = Harness::holding("", &["a", "b"]);
    let edit = |room: &mut Harness, version: u32| {
        let edit = row("r", &version.to_string(), &stamp(NOW_MS, version, "Alice"));
        room.say("a", &format!("\n[null,3,{edit}]"));
        edit
    };
    let lone = edit(&mut room, 0);
    room.expect(&[&keep("a", "create + insert 1", &lone), &relay("a", &lone)]);
    let most = 16 << 10;
    (1..=most).for_each(|version| drop(edit(&mut room, version)));
    room.expect(&[]);
    let last = edit(&mut room, most + 1);
    room.expect(&[&keep("a", "append 1", &last), &relay("a", &last)]);
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
        room.answer_that_it_reads("a");
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
