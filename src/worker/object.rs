//! The Durable Object that a room is.
//!
//! It loads in its constructor, with no write and no message to anyone, hands what happens to the room, and carries out
//! what comes back. It holds a socket for each connection; the id of a connection is the attachment of its socket, by
//! which both outlive hibernation.

#![expect(missing_docs, reason = "the macro of `worker` generates public methods without any")]

use super::settings::Settings;
use super::{bindings, http, import, storage};
use crate::journal::{Fault, HEADER, Journal, Listing};
use crate::room::{self, ConnectionId, Input, Output};
use crate::store::Store;
use crate::{address, wire};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use storage::{Disk, StorageError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use worker::js_sys::{Date, JsString, Promise};
use worker::{
    DurableObject, Env, Method, Request, Response, Result, State, WebSocket, WebSocketPair, console_error,
    durable_object, web_sys,
};

/// Closes a socket whose change could not be kept, or whose room could not be loaded.
const INTERNAL_ERROR: u16 = 1011;
const NOT_LOADED: &str = "the room is not loaded";

thread_local! {
    /// The objects in this isolate's memory, by their ids.
    static AWAKE: RefCell<Vec<(String, Weak<Shell>)>> = RefCell::default();
}

/// A room's Durable Object.
#[durable_object(fetch)]
pub struct Room {
    shell: Rc<Shell>,
}

struct Shell {
    state: State,
    disk: Disk,
    settings: Settings,
    /// The room, or why there is none.
    room: RefCell<std::result::Result<Open, String>>,
    /// When the timer that counts goes off.
    timer_ms: Cell<Option<u64>>,
    /// How many commits are on their way to the disk, and what each of them calls when it is there.
    on_their_way: Cell<usize>,
    kept: Closure<dyn Fn()>,
    pause: Closure<dyn Fn() -> Promise>,
}

/// A room that is loaded.
struct Open {
    room: room::Room,
    /// What could not be read when the room was loaded.
    faults: Vec<Fault>,
    sockets: IndexMap<ConnectionId, WebSocket, foldhash::fast::FixedState>,
}

impl DurableObject for Room {
    fn new(state: State, env: Env) -> Self {
        let settings = Settings::read(&env);
        let id = state.id().to_string();
        let _ = AWAKE.try_with(|awake| let_go(awake, &id));
        let disk = Disk::new(state.storage());
        let room = RefCell::new(Open::load(&state, &disk, &settings));
        let shell = Rc::new_cyclic(|shell: &Weak<Shell>| {
            let shell = Weak::clone(shell);
            let kept = Closure::new(move || shell.upgrade().iter().for_each(Shell::kept));
            let (timer_ms, on_their_way) = (Cell::new(None), Cell::new(0));
            let pause = Closure::new(bindings::moment);
            Shell { state, disk, settings, room, timer_ms, on_their_way, kept, pause }
        });
        let _ = AWAKE.try_with(|awake| awake.borrow_mut().push((id, Rc::downgrade(&shell))));
        Self { shell }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let upgrade = request.headers().get("upgrade")?;
        match request.method() {
            Method::Get if upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) => {
                self.shell.join()
            }
            _ => match address::query_value(&request.inner().url(), "journal") {
                Some(sequence) => self.shell.list(sequence),
                None => self.shell.read(),
            },
        }
    }
}

/// The events of sockets. They are over when they return: what `worker` would export in their place, functions that
/// promise, costs each message a detour through JavaScript's queue of microtasks.
#[wasm_bindgen]
impl Room {
    /// A frame came.
    #[wasm_bindgen(js_name = webSocketMessage)]
    pub fn socket_message(&self, socket: web_sys::WebSocket, frame: JsValue) {
        let socket = WebSocket::from(socket);
        if let Err(reason) = self.shell.open() {
            dismiss(&socket, INTERNAL_ERROR, wire::error::shortened(reason));
        } else if let Some(id) = id_of(&socket) {
            let text = bindings::text(&frame);
            self.shell.handle(text.as_ref().map_or(Input::Binary(id), |text| Input::Text(id, text)));
        }
    }

    /// A socket was closed by its client.
    #[wasm_bindgen(js_name = webSocketClose)]
    pub fn socket_close(&self, socket: web_sys::WebSocket, code: u16) {
        let socket = WebSocket::from(socket);
        // A close frame that is not answered leaves the client waiting. These codes stand for no frame at all.
        let answer = Some(code).filter(|code| !matches!(code, 1005 | 1006 | 1015));
        if code != 1006 && code != 1015 {
            let _ = socket.close(answer, answer.map(|_| ""));
        }
        self.shell.closed(&socket);
    }

