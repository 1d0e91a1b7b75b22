//! Who differs is made equal: the room's answers and its comparisons, with the exact outputs of each.
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
use support::stores::{hashes, merge, store_of};
use support::texts::{hashes_of, keep, relay, row, t};
use support::tree::Tree;
use tinyroom::journal;
use tinyroom::json::Reader;
use tinyroom::room::Settings;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Store};

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

// ── Comparisons ──────────────────────────────────────────────────────────────────────────────────────────────────────

/// What the room holds, and what a client `b` holds that comes back, in one cell each of tables, rows and cells on both
/// sides, and of values.
const OURS: &str = r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}],"u":[{"r":[{"c":[9,"@old"]}]}]}],[{"w":[9,"@old"]}],1]"#;
const THEIRS: [&str; 4] = [
    r#"[[{"v":[{"r":[{"c":[2,"@old"]}]}]}],[{}],1]"#,
    r#"[[{"t":[{"s":[{"c":[3,"@old"]}]}]}],[{}],1]"#,
    r#"[[{"t":[{"r":[{"c":[4,"@new"]}]}]}],[{}],1]"#,
    r#"[[{}],[{"v":[5,"@old"]}],1]"#,
];

/// The questions of a comparison of tables and values.
const NAMES_TABLES: &str = "b < S\n[\"{b#4}\",4,{\"t\":0,\"u\":0}]";
const ASKS_VALUES: &str = "b < S\n[\"{b#7}\",7,{}]";
const ASKS_HASHES: &str = "b < S\n[\"{b#1}\",1,\"\"]";

/// The hash of a table, row or cell, by its path.
fn hash_of(change: &str, path: &[&str]) -> String {
    let content = store_of([change]).content_text();
    let content = Tree::parse(&content);
    path.iter().fold(content.at("0"), |node, id| node.at("0").at(id)).at("2").scalar().to_owned()
}

/// A room that holds [`OURS`] and compares with `b`, who reports other hashes.
fn comparing_room() -> Harness {
    let mut room = Harness::holding(&t(OURS), &["a", "b"]);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[NAMES_TABLES, ASKS_VALUES]);
    room
}

/// A change that the room sends to `b`.
fn pushed(change: &str) -> String {
    format!("b < S\n[null,3,{change}]")
}

