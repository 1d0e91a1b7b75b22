//! The variable `ACCESS`: who may do what, room by room.

use super::rule::Rule;
use super::value::Value;
use super::{Access, Claims, JsonError, RuleError, rooms};
use thiserror::Error;

/// What the variable `ACCESS` says: `open`, `closed`, or a JSON list of rules.
///
/// ```json
/// [{"rooms": "public/*", "access": "read", "who": "anyone"},
///  {"rooms": "users/{sub}/*", "access": "write"},
///  {"rooms": "team/{org.id}/*", "access": "admin", "if": {"role": "owner"}}]
/// ```
///
/// | field | what it says |
/// |---|---|
/// | `rooms` | A room's name as it stands in the URL; with a `*` at its end, all names that begin so. Where `{claim}` is all that stands between two `/`, that part must decode to exactly the token's claim: a text that is not empty, or a whole number. |
/// | `access` | `read`, `write` or `admin`. Each includes those before it. |
/// | `who` | `anyone`, or nothing: then it needs a valid token. |
/// | `if` | Claims, each with the text, number or boolean that it must be. A list fits if that is in it. |
///
/// A claim is named by itself or by a path with dots: `org.id` is the claim `org.id`, or else `id` in the claim `org`.
/// Who brings no token has no claims, and so nothing that fits `{claim}` or `if`.
///
/// They are tried in order, and the first that fits counts, also where a later one or the token would give more. Where
/// none fits, and where rooms are closed, the token's own claim `rooms` decides:
///
/// ```json
/// {"todo/42": "write", "todo/*": "read"}
/// ```
///
/// There the most specific name counts. Where rooms are open, anyone may write in all of them, whatever a valid token
/// says: its claim `rooms` can only add `admin` to that.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Rules {
    /// Anyone may write.
    Open,
    /// Only the claim `rooms` of a token opens anything. So it is where nothing is said, or what cannot be read.
    #[default]
    Closed,
    /// The first rule that fits counts.
    List(RuleList),
}

/// Rules in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleList(Vec<Rule>);

/// Why the variable `ACCESS` cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RulesError {
    /// It is neither a word that it may be, nor JSON.
    #[error("expected open, closed or a JSON list of rules, found {found}")]
    Unknown {
        /// What it is.
        found: &'static str,
    },
    /// It is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON, but no list.
    #[error("expected a list of rules, found an object")]
    NoList,
    /// A rule in it cannot be read.
    #[error("rule {rule}: {error}")]
    Rule {
        /// Which one, from 1.
        rule: usize,
        /// What is wrong with it.
        error: RuleError,
    },
}

impl Rules {
    /// Reads the variable. Where that fails rooms are to be [closed](Rules::Closed).
    pub fn read(text: &str) -> Result<Self, RulesError> {
        match text.trim() {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            json if json.starts_with(['[', '{']) => {
                let value = Value::read(json)?;
                let rules = value.list().ok_or(RulesError::NoList)?.iter().zip(1..);
                let rules = rules
                    .map(|(rule, number)| Rule::read(rule).map_err(|error| RulesError::Rule { rule: number, error }));
                Ok(Self::List(RuleList(rules.collect::<Result<_, _>>()?)))
            }
            "" => Err(RulesError::Unknown { found: "nothing" }),
            _ => Err(RulesError::Unknown { found: "another text" }),
        }
    }

