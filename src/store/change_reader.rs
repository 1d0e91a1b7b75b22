//! Reads a change, or a stamp of tables or of values, from its text.
//!
//! What is read takes several times its text in memory, and to merge it takes time. So a long text is read in *parts*, of
//! which there is one at a time: once to see whether it can be read at all, and once more to merge it. Between two parts
//! others may have their turn. (Of a key that stands twice in it, in different parts, both are merged. No client writes such a
//! text, and the stamps decide.)

use super::changes::{Branch, CellChange, Changes, UNDEFINED, UNDEFINED_TEXT};
use crate::hlc::Hlc;
use crate::json::reader::Cursor;
use crate::json::{ReadError, Reader, embedded};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::BuildHasher;

const CHANGE: &str = "a change `[tables, values, 1]`";
const TABLES: &str = "a stamp of tables `[{…}, hlc]`";
const TABLE: &str = "a stamp of a table `[{…}, hlc]`";
const ROW: &str = "a stamp of a row `[{…}, hlc]`";
const VALUES: &str = "a stamp of values `[{…}, hlc]`";

/// How the text of an object or array begins, where it is a value.
const OBJECT_START: &str = "\"\u{fffd}";

/// Up to this many ids are compared pair by pair to find one that stands twice.
const FEW: usize = 16;

/// How much is read at a time: it ends with the first table, row, cell, value or hash that reaches one of these.
#[derive(Clone, Copy, Debug)]
pub struct PartLimits {
    /// How many tables, rows and cells, or values, or hashes.
    pub nodes: usize,
    /// How many bytes of text.
    pub bytes: usize,
}

impl PartLimits {
    /// All there is.
    pub const NONE: Self = Self { nodes: usize::MAX, bytes: usize::MAX };
    /// What is read whole: what is longer is read in parts. Each node takes some hundred bytes.
    pub const WHOLE: Self = Self { nodes: 32 << 10, bytes: 4 << 20 };
    /// What is merged at a time: some milliseconds' work.
    pub const PART: Self = Self { nodes: 8 << 10, bytes: 1 << 20 };
}

/// A reader that stands still between two parts.
#[derive(Debug)]
pub struct ChangeReader<'a> {
    what: What,
    level: Level,
    /// The table and the row that are being read.
    table: Cow<'a, str>,
    row: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Change,
    StampOfTables,
    StampOfValues,
}

/// What comes next: something of this, or its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Start,
    Tables,
    Table,
    Row,
    Values,
    Over,
}

impl<'a> ChangeReader<'a> {
    /// Of `[tables, values, 1]`, or the same without the 1.
    pub fn of_change() -> Self {
        Self::new(What::Change)
    }

    /// Of `[{table: …}, hlc]`, or `[{value: …}, hlc]`.
    pub fn of_stamp(of_values: bool) -> Self {
        Self::new(if of_values { What::StampOfValues } else { What::StampOfTables })
    }

    fn new(what: What) -> Self {
        Self { what, level: Level::Start, table: Cow::default(), row: Cow::default() }
    }

    /// Whether all of it has been read.
    pub fn is_over(&self) -> bool {
        self.level == Level::Over
    }

