//! The one timer of an object.

use super::bindings::Host;
use std::cell::Cell;

/// How long others have at least between two slices of a room's work, in milliseconds: what comes to a room, or leaves it, passes
/// through several turns of the runtime's loop, which would each have to wait for a slice.
const BREATH_MS: u64 = 1;

/// A timer that is set for the earliest time it was asked for.
pub(super) struct Timer {
    host: Host,
    due_ms: Cell<Option<u64>>,
    /// How many pauses hold it.
    holds: Cell<u32>,
}

impl Timer {
    pub fn new(host: Host) -> Self {
        Self { host, due_ms: Cell::new(None), holds: Cell::new(0) }
    }

    /// Sees to it that the room is called back at `due_ms` at the latest. If nothing is due it stops: while a timer runs the
    /// runtime keeps the object in memory.
    pub fn set(&self, due_ms: Option<u64>, now_ms: u64) {
        let Some(due_ms) = due_ms.filter(|_| self.holds.get() == 0) else { return self.stop() };
        if self.due_ms.get().is_some_and(|set_ms| set_ms <= due_ms) {
            return;
        }
        self.due_ms.set(Some(due_ms));
        self.host.set_timer(due_ms.saturating_sub(now_ms).max(BREATH_MS) as f64);
    }

    /// The room is called back.
    pub fn on_fired(&self) {
        self.due_ms.set(None);
    }

    /// Stops the timer, and sets none until it is [let go](Self::release): on some versions of workerd a pause never ends
    /// while a timer of the object is due.
    pub fn hold(&self) {
        self.holds.update(|holds| holds + 1);
        self.stop();
    }

    /// Lets the timer be set again.
    pub fn release(&self) {
        self.holds.update(|holds| holds.saturating_sub(1));
    }

    fn stop(&self) {
        if self.due_ms.take().is_some() {
            self.host.stop_timer();
        }
    }
}
