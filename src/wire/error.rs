//! What a client can do wrong on the wire, and how its connection is closed then.

use super::MAX_TEXT_BYTES;
use crate::json::ReadError;
use thiserror::Error;

/// Longest reason a close frame can carry, in bytes.
const MAX_REASON_BYTES: usize = 123;

/// Why a connection is closed. The codes and the first part of the reasons are those of TinyBase 9.3 and later.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// A binary frame came.
    #[error("expected a text frame, found a binary one")]
    Binary,
    /// The text behind the recipient is neither a message nor a fragment.
    #[error("message: {0}")]
    Message(#[from] ReadError),
    /// An answer is not of the kind that its request asked for.
    #[error("response: expected {expected}")]
    Answer {
        /// What the request asked for.
        expected: &'static str,
    },
    /// A fragment that does not go with those before it.
    #[error("fragment: expected {expected}, found {found}")]
    Fragment {
        /// What it should have been.
        expected: &'static str,
        /// What it says of itself.
        found: String,
    },
    /// A limit was passed.
    #[error("{what}: {found} is over the limit of {limit}")]
    Limit {
        /// What is limited; the word that TinyBase has for it.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What came.
        found: usize,
    },
}

impl WireError {
    /// The code to close with: 1013 where there was too much, 1007 where it was malformed.
    pub fn close_code(&self) -> u16 {
        match self {
            Self::Limit { .. } => 1013,
            _ => 1007,
        }
    }

    /// The reason to close with.
    pub fn close_reason(&self) -> String {
        let code = match self {
            Self::Limit { .. } => "tinybase:15:",
            _ => "tinybase:14:",
        };
        let setting = self.setting().map_or_else(String::new, |setting| format!(" ({setting})"));
        shortened(format!("{code}{self}{setting}"))
    }

    /// The variable that sets the limit that was passed, if one does.
    fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Limit { what: "rate", .. } => Some("CLIENT_BURST_BYTES"),
            Self::Limit { what: "sockets", .. } => Some("MAX_SOCKETS"),
            Self::Limit { what: "sockets of one sub", .. } => Some("MAX_SOCKETS_PER_SUB"),
            Self::Limit { what: "socket", limit, .. } if *limit != MAX_TEXT_BYTES => Some("MAX_MESSAGE_BYTES"),
            _ => None,
        }
    }
}

/// A reason, cut to what a close frame can carry.
pub fn shortened(mut reason: String) -> String {
    let mut length = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(length) {
        length -= 1;
    }
    reason.truncate(length);
    reason
}
