//! The Durable Object that a room is.
//!
//! It loads when it is made, with no write and no message to anyone, hands what happens to the room, and carries out
//! what comes back. It holds a socket for each connection; the id of a connection is the attachment of its socket, by
//! which both outlive hibernation.
//!
//! What the runtime constructs and calls is the class of the same name in `entry.js`, which calls this.

use super::bindings::{Host, StreamController};
use super::http::Answer;
use super::isolate::{self, Share};
use super::reading::Wanted;
use super::timer::Timer;
use super::{bindings, http, import, settings, storage};
use crate::access::{Access, Grant};
use crate::journal::{Fault, HEADER, Journal, Listing};
use crate::room::{self, Attachment, ConnectionId, Input, Output};
use crate::settings::Settings;
use crate::store::{SnapshotId, Store};
use crate::{address, subprotocol, wire};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use storage::{Disk, StorageError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Date, JsString};
use worker::web_sys::{self, Request};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State, WebSocket, console_error, console_warn};

/// Closes a socket whose change could not be kept, or whose room could not be loaded.
const INTERNAL_ERROR: u16 = 1011;
pub(super) const NOT_LOADED: &str = "the room is not loaded";

/// A room's Durable Object.
#[wasm_bindgen]
pub struct Room {
    shell: Rc<Shell>,
}

pub(super) struct Shell {
    state: State,
    pub disk: Disk,
    pub settings: Rc<Settings>,
    /// The room, or why there is none.
    pub room: RefCell<std::result::Result<Open, String>>,
    /// What it has of the isolate's memory.
    pub share: Share,
    /// Whether it was let go for others: nothing has failed.
    let_go: Cell<bool>,
    pub host: Host,
    timer: Timer,
    /// How many commits are on their way to the disk.
    in_flight: Cell<usize>,
    /// Those who read the content, with what hears of it when they are given up.
    pub readers: RefCell<Vec<(SnapshotId, StreamController)>>,
}

/// A room that is loaded.
pub(super) struct Open {
    pub room: room::Room,
    /// What could not be read when the room was loaded.
    pub faults: Vec<Fault>,
    sockets: IndexMap<ConnectionId, WebSocket, foldhash::fast::FixedState>,
}

