//! Children by their ids, in the order of their arrival.

use super::list::List;
use super::names::Names;
use super::size::Size;
use foldhash::fast::FixedState;

/// A map that only grows. Its ids lie apart from its children, so that what deals with ids alone is compiled once.
#[derive(Debug)]
pub(super) struct Map<V> {
    ids: Names,
    children: List<V>,
}

impl<V> Map<V> {
    pub fn new(hasher: FixedState) -> Self {
        Self { ids: Names::new(hasher), children: List::default() }
    }

    pub fn len(&self) -> usize {
        self.children.len()
    }

    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.ids.iter()
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.children.iter()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.keys().zip(self.values())
    }

    pub fn get_index_of(&self, id: &str) -> Option<usize> {
        self.ids.find(id)
    }

    pub fn get_full(&self, id: &str) -> Option<(usize, &V)> {
        let position = self.ids.find(id)?;
        Some((position, self.children.get(position)?))
    }

    pub fn id(&self, position: usize) -> Option<&str> {
        self.ids.get(position)
    }

    pub fn get(&self, position: usize) -> Option<&V> {
        self.children.get(position)
    }

    pub fn get_index(&self, position: usize) -> Option<(&str, &V)> {
        Some((self.id(position)?, self.get(position)?))
    }

    pub fn get_mut(&mut self, position: usize) -> Option<&mut V> {
        self.children.get_mut(position)
    }

    /// Puts a child behind the others, under an id that none has yet, and answers its position.
    pub fn add(&mut self, id: &str, child: V, size: &mut Size) -> usize {
        self.children.push(child, size);
        self.ids.add(id, size)
    }
}
