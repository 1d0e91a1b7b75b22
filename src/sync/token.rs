//! The ids of the room's questions.

use crate::wire::MessageType;
use crate::wire::message::RequestId;
use fastrand::Rng;
use std::borrow::Cow;

const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// What the room asks a client for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its content hashes.
    Hashes,
    /// Tables we lack, and its hashes of those that we named.
    Tables,
    /// Rows, likewise.
    Rows,
    /// All cells of the rows that we named.
    Cells,
    /// All its values.
    Values,
    /// Its values that differ from those of which we named the hashes.
    DifferingValues,
    /// Nothing but an acknowledgement.
    Probe,
}

/// The id of a request of the room's: `<11 characters>.<step><3 characters>`, as TinyBase from 5.4 on makes them but for
/// the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestToken {
    /// What was asked for.
    pub step: Step,
    text: [u8; 16],
}

impl RequestToken {
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
    const ALL: [Self; 7] =
        [Self::Hashes, Self::Tables, Self::Rows, Self::Cells, Self::Values, Self::DifferingValues, Self::Probe];

    /// The type of the question.
    pub fn message_type(self) -> MessageType {
        match self {
            Self::Hashes => MessageType::GetContentHashes,
            Self::Tables => MessageType::GetTableDiff,
            Self::Rows => MessageType::GetRowDiff,
            Self::Cells | Self::Probe => MessageType::GetCellDiff,
            Self::Values | Self::DifferingValues => MessageType::GetValueDiff,
        }
    }

    fn mark(self) -> u8 {
        match self {
            Self::Hashes => b'1',
            Self::Tables => b'4',
            Self::Rows => b'5',
            Self::Cells => b'6',
            Self::Values => b'7',
            Self::DifferingValues => b'8',
            Self::Probe => b'h',
        }
    }

    fn of(mark: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.mark() == mark)
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestToken, Step};
    use crate::wire::message::RequestId;
    use fastrand::Rng;

    #[test]
    fn an_id_tells_its_step() {
        let mut random = Rng::with_seed(1);
        for step in Step::ALL {
            let token = RequestToken::new(step, &mut random);
            assert_eq!(RequestToken::of(&token.request_id()), Some(token));
        }
        for foreign in ["", "abcdefghijk.4abé", "abcdefghijk.9abc", "abcdefghijkl4abc", "abcdefghijk.4abcd"] {
            assert_eq!(RequestToken::of(&RequestId(Some(foreign.into()))), None, "{foreign}");
        }
    }
}
