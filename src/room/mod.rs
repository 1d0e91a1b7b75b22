//! Everybody in one room: inputs in, outputs out.
//!
//! A [`Room`] knows no socket, no disk and no clock. What happens is handed to [`Room::handle`] with the time; what is
//! to be done comes out of [`Room::poll_output`], in order, and [`Room::poll_timeout`] tells when to come back. What a
//! message says goes to disk before anyone hears of it: [`Output::Persist`] comes before every output that depends on it.
//!
//! The room answers for everybody. It holds what every client holds, so questions to all end with it, and what it is
//! told it tells the others.
//!
//! - [`connection`]: who is there
//! - `flush`: changes, from their merge until they are kept and sent
//! - `flow`: how much of the room one client may take
//! - `answer`: questions of clients, and answers to the room's own
//! - `catch_up`: what did not fit into an answer

mod answer;
mod catch_up;
pub mod connection;
mod flow;
mod flush;

pub use connection::ConnectionId;

use crate::journal::{Commit, Journal};
use crate::store::Store;
use crate::sync::{Peer, Step};
use crate::wire::fragments::{Fragment, MAX_ROOM_BYTES};
use crate::wire::message::RequestId;
use crate::wire::{self, Body, Envelope, MAX_TEXT_BYTES, Message, MessageType, ROOM_ID, Recipient, WireError};
use connection::Connection;
use fastrand::Rng;
use flow::Turn;
use flush::Pending;
use indexmap::IndexMap;
use std::collections::VecDeque;

/// How a room behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a new connection has to begin by itself before the room asks for its hashes, in milliseconds. A client
    /// that starts to sync does begin by itself, and the question would only cost it an answer. Default 250.
    pub greet_after_ms: u64,
    /// How long changes may gather at most before they leave together, in milliseconds, whether for the number of sockets
    /// or for a disk that takes its time. Default 50.
    pub max_window_ms: u64,
    /// How much of an answer is sent at once, in bytes, to a client that loads and could do nothing with changes yet; the
    /// rest follows as changes. Clients from 9.3 on take 16 MiB. Default 8 MiB.
    pub load_answer_bytes: usize,
    /// The same to a client that has loaded. It gives up on an answer after a second, and takes changes whenever they come:
    /// over a slow line the first should be short. Default 128 KiB.
    pub answer_bytes: usize,
    /// How long a change may be that the room itself puts together, in bytes. Default 1 MiB.
    pub change_bytes: usize,
    /// How much memory the content may take, in bytes as the store estimates them. Beyond it what exists can be changed
    /// and deleted, and nothing added. An isolate has 128 MB, for its code, for texts on their way and, if it so happens,
    /// for other rooms. Default 64 MiB.
    pub max_memory_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greet_after_ms: 250,
            max_window_ms: 50,
            load_answer_bytes: 8 << 20,
            answer_bytes: 128 << 10,
            change_bytes: 1 << 20,
            max_memory_bytes: 64 << 20,
        }
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A socket was opened, and given an id of [`Room::new_id`].
    Opened(ConnectionId),
    /// The room is awake again, and this socket was open all the while.
    Resumed(ConnectionId),
    /// A text frame came.
    Text(ConnectionId, &'a str),
    /// A binary frame came.
    Binary(ConnectionId),
    /// A socket was closed.
    Closed(ConnectionId),
    /// Everything that was to be kept so far, and reported, is on disk.
    Kept,
    /// The stored content is about to be read.
    Read,
    /// The time that [`Room::poll_timeout`] named is there.
    Timeout,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Keep this. If it fails nothing that follows may be done, and the room must be loaded anew.
    Persist {
        /// What to keep.
        commit: Commit,
        /// Whose changes are in it: they have to send them again if they are not kept.
        authors: Vec<ConnectionId>,
        /// Whether to hand in [`Input::Kept`] when it is on disk.
        report: bool,
    },
    /// Send a text to one.
    Send {
        /// To whom.
        to: ConnectionId,
        /// The text.
        text: String,
    },
    /// Send a text to all but some.
    Broadcast {
        /// Whom not: its author, and whoever has too much left to read.
        except: Vec<ConnectionId>,
        /// The text.
        text: String,
    },
    /// Close a socket.
    Close {
        /// Whose.
        connection: ConnectionId,
        /// The code.
        code: u16,
        /// The reason: at most 123 bytes.
        reason: String,
    },
    /// Take in nothing until the runtime has looked after timers and other sockets, which waits while frames lie ready.
    Pause,
}

