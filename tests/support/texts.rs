//! Texts that clients send and receive, and the lines in which a [`Harness`] tells of them.

use super::harness::Harness;
use super::stores::{hashes, store_of};

/// A text with stamps in the place of their names, from old to new and from the future, and a tombstone for `@gone`.
pub fn t(template: &str) -> String {
    let (older, old, new) = ("OhqqeV-----Alice", "OhqqeV----0Alice", "OhqqeV----1Bobby");
    let names =
        [("@older", older), ("@old", old), ("@new", new), ("@future", "zzzzzzz----Carol"), ("@gone", "\u{fffc}")];
    if !template.contains('@') {
        return template.to_owned();
    }
    names.into_iter().fold(template.to_owned(), |text, (name, stamp)| text.replace(name, stamp))
}

/// A change of cell `c` in a row of table `t`.
pub fn row(row: &str, value: &str, hlc: &str) -> String {
    t(&format!(r#"[[{{"t":[{{"{row}":[{{"c":[{value},"{hlc}"]}}]}}]}}],[{{}}],1]"#))
}

/// The payload of the hashes of a store with these changes.
pub fn hashes_of(changes: &[&str]) -> String {
    let (tables, values) = hashes(&store_of(changes.iter().copied()));
    format!("[{tables},{values}]")
}

/// A commit with one entry, and whose it is.
pub fn keep(authors: &str, change: &str) -> String {
    format!("keep {authors}: {change}")
}

pub fn relay(from: &str, change: &str) -> String {
    format!("all but {from} < {from}\n[null,3,{change}]")
}

/// A room of three where `a` has just edited, so that a window of a millisecond is open.
pub fn room_in_a_window() -> Harness {
    let mut room = Harness::holding("", &["a", "b", "c"]);
    let first = row("r", "1", "@old");
    room.say("a", &format!("\n[null,3,{first}]"));
    room.expect(&[&keep("a", &first), &relay("a", &first)]);
    assert_eq!(room.timeout_in_ms(), None);
    room
}
