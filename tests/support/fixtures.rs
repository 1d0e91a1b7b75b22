//! What the real TinyBase says: see `tests/fixtures/README.md`.

use serde_json::Value;

/// When the clock of the fixtures stands still: 2026-01-01, in milliseconds since 1970.
pub const NOW_MS: u64 = 1_767_225_600_000;

/// When nothing that TinyBase takes at [`NOW_MS`] lies in the future any more, not even for a room.
pub const LATER_MS: u64 = NOW_MS + 5 * 60_000;

/// One named list of a fixture file.
pub fn list(file: &str, name: &str) -> Vec<Value> {
    let path = format!("{}/tests/fixtures/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut lists: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = lists[name].take() else { panic!("{path} has no list {name}") };
    assert!(!cases.is_empty(), "{path}: {name} is empty");
    cases
}

/// A text in a case.
pub fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("no text {key} in {case}"))
}

/// A list of texts in a case.
pub fn texts<'a>(case: &'a Value, key: &str) -> Vec<&'a str> {
    let list = case[key].as_array().unwrap_or_else(|| panic!("no list {key} in {case}"));
    list.iter().map(|text| text.as_str().unwrap()).collect()
}

/// A hash.
pub fn hash(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}
