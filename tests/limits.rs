//! What one client may send, ask for and add.
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
use tinyroom::access::{Access, Grant};
use tinyroom::journal;
use tinyroom::json::Reader;
use tinyroom::room::{Input, LOOK_BYTES, Limits, MESSAGE_BYTES, Rate, Settings};
use tinyroom::store::HashTree;

const BURST_BYTES: u64 = Rate::DEFAULT.burst_bytes;

// ── What is sent and asked for ───────────────────────────────────────────────────────────────────────────────────────

/// How often a line begins like this.
fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

/// Lets a client do something again and again until it is closed. Answers how often, and the line.
fn until_closed(room: &mut Harness, mut act: impl FnMut(&mut Harness)) -> (u64, String) {
    let mut times = 0;
    loop {
        act(room);
        if let Some(line) = room.outputs().into_iter().find(|line| line.starts_with("close ")) {
            return (times, line);
        }
        times += 1;
        assert!(times < 1_000_000, "it is never closed");
    }
}

#[test]
fn a_client_that_asks_for_everything_again_and_again_is_closed() {
    let settings = Settings { answer_bytes: 8 << 20, ..Settings::default() };
    let content = row("r", &format!("\"{}\"", "x".repeat(1 << 20)), "@old");
    let mut room = Harness::with(settings, journal::Settings::default()).with_content(&content, &["a", "b"]);
    let (answers, closed) = until_closed(&mut room, |room| room.say("a", "\n[\"q\",4,{}]"));
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert_eq!(answers, BURST_BYTES / content.len() as u64);
    room.say("b", "\n[\"q\",4,{}]");
    assert_eq!(count(&room.outputs(), "b < S\n[\"q\",0,"), 1);
}

/// Nobody has asked for it, but it is long.
#[test]
fn a_client_that_makes_the_room_ask_and_ask_is_closed() {
    let rows: Vec<_> = (0..20_000).map(|n| format!(r#""row number {n}":[{{"c":[1,"@old"]}}]"#)).collect();
    let mut room = Harness::holding(&t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))), &["a", "b"]);
    let name_bytes: usize = (0..20_000).map(|n| format!(r#""row number {n}":0,"#).len()).sum();
    let (questions, closed) =
        until_closed(&mut room, |room| room.say("a", "S\n[\"aaaaaaaaaaa.4bcd\",0,[[{}],{\"t\":1}]]"));
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    let most = BURST_BYTES / (name_bytes as u64 + LOOK_BYTES * 20_001);
    assert!((most - 10..=most).contains(&questions), "{questions} of {most}");
}

/// A room of so many rows, with the clients `a` and `b`.
fn room_of_rows(rows: usize) -> Harness {
    let rows: Vec<_> = (0..rows).map(|n| format!(r#""{n}":[{{"c":[1,"@old"]}}]"#)).collect();
    Harness::holding(&t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))), &["a", "b"])
}

/// Whoever sends these has the room look at every row it holds, and gets a few bytes, or nothing.
#[test]
fn what_the_room_has_to_look_at_is_debited_to_whoever_asks_or_answers() {
    let hashes =
        room_of_rows(2_000).room.store().row_hashes(&HashTree::read(&mut Reader::new("{\"t\":1}"), 1).unwrap());
    let question = format!("\n[\"q\",5,{}]", hashes.unwrap());
    for (text, answer_bytes, looked_at) in [
        (question.as_str(), "[[{}],{}]".len(), 2_000),
        // That all of it is known to be lacking is found out once.
        ("S\n[\"aaaaaaaaaaa.5bcd\",0,[[{}],{\"t\":{}}]]", 0, 2_001),
    ] {
        let mut room = room_of_rows(2_000);
        room.say("a", text);
        room.outputs();
        let (before, long) = (room.room.store().content_hashes(), "x".repeat(1 << 20));
        (0..250).for_each(|_| room.say("a", &long));
        let (times, closed) = until_closed(&mut room, |room| room.say("a", text));
        assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
        let each = (text.len() + answer_bytes) as u64 + LOOK_BYTES * looked_at;
        // Where it makes the room pause each is a little more.
        let [least, most] = [each + MESSAGE_BYTES, each].map(|each| (BURST_BYTES - (250 << 20)) / each);
        let least = least - 250 * MESSAGE_BYTES / each;
        assert!((least - 1..=most).contains(&times), "{times} of {least} to {most}");
        assert_eq!(room.room.store().content_hashes(), before);
        room.say("b", "\n[\"q\",1,\"\"]");
        assert_eq!(count(&room.outputs(), "b < S\n[\"q\",0,"), 1, "nobody else is debited");
    }
}

