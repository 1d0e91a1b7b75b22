//! Readers: what they get, and how what they write is undone at them alone.
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
use support::texts::{hashes_of, keep, relay, row, t};
use tinyroom::access::{Access, Grant};
use tinyroom::journal;
use tinyroom::json::Reader;
use tinyroom::room::{Input, Limits, Settings};
use tinyroom::store::{Changes, Place};

const HELD: &str = r#"[[{"t":[{"r":[{"c":[1,"@older"]}]}]}],[{"v":[2,"@older"]}],1]"#;
/// What TinyBase's clock makes next after "@new", as the room counts it.
const AFTER_NEW: &str = "OhqqeV----1Bobbz";
const REMEMBERS: &str = "remember r: to ask in 0 ms";
const ASKS_HASHES: &str = "r < S\n[\"{r#1}\",1,\"\"]";

/// A room that holds this, with a writer `w` and a reader `r` that have been there for long.
fn room_holding(change: &str) -> Harness {
    let mut room = Harness::new().with_content(change, &["w"]);
    room.connect_with("r", Grant::of(Access::Read));
    room.wake();
    room
}

fn say(room: &mut Harness, client: &str, change: &str) {
    room.say(client, &format!("\n[null,3,{change}]"));
}

fn gets(change: &str) -> String {
    format!("r < S\n[null,3,{change}]")
}

#[test]
fn a_reader_gets_what_others_write() {
    let mut room = room_holding(HELD);
    let edit = row("r", "5", "@old");
    say(&mut room, "w", &edit);
    room.expect(&[&keep("w", &edit), &relay("w", &edit)]);
}

