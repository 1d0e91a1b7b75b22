//! A disk that takes nothing for a while: the room is read-only, tries again, and heals.
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
use support::texts::{hashes_of, keep, relay, row};
use tinyroom::journal;
use tinyroom::json::Reader;
use tinyroom::room::{Input, Settings};
use tinyroom::store::HashTree;

/// What the room held before its disk was full.
fn held() -> String {
    row("r", "1", "@older")
}

/// A room whose disk has just not taken an edit of `a`'s.
fn read_only_room(clients: &[&'static str]) -> Harness {
    let mut room = Harness::holding(&held(), clients);
    room.disk_is_full = true;
    let edit = row("r", "2", "@old");
    room.say("a", &format!("\n[null,3,{edit}]"));
    room.expect(&[&format!("cannot {}", keep("a", &edit))]);
    room
}

fn asks_hashes(client: &str) -> String {
    format!("{client} < S\n[\"{{{client}#1}}\",1,\"\"]")
}

/// An edit of row `s` that a client makes then.
fn edit(version: u32) -> String {
    row("s", &version.to_string(), &stamp(NOW_MS, version, "Bobby"))
}

#[test]
fn what_could_not_be_kept_has_not_happened_and_nobody_is_closed() {
    let room = read_only_room(&["a", "b"]);
    assert_eq!(room.room.store().content_hashes(), store_of([&*held()]).content_hashes());
    assert_eq!(room.timeout_in_ms(), Some(1_000));
}

#[test]
fn what_was_gathering_has_not_happened_either() {
    let mut room = Harness::holding(&held(), &["a", "b"]);
    room.say("a", &format!("\n[null,3,{}]", row("r", "2", "@old")));
    room.say("b", &format!("\n[null,3,{}]", row("r", "3", "@new")));
    room.fail();
    room.expect(&[]);
    assert_eq!(room.room.store().content_hashes(), store_of([&*held()]).content_hashes());
    assert_eq!(room.timeout_in_ms(), Some(1_000));
}

#[test]
fn in_a_read_only_room_edits_are_neither_kept_nor_relayed_nor_undone() {
    let mut room = read_only_room(&["a", "b"]);
    let before = room.table.clone();
    for text in [
        format!("\n[null,3,{}]", edit(1)),
        format!("{{a}}\n[null,3,{}]", edit(2)),
        format!("\n[null,3,{}]", row("t", "\"\u{fffd}{bad\"", "@future")),
    ] {
        room.say("b", &text);
        room.expect(&[]);
    }
    assert_eq!((&room.table.rows, room.table.rows_written), (&before.rows, before.rows_written));
    assert_eq!(room.room.store().content_hashes(), store_of([&*held()]).content_hashes());
}

#[test]
fn in_a_read_only_room_questions_are_answered_and_joins_served() {
    let mut room = read_only_room(&["a"]);
    room.connect("b");
    room.say("b", "\n[\"q\",1,\"\"]");
    room.expect(&[&format!("b < S\n[\"q\",0,{}]", hashes_of(&[&held()]))]);
    room.say("b", "\n[\"q\",4,{}]");
    room.expect(&["b < S\n[\"q\",0,[[{\"t\":[{\"r\":[{\"c\":[1,\"@older\"]}]}]}],{}]]"]);
    room.say("b", &format!("\n[null,2,{}]", hashes_of(&[&held()])));
    room.expect(&[]);
    // One that differs is sent what it lacks. What it has is asked for, as far as the room can tell, once.
    room.connect("c");
    room.say("c", "\n[null,2,[1,0]]");
    room.expect(&["c < S\n[\"{c#4}\",4,{\"t\":0}]"]);
    room.answer("c", 4, "[[{\"u\":[{\"r\":[{\"c\":[1,\"@old\"]}]}]}],{}]");
    room.expect(&[]);
    room.pass(0);
    room.expect(&[&format!("c < S\n[null,3,{}]", held()), &asks_hashes("c")]);
    room.answer("c", 1, "[2,0]");
    room.expect(&["c < S\n[\"{c#4}\",4,{\"t\":0}]"]);
    let whole = store_of([&*held()]).table_hashes();
    room.answer("c", 4, &format!("[[{{\"u\":[{{\"r\":[{{\"c\":[1,\"@old\"]}}]}}]}}],{whole}]"));
    room.expect(&[]);
    room.say("c", "S\n[\"0123456789a.1bcd\",0,[2,0]]");
    room.expect(&[]);
}

/// Lets the client that the room asks hand over what it holds beside what the room does. Answers the room's outputs.
fn hand_over(room: &mut Harness, client: &str, change: &str) -> Vec<String> {
    room.answer(client, 1, "[1,0]");
    room.expect(&[&format!("{client} < S\n[\"{{{client}#4}}\",4,{{\"t\":0}}]")]);
    room.answer(client, 4, "[[{}],{\"t\":1}]");
    room.expect(&[&format!("{client} < S\n[\"{{{client}#5}}\",5,{{\"t\":{{\"r\":0}}}}]")]);
    let same = store_of([&*held()]).row_hashes(&HashTree::read(&mut Reader::new("{\"t\":1}"), 1).unwrap()).unwrap();
    let tables = change.strip_suffix(",[{}],1]").unwrap();
    room.answer(client, 5, &format!("{tables},{same}]"));
    room.outputs()
}

#[test]
fn when_its_time_is_over_the_disk_is_tried_with_one_client_and_then_the_next() {
    let mut room = read_only_room(&["a", "b", "c"]);
    room.pass(999);
    room.expect(&[]);
    room.pass(1);
    room.expect(&[&asks_hashes("a")]);
    assert_eq!(room.timeout_in_ms(), Some(1_000));
    room.answer("a", 1, &hashes_of(&[&held()]));
    room.expect(&[]);
    for next in ["b", "c"] {
        room.pass(1_000);
        room.expect(&[&asks_hashes(next)]);
    }
    room.pass(1_000);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None, "the next edit tries");
    room.say("b", &format!("\n[null,3,{}]", edit(1)));
    room.expect(&[&format!("cannot {}", keep("b", &edit(1)))]);
    assert_eq!(room.timeout_in_ms(), Some(2_000));
}

