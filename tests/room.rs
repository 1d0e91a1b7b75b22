//! The room driven by inputs, with the exact outputs of each and none left over: greetings, edits, and rest.
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
use support::texts::{hashes_of, keep, relay, row, t};
use tinyroom::journal;
use tinyroom::room::Input;
use tinyroom::room::Settings;
use tinyroom::wire::MAX_TEXT_BYTES;

// ── Beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_new_connection_is_asked_for_its_hashes_after_a_quarter_of_a_second() {
    let mut room = Harness::new();
    assert_eq!(room.timeout_in_ms(), None);
    room.connect("a");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(250));
    room.pass(249);
    room.handle(Input::Timeout);
    room.expect(&[]);
    room.pass(1);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_client_that_begins_by_itself_is_not_asked() {
    let mut room = Harness::new();
    for (client, begins) in [("a", true), ("b", false)] {
        room.connect(client);
        room.pass(100);
        if begins {
            room.say(client, "\n[\"q\",1,\"\"]");
            room.expect(&[&format!("{client} < S\n[\"q\",0,[0,0]]")]);
            room.pass(999);
        }
        room.say(client, "\n[null,2,[0,0]]");
        room.pass(1_000);
        room.expect(&[]);
        assert_eq!(room.timeout_in_ms(), None);
    }
}

/// A client whose load was cut off loads anew, and never says what it holds.
#[test]
fn a_client_that_loads_and_does_not_say_what_it_holds_is_asked_for_it_once() {
    let mut room = Harness::new();
    room.connect("a");
    for _ in 0..2 {
        room.say("a", "\n[\"q\",1,\"\"]");
        room.expect(&["a < S\n[\"q\",0,[0,0]]"]);
        room.pass(300);
        room.expect(&[]);
    }
    assert_eq!(room.timeout_in_ms(), Some(700), "a second after its last question");
    room.pass(700);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
    room.answer("a", 1, "[0,0]");
    assert_eq!(room.timeout_in_ms(), None);
    // When it loads once more as well: what it edits meanwhile it may never send by itself.
    room.say("a", "\n[\"q\",1,\"\"]");
    room.expect(&["a < S\n[\"q\",0,[0,0]]"]);
    room.pass(1_000);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
    room.answer("a", 1, "[7,0]");
    room.expect(&["a < S\n[\"{a#4}\",4,{}]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn one_that_does_anything_else_is_asked_all_the_same() {
    let mut room = Harness::new();
    room.connect("a");
    room.say("a", "\n[\"q\",4,{}]");
    room.expect(&["a < S\n[\"q\",0,[[{}],{}]]"]);
    room.say("a", "\n[null,3,[[{}],[{}],1]]");
    room.expect(&[]);
    room.pass(250);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
}

#[test]
fn one_that_has_left_is_not_asked() {
    let mut room = Harness::new();
    room.connect("a");
    room.connect("b");
    room.disconnect("a");
    room.pass(250);
    room.expect(&["b < S\n[\"{b#1}\",1,\"\"]"]);
}

#[test]
fn a_reconnect_with_the_same_hashes_takes_a_question_and_an_answer() {
    let held = row("r", "1", "@old");
    let mut room = Harness::holding(&held, &["a"]);
    room.connect("b");
    room.pass(250);
    room.expect(&["b < S\n[\"{b#1}\",1,\"\"]"]);
    room.say("b", &format!("S\n[\"{{b#1}}\",0,{}]", hashes_of(&[&held])));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
}

// ── Edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_lone_edit_is_kept_and_then_sent_on_as_it_came() {
    for to in ["", "S", "server"] {
        let mut room = Harness::holding("", &["a", "b"]);
        let payload = t(r#"[[{"t":[{"\u0072":[{"c":[1.0,"@old"]}]}]}],[{"v":["\u00e4",""]}],1]"#);
        room.say("a", &format!("{to}\n[\"0123456789a\",3,{payload}]"));
        room.expect(&[&keep("a", &payload), &format!("all but a < a\n[\"0123456789a\",3,{payload}]")]);
        room.pass(1_000);
        let (second, written) = (row("r", "2", "@new"), room.table.rows_written);
        room.say("b", &format!("{to}\n[null,3,{second}]"));
        room.expect(&[&keep("b", &second), &relay("b", &second)]);
        assert_eq!(room.table.rows_written, written + 1);
        room.wake();
        assert_eq!(room.room.store().content_hashes(), store_of([&*payload, &second]).content_hashes());
    }
}

#[test]
fn an_edit_that_loses_goes_nowhere() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b"]);
    let written = room.table.rows_written;
    for (value, hlc) in [("2", "@older"), ("2", "@old"), ("2", ""), ("1", "@old")] {
        room.say("a", &format!("\n[null,3,{}]", row("r", value, hlc)));
        room.expect(&[]);
        assert_eq!(room.timeout_in_ms(), None);
    }
    assert_eq!(room.table.rows_written, written);
}

#[test]
fn of_an_edit_that_loses_in_part_the_rest_travels() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b"]);
    let edit =
        r#"[[{"t":[{"r":[{"b":[true,"@older"],"c":[2,"@older"]}],"s":[{"c":["x"]}]}]}],[{"v":["@gone","@old"]}],1]"#;
    room.say("a", &format!("\n[\"id\",3,{edit}]"));
    let won = r#"[[{"t":[{"r":[{"b":[true,"@older"]}],"s":[{"c":["x"]}]}]}],[{"v":["@gone","@old"]}],1]"#;
    room.expect(&[&keep("a", won), &relay("a", won)]);
}

