//! The one timer of an object.

use super::bindings;
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;

/// A timer that is set for the earliest time it was asked for.
pub(super) struct Timer {
    callback: Closure<dyn Fn()>,
    due_ms: Cell<Option<u64>>,
    running: RefCell<Option<JsValue>>,
    is_held: Cell<bool>,
}

impl Timer {
    pub fn new(callback: Closure<dyn Fn()>) -> Self {
        Self { callback, due_ms: Cell::new(None), running: RefCell::default(), is_held: Cell::new(false) }
    }

    /// Sees to it that the callback is called at `due_ms` at the latest. If nothing is due it stops: while a timer runs the
    /// runtime keeps the object in memory.
    pub fn set(&self, due_ms: Option<u64>, now_ms: u64) {
        let Some(due_ms) = due_ms.filter(|_| !self.is_held.get()) else { return self.stop() };
        if self.due_ms.get().is_some_and(|set_ms| set_ms <= due_ms) {
            return;
        }
        self.stop();
        self.due_ms.set(Some(due_ms));
        *self.running.borrow_mut() = Some(bindings::set_timeout(&self.callback, due_ms.saturating_sub(now_ms)));
    }

    /// The callback is called.
    pub fn on_fired(&self) {
        self.due_ms.set(None);
        self.running.borrow_mut().take();
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
        self.due_ms.set(None);
        if let Some(running) = self.running.borrow_mut().take() {
            bindings::clear_timeout(&running);
        }
    }
}