/// What `entry.js` calls. All of it is over when it returns: what `worker` would export in its place, functions that
/// promise, costs 4 KB of gzip, and each message a detour through JavaScript's queue of microtasks. None of it throws: that
/// only a module does that is broken.
#[wasm_bindgen]
impl Room {
    /// Wakes a room.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: &Env, host: Host) -> Self {
        let state = State::from(state);
        let settings = settings::of(env);
        let id = state.id().to_string();
        isolate::release_predecessor(&id);
        bindings::answer_pings(&state);
        let disk = Disk::new(state.storage());
        let share = Share::default();
        let room = RefCell::new(Open::load(&state, &disk, &settings, &share));
        let shell = Rc::new(Shell {
            state,
            disk,
            settings,
            room,
            share,
            let_go: Cell::new(false),
            timer: Timer::new(host.clone()),
            host,
            in_flight: Cell::new(0),
            readers: RefCell::default(),
        });
        isolate::enter(id, &shell);
        Self { shell }
    }

    /// A request came, of somebody who may do so much: to join, or to read.
    pub fn fetch(&self, request: &Request, access: &str, sub: Option<String>, expires_at_ms: Option<f64>) -> JsValue {
        let (url, is_head) = (request.url(), request.method() == "HEAD");
        let answer = if !is_head && http::is_upgrade(request) {
            let expires_at_ms = expires_at_ms.map(|at_ms| at_ms as u64);
            let grant = Grant { access: access.parse().unwrap_or(Access::Read), sub, expires_at_ms };
            self.shell.join(&http::offers(request), grant)
        } else if let Some(sequence) = address::query_value(&url, "journal") {
            self.shell.list(sequence)
        } else {
            let verifies = address::query_value(&url, "verify").is_some();
            self.shell.read(match (is_head, verifies) {
                (true, _) => Wanted::Head,
                (false, true) => Wanted::Verification,
                (false, false) => Wanted::Content,
            })
        };
        http::promised(answer.map(Into::into))
    }

    /// A frame came.
    pub fn message(&self, socket: web_sys::WebSocket, frame: JsValue) {
        let socket = WebSocket::from(socket);
        if let Err(reason) = self.shell.open() {
            close_and_forget(&socket, INTERNAL_ERROR, wire::error::shortened(reason));
        } else if let Some(id) = id_of(&socket) {
            let binary = || Input::Binary(id, bindings::byte_length(&frame));
            self.shell.handle(bindings::text(&frame).map_or_else(binary, |text| Input::text(id, text)));
        }
    }

    /// A socket was closed by its client, or failed.
    pub fn closed(&self, socket: web_sys::WebSocket) {
        self.shell.closed(&socket.into());
    }

    /// The time has come that a timer was set for.
    #[wasm_bindgen(js_name = onTimer)]
    pub fn on_timer(&self) {
        self.shell.timer.on_fired();
        self.shell.handle(Input::Timeout);
    }

    /// What was committed is on disk. (Where others have followed, theirs is the time that counts.)
    #[wasm_bindgen(js_name = onDurable)]
    pub fn on_durable(&self) {
        let in_flight = self.shell.in_flight.get().saturating_sub(1);
        self.shell.in_flight.set(in_flight);
        if in_flight == 0 {
            self.shell.handle(Input::Durable);
        }
    }

    /// The runtime has looked after others during a pause. Answers whether it is to go on.
    #[wasm_bindgen(js_name = onPaused)]
    pub fn on_paused(&self) -> bool {
        self.shell.handle(Input::Timeout);
        self.shell.room.borrow().as_ref().is_ok_and(|open| open.room.is_full())
    }

    /// A pause is over. The timer was held for its length.
    #[wasm_bindgen(js_name = onResumed)]
    pub fn on_resumed(&self) {
        self.shell.timer.release();
        self.shell.settle();
    }

    /// The module in which this room was has broken.
    #[wasm_bindgen(js_name = onBroken)]
    pub fn on_broken(&self) {
        if self.shell.open().is_ok() {
            self.shell.handle(Input::Broken);
        }
    }

    /// A stream has room for the next part.
    pub fn pull(&self, reader: u64, controller: &StreamController) {
        self.shell.put_part(SnapshotId(reader), controller);
    }

    /// The reader of a stream has gone.
    pub fn cancel(&self, reader: u64) {
        self.shell.end_reading(SnapshotId(reader));
    }
}

impl Open {
    /// Loads the room, and finds again whoever is connected.
    fn load(state: &State, disk: &Disk, settings: &Settings, share: &Share) -> std::result::Result<Self, String> {
        let seed = bindings::random_seed();
        let (store, journal, faults) =
            Self::read(disk, seed, settings, share).map_err(|error| error.to_string()).inspect_err(|error| {
                share.take(0, settings.isolate_memory_bytes);
                console_error!("the room cannot be loaded: {error}");
            })?;
        for fault in &faults {
            console_error!("row {} of the journal is quarantined: {}", fault.sequence, fault.problem);
        }
        let mut room = room::Room::new(settings.room, store, journal, seed);
        let mut sockets = IndexMap::with_hasher(foldhash::fast::FixedState::with_seed(seed));
        for socket in state.get_websockets() {
            if let Some(Attachment { id, recheck_at_ms, grant }) = attachment_of(&socket, || nobodys(state, settings)) {
                room.handle(Input::Resumed(id, grant, recheck_at_ms), now_ms());
                sockets.insert(id, socket);
            }
        }
        Ok(Self { room, faults, sockets })
    }

    /// Reads what is stored. A room that has stored nothing yet imports what an earlier server may have left.
    fn read(
        disk: &Disk,
        seed: u64,
        settings: &Settings,
        share: &Share,
    ) -> std::result::Result<(Store, Journal, Vec<Fault>), StorageError> {
        let taken = |bytes| share.take(bytes, settings.isolate_memory_bytes);
        let (store, journal, faults) = disk.load(Store::new(seed), settings.journal, &taken)?;
        if !journal.is_new() {
            return Ok((store, journal, faults));
        }
        Ok(match import::run(disk.storage(), store, settings)? {
            (store, journal, Some(commit)) => {
                disk.commit(commit)?;
                (store, journal, faults)
            }
            (store, _, None) => (store, journal, faults),
        })
    }
}

