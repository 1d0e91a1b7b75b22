//! What `worker` does not bind.

use crate::settings::Settings;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Array, ArrayBuffer, BigUint64Array, Function, JSON, JsString, Object, Uint8Array};
use worker::web_sys::ReadableStream;
use worker::worker_sys::WebSocketPair;
use worker::{Env, SqlStorage, State, Storage, WebSocket, WebSocketRequestResponsePair};

const WASM_PAGE_BYTES: u64 = 64 * 1024;

/// In UTF-16 code units, from which on a text is worth an encoder. The gain was measured at seven times this.
const LONG_TEXT: usize = 16 * 1024;

/// How *undefined* travels in JSON text.
pub(super) const UNDEFINED: &str = "\u{fffc}";

/// What apps and libraries send to keep a connection open.
const PING: &str = "ping";

/// An answer to a question that nobody has asked, which every version of TinyBase passes over; on a bare `pong` some
/// throw. The room passes over it too, should a client say it: no question of its own has such an id.
const PONG: &str = "S\n[\"0123456789a.pong\",0,[0,0]]";

#[wasm_bindgen]
extern "C" {
    /// A socket, for texts that are JavaScript's already: `worker` would copy and decode one for each socket, and take
    /// serde to read an attachment.
    type TextSocket;

    #[wasm_bindgen(method, catch)]
    fn send(this: &TextSocket, text: &JsString) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn serialize_attachment(this: &TextSocket, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn deserialize_attachment(this: &TextSocket) -> Result<JsValue, JsValue>;

    /// The SQL of an object, for the one statement that an edit costs: `worker` makes an array of what it is given, call by
    /// call, and a new string of the query.
    type EditSql;

    #[wasm_bindgen(method, catch)]
    fn exec(this: &EditSql, query: &JsString, bytes: f64, entry: &str, sequence: f64) -> Result<Cursor, JsValue>;

    type Cursor;

    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    fn rows_read(this: &Cursor) -> f64;

    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    fn rows_written(this: &Cursor) -> f64;

    type SyncStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        transaction: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn kv(this: &SyncStorage) -> Option<SyncKeyValues>;

    type SyncKeyValues;

    #[wasm_bindgen(method, catch)]
    fn list(this: &SyncKeyValues) -> Result<JsValue, JsValue>;

    type TextEncoder;

    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;

    #[wasm_bindgen(method, js_name = encodeInto)]
    fn encode_into(this: &TextEncoder, text: &JsString, bytes: &mut [u8]) -> Encoded;

    type Encoded;

    #[wasm_bindgen(method, getter)]
    fn read(this: &Encoded) -> f64;

    /// What calls the room back, on behalf of the runtime: `entry.js`. A closure of Rust's would do for as long as the module
    /// does; what it calls instead is the room as it is then.
    #[derive(Clone)]
    pub type Host;

    /// Has the room called back once, as an event of its own, and not when it was to be before.
    #[wasm_bindgen(method, js_name = setTimer)]
    pub(super) fn set_timer(this: &Host, milliseconds: f64);

    #[wasm_bindgen(method, js_name = stopTimer)]
    pub(super) fn stop_timer(this: &Host);

    /// Has the room called back when everything that was written so far is on disk. (Where nothing ever can be, Cloudflare
    /// resets the object.)
    #[wasm_bindgen(method, catch, js_name = whenDurable)]
    pub(super) fn when_durable(this: &Host) -> Result<(), JsValue>;

    /// Hands the object no event until the runtime has looked whether any timer is due, which it does after its sockets. Has the
    /// room called back then, and again for as long as it wants the pause to go on, and once more when it is over.
    #[wasm_bindgen(method, catch)]
    pub(super) fn pause(this: &Host) -> Result<(), JsValue>;

    /// Both ends of a new socket. It ends where the room breaks off before it has answered.
    #[wasm_bindgen(method)]
    pub(super) fn pair(this: &Host) -> WebSocketPair;

    /// A stream that asks the room for the next part of what a reader reads whenever it has room for one.
    #[wasm_bindgen(method, catch)]
    pub(super) fn stream(this: &Host, reader: u64) -> Result<ReadableStream, JsValue>;

    /// What puts parts into a stream.
    #[derive(Clone)]
    pub type StreamController;

    #[wasm_bindgen(method)]
    fn enqueue(this: &StreamController, part: &Uint8Array);

    #[wasm_bindgen(method)]
    fn close(this: &StreamController);

    #[wasm_bindgen(method)]
    pub(super) fn error(this: &StreamController, reason: &str);

    /// A response: to make one is all that is needed of it, and `worker`'s own costs kilobytes.
    pub type Response;

    #[wasm_bindgen(constructor, catch)]
    fn new(body: &JsValue, init: &Object) -> Result<Response, JsValue>;

    #[wasm_bindgen(js_namespace = Reflect, js_name = set)]
    pub(super) fn set(object: &Object, name: &str, value: &JsValue);

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(array: &BigUint64Array);
}

/// The text of a frame, if it has one. wasm-bindgen copies a text character by character as long as these are ASCII; a long
/// one that is ASCII throughout comes over at one go.
pub(super) fn text(frame: &JsValue) -> Option<String> {
    let text: &JsString = frame.dyn_ref()?;
    let length = text.length() as usize;
    if length >= LONG_TEXT {
        let mut bytes = vec![0; length];
        if TextEncoder::new().encode_into(text, &mut bytes).read() as usize == length {
            return String::from_utf8(bytes).ok();
        }
    }
    frame.as_string()
}

/// How long a binary frame is.
pub(super) fn byte_length(frame: &JsValue) -> usize {
    frame.dyn_ref::<ArrayBuffer>().map_or(1, |bytes| bytes.byte_length() as usize)
}

/// Sends a text. A socket that is closing takes none, and is left to its close event.
pub(super) fn send(socket: &WebSocket, text: &JsString) {
    let _ = text_socket(socket).send(text);
}

/// Leaves a text with a socket, where it outlives hibernation.
pub(super) fn attach(socket: &WebSocket, text: &str) -> worker::Result<()> {
    Ok(text_socket(socket).serialize_attachment(text)?)
}

/// The text that was left with a socket.
pub(super) fn attachment(socket: &WebSocket) -> Option<String> {
    text_socket(socket).deserialize_attachment().ok()?.as_string()
}

fn text_socket(socket: &WebSocket) -> &TextSocket {
    let socket: &JsValue = socket.as_ref();
    socket.unchecked_ref()
}

/// Runs `transaction`: where it fails, nothing of what it wrote is kept.
pub(super) fn transaction(
    storage: &Storage,
    transaction: &mut dyn FnMut() -> worker::Result<()>,
) -> worker::Result<()> {
    sync_storage(storage)
        .transaction_sync(&mut || transaction().map(|()| JsValue::UNDEFINED).map_err(JsValue::from))?;
    Ok(())
}

/// Runs the statement that adds `entry` to a row, and answers how many rows that read and wrote.
pub(super) fn append(sql: &SqlStorage, query: &JsString, entry: &str, sequence: i64) -> worker::Result<(usize, usize)> {
    let sql: &JsValue = sql.as_ref();
    let sql: &EditSql = sql.unchecked_ref();
    let cursor = sql.exec(query, entry.len() as f64 + 1.0, entry, sequence as f64)?;
    Ok((cursor.rows_read() as usize, cursor.rows_written() as usize))
}

/// A response with these headers, and with the other end of a socket where it has one.
pub(super) fn response(
    status: u16,
    body: &JsValue,
    socket: &JsValue,
    headers: &mut dyn Iterator<Item = (&'static str, &str)>,
) -> Result<Response, JsValue> {
    let (init, list) = (Object::new(), Object::new());
    for (name, value) in headers {
        set(&list, name, &value.into());
    }
    set(&init, "headers", &list);
    set(&init, "status", &status.into());
    set(&init, "webSocket", socket);
    Response::new(body, &init)
}

/// Puts a part into a stream.
pub(super) fn put(controller: &StreamController, part: &str, is_last: bool) {
    controller.enqueue(&bytes(part));
    if is_last {
        controller.close();
    }
}

/// A copy of a text, in UTF-8.
pub(super) fn bytes(text: &str) -> Uint8Array {
    let bytes = Uint8Array::new_with_length(text.len() as u32);
    bytes.copy_from(text.as_bytes());
    bytes
}

fn sync_storage(storage: &Storage) -> &SyncStorage {
    let storage: &JsValue = storage.as_raw().as_ref();
    storage.unchecked_ref()
}

/// Everything in the key-value part of the storage, read at once as a constructor must.
pub(super) fn keys_and_values(storage: &Storage) -> worker::Result<Vec<(String, JsValue)>> {
    let entries = match sync_storage(storage).kv() {
        Some(kv) => Array::from(&kv.list()?),
        None => Array::new(),
    };
    let pair = |entry: JsValue| {
        let entry: Array = entry.dyn_into().ok()?;
        Some((entry.get(0).as_string()?, entry.get(1)))
    };
    Ok(entries.iter().filter_map(pair).collect())
}

/// A value as TinyBase writes it in JSON text: *undefined* as U+FFFC.
pub(super) fn json(value: &JsValue) -> String {
    let replacer = Closure::<dyn Fn(JsValue, JsValue) -> JsValue>::new(|_key, value: JsValue| {
        if value.is_undefined() { JsValue::from_str(UNDEFINED) } else { value }
    });
    let replacer: &Function = replacer.as_ref().unchecked_ref();
    JSON::stringify_with_replacer(value, replacer).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// The variables that the Worker was given, and its bindings, which have no text. A list or an object in the place of a text is one
/// where it is a setting; elsewhere it may be a binding.
pub(super) fn variables(env: &Env) -> Vec<(String, Option<String>)> {
    let variable = |entry: JsValue| {
        let entry: Array = entry.dyn_into().ok()?;
        let value = entry.get(1);
        let name = entry.get(0).as_string()?;
        let is_json = || value.as_f64().is_some() || value.is_object() && Settings::has(&name);
        let text = value.as_string().or_else(|| is_json().then(|| json(&value)));
        Some((name, text))
    };
    let env: &JsValue = env.as_ref();
    Object::entries(env.unchecked_ref()).iter().filter_map(variable).collect()
}

/// Has the runtime answer pings on the sockets of an object, which may sleep on.
pub(super) fn answer_pings(state: &State) {
    if let Ok(pair) = WebSocketRequestResponsePair::new(PING, PONG) {
        let _ = state.as_raw().set_websocket_auto_response(&pair);
    }
}

/// How large the memory of the WebAssembly module is, in bytes: that of every room in the isolate. It never shrinks.
pub(super) fn memory_bytes() -> u64 {
    core::arch::wasm32::memory_size(0) as u64 * WASM_PAGE_BYTES
}

/// A number that nobody can guess.
pub(super) fn random_seed() -> u64 {
    let array = BigUint64Array::new_with_length(1);
    get_random_values(&array);
    array.get_index(0)
}
