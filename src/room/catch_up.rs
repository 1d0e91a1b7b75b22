//! What did not fit into an answer: it follows as changes, some at a time, with other events in between, and no further
//! ahead of the client than it reads.

use super::{ConnectionId, Room};
use crate::store::Place;
use crate::sync::Step;
use crate::wire::message::RequestId;
use crate::wire::{self, MessageType, ROOM_ID};
use std::ops::Range;

/// How many ranges a client may be owed. Of more, neighbours become one: what lies between them is sent to no purpose, and
/// does no harm.
const MAX_OWED_RANGES: usize = 1024;

impl Room {
    /// Notes what a client is still to get. One that has not finished its first load would drop it, and gets it when it
    /// says that it has.
    pub(super) fn owe(&mut self, to: ConnectionId, rest: Vec<Range<Place>>) {
        let Some(connection) = self.connections.get_mut(&to).filter(|_| !rest.is_empty()) else { return };
        let mut owed = union(std::mem::take(&mut connection.owed), rest);
        while owed.len() > MAX_OWED_RANGES {
            let pairs = owed.chunks(2).filter_map(|pair| Some(pair.first()?.start..pair.last()?.end));
            owed = pairs.collect();
        }
        connection.owed = owed.into();
        if connection.synced {
            self.line_up(to);
            self.ask_whether_it_reads(to);
        }
    }

    /// Puts a client in line for what it is owed.
    pub(super) fn line_up(&mut self, to: ConnectionId) {
        if !self.catching_up.contains(&to) {
            self.catching_up.push_back(to);
        }
    }

    /// Sends the next change to the first in line.
    pub(super) fn catch_up(&mut self, now_ms: u64) {
        let Some(to) = self.catching_up.pop_front() else { return };
        if !self.keeps_up(to) {
            // It is in line again as soon as it is heard of.
            return self.watch(to);
        }
        self.flush(now_ms);
        let limit = self.settings.change_bytes.min(self.bytes_to_spare(to));
        let Some(connection) = self.connections.get_mut(&to) else { return };
        let owed = connection.owed.iter().flat_map(|range| self.store.places_in(range.clone()));
        let mut places = owed.peekable();
        let change = self.store.next_changes_text(&mut places, limit);
        let next = places.peek().copied();
        drop(places);
        connection.owed.retain(|range| next.is_some_and(|next| next < range.end));
        if let Some((front, next)) = connection.owed.front_mut().zip(next) {
            front.start = next;
            self.catching_up.push_back(to);
        }
        let done = connection.owed.is_empty();
        if let Some(change) = change {
            if let Err(error) = self.charge_answer(to, change.len(), now_ms) {
                return self.close(to, &error);
            }
            let body = wire::message::text(&RequestId(None), MessageType::ContentDiff, &change);
            self.send_text(to, wire::envelope::seal(ROOM_ID, &body));
        }
        if done {
            self.ask(to, Step::Hashes, "\"\"");
        } else {
            self.ask_whether_it_reads(to);
        }
    }
}

/// What lies in one of two lists of ranges or in the other. Both ascend, and so does what comes of them.
fn union(one: impl IntoIterator<Item = Range<Place>>, other: Vec<Range<Place>>) -> Vec<Range<Place>> {
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
