//! JSON texts, as JavaScript reads and prints them: `JSON_TEXTS` numbers, a tenth as many strings, ids and broken texts.

use super::change::{Speller, Units};
use super::json::Json;
use super::pool::spelled_number;
use super::process::{Batch, Oracle};
use fastrand::Rng;
use std::env;
use tinyroom::hash::IdPrefix;
use tinyroom::json::{ReadError, Reader};

/// How many texts go into one array.
pub const TOGETHER: usize = 500;

pub fn count() -> usize {
    env::var("JSON_TEXTS").map_or(300_000, |count| count.parse().expect("JSON_TEXTS is a number"))
}

/// A new seed each time, named by whatever fails.
pub fn random() -> (Rng, u64) {
    let seed = env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("SEED is a number"));
    (Rng::with_seed(seed), seed)
}

#[test]
fn numbers_print_as_in_javascript() {
    let (mut random, seed) = random();
    for _ in 0..count().div_ceil(TOGETHER) {
        let numbers: Vec<String> = (0..TOGETHER).map(|_| number(&mut random)).collect();
        compare(&numbers, seed);
    }
}

#[test]
fn strings_print_as_in_javascript() {
    let (mut random, seed) = random();
    for _ in 0..(count() / 10).div_ceil(TOGETHER) {
        let strings: Vec<String> = (0..TOGETHER).map(|_| string(&mut random)).collect();
        compare(&strings, seed);
    }
}

#[test]
fn ids_are_hashed_as_in_javascript() {
    let (mut random, seed) = random();
    for _ in 0..(count() / 10).div_ceil(TOGETHER) {
        let ids: Vec<String> = (0..TOGETHER).map(|_| string(&mut random)).collect();
        let mut batch = Batch::default();
        for id in &ids {
            let prefixed = format!("{}:4294967295\"", &id[..id.len() - 1]);
            batch.add("hash", &[&prefixed]);
        }
        for (id, theirs) in ids.iter().zip(Oracle::lock().ask(&batch)) {
            let canonical = Reader::new(id).string("an id").unwrap();
            let ours = IdPrefix::new(&canonical).in_table(u32::MAX).to_string();
            assert_eq!(Ok(ours), theirs, "{id} (SEED={seed})");
        }
    }
}

/// What one reader takes the other takes, and what one refuses the other refuses.
#[test]
fn broken_texts_are_refused_as_in_javascript() {
    let (mut random, seed) = random();
    for _ in 0..(count() / 10).div_ceil(TOGETHER) {
        let texts: Vec<String> = (0..TOGETHER).map(|_| perhaps_json(&mut random)).collect();
        let mut batch = Batch::default();
        for text in &texts {
            batch.add("json", &[text]);
        }
        for (text, theirs) in texts.iter().zip(Oracle::lock().ask(&batch)) {
            let ours = read(text);
            match (&ours, &theirs) {
                (Ok(ours), Ok(theirs)) => assert_eq!(&Json::exact(theirs).to_string(), ours, "{text:?} (SEED={seed})"),
                (Err(_), Err(_)) => {}
                // JavaScript reads a number beyond a double as Infinity, which no cell can hold.
                (Err(error), Ok(_)) if error.found == "a number beyond a double" => {}
                _ => panic!("{text:?} (SEED={seed}): {ours:?}, but {theirs:?}"),
            }
        }
    }
}

/// Asks for all texts in one array, and compares them one by one.
fn compare(texts: &[String], seed: u64) {
    let mut batch = Batch::default();
    batch.add("json", &[&format!("[{}]", texts.join(","))]);
    let theirs = Oracle::lock().ask(&batch).remove(0).unwrap();
    let mut reader = Reader::new(&theirs);
    let mut cursor = reader.array("an array").unwrap();
    for text in texts {
        assert!(reader.element(&mut cursor).unwrap());
        let start = reader.at();
        reader.scalar("a scalar").unwrap();
        let theirs = reader.slice_from(start);
        let ours = Reader::new(text).scalar("a scalar").map_or_else(
            |error| if error.found == "a number beyond a double" { "null".to_owned() } else { error.to_string() },
            |scalar| scalar.into_owned(),
        );
        assert_eq!(ours, theirs, "{text} (SEED={seed})");
    }
}

