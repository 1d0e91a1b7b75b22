//! Ids in the order of their arrival.

use super::index::Index;
use super::list::List;
use super::size::{Size, allocated};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// The ids of a map's children: each has one position, and is found by its text.
#[derive(Debug)]
pub(super) struct Names {
    texts: List<Box<str>>,
    index: Index,
}

impl Names {
    pub fn new(hasher: FixedState) -> Self {
        Self { texts: List::default(), index: Index::with_capacity(0, hasher) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    pub fn get(&self, position: usize) -> Option<&str> {
        self.texts.get(position).map(|text| &**text)
    }

    /// Where an id lies. In one place of the code: it is long, and called in many.
    #[inline(never)]
    pub fn find(&self, id: &str) -> Option<usize> {
        let is_it = |position: usize| self.texts.get(position).is_some_and(|text| **text == *id);
        self.index.find(self.index.hasher().hash_one(id), is_it)
    }

    /// Adds an id that is not there yet, and answers its position.
    #[inline(never)]
    pub fn add(&mut self, id: &str, size: &mut Size) -> usize {
        let Self { texts, index } = self;
        let position = texts.len();
        size.memory += allocated(id.len());
        texts.push(id.into(), size);
        let hash_at = |hasher: &FixedState, at: usize| texts.get(at).map_or(0, |text| hasher.hash_one(&**text));
        index.add(position, hash_at, size);
        position
    }
}
