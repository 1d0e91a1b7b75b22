//! HLCs for tests.

/// The characters that stand for six bits each.
pub const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// A stamp: the time in milliseconds, a counter, and five characters for the client.
pub fn stamp(time_ms: u64, counter: u32, client: &str) -> String {
    assert_eq!(client.len(), 5, "{client}");
    let digits = |number: u64, count: u32| {
        (0..count).rev().map(move |place| char::from(ALPHABET[(number >> (6 * place) & 63) as usize]))
    };
    digits(time_ms, 7).chain(digits(counter.into(), 4)).chain(client.chars()).collect()
}
