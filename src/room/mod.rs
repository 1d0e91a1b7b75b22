//! Everybody in one room: inputs in, outputs out.
//!
//! A [`Room`] knows no socket, no disk and no clock. What happens is handed to [`Room::handle`] with the time; what is
//! to be done comes out of [`Room::poll_output`], in order, and [`Room::poll_timeout`] tells when to come back. What a
//! message says goes to disk before anyone hears of it: [`Output::Persist`] comes before every output that depends on it,
//! unless the [settings](Settings::keep_within_ms) allow for changes that are kept a little later.
//!
//! The room answers for everybody. It holds what every client holds, so questions to all end with it, and what it is
//! told it tells the others.
//!
//! Each concept is a type with its own state and tests, and none of them sends anything:
//!
//! | module | what it is |
//! |---|---|
//! | `session`, `attachment` | one connection: how far its load is, and all that follows |
//! | [`sync`](crate::sync) | what it reported, what it was asked, what is in flight |
//! | `inbox`, `long_message` | what is not read yet, and a message that is read part by part |
//! | `shown_by` | what an answer has shown |
//! | `send_window` | how far ahead of it the room may send: probes and acknowledgements |
//! | `backlog` | what it is still to be sent |
//! | `corrections` | what it holds that the room does not, where it may not write |
//! | `meter` | what it may send and ask for |
//! | `readers` | those who read the content, and are no connections |
//! | `budget` | what all together may take |
//! | `limits` | how much of the room one may have |
//! | `group_commit` | changes, from their merge until they are kept, and the journal |
//! | `unkept` | changes that are relayed before they are kept, where that is allowed |
//! | `durability` | what becomes of a room whose disk takes nothing |
//! | `timers`, `clock` | what the room waits for, and time as it counts it |
//!
//! The room itself lets them work together, in five parts: `receive` takes in what clients send, `apply` merges changes and
//! commits them, `undo` undoes those of who may not write, `talk` answers clients and compares with them, `deliver` sends.

mod apply;
mod attachment;
mod backlog;
mod budget;
mod clock;
mod connection_id;
mod corrections;
mod deliver;
mod durability;
mod group_commit;
mod inbox;
mod limits;
mod long_message;
mod meter;
mod readers;
mod receive;
mod send_window;
mod session;
mod settings;
mod shown_by;
mod talk;
mod timers;
mod undo;
mod unkept;

pub use attachment::Attachment;
pub use budget::{LOOK_BYTES, MAX_CLIENT_BYTES, MAX_UNACKED_BYTES, MESSAGE_BYTES};
pub use connection_id::ConnectionId;
pub use limits::Limits;
pub use meter::Rate;
pub use readers::{READER_SILENCE_MS, RetryAfter};
pub use settings::Settings;

use crate::access::{Grant, Refusal, TokenError};
use crate::journal::{Commit, Journal};
use crate::store::Store;
use crate::wire::WireError;
use budget::Budget;
use clock::Clock;
use durability::Durability;
use fastrand::Rng;
use group_commit::GroupCommit;
use inbox::Inbox;
use indexmap::IndexMap;
use meter::Meter;
use session::Session;
use std::collections::VecDeque;
use std::rc::Rc;
use timers::{Timer, Timers};
use unkept::Unkept;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A socket was opened, and given an id of [`Room::new_id`].
    Opened(ConnectionId, Grant),
    /// The room is awake again, and this socket was open all the while. What was to be [remembered](Output::Remember) of it
    /// comes back.
    Resumed(ConnectionId, Grant, Option<u64>),
    /// A text frame came.
    Text(ConnectionId, Rc<String>),
    /// A binary frame of so many bytes came.
    Binary(ConnectionId, usize),
    /// A socket was closed.
    Closed(ConnectionId),
    /// Everything that was to be kept so far, and reported, is on disk.
    Durable,
    /// The content is about to be read: what is read must be stored.
    FlushForRead,
    /// The room broke off in the middle of something, and has been loaded again: it is not known any more who was to be told
    /// or asked what.
    Broken,
    /// The time that [`Room::poll_timeout`] named is there.
    Timeout,
}

