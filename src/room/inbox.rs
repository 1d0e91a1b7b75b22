//! What has come and is not read yet, or not wholly.
//!
//! A message that takes long to read and to merge is taken in part by part, and others have their turn in between: their
//! frames, timers, other rooms. What the same client sends meanwhile waits behind it, so that each is heard in the order in
//! which it speaks; of several that wait each has its turn.
//!
//! Where too much waits, the room takes in nothing until there is less of it: it pauses, and reads on meanwhile.

use super::ConnectionId;
use super::long_message::LongMessage;
use std::collections::VecDeque;
use std::rc::Rc;

/// How much may wait beside the longest, in bytes.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// So many clients have their turns by turns; others wait until one of them has been read. What is known of a message that is
/// begun takes memory too.
const MAX_IN_TURN: usize = 4;
/// What a text takes beside its own bytes, about.
const TEXT_BYTES: usize = 64;

/// The inbox of a room.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// In the order in which they have their turns.
    clients: Vec<Client>,
    /// What all texts take.
    bytes: usize,
}

/// A client, and what it has sent that is not read yet: at least one text. Only the first may be begun.
#[derive(Debug)]
struct Client {
    id: ConnectionId,
    texts: VecDeque<Unread>,
}

/// A text that is to be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub text: Rc<String>,
    /// Whether its author may write: where that one is gone by the time it is read, nobody else knows.
    pub may_write: bool,
    /// How far it has been read, if it is known to be long.
    pub begun: Option<Box<LongMessage>>,
}

impl Unread {
    fn bytes(&self) -> usize {
        self.text.len() + TEXT_BYTES
    }
}

impl Inbox {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// What it takes in memory, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is something of a client's.
    pub fn holds_of(&self, id: ConnectionId) -> bool {
        self.clients.iter().any(|client| client.id == id)
    }

    /// Whether more waits than may.
    pub fn is_full(&self) -> bool {
        let firsts = self.clients.iter().filter_map(|client| client.texts.front());
        self.bytes - firsts.map(Unread::bytes).max().unwrap_or(0) > MAX_WAITING_BYTES
    }

    /// Puts in what a client has sent: behind all else of its own, or before it, where it has been begun. What is handed in again
    /// is put in once.
    pub fn put(&mut self, id: ConnectionId, unread: Unread) {
        let known = self.clients.iter().position(|client| client.id == id);
        let known = known.and_then(|position| self.clients.get_mut(position));
        let is_it = |other: Option<&Unread>| other.is_some_and(|other| Rc::ptr_eq(&other.text, &unread.text));
        if known.as_ref().is_some_and(|client| is_it(client.texts.front()) || is_it(client.texts.back())) {
            return;
        }
        self.bytes += unread.bytes();
        match known {
            Some(client) if unread.begun.is_some() => client.texts.push_front(unread),
            Some(client) => client.texts.push_back(unread),
            None => self.clients.push(Client { id, texts: VecDeque::from([unread]) }),
        }
    }

    /// Puts back what has been read in part, before all else of its client's.
    pub fn put_back(&mut self, id: ConnectionId, unread: Unread) {
        self.bytes += unread.bytes();
        match self.clients.iter_mut().find(|client| client.id == id) {
            Some(client) => client.texts.push_front(unread),
            None => self.line_up(Client { id, texts: VecDeque::from([unread]) }),
        }
    }

    /// Takes out what is to be read next, and whose it is: that one's next turn is after all others'.
    pub fn take(&mut self) -> Option<(ConnectionId, Unread)> {
        let client = self.clients.first_mut()?;
        let (id, next) = (client.id, client.texts.pop_front()?);
        self.bytes -= next.bytes();
        let client = self.clients.remove(0);
        if !client.texts.is_empty() {
            self.line_up(client);
        }
        Some((id, next))
    }

    fn line_up(&mut self, client: Client) {
        self.clients.insert(self.clients.len().min(MAX_IN_TURN - 1), client);
    }

    /// Forgets what a client sent.
    pub fn forget(&mut self, id: ConnectionId) {
        if let Some(position) = self.clients.iter().position(|client| client.id == id) {
            let client = self.clients.swap_remove(position);
            client.texts.iter().for_each(|unread| self.bytes -= unread.bytes());
        }
    }

    /// Begins anew with all of it: what was found out by the places where something lay holds no more.
    pub fn start_over(&mut self) {
        self.clients.iter_mut().filter_map(|client| client.texts.front_mut()).for_each(|first| first.begun = None);
    }
}

#[cfg(test)]
mod tests {
    use super::{Inbox, MAX_IN_TURN, MAX_WAITING_BYTES, TEXT_BYTES, Unread};
    use crate::room::ConnectionId;
    use crate::room::long_message::{Kind, LongMessage};
    use fastrand::Rng;
    use std::rc::Rc;

    fn unread(text: impl Into<String>) -> Unread {
        Unread { text: Rc::new(text.into()), may_write: true, begun: None }
    }

    #[test]
    fn each_client_has_its_turn_and_is_read_in_order() {
        let mut random = Rng::with_seed(1);
        let [a, b, c] = [(); 3].map(|()| ConnectionId::new(&mut random));
        let mut inbox = Inbox::default();
        for (from, text) in [(a, "a1"), (a, "a2"), (b, "b1"), (c, "c1"), (b, "b2")] {
            inbox.put(from, unread(text));
        }
        let mut read = Vec::new();
        for turn in 0..8 {
            let Some((from, mut next)) = inbox.take() else { break };
            read.push(next.text.to_string());
            if turn < 3 {
                next.begun = Some(Box::new(LongMessage::new(Kind::Change, 0, 0)));
                inbox.put_back(from, next);
            }
        }
        assert_eq!(read, ["a1", "b1", "c1", "a1", "b1", "c1", "a2", "b2"]);
        assert!(inbox.is_empty());
        assert_eq!(inbox.bytes, 0);
    }

    #[test]
    fn a_few_have_their_turns_and_others_when_one_of_them_has_been_read() {
        let mut random = Rng::with_seed(1);
        let ids: Vec<_> = (0..MAX_IN_TURN + 2).map(|_| ConnectionId::new(&mut random)).collect();
        let mut inbox = Inbox::default();
        ids.iter().for_each(|id| inbox.put(*id, unread("x")));
        let mut turns = Vec::new();
        for turn in 0..20 {
            let (id, next) = inbox.take().unwrap();
            turns.push(ids.iter().position(|other| *other == id).unwrap());
            if turn != 10 {
                inbox.put_back(id, next);
            }
        }
        assert_eq!(turns, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 4, 3, 0, 1, 4, 3]);
    }

    #[test]
    fn what_is_being_read_does_not_wait_and_what_is_handed_in_again_waits_once() {
        let from = ConnectionId::new(&mut Rng::with_seed(1));
        let (mut inbox, text) = (Inbox::default(), Rc::new("x".repeat(MAX_WAITING_BYTES - TEXT_BYTES)));
        inbox.put(from, unread("x".repeat(2 * MAX_WAITING_BYTES)));
        for _ in 0..2 {
            inbox.put(from, Unread { text: text.clone(), may_write: true, begun: None });
        }
        assert!(!inbox.is_full());
        inbox.put(from, unread("x"));
        assert!(inbox.is_full());
        inbox.forget(from);
        assert!(inbox.is_empty() && inbox.bytes == 0);
    }
}
