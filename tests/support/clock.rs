//! The clock in a client's stamps.

use super::stamp::{ALPHABET, stamp};

/// The time in a stamp, in milliseconds; 0 for the empty one.
pub fn time_ms(hlc: &str) -> u64 {
    number(hlc.get(..7).unwrap_or_default())
}

/// The stamp that a client makes next, after the newest that it has made or seen.
pub fn next(newest: &str, clock_ms: u64, client: &str) -> String {
    let counter = number(newest.get(7..11).unwrap_or_default());
    match time_ms(newest) {
        time_ms if time_ms < clock_ms => stamp(clock_ms, 0, client),
        time_ms => stamp(time_ms, counter as u32 + 1, client),
    }
}

fn number(digits: &str) -> u64 {
    let digit = |byte: u8| ALPHABET.iter().position(|&digit| digit == byte).unwrap_or_default() as u64;
    digits.bytes().fold(0, |number, byte| number << 6 | digit(byte))
}
