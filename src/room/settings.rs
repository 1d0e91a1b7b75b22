//! How a room behaves.

use super::Limits;
use crate::hlc::DEFAULT_MAX_FUTURE_MS;

/// How a room behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a new connection has to begin by itself before the room asks for its hashes, in milliseconds. A client
    /// that starts to sync does begin by itself, and the question would only cost it an answer. Default 250.
    pub greet_after_ms: u64,
    /// How long changes may gather at most before they leave together, in milliseconds, whether for the number of sockets
    /// or for a disk that takes its time. Default 50.
    pub max_window_ms: u64,
    /// How long a change that has been relayed may stay unkept, in milliseconds: 0 where it is kept before anyone sees it,
    /// and 60,000 at most. All that comes meanwhile is one commit, so a pointer at 60 Hz is a row a second with 1,000, in place
    /// of 60. It costs the edits of that time where the object dies and everybody who has them goes for good, an object
    /// that stays in memory for as much longer after an edit, and a question to each client after a wake. See `unkept`.
    /// Default 0.
    pub keep_within_ms: u64,
    /// How long the parts of a message may keep the room waiting for the next of them, in milliseconds. What has come so far
    /// stays in memory until then. Default 10,000.
    pub fragment_silence_ms: u64,
    /// How far ahead of the room's clock the stamp of a cell may be, in milliseconds. Clients from 9.3 on drop whatever
    /// holds a stamp more than five minutes ahead of their own clock: what is left of that is how far a client's clock may
    /// be behind. Default four minutes.
    pub max_future_ms: u64,
    /// How much of an answer is sent at once, in bytes, to a client that loads and could do nothing with changes yet; the
    /// rest follows as changes. Clients from 9.3 on take 16 MiB. Default 8 MiB.
    pub load_answer_bytes: usize,
    /// The same to a client that has loaded. It gives up on an answer after a second, and takes changes whenever they come:
    /// over a slow line the first should be short. Default 128 KiB.
    pub answer_bytes: usize,
    /// How long a change may be that the room itself puts together, in bytes. Default 1 MiB.
    pub change_bytes: usize,
    /// How much memory the content may take, in bytes as the store counts them. Beyond it what exists can be changed
    /// and deleted, and nothing added. An isolate has 128 MB, for its code, for texts on their way and, if it so happens,
    /// for other rooms. Default 64 MiB.
    pub max_memory_bytes: usize,
    /// How much of it one client may have.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greet_after_ms: 250,
            max_window_ms: 50,
            keep_within_ms: 0,
            fragment_silence_ms: 10_000,
            max_future_ms: DEFAULT_MAX_FUTURE_MS,
            load_answer_bytes: 8 << 20,
            answer_bytes: 128 << 10,
            change_bytes: 1 << 20,
            max_memory_bytes: 64 << 20,
            limits: Limits::DEFAULT,
        }
    }
}
