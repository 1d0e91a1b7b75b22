//! A message that is long, read part by part.
//!
//! What it brings is read once to see whether it can be, and once more to be merged, so that of a message that cannot be
//! read nothing is taken in. Of the hashes in it those are kept that are of something the room holds.
//!
//! ```text
//! a change             [checking ──────────────────▶ merging] ──▶ over
//! an answer            [checking ──▶ its hashes ───▶ merging] ──▶ over: what it has shown
//! a question                        [its hashes]              ──▶ over: the answer
//! ```

use super::shown_by::ShownBy;
use crate::json::Reader;
use crate::json::reader::Cursor;
use crate::store::{ChangeReader, Changes, HashTree, KnownHashes, PartLimits, Store};
use crate::sync::Step;
use crate::wire::message::{MESSAGE_END, RESPONSE, RequestId, levels};
use crate::wire::{MAX_TEXT_BYTES, MessageType, WireError};

/// How much is checked at a time, or of hashes read: that takes a part of the time that merging does.
const CHECKED: PartLimits = PartLimits { nodes: 4 * PartLimits::PART.nodes, bytes: 4 * PartLimits::PART.bytes };

/// A long message, and how far it has been read.
#[derive(Debug)]
pub(super) struct LongMessage {
    pub kind: Kind,
    /// Where its body begins in its text.
    pub body_at: usize,
    /// How far its body has been read.
    at: usize,
    /// Where in its body that begins which is merged.
    changes_at: usize,
    stage: Stage,
    longest_value: usize,
    /// Those in a question, when it has been read.
    pub hashes: HashTree<'static>,
    /// What it has shown so far.
    pub shown: ShownBy<'static>,
    /// Whether anything in it won.
    pub won: bool,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Kind {
    Change,
    /// To a question of such a step.
    Answer(Step),
    Question(RequestId<'static>, MessageType),
}

/// What comes next.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Begin,
    Check(ChangeReader<'static>),
    Hashes(KnownHashes),
    Merge(ChangeReader<'static>),
    Over,
}

/// What the next part is.
#[derive(Debug)]
pub(super) enum Part<'t> {
    /// Nothing that is to be done.
    Read,
    /// Something to be merged and then [looked at](LongMessage::shown).
    Changes(Changes<'t>),
    /// All has been read.
    Over,
}

impl LongMessage {
    /// A message whose body begins here in its text, and its payload here in its body.
    pub fn new(kind: Kind, body_at: usize, at: usize) -> Self {
        let (hashes, shown) = (HashTree::default(), ShownBy::Nothing);
        Self { kind, body_at, at, changes_at: at, stage: Stage::Begin, longest_value: 0, hashes, shown, won: false }
    }

    /// Reads the next part of its body.
    pub fn read<'t>(&mut self, body: &'t str, store: &Store) -> Result<Part<'t>, WireError> {
        let mut reader = Reader::resume(body, self.at);
        let mut part = Part::Read;
        self.stage = match std::mem::take(&mut self.stage) {
            Stage::Begin => self.begin(&mut reader)?,
            Stage::Check(parts) => {
                let mut parts: ChangeReader<'t> = parts;
                let checked = parts.read(&mut reader, CHECKED)?;
                self.longest_value = self.longest_value.max(checked.longest_value());
                match (&self.kind, parts.is_over()) {
                    (_, false) => Stage::Check(parts.into_owned()),
                    (Kind::Answer(Step::Tables | Step::Rows), true) => {
                        reader.expect_element(&mut Cursor::behind_an_element(false), RESPONSE)?;
                        Stage::Hashes(KnownHashes::of_tables(levels(reader.clone())?))
                    }
                    (_, true) => self.end(&mut reader, body, store)?,
                }
            }
            Stage::Hashes(mut known) => {
                known.read(&mut reader, store, CHECKED)?;
                if known.is_over() {
                    self.hashes = known.finish();
                    self.end(&mut reader, body, store)?
                } else {
                    Stage::Hashes(known)
                }
            }
            Stage::Merge(parts) => {
                let mut parts: ChangeReader<'t> = parts;
                part = Part::Changes(parts.read(&mut reader, PartLimits::PART)?);
                if parts.is_over() { Stage::Over } else { Stage::Merge(parts.into_owned()) }
            }
            Stage::Over => {
                part = Part::Over;
                Stage::Over
            }
        };
        self.at = reader.at();
        Ok(part)
    }

    fn begin(&mut self, reader: &mut Reader) -> Result<Stage, WireError> {
        Ok(match self.kind {
            Kind::Question(_, MessageType::GetValueDiff) => Stage::Hashes(KnownHashes::of_values()),
            Kind::Question(_, type_) => Stage::Hashes(KnownHashes::of_tables(type_.levels())),
            Kind::Answer(Step::Tables | Step::Rows) => {
                let mut answer = reader.array(RESPONSE)?;
                reader.expect_element(&mut answer, RESPONSE)?;
                self.changes_at = reader.at();
                Stage::Check(self.changes())
            }
            Kind::Answer(_) | Kind::Change => Stage::Check(self.changes()),
        })
    }

    fn changes(&self) -> ChangeReader<'static> {
        match self.kind {
            Kind::Answer(step) => ChangeReader::of_stamp(matches!(step, Step::Values | Step::DifferingValues)),
            Kind::Change | Kind::Question(..) => ChangeReader::of_change(),
        }
    }

    /// Reads the end of the message, and goes back to what is to be merged.
    fn end<'t>(&mut self, reader: &mut Reader<'t>, body: &'t str, store: &Store) -> Result<Stage, WireError> {
        let array = Cursor::behind_an_element(false);
        if let Kind::Answer(Step::Tables | Step::Rows) = self.kind {
            reader.close(&array, RESPONSE)?;
        }
        reader.close(&array, MESSAGE_END)?;
        reader.end()?;
        if let Kind::Answer(step) = self.kind {
            let bytes = reader.at();
            if bytes > MAX_TEXT_BYTES && self.longest_value > MAX_TEXT_BYTES / 2 {
                // It could not be sent on to anyone.
                return Err(WireError::Limit { what: "socket", limit: MAX_TEXT_BYTES, found: bytes });
            }
            self.shown = ShownBy::answer(step, std::mem::take(&mut self.hashes), store);
        }
        if let Kind::Question(..) = self.kind {
            return Ok(Stage::Over);
        }
        *reader = Reader::resume(body, self.changes_at);
        Ok(Stage::Merge(self.changes()))
    }
}
