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
use tinyroom::room::{Input, Settings};

const MB: usize = 1 << 20;

/// A room that holds this, with clients that may be answered at length.
fn generous_room(content: &str, clients: &[&'static str]) -> Harness {
    let settings = Settings { answer_bytes: 8 * MB, ..Settings::default() };
    Harness::with(settings, journal::Settings::default()).with_content(content, clients)
}

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
    assert_eq!(version, 20, "10 s after it was asked");
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
    let [small, large] = [900 << 10, 7 * MB].map(|length| "x".repeat(length));
    let content = t(&format!(r#"[[{{}}],[{{"s":["{small}","@older"],"l":["{large}","@older"]}}],1]"#));
    let mut room = generous_room(&content, &["a", "b", "c", "d", "e", "f"]);
    let ask = |room: &mut Harness, clients: &[&str]| {
        let mut closed = Vec::new();
        for client in clients {
            room.say(client, "\n[\"q\",7,{}]");
            closed.extend(room.outputs().into_iter().filter(|line| line.starts_with("close ")));
        }
        closed
    };
    for _ in 0..3 {
        assert_eq!(ask(&mut room, &["a", "b", "c", "d"]), [""; 0], "4 × 23.7 MiB");
    }
    room.pass(10_000);
    room.answer_that_it_reads("a");
    room.outputs();
    assert_eq!(
        ask(&mut room, &["e", "e"]),
        [""; 0],
        "a has read a third, and e gets the small value alone the second time"
    );
    let closed = ask(&mut room, &["f"]);
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(closed[0].contains(": 1013 tinybase:15:unread: ") && !closed[0].starts_with("close a"), "{closed:?}");
}

#[test]
fn however_fast_it_comes_what_lies_unread_is_bounded() {
    let mut room = generous_room("", &["a", "b", "c"]);
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

/// So many clients' names.
fn names(count: usize) -> Vec<&'static str> {
    (0..count).map(|n| &*Box::leak(format!("client {n}").into_boxed_str())).collect()
}

/// A room of 256 rows of 16 KiB: 4 MiB.
fn large_room(clients: &[&'static str]) -> Harness {
    let value = "x".repeat(16 << 10);
    let rows: Vec<_> = (0..256).map(|n| format!(r#""r{n}":[{{"c":["{value}","@old"]}}]"#)).collect();
    generous_room(&t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))), clients)
}

/// How many bytes lines hold that are sent, to each of so many where they are to all.
fn bytes_sent(lines: &[String], clients: usize) -> usize {
    let bytes = |line: &String| match line.split(" < ").next().unwrap_or_default() {
        to if to.starts_with("all but ") => line.len() * (clients - to.matches("client").count()),
        to if to.starts_with("keep ") || to.starts_with("close ") => 0,
        _ => line.len(),
    };
    lines.iter().map(bytes).sum()
}

#[test]
fn a_crowd_that_opens_a_large_room_at_once_gets_it_piece_by_piece_as_it_reads() {
    let clients = names(50);
    let mut room = large_room(&clients);
    let mut sent = 0;
    for client in &clients {
        room.say(client, "\n[\"q\",4,{}]");
        sent += bytes_sent(&room.outputs(), clients.len());
    }
    assert!((96 * MB..(96 + 4 + 26 / 2) * MB).contains(&sent), "{} MiB to 50 who have not read yet", sent / MB);
    // One of the last reads all the same, and the others do not.
    let reader = "client 49";
    let mut rows = 0;
    for round in 0.. {
        room.pass(0);
        let lines = room.outputs();
        assert!(bytes_sent(&lines, clients.len()) < 2 * MB, "one piece at a time");
        rows += lines.iter().filter(|line| line.starts_with("client 49 < S\n[null,3,")).count();
        if count(&lines, "client 49 < S\n[\"{client 49#1}\",1,") > 0 {
            break;
        }
        assert!(round < 1000, "the reader has not got all");
        if room.timeout_in_ms().is_none() {
            room.answer_that_it_reads(reader);
            room.outputs();
        }
    }
    assert!(rows > 4, "{rows} pieces");
}

#[test]
fn those_who_ask_again_and_again_and_do_not_read_cannot_fill_the_memory_together() {
    let clients = names(25);
    let mut room = large_room(&clients);
    let mut sent = 0;
    for _ in 0..12 {
        for client in &clients {
            room.say(client, "\n[\"q\",4,{}]");
            sent += bytes_sent(&room.outputs(), clients.len());
        }
    }
    // The total, and for each its share and a little.
    assert!(sent < (96 + 96 + 25) * MB, "{} MiB", sent / MB);
}

#[test]
fn of_a_large_change_in_a_crowd_some_are_told_when_they_have_read() {
    let clients = names(200);
    let mut room = Harness::holding("", &clients);
    let change = megabyte(0, 0);
    room.say("client 0", &format!("\n[null,3,{change}]"));
    let lines = room.outputs();
    let sent = bytes_sent(&lines, clients.len());
    assert!((95 * MB..97 * MB).contains(&sent), "{} MiB", sent / MB);
    let left_behind = lines.iter().find(|line| line.starts_with("all but ")).unwrap();
    let left_behind = left_behind.split(" < ").next().unwrap();
    assert!(left_behind.ends_with(" client 199"), "{left_behind}");
    room.answer_that_it_reads("client 199");
    room.expect(&[&format!("client 199 < S\n[null,2,{}]", hashes_of(&[&change]))]);
    // And it is told as much of what is there as any other.
    room.say("client 199", "\n[\"q\",4,{}]");
    assert_eq!(count(&room.outputs(), "client 199 < S\n[\"q\",0,"), 1);
}

#[test]
fn what_is_scattered_all_over_a_room_is_owed_with_what_lies_between() {
    let clients = ["a"];
    let settings = Settings { answer_bytes: 40, change_bytes: 1000, ..Settings::default() };
    let rows: Vec<_> = (0..5000).map(|n| format!(r#""{n}":[{{"c":[1,"@old"]}}]"#)).collect();
    let content = t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(",")));
    let mut room = Harness::with(settings, journal::Settings::default()).with_content(&content, &clients);
    // It has every other row.
    let has: Vec<_> = (0..5000).step_by(2).map(|n| format!("\"{n}\":1")).collect();
    room.say("a", &format!("\n[\"q\",5,{{\"t\":{{{}}}}}]", has.join(",")));
    let mut lines = room.outputs();
    while room.timeout_in_ms().is_some() {
        room.pass(0);
        lines.extend(room.outputs());
        if count(&lines[lines.len() - 1..], "a < S\n[\"{a#h}\",6,{}]") > 0 {
            room.answer_that_it_reads("a");
        }
    }
    let all = lines.join("");
    let sent = |n: usize| all.contains(&format!("\"{n}\":[{{\"c\":[1,"));
    assert!((1..5000).step_by(2).all(sent), "what it lacks");
    assert!((0..5000).step_by(2).any(sent), "and some that it does not");
}

#[test]
fn a_client_that_asks_for_everything_again_and_again_is_closed() {
    let mut room = generous_room(&megabyte(0, 0), &["a", "b"]);
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

/// Frames that lie ready come before any timer, and before those of others.
#[test]
fn a_room_that_gets_no_rest_pauses_at_the_cost_of_whoever_gives_it_none() {
    let mut room = Harness::holding("", &["a", "b"]);
    let ask = |room: &mut Harness, client| {
        room.say(client, "\n[\"q\",7,{}]");
        room.outputs();
    };
    let in_a_turn = (1 << 20) / (1024 + "\n[\"q\",7,{}]".len()) + 1;
    (0..in_a_turn).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 0);
    ask(&mut room, "b");
    assert_eq!(room.pauses, 1);
    (1..in_a_turn).for_each(|_| ask(&mut room, "a"));
    room.handle(Input::Timeout);
    (0..in_a_turn).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 1, "a timer went off in between");
    room.now_ms += 250;
    (0..in_a_turn).for_each(|_| ask(&mut room, "a"));
    assert_eq!(room.pauses, 1, "and here there was time for one");
}

/// The writer of `make bench`, with more messages than close one who floods.
#[test]
fn a_writer_who_waits_for_what_it_sent_may_go_on_for_ever() {
    let mut room = Harness::holding("", &["a", "b"]);
    let mut edits = 0;
    for _ in 0..600 {
        for _ in 0..500 {
            edits += 1;
            room.say("a", &format!("\n[null,3,{}]", row("r", "1", &stamp(NOW_MS, edits, "Alice"))));
        }
        room.pass(7);
        let outputs = room.outputs();
        assert!(count(&outputs, "close ") == 0, "{outputs:?}");
        if count(&outputs, "b < S\n[\"{b#h}\",6,{}]") > 0 {
            room.answer_that_it_reads("b");
        }
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
        let mut asks = true;
        while asks {
            room.answer_that_it_reads("a");
            asks = count(&room.outputs(), "a < S\n[\"{a#h}\",6,{}]") > 0;
        }
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

/// The room has forgotten the client by then: nobody would close it later.
#[test]
fn a_client_that_is_closed_is_closed_though_the_commit_before_it_failed() {
    let mut room = full_room();
    room.say("a", "\n[null,3,[[{\"t\":[{\"r\":[{\"c\":[2,\"@old\"]}],\"s\":[{\"c\":[3,\"@old\"]}]}]}],[{}],1]]");
    room.fail();
    let outputs = room.outputs();
    assert!(outputs[0].starts_with("close a: 1013 tinybase:15:room: "), "{outputs:?}");
    assert_eq!(outputs[1..], ["b < S\n[\"{b#1}\",1,\"\"]"]);
}

/// Nobody has asked for it, but it is long.
#[test]
fn a_client_that_makes_the_room_ask_and_ask_is_closed() {
    let rows: Vec<_> = (0..20_000).map(|n| format!(r#""row number {n}":[{{"c":[1,"@old"]}}]"#)).collect();
    let mut room = Harness::holding(&t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))), &["a", "b"]);
    let mut questions = 0;
    let closed = loop {
        room.say("a", "S\n[\"aaaaaaaaaaa.4bcd\",0,[[{}],{\"t\":1}]]");
        let outputs = room.outputs();
        if count(&outputs, "a < S\n[\"{a#h}\",6,{}]") > 0 {
            room.answer_that_it_reads("a");
            room.outputs();
        }
        match outputs.iter().find(|line| line.starts_with("close ")) {
            Some(line) => break line.clone(),
            None => questions += count(&outputs, "a < S\n[\"{a#5}\",5,{\"t\":{"),
        }
    };
    assert!(closed.starts_with("close a: 1013 tinybase:15:rate: "), "{closed}");
    assert!((300..500).contains(&questions), "{questions}");
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
