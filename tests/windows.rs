//! How far ahead of its clients a room sends: probes, backlogs, and what all may leave unread.
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
use support::texts::{keep, relay, row, t};
use tinyroom::journal;
use tinyroom::room::{MAX_CLIENT_BYTES, MAX_UNACKED_BYTES, Settings};

const MB: usize = 1 << 20;

/// A room with clients that acknowledge nothing by themselves.
fn room_of(clients: &[&'static str]) -> Harness {
    let mut room = Harness::holding("", clients);
    room.all_read = false;
    room
}

/// Lets `a` set a row, 10 ms after whatever was before. Answers the change, and the room's outputs.
fn edit(room: &mut Harness, id: &str, version: u32) -> (String, Vec<String>) {
    let change = row(id, &version.to_string(), &stamp(NOW_MS, version, "Alice"));
    room.now_ms += 10;
    room.say("a", &format!("\n[null,3,{change}]"));
    (change, room.outputs())
}

/// A change as a client of the others is sent it by the room.
fn sent(client: &str, change: &str) -> String {
    format!("{client} < S\n[null,3,{change}]")
}

fn probe(client: &str) -> String {
    format!("{client} < S\n[\"{{{client}#h}}\",6,{{}}]")
}

fn asks_hashes(client: &str) -> String {
    format!("{client} < S\n[\"{{{client}#1}}\",1,\"\"]")
}

/// Lets a client answer the last probe. Nothing comes of that at once but the next.
fn acknowledge(room: &mut Harness, client: &str) {
    room.acknowledge(client);
    let outputs = room.outputs();
    assert!(outputs.is_empty() || outputs == [probe(client)], "{outputs:?}");
}

/// What backlogs bring, without the probes.
fn from_backlogs(room: &mut Harness) -> Vec<String> {
    let mut lines = Vec::new();
    while room.timeout_in_ms() == Some(0) {
        room.pass(0);
        lines.extend(room.outputs().into_iter().filter(|line| !line.ends_with(",6,{}]")));
    }
    lines
}

/// Lets time pass with a client here that sends something now and then.
fn wait(room: &mut Harness, ms: u64) {
    for passed_ms in (0..ms).step_by(10_000) {
        room.now_ms += 10_000.min(ms - passed_ms);
        room.say("a", "ping");
    }
}

/// How often a line begins like this.
fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

// ── Each client's window ─────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn who_does_not_acknowledge_is_sent_a_few_frames_and_then_the_newest_of_each_cell_in_one() {
    let mut room = room_of(&["a", "c"]);
    let mut probes = 0;
    for version in 0..3 {
        let (change, outputs) = edit(&mut room, "r", version);
        // The second change tells that there is traffic. What is sent before it is acknowledged first.
        let is_probed = version == 1;
        let expected = [keep("a", &change), probe("c"), relay("a", &change)];
        assert_eq!(outputs, expected.into_iter().filter(|line| is_probed || *line != probe("c")).collect::<Vec<_>>());
        probes += usize::from(is_probed);
    }
    assert_eq!(probes, 1, "four frames in all");
    for version in 3..20 {
        for id in ["r", "s"] {
            let (change, outputs) = edit(&mut room, id, version);
            assert_eq!(outputs, [keep("a", &change), format!("all but a c < a\n[null,3,{change}]")]);
        }
    }
    assert_eq!(room.timeout_in_ms(), None);
    acknowledge(&mut room, "c");
    let newest = stamp(NOW_MS, 19, "Alice");
    let both = format!(r#"[[{{"t":[{{"r":[{{"c":[19,"{newest}"]}}],"s":[{{"c":[19,"{newest}"]}}]}}]}}],[{{}}],1]"#);
    assert_eq!(from_backlogs(&mut room), [sent("c", &both)]);
    acknowledge(&mut room, "c");
    let (change, outputs) = edit(&mut room, "r", 20);
    assert_eq!(outputs[..2], [keep("a", &change), relay("a", &change)], "it keeps up again");
}

#[test]
fn while_there_is_a_backlog_changes_go_the_same_way() {
    let mut room = room_of(&["a", "c"]);
    (0..10).for_each(|version| drop(edit(&mut room, "r", version)));
    acknowledge(&mut room, "c");
    let (change, outputs) = edit(&mut room, "s", 10);
    assert_eq!(outputs[1], format!("all but a c < a\n[null,3,{change}]"), "not before the others");
    let lines = from_backlogs(&mut room);
    assert!(lines[0].contains("\"r\":[{\"c\":[9,") && lines[0].contains("\"s\":[{\"c\":[10,"), "{lines:?}");
    assert_eq!(lines.len(), 1);
}

#[test]
fn nothing_but_an_answer_to_the_probe_acknowledges_and_any_answer_to_it_does() {
    for (text, acknowledges) in [
        ("S\n[\"\",0,[{}]]", false),
        ("S\n[\"0123456789a.hbcd\",0,[{}]]", false),
        ("S\n[\"{c#h}\",7,{}]", false),
        ("{a}\n[\"{c#h}\",0,[{}]]", false),
        ("S\n[\"{c#h}\",0,[{}]]", true),
        ("\n[\"{c#h}\",0,[{},\"@old\"]]", true),
        ("S\n[\"{c#h}\",0,[1,2]]", true),
        ("S\n[\"{c#h}\",0,[[{}],{}]]", true),
        ("S\n[\"{c#h}\",0,[{\"v\":[1]}]]", true),
    ] {
        let mut room = room_of(&["a", "c"]);
        (0..10).for_each(|version| drop(edit(&mut room, "r", version)));
        room.say("c", text);
        room.outputs();
        assert_eq!(from_backlogs(&mut room).len(), usize::from(acknowledges), "{text}");
    }
}

#[test]
fn an_acknowledgement_that_is_late_holds_back_what_follows() {
    for (late_ms, is_held_back) in [(1_000, false), (1_001, true)] {
        let mut room = room_of(&["a", "c"]);
        edit(&mut room, "r", 0);
        assert_eq!(edit(&mut room, "r", 1).1[1], probe("c"));
        room.now_ms += late_ms - 10;
        let (change, outputs) = edit(&mut room, "r", 2);
        let held_back = format!("all but a c < a\n[null,3,{change}]");
        assert_eq!(outputs[1], if is_held_back { held_back } else { relay("a", &change) });
    }
}

#[test]
fn whoever_reads_notices_nothing_of_who_does_not() {
    let mut room = room_of(&["a", "b", "c"]);
    let mut sent_to_b = 0;
    for version in 0..1000 {
        let (_, outputs) = edit(&mut room, "r", version);
        let relay = outputs.iter().find(|line| line.starts_with("all but a")).unwrap();
        let but: Vec<_> = relay.split(" < ").next().unwrap().split(' ').collect();
        sent_to_b += usize::from(!but.contains(&"b"));
        assert!(version < 3 || but.contains(&"c"));
        assert_eq!(outputs.len(), 2 + count(&outputs, &probe("b")) + count(&outputs, &probe("c")));
        if count(&outputs, &probe("b")) > 0 {
            room.acknowledge("b");
            room.expect(&[]);
        }
    }
    assert_eq!(sent_to_b, 1000);
}

#[test]
fn a_client_is_closed_for_no_silence_alone() {
    let mut room = room_of(&["a", "c"]);
    for version in 0..100 {
        if version > 10 {
            wait(&mut room, 60_000);
        }
        let (_, outputs) = edit(&mut room, "r", version);
        assert_eq!(count(&outputs, "close "), 0);
    }
    acknowledge(&mut room, "c");
    assert_eq!(from_backlogs(&mut room), [sent("c", &row("r", "99", &stamp(NOW_MS, 99, "Alice")))]);
}

/// Frames that come so far apart pile up nowhere.
#[test]
fn a_trickle_is_not_probed() {
    let mut room = room_of(&["a", "c"]);
    for version in 0..100 {
        wait(&mut room, 8_000);
        let (change, outputs) = edit(&mut room, "r", version);
        assert_eq!(outputs, [keep("a", &change), relay("a", &change)]);
    }
}

/// The probe that it answers may come from before the room was evicted, and so may its backlog.
#[test]
fn a_client_that_acknowledges_what_the_room_has_forgotten_is_asked_what_it_holds() {
    let mut room = room_of(&["a", "c"]);
    (0..10).for_each(|version| drop(edit(&mut room, "r", version)));
    room.wake();
    room.acknowledge("c");
    room.expect(&[&asks_hashes("c")]);
}

/// A room with a client `c` that loads, and was not sent the newest of ten edits: it reads, and its window was full.
fn room_of_one_that_loads() -> Harness {
    let mut room = room_of(&["a"]);
    room.connect("c");
    room.say("c", "\n[\"q\",1,\"\"]");
    room.outputs();
    (0..10).for_each(|version| drop(edit(&mut room, "r", version)));
    acknowledge(&mut room, "c");
    room
}

#[test]
fn a_client_that_loads_is_sent_its_backlog_when_it_has_loaded() {
    let mut room = room_of_one_that_loads();
    assert_eq!(from_backlogs(&mut room), [""; 0]);
    room.say("c", "\n[null,2,[1,0]]");
    room.outputs();
    let newest = sent("c", &row("r", "9", &stamp(NOW_MS, 9, "Alice")));
    assert_eq!(from_backlogs(&mut room), [newest, asks_hashes("c")]);
}

#[test]
fn who_has_asked_and_never_says_what_it_holds_is_sent_its_backlog_in_the_end() {
    let mut room = room_of_one_that_loads();
    room.pass(900);
    assert_eq!(room.outputs(), [asks_hashes("c"), probe("c")]);
    acknowledge(&mut room, "c");
    room.pass(14_999);
    assert_eq!(from_backlogs(&mut room), [""; 0]);
    room.pass(1);
    let newest = sent("c", &row("r", "9", &stamp(NOW_MS, 9, "Alice")));
    assert_eq!(from_backlogs(&mut room), [newest]);
}

/// The room would be in memory all the while.
#[test]
fn nothing_is_waited_for_where_who_never_says_what_it_holds_has_no_backlog() {
    let mut room = room_of(&["a"]);
    room.connect("c");
    room.say("c", "\n[\"q\",1,\"\"]");
    room.outputs();
    room.pass(1_000);
    assert_eq!(room.outputs(), [asks_hashes("c")]);
    assert_eq!(room.timeout_in_ms(), None);
    // A backlog that comes later waits for the rest of the time, which the next question begins anew.
    wait(&mut room, 10_000);
    room.say("c", "\n[\"q\",4,{}]");
    room.outputs();
    assert_eq!(room.timeout_in_ms(), None);
    wait(&mut room, 10_000);
    (0..10).for_each(|version| drop(edit(&mut room, "r", version)));
    acknowledge(&mut room, "c");
    room.outputs();
    assert!(matches!(room.timeout_in_ms(), Some(4_000..=5_000)), "{:?}", room.timeout_in_ms());
}

#[test]
fn a_backlog_goes_no_further_ahead_than_the_window() {
    let value = "x".repeat(20_000);
    let rows: Vec<_> = (0..40).map(|n| format!(r#""r{n}":[{{"c":["{value}","@old"]}}]"#)).collect();
    let mut room = Harness::holding(&t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))), &["a"]);
    room.all_read = false;
    room.say("a", "\n[null,2,[0,0]]");
    let (mut rows, mut rounds) = (Vec::new(), 0);
    loop {
        let before = rows.len();
        let lines = from_backlogs(&mut room);
        for line in &lines {
            let ends = line.match_indices("\":[{\"c\":[\"").map(|(end, _)| end);
            rows.extend(ends.map(|end| line[..end].rsplit('"').next().unwrap().to_owned()));
        }
        // 128 KiB, and twice as much at most each time that it was acknowledged, by a client that takes its time.
        let bytes = (rows.len() - before) * 20_000;
        assert!(bytes < (128 << 10) << rounds, "{bytes} bytes in round {rounds}");
        if lines.contains(&asks_hashes("a")) {
            break;
        }
        rounds += 1;
        assert!(rounds < 20, "{rows:?}");
        room.now_ms += 1_500;
        acknowledge(&mut room, "a");
    }
    let all: Vec<_> = (0..40).map(|n| format!("r{n}")).collect();
    assert_eq!(rows, all, "each once, in order");
    assert!(rounds >= 3, "{rounds}");
}

