//! Changes as they might arrive, and how their texts may be spelled.

use std::fmt::Write;
use tinyroom::json::string;

/// The code units of a JavaScript string, lone surrogates and all.
pub type Units = Vec<u16>;

/// An object's entries in order. A key may stand twice.
pub type Entries<T> = Vec<(Units, T)>;

/// What stands in a stamp, and what may stand behind it.
#[derive(Clone, Debug)]
pub struct Stamp<T> {
    pub inside: T,
    pub hlc: Option<String>,
    pub hash: Option<u32>,
}

/// A cell or value: its JSON text.
pub type Leaf = Stamp<String>;
pub type Row = Stamp<Entries<Leaf>>;
pub type Table = Stamp<Entries<Row>>;

/// A change.
#[derive(Clone, Debug)]
pub struct Change {
    pub tables: Stamp<Entries<Table>>,
    pub values: Stamp<Entries<Leaf>>,
    /// Whether `1` closes it, as it does in all that clients send.
    pub closed: bool,
}

impl<T> From<T> for Stamp<T> {
    fn from(inside: T) -> Self {
        Self { inside, hlc: None, hash: None }
    }
}

/// Decisions that a test case brings along. Once they run out they begin again; none at all are all zeros.
pub struct Noise<'a> {
    bytes: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Noise<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter().cycle() }
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or_default()
    }

    /// True once in so many times; never without noise.
    pub fn one_in(&mut self, times: u8) -> bool {
        self.byte() % times == times - 1
    }
}

/// Writes changes as text: as JavaScript would, or oddly, with needless escapes and white space.
pub struct Speller<'a> {
    out: String,
    odd: Option<Noise<'a>>,
}

impl<'a> Speller<'a> {
    pub fn plain() -> Self {
        Self { out: String::new(), odd: None }
    }

    pub fn odd(noise: &'a [u8]) -> Self {
        Self { out: String::new(), odd: Some(Noise::new(noise)) }
    }

    pub fn change(mut self, change: &Change) -> String {
        self.token("[");
        self.stamp(&change.tables, |speller, tables| {
            speller.entries(tables, |speller, table| {
                speller.stamp(table, |speller, rows| {
                    speller.entries(rows, |speller, row| speller.stamp(row, Self::leaves));
                });
            });
        });
        self.token(",");
        self.stamp(&change.values, Self::leaves);
        if change.closed {
            self.token(",");
            self.token("1");
        }
        self.token("]");
        self.out
    }

    /// The text of a string, with its quotes.
    pub fn string(mut self, units: &[u16]) -> String {
        self.quoted(units);
        self.out.trim().to_owned()
    }

    fn leaves(&mut self, leaves: &Entries<Leaf>) {
        self.entries(leaves, |speller, leaf| speller.stamp(leaf, |speller, value| speller.token(value)));
    }

    fn entries<T>(&mut self, entries: &Entries<T>, mut write: impl FnMut(&mut Self, &T)) {
        self.token("{");
        for (index, (id, entry)) in entries.iter().enumerate() {
            if index > 0 {
                self.token(",");
            }
            self.quoted(id);
            self.token(":");
            write(self, entry);
        }
        self.token("}");
    }

    fn stamp<T>(&mut self, stamp: &Stamp<T>, write: impl FnOnce(&mut Self, &T)) {
        self.token("[");
        write(self, &stamp.inside);
        if let Some(hlc) = &stamp.hlc {
            self.token(",");
            self.quoted(&hlc.encode_utf16().collect::<Units>());
            if let Some(hash) = stamp.hash {
                self.token(",");
                self.token(&hash.to_string());
            }
        }
        self.token("]");
    }

    fn quoted(&mut self, units: &[u16]) {
        self.space();
        self.out.push('"');
        for character in char::decode_utf16(units.iter().copied()) {
            let escaped = self.odd.as_mut().is_some_and(|noise| noise.one_in(3));
            match character {
                Ok(character) if escaped => {
                    let upper = self.odd.as_mut().is_some_and(|noise| noise.one_in(2));
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let digits = if upper { format!("{unit:04X}") } else { format!("{unit:04x}") };
                        self.out += "\\u";
                        self.out += &digits;
                    }
                }
                Ok('/') if self.odd.is_some() => self.out += "\\/",
                Ok(character) => string::escape(character.encode_utf8(&mut [0; 4]), &mut self.out),
                Err(lone) => write!(self.out, "\\u{:04x}", lone.unpaired_surrogate()).unwrap(),
            }
        }
        self.out.push('"');
        self.space();
    }

    fn token(&mut self, token: &str) {
        self.space();
        self.out += token;
        self.space();
    }

    fn space(&mut self) {
        if let Some(noise) = &mut self.odd {
            self.out += ["", "", "", "", "", " ", "\n", "\r\n\t"][usize::from(noise.byte() % 8)];
        }
    }
}