/// It is not the number of messages that keeps others waiting.
#[test]
fn a_room_that_looks_at_much_for_short_questions_pauses_as_often_as_for_long_ones() {
    let mut room = room_of_rows(20_000);
    room.all_read = false;
    for _ in 0..100 {
        room.say("a", "\n[\"q\",5,{\"t\":{}}]");
        room.outputs();
    }
    let looked_at = 100 * 20_000 * LOOK_BYTES as usize;
    assert!(room.pauses >= looked_at / (2 << 20), "{} pauses", room.pauses);
}

#[test]
fn a_client_that_floods_the_room_with_small_messages_is_closed() {
    let mut room = Harness::holding("", &["a", "b"]);
    let mut messages = 0;
    let (messages, closed) = until_closed(&mut room, |room| {
        messages += 1;
        room.say("a", "\n[\"q\",7,{}]");
        // 30,000 a second.
        room.now_ms += u64::from(messages % 30 == 0);
    });
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!((260_000..400_000).contains(&messages), "{messages}");
}

#[test]
fn heartbeats_are_metered() {
    let long = "x".repeat(1 << 20);
    let mut room = Harness::holding("", &["a", "b"]);
    let (heartbeats, closed) = until_closed(&mut room, |room| room.say("a", &long));
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!((250..=256).contains(&heartbeats), "{heartbeats}");
    let (heartbeats, closed) = until_closed(&mut room, |room| room.say_binary("b", 0));
    assert!(closed.starts_with("close b: 1013 tinybase:15:rate: "), "{closed}");
    assert!((260_000..270_000).contains(&heartbeats), "{heartbeats}");
}

#[test]
fn what_a_backlog_brings_is_debited_as_well() {
    let content = row("r", &format!("\"{}\"", "x".repeat(4 << 20)), "@old");
    let mut room = Harness::holding(&content, &["a", "b"]);
    let long = "x".repeat(1 << 20);
    (0..254).for_each(|_| room.say("a", &long));
    room.say("a", "\n[\"q\",4,{}]");
    room.expect(&["a < S\n[\"q\",0,[[{}],{}]]"]);
    room.pass(0);
    let outputs = room.outputs();
    assert!(outputs.len() == 1 && outputs[0].starts_with("close a: 1013 tinybase:15:rate: "), "{outputs:?}");
}

#[test]
fn a_reader_is_not_debited_for_what_others_write() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.all_read = false;
    let long = "x".repeat(1 << 20);
    (0..254).for_each(|_| room.say("b", &long));
    for version in 0..3 {
        let value = format!("\"{}\"", "x".repeat(4 << 20));
        room.now_ms += 10;
        room.say("a", &format!("\n[null,3,{}]", row("r", &value, &stamp(NOW_MS, version, "Alice"))));
        room.outputs();
    }
    room.acknowledge("b");
    room.pass(0);
    let lines = room.outputs();
    assert_eq!(
        (count(&lines, "b < S\n[null,3,"), count(&lines, "close ")),
        (1, 0),
        "what did not fit comes, and it is there"
    );
}

/// Frames that lie ready come before any timer, and before those of others.
#[test]
fn a_room_that_gets_no_rest_pauses_at_the_cost_of_whoever_gives_it_none() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.all_read = false;
    let ask = |room: &mut Harness, client| {
        room.say(client, "\n[\"q\",7,{}]");
        room.outputs();
    };
    let in_a_slice = (1 << 20) / (1024 + "\n[\"q\",7,{}]".len() + "[{}]".len()) + 1;
    (0..in_a_slice).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 0);
    ask(&mut room, "b");
    assert_eq!(room.pauses, 1);
    (1..in_a_slice).for_each(|_| ask(&mut room, "a"));
    room.handle(Input::Timeout);
    (0..in_a_slice).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 1, "a timer went off in between");
    room.now_ms += 250;
    (0..in_a_slice).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 1, "and here there was time for one");
}

