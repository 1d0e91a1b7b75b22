//! Stamps from the future: what travels alone, what is left out, and when it is asked for again.
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
use support::texts::{keep, relay, row};
use tinyroom::journal;
use tinyroom::room::{Input, Settings};

const MINUTE_MS: u64 = 60_000;
const ASKS_HASHES: &str = "a < S\n[\"{a#1}\",1,\"\"]";

/// A stamp so many milliseconds ahead of the clock.
fn ahead(ms: u64, client: &str) -> String {
    stamp(NOW_MS + ms, 0, client)
}

/// A change of cells `c` in these rows of table `t`, with their stamps.
fn rows(rows: &[(&str, &str)]) -> String {
    let rows: Vec<_> = rows.iter().map(|(id, hlc)| format!(r#""{id}":[{{"c":[1,"{hlc}"]}}]"#)).collect();
    format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))
}

fn say(room: &mut Harness, client: &str, change: &str) {
    room.say(client, &format!("\n[null,3,{change}]"));
}

/// When the room wants to ask a client again, in milliseconds from now.
fn remembers(client: &str, ms: u64) -> String {
    format!("remember {client}: to ask in {ms} ms")
}

// ── What travels alone ───────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn up_to_a_minute_ahead_a_change_goes_on_as_it_came_and_from_there_on_it_is_written_anew() {
    for (ms, as_it_came) in [(MINUTE_MS, true), (MINUTE_MS + 1, false), (4 * MINUTE_MS, false)] {
        let mut room = Harness::holding("", &["a", "b"]);
        let edit = rows(&[("r", &ahead(ms, "Alice"))]);
        room.say("a", &format!("\n[\"id\",3,{edit}]"));
        let id = if as_it_came { "\"id\"" } else { "null" };
        room.expect(&[&keep("a", &edit), &format!("all but a < a\n[{id},3,{edit}]")]);
    }
}

#[test]
fn cells_more_than_a_minute_ahead_share_no_text_with_others_nor_with_those_of_other_clients() {
    let mut room = Harness::holding("", &["a", "b"]);
    let [near, alice, bobby] = [(MINUTE_MS, "Alice"), (MINUTE_MS + 1, "Alice"), (2 * MINUTE_MS, "Bobby")]
        .map(|(ms, client)| ahead(ms, client));
    say(&mut room, "a", &rows(&[("1", &alice), ("2", &near), ("3", &bobby), ("4", &near), ("5", &alice)]));
    let texts = [rows(&[("2", &near), ("4", &near)]), rows(&[("1", &alice), ("5", &alice)]), rows(&[("3", &bobby)])];
    room.expect(&[
        &keep("a", &texts.join(" + ")),
        &relay("a", &texts[0]),
        &relay("a", &texts[1]),
        &relay("a", &texts[2]),
    ]);
}

