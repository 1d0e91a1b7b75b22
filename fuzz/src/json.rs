//! Canonical spellings are spelled as they are, and mean what they were read from; and JSON is JSON within a string too.

use tinyroom::hash::IdPrefix;
use tinyroom::json::{ReadError, Reader, embedded, number, string};

pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let print = printed(text);
    if let Ok(canonical) = &print {
        assert_eq!(printed(canonical).as_ref(), Ok(canonical), "{text:?}");
    }
    let mut escaped = String::from("\"");
    string::escape(text, &mut escaped);
    escaped.push('"');
    assert_eq!(printed(&escaped).as_ref(), Ok(&escaped), "{text:?}");
    let inside = &escaped[1..escaped.len() - 1];
    match print {
        Ok(_) => assert!(embedded::is_json(inside), "{text:?}"),
        // JSON has numbers beyond a double, which no cell has.
        Err(error) if error.found != "a number beyond a double" => assert!(!embedded::is_json(inside), "{text:?}"),
        Err(_) => {}
    }
    assert_eq!(string::unescaped(inside), text);
}

/// The text as it would be printed, however deep it is.
fn printed(text: &str) -> Result<String, ReadError> {
    const ANY: &str = "any JSON";
    let mut reader = Reader::new(text);
    let mut out = String::new();
    let mut cursors = Vec::new();
    loop {
        let byte = reader.peek();
        match byte {
            Some(b'{') => cursors.push((true, reader.object(ANY)?)),
            Some(b'[') => cursors.push((false, reader.array(ANY)?)),
            _ => {
                let scalar = reader.scalar(ANY)?;
                means_the_same(text, &reader, &scalar);
                out.push_str(&scalar);
            }
        }
        if let Some(open @ (b'{' | b'[')) = byte {
            out.push(open.into());
        }
        // The next element, or the end of this array or object and of all that end with it.
        loop {
            let Some((is_object, cursor)) = cursors.last_mut() else {
                reader.end()?;
                return Ok(out);
            };
            let comma = if out.ends_with(['{', '[']) { "" } else { "," };
            let more = if *is_object {
                let key = reader.key(cursor)?;
                if let Some(key) = &key {
                    IdPrefix::new(key);
                    out.push_str(&format!("{comma}\"{key}\":"));
                }
                key.is_some()
            } else {
                let more = reader.element(cursor)?;
                out.push_str(if more { comma } else { "" });
                more
            };
            if more {
                break;
            }
            out.push(if *is_object { '}' } else { ']' });
            cursors.pop();
        }
    }
}

fn means_the_same(text: &str, reader: &Reader, scalar: &str) {
    if let Ok(number) = scalar.parse::<f64>() {
        let start = text[..reader.at()].rfind(|character| !"+-.0123456789eE".contains(character));
        let raw =
            &text[start.map_or(0, |start| start + text[start..].chars().next().map_or(0, char::len_utf8))..reader.at()];
        assert_eq!(raw.parse(), Ok(number), "{raw} and {scalar}");
        assert_eq!(number::canonical(scalar).as_deref(), Some(scalar));
    }
}