#[test]
fn a_containers_stamp_travels_even_where_no_cell_wins() {
    let table = r#"[[{"t":[{"r":[{"c":[1,"@old"]}]},"@new"]}],[{}],1]"#;
    let row = r#"[[{"t":[{"r":[{"c":[1,"@old"]},"@new"]}]}],[{}],1]"#;
    for (edit, kept) in [
        (row, row),
        (r#"[[{"t":[{"r":[{},"@new"]}]}],[{}],1]"#, row),
        (table, table),
        (r#"[[{"t":[{},"@new"]}],[{}],1]"#, table),
        (r#"[[{},"@new"],[{}],1]"#, r#"[[{},"@new"],[{}],1]"#),
        (r#"[[{}],[{},"@new"],1]"#, r#"[[{}],[{},"@new"],1]"#),
    ] {
        let held = t(r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}]}],[{"v":[1]}],1]"#);
        let mut room = Harness::holding(&held, &["a", "b"]);
        room.say("a", &format!("\n[null,3,{edit}]"));
        room.expect(&[&keep("a", kept), &relay("a", kept)]);
        let before = room.room.store().content_hashes();
        room.wake();
        assert_eq!(room.room.store().content_hashes(), before);
    }
}

/// Whatever the room says of itself must be on disk, the stamp of something empty included.
#[test]
fn what_is_in_the_hashes_is_kept() {
    for edit in [r#"[[{},"@old"],[{}],1]"#, r#"[[{}],[{},"@old"],1]"#] {
        let mut room = Harness::holding("", &["a", "b"]);
        room.say("a", &format!("\n[null,3,{edit}]"));
        room.outputs();
        let before = room.room.store().content_hashes();
        room.wake();
        assert_eq!(room.room.store().content_hashes(), before, "{edit}");
    }
}

