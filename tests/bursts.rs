//! Edits that come in quick succession, and leave as one group commit: the exact outputs of the room.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use std::ops::Range;
use support::harness::Harness;
use support::texts::{hashes_of, keep, relay, room_in_a_window, row, t};
use tinyroom::journal;
use tinyroom::room::{Input, Settings};

// ── Bursts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn edits_within_a_window_leave_as_one() {
    let mut room = room_in_a_window();
    room.say("b", &format!("\n[\"1\",3,{}]", row("s", "2", "@old")));
    room.say("c", &format!("\n[\"2\",3,{}]", row("r", "3", "@new")));
    room.say("b", &format!("\n[\"3\",3,{}]", row("s", "4", "@new")));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1));
    let written = room.table.rows_written;
    room.pass(1);
    let merged = t(r#"[[{"t":[{"r":[{"c":[3,"@new"]}],"s":[{"c":[4,"@new"]}]}]}],[{}],1]"#);
    room.expect(&[&keep("b c", &merged), &format!("all < S\n[null,3,{merged}]")]);
    assert_eq!(room.table.rows_written, written + 1, "one row for all of them");
    assert_eq!(room.timeout_in_ms(), None, "quiet again");
    let second = row("q", "5", "@old");
    room.say("a", &format!("\n[null,3,{second}]"));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1), "the commit has begun another window");
    room.pass(1);
    room.expect(&[&keep("a", &second), &relay("a", &second)]);
    room.pass(1);
    let third = row("q", "6", "@new");
    room.say("a", &format!("\n[null,3,{third}]"));
    room.expect(&[&keep("a", &third), &relay("a", &third)]);
}

#[test]
fn an_edit_that_loses_in_a_window_has_no_part_in_it() {
    let mut room = room_in_a_window();
    let winner = row("s", "2", "@new");
    room.say("b", &format!("\n[null,3,{winner}]"));
    room.say("c", &format!("\n[null,3,{}]", row("r", "9", "@older")));
    room.pass(1);
    room.expect(&[&keep("b", &winner), &relay("b", &winner)]);
}

#[test]
fn the_window_grows_with_the_sockets_up_to_a_limit() {
    let names: Vec<&'static str> = (0..600).map(|n| &*Box::leak(format!("client {n}").into_boxed_str())).collect();
    for (sockets, window_ms) in [(1, 1), (9, 1), (10, 2), (64, 7), (600, 50)] {
        let mut room = Harness::holding("", &names[..sockets]);
        room.say("client 0", &format!("\n[null,3,{}]", row("r", "1", "@old")));
        room.outputs();
        room.say("client 0", &format!("\n[null,3,{}]", row("r", "2", "@new")));
        assert_eq!(room.timeout_in_ms(), Some(window_ms), "{sockets} sockets");
        room.pass(window_ms - 1);
        room.expect(&[]);
    }
}

/// Neither is the time to send added to the time of the disk.
#[test]
fn no_edit_waits_longer_than_the_longest_window_in_a_large_room_with_a_slow_disk() {
    let names: Vec<&'static str> = (0..600).map(|n| &*Box::leak(format!("client {n}").into_boxed_str())).collect();
    let mut room = Harness::holding("", &names);
    room.disk_is_slow = true;
    room.say("client 0", &format!("\n[null,3,{}]", row("r", "1", "@old")));
    room.outputs();
    room.pass(1);
    let second = row("s", "2", "@old");
    room.say("client 0", &format!("\n[null,3,{second}]"));
    room.pass(48);
    room.handle(Input::Durable);
    assert_eq!(room.timeout_in_ms(), Some(1));
    room.pass(1);
    room.expect(&[&keep("client 0", &second), &relay("client 0", &second)]);
}

/// A room whose disk is slow, and in which `a` has just made an edit that left at once.
fn room_with_a_slow_disk() -> Harness {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    room.disk_is_slow = true;
    let first = row("r", "1", "@old");
    room.say("a", &format!("\n[null,3,{first}]"));
    room.expect(&[&keep("a", &first), &relay("a", &first)]);
    room
}

