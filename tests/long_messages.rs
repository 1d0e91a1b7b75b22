//! A message that is long is read part by part, and others have their turn in between.
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
use support::stores::{hashes, store_of, whole_change};
use support::texts::{keep, relay, row, t};
use tinyroom::room::Input;
use tinyroom::store::{AnswerLimits, HashTree, PartLimits, Store};

/// What lines begin with.
fn shown(lines: &[String]) -> Vec<String> {
    lines.iter().take(20).map(|line| format!("{line:.120}")).collect()
}

/// So many names, each with this behind it.
fn names(count: usize, behind: &str) -> String {
    let names: Vec<_> = (0..count).map(|n| format!("\"{n}\":{behind}")).collect();
    format!("{{{}}}", names.join(","))
}

/// Changes with so many cells or values.
fn changes(count: usize) -> Vec<(&'static str, String)> {
    let cell = "[1,\"@old\"]";
    let row = format!("[{{\"c\":{cell}}}]");
    let texts = [
        ("values", format!("[[{{}}],[{}],1]", names(count, cell))),
        ("cells of a row", format!("[[{{\"t\":[{{\"r\":[{}]}}]}}],[{{}}],1]", names(count, cell))),
        ("rows", format!("[[{{\"t\":[{}]}}],[{{}}],1]", names(count, &row))),
        ("tables", format!("[[{}],[{{}}],1]", names(count, &format!("[{{\"r\":{row}}}]")))),
        (
            "long cells",
            format!("[[{{\"t\":[{{\"r\":[{}]}}]}}],[{{}}],1]", {
                names(count / 500, &format!("[\"{}\",\"@old\"]", "x".repeat(50_000)))
            }),
        ),
    ];
    texts.map(|(name, text)| (name, t(&text))).into()
}

/// Lets the room read what it has to its end. Answers what it says meanwhile.
fn read_on(room: &mut Harness) -> Vec<String> {
    let mut lines = Vec::new();
    while room.room.unread_bytes() > 0 {
        room.handle(Input::Timeout);
        lines.extend(room.outputs());
    }
    lines
}

/// The content that a text brings.
fn content(change: &str) -> String {
    whole_change(&store_of([change]))
}

/// Checks what the room does while it reads something of `a`'s: what `b` says is heard at once, and of the rest no more at a
/// time than a part. Answers in how many parts it was read.
fn parts(room: &mut Harness, what: &str) -> usize {
    let mut parts = 0;
    while room.room.unread_bytes() > 0 {
        let edit = row("of b", &format!("{parts}"), "@new");
        room.begin_to_say("b", "\n[\"q\",1,\"\"]");
        let heard = room.outputs();
        assert!(heard.iter().any(|line| line.starts_with("b < S\n[\"q\",0,")), "{what}: {:?}", shown(&heard));
        if parts == 0 {
            room.begin_to_say("b", &format!("\n[null,3,{edit}]"));
            let heard = room.outputs();
            assert!(
                heard.contains(&keep("b", &edit)) && heard.contains(&relay("b", &edit)),
                "{what}: {:?}",
                shown(&heard)
            );
        }
        room.handle(Input::Timeout);
        let relayed: Vec<_> = room.outputs().into_iter().filter(|line| line.starts_with("keep a")).collect();
        let stamps: usize =
            relayed.iter().map(|line| line.matches("],\"OhqqeV").count() + line.matches("[1,").count()).sum();
        assert!(stamps <= 2 * PartLimits::PART.nodes, "{what}: {stamps} in a part");
        let bytes: usize = relayed.iter().map(String::len).sum();
        assert!(bytes <= 2 * PartLimits::PART.bytes, "{what}: {bytes} bytes in a part");
        parts += 1;
    }
    parts
}

#[test]
fn others_have_their_turn_while_a_long_change_is_read() {
    for (what, change) in changes(60_000) {
        let mut room = Harness::holding("", &["a", "b", "c"]);
        room.begin_to_say("a", &format!("\n[null,3,{change}]"));
        room.expect(&[]);
        let parts = parts(&mut room, what);
        // Once to be checked, by four times as much at a time, and once to be merged.
        let nodes = (change.matches(":[").count() / PartLimits::PART.nodes).max(change.len() / PartLimits::PART.bytes);
        assert!((nodes + nodes / 4..=nodes + nodes / 4 + 6).contains(&parts), "{what}: {parts} parts of {nodes}");
        let expected = store_of([&*change, &*row("of b", "0", "@new")]);
        assert_eq!(hashes(room.room.store()), hashes(&expected), "{what}");
        assert_eq!(hashes(&room.table.load(Default::default()).0), hashes(&expected), "{what} on disk");
    }
}