fn read(text: &str) -> Result<String, ReadError> {
    Json::try_read(text).map(|json| json.to_string())
}

/// A number from one of the corners where spelling and rounding are hard.
fn number(random: &mut Rng) -> String {
    let how = random.u8(..);
    match random.u8(..8) {
        // Any bits, subnormals among them.
        0 | 1 => spelled_number(finite(random.u64(..)), how),
        2 => spelled_number(finite(random.u64(..1 << 52)), how),
        // Beside a power of ten, where the number of digits changes.
        3 => {
            let power: f64 = format!("1e{}", random.i32(-330..309)).parse().unwrap();
            let bits = power.to_bits().saturating_add_signed(random.i64(-3..=3));
            spelled_number(finite(bits), how)
        }
        // Few digits, anywhere; now and then beyond a double.
        4 => format!("{}e{}", random.i64(-99_999..99_999), random.i32(-345..330)),
        5 => decimal(random),
        // Integers about 2^53, and halfway between doubles above it.
        6 => {
            let shift = random.u32(..40);
            let odd = (1_u128 << 53) + u128::from(random.u64(..1 << 53));
            let halfway = (odd << (shift + 1)) + (1 << shift);
            (halfway + u128::from(random.u8(..3)) - 1).to_string()
        }
        _ => random.i64(..).to_string(),
    }
}

fn decimal(random: &mut Rng) -> String {
    let mut digits = |most: usize| -> String { (0..=random.usize(..most)).map(|_| random.digit(10)).collect() };
    let (whole, part) = (digits(30), digits(40));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match random.u8(..4) {
        0 => whole.to_owned(),
        1 => format!("-{whole}.{part}"),
        2 => format!("{whole}.{part}"),
        _ => format!("{whole}.{part}E{}", random.i32(-330..310)),
    }
}

fn finite(bits: u64) -> f64 {
    let number = f64::from_bits(bits);
    if number.is_finite() { number } else { f64::from_bits(bits & !(1 << 62)) }
}

/// A string of anything, in any spelling.
fn string(random: &mut Rng) -> String {
    let units: Units = (0..random.usize(..16)).map(|_| unit(random)).collect();
    let noise: Vec<u8> = (0..random.usize(..12)).map(|_| random.u8(..)).collect();
    Speller::odd(&noise).string(&units)
}

pub fn unit(random: &mut Rng) -> u16 {
    match random.u8(..5) {
        0 => random.u16(..0x20),
        1 => random.u16(0xd800..0xe000),
        2 => random.u16(..),
        3 => *random.choice(&[0x22, 0x5c, 0x2f, 0x7f, 0x2028, 0x2029, 0xfeff, 0xfffc, 0xfffd]).unwrap(),
        _ => random.u16(0x20..0x7f),
    }
}

/// JSON put together at random from its smallest parts, so that about half of it is none.
pub fn perhaps_json(random: &mut Rng) -> String {
    const PARTS: [&str; 48] = [
        "0",
        "1",
        "9",
        "-",
        "+",
        ".",
        "e",
        "E",
        "1.5",
        "-0",
        "1e5",
        "00",
        "\"",
        "\\",
        "\\u",
        "\\u0041",
        "\\ud83d",
        "\\ude00",
        "\\n",
        "\\x",
        "\"a\"",
        "\"\"",
        "\"__proto__\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "null",
        "true",
        "false",
        "nul",
        " ",
        "\t",
        "\n",
        "\r",
        "\u{b}",
        "\u{a0}",
        "\u{feff}",
        "\u{2028}",
        "\0",
        "é",
        "🎉",
        "{}",
        "[]",
        "\"a\":",
        "1e999",
    ];
    let parts: String = (0..=random.usize(..5)).map(|_| *random.choice(&PARTS).unwrap()).collect();
    match random.u8(..5) {
        0 => parts,
        1 => format!("[{parts}]"),
        2 => format!("[1,{parts}]"),
        3 => format!("{{\"a\":{parts}}}"),
        _ => format!("\"{parts}\""),
    }
}
