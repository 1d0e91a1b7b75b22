//! Edits of those who may read and not write are undone at them, and at nobody else.

use super::corrections::Corrections;
use super::deliver::sealed;
use super::send_window::SendWindow;
use super::{ConnectionId, Output, Room, Session};
use crate::access::Refusal;
use crate::hlc::{AHEAD_MS, Hlc};
use crate::store::{Changes, Path, Place, Store};
use crate::wire::ROOM_ID;

/// How many may hold as much as one may at most.
const READERS: usize = 16;

impl Room {
    /// Undoes what of a reader's change would be merged if it might write. Answers whether there was anything.
    pub(super) fn undo(&mut self, at: ConnectionId, changes: &Changes) -> bool {
        let Some(session) = self.sessions.get_mut(&at) else { return false };
        let (corrections, limit) = (&mut session.corrections, self.settings.limits.corrections_bytes);
        let (mut places, mut absent) = (Vec::new(), Vec::new());
        let before = corrections.bytes();
        self.store.later_in(changes, |later| {
            if corrections.note(&later.path, later.hlc, later.is_same) {
                match later.place {
                    Some(place) => places.push(place),
                    None => absent.push(later.path),
                }
            }
            corrections.bytes() <= limit
        });
        if corrections.bytes() > limit {
            self.close_for_corrections(at);
            return false;
        }
        let after = corrections.bytes();
        // All of a room's are looked at only where there are more.
        if after > before {
            self.bound_corrections();
        }
        let Some(session) = self.sessions.get_mut(&at) else { return false };
        let corrections = &mut session.corrections;
        if before == 0 && after > 0 {
            // When the room wakes it will know of none of this, and what others write there would be dropped.
            self.outputs.push_back(Output::Remember { connection: at, recheck_at_ms: Some(self.clock.wall_ms()) });
        }
        let undoes = !places.is_empty() || !absent.is_empty();
        absent.sort_unstable();
        absent.dedup();
        let absent =
            absent.into_iter().filter_map(|path| Some((path.clone(), corrections.next_hlc(&path, Hlc::EMPTY)?)));
        let absent = absent.collect();
        self.send_restamped(at, absent);
        if !places.is_empty() {
            places.sort_unstable();
            places.dedup();
            self.defer(at, places.into_iter().map(Place::range).collect());
        }
        undoes
    }

    /// Closes whoever holds most of what has been undone, where all together hold too much.
    fn bound_corrections(&mut self) {
        let bytes = |session: &Session| session.corrections.bytes();
        while self.sessions.values().map(bytes).sum::<usize>() > READERS * self.settings.limits.corrections_bytes {
            let most = self.sessions.iter().max_by_key(|(_, session)| bytes(session));
            let Some((&id, _)) = most else { return };
            self.close_for_corrections(id);
        }
    }

    fn close_for_corrections(&mut self, id: ConnectionId) {
        self.close_with(
            id,
            Refusal::NoAccess.close_code(),
            "no access to write in this room, and too much to undo".to_owned(),
        );
    }

    /// Takes out of what is to be sent to a client what it would drop, and sends it that under later stamps.
    pub(super) fn correct(&mut self, to: ConnectionId, places: &mut Vec<Place>) {
        let Some(session) = self.sessions.get_mut(&to).filter(|session| !session.corrections.is_empty()) else {
            return;
        };
        let mut cells = Vec::new();
        places.retain(|&place| {
            let path = self.store.path_at(place);
            let restamped = path.and_then(|path| {
                let hlc = session.corrections.next_hlc(&path, self.store.hlc_at(place))?;
                Some((path, hlc))
            });
            let is_plain = restamped.is_none();
            cells.extend(restamped);
            is_plain
        });
        cells.sort_unstable();
        self.send_restamped(to, cells);
    }

    /// Sends what the room holds under other stamps; what is ahead apart, since a client whose clock has been set back drops it.
    fn send_restamped(&mut self, to: ConnectionId, cells: Vec<(Path, Hlc)>) {
        let now_ms = self.clock.wall_ms();
        let (ahead, rest): (Vec<_>, Vec<_>) = cells.into_iter().partition(|(_, hlc)| hlc.is_future(now_ms, AHEAD_MS));
        let groups = [rest, ahead].into_iter().filter(|cells| !cells.is_empty());
        let texts: Vec<_> = groups.map(|cells| self.store.restamped_text(&cells)).collect();
        for text in sealed(ROOM_ID, &texts) {
            if let Err(error) = self.debit_work(to, text.len()) {
                return self.close(to, &error);
            }
            self.send_text(to, text, SendWindow::on_sent);
        }
    }
}

/// Whether some of these places hold something that a reader would drop.
pub(super) fn touches(corrections: &Corrections, places: &[Place], store: &Store) -> bool {
    let is_corrected = |&place: &Place| store.path_at(place).is_some_and(|path| corrections.contains(&path));
    !corrections.is_empty() && places.iter().any(is_corrected)
}
