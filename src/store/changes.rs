//! A TinyBase change, read from its text and borrowing from it.
//!
//! ```text
//! [ [{table: [{row: [{cell: [value, hlc]}, hlc]}, hlc]}, hlc],  [{value: [value, hlc]}, hlc],  1 ]
//! ```
//!
//! An HLC may be missing wherever it is empty. The nodes lie flat, level by level, and a parent names the range of its
//! children: reading a change of a thousand cells allocates four times.
//!
//! What is read takes several times its text in memory. So a long change is read in *parts*, of which there is one at a
//! time: once to see whether it can be read at all, and once more to merge it. (Of a key that stands twice in it, in
//! different parts, both are merged. No client writes such a text, and the stamps decide.)

use crate::hlc::Hlc;
use crate::json::reader::Cursor;
use crate::json::{ReadError, Reader, embedded};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Range;

/// How *undefined* travels in JSON text: what a deleted cell or value holds.
pub(super) const UNDEFINED: &str = "\u{fffc}";
pub(super) const UNDEFINED_TEXT: &str = "\"\u{fffc}\"";

/// How the text of an object or array begins, where it is a value.
const OBJECT_START: &str = "\"\u{fffd}";

/// Up to this many ids are compared pair by pair to find one that stands twice.
const FEW: usize = 16;

/// A change, or any part of one.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    pub(super) tables_hlc: Hlc,
    pub(super) values_hlc: Hlc,
    pub(super) values: Vec<CellChange<'a>>,
    pub(super) tables: Vec<Branch<'a>>,
    rows: Vec<Branch<'a>>,
    cells: Vec<CellChange<'a>>,
    not_canonical: bool,
    /// Where the rows of the table begin that is being read, and the cells of the row.
    begun: (usize, usize),
}

/// How many tables, rows and cells, or values, are read whole: what is longer is read in parts. Each takes some hundred bytes.
pub(super) const LONG: usize = 32 << 10;
/// How many a part has.
pub(super) const PART: usize = 8 << 10;

/// Takes the parts of a change, which have so much in them.
type Sink<'s, 'a> = Option<(usize, &'s mut dyn FnMut(&Changes<'a>))>;

/// A cell or value as it arrives.
#[derive(Debug)]
pub(super) struct CellChange<'a> {
    pub id: Cow<'a, str>,
    /// The value's canonical JSON text; empty for a deletion.
    pub value: Cow<'a, str>,
    pub hlc: Hlc,
    /// Whether the value bears the mark of an object and holds none: TinyBase would throw whenever it is read.
    pub is_malformed: bool,
}

/// A table or row as it arrives.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub id: Cow<'a, str>,
    pub hlc: Hlc,
    children: Range<usize>,
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

