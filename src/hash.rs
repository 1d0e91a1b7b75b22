//! The hashes by which stores find out what they do not share: FNV-1a over text, and sums of it by XOR.
//!
//! | node | hash |
//! |---|---|
//! | cell, value | `H(value text + ":" + hlc)` |
//! | row, values | XOR over children of `H(id + ":" + child) ^ H(id + ":0")` |
//! | table, tables | XOR over children of `H(id + ":" + child)` |
//!
//! A container's own HLC, where it has one, is XORed in as `H(hlc)`. A child's part is an [`IdPrefix`] away from its
//! hash: the text before the number is hashed once and serves the old hash, the new one and the zero.

use crate::json::string;

/// 32-bit FNV-1a over UTF-8, as TinyBase's `getHash` computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fnv(u32);

impl Fnv {
    const PRIME: u32 = 0x0100_0193;

    /// The hash of the empty text.
    pub const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    /// The hash of what was hashed so far with `bytes` behind it.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(Self::PRIME)))
    }

    /// The same with the decimal digits of `number`.
    #[must_use]
    pub fn decimal(self, number: u32) -> Self {
        let mut divisor = 1;
        while number / divisor >= 10 {
            divisor *= 10;
        }
        let mut hash = self;
        while divisor > 0 {
            hash = hash.bytes(&[b'0' + (number / divisor % 10) as u8]);
            divisor /= 10;
        }
        hash
    }

    /// The hash as a number.
    pub const fn finish(self) -> u32 {
        self.0
    }
}

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of an id and the colon behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPrefix(Fnv);

impl IdPrefix {
    /// The prefix of an id in its canonical spelling.
    pub fn new(id: &str) -> Self {
        Self(Fnv::new().bytes(string::unescaped(id).as_bytes()).bytes(b":"))
    }

    /// What a child of this id and hash adds to the hash of a table or of the tables.
    pub fn in_table(self, child: u32) -> u32 {
        self.0.decimal(child).finish()
    }

    /// What a child of this id and hash adds to the hash of a row or of the values.
    pub fn in_row(self, child: u32) -> u32 {
        self.in_table(child) ^ self.in_table(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fnv, IdPrefix};

    #[test]
    fn fnv_1a_has_its_published_values() {
        assert_eq!(Fnv::new().finish(), 0x811c_9dc5);
        assert_eq!(Fnv::new().bytes(b"a").finish(), 0xe40c_292c);
        assert_eq!(Fnv::new().bytes(b"foobar").finish(), 0xbf9c_f968);
    }

    #[test]
    fn numbers_are_hashed_as_their_digits() {
        for number in [0, 7, 10, 99, 100, 4_294_967_295] {
            assert_eq!(Fnv::new().decimal(number), Fnv::new().bytes(number.to_string().as_bytes()));
        }
    }

    #[test]
    fn an_escaped_id_is_hashed_as_the_text_it_stands_for() {
        assert_eq!(IdPrefix::new(r#"a\"b"#).0, Fnv::new().bytes(b"a\"b:"));
    }
}
