//! JSON that can be read in one way only.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// From here on doubles are no longer exact.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A text that is no JSON, in which a key of an object stands twice, or that is nested more than 127 deep.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("at line {line}, column {column}: expected JSON in which no key stands twice")]
pub struct JsonError {
    /// The line up to which it could be read, from 1.
    pub line: usize,
    /// The column in it, in bytes, from 1.
    pub column: usize,
}

/// An object's properties.
pub type Object = BTreeMap<String, Value>;

/// A JSON value in which no key of an object stands twice: of two, one reader takes the first and another the last, and
/// so may who signed a text and who reads it here.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// Kept apart from other numbers for being exact: two large ids must not become one.
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

impl Value {
    pub fn read(text: &str) -> Result<Self, JsonError> {
        serde_json::from_str(text).map_err(|error| JsonError { line: error.line(), column: error.column() })
    }

    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// A number, which is finite in JSON.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Whole(number) => Some(number as f64),
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// What may stand for a claim in a room's name: a text that is not empty, or a whole number.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Self::Whole(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// Whether a claim can be compared with it: it is a text, a boolean, or a number not so large that its neighbours are
    /// read as the same.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Text(_) | Self::Bool(_) | Self::Whole(_) => true,
            Self::Number(number) => number.abs() < MAX_EXACT,
            Self::Null | Self::List(_) | Self::Object(_) => false,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // 1.0 is 1, so that the spelling of a number is no matter where it is compared.
        let is_whole = value.fract() == 0.0 && value.abs() < MAX_EXACT;
        Ok(if is_whole { Value::Whole(value as i64) } else { Value::Number(value) })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = entries.next_entry()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, Value};

    fn read(text: &str) -> Value {
        Value::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_however_it_is_spelled_and_however_deep() {
        for text in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","sub":"a"}"#,
            r#"{"sub":"a","s\u0075b":"b"}"#,
            r#"{"a":[{"b":{"c":1,"d":2,"c":3}}]}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert!(Value::read(text).is_err(), "{text}");
        }
        assert_eq!(Value::read("{\"a\":1,\n \"a\":2}"), Err(JsonError { line: 2, column: 7 }));
        assert!(Value::read(r#"{"sub":"a","Sub":"b","a":{"sub":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}{}",
            "{},",
            "[1,]",
            "{a:1}",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e400",
            "01",
            "+1",
            ".5",
            "0x10",
            "'a'",
            "\"\\ud800\"",
            "\u{feff}{}",
            "{}\0",
            "// {}",
        ] {
            assert!(Value::read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Value::read(&nested(127)).is_ok());
        assert!(Value::read(&nested(128)).is_err());
        assert!(Value::read(&"[".repeat(1 << 20)).is_err());
        assert!(Value::read(&r#"{"a":"#.repeat(1 << 16)).is_err());
    }

    #[test]
    fn a_number_is_one_value_in_any_spelling_and_a_whole_one_is_exact() {
        for (text, value) in [
            ("1", Value::Whole(1)),
            ("1.0", Value::Whole(1)),
            ("1e0", Value::Whole(1)),
            ("-0", Value::Whole(0)),
            ("0.5", Value::Number(0.5)),
            ("9007199254740993", Value::Whole(9_007_199_254_740_993)),
            ("9223372036854775807", Value::Whole(i64::MAX)),
            ("9223372036854775808", Value::Number(9_223_372_036_854_775_808.0)),
            ("-9223372036854775808", Value::Whole(i64::MIN)),
            ("1e300", Value::Number(1e300)),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn texts_and_whole_numbers_may_stand_in_a_name() {
        for (text, name) in [
            (r#""auth0|1""#, Some("auth0|1")),
            ("\"\"", None),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("9223372036854775807", Some("9223372036854775807")),
            ("9223372036854775808", None),
            ("0.5", None),
            ("true", None),
            ("null", None),
            (r#"["a"]"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(text).name().as_deref(), name, "{text}");
        }
    }
}
