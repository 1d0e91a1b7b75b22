//! What did not fit into an answer: it follows as changes, some at a time, with other events in between, and no further
//! ahead of the client than it reads.

use super::{ConnectionId, Room};
use crate::store::Place;
use crate::sync::Step;
use crate::wire::message::RequestId;
use crate::wire::{self, MessageType, ROOM_ID};

impl Room {
    /// Notes the rows that a client is still to get. One that has not finished its first load would drop them, and gets
    /// them when it says that it has.
    pub(super) fn owe(&mut self, to: ConnectionId, rows: Vec<Place>) {
        let Some(connection) = self.connections.get_mut(&to).filter(|_| !rows.is_empty()) else { return };
        let mut owed = Vec::from(std::mem::take(&mut connection.owed));
        owed.extend(rows);
        // Of a row that two answers owe the longer part is sent.
        owed.sort_unstable();
        owed.dedup_by(|later, kept| later.is_in_row_of(*kept));
        connection.owed = owed.into();
        if connection.synced {
            self.line_up(to);
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
            return;
        }
        self.flush(now_ms);
        let Some(connection) = self.connections.get_mut(&to) else { return };
        let rows = connection.owed.iter().flat_map(|&start| self.store.places_of_row(start));
        let mut places = rows.peekable();
        let change = self.store.next_changes_text(&mut places, self.settings.change_bytes);
        match places.peek().copied() {
            Some(next) => {
                drop(places);
                while connection.owed.front().is_some_and(|&start| !start.is_in_row_of(next)) {
                    connection.owed.pop_front();
                }
                if let Some(front) = connection.owed.front_mut() {
                    *front = next;
                }
                self.catching_up.push_back(to);
            }
            None => {
                drop(places);
                connection.owed.clear();
            }
        }
        let done = connection.owed.is_empty();
        if let Some(change) = change {
            let body = wire::message::text(&RequestId(None), MessageType::ContentDiff, &change);
            self.send_text(to, wire::envelope::seal(ROOM_ID, &body));
        }
        if done {
            self.ask(to, Step::Hashes, "\"\"");
        }
    }
}
