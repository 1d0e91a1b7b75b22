//! What an answer about values shows, [part by part](super::shown).

use super::changes::Changes;
use super::row::Cell;
use super::shown::note_held;
use super::{Place, Store, push_range};
use crate::hash::Fnv;
use crate::hlc::Hlc;
use std::ops::Range;

/// What an answer about values has shown so far.
#[derive(Debug, Default)]
pub struct ShownValues {
    /// Of each value whether the client holds it as it is here, or newer, and whether it was sent.
    held: Vec<bool>,
    sent: Vec<bool>,
    hlc: Hlc,
    /// The hash of what was sent.
    hash: u32,
}

impl ShownValues {
    /// Looks at the next part of the answer, after it has been merged.
    pub fn take(&mut self, store: &Store, part: &Changes) {
        self.hlc = self.hlc.max(part.values_hlc);
        self.sent.resize(store.values.cells().len(), false);
        let (sent, hash) = (&mut self.sent, &mut self.hash);
        note_held(&mut self.held, store, &store.values, &part.values, |position, theirs| {
            let Some(own) = store.values.cells().get(position) else { return };
            if let Some(sent) = sent.get_mut(position).filter(|sent| !**sent) {
                *sent = true;
                *hash ^= store.ids.prefix(own.id).in_row(Cell::new(own.id, &theirs.value, theirs.hlc).hash);
            }
        });
    }

    /// What the client lacks, which has sent all values that it holds.
    pub fn lacking(&self, store: &Store) -> Vec<Range<Place>> {
        let lacking = self.lacking_where(store, |_| true);
        if lacking.is_empty() && store.values.hlc > self.hlc {
            return vec![Place::of_value(0).range()];
        }
        lacking
    }

    /// The same where it has sent only those whose hashes differ from ours, and has reported the hash of all. Where that is
    /// the sum of what it sent and of the rest of ours, it lacks nothing of the rest; else it may lack any of that.
    pub fn lacking_of_differing(&self, store: &Store, reported: Option<u32>) -> Vec<Range<Place>> {
        store.look_at(store.values.cells().len());
        let was_sent = |position: usize| self.sent.get(position).is_some_and(|sent| *sent);
        let rest = store.values.cells().iter().enumerate().filter(|(position, _)| !was_sent(*position));
        let mut sum = rest.fold(self.hash, |sum, (_, cell)| sum ^ store.ids.prefix(cell.id).in_row(cell.hash));
        if !store.values.hlc.is_empty() {
            sum ^= Fnv::new().bytes(store.values.hlc.text().as_bytes()).finish();
        }
        if reported == Some(sum) { self.lacking_where(store, was_sent) } else { self.lacking(store) }
    }

    fn lacking_where(&self, store: &Store, is_asked: impl Fn(usize) -> bool) -> Vec<Range<Place>> {
        let count = store.values.cells().len();
        store.look_at(count);
        let is_held = |position: usize| self.held.get(position).is_some_and(|held| *held);
        let mut lacking = Vec::new();
        for position in (0..count).filter(|position| is_asked(*position) && !is_held(*position)) {
            push_range(&mut lacking, Place::of_value(position).range());
        }
        lacking
    }
}
