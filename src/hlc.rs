//! Hybrid logical clock stamps.
//!
//! ```text
//! 16 characters of six bits:  7 time in ms since 1970 | 4 counter | 5 client
//! kept as 96 bits, plus one:  |----- word 0 -----|----- word 1 -----|----- word 2 -----|
//! ```
//!
//! The alphabet ascends as ASCII does, so the order of stamps as texts, which is what TinyBase compares, is the order of
//! their numbers. One is added so that zero is free for the empty stamp, which is older than every other.
//!
//! A room has no edits of its own. It compares stamps, reads the time in them, and makes the [next](Hlc::successor) of one only to
//! undo at somebody what that one may not do.

use thiserror::Error;

const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// How far ahead of the room's clock a stamp may be, in milliseconds, unless a setting says otherwise. TinyBase clients
/// since 9.3 drop a change that holds one more than 5 minutes ahead of their own clock: a room that takes less than they
/// do sends nothing that a client whose clock is a minute behind would drop.
pub const DEFAULT_MAX_FUTURE_MS: u64 = 4 * 60 * 1000;

/// A stamp further ahead of the room's clock than this is *ahead*, in milliseconds: a client whose clock is some minutes
/// behind drops what it travels with, so it travels alone.
pub const AHEAD_MS: u64 = 60 * 1000;

/// A stamp, or the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hlc([u32; 3]);

/// A text that is no stamp.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected an HLC: 16 characters of A to Z, a to z, 0 to 9, `-` and `_`, or none")]
pub struct NotAnHlc;

impl Hlc {
    /// The stamp of what was never stamped.
    pub const EMPTY: Self = Self([0; 3]);

    /// Reads a stamp.
    pub fn parse(text: &str) -> Result<Self, NotAnHlc> {
        if text.is_empty() {
            return Ok(Self::EMPTY);
        }
        let characters: &[u8; 16] = text.as_bytes().try_into().map_err(|_| NotAnHlc)?;
        let [high, low] = [0, 8].map(|start| {
            let digits = characters.iter().skip(start).take(8).map(|&character| digit(character));
            digits.fold((0, 0), |(half, all), digit| (half << 6 | u64::from(digit & 63), all | digit))
        });
        if (high.1 | low.1) > 63 {
            return Err(NotAnHlc);
        }
        let (mut high, mut low) = (high.0, low.0);
        low += 1;
        high += low >> 48;
        // The one stamp that adding one would overflow lies in the year 2109. It is read as its predecessor.
        if high >> 48 != 0 {
            return Ok(Self([u32::MAX; 3]));
        }
        low &= (1 << 48) - 1;
        Ok(Self([(high >> 16) as u32, ((high << 16) as u32) | (low >> 32) as u32, low as u32]))
    }

    /// Whether this is the empty stamp.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// The logical time, in milliseconds since 1970; 0 for the empty stamp.
    pub fn time_ms(self) -> u64 {
        self.digits().map_or(0, |(high, _)| high >> 6)
    }

    /// The client that made the stamp: its last five characters, as a number.
    pub fn client(self) -> u32 {
        self.digits().map_or(0, |(_, low)| (low & ((1 << 30) - 1)) as u32)
    }

    /// The least stamp that is later than this one; none where there is none.
    pub fn successor(self) -> Option<Self> {
        let Self([first, second, third]) = self;
        let (third, carries) = third.overflowing_add(1);
        let (second, carries) = second.overflowing_add(carries.into());
        Some(Self([first.checked_add(carries.into())?, second, third]))
    }

    /// Whether the stamp lies more than `max_future_ms` ahead of `now_ms`.
    pub fn is_future(self, now_ms: u64, max_future_ms: u64) -> bool {
        self.time_ms() > now_ms.saturating_add(max_future_ms)
    }

    /// The text of the stamp: 16 characters, or none.
    pub fn text(self) -> HlcText {
        let mut text = HlcText { characters: [0; 16], length: 0 };
        if let Some((high, low)) = self.digits() {
            text.length = text.characters.len();
            for (index, character) in text.characters.iter_mut().enumerate() {
                let half = if index < 8 { high } else { low };
                let digit = half >> (42 - 6 * (index % 8)) & 63;
                *character = ALPHABET.get(digit as usize).copied().unwrap_or(b'-');
            }
        }
        text
    }