#[test]
fn what_is_scattered_all_over_a_room_is_sent_with_what_lies_between() {
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
            room.acknowledge("a");
        }
    }
    let all = lines.join("");
    let sent = |n: usize| all.contains(&format!("\"{n}\":[{{\"c\":[1,"));
    assert!((1..5000).step_by(2).all(sent), "what it lacks");
    assert!((0..5000).step_by(2).any(sent), "and some that it does not");
}

// ── All together ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// So many clients' names.
fn names(count: usize) -> Vec<&'static str> {
    (0..count).map(|n| &*Box::leak(format!("client {n}").into_boxed_str())).collect()
}

/// A room that holds this, with clients that may be answered at length and acknowledge nothing by themselves.
fn generous_room(content: &str, clients: &[&'static str]) -> Harness {
    let settings = Settings { answer_bytes: 8 * MB, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default()).with_content(content, clients);
    room.all_read = false;
    room
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
    let mut pieces = 0;
    for round in 0.. {
        room.pass(0);
        let lines = room.outputs();
        assert!(bytes_sent(&lines, clients.len()) < 2 * MB, "one piece at a time");
        pieces += count(&lines, "client 49 < S\n[null,3,");
        if count(&lines, &asks_hashes(reader)) > 0 {
            break;
        }
        assert!(round < 2000, "the reader has not got all");
        if room.timeout_in_ms() != Some(0) {
            room.acknowledge(reader);
            room.outputs();
        }
    }
    assert!(pieces > 4, "{pieces} pieces");
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
fn a_large_change_in_a_crowd_reaches_some_when_they_have_read() {
    let clients = names(200);
    let mut room = generous_room("", &clients);
    let change = row("r", &format!("\"{}\"", "x".repeat(MB)), "@old");
    room.say("client 0", &format!("\n[null,3,{change}]"));
    let mut lines = room.outputs();
    let sent_at_once = bytes_sent(&lines, clients.len());
    assert!((95 * MB..97 * MB).contains(&sent_at_once), "{} MiB", sent_at_once / MB);
    lines.extend(from_backlogs(&mut room));
    let sent_in_all = bytes_sent(&lines, clients.len());
    assert!(sent_in_all < 97 * MB, "{} MiB to those who have not read", sent_in_all / MB);
}

/// Changes go to nobody beyond its window, and answers are short then: what is left are the room's own questions.
#[test]
fn a_client_that_leaves_too_much_unread_is_closed() {
    let rows: Vec<_> = (0..20_000).map(|n| format!(r#""row number {n} {}":[{{"c":[1]}}]"#, "x".repeat(90))).collect();
    let content = format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","));
    let ask = |room: &mut Harness| {
        room.say("a", "S\n[\"aaaaaaaaaaa.4bcd\",0,[[{}],{\"t\":1}]]");
        let outputs = room.outputs();
        (outputs[0].len(), outputs.into_iter().find(|line| line.starts_with("close ")))
    };
    let mut room = generous_room(&content, &["a", "b"]);
    let mut questions = 0;
    let closed = loop {
        let (bytes, closed) = ask(&mut room);
        questions += bytes;
        if let Some(closed) = closed {
            break closed;
        }
    };
    assert!(questions > MAX_CLIENT_BYTES.0);
    let limit = format!(" is over the limit of {}", MAX_CLIENT_BYTES.0);
    assert!(closed.starts_with("close a: 1013 tinybase:15:unread: ") && closed.ends_with(&limit), "{closed}");

    // And who has been silent for long with less.
    for (wait_ms, is_closed) in [(15_000 + 2 * MB as u64 / 64, false), (15_000 + 3 * MB as u64 / 64, true)] {
        let mut room = generous_room(&content, &["a", "b"]);
        (0..4).for_each(|_| assert_eq!(ask(&mut room).1, None));
        wait(&mut room, wait_ms);
        assert_eq!(ask(&mut room).1.is_some(), is_closed, "after {wait_ms} ms");
    }
}

#[test]
fn where_all_together_leave_too_much_unread_who_has_been_silent_with_the_most_is_closed() {
    let [small, large] = [900 << 10, 7 * MB].map(|length| "x".repeat(length));
    let content = t(&format!(r#"[[{{}}],[{{"s":["{small}","@older"],"l":["{large}","@older"]}}],1]"#));
    let ask = |room: &mut Harness, client: &str| {
        room.say(client, "\n[\"q\",7,{}]");
        let outputs = room.outputs();
        let closed = outputs.iter().filter(|line| line.starts_with("close ")).cloned();
        (bytes_sent(&outputs, 0), closed.collect::<Vec<_>>())
    };
    for (wait_ms, is_closed) in [(0, false), (200_000, true)] {
        let mut room = generous_room(&content, &["a", "b", "c", "d", "e", "f"]);
        let mut sent = 0;
        for client in ["a", "a", "b", "b", "b", "c", "c", "c", "d", "d", "d", "e"] {
            let (bytes, closed) = ask(&mut room, client);
            assert_eq!(closed, [""; 0]);
            sent += bytes;
        }
        assert!(sent < MAX_UNACKED_BYTES);
        wait(&mut room, wait_ms);
        let mut all_closed = Vec::new();
        while sent < MAX_UNACKED_BYTES + MB {
            let (bytes, closed) = ask(&mut room, "f");
            assert_ne!(bytes, 0);
            sent += bytes;
            all_closed.extend(closed);
        }
        assert_eq!(!all_closed.is_empty(), is_closed, "{all_closed:?}");
        assert!(
            all_closed.iter().all(|line| line.contains(": 1013 tinybase:15:unread: ") && !line.starts_with("close a"))
        );
    }
}
