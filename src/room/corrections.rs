//! What a reader holds under later stamps than the room: edits of its own, which the room does not take, and what undid them.
//!
//! TinyBase shows what has the latest stamp. So an edit that is not taken is undone at its author by what the room holds, under a
//! stamp later than the edit's, and so is all that others write there from then on, as long as it has not a later stamp by
//! itself. None of this is kept or told to anyone else: after a wake, and after a reconnect, it is learned anew by a
//! comparison.

use crate::hlc::Hlc;
use crate::store::Path;
use std::collections::BTreeMap;

/// What an entry takes beside its ids, in bytes, about.
const ENTRY_BYTES: usize = 128;
/// So many times it is tried to undo the same edit. A client drops what undoes an edit that, by its own clock, lies more than
/// five minutes ahead.
const MAX_TRIES: u8 = 2;

/// The corrections of one reader.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    held: BTreeMap<Path, Held>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    /// The latest stamp that the reader has for it, or will have.
    hlc: Hlc,
    /// How often an edit was undone that has come up again since.
    tries: u8,
}

impl Corrections {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What they take in memory, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is one of this.
    pub fn contains(&self, path: &Path) -> bool {
        self.held.contains_key(path)
    }

    /// Notes that the reader holds something under a later stamp than the room, be it the same as the room or something else.
    /// Answers whether that is to be undone.
    pub fn note(&mut self, path: &Path, hlc: Hlc, is_same: bool) -> bool {
        let Some(held) = self.held.get_mut(path) else {
            self.bytes += path.id_bytes() + ENTRY_BYTES;
            self.held.insert(path.clone(), Held { hlc, tries: 0 });
            return !is_same;
        };
        if hlc > held.hlc {
            *held = Held { hlc, tries: 0 };
        } else if hlc == held.hlc {
            // It is what undid an edit, or is about to be undone.
            return false;
        } else if !is_same {
            held.tries += 1;
        }
        !is_same && held.tries < MAX_TRIES
    }

    /// The stamp under which the reader is sent what the room holds under its `own`. None where it takes that by itself.
    pub fn next_hlc(&mut self, path: &Path, own: Hlc) -> Option<Hlc> {
        let held = self.held.get_mut(path)?;
        if own > held.hlc {
            self.bytes -= path.id_bytes() + ENTRY_BYTES;
            self.held.remove(path);
            return None;
        }
        held.hlc = held.hlc.successor()?;
        Some(held.hlc)
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