/// The writer of `make bench`: without a pause nobody is debited more than the bytes.
#[test]
fn a_writer_who_waits_for_what_it_sent_makes_no_pauses() {
    let mut room = Harness::holding("", &["a", "b"]);
    let mut edits = 0;
    for _ in 0..30 {
        for _ in 0..500 {
            edits += 1;
            room.say("a", &format!("\n[null,3,{}]", row("r", "1", &stamp(NOW_MS, edits, "Alice"))));
        }
        room.pass(7);
        room.outputs();
    }
    assert!(room.pauses <= 1, "but for the first window: {}", room.pauses);
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
    room.expect(&[&keep("a", &lone), &relay("a", &lone)]);
    let most = 16 << 10;
    (1..=most).for_each(|version| drop(edit(&mut room, version)));
    room.expect(&[]);
    let last = edit(&mut room, most + 1);
    room.expect(&[&keep("a", &last), &relay("a", &last)]);
}

// ── What is added ────────────────────────────────────────────────────────────────────────────────────────────────────

/// A room of one cell that may take so many bytes more.
fn room_with_space(bytes: usize) -> Harness {
    let held = row("r", "\"some text\"", "@older");
    let settings = Settings { max_memory_bytes: store_of([&*held]).memory_bytes() + bytes, ..Settings::default() };
    Harness::with(settings, journal::Settings::default()).with_content(&held, &["a", "b"])
}

/// One that is just full.
fn full_room() -> Harness {
    room_with_space(0)
}

/// What whoever runs the room is told of cells that are refused.
fn warning(client: &str, full: usize, malformed: usize, memory: &str) -> String {
    format!(
        "warn: {client} sent cells that are refused: {full} for which there is no room ({memory} bytes are taken), \
        0 that are too long, or their ids are, and {malformed} marked as an object that hold none"
    )
}

