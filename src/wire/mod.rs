//! What travels between a room and its clients.
//!
//! ```text
//! client → room   <to>\n<body>      to: nothing for everybody else, `S` or `server` for the room, or a client's id
//! room → client   <from>\n<body>
//! body            [requestId, type, payload], or from 9.0 on a fragment of it: <messageId>\n<index>\n<count>\n<part>
//! ```
//!
//! - [`envelope`]: the first line
//! - [`message`]: the eight types of message, read in one pass
//! - [`fragments`]: messages that come in parts
//! - [`error`]: what closes a connection, with which code and reason
//!
//! The room takes fragments from anyone and sends none: clients before 9.0 cannot read them, and a change that is large
//! can go out as several.

pub mod envelope;
pub mod error;
pub mod fragments;
pub mod message;

pub use envelope::{Envelope, Recipient};
pub use error::WireError;
pub use fragments::Fragments;
pub use message::{Body, Message, MessageType, Response};

/// The id under which clients know the room.
pub const ROOM_ID: &str = "S";

/// The longest text that may come, in bytes of UTF-8: the runtime takes no longer frame. A question about a very large
/// table, or an answer to one, is that long; a change is not.
pub const MAX_INCOMING_BYTES: usize = 32 * 1024 * 1024;

/// The longest change that may come, and the longest text that is sent, in bytes of UTF-8. A client from 9.3 on closes its socket on more than 16 MiB; what
/// comes goes on with another first line, or comes back in an answer, and must fit all the same.
pub const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024 - 1024;
