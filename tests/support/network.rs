//! A room and its clients on a virtual network: every line has a latency and a width, every client a clock and a pace, and
//! time goes from event to event.
//!
//! ```text
//!            up: when it has passed the line                     Persist ─▶ table, unless it is full
//!   client ───────────────────────────────────▶ room.handle ──┤
//!          ◀───────────────────────────────────                Send, Broadcast ─▶ down
//!            down: when it has passed the line, and the client is through with the frames before
//! ```
//!
//! Two clocks run: `now_ms` goes on steadily and orders the events; the room's own may be set at any moment, and is what
//! the room is told. How the room is driven, and its outputs carried out, stands in one place here, as in
//! `src/worker/object.rs` for the real one.

use super::client::{Client, Era};
use super::fixtures::NOW_MS;
use super::replica::{Replica, UNDEFINED};
use super::table::Table;
use super::tree::{Leaves, Tree, leaves};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use tinyroom::access::{Access, Grant};
use tinyroom::journal::{self, Journal};
use tinyroom::room::{ConnectionId, Input, Output, Room, Settings};
use tinyroom::store::Store;

/// The longest that a room may want to sleep.
const MAX_SLEEP_MS: u64 = 60_000;
/// How often a timer may go off with no time going by: a compaction has a slice at each.
const MAX_TIMEOUTS_AT_ONCE: usize = 100_000;

/// What lies between a client and the room.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub rtt_ms: u64,
    /// Both ways; 0 for no limit.
    pub bytes_per_s: u64,
    /// What the client takes for each frame.
    pub frame_ms: u64,
}

impl Line {
    /// A line on which nothing takes any time.
    pub const NONE: Self = Self { rtt_ms: 0, bytes_per_s: 0, frame_ms: 0 };

    pub const fn of_rtt(rtt_ms: u64) -> Self {
        Self { rtt_ms, ..Self::NONE }
    }
}

/// Texts on their way, in order.
#[derive(Default)]
struct Lane {
    texts: VecDeque<(u64, Rc<str>)>,
    bytes: usize,
    free_us: u64,
}

impl Lane {
    fn push(&mut self, text: Rc<str>, now_ms: u64, line: Line) {
        let takes_us = (text.len() as u64 * 1_000_000).checked_div(line.bytes_per_s).unwrap_or_default();
        self.free_us = self.free_us.max(now_ms * 1_000) + takes_us;
        self.bytes += text.len();
        self.texts.push_back((self.free_us.div_ceil(1_000) + line.rtt_ms / 2, text));
    }

    fn pop(&mut self) -> Option<Rc<str>> {
        let (_, text) = self.texts.pop_front()?;
        self.bytes -= text.len();
        Some(text)
    }

    fn front_ms(&self) -> Option<u64> {
        self.texts.front().map(|&(at_ms, _)| at_ms)
    }
}

struct Socket {
    id: ConnectionId,
    up: Lane,
    down: Lane,
    /// When the client is through with what it has received.
    free_ms: u64,
}

/// A client and its line.
pub struct Member {
    pub client: Client,
    /// What it may do from its next connection on.
    pub access: Access,
    pub line: Line,
    /// Texts that it has received, and how long they were together.
    pub received: usize,
    pub received_bytes: usize,
    /// The most that was under way to it at once, in texts and in bytes.
    pub most_under_way: (usize, usize),
    socket: Option<Socket>,
}

/// A socket that its client has lost: what still arrives of it, and when the room learns that it is gone.
struct Lost {
    id: ConnectionId,
    up: Lane,
    until_ms: u64,
}

/// What happens next, in the order in which it does where the time is the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Durable,
    Timer,
    Up(usize),
    Lost(usize),
    Down(usize),
    GiveUp(usize),
}

/// A room, its disk and its clients.
pub struct World {
    pub room: Room,
    pub table: Table,
    pub now_ms: u64,
    /// How far the room's clock is ahead.
    pub skew_ms: i64,
    /// How long a commit takes to be on disk.
    pub disk_ms: u64,
    pub disk_is_full: bool,
    pub members: Vec<Member>,
    /// How often something could not be kept.
    pub failures: usize,
    /// Whom the room has closed, and why.
    pub closed: Vec<(usize, String)>,
    /// Every edit, merged without any protocol.
    pub expected: Replica,
    settings: (Settings, journal::Settings),
    lost: Vec<Lost>,
    /// What is to be remembered of connections while the room is out of memory.
    remembered: HashMap<ConnectionId, u64>,
    access: HashMap<ConnectionId, Access>,
    timer_at_ms: Option<u64>,
    timeouts_at_once: usize,
    durable_at_ms: Option<u64>,
    lives: u64,
}

