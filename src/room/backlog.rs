//! What a client is still to be sent: what did not fit into an answer, what a comparison has shown it to lack, and changes
//! for which its window had no room.
//!
//! It is kept as ranges of places, not as texts: a cell that changes three times meanwhile is sent once, in its newest
//! state, and what a slow client costs is bounded by the content.

use crate::store::{Place, Store, at_most};
use std::collections::VecDeque;
use std::ops::Range;

/// How many ranges there may be: what lies between two that become one is sent to no purpose, and does no harm.
const MAX_RANGES: usize = 1024;

/// Ranges of places, in order and apart.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    ranges: VecDeque<Range<Place>>,
    /// Whether something has come in, since there was nothing, because the client asked or was compared.
    is_asked_for: bool,
}

impl Backlog {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the client is debited for what it is sent: not where others' edits are all that is in it.
    pub fn is_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Adds ranges, which ascend, that the client asked for or was shown to lack.
    pub fn add(&mut self, ranges: impl IntoIterator<Item = Range<Place>>) {
        self.is_asked_for = true;
        self.add_ranges(ranges);
    }

    /// Adds places, which ascend, of others' edits.
    pub fn add_places(&mut self, places: &[Place]) {
        self.is_asked_for &= !self.is_empty();
        self.add_ranges(places.iter().map(|place| place.range()));
    }

    fn add_ranges(&mut self, ranges: impl IntoIterator<Item = Range<Place>>) {
        let all = union(std::mem::take(&mut self.ranges), ranges);
        self.ranges = at_most(MAX_RANGES, all).into();
    }

    /// How many bytes the next cell in it comes to.
    pub fn next_bytes(&self, store: &Store) -> usize {
        let next = self.ranges.iter().find_map(|range| store.places_in(range.clone()).next());
        next.map_or(0, |place| store.bytes_at(place))
    }

    /// Takes out the next places, whose cells come to about `limit` bytes: one at least, if there is any.
    pub fn take(&mut self, store: &Store, limit: usize) -> Vec<Place> {
        let mut bytes = 0;
        let mut taken = Vec::new();
        while let Some(front) = self.ranges.front_mut() {
            let mut places = store.places_in(front.clone()).peekable();
            while let Some(&place) = places.peek() {
                bytes += store.bytes_at(place);
                if bytes > limit && !taken.is_empty() {
                    front.start = place;
                    return taken;
                }
                taken.push(place);
                places.next();
            }
            drop(places);
            self.ranges.pop_front();
        }
        taken
    }

    /// Forgets everything. Answers whether there was anything.
    pub fn clear(&mut self) -> bool {
        !std::mem::take(self).is_empty()
    }
}

/// What lies in one of two lists of ranges or in the other. Both ascend, and so does what comes of them.
fn union(
    one: impl IntoIterator<Item = Range<Place>>,
    other: impl IntoIterator<Item = Range<Place>>,
) -> Vec<Range<Place>> {
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    let mut all: Vec<Range<Place>> = Vec::new();
    loop {
        let is_others = one.peek().is_none_or(|range| other.peek().is_some_and(|others| others.start < range.start));
        let Some(next) = (if is_others { other.next() } else { one.next() }) else { return all };
        match all.last_mut().filter(|last| next.start <= last.end) {
            Some(last) => last.end = last.end.max(next.end),
            None => all.push(next),
        }
    }
}