    /// A socket failed.
    #[wasm_bindgen(js_name = webSocketError)]
    pub fn socket_error(&self, socket: web_sys::WebSocket) {
        self.shell.closed(&socket.into());
    }
}

/// Frees what an object holds that has left memory for JavaScript, and has its successor constructed: JavaScript's
/// garbage collector would tell us late, and a large room be in memory twice until then.
fn let_go(awake: &RefCell<Vec<(String, Weak<Shell>)>>, id: &str) {
    awake.borrow_mut().retain(|(other, shell)| {
        let Some(shell) = shell.upgrade() else { return false };
        if other == id
            && let Ok(mut room) = shell.room.try_borrow_mut()
        {
            *room = Err(NOT_LOADED.to_owned());
        }
        other != id
    });
}

impl Open {
    /// Loads the room, and finds again whoever is connected.
    fn load(state: &State, disk: &Disk, settings: &Settings) -> std::result::Result<Self, String> {
        let seed = bindings::random_seed();
        let (store, journal, faults) = Self::read(disk, seed, settings)
            .map_err(|error| error.to_string())
            .inspect_err(|error| console_error!("the room cannot be loaded: {error}"))?;
        for fault in &faults {
            console_error!("row {} of the journal is quarantined: {}", fault.sequence, fault.problem);
        }
        let mut room = room::Room::new(settings.room, store, journal, seed);
        let mut sockets = IndexMap::with_hasher(foldhash::fast::FixedState::with_seed(seed));
        for socket in state.get_websockets() {
            if let Some(id) = id_of(&socket) {
                room.handle(Input::Resumed(id), now_ms());
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
    ) -> std::result::Result<(Store, Journal, Vec<Fault>), StorageError> {
        let (store, journal, faults) = disk.load(Store::new(seed), settings.journal)?;
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
    fn open(&self) -> std::result::Result<(), String> {
        let mut room = self.room.borrow_mut();
        if room.is_err() {
            *room = Open::load(&self.state, &self.disk, &self.settings);
            if let Ok(open) = &mut *room {
                open.room.ask_everybody();
                // Nothing among these is to be kept.
                let _ = self.carry_out(open);
            }
        }
        room.as_ref().map(drop).map_err(String::clone)
    }

    /// Opens a socket into the room. Where it cannot be loaded nobody may take an empty room for it.
    fn join(self: &Rc<Self>) -> Result<Response> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        if let Err(reason) = self.open() {
            server.accept()?;
            server.close(Some(INTERNAL_ERROR), Some(wire::error::shortened(reason)))?;
        } else if let Ok(open) = &mut *self.room.borrow_mut() {
            let id = open.room.new_id();
            // `worker`'s own would panic where workerd takes no more sockets.
            self.state.as_raw().accept_websocket(server.as_ref())?;
            bindings::attach(&server, id.as_str())?;
            open.sockets.insert(id, server);
            open.room.handle(Input::Opened(id), now_ms());
        }
        self.set_timer();
        Response::from_websocket(client)
    }

    /// Reads the room back from where it is stored, and goes on with what was read: so a large one is never in memory
    /// twice, unless a snapshot of it is just being written.
    fn read(self: &Rc<Self>) -> Result<Response> {
        if let Err(reason) = self.open() {
            return http::unavailable(&reason);
        }
        self.handle(Input::Read);
        let mut room = self.room.borrow_mut();
        let Ok(open) = &mut *room else { return http::unavailable(NOT_LOADED) };
        let keep = open.room.is_compacting();
        if !keep {
            open.room.unload();
        }
        match self.disk.load(Store::new(bindings::random_seed()), self.settings.journal) {
            Ok((store, _, faults)) if keep => http::data(&store, &faults),
            Ok((store, journal, faults)) => {
                open.room.reload(store, journal);
                open.faults = faults;
                http::data(open.room.store(), &open.faults)
            }
            Err(error) => {
                let reason = error.to_string();
                *room = Err(reason.clone());
                http::unavailable(&reason)
            }
        }
    }

    /// Lists the rows of the journal, or the entries of one of them.
    fn list(self: &Rc<Self>, sequence: &str) -> Result<Response> {
        self.handle(Input::Read);
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

    fn closed(self: &Rc<Self>, socket: &WebSocket) {
        let Some(id) = id_of(socket) else { return };
        if let Ok(open) = &mut *self.room.borrow_mut() {
            open.sockets.swap_remove(&id);
        }
        self.handle(Input::Closed(id));
    }

    /// Hands the room what happened, and carries out what comes of it.
    fn handle(self: &Rc<Self>, input: Input) {
        if let Err(authors) = self.attempt(input)
            && let Input::Text(from, _) = input
            && !authors.contains(&from)
        {
            // A question: its answer fell with the change of somebody else's that was to be kept before it.
            let _ = self.attempt(input);
        }
        self.set_timer();
    }

    /// The same once. Where something could not be kept the room starts over, and this answers whose it was.
    fn attempt(&self, input: Input) -> std::result::Result<(), Vec<ConnectionId>> {
        let done = match &mut *self.room.borrow_mut() {
            Ok(open) => {
                open.room.handle(input, now_ms());
                self.carry_out(open)
            }
            Err(_) => Ok(false),
        };
        match done {
            Ok(reports) => {
                if reports && bindings::when_kept(self.disk.storage(), &self.kept) {
                    self.on_their_way.update(|commits| commits + 1);
                }
                Ok(())
            }
            Err((error, authors)) => {
                self.start_over(&error, &authors);
                Err(authors)
            }
        }
    }

    /// What was committed last of all is on disk. (Where others have followed, theirs is the time that counts.)
    fn kept(self: &Rc<Self>) {
        self.on_their_way.update(|commits| commits.saturating_sub(1));
        if self.on_their_way.get() == 0 {
            self.handle(Input::Kept);
        }
    }

    /// Carries out the room's outputs, and answers whether the room is to be told when they are on disk. Where something
    /// could not be kept, nothing that follows is done.
    fn carry_out(&self, open: &mut Open) -> std::result::Result<bool, (StorageError, Vec<ConnectionId>)> {
        let mut reports = false;
        while let Some(output) = open.room.poll_output() {
            match output {
                Output::Persist { commit, authors, report } => {
                    self.disk.commit(commit).map_err(|error| (error.into(), authors))?;
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
                        dismiss(&socket, code, reason);
                    }
                }
                Output::Pause => bindings::pause(&self.state, &self.pause),
            }
        }
        Ok(reports)
    }

    /// Begins again from what is stored. Whoever sent what could not be stored is disconnected: it still holds it, and
    /// sends it again when it is back.
    fn start_over(&self, error: &StorageError, authors: &[ConnectionId]) {
        console_error!("a change could not be kept: {error}");
        let mut room = self.room.borrow_mut();
        let Ok(open) = &mut *room else { return };
        let reason = wire::error::shortened(format!("the change could not be kept: {error}"));
        for &author in authors {
            open.room.handle(Input::Closed(author), now_ms());
            if let Some(socket) = open.sockets.swap_remove(&author) {
                dismiss(&socket, INTERNAL_ERROR, &reason);
            }
        }
        open.room.unload();
        match self.disk.load(Store::new(bindings::random_seed()), self.settings.journal) {
            Ok((store, journal, faults)) => {
                open.faults = faults;
                open.room.start_over(store, journal);
                // Nothing among these is to be kept.
                let _ = self.carry_out(open);
            }
            Err(error) => *room = Err(error.to_string()),
        }
    }

    fn set_timer(self: &Rc<Self>) {
        let due_ms = self.room.borrow().as_ref().ok().and_then(|open| open.room.poll_timeout());
        let Some(due_ms) = due_ms.filter(|&due_ms| self.timer_ms.get().is_none_or(|timer_ms| due_ms < timer_ms)) else {
            return;
        };
        self.timer_ms.set(Some(due_ms));
        let shell = Rc::clone(self);
        let timer = move || {
            // A timer that an earlier one has overtaken counts no more.
            if shell.timer_ms.get() == Some(due_ms) {
                shell.timer_ms.set(None);
                shell.handle(Input::Timeout);
            }
        };
        bindings::set_timeout(timer, due_ms.saturating_sub(now_ms()));
    }
}

/// Closes a socket for good: without its id no later life of the room takes it for open, where its client does not answer.
fn dismiss(socket: &WebSocket, code: u16, reason: impl AsRef<str>) {
    let _ = bindings::attach(socket, "");
    let _ = socket.close(Some(code), Some(reason));
}

fn id_of(socket: &WebSocket) -> Option<ConnectionId> {
    ConnectionId::parse(&bindings::attachment(socket)?)
}

/// The time, which stands still while an event is at work.
fn now_ms() -> u64 {
    Date::now() as u64
}