impl Shell {
    /// Sees to it that the room is loaded: what failed once is tried again. Answers why it is not.
    pub fn open(&self) -> std::result::Result<(), String> {
        let let_go = self.let_go.take();
        let mut room = self.room.borrow_mut();
        if room.is_err() {
            *room = Open::load(&self.state, &self.disk, &self.settings, &self.share);
            if let Ok(open) = &mut *room
                && !let_go
            {
                open.room.ask_everybody();
                // Nothing among these is to be kept.
                let _ = self.carry_out(open);
            }
        }
        room.as_ref().map(drop).map_err(String::clone)
    }

    /// Opens a socket into the room, for a client that offers subprotocols. Where it cannot be loaded nobody may take an
    /// empty room for it.
    fn join(&self, offers: &str, grant: Grant) -> Answer {
        let mut pair = self.host.pair();
        let (client, server) = (pair.client()?, WebSocket::from(pair.server()?));
        if let Err(reason) = self.open() {
            server.accept()?;
            server.close(Some(INTERNAL_ERROR), Some(wire::error::shortened(reason)))?;
        } else if let Ok(open) = &mut *self.room.borrow_mut() {
            let id = open.room.new_id();
            // `worker`'s own would panic where workerd takes no more sockets.
            self.state.as_raw().accept_websocket(server.as_ref())?;
            bindings::attach(&server, &Attachment { id, recheck_at_ms: None, grant: grant.clone() }.text())?;
            open.sockets.insert(id, server);
            open.room.handle(Input::Opened(id, grant), now_ms());
        }
        self.settle();
        http::socket(client.as_ref(), subprotocol::choose(offers).ok().flatten())
    }

    /// Lists the rows of the journal, or the entries of one of them.
    fn list(&self, sequence: &str) -> Answer {
        self.handle(Input::FlushForRead);
        if let Ok(open) = &mut *self.room.borrow_mut()
            && let Err(retry_after) = open.room.debit_readers()
        {
            return http::too_many(retry_after);
        }
        let mut listing = Listing::default();
        let listed = self.disk.each_row(|row| {
            match sequence {
                "" if row.sequence != HEADER => listing.row(row),
                sequence if sequence.parse() == Ok(row.sequence) => listing.entries(row),
                _ => {}
            }
            Ok(())
        });
        match listed {
            Ok(()) => http::journal(&listing.finish(), self.disk.rows(), bindings::memory_bytes()),
            Err(error) => http::unavailable(&error.to_string()),
        }
    }

    fn closed(&self, socket: &WebSocket) {
        let Some(id) = id_of(socket) else { return };
        if let Ok(open) = &mut *self.room.borrow_mut() {
            open.sockets.swap_remove(&id);
        }
        self.handle(Input::Closed(id));
    }

    /// Hands the room what happened, and carries out what comes of it.
    pub fn handle(&self, input: Input) {
        let again = matches!(input, Input::Text(..)).then(|| input.clone());
        if !self.attempt(input)
            && let Some(again) = again
        {
            // A question: its answer fell with the change that was to be kept before it. Of a change this notes that the
            // room, read-only by now, did not take it in.
            self.attempt(again);
        }
        self.settle();
    }

    /// The same once. Answers whether all that was to be kept could be: else the room has begun again without it.
    fn attempt(&self, input: Input) -> bool {
        let done = match &mut *self.room.borrow_mut() {
            Ok(open) => {
                open.room.handle(input, now_ms());
                self.carry_out(open)
            }
            Err(_) => Ok(false),
        };
        match done {
            Ok(reports) => {
                if reports && self.host.when_durable().is_ok() {
                    self.in_flight.update(|commits| commits + 1);
                }
                true
            }
            Err(error) => {
                self.on_commit_failed(&error);
                false
            }
        }
    }

