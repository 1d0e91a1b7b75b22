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
use support::texts::{hashes_of, keep, relay, row};
use tinyroom::wire::MAX_TEXT_BYTES;

// ── Malformed traffic ────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn malformed_traffic_closes_with_a_reason_and_reaches_nobody() {
    for (text, reason) in [
        ("", "expected a recipient and a line break, found neither"),
        ("[null,1,\"\"]", "expected a recipient and a line break, found neither"),
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
        room.say_binary("a");
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
    room.say_binary("a");
    room.expect(&["close a: 1007 tinybase:14:expected a text frame, found a binary one"]);
}

#[test]
fn a_text_that_is_too_long_closes() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", &"x".repeat(MAX_TEXT_BYTES + 1));
    let sizes = format!("{} is over the limit of {MAX_TEXT_BYTES}", MAX_TEXT_BYTES + 1);
    room.expect(&[&format!("close a: 1013 tinybase:15:socket: {sizes}")]);
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
    assert_eq!(room.timeout_in_ms(), Some(1_000));
    room.pass(999);
    room.say("a", &format!("\n0123456789abcdef\n0\n2\n{head}"));
    room.expect(&[&keep("a", "create + insert 1", &edit), &relay("a", &edit)]);
    assert_eq!(room.timeout_in_ms(), None);
    room.say("b", "S\nfedcba9876543210\n0\n1\n[\"q\",1,\"\"]");
    room.expect(&[&format!("b < S\n[\"q\",0,{}]", hashes_of(&[&edit]))]);
}

#[test]
fn parts_are_forgotten_after_a_second() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", "\n0123456789abcdef\n0\n2\n[\"q\",");
    room.pass(1_000);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
    room.say("a", "\n0123456789abcdef\n1\n2\n1,\"\"]");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1_000), "it begins another message");
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
    for client in &clients[..3] {
        room.say(client, &format!("\n0123456789abcdef\n0\n2\n{part}"));
        room.expect(&[]);
    }
    room.say("d", &format!("\n0123456789abcdef\n0\n2\n{part}"));
    assert!(room.outputs()[0].starts_with("close d: 1013 tinybase:15:fragments: "));
    room.pass(1000);
    room.say("e", &format!("\n0123456789abcdef\n0\n2\n{part}"));
    room.expect(&[]);
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
