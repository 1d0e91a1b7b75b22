//! The hashes with which a client says what it holds: `{table: hash}`, `{table: {row: hash}}` or
//! `{table: {row: {cell: hash}}}`.
//!
//! A tree takes several times its text in memory, and time. So a long text is read in parts, as [changes](super::change_reader)
//! are, and of it only what names something that the store holds is kept: the rest has no answer. (Of a name that stands twice
//! in it the first counts. No client writes such a text.)

use super::Store;
use super::change_reader::PartLimits;
use crate::json::reader::Cursor;
use crate::json::{ReadError, Reader};
use std::borrow::Cow;
use std::ops::Range;

const HASH: &str = "a hash, an integer from 0 to 4294967295";
const OBJECT: &str = "an object of hashes";

/// A tree of hashes.
#[derive(Debug, Default)]
pub struct HashTree<'a> {
    nodes: Vec<HashNode<'a>>,
    top: Range<usize>,
}

/// A node: a leaf has a hash, another has children.
#[derive(Debug)]
pub(super) struct HashNode<'a> {
    pub name: Name<'a>,
    pub hash: u32,
    children: Range<usize>,
}

/// What a node is of.
#[derive(Debug)]
pub(super) enum Name<'a> {
    Id(Cow<'a, str>),
    /// Where it lies in the store.
    Position(u32),
}

impl Name<'_> {
    /// Where it lies in the store, which finds ids by this.
    pub fn position(&self, find: &dyn Fn(&str) -> Option<usize>) -> Option<usize> {
        match self {
            Self::Id(id) => find(id),
            Self::Position(position) => Some(*position as usize),
        }
    }
}

impl<'a> HashTree<'a> {
    /// Reads a tree of one to three levels.
    pub fn read(reader: &mut Reader<'a>, levels: u8) -> Result<Self, ReadError> {
        let mut tree = TreeReader::new(levels, Within::Nothing);
        tree.read(reader, PartLimits::NONE, &|_, id, _| Some((Name::Id(id), Within::Nothing)))?;
        Ok(tree.tree)
    }

    /// Reads the same, unless it is long: of it only [known](KnownHashes) names are to be read.
    pub fn read_unless_long(reader: &mut Reader<'a>, levels: u8) -> Result<Option<Self>, ReadError> {
        let mut tree = TreeReader::new(levels, Within::Nothing);
        tree.read(reader, PartLimits::WHOLE, &|_, id, _| Some((Name::Id(id), Within::Nothing)))?;
        Ok(tree.is_over().then_some(tree.tree))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.top.is_empty()
    }

    pub(super) fn top(&self) -> &[HashNode<'a>] {
        self.nodes.get(self.top.clone()).unwrap_or_default()
    }

    pub(super) fn children(&self, node: &HashNode<'a>) -> &[HashNode<'a>] {
        self.nodes.get(node.children.clone()).unwrap_or_default()
    }
}

/// A reader of what names something that a store holds, which stands still between two parts.
#[derive(Debug)]
pub struct KnownHashes {
    tree: TreeReader<'static>,
}

/// Within what a name stands: nothing that is known, the tables, the rows of one, the cells of a row, or the values.
#[derive(Clone, Copy, Debug)]
enum Within {
    Nothing,
    Tables,
    Rows(u32),
    Cells(u32, u32),
    Values,
}

impl KnownHashes {
    /// Of tables, and rows and cells in them, by one to three levels.
    pub fn of_tables(levels: u8) -> Self {
        Self { tree: TreeReader::new(levels, Within::Tables) }
    }

    /// Of values.
    pub fn of_values() -> Self {
        Self { tree: TreeReader::new(1, Within::Values) }
    }

    /// Whether all of it has been read.
    pub fn is_over(&self) -> bool {
        self.tree.is_over()
    }

    /// Reads the next part.
    pub fn read(&mut self, reader: &mut Reader, store: &Store, limits: PartLimits) -> Result<(), ReadError> {
        self.tree.read(reader, limits, &|within, id, seen| {
            let (position, below) = within.find(store, &id)?;
            if position >= seen.len() {
                seen.resize(position + 1, false);
            }
            let is_new = !std::mem::replace(seen.get_mut(position)?, true);
            is_new.then_some((Name::Position(position as u32), below))
        })
    }

    /// What has been read.
    pub fn finish(self) -> HashTree<'static> {
        self.tree.tree
    }
}

impl Within {
    /// Where something lies, and within what that stands which is below it.
    fn find(self, store: &Store, id: &str) -> Option<(usize, Self)> {
        let rows = |table: u32| Some(&store.tables.get(table as usize)?.rows);
        match self {
            Self::Nothing => None,
            Self::Tables => store.tables.get_index_of(id).map(|position| (position, Self::Rows(position as u32))),
            Self::Rows(table) => {
                rows(table)?.get_index_of(id).map(|position| (position, Self::Cells(table, position as u32)))
            }
            Self::Cells(table, row) => {
                let row = rows(table)?.get(row as usize)?;
                Some((row.find(store.ids.get(id)?)?, Self::Nothing))
            }
            Self::Values => Some((store.values.find(store.ids.get(id)?)?, Self::Nothing)),
        }
    }
}

/// Reads a tree.
#[derive(Debug)]
struct TreeReader<'a> {
    tree: HashTree<'a>,
    levels: u8,
    top: Within,
    /// The objects that are being read, each within the one before.
    open: Vec<Open<'a>>,
    is_begun: bool,
}

#[derive(Debug)]
struct Open<'a> {
    /// What it is below, where that is kept.
    name: Option<Name<'a>>,
    within: Within,
    /// Of what there is, whether its name has been read here.
    seen: Vec<bool>,
    nodes: Vec<HashNode<'a>>,
}

