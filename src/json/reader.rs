//! One walk through a JSON text.
//!
//! The caller knows what must come next and asks for it by name; a [`ReadError`] says which place, what was expected
//! there, and what came. Every byte is looked at once, and nothing recurses, so a hostile text can be long but not deep.

use super::{number, string};
use std::borrow::Cow;
use thiserror::Error;

/// Why a text could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("at byte {at}: expected {expected}, found {found}")]
pub struct ReadError {
    /// The offset in the text, in bytes of UTF-8.
    pub at: usize,
    /// The field, and what it must be.
    pub expected: &'static str,
    /// What stands there.
    pub found: &'static str,
}

/// A place in a JSON text. Cloning it is cheap and looks ahead.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    compact: bool,
}

/// Where a reader stands in an array or an object.
#[derive(Debug)]
pub struct Cursor {
    close: u8,
    first: bool,
}

impl Cursor {
    /// In an array or object of which something has been read already.
    pub(crate) fn behind_an_element(is_object: bool) -> Self {
        Self { close: if is_object { b'}' } else { b']' }, first: false }
    }

    pub(super) fn is_object(&self) -> bool {
        self.close == b'}'
    }
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, compact: true }
    }

    /// A reader that goes on where another has [stopped](Self::at).
    pub fn resume(text: &'a str, at: usize) -> Self {
        Self { text, at, compact: true }
    }

    /// The bytes read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether no white space stood between the tokens so far, as in everything that `JSON.stringify` prints.
    pub fn is_compact(&self) -> bool {
        self.compact
    }

    /// The text from the offset `start` up to here.
    pub fn slice_from(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// An error about what stands here.
    pub fn error(&self, expected: &'static str) -> ReadError {
        let found = match self.byte() {
            None => "the end of the text",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b']' | b'}') => "a closing bracket",
            Some(b',') => "a comma",
            Some(_) => "something that is not JSON",
        };
        ReadError { at: self.at, expected, found }
    }

    /// The first byte of the next token.
    pub fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte()
    }

    /// Enters an array.
    pub fn array(&mut self, expected: &'static str) -> Result<Cursor, ReadError> {
        self.token(b'[', expected)?;
        Ok(Cursor { close: b']', first: true })
    }

    /// Enters an object.
    pub fn object(&mut self, expected: &'static str) -> Result<Cursor, ReadError> {
        self.token(b'{', expected)?;
        Ok(Cursor { close: b'}', first: true })
    }

    /// Whether another element follows in the array; `false` leaves it.
    pub fn element(&mut self, cursor: &mut Cursor) -> Result<bool, ReadError> {
        let byte = self.peek();
        if byte == Some(cursor.close) {
            self.at += 1;
            return Ok(false);
        }
        if !cursor.first {
            self.token(b',', "a comma or a closing bracket")?;
        }
        cursor.first = false;
        Ok(true)
    }

    /// One more element of an array of known length.
    pub fn expect_element(&mut self, cursor: &mut Cursor, expected: &'static str) -> Result<(), ReadError> {
        let ahead = self.clone();
        if self.element(cursor)? { Ok(()) } else { Err(ahead.error(expected)) }
    }

    /// The end of an array of known length.
    pub fn close(&mut self, cursor: &Cursor, expected: &'static str) -> Result<(), ReadError> {
        self.token(cursor.close, expected)
    }

    /// The key of the next property of the object, in its canonical spelling; `None` leaves the object.
    pub fn key(&mut self, cursor: &mut Cursor) -> Result<Option<Cow<'a, str>>, ReadError> {
        if !self.element(cursor)? {
            return Ok(None);
        }
        let key = self.string("a key")?;
        self.token(b':', "a colon")?;
        Ok(Some(key))
    }

    /// A string: what stands between its quotes, in its canonical spelling.
    pub fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        self.token(b'"', expected)?;
        let start = self.at;
        let mut plain = true;
        loop {
            self.at += string::plain_length(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => break,
                Some(byte) => {
                    plain = false;
                    self.at = (self.at + if byte == b'\\' { 2 } else { 1 }).min(self.text.len());
                }
                None => return Err(self.error("the end of a string")),
            }
        }
        let raw = self.slice_from(start);
        self.at += 1;
        if plain {
            return Ok(Cow::Borrowed(raw));
        }
        string::canonical(raw).map_err(|fault| ReadError {
            at: start,
            expected: "a string",
            found: match fault {
                string::Fault::Control => "a control character in it",
                string::Fault::Escape => "an unknown escape in it",
            },
        })
    }

    /// A string, number, boolean or `null`: its whole canonical JSON text.
    pub fn scalar(&mut self, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        match self.peek() {
            Some(b'"') => {
                let start = self.at;
                let inside = self.string(expected)?;
                let raw = self.slice_from(start);
                Ok(if raw.len() == inside.len() + 2 && matches!(inside, Cow::Borrowed(_)) {
                    Cow::Borrowed(raw)
                } else {
                    Cow::Owned(format!("\"{inside}\""))
                })
            }
            Some(b'-' | b'0'..=b'9') => {
                let ahead = self.clone();
                let text = self.number(expected)?;
                number::canonical(text).ok_or(ReadError { found: "a number beyond a double", ..ahead.error(expected) })
            }
            Some(b't') => self.word("true", expected),
            Some(b'f') => self.word("false", expected),
            Some(b'n') => self.word("null", expected),
            _ => Err(self.error(expected)),
        }
    }

    /// A hash: an integer from 0 to 4,294,967,295.
    pub fn hash(&mut self, expected: &'static str) -> Result<u32, ReadError> {
        let ahead = self.clone();
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.error(expected));
        }
        let text = self.number(expected)?;
        text.parse()
            .ok()
            .or_else(|| number::canonical(text)?.parse().ok())
            .ok_or(ReadError { found: "a number that is no hash", ..ahead.error(expected) })
    }

    /// The end of the whole text.
    pub fn end(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the text")),
        }
    }

    /// A number as it is spelled.
    pub(super) fn number(&mut self, expected: &'static str) -> Result<&'a str, ReadError> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits(expected)?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits(expected)?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits(expected)?;
        }
        Ok(self.slice_from(start))
    }

    fn digits(&mut self, expected: &'static str) -> Result<(), ReadError> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(ReadError { found: "an unfinished number", ..self.error(expected) }) }
    }

    fn word(&mut self, word: &'static str, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(Cow::Borrowed(word))
        } else {
            Err(ReadError { found: "something that is not JSON", ..self.error(expected) })
        }
    }

    #[inline]
    fn token(&mut self, token: u8, expected: &'static str) -> Result<(), ReadError> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
            self.compact = false;
        }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadError, Reader};

    fn numbers(text: &str) -> Result<Vec<String>, ReadError> {
        let mut reader = Reader::new(text);
        let mut cursor = reader.array("an array")?;
        let mut numbers = Vec::new();
        while reader.element(&mut cursor)? {
            numbers.push(reader.scalar("a number")?.into_owned());
        }
        reader.end()?;
        Ok(numbers)
    }

    #[test]
    fn commas_and_brackets_stand_where_json_has_them() {
        assert_eq!(numbers("[]"), Ok(vec![]));
        assert_eq!(numbers(" [ 1 , 2.50 ]\n"), Ok(vec!["1".to_owned(), "2.5".to_owned()]));
        for text in ["[1,]", "[,1]", "[1 1]", "[1", "[", "", "[1]]", "[01]", "[1.]", "[-]", "[1e]", "[tru]"] {
            assert!(numbers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_says_where_what_was_expected_and_what_came() {
        let error = numbers("[1,{}]").unwrap_err();
        assert_eq!(error.to_string(), "at byte 3: expected a number, found an object");
    }
}
