//! From a URL to the room it names.
//!
//! Every path is a room: what follows the first `/` is its name, as it stands in the URL, percent signs and all. So
//! `/parties/main/home`, which a PartySocket asks for, is a room like `/todo/42`, and `/` is the room with no name.
//! Nothing is decoded: `/%c3%a9` and `/%C3%A9` are two rooms, and `/50%` is one.
//!
//! Two paths are none: browsers and crawlers ask for them at every host.

use thiserror::Error;

/// The longest name, in bytes: Cloudflare's limit for the name of a Durable Object.
pub const MAX_NAME_BYTES: usize = 1024;

/// What is at a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// The room of this name.
    Room(&'a str),
    /// The icon that browsers look for.
    Favicon,
    /// What crawlers may visit.
    Robots,
}

/// A URL whose name is too long for a room.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("The room's name has {bytes} bytes. It may have at most {limit} (MAX_NAME_BYTES).")]
pub struct NameTooLong {
    /// How long it is.
    pub bytes: usize,
    /// How long it may be.
    pub limit: usize,
}

impl<'a> Address<'a> {
    /// Reads a URL, as a `Request` has it. A name may have so many bytes, and no more than Cloudflare's limit.
    pub fn of(url: &'a str, max_name_bytes: usize) -> Result<Self, NameTooLong> {
        let limit = max_name_bytes.min(MAX_NAME_BYTES);
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        match path.split(['?', '#']).next().unwrap_or_default() {
            "favicon.ico" => Ok(Self::Favicon),
            "robots.txt" => Ok(Self::Robots),
            name if name.len() > limit => Err(NameTooLong { bytes: name.len(), limit }),
            name => Ok(Self::Room(name)),
        }
    }
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
    use super::{Address, MAX_NAME_BYTES, NameTooLong, query_value};

    #[test]
    fn a_query_says_a_name_with_a_value_or_alone() {
        let url = "https://host/journal=1?a=1&journal=7&b#?journal=8";
        assert_eq!(query_value(url, "journal"), Some("7"));
        assert_eq!(query_value(url, "b"), Some(""));
        assert_eq!(query_value(url, "c"), None);
        assert_eq!(query_value("https://host/journal", "journal"), None);
    }

    #[test]
    fn a_name_is_what_stands_in_the_url() {
        for name in [
            "",
            "home",
            "parties/main/home",
            "todo/42/",
            "/",
            "a%20b%C3%A9",
            "%c3%a9",
            "50%",
            "100%%20done",
            "%zz",
            "%ff",
            "%ed%a0%80",
            "a/favicon.ico",
            "favicon.ico/",
            "Robots.txt",
            "robots%2Etxt",
        ] {
            for end in ["", "?", "?token=/a?b", "#/c?d"] {
                assert_eq!(Address::of(&format!("https://host:8787/{name}{end}"), usize::MAX), Ok(Address::Room(name)));
            }
        }
    }

    #[test]
    fn the_longest_name_is_a_room_and_a_longer_one_is_told_so() {
        let longest = "x".repeat(MAX_NAME_BYTES);
        assert_eq!(Address::of(&format!("https://host/{longest}"), usize::MAX), Ok(Address::Room(&longest)));
        let (bytes, limit) = (MAX_NAME_BYTES + 1, MAX_NAME_BYTES);
        assert_eq!(Address::of(&format!("https://host/{longest}x"), usize::MAX), Err(NameTooLong { bytes, limit }));
        assert_eq!(Address::of("https://host/abc", 2), Err(NameTooLong { bytes: 3, limit: 2 }));
        assert_eq!(Address::of("https://host/ab", 2), Ok(Address::Room("ab")));
    }

    #[test]
    fn what_browsers_and_crawlers_ask_every_host_for_is_no_room() {
        assert_eq!(Address::of("https://host/favicon.ico?v=1", 1), Ok(Address::Favicon));
        assert_eq!(Address::of("https://host/robots.txt", 1), Ok(Address::Robots));
    }
}
