//! How much of a room one client may have, and what it may bring.

use super::meter::Rate;

/// The limits of a room. Each is asked where it is at stake, and whoever is over one is told which.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many sockets may be open in a room. Each takes some kilobytes while the room is in memory, and what is written goes
    /// to each. Cloudflare takes 32,768. Default 10,000.
    pub sockets: usize,
    /// How many of them may be of one `sub`. Default 100: an app with a few tabs on a few devices has less than ten.
    pub sockets_per_sub: usize,
    /// How long a message may be, in bytes, in fragments or whole. Default 32 MiB, the most that the runtime takes; of a change
    /// 16 MiB are taken, the most that clients do.
    pub message_bytes: usize,
    /// How long a cell or value may be, in bytes of its JSON text. A longer one is refused, and the others in its change are
    /// not. Default 16 MiB.
    pub value_bytes: usize,
    /// How long an id of a table, row, cell or value may be, in bytes. What is under a longer one is refused likewise. Default
    /// 16 MiB.
    pub id_bytes: usize,
    /// How much a client may send, and ask for.
    pub rate: Rate,
    /// How much memory may go to what is undone at a client that may not write, in bytes: ids, and 128 bytes for each cell.
    /// Beyond it the client is closed, and beyond sixteen times as much in the room whoever has most of it. Default 256 KiB.
    pub corrections_bytes: usize,
}

impl Limits {
    /// The default.
    pub const DEFAULT: Self = Self {
        sockets: 10_000,
        sockets_per_sub: 100,
        message_bytes: 32 << 20,
        value_bytes: 16 << 20,
        id_bytes: 16 << 20,
        rate: Rate::DEFAULT,
        corrections_bytes: 256 << 10,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