#[test]
fn a_disk_that_stays_full_is_tried_ever_more_rarely() {
    let mut room = read_only_room(&["a", "b"]);
    for wait_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        assert_eq!(room.timeout_in_ms(), Some(wait_ms));
        room.pass(wait_ms - 1);
        room.say("b", &format!("\n[null,3,{}]", edit(1)));
        room.expect(&[]);
        room.pass(1);
        room.expect(&[&asks_hashes("a")]);
        assert_eq!(hand_over(&mut room, "a", &edit(2)), [format!("cannot {}", keep("a", &edit(2)))]);
    }
}

#[test]
fn when_the_disk_takes_something_again_everybody_is_asked_once_what_they_hold() {
    let mut room = read_only_room(&["a", "b"]);
    room.say("b", &format!("\n[null,3,{}]", edit(1)));
    room.expect(&[]);
    room.disk_is_full = false;
    room.disk_is_slow = true;
    room.pass(1_000);
    room.expect(&[&asks_hashes("a")]);
    // The last question ends the comparison.
    let outputs = hand_over(&mut room, "a", &edit(2));
    assert_eq!(outputs, [keep("a", &edit(2)), relay("a", &edit(2)), asks_hashes("a")]);
    room.handle(Input::Durable);
    room.expect(&[&asks_hashes("a"), &asks_hashes("b")]);
    assert_eq!(room.timeout_in_ms(), None);
    room.handle(Input::Durable);
    room.pass(1_000);
    room.say("b", "ping");
    room.expect(&[]);
    room.pass(60_000);
    room.expect(&[]);
    // It begins from the beginning when it happens again.
    room.disk_is_full = true;
    room.say("b", &format!("\n[null,3,{}]", edit(3)));
    room.expect(&[&format!("cannot {}", keep("b", &edit(3)))]);
    assert_eq!(room.timeout_in_ms(), Some(1_000));
}

