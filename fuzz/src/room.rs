//! A room among clients that say anything, a disk that may fail, and a clock that may be set.
//!
//! However it is driven, it does not panic, never waits long, falls quiet once nothing happens any more, says little more
//! than it is told, shows only what is on disk, nothing from the future and no object that is none, and is on disk what it is
//! in memory. It answers what it is asked, closes nobody but who is at fault, leaves a disk alone that takes nothing, and
//! sends nobody changes far ahead of what that one acknowledges.

use super::cells::assert_same;
use super::source::{Change, Source};
use super::table::{SETTINGS, Table};
use super::{NOW_MS, each_change};
use tinyroom::access::{Access, Grant};
use tinyroom::hlc::DEFAULT_MAX_FUTURE_MS;
use tinyroom::journal::Journal;
use tinyroom::room::{ConnectionId, Input, Limits, Output, Room, Settings};
use tinyroom::store::{ContentHashes, Place, Store};
use tinyroom::wire::{self, Body, Envelope, Message, MessageType, ROOM_ID, Recipient, Response};

/// Small, so that every limit is soon reached.
const ROOM: Settings = Settings {
    limits: Limits { corrections_bytes: 1 << 10, value_bytes: 300, id_bytes: 40, ..Limits::DEFAULT },
    greet_after_ms: 250,
    max_window_ms: 50,
    keep_within_ms: 0,
    load_answer_bytes: 400,
    answer_bytes: 300,
    change_bytes: 200,
    max_memory_bytes: 6000,
    fragment_silence_ms: 1000,
    max_future_ms: DEFAULT_MAX_FUTURE_MS,
};
/// The longest wait that the room may ask for: that for a disk that takes nothing.
const LONGEST_WAIT_MS: u64 = 60_000;

/// What the room counts as passed when the clock is set forward, at most.
const LONGEST_STEP_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
/// How many changes may be on their way to a client that has acknowledged nothing: a window of frames, and what was put
/// together at once for the last of them.
const FIRST_CHANGES: usize = 4 + 8;
/// The same of one that has acknowledged once: its window grows at once to what it has shown to read. With each time more it
/// doubles at most.
const MANY_CHANGES: usize = 64 + 8;

struct World {
    room: Room,
    table: Table,
    /// What is on disk.
    kept: Store,
    clients: Vec<Client>,
    /// The id of the last request that was sent to anyone.
    request: String,
    now_ms: u64,
    /// What the clock said when the room last heard of it, and the latest that it ever said then.
    handed_in_ms: u64,
    latest_ms: u64,
    /// How much time has passed, as far as a room can tell.
    passed_ms: u64,
    seed: u64,
    disk: Disk,
}

struct Client {
    id: ConnectionId,
    /// What the room left with its socket.
    recheck_at_ms: Option<u64>,
    /// How many changes it was sent that it has not acknowledged, in this life of the room.
    changes: usize,
    /// The probe that it has not answered, and how many changes came before.
    probe: Option<(String, usize)>,
    /// How often it has acknowledged.
    acks: u32,
}

/// Whether it takes commits.
#[derive(Default)]
struct Disk {
    /// How many commits it does not take.
    fails: usize,
    /// How many it has not taken since one was reported.
    failed: u32,
    /// Up to when it is to be left alone.
    alone_until_ms: u64,
    /// Whether a commit is still to be reported.
    is_report_due: bool,
}