    /// What somebody may do in a room who brings a token with these claims, or none.
    pub fn access(&self, room: &str, claims: Option<&Claims>) -> Option<Access> {
        let granted = || claims.and_then(|claims| rooms::access(claims, room));
        match self {
            Self::Open => granted().max(Some(Access::Write)),
            Self::Closed => granted(),
            Self::List(RuleList(rules)) => rules.iter().find_map(|rule| rule.access(room, claims)).or_else(granted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rules, RulesError};
    use crate::access::Access::{self, Admin, Read, Write};
    use crate::access::{Claims, JsonError};

    const RULES: &str = r#"
        [{"rooms": "public/*", "access": "read", "who": "anyone"},
         {"rooms": "users/{sub}/*", "access": "write"},
         {"rooms": "team/{org.id}/*", "access": "admin", "if": {"role": "owner"}},
         {"rooms": "team/{org.id}/*", "access": "read"}]
    "#;

    fn access(rules: &str, room: &str, claims: Option<&str>) -> Option<Access> {
        let claims = claims.map(Claims::of);
        Rules::read(rules).unwrap().access(room, claims.as_ref())
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let ann = r#"{"exp":1,"sub":"ann","org":{"id":7},"role":["owner"]}"#;
        let bob =
            r#"{"exp":1,"sub":"bob","org":{"id":7},"rooms":{"public/*":"admin","team/7/plan":"write","todo":"write"}}"#;
        for (room, nobody, of_ann, of_bob) in [
            ("public/news", Some(Read), Some(Read), Some(Read)),
            ("users/ann/list", None, Some(Write), None),
            ("users/bob/list", None, None, Some(Write)),
            ("users/ann", None, None, None),
            ("team/7/plan", None, Some(Admin), Some(Read)),
            ("team/8/plan", None, None, None),
            ("todo", None, None, Some(Write)),
            ("", None, None, None),
        ] {
            assert_eq!(access(RULES, room, None), nobody, "{room}");
            assert_eq!(access(RULES, room, Some(ann)), of_ann, "{room}");
            assert_eq!(access(RULES, room, Some(bob)), of_bob, "{room}");
        }
    }

    #[test]
    fn a_rule_that_does_not_fit_lets_a_later_one_speak() {
        let rules = r#"[{"rooms":"*","access":"write"},{"rooms":"*","access":"read","who":"anyone"}]"#;
        assert_eq!(access(rules, "todo", None), Some(Read));
        assert_eq!(access(rules, "todo", Some(r#"{"exp":1}"#)), Some(Write));
    }

    #[test]
    fn closed_rooms_are_opened_by_tokens_alone() {
        let claims = r#"{"exp":1,"sub":"ann","rooms":{"todo/*":"admin"}}"#;
        for rules in ["closed", " closed\n", "[]"] {
            assert_eq!(access(rules, "todo/1", None), None);
            assert_eq!(access(rules, "todo/1", Some(r#"{"exp":1,"sub":"ann"}"#)), None);
            assert_eq!(access(rules, "todo/1", Some(claims)), Some(Admin));
            assert_eq!(access(rules, "other", Some(claims)), None);
        }
        assert_eq!(Rules::default(), Rules::Closed);
    }

    #[test]
    fn in_open_rooms_anyone_may_write_and_a_token_can_only_add_to_that() {
        for (claims, granted) in [
            (None, Write),
            (Some(r#"{"exp":1,"sub":"ann"}"#), Write),
            (Some(r#"{"exp":1,"rooms":{"todo/1":"admin"}}"#), Admin),
            (Some(r#"{"exp":1,"rooms":{"todo/1":"read"}}"#), Write),
            (Some(r#"{"exp":1,"rooms":{"todo/1":"none"}}"#), Write),
            (Some(r#"{"exp":1,"rooms":{"other":"admin"}}"#), Write),
            (Some(r#"{"exp":1,"rooms":"todo/1"}"#), Write),
        ] {
            assert_eq!(access("open", "todo/1", claims), Some(granted), "{claims:?}");
        }
    }

    #[test]
    fn an_error_says_which_rule_is_wrong() {
        for (text, message) in [
            ("", "expected open, closed or a JSON list of rules, found nothing"),
            ("Open", "expected open, closed or a JSON list of rules, found another text"),
            ("\"open\"", "expected open, closed or a JSON list of rules, found another text"),
            ("{\"rooms\":\"*\"}", "expected a list of rules, found an object"),
            ("[{]", "at line 1, column 3: expected JSON in which no key stands twice"),
            (
                r#"[{"rooms":"a","access":"read"},{"rooms":"b","access":"all"}]"#,
                "rule 2: access: expected read, write or admin, found \"all\"",
            ),
            ("[[]]", "rule 1: expected an object, found a list"),
        ] {
            assert_eq!(Rules::read(text).unwrap_err().to_string(), message, "{text}");
        }
        let twice = r#"[{"rooms":"a","access":"read","access":"write"}]"#;
        assert!(matches!(Rules::read(twice), Err(RulesError::Json(JsonError { line: 1, .. }))));
    }

    #[test]
    fn one_unreadable_rule_makes_all_unreadable() {
        let good = r#"{"rooms":"*","access":"write","who":"anyone"}"#;
        for bad in [
            "null",
            r#"{"rooms":"a*b","access":"read"}"#,
            r#"{"rooms":"{a","access":"read"}"#,
            r#"{"rooms":"a","access":"read","who":"everyone"}"#,
            r#"{"rooms":"a","access":"read","Who":"anyone"}"#,
            r#"{"room":"a","access":"read"}"#,
        ] {
            assert!(Rules::read(&format!("[{good},{bad}]")).is_err(), "{bad}");
            assert!(Rules::read(&format!("[{bad},{good}]")).is_err(), "{bad}");
        }
    }
}