    /// Carries out the room's outputs, and answers whether the room is to be told when they are on disk. Where something
    /// could not be kept, nothing that follows is done.
    fn carry_out(&self, open: &mut Open) -> std::result::Result<bool, StorageError> {
        let mut reports = false;
        while let Some(output) = open.room.poll_output() {
            match output {
                Output::Persist { commit, report, .. } => {
                    self.disk.commit(commit)?;
                    reports |= report;
                }
                Output::Send { to, text } => {
                    if let Some(socket) = open.sockets.get(&to) {
                        bindings::send(socket, &JsString::from(text));
                    }
                }
                Output::Broadcast { except, text } => {
                    let text = JsString::from(text);
                    for (id, socket) in &open.sockets {
                        if !except.contains(id) {
                            bindings::send(socket, &text);
                        }
                    }
                }
                Output::Close { connection, code, reason } => {
                    if let Some(socket) = open.sockets.swap_remove(&connection) {
                        close_and_forget(&socket, code, reason);
                    }
                }
                Output::Remember { connection, recheck_at_ms } => {
                    if let Some(socket) = open.sockets.get(&connection)
                        && let Some(attachment) = attachment_of(socket, || nobodys(&self.state, &self.settings))
                    {
                        let _ = bindings::attach(socket, &Attachment { recheck_at_ms, ..attachment }.text());
                    }
                }
                Output::Warn { text } => console_warn!("{text}"),
                Output::Pause => {
                    self.timer.hold();
                    if self.host.pause().is_err() {
                        self.timer.release();
                    }
                }
            }
        }
        Ok(reports)
    }

    /// Begins again from what is stored, read-only for a while.
    fn on_commit_failed(&self, error: &StorageError) {
        console_error!("a change could not be kept, and the room is read-only for a while: {error}");
        let mut room = self.room.borrow_mut();
        let Ok(open) = &mut *room else { return };
        open.room.unload();
        match self.disk.load(Store::new(bindings::random_seed()), self.settings.journal, &|_| {}) {
            Ok((store, journal, faults)) => {
                open.faults = faults;
                open.room.on_commit_failed(store, journal);
                // Nothing among these is to be kept.
                let _ = self.carry_out(open);
            }
            Err(error) => *room = Err(error.to_string()),
        }
    }

    /// After whatever happened: sees to it that the room is woken in time, that all have enough memory, and that nobody waits
    /// for what is not read any more.
    pub fn settle(&self) {
        while self.is_to_read_on() {
            self.attempt(Input::Timeout);
        }
        self.give_up_readers();
        let (due_ms, bytes) = match &*self.room.borrow() {
            Ok(open) => (open.room.poll_timeout(), open.room.memory_bytes()),
            Err(_) => (None, 0),
        };
        self.timer.set(due_ms, now_ms());
        self.share.take(bytes, self.settings.isolate_memory_bytes);
    }

    /// Whether there is something to read that must not wait, since too much does.
    fn is_to_read_on(&self) -> bool {
        let unread = self.room.borrow().as_ref().map_or(0, |open| open.room.unread_bytes());
        self.share.take_unread(unread, self.settings.isolate_memory_bytes) && unread > 0
    }

    /// Lets go of the content, which is loaded again at the next event. Answers whether it could.
    pub fn let_go(&self) -> bool {
        let Ok(mut room) = self.room.try_borrow_mut() else { return false };
        let is_at_rest = room.as_ref().is_ok_and(|open| open.room.is_at_rest());
        if is_at_rest && self.in_flight.get() == 0 {
            self.let_go.set(true);
            *room = Err(NOT_LOADED.to_owned());
        }
        self.let_go.get()
    }
}

/// Closes a socket for good: without its id no later life of the room takes it for open, where its client does not answer.
fn close_and_forget(socket: &WebSocket, code: u16, reason: impl AsRef<str>) {
    let _ = bindings::attach(socket, "");
    let _ = socket.close(Some(code), Some(reason));
}

fn attachment_of(socket: &WebSocket, nobodys: impl FnOnce() -> Grant) -> Option<Attachment> {
    Attachment::read(&bindings::attachment(socket)?, nobodys)
}

fn id_of(socket: &WebSocket) -> Option<ConnectionId> {
    Attachment::id(&bindings::attachment(socket)?)
}

/// What may do in a room who was let in before anybody was asked for a token: what one may who has none. Where that is nothing
/// the time of it is over.
fn nobodys(state: &State, settings: &Settings) -> Grant {
    let room = state.id().name().unwrap_or_else(|| state.id().to_string());
    let over = Grant { expires_at_ms: Some(0), ..Grant::of(Access::Read) };
    settings.gate.policy.decide(&room, None).unwrap_or(over)
}

/// The time, which stands still while an event is at work.
pub(super) fn now_ms() -> u64 {
    Date::now() as u64
}
