//! Tinyroom: a room server for TinyBase apps.
//!
//! A *room* is a WebSocket URL to which every device of one document connects. It relays what they say, merges it into
//! a store of its own and keeps that on disk, so that whoever connects, whenever, gets the present state. Each room is a
//! Durable Object of Cloudflare's, with hibernating sockets and SQLite.
//!
//! # The map
//!
//! | module | what it is |
//! |---|---|
//! | [`json`] | JSON text exactly as JavaScript writes it |
//! | [`hash`] | FNV-1a, and the XOR sums over it |
//! | [`hlc`] | stamps, and the time in them |
//! | [`store`] | the mergeable store: merge, hashes, differences, content |
//! | [`wire`] | what travels: envelope, messages, fragments, limits |
//! | [`journal`] | a store at rest: entries, snapshots, when to compact |
//! | [`import`] | what an earlier server left, as changes |
//! | [`sync`] | one peer's side of a conversation: what it reported, what was asked, what is in flight |
//! | [`room`] | everybody in one room: inputs in, outputs out |
//! | [`address`] | from a URL to a room's name |
//! | [`subprotocol`] | which of a client's offers a room takes |
//! | [`access`] | who may do what: rules, tokens, keys, origins; without cryptography |
//! | [`settings`] | what can be set, and by which variable |
//! | `worker` | the shell: requests, the Durable Object, sockets, SQL, HTTP; for wasm32 alone |
//!
//! Imports point one way: `json ← hash ← hlc ← store ← {wire, journal} ← sync ← room ← settings ← worker`; `address`,
//! `subprotocol` and `access` import none of these. All but `worker` is pure: no clock, no socket, no disk and no global
//! state, so native tests drive all of it with inputs and look at exact outputs.
//!
//! # The way of a message
//!
//! ```text
//! socket ─▶ worker ─▶ room ─▶ wire reads it ─▶ store merges it ─▶ journal keeps it ─▶ outputs:
//!           (text, connection, time)                               Persist first, then Send
//! ```
//!
//! Nothing comes back up the stairs. The shell carries out the outputs one by one and asks the room when to wake it.
//!
//! # The promise
//!
//! What any client has seen from the room is on disk, unless `KEEP_WITHIN_MS` lets it be kept a little later
//! (`room::unkept`). What a client sent and the room did not keep is asked for again, at that client's next connection at the
//! latest, with no code in the app.

pub mod access;
pub mod address;
pub mod hash;
pub mod hlc;
pub mod import;
pub mod journal;
pub mod json;
pub mod room;
pub mod settings;
pub mod store;
pub mod subprotocol;
pub mod sync;
pub mod wire;
#[cfg(target_arch = "wasm32")]
pub mod worker;
