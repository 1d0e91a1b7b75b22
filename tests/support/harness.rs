//! A room driven by hand: named clients, a clock that is set, and outputs as lines in which every id the room made up
//! has a name.
//!
//! ```text
//! keep a: insert 1 [[{…}],[{}],1]     a commit, whose change it is, and its writes (`+` between them)
//! b < S\n["q",0,[1,2]]                a text for one
//! all but a < a\n[null,3,…]           a text for all but one
//! close a: 1007 tinybase:14:…
//! ```
//!
//! In a text that is sent or expected, `{a}` stands for the id of client `a`, `{a#4}` for that of the room's last question
//! of type 4 to it, and `@old` and the like for stamps (see [`t`]).

use super::fixtures::NOW_MS;
use super::table::Table;
use super::texts::t;
use std::collections::BTreeMap;
use tinyroom::journal::{self, Commit, Write};
use tinyroom::room::{ConnectionId, Input, Output, Room, Settings};
use tinyroom::store::Store;
use tinyroom::sync::PullId;
use tinyroom::wire::message::RequestId;

pub struct Harness {
    pub room: Room,
    pub table: Table,
    pub now_ms: u64,
    /// Whether what is kept is on disk only when [`Input::Kept`] is handed in.
    pub disk_is_slow: bool,
    /// Whether the room waits for [`Input::Kept`].
    pub asked: bool,
    /// How often it has paused: no line tells.
    pub pauses: usize,
    settings: (Settings, journal::Settings),
    clients: BTreeMap<&'static str, ConnectionId>,
    requests: BTreeMap<String, String>,
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
            asked: false,
            pauses: 0,
            settings: (settings, journal),
            clients: BTreeMap::new(),
            requests: BTreeMap::new(),
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

    /// Opens a socket.
    pub fn connect(&mut self, client: &'static str) {
        let id = self.room.new_id();
        self.clients.insert(client, id);
        self.handle(Input::Opened(id));
    }

    /// Closes a client's socket.
    pub fn disconnect(&mut self, client: &str) {
        self.handle(Input::Closed(self.clients[client]));
    }

    /// Sends a text from a client.
    pub fn say(&mut self, client: &str, text: &str) {
        let text = self.fill_in(&t(text));
        self.handle(Input::Text(self.clients[client], &text));
    }

    /// Answers the room's last question of a type to a client.
    pub fn answer(&mut self, client: &str, type_: u8, payload: &str) {
        self.say(client, &format!("S\n[\"{{{client}#{type_}}}\",0,{payload}]"));
    }

    /// Answers the room's last question whether a client reads.
    pub fn answer_that_it_reads(&mut self, client: &str) {
        self.say(client, &format!("S\n[\"{{{client}#h}}\",0,[{{}}]]"));
    }

    /// Sends a binary frame from a client.
    pub fn say_binary(&mut self, client: &str) {
        self.handle(Input::Binary(self.clients[client]));
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
        open.into_iter().for_each(|id| self.handle(Input::Resumed(id)));
    }

    /// Lets nothing of the room's outputs be done, as when the first of them could not be kept.
    pub fn fail(&mut self) {
        let (store, journal) = self.table.load(self.settings.1);
        self.room.start_over(store, journal);
    }

    /// Checks that these are the room's outputs, and all of them.
    pub fn expect(&mut self, lines: &[&str]) {
        let outputs = self.outputs();
        let lines: Vec<_> = lines.iter().map(|line| t(line)).collect();
        assert_eq!(outputs, lines, "\n{}", outputs.join("\n"));
    }

    /// The room's outputs. What is to be kept is kept, and at once unless the disk is slow.
    pub fn outputs(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(output) = self.room.poll_output() {
            let line = match output {
                Output::Persist { commit, authors, report } => {
                    self.asked |= report;
                    self.table.carry_out(&commit);
                    let authors: Vec<_> = authors.iter().map(ToString::to_string).collect();
                    format!("keep {}: {}", authors.join(" "), writes(&commit))
                }
                Output::Send { to, text } => {
                    self.note_request(to, &text);
                    format!("{to} < {text}")
                }
                Output::Broadcast { except, text } if except.is_empty() => format!("all < {text}"),
                Output::Broadcast { except, text } => {
                    let except: Vec<_> = except.iter().map(ToString::to_string).collect();
                    format!("all but {} < {text}", except.join(" "))
                }
                Output::Close { connection, code, reason } => format!("close {connection}: {code} {reason}"),
                Output::Pause => {
                    self.pauses += 1;
                    continue;
                }
            };
            lines.push(self.named(line));
        }
        if !self.disk_is_slow && std::mem::take(&mut self.asked) {
            self.handle(Input::Kept);
        }
        lines
    }

    /// Remembers the id of a question of the room's.
    fn note_request(&mut self, to: ConnectionId, text: &str) {
        let id = text.strip_prefix("S\n[\"").and_then(|rest| rest.get(..16));
        let pull = id.and_then(|id| PullId::of(&RequestId(Some(id.into()))));
        if let (Some(id), Some(_), false) = (id, pull, text.get(21..).is_some_and(|rest| rest.starts_with(",0,"))) {
            self.requests.insert(format!("{}#{}", self.name_of(to), &id[12..13]), id.to_owned());
        }
    }

    fn name_of(&self, id: ConnectionId) -> &'static str {
        self.clients.iter().find(|(_, client)| **client == id).map_or("?", |(name, _)| name)
    }

    fn fill_in(&self, text: &str) -> String {
        self.names().into_iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), &id))
    }

    fn named(&self, line: String) -> String {
        let line = self.requests.iter().fold(line, |line, (name, id)| line.replace(id, &format!("{{{name}}}")));
        self.clients.iter().fold(line, |line, (name, id)| line.replace(id.as_str(), name))
    }

    fn names(&self) -> Vec<(String, String)> {
        let clients = self.clients.iter().map(|(name, id)| ((*name).to_owned(), id.to_string()));
        clients.chain(self.requests.clone()).collect()
    }
}

fn writes(commit: &Commit) -> String {
    let writes = commit.writes.iter().map(|write| match write {
        Write::Create => "create".to_owned(),
        Write::Renew { first } => format!("renew for {first}"),
        Write::Insert { sequence, goes_on: false, entries } => format!("insert {sequence} {entries}"),
        Write::Insert { sequence, goes_on: true, entries } => format!("insert {sequence} {entries}…"),
        Write::Append { sequence, entry } => format!("append {sequence} {entry}"),
        Write::Fold { from, into } => format!("fold {from} into {into}"),
        Write::Move { from, into } => format!("move {from} to {into}"),
        Write::Replace { sequence, entry } => format!("replace {sequence} {entry}"),
        Write::DeleteBefore { first, quarantined } => format!("forget before {first} but {quarantined:?}"),
    });
    writes.collect::<Vec<_>>().join(" + ")
}
