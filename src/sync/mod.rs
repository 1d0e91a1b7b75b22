//! One peer's side of a pull: what was asked, and what is still owed.
//!
//! A room that learns of a client's content hashes, and finds them to differ from its own, pulls:
//!
//! ```text
//! room                                          client
//!  ├─ 4 GetTableDiff {table: hash} ──────────────▶│
//!  │◀───────────── [tables we lack, {table: hash}]┤   merged; where tables differ:
//!  ├─ 5 GetRowDiff {table: {row: hash}} ─────────▶│
//!  │◀──────── [rows we lack, {table: {row: hash}}]┤   merged; where rows differ:
//!  ├─ 6 GetCellDiff {table: {row: {cell: hash}}} ▶│
//!  │◀────────────────────────── cells that differ ┤   merged
//!  ├─ 7 GetValueDiff {value: hash} ──────────────▶│   beside all that, where the values differ
//!  │◀───────────────────────── values that differ ┤   merged
//!  ├─ 2 ContentHashes ───────────────────────────▶│   if the room still differs from what the client said
//! ```
//!
//! The last line lets the client pull in its turn, and with that both hold the same.
//!
//! The answers are merged as they come, and each says all that the next question needs, so a pull has next to no state:
//! what step an answer belongs to is written in the [request's id](PullId). A room that was evicted in the middle of a
//! pull goes on with it when the answer wakes it, and in the end asks for the hashes once more. A pull that is never answered is not waited for: after
//! [`PATIENCE_MS`] the next hashes that differ begin another.

use crate::store::ContentHashes;
use crate::wire::message::RequestId;
use fastrand::Rng;
use std::borrow::Cow;

/// How long a pull that is not over keeps another from beginning, in milliseconds.
pub const PATIENCE_MS: u64 = 10_000;

const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// What the room asks a client for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its content hashes.
    Hashes,
    /// Tables we lack, and hashes of those that differ.
    Tables,
    /// Rows, likewise.
    Rows,
    /// Cells that differ.
    Cells,
    /// Values that differ.
    Values,
    /// Nothing but to be heard of.
    Heard,
}

/// The id of a request of the room's: `<11 characters>.<step><3 characters>`, as TinyBase from 5.4 on makes them but for
/// the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullId {
    /// What was asked for.
    pub step: Step,
    text: [u8; 16],
}

/// Where the room stands with one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    pull: Option<Pull>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pull {
    theirs: ContentHashes,
    began_ms: u64,
    tables: bool,
    values: bool,
    again: bool,
}

/// What to do when a client's hashes are known, or an answer of its has been merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: we hold the same, or other answers are still to come.
    Rest,
    /// Ask for what differs.
    Pull {
        /// Whether to ask for tables.
        tables: bool,
        /// Whether to ask for values.
        values: bool,
    },
    /// Say our hashes, so that the client pulls.
    Tell,
    /// Ask for the client's hashes.
    Ask,
}

impl PullId {
    /// A new id for a request.
    pub fn new(step: Step, random: &mut Rng) -> Self {
        let mut text = [0; 16];
        for character in &mut text {
            *character = ALPHABET.get(random.usize(..ALPHABET.len())).copied().unwrap_or(b'-');
        }
        let [.., dot, mark, _, _, _] = &mut text;
        *dot = b'.';
        *mark = step.mark();
        Self { step, text }
    }

    /// Finds the step in the id of an answer. `None` for an id that the room cannot have made.
    pub fn of(id: &RequestId) -> Option<Self> {
        let text: [u8; 16] = id.0.as_ref()?.as_bytes().try_into().ok()?;
        let [.., b'.', mark, _, _, _] = text else { return None };
        Some(Self { step: Step::of(mark)?, text })
    }

    /// The id as it travels.
    pub fn request_id(&self) -> RequestId<'_> {
        RequestId(str::from_utf8(&self.text).ok().map(Cow::Borrowed))
    }
}

impl Step {
    fn mark(self) -> u8 {
        match self {
            Self::Hashes => b'1',
            Self::Tables => b'4',
            Self::Rows => b'5',
            Self::Cells => b'6',
            Self::Values => b'7',
            Self::Heard => b'h',
        }
    }

    fn of(mark: u8) -> Option<Self> {
        let steps = [Self::Hashes, Self::Tables, Self::Rows, Self::Cells, Self::Values, Self::Heard];
        steps.into_iter().find(|step| step.mark() == mark)
    }
}