    /// The same, with nothing borrowed from the text.
    pub fn into_owned(self) -> ChangeReader<'static> {
        let [table, row] = [self.table, self.row].map(|id| Cow::Owned(id.into_owned()));
        ChangeReader { what: self.what, level: self.level, table, row }
    }

    /// Reads the next part. The table and the row that go on in the part behind it are in both; their stamps, which stand at
    /// their ends, are in the last.
    pub fn read(&mut self, reader: &mut Reader<'a>, limits: PartLimits) -> Result<Changes<'a>, ReadError> {
        let mut part = Changes::default();
        let end = reader.at().saturating_add(limits.bytes);
        // Where the rows of the table that is being read begin, and the cells of the row.
        let (mut rows, mut cells) = (0, 0);
        // Of what is being read something has been read before.
        let mut cursor = Cursor::behind_an_element(true);
        while self.level != Level::Over {
            match self.level {
                Level::Start => {
                    if self.what == What::Change {
                        let mut change = reader.array(CHANGE)?;
                        reader.expect_element(&mut change, CHANGE)?;
                    }
                    (self.level, cursor) = match self.what {
                        What::Change | What::StampOfTables => (Level::Tables, open_tables(reader)?),
                        What::StampOfValues => (Level::Values, open_values(reader)?),
                    };
                    continue;
                }
                Level::Tables => match reader.key(&mut cursor)? {
                    Some(id) => {
                        (self.level, self.table, rows) = (Level::Table, id, part.rows.len());
                        cursor = open(reader, TABLE, "an object of rows")?;
                        continue;
                    }
                    None => {
                        part.tidy_tables();
                        part.tables_hlc = part.read_hlc(reader)?;
                        self.level = Level::Over;
                        if self.what == What::Change {
                            reader.expect_element(&mut Cursor::behind_an_element(false), CHANGE)?;
                            (self.level, cursor) = (Level::Values, open_values(reader)?);
                        }
                        continue;
                    }
                },
                Level::Table => match reader.key(&mut cursor)? {
                    Some(id) => {
                        (self.level, self.row, cells) = (Level::Row, id, part.cells.len());
                        cursor = open(reader, ROW, "an object of cells")?;
                        continue;
                    }
                    None => {
                        part.tidy_rows(rows);
                        let hlc = part.read_hlc(reader)?;
                        let id = std::mem::take(&mut self.table);
                        part.tables.push(Branch { id, hlc, children: rows..part.rows.len() });
                        self.level = Level::Tables;
                    }
                },
                Level::Row => match reader.key(&mut cursor)? {
                    Some(id) => {
                        let cell = part.read_cell(reader, id, "a stamp of a cell `[value, hlc]`")?;
                        part.cells.push(cell);
                    }
                    None => {
                        part.not_canonical |= keep_last_of_each(&mut part.cells, cells);
                        let hlc = part.read_hlc(reader)?;
                        let id = std::mem::take(&mut self.row);
                        part.rows.push(Branch { id, hlc, children: cells..part.cells.len() });
                        self.level = Level::Table;
                    }
                },
                Level::Values => match reader.key(&mut cursor)? {
                    Some(id) => {
                        let value = part.read_cell(reader, id, "a stamp of a value `[value, hlc]`")?;
                        part.values.push(value);
                    }
                    None => {
                        part.not_canonical |= keep_last_of_each(&mut part.values, 0);
                        part.values_hlc = part.read_hlc(reader)?;
                        self.level = Level::Over;
                        if self.what == What::Change {
                            end_change(reader)?;
                        }
                        continue;
                    }
                },
                Level::Over => {}
            }
            cursor = Cursor::behind_an_element(true);
            if part.nodes() >= limits.nodes || reader.at() >= end {
                break;
            }
        }
        self.put_branches(&mut part, rows, cells);
        part.not_canonical |= !reader.is_compact();
        Ok(part)
    }

    /// Puts what is being read into a part that ends within it.
    fn put_branches(&self, part: &mut Changes<'a>, rows: usize, cells: usize) {
        if self.level == Level::Row {
            part.rows.push(Branch { id: self.row.clone(), hlc: Hlc::EMPTY, children: cells..part.cells.len() });
        }
        if matches!(self.level, Level::Row | Level::Table) {
            part.tables.push(Branch { id: self.table.clone(), hlc: Hlc::EMPTY, children: rows..part.rows.len() });
        }
    }
}

fn open_tables(reader: &mut Reader) -> Result<Cursor, ReadError> {
    open(reader, TABLES, "an object of tables")
}

fn open_values(reader: &mut Reader) -> Result<Cursor, ReadError> {
    open(reader, VALUES, "an object of values")
}

/// Enters a stamp and the object in it.
fn open(reader: &mut Reader, expected: &'static str, inside: &'static str) -> Result<Cursor, ReadError> {
    let mut stamp = reader.array(expected)?;
    reader.expect_element(&mut stamp, expected)?;
    reader.object(inside)
}

/// Reads what stands behind the values.
fn end_change(reader: &mut Reader) -> Result<(), ReadError> {
    const END: &str = "1 at the end of a change";
    let mut change = Cursor::behind_an_element(false);
    if !reader.element(&mut change)? {
        return Ok(());
    }
    let ahead = reader.clone();
    if reader.hash(END)? != 1 {
        return Err(ahead.error(END));
    }
    reader.close(&change, "the end of a change")
}

impl<'a> Changes<'a> {
    fn nodes(&self) -> usize {
        self.cells.len() + self.rows.len() + self.tables.len() + self.values.len()
    }

