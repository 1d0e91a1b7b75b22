//! The shell: everything that is Cloudflare's, and as little else as can be.
//!
//! - this file: requests, before they reach a room
//! - `object`: the Durable Object that a room is; its sockets and its timer
//! - `http`: responses
//! - `storage`: the journal in SQLite
//! - `import`: what an earlier server left in the storage
//! - `settings`: what can be set
//! - `bindings`: what `worker` does not bind

mod bindings;
mod http;
mod import;
mod object;
mod settings;
mod storage;

pub use object::Room;

use crate::address;
use worker::{Context, Env, Request, Response, Result, event};

/// The name of the Durable Object binding in `wrangler.toml`.
const ROOMS: &str = "ROOMS";

/// Hands a request to the room that its path names. What no room has to do with is answered here, and wakes none.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    // `worker` takes a method that it does not know for GET.
    match request.inner().method().as_str() {
        "GET" | "HEAD" => {}
        "OPTIONS" => return http::options(),
        _ => return http::method_not_allowed(),
    }
    let path = request.path();
    match address::room_name(&path) {
        Ok(name) => env.durable_object(ROOMS)?.get_by_name(name)?.fetch_with_request(request).await,
        Err(error) => http::bad_request(&error.to_string()),
    }
}