#[test]
fn others_have_their_turn_while_a_long_question_is_read() {
    let held = t(
        r#"[[{"t":[{"r":[{"7":[1,"@old"]}],"7":[{"c":[1,"@old"]}]}],"7":[{"r":[{"c":[1,"@old"]}]}]}],[{"7":[1,"@old"]}],1]"#,
    );
    let names = names(150_000, "1");
    for (type_, question) in [
        (4, names.clone()),
        (5, format!("{{\"t\":{names}}}")),
        (6, format!("{{\"t\":{{\"r\":{names}}}}}")),
        (7, names.clone()),
    ] {
        let mut room = Harness::holding(&held, &["a", "b"]);
        room.begin_to_say("a", &format!("\n[\"q\",{type_},{question}]"));
        let others = parts_of_question(&mut room);
        let expected = answer_to(&store_of([&*held]), type_, &question);
        assert_eq!(others.0, format!("a < S\n[\"q\",0,{expected}]"));
        assert!(others.1 >= 150_000 / (4 * PartLimits::PART.nodes), "{} parts", others.1);
    }
}

/// Reads on to the answer, while `b` asks something. Answers what `a` was answered, and after how many parts.
fn parts_of_question(room: &mut Harness) -> (String, usize) {
    let mut parts = 0;
    loop {
        room.begin_to_say("b", "\n[\"q\",1,\"\"]");
        assert_eq!(room.outputs().len(), 1, "an answer for b");
        room.handle(Input::Timeout);
        parts += 1;
        if let [answer] = &*room.outputs() {
            assert_eq!(room.room.unread_bytes(), 0);
            return (answer.clone(), parts);
        }
        assert!(room.room.unread_bytes() > 0);
    }
}

fn answer_to(store: &Store, type_: u8, question: &str) -> String {
    let levels = if type_ == 7 { 1 } else { type_ - 3 };
    let theirs = HashTree::read(&mut tinyroom::json::Reader::new(question), levels).unwrap();
    let limits = AnswerLimits::whole();
    match type_ {
        4 => store.table_diff(&theirs, limits),
        5 => store.row_diff(&theirs, limits),
        6 => store.cell_diff(&theirs, limits),
        _ => store.value_diff(&theirs, limits),
    }
    .text
}

/// The client holds much, and the room one cell that it lacks.
#[test]
fn a_long_answer_brings_what_is_in_it_and_shows_what_the_client_lacks() {
    let (ours, count) = (row("ours", "1", "@old"), 60_000);
    let their_rows = names(count, "[{\"c\":[1,\"@old\"]}]");
    let their_values = names(count, "[1,\"@old\"]");
    for (step, answer, brought) in [
        (4, format!("[[{{\"u\":[{their_rows}]}}],{{}}]"), format!("[[{{\"u\":[{their_rows}]}}],[{{}}],1]")),
        (4, format!("[[{{}}],{}]", names(count, "1")), "[[{}],[{}],1]".to_owned()),
        (
            5,
            format!("[[{{\"t\":[{their_rows}]}}],{{\"t\":{}}}]", names(count, "1")),
            format!("[[{{\"t\":[{their_rows}]}}],[{{}}],1]"),
        ),
        (6, format!("[{{\"t\":[{their_rows}]}}]"), format!("[[{{\"t\":[{their_rows}]}}],[{{}}],1]")),
        (7, format!("[{their_values}]"), format!("[[{{}}],[{their_values}],1]")),
    ] {
        let mut room = Harness::holding(&ours, &["a", "b"]);
        let (answer, brought) = (t(&answer), t(&brought));
        room.begin_to_say("a", &format!("S\n[\"0123456789a.{step}bcd\",0,{answer}]"));
        assert!(room.room.unread_bytes() > 0);
        let mut lines = read_on(&mut room);
        room.pass(0);
        lines.extend(room.outputs());
        let expected = store_of([&*ours, &*brought]);
        assert_eq!(hashes(room.room.store()), hashes(&expected), "step {step}");
        // Of rows and values, nothing is known of the tables that were not asked for.
        let is_sent = lines.iter().any(|line| line.starts_with("a < ") && line.contains("\"ours\":[{\"c\":[1,"));
        assert_eq!(is_sent, matches!(step, 4 | 5), "step {step}: {:?}", shown(&lines));
        assert!(!lines.iter().any(|line| line.starts_with("close")));
    }
}

