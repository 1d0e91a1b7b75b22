//! One rule: who may do what in which rooms.

use super::pattern::Pattern;
use super::value::Value;
use super::{Access, Claims, PatternError};
use thiserror::Error;

/// As much of a text stands in a message.
const MAX_SHOWN_CHARS: usize = 60;

/// A rule of the variable `ACCESS`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    rooms: Pattern,
    access: Access,
    /// Whether it is also for those who bring no token.
    for_anyone: bool,
    /// What claims must be, each with its path.
    conditions: Vec<(String, Value)>,
}

/// Why a rule cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// It has no fields.
    #[error("expected an object, found {found}")]
    NoObject {
        /// What it is.
        found: &'static str,
    },
    /// It has a field that is none of a rule's.
    #[error("expected only the fields rooms, access, who and if, found {found:?}")]
    UnknownField {
        /// The field.
        found: String,
    },
    /// A field must be something else, or is missing.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The field `rooms` is no pattern.
    #[error("rooms: {error}, found {found:?}")]
    Pattern {
        /// The text.
        found: String,
        /// What is wrong with it.
        error: PatternError,
    },
}

impl Rule {
    pub fn read(rule: &Value) -> Result<Self, RuleError> {
        let fields = rule.object().ok_or(RuleError::NoObject { found: rule.kind() })?;
        if let Some(field) = fields.keys().find(|field| !["rooms", "access", "who", "if"].contains(&&***field)) {
            return Err(RuleError::UnknownField { found: shown(field) });
        }
        let field = |field: &'static str, expected: &'static str| {
            let value = fields.get(field);
            (value, move || RuleError::Field { field, expected, found: value.map_or("nothing".to_owned(), found) })
        };
        let (rooms, error) = field("rooms", "a text");
        let rooms = rooms.and_then(Value::text).ok_or_else(error)?;
        let (access, error) = field("access", "read, write or admin");
        let access = access.and_then(Value::text).and_then(|word| word.parse().ok()).ok_or_else(error)?;
        let for_anyone = match field("who", "anyone") {
            (None, _) => false,
            (Some(who), _) if who.text() == Some("anyone") => true,
            (_, error) => return Err(error()),
        };
        let conditions = match field(
            "if",
            "an object of claims, each with the text, number up to 2^63 or boolean that it must be",
        ) {
            (None, _) => Vec::new(),
            (Some(conditions), error) => read_conditions(conditions).ok_or_else(error)?,
        };
        let rooms = Pattern::read(rooms).map_err(|error| RuleError::Pattern { found: shown(rooms), error })?;
        Ok(Self { rooms, access, for_anyone, conditions })
    }

    /// What the rule gives somebody with these claims in a room; `None` where it is about others.
    pub fn access(&self, room: &str, claims: Option<&Claims>) -> Option<Access> {
        let is_for_them = self.for_anyone || claims.is_some();
        let meets =
            |(path, value): &(String, Value)| claims.and_then(|claims| claims.find(path)).is_some_and(is_or_has(value));
        (is_for_them && self.conditions.iter().all(meets) && self.rooms.fits(room, claims)).then_some(self.access)
    }
}

fn is_or_has(value: &Value) -> impl Fn(&Value) -> bool {
    move |claim| claim == value || claim.list().is_some_and(|list| list.contains(value))
}

fn read_conditions(conditions: &Value) -> Option<Vec<(String, Value)>> {
    let conditions = conditions.object()?;
    conditions.values().all(Value::is_exact).then(|| conditions.clone().into_iter().collect())
}

