//! Malformed traffic, too much of it, and messages in parts, as the room takes them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use support::harness::Harness;
use support::texts::{hashes_of, keep, relay, row, t};
use tinyroom::journal;
use tinyroom::room::Settings;
use tinyroom::wire::{MAX_INCOMING_BYTES, MAX_TEXT_BYTES};

// ── Malformed traffic ────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn malformed_traffic_closes_with_a_reason_and_reaches_nobody() {
    for (text, reason) in [
        ("\n", "message: at byte 0: expected a message `[requestId, type, payload]`, found the end of the text"),
        (
            "\nhello",
            "message: at byte 0: expected a message `[requestId, type, payload]`, found something that is not JSON",
        ),
        ("\n[1,1,\"\"]", "message: at byte 1: expected a request id, a string or null, found a number"),
        ("\n[null,8,\"\"]", "message: at byte 6: expected a type of message, 0 to 7, found another number"),
        ("\n[null,-1,[0,1]]", "message: at byte 6: expected a type of message, 0 to 7, found a number that is no hash"),
        ("\n[null,1]", "message: at byte 7: expected a message `[requestId, type, payload]`, found a closing bracket"),
        ("\n[null,1,\"\",1]", "message: at byte 10: expected the end of a message, found a comma"),
        ("\n[null,1,\"\"]x", "message: at byte 11: expected the end of the text, found something that is not JSON"),
        ("\n[null,1,\"x\"]", "message: at byte 8: expected an empty string as the payload, found another string"),
        ("{b}\n[null,3,{}]", "message: at byte 8: expected a change `[tables, values, 1]`, found an object"),
        (
            "S\n[null,4,{\"t\":-1}]",
            "message: at byte 13: expected a hash, an integer from 0 to 4294967295, found a number that is no hash",
        ),
        ("nobody\n[", "message: at byte 1: expected a request id, a string or null, found the end of the text"),
        ("\n0123456789abcdef\n1\n1\n[", "fragment: expected an index below the count, found part 1 of 1"),
    ] {
        let mut room = Harness::holding("", &["a", "b"]);
        room.say("a", text);
        let mut reason = format!("tinybase:14:{reason}");
        reason.truncate(123);
        room.expect(&[&format!("close a: 1007 {reason}")]);
        room.say("a", &format!("\n[null,3,{}]", row("r", "1", "@old")));
        room.say("a", "\n[\"q\",1,\"\"]");
        room.say_binary("a", 1);
        room.disconnect("a");
        room.expect(&[]);
        assert_eq!(room.timeout_in_ms(), None);
        room.say("b", &format!("\n[null,3,{}]", row("r", "1", "@old")));
        assert_eq!(room.outputs().len(), 2, "the others go on");
    }
}

#[test]
fn of_a_message_that_is_malformed_at_its_end_nothing_is_merged() {
    let mut room = Harness::holding("", &["a", "b"]);
    let edit = r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}]}],[{"v":[1,"x"]}],1]"#;
    room.say("a", &format!("\n[null,3,{edit}]"));
    assert_eq!(room.outputs().len(), 1);
    assert!(room.room.store().is_empty());
}

#[test]
fn a_binary_frame_closes() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say_binary("a", 1);
    room.expect(&["close a: 1007 tinybase:14:expected a text frame, found a binary one"]);
}

#[test]
fn a_frame_with_no_line_break_or_an_empty_one_is_somebodys_heartbeat() {
    let mut room = Harness::holding("", &["a", "b"]);
    for heartbeat in ["", "ping", r#"{"type":"ping"}"#, "[null,1,\"\"]", "S", "\u{fffd}", &"x".repeat(1 << 20)] {
        room.say("a", heartbeat);
        room.expect(&[]);
    }
    room.say_binary("a", 0);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_client_of_which_only_heartbeats_came_has_not_begun() {
    let mut room = Harness::new();
    room.connect("a");
    room.say("a", "ping");
    room.say_binary("a", 0);
    room.pass(250);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
}

#[test]
fn a_text_that_is_too_long_closes() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", &"x".repeat(MAX_INCOMING_BYTES));
    room.expect(&[]);
    room.say("a", &"x".repeat(MAX_INCOMING_BYTES + 1));
    let sizes = format!("{} is over the limit of {MAX_INCOMING_BYTES} (MAX_MESSAGE_BYTES)", MAX_INCOMING_BYTES + 1);
    room.expect(&[&format!("close a: 1013 tinybase:15:socket: {sizes}")]);
}

