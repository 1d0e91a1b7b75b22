//! What a room waits for.

use super::ConnectionId;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The window in which changes gather ends.
    CommitWindow,
    /// What has been relayed is to be kept.
    Keep,
    /// A new connection had its time to begin by itself.
    AfterConnect(ConnectionId),
    /// A client that loads had its time to say what it holds.
    AfterLoad(ConnectionId),
    /// The parts of some message have kept the room waiting for long enough.
    Fragments,
    /// A long message can be read on.
    Inbox,
    /// Somebody's backlog can go on.
    Backlog,
    /// A slice of a snapshot is to be written.
    Compaction,
    /// The disk may take a commit again.
    RetryCommit,
    /// Somebody who reads the content has taken nothing for long.
    Readers,
}

impl Timer {
    /// Whose it is; none's, if it is the room's.
    fn session(self) -> Option<ConnectionId> {
        match self {
            Self::AfterConnect(id) | Self::AfterLoad(id) => Some(id),
            _ => None,
        }
    }
}

/// The timers that are set, with the steady time at which each goes off.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The room's own: few, and set at every turn.
    room: Vec<(Timer, u64)>,
    /// Those of connections: of one that has begun to sync there is none.
    sessions: Vec<(Timer, u64)>,
}

impl Timers {
    /// Sets a timer where it has a time, anew if it is set already, and stops it where it has none.
    pub fn set(&mut self, timer: Timer, at_ms: impl Into<Option<u64>>) {
        let list = if timer.session().is_some() { &mut self.sessions } else { &mut self.room };
        let position = list.iter().position(|(other, _)| *other == timer);
        match (position.and_then(|position| list.get_mut(position)), at_ms.into()) {
            (Some((_, set_ms)), Some(at_ms)) => *set_ms = at_ms,
            (None, Some(at_ms)) => list.push((timer, at_ms)),
            (Some(_), None) => list.retain(|(other, _)| *other != timer),
            (None, None) => {}
        }
    }

    /// Stops everything that is for a connection.
    pub fn stop_all_of(&mut self, id: ConnectionId) {
        self.sessions.retain(|(timer, _)| timer.session() != Some(id));
    }

    /// When the next one goes off.
    pub fn next_ms(&self) -> Option<u64> {
        self.room.iter().chain(&self.sessions).map(|&(_, at_ms)| at_ms).min()
    }

    /// Takes out whatever is due, the room's own first, in the order in which it was set.
    pub fn take_due(&mut self, now_ms: u64) -> Vec<Timer> {
        let mut taken = Vec::new();
        for list in [&mut self.room, &mut self.sessions] {
            taken.extend(list.extract_if(.., |&mut (_, at_ms)| at_ms <= now_ms).map(|(timer, _)| timer));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::{Timer, Timers};

    #[test]
    fn each_timer_goes_off_once_at_its_latest_time() {
        let mut timers = Timers::default();
        timers.set(Timer::Fragments, 30);
        timers.set(Timer::CommitWindow, 20);
        timers.set(Timer::Backlog, 10);
        timers.set(Timer::Backlog, 20);
        assert_eq!((timers.next_ms(), timers.take_due(19)), (Some(20), vec![]));
        assert_eq!(timers.take_due(20), [Timer::CommitWindow, Timer::Backlog]);
        assert_eq!((timers.next_ms(), timers.take_due(20)), (Some(30), vec![]));
        timers.set(Timer::Fragments, None::<u64>);
        assert_eq!(timers.next_ms(), None);
    }
}
