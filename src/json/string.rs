//! Strings: their one canonical spelling, and the bytes that an id is hashed as.
//!
//! A string is kept as the characters between its quotes, escaped as `JSON.stringify` escapes them: `"` and `\`, the
//! control characters (five of them short), and lone surrogates. JavaScript strings may hold lone surrogates and Rust
//! strings may not, so they stay escapes here; two strings are equal exactly when their canonical spellings are.

use std::borrow::Cow;
use std::fmt::Write;

/// What is wrong with the inside of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A control character that is not escaped.
    Control,
    /// A backslash with nothing JSON knows behind it.
    Escape,
}

/// The canonical spelling of what stands between the quotes of a JSON string.
///
/// `raw` holds no quote that is not escaped.
pub fn canonical(raw: &str) -> Result<Cow<'_, str>, Fault> {
    let mut text = String::with_capacity(raw.len());
    let mut units = Units { rest: raw };
    let mut pending = units.next()?;
    while let Some(unit) = pending {
        pending = units.next()?;
        match (unit, pending) {
            (Unit::Plain(character), _) => push_character(&mut text, character),
            (Unit::Surrogate(high), Some(Unit::Surrogate(low))) if is_pair(high, low) => {
                text.push(join(high, low));
                pending = units.next()?;
            }
            (Unit::Surrogate(lone), _) => push_escape(&mut text, lone),
        }
    }
    Ok(if text == raw { Cow::Borrowed(raw) } else { Cow::Owned(text) })
}

/// How many bytes at the start of `bytes` stand for themselves inside a string: all before the first quote, backslash or
/// control character. Eight at a time, since most of what is stored is such texts.
pub fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, &word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(word));
        if special != 0 {
            return 8 * index + (special.trailing_zeros() / 8) as usize;
        }
    }
    let special = |&byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    8 * words.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// The high bit of each byte that is special. Above the lowest of them there may be others that are not: a borrow goes
/// up, never down.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    let below_space = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (quotes.wrapping_sub(ONES) & !quotes | backslashes.wrapping_sub(ONES) & !backslashes | below_space) & HIGH
}

/// What JavaScript's `TextEncoder` makes of the string with this canonical spelling: escapes are undone, and a lone
/// surrogate becomes U+FFFD.
pub fn unescaped(canonical: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut rest = canonical;
    while let Some((plain, escaped)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        let mut units = Units { rest: escaped };
        // A canonical spelling has no fault.
        let Ok(Some(unit)) = units.next() else { break };
        if text.is_empty() {
            text.reserve(canonical.len());
        }
        text.push_str(plain);
        text.push(match unit {
            Unit::Plain(character) => character,
            Unit::Surrogate(_) => char::REPLACEMENT_CHARACTER,
        });
        rest = units.rest;
    }
    if rest.len() == canonical.len() {
        return Cow::Borrowed(canonical);
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Appends `text` to `out` as the inside of a JSON string.
pub fn escape(text: &str, out: &mut String) {
    text.chars().for_each(|character| push_character(out, character));
}

/// One step through a string: a character, or half of a surrogate pair that was written as an escape.
#[derive(Clone, Copy)]
enum Unit {
    Plain(char),
    Surrogate(u16),
}

struct Units<'a> {
    rest: &'a str,
}

impl Units<'_> {
    fn next(&mut self) -> Result<Option<Unit>, Fault> {
        let Some(character) = self.take() else {
            return Ok(None);
        };
        match character {
            '\\' => self.escape().map(Some),
            '\0'..='\x1f' => Err(Fault::Control),
            _ => Ok(Some(Unit::Plain(character))),
        }
    }

    fn escape(&mut self) -> Result<Unit, Fault> {
        Ok(Unit::Plain(match self.take() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = self.take().and_then(|digit| digit.to_digit(16));
                    unit = unit << 4 | digit.ok_or(Fault::Escape)?;
                }
                match char::from_u32(unit) {
                    Some(character) => character,
                    None => return Ok(Unit::Surrogate(unit as u16)),
                }
            }
            _ => return Err(Fault::Escape),
        }))
    }

    fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        character
    }
}

fn is_pair(high: u16, low: u16) -> bool {
    (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low)
}

fn join(high: u16, low: u16) -> char {
    let code = 0x10000 + ((u32::from(high) - 0xD800) << 10) + (u32::from(low) - 0xDC00);
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn push_character(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\x1f' => push_escape(out, character as u16),
        _ => out.push(character),
    }
}

fn push_escape(out: &mut String, unit: u16) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{unit:04x}");
}

#[cfg(test)]
mod tests {
    use super::{Fault, canonical, plain_length, unescaped};

    #[test]
    fn a_string_is_plain_up_to_the_first_byte_that_must_be_escaped() {
        for byte in 0..=255 {
            for (before, after) in (0..20).flat_map(|before| [0, 1, 7, 20].map(|after| (before, after))) {
                for filler in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let bytes = [vec![filler; before], vec![byte], vec![filler; after]].concat();
                    let expected = if byte < b' ' || byte == b'"' || byte == b'\\' { before } else { bytes.len() };
                    assert_eq!(plain_length(&bytes), expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn strings_are_escaped_as_javascript_escapes_them() {
        for (raw, printed) in [
            ("", ""),
            ("plain", "plain"),
            (r"\u0041\/", "A/"),
            (r"\u0022\u005c", r#"\"\\"#),
            (r"\u0008\u000C\u000a\u000D\u0009", r"\b\f\n\r\t"),
            (r"\u001F\u007f", "\\u001f\u{7f}"),
            (r"\u2028\uFFFC", "\u{2028}\u{fffc}"),
            (r"\uD83D\uDE00", "😀"),
            (r"\uD83D", r"\ud83d"),
            (r"\uDE00\uD83D", r"\ude00\ud83d"),
            (r"\uD83D\uD83D\uDE00", "\\ud83d😀"),
            (r"\uD83Dx", r"\ud83dx"),
        ] {
            assert_eq!(canonical(raw).as_deref(), Ok(printed), "{raw}");
            assert_eq!(canonical(printed).as_deref(), Ok(printed), "{raw}, again");
        }
        for (raw, fault) in
            [(r"\x", Fault::Escape), (r"\u12", Fault::Escape), (r"\u+123", Fault::Escape), ("\n", Fault::Control)]
        {
            assert_eq!(canonical(raw), Err(fault), "{raw}");
        }
    }

    #[test]
    fn an_id_is_hashed_without_its_escapes_and_with_replaced_surrogates() {
        assert_eq!(unescaped(r#"a\n\"\ud83d"#), "a\n\"\u{fffd}");
        assert_eq!(unescaped(r"\\n\u001fä"), "\\n\u{1f}ä");
        assert_eq!(unescaped("aä"), "aä");
    }
}
