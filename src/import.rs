//! What an earlier server left in a room's storage, imported as changes.
//!
//! | layout | written by | a piece of it |
//! |---|---|---|
//! | one key `store` | the PartyKit server of 2024 | the whole content |
//! | a key for each node | `createDurableObjectStoragePersister` | `<prefix>t"table","row","cell"` → `[value,hlc,hash]` |
//! | one SQL row | `createDurableObjectSqlStoragePersister`, JSON mode | the whole content |
//! | SQL rows for cells | the same, fragmented, up to 8.5 | ids, `[value]`, hlc |
//! | SQL rows for rows | the same, fragmented, from 9 on | ids, `[{cell: [value,hlc,hash]}]`, hlc |
//!
//! Each piece is merged like any change, and hashes are computed anew: what those servers stored of them, right or wrong,
//! is passed over. The old data stays where it is.

use crate::json::{ReadError, Reader, string};
use crate::store::{Changes, Store};

/// Before the text of an object or array where it is the value of a stamp, since TinyBase 8.0.
const OBJECT_MARK: char = '\u{fffd}';
/// How deep in brackets the value of a cell stands in a content, and a value.
const CELL_DEPTH: usize = 8;
const VALUE_DEPTH: usize = 4;

/// A piece of an earlier server's content. Ids are plain text; stamps are JSON text.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// The whole content.
    Content(&'a str),
    /// A row: the object of its cells.
    Row {
        /// The ids of its table and its own.
        ids: [&'a str; 2],
        /// The object of its cells.
        cells: &'a str,
    },
    /// A cell.
    Cell {
        /// The ids of its table, its row and its own.
        ids: [&'a str; 3],
        /// Its stamp.
        stamp: &'a str,
    },
    /// A value.
    Value {
        /// Its id.
        id: &'a str,
        /// Its stamp.
        stamp: &'a str,
    },
    /// The node at a key, without the prefix of the storage.
    Keyed {
        /// The key.
        key: &'a str,
        /// Its stamp.
        stamp: &'a str,
    },
}

/// An import under way.
#[derive(Debug)]
pub struct Import {
    store: Store,
    now_ms: u64,
    left: LeftBehind,
}

/// What was not imported, and stays where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Why pieces could not be read.
    pub unreadable: Vec<ReadError>,
    /// How many stamps lie too far in the future.
    pub future: usize,
    /// How many values have the mark of an object and hold none.
    pub malformed: usize,
}

impl LeftBehind {
    /// Whether everything was imported.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Import {
    /// Begins with an empty store. Stamps too far ahead of `now_ms` are left behind, since clients from 9.3 on would show
    /// nothing of a room that has one, and so are malformed objects, at which clients throw.
    pub fn new(store: Store, now_ms: u64) -> Self {
        Self { store, now_ms, left: LeftBehind::default() }
    }

    /// Imports a piece. One that cannot be read is noted, and left behind where it was.
    pub fn add(&mut self, piece: Piece) {
        if let Some(change) = piece.change()
            && let Err(error) = self.merge(&change)
        {
            self.left.unreadable.push(error);
        }
    }

    /// The store, and what was left behind.
    pub fn finish(self) -> (Store, LeftBehind) {
        (self.store, self.left)
    }

    fn merge(&mut self, change: &str) -> Result<(), ReadError> {
        let mut reader = Reader::new(change);
        let changes = Changes::read(&mut reader)?;
        reader.end()?;
        let merged = self.store.merge_all(&changes, self.now_ms.into());
        self.left.future += merged.future;
        self.left.malformed += merged.malformed;
        Ok(())
    }
}

impl Piece<'_> {
    /// The piece as a change; `None` for a node that holds no value, such as a table's own.
    fn change(&self) -> Option<String> {
        Some(match self {
            Self::Content(content) => with_marked_objects(content),
            Self::Row { ids: [table, row], cells } => row_change(&quoted(table), &quoted(row), cells),
            Self::Cell { ids, stamp } => {
                let [table, row, cell] = ids.map(quoted);
                row_change(&table, &row, &format!("{{{cell}:{stamp}}}"))
            }
            Self::Value { id, stamp } => value_change(&quoted(id), stamp),
            Self::Keyed { key, stamp } => {
                let ids = ids_of(key)?;
                match (key.chars().next()?, ids.as_slice()) {
                    ('t', [table, row, cell]) => row_change(table, row, &format!("{{{cell}:{stamp}}}")),
                    ('v', [value]) => value_change(value, stamp),
                    _ => return None,
                }
            }
        })
    }
}

/// The content with each object and array that is a value written as the text that stands in a stamp for it. TinyBase's
/// own `getMergeableContent` gives them as they are.
fn with_marked_objects(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let (mut depth, mut value_depth, mut start) = (0_usize, CELL_DEPTH, None);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, character) in content.char_indices() {
        if in_string {
            in_string = character != '"' || is_escaped;
            is_escaped = character == '\\' && !is_escaped;
        } else {
            match character {
                '"' => in_string = true,
                ',' if depth == 1 => value_depth = VALUE_DEPTH,
                '[' | '{' => {
                    start = start.or((depth == value_depth).then_some(at));
                    depth += 1;
                }
                ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == value_depth
                        && let Some(object) = start.take().and_then(|start| content.get(start..=at))
                    {
                        text.push_str(&quoted(&format!("{OBJECT_MARK}{object}")));
                        continue;
                    }
                }
                _ => {}
            }
        }
        if start.is_none() {
            text.push(character);
        }
    }
    text
}