#[test]
fn what_is_not_spelled_as_a_client_spells_it_is_written_anew() {
    let plain = r#"[[{"t":[{"r":[{"c":[1]}]}]}],[{}],1]"#;
    for unusual in [
        r#"[[{"t":[{"r":[{"c":[ 1]}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1,""]}]}]}],[{}],1 ]"#,
        r#"[[{"t":[{"r":[{"c":[1,"",367730898]},"",5]},"",6]},"",7],[{},"",0],1]"#,
        r#"[[{"t":[{"r":[{"c":[2],"c":[1]}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"d":[2]}],"r":[{"c":[1]}]}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1]}],"s":[{}]}],"u":[{}]}],[{}],1]"#,
        r#"[[{"t":[{"r":[{"c":[1,"@gone"]}]}]}],[{}],1]"#,
    ] {
        let mut room = Harness::holding("", &["a", "b"]);
        room.say("a", &format!("\n[\"id\",3,{unusual}]"));
        room.expect(&[&keep("a", plain), &relay("a", plain)]);
    }
}

/// A client of 9.3 or later closes its socket on more than 16 MiB, first line included.
#[test]
fn nothing_that_is_taken_is_too_long_to_be_sent_on() {
    let empty = row("r", "\"\"", "@old").len();
    let mut room = Harness::holding("", &["a", "b"]);
    let longest = row("r", &format!("\"{}\"", "x".repeat(MAX_TEXT_BYTES - empty - 10)), "@old");
    room.say("a", &format!("\n[null,3,{longest}]"));
    let outputs = room.outputs();
    assert_eq!(outputs.len(), 2);
    assert!(outputs[1].len() < 16 << 20);
    room.connect("c");
    for client in ["b", "c"] {
        room.say(client, "S\n[\"q\",4,{}]");
        // It is too long for an answer, which must come soon, but not for a change.
        room.expect(&[&format!("{client} < S\n[\"q\",0,[[{{}}],{{}}]]")]);
        room.pass(0);
        let change = room.outputs();
        assert!(change[0].len() > longest.len() - 10 && change[0].len() < 16 << 20, "{}", change[0].len());
        assert_eq!(change[1..], [format!("{client} < S\n[\"{{{client}#1}}\",1,\"\"]")]);
    }
}

// ── At rest ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_wake_writes_nothing_and_sends_nothing() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b"]);
    let written = room.table.rows_written;
    room.wake();
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
    let edit = row("r", "2", "@new");
    room.say("b", &format!("\n[\"id\",3,{edit}]"));
    room.expect(&[&keep("b", &edit), &format!("all but b < b\n[\"id\",3,{edit}]")]);
    assert_eq!(room.table.rows_written, written + 1);
}

#[test]
fn a_room_that_broke_asks_everybody_what_they_hold_and_writes_nothing() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b"]);
    let written = room.table.rows_written;
    room.wake();
    room.handle(Input::Broken);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]", "b < S\n[\"{b#1}\",1,\"\"]"]);
    assert_eq!(room.table.rows_written, written);
}

#[test]
fn a_join_writes_nothing() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a"]);
    let written = room.table.rows_written;
    room.connect("b");
    room.say("b", "\n[\"q\",1,\"\"]");
    room.say("b", "\n[\"q\",4,{}]");
    room.say("b", &format!("\n[null,2,{}]", hashes_of(&[&row("r", "1", "@old")])));
    assert_eq!(room.outputs().len(), 2);
    room.disconnect("b");
    assert_eq!((room.outputs().len(), room.table.rows_written), (0, written));
}

/// A room of two rows whose compaction takes two slices, and is due.
fn room_to_compact() -> Harness {
    let small = journal::Settings {
        level0_bytes: 100,
        level0_entries: 0,
        row_bytes: 1_000,
        slice_bytes: 60,
        slack_bytes: 0,
        ..Default::default()
    };
    let mut room = Harness::with(Settings::default(), small).with_content(&row("1", "1", "@older"), &["a", "b"]);
    for (value, hlc) in [("2", "@older"), ("3", "@old"), ("4", "@new")] {
        assert_eq!(room.timeout_in_ms(), None);
        room.say("a", &format!("\n[null,3,{}]", row("2", value, hlc)));
        assert_eq!(room.outputs().len(), 2);
        room.now_ms += 10;
    }
    assert_eq!(room.timeout_in_ms(), Some(0));
    room
}

