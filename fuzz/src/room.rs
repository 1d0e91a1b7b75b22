//! A room among clients that say anything, a disk that may fail, and a clock.
//!
//! However it is driven, it does not panic, never waits long, falls quiet once nothing happens any more, says little more
//! than it is told, shows only what is on disk and nothing from the future, and is on disk what it is in memory.

use super::NOW_MS;
use super::cells::assert_same;
use super::source::{Change, Source};
use super::table::{SETTINGS, Table};
use tinyroom::hlc::DEFAULT_MAX_FUTURE_MS;
use tinyroom::journal::Journal;
use tinyroom::room::{ConnectionId, Input, Output, Room, Settings};
use tinyroom::store::{ContentHashes, Place, Store};
use tinyroom::wire::{Body, Message, ROOM_ID, Response};

/// Small, so that every limit is soon reached.
const ROOM: Settings = Settings {
    greet_after_ms: 250,
    max_window_ms: 50,
    load_answer_bytes: 400,
    answer_bytes: 300,
    change_bytes: 200,
    max_memory_bytes: 6000,
};
/// The longest wait that the room may ask for: a fragment's second.
const LONGEST_WAIT_MS: u64 = 1000;

struct World {
    room: Room,
    table: Table,
    /// What is on disk.
    kept: Store,
    clients: Vec<ConnectionId>,
    /// The id of the last request that was sent to anyone.
    request: String,
    now_ms: u64,
    seed: u64,
    /// Who was closed because the disk failed. The room may have closed them as well.
    failed: Vec<ConnectionId>,
    /// Whether the disk fails at the next commit.
    fails: bool,
}

pub fn run(input: &[u8]) {
    let mut source = Source::new(input);
    let mut world = World::new();
    while !source.is_over() {
        world.step(&mut source);
        world.carry_out(0);
    }
    world.fall_quiet();
}

impl World {
    fn new() -> Self {
        Self {
            room: Room::new(ROOM, Store::new(1), Journal::new(SETTINGS), 1),
            table: Table::default(),
            kept: Store::new(2),
            clients: Vec::new(),
            request: String::new(),
            now_ms: NOW_MS,
            seed: 1,
            failed: Vec::new(),
            fails: false,
        }
    }

    fn step(&mut self, source: &mut Source) {
        let how = source.below(16);
        let client = self.clients.get(source.below(self.clients.len().max(1))).copied();
        match (how, client) {
            (0 | 1, _) | (_, None) => {
                let id = self.room.new_id();
                self.clients.push(id);
                self.room.handle(Input::Opened(id), self.now_ms);
            }
            (2..=7, Some(id)) => {
                let text = self.filled_in(source.text());
                self.say(id, &text);
            }
            (8 | 9, Some(id)) => {
                let to = ["", "S", &self.clients[0].to_string()][source.below(3)].to_owned();
                self.say(id, &format!("{to}\n[null,3,{}]", Change::ANY.text(source)));
            }
            (10, Some(id)) => {
                let (step, answer) = (b"14567h"[source.below(6)], source.text());
                self.say(id, &format!("S\n[\"aaaaaaaaaaa.{}bbb\",0,{answer}]", char::from(step)));
            }
            (11, Some(id)) => {
                self.clients.retain(|client| *client != id);
                self.room.handle(Input::Closed(id), self.now_ms);
            }
            (12, Some(id)) => self.room.handle(Input::Binary(id), self.now_ms),
            (13, _) => {
                self.now_ms += u64::from(source.byte()) * 8;
                self.room.handle(Input::Timeout, self.now_ms);
            }
            (14, _) if source.one_in(2) => self.fails = true,
            (14, _) => self.read(),
            (15, _) if source.one_in(2) => self.room.handle(Input::Kept, self.now_ms),
            _ => self.wake(),
        }
        let due_ms = self.room.poll_timeout();
        assert!(due_ms.is_none_or(|due_ms| due_ms <= self.now_ms + LONGEST_WAIT_MS), "{due_ms:?} at {}", self.now_ms);
    }

    /// A client says something. The room answers with little more than it holds and was told.
    fn say(&mut self, client: ConnectionId, text: &str) {
        self.room.handle(Input::Text(client, text), self.now_ms);
        self.carry_out(text.len());
    }

    /// `\u{1}` stands for the id of the last request, `\u{2}` to `\u{5}` for those of clients: neither may stand in JSON.
    fn filled_in(&self, text: &str) -> String {
        let names = self.clients.iter().map(ToString::to_string).zip('\u{2}'..='\u{5}');
        let text = names.fold(text.to_owned(), |text, (id, name)| text.replace(name, &id));
        text.replace('\u{1}', &self.request)
    }

