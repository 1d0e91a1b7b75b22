//! Where the room stands with one client.

use crate::store::ContentHashes;

/// How long a comparison may go on without an answer before the next hashes that differ begin another, in milliseconds.
const PATIENCE_MS: u64 = 60_000;
/// So many comparisons in a row may leave a difference before the room waits ever longer between them: with a client that
/// edits without a pause there is one at every moment.
const MANY_ROUNDS: u32 = 4;
/// The first of these waits, and by how often it doubles at most.
const WAIT_MS: (u64, u32) = (1_000, 5);

/// What a client reported, what it was asked, and what is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// What the client last reported to hold.
    reported: Option<ContentHashes>,
    /// What the room held when it last asked for that: what is in step with it was in step then, and has been sent
    /// everything since.
    asked_at: Option<ContentHashes>,
    round: Option<Round>,
    /// What the client and the room held when the last comparison began.
    compared: Option<Hashes>,
    /// A difference that a comparison has shown to stay.
    rests_at: Option<Hashes>,
    /// How many comparisons in a row left a difference.
    rounds: u32,
    /// When to ask again what the client holds, at its next message.
    ask_at_ms: Option<u64>,
    /// Whether that was waited for.
    has_waited: bool,
    /// Whether a comparison was put off until the client has been sent its backlog.
    is_put_off: bool,
}

/// Theirs and ours.
type Hashes = (ContentHashes, ContentHashes);

/// A comparison that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Round {
    at: Hashes,
    last_answer_ms: u64,
    tables: bool,
    values: bool,
    /// Whether anything was merged or is to be sent.
    changed: bool,
    /// Whether the client reported other hashes meanwhile.
    outdated: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: we hold the same, or answers are still to come, or nothing can be done.
    Idle,
    /// Compare what differs.
    Compare {
        /// Whether to compare the tables.
        tables: bool,
        /// Whether to compare the values.
        values: bool,
    },
    /// Ask for the client's hashes, once it has been sent what it lacks.
    AskHashes,
}

impl Conversation {
    /// What the client last reported to hold.
    pub fn reported(&self) -> Option<ContentHashes> {
        self.reported
    }

    /// The client is asked for its hashes.
    pub fn on_asked(&mut self, ours: ContentHashes) {
        self.asked_at = Some(ours);
        self.ask_at_ms = None;
    }

    /// Whatever was found out counts no more.
    pub fn forget(&mut self) {
        *self = Self { reported: self.reported, ..Self::default() };
    }

    /// The client says what it holds, because it was asked or by itself. By itself it does so when a load of its has ended:
    /// up to then it drops changes, so what an earlier comparison has shown counts no more. While there `is_backlog`, what it
    /// lacks is known in part, and on its way: it is compared afterwards. (Once: with a slow client of a busy room there is
    /// always something on its way.)
    pub fn on_content_hashes(
        &mut self,
        theirs: ContentHashes,
        ours: ContentHashes,
        was_asked: bool,
        is_backlog: bool,
        now_ms: u64,
    ) -> Next {
        self.reported = Some(theirs);
        let was_in_step = self.asked_at.take_if(|_| was_asked) == Some(theirs);
        if !was_asked {
            (self.compared, self.rests_at, self.rounds) = (None, None, 0);
        }
        if let Some(round) = &mut self.round
            && now_ms < round.last_answer_ms + PATIENCE_MS
        {
            round.outdated |= !was_asked || round.at.0 != theirs;
            return Next::Idle;
        }
        self.round = None;
        if theirs == ours || was_in_step {
            (self.rounds, self.rests_at) = (0, None);
            return Next::Idle;
        }
        if is_backlog && !std::mem::replace(&mut self.is_put_off, true) {
            self.compared = None;
            return Next::AskHashes;
        }
        let at = (theirs, ours);
        if self.compared == Some(at) {
            self.rests_at = Some(at);
        }
        if self.rests_at == Some(at) {
            return Next::Idle;
        }
        if self.rounds >= MANY_ROUNDS && !std::mem::take(&mut self.has_waited) {
            let doublings = (self.rounds - MANY_ROUNDS).min(WAIT_MS.1);
            self.ask_at_ms = Some(now_ms + (WAIT_MS.0 << doublings));
            return Next::Idle;
        }
        self.begin(at, now_ms)
    }

