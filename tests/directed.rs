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
use support::texts::{keep, relay, row};

/// What the room holds everybody must come to hold, and the third client has no other way to learn of it.
#[test]
fn a_directed_change_is_told_to_everybody() {
    let mut room = Harness::holding(&row("q", "0", "@old"), &["a", "b", "c"]);
    let edit = row("r", "1", "@old");
    room.say("a", &format!("{{b}}\n[\"id\",3,{edit}]"));
    room.expect(&[&keep("a", &edit), &format!("all but a < a\n[\"id\",3,{edit}]")]);
}

#[test]
fn a_directed_change_to_nobody_here_is_told_to_everybody() {
    for to in ["{b}", "{a}", "c", "0123456789ab", "s", " S"] {
        let mut room = Harness::holding("", &["a", "b"]);
        room.disconnect("b");
        let edit = row("r", "1", "@old");
        room.say("a", &format!("{to}\n[null,3,{edit}]"));
        room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
    }
}

/// Every answer comes from the room, so nobody has asked for one.
#[test]
fn anything_else_from_one_client_to_another_is_dropped() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b", "c"]);
    for body in [
        "[\"q\",1,\"\"]",
        "[ null, 2, [1,2] ]",
        "[\"q\",4,{\"t\":1}]",
        "[\"q\",5,{}]",
        "[\"q\",6,{}]",
        "[\"q\",7,{}]",
        "[\"q\",0,[1,2]]",
        r#"["q",0,[{"t":[{"r":[{"c":[2,"@new"]}]}]}]]"#,
        r#"["0123456789a.6bcd",0,[{"t":[{"r":[{"c":[2,"@new"]}]}]}]]"#,
        r#"["q",0,[{},"@future"]]"#,
    ] {
        for to in ["{b}", "{a}", "c", "0123456789ab", "s", " S"] {
            room.say("a", &format!("{to}\n{body}"));
            room.expect(&[]);
        }
    }
    assert!(room.room.store().content_text().contains("\"c\":[1,"));
}

#[test]
fn what_is_malformed_closes_whomever_it_is_for() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", "{b}\n[\"q\",1,1]");
    let outputs = room.outputs();
    assert!(outputs.len() == 1 && outputs[0].starts_with("close a: 1007 tinybase:14:message: "), "{outputs:?}");
}
