//! A list that only grows.

use super::size::{Size, allocated, allocated_for};

/// How many items lie together. It is a power of two, so that a position is found without a division.
const CHUNK: usize = 1024;

/// A list of items. A long one lies in chunks, so that it grows without being copied: the old and the new of it would be in
/// memory together for a moment, and the memory of a WebAssembly module never shrinks.
#[derive(Debug)]
pub(super) enum List<T> {
    Short(Vec<T>),
    /// All chunks but the last are full.
    #[expect(clippy::box_collection, reason = "in a box they make no list larger that is short")]
    Long(Box<Vec<Vec<T>>>),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::Short(Vec::new())
    }
}

impl<T> List<T> {
    /// A list with room for so many, up to a chunk.
    pub fn with_room(items: usize, size: &mut Size) -> Self {
        let list = Vec::with_capacity(items.min(CHUNK));
        size.memory += allocated_for(&list);
        Self::Short(list)
    }

    // What is called in many places is not repeated in each: that would be four kilobytes of gzip.
    #[inline(never)]
    pub fn len(&self) -> usize {
        let chunks = self.chunks();
        chunks.last().map_or(0, |last| (chunks.len() - 1) * CHUNK + last.len())
    }

    pub fn is_empty(&self) -> bool {
        self.chunks().first().is_none_or(Vec::is_empty)
    }

    #[inline(never)]
    pub fn get(&self, position: usize) -> Option<&T> {
        self.chunks().get(position / CHUNK)?.get(position % CHUNK)
    }

    #[inline(never)]
    pub fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let chunks = match self {
            Self::Short(list) => std::slice::from_mut(list),
            Self::Long(chunks) => chunks,
        };
        chunks.get_mut(position / CHUNK)?.get_mut(position % CHUNK)
    }

    pub fn iter(&self) -> Iter<'_, T> {
        Iter { chunk: [].iter(), chunks: self.chunks().iter() }
    }

    /// Puts an item behind the others.
    #[inline(never)]
    pub fn push(&mut self, item: T, size: &mut Size) {
        match self {
            Self::Short(list) if list.len() < CHUNK => {
                let length = list.len();
                if length == list.capacity() {
                    size.memory -= allocated_for(list);
                    list.reserve_exact(length.max(1).min(CHUNK - length));
                    size.memory += allocated_for(list);
                }
                list.push(item);
            }
            Self::Short(list) => {
                let chunks = vec![std::mem::take(list), chunk_of(item, size)];
                size.memory += allocated_for(&chunks) + allocated(size_of::<Vec<Vec<T>>>());
                *self = Self::Long(Box::new(chunks));
            }
            Self::Long(chunks) => match chunks.last_mut().filter(|last| last.len() < CHUNK) {
                Some(last) => last.push(item),
                None => {
                    size.memory -= allocated_for(chunks);
                    chunks.push(chunk_of(item, size));
                    size.memory += allocated_for(chunks);
                }
            },
        }
    }

    /// Gives back the room that no item was put in, where the list is short.
    pub fn fit(&mut self, size: &mut Size) {
        if let Self::Short(list) = self {
            size.memory -= allocated_for(list);
            list.shrink_to_fit();
            size.memory += allocated_for(list);
        }
    }

    fn chunks(&self) -> &[Vec<T>] {
        match self {
            Self::Short(list) => std::slice::from_ref(list),
            Self::Long(chunks) => chunks,
        }
    }
}

/// The items of a list. (Flattened, they could be had from both ends, which costs kilobytes of code.)
pub(super) struct Iter<'a, T> {
    chunk: std::slice::Iter<'a, T>,
    chunks: std::slice::Iter<'a, Vec<T>>,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.chunk.next() {
                return Some(item);
            }
            self.chunk = self.chunks.next()?.iter();
        }
    }

    /// Passes over a chunk at a time.
    fn nth(&mut self, mut n: usize) -> Option<&'a T> {
        while n >= self.chunk.len() {
            n -= self.chunk.len();
            self.chunk = self.chunks.next()?.iter();
        }
        self.chunk.nth(n)
    }
}

/// A chunk, with this as its first item.
fn chunk_of<T>(item: T, size: &mut Size) -> Vec<T> {
    let mut chunk = Vec::with_capacity(CHUNK);
    size.memory += allocated_for(&chunk);
    chunk.push(item);
    chunk
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, List};
    use crate::store::size::{Size, allocated, allocated_for};

    #[test]
    fn items_stay_where_they_are_and_what_they_take_is_counted() {
        for room in [0, 3, CHUNK, 9 * CHUNK] {
            let mut size = Size::default();
            let mut list = List::with_room(room, &mut size);
            assert!(list.is_empty());
            for item in 0..3 * CHUNK + 2 {
                assert_eq!((list.len(), list.get(item)), (item, None));
                list.push(item, &mut size);
                assert_eq!(list.get(item), Some(&item));
                let taken = match &list {
                    List::Short(list) => allocated_for(list),
                    List::Long(chunks) => {
                        let lists: usize = chunks.iter().map(allocated_for).sum();
                        lists + allocated_for(chunks) + allocated(size_of_val(&**chunks))
                    }
                };
                assert_eq!(size.memory, taken, "{item} of {room}");
            }
            if let Some(item) = list.get_mut(CHUNK) {
                *item = 7;
            }
            assert_eq!(list.get_mut(3 * CHUNK + 2), None);
            let items: Vec<_> = (0..3 * CHUNK + 2).map(|item| if item == CHUNK { 7 } else { item }).collect();
            assert!(list.iter().eq(&items));
            for from in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 5, 3 * CHUNK + 1, 3 * CHUNK + 2, 9 * CHUNK] {
                assert!(list.iter().skip(from).eq(items.iter().skip(from)), "from {from}");
                assert_eq!(list.iter().nth(from), items.get(from));
            }
        }
    }

    #[test]
    fn a_long_list_takes_a_chunk_more_than_its_items_at_most() {
        let mut size = Size::default();
        let mut list = List::default();
        (0..1_000_000_u32).for_each(|item| list.push(item, &mut size));
        let most = 4 * (1_000_000 + CHUNK) + 1000 * 2 * size_of::<Vec<u32>>() + 16 * 1000;
        assert!((4_000_000..most).contains(&size.memory), "{}", size.memory);
        assert_eq!(size_of::<List<u32>>(), size_of::<Vec<u32>>(), "a row pays nothing for it");
        list.fit(&mut size);
        assert_eq!(list.len(), 1_000_000);
    }

    #[test]
    fn a_short_list_gives_back_what_it_has_to_spare() {
        let mut size = Size::default();
        let mut list = List::with_room(100, &mut size);
        list.push(1_u64, &mut size);
        list.fit(&mut size);
        assert_eq!(size.memory, allocated(8));
    }
}