    /// The client is to be asked for its hashes when it sends something.
    pub fn ask_at_next_message(&mut self) {
        self.ask_at_ms = Some(0);
    }

    /// The client sent something. Answers whether it is time to ask once more what it holds.
    pub fn on_message(&mut self, now_ms: u64) -> bool {
        let is_due = self.ask_at_ms.take_if(|at_ms| *at_ms <= now_ms).is_some();
        self.has_waited |= is_due;
        is_due
    }

    /// An answer of a comparison came, and `changed` what the room holds or is to send.
    pub fn on_step(&mut self, changed: bool, now_ms: u64) {
        if let Some(round) = &mut self.round {
            round.last_answer_ms = now_ms;
            round.changed |= changed;
        }
    }

    /// The comparison of the tables is over, or that of the values.
    pub fn on_compared(&mut self, values: bool, ours: ContentHashes) -> Next {
        // A room that was evicted meanwhile has forgotten the comparison, and what the client has said since it began.
        let Some(round) = &mut self.round else { return Next::AskHashes };
        *(if values { &mut round.values } else { &mut round.tables }) = false;
        if round.tables || round.values {
            return Next::Idle;
        }
        let Round { at, changed, outdated, .. } = *round;
        self.round = None;
        self.compared = Some(at).filter(|_| !outdated);
        self.rounds += 1;
        if self.reported == Some(ours) {
            self.rounds = 0;
            return Next::Idle;
        }
        if changed || outdated {
            return Next::AskHashes;
        }
        // Whatever came in between has been told by itself.
        self.rests_at = self.reported.map(|theirs| (theirs, ours));
        Next::Idle
    }

    fn begin(&mut self, at: Hashes, now_ms: u64) -> Next {
        self.is_put_off = false;
        let (tables, values) = (at.0.tables != at.1.tables, at.0.values != at.1.values);
        self.round = Some(Round { at, last_answer_ms: now_ms, tables, values, changed: false, outdated: false });
        Next::Compare { tables, values }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conversation, MANY_ROUNDS, Next, PATIENCE_MS};
    use crate::store::ContentHashes;

    const OURS: ContentHashes = ContentHashes { tables: 1, values: 2 };
    const THEIRS: ContentHashes = ContentHashes { tables: 3, values: 4 };
    const BOTH: Next = Next::Compare { tables: true, values: true };

    /// A comparison of tables and values that `changed` something or nothing.
    fn compare(conversation: &mut Conversation, changed: bool) -> Next {
        conversation.on_step(changed, 0);
        assert_eq!(conversation.on_compared(true, OURS), Next::Idle);
        conversation.on_compared(false, OURS)
    }

    #[test]
    fn the_same_hashes_need_no_comparison() {
        assert_eq!(Conversation::default().on_content_hashes(OURS, OURS, false, false, 0), Next::Idle);
    }

