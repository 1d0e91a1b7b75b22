//! Percent signs in URLs.

/// The bytes that a text in a URL stands for: `%7C` is `|`. A percent sign without two hexadecimal digits behind it
/// stands for itself.
pub fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, next) = match code(behind) {
            Some(code) if first == b'%' => code,
            _ => (first, behind),
        };
        bytes.push(byte);
        rest = next;
    }
    bytes
}

/// The byte whose two digits a text begins with, and what comes behind them.
fn code(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], behind) = text.split_first_chunk()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let code = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    Some((code, behind))
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn a_code_stands_for_its_byte_and_everything_else_for_itself() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("a|b", b"a|b"),
            ("a%7Cb%7c", b"a|b|"),
            ("%41%2F%00", b"A/\0"),
            ("%", b"%"),
            ("%4", b"%4"),
            ("%zz", b"%zz"),
            ("%4g%g4%+4", b"%4g%g4%+4"),
            ("%%41", b"%A"),
            ("%2541", b"%41"),
            ("%%%", b"%%%"),
            ("a+b", b"a+b"),
            ("%C3%A9", "é".as_bytes()),
            ("é%é4", "é%é4".as_bytes()),
            ("%ff%fe", b"\xff\xfe"),
        ] {
            assert_eq!(decoded(text), bytes, "{text}");
        }
    }
}
