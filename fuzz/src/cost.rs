//! What messages cost: the memory that one takes, and the work that it causes.
//!
//! A room with content is sent messages of up to a megabyte, each [made of a few bytes](super::shape). While it takes them
//! in, an allocator counts. What must hold:
//!
//! - *Memory.* Beyond what the content grows by, a message takes no more than a constant and twice what is read and said.
//!   What stays of it when it has been dealt with is bounded by the content.
//! - *Work.* What is done is paid for: it is in proportion to what the room debits. It is counted, never timed: in bytes
//!   that are said, in bytes that are allocated, and, where the compiler was told to have them counted, in loads from memory.
//!
//! How much it was for each byte is a [`Record`]. The fuzzer keeps whatever reaches a higher one.

use super::NOW_MS;
use super::counting::{ALLOCATED, LIVE, PEAK};
use super::shape::Shape;
use super::source::Source;
use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};
use tinyroom::access::{Access, Grant};
use tinyroom::journal::{self, Journal, Write};
use tinyroom::json::Reader;
use tinyroom::room::{ConnectionId, Input, MESSAGE_BYTES, Output, Rate, Room, Settings};
use tinyroom::store::{Changes, MergePolicy, Store};

/// How many loads from memory there were. The target counts them, if the compiler was told to call it at each.
pub static LOADS: AtomicU64 = AtomicU64::new(0);

/// Shorter texts are no measure: what is constant is more.
const LEAST_BYTES: usize = 64 << 10;
/// How long all texts of an input may be; one may be half of it.
const MOST_BYTES_IN_ALL: usize = 2 << 20;

/// What a message may take beside what goes by its length: a part of a change is in memory at a time, or a question that is
/// not long.
const MEMORY_BYTES: usize = 6 << 20;
/// How many times what is read and said it may take.
const TIMES: f64 = 2.0;
/// What may stay of all messages beyond a part of the content.
const KEPT_BYTES: usize = 1 << 20;
/// How many bytes may be said, how many allocated, and how many loads made, for each byte that is debited.
const SAID_PER_BYTE: f64 = 16.0;
const ALLOCATED_PER_BYTE: f64 = 80.0;
const LOADS_PER_BYTE: f64 = 80.0;

/// What each client owes before it begins, so that no pause pays off more than it owes.
const OWED_BYTES: u64 = 3 << 20;
/// How long an input can last: what is paid off meanwhile is less than that.
const LONGEST_MS: u64 = 300;

/// How much of something one input costs for each byte.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub measure: Measure,
    pub kind: Kind,
    pub ratio: f64,
}

impl Display for Record {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        let Self { measure, kind, ratio } = self;
        write!(formatter, "{ratio:8.3} {measure:?} {kind:?}")
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// The most memory beyond what the content grew by, for each byte that was read or said.
    Memory,
    /// The same beyond the constant.
    MemoryBeyond,
    /// The memory that stayed, for each byte that was read.
    Kept,
    /// The bytes that are to be kept or sent, for each that was debited. What is for all counts once.
    Said,
    /// The bytes that were allocated, for each that was debited.
    Allocated,
    /// The loads from memory, for each byte that was debited.
    Loads,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Heartbeat,
    GetContentHashes,
    ContentHashes,
    Change,
    GetTableDiff,
    GetRowDiff,
    GetCellDiff,
    GetValueDiff,
    AnswerHashes,
    AnswerTables,
    AnswerRows,
    AnswerCells,
    AnswerValues,
    AnswerDifferingValues,
    /// More than one of them.
    Several,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::Heartbeat,
        Self::GetContentHashes,
        Self::ContentHashes,
        Self::Change,
        Self::GetTableDiff,
        Self::GetRowDiff,
        Self::GetCellDiff,
        Self::GetValueDiff,
        Self::AnswerHashes,
        Self::AnswerTables,
        Self::AnswerRows,
        Self::AnswerCells,
        Self::AnswerValues,
        Self::AnswerDifferingValues,
    ];
}

struct World {
    room: Room,
    clients: Vec<Client>,
    now_ms: u64,
    /// Whether the room waits to be told that all is on disk.
    is_report_due: bool,
    /// How much has been read, and in how many messages.
    read_bytes: usize,
    messages: u64,
    /// Why the last of those was closed that are gone.
    reason: String,
    /// What was counted.
    said: u64,
    allocated: u64,
    loads: u64,
    kinds: Vec<Kind>,
    records: Vec<Record>,
}

struct Client {
    id: ConnectionId,
    /// Probes that it has not acknowledged.
    probes: VecDeque<String>,
}