impl Peer {
    /// The client says what it holds.
    pub fn hashes(&mut self, theirs: ContentHashes, ours: ContentHashes, now_ms: u64) -> Next {
        if let Some(pull) = &mut self.pull
            && now_ms < pull.began_ms + PATIENCE_MS
        {
            pull.again |= pull.theirs != theirs;
            pull.theirs = theirs;
            return Next::Rest;
        }
        let (tables, values) = (theirs.tables != ours.tables, theirs.values != ours.values);
        if !tables && !values {
            return Next::Rest;
        }
        self.pull = Some(Pull { theirs, began_ms: now_ms, tables, values, again: false });
        Next::Pull { tables, values }
    }

    /// The last answer of a step has been merged: `step` is [`Step::Values`], or else the tables are done.
    pub fn merged(&mut self, step: Step, ours: ContentHashes, now_ms: u64) -> Next {
        // A room that was evicted meanwhile has forgotten the pull, and what the client has said since it began.
        let Some(pull) = &mut self.pull else { return Next::Ask };
        match step {
            Step::Values => pull.values = false,
            _ => pull.tables = false,
        }
        if pull.tables || pull.values {
            return Next::Rest;
        }
        let Pull { theirs, again, .. } = *pull;
        self.pull = None;
        match (theirs == ours, again) {
            (true, _) => Next::Rest,
            (false, true) => self.hashes(theirs, ours, now_ms),
            (false, false) => Next::Tell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, PATIENCE_MS, Peer, PullId, Step};
    use crate::store::ContentHashes;
    use crate::wire::message::RequestId;
    use fastrand::Rng;

    const OURS: ContentHashes = ContentHashes { tables: 1, values: 2 };
    const THEIRS: ContentHashes = ContentHashes { tables: 3, values: 4 };

    #[test]
    fn an_id_tells_its_step() {
        let mut random = Rng::with_seed(1);
        for step in [Step::Hashes, Step::Tables, Step::Rows, Step::Cells, Step::Values, Step::Heard] {
            let id = PullId::new(step, &mut random);
            assert_eq!(PullId::of(&id.request_id()), Some(id));
        }
        for foreign in ["", "abcdefghijk.4abé", "abcdefghijk.9abc", "abcdefghijkl4abc", "abcdefghijk.4abcd"] {
            assert_eq!(PullId::of(&RequestId(Some(foreign.into()))), None, "{foreign}");
        }
    }

    #[test]
    fn the_same_hashes_need_no_pull() {
        assert_eq!(Peer::default().hashes(OURS, OURS, 0), Next::Rest);
    }

    #[test]
    fn a_pull_that_leaves_a_difference_ends_with_our_hashes() {
        let mut peer = Peer::default();
        assert_eq!(peer.hashes(THEIRS, OURS, 0), Next::Pull { tables: true, values: true });
        assert_eq!(peer.merged(Step::Values, OURS, 1), Next::Rest);
        assert_eq!(peer.merged(Step::Cells, OURS, 2), Next::Tell);
    }

    #[test]
    fn a_pull_that_leaves_no_difference_ends_in_silence() {
        let mut peer = Peer::default();
        let theirs = ContentHashes { tables: 9, ..OURS };
        assert_eq!(peer.hashes(theirs, OURS, 0), Next::Pull { tables: true, values: false });
        assert_eq!(peer.merged(Step::Tables, theirs, 1), Next::Rest);
        assert_eq!(peer, Peer::default());
    }

    #[test]
    fn hashes_that_come_during_a_pull_begin_one_more_and_no_others() {
        let mut peer = Peer::default();
        peer.hashes(THEIRS, OURS, 0);
        let newer = ContentHashes { tables: 5, ..OURS };
        assert_eq!(peer.hashes(newer, OURS, 1), Next::Rest);
        assert_eq!(peer.merged(Step::Values, OURS, 2), Next::Rest);
        assert_eq!(peer.merged(Step::Tables, OURS, 3), Next::Pull { tables: true, values: false });
        assert_eq!(peer.merged(Step::Tables, OURS, 4), Next::Tell);
    }

    #[test]
    fn a_pull_that_is_never_answered_is_begun_anew() {
        let mut peer = Peer::default();
        peer.hashes(THEIRS, OURS, 0);
        assert_eq!(peer.hashes(THEIRS, OURS, PATIENCE_MS - 1), Next::Rest);
        assert_eq!(peer.hashes(THEIRS, OURS, PATIENCE_MS), Next::Pull { tables: true, values: true });
    }
}
