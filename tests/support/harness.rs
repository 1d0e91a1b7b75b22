//! A room driven by hand: named clients, a clock that is set, and outputs as lines in which every id the room made up
//! has a name.
//!
//! ```text
//! keep a: [[{…}],[{}],1]          a commit, whose change it is, and the entries in it (`+` between them)
//! b < S\n["q",0,[1,2]]            a text for one
//! all but a < a\n[null,3,…]       a text for all but one
//! close a: 1007 tinybase:14:…
//! cannot keep a: [[{…}],[{}],1]   a commit that a full disk does not take
//! ```
//!
//! In a text that is sent or expected, `{a}` stands for the id of client `a`, `{a#4}` for that of the room's last question
//! to it of the step with this mark (its type; `h` for a probe), and `@old` and the like for stamps (see [`t`]).

use super::fixtures::NOW_MS;
use super::table::Table;
use super::texts::t;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use tinyroom::access::{Access, Grant};
use tinyroom::journal::{self, Commit, Write};
use tinyroom::room::{ConnectionId, Input, Output, Room, Settings};
use tinyroom::store::Store;
use tinyroom::sync::{RequestToken, Step};
use tinyroom::wire::message::RequestId;

pub struct Harness {
    pub room: Room,
    pub table: Table,
    pub now_ms: u64,
    /// Whether what is kept is on disk only when [`Input::Durable`] is handed in.
    pub disk_is_slow: bool,
    /// Whether nothing can be kept.
    pub disk_is_full: bool,
    /// Whether every client reads what it is sent, and acknowledges probes at once: no line tells of those.
    pub all_read: bool,
    /// Whether the room waits for [`Input::Durable`].
    pub asked: bool,
    /// How often it has paused: no line tells.
    pub pauses: usize,
    settings: (Settings, journal::Settings),
    clients: BTreeMap<&'static str, ConnectionId>,
    grants: BTreeMap<ConnectionId, Grant>,
    requests: BTreeMap<String, String>,
    remembered: BTreeMap<ConnectionId, u64>,
    wakes: u64,
}

impl Harness {
    /// An empty room.
    pub fn new() -> Self {
        Self::with(Settings::default(), journal::Settings::default())
    }

    /// An empty room with other settings.
    pub fn with(settings: Settings, journal: journal::Settings) -> Self {
        let room = Room::new(settings, Store::new(1), journal::Journal::new(journal), 1);
        Self {
            room,
            table: Table::default(),
            now_ms: NOW_MS,
            disk_is_slow: false,
            disk_is_full: false,
            all_read: true,
            asked: false,
            pauses: 0,
            settings: (settings, journal),
            clients: BTreeMap::new(),
            grants: BTreeMap::new(),
            requests: BTreeMap::new(),
            remembered: BTreeMap::new(),
            wakes: 0,
        }
    }