impl World {
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, journal::Settings::default())
    }

    pub fn with(settings: Settings, journal: journal::Settings) -> Self {
        Self {
            room: Room::new(settings, Store::new(1), Journal::new(journal), 1),
            table: Table::default(),
            now_ms: NOW_MS - 100_000_000,
            skew_ms: 0,
            disk_ms: 0,
            disk_is_full: false,
            members: Vec::new(),
            failures: 0,
            closed: Vec::new(),
            expected: Replica::default(),
            settings: (settings, journal),
            lost: Vec::new(),
            remembered: HashMap::new(),
            access: HashMap::new(),
            timer_at_ms: None,
            timeouts_at_once: 0,
            durable_at_ms: None,
            lives: 1,
        }
    }

    /// Adds a client with no socket yet.
    pub fn add(&mut self, name: &'static str, era: Era, line: Line) -> usize {
        let client = Client::new(name, era);
        self.members.push(Member {
            client,
            access: Access::Write,
            line,
            received: 0,
            received_bytes: 0,
            most_under_way: (0, 0),
            socket: None,
        });
        self.members.len() - 1
    }

    /// Adds one that syncs from now on.
    pub fn join(&mut self, name: &'static str, era: Era, line: Line) -> usize {
        let member = self.add(name, era, line);
        self.connect(member, true);
        member
    }

    /// Gives a client a socket: as a page that is loaded anew, or under a client that does not notice.
    pub fn connect(&mut self, member: usize, anew: bool) {
        if self.members[member].socket.is_some() {
            return;
        }
        let id = self.room.new_id();
        let (up, down) = (Lane::default(), Lane::default());
        self.members[member].socket = Some(Socket { id, up, down, free_ms: self.now_ms });
        let access = self.members[member].access;
        self.access.insert(id, access);
        self.handle(Input::Opened(id, Grant::of(access)));
        if anew {
            self.members[member].client.start_sync(self.now_ms);
        }
        self.collect(member);
    }

    /// Starts to sync with initial content.
    pub fn join_with(&mut self, name: &'static str, era: Era, line: Line, content: &str) -> usize {
        let member = self.add(name, era, line);
        self.connect(member, false);
        self.members[member].client.start_sync_with(content, self.now_ms);
        self.collect(member);
        member
    }

    /// A client loses its socket. So many of its texts still arrive, and then the room learns of it, so much later.
    pub fn disconnect(&mut self, member: usize, arrive: usize, later_ms: u64) {
        if let Some(mut socket) = self.members[member].socket.take() {
            socket.up.texts.truncate(arrive);
            self.lost.push(Lost { id: socket.id, up: socket.up, until_ms: self.now_ms + later_ms });
        }
    }

    pub fn is_connected(&self, member: usize) -> bool {
        self.members[member].socket.is_some()
    }

    /// Lets a client make an edit. It is given the stamp.
    pub fn edit(&mut self, member: usize, change: impl FnOnce(&str) -> String) {
        let change = self.members[member].client.edit(self.now_ms, change);
        self.expected.merge(&Tree::parse(&change));
        self.collect(member);
    }

    /// Lets one edit of which nothing is expected: its stamp may be refused, or it may not write.
    pub fn edit_in_vain(&mut self, member: usize, change: impl FnOnce(&str) -> String) {
        self.members[member].client.edit(self.now_ms, change);
        self.collect(member);
    }

    /// Evicts the room, if it has nothing to wait for.
    pub fn evict(&mut self) {
        if self.room.poll_timeout().is_none() && self.durable_at_ms.is_none() {
            self.reset();
        }
    }

    /// The room is lost with everything in memory, and all sockets stay open.
    pub fn reset(&mut self) {
        let open: Vec<_> = self.room.connections().collect();
        self.begin_again();
        for id in open {
            let recheck_at_ms = self.remembered.get(&id).copied();
            self.handle(Input::Resumed(id, Grant::of(self.access[&id]), recheck_at_ms));
        }
    }

    /// The room is lost with everything in memory, and with all sockets.
    pub fn crash(&mut self) {
        self.members.iter_mut().for_each(|member| member.socket = None);
        self.lost.clear();
        self.begin_again();
    }

    /// What is stored is read, and the room goes on with it.
    pub fn read(&mut self) {
        self.handle(Input::FlushForRead);
        if !self.disk_is_full && !self.room.is_compacting() {
            self.room.unload();
            let (store, journal) = self.table.load(self.settings.1);
            self.room.reload(store, journal);
            self.carry_out();
        }
    }

    /// Lets time go by, and all that happens meanwhile.
    pub fn pass(&mut self, ms: u64) {
        let until_ms = self.now_ms + ms;
        while self.step(until_ms) {}
        self.now_ms = until_ms;
    }

    /// Lets everything happen that still will, for so long at most. Answers whether it came to rest.
    pub fn rest(&mut self, within_ms: u64) -> bool {
        let until_ms = self.now_ms + within_ms;
        while self.step(until_ms) {}
        self.next().is_none()
    }

    /// Lets time go by until something holds, for so long at most. Answers how long it took.
    pub fn until(&mut self, within_ms: u64, holds: impl Fn(&Self) -> bool) -> Option<u64> {
        let from_ms = self.now_ms;
        while !holds(self) {
            if !self.step(from_ms + within_ms) {
                self.now_ms = from_ms + within_ms;
                return None;
            }
        }
        Some(self.now_ms - from_ms)
    }

    /// Whether a client holds what the room does.
    pub fn is_whole(&self, member: usize) -> bool {
        let hashes = self.room.store().content_hashes();
        self.members[member].client.replica.hashes() == (hashes.tables, hashes.values)
    }

    /// Whether a client shows what the room holds, whatever stamps it has for it.
    pub fn shows_the_room(&self, member: usize) -> bool {
        let shown = |leaves: Leaves| -> Vec<_> {
            let values = leaves.into_iter().map(|(path, (value, _))| (path, value));
            values.filter(|(_, value)| value != UNDEFINED).collect()
        };
        let room = leaves(&Tree::parse(&self.room.store().content_text()));
        shown(room) == shown(self.members[member].client.replica.leaves())
    }

    pub fn are_whole(&self) -> bool {
        (0..self.members.len()).all(|member| self.is_whole(member))
    }

    /// Checks that all of these, the room and its disk hold what was ever edited.
    pub fn assert_all_hold(&self, members: impl IntoIterator<Item = usize>) {
        let expected = self.expected.leaves();
        let stored = self.table.load(self.settings.1).0;
        let of_store = |store: &Store| leaves(&Tree::parse(&store.content_text()));
        assert_holds("the room", &of_store(self.room.store()), &expected);
        assert_holds("the disk", &of_store(&stored), &expected);
        for member in members {
            let client = &self.members[member].client;
            assert_holds(&format!("client {member}, {:?}", client.era()), &client.replica.leaves(), &expected);
        }
    }

    fn next(&self) -> Option<(u64, Next)> {
        let mut next = [(self.durable_at_ms, Next::Durable), (self.timer_at_ms, Next::Timer)]
            .into_iter()
            .filter_map(|(at_ms, next)| Some((at_ms?, next)))
            .min();
        let mut consider = |at_ms: Option<u64>, what: Next| {
            if let Some(at_ms) = at_ms {
                next = Some(next.map_or((at_ms, what), |first| first.min((at_ms, what))));
            }
        };
        for (index, member) in self.members.iter().enumerate() {
            if let Some(socket) = &member.socket {
                consider(socket.up.front_ms(), Next::Up(index));
                let taken_ms = |at_ms: u64| at_ms.max(socket.free_ms) + member.line.frame_ms;
                consider(socket.down.front_ms().map(taken_ms), Next::Down(index));
            }
            consider(member.client.poll_timeout(), Next::GiveUp(index));
        }
        for (index, lost) in self.lost.iter().enumerate() {
            consider(Some(lost.up.front_ms().unwrap_or(lost.until_ms)), Next::Lost(index));
        }
        next
    }

    /// Lets the next thing happen, if it does by then. Answers whether it did.
    fn step(&mut self, until_ms: u64) -> bool {
        let Some((at_ms, next)) = self.next().filter(|&(at_ms, _)| at_ms <= until_ms) else { return false };
        self.timeouts_at_once = match next {
            Next::Timer if at_ms <= self.now_ms => self.timeouts_at_once + 1,
            _ => 0,
        };
        assert!(self.timeouts_at_once < MAX_TIMEOUTS_AT_ONCE, "a timer goes off again and again at once");
        self.now_ms = self.now_ms.max(at_ms);
        match next {
            Next::Durable => {
                self.durable_at_ms = None;
                self.handle(Input::Durable);
            }
            Next::Timer => self.handle(Input::Timeout),
            Next::Up(member) => {
                let arrived =
                    self.members[member].socket.as_mut().and_then(|socket| Some((socket.id, socket.up.pop()?)));
                arrived.iter().for_each(|(id, text)| self.handle(Input::text(*id, &**text)));
            }
            Next::Lost(index) => {
                let lost = &mut self.lost[index];
                let id = lost.id;
                match lost.up.pop() {
                    Some(text) => self.handle(Input::text(id, &*text)),
                    None => {
                        self.lost.swap_remove(index);
                        self.handle(Input::Closed(id));
                    }
                }
            }
            Next::Down(index) => {
                let (now_ms, member) = (self.now_ms, &mut self.members[index]);
                if let Some(socket) = &mut member.socket
                    && let Some(text) = socket.down.pop()
                {
                    socket.free_ms = now_ms;
                    member.received += 1;
                    member.received_bytes += text.len();
                    member.client.receive(&text, now_ms);
                }
                self.collect(index);
            }
            Next::GiveUp(member) => {
                self.members[member].client.timeout(self.now_ms);
                self.collect(member);
            }
        }
        true
    }

    /// Puts what a client sends on its way; without a socket it is lost.
    fn collect(&mut self, member: usize) {
        let Member { client, line, socket, .. } = &mut self.members[member];
        for text in client.outbox.drain(..) {
            if let Some(socket) = socket {
                socket.up.push(text.into(), self.now_ms, *line);
            }
        }
    }

    fn begin_again(&mut self) {
        let (store, journal) = self.table.load(self.settings.1);
        self.lives += 1;
        self.room = Room::new(self.settings.0, store, journal, self.lives);
        (self.durable_at_ms, self.timer_at_ms) = (None, None);
    }

    // ── How the room is driven ───────────────────────────────────────────────────────────────────────────────────────

    fn room_clock_ms(&self) -> u64 {
        self.now_ms.saturating_add_signed(self.skew_ms)
    }

    fn handle(&mut self, input: Input) {
        let is_text = matches!(input, Input::Text(..));
        self.room.handle(input.clone(), self.room_clock_ms());
        if !self.carry_out() && is_text {
            self.room.handle(input, self.room_clock_ms());
            self.carry_out();
        }
        let clock_ms = self.room_clock_ms();
        let due_ms = self.room.poll_timeout().map(|at_ms| at_ms.saturating_sub(clock_ms));
        assert!(due_ms.is_none_or(|ms| ms <= MAX_SLEEP_MS), "the room wants to sleep for {due_ms:?} ms");
        self.timer_at_ms = due_ms.map(|ms| self.now_ms + ms);
    }

    /// Carries out the room's outputs. Answers whether what was to be kept could be: else nothing that follows is done, and
    /// the room begins again with what is stored.
    fn carry_out(&mut self) -> bool {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist { .. } if self.disk_is_full => {
                    self.failures += 1;
                    self.room.unload();
                    let (store, journal) = self.table.load(self.settings.1);
                    self.room.on_commit_failed(store, journal);
                    self.carry_out();
                    return false;
                }
                Output::Persist { commit, report, .. } => {
                    self.table.carry_out(&commit);
                    if report {
                        self.durable_at_ms = Some(self.now_ms + self.disk_ms);
                    }
                }
                Output::Send { to, text } => self.send(text.into(), |id| id == to),
                Output::Broadcast { except, text } => self.send(text.into(), |id| !except.contains(&id)),
                Output::Remember { connection, recheck_at_ms } => match recheck_at_ms {
                    Some(at_ms) => drop(self.remembered.insert(connection, at_ms)),
                    None => drop(self.remembered.remove(&connection)),
                },
                Output::Pause | Output::Warn { .. } => {}
                Output::Close { connection, code, reason } => self.close(connection, &format!("{code} {reason}")),
            }
        }
        true
    }

    fn send(&mut self, text: Rc<str>, to: impl Fn(ConnectionId) -> bool) {
        for member in &mut self.members {
            if let Some(socket) = member.socket.as_mut().filter(|socket| to(socket.id)) {
                socket.down.push(Rc::clone(&text), self.now_ms, member.line);
                let (texts, bytes) = member.most_under_way;
                member.most_under_way = (texts.max(socket.down.texts.len()), bytes.max(socket.down.bytes));
            }
        }
    }

    fn close(&mut self, id: ConnectionId, reason: &str) {
        let is_its = |member: &Member| member.socket.as_ref().is_some_and(|socket| socket.id == id);
        if let Some(index) = self.members.iter().position(is_its) {
            self.members[index].socket = None;
            self.closed.push((index, reason.to_owned()));
        }
        self.lost.retain(|lost| lost.id != id);
    }
}

fn assert_holds(who: &str, found: &Leaves, expected: &Leaves) {
    let lacking = expected.iter().find(|(path, leaf)| found.get(*path) != Some(*leaf));
    if let Some((path, leaf)) = lacking {
        panic!("{who} has {:?} at {path:?} in place of {leaf:?}", found.get(path));
    }
    let more = found.keys().find(|path| !expected.contains_key(*path));
    assert_eq!(more, None, "{who} has something that nobody wrote");
}