/// What has been counted while something was done.
struct Cost {
    /// The most memory beyond what was taken before.
    peak_bytes: usize,
    /// How much the content grew.
    growth_bytes: usize,
    /// How long the texts are that are to be kept or sent.
    said_bytes: usize,
}

/// Lets a room take in what an input describes. Answers what that cost.
pub fn run(input: &[u8]) -> Vec<Record> {
    let mut source = Source::new(input);
    let mut world = World::new(&mut source);
    let (live, content) = (LIVE.get(), world.room.store().memory_bytes());
    while !source.is_over() && !world.clients.is_empty() && world.read_bytes < MOST_BYTES_IN_ALL {
        world.step(&mut source);
    }
    let kept = LIVE.get() - live - (world.room.store().memory_bytes().cast_signed() - content.cast_signed());
    world.finish(kept.max(0).cast_unsigned());
    world.records
}

impl World {
    /// A room with some content and two clients.
    fn new(source: &mut Source) -> Self {
        let mut store = Store::new(1);
        if source.one_in(2) {
            let limit = limit(source);
            let content = Shape::new(source, limit).change();
            let changes = Changes::read(&mut Reader::new(&content)).unwrap_or_else(|error| panic!("{error}"));
            let policy = MergePolicy { now_ms: NOW_MS, ..MergePolicy::STORED };
            store.merge_all(&changes, policy);
        }
        let is_full = source.one_in(4);
        let max_memory_bytes = if is_full { store.memory_bytes() } else { Settings::default().max_memory_bytes };
        let settings = Settings { max_memory_bytes, ..Settings::default() };
        let room = Room::new(settings, store, Journal::new(journal::Settings::default()), 1);
        let mut world = Self {
            room,
            clients: Vec::new(),
            now_ms: NOW_MS,
            is_report_due: false,
            read_bytes: 0,
            messages: 0,
            reason: String::new(),
            said: 0,
            allocated: 0,
            loads: 0,
            kinds: Vec::new(),
            records: Vec::new(),
        };
        let heartbeat = " ".repeat(OWED_BYTES as usize);
        for _ in 0..2 {
            let id = world.room.new_id();
            let input = {
                let grant = Grant::of(Access::Write);
                if source.one_in(2) { Input::Opened(id, grant) } else { Input::Resumed(id, grant, None) }
            };
            world.clients.push(Client { id, probes: VecDeque::new() });
            world.room.handle(input, world.now_ms);
            world.room.handle(Input::text(id, &*heartbeat), world.now_ms);
        }
        world.room.handle(Input::Timeout, world.now_ms);
        while let Some(output) = world.room.poll_output() {
            world.carry_out(output);
        }
        world
    }

    fn step(&mut self, source: &mut Source) {
        let client = source.below(self.clients.len());
        match source.below(24) {
            16 => self.pass(u64::from(source.byte())),
            17 => self.pass(0),
            18 if std::mem::take(&mut self.is_report_due) => {
                self.handle(Input::Durable);
            }
            19 | 20 => self.acknowledge(client),
            how => {
                let kind = Kind::ALL[how % Kind::ALL.len()];
                let limit = limit(source);
                let mut text = text(kind, source, limit);
                if source.one_in(16) {
                    text.pop();
                }
                let fragments = if source.one_in(8) { 1 + usize::from(source.byte()) } else { 1 };
                let times = if source.one_in(8) { 1 + usize::from(source.byte()) } else { 1 };
                for _ in 0..times {
                    if self.read_bytes < MOST_BYTES_IN_ALL && client < self.clients.len() {
                        self.say(client, kind, &text, fragments);
                    }
                }
            }
        }
    }

    /// A client says something, in one frame or in several.
    fn say(&mut self, client: usize, kind: Kind, text: &str, fragments: usize) {
        let id = self.clients[client].id;
        self.read_bytes += text.len();
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        let frames: Vec<_> = divided(text, fragments).into_iter().map(|frame| Input::text(id, frame)).collect();
        self.messages += frames.len() as u64;
        let cost = self.measured(|world| {
            let mut said_bytes = 0;
            for frame in frames {
                world.room.handle(frame, world.now_ms);
                said_bytes += world.drain();
                while world.room.unread_bytes() > 0 {
                    world.room.handle(Input::Timeout, world.now_ms);
                    said_bytes += world.drain();
                }
            }
            said_bytes
        });
        self.note(kind, text.len(), &cost);
    }

