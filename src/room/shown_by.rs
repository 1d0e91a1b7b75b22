//! What an answer of a client's has shown, whatever the question was.

use crate::store::{Changes, HashTree, Shown, ShownValues, Store};
use crate::sync::Step;

/// What an answer has shown so far.
#[derive(Debug)]
pub(super) enum ShownBy<'t> {
    Nothing,
    Tables(Shown<'t>),
    Values(ShownValues),
}

impl<'t> ShownBy<'t> {
    /// Nothing yet, by the answer to a question of such a step, with these hashes in it.
    pub fn answer(step: Step, theirs: HashTree<'t>, store: &Store) -> Self {
        match step {
            Step::Tables => Self::Tables(Shown::of_tables(store, theirs)),
            Step::Rows => Self::Tables(Shown::of_rows(store, theirs)),
            Step::Cells => Self::Tables(Shown::of_cells()),
            Step::Values | Step::DifferingValues => Self::Values(ShownValues::default()),
            Step::Hashes | Step::Probe => Self::Nothing,
        }
    }

    /// Looks at the next part of the answer, after it has been merged.
    pub fn take(&mut self, store: &Store, part: &Changes) {
        match self {
            Self::Nothing => {}
            Self::Tables(shown) => shown.take(store, part),
            Self::Values(shown) => shown.take(store, part),
        }
    }
}