/// What a value is, for messages: a text itself, of others only the kind.
fn found(value: &Value) -> String {
    value.text().map_or_else(|| value.kind().to_owned(), |text| format!("{:?}", shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::{Rule, RuleError};
    use crate::access::value::Value;
    use crate::access::{Access, Claims, PatternError};

    fn read(text: &str) -> Result<Rule, RuleError> {
        Rule::read(&Value::read(text).unwrap())
    }

    fn access(rule: &str, claims: Option<&str>) -> Option<Access> {
        let claims = claims.map(Claims::of);
        read(rule).unwrap().access("a", claims.as_ref())
    }

    #[test]
    fn a_rule_is_for_those_with_a_token_unless_it_says_for_anyone() {
        let rule = r#"{"rooms":"*","access":"write"}"#;
        assert_eq!(access(rule, None), None);
        assert_eq!(access(rule, Some(r#"{"exp":1}"#)), Some(Access::Write));
        let rule = r#"{"rooms":"*","access":"admin","who":"anyone"}"#;
        assert_eq!(access(rule, None), Some(Access::Admin));
        assert_eq!(access(rule, Some(r#"{"exp":1}"#)), Some(Access::Admin));
    }

    #[test]
    fn every_condition_must_be_met_by_a_claim_or_by_one_value_in_its_list() {
        for (conditions, claims, fits) in [
            ("{}", r#"{"exp":1}"#, true),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":"owner"}"#, true),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":["guest","owner"]}"#, true),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":[["owner"]]}"#, false),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":{"owner":true}}"#, false),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":"Owner"}"#, false),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":"owners"}"#, false),
            (r#"{"role":"owner"}"#, r#"{"exp":1,"role":null}"#, false),
            (r#"{"role":"owner"}"#, r#"{"exp":1}"#, false),
            (r#"{"role":""}"#, r#"{"exp":1}"#, false),
            (r#"{"app_metadata.role":"owner"}"#, r#"{"exp":1,"app_metadata":{"role":"owner"}}"#, true),
            (r#"{"https://a.example/role":"owner"}"#, r#"{"exp":1,"https://a.example/role":"owner"}"#, true),
            (r#"{"role":"owner","paid":true}"#, r#"{"exp":1,"role":"owner","paid":true}"#, true),
            (r#"{"role":"owner","paid":true}"#, r#"{"exp":1,"role":"owner","paid":false}"#, false),
            (r#"{"role":"owner","paid":true}"#, r#"{"exp":1,"role":"owner","paid":"true"}"#, false),
            (r#"{"paid":false}"#, r#"{"exp":1}"#, false),
            (r#"{"level":1}"#, r#"{"exp":1,"level":1.0}"#, true),
            (r#"{"level":1}"#, r#"{"exp":1,"level":"1"}"#, false),
            (r#"{"level":0.5}"#, r#"{"exp":1,"level":5e-1}"#, true),
            (r#"{"level":9223372036854775807}"#, r#"{"exp":1,"level":9223372036854775808}"#, false),
            (r#"{"level":9007199254740993}"#, r#"{"exp":1,"level":9007199254740992}"#, false),
        ] {
            let rule = format!(r#"{{"rooms":"*","access":"read","if":{conditions}}}"#);
            assert_eq!(access(&rule, Some(claims)).is_some(), fits, "{conditions} {claims}");
        }
    }

    #[test]
    fn who_brings_no_token_meets_no_condition() {
        assert_eq!(access(r#"{"rooms":"*","access":"read","who":"anyone","if":{"role":"owner"}}"#, None), None);
        assert_eq!(access(r#"{"rooms":"{sub}","access":"read","who":"anyone"}"#, None), None);
    }

    #[test]
    fn an_error_says_which_field_what_was_expected_and_what_came() {
        for (rule, message) in [
            ("5", "expected an object, found a number"),
            (r#"["*"]"#, "expected an object, found a list"),
            ("{}", "rooms: expected a text, found nothing"),
            (r#"{"rooms":["*"],"access":"read"}"#, "rooms: expected a text, found a list"),
            (r#"{"rooms":"*"}"#, "access: expected read, write or admin, found nothing"),
            (r#"{"rooms":"*","access":"wirte"}"#, "access: expected read, write or admin, found \"wirte\""),
            (r#"{"rooms":"*","access":null}"#, "access: expected read, write or admin, found null"),
            (r#"{"rooms":"*","access":"read","who":"all"}"#, "who: expected anyone, found \"all\""),
            (r#"{"rooms":"*","access":"read","who":null}"#, "who: expected anyone, found null"),
            (
                r#"{"rooms":"*","access":"read","roles":{}}"#,
                "expected only the fields rooms, access, who and if, found \"roles\"",
            ),
            (
                r#"{"rooms":"*","access":"read","if":"owner"}"#,
                "if: expected an object of claims, each with the text, number up to 2^63 or boolean that it must be, found \"owner\"",
            ),
            (
                r#"{"rooms":"*","access":"read","if":{"role":["owner"]}}"#,
                "if: expected an object of claims, each with the text, number up to 2^63 or boolean that it must be, found an object",
            ),
            (r#"{"rooms":"a*b","access":"read"}"#, "rooms: expected * at the end alone, found \"a*b\""),
        ] {
            assert_eq!(read(rule).unwrap_err().to_string(), message, "{rule}");
        }
        let error = RuleError::Pattern { found: "{sub".to_owned(), error: PatternError::LoneBrace };
        assert_eq!(read(r#"{"rooms":"{sub","access":"read"}"#), Err(error));
        for value in ["null", "{}", "[]", r#"{"a":1}"#, "18446744073709551615", "1e30"] {
            let rule = format!(r#"{{"rooms":"*","access":"read","if":{{"role":{value}}}}}"#);
            assert!(read(&rule).is_err(), "{value}");
        }
    }

    #[test]
    fn a_message_shows_only_the_beginning_of_a_long_text() {
        let rule = format!(r#"{{"rooms":"*","access":"{}"}}"#, "é".repeat(1000));
        assert!(read(&rule).unwrap_err().to_string().len() < 200);
    }
}
