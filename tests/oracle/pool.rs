//! What histories are made of: ids, values and stamps, ordinary and hostile.

use super::change::{Speller, Units};
use super::process::VERSION;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Union};
use tinyroom::hlc::{AHEAD_MS, DEFAULT_MAX_FUTURE_MS};

/// When the oracle's clock stands still, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_767_225_600_000;

/// How *undefined* travels, as an HLC too.
pub const UNDEFINED: &str = "\u{fffc}";

const ORDINARY_IDS: [&str; 10] = ["t", "todos", "row 1", "r2", "done", "äöü", "名前", "🎉", "a:b", "A"];

/// In JSON's spelling, since some hold lone surrogates.
#[rustfmt::skip]
const HOSTILE_IDS: [&str; 45] = [
    "", " ", "0", "1", "10", "007", "-1", "1.5", "1e3", "4294967294", "4294967295", "9007199254740993", "prototype",
    "length", "then", "null", "undefined", ":", "a:0", "\\\"", "\\\\", "\\\\\\\"", "\\\\u0061", "/", "\\n",
    "\\r\\n\\t\\b\\f", "\\u0000", "\\u0000\\u001f", "\u{7f}\u{80}", "\u{2028}\u{2029}", "\u{feff}", "\u{fffc}",
    "\u{fffd}", "\u{ffff}", "a\\ud83db", "😀", "\u{10ffff}", "é", "e\u{301}", "ß", "İ", "מזל", "{}", "[[\\\"a\\\"],1]",
    "\\udfff",
];

/// Ids that hash alike, since each lone surrogate is hashed as U+FFFD: rows and cells under them cancel each other out.
const LONE_SURROGATES: [&str; 4] = ["\\ud800", "\\ud801", "\\udfff", "\\udc00"];

/// What every object of JavaScript's inherits. Versions before 9.7 mistake these for what is there already.
const INHERITED_IDS: [&str; 6] = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"];

#[rustfmt::skip]
const NUMBERS: [&str; 44] = [
    "0", "-0", "0.0", "-0.0", "0e0", "-0e-5", "1", "-1", "1.0", "1.50", "10e-1", "1E2", "1e+2", "100", "0.1", "0.2",
    "0.30000000000000004", "-3.14", "1e-6", "1e-7", "123e-9", "0.000001", "0.0000001", "1e20", "1e21",
    "123456789012345680000", "999999999999999900000", "1e100", "-1e-100", "9007199254740991", "9007199254740992",
    "9007199254740993", "-9007199254740993", "18446744073709551615", "18446744073709551616", "4294967295", "5e-324",
    "3e-324", "2e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "1e-400",
    "3.0000000000000000000000000000000000001", "12345678901234567890123456789",
];

#[rustfmt::skip]
const STRINGS: [&str; 26] = [
    r#""""#, r#""a""#, r#""\u0061""#, r#""äöü""#, r#""\u00e4""#, r#""🎉""#, r#""\ud83c\udf89""#, r#""\"""#, r#""\\""#,
    r#""\/""#, r#""\b\f\n\r\t""#, r#""\u0008\u000C\u000a\u000D\u0009""#, r#""\u0000""#, r#""\u0001\u001F\u007f""#,
    r#""\u2028""#, r#""\ud800""#, r#""\uDFFF""#, r#""\udc00\ud800""#, r#""a\ud83db""#, r#""\ud83d\ud83d\ude00""#,
    "\"\u{fffd}\"", "\"\u{fffd} no json\"", "\"\u{fffc}x\"", r#""\ufffcx""#, r#""null""#, r#""0""#,
];

/// Objects and arrays, as clients from 8.0 on send them.
#[rustfmt::skip]
const OBJECTS: [&str; 7] = [
    "\"\u{fffd}{}\"", "\"\u{fffd}[]\"", "\"\\ufffd{\\\"a\\\":1}\"", "\"\u{fffd}{ \\\"a\\\" : 1.0 }\"",
    "\"\u{fffd}[1,null,\\\"x\\\",{\\\"b\\\":[true]}]\"",
    "\"\u{fffd}{\\\"__proto__\\\":{\\\"x\\\":1},\\\"1\\\":2,\\\"\\\":3}\"",
    "\"\u{fffd}[\\\"\\\\ud800\\\",\\\"\u{fffc}\\\"]\"",
];

#[rustfmt::skip]
const TIMES_MS: [u64; 10] = [
    0, 1, NOW_MS - 86_400_000, NOW_MS - 1, NOW_MS, NOW_MS + 1, NOW_MS + AHEAD_MS, NOW_MS + AHEAD_MS + 1,
    NOW_MS + DEFAULT_MAX_FUTURE_MS - 1, NOW_MS + DEFAULT_MAX_FUTURE_MS,
];
const COUNTERS: [u64; 5] = [0, 1, 63, 64, (1 << 24) - 1];
const CLIENTS: [&str; 6] = ["-----", "Alice", "Bobby", "Carol", "zzzzz", "_0-Z9"];

pub fn ordinary_id() -> BoxedStrategy<Units> {
    select(&ORDINARY_IDS[..]).prop_map(|id| id.encode_utf16().collect()).boxed()
}

