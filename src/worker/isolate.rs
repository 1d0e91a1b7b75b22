//! The rooms that are in one isolate's memory, and what their contents take together.
//!
//! The runtime puts many objects into one isolate, which has 128 MB for all of them, and takes them out of memory when they
//! have been idle for a while, or later. Where they come to more than three quarters of `ISOLATE_MEMORY_BYTES`, those that
//! were used longest ago let go of their contents, and load them again at their next event: to a room that is like
//! hibernation, and so it is only done where that would do no harm, which is where no timer is set and nothing is on its way
//! to the disk. Their sockets stay open. What they take is counted after each event, and after each row while a room is
//! loaded, so the sum is exact, and costs nothing but a scan of the rooms whenever it is too large.
//!
//! What waits to be read cannot be let go. Where it comes to more than half in all rooms together, the room that is used reads
//! all of its own at once, and others wait for it.
//!
//! Objects that have left memory are among those that were used longest ago. JavaScript's garbage collector tells of them
//! late.

use super::object::{NOT_LOADED, Shell};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::thread::LocalKey;

/// Which part of the memory is left for what comes and goes: texts, and the gaps that contents leave behind.
const SPARE: usize = 4;
/// Which part of the memory may be taken by what waits to be read in all rooms together.
const UNREAD: usize = 2;

thread_local! {
    /// The objects in this isolate's memory, by their ids.
    static AWAKE: RefCell<Vec<(String, Weak<Shell>)>> = RefCell::default();
    /// What their contents take, in bytes.
    static BYTES: Cell<usize> = const { Cell::new(0) };
    /// What of that waits to be read.
    static UNREAD_BYTES: Cell<usize> = const { Cell::new(0) };
    /// How many events there have been.
    static EVENTS: Cell<u64> = const { Cell::new(0) };
}

/// What one room has of it.
#[derive(Default)]
pub(super) struct Share {
    bytes: Cell<usize>,
    unread_bytes: Cell<usize>,
    /// The event in which it was last used.
    used: Cell<u64>,
}

impl Share {
    /// Notes that the room is used, and how much its content takes, in bytes. Where all rooms then take more than their part
    /// of a limit, others let go: those that were used longest ago.
    pub fn take(&self, bytes: usize, limit: usize) {
        let limit = limit - limit / SPARE;
        let _ = EVENTS.try_with(|events| {
            events.set(events.get() + 1);
            self.used.set(events.get());
        });
        if self.set(bytes) > limit {
            make_room(limit, self);
        }
    }

    /// Notes how much waits to be read in the room, in bytes. Answers whether that of all rooms together takes more than its part
    /// of a limit: they cannot let go of it, so none of it may wait any longer.
    pub fn take_unread(&self, bytes: usize, limit: usize) -> bool {
        replace(&self.unread_bytes, bytes, &UNREAD_BYTES) > limit / UNREAD
    }

    fn clear(&self) {
        self.set(0);
        self.take_unread(0, 0);
    }

    fn set(&self, bytes: usize) -> usize {
        replace(&self.bytes, bytes, &BYTES)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Replaces what one room takes of something, and answers what all take together.
fn replace(own: &Cell<usize>, bytes: usize, all: &'static LocalKey<Cell<usize>>) -> usize {
    let before = own.replace(bytes);
    let sum = all.try_with(|all| {
        all.set(all.get() + bytes - before);
        all.get()
    });
    sum.unwrap_or_default()
}

/// Frees what an object holds that has left memory for JavaScript, and has its successor constructed: the garbage collector
/// would tell us late, and a large room be in memory twice until then.
pub(super) fn release_predecessor(id: &str) {
    let _ = AWAKE.try_with(|awake| {
        awake.borrow_mut().retain(|(other, shell)| {
            let Some(shell) = shell.upgrade() else { return false };
            if other == id
                && let Ok(mut room) = shell.room.try_borrow_mut()
            {
                *room = Err(NOT_LOADED.to_owned());
                shell.share.clear();
            }
            other != id
        })
    });
}

/// Notes that an object is in memory.
pub(super) fn enter(id: String, shell: &Rc<Shell>) {
    let _ = AWAKE.try_with(|awake| awake.borrow_mut().push((id, Rc::downgrade(shell))));
}

/// Has the rooms let go that were used longest ago, but for the one that is used now, until they come to no more than this
/// together, in bytes.
fn make_room(limit: usize, now_used: &Share) {
    let _ = AWAKE.try_with(|awake| {
        let mut shells: Vec<_> = awake.borrow().iter().filter_map(|(_, shell)| shell.upgrade()).collect();
        shells.retain(|shell| !std::ptr::eq(&shell.share, now_used) && shell.share.bytes.get() > 0);
        shells.sort_unstable_by_key(|shell| shell.share.used.get());
        for shell in shells {
            if BYTES.try_with(Cell::get).unwrap_or_default() <= limit {
                return;
            }
            if shell.let_go() {
                shell.share.clear();
            }
        }
    });
}
