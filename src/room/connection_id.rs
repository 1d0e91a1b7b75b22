//! The id of a connection.

use fastrand::Rng;
use std::fmt::{self, Display, Formatter};

const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The id of a connection: 12 characters that the room makes up. It outlives hibernation in the attachment of the
/// socket, and it is what the others see as the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId([u8; 12]);

impl ConnectionId {
    pub(super) fn new(random: &mut Rng) -> Self {
        Self([(); 12].map(|()| ALPHABET.get(random.usize(..ALPHABET.len())).copied().unwrap_or(b'-')))
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let characters: [u8; 12] = text.as_bytes().try_into().ok()?;
        characters.iter().all(|character| ALPHABET.contains(character)).then_some(Self(characters))
    }

    /// The id as a text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Display for ConnectionId {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