impl<'a> Changes<'a> {
    /// Reads `[tables, values, 1]`, or the same without the 1.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        Self::read_whole(reader, &mut None)
    }

    /// Reads the same, unless it is long: then it has been read, and is to be [read in parts](Self::read_in_parts).
    pub fn read_unless_long(reader: &mut Reader<'a>) -> Result<Option<Self>, ReadError> {
        let mut is_long = false;
        let rest = Self::read_whole(reader, &mut Some((LONG, &mut |_| is_long = true)))?;
        Ok((!is_long).then_some(rest))
    }

    /// Reads a change in parts. Where it cannot be read, the parts before the fault have been taken.
    pub fn read_in_parts(reader: &mut Reader<'a>, mut take: impl FnMut(&Self)) -> Result<(), ReadError> {
        let rest = Self::read_whole(reader, &mut Some((PART, &mut take)))?;
        take(&rest);
        Ok(())
    }

    /// Reads a text that is a change and nothing else, in parts where it is long. Of one that cannot be read none is taken.
    pub fn read_text(text: &'a str, mut take: impl FnMut(&Self)) -> Result<(), ReadError> {
        let mut reader = Reader::new(text);
        let whole = Self::read_unless_long(&mut reader)?;
        reader.end()?;
        match whole {
            Some(changes) => take(&changes),
            None => Self::read_in_parts(&mut Reader::new(text), take)?,
        }
        Ok(())
    }

    fn read_whole(reader: &mut Reader<'a>, sink: &mut Sink<'_, 'a>) -> Result<Self, ReadError> {
        const CHANGE: &str = "a change `[tables, values, 1]`";
        let mut changes = Self::default();
        let mut cursor = reader.array(CHANGE)?;
        reader.expect_element(&mut cursor, CHANGE)?;
        changes.read_tables(reader, sink)?;
        reader.expect_element(&mut cursor, CHANGE)?;
        changes.read_values(reader, sink)?;
        if reader.element(&mut cursor)? {
            let ahead = reader.clone();
            if reader.hash("1 at the end of a change")? != 1 {
                return Err(ahead.error("1 at the end of a change"));
            }
            reader.close(&cursor, "the end of a change")?;
        }
        changes.not_canonical |= !reader.is_compact();
        Ok(changes)
    }

    /// Reads a stamp of tables alone, or of values. If it has more than so many tables, rows and cells, or values, it is handed
    /// over in parts, and what follows them is the answer.
    pub fn read_stamp(
        reader: &mut Reader<'a>,
        of_values: bool,
        part: usize,
        mut take: impl FnMut(&Self),
    ) -> Result<Self, ReadError> {
        let mut changes = Self::default();
        let sink: &mut Sink<'_, 'a> = &mut Some((part, &mut take));
        if of_values {
            changes.read_values(reader, sink)?;
        } else {
            changes.read_tables(reader, sink)?;
        }
        Ok(changes)
    }

    /// A change of nothing but the tables' own HLC.
    pub fn of_tables_hlc(hlc: Hlc) -> Self {
        Self { tables_hlc: hlc, not_canonical: true, ..Self::default() }
    }

    /// A change of nothing but the values' own HLC.
    pub fn of_values_hlc(hlc: Hlc) -> Self {
        Self { values_hlc: hlc, not_canonical: true, ..Self::default() }
    }

    /// The tables' own HLC.
    pub fn tables_hlc(&self) -> Hlc {
        self.tables_hlc
    }

    /// Whether the text is fit to be passed on and stored as it came: nothing in it stands twice, is empty, carries a
    /// hash or is set apart by white space.
    pub fn is_canonical(&self) -> bool {
        !self.not_canonical
    }

    /// How long the longest of its values is, in bytes of its JSON text.
    pub fn longest_value(&self) -> usize {
        self.cells.iter().chain(&self.values).map(|cell| cell.value.len()).max().unwrap_or(0)
    }

    /// The newest of its stamps.
    pub fn newest(&self) -> Hlc {
        let branches = self.tables.iter().chain(&self.rows).map(|branch| branch.hlc);
        let cells = self.cells.iter().chain(&self.values).map(|cell| cell.hlc);
        branches.chain(cells).fold(self.tables_hlc.max(self.values_hlc), Hlc::max)
    }

    /// How many cells and values are in it.
    pub fn len(&self) -> usize {
        self.cells.len() + self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn rows(&self, table: &Branch<'a>) -> &[Branch<'a>] {
        self.rows.get(table.children.clone()).unwrap_or_default()
    }

    pub(super) fn cells(&self, row: &Branch<'a>) -> &[CellChange<'a>] {
        self.cells.get(row.children.clone()).unwrap_or_default()
    }

    /// Hands over what has been read so far, where that is a part: with the table and the row that are being read. Their
    /// stamps, which stand at their ends, come with a later part.
    fn hand_over(&mut self, sink: &mut Sink<'_, 'a>, branches: [Option<&Cow<'a, str>>; 2]) {
        let Some((part, take)) = sink else { return };
        if self.cells.len() + self.rows.len() + self.tables.len() + self.values.len() < *part {
            return;
        }
        let [table, row] = branches;
        if let Some(id) = row {
            self.rows.push(Branch { id: id.clone(), hlc: Hlc::EMPTY, children: self.begun.1..self.cells.len() });
        }
        if let Some(id) = table {
            self.tables.push(Branch { id: id.clone(), hlc: Hlc::EMPTY, children: self.begun.0..self.rows.len() });
        }
        take(self);
        self.tables.clear();
        self.rows.clear();
        self.cells.clear();
        self.values.clear();
        self.begun = (0, 0);
    }

    fn read_tables(&mut self, reader: &mut Reader<'a>, sink: &mut Sink<'_, 'a>) -> Result<(), ReadError> {
        const TABLES: &str = "a stamp of tables `[{…}, hlc]`";
        let mut stamp = reader.array(TABLES)?;
        reader.expect_element(&mut stamp, TABLES)?;
        let mut tables = reader.object("an object of tables")?;
        while let Some(id) = reader.key(&mut tables)? {
            let table = self.read_table(reader, id, sink)?;
            self.tables.push(table);
            self.hand_over(sink, [None, None]);
        }
        self.not_canonical |= keep_last_of_each(&mut self.tables, 0);
        self.not_canonical |= leave_out_empty(&mut self.tables, 0);
        self.tables_hlc = self.read_hlc(reader, &mut stamp)?;
        Ok(())
    }

    fn read_table(
        &mut self,
        reader: &mut Reader<'a>,
        id: Cow<'a, str>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<Branch<'a>, ReadError> {
        const TABLE: &str = "a stamp of a table `[{…}, hlc]`";
        self.begun.0 = self.rows.len();
        let mut stamp = reader.array(TABLE)?;
        reader.expect_element(&mut stamp, TABLE)?;
        let mut rows = reader.object("an object of rows")?;
        while let Some(row) = reader.key(&mut rows)? {
            let row = self.read_row(reader, &id, row, sink)?;
            self.rows.push(row);
            self.hand_over(sink, [Some(&id), None]);
        }
        let start = self.begun.0;
        self.not_canonical |= keep_last_of_each(&mut self.rows, start);
        self.not_canonical |= leave_out_empty(&mut self.rows, start);
        let hlc = self.read_hlc(reader, &mut stamp)?;
        Ok(Branch { id, hlc, children: start..self.rows.len() })
    }

    fn read_row(
        &mut self,
        reader: &mut Reader<'a>,
        table: &Cow<'a, str>,
        id: Cow<'a, str>,
        sink: &mut Sink<'_, 'a>,
    ) -> Result<Branch<'a>, ReadError> {
        const ROW: &str = "a stamp of a row `[{…}, hlc]`";
        self.begun.1 = self.cells.len();
        let mut stamp = reader.array(ROW)?;
        reader.expect_element(&mut stamp, ROW)?;
        let mut cells = reader.object("an object of cells")?;
        while let Some(cell) = reader.key(&mut cells)? {
            let cell = self.read_cell(reader, cell, "a stamp of a cell `[value, hlc]`")?;
            self.cells.push(cell);
            self.hand_over(sink, [Some(table), Some(&id)]);
        }
        let start = self.begun.1;
        self.not_canonical |= keep_last_of_each(&mut self.cells, start);
        let hlc = self.read_hlc(reader, &mut stamp)?;
        Ok(Branch { id, hlc, children: start..self.cells.len() })
    }

    fn read_values(&mut self, reader: &mut Reader<'a>, sink: &mut Sink<'_, 'a>) -> Result<(), ReadError> {
        const VALUES: &str = "a stamp of values `[{…}, hlc]`";
        let mut stamp = reader.array(VALUES)?;
        reader.expect_element(&mut stamp, VALUES)?;
        let mut values = reader.object("an object of values")?;
        while let Some(id) = reader.key(&mut values)? {
            let value = self.read_cell(reader, id, "a stamp of a value `[value, hlc]`")?;
            self.values.push(value);
            self.hand_over(sink, [None, None]);
        }
        self.not_canonical |= keep_last_of_each(&mut self.values, 0);
        self.values_hlc = self.read_hlc(reader, &mut stamp)?;
        Ok(())
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
        let hlc = self.read_hlc(reader, &mut stamp)?;
        Ok(CellChange { id, is_malformed: is_malformed(&value), value, hlc })
    }

    /// Reads the rest of a stamp behind its first element.
    fn read_hlc(&mut self, reader: &mut Reader<'a>, stamp: &mut Cursor) -> Result<Hlc, ReadError> {
        const HLC: &str = "an HLC of 16 characters, or an empty string";
        let mut hlc = Hlc::EMPTY;
        if reader.element(stamp)? {
            let ahead = reader.clone();
            let text = reader.string(HLC)?;
            if text == UNDEFINED {
                self.not_canonical = true;
            } else {
                hlc = Hlc::parse(&text).map_err(|_| ReadError { found: "another string", ..ahead.error(HLC) })?;
            }
            if reader.element(stamp)? {
                reader.hash("a hash behind the HLC")?;
                self.not_canonical = true;
                reader.close(stamp, "the end of a stamp")?;
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

#[cfg(test)]
mod tests {
    use super::Changes;
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
            Changes::read_in_parts(&mut Reader::new(&text), |part| {
                count += 1;
                assert!(part.len() <= super::PART);
                parts.merge(part, MergePolicy::STORED, |_| {});
            })
            .unwrap();
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
