//! From the path of a URL to the room it names.
//!
//! Every path is a room: what follows the first `/` is its name, as it stands in the URL, percent signs and all. So
//! `/parties/main/home`, which a PartySocket asks for, is a room like `/todo/42`, and `/` is the room with no name.

use thiserror::Error;

/// The longest name, in bytes: Cloudflare's limit for the name of a Durable Object.
pub const MAX_NAME_BYTES: usize = 1024;

/// Why a path names no room.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// The name is too long.
    #[error("The room's name has {found} bytes. It may have at most {MAX_NAME_BYTES}.")]
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("The path has a % at byte {at} that is not followed by two hexadecimal digits.")]
    Escape {
        /// Where, in bytes of the path.
        at: usize,
    },
    /// What the percent signs stand for is not text.
    #[error("The path's percent-encoded bytes are not UTF-8 text.")]
    NotText,
}

/// The name of the room at a path.
pub fn room_name(path: &str) -> Result<&str, AddressError> {
    let name = path.strip_prefix('/').unwrap_or(path);
    if name.len() > MAX_NAME_BYTES {
        return Err(AddressError::TooLong { found: name.len() });
    }
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = path.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || bytes.next().and_then(|(_, digit)| char::from(digit).to_digit(16));
            let (high, low) = digit().zip(digit()).ok_or(AddressError::Escape { at })?;
            (high << 4 | low) as u8
        } else {
            byte
        });
    }
    str::from_utf8(&decoded).map(|_| name).map_err(|_| AddressError::NotText)
}

/// What a URL's query says for a name: empty where it says the name alone, `None` where it does not say it.
pub fn query_value<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find_map(|(other, value)| (other == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::{AddressError, MAX_NAME_BYTES, query_value, room_name};

    #[test]
    fn a_query_says_a_name_with_a_value_or_alone() {
        let url = "https://host/journal=1?a=1&journal=7&b#?journal=8";
        assert_eq!(query_value(url, "journal"), Some("7"));
        assert_eq!(query_value(url, "b"), Some(""));
        assert_eq!(query_value(url, "c"), None);
        assert_eq!(query_value("https://host/journal", "journal"), None);
    }

    #[test]
    fn every_path_names_a_room() {
        for (path, name) in [
            ("/", ""),
            ("/home", "home"),
            ("/parties/main/home", "parties/main/home"),
            ("/todo/42/", "todo/42/"),
            ("//", "/"),
            ("/a%20b%C3%A9", "a%20b%C3%A9"),
        ] {
            assert_eq!(room_name(path), Ok(name));
        }
        let longest = "x".repeat(MAX_NAME_BYTES);
        assert_eq!(room_name(&format!("/{longest}")), Ok(&*longest));
    }

    #[test]
    fn a_path_that_names_none_is_told_why() {
        let long = format!("/{}", "x".repeat(MAX_NAME_BYTES + 1));
        assert_eq!(room_name(&long), Err(AddressError::TooLong { found: MAX_NAME_BYTES + 1 }));
        assert_eq!(room_name("/a%2"), Err(AddressError::Escape { at: 2 }));
        assert_eq!(room_name("/100%zz"), Err(AddressError::Escape { at: 4 }));
        assert_eq!(room_name("/%ff"), Err(AddressError::NotText));
    }
}
