//! JSON as a tree. Its strings and numbers stay texts, so that comparing trees compares every byte but the order of keys.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use tinyroom::json::{ReadError, Reader};

/// A JSON text taken apart. Of a key that stands twice the last counts, as in JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Object(BTreeMap<String, Json>),
    Array(Vec<Json>),
    /// The canonical text of a string with its quotes, a number, or a word.
    Scalar(String),
}

impl Json {
    /// Reads a text in any spelling.
    pub fn read(text: &str) -> Self {
        Self::try_read(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Reads what may be no JSON.
    pub fn try_read(text: &str) -> Result<Self, ReadError> {
        Self::parse(text, false)
    }

    /// Reads a text that must be spelled as JavaScript spells it.
    pub fn exact(text: &str) -> Self {
        Self::parse(text, true).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub fn object(&self) -> &BTreeMap<String, Self> {
        let Self::Object(object) = self else { panic!("no object: {self}") };
        object
    }

    pub fn array(&self) -> &[Self] {
        let Self::Array(array) = self else { panic!("no array: {self}") };
        array
    }

    pub fn scalar(&self) -> &str {
        let Self::Scalar(text) = self else { panic!("no scalar: {self}") };
        text
    }

    /// Where two trees differ first, and what stands there.
    pub fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            _ if self == other => None,
            (Self::Object(one), Self::Object(two)) => {
                let keys = one.keys().chain(two.keys().filter(|key| !one.contains_key(*key)));
                keys.into_iter().find_map(|key| difference_at(&format!("{key:?}"), one.get(key), two.get(key)))
            }
            (Self::Array(one), Self::Array(two)) => {
                let length = one.len().max(two.len());
                (0..length).find_map(|index| difference_at(&index.to_string(), one.get(index), two.get(index)))
            }
            _ => Some(format!(": {self} is not {other}")),
        }
    }

    fn parse(text: &str, exact: bool) -> Result<Self, ReadError> {
        let mut reader = Reader::new(text);
        let json = parse(&mut reader, exact)?;
        reader.end()?;
        Ok(json)
    }
}

impl Display for Json {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        match self {
            Self::Object(object) => {
                formatter.write_str("{")?;
                for (index, (key, value)) in object.iter().enumerate() {
                    write!(formatter, "{}\"{key}\":{value}", if index > 0 { "," } else { "" })?;
                }
                formatter.write_str("}")
            }
            Self::Array(array) => {
                formatter.write_str("[")?;
                for (index, value) in array.iter().enumerate() {
                    write!(formatter, "{}{value}", if index > 0 { "," } else { "" })?;
                }
                formatter.write_str("]")
            }
            Self::Scalar(text) => formatter.write_str(text),
        }
    }
}

fn difference_at(place: &str, one: Option<&Json>, two: Option<&Json>) -> Option<String> {
    match (one, two) {
        (Some(one), Some(two)) => one.difference(two).map(|rest| format!(" › {place}{rest}")),
        (Some(one), None) => Some(format!(" › {place}: {one} stands only in the first")),
        (None, Some(two)) => Some(format!(" › {place}: {two} stands only in the second")),
        (None, None) => None,
    }
}

fn parse(reader: &mut Reader, exact: bool) -> Result<Json, ReadError> {
    const ANY: &str = "any JSON";
    Ok(match reader.peek() {
        Some(b'{') => {
            let mut object = BTreeMap::new();
            let mut cursor = reader.object(ANY)?;
            loop {
                let start = reader.at();
                let Some(key) = reader.key(&mut cursor)? else { break };
                let key = key.into_owned();
                let comma = if object.is_empty() { "" } else { "," };
                assert!(
                    !exact || reader.slice_from(start) == format!("{comma}\"{key}\":"),
                    "{}",
                    reader.slice_from(start)
                );
                let twice = object.insert(key, parse(reader, exact)?).is_some();
                assert!(!exact || !twice, "a key stands twice before {}", reader.at());
            }
            Json::Object(object)
        }
        Some(b'[') => {
            let mut array = Vec::new();
            let mut cursor = reader.array(ANY)?;
            while reader.element(&mut cursor)? {
                array.push(parse(reader, exact)?);
            }
            Json::Array(array)
        }
        _ => {
            let start = reader.at();
            let scalar = reader.scalar(ANY)?.into_owned();
            assert!(
                !exact || scalar == reader.slice_from(start),
                "{} should be spelled {scalar}",
                reader.slice_from(start)
            );
            Json::Scalar(scalar)
        }
    })
}