    fn tidy_tables(&mut self) {
        self.not_canonical |= keep_last_of_each(&mut self.tables, 0);
        self.not_canonical |= leave_out_empty(&mut self.tables, 0);
    }

    fn tidy_rows(&mut self, start: usize) {
        self.not_canonical |= keep_last_of_each(&mut self.rows, start);
        self.not_canonical |= leave_out_empty(&mut self.rows, start);
    }

    fn read_cell(
        &mut self,
        reader: &mut Reader<'a>,
        id: Cow<'a, str>,
        expected: &'static str,
    ) -> Result<CellChange<'a>, ReadError> {
        let mut stamp = reader.array(expected)?;
        reader.expect_element(&mut stamp, expected)?;
        let mut value = reader.scalar("a string, a finite number, a boolean or null as the value")?;
        if value == UNDEFINED_TEXT {
            value = Cow::Borrowed("");
        }
        let hlc = self.read_hlc(reader)?;
        Ok(CellChange { id, is_malformed: is_malformed(&value), value, hlc })
    }

    /// Reads the rest of a stamp behind its first element.
    fn read_hlc(&mut self, reader: &mut Reader<'a>) -> Result<Hlc, ReadError> {
        const HLC: &str = "an HLC of 16 characters, or an empty string";
        let mut stamp = Cursor::behind_an_element(false);
        let mut hlc = Hlc::EMPTY;
        if reader.element(&mut stamp)? {
            let ahead = reader.clone();
            let text = reader.string(HLC)?;
            if text == UNDEFINED {
                self.not_canonical = true;
            } else {
                hlc = Hlc::parse(&text).map_err(|_| ReadError { found: "another string", ..ahead.error(HLC) })?;
            }
            if reader.element(&mut stamp)? {
                reader.hash("a hash behind the HLC")?;
                self.not_canonical = true;
                reader.close(&stamp, "the end of a stamp")?;
            }
        }
        Ok(hlc)
    }
}

fn is_malformed(value: &str) -> bool {
    let object = value.strip_prefix(OBJECT_START).and_then(|rest| rest.strip_suffix('"'));
    object.is_some_and(|object| !embedded::is_json(object))
}

/// TinyBase's hashes change when it merges an empty row or table again and again, so one is never passed on.
/// Answers whether there were any.
fn leave_out_empty(branches: &mut Vec<Branch>, start: usize) -> bool {
    let is_empty = |branch: &Branch| branch.children.is_empty();
    if !branches.iter().skip(start).any(is_empty) {
        return false;
    }
    let mut new = branches.split_off(start);
    new.retain(|branch| !is_empty(branch) || !branch.hlc.is_empty());
    branches.append(&mut new);
    true
}

/// Keeps, of the items from `start` on which share an id, the last: what `JSON.parse` makes of a key that stands twice.
/// Answers whether there were any.
fn keep_last_of_each<T: Named>(items: &mut Vec<T>, start: usize) -> bool {
    let new = items.get(start..).unwrap_or_default();
    if new.len() <= FEW {
        let same = |(index, item): (usize, &T)| new.iter().skip(index + 1).any(|other| item.id() == other.id());
        if !new.iter().enumerate().any(same) {
            return false;
        }
    }
    let ids: Vec<&str> = new.iter().map(Named::id).collect();
    let Some(mut overridden) = overridden(&ids).map(Vec::into_iter) else { return false };
    let mut new = items.split_off(start);
    new.retain(|_| !overridden.next().unwrap_or(false));
    items.append(&mut new);
    true
}

/// Which of these ids stand again further on; `None` where none does.
fn overridden(ids: &[&str]) -> Option<Vec<bool>> {
    let hasher = FixedState::default();
    let mut fingerprints: Vec<u64> = ids.iter().map(|id| hasher.hash_one(id)).collect();
    fingerprints.sort_unstable();
    if fingerprints.windows(2).all(|pair| !matches!(pair, [one, other] if one == other)) {
        return None;
    }
    let mut behind = BTreeSet::new();
    let overridden = ids.iter().rev().map(|id| !behind.insert(*id));
    let mut overridden: Vec<bool> = overridden.collect();
    overridden.reverse();
    overridden.contains(&true).then_some(overridden)
}

/// What stands under an id.
trait Named {
    fn id(&self) -> &str;
}