    /// Carries out the room's outputs, as the shell does.
    fn carry_out(&mut self, told: usize) {
        let mut said = 0;
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist { commit, authors, .. } => {
                    if std::mem::take(&mut self.fails) {
                        self.start_over(&authors);
                        continue;
                    }
                    self.table.carry_out(&commit);
                    self.kept = self.load().0;
                }
                Output::Send { to, text } => {
                    assert!(self.clients.contains(&to), "{to} is gone, and is told {text}");
                    said += text.len();
                    self.hear(&text);
                }
                Output::Broadcast { text, .. } => {
                    said += text.len();
                    self.hear(&text);
                }
                Output::Pause => {}
                Output::Close { connection, reason, .. } => {
                    let is_open = self.clients.contains(&connection);
                    assert!(is_open || self.failed.contains(&connection), "{connection} is closed again");
                    assert!(reason.len() <= 123, "{reason}");
                    self.clients.retain(|client| *client != connection);
                }
            }
        }
        let content = self.room.store().content_text().len();
        let clients = self.clients.len();
        assert!(
            said <= 10 * (told + content) + 500 + 100 * clients,
            "{said} bytes are said of {content} to {clients} clients, when {told} were told"
        );
    }

    /// What anyone hears is on disk, and is not from the future.
    fn hear(&mut self, text: &str) {
        let (from, body) = text.split_once('\n').unwrap_or_else(|| panic!("there is no sender: {text}"));
        let message = Message::read(body).unwrap_or_else(|error| panic!("{error}: {text}"));
        if let Some(id) = message.id.0.as_deref().filter(|_| from == ROOM_ID) {
            self.request = id.to_owned();
        }
        if let Some(changes) = message.body.changes() {
            assert!(!changes.newest().is_future(self.now_ms, DEFAULT_MAX_FUTURE_MS), "from the future: {text}");
            let merged = self.kept.merge(changes, self.now_ms, |_| {});
            assert_eq!(merged.won, 0, "not on disk: {text}");
        }
        match message.body {
            Body::ContentHashes(hashes) | Body::Response(Response::ContentHashes(hashes)) if from == ROOM_ID => {
                assert_eq!(hashes, self.kept_hashes(), "not on disk: {text}");
            }
            _ => {}
        }
    }

    fn kept_hashes(&self) -> ContentHashes {
        self.load().0.content_hashes()
    }

    /// The room is read back from disk, and goes on with what was read.
    fn read(&mut self) {
        self.room.handle(Input::Read, self.now_ms);
        self.carry_out(0);
        self.room.unload();
        let (store, journal) = self.load();
        self.room.reload(store, journal);
    }

    /// The disk has failed. Whoever sent what could not be kept is gone, and the room begins again.
    fn start_over(&mut self, authors: &[ConnectionId]) {
        for &author in authors {
            self.room.handle(Input::Closed(author), self.now_ms);
        }
        self.clients.retain(|client| !authors.contains(client));
        self.failed.extend(authors);
        self.room.unload();
        let (store, journal) = self.load();
        self.room.start_over(store, journal);
    }

    /// The room is forgotten, and made anew from what is on disk.
    fn wake(&mut self) {
        let (store, journal) = self.load();
        self.seed += 1;
        self.room = Room::new(ROOM, store, journal, self.seed);
        for &client in &self.clients {
            self.room.handle(Input::Resumed(client), self.now_ms);
        }
    }

    fn load(&self) -> (Store, Journal) {
        let (store, journal, faults) =
            self.table.load().unwrap_or_else(|error| panic!("what was written is not read again: {error}"));
        assert!(faults.is_empty(), "{faults:?}");
        (store, journal)
    }

    /// Lets time pass until the room wants nothing more.
    fn fall_quiet(&mut self) {
        let most = 200 + 4 * self.clients.len() * self.room.store().places_from(Place::START).count();
        for _ in 0..most {
            let Some(due_ms) = self.room.poll_timeout() else {
                assert_same(self.room.store(), &self.load().0, "memory and disk in the end");
                return;
            };
            self.now_ms = self.now_ms.max(due_ms);
            self.room.handle(Input::Timeout, self.now_ms);
            self.carry_out(0);
        }
        panic!("after {most} timeouts the room is not quiet");
    }
}
