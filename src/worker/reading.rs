//! Reading a room over HTTP.
//!
//! What is small is one body. All else is a stream, of which the runtime asks for the next part whenever its client has
//! taken one: no part is made before, and the content is never in memory twice.

use super::bindings::{self, StreamController};
use super::http::{self, Answer};
use super::object::{NOT_LOADED, Shell, now_ms};
use crate::room::Input;
use crate::store::{SnapshotId, Store};

/// Up to what length of its text the content is one body, in bytes.
const ONE_BODY_BYTES: usize = 64 << 10;
const GIVEN_UP: &str = "the room could wait for this reader no longer";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whether there would be an answer.
    Head,
    /// The content.
    Content,
    /// Whether the content is what is stored.
    Verification,
}

impl Shell {
    /// Answers what is asked for, of what is stored.
    pub(super) fn read(&self, wanted: Wanted) -> Answer {
        if let Err(reason) = self.open() {
            return http::unavailable(&reason);
        }
        self.handle(Input::FlushForRead);
        let mut room = self.room.borrow_mut();
        let Ok(open) = &mut *room else { return http::unavailable(NOT_LOADED) };
        if wanted == Wanted::Head {
            return http::head();
        }
        if let Err(retry_after) = open.room.debit_readers() {
            return http::too_many(retry_after);
        }
        if wanted == Wanted::Verification {
            drop(room);
            return self.verify();
        }
        if open.room.store().text_bytes() < ONE_BODY_BYTES {
            return http::data(open.room.store(), &open.faults);
        }
        let reader = open.room.open_reader();
        drop(room);
        self.settle();
        http::stream(&self.host.stream(reader.0)?)
    }

    /// A stream has room for the next part.
    pub(super) fn put_part(&self, reader: SnapshotId, controller: &StreamController) {
        let mut part = String::new();
        match self.read_on(reader, &mut part, controller) {
            Some(is_last) => bindings::put(controller, &part, is_last),
            None => controller.error(GIVEN_UP),
        }
    }

    /// A reader has gone.
    pub(super) fn end_reading(&self, reader: SnapshotId) {
        if let Ok(open) = &mut *self.room.borrow_mut() {
            open.room.close_reader(reader);
        }
        self.settle();
    }

    /// Writes the next part, and answers whether it is the last.
    fn read_on(&self, reader: SnapshotId, part: &mut String, controller: &StreamController) -> Option<bool> {
        let mut room = self.room.borrow_mut();
        let open = room.as_mut().ok()?;
        let mut readers = self.readers.borrow_mut();
        let known = readers.iter().position(|(other, _)| *other == reader);
        if known.is_none() {
            part.push_str(http::BEFORE_DATA);
            readers.push((reader, controller.clone()));
        }
        let is_last = open.room.read_on(reader, part, now_ms())?;
        if is_last {
            http::write_unreadable(part, &open.faults);
            readers.retain(|(other, _)| *other != reader);
        }
        drop((room, readers));
        self.settle();
        Some(is_last)
    }

    /// Gives up the readers whose snapshots are not there any more.
    pub(super) fn give_up_readers(&self) {
        let room = self.room.borrow();
        self.readers.borrow_mut().retain(|(reader, controller)| {
            let is_there = room.as_ref().is_ok_and(|open| open.room.has_reader(*reader));
            if !is_there {
                controller.error(GIVEN_UP);
            }
            is_there
        });
    }

    /// Reads the room back from where it is stored, and goes on with what was read: so a large one is never in memory
    /// twice, unless a snapshot of it is just being written. Answers whether that is what it held.
    fn verify(&self) -> Answer {
        let held = |store: &Store| (store.content_hashes(), store.text_bytes());
        let mut room = self.room.borrow_mut();
        let Ok(open) = &mut *room else { return http::unavailable(NOT_LOADED) };
        let before = held(open.room.store());
        let keep = open.room.is_compacting();
        if !keep {
            open.room.unload();
        }
        let response = match self.disk.load(Store::new(bindings::random_seed()), self.settings.journal, &|_| {}) {
            Ok((store, journal, faults)) => {
                let response = http::verified(held(&store) == before, &faults);
                if !keep {
                    open.room.reload(store, journal);
                    open.faults = faults;
                }
                response
            }
            Err(error) => {
                let reason = error.to_string();
                *room = Err(reason.clone());
                http::unavailable(&reason)
            }
        };
        drop(room);
        // What was to be asked of whom, since places are not where they were, goes out.
        self.handle(Input::Timeout);
        response
    }
}