/// A room.
#[derive(Debug)]
pub struct Room {
    settings: Settings,
    store: Store,
    journal: Journal,
    connections: IndexMap<ConnectionId, Connection, foldhash::fast::FixedState>,
    random: Rng,
    outputs: VecDeque<Output>,
    pending: Pending,
    greetings: VecDeque<(u64, ConnectionId)>,
    reminders: VecDeque<(u64, ConnectionId)>,
    fragments_until_ms: Option<u64>,
    catching_up: VecDeque<ConnectionId>,
    compacting: bool,
    unheard_bytes: usize,
    turn: Turn,
    now_ms: u64,
}

impl Room {
    /// A room with this content and journal. The seed is for ids that nobody can guess.
    pub fn new(settings: Settings, store: Store, journal: Journal, seed: u64) -> Self {
        Self {
            settings,
            store,
            journal,
            connections: IndexMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            random: Rng::with_seed(seed),
            outputs: VecDeque::new(),
            pending: Pending::default(),
            greetings: VecDeque::new(),
            reminders: VecDeque::new(),
            fragments_until_ms: None,
            catching_up: VecDeque::new(),
            compacting: false,
            unheard_bytes: 0,
            turn: Turn::default(),
            now_ms: 0,
        }
    }

    /// An id for a new connection.
    pub fn new_id(&mut self) -> ConnectionId {
        ConnectionId::new(&mut self.random)
    }

