//! Which rooms a rule is about.

use super::Claims;
use super::percent;
use thiserror::Error;

/// The rooms that a rule is about: `todo/42` is one, `todo/*` all that begin so, and in `users/{sub}/*` the part
/// between the two `/` must stand for the claim `sub`.
///
/// All but the claims is compared with the name as it stands in the URL. A part stands for a claim if it decodes to
/// exactly the claim's text, so that the rooms of one user are never those of another: each part decodes to one text
/// only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    /// Whether anything may follow.
    open_ended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Claim(String),
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// It would be taken for less than it means.
    #[error("expected * at the end alone")]
    StarInside,
    /// A brace has no other.
    #[error("expected {{ before each }} and }} behind each {{")]
    LoneBrace,
    /// Nothing stands between two braces.
    #[error("expected a claim between {{ and }}")]
    NoClaim,
    /// Where only an end of a part had to fit, one user's name could be another's with something before or behind it.
    #[error("expected {{claim}} to be all that stands between two /")]
    PartOfAPart,
    /// It could never fit.
    #[error(
        "expected a room's name as it stands in a URL, with spaces, what is not ASCII, and \", #, <, >, ?, \\ and ` as \
         percent codes"
    )]
    Unencoded,
}

impl Pattern {
    pub fn read(text: &str) -> Result<Self, PatternError> {
        let (mut rest, open_ended) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
        let mut pieces = Vec::new();
        while let Some((before, behind)) = rest.split_once('{') {
            let begins_a_part = if before.is_empty() { pieces.is_empty() } else { before.ends_with('/') };
            let (claim, behind) = behind.split_once('}').ok_or(PatternError::LoneBrace)?;
            let ends_a_part = if behind.is_empty() { !open_ended } else { behind.starts_with('/') };
            if !(begins_a_part && ends_a_part) {
                return Err(PatternError::PartOfAPart);
            }
            if claim.is_empty() {
                return Err(PatternError::NoClaim);
            }
            pieces.push(literal(before)?);
            pieces.push(Piece::Claim(claim.to_owned()));
            rest = behind;
        }
        pieces.push(literal(rest)?);
        Ok(Self { pieces, open_ended })
    }

    /// Whether a room is one of them, for somebody with these claims.
    pub fn fits(&self, room: &str, claims: Option<&Claims>) -> bool {
        let rest = self.pieces.iter().try_fold(room, |rest, piece| piece.behind(rest, claims));
        rest.is_some_and(|rest| rest.is_empty() || self.open_ended)
    }
}

impl Piece {
    /// What stands behind the piece in a text that begins with it.
    fn behind<'a>(&self, text: &'a str, claims: Option<&Claims>) -> Option<&'a str> {
        match self {
            Self::Literal(literal) => text.strip_prefix(&**literal),
            Self::Claim(path) => {
                let name = claims?.find(path)?.name()?;
                let (part, rest) = text.split_at_checked(text.find('/').unwrap_or(text.len()))?;
                (percent::decoded(part) == name.as_bytes()).then_some(rest)
            }
        }
    }
}

