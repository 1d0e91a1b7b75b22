//! Numbers, spelled as ECMAScript's `Number::toString` spells them.

use std::borrow::Cow;

/// Integers of up to this many digits are doubles exactly, and print as they stand.
const EXACT_DIGITS: usize = 15;

/// The canonical spelling of a JSON number: `text` itself where it is canonical already.
///
/// `None` where the number overflows a double: JavaScript would read `Infinity`, which no TinyBase cell can hold.
/// `text` must be a number by JSON's grammar.
pub fn canonical(text: &str) -> Option<Cow<'_, str>> {
    if is_plain_integer(text) {
        return Some(Cow::Borrowed(text));
    }
    let number: f64 = text.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let mut buffer = ryu_js::Buffer::new();
    let printed = buffer.format_finite(number);
    Some(if printed == text { Cow::Borrowed(text) } else { Cow::Owned(printed.to_owned()) })
}

fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() <= EXACT_DIGITS && text != "-0" && digits.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_print_as_javascript_prints_them() {
        for (read, printed) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("1E20", "100000000000000000000"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("9007199254740993", "9007199254740992"),
            ("123456789012345", "123456789012345"),
            ("5e-324", "5e-324"),
            ("1e-400", "0"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            assert_eq!(canonical(read).as_deref(), Some(printed), "{read}");
        }
        assert_eq!(canonical("1e400"), None);
        assert_eq!(canonical("-1e400"), None);
    }
}