#[test]
fn what_comes_while_an_edit_is_in_flight_to_a_slow_disk_leaves_as_one_when_that_is_kept() {
    let mut room = room_with_a_slow_disk();
    for (ms, client, edit) in [(5, "b", row("s", "2", "@old")), (20, "c", row("r", "3", "@new"))] {
        room.pass(ms);
        room.say(client, &format!("\n[null,3,{edit}]"));
        room.expect(&[]);
    }
    room.pass(5);
    assert_eq!(room.timeout_in_ms(), Some(20), "50 ms after the first edit left");
    room.handle(Input::Durable);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1), "a moment for what came while the disk held everything up");
    room.say("b", &format!("\n[null,3,{}]", row("s", "4", "@new")));
    room.pass(1);
    let merged = t(r#"[[{"t":[{"r":[{"c":[3,"@new"]}],"s":[{"c":[4,"@new"]}]}]}],[{}],1]"#);
    room.expect(&[&keep("b c", &merged), &format!("all < S\n[null,3,{merged}]")]);
    assert_eq!(room.timeout_in_ms(), None, "nobody waits for the disk alone");
}

/// Makes lone edits, each of them kept some time after, and answers for each whether the room asked when.
fn asks(room: &mut Harness, edits: Range<usize>, kept_after_ms: u64) -> Vec<bool> {
    let edit = |n| {
        let lone = row(&format!("r{n}"), "1", "@old");
        room.say("a", &format!("\n[null,3,{lone}]"));
        assert_eq!(room.outputs().len(), 2, "edit {n} left at once");
        let asked = std::mem::take(&mut room.asked);
        if asked {
            room.pass(kept_after_ms);
            room.handle(Input::Durable);
        }
        room.pass(1);
        asked
    };
    edits.map(edit).collect()
}

#[test]
fn while_the_disk_is_quick_one_lone_edit_of_sixteen_is_confirmed() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.disk_is_slow = true;
    let asked = asks(&mut room, 0..40, 2);
    assert_eq!(asked, (0..40).map(|n| n % 16 == 0).collect::<Vec<_>>());
    // One that comes within the window of an unconfirmed one waits for its end, and for the disk from there on.
    let (first, second, third) = (row("s", "1", "@old"), row("s", "2", "@new"), row("t", "3", "@new"));
    room.say("a", &format!("\n[null,3,{first}]"));
    room.expect(&[&keep("a", &first), &relay("a", &first)]);
    assert!(!room.asked);
    room.say("b", &format!("\n[null,3,{second}]"));
    assert_eq!(room.timeout_in_ms(), Some(1));
    room.pass(1);
    room.expect(&[&keep("b", &second), &relay("b", &second)]);
    assert!(room.asked);
    room.pass(10);
    room.say("a", &format!("\n[null,3,{third}]"));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(40));
}

#[test]
fn on_a_slow_disk_every_edit_is_confirmed() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.disk_is_slow = true;
    assert_eq!(asks(&mut room, 0..3, 3), [true; 3]);
    assert_eq!(asks(&mut room, 3..20, 0), [&[true][..], &[false; 15], &[true]].concat());
    assert_eq!(asks(&mut room, 20..37, 3), [&[false; 15][..], &[true; 2]].concat());
}

#[test]
fn a_disk_that_takes_longer_than_the_longest_window_holds_no_edit_up() {
    let mut room = room_with_a_slow_disk();
    for (n, stamp) in [(2, "@old"), (3, "@new")] {
        let late = row("s", &n.to_string(), stamp);
        room.say("b", &format!("\n[null,3,{late}]"));
        assert_eq!(room.timeout_in_ms(), Some(50));
        room.pass(49);
        room.expect(&[]);
        room.pass(1);
        room.expect(&[&keep("b", &late), &relay("b", &late)]);
    }
    room.handle(Input::Durable);
    room.handle(Input::Durable);
    room.pass(1);
    assert_eq!(room.timeout_in_ms(), None);
    let lone = row("q", "4", "@new");
    room.say("c", &format!("\n[null,3,{lone}]"));
    room.expect(&[&keep("c", &lone), &relay("c", &lone)]);
}

#[test]
fn what_waits_for_a_slow_disk_however_long_is_sent_together() {
    let mut room = room_with_a_slow_disk();
    // The disk has kept everything busy; now all that came meanwhile is here before the news that it is done.
    room.now_ms += 300;
    for n in 1..=9 {
        room.say("b", &format!("\n[null,3,{}]", row(&format!("r{n}"), "1", "@old")));
    }
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    let outputs = room.outputs();
    assert_eq!(outputs.len(), 2, "one commit, and one diff: {outputs:?}");
    assert!(outputs.iter().all(|line| line.contains("\"r1\":") && line.contains("\"r9\":")), "{outputs:?}");
}

