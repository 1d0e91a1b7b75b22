//! The hashes with which a client says what it holds: `{table: hash}`, `{table: {row: hash}}` or
//! `{table: {row: {cell: hash}}}`.
//!
//! A tree takes several times its text in memory. So of a long question only those names are kept that the store knows: the
//! rest has no answer. (Of a name that stands twice in it the first counts. No client writes such a text.)

use super::row::Row;
use super::{Store, Table};
use crate::json::{ReadError, Reader};
use std::borrow::Cow;
use std::ops::Range;

const HASH: &str = "a hash, an integer from 0 to 4294967295";

/// How many names there may be in a tree that is not long.
const LONG: usize = 32 << 10;

/// A tree of hashes, read from its text and borrowing from it.
#[derive(Debug, Default)]
pub struct HashTree<'a> {
    pub(super) nodes: Vec<HashNode<'a>>,
    top: Range<usize>,
    /// Whether nothing is kept any more, since there are too many names.
    is_long: bool,
}

/// A node: a leaf has a hash, another has children.
#[derive(Debug)]
pub(super) struct HashNode<'a> {
    pub id: Cow<'a, str>,
    pub hash: u32,
    children: Range<usize>,
}

/// Which names are kept.
#[derive(Clone, Copy)]
enum Names<'s> {
    All,
    /// As long as there are no more than [`LONG`].
    Few,
    Tables(&'s Store),
    Rows(&'s Store, &'s Table),
    /// Of a row, or the values.
    Cells(&'s Store, &'s Row),
    None,
}

impl<'s> Names<'s> {
    /// How many there can be.
    fn len(self) -> usize {
        match self {
            Self::Tables(store) => store.tables.len(),
            Self::Rows(_, table) => table.rows.len(),
            Self::Cells(_, row) => row.cells().len(),
            Self::All | Self::Few | Self::None => 0,
        }
    }

    /// Where one of these lies, and which are kept below it.
    fn find(self, id: &str) -> Option<(usize, Self)> {
        match self {
            Self::Tables(store) => {
                let position = store.tables.get_index_of(id)?;
                Some((position, Self::Rows(store, store.tables.get_index(position)?.1)))
            }
            Self::Rows(store, table) => {
                let position = table.rows.get_index_of(id)?;
                Some((position, Self::Cells(store, table.rows.get_index(position)?.1)))
            }
            Self::Cells(store, row) => Some((row.find(store.ids.get(id)?)?, Self::None)),
            Self::All | Self::Few | Self::None => None,
        }
    }
}

impl Store {
    /// Reads a tree of one to three levels, and keeps of it what names tables, rows and cells that there are.
    pub fn known_hashes<'a>(&self, text: &'a str, levels: u8) -> Result<HashTree<'a>, ReadError> {
        HashTree::read_names(&mut Reader::new(text), levels, Names::Tables(self))
    }

    /// Reads a tree of one level, and keeps of it what names values that there are.
    pub fn known_value_hashes<'a>(&self, text: &'a str) -> Result<HashTree<'a>, ReadError> {
        HashTree::read_names(&mut Reader::new(text), 1, Names::Cells(self, &self.values))
    }
}

impl<'a> HashTree<'a> {
    /// Reads a tree of one to three levels.
    pub fn read(reader: &mut Reader<'a>, levels: u8) -> Result<Self, ReadError> {
        Self::read_names(reader, levels, Names::All)
    }

    /// Reads the same, unless it is long: then it has been read, and its [known names](Store::known_hashes) can be.
    pub fn read_unless_long(reader: &mut Reader<'a>, levels: u8) -> Result<Option<Self>, ReadError> {
        let tree = Self::read_names(reader, levels, Names::Few)?;
        Ok((!tree.is_long).then_some(tree))
    }

    fn read_names(reader: &mut Reader<'a>, levels: u8, names: Names) -> Result<Self, ReadError> {
        let mut tree = Self::default();
        tree.top = tree.read_level(reader, levels, names)?;
        Ok(tree)
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

    /// Reads one object. Its nodes are set down behind those of the levels below it, so that they lie together.
    fn read_level(&mut self, reader: &mut Reader<'a>, levels: u8, names: Names) -> Result<Range<usize>, ReadError> {
        let mut level = Vec::new();
        let mut seen = vec![false; names.len()];
        let mut cursor = reader.object("an object of hashes")?;
        while let Some(id) = reader.key(&mut cursor)? {
            let below = match names {
                Names::All | Names::Few => Some(names),
                _ => names.find(&id).and_then(|(position, below)| {
                    let is_new = !std::mem::replace(seen.get_mut(position)?, true);
                    is_new.then_some(below)
                }),
            };
            let node = if levels > 1 {
                let children = self.read_level(reader, levels - 1, below.unwrap_or(Names::None))?;
                HashNode { id, hash: 0, children }
            } else {
                HashNode { id, hash: reader.hash(HASH)?, children: 0..0 }
            };
            self.is_long |= matches!(names, Names::Few) && self.nodes.len() + level.len() >= LONG;
            if self.is_long {
                self.nodes = Vec::new();
                level = Vec::new();
            } else if below.is_some() {
                level.push(node);
            }
        }
        let start = self.nodes.len();
        self.nodes.append(&mut level);
        Ok(start..self.nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{HashTree, LONG};
    use crate::json::Reader;
    use crate::store::{Changes, MergePolicy, Store};

    /// Names that begin with these letters, and how often.
    fn names(of: &[(&str, usize)], below: &str) -> String {
        let names = of.iter().flat_map(|(id, count)| (0..*count).map(move |n| format!("\"{id}{n}\":{below}")));
        format!("{{{}}}", names.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn a_question_is_long_by_how_many_names_there_are_in_it() {
        let is_long =
            |text: &str, levels| HashTree::read_unless_long(&mut Reader::new(text), levels).unwrap().is_none();
        assert!(!is_long(&names(&[("t", LONG)], "0"), 1));
        assert!(is_long(&names(&[("t", LONG + 1)], "0"), 1));
        assert!(is_long(&names(&[("t", 2)], &names(&[("r", LONG / 2)], "0")), 2));
        assert!(is_long(&names(&[("t", LONG)], &names(&[("r", 1)], "{}")), 3));
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
            let tree = store.known_hashes(&text, levels).unwrap();
            assert_eq!(tree.nodes.len(), kept, "{levels} levels");
            assert!(tree.nodes.capacity() <= 16);
        }
        assert_eq!(store.known_value_hashes(&names(&[("v", 100_000)], "1")).unwrap().nodes.len(), 1);
        let error = store.known_hashes(&names(&[("x", 100_000)], "-1"), 1).unwrap_err();
        assert_eq!(error.expected, super::HASH);
    }
}
