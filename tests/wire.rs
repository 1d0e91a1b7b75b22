//! What travels: envelopes, messages and fragments, as real clients send them and as nobody should.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use proptest::prelude::*;
use std::collections::BTreeSet;
use support::fixtures::{list, text};
use support::stamp::stamp;
use tinyroom::store::ContentHashes;
use tinyroom::wire::fragments::Fragment;
use tinyroom::wire::message::{self, RequestId, hashes_text};
use tinyroom::wire::{Body, Envelope, Fragments, MAX_TEXT_BYTES, Message, MessageType, Recipient, Response, WireError};

const VERSIONS: [&str; 8] = ["5.0", "5.3", "5.4", "6.7", "7.3", "8.5", "9.7", "10.0"];

// ── Envelopes ────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_first_line_says_whom_a_text_is_for() {
    for (text, to, body) in [
        ("\n[]", Recipient::Everybody, "[]"),
        ("S\n[]", Recipient::Room, "[]"),
        ("server\n[]", Recipient::Room, "[]"),
        ("abc\n1\n2", Recipient::Client("abc"), "1\n2"),
        ("\n\n", Recipient::Everybody, "\n"),
        ("s\n", Recipient::Client("s"), ""),
        ("S\r\n", Recipient::Client("S\r"), ""),
    ] {
        assert_eq!(Envelope::open(text), Some(Envelope { to, body }), "{text:?}");
    }
    assert_eq!(Envelope::open("[null,1,\"\"]"), None);
}

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Every frame that real clients sent and received is read, but for the two that the fixtures' server sent to see what
/// clients do; and the ways of the versions differ as they should.
#[test]
fn every_frame_of_every_version_is_read() {
    for version in VERSIONS {
        let (mut types, mut parts) = (BTreeSet::new(), 0);
        let mut fragments = Fragments::default();
        for case in list("wire", version) {
            let step = text(&case, "step");
            let Some(frame) = case["sent"].as_str().or(case["received"].as_str()) else { continue };
            let envelope = Envelope::open(frame).unwrap();
            if let Some(fragment) = Fragment::read(envelope.body) {
                parts += 1;
                if case["sent"].is_string()
                    && let Some(whole) = fragments.add(envelope.to, fragment, 0, SILENCE_MS).unwrap()
                {
                    let message = Message::read(whole.envelope().unwrap().body).map(|message| message.payload.len());
                    assert!(message.unwrap() > 100);
                }
                continue;
            }
            match Message::read(envelope.body) {
                Ok(message) => {
                    types.insert(type_of(&message.body));
                }
                Err(error) => {
                    let provoked = ["a gets a message cut short", "b gets a hash below zero"];
                    assert!(provoked.contains(&step), "{version}: {error}: {frame}");
                }
            }
        }
        assert_eq!(types, (0..=7).collect(), "{version}");
        assert_eq!(parts > 0, matches!(version, "9.7" | "10.0"), "{version}");
        assert_eq!(fragments.deadline_ms(), None, "all parts came");
    }
}

fn type_of(body: &Body) -> u8 {
    match body {
        Body::Response(_) => 0,
        Body::GetContentHashes => 1,
        Body::ContentHashes(_) => 2,
        Body::ContentDiff(_) => 3,
        Body::GetTableDiff(_) => 4,
        Body::GetRowDiff(_) => 5,
        Body::GetCellDiff(_) => 6,
        Body::GetValueDiff(_) => 7,
        Body::Long(type_) => *type_ as u8,
    }
}