impl Input {
    /// A text frame came.
    pub fn text(from: ConnectionId, text: impl Into<String>) -> Self {
        Self::Text(from, Rc::new(text.into()))
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Keep this. If it fails nothing that follows may be done, and the room must be told by
    /// [`Room::on_commit_failed`].
    Persist {
        /// What to keep.
        commit: Commit,
        /// Whose changes are in it.
        authors: Vec<ConnectionId>,
        /// Whether to hand in [`Input::Durable`] when it is on disk.
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
        /// Whom not: its author, and whoever has no room for it.
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
    /// Remember this of a connection while the room is out of memory: when to ask it once more what it holds, in
    /// milliseconds since 1970.
    Remember {
        /// Of whom.
        connection: ConnectionId,
        /// When; not any more, if there is none.
        recheck_at_ms: Option<u64>,
    },
    /// Tell whoever runs this.
    Warn {
        /// What.
        text: String,
    },
    /// Take in nothing until the runtime has looked after timers and other sockets, which waits while frames lie ready. Then hand
    /// in [`Input::Timeout`], and again and again with as much time in between, for as long as the room is [full](Room::is_full).
    Pause,
}

/// A room.
#[derive(Debug)]
pub struct Room {
    settings: Settings,
    store: Store,
    commits: GroupCommit,
    unkept: Unkept,
    durability: Durability,
    sessions: IndexMap<ConnectionId, Session, foldhash::fast::FixedState>,
    inbox: Inbox,
    /// Who may write, and sent what is just being read out of the inbox; it may be gone.
    departed_writer: Option<ConnectionId>,
    /// Whose backlog is to go on next.
    backlog_queue: VecDeque<ConnectionId>,
    budget: Budget,
    /// The account of all who read the content.
    readers: Meter,
    timers: Timers,
    clock: Clock,
    /// When the first of the connections is to be asked once more, in milliseconds since 1970.
    recheck_at_ms: Option<u64>,
    /// When the first of the connections may be there no longer, in milliseconds since 1970.
    expires_at_ms: Option<u64>,
    random: Rng,
    outputs: VecDeque<Output>,
}

impl Room {
    /// A room with this content and journal. The seed is for ids that nobody can guess.
    pub fn new(settings: Settings, store: Store, journal: Journal, seed: u64) -> Self {
        Self {
            settings,
            store,
            commits: GroupCommit::new(journal, settings.max_window_ms),
            unkept: Unkept::new(settings.keep_within_ms),
            durability: Durability::default(),
            sessions: IndexMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            inbox: Inbox::default(),
            departed_writer: None,
            backlog_queue: VecDeque::new(),
            budget: Budget::default(),
            readers: Meter::default(),
            timers: Timers::default(),
            clock: Clock::default(),
            recheck_at_ms: None,
            expires_at_ms: None,
            random: Rng::with_seed(seed),
            outputs: VecDeque::new(),
        }
    }

    /// An id for a new connection.
    pub fn new_id(&mut self) -> ConnectionId {
        ConnectionId::new(&mut self.random)
    }

    /// What the content takes in memory, and what is still to be read, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.store.memory_bytes() + self.unread_bytes()
    }

    /// What the room holds.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Everybody whose socket is open.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.sessions.keys().copied()
    }

    /// What has come and is not read yet, or not wholly, in bytes: a long message is read a part at a time, by and by. To have it
    /// read on at once, [`Input::Timeout`] may be handed in.
    pub fn unread_bytes(&self) -> usize {
        self.inbox.bytes()
    }

    /// Whether so much is to be read that nothing more can be taken in: memory is short, and what has come lies in it.
    pub fn is_full(&self) -> bool {
        self.inbox.is_full()
    }

    /// Whether a snapshot is being written, which would have to begin again if the journal were loaded anew.
    pub fn is_compacting(&self) -> bool {
        self.commits.is_compacting()
    }

    /// Whether it may be forgotten, and loaded anew at its next event, as by hibernation: there is nothing that it has to do.
    pub fn is_at_rest(&self) -> bool {
        self.outputs.is_empty() && self.timers.next_ms().is_none()
    }

    /// Lets go of the content, so that it can be [loaded](Self::reload) anew without being in memory twice. Nothing is
    /// pending: [`Input::FlushForRead`] came before, or a commit failed.
    pub fn unload(&mut self) {
        self.store = Store::new(self.random.u64(..));
    }