    /// What the room holds.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Everybody whose socket is open.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.connections.keys().copied()
    }

    /// Whether a snapshot is being written, which would have to begin again if the journal were loaded anew.
    pub fn is_compacting(&self) -> bool {
        self.compacting
    }

    /// Lets go of the content, so that it can be [loaded](Self::reload) anew without being in memory twice. Nothing is
    /// pending: [`Input::Read`] came before.
    pub fn unload(&mut self) {
        self.store = Store::new(self.random.u64(..));
    }

    /// Goes on with content and journal as they were read back from disk. Those who were owed something are asked what
    /// they hold, since the places where it lay are not the same any more.
    pub fn reload(&mut self, store: Store, journal: Journal) {
        self.store = store;
        self.journal = journal;
        self.compacting = false;
        self.catching_up.clear();
        let owed = |(id, connection): (&ConnectionId, &mut Connection)| {
            (!std::mem::take(&mut connection.owed).is_empty()).then_some(*id)
        };
        let owed: Vec<_> = self.connections.iter_mut().filter_map(owed).collect();
        for id in owed {
            self.ask(id, Step::Hashes, "\"\"");
        }
    }

    /// Begins again with what is on disk, after something could not be kept: neither that nor what was to follow it has
    /// happened, but for the closes, since whom they are for has been forgotten already. Everybody is asked what they hold:
    /// what anyone was to be told or asked may be lost.
    pub fn start_over(&mut self, store: Store, journal: Journal) {
        self.outputs.retain(|output| matches!(output, Output::Close { .. }));
        self.pending = Pending::default();
        self.reload(store, journal);
        self.unheard_bytes = 0;
        for connection in self.connections.values_mut() {
            connection.peer = Peer::default();
            connection.flow.start_over();
        }
        self.ask_everybody();
    }

    /// Asks everybody what they hold, where it is not known any more who has been asked and who is still to be.
    pub fn ask_everybody(&mut self) {
        for id in self.connections().collect::<Vec<_>>() {
            self.ask(id, Step::Hashes, "\"\"");
        }
    }

    /// Takes in what happened at `now_ms`, in milliseconds since 1970.
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        self.now_ms = now_ms;
        match input {
            Input::Opened(id) => {
                self.connections.insert(id, Connection::opened());
                self.greetings.push_back((now_ms + self.settings.greet_after_ms, id));
            }
            Input::Resumed(id) => {
                self.connections.insert(id, Connection::resumed());
            }
            Input::Text(from, text) => {
                if let Err(error) = self.text(from, text, now_ms) {
                    self.close(from, &error);
                }
            }
            Input::Binary(from) => self.close(from, &WireError::Binary),
            Input::Closed(id) => {
                self.forget(id);
            }
            Input::Kept => self.kept(now_ms),
            Input::Read => self.flush(now_ms),
            Input::Timeout => self.timeout(now_ms),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`], in milliseconds since 1970. Every wait is short: at most a fragment's second.
    pub fn poll_timeout(&self) -> Option<u64> {
        let at_once = self.compacting || !self.catching_up.is_empty();
        let times = [
            self.flush_at_ms(),
            self.greetings.front().map(|&(at_ms, _)| at_ms),
            self.reminders.front().map(|&(at_ms, _)| at_ms),
            self.fragments_until_ms,
            at_once.then_some(0),
        ];
        times.into_iter().flatten().min()
    }

    fn timeout(&mut self, now_ms: u64) {
        self.turn.pass(now_ms);
        self.end_window(now_ms);
        while let Some(&(at_ms, id)) = self.greetings.front()
            && at_ms <= now_ms
        {
            self.greetings.pop_front();
            self.greet(id);
        }
        while let Some(&(at_ms, id)) = self.reminders.front()
            && at_ms <= now_ms
        {
            self.reminders.pop_front();
            self.remind(id);
        }
        if self.fragments_until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            self.expire_fragments(now_ms);
        }
        self.catch_up(now_ms);
        self.compact(now_ms);
    }

    fn text(&mut self, from: ConnectionId, text: &str, now_ms: u64) -> Result<(), WireError> {
        self.charge_message(from, text.len(), now_ms)?;
        let Some(connection) = self.connections.get_mut(&from) else { return Ok(()) };
        if text.len() > MAX_TEXT_BYTES {
            return Err(WireError::Limit { what: "socket", limit: MAX_TEXT_BYTES, found: text.len() });
        }
        let envelope = Envelope::open(text)?;
        let Some(fragment) = Fragment::read(envelope.body) else {
            return self.message(from, envelope, now_ms);
        };
        let whole = connection.fragments.add(envelope.to, fragment, now_ms)?;
        self.expire_fragments(now_ms);
        self.bound_fragments();
        match whole.filter(|_| self.connections.contains_key(&from)) {
            Some(whole) => self.message(from, whole.envelope()?, now_ms),
            None => Ok(()),
        }
    }

    fn message(&mut self, from: ConnectionId, envelope: Envelope, now_ms: u64) -> Result<(), WireError> {
        let message = Message::read(envelope.body)?;
        if let Recipient::Client(id) = envelope.to {
            return self.forward(from, id, envelope.body, &message, now_ms);
        }
        match &message.body {
            Body::ContentDiff(changes) => self.take_in(from, changes, Some((envelope.body, message.payload)), now_ms),
            Body::Response(response) => self.response(from, &message.id, response, now_ms),
            _ => self.request(from, &message, now_ms),
        }
    }

    /// Passes a message on from one client to another. A change among them is the room's as well, and so it is told to
    /// everybody like any other: nobody is left behind. An answer with a stamp from the future is not passed on: clients
    /// from 9.3 on would drop it, and older ones be dragged along.
    fn forward(
        &mut self,
        from: ConnectionId,
        to: &str,
        body: &str,
        message: &Message,
        now_ms: u64,
    ) -> Result<(), WireError> {
        let Some(to) = ConnectionId::parse(to).filter(|to| *to != from && self.connections.contains_key(to)) else {
            return Ok(());
        };
        if let Body::ContentDiff(changes) = &message.body {
            return self.take_in(from, changes, Some((body, message.payload)), now_ms);
        }
        if let Some(changes) = message.body.changes() {
            if changes.has_future(now_ms) {
                return Ok(());
            }
            self.take_in(from, changes, None, now_ms)?;
            self.flush(now_ms);
        }
        self.send_text(to, wire::envelope::seal(from, body));
        Ok(())
    }

    fn send(&mut self, to: ConnectionId, id: &RequestId, type_: MessageType, payload: &str) {
        self.send_text(to, wire::envelope::seal(ROOM_ID, &wire::message::text(id, type_, payload)));
    }

    fn send_text(&mut self, to: ConnectionId, text: String) {
        let bytes = text.len();
        self.outputs.push_back(Output::Send { to, text });
        self.note_sent(to, bytes);
    }

    fn close(&mut self, connection: ConnectionId, error: &WireError) {
        if self.forget(connection) {
            let (code, reason) = (error.close_code(), error.close_reason());
            self.outputs.push_back(Output::Close { connection, code, reason });
        }
    }

    /// Closes whoever has the most in parts, where all together have too much.
    fn bound_fragments(&mut self) {
        let bytes = |connection: &Connection| connection.fragments.memory_bytes();
        let found = self.connections.values().map(bytes).sum();
        if found > MAX_ROOM_BYTES
            && let Some((&id, _)) = self.connections.iter().max_by_key(|(_, connection)| bytes(connection))
        {
            self.close(id, &WireError::Limit { what: "fragments", limit: MAX_ROOM_BYTES, found });
        }
    }

    fn expire_fragments(&mut self, now_ms: u64) {
        self.connections.values_mut().for_each(|connection| connection.fragments.expire(now_ms));
        let deadlines = self.connections.values().filter_map(|connection| connection.fragments.deadline_ms());
        self.fragments_until_ms = deadlines.min();
    }

    fn compact(&mut self, now_ms: u64) {
        if self.compacting {
            // A slice may hold what is not sent yet, but what is sent must have been kept before.
            self.flush(now_ms);
            let commit = self.journal.compact(&self.store);
            self.outputs.push_back(Output::Persist { commit, authors: Vec::new(), report: false });
            self.compacting = self.journal.is_compaction_due(&self.store);
        }
    }
}