    /// The stamp's two halves of eight characters each; `None` for the empty one.
    fn digits(self) -> Option<(u64, u64)> {
        let [first, second, third] = self.0.map(u64::from);
        let high = first << 16 | second >> 16;
        let low = (second & 0xffff) << 32 | third;
        match (high, low) {
            (0, 0) => None,
            (_, 0) => Some((high - 1, (1 << 48) - 1)),
            _ => Some((high, low - 1)),
        }
    }
}

/// A stamp's text, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct HlcText {
    characters: [u8; 16],
    length: usize,
}

impl HlcText {
    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text, as the bytes that are hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.characters.get(..self.length).unwrap_or_default()
    }
}

/// The six bits that a character stands for; more than 63 for one that is not of the alphabet.
fn digit(character: u8) -> u8 {
    DIGITS.get(character as usize).copied().unwrap_or(NO_DIGIT)
}

const NO_DIGIT: u8 = 64;

const DIGITS: [u8; 128] = {
    let mut digits = [NO_DIGIT; 128];
    let mut digit = 0;
    while digit < 64 {
        #[expect(clippy::indexing_slicing, reason = "where this went wrong it would not compile")]
        {
            digits[ALPHABET[digit as usize] as usize] = digit;
        }
        digit += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::Hlc;

    const ASCENDING: [&str; 8] = [
        "",
        "----------------",
        "---------------0",
        "-------zzzzzzzzz",
        "0---------------",
        "Nc5AbcD--0F7xyz_",
        "Nc5AbcD--0F7xyza",
        "zzzzzzzzzzzzzzzy",
    ];

    #[test]
    fn stamps_read_back_as_they_were_written() {
        for text in ASCENDING {
            assert_eq!(Hlc::parse(text).unwrap().text().as_str(), text);
        }
    }

    #[test]
    fn stamps_are_ordered_as_their_texts() {
        assert!(ASCENDING.is_sorted());
        assert!(ASCENDING.map(|text| Hlc::parse(text).unwrap()).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        for text in ["-", "---------------", "-----------------", "---------------+", "--------------é"] {
            assert!(Hlc::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stamp_knows_its_time() {
        assert_eq!(Hlc::parse("------0zzzzzzzzz").unwrap().time_ms(), 1);
        assert_eq!(Hlc::parse("zzzzzzz---------").unwrap().time_ms(), (1 << 42) - 1);
        let stamp = Hlc::parse("-----0----------").unwrap();
        assert_eq!(stamp.time_ms(), 64);
        assert_eq!([stamp, Hlc::EMPTY].map(Hlc::client), [0, 0]);
        assert_eq!(Hlc::parse("-----0---------0").unwrap().client(), 1);
        assert_eq!(Hlc::parse("-----0----zzzzzz").unwrap().client(), (1 << 30) - 1);
        assert!(!stamp.is_future(0, 64));
        assert!(stamp.is_future(0, 63));
        let late = Hlc::parse("---zzzz---------").unwrap();
        assert!(!late.is_future(late.time_ms() - 1000, 1000));
        assert!(late.is_future(late.time_ms() - 1001, 1000));
        assert!(!late.is_future(u64::MAX, 1000));
    }

    #[test]
    fn between_a_stamp_and_its_successor_there_is_none() {
        for (text, next) in [
            ("", "----------------"),
            ("----------------", "---------------0"),
            ("OhqqeV-----Alice", "OhqqeV-----Alicf"),
            ("OhqqeV-----Alicz", "OhqqeV-----Alid-"),
            ("OhqqeV-zzzzzzzzz", "OhqqeV0---------"),
            ("Ohzzzzzzzzzzzzzz", "Oi--------------"),
        ] {
            let hlc = Hlc::parse(text).unwrap();
            let successor = hlc.successor().unwrap();
            assert_eq!(successor.text().as_str(), next);
            assert!(successor > hlc);
        }
        assert_eq!(Hlc::parse("zzzzzzzzzzzzzzzz").unwrap().successor(), None);
    }
}