    /// Goes on with content and journal as they were read back from disk. Those with a backlog, or with something that is
    /// still to be compared, are asked what they hold, since the places where it lay are not the same any more.
    pub fn reload(&mut self, store: Store, journal: Journal) {
        self.store = store;
        self.commits.reload(journal);
        self.inbox.start_over();
        self.backlog_queue.clear();
        for id in self.connections().collect::<Vec<_>>() {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let was_compared = !session.tables_to_compare.is_empty() || !session.rows_to_compare.is_empty();
            session.tables_to_compare.clear();
            session.rows_to_compare.clear();
            if session.backlog.clear() || was_compared {
                session.corrections.clear();
                self.ask_anew(id);
            }
        }
        self.set_timers();
    }

    /// Begins again with what is on disk, after something could not be kept: neither that nor what was to follow it has
    /// happened, but for the closes, since whom they are for has been forgotten already, and what is to be remembered of
    /// somebody, which no commit has to do with. The room is read-only for a while;
    /// afterwards everybody is asked what they hold, since what anyone was to be told or asked may be lost.
    pub fn on_commit_failed(&mut self, store: Store, journal: Journal) {
        self.outputs.retain(|output| matches!(output, Output::Close { .. } | Output::Remember { .. }));
        self.store = store;
        self.commits.start_over(journal);
        self.inbox.start_over();
        drop(self.unkept.take());
        self.durability.on_failure(self.now_ms());
        self.backlog_queue.clear();
        self.budget.forget_unacked();
        for session in self.sessions.values_mut() {
            session.start_over();
            session.was_ignored = true;
        }
        self.set_timers();
    }

    /// Asks everybody what they hold, where it is not known any more who has been asked and who is still to be.
    pub fn ask_everybody(&mut self) {
        for id in self.connections().collect::<Vec<_>>() {
            self.ask_anew(id);
        }
    }

