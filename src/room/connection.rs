//! Who is in a room.

use super::flow::Flow;
use crate::store::Place;
use crate::sync::Peer;
use crate::wire::Fragments;
use fastrand::Rng;
use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The id of a connection: 12 characters that the room makes up. It outlives hibernation in the attachment of the
/// socket, and it is what the others see as the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// What the room knows of a connection while it is awake.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// Whether the client takes changes: one that has not finished its first load drops them.
    pub synced: bool,
    /// Whether the client loads, for the first time or once more: it has asked for the hashes, and not said what it holds.
    /// So it need not be asked for that at once.
    pub loads: bool,
    pub peer: Peer,
    pub flow: Flow,
    pub fragments: Fragments,
    /// What the client was to get with an answer and did not fit.
    pub owed: VecDeque<Range<Place>>,
}

impl Connection {
    pub fn opened() -> Self {
        Self::default()
    }

    pub fn resumed() -> Self {
        Self { synced: true, ..Self::default() }
    }
}