#[test]
fn a_clock_that_steps_back_holds_nothing_up() {
    let mut room = room_in_a_window();
    room.now_ms -= 60_000;
    let late = row("s", "2", "@old");
    room.say("b", &format!("\n[null,3,{late}]"));
    room.pass(50);
    room.expect(&[&keep("b", &late), &relay("b", &late)]);
}

#[test]
fn a_question_in_a_window_ends_it_first() {
    let (first, late) = (row("r", "1", "@old"), row("s", "2", "@new"));
    let kept = [keep("b", &late), relay("b", &late)];
    let rows = r#"[{"t":[{"r":[{"c":[1,"@old"]}],"s":[{"c":[2,"@new"]}]}]}]"#;
    for (question, answer) in [
        ("1,\"\"", hashes_of(&[&first, &late])),
        ("4,{}", format!("[{rows},{{}}]")),
        ("5,{\"t\":{}}", format!("[{rows},{{}}]")),
        ("6,{\"t\":{\"s\":{}}}", r#"[{"t":[{"s":[{"c":[2,"@new"]}]}]}]"#.to_owned()),
        ("7,{}", "[{}]".to_owned()),
    ] {
        let mut room = room_in_a_window();
        room.say("b", &format!("\n[null,3,{late}]"));
        room.expect(&[]);
        room.say("c", &format!("S\n[\"q\",{question}]"));
        room.expect(&[&kept[0], &kept[1], &format!("c < S\n[\"q\",0,{answer}]")]);
    }
    let mut room = room_in_a_window();
    room.say("b", &format!("\n[null,3,{late}]"));
    room.handle(Input::FlushForRead);
    room.expect(&[&kept[0], &kept[1]]);
    assert_eq!(room.timeout_in_ms(), None);
}

/// What it asks with shows what it holds, and nothing is seen that is not kept.
#[test]
fn a_question_of_the_rooms_own_ends_a_window_first() {
    let late = row("r", "2", "@new");
    let kept = [keep("b", &late), relay("b", &late)];
    let asks_hashes = "c < S\n[\"{c#1}\",1,\"\"]";
    for (mark, answer, question) in [
        ('1', "[1,0]", "c < S\n[\"{c#4}\",4,{\"t\":0}]"),
        ('4', "[[{}],{\"t\":1}]", "c < S\n[\"{c#5}\",5,{\"t\":{\"r\":0}}]"),
        ('5', "[[{}],{\"t\":{\"r\":1}}]", "c < S\n[\"{c#6}\",6,{\"t\":{\"r\":{}}}]"),
        ('6', "[{}]", asks_hashes),
        ('7', "[{}]", asks_hashes),
        ('8', "[{}]", asks_hashes),
        ('h', "[{}]", asks_hashes),
    ] {
        let mut room = room_in_a_window();
        room.say("b", &format!("\n[null,3,{late}]"));
        room.expect(&[]);
        room.say("c", &format!("S\n[\"0123456789a.{mark}bcd\",0,{answer}]"));
        room.expect(&[&kept[0], &kept[1], question]);
    }
}

#[test]
fn an_edit_in_a_window_is_told_by_itself_and_outdates_no_comparison() {
    let mut room = room_in_a_window();
    room.say("c", &format!("\n[null,2,{}]", hashes_of(&[&row("r", "1", "@old"), "[[{}],[{\"v\":[1]}],1]"])));
    room.expect(&["c < S\n[\"{c#7}\",7,{}]"]);
    let late = row("r", "2", "@new");
    room.say("b", &format!("\n[null,3,{late}]"));
    room.answer("c", 7, "[{}]");
    room.expect(&[&keep("b", &late), &relay("b", &late)]);
}

#[test]
fn an_author_who_leaves_in_a_window_leaves_the_edit_behind() {
    let mut room = room_in_a_window();
    let late = row("s", "2", "@new");
    room.say("b", &format!("\n[null,3,{late}]"));
    room.disconnect("b");
    room.pass(1);
    room.expect(&[&keep("b", &late), &relay("b", &late)]);
}

#[test]
fn a_long_change_of_a_window_goes_out_in_pieces() {
    let settings = Settings { change_bytes: 60, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default()).with_content("", &["a", "b"]);
    room.say("a", &format!("\n[null,3,{}]", row("r", "1", "@old")));
    room.outputs();
    let (one, other) = (row("s", "2", "@new"), row("q", "3", "@new"));
    room.say("b", &format!("\n[null,3,{one}]"));
    room.say("b", &format!("\n[null,3,{other}]"));
    room.pass(1);
    room.expect(&[&keep("b", &format!("{one} + {other}")), &relay("b", &one), &relay("b", &other)]);
}