pub fn run(input: &[u8]) {
    let mut source = Source::new(input);
    let mut world = World::new();
    while !source.is_over() {
        world.step(&mut source);
        world.carry_out(0, None);
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
            handed_in_ms: NOW_MS,
            latest_ms: NOW_MS,
            passed_ms: 0,
            seed: 1,
            disk: Disk::default(),
        }
    }

    fn step(&mut self, source: &mut Source) {
        let how = source.below(18);
        let client = self.clients.get(source.below(self.clients.len().max(1))).map(|client| client.id);
        match (how, client) {
            (0 | 1, _) | (_, None) => {
                let id = self.room.new_id();
                self.clients.push(Client::new(id));
                self.handle(Input::Opened(id, Grant::of(Access::Write)));
            }
            (2..=7, Some(id)) => {
                let text = self.filled_in(source.text());
                self.say(id, &text);
            }
            (8 | 9, Some(id)) => {
                let to = ["", "S", &self.clients[0].id.to_string()][source.below(3)].to_owned();
                self.say(id, &format!("{to}\n[null,3,{}]", Change::ANY.text(source)));
            }
            (10, Some(id)) => {
                let (step, answer) = (b"145678h"[source.below(7)], source.text());
                self.say(id, &format!("S\n[\"aaaaaaaaaaa.{}bbb\",0,{answer}]", char::from(step)));
            }
            (11, Some(id)) => {
                self.clients.retain(|client| client.id != id);
                self.handle(Input::Closed(id));
            }
            (12, Some(id)) => {
                self.handle(Input::Binary(id, usize::from(source.byte())));
                self.carry_out(0, Some(id));
            }
            (13, _) => {
                let ms = u64::from(source.byte());
                // Most of it moments, some of it minutes.
                self.now_ms += if source.one_in(4) { ms * 1000 } else { ms * 8 };
                self.handle(Input::Timeout);
            }
            (14, _) if source.one_in(2) => self.disk.fails = 1 + source.below(4),
            (14, _) => self.read(),
            (15, _) if source.one_in(2) => self.report(),
            (15, _) => self.wake(),
            (16, _) if source.one_in(2) => self.now_ms += HOUR_MS,
            (16, _) => self.now_ms -= HOUR_MS,
            (_, Some(id)) => self.acknowledge(id),
        }
        let due_ms = self.room.poll_timeout();
        assert!(
            due_ms.is_none_or(|due_ms| due_ms <= self.handed_in_ms + LONGEST_WAIT_MS),
            "{due_ms:?} at {}",
            self.handed_in_ms
        );
    }

    fn handle(&mut self, input: Input) {
        self.hand_in_time();
        self.room.handle(input, self.now_ms);
    }

    fn hand_in_time(&mut self) {
        self.passed_ms += self.now_ms.saturating_sub(self.handed_in_ms).min(LONGEST_STEP_MS);
        self.handed_in_ms = self.now_ms;
        self.latest_ms = self.latest_ms.max(self.now_ms);
    }

    /// A client says something. The room answers with little more than it holds and was told.
    fn say(&mut self, client: ConnectionId, text: &str) {
        let heard = self.attempt(client, text);
        if self.clients.iter().all(|other| other.id != client) {
            assert!(!is_fine(text), "{client} is closed for {text}");
        } else if let Some(answer) = answer_to(text) {
            let answers = heard.iter().filter(|heard| heard.starts_with(&answer)).count();
            assert_eq!(answers, 1, "answers to {text}: {heard:?}");
        }
    }

    /// The same, and what that client hears then. What could not be kept is handed in again, as the shell does.
    fn attempt(&mut self, client: ConnectionId, text: &str) -> Vec<String> {
        self.clients.iter_mut().filter(|other| other.id == client).for_each(|client| client.says(text));
        let failed = self.disk.failed;
        self.handle(Input::text(client, text));
        let heard = self.carry_out(text.len(), Some(client));
        if self.disk.failed == failed {
            return heard;
        }
        self.handle(Input::text(client, text));
        self.carry_out(text.len(), Some(client))
    }

    /// A client has read all that it was sent before the last probe.
    fn acknowledge(&mut self, id: ConnectionId) {
        let probe = self.clients.iter().find(|client| client.id == id).and_then(|client| client.probe.as_ref());
        if let Some((probe, _)) = probe {
            self.say(id, &format!("S\n[\"{probe}\",0,[{{}}]]"));
        }
    }

    /// All that was to be reported is on disk.
    fn report(&mut self) {
        if std::mem::take(&mut self.disk.is_report_due) {
            (self.disk.failed, self.disk.alone_until_ms) = (0, 0);
            self.handle(Input::Durable);
        }
    }

    /// `\u{1}` stands for the id of the last request, `\u{2}` to `\u{5}` for those of clients: neither may stand in JSON.
    fn filled_in(&self, text: &str) -> String {
        let names = self.clients.iter().map(|client| client.id.to_string()).zip('\u{2}'..='\u{5}');
        let text = names.fold(text.to_owned(), |text, (id, name)| text.replace(name, &id));
        text.replace('\u{1}', &self.request)
    }

    /// Carries out the room's outputs, as the shell does: those of something that one client did, or nobody. Answers what
    /// that one hears.
    fn carry_out(&mut self, told: usize, by: Option<ConnectionId>) -> Vec<String> {
        let mut said = 0;
        let mut heard = Vec::new();
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist { commit, report, .. } => {
                    let (passed_ms, until_ms) = (self.passed_ms, self.disk.alone_until_ms);
                    assert!(passed_ms >= until_ms, "the disk is not left alone at {passed_ms} until {until_ms}");
                    if self.disk.fails > 0 {
                        self.start_over();
                        heard.clear();
                        continue;
                    }
                    self.disk.is_report_due |= report;
                    self.table.carry_out(&commit);
                    self.kept = self.load().0;
                }
                Output::Send { to, text } => {
                    said += text.len();
                    self.hear(&text);
                    let client = self.clients.iter_mut().find(|client| client.id == to);
                    client.unwrap_or_else(|| panic!("{to} is gone, and is told {text}")).hear(&text);
                    if by == Some(to) {
                        heard.push(text);
                    }
                }
                Output::Broadcast { except, text } => {
                    said += text.len();
                    self.hear(&text);
                    let others = self.clients.iter_mut().filter(|client| !except.contains(&client.id));
                    others.for_each(|client| client.hear(&text));
                }
                Output::Remember { connection, recheck_at_ms } => {
                    let client = self.clients.iter_mut().find(|client| client.id == connection);
                    client.unwrap_or_else(|| panic!("{connection} is gone")).recheck_at_ms = recheck_at_ms;
                }
                Output::Pause | Output::Warn { .. } => {}
                Output::Close { connection, reason, .. } => {
                    assert_eq!(Some(connection), by, "closed for what somebody else did: {reason}");
                    assert!(self.clients.iter().any(|client| client.id == connection), "{connection} is closed again");
                    assert!(reason.len() <= 123, "{reason}");
                    self.clients.retain(|client| client.id != connection);
                }
            }
        }
        let content = self.room.store().content_text().len();
        let clients = self.clients.len();
        assert!(
            said <= 10 * (told + content) + 500 + 100 * clients,
            "{said} bytes are said of {content} to {clients} clients, when {told} were told"
        );
        heard
    }

    /// What anyone hears is on disk, is not from the future, and can be read.
    fn hear(&mut self, text: &str) {
        let (from, body) = text.split_once('\n').unwrap_or_else(|| panic!("there is no sender: {text}"));
        let message = Message::read(body).unwrap_or_else(|error| panic!("{error}: {text}"));
        if let Some(id) = message.id.0.as_deref().filter(|_| from == ROOM_ID) {
            self.request = id.to_owned();
        }
        each_change(&message, |changes| {
            assert!(!changes.newest().is_future(self.latest_ms, DEFAULT_MAX_FUTURE_MS), "from the future: {text}");
            let merged = self.kept.merge(changes, self.latest_ms, |_| {});
            assert_eq!((merged.won, merged.malformed), (0, 0), "not on disk, or not to be read: {text}");
        });
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
        self.handle(Input::FlushForRead);
        self.carry_out(0, None);
        self.room.unload();
        let (store, journal) = self.load();
        self.room.reload(store, journal);
    }

    /// The disk has failed, and the room begins again.
    fn start_over(&mut self) {
        let wait_ms = (1000 << self.disk.failed.min(6)).min(LONGEST_WAIT_MS);
        self.disk.alone_until_ms = self.passed_ms + wait_ms;
        self.disk.failed += 1;
        self.disk.fails -= 1;
        self.clients.iter_mut().for_each(Client::begin_anew);
        self.room.unload();
        let (store, journal) = self.load();
        self.room.on_commit_failed(store, journal);
    }

    /// The room is forgotten, and made anew from what is on disk.
    fn wake(&mut self) {
        let (store, journal) = self.load();
        self.seed += 1;
        self.room = Room::new(ROOM, store, journal, self.seed);
        self.disk = Disk { fails: self.disk.fails, ..Disk::default() };
        self.hand_in_time();
        for client in &mut self.clients {
            client.begin_anew();
            self.room.handle(Input::Resumed(client.id, Grant::of(Access::Write), client.recheck_at_ms), self.now_ms);
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
        // Each client is sent what it lacks, and asked when the disk is tried again.
        let most = 200 + 4 * self.clients.len() * (1 + self.room.store().places_from(Place::START).count());
        for _ in 0..most {
            let Some(due_ms) = self.room.poll_timeout() else {
                assert_same(self.room.store(), &self.load().0, "memory and disk in the end");
                return;
            };
            self.now_ms = self.now_ms.max(due_ms);
            self.handle(Input::Timeout);
            self.carry_out(0, None);
        }
        panic!("after {most} timeouts the room is not quiet");
    }
}

