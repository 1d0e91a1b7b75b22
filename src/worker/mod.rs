//! The shell: everything that is Cloudflare's, and as little else as can be.
//!
//! - `entry.js`: what the runtime calls. It calls the rest, and begins a fresh module where one is broken
//! - this file: requests, before they reach a room
//! - `object`: the Durable Object that a room is; its sockets and its timer
//! - `isolate`: what all rooms in memory may take together
//! - `reading`: the content, as its readers take it
//! - `http`: responses
//! - `storage`: the journal in SQLite
//! - `import`: what an earlier server left in the storage
//! - `settings`: reading what is set
//! - `timer`: the one timer of an object
//! - `bindings`: what `worker` does not bind

mod bindings;
mod http;
mod import;
mod isolate;
mod object;
mod reading;
mod settings;
mod storage;
mod timer;

pub use object::Room;

use crate::address::Address;
use crate::subprotocol;
use http::Answer;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::web_sys::Request;

/// Hands a request to the room that its URL names, and back what that promises. What no room has to do with is answered
/// here, and wakes none.
#[wasm_bindgen]
pub fn fetch(request: &Request, env: &Env) -> JsValue {
    let url = request.url();
    http::promised(match room_of(request, &url) {
        Ok(name) => bindings::ask_room(env, name, request).map(Into::into),
        Err(answer) => answer.map(Into::into),
    })
}

/// The name of the room that a request is for; or the answer, where none need be asked.
fn room_of<'a>(request: &Request, url: &'a str) -> Result<&'a str, Answer> {
    match request.method().as_str() {
        "GET" | "HEAD" => {}
        "OPTIONS" => return Err(http::options()),
        _ => return Err(http::method_not_allowed()),
    }
    let is_upgrade = http::is_upgrade(request);
    let name = match Address::of(url) {
        Ok(Address::Room(name)) => name,
        Ok(Address::Robots) if !is_upgrade => return Err(http::robots()),
        Ok(Address::Robots | Address::Favicon) => return Err(http::not_found()),
        Err(error) => return Err(http::bad_request(&error.to_string())),
    };
    if is_upgrade && let Err(error) = subprotocol::choose(&http::offers(request)) {
        return Err(http::bad_request(&error.to_string()));
    }
    Ok(name)
}