#[test]
fn an_edit_of_a_readers_is_undone_at_it_with_a_later_stamp_and_neither_kept_nor_told() {
    for (edit, undone) in [
        (r#"[[{"t":[{"r":[{"c":[9,"@new"]}]}]}],[{}],1]"#, r#"[[{"t":[{"r":[{"c":[1,"@above"]}]}]}],[{}],1]"#),
        // Deleted.
        (r#"[[{"t":[{"r":[{"c":["@gone","@new"]}]}]}],[{}],1]"#, r#"[[{"t":[{"r":[{"c":[1,"@above"]}]}]}],[{}],1]"#),
        (r#"[[{}],[{"v":[9,"@new"]}],1]"#, r#"[[{}],[{"v":[2,"@above"]}],1]"#),
    ] {
        let mut room = room_holding(HELD);
        say(&mut room, "r", edit);
        room.pass(0);
        room.expect(&[REMEMBERS, &gets(&undone.replace("@above", AFTER_NEW))]);
        assert_eq!(room.timeout_in_ms(), None);
    }
}

#[test]
fn what_only_a_reader_has_is_deleted_at_it() {
    let mut room = room_holding(HELD);
    let edit = r#"[[{"t":[{"r":[{"d":[1,"@new"]}],"s":[{"c":[1,"@new"],"d":[1,"@new"]}]}],"u":[{"r":[{"c":[1,"@new"]}]}]}],[{"w":[1,"@new"]}],1]"#;
    say(&mut room, "r", edit);
    let undone = edit.replace("[1,\"@new\"]", &format!("[\"@gone\",\"{AFTER_NEW}\"]"));
    room.expect(&[REMEMBERS, &gets(&undone)]);
}

#[test]
fn an_edit_that_would_have_lost_anyway_is_left_alone() {
    let mut room = room_holding(&HELD.replace("@older", "@new"));
    say(&mut room, "r", HELD);
    room.expect(&[]);
}

#[test]
fn what_a_reader_sends_to_somebody_or_as_an_answer_is_no_more_than_any_other_edit() {
    for text in [
        "{w}\n[null,3,[[{}],[{\"v\":[9,\"@new\"]}],1]]",
        "\n[\"id\",3,[[{}],[{\"v\":[9,\"@new\"]}],1]]",
        "S\n[\"0123456789a.7bcd\",0,[{\"v\":[9,\"@new\"]}]]",
    ] {
        let mut room = room_holding(HELD);
        room.say("r", text);
        room.pass(0);
        let lines = room.outputs();
        let told = lines.iter().filter(|line| !line.starts_with("r < ") && !line.starts_with("remember r"));
        assert_eq!(told.collect::<Vec<_>>(), [""; 0]);
        assert!(lines.contains(&gets(&format!("[[{{}}],[{{\"v\":[2,\"{AFTER_NEW}\"]}}],1]"))), "{lines:?}");
    }
}

#[test]
fn what_others_write_there_later_reaches_the_reader_under_stamps_above_its_own() {
    let mut room = room_holding(HELD);
    say(&mut room, "r", &row("r", "9", "@new"));
    room.pass(0);
    room.outputs();
    // Earlier than the reader's edit, which nobody else has seen.
    let edit = row("r", "5", "@old");
    say(&mut room, "w", &edit);
    room.pass(1);
    let corrected = row("r", "5", "OhqqeV----1Bobc-");
    room.expect(&[&keep("w", &edit), &format!("all but w r < w\n[null,3,{edit}]"), &gets(&corrected)]);
    // Later than all the reader has: nothing needs to be done about it, now and ever after.
    let edit = row("r", "6", &stamp(NOW_MS, 0, "Alice"));
    for _ in 0..2 {
        let edit = edit.clone();
        say(&mut room, "w", &edit);
        room.pass(1);
        let lines = room.outputs();
        assert!(
            lines.is_empty() || lines.last() == Some(&gets(&edit)) || lines.last() == Some(&relay("w", &edit)),
            "{lines:?}"
        );
    }
}

#[test]
fn a_cell_that_was_deleted_at_a_reader_comes_back_when_somebody_writes_it() {
    let mut room = room_holding("");
    say(&mut room, "r", &row("r", "9", "@new"));
    room.expect(&[REMEMBERS, &gets(&row("r", "\"@gone\"", AFTER_NEW))]);
    let edit = row("r", "5", "@old");
    say(&mut room, "w", &edit);
    room.pass(1);
    let corrected = row("r", "5", "OhqqeV----1Bobc-");
    room.expect(&[&keep("w", &edit), &format!("all but w r < w\n[null,3,{edit}]"), &gets(&corrected)]);
}

#[test]
fn edits_that_a_reader_made_offline_are_found_and_undone_and_then_there_is_rest() {
    let mut room = room_holding(HELD);
    room.connect_with("s", Grant::of(Access::Read));
    room.pass(250);
    room.expect(&["s < S\n[\"{s#1}\",1,\"\"]"]);
    let theirs = r#"[[{"t":[{"r":[{"c":[9,"@new"]}]}]}],[{"v":[2,"@older"]}],1]"#;
    room.answer("s", 1, &hashes_of(&[&t(theirs)]));
    room.expect(&["s < S\n[\"{s#4}\",4,{\"t\":0}]"]);
    room.answer("s", 4, r#"[[{}],{"t":1}]"#);
    room.expect(&["s < S\n[\"{s#5}\",5,{\"t\":{\"r\":0}}]"]);
    room.answer("s", 5, r#"[[{}],{"t":{"r":1}}]"#);
    room.expect(&["s < S\n[\"{s#6}\",6,{\"t\":{\"r\":{}}}]"]);
    room.answer("s", 6, r#"[{"t":[{"r":[{"c":[9,"@new"]}]}]}]"#);
    room.pass(0);
    let undone = row("r", "1", AFTER_NEW);
    room.expect(&["remember s: to ask in 0 ms", &format!("s < S\n[null,3,{undone}]"), "s < S\n[\"{s#1}\",1,\"\"]"]);
    // It holds the same now, under another stamp: one full round shows that there is nothing else.
    let hashes = hashes_of(&[&undone, &t(r#"[[{}],[{"v":[2,"@older"]}],1]"#)]);
    room.answer("s", 1, &hashes);
    room.answer("s", 4, r#"[[{}],{"t":1}]"#);
    room.answer("s", 5, r#"[[{}],{"t":{"r":1}}]"#);
    room.answer("s", 6, &format!(r#"[{{"t":[{{"r":[{{"c":[1,"{AFTER_NEW}"]}}]}}]}}]"#));
    room.outputs();
    room.say("s", &format!("\n[null,2,{hashes}]"));
    room.pass(0);
    let lines = room.outputs();
    // What it says by itself may begin one more, which ends at once in the same.
    assert!(lines.len() <= 1, "{lines:?}");
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn after_a_wake_a_reader_with_corrections_is_asked_what_it_holds_and_others_are_not() {
    let mut room = room_holding(HELD);
    room.connect_with("s", Grant::of(Access::Read));
    room.wake();
    say(&mut room, "r", &row("r", "9", "@new"));
    room.pass(0);
    room.outputs();
    room.wake();
    room.expect(&["remember r: nothing", ASKS_HASHES]);
}

#[test]
fn who_wants_more_undone_than_may_be_is_closed_and_no_one_else() {
    let settings = Settings { limits: Limits { corrections_bytes: 1000, ..Limits::DEFAULT }, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default());
    for client in ["r", "s"] {
        room.connect_with(client, Grant::of(Access::Read));
    }
    room.wake();
    let rows: Vec<_> = (0..20).map(|row| format!(r#""{row}":[{{"c":[1,"@new"]}}]"#)).collect();
    say(&mut room, "r", &format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(",")));
    room.expect(&["close r: 4403 no access to write in this room, and too much to undo"]);
}

#[test]
fn many_readers_together_may_have_no_more_undone_than_sixteen() {
    let settings = Settings { limits: Limits { corrections_bytes: 1000, ..Limits::DEFAULT }, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default());
    let names: Vec<&'static str> = (0..40).map(|number| &*format!("r{number}").leak()).collect();
    names.iter().for_each(|name| room.connect_with(name, Grant::of(Access::Read)));
    room.wake();
    let rows: Vec<_> = (0..6).map(|row| format!(r#""{row}":[{{"c":[1,"@new"]}}]"#)).collect();
    let edit = format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","));
    names.iter().for_each(|name| say(&mut room, name, &edit));
    let closed = room.outputs().iter().filter(|line| line.starts_with("close")).count();
    // Six cells are 786 bytes.
    assert_eq!(closed, 40 - 20);
}

/// So many rows that one message is read part by part.
fn long_change() -> String {
    let rows: Vec<_> = (0..20_000).map(|row| format!(r#""{row}":[{{"c":[1,"@new"]}}]"#)).collect();
    t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(",")))
}

#[test]
fn what_a_reader_had_sent_is_no_more_taken_when_it_is_gone_than_while_it_was_there() {
    let question: Vec<_> = (0..40_000).map(|table| format!(r#""t{table}":1"#)).collect();
    let question = format!("\n[\"q\",4,{{{}}}]", question.join(","));
    let short = format!("\n[null,3,{}]", row("r", "9", "@new"));
    let long = format!("\n[null,3,{}]", long_change());
    for texts in [vec![&long], vec![&question, &short], vec![&question, &long, &short]] {
        for is_closed in [false, true] {
            let mut room = room_holding(HELD);
            texts.iter().for_each(|text| room.begin_to_say("r", text));
            assert!(room.room.unread_bytes() > 0);
            if is_closed {
                room.disconnect("r");
            }
            while room.room.unread_bytes() > 0 {
                room.handle(Input::Timeout);
            }
            let lines = room.outputs();
            let told = lines.iter().find(|line| line.starts_with("keep") || line.starts_with("all"));
            assert_eq!(told, None);
            assert!(!is_closed || lines.iter().all(|line| !line.contains("[1,")), "{lines:?}");
        }
    }
}

#[test]
fn a_writer_is_heard_to_its_end_though_it_is_gone() {
    let mut room = room_holding("");
    room.begin_to_say("w", &format!("\n[null,3,{}]", long_change()));
    room.disconnect("w");
    while room.room.unread_bytes() > 0 {
        room.handle(Input::Timeout);
    }
    room.outputs();
    assert_eq!(room.room.store().places_in(Place::ALL_TABLES).count(), 20_000);
}

/// The ids of all of them would have to be copied.
#[test]
fn one_long_id_above_many_cells_is_looked_at_once() {
    let room = room_holding(HELD);
    let cells: Vec<_> = (0..5_000).map(|cell| format!(r#""{cell}":[1,"@new"]"#)).collect();
    let change = t(&format!(r#"[[{{"{}":[{{"r":[{{{}}}]}}]}}],[{{}}],1]"#, "t".repeat(1 << 20), cells.join(",")));
    room.room.store().take_looked_at();
    let change = Changes::read(&mut Reader::new(&change)).unwrap();
    let mut found = 0;
    room.room.store().later_in(&change, |_| {
        found += 1;
        found < 3
    });
    assert_eq!(found, 3);
    assert_eq!(room.room.store().take_looked_at() / 1000, (5_000 + 3 * (1 << 18)) / 1000);
}

// ── Expiry ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn who_has_a_token_that_has_run_out_gets_nothing_any_more_and_is_closed_at_the_first_event() {
    let until = |ms| Grant { expires_at_ms: Some(NOW_MS + ms), ..Grant::of(Access::Write) };
    for wakes in [false, true] {
        let mut room = Harness::new().with_content("", &["w"]);
        room.connect_with("a", until(1000));
        room.connect_with("b", until(5000));
        room.wake();
        let [first, second] = ["@older", "@old"].map(|hlc| row("r", "1", hlc));
        say(&mut room, "w", &first);
        room.expect(&[&keep("w", &first), &relay("w", &first)]);
        room.now_ms += 1000;
        if wakes {
            room.wake();
        }
        say(&mut room, "w", &second);
        room.expect(&["close a: 4401 token expired", &keep("w", &second), &relay("w", &second)]);
        room.now_ms += 4000;
        room.say("b", &format!("\n[null,3,{}]", row("r", "1", "@new")));
        room.expect(&["close b: 4401 token expired"]);
        // There is no timer for it.
        assert_eq!(room.timeout_in_ms(), None);
    }
}

#[test]
fn a_closed_client_expires_for_nobody() {
    let mut room = Harness::new().with_content("", &["w"]);
    room.connect_with("a", Grant { expires_at_ms: Some(NOW_MS + 1000), ..Grant::of(Access::Read) });
    room.wake();
    room.disconnect("a");
    room.now_ms += 2000;
    room.handle(Input::Timeout);
    room.expect(&[]);
}