#[test]
fn a_comparison_goes_step_by_step_and_hands_over_what_either_lacks() {
    let (ours, theirs) = (t(OURS), THEIRS.map(t));
    let mut room = comparing_room();
    room.answer("b", 4, r#"[[{"v":[{"r":[{"c":[2,"@old"]}]}]}],{"t":1}]"#);
    room.expect(&[&keep("b", &theirs[0]), &relay("b", &theirs[0]), "b < S\n[\"{b#5}\",5,{\"t\":{\"r\":0}}]"]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    room.expect(&[&pushed(r#"[[{"u":[{"r":[{"c":[9,"@old"]}]}]}],[{}],1]"#)]);
    assert_eq!(room.timeout_in_ms(), None);

    room.pass(10);
    room.answer("b", 5, r#"[[{"t":[{"s":[{"c":[3,"@old"]}]}]}],{"t":{"r":1}}]"#);
    room.expect(&[&keep("b", &theirs[1]), &relay("b", &theirs[1]), "b < S\n[\"{b#6}\",6,{\"t\":{\"r\":{}}}]"]);

    room.pass(10);
    room.answer("b", 6, r#"[{"t":[{"r":[{"c":[4,"@new"]}]}]}]"#);
    room.expect(&[&keep("b", &theirs[2]), &relay("b", &theirs[2])]);

    room.pass(10);
    room.answer("b", 7, r#"[{"v":[5,"@old"]}]"#);
    room.expect(&[&keep("b", &theirs[3]), &relay("b", &theirs[3])]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    room.expect(&[&pushed(r#"[[{}],[{"w":[9,"@old"]}],1]"#), ASKS_HASHES]);

    let all: Vec<_> = std::iter::once(&*ours).chain(theirs.iter().map(String::as_str)).collect();
    room.answer("b", 1, &hashes_of(&all));
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
}

/// Rows `r` and `s` of table `t`, the first of two cells, and two values.
const WIDE: &str =
    r#"[[{"t":[{"r":[{"c":[1,"@old"],"d":[2,"@old"]}],"s":[{"c":[3,"@old"]}]}]}],[{"v":[4,"@old"],"w":[5,"@old"]}],1]"#;

#[test]
fn what_an_answer_does_not_show_the_client_is_sent() {
    let (table, row) = (hash_of(&t(WIDE), &["t"]), hash_of(&t(WIDE), &["t", "r"]));
    for (mark, answer, lacking) in [
        // Tables: none of them, one with nothing in it, the same one, and one more than the room's.
        ('4', "[[{}],{}]", r#"[{"t":[{"r":[{"c":[1,"@old"],"d":[2,"@old"]}],"s":[{"c":[3,"@old"]}]}]}],[{}]"#),
        ('4', r#"[[{}],{"t":0}]"#, r#"[{"t":[{"r":[{"c":[1,"@old"],"d":[2,"@old"]}],"s":[{"c":[3,"@old"]}]}]}],[{}]"#),
        ('4', &format!("[[{{}}],{{\"t\":{table}}}]"), ""),
        ('4', &format!("[[{{}}],{{\"t\":{table},\"x\":1}}]"), ""),
        // Rows.
        ('5', &format!("[[{{}}],{{\"t\":{{\"r\":{row}}}}}]"), r#"[{"t":[{"s":[{"c":[3,"@old"]}]}]}],[{}]"#),
        (
            '5',
            &format!("[[{{}}],{{\"t\":{{\"r\":{row},\"x\":1}},\"x\":{{\"r\":1}}}}]"),
            r#"[{"t":[{"s":[{"c":[3,"@old"]}]}]}],[{}]"#,
        ),
        // Cells: one that it has not, and one that is older.
        ('6', r#"[{"t":[{"r":[{"c":[1,"@old"]}]}]}]"#, r#"[{"t":[{"r":[{"d":[2,"@old"]}]}]}],[{}]"#),
        ('6', r#"[{"t":[{"r":[{"c":[1,"@older"],"d":[2,"@old"]}]}]}]"#, r#"[{"t":[{"r":[{"c":[1,"@old"]}]}]}],[{}]"#),
        ('6', r#"[{"t":[{"r":[{"c":[1,"@old"],"d":[2,"@old"]}]}]}]"#, ""),
        ('6', "[{}]", ""),
        // Values likewise.
        ('7', r#"[{"v":[4,"@old"]}]"#, r#"[{}],[{"w":[5,"@old"]}]"#),
        ('7', r#"[{"v":[4,"@older"],"w":[5,"@old"]}]"#, r#"[{}],[{"v":[4,"@old"]}]"#),
        ('7', r#"[{"v":[4,"@old"],"w":[5,"@old"]}]"#, ""),
        ('7', "[{}]", r#"[{}],[{"v":[4,"@old"],"w":[5,"@old"]}]"#),
        ('8', r#"[{"v":[4,"@older"]}]"#, r#"[{}],[{"v":[4,"@old"],"w":[5,"@old"]}]"#),
    ] {
        let mut room = Harness::holding(&t(WIDE), &["a", "b"]);
        // The room has forgotten the comparison, as after an eviction.
        room.say("b", &format!("S\n[\"0123456789a.{mark}bcd\",0,{answer}]"));
        if lacking.is_empty() {
            room.expect(&[ASKS_HASHES]);
        } else {
            room.expect(&[]);
            room.pass(0);
            room.expect(&[&pushed(&format!("[{lacking},1]")), ASKS_HASHES]);
        }
        assert_eq!(room.timeout_in_ms(), None, "{mark} {answer}");
    }
}

/// A stamp of its own travels with any cell in it.
#[test]
fn a_containers_stamp_that_a_client_lacks_is_sent() {
    for (held, mark, answer) in [
        (r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}]},"@new"],[{}],1]"#, '4', "[[{}],{\"t\":#t}]"),
        (r#"[[{"t":[{"r":[{"c":[1,"@old"]}]},"@new"]}],[{}],1]"#, '5', "[[{\"t\":[{}]}],{\"t\":{\"r\":#r}}]"),
        (r#"[[{"t":[{"r":[{"c":[1,"@old"]},"@new"]}]}],[{}],1]"#, '6', r#"[{"t":[{"r":[{"c":[1,"@old"]}]}]}]"#),
        (r#"[[{}],[{"v":[1,"@old"]},"@new"],1]"#, '7', r#"[{"v":[1,"@old"]}]"#),
    ] {
        let mut room = Harness::holding(&t(held), &["a", "b"]);
        let mut answer = answer.to_owned();
        if answer.contains('#') {
            answer = answer.replace("#t", &hash_of(&t(held), &["t"])).replace("#r", &hash_of(&t(held), &["t", "r"]));
        }
        room.say("b", &format!("S\n[\"0123456789a.{mark}bcd\",0,{answer}]"));
        room.expect(&[]);
        room.pass(0);
        room.expect(&[&pushed(held), ASKS_HASHES]);
    }
}

#[test]
fn a_client_that_holds_nothing_is_asked_nothing_and_sent_everything() {
    let (tables, values) = hashes(&store_of([&*t(OURS)]));
    let mut room = Harness::holding(&t(OURS), &["a", "b"]);
    room.say("b", "\n[null,2,[0,0]]");
    room.expect(&[]);
    room.pass(0);
    room.expect(&[&pushed(OURS), ASKS_HASHES]);
    room.answer("b", 1, &format!("[{tables},{values}]"));
    room.expect(&[]);

    room.say("b", &format!("\n[null,2,[0,{values}]]"));
    room.expect(&[]);
    room.pass(0);
    room.expect(&[
        &pushed(r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}],"u":[{"r":[{"c":[9,"@old"]}]}]}],[{}],1]"#),
        ASKS_HASHES,
    ]);
    room.answer("b", 1, &format!("[{tables},0]"));
    room.expect(&[]);
    room.pass(0);
    room.expect(&[&pushed(r#"[[{}],[{"w":[9,"@old"]}],1]"#), ASKS_HASHES]);
}

#[test]
fn what_one_lacks_and_the_other_has_to_be_asked_for_goes_together() {
    let mut room = Harness::holding(&t(OURS), &["a", "b"]);
    room.say("b", "\n[null,2,[0,2]]");
    room.expect(&[ASKS_VALUES]);
    room.pass(0);
    room.expect(&[&pushed(r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}],"u":[{"r":[{"c":[9,"@old"]}]}]}],[{}],1]"#)]);
    room.answer("b", 7, r#"[{"w":[9,"@old"]}]"#);
    room.expect(&[ASKS_HASHES]);
}

#[test]
fn a_comparison_that_leaves_no_difference_ends_in_silence() {
    let (ours, more) = (row("r", "1", "@old"), row("s", "2", "@new"));
    let mut room = Harness::holding(&ours, &["a", "b"]);
    room.say("b", &format!("\n[null,2,{}]", hashes_of(&[&ours, &more])));
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
    room.answer("b", 4, r#"[[{}],{"t":1}]"#);
    room.expect(&["b < S\n[\"{b#5}\",5,{\"t\":{\"r\":0}}]"]);
    let same = hash_of(&ours, &["t", "r"]);
    room.answer("b", 5, &format!(r#"[[{{"t":[{{"s":[{{"c":[2,"@new"]}}]}}]}}],{{"t":{{"r":{same}}}}}]"#));
    room.expect(&[&keep("b", &more), &relay("b", &more)]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_comparison_asks_only_for_what_differs() {
    let (tables, values) = hashes(&store_of([&*t(OURS)]));
    let mut room = Harness::holding(&t(OURS), &["a", "b"]);
    room.say("b", &format!("\n[null,2,[{tables},1]]"));
    room.expect(&[ASKS_VALUES]);
    room.answer("b", 7, r#"[{"w":[9,"@old"]}]"#);
    room.expect(&[]);
    room.say("b", &format!("\n[null,2,[1,{values}]]"));
    room.expect(&[NAMES_TABLES]);
    let [t_hash, u_hash] = ["t", "u"].map(|table| hash_of(&t(OURS), &[table]));
    room.answer("b", 4, &format!("[[{{}}],{{\"t\":{t_hash},\"u\":{u_hash}}}]"));
    room.expect(&[]);
}

/// Versions up to 5.4.9 hash cells without a stamp in a way of their own.
#[test]
fn a_difference_that_stays_comes_to_rest() {
    let mut room = Harness::holding(&row("r", "1", ""), &["a", "b"]);
    let compare = |room: &mut Harness| {
        room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
        room.answer("b", 4, r#"[[{}],{"t":7}]"#);
        room.expect(&["b < S\n[\"{b#5}\",5,{\"t\":{\"r\":0}}]"]);
        room.answer("b", 5, r#"[[{}],{"t":{"r":7}}]"#);
        room.expect(&["b < S\n[\"{b#6}\",6,{\"t\":{\"r\":{}}}]"]);
        room.answer("b", 6, r#"[{"t":[{"r":[{"c":[1,""]}]}]}]"#);
    };
    room.say("b", "\n[null,2,[7,0]]");
    compare(&mut room);
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
    // Asked by the way, after it was sent what did not fit into an answer, it says the same.
    room.say("b", "S\n[\"0123456789a.1bcd\",0,[7,0]]");
    room.expect(&[]);
    // What has changed is looked at.
    let edit = row("s", "2", "@old");
    room.say("a", &format!("\n[null,3,{edit}]"));
    room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
    room.say("b", "S\n[\"0123456789a.1bcd\",0,[8,0]]");
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
}

#[test]
fn what_was_sent_to_no_avail_is_not_sent_again() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &["a", "b"]);
    room.say("b", "\n[null,2,[0,0]]");
    room.pass(0);
    room.expect(&[&pushed(&row("r", "1", "@old")), ASKS_HASHES]);
    room.answer("b", 1, "[0,0]");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None);
    room.say("b", "\n[null,2,[0,0]]");
    assert_eq!(room.timeout_in_ms(), Some(0), "it has loaded meanwhile, and took nothing up to then");
}

#[test]
fn hashes_that_come_during_a_comparison_begin_no_second_one() {
    let mut room = comparing_room();
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[]);
    room.pass(59_999);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[]);
    room.pass(1);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[NAMES_TABLES, ASKS_VALUES]);
}

#[test]
fn hashes_that_come_during_a_comparison_are_asked_for_after_it() {
    for reported in ["[3,4]", "[1,2]"] {
        let mut room = comparing_room();
        room.say("b", &format!("\n[null,2,{reported}]"));
        room.answer(
            "b",
            4,
            "[[{}],{\"t\":#t,\"u\":#u}]"
                .replace("#t", &hash_of(&t(OURS), &["t"]))
                .replace("#u", &hash_of(&t(OURS), &["u"]))
                .as_str(),
        );
        room.expect(&[]);
        room.answer("b", 7, r#"[{"w":[9,"@old"]}]"#);
        room.expect(&[ASKS_HASHES]);
        room.answer("b", 1, reported);
        room.expect(&[NAMES_TABLES, ASKS_VALUES]);
    }
}

#[test]
fn what_a_client_that_loads_says_when_asked_is_let_pass_until_it_has_loaded() {
    let mut room = Harness::holding(&t(OURS), &["a"]);
    room.connect("b");
    room.pass(250);
    room.expect(&[ASKS_HASHES]);
    room.say("b", "\n[\"q\",1,\"\"]");
    room.expect(&[&format!("b < S\n[\"q\",0,{}]", hashes_of(&[&t(OURS)]))]);
    room.answer("b", 1, "[1,2]");
    room.expect(&[]);
    room.say("b", "\n[null,2,[1,2]]");
    room.expect(&[NAMES_TABLES, ASKS_VALUES]);
}

#[test]
fn an_answer_to_the_question_after_connecting_begins_a_comparison() {
    let mut room = Harness::holding(&t(OURS), &["a"]);
    room.connect("b");
    room.pass(250);
    room.expect(&[ASKS_HASHES]);
    room.wake();
    room.answer("b", 1, "[1,2]");
    room.expect(&[NAMES_TABLES, ASKS_VALUES]);
}

/// It has been sent everything since.
#[test]
fn whoever_held_what_the_room_held_when_it_was_asked_is_in_step() {
    let mut room = Harness::holding(&t(OURS), &["a"]);
    room.connect("b");
    room.pass(250);
    room.expect(&[ASKS_HASHES]);
    let edit = row("r", "2", "@new");
    room.say("a", &format!("\n[null,3,{edit}]"));
    room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
    room.answer("b", 1, &hashes_of(&[&t(OURS)]));
    room.expect(&[]);
    room.say("b", &format!("\n[null,2,{}]", hashes_of(&[&t(OURS)])));
    room.expect(&[NAMES_TABLES]);
}

#[test]
fn with_who_edits_without_a_pause_comparisons_become_rare() {
    let mut room = Harness::holding(&row("r", "0", "@older"), &["b"]);
    let mut version = 0;
    let mut compare = |room: &mut Harness, begins: &str| {
        version += 1;
        room.say("b", begins);
        room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
        let edit = row("s", &version.to_string(), &stamp(NOW_MS, version, "Bobby"));
        room.say("b", &format!("\n[null,3,{edit}]"));
        room.answer("b", 4, &format!("[[{{}}],{{\"t\":{}}}]", hash_of(&row("r", "0", "@older"), &["t"])));
        let outputs = room.outputs();
        assert_eq!(outputs.last().unwrap(), "b < S\n[\"{b#5}\",5,{\"t\":{\"r\":0,\"s\":0}}]", "{outputs:?}");
        room.answer(
            "b",
            5,
            &format!("[[{{}}],{{\"t\":{{\"r\":{}}}}}]", hash_of(&row("r", "0", "@older"), &["t", "r"])),
        );
        room.pass(10);
        let outputs = room.outputs();
        assert_eq!(outputs.last().unwrap(), ASKS_HASHES, "{outputs:?}");
    };
    compare(&mut room, "\n[null,2,[1,0]]");
    for reported in 2..5 {
        compare(&mut room, &format!("S\n[\"{{b#1}}\",0,[{reported},0]]"));
    }
    room.say("b", "S\n[\"{b#1}\",0,[5,0]]");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), None, "nothing waits for it");
    room.pass(999);
    room.say("b", "ping");
    room.expect(&[]);
    room.pass(1);
    room.say("b", "ping");
    room.expect(&[ASKS_HASHES]);
    compare(&mut room, "S\n[\"{b#1}\",0,[6,0]]");
    room.say("b", "S\n[\"{b#1}\",0,[7,0]]");
    room.expect(&[]);
    room.pass(1_999);
    room.say("b", "ping");
    room.expect(&[]);
    room.pass(1);
    room.say("b", "ping");
    room.expect(&[ASKS_HASHES]);
}

#[test]
fn a_comparison_goes_on_in_a_room_that_was_evicted() {
    let theirs = THEIRS.map(t);
    let mut room = comparing_room();
    room.wake();
    room.expect(&[]);
    room.answer("b", 4, &format!("[[{{}}],{{\"t\":1,\"u\":{}}}]", hash_of(&t(OURS), &["u"])));
    room.expect(&["b < S\n[\"{b#5}\",5,{\"t\":{\"r\":0}}]"]);
    room.wake();
    room.answer("b", 5, r#"[[{}],{"t":{"r":1}}]"#);
    room.expect(&["b < S\n[\"{b#6}\",6,{\"t\":{\"r\":{}}}]"]);
    room.wake();
    room.answer("b", 6, r#"[{"t":[{"r":[{"c":[4,"@new"]}]}]}]"#);
    room.expect(&[&keep("b", &theirs[2]), &relay("b", &theirs[2]), ASKS_HASHES]);
    room.wake();
    room.answer("b", 7, r#"[{"w":[9,"@old"]}]"#);
    room.expect(&[ASKS_HASHES]);
    room.answer("b", 1, &hashes_of(&[&t(OURS), &theirs[2]]));
    room.expect(&[]);
}

/// A client that edits while it loads tells of it only by the hashes at the end, and those may come during a comparison.
#[test]
fn hashes_that_come_during_a_comparison_outlive_an_eviction() {
    let mut room = comparing_room();
    room.say("b", "\n[null,2,[3,4]]");
    room.expect(&[]);
    room.wake();
    room.answer("b", 7, r#"[{"w":[9,"@old"]}]"#);
    room.expect(&[ASKS_HASHES]);
    room.answer("b", 1, "[3,4]");
    room.expect(&[NAMES_TABLES, ASKS_VALUES]);
}

#[test]
fn the_stamp_of_an_empty_answer_is_that_of_what_was_asked_for() {
    let mut room = comparing_room();
    room.answer("b", 7, r#"[{},"@new"]"#);
    let kept = t(r#"[[{}],[{"w":[9,"@old"]},"@new"],1]"#);
    room.expect(&[&keep("b", &kept), &relay("b", &kept)]);
    room.pass(10);
    room.expect(&[&pushed(&kept)]);
    room.say("b", "S\n[\"0123456789a.6bcd\",0,[{},\"@new\"]]");
    let kept = t(r#"[[{"t":[{"r":[{"c":[1,"@old"]}]}]},"@new"],[{},"@new"],1]"#);
    room.expect(&[&keep("b", &kept), &relay("b", &kept), ASKS_HASHES]);
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
        ("8", [hashes, difference, cells], "a stamp of values"),
    ] {
        for answer in wrong {
            let mut room = Harness::holding(&held, &["a", "b"]);
            room.say("b", &format!("S\n[\"0123456789a.{step}bcd\",0,{answer}]"));
            room.expect(&[&format!("close b: 1007 tinybase:14:response: expected {expected}")]);
        }
    }
}

// ── In parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Rows of 100 kB.
fn long_rows(ids: std::ops::Range<usize>, hlc: &str) -> String {
    let rows: Vec<_> = ids.map(|id| format!(r#""r{id}":[{{"c":["{}","{hlc}"]}}]"#, "x".repeat(100_000))).collect();
    t(&format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(",")))
}

/// `{"t":{"r0":…,"r1":…}}`.
fn of_rows(ids: std::ops::Range<usize>, each: &str) -> String {
    format!(r#"{{"t":{{{}}}}}"#, ids.map(|id| format!(r#""r{id}":{each}"#)).collect::<Vec<_>>().join(","))
}

/// What a client holds of those rows: one cell that is older, and one that the room has not.
fn short_rows(ids: std::ops::Range<usize>) -> String {
    let rows: Vec<_> = ids.map(|id| format!(r#""r{id}":[{{"c":[1,"@older"],"d":[2,"@old"]}}]"#)).collect();
    format!(r#"[{{"t":[{{{}}}]}}]"#, rows.join(","))
}

/// A room that has asked `b` for the cells of the first two of fourteen long rows.
fn room_in_the_middle_of_a_comparison() -> Harness {
    let mut room = Harness::holding(&long_rows(0..14, "@old"), &["a", "b"]);
    room.say("b", "\n[null,2,[1,0]]");
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
    room.answer("b", 4, r#"[[{}],{"t":1}]"#);
    room.expect(&[&format!("b < S\n[\"{{b#5}}\",5,{}]", of_rows(0..14, "0"))]);
    room.answer("b", 5, &format!("[[{{}}],{}]", of_rows(0..14, "1")));
    room.expect(&[&format!("b < S\n[\"{{b#6}}\",6,{}]", of_rows(0..2, "{}"))]);
    room
}

#[test]
fn of_a_table_that_is_long_some_rows_are_compared_at_a_time_and_then_more() {
    let mut room = room_in_the_middle_of_a_comparison();
    for (answered, asked) in [(0..2, 2..12), (2..12, 12..14)] {
        room.answer("b", 6, &short_rows(answered));
        let outputs = room.outputs();
        assert_eq!(outputs.len(), 3, "kept, relayed, and the next question");
        assert_eq!(outputs[2], format!("b < S\n[\"{{b#6}}\",6,{}]", of_rows(asked, "{}")));
        room.now_ms += 10;
    }
    room.answer("b", 6, &short_rows(12..14));
    assert_eq!(room.outputs().len(), 2);
    let mut lines = Vec::new();
    while room.timeout_in_ms().is_some() {
        room.pass(0);
        lines.extend(room.outputs());
    }
    let changes = lines.iter().filter(|line| line.starts_with("b < S\n[null,3,")).count();
    let rows: usize = lines.iter().map(|line| line.matches("\":[{\"c\":[\"xxx").count()).sum();
    assert_eq!((rows, lines.len()), (14, changes + 1), "each once, and nothing else");
    assert_eq!(lines.last().unwrap(), ASKS_HASHES);
}

#[test]
fn a_comparison_in_parts_of_a_room_that_was_evicted_is_begun_again() {
    let mut room = room_in_the_middle_of_a_comparison();
    room.wake();
    room.answer("b", 6, r#"[{"t":[{"r0":[{"c":[1,"@new"]}],"r1":[{"c":[1,"@new"]}]}]}]"#);
    let outputs = room.outputs();
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert_eq!(outputs[2], ASKS_HASHES);
    room.answer("b", 1, "[1,0]");
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
}

/// What was still to be compared lies elsewhere then.
#[test]
fn a_comparison_in_parts_of_a_room_that_was_loaded_anew_is_begun_again() {
    let mut room = room_in_the_middle_of_a_comparison();
    room.reload();
    room.expect(&[ASKS_HASHES]);
    room.answer("b", 6, r#"[{"t":[{"r0":[{"c":[1,"@new"]}],"r1":[{"c":[1,"@new"]}]}]}]"#);
    let outputs = room.outputs();
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert_eq!(outputs[2], ASKS_HASHES);
    room.answer("b", 1, "[1,0]");
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
}

/// A change of rows, each of one cell, with ids of 4 KiB.
fn rows_of_long_ids(table: &str, rows: std::ops::Range<usize>) -> String {
    let rows: Vec<_> = rows.map(|row| format!(r#""{}":[{{"c":[1,"@old"]}}]"#, long_id(row))).collect();
    t(&format!(r#"[[{{"{table}":[{{{}}}]}}],[{{}}],1]"#, rows.join(",")))
}

fn long_id(number: usize) -> String {
    format!("{number:04}{}", "x".repeat(4092))
}

/// A room that compares with `b`, and was told that all its tables differ. Answers the next question as well.
fn room_of_long_ids(changes: &[String], tables: &[&str]) -> (Harness, String) {
    let mut room = Harness::new();
    room.connect("a");
    for change in changes {
        room.say("a", &format!("\n[null,3,{change}]"));
        room.pass(10);
        room.outputs();
    }
    let mut room = room.with_content("", &["b"]);
    room.say("b", "\n[null,2,[1,0]]");
    let each =
        |hash| format!("{{{}}}", tables.iter().map(|id| format!("\"{id}\":{hash}")).collect::<Vec<_>>().join(","));
    room.expect(&[&format!("b < S\n[\"{{b#4}}\",4,{}]", each(0))]);
    room.answer("b", 4, &format!("[[{{}}],{}]", each(1)));
    let question = only(&mut room);
    (room, question)
}

/// The one output that there is.
fn only(room: &mut Harness) -> String {
    let mut outputs = room.outputs();
    assert_eq!(outputs.len(), 1);
    outputs.remove(0)
}

#[test]
fn rows_are_named_of_as_many_tables_at_a_time_as_fit() {
    let changes = ["t", "u", "v"].map(|table| rows_of_long_ids(table, 0..1500));
    let (mut room, question) = room_of_long_ids(&changes, &["t", "u", "v"]);
    let names = |question: &str| ["t", "u", "v"].map(|table| question.contains(&format!("\"{table}\":{{\"0000xx")));
    assert!(question.starts_with("b < S\n[\"{b#5}\",5,{") && names(&question) == [true, true, false]);
    assert_eq!(question.matches(":0").count(), 3000);
    let same = |table| format!("\"{}\":{}", long_id(7), hash_of(&rows_of_long_ids(table, 7..8), &[table, &long_id(7)]));
    // It holds one row in each.
    room.answer("b", 5, &format!("[[{{}}],{{\"t\":{{{}}},\"u\":{{{}}}}}]", same("t"), same("u")));
    let question = only(&mut room);
    assert!(question.starts_with("b < S\n[\"{b#5}\",5,{") && names(&question) == [false, false, true]);
    room.answer("b", 5, &format!("[[{{}}],{{\"v\":{{{}}}}}]", same("v")));
    let mut lines = Vec::new();
    while room.timeout_in_ms().is_some() {
        room.pass(0);
        lines.extend(room.outputs());
    }
    assert_eq!(lines.iter().map(|line| line.matches("{\"c\":[1").count()).sum::<usize>(), 3 * 1499);
    assert_eq!(lines.last().unwrap(), ASKS_HASHES);
}

#[test]
fn of_a_table_whose_rows_cannot_all_be_named_the_rest_is_compared_by_its_cells() {
    let changes = [0..2500, 2500..5000].map(|rows| rows_of_long_ids("t", rows));
    let (mut room, question) = room_of_long_ids(&changes, &["t"]);
    let named = question.matches(":0").count();
    assert!(question.len() < 16 << 20 && (4000..4100).contains(&named), "{named}");
    // It holds the first row as the room does, and of those that were not named one that is older, one that is newer and
    // all but the last.
    let first = hash_of(&rows_of_long_ids("t", 0..1), &["t", &long_id(0)]);
    let rows = (named..4999).map(|row| {
        let cell = match row - named {
            1 => r#"[0,"@older"]"#,
            2 => r#"[2,"@new"]"#,
            _ => r#"[1,"@old"]"#,
        };
        format!(r#""{}":[{{"c":{cell}}}]"#, long_id(row))
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    room.answer("b", 5, &format!("[[{{\"t\":[{{{rows}}}]}}],{{\"t\":{{\"{}\":{first}}}}}]", long_id(0)));
    let newer = format!(r#"[[{{"t":[{{"{}":[{{"c":[2,"@new"]}}]}}]}}],[{{}}],1]"#, long_id(named + 2));
    room.expect(&[&keep("b", &t(&newer)), &relay("b", &t(&newer))]);
    let mut sent = Vec::new();
    while room.timeout_in_ms().is_some() {
        room.pass(0);
        for line in room.outputs() {
            sent.extend(
                line.match_indices("\":[{\"c\":[1")
                    .map(|(end, _)| line[end - 4096..end - 4092].parse::<usize>().unwrap()),
            );
        }
    }
    let lacking: Vec<_> = (1..named).chain([named + 1, 4999]).collect();
    assert_eq!(sent, lacking);
}

/// A change of values of 1,000 characters.
fn long_values(ids: std::ops::Range<usize>, hlc: &str) -> String {
    let values: Vec<_> = ids.map(|id| format!(r#""v{id}":["{}","{hlc}"]"#, "x".repeat(1000))).collect();
    t(&format!("[[{{}}],[{{{}}}],1]", values.join(",")))
}

/// The tables' hash of nothing, and that of the values of a change.
fn values_hash(changes: &[&str]) -> u32 {
    hashes(&store_of(changes.iter().copied())).1
}

#[test]
fn of_many_values_only_those_that_differ_are_asked_for() {
    let held = long_values(0..100, "@old");
    let (newer, edit) = (t(r#"[[{}],[{"v7":[1,"@new"]}],1]"#), t(r#"[[{}],[{"x":[2,"@old"]}],1]"#));
    let theirs = store_of([&*held, &newer, &edit]);
    let mut room = Harness::holding(&held, &["a", "b"]);
    room.say("b", &format!("\n[null,2,[0,{}]]", hashes(&theirs).1));
    let question = format!("b < S\n[\"{{b#8}}\",7,{}]", store_of([&*held]).value_hashes(usize::MAX));
    room.expect(&[&question]);
    room.answer("b", 8, r#"[{"v7":[1,"@new"],"x":[2,"@old"]}]"#);
    let kept = t(r#"[[{}],[{"v7":[1,"@new"],"x":[2,"@old"]}],1]"#);
    room.expect(&[&keep("b", &kept), &relay("b", &kept)]);
    assert_eq!(room.timeout_in_ms(), None, "what it has not sent it holds as the room does: its hash shows that");
}

#[test]
fn of_many_values_those_that_are_older_are_sent_and_all_where_the_hash_shows_that_some_are_missing() {
    let held = long_values(0..100, "@old");
    let (older, missing) = (t(r#"[[{}],[{"v7":[1,"@older"]}],1]"#), long_values(0..99, "@old"));
    for (reported, sent) in [
        (values_hash(&[&older, &long_values(0..7, "@old"), &long_values(8..100, "@old")]), 7..8),
        (values_hash(&[&older, &missing]), 0..100),
    ] {
        let mut room = Harness::holding(&held, &["a", "b"]);
        room.say("b", &format!("\n[null,2,[0,{reported}]]"));
        assert!(room.outputs()[0].starts_with("b < S\n[\"{b#8}\",7,{\"v0\":"));
        room.answer("b", 8, r#"[{"v7":[1,"@older"]}]"#);
        room.expect(&[]);
        let mut lines = Vec::new();
        while room.timeout_in_ms() == Some(0) {
            room.pass(0);
            lines.extend(room.outputs());
        }
        let ids = lines.iter().flat_map(|line| line.match_indices("\":[\"xx").map(|(end, _)| &line[..end]));
        let ids: Vec<_> = ids.map(|before| before.rsplit_once("\"v").unwrap().1.parse::<usize>().unwrap()).collect();
        assert_eq!(ids, sent.collect::<Vec<_>>());
        assert_eq!(lines.last().unwrap(), ASKS_HASHES);
    }
}

#[test]
fn of_values_that_cannot_all_be_named_the_client_sends_the_rest() {
    let values = |ids: std::ops::Range<usize>, hlc| {
        let values: Vec<_> = ids.map(|id| format!(r#""{}":[1,"{hlc}"]"#, long_id(id))).collect();
        t(&values.join(","))
    };
    let change = |values: &str| format!("[[{{}}],[{{{values}}}],1]");
    let mut room = Harness::new();
    room.connect("a");
    for ids in [0..2500, 2500..5000] {
        room.say("a", &format!("\n[null,3,{}]", change(&values(ids, "@old"))));
        room.pass(10);
        room.outputs();
    }
    let mut room = room.with_content("", &["b"]);
    let theirs = [values(0..2500, "@old"), values(2500..4999, "@old"), values(4999..5000, "@older")];
    room.say("b", &format!("\n[null,2,[0,{}]]", values_hash(&theirs.map(|values| &*change(&values).leak()))));
    let question = only(&mut room);
    let named = question.matches(":").count() - 1;
    assert!(question.len() < 16 << 20 && (4000..4100).contains(&named), "{named}");
    let rest = [values(named..4999, "@old"), values(4999..5000, "@older")].join(",");
    room.answer("b", 8, &format!("[{{{rest}}}]"));
    room.expect(&[]);
    room.pass(0);
    room.expect(&[&pushed(&change(&values(4999..5000, "@old"))), ASKS_HASHES]);
}

/// So many rows as one table can hold, and an edit and a new row on each side.
#[test]
fn a_table_of_a_million_rows_heals() {
    const ROWS: usize = 1_000_000;
    let change = |rows: std::ops::Range<usize>| {
        let rows: Vec<_> = rows.map(|row| format!(r#""{row}":[{{"c":[1]}}]"#)).collect();
        format!(r#"[[{{"t":[{{{}}}]}}],[{{}}],1]"#, rows.join(","))
    };
    let (mut ours, mut theirs) = (Store::new(1), Store::new(2));
    for start in (0..ROWS).step_by(ROWS / 4) {
        let change = change(start..start + ROWS / 4);
        let changes = Changes::read(&mut Reader::new(&change)).unwrap();
        for store in [&mut ours, &mut theirs] {
            store.merge(&changes, NOW_MS, |_| {});
        }
    }
    let edit = |old, new| {
        t(&format!(r#"[[{{"t":[{{"{old}":[{{"c":[2,"@new"]}}],"{new}":[{{"c":[3,"@new"]}}]}}]}}],[{{}}],1]"#))
    };
    let (our_edit, their_edit) = (edit(777_777, "x"), edit(333_333, "y"));
    merge(&mut ours, &our_edit);
    merge(&mut theirs, &their_edit);
    let settings = Settings { max_memory_bytes: 1 << 30, ..Settings::default() };
    let mut room = Harness::with(settings, journal::Settings::default()).with_store(ours);
    room.connect("a");
    room.connect("b");
    room.say("b", &format!("\n[null,2,[{},0]]", theirs.content_hashes().tables));
    room.expect(&["b < S\n[\"{b#4}\",4,{\"t\":0}]"]);
    room.answer("b", 4, &format!("[[{{}}],{}]", theirs.table_hashes()));
    let question = only(&mut room);
    let names = question.strip_prefix("b < S\n[\"{b#5}\",5,").unwrap();
    let names = HashTree::read(&mut Reader::new(names), 2).unwrap();
    let answer = theirs.row_diff(&names, AnswerLimits::whole()).text;
    room.answer("b", 5, &answer);
    room.expect(&[
        &keep("b", &row("y", "3", "@new")),
        &relay("b", &row("y", "3", "@new")),
        r#"b < S
["{b#6}",6,{"t":{"333333":{},"777777":{}}}]"#,
    ]);
    room.answer("b", 6, r#"[{"t":[{"333333":[{"c":[2,"@new"]}],"777777":[{"c":[1,""]}]}]}]"#);
    room.pass(10);
    let sent = t(r#"[[{"t":[{"777777":[{"c":[2,"@new"]}],"x":[{"c":[3,"@new"]}]}]}],[{}],1]"#);
    room.expect(&[
        &keep("b", &row("333333", "2", "@new")),
        &relay("b", &row("333333", "2", "@new")),
        &pushed(&sent),
        ASKS_HASHES,
    ]);
    merge(&mut theirs, &sent);
    assert_eq!(room.room.store().content_hashes(), theirs.content_hashes());
}

/// Read whole, each of its answers would take many times its text: they are merged part by part.
#[test]
fn of_a_client_that_holds_much_all_is_merged_and_nothing_is_sent_to_it_that_it_has() {
    let rows = |rows: std::ops::Range<usize>, value: &str| {
        let rows: Vec<_> = rows.map(|row| format!(r#""{row}":[{{"c":[{value}],"d":[1,"@old"]}}]"#)).collect();
        rows.join(",")
    };
    let cells = |cells: std::ops::Range<usize>| {
        let cells: Vec<_> = cells.map(|cell| format!(r#""{cell}":[1,"@old"]"#)).collect();
        cells.join(",")
    };
    let change = |tables: &str, values: &str| t(&format!("[[{{{tables}}}],[{{{values}}}],1]"));
    let both = change(
        &format!(r#""t":[{{{}}}],"u":[{{"r":[{{{}}}]}}]"#, rows(0..30_000, "1,\"@old\""), cells(0..50_000)),
        &cells(0..40_000),
    );
    let ours = change(
        r#""t":[{"7":[{"c":[2,"@new"]}],"x":[{"c":[3]}]}],"u":[{"r":[{"49999":[2,"@new"]}]}]"#,
        r#""0":[2,"@new"]"#,
    );
    let their_table = format!(r#""w":[{{{}}}]"#, rows(0..40_000, "4"));
    let theirs = change(
        &format!(
            r#""t":[{{{}}}],"u":[{{"r":[{{"0":[3,"@new"]}}]}}],{their_table}"#,
            rows(20_000..60_000, "5,\"@new\"")
        ),
        &cells(40_000..80_000),
    );
    let store = |changes: [&str; 2]| {
        let mut store = Store::new(1);
        for change in changes {
            let merge = |part: &Changes| {
                store.merge(part, NOW_MS, |_| {});
            };
            Changes::read_text(change, merge).unwrap();
        }
        store
    };
    let mut client = store([&both, &theirs]);
    let mut room = Harness::new().with_store(store([&both, &ours]));
    room.connect("b");
    let hashes = |client: &Store| {
        let hashes = client.content_hashes();
        format!("[{},{}]", hashes.tables, hashes.values)
    };
    room.say("b", &format!("\n[null,2,{}]", hashes(&client)));
    let mut pushed = Vec::new();
    while client.content_hashes() != room.room.store().content_hashes() {
        let said: Vec<_> = room.outputs().into_iter().filter(|output| output.starts_with("b < ")).collect();
        room.pass(10);
        for text in said {
            let (_, body) = text.split_once('\n').unwrap();
            if let Some(change) = body.strip_prefix("[null,3,").and_then(|rest| rest.strip_suffix(']')) {
                pushed.push(change.to_owned());
                merge(&mut client, change);
                continue;
            }
            let mut question = body.strip_suffix(']').unwrap().splitn(3, ',');
            let mark = question.next().unwrap().split(['#', '}']).nth(1).unwrap();
            let (type_, payload) = (question.next().unwrap(), question.next().unwrap());
            let hashes_in = |levels| HashTree::read(&mut Reader::new(payload), levels).unwrap();
            let whole = AnswerLimits::whole();
            let answer = match type_ {
                "1" => hashes(&client),
                "4" => client.table_diff(&hashes_in(1), whole).text,
                "5" => client.row_diff(&hashes_in(2), whole).text,
                "6" => client.cell_diff(&hashes_in(3), whole).text,
                _ => client.value_diff(&hashes_in(1), whole).text,
            };
            room.answer("b", mark, &answer);
        }
    }
    let sent: usize = pushed.iter().map(String::len).sum();
    assert!(sent < 1000, "{sent} bytes for four cells: {pushed:?}");
}

// ── What does not fit into an answer ─────────────────────────────────────────────────────────────────────────────────

/// A room of four rows, that sends a row at a time.
fn stingy_room() -> Harness {
    let settings = Settings { load_answer_bytes: 60, answer_bytes: 60, change_bytes: 40, ..Settings::default() };
    let rows = r#"[[{"t":[{"1":[{"c":[1,"@old"]}],"2":[{"c":[2,"@old"]}],"3":[{"c":[3,"@old"]}],"4":[{"c":[4,"@old"]}]}]}],[{}],1]"#;
    Harness::with(settings, journal::Settings::default()).with_content(&t(rows), &["a"])
}

/// A change of one of its rows, as it is sent to a client.
fn row_of_four(client: &str, number: u8) -> String {
    format!("{client} < S\n[null,3,{}]", row(&number.to_string(), &number.to_string(), "@old"))
}

#[test]
fn what_does_not_fit_into_an_answer_follows_a_slice_at_a_time_and_then_the_question_for_hashes() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",4,{}]");
    room.expect(&["a < S\n[\"q\",0,[[{\"t\":[{\"1\":[{\"c\":[1,\"@old\"]}]}]}],{}]]"]);
    for number in [2, 3] {
        assert_eq!(room.timeout_in_ms(), Some(0));
        room.pass(0);
        room.expect(&[&row_of_four("a", number)]);
    }
    room.pass(0);
    room.expect(&[&row_of_four("a", 4), "a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn hashes_that_come_while_there_is_a_backlog_are_asked_for_after_it() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",4,{}]");
    room.outputs();
    room.say("a", "\n[null,2,[1,0]]");
    room.expect(&[]);
    for number in [2, 3] {
        room.pass(0);
        room.expect(&[&row_of_four("a", number)]);
    }
    room.pass(0);
    room.expect(&[&row_of_four("a", 4), "a < S\n[\"{a#1}\",1,\"\"]"]);
    room.answer("a", 1, "[1,0]");
    room.expect(&["a < S\n[\"{a#4}\",4,{\"t\":0}]"]);
}

#[test]
fn a_client_in_its_first_load_gets_its_backlog_when_that_is_over() {
    let mut room = stingy_room();
    room.connect("b");
    room.say("b", "\n[\"q\",1,\"\"]");
    room.say("b", "\n[\"r\",4,{}]");
    assert_eq!(room.outputs().len(), 2);
    assert_eq!(room.timeout_in_ms(), Some(1_000), "for the question what it holds alone");
    room.pass(999);
    room.say("b", "\n[null,2,[1,0]]");
    room.expect(&[]);
    assert_eq!(room.timeout_in_ms(), Some(0));
    room.pass(0);
    room.expect(&[&row_of_four("b", 2)]);
}

/// A probe is on its way as long as there is a backlog.
#[test]
fn a_client_with_a_backlog_in_a_room_that_is_evicted_is_asked_what_it_holds_when_it_acknowledges() {
    let mut room = stingy_room();
    room.all_read = false;
    room.say("a", "\n[\"q\",4,{}]");
    assert_eq!(room.outputs()[1..], ["a < S\n[\"{a#h}\",6,{}]"]);
    room.wake();
    assert_eq!(room.timeout_in_ms(), None, "there is no backlog any more");
    room.acknowledge("a");
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
}

/// The places where it lay are not the same any more.
#[test]
fn a_client_with_a_backlog_in_a_room_that_is_loaded_anew_is_asked_what_it_holds() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("a", "\n[\"q\",4,{}]");
    room.outputs();
    room.reload();
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn two_with_a_backlog_get_a_part_each_and_one_who_leaves_holds_up_nobody() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("a", "\n[\"q\",4,{}]");
    room.say("b", "\n[\"q\",5,{\"t\":{\"1\":75688842,\"2\":3094299955}}]");
    let answers = room.outputs();
    assert!(answers[1].contains(r#""3":[{"c""#) && !answers[1].contains(r#""4":[{"c""#), "{answers:?}");
    room.pass(0);
    room.expect(&[&row_of_four("a", 2), &row_of_four("b", 4), "b < S\n[\"{b#1}\",1,\"\"]"]);
    room.connect("c");
    room.say("c", "\n[\"q\",4,{}]");
    room.disconnect("a");
    room.outputs();
    room.pass(0);
    room.expect(&[&row_of_four("c", 2)]);
}

#[test]
fn what_does_not_fit_into_two_answers_follows_once_and_in_order() {
    let mut room = stingy_room();
    room.say("a", "\n[\"q\",5,{\"t\":{\"1\":1,\"2\":1}}]");
    room.say("a", "\n[\"q\",4,{}]");
    assert_eq!(room.outputs().len(), 2);
    for number in [2, 3] {
        room.pass(0);
        room.expect(&[&row_of_four("a", number)]);
    }
    room.pass(0);
    room.expect(&[&row_of_four("a", 4), "a < S\n[\"{a#1}\",1,\"\"]"]);
    assert_eq!(room.timeout_in_ms(), None);
}

#[test]
fn a_backlog_shows_nothing_that_is_not_kept_and_holds_the_newest() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("b", &format!("\n[null,3,{}]", row("1", "0", "@new")));
    room.say("a", "\n[\"q\",4,{}]");
    room.outputs();
    let late = row("2", "9", "@new");
    room.say("b", &format!("\n[null,3,{late}]"));
    room.expect(&[]);
    room.pass(0);
    let but_a = format!("all but b a < b\n[null,3,{late}]");
    room.expect(&[&keep("b", &late), &but_a, &format!("a < S\n[null,3,{late}]")]);
}

#[test]
fn an_edit_by_a_client_with_a_backlog_is_not_sent_back_to_it() {
    let mut room = stingy_room().with_content("", &["b"]);
    room.say("a", "\n[\"q\",4,{}]");
    room.outputs();
    let edit = row("1", "9", "@new");
    room.say("a", &format!("\n[null,3,{edit}]"));
    room.expect(&[&keep("a", &edit), &relay("a", &edit)]);
    for number in [2, 3] {
        room.pass(0);
        room.expect(&[&row_of_four("a", number)]);
    }
    room.pass(0);
    room.expect(&[&row_of_four("a", 4), "a < S\n[\"{a#1}\",1,\"\"]"]);
}