#[test]
fn an_edit_that_comes_when_its_time_is_over_tries_the_disk() {
    let mut room = read_only_room(&["a", "b"]);
    room.disk_is_full = false;
    room.now_ms += 1_000;
    room.say("b", &format!("\n[null,3,{}]", edit(1)));
    room.expect(&[
        &asks_hashes("a"),
        &keep("b", &edit(1)),
        &relay("b", &edit(1)),
        &asks_hashes("a"),
        &asks_hashes("b"),
    ]);
}

#[test]
fn with_nobody_connected_nothing_is_tried_until_somebody_is() {
    let mut room = read_only_room(&["a", "b"]);
    room.disconnect("a");
    assert_eq!(room.timeout_in_ms(), Some(1_000));
    room.disconnect("b");
    assert_eq!(room.timeout_in_ms(), None);
    room.now_ms += 600_000;
    room.disk_is_full = false;
    room.connect("c");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(250));
    room.say("c", &format!("\n[null,3,{}]", edit(1)));
    room.expect(&[&keep("c", &edit(1)), &relay("c", &edit(1)), &asks_hashes("c")]);
}

/// The room has forgotten the client by then: nobody would close it later.
#[test]
fn a_client_that_is_closed_is_closed_though_the_commit_before_it_failed() {
    let mut room = Harness::holding(&held(), &["a", "b"]);
    room.say("a", &format!("\n[null,3,{}]", edit(1)));
    room.say_binary("a", 1);
    room.fail();
    room.expect(&["close a: 1007 tinybase:14:expected a text frame, found a binary one"]);
    room.disconnect("b");
    assert_eq!(room.timeout_in_ms(), None, "it is gone");
}

/// The question that a comparison goes on with may be among what was not sent.
#[test]
fn a_comparison_that_a_failed_commit_has_cut_off_is_begun_anew() {
    let mut room = Harness::holding(&held(), &["a", "b"]);
    room.say("b", "\n[null,2,[1,0]]");
    room.say("a", &format!("\n[null,3,{}]", edit(1)));
    room.fail();
    room.expect(&[]);
    room.say("b", "\n[null,2,[1,0]]");
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
}

/// So may the probe be that a client was to answer, and what it was to acknowledge.
#[test]
fn after_a_commit_that_failed_nobody_waits_for_an_acknowledgement_that_was_lost() {
    let mut room = Harness::holding(&held(), &["a", "c"]);
    room.all_read = false;
    for version in 0..10 {
        room.say("a", &format!("\n[null,3,{}]", edit(version)));
        room.pass(10);
        room.outputs();
    }
    room.fail();
    room.expect(&[]);
    for passed_ms in 1..=60 {
        room.pass(1_000);
        room.outputs();
        room.answer("a", 1, &hashes_of(&[&held(), &edit(9)]));
        room.answer("c", 1, &hashes_of(&[&held(), &edit(9)]));
        assert_eq!(room.outputs(), [""; 0], "after {passed_ms} s");
    }
    let late = edit(10);
    room.say("a", &format!("\n[null,3,{late}]"));
    assert_eq!(room.outputs()[..2], [keep("a", &late), relay("a", &late)]);
}

#[test]
fn a_snapshot_that_cannot_be_written_waits_as_well() {
    let small = journal::Settings { level0_bytes: 100, level0_entries: 0, slack_bytes: 0, ..Default::default() };
    let mut room = Harness::with(Settings::default(), small).with_content(&held(), &["a", "b"]);
    for version in 0..3 {
        room.say("a", &format!("\n[null,3,{}]", edit(version)));
        room.pass(10);
        room.outputs();
    }
    let mut version = 3;
    while room.timeout_in_ms() != Some(0) {
        room.say("a", &format!("\n[null,3,{}]", edit(version)));
        room.now_ms += 10;
        room.outputs();
        version += 1;
        assert!(version < 100, "no snapshot is due");
    }
    room.disk_is_full = true;
    room.pass(0);
    let outputs = room.outputs();
    assert!(outputs.len() == 1 && outputs[0].starts_with("cannot keep : "), "{outputs:?}");
    assert_eq!(room.timeout_in_ms(), Some(1_000));
    room.say("b", &format!("\n[null,3,{}]", edit(version)));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1_000), "no snapshot while it is read-only");
}