    /// Takes in what happened at `now_ms`, in milliseconds since 1970. That clock may be set at any time.
    pub fn handle(&mut self, input: Input, now_ms: u64) {
        self.clock.advance(now_ms);
        if let Input::Closed(id) = input {
            // Before anything is asked of anybody.
            self.forget(id);
        }
        self.close_expired();
        self.retry_commits();
        match input {
            Input::Opened(id, grant) => {
                let crowded = self.is_crowded_for(&grant);
                self.note_expiry(&grant);
                self.sessions.insert(id, Session::opened(grant));
                if let Some(error) = crowded {
                    self.close(id, &error);
                }
                let greet_at_ms = self.now_ms() + self.settings.greet_after_ms;
                self.timers.set(Timer::AfterConnect(id), self.sessions.contains_key(&id).then_some(greet_at_ms));
            }
            Input::Resumed(id, grant, recheck_at_ms) => {
                self.note_expiry(&grant);
                let mut session = Session::resumed(grant, recheck_at_ms);
                if self.unkept.is_allowed() {
                    session.conversation.ask_at_next_message();
                }
                self.sessions.insert(id, session);
                self.recheck_at_ms = [self.recheck_at_ms, recheck_at_ms].into_iter().flatten().min();
            }
            Input::Text(from, text) => self.text(from, &text),
            Input::Binary(from, bytes) => self.binary(from, bytes),
            Input::Closed(_) => {}
            Input::Durable => self.on_durable(),
            Input::FlushForRead => self.keep(),
            Input::Broken => self.ask_everybody(),
            Input::Timeout => self.on_timeout(),
        }
        self.recheck();
        self.keep_if_due();
        self.set_timers();
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`], in milliseconds since 1970 by the clock that was handed in last. Every wait is
    /// short: the longest are those for a disk that takes nothing, a minute, and only while somebody is connected, and for
    /// one who reads.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.timers.next_ms().map(|at_ms| self.clock.wall_at(at_ms))
    }

    /// The time by which everything but stamps is measured.
    fn now_ms(&self) -> u64 {
        self.clock.steady_ms()
    }

    fn on_timeout(&mut self) {
        self.budget.next_slice(self.now_ms());
        for timer in self.timers.take_due(self.now_ms()) {
            match timer {
                Timer::AfterConnect(id) | Timer::AfterLoad(id) if self.inbox.holds_of(id) => {
                    // It has said something, and nobody knows yet what.
                    self.timers.set(timer, self.now_ms() + talk::REMIND_AFTER_MS);
                }
                Timer::CommitWindow => self.commit(),
                Timer::AfterConnect(id) => self.request_hashes_after_connect(id),
                Timer::AfterLoad(id) => self.request_hashes_after_load(id),
                Timer::Fragments => self.expire_fragments(),
                Timer::Backlog => self.send_backlogs(),
                Timer::Inbox => self.read_inbox(),
                Timer::Compaction => self.compact(),
                Timer::Readers => self.store.close_snapshots(self.now_ms()),
                // What happens at all sees to it.
                Timer::Keep | Timer::RetryCommit => {}
            }
        }
    }

    /// Sets the timers that follow from what the room holds.
    fn set_timers(&mut self) {
        let now_ms = self.now_ms();
        self.timers.set(Timer::CommitWindow, self.commits.due_ms());
        self.timers.set(Timer::Keep, self.unkept.due_ms());
        self.timers.set(Timer::Backlog, (!self.backlog_queue.is_empty()).then_some(now_ms));
        self.timers.set(Timer::Inbox, (!self.inbox.is_empty()).then_some(now_ms));
        let compacts = self.commits.is_compacting() && !self.durability.is_read_only();
        self.timers.set(Timer::Compaction, compacts.then_some(now_ms));
        self.timers.set(Timer::Readers, self.store.snapshots_until_ms());
        self.timers.set(Timer::RetryCommit, self.durability.retry_at_ms().filter(|_| !self.sessions.is_empty()));
    }

    /// Whether there are as many sockets as there may be, in all or of one.
    fn is_crowded_for(&self, grant: &Grant) -> Option<WireError> {
        let (limits, sockets) = (self.settings.limits, self.sessions.len() + 1);
        if sockets > limits.sockets {
            return Some(WireError::Limit { what: "sockets", limit: limits.sockets, found: sockets });
        }
        let sub = grant.sub.as_ref()?;
        let same = self.sessions.values().filter(|session| session.grant.sub.as_ref() == Some(sub)).count() + 1;
        let limit = limits.sockets_per_sub;
        (same > limit).then_some(WireError::Limit { what: "sockets of one sub", limit, found: same })
    }

    fn note_expiry(&mut self, grant: &Grant) {
        self.expires_at_ms = [self.expires_at_ms, grant.expires_at_ms].into_iter().flatten().min();
    }

    /// Closes those whose token has run out, before anything reaches them any more.
    fn close_expired(&mut self) {
        let now_ms = self.clock.wall_ms();
        if self.expires_at_ms.is_none_or(|at_ms| at_ms > now_ms) {
            return;
        }
        let expires_at_ms = |session: &Session| session.grant.expires_at_ms;
        let has_expired = |session: &Session| expires_at_ms(session).is_some_and(|at_ms| at_ms <= now_ms);
        let expired = self.sessions.iter().filter_map(|(&id, session)| has_expired(session).then_some(id));
        for id in expired.collect::<Vec<_>>() {
            let refusal = Refusal::Token(TokenError::Expired);
            self.close_with(id, refusal.close_code(), refusal.to_string());
        }
        self.expires_at_ms = self.sessions.values().filter_map(expires_at_ms).min();
    }

    fn close(&mut self, connection: ConnectionId, error: &WireError) {
        self.close_with(connection, error.close_code(), error.close_reason());
    }

    fn close_with(&mut self, connection: ConnectionId, code: u16, reason: String) {
        if self.forget(connection) {
            self.outputs.push_back(Output::Close { connection, code, reason });
        }
    }

    /// Forgets a client that is gone. Answers whether it was there.
    fn forget(&mut self, id: ConnectionId) -> bool {
        let Some(gone) = self.sessions.swap_remove(&id) else { return false };
        self.budget.on_acked(gone.window.unacked_bytes());
        self.timers.stop_all_of(id);
        self.backlog_queue.retain(|other| *other != id);
        true
    }
}
