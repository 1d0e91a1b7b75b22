//! The shell: everything that is Cloudflare's, and as little else as can be.
//!
//! - `entry.js`: what the runtime calls: the Worker, and the object that a room is. It calls the rest
//! - `gateway.js`, `keys.js`: requests, before they reach a room, and the signatures of their tokens
//! - `life.js`: calls into the module, and a fresh one where it is broken
//! - `gate`: who comes in
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
mod gate;
mod http;
mod import;
mod isolate;
mod object;
mod reading;
mod settings;
mod storage;
mod timer;

pub use gate::{gate, keys};
pub use object::Room;
