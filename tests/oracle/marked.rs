//! Strings with the mark of an object, and anything behind it: a room keeps those that TinyBase can read.

use super::change::{Speller, Units};
use super::json_texts::{TOGETHER, count, perhaps_json, random, unit};
use super::process::{Batch, Oracle};
use fastrand::Rng;
use tinyroom::json::Reader;
use tinyroom::store::{Changes, MergePolicy, Merged, Place, Store};

/// The versions that know the mark.
const VERSIONS: [&str; 3] = ["8.5", "9.7", "10.0"];
const MARK: &str = "\u{fffd}";
const HLC: &str = "OhqqeV-----Alice";

/// Which of these values every version can read.
fn readable(oracles: &mut [Oracle], values: &[String]) -> Vec<bool> {
    let mut batch = Batch::default();
    for value in values {
        batch.add("read", &[value]);
    }
    let mut readable = vec![true; values.len()];
    for oracle in oracles {
        for (readable, answer) in readable.iter_mut().zip(oracle.ask(&batch)) {
            *readable &= answer.is_ok();
        }
    }
    readable
}

/// What a room merges of a value, and what it holds then.
fn merge(value: &str, policy: impl Into<MergePolicy>) -> (Merged, String) {
    let change = format!(r#"[[{{"t":[{{"r":[{{"c":[{value},"{HLC}"]}}]}}]}}],[{{"v":[{value},"{HLC}"]}}],1]"#);
    let mut store = Store::new(1);
    let merged = store.merge(&Changes::read(&mut Reader::new(&change)).unwrap(), policy, |_| {});
    (merged, store.changes_text(store.places_from(Place::START)))
}

fn assert_keeps(value: &str, readable: bool, context: &str) {
    let holding = |value: &str| merge(value, u64::MAX).1;
    let (merged, held) = merge(value, u64::MAX);
    let (from_disk, loaded) = merge(value, MergePolicy::STORED);
    if readable {
        assert_eq!(merged, Merged { won: 2, ..Merged::default() }, "{value:?} {context}");
        assert_eq!((from_disk, &loaded), (merged, &held), "{value:?} {context}");
    } else {
        assert_eq!(merged, Merged { malformed: 2, ..Merged::default() }, "{value:?} {context}");
        assert_eq!(held, "[[{}],[{}],1]", "{value:?} {context}");
        assert_eq!(from_disk, Merged { won: 2, malformed: 2, ..Merged::default() }, "{value:?} {context}");
        assert_eq!(loaded, holding("\"\u{fffc}\""), "{value:?} {context}");
    }
}

/// A string as JavaScript would print it.
fn quoted(text: &str) -> String {
    Speller::odd(&[]).string(&text.encode_utf16().collect::<Units>())
}

#[test]
fn what_is_known_to_be_readable_is_kept_and_the_rest_is_left_out() {
    let deep = |depth: usize| format!("{MARK}{}{}", "[".repeat(depth), "]".repeat(depth));
    let cases = [
        (quoted("\u{fffd}"), false),
        (quoted("\u{fffd}{bad"), false),
        (quoted("\u{fffd}[1"), false),
        (quoted("\u{fffd}{},"), false),
        (quoted("\u{fffd}[\"\u{1}\"]"), false),
        (quoted("\u{fffd}\u{fffd}{}"), false),
        (quoted("\u{fffd}\u{fffc}"), false),
        (quoted("\u{fffd}\u{feff}{}"), false),
        ("\"\\ufffd\\ud800\"".to_owned(), false),
        ("\"\\uFFFD{bad\"".to_owned(), false),
        (quoted(&deep(100_000)[..200_002]), false),
        (quoted(&deep(100_000)), true),
        (quoted("\u{fffd}5"), true),
        (quoted("\u{fffd}\"x\""), true),
        (quoted("\u{fffd}null"), true),
        (quoted("\u{fffd}1e999"), true),
        (quoted("\u{fffd}\n{\"a\": [1.0]}\t"), true),
        ("\"\\uFFFD[\\\"\\ud800\\\"]\"".to_owned(), true),
        (quoted("\u{fffd}[\"\\ud800\"]"), true),
        (quoted("x\u{fffd}{bad"), true),
        // Half of a surrogate pair is hashed as the mark is, and is none.
        ("\"\\ud800{bad\"".to_owned(), true),
    ];
    let mut oracles = VERSIONS.map(Oracle::start);
    let values = cases.clone().map(|(value, _)| value);
    assert_eq!(readable(&mut oracles, &values), cases.clone().map(|(_, readable)| readable));
    for (value, readable) in cases {
        assert_keeps(&value, readable, "");
    }
}

#[test]
fn whatever_stands_behind_the_mark_is_kept_exactly_if_every_version_can_read_it() {
    let (mut random, seed) = random();
    let mut oracles = VERSIONS.map(Oracle::start);
    let (mut kept, mut all) = (0, 0);
    for _ in 0..(count() / 10).div_ceil(TOGETHER) {
        let values: Vec<String> = (0..TOGETHER).map(|_| marked(&mut random)).collect();
        for (value, readable) in values.iter().zip(readable(&mut oracles, &values)) {
            assert_keeps(value, readable, &format!("(SEED={seed})"));
            kept += usize::from(readable);
            all += 1;
        }
    }
    assert!((all / 5..all * 4 / 5).contains(&kept), "{kept} of {all} can be read (SEED={seed})");
}

/// The mark, and behind it JSON that may have been cut off, or of which something was changed; in any spelling.
fn marked(random: &mut Rng) -> String {
    let text = if random.u8(..3) == 0 { perhaps_json(random) } else { json(random, 4) };
    let mut units: Units = MARK.encode_utf16().chain(text.encode_utf16()).collect();
    match random.u8(..6) {
        0 => units.truncate(1 + random.usize(..units.len())),
        1 => {
            let place = random.usize(..units.len());
            units[place] = unit(random);
        }
        2 => units.insert(random.usize(1..=units.len()), unit(random)),
        3 => _ = units.remove(random.usize(..units.len())),
        _ => {}
    }
    let noise: Vec<u8> = (0..random.usize(..12)).map(|_| random.u8(..)).collect();
    Speller::odd(&noise).string(&units)
}

/// JSON of so many levels at most.
fn json(random: &mut Rng, levels: usize) -> String {
    const SCALARS: [&str; 12] = [
        "0",
        "-1.5e-7",
        "1e999",
        "null",
        "true",
        "false",
        "\"\"",
        "\"a b\"",
        "\"\\u00e4\\n\\\"\"",
        "\"\\ud800\"",
        "\"ä🎉\"",
        " 7\n",
    ];
    if levels == 0 || random.u8(..4) == 0 {
        return (*random.choice(&SCALARS).unwrap()).to_owned();
    }
    let count = random.usize(..4);
    if random.bool() {
        let children: Vec<String> = (0..count).map(|_| json(random, levels - 1)).collect();
        format!("[{}]", children.join(","))
    } else {
        let children: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{}", json(random, levels - 1))).collect();
        format!("{{{}}}", children.join(", "))
    }
}
