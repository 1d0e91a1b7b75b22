//! A room that may keep changes a little later than it relays them: one commit for all of that time, and no edit lost for as
//! long as anybody has it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use support::client::Era;
use support::fixtures::NOW_MS;
use support::harness::Harness;
use support::network::{Line, World};
use support::stamp::stamp;
use support::stores::{cell, store_of};
use support::texts::{hashes_of, keep, relay, row};
use tinyroom::journal;
use tinyroom::json::Reader;
use tinyroom::room::{Input, Settings};
use tinyroom::store::HashTree;

const WITHIN_MS: u64 = 1_000;

/// What the room holds already, and has kept.
fn held() -> String {
    row("r", "0", "@older")
}

fn settings(keep_within_ms: u64) -> Settings {
    Settings { keep_within_ms, ..Settings::default() }
}

/// A room in which changes may be unkept for so long, with clients in step.
fn room_with(keep_within_ms: u64, journal: journal::Settings, clients: &[&'static str]) -> Harness {
    let mut room = Harness::with(settings(keep_within_ms), journal).with_content(&held(), &[]);
    for client in clients {
        room.connect(client);
        room.say(client, &format!("\n[null,2,{}]", hashes_of(&[&held()])));
    }
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
    room
}

fn room(clients: &[&'static str]) -> Harness {
    room_with(WITHIN_MS, journal::Settings::default(), clients)
}

/// An edit of a row's cell.
fn edit(row_id: &str, version: u32) -> String {
    row(row_id, &version.to_string(), &stamp(NOW_MS, version, "Bobby"))
}

/// A change of so many cells of a row.
fn wide(cells: usize, version: u32) -> String {
    let hlc = stamp(NOW_MS, version, "Bobby");
    let cells: Vec<_> = (0..cells).map(|n| format!(r#""{n}":[{version},"{hlc}"]"#)).collect();
    format!(r#"[[{{"t":[{{"w":[{{{}}}]}}]}}],[{{}}],1]"#, cells.join(","))
}

fn say(room: &mut Harness, client: &str, change: &str) {
    room.say(client, &format!("\n[null,3,{change}]"));
}

fn asks_hashes(client: &str) -> String {
    format!("{client} < S\n[\"{{{client}#1}}\",1,\"\"]")
}

// ── When it is kept ──────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_lone_edit_is_relayed_at_once_as_it_came_and_kept_when_its_time_has_come() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.expect(&[&relay("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), Some(WITHIN_MS));
    room.pass(WITHIN_MS - 1);
    room.expect(&[]);
    room.pass(1);
    room.expect(&[&keep("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), None, "nothing is left for which it would have to stay in memory");
    room.pass(10 * WITHIN_MS);
    room.expect(&[]);
}

#[test]
fn what_loses_its_merge_is_never_kept() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &held());
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn sixty_edits_of_a_cell_in_a_second_are_sixty_relays_and_one_row() {
    let mut room = room(&["a", "b"]);
    let rows_written = room.table.rows_written;
    for n in 1..=60 {
        say(&mut room, "a", &edit("s", n));
        room.expect(&[&relay("a", &edit("s", n))]);
        room.pass(16);
        room.expect(&[]);
    }
    room.pass(WITHIN_MS - 60 * 16);
    room.expect(&[&keep("a", &edit("s", 60))]);
    assert_eq!(room.table.rows_written, rows_written + 1);
    // The next second begins with the next edit.
    room.pass(300);
    say(&mut room, "a", &edit("s", 61));
    room.expect(&[&relay("a", &edit("s", 61))]);
    assert_eq!(room.timeout_in_ms(), Some(WITHIN_MS));
}

#[test]
fn what_several_write_is_kept_as_one() {
    let mut room = room(&["a", "b"]);
    for (client, row_id, version) in [("a", "s", 1), ("b", "u", 2), ("a", "s", 3)] {
        say(&mut room, client, &edit(row_id, version));
        room.expect(&[&relay(client, &edit(row_id, version))]);
        room.pass(100);
    }
    room.pass(WITHIN_MS - 300);
    let [s, u] = [stamp(NOW_MS, 3, "Bobby"), stamp(NOW_MS, 2, "Bobby")];
    let both = format!(r#"[[{{"t":[{{"s":[{{"c":[3,"{s}"]}}],"u":[{{"c":[2,"{u}"]}}]}}]}}],[{{}}],1]"#);
    room.expect(&[&keep("a b", &both)]);
}

#[test]
fn edits_that_come_close_together_leave_as_one_and_are_kept_with_the_first() {
    let mut room = room(&["a", "b", "c"]);
    say(&mut room, "a", &edit("s", 1));
    say(&mut room, "b", &edit("s", 2));
    say(&mut room, "b", &edit("s", 3));
    room.expect(&[&relay("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), Some(1));
    room.pass(1);
    room.expect(&[&relay("b", &edit("s", 3))]);
    room.pass(WITHIN_MS - 1);
    room.expect(&[&keep("a b", &edit("s", 3))]);
}

/// It is not seen later for it: sends that follow a commit wait for the disk.
#[test]
fn what_is_pending_when_something_is_kept_is_relayed_first_and_kept_as_well() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    say(&mut room, "a", &edit("s", 2));
    room.expect(&[&relay("a", &edit("s", 1))]);
    room.handle(Input::FlushForRead);
    room.expect(&[&relay("a", &edit("s", 2)), &keep("a", &edit("s", 2))]);
    assert_eq!(room.timeout_in_ms(), None);
}

/// A flood holds up timers.
#[test]
fn an_edit_that_comes_when_the_time_is_over_has_it_kept() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.now_ms += WITHIN_MS;
    say(&mut room, "b", &edit("u", 2));
    let outputs = room.outputs();
    assert_eq!(outputs[..2], [relay("a", &edit("s", 1)), relay("b", &edit("u", 2))]);
    assert!(outputs.len() == 3 && outputs[2].starts_with("keep a b: "), "{outputs:?}");
}

#[test]
fn no_setting_leaves_anything_unkept_for_more_than_a_minute() {
    let mut room = room_with(1 << 31, journal::Settings::default(), &["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    assert_eq!(room.timeout_in_ms(), Some(60_000));
}

#[test]
fn with_the_default_everything_is_kept_before_it_is_seen_and_a_wake_asks_nobody() {
    let mut room = room_with(Settings::default().keep_within_ms, journal::Settings::default(), &["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.expect(&[&keep("a", &edit("s", 1)), &relay("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), None);
    room.wake();
    say(&mut room, "a", &edit("s", 2));
    room.expect(&[&keep("a", &edit("s", 2)), &relay("a", &edit("s", 2))]);
}

// ── When it is kept sooner ───────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn what_is_unkept_is_kept_before_the_stored_content_is_read() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.outputs();
    room.handle(Input::FlushForRead);
    room.expect(&[&keep("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), None);
    room.handle(Input::FlushForRead);
    room.expect(&[]);
}

#[test]
fn an_answer_shows_what_is_unkept_and_has_nothing_kept() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.outputs();
    room.say("b", "\n[\"q\",1,\"\"]");
    room.expect(&[&format!("b < S\n[\"q\",0,{}]", hashes_of(&[&held(), &edit("s", 1)]))]);
}

#[test]
fn when_the_last_client_leaves_what_is_unkept_is_kept_at_once() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.outputs();
    room.disconnect("a");
    room.expect(&[]);
    room.disconnect("b");
    room.expect(&[&keep("a", &edit("s", 1))]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn so_it_is_when_the_last_client_is_closed() {
    let mut room = room(&["a"]);
    say(&mut room, "a", &edit("s", 1));
    room.outputs();
    room.say_binary("a", 1);
    room.expect(&["close a: 1007 tinybase:14:expected a text frame, found a binary one", &keep("a", &edit("s", 1))]);
}

#[test]
fn more_than_may_be_pending_is_kept_at_once() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &wide((16 << 10) + 1, 1));
    let outputs = room.outputs();
    assert_eq!(outputs[0], relay("a", &wide((16 << 10) + 1, 1)));
    assert!(outputs.len() == 2 && outputs[1].starts_with("keep a: "));
    let stored = room.table.load(journal::Settings::default()).0;
    assert_eq!(stored.content_hashes(), room.room.store().content_hashes());
    assert_eq!(room.timeout_in_ms(), None, "no timer is left");
}

#[test]
fn few_cells_that_change_again_and_again_are_never_too_many() {
    let mut room = room(&["a", "b"]);
    for version in 1..=40 {
        say(&mut room, "a", &wide(1_000, version));
        room.expect(&[&relay("a", &wide(1_000, version))]);
        room.pass(10);
        room.expect(&[]);
    }
}

#[test]
fn what_is_unkept_is_kept_before_each_slice_of_a_snapshot() {
    let small = journal::Settings {
        level0_bytes: 100,
        level0_entries: 0,
        slice_bytes: 60,
        slack_bytes: 0,
        ..journal::Settings::default()
    };
    let mut room = room_with(WITHIN_MS, small, &["a", "b"]);
    let mut version = 0;
    while room.timeout_in_ms() != Some(0) {
        version += 1;
        assert!(version < 100, "no snapshot is due");
        say(&mut room, "a", &edit("s", version));
        room.pass(WITHIN_MS);
        room.expect(&[&relay("a", &edit("s", version)), &keep("a", &edit("s", version))]);
        room.now_ms += 10;
    }
    say(&mut room, "b", &edit("s", version + 1));
    room.expect(&[&relay("b", &edit("s", version + 1))]);
    room.pass(0);
    room.expect(&[&keep("b", &edit("s", version + 1)), &keep("", &held())]);
    assert_eq!(room.timeout_in_ms(), Some(0), "there is another slice");
}

// ── When it is lost ──────────────────────────────────────────────────────────────────────────────────────────────────

/// A room whose disk has just not taken what was unkept.
fn read_only_room() -> Harness {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.expect(&[&relay("a", &edit("s", 1))]);
    room.disk_is_full = true;
    room.pass(WITHIN_MS);
    room.expect(&[&format!("cannot {}", keep("a", &edit("s", 1)))]);
    room
}

#[test]
fn what_could_not_be_kept_comes_back_from_whoever_has_it_and_is_kept_before_it_is_seen() {
    let mut room = read_only_room();
    assert_eq!(room.room.store().content_hashes(), store_of([&*held()]).content_hashes());
    room.disk_is_full = false;
    room.disk_is_slow = true;
    assert_eq!(room.timeout_in_ms(), Some(1_000));
    room.pass(1_000);
    room.expect(&[&asks_hashes("a")]);
    room.answer("a", 1, &hashes_of(&[&held(), &edit("s", 1)]));
    room.expect(&["a < S\n[\"{a#4}\",4,{\"t\":0}]"]);
    room.answer("a", 4, "[[{}],{\"t\":1}]");
    room.expect(&["a < S\n[\"{a#5}\",5,{\"t\":{\"r\":0}}]"]);
    let same = store_of([&*held()]).row_hashes(&HashTree::read(&mut Reader::new("{\"t\":1}"), 1).unwrap()).unwrap();
    room.answer("a", 5, &format!("{},{same}]", edit("s", 1).strip_suffix(",[{}],1]").unwrap()));
    assert_eq!(room.outputs()[..2], [keep("a", &edit("s", 1)), relay("a", &edit("s", 1))]);
    room.handle(Input::Durable);
    room.expect(&[&asks_hashes("a"), &asks_hashes("b")]);
    // From here on it is as before.
    room.pass(1_000);
    say(&mut room, "b", &edit("s", 2));
    room.expect(&[&relay("b", &edit("s", 2))]);
}

/// It is not where it was any more, or not at all.
#[test]
fn of_what_was_unkept_when_a_commit_failed_nothing_is_kept_later() {
    let mut room = room(&["a", "b"]);
    say(&mut room, "a", &edit("s", 1));
    room.outputs();
    room.fail();
    room.handle(Input::FlushForRead);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(1_000), "until the disk is tried again");
}

#[test]
fn while_the_disk_takes_nothing_nothing_more_is_relayed() {
    let mut room = read_only_room();
    say(&mut room, "b", &edit("s", 2));
    room.expect(&[]);
    room.now_ms += 1_000;
    say(&mut room, "b", &edit("s", 3));
    room.expect(&[&asks_hashes("a"), &format!("cannot {}", keep("b", &edit("s", 3)))]);
}

/// The room cannot know whether it slept or was lost.
#[test]
fn after_a_wake_everybody_is_asked_once_at_their_next_message_what_they_hold() {
    let mut room = room(&["a", "b"]);
    room.wake();
    room.pass(60_000);
    room.expect(&[]);
    say(&mut room, "a", &edit("s", 1));
    room.expect(&[&asks_hashes("a"), &relay("a", &edit("s", 1))]);
    room.answer("a", 1, &hashes_of(&[&held(), &edit("s", 1)]));
    room.say("b", "a heartbeat");
    room.expect(&[&asks_hashes("b")]);
    room.answer("b", 1, &hashes_of(&[&held(), &edit("s", 1)]));
    for client in ["a", "b"] {
        room.say(client, "a heartbeat");
    }
    room.expect(&[]);
}

/// Somebody else's will do, too.
#[test]
fn what_a_room_lost_while_all_sockets_stayed_open_comes_back_with_any_clients_next_message() {
    for speaker in [0, 1] {
        let mut world = World::new(settings(WITHIN_MS));
        for name in ["Alice", "Bobby"] {
            world.join(name, Era::V9_3, Line::of_rtt(20));
        }
        world.rest(60_000);
        world.edit(0, |hlc| cell("t", "lost", "c", "1", hlc));
        world.pass(100);
        assert!(world.are_whole(), "it is relayed");
        world.reset();
        world.pass(60_000);
        assert!(!world.are_whole(), "nothing was said");
        world.edit(speaker, |hlc| cell("t", "next", "c", "1", hlc));
        assert!(world.rest(60_000));
        world.assert_all_hold([0, 1]);
        assert_eq!(world.closed, []);
    }
}