fn literal(text: &str) -> Result<Piece, PatternError> {
    let is_encoded_in_urls = |byte: &u8| !byte.is_ascii_graphic() || b"\"#<>?\\`".contains(byte);
    if text.contains('*') {
        Err(PatternError::StarInside)
    } else if text.contains('}') {
        Err(PatternError::LoneBrace)
    } else if text.as_bytes().iter().any(is_encoded_in_urls) {
        Err(PatternError::Unencoded)
    } else {
        Ok(Piece::Literal(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, PatternError};
    use crate::access::Claims;
    use proptest::prelude::*;

    fn fits(pattern: &str, room: &str, claims: Option<&Claims>) -> bool {
        Pattern::read(pattern).unwrap().fits(room, claims)
    }

    #[test]
    fn a_name_fits_exactly_or_by_its_beginning() {
        for (pattern, fitting, others) in [
            ("", &[""][..], &["a", "/"][..]),
            ("*", &["", "a", "a/b", "/", "%2A", "*"], &[]),
            (
                "todo/42",
                &["todo/42"],
                &["todo/4", "todo/422", "todo/42/", "/todo/42", "Todo/42", "todo%2F42", "%74odo/42"],
            ),
            (
                "todo/*",
                &["todo/", "todo/42", "todo/a/b", "todo//"],
                &["todo", "Todo/", "todos/1", "%74odo/42", "todo%2F42"],
            ),
            ("todo*", &["todo", "todo/1", "todos"], &["tod", "%74odo"]),
            ("/*", &["/", "/a"], &["", "a"]),
            ("a%2Fb", &["a%2Fb"], &["a%2fb", "a/b"]),
            ("a//b", &["a//b"], &["a/b", "a///b"]),
        ] {
            for room in fitting {
                assert!(fits(pattern, room, None), "{pattern} {room}");
            }
            for room in others {
                assert!(!fits(pattern, room, None), "{pattern} {room}");
            }
        }
    }

    #[test]
    fn a_part_fits_a_claim_if_it_decodes_to_exactly_its_text() {
        let claims = Claims::of(
            r#"{"exp":1,"sub":"auth0|1","org":{"id":7},"slash":"a/b","code":"%zz","coded":"%41","dots":"..","star":"*",
                "accent":"é","empty":"","half":0.5,"list":["a"],"yes":true,"nothing":null,"https://a.b/c":"url"}"#,
        );
        for (pattern, fitting, others) in [
            (
                "users/{sub}/*",
                &["users/auth0|1/", "users/auth0%7C1/x", "users/auth0%7c1/x/y", "users/%61uth0|1/z"][..],
                &[
                    "users/auth0|1",
                    "users/auth0|1x/",
                    "users/xauth0|1/",
                    "users/auth0|2/",
                    "users/auth0%7C1%2F/",
                    "users/auth0%257C1/",
                    "users/auth0|1%00/",
                    "users//auth0|1/",
                    "users/auth0/1/",
                    "Users/auth0|1/",
                    "%75sers/auth0|1/",
                    "users/{sub}/",
                    "users/*/",
                ][..],
            ),
            ("{sub}", &["auth0|1", "auth0%7C1"], &["", "auth0|1/", "auth0|1/x", "/auth0|1"]),
            (
                "{sub}/{org.id}",
                &["auth0|1/7", "auth0|1/%37"],
                &["auth0|1/07", "auth0|1/7.0", "auth0|1/77", "auth0|1", "7"],
            ),
            ("{sub}/x/{sub}/*", &["auth0|1/x/auth0%7C1/"], &["auth0|1/x/auth0|2/", "auth0|1/x/"]),
            ("{slash}/*", &["a%2Fb/", "a%2fb/c"], &["a/b/", "a/b", "a%252Fb/"]),
            ("{code}", &["%zz", "%25zz"], &["zz", "%2525zz"]),
            ("{coded}", &["%2541"], &["%41", "A"]),
            ("{dots}/*", &["../x", "%2e%2E/x"], &["./x", "x"]),
            ("{star}/*", &["*/x", "%2A/x"], &["a/x", "/x"]),
            ("{accent}", &["%C3%A9", "%c3%a9", "é"], &["e", "%E9", "%C3", "%C3%A9%CC%81"]),
            ("{https://a.b/c}/x", &["url/x"], &["url", "x"]),
            ("{empty}/*", &[], &["/", "/x", "%/x"]),
            ("{half}", &[], &["0.5"]),
            ("{list}", &[], &["a", "[\"a\"]"]),
            ("{yes}", &[], &["true"]),
            ("{nothing}", &[], &["null", ""]),
            ("{missing}", &[], &["", "undefined", "{missing}", "missing"]),
            ("{org}", &[], &["[object Object]"]),
        ] {
            for room in fitting {
                assert!(fits(pattern, room, Some(&claims)), "{pattern} {room}");
                assert!(!fits(pattern, room, None), "{pattern} {room} without claims");
            }
            for room in others {
                assert!(!fits(pattern, room, Some(&claims)), "{pattern} {room}");
            }
        }
    }

    #[test]
    fn what_could_be_understood_in_two_ways_is_no_pattern() {
        for (text, error) in [
            ("a*b", PatternError::StarInside),
            ("*/a", PatternError::StarInside),
            ("a/**", PatternError::StarInside),
            ("*{sub}", PatternError::PartOfAPart),
            ("*/{sub}", PatternError::StarInside),
            ("users/{sub", PatternError::LoneBrace),
            ("users/sub}", PatternError::LoneBrace),
            ("}{sub", PatternError::LoneBrace),
            ("{sub}/}", PatternError::LoneBrace),
            ("{sub*", PatternError::LoneBrace),
            ("{}", PatternError::NoClaim),
            ("users/{}/*", PatternError::NoClaim),
            ("users/{sub}*", PatternError::PartOfAPart),
            ("users/{sub}x", PatternError::PartOfAPart),
            ("users/x{sub}", PatternError::PartOfAPart),
            ("{a}{b}", PatternError::PartOfAPart),
            ("{{sub}}", PatternError::PartOfAPart),
            ("café", PatternError::Unencoded),
            ("a b", PatternError::Unencoded),
            ("a?b", PatternError::Unencoded),
            ("a#b/{sub}", PatternError::Unencoded),
            ("a\\b", PatternError::Unencoded),
            ("a\n", PatternError::Unencoded),
            ("\u{7f}", PatternError::Unencoded),
        ] {
            assert_eq!(Pattern::read(text), Err(error), "{text}");
        }
    }

    /// Whether `part` is one of the ways in which a URL can spell `text`, found without decoding it.
    fn spells(part: &[u8], text: &[u8]) -> bool {
        let Some((&byte, text)) = text.split_first() else { return part.is_empty() };
        let is_code = part.len() > 2 && part[0] == b'%' && part[1..3].iter().all(u8::is_ascii_hexdigit);
        if is_code {
            let code = String::from_utf8_lossy(&part[1..3]).to_uppercase();
            code == format!("{byte:02X}") && spells(&part[3..], text)
        } else {
            part.first() == Some(&byte) && spells(&part[1..], text)
        }
    }

    /// Whether a name is in a pattern's language, told part by part.
    fn is_meant(pattern: &str, room: &str, user: &str) -> bool {
        let mut patterns: Vec<_> = pattern.split('/').collect();
        let mut parts: Vec<_> = room.split('/').collect();
        if let Some(beginning) = patterns.last().unwrap().strip_suffix('*') {
            if parts.len() < patterns.len() || !parts[patterns.len() - 1].starts_with(beginning) {
                return false;
            }
            patterns.pop();
            parts.truncate(patterns.len());
        }
        let fits = |(pattern, part): (&&str, &&str)| {
            if *pattern == "{sub}" { spells(part.as_bytes(), user.as_bytes()) } else { pattern == part }
        };
        patterns.len() == parts.len() && patterns.iter().zip(&parts).all(fits)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_name_fits_if_it_is_meant_and_no_other_does(
            patterns in prop::collection::vec(prop_oneof![Just("{sub}".to_owned()), "[a%4]{0,2}"], 1..4),
            star in prop_oneof![Just(""), Just("*"), Just("/*")],
            swaps in prop::collection::vec(any::<prop::sample::Index>(), 0..2),
            insert in "[a%41/A*]{0,2}",
            user in "[aA%4/]{1,3}",
            spelling in prop::collection::vec(any::<bool>(), 3),
        ) {
            let mut pattern = patterns.join("/");
            if !(star == "*" && pattern.ends_with('}')) {
                pattern.push_str(star);
            }
            // A name that fits, and what becomes of it where something is put in.
            let spelled: String = user.bytes().zip(&spelling).map(|(byte, raw)| {
                if *raw && byte != b'/' && byte != b'%' { char::from(byte).to_string() } else { format!("%{byte:02x}") }
            }).collect();
            let fitting = pattern.strip_suffix('*').unwrap_or(&pattern).replace("{sub}", &spelled);
            let mut other = fitting.clone();
            for swap in swaps {
                other.insert_str(swap.index(other.len() + 1), &insert);
            }
            let claims = Claims::of(&format!(r#"{{"exp":1,"sub":"{user}"}}"#));
            prop_assert!(fits(&pattern, &fitting, Some(&claims)), "{} {}", pattern, fitting);
            for room in [&fitting, &other] {
                prop_assert_eq!(
                    fits(&pattern, room, Some(&claims)), is_meant(&pattern, room, &user), "{} {} {}", pattern, room, user
                );
            }
        }
    }
}