    /// A room that holds this change already, with clients that have been there for long.
    pub fn holding(change: &str, clients: &[&'static str]) -> Self {
        Self::new().with_content(change, clients)
    }

    /// Lets the room hold a change, and clients have been there for long.
    pub fn with_content(mut self, change: &str, clients: &[&'static str]) -> Self {
        if !change.is_empty() {
            self.connect("writer");
            self.say("writer", &format!("\n[null,3,{change}]"));
            self.disconnect("writer");
            self.outputs();
        }
        clients.iter().for_each(|client| self.connect(client));
        self.wake();
        self
    }

    /// Lets the room hold a store of which nothing is on disk.
    pub fn with_store(mut self, store: Store) -> Self {
        self.room = Room::new(self.settings.0, store, journal::Journal::new(self.settings.1), 1);
        self
    }

    /// Opens a socket, for somebody who may write.
    pub fn connect(&mut self, client: &'static str) {
        self.connect_with(client, Grant::of(Access::Write));
    }

    /// Opens a socket.
    pub fn connect_with(&mut self, client: &'static str, grant: Grant) {
        let id = self.room.new_id();
        self.clients.insert(client, id);
        self.grants.insert(id, grant.clone());
        self.handle(Input::Opened(id, grant));
    }

    /// Closes a client's socket.
    pub fn disconnect(&mut self, client: &str) {
        self.handle(Input::Closed(self.clients[client]));
    }

    /// Sends a text from a client, and lets the room read it to its end.
    pub fn say(&mut self, client: &str, text: &str) {
        self.begin_to_say(client, text);
        while self.room.unread_bytes() > 0 {
            self.handle(Input::Timeout);
        }
    }

    /// Sends a text from a client. Of a long one the room has read only what shows that it is.
    pub fn begin_to_say(&mut self, client: &str, text: &str) {
        let text = self.fill_in(&t(text));
        self.handle(Input::text(self.clients[client], text));
    }

    /// Answers the room's last question of a step to a client, by the mark of the step.
    pub fn answer(&mut self, client: &str, mark: impl Display, payload: &str) {
        self.say(client, &format!("S\n[\"{{{client}#{mark}}}\",0,{payload}]"));
    }

    /// Answers the room's last probe of a client.
    pub fn acknowledge(&mut self, client: &str) {
        self.begin_to_say(client, &format!("S\n[\"{{{client}#h}}\",0,[{{}}]]"));
    }

    /// Sends a binary frame of so many bytes from a client.
    pub fn say_binary(&mut self, client: &str, bytes: usize) {
        self.handle(Input::Binary(self.clients[client], bytes));
    }

    /// Lets time pass, and lets the room know if it asked to.
    pub fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        if self.room.poll_timeout().is_some_and(|at_ms| at_ms <= self.now_ms) {
            self.handle(Input::Timeout);
        }
    }

    /// Hands in anything else.
    pub fn handle(&mut self, input: Input) {
        self.room.handle(input, self.now_ms);
    }

    /// How many milliseconds from now the room wants to be woken.
    pub fn timeout_in_ms(&self) -> Option<u64> {
        self.room.poll_timeout().map(|at_ms| at_ms.saturating_sub(self.now_ms))
    }

    /// Forgets the room, and makes one anew from what is on disk and whose sockets are open.
    pub fn wake(&mut self) {
        assert_eq!(self.outputs(), [""; 0], "left over before the room was evicted");
        let (store, journal) = self.table.load(self.settings.1);
        let open: Vec<_> = self.room.connections().collect();
        self.wakes += 1;
        self.room = Room::new(self.settings.0, store, journal, 1 + self.wakes);
        for id in open {
            let recheck_at_ms = self.remembered.get(&id).copied();
            self.handle(Input::Resumed(id, self.grants[&id].clone(), recheck_at_ms));
        }
    }

    /// Lets nothing of the room's outputs be done, as when the first of them could not be kept.
    pub fn fail(&mut self) {
        let (store, journal) = self.table.load(self.settings.1);
        self.asked = false;
        self.room.on_commit_failed(store, journal);
    }

    /// Reads everything back from disk, as when the content is about to be read.
    pub fn reload(&mut self) {
        let (store, journal) = self.table.load(self.settings.1);
        self.room.reload(store, journal);
    }

    /// Checks that these are the room's outputs, and all of them.
    pub fn expect(&mut self, lines: &[&str]) {
        let outputs = self.outputs();
        let lines: Vec<_> = lines.iter().map(|line| t(line)).collect();
        let shown = |lines: &[String]| lines.iter().map(|line| format!("{line:.1000}\n")).collect::<String>();
        assert!(outputs == lines, "found\n{}where was expected\n{}", shown(&outputs), shown(&lines));
    }

    /// The room's outputs, with those that come of its being told that something is on disk, and of acknowledgements.
    pub fn outputs(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut probed = VecDeque::new();
        loop {
            while let Some(output) = self.room.poll_output() {
                if let Some(line) = self.carry_out(output, &mut probed) {
                    lines.push(self.named(line));
                }
            }
            if !self.disk_is_slow && std::mem::take(&mut self.asked) {
                self.handle(Input::Durable);
            } else if let Some(client) = probed.pop_front() {
                self.acknowledge(client);
            } else {
                return lines;
            }
        }
    }

    /// Does what an output says. What is to be kept is kept, and at once unless the disk is slow. Answers the line that tells
    /// of it.
    fn carry_out(&mut self, output: Output, probed: &mut VecDeque<&'static str>) -> Option<String> {
        Some(match output {
            Output::Persist { commit, authors, report } => {
                let kept = format!("keep {}: {}", names(&authors), entries(&commit));
                if self.disk_is_full {
                    self.fail();
                    return Some(format!("cannot {kept}"));
                }
                self.asked |= report;
                self.table.carry_out(&commit);
                kept
            }
            Output::Send { to, text } => {
                if self.note_request(to, &text) == Some(Step::Probe) && self.all_read {
                    probed.push_back(self.name_of(to));
                    return None;
                }
                format!("{to} < {text}")
            }
            Output::Broadcast { except, text } if except.is_empty() => format!("all < {text}"),
            Output::Broadcast { except, text } => format!("all but {} < {text}", names(&except)),
            Output::Close { connection, code, reason } => format!("close {connection}: {code} {reason}"),
            Output::Remember { connection, recheck_at_ms: Some(at_ms) } => {
                self.remembered.insert(connection, at_ms);
                format!("remember {connection}: to ask in {} ms", at_ms - self.now_ms)
            }
            Output::Remember { connection, recheck_at_ms: None } => {
                self.remembered.remove(&connection);
                format!("remember {connection}: nothing")
            }
            Output::Warn { text } => format!("warn: {text}"),
            Output::Pause => {
                self.pauses += 1;
                return None;
            }
        })
    }

    /// Remembers the id of a question of the room's. Answers for what step it is.
    fn note_request(&mut self, to: ConnectionId, text: &str) -> Option<Step> {
        let id = text.strip_prefix("S\n[\"")?.get(..16)?;
        let token = RequestToken::of(&RequestId(Some(id.into())))?;
        if text.get(21..).is_some_and(|rest| rest.starts_with(",0,")) {
            return None;
        }
        self.requests.insert(format!("{}#{}", self.name_of(to), &id[12..13]), id.to_owned());
        Some(token.step)
    }

    fn name_of(&self, id: ConnectionId) -> &'static str {
        self.clients.iter().find(|(_, client)| **client == id).map_or("?", |(name, _)| name)
    }