impl Client {
    fn new(id: ConnectionId) -> Self {
        Self { id, recheck_at_ms: None, changes: 0, probe: None, acks: 0 }
    }

    /// The room has forgotten what it was sent.
    fn begin_anew(&mut self) {
        (self.changes, self.probe, self.acks) = (0, None, 0);
    }

    /// Notes an acknowledgement, in whatever message it may be.
    fn says(&mut self, text: &str) {
        if let Some((_, changes)) = self.probe.take_if(|(probe, _)| text.contains(probe.as_str())) {
            self.changes -= changes;
            self.acks += 1;
        }
    }

    fn hear(&mut self, text: &str) {
        let (_, body) = text.split_once('\n').unwrap_or_default();
        let Ok(message) = Message::read(body) else { return };
        match (message.id.0, message.body) {
            (_, Body::ContentDiff(_)) => {
                self.changes += 1;
                let most = self.acks.checked_sub(1).map_or(FIRST_CHANGES, |more| MANY_CHANGES << more.min(10));
                assert!(
                    self.changes <= most,
                    "{} changes are on their way after {} acknowledgements",
                    self.changes,
                    self.acks
                );
            }
            (Some(id), Body::GetCellDiff(_)) if id.get(12..13) == Some("h") => {
                assert!(self.probe.is_none(), "a second probe before the first is answered");
                self.probe = Some((id.into_owned(), self.changes));
            }
            _ => {}
        }
    }
}

/// Whether this is a message with which nobody can be at fault: a question, a change, or what a client holds.
fn is_fine(text: &str) -> bool {
    let message = Envelope::open(text).map(|envelope| Message::read(envelope.body));
    message
        .is_none_or(|message| message.is_ok_and(|message| !matches!(message.body, Body::Response(_) | Body::Long(_))))
}

/// How the room's answer to this begins, if it is a question to it.
fn answer_to(text: &str) -> Option<String> {
    let envelope = Envelope::open(text).filter(|envelope| !matches!(envelope.to, Recipient::Client(_)))?;
    let message = Message::read(envelope.body).ok()?;
    match message.body {
        Body::ContentHashes(_) | Body::ContentDiff(_) | Body::Response(_) | Body::Long(_) => None,
        _ => {
            let empty = wire::message::text(&message.id, MessageType::Response, "");
            Some(wire::envelope::seal(ROOM_ID, empty.trim_end_matches(']')))
        }
    }
}