#[test]
fn a_compaction_goes_in_slices() {
    let mut room = room_to_compact();
    room.pass(0);
    room.expect(&[&keep("", &row("1", "1", "@older"))]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    room.expect(&[&keep("", &row("2", "4", "@new"))]);
    assert_eq!(room.timeout_in_ms(), None);
    assert_eq!(room.table.rows.keys().copied().collect::<Vec<_>>(), [0, 3]);
    let before = room.room.store().content_hashes();
    room.wake();
    assert_eq!(room.room.store().content_hashes(), before);
}

#[test]
fn between_the_slices_of_a_compaction_edits_go_on() {
    let mut room = room_to_compact();
    room.pass(0);
    room.expect(&[&keep("", &row("1", "1", "@older"))]);
    let newest = stamp(NOW_MS, 9, "Carol");
    let (first, second) = (row("1", "5", &newest), row("2", "6", &newest));
    room.say("b", &format!("\n[null,3,{first}]"));
    room.expect(&[&keep("b", &first), &relay("b", &first)]);
    room.say("b", &format!("\n[null,3,{second}]"));
    room.expect(&[]);
    // The next slice holds the second edit, which is kept and sent first, though its window is not over.
    room.pass(0);
    room.expect(&[&keep("b", &second), &relay("b", &second), &keep("", &second)]);
    let before = room.room.store().content_hashes();
    room.wake();
    assert_eq!(room.room.store().content_hashes(), before);
}

/// It is read in parts, which are several times as large in memory as their texts.
#[test]
fn a_long_change_is_kept_and_relayed_in_parts_and_nothing_of_it_is_left_out() {
    let values: Vec<_> = (0..100_000).map(|n| format!(r#""v{n}":[{n},"@old"]"#)).collect();
    let change =
        t(&format!(r#"[[{{"t":[{{"r":[{{"c":[1,"@old"]}}]}}]}}],[{{{},"r":["@object{{bad"]}}],1]"#, values.join(",")))
            .replace("@object", "\u{fffd}");
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", &format!("\n[null,3,{change}]"));
    let mut lines = room.outputs();
    room.pass(100);
    lines.extend(room.outputs());
    let kept = lines.iter().filter(|line| line.starts_with("keep a: ")).count();
    assert!((2..10).contains(&kept), "{kept} commits");
    let told =
        lines.iter().filter_map(|line| line.split_once("[null,3,")).map(|(_, change)| &change[..change.len() - 1]);
    let warned = lines.iter().filter(|line| line.starts_with("warn: a sent cells that are refused: 0 ")).count();
    assert_eq!(warned, 1);
    let whole = store_of([&*change.replace(",\"r\":[\"\u{fffd}{bad\"]", "")]);
    assert_eq!(store_of(told).content_hashes(), whole.content_hashes());
    assert_eq!(room.room.store().content_hashes(), whole.content_hashes());
    let stored = room.table.load(journal::Settings::default()).0;
    assert_eq!(stored.content_hashes(), whole.content_hashes());
    room.connect("c");
    room.say("c", "\n[\"q\",1,\"\"]");
    room.expect(&[&format!("c < S\n[\"q\",0,[{},{}]]", whole.content_hashes().tables, whole.content_hashes().values)]);
}

#[test]
fn of_a_long_change_that_cannot_be_read_nothing_is_taken() {
    let values: Vec<_> = (0..100_000).map(|n| format!(r#""v{n}":[{n},"@old"]"#)).collect();
    let mut room = Harness::holding("", &["a", "b"]);
    room.say("a", &format!("\n[null,3,{}]", t(&format!("[[{{}}],[{{{}}}],2]", values.join(",")))));
    let lines = room.outputs();
    assert!(lines.len() == 1 && lines[0].starts_with("close a: 1007 "), "{lines:?}");
    assert!(room.room.store().is_empty());
}