#[test]
fn what_a_client_says_behind_a_long_message_is_heard_after_it() {
    let (_, change) = changes(60_000).swap_remove(2);
    let mut room = Harness::holding("", &["a", "b"]);
    room.begin_to_say("a", &format!("\n[null,3,{change}]"));
    let edit = row("behind", "1", "@old");
    room.begin_to_say("a", &format!("\n[null,3,{edit}]"));
    room.begin_to_say("a", "\n[\"q\",1,\"\"]");
    room.expect(&[]);
    let lines = read_on(&mut room);
    let (tables, values) = hashes(&store_of([&*change, &*edit]));
    assert_eq!(lines.last().unwrap(), &format!("a < S\n[\"q\",0,[{tables},{values}]]"));
    assert!(lines[lines.len() - 2].ends_with(&format!("< a\n[null,3,{edit}]")));
}

/// It may have nowhere else what it sent.
#[test]
fn a_long_change_of_who_is_gone_before_it_has_been_read_is_taken_in_all_the_same_and_a_question_is_not() {
    let (_, change) = changes(60_000).swap_remove(2);
    let mut room = Harness::holding("", &["a", "b"]);
    room.begin_to_say("a", &format!("\n[null,3,{change}]"));
    room.begin_to_say("a", "\n[\"q\",1,\"\"]");
    let edit = row("behind", "1", "@old");
    room.begin_to_say("a", &format!("\n[null,3,{edit}]"));
    room.disconnect("a");
    while room.room.unread_bytes() > 0 {
        room.handle(Input::Timeout);
    }
    let lines = room.outputs();
    assert!(lines.iter().all(|line| !line.contains("\"q\"")), "{:?}", shown(&lines));
    assert_eq!(hashes(room.room.store()), hashes(&store_of([&*change, &*edit])));
}

#[test]
fn of_a_long_message_with_a_fault_at_its_end_nothing_is_taken_in_and_who_sent_it_is_closed() {
    let faults = |text: String| [text.replace(",1]]", ",2]]"), format!("{text}x"), text[..text.len() - 1].to_owned()];
    for (what, change) in changes(60_000) {
        for text in faults(format!("\n[null,3,{change}]")) {
            let mut room = Harness::holding("", &["a", "b"]);
            room.begin_to_say("a", &text);
            room.begin_to_say("a", &format!("\n[null,3,{}]", row("behind", "1", "@old")));
            while room.room.unread_bytes() > 0 {
                room.handle(Input::Timeout);
            }
            let lines = room.outputs();
            assert!(lines.len() == 1 && lines[0].starts_with("close a: 1007"), "{what}: {:?}", shown(&lines));
            assert!(room.room.store().is_empty(), "{what}");
        }
    }
    let names = names(60_000, "1");
    for text in [
        format!("\n[\"q\",4,{names}"),
        format!("\n[\"q\",5,{{\"t\":{names}}},1]"),
        format!("S\n[\"0123456789a.4bcd\",0,[[{{}}],{names}],1]"),
        format!("S\n[\"0123456789a.1bcd\",0,[[{{}}],{names}]]"),
        format!("S\n[\"0123456789a.6bcd\",0,[[{{}}],{names}]]"),
    ] {
        let mut room = Harness::holding("", &["a", "b"]);
        room.say("a", &text);
        let lines = room.outputs();
        assert!(lines.len() == 1 && lines[0].starts_with("close a: 1007"), "{:?}", shown(&lines));
    }
}

