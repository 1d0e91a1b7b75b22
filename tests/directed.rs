//! From one client to another, through the room.
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
use support::texts::{keep, relay, room_in_a_window, row, t};

// ── From one client to another ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_directed_message_reaches_its_recipient_alone_as_it_came() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    for body in ["[\"q\",1,\"\"]", "[ null, 2, [1,2] ]", "[\"q\",4,{\"t\":1}]", "[\"q\",0,[1,2]]"] {
        room.say("a", &format!("{{b}}\n{body}"));
        room.expect(&[&format!("b < a\n{body}")]);
    }
}

/// What the room holds everybody must come to hold, and the third client has no other way to learn of it.
#[test]
fn a_directed_change_is_told_to_everybody() {
    let mut room = Harness::holding(&row("q", "0", "@old"), &["a", "b", "c"]);
    let edit = row("r", "1", "@old");
    room.say("a", &format!("{{b}}\n[\"id\",3,{edit}]"));
    room.expect(&[&keep("a", "append 1", &edit), &format!("all but a < a\n[\"id\",3,{edit}]")]);
}

#[test]
fn a_change_in_a_directed_answer_is_kept_and_told_to_everybody_first() {
    let edit = row("r", "1", "@old");
    let answer = t(r#"["id",0,[{"t":[{"r":[{"c":[1,"@old"]}]}]}]]"#);
    let sent = format!("b < a\n{answer}");
    let mut room = Harness::holding("", &["a", "b", "c"]);
    room.say("a", &format!("{{b}}\n{answer}"));
    room.expect(&[&keep("a", "create + insert 1", &edit), &relay("a", &edit), &sent]);
    room.say("a", &format!("{{b}}\n{answer}"));
    room.expect(&[&sent]);
    room.wake();
    let mut room = room_in_a_window();
    room.say("c", &format!("\n[null,3,{}]", row("s", "2", "@old")));
    room.say("a", &format!("{{b}}\n{answer}"));
    let (gathered, told) = (row("s", "2", "@old"), relay("c", &row("s", "2", "@old")));
    room.expect(&[&keep("c", "append 1", &gathered), &told, &sent]);
}

#[test]
fn a_directed_answer_with_a_stamp_from_the_future_reaches_nobody() {
    let mut room = Harness::holding("", &["a", "b"]);
    for stamps in [r#"{"r":[{"c":[1,"@future"]}]}"#, r#"{"r":[{"c":[1]},"@future"]}"#, r#"{"r":[{"c":[1]}]},"@future""#]
    {
        room.say("a", &format!("{{b}}\n[\"id\",0,[{{\"t\":[{stamps}]}}]]"));
        room.expect(&[]);
    }
    assert!(room.room.store().is_empty());
}

#[test]
fn a_message_to_nobody_here_is_dropped() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.disconnect("b");
    for to in ["{b}", "{a}", "c", "0123456789ab", "s", " S"] {
        room.say("a", &format!("{to}\n[\"q\",1,\"\"]"));
        room.expect(&[]);
    }
}