#[test]
fn an_answer_leaves_what_is_more_than_a_minute_ahead_for_a_change_of_its_own() {
    let (near, far) = (ahead(MINUTE_MS, "Alice"), ahead(MINUTE_MS + 1, "Alice"));
    let change = format!(
        r#"[[{{"t":[{{"r":[{{"c":[1,"{near}"],"d":[1,"{far}"]}}],"s":[{{"c":[1,"{far}"]}}]}}]}}],[{{"v":[1,"{near}"],"w":[1,"{far}"]}}],1]"#
    );
    let (tables, row) = (r#"[[{"t":[{"r":[{"c":[1,"@"]}]}]}],{}]"#, r#"[{"t":[{"r":[{"c":[1,"@"]}]}]}]"#);
    let both = r#"[[{"t":[{"r":[{"d":[1,"@"]}],"s":[{"c":[1,"@"]}]}]}],[{}],1]"#;
    for (question, answer, follows) in [
        ("4,{}", tables, both),
        ("5,{\"t\":{}}", tables, both),
        ("6,{\"t\":{\"r\":{}}}", row, r#"[[{"t":[{"r":[{"d":[1,"@"]}]}]}],[{}],1]"#),
        ("7,{}", r#"[{"v":[1,"@"]}]"#, r#"[[{}],[{"w":[1,"@"]}],1]"#),
    ] {
        let mut room = Harness::holding(&change, &["a"]);
        room.say("a", &format!("S\n[\"q\",{question}]"));
        room.expect(&[&format!("a < S\n[\"q\",0,{}]", answer.replace('@', &near))]);
        room.pass(0);
        room.expect(&[&format!("a < S\n[null,3,{}]", follows.replace('@', &far)), ASKS_HASHES]);
    }
}

#[test]
fn a_backlog_leaves_it_for_a_change_of_its_own_as_well() {
    let (near, far) = (ahead(MINUTE_MS, "Alice"), ahead(MINUTE_MS + 1, "Alice"));
    let mut room = Harness::holding(&rows(&[("1", &near), ("2", &far), ("3", &near)]), &["a"]);
    room.say("a", "\n[null,2,[0,0]]");
    room.pass(0);
    room.expect(&[
        &format!("a < S\n[null,3,{}]", rows(&[("1", &near), ("3", &near)])),
        &format!("a < S\n[null,3,{}]", rows(&[("2", &far)])),
        ASKS_HASHES,
    ]);
}

// ── What is left out ─────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_stamp_more_than_four_minutes_ahead_is_left_out_and_the_rest_taken() {
    let (far, too_far) = (ahead(4 * MINUTE_MS, "Carol"), ahead(4 * MINUTE_MS + 1, "Carol"));
    let mut room = Harness::holding("", &["a", "b"]);
    let edit = r#"[[{"t":[{"r":[{"b":[0,"@too"],"c":[1,"@far"]}],"s":[{"c":[3,"@too"]}]}]}],[{"v":[4,"@too"]}],1]"#;
    say(&mut room, "a", &edit.replace("@far", &far).replace("@too", &too_far));
    let won = row("r", "1", &far);
    room.expect(&[&keep("a", &won), &relay("a", &won), &remembers("a", 1)]);
}

#[test]
fn how_far_ahead_may_be_set() {
    let settings = Settings { max_future_ms: 10_000, ..Settings::default() };
    for (ms, waits_ms) in [(10_000, None), (10_001, Some(1)), (4 * MINUTE_MS, Some(4 * MINUTE_MS - 10_000))] {
        let mut room = Harness::with(settings, journal::Settings::default()).with_content("", &["a", "b"]);
        let edit = rows(&[("r", &ahead(ms, "Alice"))]);
        say(&mut room, "a", &edit);
        match waits_ms {
            None => room.expect(&[&keep("a", &edit), &relay("a", &edit)]),
            Some(waits_ms) => room.expect(&[&remembers("a", waits_ms)]),
        }
    }
}

/// It would travel with everybody's cells.
#[test]
fn a_containers_stamp_more_than_a_minute_ahead_is_left_out() {
    for edit in [
        r#"[[{"t":[{"r":[{"c":[1]},"@"]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1]}]},"@"]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1]}]}]},"@"],[{}],1]"#,
        r#"[[{}],[{"v":[1]},"@"],1]"#,
    ] {
        for (ms, is_taken) in [(MINUTE_MS, true), (MINUTE_MS + 7, false)] {
            let mut room = Harness::holding("", &["a", "b"]);
            let whole = edit.replace('@', &ahead(ms, "Alice"));
            say(&mut room, "a", &whole);
            let plain = edit.replace(",\"@\"", "");
            match is_taken {
                true => room.expect(&[&keep("a", &whole), &relay("a", &whole)]),
                false => room.expect(&[&keep("a", &plain), &relay("a", &plain), &remembers("a", 7)]),
            }
            let before = room.room.store().content_hashes();
            room.wake();
            assert_eq!(room.room.store().content_hashes(), before);
        }
    }
}

// ── When it is asked for again ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn what_was_left_out_is_asked_for_at_the_first_event_after_its_time_has_come() {
    let edit = rows(&[("r", &ahead(5 * MINUTE_MS, "Alice"))]);
    let mut room = Harness::holding("", &["a", "b"]);
    say(&mut room, "a", &edit);
    room.expect(&[&remembers("a", MINUTE_MS)]);
    assert_eq!(room.timeout_in_ms(), None, "nothing waits for it");
    room.now_ms += MINUTE_MS - 1;
    room.say("b", "ping");
    room.expect(&[]);
    room.now_ms += 1;
    room.say("b", "ping");
    room.expect(&["remember a: nothing", ASKS_HASHES]);
    room.say("b", "ping");
    room.expect(&[]);
    room.answer("a", 1, "[1,0]");
    room.expect(&["a < S\n[\"{a#4}\",4,{}]"]);
    room.answer("a", 4, &format!("[{},{{}}]", &edit[1..edit.len() - 8]));
    let outputs = room.outputs();
    assert_eq!(outputs[..2], [keep("a", &edit), relay("a", &edit)]);
}

#[test]
fn a_room_that_was_evicted_is_told_when_to_ask() {
    let mut room = Harness::holding("", &["a", "b"]);
    say(&mut room, "a", &rows(&[("r", &ahead(5 * MINUTE_MS, "Alice"))]));
    room.expect(&[&remembers("a", MINUTE_MS)]);
    room.now_ms += 10;
    room.wake();
    room.expect(&[]);
    room.now_ms += MINUTE_MS - 10;
    room.say("b", "ping");
    room.expect(&["remember a: nothing", ASKS_HASHES]);
}

#[test]
fn a_room_that_wakes_after_its_time_asks_at_once() {
    let mut room = Harness::holding("", &["a", "b"]);
    say(&mut room, "a", &rows(&[("r", &ahead(5 * MINUTE_MS, "Alice"))]));
    room.expect(&[&remembers("a", MINUTE_MS)]);
    room.now_ms += 10 * MINUTE_MS;
    room.wake();
    room.expect(&["remember a: nothing", ASKS_HASHES]);
    room.wake();
    room.expect(&[]);
}

#[test]
fn of_several_the_earliest_is_remembered_and_then_the_next() {
    let [late, earlier, latest] = [7, 6, 8].map(|minutes| ahead(minutes * MINUTE_MS, "Alice"));
    let mut room = Harness::holding("", &["a", "b"]);
    say(&mut room, "a", &rows(&[("1", &late)]));
    room.expect(&[&remembers("a", 3 * MINUTE_MS)]);
    say(&mut room, "a", &rows(&[("2", &latest), ("3", &earlier)]));
    room.expect(&[&remembers("a", 2 * MINUTE_MS)]);
    say(&mut room, "a", &rows(&[("4", &latest)]));
    room.expect(&[]);
    room.now_ms += 2 * MINUTE_MS;
    room.say("b", "ping");
    room.expect(&["remember a: nothing", ASKS_HASHES]);
    let answer = format!(r#"[[{{"t":[{{"1":[{{"c":[1,"{late}"]}}],"3":[{{"c":[1,"{earlier}"]}}]}}]}}],{{}}]"#);
    room.say("a", &format!("S\n[\"0123456789a.4bcd\",0,{answer}]"));
    let edit = rows(&[("3", &earlier)]);
    room.expect(&[&keep("a", &edit), &relay("a", &edit), &remembers("a", MINUTE_MS), ASKS_HASHES]);
}

#[test]
fn each_client_is_asked_at_its_own_time_and_one_who_has_left_is_not() {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    for (client, minutes) in [("a", 7), ("b", 5), ("c", 6)] {
        say(&mut room, client, &rows(&[("r", &ahead(minutes * MINUTE_MS, "Alice"))]));
        room.expect(&[&remembers(client, (minutes - 4) * MINUTE_MS)]);
    }
    room.disconnect("b");
    room.now_ms += MINUTE_MS;
    room.handle(Input::Durable);
    room.expect(&[]);
    room.now_ms += MINUTE_MS;
    room.handle(Input::Durable);
    room.expect(&["remember c: nothing", "c < S\n[\"{c#1}\",1,\"\"]"]);
    room.now_ms += MINUTE_MS;
    room.handle(Input::Durable);
    room.expect(&["remember a: nothing", ASKS_HASHES]);
}

/// The commit beside which it is noted may fail, and the room be evicted before the time comes.
#[test]
fn a_failed_commit_does_not_make_the_room_forget_when_to_ask() {
    let mut room = Harness::holding("", &["a", "b"]);
    room.disk_is_full = true;
    say(&mut room, "a", &rows(&[("r", &ahead(0, "Alice")), ("s", &ahead(6 * MINUTE_MS, "Alice"))]));
    let outputs = room.outputs();
    assert!(outputs.contains(&remembers("a", 2 * MINUTE_MS)), "{outputs:?}");
}