/// As `?verify` does, and a commit that could not be kept: what was found out by the places where something lay is void.
#[test]
fn a_long_message_is_begun_anew_where_the_content_is_loaded_anew() {
    let held = t(&format!("[[{{\"t\":[{}]}}],[{{}}],1]", names(50_000, "[{\"c\":[1,\"@old\"]}]")));
    for turns in [1, 6] {
        for fails in [false, true] {
            let mut room = Harness::holding(&held, &["a", "b"]);
            let (_, change) = changes(60_000).swap_remove(0);
            room.begin_to_say("a", &format!("\n[null,3,{change}]"));
            room.begin_to_say("b", &format!("\n[\"q\",5,{{\"t\":{}}}]", names(50_000, "1")));
            for _ in 0..turns {
                room.handle(Input::Timeout);
                room.outputs();
            }
            if fails {
                room.fail();
                room.pass(60_000);
            } else {
                room.reload();
            }
            let mut lines = room.outputs();
            while room.room.unread_bytes() > 0 {
                room.handle(Input::Timeout);
                lines.extend(room.outputs());
            }
            let is_answered = lines.iter().any(|line| line.starts_with("b < S\n[\"q\",0,"));
            assert!(is_answered, "after {turns}: {:?}", shown(&lines));
            if !fails {
                assert_eq!(hashes(room.room.store()), hashes(&store_of([&*held, &*content(&change)])), "after {turns}");
            }
        }
    }
}

/// It takes long to read, and is no reason to ask who has begun as every client does.
#[test]
fn who_begins_with_a_long_question_is_not_asked_before_that_has_been_read() {
    let mut room = Harness::holding(&row("r", "1", "@old"), &[]);
    room.connect("a");
    room.begin_to_say("a", "\n[\"h\",1,\"\"]");
    assert_eq!(room.outputs().len(), 1);
    room.begin_to_say("a", &format!("\n[\"q\",4,{}]", names(200_000, "1")));
    let mut lines = Vec::new();
    while room.room.unread_bytes() > 0 {
        room.pass(250);
        lines.extend(room.outputs());
    }
    assert!(lines.len() == 1 && lines[0].starts_with("a < S\n[\"q\",0,"), "{:?}", shown(&lines));
    room.pass(1_000);
    room.expect(&["a < S\n[\"{a#1}\",1,\"\"]"]);
}

#[test]
fn what_others_say_again_and_again_does_not_put_it_off() {
    let (_, change) = changes(60_000).swap_remove(2);
    let mut room = Harness::holding("", &["a", "b"]);
    room.begin_to_say("a", &format!("\n[null,3,{change}]"));
    let mut turns = 0;
    while room.room.unread_bytes() > 0 {
        room.begin_to_say("b", "a heartbeat");
        room.pass(1);
        room.begin_to_say("b", "another");
        room.outputs();
        turns += 1;
        assert!(turns < 100);
    }
    assert_eq!(hashes(room.room.store()), hashes(&store_of([&*change])));
}

#[test]
fn short_messages_that_have_waited_are_read_many_at_a_time() {
    let (_, change) = changes(60_000).swap_remove(2);
    let mut room = Harness::holding("", &["a", "b"]);
    room.begin_to_say("a", &format!("\n[null,3,{change}]"));
    for n in 0..5_000 {
        room.begin_to_say("a", &format!("\n[null,3,{}]", row("short", &n.to_string(), "@old")));
    }
    let mut turns = 0;
    while room.room.unread_bytes() > 0 {
        room.handle(Input::Timeout);
        room.outputs();
        turns += 1;
    }
    assert!(turns < 60, "{turns} turns");
}

#[test]
fn a_long_change_is_taken_in_though_its_author_is_closed_for_what_came_after_it() {
    let (_, change) = changes(60_000).swap_remove(2);
    let mut room = Harness::holding("", &["a", "b"]);
    room.begin_to_say("a", &format!("\n[null,3,{change}]"));
    room.say_binary("a", 1);
    assert!(room.outputs()[0].starts_with("close a: 1007"));
    while room.room.unread_bytes() > 0 {
        room.handle(Input::Timeout);
    }
    assert_eq!(hashes(room.room.store()), hashes(&store_of([&*change])));
}

#[test]
fn where_too_much_waits_the_room_takes_in_nothing_until_there_is_less() {
    let (_, change) = changes(60_000).swap_remove(4);
    let mut room = Harness::holding("", &["a", "b"]);
    let mut pauses_at_one_more = || {
        room.outputs();
        // Nobody has sent fast what was before.
        room.now_ms += 1_000;
        room.pauses = 0;
        room.begin_to_say("a", &format!("\n[null,3,{change}]"));
        room.outputs();
        room.pauses
    };
    assert_eq!([(); 3].map(|()| pauses_at_one_more()), [0, 0, 1], "two wait");
    let mut parts = 0;
    while room.room.is_full() {
        room.handle(Input::Timeout);
        parts += 1;
    }
    assert!(parts > 3 && room.room.unread_bytes() > 0, "{parts} parts");
}
