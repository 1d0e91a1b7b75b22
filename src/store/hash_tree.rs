//! The hashes with which a client says what it holds: `{table: hash}`, `{table: {row: hash}}` or
//! `{table: {row: {cell: hash}}}`.

use crate::json::{ReadError, Reader};
use std::borrow::Cow;
use std::ops::Range;

const HASH: &str = "a hash, an integer from 0 to 4294967295";

/// A tree of hashes, read from its text and borrowing from it.
#[derive(Debug, Default)]
pub struct HashTree<'a> {
    pub(super) nodes: Vec<HashNode<'a>>,
    top: Range<usize>,
}

/// A node: a leaf has a hash, another has children.
#[derive(Debug)]
pub(super) struct HashNode<'a> {
    pub id: Cow<'a, str>,
    pub hash: u32,
    children: Range<usize>,
}

impl<'a> HashTree<'a> {
    /// Reads a tree of one to three levels.
    pub fn read(reader: &mut Reader<'a>, levels: u8) -> Result<Self, ReadError> {
        let mut tree = Self::default();
        tree.top = tree.read_level(reader, levels)?;
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
    fn read_level(&mut self, reader: &mut Reader<'a>, levels: u8) -> Result<Range<usize>, ReadError> {
        let mut level = Vec::new();
        let mut cursor = reader.object("an object of hashes")?;
        while let Some(id) = reader.key(&mut cursor)? {
            level.push(if levels > 1 {
                let children = self.read_level(reader, levels - 1)?;
                HashNode { id, hash: 0, children }
            } else {
                HashNode { id, hash: reader.hash(HASH)?, children: 0..0 }
            });
        }
        let start = self.nodes.len();
        self.nodes.append(&mut level);
        Ok(start..self.nodes.len())
    }
}
