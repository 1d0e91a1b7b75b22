//! What has come and is not read yet, or not wholly.
//!
//! A message that takes long to read and to merge is taken in part by part, and others have their turn in between: their
//! frames, timers, other rooms. What the same client sends meanwhile waits behind it, so that each is heard in the order in
//! which it speaks; of several that wait each has its turn.
//!
//! Where too much waits, the room takes in nothing until there is less of it: it pauses, and reads on meanwhile.

use super::ConnectionId;
use super::long_message::LongMessage;
use std::rc::Rc;

/// How much may wait beside the longest, in bytes.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// The inbox of a room.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Those of one client in order.
    texts: Vec<Unread>,
    /// The number of the last turn that was given to anyone.
    turn: u64,
}

/// A text that is to be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub from: ConnectionId,
    pub text: Rc<String>,
    /// How far it has been read, if it is known to be long.
    pub begun: Option<LongMessage>,
    /// The number of its author's next turn.
    turn: u64,
}

impl Inbox {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether there is something of a client's.
    pub fn holds_of(&self, from: ConnectionId) -> bool {
        self.first_of(from) < self.texts.len()
    }

    /// Whether more waits than may.
    pub fn is_full(&self) -> bool {
        let (mut bytes, mut longest) = (0, 0);
        for Unread { text, .. } in &self.texts {
            bytes += text.len();
            longest = longest.max(text.len());
        }
        bytes - longest > MAX_WAITING_BYTES
    }

    /// Puts in what has just come, once where it is handed in again: behind all else that its author sent, or before it, where it
    /// has been begun.
    pub fn push(&mut self, from: ConnectionId, text: &Rc<String>, begun: Option<LongMessage>) {
        if self.texts.iter().any(|unread| Rc::ptr_eq(&unread.text, text)) {
            return;
        }
        let first = self.first_of(from);
        let turn = self.texts.get(first).map(|unread| unread.turn);
        let turn = turn.unwrap_or_else(|| self.next_turn());
        let at = if begun.is_some() { first } else { self.texts.len() };
        self.texts.insert(at, Unread { from, text: text.clone(), begun, turn });
    }

    /// Takes out what is to be read next. Whoever sent it has its next turn after all others.
    pub fn take(&mut self) -> Option<Unread> {
        let (mut next, mut first) = (0, u64::MAX);
        for (index, unread) in self.texts.iter().enumerate() {
            if unread.turn < first {
                (next, first) = (index, unread.turn);
            }
        }
        if next >= self.texts.len() {
            return None;
        }
        let mut next = self.texts.remove(next);
        next.turn = self.next_turn();
        self.texts.iter_mut().filter(|unread| unread.from == next.from).for_each(|unread| unread.turn = next.turn);
        Some(next)
    }

    /// Puts in what has been begun: before all else that its author sent.
    pub fn put_back(&mut self, begun: Unread) {
        self.texts.insert(self.first_of(begun.from), begun);
    }

    /// Forgets what a client sent.
    pub fn forget(&mut self, from: ConnectionId) {
        self.texts.retain(|unread| unread.from != from);
    }

    /// Begins anew with all of it: what was found out by the places where something lay holds no more.
    pub fn start_over(&mut self) {
        self.texts.iter_mut().for_each(|unread| unread.begun = None);
    }

    /// Where the first text of a client is, or the end if there is none.
    fn first_of(&self, from: ConnectionId) -> usize {
        self.texts.iter().position(|unread| unread.from == from).unwrap_or(self.texts.len())
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

#[cfg(test)]
mod tests {
    use super::{Inbox, MAX_WAITING_BYTES};
    use crate::room::ConnectionId;
    use fastrand::Rng;
    use std::rc::Rc;

    #[test]
    fn each_client_has_its_turn_and_is_read_in_order() {
        let mut random = Rng::with_seed(1);
        let [a, b, c] = [(); 3].map(|()| ConnectionId::new(&mut random));
        let mut inbox = Inbox::default();
        for (from, text) in [(a, "a1"), (a, "a2"), (b, "b1"), (c, "c1"), (b, "b2")] {
            inbox.push(from, &Rc::new(text.to_owned()), None);
        }
        let mut read = Vec::new();
        for turn in 0..8 {
            let Some(next) = inbox.take() else { break };
            read.push(next.text.to_string());
            if turn < 3 {
                inbox.put_back(next);
            }
        }
        assert_eq!(read, ["a1", "b1", "c1", "a1", "b1", "c1", "a2", "b2"]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn what_is_being_read_does_not_wait_and_what_is_handed_in_again_waits_once() {
        let from = ConnectionId::new(&mut Rng::with_seed(1));
        let (mut inbox, text) = (Inbox::default(), Rc::new("x".repeat(MAX_WAITING_BYTES)));
        inbox.push(from, &Rc::new("x".repeat(2 * MAX_WAITING_BYTES)), None);
        inbox.push(from, &text, None);
        inbox.push(from, &text, None);
        assert!(!inbox.is_full());
        inbox.push(from, &Rc::new("x".to_owned()), None);
        assert!(inbox.is_full());
    }
}
