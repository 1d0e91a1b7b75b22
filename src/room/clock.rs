//! Time as a room counts it.
//!
//! The wall clock that is handed in may be set back or forward at any moment. Stamps are compared with it, since they are
//! made by wall clocks. Whatever waits or is measured goes by the *steady* time beside it, which only goes forward, and
//! never far at once: a room that nothing happens to for longer than that leaves memory.

/// How far the steady time goes forward at once, in milliseconds.
const MAX_STEP_MS: u64 = 60_000;

/// Both times, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    wall_ms: u64,
    steady_ms: u64,
}

impl Clock {
    /// Notes what the wall clock says.
    pub fn advance(&mut self, wall_ms: u64) {
        self.steady_ms += wall_ms.saturating_sub(self.wall_ms).min(MAX_STEP_MS);
        self.wall_ms = wall_ms;
    }

    /// The time since 1970.
    pub fn wall_ms(&self) -> u64 {
        self.wall_ms
    }

    /// The time since some moment.
    pub fn steady_ms(&self) -> u64 {
        self.steady_ms
    }

    /// What the wall clock will say at a steady time, if nobody sets it.
    pub fn wall_at(&self, steady_ms: u64) -> u64 {
        self.wall_ms + steady_ms.saturating_sub(self.steady_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, MAX_STEP_MS};

    #[test]
    fn a_clock_that_is_set_back_or_forward_moves_the_steady_time_by_little() {
        let mut clock = Clock::default();
        clock.advance(1_000_000);
        let start = clock.steady_ms();
        for (wall_ms, passed_ms) in
            [(1_000_010, 10), (500, 10), (510, 20), (3_600_510, 20 + MAX_STEP_MS), (3_600_511, 21 + MAX_STEP_MS)]
        {
            clock.advance(wall_ms);
            assert_eq!((clock.wall_ms(), clock.steady_ms() - start), (wall_ms, passed_ms));
        }
        assert_eq!(clock.wall_at(clock.steady_ms() + 7), 3_600_518);
        assert_eq!(clock.wall_at(0), 3_600_511, "what is overdue is due now");
    }
}