    #[test]
    fn who_is_still_being_sent_something_is_compared_afterwards() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, true, 0), Next::AskHashes);
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, false, 0), BOTH);
    }

    #[test]
    fn who_is_always_being_sent_something_is_compared_all_the_same() {
        let mut conversation = Conversation::default();
        for theirs in [THEIRS, ContentHashes { tables: 9, ..THEIRS }] {
            assert_eq!(conversation.on_content_hashes(theirs, OURS, true, true, 0), Next::AskHashes);
            assert_eq!(conversation.on_content_hashes(theirs, OURS, true, true, 0), BOTH);
            compare(&mut conversation, true);
        }
    }

    #[test]
    fn who_was_in_step_when_it_was_asked_still_is() {
        let mut conversation = Conversation::default();
        conversation.on_asked(OURS);
        let later = ContentHashes { tables: 9, ..OURS };
        assert_eq!(conversation.on_content_hashes(OURS, later, true, false, 0), Next::Idle);
        conversation.on_asked(OURS);
        assert_ne!(
            conversation.on_content_hashes(OURS, later, false, false, 0),
            Next::Idle,
            "by itself it says what it lacks"
        );
    }

    #[test]
    fn a_comparison_that_changed_something_is_looked_at_again() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, false, false, 0), BOTH);
        assert_eq!(compare(&mut conversation, true), Next::AskHashes);
        conversation.on_asked(OURS);
        assert_eq!(conversation.on_content_hashes(OURS, OURS, true, false, 0), Next::Idle);
    }

    #[test]
    fn a_comparison_that_leaves_no_difference_ends_in_silence() {
        let mut conversation = Conversation::default();
        let theirs = ContentHashes { tables: 9, ..OURS };
        let expected = Next::Compare { tables: true, values: false };
        assert_eq!(conversation.on_content_hashes(theirs, OURS, true, false, 0), expected);
        conversation.on_step(true, 0);
        assert_eq!(conversation.on_compared(false, theirs), Next::Idle);
    }

    #[test]
    fn a_difference_that_stays_comes_to_rest_until_something_changes() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, false, 0), BOTH);
        assert_eq!(compare(&mut conversation, false), Next::Idle);
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, false, 0), Next::Idle);
        let other = ContentHashes { tables: 5, ..THEIRS };
        assert_eq!(conversation.on_content_hashes(other, OURS, true, false, 0), BOTH);
        assert_eq!(compare(&mut conversation, true), Next::AskHashes, "something was sent,");
        assert_eq!(conversation.on_content_hashes(other, OURS, true, false, 0), Next::Idle, "and to no avail");
        // After a load of its own: while that went on it took nothing.
        assert_eq!(conversation.on_content_hashes(other, OURS, false, false, 0), BOTH);
    }

    #[test]
    fn hashes_that_come_during_a_comparison_are_asked_for_after_it() {
        let mut conversation = Conversation::default();
        conversation.on_content_hashes(THEIRS, OURS, true, false, 0);
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, false, false, 0), Next::Idle);
        assert_eq!(compare(&mut conversation, false), Next::AskHashes);
        assert_eq!(
            conversation.on_content_hashes(THEIRS, OURS, true, false, 0),
            BOTH,
            "it may have dropped what it was sent"
        );
    }

    #[test]
    fn a_comparison_that_is_never_answered_is_begun_anew() {
        let mut conversation = Conversation::default();
        conversation.on_content_hashes(THEIRS, OURS, true, false, 0);
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, false, PATIENCE_MS - 1), Next::Idle);
        assert_eq!(conversation.on_content_hashes(THEIRS, OURS, true, false, PATIENCE_MS), BOTH);
    }

    #[test]
    fn of_a_comparison_that_an_evicted_room_has_forgotten_the_end_is_a_question() {
        assert_eq!(Conversation::default().on_compared(false, OURS), Next::AskHashes);
    }

    #[test]
    fn with_who_edits_without_a_pause_comparisons_become_rare() {
        let mut conversation = Conversation::default();
        let mut theirs = THEIRS;
        let mut differ = |conversation: &mut Conversation, now_ms| {
            theirs.tables += 1;
            conversation.on_content_hashes(theirs, OURS, true, false, now_ms)
        };
        for _ in 0..MANY_ROUNDS {
            assert_eq!(differ(&mut conversation, 0), BOTH);
            compare(&mut conversation, true);
        }
        let mut now_ms = 0;
        for wait_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000] {
            assert_eq!(differ(&mut conversation, now_ms), Next::Idle);
            assert!(!conversation.on_message(now_ms + wait_ms - 1));
            now_ms += wait_ms;
            assert!(conversation.on_message(now_ms) && !conversation.on_message(now_ms));
            assert_eq!(differ(&mut conversation, now_ms), BOTH);
            compare(&mut conversation, true);
        }
    }
}