    /// Notes what a message took, which must not be too much.
    fn note(&mut self, kind: Kind, read_bytes: usize, cost: &Cost) {
        let bytes = read_bytes + cost.said_bytes;
        if bytes < LEAST_BYTES {
            return;
        }
        let taken = cost.peak_bytes.saturating_sub(cost.growth_bytes);
        let beyond = taken.saturating_sub(MEMORY_BYTES) as f64 / bytes as f64;
        self.records.push(Record { measure: Measure::Memory, kind, ratio: taken as f64 / bytes as f64 });
        self.records.push(Record { measure: Measure::MemoryBeyond, kind, ratio: beyond });
        assert!(
            beyond <= TIMES,
            "{kind:?} of {read_bytes} bytes takes {taken} bytes beyond the content, and {} are said",
            cost.said_bytes
        );
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms = (self.now_ms + ms).min(NOW_MS + LONGEST_MS);
        if self.room.poll_timeout().is_some_and(|due_ms| due_ms <= self.now_ms) {
            self.handle(Input::Timeout);
        }
    }

    fn acknowledge(&mut self, client: usize) {
        let client = &mut self.clients[client];
        if let Some(probe) = client.probes.pop_front() {
            let (id, text) = (client.id, format!("S\n[\"{probe}\",0,[{{}}]]"));
            self.messages += 1;
            self.handle(Input::text(id, text));
        }
    }

    fn handle(&mut self, input: Input) {
        self.measured(|world| {
            world.room.handle(input, world.now_ms);
            world.drain()
        });
    }

    /// Does something, of which the room's outputs are answered, and counts what that costs.
    fn measured(&mut self, act: impl FnOnce(&mut Self) -> usize) -> Cost {
        let content = self.room.store().memory_bytes();
        let (live, allocated, loads) = (LIVE.get(), ALLOCATED.get(), LOADS.load(Ordering::Relaxed));
        PEAK.set(live);
        let said_bytes = act(self);
        self.said += said_bytes as u64;
        self.allocated += ALLOCATED.get() - allocated;
        self.loads += LOADS.load(Ordering::Relaxed) - loads;
        Cost {
            peak_bytes: (PEAK.get() - live).cast_unsigned(),
            growth_bytes: self.room.store().memory_bytes().saturating_sub(content),
            said_bytes,
        }
    }

    /// Carries out the room's outputs. Answers how long what is to be kept or sent is.
    fn drain(&mut self) -> usize {
        let mut bytes = 0;
        while let Some(output) = self.room.poll_output() {
            bytes += said(&output);
            self.carry_out(output);
        }
        bytes
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Persist { report, .. } => self.is_report_due |= report,
            Output::Send { to, text } => {
                let probe = text.strip_prefix("S\n[\"").and_then(|text| text.get(..16));
                let client = self.clients.iter_mut().find(|client| client.id == to);
                if let Some((client, probe)) = client.zip(probe.filter(|probe| probe.get(12..13) == Some("h"))) {
                    client.probes.push_back(probe.to_owned());
                }
            }
            Output::Close { connection, reason, .. } => {
                self.clients.retain(|client| client.id != connection);
                self.reason = reason;
            }
            Output::Broadcast { .. } | Output::Remember { .. } | Output::Warn { .. } | Output::Pause => {}
        }
    }

    /// Notes what stayed, which must be bounded, and what was done, which must have been paid for.
    fn finish(&mut self, kept_bytes: usize) {
        let kind = if let [kind] = self.kinds[..] { kind } else { Kind::Several };
        let read_bytes = self.read_bytes.max(LEAST_BYTES) as f64;
        self.records.push(Record { measure: Measure::Kept, kind, ratio: kept_bytes as f64 / read_bytes });
        let most = KEPT_BYTES + self.room.store().memory_bytes() / 2;
        assert!(kept_bytes <= most, "{kept_bytes} bytes stay of {read_bytes} that were read");
        let Some(debited_bytes) = self.debited() else { return };
        let bytes = debited_bytes + self.messages * MESSAGE_BYTES;
        if bytes < LEAST_BYTES as u64 {
            return;
        }
        for (measure, count, most) in [
            (Measure::Said, self.said, SAID_PER_BYTE),
            (Measure::Allocated, self.allocated, ALLOCATED_PER_BYTE),
            (Measure::Loads, self.loads, LOADS_PER_BYTE),
        ] {
            let ratio = count as f64 / bytes as f64;
            self.records.push(Record { measure, kind, ratio });
            assert!(ratio <= most, "{measure:?}: {count} of {bytes} bytes that were debited");
        }
    }

    /// What has been debited to clients since they began. It shows when they are closed for owing too much; of one that
    /// was closed for anything else it is not known.
    fn debited(&mut self) -> Option<u64> {
        if self.clients.len() < 2 {
            return None;
        }
        let mut debited_bytes = 0;
        for id in self.room.connections().collect::<Vec<_>>() {
            self.room.handle(Input::Binary(id, Rate::DEFAULT.burst_bytes as usize), self.now_ms);
            self.drain();
            let debt = self.reason.strip_prefix("tinybase:15:rate: ").and_then(|debt| debt.split(' ').next());
            let debt: u64 = debt.and_then(|debt| debt.parse().ok()).expect("it owes too much");
            let paid_off = (self.now_ms - NOW_MS) * Rate::DEFAULT.bytes_per_s / 1000;
            debited_bytes += debt + paid_off - Rate::DEFAULT.burst_bytes - OWED_BYTES;
        }
        Some(debited_bytes)
    }
}

