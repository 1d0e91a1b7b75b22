//! Long texts of few bytes: what stands in a text is said once, with how often it is repeated and how one time differs from
//! the next. So an input of some dozen bytes can be a message of a megabyte.

use super::NOW_MS;
use super::source::Source;
use super::stamp::{ALPHABET, stamp};
use std::fmt::Write;

/// How many times something stands in a text at most.
const MOST: usize = 250_000;
/// How long an id or value can be at most, in bytes.
const LONGEST: usize = 64 << 10;
/// A minute ahead stamps travel alone, and four minutes ahead they are left out.
const AHEAD_MS: u64 = 120_000;
const FUTURE_MS: u64 = 3_600_000;

/// A number of any magnitude, in a byte: three bits tell where it is between two powers of two.
fn number(byte: u8, most: usize) -> usize {
    let (power, eighths) = (byte >> 3, usize::from(byte & 7));
    (((8 + eighths) << power) >> 3).min(most)
}

/// Entries of an object, all alike.
struct Entries {
    count: usize,
    /// How often a space stands before each.
    spaces: usize,
    id: Id,
    /// None in a tree of hashes.
    stamp: Option<Stamp>,
    below: Below,
}

/// What the entries hold.
enum Below {
    Objects(Vec<Entries>),
    Value(Value),
    /// The hash of a leaf in a tree of hashes.
    Hash(&'static str),
}

#[derive(Clone, Copy)]
enum Id {
    /// As short as they can be if each is to be another.
    Short,
    /// Four letters.
    Numbered,
    /// Every second of those.
    EverySecond,
    /// So many of those, again and again.
    OneOf(usize),
    Same,
    Empty,
    /// So long, and numbered at its end.
    Long(usize),
    /// The same, with a character that is spelt differently than it need be.
    Escaped(usize),
}

#[derive(Clone, Copy)]
struct Stamp {
    time: Time,
    has_hash: bool,
}

#[derive(Clone, Copy)]
enum Time {
    None,
    Empty,
    Undefined,
    Old,
    New,
    /// Each later than the one before.
    Numbered,
    Ahead,
    /// The same, each of another client.
    AheadOfMany,
    Future,
}

#[derive(Clone, Copy)]
enum Value {
    Plain(&'static str),
    Long(usize),
    Escaped(usize),
    /// The text of a list of so many numbers.
    List(usize),
    /// Lists in lists.
    Nested(usize),
    /// What begins as an object does, and is none.
    Malformed(usize),
}

impl Id {
    fn read(source: &mut Source) -> Self {
        match source.below(8) {
            0 => Self::Short,
            1 => Self::Numbered,
            2 => Self::EverySecond,
            3 => Self::OneOf(number(source.byte(), MOST)),
            4 => Self::Same,
            5 => Self::Empty,
            6 => Self::Long(number(source.byte(), LONGEST)),
            _ => Self::Escaped(number(source.byte(), LONGEST)),
        }
    }

    fn write(self, out: &mut String, n: usize) {
        match self {
            Self::Short => letters(out, n, 1),
            Self::Numbered => letters(out, n, 4),
            Self::EverySecond => letters(out, 2 * n, 4),
            Self::OneOf(count) => letters(out, n % count.max(1), 4),
            Self::Same => out.push('a'),
            Self::Empty => {}
            Self::Long(length) => {
                repeat(out, "x", length);
                letters(out, n, 4);
            }
            Self::Escaped(length) => {
                repeat(out, "\\u0078", length / 6);
                out.push_str("\\u0061");
                letters(out, n, 4);
            }
        }
    }
}

impl Stamp {
    fn read(source: &mut Source) -> Self {
        let time = match source.below(9) {
            0 => Time::None,
            1 => Time::Empty,
            2 => Time::Undefined,
            3 => Time::Old,
            4 => Time::New,
            5 => Time::Numbered,
            6 => Time::Ahead,
            7 => Time::AheadOfMany,
            _ => Time::Future,
        };
        Self { time, has_hash: source.one_in(8) }
    }

    /// Writes what stands behind the content of a stamp.
    fn write(self, out: &mut String, n: usize) {
        let counter = n as u32;
        let text = match self.time {
            Time::None => return,
            Time::Empty => String::new(),
            Time::Undefined => "\u{fffc}".to_owned(),
            Time::Old => stamp(NOW_MS - 9, 0, "Alice"),
            Time::New => stamp(NOW_MS - 1, 0, "Alice"),
            Time::Numbered => stamp(NOW_MS - 5, counter, "Alice"),
            Time::Ahead => stamp(NOW_MS + AHEAD_MS, counter, "Alice"),
            Time::AheadOfMany => {
                let mut client = String::from("c");
                letters(&mut client, n, 4);
                stamp(NOW_MS + AHEAD_MS, 0, &client[..5])
            }
            Time::Future => stamp(NOW_MS + FUTURE_MS, counter, "Alice"),
        };
        let hash = if self.has_hash { ",4294967295" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(out, ",\"{text}\"{hash}");
    }
}

impl Value {
    fn read(source: &mut Source) -> Self {
        const PLAIN: [&str; 10] =
            ["0", "1e20", "1e21", "0.1", "true", "null", "\"\"", "\"\u{fffc}\"", "\"\\ud83d\"", "123456789012345678"];
        match source.below(8) {
            0..=2 => Self::Plain(PLAIN[source.below(PLAIN.len())]),
            3 => Self::Long(number(source.byte(), LONGEST)),
            4 => Self::Escaped(number(source.byte(), LONGEST)),
            5 => Self::List(number(source.byte(), LONGEST)),
            6 => Self::Nested(number(source.byte(), LONGEST)),
            _ => Self::Malformed(number(source.byte(), LONGEST)),
        }
    }

