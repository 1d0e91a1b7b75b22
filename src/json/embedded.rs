//! JSON text inside a string: whether there is any.
//!
//! TinyBase keeps an object or array as a string, and hands it to `JSON.parse` whenever it is read. What that takes is
//! taken here and nothing else, however deep it is: depth exhausts no stack of V8's, and none here, where an open bracket
//! costs a bit.

/// Stands for a control character that has no short escape: JSON has it nowhere.
const CONTROL: u8 = 0;
/// Stands for half of a surrogate pair: like every byte beyond ASCII, JSON has it within strings alone.
const SURROGATE: u8 = 0xff;

/// Whether `JSON.parse` takes the string with this canonical spelling of what stands between its quotes.
pub fn is_json(canonical: &str) -> bool {
    Text { rest: canonical.as_bytes() }.read().is_some()
}

/// What is left of the text. `None` is what each of its methods answers where the text is not JSON.
#[derive(Clone, Copy)]
struct Text<'a> {
    rest: &'a [u8],
}

impl Text<'_> {
    fn read(&mut self) -> Option<()> {
        let mut open = Brackets::default();
        loop {
            match self.token()? {
                b'{' if !self.token_is(b'}') => {
                    self.key()?;
                    open.push(true);
                    continue;
                }
                b'[' if !self.token_is(b']') => {
                    open.push(false);
                    continue;
                }
                b'{' | b'[' => {}
                b'"' => self.string()?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first => self.number(first)?,
            }
            // The next value of what is open, or the end of it and of all that ends with it.
            loop {
                match (open.innermost_is_object(), self.token()) {
                    (None, None) => return Some(()),
                    (Some(false), Some(b',')) => break,
                    (Some(true), Some(b',')) => {
                        self.key()?;
                        break;
                    }
                    (Some(false), Some(b']')) | (Some(true), Some(b'}')) => open.pop(),
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        (self.token()? == b'"').then(|| self.string())??;
        (self.token()? == b':').then_some(())
    }

    /// The rest of a string.
    fn string(&mut self) -> Option<()> {
        loop {
            // Whatever means something in a string is escaped in the one around it.
            let plain = self.rest.iter().position(|&byte| byte == b'\\')?;
            self.rest = self.rest.get(plain..)?;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => (0..4).try_for_each(|_| self.next()?.is_ascii_hexdigit().then_some(()))?,
                    _ => return None,
                },
                ..b' ' => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => while self.next_is(b"0123456789") {},
            _ => return None,
        }
        if self.next_is(b".") {
            self.digits()?;
        }
        if self.next_is(b"eE") {
            self.next_is(b"+-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        self.next()?.is_ascii_digit().then_some(())?;
        while self.next_is(b"0123456789") {}
        Some(())
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        rest.iter().try_for_each(|&byte| (self.next()? == byte).then_some(()))
    }

    /// Goes past the next token if it is this one.
    fn token_is(&mut self, token: u8) -> bool {
        let mut ahead = *self;
        let is = ahead.token() == Some(token);
        if is {
            *self = ahead;
        }
        is
    }

    /// Goes past the next byte if it is one of these.
    fn next_is(&mut self, bytes: &[u8]) -> bool {
        let mut ahead = *self;
        let is = ahead.next().is_some_and(|byte| bytes.contains(&byte));
        if is {
            *self = ahead;
        }
        is
    }

    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = self.next()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    /// The next byte, without its escape. Not inlined: what is long are strings, and most of them is skipped.
    #[inline(never)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.take()?;
        if byte != b'\\' {
            return Some(byte);
        }
        Some(match self.take()? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (digits, rest) = self.rest.split_at_checked(4)?;
                self.rest = rest;
                if digits.starts_with(b"d") { SURROGATE } else { CONTROL }
            }
            same => same,
        })
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

/// The brackets that are open: of each whether it is an object's. The innermost ones stand in a word of their own, so that
/// only what is deep allocates.
#[derive(Default)]
struct Brackets {
    depth: usize,
    innermost: u64,
    outer: Vec<u64>,
}

impl Brackets {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.innermost >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(word) = self.outer.pop()
        {
            self.innermost = word;
        }
    }

    fn innermost_is_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.innermost & 1 == 1)
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