#[test]
fn a_full_room_takes_nothing_new_and_lets_what_there_is_be_changed_and_deleted() {
    for (edit, is_taken) in [
        (row("s", "1", "@old"), false),
        (t(r#"[[{"t":[{"r":[{"d":[1,"@old"]}]}]}],[{}],1]"#), false),
        (t(r#"[[{}],[{"v":[1,"@old"]}],1]"#), false),
        (row("r", &format!("\"{}\"", "x".repeat(100_000)), "@old"), false),
        (row("r", "\"another text\"", "@old"), true),
        (row("r", "\"@gone\"", "@old"), true),
    ] {
        let mut room = full_room();
        room.say("a", &format!("\n[null,3,{edit}]"));
        if is_taken {
            room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
        } else {
            room.expect(&[&warning("a", 1, 0, "624 of 624")]);
        }
    }
}

#[test]
fn a_change_fills_a_room_up_to_its_limit_and_no_further() {
    let mut room = room_with_space(1);
    room.say("a", &t("\n[null,3,[[{\"t\":[{\"s\":[{\"c\":[2,\"@old\"],\"d\":[2,\"@old\"]}],\"u\":[{\"c\":[3,\"@old\"]}]}]}],[{}],1]]"));
    let taken = row("s", "2", "@old");
    let memory = format!("{} of 625", room.room.store().memory_bytes());
    room.expect(&[&keep("a", &taken), &relay("a", &taken), &warning("a", 2, 0, &memory)]);
}

/// One that was let grow when rooms counted otherwise, or had more.
#[test]
fn a_room_that_is_far_over_its_limit_wakes_with_all_that_it_holds() {
    let held = t(
        "[[{\"t\":[{\"r\":[{\"c\":[1,\"@old\"],\"d\":[2,\"@old\"]}],\"s\":[{\"c\":[3,\"@old\"]}]}]}],[{\"v\":[4,\"@old\"]}],1]",
    );
    let settings = Settings { max_memory_bytes: 1, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default());
    room.table = Harness::holding(&held, &[]).table;
    room.wake();
    assert_eq!(room.room.store().content_hashes(), store_of([&*held]).content_hashes());
}

/// It goes on, and what it edits offline of what exists comes in as well.
#[test]
fn what_a_full_room_can_take_it_takes_and_says_once_a_connection_that_there_is_more() {
    let mut room = full_room();
    room.say("a", "\n[null,3,[[{\"t\":[{\"r\":[{\"c\":[2,\"@old\"]}],\"s\":[{\"c\":[3,\"@old\"]}]}]}],[{}],1]]");
    let taken = row("r", "2", "@old");
    let outputs = room.outputs();
    assert_eq!(outputs[..2], [keep("a", &taken), relay("a", &taken)]);
    let memory = format!("{} of 624", room.room.store().memory_bytes());
    assert_eq!(outputs[2..], [warning("a", 1, 0, &memory)]);
    room.say("a", &format!("\n[null,3,{}]", row("s", "3", "@old")));
    room.expect(&[]);
    room.say("b", &format!("\n[null,3,{}]", row("s", "3", "@old")));
    let outputs = room.outputs();
    assert!(outputs.len() <= 1, "{outputs:?}");
    room.say("a", "\n[\"q\",4,{}]");
    assert_eq!(count(&room.outputs(), "a < S\n[\"q\",0,"), 1, "it is still there");
}

#[test]
fn what_a_full_room_refuses_in_an_answer_ends_no_comparison_and_comes_to_rest() {
    let mut room = full_room();
    let held = row("r", "\"some text\"", "@older");
    room.say("a", "\n[null,2,[1,0]]");
    room.expect(&["a < S\n[\"{a#4}\",4,{\"t\":0}]"]);
    room.answer("a", 4, "[[{\"u\":[{\"r\":[{\"c\":[1,\"@old\"]}]}]}],{\"t\":1}]");
    room.expect(&[&warning("a", 1, 0, "624 of 624"), "a < S\n[\"{a#5}\",5,{\"t\":{\"r\":0}}]"]);
    room.answer("a", 5, "[[{\"t\":[{\"s\":[{\"c\":[1,\"@old\"]}]}]}],{\"t\":{\"r\":1}}]");
    room.expect(&["a < S\n[\"{a#6}\",6,{\"t\":{\"r\":{}}}]"]);
    let edit = row("r", "2", "@old");
    room.answer("a", 6, "[{\"t\":[{\"r\":[{\"c\":[2,\"@old\"]}]}]}]");
    room.expect(&[&keep("a", &edit), &relay("a", &edit), "a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_ne!(room.room.store().content_hashes(), store_of([&*held]).content_hashes());
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

/// Clients throw at a value that has the mark of an object and no object behind it.
#[test]
fn malformed_objects_are_refused_cell_by_cell_and_said_once_a_connection() {
    let mut room = Harness::holding("", &["a", "b"]);
    let malformed = "\"\u{fffd}{bad\"";
    room.say("a", &format!("\n[null,3,{}]", row("r", malformed, "@old")));
    room.expect(&[&warning("a", 0, 1, "0 of 67108864")]);
    let edit = format!(
        r#"[[{{"t":[{{"r":[{{"c":[{malformed},"@old"],"d":[1,"@old"]}}]}}]}}],[{{"v":[{malformed}],"w":["{}{{}}"]}}],1]"#,
        '\u{fffd}'
    );
    room.say("a", &format!("\n[null,3,{edit}]"));
    let taken = format!(r#"[[{{"t":[{{"r":[{{"d":[1,"@old"]}}]}}]}}],[{{"w":["{}{{}}"]}}],1]"#, '\u{fffd}');
    room.expect(&[&keep("a", &taken), &relay("a", &taken)]);
    room.pass(10);
    room.say("b", "S\n[\"0123456789a.7bcd\",0,[{\"v\":[\"\u{fffd}[\",\"@old\"],\"w\":[\"\u{fffd}{}\"]}]]");
    let memory = format!("{} of 67108864", room.room.store().memory_bytes());
    room.expect(&[&warning("b", 0, 1, &memory), "b < S\n[\"{b#1}\",1,\"\"]"]);
    room.wake();
    room.say("a", &format!("\n[null,3,{}]", row("r", malformed, "@old")));
    room.expect(&[&warning("a", 0, 1, &memory)]);
}

// ── What can be set ──────────────────────────────────────────────────────────────────────────────────────────────────

fn limited(limits: Limits) -> Harness {
    Harness::with(Settings { limits, ..Settings::default() }, journal::Settings::default())
        .with_content("", &["a", "b"])
}

#[test]
fn one_socket_more_than_there_may_be_is_closed_and_the_others_stay() {
    let mut room = limited(Limits { sockets: 2, ..Limits::DEFAULT });
    room.connect("c");
    room.expect(&["close c: 1013 tinybase:15:sockets: 3 is over the limit of 2 (MAX_SOCKETS)"]);
    room.disconnect("a");
    room.connect("d");
    room.expect(&[]);
    assert_eq!(room.room.connections().count(), 2);
}

#[test]
fn nobody_may_have_more_sockets_than_one_may() {
    let mut room = limited(Limits { sockets_per_sub: 2, ..Limits::DEFAULT });
    let grant = |sub: &str| Grant { sub: Some(sub.to_owned()), ..Grant::of(Access::Read) };
    for (client, sub) in [("c", "ann"), ("d", "ann"), ("e", "bob"), ("f", "bob")] {
        room.connect_with(client, grant(sub));
    }
    room.expect(&[]);
    room.connect_with("g", grant("ann"));
    let reason = "tinybase:15:sockets of one sub: 3 is over the limit of 2 (MAX_SOCKETS_PER_SUB)";
    room.expect(&[&format!("close g: 1013 {reason}")]);
    // Who has no name is nobody in particular.
    for client in ["h", "i", "j"] {
        room.connect(client);
    }
    room.expect(&[]);
    // Nor are those counted anew who sleep.
    room.wake();
    room.connect_with("k", grant("bob"));
    room.expect(&[&format!("close k: 1013 {reason}")]);
}

#[test]
fn a_message_may_be_as_long_as_it_is_set_whole_or_in_parts() {
    let most = "\n[null,3,[[{}],[{\"v\":[\"\",\"@old\"]}],1]]".len() + 12 + 1000;
    for (length, is_taken) in [(1000, true), (1001, false)] {
        for parts in [1, 2] {
            let mut room = limited(Limits { message_bytes: most, ..Limits::DEFAULT });
            let text = t(&format!("[null,3,[[{{}}],[{{\"v\":[\"{}\",\"@old\"]}}],1]]", "x".repeat(length)));
            if parts == 1 {
                room.say("a", &format!("\n{text}"));
            } else {
                let (first, second) = text.split_at(500);
                for (index, part) in [first, second].iter().enumerate() {
                    room.say("a", &format!("\n0123456789abcdef\n{index}\n2\n{part}"));
                }
            }
            let lines = room.outputs();
            let closed = format!(
                "close a: 1013 tinybase:15:socket: {} is over the limit of {most} (MAX_MESSAGE_BYTES)",
                most + 1
            );
            assert_eq!(lines.contains(&closed), !is_taken, "{length} in {parts}: {lines:?}");
            assert_eq!(lines[0].starts_with("keep a"), is_taken);
        }
    }
}

#[test]
fn what_is_too_long_or_under_a_name_that_is_is_refused_cell_by_cell() {
    let mut room = limited(Limits { value_bytes: 6, id_bytes: 3, ..Limits::DEFAULT });
    let change = t(
        r#"[[{"t":[{"r":[{"abc":["1234","@old"],"d":["12345","@old"],"abcd":[1,"@old"]}],"long":[{"c":[1,"@old"]}]}],"long":[{"r":[{"c":[1,"@old"]}]}]}],[{"v":["12345","@old"],"vvvv":[1,"@old"],"w":[1,"@old"]}],1]"#,
    );
    let taken = t(r#"[[{"t":[{"r":[{"abc":["1234","@old"]}]}]}],[{"w":[1,"@old"]}],1]"#);
    room.say("a", &format!("\n[null,3,{change}]"));
    let lines = room.outputs();
    assert_eq!(lines[..2], [keep("a", &taken), relay("a", &taken)]);
    assert!(lines[2].contains("6 that are too long, or their ids are"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    // What is there already can be deleted, and changed to something shorter.
    let change = row("r", "\"@gone\"", "@new").replace("\"c\"", "\"abc\"");
    room.pass(100);
    room.say("a", &format!("\n[null,3,{change}]"));
    room.expect(&[&keep("a", &change), &relay("a", &change)]);
}

#[test]
fn a_client_may_send_as_much_as_it_is_set() {
    let rate = Rate { burst_bytes: 5000, bytes_per_s: 1000 };
    let mut room = limited(Limits { rate, ..Limits::DEFAULT });
    let (times, closed) = until_closed(&mut room, |room| room.say("a", &"x".repeat(1000)));
    assert_eq!(times, 5);
    assert!(closed.ends_with("is over the limit of 5000 (CLIENT_BURST_BYTES)"), "{closed}");
    for _ in 0..20 {
        room.pass(1000);
        room.say("b", &"x".repeat(1000));
    }
    room.expect(&[]);
}
