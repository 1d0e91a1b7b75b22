//! The one timer of an object.

use super::bindings::Host;
use std::cell::Cell;

/// A timer that is set for the earliest time it was asked for.
pub(super) struct Timer {
    host: Host,
    due_ms: Cell<Option<u64>>,
    is_held: Cell<bool>,
}

impl Timer {
    pub fn new(host: Host) -> Self {
        Self { host, due_ms: Cell::new(None), is_held: Cell::new(false) }
    }

    /// Sees to it that the room is called back at `due_ms` at the latest. If nothing is due it stops: while a timer runs the
    /// runtime keeps the object in memory.
    pub fn set(&self, due_ms: Option<u64>, now_ms: u64) {
        let Some(due_ms) = due_ms.filter(|_| !self.is_held.get()) else { return self.stop() };
        if self.due_ms.get().is_some_and(|set_ms| set_ms <= due_ms) {
            return;
        }
        self.due_ms.set(Some(due_ms));
        self.host.set_timer(due_ms.saturating_sub(now_ms) as f64);
    }

    /// The room is called back.
    pub fn on_fired(&self) {
        self.due_ms.set(None);
    }

    /// Stops the timer, and sets none until it is [let go](Self::release): on some versions of workerd a pause never ends
    /// while a timer of the object is due.
    pub fn hold(&self) {
        self.is_held.set(true);
        self.stop();
    }

    /// Lets the timer be set again.
    pub fn release(&self) {
        self.is_held.set(false);
    }

    fn stop(&self) {
        if self.due_ms.take().is_some() {
            self.host.stop_timer();
        }
    }
}
