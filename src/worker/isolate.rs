//! The rooms that are in one isolate's memory, and what their contents take together.
//!
//! The runtime puts many objects into one isolate, which has 128 MB for all of them, and takes them out of memory when they
//! have been idle for a while, or later. Where they come to more than three quarters of `ISOLATE_MEMORY_BYTES`, those that
//! were used longest ago let go of their contents, and load them again at their next event: to a room that is like
//! hibernation, and so it is only done where that would do no harm, which is where no timer is set and nothing is on its way
//! to the disk. Their sockets stay open. What they take is counted after each event, and after each row while a room is
//! loaded, so the sum is exact, and costs nothing but a scan of the rooms whenever it is too large.
//!
//! Objects that have left memory are among those that were used longest ago. JavaScript's garbage collector tells of them
//! late.

use super::object::{NOT_LOADED, Shell};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Which part of the memory is left for what comes and goes: texts, and the gaps that contents leave behind.
const SPARE: usize = 4;

thread_local! {
    /// The objects in this isolate's memory, by their ids.
    static AWAKE: RefCell<Vec<(String, Weak<Shell>)>> = RefCell::default();
    /// What their contents take, in bytes.
    static BYTES: Cell<usize> = const { Cell::new(0) };
    /// How many events there have been.
    static EVENTS: Cell<u64> = const { Cell::new(0) };
}

/// What one room has of it.
#[derive(Default)]
pub(super) struct Share {
    bytes: Cell<usize>,
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

    fn set(&self, bytes: usize) -> usize {
        let before = self.bytes.replace(bytes);
        let total = BYTES.try_with(|total| {
            total.set(total.get() + bytes - before);
            total.get()
        });
        total.unwrap_or_default()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
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
                shell.share.set(0);
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
                shell.share.set(0);
            }
        }
    });
}