    fn write(self, out: &mut String) {
        if let Self::Plain(text) = self {
            return out.push_str(text);
        }
        out.push('"');
        match self {
            Self::Plain(_) => {}
            Self::Long(length) => repeat(out, "x", length),
            Self::Escaped(length) => repeat(out, "\\u0061", length / 6),
            Self::List(length) => {
                out.push_str("\u{fffd}[");
                repeat(out, "0,", length / 2);
                out.push_str("0]");
            }
            Self::Nested(length) => {
                out.push('\u{fffd}');
                repeat(out, "[", length / 2);
                repeat(out, "]", length / 2);
            }
            Self::Malformed(length) => {
                out.push('\u{fffd}');
                repeat(out, "[", length);
            }
        }
        out.push('"');
    }
}

/// Parts of messages, up to a length.
pub struct Shape<'s, 'i> {
    source: &'s mut Source<'i>,
    limit: usize,
}

impl<'s, 'i> Shape<'s, 'i> {
    /// Texts of about so many bytes at most.
    pub fn new(source: &'s mut Source<'i>, limit: usize) -> Self {
        Self { source, limit }
    }

    /// `[tables, values, 1]`
    pub fn change(&mut self) -> String {
        let mut out = String::from("[");
        self.tables(&mut out);
        out.push(',');
        self.values(&mut out);
        out.push_str(",1]");
        out
    }

    /// `[{table: …}, hlc]`
    pub fn tables(&mut self, out: &mut String) {
        self.stamped(out, 2);
    }

    /// `[{value: …}, hlc]`
    pub fn values(&mut self, out: &mut String) {
        self.stamped(out, 0);
    }

    /// Hashes, with so many levels above those of the leaves.
    pub fn hashes(&mut self, out: &mut String, above: usize) {
        let entries = self.entries(above, true);
        out.push('{');
        self.write(out, &entries);
        out.push('}');
    }

    fn stamped(&mut self, out: &mut String, above: usize) {
        let entries = self.entries(above, false);
        let stamp = Stamp::read(self.source);
        out.push_str("[{");
        self.write(out, &entries);
        out.push('}');
        stamp.write(out, 0);
        out.push(']');
    }

    /// Up to three kinds of entries with so many levels above those that hold values or hashes.
    fn entries(&mut self, above: usize, of_hashes: bool) -> Vec<Entries> {
        let kinds = [1, 1, 1, 1, 2, 2, 3, 0][self.source.below(8)];
        (0..kinds).map(|_| self.entries_alike(above, of_hashes)).collect()
    }

    fn entries_alike(&mut self, above: usize, of_hashes: bool) -> Entries {
        const HASHES: [&str; 3] = ["0", "1", "4294967295"];
        let count = number(self.source.byte(), MOST);
        let spaces = if self.source.one_in(16) { number(self.source.byte(), LONGEST) } else { 0 };
        let id = Id::read(self.source);
        let stamp = (!of_hashes).then(|| Stamp::read(self.source));
        let below = match (above, of_hashes) {
            (0, true) => Below::Hash(HASHES[self.source.below(HASHES.len())]),
            (0, false) => Below::Value(Value::read(self.source)),
            _ => Below::Objects(self.entries(above - 1, of_hashes)),
        };
        Entries { count, spaces, id, stamp, below }
    }

    /// Writes entries one after the other, until the text is long enough.
    fn write(&self, out: &mut String, entries: &[Entries]) {
        let mut is_first = true;
        for kind in entries {
            for n in 0..kind.count {
                if out.len() > self.limit {
                    return;
                }
                if !std::mem::replace(&mut is_first, false) {
                    out.push(',');
                }
                repeat(out, " ", kind.spaces);
                out.push('"');
                kind.id.write(out, n);
                out.push_str("\":");
                self.write_below(out, kind, n);
            }
        }
    }

    fn write_below(&self, out: &mut String, kind: &Entries, n: usize) {
        if kind.stamp.is_some() {
            out.push('[');
        }
        match &kind.below {
            Below::Objects(entries) => {
                out.push('{');
                self.write(out, entries);
                out.push('}');
            }
            Below::Value(value) => value.write(out),
            Below::Hash(hash) => out.push_str(hash),
        }
        if let Some(stamp) = kind.stamp {
            stamp.write(out, n);
            out.push(']');
        }
    }
}

/// Writes a number in digits that are letters, and at least so many.
fn letters(out: &mut String, number: usize, least: u32) {
    let count = least.max((number.max(1).ilog2() / 6) + 1);
    out.extend((0..count).rev().map(|place| char::from(ALPHABET[number >> (6 * place) & 63])));
}

fn repeat(out: &mut String, text: &str, times: usize) {
    (0..times).for_each(|_| out.push_str(text));
}