pub fn hostile_id() -> BoxedStrategy<Units> {
    let known = select(&HOSTILE_IDS[..]).prop_map(units);
    let drawn = vec(unit(), 0..8);
    let long = (unit(), 100..500_usize).prop_map(|(unit, length)| vec![unit; length]);
    let any = prop_oneof![20 => known, 12 => drawn, 1 => long].boxed();
    if knows_inherited_ids() {
        prop_oneof![1 => select(&INHERITED_IDS[..]).prop_map(units), 8 => any].boxed()
    } else {
        any
    }
}

pub fn lone_surrogate_id() -> BoxedStrategy<Units> {
    select(&LONE_SURROGATES[..]).prop_map(units).boxed()
}

/// One of many ids of one kind, so that a row gets many cells and a table many rows.
pub fn numbered_id() -> BoxedStrategy<Units> {
    (0..40_u32).prop_map(|number| format!("c{number}").encode_utf16().collect()).boxed()
}

/// Whether the TinyBase that is asked can hold ids such as `__proto__`.
fn knows_inherited_ids() -> bool {
    matches!(VERSION.as_str(), "9.7" | "10.0")
}

/// The JSON text of any value a cell can hold, in any spelling; a tombstone among them.
pub fn value() -> BoxedStrategy<String> {
    let text = |text: &'static [&'static str]| select(text).prop_map(str::to_owned);
    prop_oneof![
        2 => text(&["null", "true", "false"]),
        2 => Just(format!("\"{UNDEFINED}\"")),
        3 => text(&NUMBERS),
        3 => number(),
        3 => text(&STRINGS),
        3 => (vec(unit(), 0..12), vec(any::<u8>(), 0..8)).prop_map(|(units, noise)| Speller::odd(&noise).string(&units)),
        2 => text(&OBJECTS),
    ]
    .boxed()
}

/// A few values only, so that cells are often equal.
pub fn common_value() -> BoxedStrategy<String> {
    select(&["1", "true"][..]).prop_map(str::to_owned).boxed()
}

/// Any finite double, spelled in one of many ways.
pub fn number() -> BoxedStrategy<String> {
    let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("a finite number", |number| number.is_finite());
    let decimal = (any::<i64>(), 0..25_u32).prop_map(|(digits, exponent)| digits as f64 / 10_f64.powi(exponent as i32));
    let integer = any::<i64>().prop_map(|integer| integer as f64);
    (prop_oneof![bits, decimal, integer], any::<u8>()).prop_map(|(number, how)| spelled_number(number, how)).boxed()
}

/// The spellings of a double: short ones read back to it, those of many digits to it too.
pub fn spelled_number(number: f64, how: u8) -> String {
    match how % 6 {
        0 => format!("{number:e}"),
        1 => format!("{number}"),
        2 => format!("{number:.25e}"),
        3 => format!("{number:E}"),
        4 => format!("{number:.0}"),
        _ => format!("{number:.17e}").replace('e', "E+").replace("+-", "-"),
    }
}

/// A stamp that may travel.
pub fn hlc() -> BoxedStrategy<String> {
    let time = prop_oneof![4 => select(&TIMES_MS[..]), 1 => NOW_MS - 1000..NOW_MS];
    let counter = prop_oneof![select(&COUNTERS[..]), 0..1_u64 << 24];
    (time, counter, select(&CLIENTS[..])).prop_map(|(time, counter, client)| hlc_of(time, counter, client)).boxed()
}

/// A stamp from too far ahead.
pub fn future_hlc() -> BoxedStrategy<String> {
    let soon = Just(hlc_of(NOW_MS + DEFAULT_MAX_FUTURE_MS + 1, 0, "Alice"));
    let last = Just("z".repeat(16));
    Union::new([soon, last]).boxed()
}

fn unit() -> BoxedStrategy<u16> {
    prop_oneof![
        4 => 0x20..0x7f_u16,
        2 => 0..0x20_u16,
        2 => select(&[0x22, 0x5c, 0x2f, 0x3a, 0x7f, 0x80, 0x2028, 0x2029, 0xfeff, 0xfffc, 0xfffd, 0xffff][..]),
        2 => 0xd800..0xe000_u16,
        2 => any::<u16>(),
    ]
    .boxed()
}

fn units(spelled: &str) -> Units {
    let mut units = Units::new();
    let mut rest = spelled;
    while let Some((plain, escape)) = rest.split_once('\\') {
        units.extend(plain.encode_utf16());
        let (unit, length) = match escape.as_bytes()[0] {
            b'u' => (u16::from_str_radix(&escape[1..5], 16).unwrap(), 5),
            b'n' => (0x0a, 1),
            b'r' => (0x0d, 1),
            b't' => (0x09, 1),
            b'b' => (0x08, 1),
            b'f' => (0x0c, 1),
            same => (u16::from(same), 1),
        };
        units.push(unit);
        rest = &escape[length..];
    }
    units.extend(rest.encode_utf16());
    units
}

fn hlc_of(time_ms: u64, counter: u64, client: &str) -> String {
    const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    let mut text = String::new();
    for (number, digits) in [(time_ms, 7), (counter, 4)] {
        for digit in (0..digits).rev() {
            text.push(char::from(ALPHABET[(number >> (6 * digit) & 63) as usize]));
        }
    }
    text + client
}

/// What decisions are drawn from. A case that was shrunk to its core has none.
pub fn noise() -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..24).boxed()
}