impl Named for CellChange<'_> {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Branch<'_> {
    fn id(&self) -> &str {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::{ChangeReader, Changes, PartLimits};
    use crate::json::Reader;
    use crate::store::{MergePolicy, Store};

    fn read(text: &str) -> Result<Changes<'_>, String> {
        Changes::read(&mut Reader::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_is_read() {
        let many: String = (0..40).map(|n| format!("\"c{}\":[{n}],", n % 39)).collect();
        let text = format!(r#"[[{{"t":[{{"r":[{{{many}"a":[1]}}]}}],"u":[{{"r":[{{"a":[1],"a":[2]}}]}}]}}],[{{}}],1]"#);
        let changes = read(&text).unwrap();
        assert!(!changes.is_canonical());
        let cells = |table: usize| changes.cells(&changes.rows(&changes.tables[table])[0]);
        assert_eq!(cells(0).len(), 40);
        assert_eq!(cells(0)[0].id, "c1");
        assert_eq!(cells(0)[38].value, "39");
        assert_eq!((cells(1).len(), &*cells(1)[0].value), (1, "2"));
    }

    /// A change of so many tables, rows in each, cells in each of those, and values, with a stamp at each level.
    fn long(tables: usize, rows: usize, cells: usize, values: usize) -> String {
        const HLC: &str = "\"Nn1JUUz-Bnw8Hhqe\"";
        let join = |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<Vec<_>>().join(",");
        let cell = |n| format!("\"c{n}\":[{n},{HLC}]");
        let row = |n| format!("\"r{n}\":[{{{}}},{HLC}]", join(cells, &cell));
        let table = |n| format!("\"t{n}\":[{{{}}},{HLC}]", join(rows, &row));
        format!("[[{{{}}},{HLC}],[{{{}}},{HLC}],1]", join(tables, &table), join(values, &cell))
    }

    #[test]
    fn in_parts_a_change_is_the_same_and_none_is_long() {
        for (tables, rows, cells, values) in [
            (1, 1, 80_000, 0),
            (1, 80_000, 1, 1),
            (80_000, 1, 1, 0),
            (3, 100, 250, 20_000),
            (0, 0, 0, 80_000),
            (3, 32_768, 0, 0),
        ] {
            let text = long(tables, rows, cells, values);
            let (mut whole, mut parts) = (Store::new(1), Store::new(2));
            whole.merge(&read(&text).unwrap(), MergePolicy::STORED, |_| {});
            let mut count = 0;
            let (mut reader, mut at) = (ChangeReader::of_change(), 0);
            while !reader.is_over() {
                let mut here = Reader::resume(&text, at);
                let part = reader.read(&mut here, PartLimits::PART).unwrap();
                (reader, at, count) = (reader.into_owned(), here.at(), count + 1);
                assert!(part.len() <= PartLimits::PART.nodes);
                parts.merge(&part, MergePolicy::STORED, |_| {});
            }
            assert_eq!(parts.content_text(), whole.content_text());
            assert!(count > 2, "{count} parts");
        }
    }

    #[test]
    fn of_a_long_text_with_a_fault_at_its_end_no_part_is_taken() {
        let text = long(1, 100_000, 1, 0).replace(",1]", ",2]");
        let mut parts = 0;
        let error = Changes::read_text(&text, |_| parts += 1).unwrap_err();
        assert_eq!((error.expected, parts), ("1 at the end of a change", 0));
    }

    #[test]
    fn what_is_no_change_is_refused_with_the_place_and_the_reason() {
        for (text, error) in [
            ("[[{}]]", "at byte 5: expected a change `[tables, values, 1]`, found a closing bracket"),
            ("[[{}],[{}],2]", "at byte 11: expected 1 at the end of a change, found a number"),
            ("[[[]],[{}],1]", "at byte 2: expected an object of tables, found an array"),
            (
                r#"[[{}],[{"v":[{}]}],1]"#,
                "at byte 13: expected a string, a finite number, a boolean or null as the value, found an object",
            ),
            (
                r#"[[{}],[{"v":[1,"x"]}],1]"#,
                "at byte 15: expected an HLC of 16 characters, or an empty string, found another string",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn empty_rows_and_tables_are_left_out() {
        let changes = read(r#"[[{"t":[{"r":[{}]}],"u":[{}]}],[{}],1]"#).unwrap();
        assert!(changes.tables.is_empty());
        assert!(!changes.is_canonical());
    }
}