    /// A text with ids in the place of names, which stand in its first line and the beginning of the second.
    fn fill_in(&self, text: &str) -> String {
        let (head, rest) = text.split_at(head_length(text));
        let fill_in = |head: String, (name, id): (String, String)| head.replace(&format!("{{{name}}}"), &id);
        self.names().into_iter().fold(head.to_owned(), fill_in) + rest
    }

    /// A line with names in the place of ids, likewise.
    fn named(&self, line: String) -> String {
        let (head, rest) = line.split_at(head_length(&line));
        let head =
            self.requests.iter().fold(head.to_owned(), |head, (name, id)| head.replace(id, &format!("{{{name}}}")));
        self.clients.iter().fold(head, |head, (name, id)| head.replace(id.as_str(), name)) + rest
    }

    fn names(&self) -> Vec<(String, String)> {
        let clients = self.clients.iter().map(|(name, id)| ((*name).to_owned(), id.to_string()));
        clients.chain(self.requests.clone()).collect()
    }
}

/// Up to where ids may stand in a text.
fn head_length(text: &str) -> usize {
    let first = text.find('\n').map_or(text.len(), |line_break| line_break + 30);
    text.floor_char_boundary(first)
}

/// Ids in a row.
fn names(ids: &[ConnectionId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The entries that a commit keeps, in order; in which rows is the journal's business.
fn entries(commit: &Commit) -> String {
    let mut entries = String::new();
    for write in &commit.writes {
        let (entry, goes_on) = match write {
            Write::Insert { goes_on, entries, .. } => (entries, *goes_on),
            Write::Append { entry, .. } | Write::Replace { entry, .. } => (entry, false),
            Write::Create
            | Write::Renew { .. }
            | Write::Fold { .. }
            | Write::Move { .. }
            | Write::DeleteBefore { .. } => {
                continue;
            }
        };
        entries.push_str(entry);
        entries.push_str(if goes_on { "" } else { " + " });
    }
    entries.strip_suffix(" + ").unwrap_or(&entries).to_owned()
}