/// As what a name that stands within something is kept, if it is, and within what that stands which is below it.
type Keep<'k, 'a, 'b> = &'k dyn Fn(Within, Cow<'b, str>, &mut Vec<bool>) -> Option<(Name<'a>, Within)>;

impl<'a> TreeReader<'a> {
    fn new(levels: u8, top: Within) -> Self {
        Self { tree: HashTree::default(), levels, top, open: Vec::new(), is_begun: false }
    }

    fn is_over(&self) -> bool {
        self.is_begun && self.open.is_empty()
    }

    /// Reads the next part. The nodes of an object are set down behind those of the levels below it, so that they lie together.
    fn read<'b>(
        &mut self,
        reader: &mut Reader<'b>,
        limits: PartLimits,
        keep: Keep<'_, 'a, 'b>,
    ) -> Result<(), ReadError> {
        let (mut count, end) = (0, reader.at().saturating_add(limits.bytes));
        // Of what is being read something has been read before.
        let mut cursor = Cursor::behind_an_element(true);
        if !std::mem::replace(&mut self.is_begun, true) {
            cursor = reader.object(OBJECT)?;
            self.open.push(Open { name: None, within: self.top, seen: Vec::new(), nodes: Vec::new() });
        }
        let levels = usize::from(self.levels);
        let mut depth = self.open.len();
        while let Some(open) = self.open.last_mut() {
            if let Some(id) = reader.key(&mut cursor)? {
                count += 1;
                let kept = keep(open.within, id, &mut open.seen);
                if depth < levels {
                    cursor = reader.object(OBJECT)?;
                    let (name, within) = kept.map_or((None, Within::Nothing), |(name, within)| (Some(name), within));
                    self.open.push(Open { name, within, seen: Vec::new(), nodes: Vec::new() });
                    depth += 1;
                    continue;
                }
                let hash = reader.hash(HASH)?;
                if let Some((name, _)) = kept {
                    open.nodes.push(HashNode { name, hash, children: 0..0 });
                }
            } else {
                self.close();
                depth -= 1;
                cursor = Cursor::behind_an_element(true);
            }
            if count >= limits.nodes || reader.at() >= end {
                break;
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some(mut closed) = self.open.pop() else { return };
        let start = self.tree.nodes.len();
        self.tree.nodes.append(&mut closed.nodes);
        let children = start..self.tree.nodes.len();
        match (self.open.last_mut(), closed.name) {
            (None, _) => self.tree.top = children,
            (Some(parent), Some(name)) => parent.nodes.push(HashNode { name, hash: 0, children }),
            (Some(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HashTree, KnownHashes};
    use crate::json::{ReadError, Reader};
    use crate::store::{Changes, MergePolicy, PartLimits, Store};

    const LONG: usize = PartLimits::WHOLE.nodes;

    /// Names that begin with these letters, and how often.
    fn names(of: &[(&str, usize)], below: &str) -> String {
        let names = of.iter().flat_map(|(id, count)| (0..*count).map(move |n| format!("\"{id}{n}\":{below}")));
        format!("{{{}}}", names.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn a_question_is_long_by_how_many_names_there_are_in_it() {
        let is_long =
            |text: &str, levels| HashTree::read_unless_long(&mut Reader::new(text), levels).unwrap().is_none();
        assert!(!is_long(&names(&[("t", LONG - 1)], "0"), 1));
        assert!(is_long(&names(&[("t", LONG)], "0"), 1));
        assert!(is_long(&names(&[("t", 2)], &names(&[("r", LONG / 2)], "0")), 2));
        assert!(is_long(&names(&[("t", LONG)], &names(&[("r", 1)], "{}")), 3));
    }

    fn known(mut known: KnownHashes, store: &Store, text: &str, part: usize) -> Result<HashTree<'static>, ReadError> {
        let mut at = 0;
        while !known.is_over() {
            let mut reader = Reader::resume(text, at);
            known.read(&mut reader, store, PartLimits { nodes: part, bytes: usize::MAX })?;
            at = reader.at();
        }
        Ok(known.finish())
    }

    #[test]
    fn of_a_long_question_nothing_is_kept_but_what_there_is_and_nothing_twice() {
        let mut store = Store::new(1);
        let text = r#"[[{"t0":[{"r0":[{"c0":[1],"c1":[2]}],"r1":[{"c0":[3]}]}],"t1":[{}]}],[{"v0":[4]}],1]"#;
        store.merge(&Changes::read(&mut Reader::new(text)).unwrap(), MergePolicy::STORED, |_| {});
        let cells = names(&[("c", 9)], "1");
        for (text, levels, kept) in [
            (names(&[("x", 100_000), ("t", 9)], "1"), 1, 1),
            (names(&[("t", 1); 100_000], "1"), 1, 1),
            (names(&[("t", 1); 100], &names(&[("r", 1000)], "1")), 2, 1 + 2),
            (names(&[("t", 1); 100], &names(&[("r", 3), ("r", 3), ("x", 100)], &cells)), 3, 1 + 2 + 2 + 1),
        ] {
            for part in [1, 7, 1000, usize::MAX] {
                let tree = known(KnownHashes::of_tables(levels), &store, &text, part).unwrap();
                assert_eq!(tree.nodes.len(), kept, "{levels} levels");
                assert!(tree.nodes.capacity() <= 16);
            }
        }
        let values = names(&[("v", 100_000)], "1");
        assert_eq!(known(KnownHashes::of_values(), &store, &values, 1000).unwrap().nodes.len(), 1);
        let error = known(KnownHashes::of_tables(1), &store, &names(&[("x", 100_000)], "-1"), 1000).unwrap_err();
        assert_eq!(error.expected, super::HASH);
    }
}
