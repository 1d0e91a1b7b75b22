//! JSON text inside a string: whether there is any.
//!
//! TinyBase keeps an object or array as a string, and hands it to `JSON.parse` whenever it is read. What that takes is
//! taken here and nothing else, however deep it is: depth exhausts no stack of V8's, and none here, where an open bracket
//! costs a bit.

use super::reader::Cursor;
use super::{ReadError, Reader, string};

/// Whether `JSON.parse` takes the string with this canonical spelling of what stands between its quotes.
pub fn is_json(canonical: &str) -> bool {
    read(&mut Reader::new(&string::unescaped(canonical))).is_ok()
}

fn read(reader: &mut Reader) -> Result<(), ReadError> {
    const JSON: &str = "JSON";
    let mut outer = Brackets::default();
    let mut innermost = None;
    loop {
        let opened = match reader.peek() {
            Some(b'{') => Some(reader.object(JSON)?),
            Some(b'[') => Some(reader.array(JSON)?),
            // It may be beyond a double, which no cell can hold.
            Some(b'-' | b'0'..=b'9') => reader.number(JSON).map(|_| None)?,
            _ => reader.scalar(JSON).map(|_| None)?,
        };
        if let Some(opened) = opened
            && let Some(around) = innermost.replace(opened)
        {
            outer.push(&around);
        }
        // The next value of what is open, or the end of it and of all that ends with it.
        loop {
            let Some(cursor) = &mut innermost else { return reader.end() };
            let more = if cursor.is_object() { reader.key(cursor)?.is_some() } else { reader.element(cursor)? };
            if more {
                break;
            }
            innermost = outer.pop();
        }
    }
}

/// The brackets around the innermost: of each whether it is an object's. The last ones stand in a word of their own, so
/// that only what is deep allocates.
#[derive(Default)]
struct Brackets {
    depth: usize,
    last: u64,
    words: Vec<u64>,
}

impl Brackets {
    fn push(&mut self, cursor: &Cursor) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.words.push(self.last);
        }
        self.last = self.last << 1 | u64::from(cursor.is_object());
        self.depth += 1;
    }

    /// Goes back to the bracket around the innermost, and to what stands behind its element.
    fn pop(&mut self) -> Option<Cursor> {
        self.depth = self.depth.checked_sub(1)?;
        let cursor = Cursor::behind_an_element(self.last & 1 == 1);
        self.last >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(word) = self.words.pop()
        {
            self.last = word;
        }
        Some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;
    use crate::json::string;

    fn takes(text: &str) -> bool {
        let mut canonical = String::new();
        string::escape(text, &mut canonical);
        is_json(&canonical)
    }

    #[test]
    fn json_is_taken_in_any_spelling() {
        for text in [
            "{}",
            "[]",
            " {\t\"a\" :\r\n[ 1 , { } , [ ] ] , \"\" : null } ",
            "\n5",
            "-0.10e-999",
            "1E+5",
            "\"x\"",
            "true",
            "[false,null,true]",
            r#""\"\\\/\b\f\n\r\t\u00e4\uD800""#,
            "\"ä\u{fffc}\u{2028}🎉\u{7f}\"",
            r#"{"a":1,"a":2,"__proto__":{}}"#,
        ] {
            assert!(takes(text), "{text}");
        }
        assert!(is_json(r#"[\"\ud800\",\"\ud800\\n\"]"#));
    }

    #[test]
    fn what_is_no_json_is_not_taken() {
        for text in [
            "",
            " ",
            "bad",
            "{bad",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 1]",
            "{}{}",
            "{},",
            "]",
            "}",
            "[}",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:1}",
            "{a:1}",
            "\"",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12\"",
            "\"\n\"",
            "\"\t\"",
            "\"\u{8}\"",
            "\"\u{c}\"",
            "\"\u{0}\"",
            "\u{b}1",
            "\u{0}1",
            "\u{a0}1",
            "\u{feff}1",
            "é",
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e1",
            "1e",
            "1e+",
            "--1",
            "tru",
            "True",
            "nulll",
            "NaN",
            "\u{fffd}{}",
        ] {
            assert!(!takes(text), "{text:?}");
        }
        assert!(!is_json(r"\ud800"));
        assert!(!is_json(r#"[1]\ud800"#));
    }

    #[test]
    fn depth_is_no_matter_and_each_bracket_ends_with_its_own() {
        for depth in [1_usize, 63, 64, 65, 127, 128, 129, 100_000] {
            let (mut text, mut end) = (String::new(), String::new());
            for level in 0..depth {
                let is_object = level % 3 == 1;
                text.push_str(if is_object { "{\"a\":" } else { "[" });
                end.push(if is_object { '}' } else { ']' });
            }
            text.push('1');
            text.extend(end.chars().rev());
            assert!(takes(&text), "{depth}");
            assert!(!takes(&format!("{text}]")), "{depth} with one more");
            let middle = text.len() - depth.div_ceil(2);
            let other = if text.split_at(middle).1.starts_with(']') { "}" } else { "]" };
            text.replace_range(middle..=middle, other);
            assert!(!takes(&text), "{depth} with another in the middle");
            text.truncate(middle);
            assert!(!takes(&text), "{depth} that are never closed");
        }
    }
}