#[test]
fn an_answer_is_known_by_its_form() {
    let form = |payload: &str| match Message::read(&format!("[\"q\",0,{payload}]")).unwrap().body {
        Body::Response(Response::ContentHashes(hashes)) => format!("{} {}", hashes.tables, hashes.values),
        Body::Response(Response::Difference(..)) => "difference".to_owned(),
        Body::Response(Response::Tables(_)) => "tables".to_owned(),
        Body::Response(Response::Values(_)) => "values".to_owned(),
        Body::Response(Response::Empty(hlc)) => format!("empty {}", hlc.text().as_str()),
        _ => panic!("{payload}"),
    };
    let hlc = stamp(5, 6, "Alice");
    for (payload, expected) in [
        ("[0,4294967295]", "0 4294967295"),
        ("[1.0,2e1]", "1 20"),
        ("[[{}],{}]", "difference"),
        (r#"[[{},"@"],{}]"#, "difference"),
        (r#"[[{"t":[{}]}],{"t":1}]"#, "difference"),
        (r#"[[{}],{"t":{"r":1}}]"#, "difference"),
        (r#"[[{}],{"t":{}}]"#, "difference"),
        (r#"[{"t":[{}]}]"#, "tables"),
        (r#"[{"t":[{"r":[{"c":[1]}]}]},"@"]"#, "tables"),
        (r#"[{"v":[1]}]"#, "values"),
        ("[{\"v\":[\"\u{fffd}[]\"]},\"@\"]", "values"),
        ("[{}]", "empty "),
        (r#"[{},"@"]"#, "empty @"),
    ] {
        assert_eq!(form(&payload.replace('@', &hlc)), expected.replace('@', &hlc), "{payload}");
    }
}

#[test]
fn a_payload_is_handed_out_as_it_stands() {
    let body = r#" [ "q" , 3 , [ [{}] , [{}] , 1 ] ] "#;
    let message = Message::read(body).unwrap();
    assert_eq!(message.payload, "[ [{}] , [{}] , 1 ]");
    assert_eq!(message.id, RequestId(Some("q".into())));
}

#[test]
fn what_is_written_reads_back() {
    for id in [RequestId(None), RequestId(Some("".into())), RequestId(Some(r#"a\"\n\ud800"#.into()))] {
        let hashes = ContentHashes { tables: 0, values: u32::MAX };
        let text = message::text(&id, MessageType::ContentHashes, &hashes_text(hashes));
        let message = Message::read(&text).unwrap();
        assert_eq!(message.id, id);
        assert!(matches!(message.body, Body::ContentHashes(read) if read == hashes));
    }
}

#[test]
fn what_is_malformed_is_named_by_its_field() {
    for (body, expected) in [
        ("", "a message `[requestId, type, payload]`"),
        ("{}", "a message `[requestId, type, payload]`"),
        ("[]", "a message `[requestId, type, payload]`"),
        ("[null]", "a message `[requestId, type, payload]`"),
        ("[null,1]", "a message `[requestId, type, payload]`"),
        ("[1,1,\"\"]", "a request id, a string or null"),
        ("[nul,1,\"\"]", "a request id, a string or null"),
        ("[\"\\x\",1,\"\"]", "a string"),
        ("[\"\n\",1,\"\"]", "a string"),
        ("[\"", "the end of a string"),
        ("[null,\"1\",\"\"]", "a type of message, 0 to 7"),
        ("[null,8,\"\"]", "a type of message, 0 to 7"),
        ("[null,1.5,\"\"]", "a type of message, 0 to 7"),
        ("[null,-1,[0,\"\"]]", "a type of message, 0 to 7"),
        ("[null,1,\"\",0]", "the end of a message"),
        ("[null,1,\"\"", "the end of a message"),
        ("[null,1,\"\"]]", "the end of the text"),
        ("[null,1,null]", "an empty string as the payload"),
        ("[null,1,\"\u{fffc}\"]", "an empty string as the payload"),
        ("[null,2,{}]", "content hashes `[tablesHash, valuesHash]`"),
        ("[null,2,[1]]", "content hashes `[tablesHash, valuesHash]`"),
        ("[null,2,[\"\",1]]", "the hash of the tables"),
        ("[null,2,[4294967296,1]]", "the hash of the tables"),
        ("[null,2,[1,0.5]]", "the hash of the values"),
        ("[null,2,[1,2,3]]", "the end of content hashes"),
        ("[null,3,null]", "a change `[tables, values, 1]`"),
        ("[null,3,[[{}]]]", "a change `[tables, values, 1]`"),
        ("[null,3,[[{}],[{}],0]]", "1 at the end of a change"),
        ("[null,3,[[{}],[{}],\"1\"]]", "1 at the end of a change"),
        ("[null,3,[[{}],[{}],1,1]]", "the end of a change"),
        ("[null,3,[{},[{}],1]]", "a stamp of tables `[{…}, hlc]`"),
        ("[null,3,[[],[{}],1]]", "a stamp of tables `[{…}, hlc]`"),
        ("[null,3,[[[]],[{}],1]]", "an object of tables"),
        (r#"[null,3,[[{"t":{}}],[{}],1]]"#, "a stamp of a table `[{…}, hlc]`"),
        (r#"[null,3,[[{"t":[[]]}],[{}],1]]"#, "an object of rows"),
        (r#"[null,3,[[{"t":[{"r":null}]}],[{}],1]]"#, "a stamp of a row `[{…}, hlc]`"),
        (r#"[null,3,[[{"t":[{"r":[1]}]}],[{}],1]]"#, "an object of cells"),
        (r#"[null,3,[[{"t":[{"r":[{"c":1}]}]}],[{}],1]]"#, "a stamp of a cell `[value, hlc]`"),
        (r#"[null,3,[[{"t":[{"r":[{"c":[]}]}]}],[{}],1]]"#, "a stamp of a cell `[value, hlc]`"),
        (
            r#"[null,3,[[{"t":[{"r":[{"c":[[]]}]}]}],[{}],1]]"#,
            "a string, a finite number, a boolean or null as the value",
        ),
        (
            r#"[null,3,[[{"t":[{"r":[{"c":[1e999]}]}]}],[{}],1]]"#,
            "a string, a finite number, a boolean or null as the value",
        ),
        (r#"[null,3,[[{"t":[{"r":[{"c":[1,2]}]}]}],[{}],1]]"#, "an HLC of 16 characters, or an empty string"),
        (r#"[null,3,[[{"t":[{"r":[{"c":[1,"x"]}]}]}],[{}],1]]"#, "an HLC of 16 characters, or an empty string"),
        (r#"[null,3,[[{"t":[{"r":[{"c":[1,null]}]}]}],[{}],1]]"#, "an HLC of 16 characters, or an empty string"),
        (r#"[null,3,[[{"t":[{"r":[{"c":[1,"","x"]}]}]}],[{}],1]]"#, "a hash behind the HLC"),
        (r#"[null,3,[[{"t":[{"r":[{"c":[1,"",2,3]}]}]}],[{}],1]]"#, "the end of a stamp"),
        ("[null,3,[[{}],{},1]]", "a stamp of values `[{…}, hlc]`"),
        ("[null,3,[[{}],[1],1]]", "an object of values"),
        (r#"[null,3,[[{}],[{"v":true}],1]]"#, "a stamp of a value `[value, hlc]`"),
        (r#"[null,3,[[{}],[{"v"}],1]]"#, "a colon"),
        (r#"[null,3,[[{}],[{v:[1]}],1]]"#, "a key"),
        (r#"[null,3,[[{}],[{"v":[1] "w":[1]}],1]]"#, "a comma or a closing bracket"),
        ("[null,4,[]]", "an object of hashes"),
        ("[null,4,\"\"]", "an object of hashes"),
        (r#"[null,4,{"t":"1"}]"#, "a hash, an integer from 0 to 4294967295"),
        (r#"[null,4,{"t":-1}]"#, "a hash, an integer from 0 to 4294967295"),
        (r#"[null,4,{"t":{}}]"#, "a hash, an integer from 0 to 4294967295"),
        (r#"[null,5,{"t":1}]"#, "an object of hashes"),
        (r#"[null,5,{"t":{"r":null}}]"#, "a hash, an integer from 0 to 4294967295"),
        (r#"[null,6,{"t":{"r":1}}]"#, "an object of hashes"),
        (r#"[null,6,{"t":{"r":{"c":[]}}}]"#, "a hash, an integer from 0 to 4294967295"),
        (r#"[null,7,{"v":{}}]"#, "a hash, an integer from 0 to 4294967295"),
        ("[null,0,\"\"]", "a response: hashes, a stamp, or a stamp and hashes"),
        ("[null,0,{}]", "a response: hashes, a stamp, or a stamp and hashes"),
        ("[null,0,[]]", "content hashes `[tablesHash, valuesHash]`"),
        ("[null,0,[1,\"\"]]", "the hash of the values"),
        ("[null,0,[[{}]]]", "a response: hashes, a stamp, or a stamp and hashes"),
        ("[null,0,[[{}],[]]]", "an object of hashes"),
        ("[null,0,[[{}],{},1]]", "the end of a response"),
        (r#"[null,0,[{"t":1}]]"#, "a stamp"),
        (r#"[null,0,[{"t":[{"r":1}]}]]"#, "a stamp of a row `[{…}, hlc]`"),
        (r#"[null,0,[{"v":[1],"t":[{}]}]]"#, "a string, a finite number, a boolean or null as the value"),
    ] {
        match Message::read(body) {
            Ok(_) => panic!("read: {body}"),
            Err(error) => assert_eq!(error.expected, expected, "{body}: {error}"),
        }
    }
}

#[test]
fn a_text_that_is_cut_short_anywhere_is_refused() {
    let body = r#"["q\u00e4",3,[[{"t":[{"r":[{"c":[-1.5e-3,"OhqqeV-----Alice"]},""]}]}],[{"v":[null],"w":["😀"]}],1]]"#;
    assert!(Message::read(body).is_ok());
    for (end, _) in body.char_indices() {
        assert!(Message::read(&body[..end]).is_err(), "{}", &body[..end]);
    }
}

#[test]
fn depth_costs_nothing() {
    for text in ["[".repeat(1 << 20), "[null,0,".to_owned() + &"[{\"\":".repeat(1 << 20), "{\"\":".repeat(1 << 20)] {
        assert!(Message::read(&text).is_err());
    }
}

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_error_closes_with_tinybases_code_and_a_reason_that_fits() {
    let malformed: WireError = Message::read("").unwrap_err().into();
    assert_eq!(malformed.close_code(), 1007);
    assert!(malformed.close_reason().starts_with("tinybase:14:"), "{}", malformed.close_reason());
    let limit = WireError::Limit { what: "fragments", limit: 100, found: 101 };
    assert_eq!(limit.close_code(), 1013);
    assert_eq!(limit.close_reason(), "tinybase:15:fragments: 101 is over the limit of 100");
    for (shift, length) in [("", 123), ("x", 122)] {
        let found = format!("{shift}{}", "ä".repeat(200));
        assert_eq!(WireError::Fragment { expected: "", found }.close_reason().len(), length);
    }
}

// ── Fragments ────────────────────────────────────────────────────────────────────────────────────────────────────────

const ID: &str = "-_09AZaz0123abcd";
/// How long the parts of a message wait for the next.
const SILENCE_MS: u64 = 10_000;

fn add(fragments: &mut Fragments, to: &str, body: &str, now_ms: u64) -> Result<Option<String>, WireError> {
    let text = format!("{to}\n{body}");
    let envelope = Envelope::open(&text).unwrap();
    let fragment = Fragment::read(envelope.body).unwrap_or_else(|| panic!("no fragment: {body}"));
    let whole = fragments.add(envelope.to, fragment, now_ms, SILENCE_MS)?;
    Ok(whole.map(|whole| whole.envelope().unwrap().body.to_owned()))
}

#[test]
fn parts_make_a_whole_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut fragments = Fragments::default();
        let mut wholes = order.map(|index| {
            let part = ["one\n", "", "🎉"][index];
            add(&mut fragments, "S", &format!("{ID}\n{index}\n3\n{part}"), 0).unwrap()
        });
        assert_eq!(wholes[2].take().as_deref(), Some("one\n🎉"));
        assert_eq!(wholes, [None, None, None]);
        assert_eq!(fragments.deadline_ms(), None);
    }
}

#[test]
fn a_message_of_one_part_is_whole_at_once() {
    assert_eq!(add(&mut Fragments::default(), "", &format!("{ID}\n0\n1\n"), 0), Ok(Some(String::new())));
}

#[test]
fn what_is_no_fragment_is_left_to_be_read_as_a_message() {
    for body in [
        "[null,1,\"\"]",
        "",
        "-_09AZaz0123abc\n0\n1\nx",
        "-_09AZaz0123abcde\n0\n1\nx",
        "-_09AZaz0123abc+\n0\n1\nx",
        "-_09AZaz0123abä\n0\n1\nx",
        "-_09AZaz0123abcd\n0\n1",
        "-_09AZaz0123abcd\n-1\n1\nx",
        "-_09AZaz0123abcd\n\n1\nx",
        "-_09AZaz0123abcd\n0\n1.0\nx",
        "-_09AZaz0123abcd\n0\n+1\nx",
        "-_09AZaz0123abcd\n0\n١\nx",
    ] {
        assert_eq!(Fragment::read(body), None, "{body:?}");
    }
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    for (first, second, reason) in [
        (None, "0\n0\n", "expected an index below the count, found part 0 of 0"),
        (None, "3\n3\n", "expected an index below the count, found part 3 of 3"),
        (Some("1\n3\nx"), "1\n3\nx", "expected each part once, found part 1 again"),
        (Some("1\n3\nx"), "0\n4\nx", "expected the same count in every part, found 4 parts"),
        (Some("1\n3\nx"), "0\n2\nx", "expected the same count in every part, found 2 parts"),
    ] {
        let mut fragments = Fragments::default();
        if let Some(first) = first {
            assert_eq!(add(&mut fragments, "", &format!("{ID}\n{first}"), 0), Ok(None));
        }
        let error = add(&mut fragments, "", &format!("{ID}\n{second}"), 0).unwrap_err();
        assert_eq!((error.close_code(), error.to_string()), (1007, format!("fragment: {reason}")));
    }
}

#[test]
fn one_message_id_for_two_recipients_names_two_messages() {
    let mut fragments = Fragments::default();
    assert_eq!(add(&mut fragments, "", &format!("{ID}\n0\n2\na"), 0), Ok(None));
    assert_eq!(add(&mut fragments, "S", &format!("{ID}\n0\n2\nb"), 0), Ok(None));
    assert_eq!(add(&mut fragments, "", &format!("{ID}\n1\n2\nc"), 0), Ok(Some("ac".to_owned())));
    assert_eq!(add(&mut fragments, "S", &format!("{ID}\n1\n2\nd"), 0), Ok(Some("bd".to_owned())));
}

#[test]
fn a_message_has_at_most_1000_parts() {
    let mut fragments = Fragments::default();
    assert_eq!(add(&mut fragments, "", &format!("{ID}\n0\n1000\nx"), 0), Ok(None));
    for count in ["1001", "99999999999999999999999"] {
        let error = add(&mut fragments, "S", &format!("{ID}\n0\n{count}\nx"), 0).unwrap_err();
        assert!(matches!(error, WireError::Limit { what: "fragments", limit: 1000, .. }), "{error}");
    }
}

#[test]
fn a_connection_has_at_most_100_messages_in_parts() {
    let mut fragments = Fragments::default();
    let begin = |fragments: &mut Fragments, n: usize| add(fragments, "", &format!("{n:016}\n0\n2\nx"), 0);
    (0..100).for_each(|n| assert_eq!(begin(&mut fragments, n), Ok(None)));
    assert_eq!(begin(&mut fragments, 100), Err(WireError::Limit { what: "fragments", limit: 100, found: 101 }));
    assert_eq!(add(&mut fragments, "", &format!("{:016}\n1\n2\ny", 7), 0), Ok(Some("xy".to_owned())));
    assert_eq!(begin(&mut fragments, 100), Ok(None), "one is whole, and makes room");
}

#[test]
fn parts_hold_no_more_than_a_text_may() {
    let too_much =
        |error: WireError| matches!(error, WireError::Limit { what: "fragments", limit: MAX_TEXT_BYTES, .. });
    let most = "x".repeat(MAX_TEXT_BYTES - ID.len() - "somebody".len());
    let error = add(&mut Fragments::default(), "somebody", &format!("{ID}\n0\n2\n{most}x"), 0).unwrap_err();
    assert!(too_much(error));
    let mut fragments = Fragments::default();
    assert_eq!(add(&mut fragments, "somebody", &format!("{ID}\n0\n2\n{most}"), 0), Ok(None));
    assert!(too_much(add(&mut fragments, "", "0123456789abcdef\n0\n2\n", 0).unwrap_err()));
    assert!(add(&mut fragments, "somebody", &format!("{ID}\n1\n2\n"), 0).unwrap().is_some());
    assert_eq!(add(&mut fragments, "somebody", &format!("{ID}\n0\n2\n{most}"), 0), Ok(None), "there is room again");
}

#[test]
fn however_long_the_whole_takes_only_silence_between_parts_ends_it() {
    let mut fragments = Fragments::default();
    for part in 0..99 {
        assert_eq!(add(&mut fragments, "", &format!("{ID}\n{part}\n100\nx"), part * 9_999), Ok(None));
        assert_eq!(fragments.deadline_ms(), Some(part * 9_999 + SILENCE_MS));
    }
    add(&mut fragments, "S", &format!("{ID}\n0\n3\na"), 98 * 9_999 + 1).unwrap();
    let whole = add(&mut fragments, "", &format!("{ID}\n99\n100\ny"), 99 * 9_999).unwrap();
    assert_eq!(whole, Some("x".repeat(99) + "y"));
    let deadline_ms = 98 * 9_999 + 1 + SILENCE_MS;
    fragments.expire(deadline_ms - 1);
    assert_eq!(fragments.deadline_ms(), Some(deadline_ms));
    assert_eq!(add(&mut fragments, "S", &format!("{ID}\n1\n3\nb"), deadline_ms), Ok(None), "the first is forgotten");
    assert_eq!(add(&mut fragments, "S", &format!("{ID}\n2\n3\nc"), deadline_ms), Ok(None));
}

#[test]
fn what_was_forgotten_takes_no_room() {
    let mut fragments = Fragments::default();
    for n in 0..50 {
        let part = "x".repeat(MAX_TEXT_BYTES / 2);
        assert_eq!(add(&mut fragments, "", &format!("{ID}\n0\n2\n{part}"), n * SILENCE_MS), Ok(None));
    }
}

proptest! {
    /// A message cut anywhere, as a client from 9.0 on cuts it, comes out as it went in.
    #[test]
    fn a_message_in_parts_reads_as_the_message(text in ".{0,200}", size in 1..20usize, seed in any::<u64>()) {
        let characters: Vec<_> = text.chars().collect();
        let mut parts: Vec<String> = characters.chunks(size).map(String::from_iter).collect();
        if parts.is_empty() {
            parts.push(String::new());
        }
        let mut order: Vec<_> = (0..parts.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let mut fragments = Fragments::default();
        let mut wholes = Vec::new();
        for index in order {
            let body = format!("{ID}\n{index}\n{}\n{}", parts.len(), parts[index]);
            wholes.extend(add(&mut fragments, "", &body, 0).unwrap());
        }
        prop_assert_eq!(wholes, [text]);
    }

    /// No text, however it is put together, makes the reader fail otherwise than by an error.
    #[test]
    fn any_tokens_are_read_or_refused(tokens in proptest::collection::vec(token(), 0..40)) {
        let text = tokens.concat();
        if let Ok(message) = Message::read(&text) {
            prop_assert!(text.contains(message.payload));
        }
        let _ = Envelope::open(&text).map(|envelope| Fragment::read(envelope.body));
    }
}

fn token() -> impl Strategy<Value = String> {
    let tokens = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "d800",
        "null",
        "true",
        "0",
        "-",
        "1",
        ".",
        "e",
        " ",
        "\n",
        "é",
        "\u{fffc}",
        "[null,3,[[{",
        "\"t\":[{",
        "\"r\":[{",
        "\"c\":[1]",
        "}]",
        "],[{}],1]]",
        "[null,0,",
        "\"q\"",
    ];
    proptest::sample::select(tokens.to_vec()).prop_map(str::to_owned)
}