/// The ids in a key, as the JSON strings that they are there.
fn ids_of(key: &str) -> Option<Vec<String>> {
    let list = format!("[{}]", key.get(1..)?);
    let mut reader = Reader::new(&list);
    let mut cursor = reader.array("ids").ok()?;
    let mut ids = Vec::new();
    while reader.element(&mut cursor).ok()? {
        ids.push(format!("\"{}\"", reader.string("an id").ok()?));
    }
    reader.end().ok().map(|()| ids)
}

fn row_change(table: &str, row: &str, cells: &str) -> String {
    format!("[[{{{table}:[{{{row}:[{cells}]}}]}}],[{{}}],1]")
}

fn value_change(id: &str, stamp: &str) -> String {
    format!("[[{{}}],[{{{id}:{stamp}}}],1]")
}

fn quoted(id: &str) -> String {
    let mut text = String::from("\"");
    string::escape(id, &mut text);
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::{Import, LeftBehind, OBJECT_MARK, Piece};
    use crate::store::Store;

    fn content(pieces: &[Piece]) -> (String, LeftBehind) {
        let mut import = Import::new(Store::new(1), u64::MAX);
        pieces.iter().for_each(|&piece| import.add(piece));
        let (store, left) = import.finish();
        (store.changes_text(store.places_from(crate::store::Place::START)), left)
    }

    const HLC: &str = "P76YNaS----rNBgs";

    #[test]
    fn every_layout_gives_the_same_content() {
        let stamp = format!("[1,\"{HLC}\",7]");
        let gone = format!("[\"\u{fffc}\",\"{HLC}\",7]");
        let whole =
            format!("[[{{\"t\":[{{\"r\":[{{\"c\":{stamp}}},\"\",7]}},\"\",7]}},\"\",7],[{{\"v\":{gone}}},\"\",7]]");
        let cells = format!("{{\"c\":{stamp}}}");
        let value = Piece::Value { id: "v", stamp: &gone };
        let layouts = [
            vec![Piece::Content(&whole)],
            vec![Piece::Cell { ids: ["t", "r", "c"], stamp: &stamp }, value],
            vec![Piece::Row { ids: ["t", "r"], cells: &cells }, value],
            vec![
                Piece::Keyed { key: "t", stamp: "[0,\"\",7]" },
                Piece::Keyed { key: "t\"t\",\"r\"", stamp: "[0,\"\",7]" },
                Piece::Keyed { key: "t\"t\",\"r\",\"c\"", stamp: &stamp },
                Piece::Keyed { key: "v\"v\"", stamp: &gone },
            ],
        ];
        let expected =
            format!("[[{{\"t\":[{{\"r\":[{{\"c\":[1,\"{HLC}\"]}}]}}]}}],[{{\"v\":[\"\u{fffc}\",\"{HLC}\"]}}],1]");
        for layout in layouts {
            assert_eq!(content(&layout), (expected.clone(), LeftBehind::default()), "{layout:?}");
        }
    }

    #[test]
    fn an_object_that_is_a_value_is_written_as_its_text() {
        let whole = format!(
            r#"[[{{"t":[{{"r":[{{"c":[{{"a":["]}}\"",{{}}]}},"{HLC}",7],"d":["{{",""]}},"",7]}},"",7]}},"",7],[{{"v":[[[]],""],"w":[1]}},"",7]]"#
        );
        let expected = format!(
            r#"[[{{"t":[{{"r":[{{"c":["{OBJECT_MARK}{{\"a\":[\"]}}\\\"\",{{}}]}}","{HLC}"],"d":["{{"]}}]}}]}}],[{{"v":["{OBJECT_MARK}[[]]"],"w":[1]}}],1]"#
        );
        assert_eq!(content(&[Piece::Content(&whole)]), (expected, LeftBehind::default()));
    }

    #[test]
    fn what_cannot_be_read_keeps_nothing_else_from_being_imported() {
        let broken = Piece::Cell { ids: ["t", "r", "c"], stamp: "[{}]" };
        let sound = Piece::Cell { ids: ["t", "\"", "c"], stamp: "[true]" };
        let (text, left) = content(&[broken, sound]);
        assert_eq!(text, "[[{\"t\":[{\"\\\"\":[{\"c\":[true]}]}]}],[{}],1]");
        assert_eq!((left.unreadable.len(), left.future, left.malformed), (1, 0, 0));
    }

    #[test]
    fn an_object_that_is_malformed_is_left_behind_and_counted() {
        let malformed = Piece::Value { id: "v", stamp: &format!("[\"{OBJECT_MARK}{{bad\"]") };
        let sound = Piece::Value { id: "w", stamp: &format!("[\"{OBJECT_MARK}{{}}\"]") };
        let left = LeftBehind { malformed: 1, ..LeftBehind::default() };
        assert_eq!(content(&[malformed, sound]), (format!("[[{{}}],[{{\"w\":[\"{OBJECT_MARK}{{}}\"]}}],1]"), left));
        assert!(!content(&[malformed]).1.is_nothing());
    }
}
