//! What becomes of a room whose disk takes nothing.
//!
//! ```text
//!             a commit fails                  its time is over              a commit is on disk
//!   Writable ────────────────▶ ReadOnly ────────────────────────▶ Trying ──────────────────────▶ Writable
//!                                 ▲      after 1, 2, 4 … 60 s        │     everybody is asked what they hold
//!                                 └──────────────────────────────────┘
//!                                            a commit fails
//! ```
//!
//! A disk that is full, or a day's rows that are used up, stays so for a while. To begin anew at each edit would cost a load
//! of the room each time, and everybody a question. So the room turns *read-only*: what clients send meanwhile is neither
//! kept, nor relayed, nor undone at them, and questions are answered. Once its time is over it tries with one client.

/// The first wait, in milliseconds, and the longest.
const WAIT_MS: (u64, u64) = (1_000, 60_000);
/// How long one client has to hand over what was ignored, in milliseconds, before another is asked.
const TRY_NEXT_MS: u64 = 1_000;

/// Whether the disk takes commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Durability {
    /// It does, for all the room knows.
    #[default]
    Writable,
    /// It did not, and is left alone for a while.
    ReadOnly {
        /// Until when.
        until_ms: u64,
        /// How long that was.
        wait_ms: u64,
    },
    /// It is tried again.
    Trying {
        /// How long it was left alone.
        wait_ms: u64,
        /// When to try with somebody else, where nothing has come of it.
        next_ms: Option<u64>,
    },
}

impl Durability {
    /// Whether changes are taken in.
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly { .. })
    }

    /// When to try again.
    pub fn retry_at_ms(self) -> Option<u64> {
        match self {
            Self::Writable => None,
            Self::ReadOnly { until_ms, .. } => Some(until_ms),
            Self::Trying { next_ms, .. } => next_ms,
        }
    }

    /// A commit failed.
    pub fn on_failure(&mut self, now_ms: u64) {
        let wait_ms = match *self {
            Self::Writable => WAIT_MS.0,
            Self::ReadOnly { wait_ms, .. } | Self::Trying { wait_ms, .. } => (2 * wait_ms).min(WAIT_MS.1),
        };
        *self = Self::ReadOnly { until_ms: now_ms + wait_ms, wait_ms };
    }

    /// Time has passed. Answers whether it is time to try.
    pub fn on_time(&mut self, now_ms: u64) -> bool {
        let (Self::ReadOnly { wait_ms, .. } | Self::Trying { wait_ms, .. }) = *self else { return false };
        let is_over = self.retry_at_ms().is_some_and(|at_ms| at_ms <= now_ms);
        if is_over {
            *self = Self::Trying { wait_ms, next_ms: Some(now_ms + TRY_NEXT_MS) };
        }
        is_over
    }

    /// There is nobody left to try with: the next change will.
    pub fn on_nobody(&mut self) {
        if let Self::Trying { next_ms, .. } = self {
            *next_ms = None;
        }
    }

    /// A commit is on disk. Answers whether none was for a while. (While nothing is tried it is one from before the failure,
    /// which tells nothing.)
    pub fn on_durable(&mut self) -> bool {
        !self.is_read_only() && std::mem::take(self) != Self::Writable
    }
}

#[cfg(test)]
mod tests {
    use super::Durability;

    #[test]
    fn a_disk_that_stays_full_is_tried_ever_more_rarely() {
        let mut durability = Durability::default();
        let mut now_ms = 0;
        for wait_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            durability.on_failure(now_ms);
            assert!(!durability.on_durable(), "what was on its way when the commit failed");
            assert!(durability.is_read_only());
            assert_eq!(durability.retry_at_ms(), Some(now_ms + wait_ms));
            assert!(!durability.on_time(now_ms + wait_ms - 1));
            now_ms += wait_ms;
            assert!(durability.on_time(now_ms) && !durability.on_time(now_ms) && !durability.is_read_only());
        }
        assert!(durability.on_time(now_ms + 1_000), "with another client");
        durability.on_nobody();
        assert_eq!(durability.retry_at_ms(), None);
        assert!(durability.on_durable() && !durability.on_durable());
        durability.on_failure(now_ms);
        assert_eq!(durability.retry_at_ms(), Some(now_ms + 1_000), "from the beginning");
    }
}