/// How long one text may be.
fn limit(source: &mut Source) -> usize {
    LEAST_BYTES << source.below(5)
}

/// What a client says.
fn text(kind: Kind, source: &mut Source, limit: usize) -> String {
    let mut out = String::new();
    let id = if source.one_in(8) { limit } else { 1 };
    let mut shape = Shape::new(source, limit);
    match kind {
        Kind::Heartbeat => {
            return "x".repeat(limit);
        }
        Kind::GetContentHashes => out.push_str("1,\"\""),
        Kind::ContentHashes => out.push_str("2,[0,1]"),
        Kind::Change => {
            out.push_str("3,");
            out.push_str(&shape.change());
        }
        Kind::GetTableDiff => {
            out.push_str("4,");
            shape.hashes(&mut out, 0);
        }
        Kind::GetRowDiff => {
            out.push_str("5,");
            shape.hashes(&mut out, 1);
        }
        Kind::GetCellDiff => {
            out.push_str("6,");
            shape.hashes(&mut out, 2);
        }
        Kind::GetValueDiff => {
            out.push_str("7,");
            shape.hashes(&mut out, 0);
        }
        Kind::AnswerHashes => out.push_str("0,[0,1]"),
        Kind::AnswerTables | Kind::AnswerRows => {
            out.push_str("0,[");
            shape.tables(&mut out);
            out.push(',');
            shape.hashes(&mut out, usize::from(kind == Kind::AnswerRows));
            out.push(']');
        }
        Kind::AnswerCells => {
            out.push_str("0,");
            shape.tables(&mut out);
        }
        Kind::AnswerValues | Kind::AnswerDifferingValues => {
            out.push_str("0,");
            shape.values(&mut out);
        }
        Kind::Several => {}
    }
    let step = match kind {
        Kind::AnswerHashes => '1',
        Kind::AnswerTables => '4',
        Kind::AnswerRows => '5',
        Kind::AnswerCells => '6',
        Kind::AnswerValues => '7',
        Kind::AnswerDifferingValues => '8',
        Kind::Change => return format!("\n[null,{out}]"),
        _ => return format!("\n[\"{}\",{out}]", "q".repeat(id)),
    };
    format!("S\n[\"aaaaaaaaaaa.{step}bbb\",{out}]")
}

/// The frames in which a message comes.
fn divided(text: &str, fragments: usize) -> Vec<String> {
    let Some((to, body)) = text.split_once('\n').filter(|_| fragments > 1) else { return vec![text.to_owned()] };
    let mut frames = Vec::new();
    let mut rest = body;
    for index in 0..fragments {
        let end = if index + 1 == fragments { rest.len() } else { rest.floor_char_boundary(body.len() / fragments) };
        let (part, behind) = rest.split_at(end);
        frames.push(format!("{to}\nfragmentfragment\n{index}\n{fragments}\n{part}"));
        rest = behind;
    }
    frames
}

/// How long what is to be kept or sent is.
fn said(output: &Output) -> usize {
    match output {
        Output::Send { text, .. } | Output::Broadcast { text, .. } => text.len(),
        Output::Persist { commit, .. } => commit.writes.iter().map(written).sum(),
        Output::Close { .. } | Output::Remember { .. } | Output::Warn { .. } | Output::Pause => 0,
    }
}

fn written(write: &Write) -> usize {
    match write {
        Write::Insert { entries: text, .. }
        | Write::Append { entry: text, .. }
        | Write::Replace { entry: text, .. } => text.len(),
        Write::Create | Write::Renew { .. } | Write::Fold { .. } | Write::Move { .. } | Write::DeleteBefore { .. } => 0,
    }
}
