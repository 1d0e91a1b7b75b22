//! Who differs is made equal: questions, answers and pulls of the room, with the exact outputs of each.
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
use support::stores::{hashes, store_of};
use support::texts::{hashes_of, keep, relay, row, t};
use support::tree::Tree;
use tinyroom::journal;
use tinyroom::room::Settings;

// ── Questions ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn questions_to_everybody_end_at_the_room() {
    let held = row("r", "1", "@old");
    for to in ["", "S", "server"] {
        let mut room = Harness::holding(&held, &["a", "b", "c"]);
        for (id, printed) in [("\"q\"", "\"q\""), ("null", "null"), (r#""\u0071\u000a""#, r#""q\n""#)] {
            room.say("a", &format!("{to}\n[{id},1,\"\"]"));
            room.expect(&[&format!("a < S\n[{printed},0,{}]", hashes_of(&[&held]))]);
        }
        room.say("a", &format!("{to}\n[null,2,{}]", hashes_of(&[&held])));
        room.expect(&[]);
    }
}

#[test]
fn each_kind_of_question_is_answered() {
    let rows = r#"{"r":[{"c":[1,"@old"],"d":[2]}],"s":[{"c":[3,"@new"]}]}"#;
    let held = t(&format!(r#"[[{{"t":[{rows}],"u":[{{"r":[{{"c":[4]}}]}}]}}],[{{"v":[5,"@old"],"w":["@gone"]}}],1]"#));
    let content = store_of([&*held]).content_text();
    let content = Tree::parse(&content);
    let tables = content.at("0").at("0");
    let (r, s) = (tables.at("t").at("0").at("r"), tables.at("t").at("0").at("s"));
    let named = [
        ("#t", tables.at("t")),
        ("#u", tables.at("u")),
        ("#r", r),
        ("#s", s),
        ("#c", r.at("0").at("c")),
        ("#v", content.at("1").at("0").at("v")),
    ];
    let with_hashes =
        |text: &str| named.iter().fold(t(text), |text, (name, node)| text.replace(name, node.at("2").scalar()));
    let all_tables = format!(r#"[[{{"t":[{rows}],"u":[{{"r":[{{"c":[4]}}]}}]}}],{{}}]"#);
    for (type_, question, answer) in [
        // Tables the asker lacks, holds as the room does, and holds otherwise.
        (4, "{}", &*all_tables),
        (4, r#"{"t":#t}"#, r#"[[{"u":[{"r":[{"c":[4]}]}]}],{}]"#),
        (4, r#"{"t":1,"u":2,"x":3}"#, r##"[[{}],{"t":#t,"u":#u}]"##),
        // Rows likewise, of the tables that are named.
        (5, "{}", "[[{}],{}]"),
        (5, r#"{"t":{"r":#r}}"#, r#"[[{"t":[{"s":[{"c":[3,"@new"]}]}]}],{}]"#),
        (5, r#"{"t":{"r":1,"s":2},"x":{"y":3}}"#, r##"[[{}],{"t":{"r":#r,"s":#s}}]"##),
        // Cells of the rows that are named, each with its stamp though it be empty.
        (6, r#"{"t":{"x":{}},"x":{}}"#, "[{}]"),
        (6, r#"{"t":{"r":{"c":#c}}}"#, r#"[{"t":[{"r":[{"d":[2,""]}]}]}]"#),
        (6, r#"{"t":{"s":{"c":1}}}"#, r#"[{"t":[{"s":[{"c":[3,"@new"]}]}]}]"#),
        // Values.
        (7, "{}", r#"[{"v":[5,"@old"],"w":["@gone"]}]"#),
        (7, r#"{"v":#v,"w":1}"#, r#"[{"w":["@gone"]}]"#),
    ] {
        for to in ["", "S", "server"] {
            let mut room = Harness::holding(&held, &["a", "b"]);
            room.say("a", &with_hashes(&format!("{to}\n[\"q\",{type_},{question}]")));
            room.expect(&[&with_hashes(&format!("a < S\n[\"q\",0,{answer}]"))]);
        }
    }
}

// ── Pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// What the room holds, and what a client `b` holds that comes back, in one cell each of tables, rows and cells on both
/// sides, and of values.
const OURS: &str = r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}],"u":[{"r":[{"c":[9,"@old"]}]}]}],[{"w":[9,"@old"]}],1]"#;
const THEIRS: [&str; 4] = [
    r#"[[{"v":[{"r":[{"c":[2,"@old"]}]}]}],[{}],1]"#,
    r#"[[{"t":[{"s":[{"c":[3,"@old"]}]}]}],[{}],1]"#,
    r#"[[{"t":[{"r":[{"c":[4,"@new"]}]}]}],[{}],1]"#,
    r#"[[{}],[{"v":[5,"@old"]}],1]"#,
];

/// The hash of a table, row or cell, by its path.
fn hash_of(change: &str, path: &[&str]) -> String {
    let content = store_of([change]).content_text();
    let content = Tree::parse(&content);
    path.iter().fold(content.at("0"), |node, id| node.at("0").at(id)).at("2").scalar().to_owned()
}

/// The first questions of a pull from `b`, who differs in tables and values.
fn begin_pull(room: &mut Harness, ours: &str) {
    let store = store_of([ours]);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[
        &format!("b < S\n[\"{{b#4}}\",4,{}]", store.table_hashes()),
        &format!("b < S\n[\"{{b#7}}\",7,{}]", store.value_hashes()),
    ]);
}

#[test]
fn from_a_client_that_differs_the_room_pulls_step_by_step_and_tells_the_others() {
    let (ours, theirs) = (t(OURS), THEIRS.map(t));
    let mut room = Harness::holding(&ours, &["a", "b"]);
    begin_pull(&mut room, &ours);

    room.answer("b", 4, r#"[[{"v":[{"r":[{"c":[2,"@old"]}]}]}],{"t":1}]"#);
    let rows = format!(r#"{{"t":{{"r":{}}}}}"#, hash_of(&ours, &["t", "r"]));
    room.expect(&[
        &keep("b", "append 1", &theirs[0]),
        &relay("b", &theirs[0]),
        &format!("b < S\n[\"{{b#5}}\",5,{rows}]"),
    ]);

    room.pass(10);
    room.answer("b", 5, r#"[[{"t":[{"s":[{"c":[3,"@old"]}]}]}],{"t":{"r":1}}]"#);
    let cells = format!(r#"{{"t":{{"r":{{"c":{}}}}}}}"#, hash_of(&ours, &["t", "r", "c"]));
    room.expect(&[
        &keep("b", "append 1", &theirs[1]),
        &relay("b", &theirs[1]),
        &format!("b < S\n[\"{{b#6}}\",6,{cells}]"),
    ]);

    room.pass(10);
    room.answer("b", 6, r#"[{"t":[{"r":[{"c":[4,"@new"]}]}]}]"#);
    room.expect(&[&keep("b", "append 1", &theirs[2]), &relay("b", &theirs[2])]);

    room.pass(10);
    room.answer("b", 7, r#"[{"v":[5,"@old"]}]"#);
    let all: Vec<_> = std::iter::once(&*ours).chain(theirs.iter().map(String::as_str)).collect();
    room.expect(&[
        &keep("b", "append 1", &theirs[3]),
        &relay("b", &theirs[3]),
        &format!("b < S\n[null,2,{}]", hashes_of(&all)),
    ]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_pull_that_leaves_no_difference_ends_in_silence() {
    let (ours, more) = (row("r", "1", "@old"), row("s", "2", "@new"));
    let mut room = Harness::holding(&ours, &["a", "b"]);
    room.say("b", &format!("\n[null,2,{}]", hashes_of(&[&ours, &more])));
    room.expect(&[&format!("b < S\n[\"{{b#4}}\",4,{}]", store_of([&*ours]).table_hashes())]);
    room.answer("b", 4, r#"[[{}],{"t":1}]"#);
    let rows = format!(r#"{{"t":{{"r":{}}}}}"#, hash_of(&ours, &["t", "r"]));
    room.expect(&[&format!("b < S\n[\"{{b#5}}\",5,{rows}]")]);
    room.answer("b", 5, r#"[[{"t":[{"s":[{"c":[2,"@new"]}]}]}],{}]"#);
    room.expect(&[&keep("b", "append 1", &more), &relay("b", &more)]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_pull_asks_only_for_what_differs() {
    let held = t(OURS);
    let (tables, values) = hashes(&store_of([&*held]));
    let mut room = Harness::holding(&held, &["a", "b"]);
    room.say("a", &format!("\n[null,2,[{tables},1]]"));
    room.expect(&[&format!("a < S\n[\"{{a#7}}\",7,{}]", store_of([&*held]).value_hashes())]);
    room.say("b", &format!("\n[null,2,[1,{values}]]"));
    room.expect(&[&format!("b < S\n[\"{{b#4}}\",4,{}]", store_of([&*held]).table_hashes())]);
    room.answer("a", 7, "[{}]");
    room.expect(&[&format!("a < S\n[null,2,[{tables},{values}]]")]);
    room.answer("b", 4, "[[{}],{}]");
    room.expect(&[&format!("b < S\n[null,2,[{tables},{values}]]")]);
}

#[test]
fn hashes_that_come_during_a_pull_begin_no_second_one() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a", "b"]);
    begin_pull(&mut room, &held);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[]);
    room.pass(10_000);
    room.say("b", "\n[null,2,[1,2]]");
    assert_eq!(room.outputs().len(), 2, "one that was never answered is not waited for");
}

#[test]
fn other_hashes_that_come_during_a_pull_begin_another_after_it() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a", "b"]);
    begin_pull(&mut room, &held);
    room.say("b", "\n[null,2,[3,4]]");
    room.answer("b", 4, "[[{}],{}]");
    room.expect(&[]);
    room.answer("b", 7, "[{}]");
    let store = store_of([&*held]);
    room.expect(&[
        &format!("b < S\n[\"{{b#4}}\",4,{}]", store.table_hashes()),
        &format!("b < S\n[\"{{b#7}}\",7,{}]", store.value_hashes()),
    ]);
    room.answer("b", 4, "[[{}],{}]");
    room.answer("b", 7, "[{}]");
    room.expect(&[&format!("b < S\n[null,2,{}]", hashes_of(&[&held]))]);
}

#[test]
fn a_pull_goes_on_in_a_room_that_was_evicted() {
    let (ours, theirs) = (t(OURS), THEIRS.map(t));
    let mut room = Harness::holding(&ours, &["a", "b"]);
    begin_pull(&mut room, &ours);
    room.wake();
    room.expect(&[]);
    room.answer("b", 4, r#"[[{}],{"t":1}]"#);
    let rows = format!(r#"{{"t":{{"r":{}}}}}"#, hash_of(&ours, &["t", "r"]));
    room.expect(&[&format!("b < S\n[\"{{b#5}}\",5,{rows}]")]);
    room.wake();
    room.answer("b", 5, r#"[[{}],{"t":{"r":1}}]"#);
    let cells = format!(r#"{{"t":{{"r":{{"c":{}}}}}}}"#, hash_of(&ours, &["t", "r", "c"]));
    room.expect(&[&format!("b < S\n[\"{{b#6}}\",6,{cells}]")]);
    room.wake();
    room.answer("b", 6, r#"[{"t":[{"r":[{"c":[4,"@new"]}]}]}]"#);
    let ask = "b < S\n[\"{b#1}\",1,\"\"]";
    room.expect(&[&keep("b", "append 1", &theirs[2]), &relay("b", &theirs[2]), ask]);
    room.wake();
    room.answer("b", 7, "[{}]");
    room.expect(&[ask]);
    room.answer("b", 1, &hashes_of(&[&ours, &theirs[2]]));
    room.expect(&[]);
}

/// A client that edits while it loads tells of it only by the hashes at the end, and those may come during a pull.
#[test]
fn hashes_that_come_during_a_pull_outlive_an_eviction() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a", "b"]);
    begin_pull(&mut room, &held);
    room.say("b", "\n[null,2,[3,4]]");
    room.expect(&[]);
    room.wake();
    room.answer("b", 4, "[[{}],{}]");
    let asked = room.outputs();
    assert!(asked.contains(&"b < S\n[\"{b#1}\",1,\"\"]".to_owned()), "{asked:?}");
    room.answer("b", 1, "[3,4]");
    let asked = room.outputs();
    assert!(asked[0].starts_with("b < S\n[\"{b#4}\",4,{"), "{asked:?}");
}

#[test]
fn the_stamp_of_an_empty_answer_is_that_of_what_was_asked_for() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a", "b"]);
    begin_pull(&mut room, &held);
    room.answer("b", 7, r#"[{},"@new"]"#);
    let kept = t(r#"[[{}],[{"w":[9,"@old"]},"@new"],1]"#);
    room.expect(&[&keep("b", "append 1", &kept), &relay("b", &kept)]);
}

#[test]
fn an_answer_that_nobody_waits_for_is_let_pass() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a", "b"]);
    for id in ["null", "\"\"", "\"q\"", "\"0123456789a\"", "\"0123456789a.bcde\"", "\"0123456789a.9cde\""] {
        room.say("b", &format!("S\n[{id},0,[{{\"t\":[{{\"r\":[{{\"c\":[4,\"@new\"]}}]}}]}}]]"));
        room.expect(&[]);
    }
}

#[test]
fn an_answer_to_another_question_closes() {
    let held = t(OURS);
    let (hashes, difference, cells, values) =
        ("[1,2]", "[[{}],{}]", r#"[{"t":[{"r":[{"c":[1]}]}]}]"#, r#"[{"v":[1]}]"#);
    for (step, wrong, expected) in [
        ("1", [difference, cells, values], "content hashes"),
        ("4", [hashes, cells, values], "a stamp and hashes"),
        ("5", [hashes, cells, values], "a stamp and hashes"),
        ("6", [hashes, difference, values], "a stamp of tables"),
        ("7", [hashes, difference, cells], "a stamp of values"),
    ] {
        for answer in wrong {
            let mut room = Harness::holding(&held, &["a", "b"]);
            room.say("b", &format!("S\n[\"0123456789a.{step}bcd\",0,{answer}]"));
            room.expect(&[&format!("close b: 1007 tinybase:14:response: expected {expected}")]);
        }
    }
}

#[test]
fn an_answer_to_a_greeting_begins_a_pull() {
    let held = t(OURS);
    let mut room = Harness::holding(&held, &["a"]);
    room.connect("b");
    room.pass(250);
    room.expect(&["b < S\n[\"{b#1}\",1,\"\"]"]);
    room.wake();
    room.answer("b", 1, "[0,0]");
    assert_eq!(room.outputs().len(), 2);
}

// ── What does not fit into an answer ─────────────────────────────────────────────────────────────────────────────────

/// A room of four rows, that sends a row at a time.
fn stingy_room() -> Harness {
    let settings = Settings { load_answer_bytes: 60, answer_bytes: 60, change_bytes: 40, ..Settings::default() };
    let rows = r#"[[{"t":[{"1":[{"c":[1,"@old"]}],"2":[{"c":[2,"@old"]}],"3":[{"c":[3,"@old"]}],"4":[{"c":[4,"@old"]}]}]}],[{}],1]"#;
    Harness::with(settings, journal::Settings::default()).with_content(&t(rows), &["a"])
}

#[test]
fn what_is_owed_follows_a_slice_at_a_time_and_then_the_question_for_hashes() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",4,{}]");
    let reads = "a < S\n[\"{a#h}\",6,{}]";
    room.expect(&[
        &t(r#"a < S
["q",0,[[{"t":[{"1":[{"c":[1,"@old"]}]}]}],{}]]"#),
        reads,
    ]);
    for owed in ["2", "3"] {
        assert_eq!(room.timeout_in_ms(), Some(0));
        room.pass(0);
        room.expect(&[&format!("a < S\n[null,3,{}]", row(owed, owed, "@old"))]);
    }
    room.pass(0);
    room.expect(&[&format!("a < S\n[null,3,{}]", row("4", "4", "@old")), "a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_client_in_its_first_load_gets_what_it_is_owed_when_that_is_over() {
    let mut room = stingy_room();
    room.connect("b");
    room.say("b", "\n[\"q\",1,\"\"]");
    room.say("b", "\n[\"r\",4,{}]");
    assert_eq!(room.outputs().len(), 2);
    assert_eq!(room.timeout_in_ms(), Some(250), "for the greeting alone");
    room.say("b", "\n[null,2,[1,0]]");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    room.expect(&[&format!("b < S\n[null,3,{}]", row("2", "2", "@old")), "b < S\n[\"{b#h}\",6,{}]"]);
}

/// With the question whether it reads, which goes with what leaves something owed.
#[test]
fn a_client_that_is_owed_something_by_a_room_that_is_evicted_is_told_the_hashes() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",4,{}]");
    assert_eq!(room.outputs().len(), 2);
    room.wake();
    assert_eq!(room.timeout_in_ms(), None, "nothing is owed any more");
    room.answer_that_it_reads("a");
    let rows = [1, 2, 3, 4].map(|n| row(&n.to_string(), &n.to_string(), "@old"));
    room.expect(&[&format!("a < S\n[null,2,{}]", hashes_of(&rows.each_ref().map(|row| &**row)))]);
}

#[test]
fn two_who_are_owed_take_turns_and_one_who_leaves_holds_up_nobody() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("a", "\n[\"q\",4,{}]");
    room.say("b", "\n[\"q\",5,{\"t\":{\"1\":75688842,\"2\":3094299955}}]");
    let answers = room.outputs();
    assert!(answers[2].contains(r#""3":[{"c""#) && !answers[2].contains(r#""4":[{"c""#), "{answers:?}");
    room.pass(0);
    room.expect(&[&format!("a < S\n[null,3,{}]", row("2", "2", "@old"))]);
    room.pass(0);
    room.expect(&[&format!("b < S\n[null,3,{}]", row("4", "4", "@old")), "b < S\n[\"{b#1}\",1,\"\"]"]);
    room.connect("c");
    room.say("c", "\n[\"q\",4,{}]");
    room.disconnect("a");
    room.outputs();
    room.pass(0);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(250));
}

#[test]
fn what_two_answers_owe_follows_once_and_in_order() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",5,{\"t\":{\"1\":1,\"2\":1}}]");
    room.say("a", "\n[\"q\",4,{}]");
    assert_eq!(room.outputs().len(), 3, "two answers, and the question whether it reads");
    for owed in ["2", "3"] {
        room.pass(0);
        room.expect(&[&format!("a < S\n[null,3,{}]", row(owed, owed, "@old"))]);
    }
    room.pass(0);
    room.expect(&[&format!("a < S\n[null,3,{}]", row("4", "4", "@old")), "a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn what_is_owed_shows_nothing_that_is_not_kept() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("b", &format!("\n[null,3,{}]", row("1", "0", "@new")));
    room.say("a", "\n[\"q\",4,{}]");
    room.outputs();
    let late = row("2", "9", "@new");
    room.say("b", &format!("\n[null,3,{late}]"));
    room.expect(&[]);
    room.pass(0);
    room.expect(&[&keep("b", "append 1", &late), &relay("b", &late), &format!("a < S\n[null,3,{late}]")]);
}