#[test]
fn a_change_that_is_too_long_closes() {
    let around = format!("[null,3,{}]", row("r", "\"\"", "@old")).len();
    for (length, is_taken) in [(MAX_TEXT_BYTES, true), (MAX_TEXT_BYTES + 1, false)] {
        for to in ["", "{b}"] {
            let mut room = Harness::holding("", &["a", "b"]);
            let edit = row("r", &format!("\"{}\"", "x".repeat(length - around)), "@old");
            room.say("a", &format!("{to}\n[null,3,{edit}]"));
            if is_taken {
                assert!(room.outputs() == [keep("a", &edit), relay("a", &edit)]);
            } else {
                let sizes = format!("{length} is over the limit of {MAX_TEXT_BYTES}");
                room.expect(&[&format!("close a: 1013 tinybase:15:socket: {sizes}")]);
            }
        }
    }
}

/// It is merged, and goes on in changes that are shorter.
#[test]
fn an_answer_may_be_longer_than_a_change_but_not_a_value_in_it() {
    for (cells, length, is_taken) in [(3, 6 << 20, true), (2, (8 << 20) + 1024, false)] {
        let value = "x".repeat(length);
        let cells: Vec<_> = (0..cells).map(|n| format!(r#""c{n}":["{value}","@old"]"#)).collect();
        let mut room = Harness::holding("", &["a", "b"]);
        let body = t(&format!(r#"["0123456789a.6bcd",0,[{{"t":[{{"r":[{{{}}}]}}]}}]]"#, cells.join(",")));
        room.say("a", &format!("S\n{body}"));
        let outputs = room.outputs();
        let starts: Vec<_> = outputs.iter().map(|line| line.get(..9).unwrap()).collect();
        if is_taken {
            let merged = ["keep a: [", "all but a", "keep a: [", "all but a", "all but a"];
            assert_eq!(starts, [&merged[..], &["a < S\n[\"{"]].concat());
        } else {
            let sizes = format!("{} is over the limit of {MAX_TEXT_BYTES}", body.len());
            assert_eq!(outputs, [format!("close a: 1013 tinybase:15:socket: {sizes}")]);
        }
    }
}

// ── Fragments ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_message_in_parts_is_taken_as_a_whole() {
    let mut room = Harness::holding("", &["a", "b"]);
    let edit = row("r", "\"🎉\"", "@old");
    let body = format!("[null,3,{edit}]");
    let (head, tail) = body.split_at(body.find('🎉').unwrap());
    room.say("a", &format!("\n0123456789abcdef\n1\n2\n{tail}"));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(10_000));
    room.pass(9_999);
    room.say("a", &format!("\n0123456789abcdef\n0\n2\n{head}"));
    room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
    assert_eq!(room.timeout_in_ms(), None);
    room.say("b", "S\nfedcba9876543210\n0\n1\n[\"q\",1,\"\"]");
    room.expect(&[&format!("b < S\n[\"q\",0,{}]", hashes_of(&[&edit]))]);
}

#[test]
fn parts_are_forgotten_when_the_next_has_not_come_for_long_and_whose_they_are_is_asked_what_it_holds() {
    for silence_ms in [10_000, 50] {
        let settings = Settings { fragment_silence_ms: silence_ms, ..Settings::default() };
        let mut room = Harness::with(settings, journal::Settings::default()).with_content("", &["a", "b"]);
        room.say("a", "\n0123456789abcdef\n0\n2\n[\"q\",");
        room.pass(silence_ms);
        room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
        assert_eq!(room.timeout_in_ms(), None);
        room.say("a", "\n0123456789abcdef\n1\n2\n1,\"\"]");
        room.expect(&[]);
        assert_eq!(room.timeout_in_ms(), Some(silence_ms), "it begins another message");
        // Whatever comes next tells that its time is over as well.
        room.now_ms += silence_ms;
        room.say("a", "\n0123456789abcdef\n0\n2\n[\"q\",");
        room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
    }
}

#[test]
fn a_message_may_take_as_long_as_it_likes_as_long_as_parts_come() {
    let mut room = Harness::holding("", &["a", "b"]);
    let edit = row("r", &format!("\"{}\"", "x".repeat(900)), "@old");
    let body = format!("[null,3,{edit}]");
    let parts: Vec<_> = body.as_bytes().chunks(100).map(|part| std::str::from_utf8(part).unwrap()).collect();
    for (index, part) in parts.iter().enumerate() {
        room.expect(&[]);
        room.pass(9_999);
        room.say("a", &format!("\n0123456789abcdef\n{index}\n{}\n{part}", parts.len()));
    }
    room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
}

#[test]
fn parts_of_one_connection_have_nothing_to_do_with_anothers() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", "\n0123456789abcdef\n0\n2\n[\"q\",");
    room.say("b", "\n0123456789abcdef\n1\n2\n1,\"\"]");
    room.expect(&[]);
    room.disconnect("b");
    room.say("a", "\n0123456789abcdef\n1\n2\n1,\"\"]");
    room.expect(&["a < S\n[\"q\",0,[0,0]]"]);
}

#[test]
fn the_parts_that_all_together_leave_lying_are_bounded() {
    let clients = ["a", "b", "c", "d", "e"];
    let mut room = Harness::holding("", &clients);
    let part = "x".repeat(10 << 20);
    let mut say = |client, expected: &[&str]| {
        room.now_ms += 1;
        room.say(client, &format!("\n0123456789abcdef\n0\n2\n{part}"));
        room.expect(expected);
    };
    clients[..3].iter().for_each(|client| say(client, &[]));
    // What has waited longest makes room, and whose it was is asked for all that it holds.
    say("d", &["a < S\n[\"{a#1}\",1,\"\"]"]);
    say("e", &["b < S\n[\"{b#1}\",1,\"\"]"]);
    room.say("c", "\n0123456789abcdef\n1\n2\n");
    assert!(room.outputs()[0].starts_with("close c: 1007 "), "it is whole, and no message");
}

/// The clock stands still while frames lie ready.
#[test]
fn of_parts_that_came_at_the_same_moment_the_last_is_not_the_first_to_go() {
    let mut room = Harness::holding("", &["v", "b", "c"]);
    for (client, mebibytes) in [("b", 15), ("c", 15), ("v", 3)] {
        room.say(client, &format!("\n0123456789abcdef\n0\n2\n{}", "x".repeat(mebibytes << 20)));
    }
    room.expect(&["b < S\n[\"{b#1}\",1,\"\"]"]);
}

#[test]
fn who_uploads_is_not_closed_for_what_others_have_left_lying() {
    let mut room = Harness::holding("", &["a", "b", "c", "d", "e"]);
    let part = "x".repeat(7 << 20);
    for client in ["a", "b", "c"] {
        room.say(client, &format!("\n0123456789abcdef\n0\n2\n{part}"));
    }
    room.outputs();
    let edit = row("r", &format!("\"{}\"", "x".repeat(14 << 20)), "@old");
    let body = format!("[null,3,{edit}]");
    let parts: Vec<_> = body.as_bytes().chunks(1 << 20).map(|part| std::str::from_utf8(part).unwrap()).collect();
    for (index, part) in parts.iter().enumerate() {
        room.now_ms += 100;
        room.say("d", &format!("\n0123456789abcdef\n{index}\n{}\n{part}", parts.len()));
    }
    let outputs = room.outputs();
    assert_eq!(outputs[..1], ["a < S\n[\"{a#1}\",1,\"\"]"]);
    assert!(outputs.contains(&keep("d", &edit)) && !outputs.iter().any(|line| line.starts_with("close ")));
}

#[test]
fn the_recipients_lines_of_parts_count_as_well() {
    let mut room = Harness::holding("", &["a", "b"]);
    let line = "x".repeat(MAX_TEXT_BYTES / 2);
    room.say("a", &format!("{line}1\n0123456789abcdef\n0\n2\n["));
    room.expect(&[]);
    room.say("a", &format!("{line}2\n0123456789abcdef\n0\n2\n["));
    assert!(room.outputs()[0].starts_with("close a: 1013 tinybase:15:fragments: "));
}

// ── Long questions ───────────────────────────────────────────────────────────────────────────────────────────────────

/// As trees they would be several times as large in memory as their texts.
#[test]
fn a_long_question_is_answered_like_a_short_one_that_names_no_more_than_the_room_has() {
    let held = t(
        r#"[[{"t":[{"r":[{"c":[1,"@old"]}],"s":[{"c":[2,"@old"]}]}],"u":[{"r":[{"c":[3,"@old"]}]}]}],[{"v":[4,"@old"],"w":[5,"@old"]}],1]"#,
    );
    for (type_, before, after, known) in [
        (4, "", "", r#""t":1"#),
        (5, r#""t":{"#, "}", r#""r":1"#),
        (6, r#""t":{"r":{"#, "}}", r#""c":1"#),
        (7, "", "", r#""v":1"#),
    ] {
        let unknown: String = (0..40_000).map(|n| format!(",\"x{n}\":1")).collect();
        let answers = ["", &unknown].map(|unknown| {
            let mut room = Harness::holding(&held, &["a"]);
            room.say("a", &format!("\n[\"q\",{type_},{{{before}{known}{unknown}{after}}}]"));
            room.outputs()
        });
        assert!(answers[0].len() == 1 && answers[0][0].starts_with("a < S\n[\"q\",0,["), "{:?}", answers[0]);
        assert_eq!(answers[0], answers[1]);
    }
}
