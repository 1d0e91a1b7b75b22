//! Messages that come in parts, from clients of 9.0 and later.
//!
//! ```text
//! <messageId>\n<index>\n<count>\n<part>
//! ```
//!
//! They may come slowly: an upload over a slow line takes minutes. It is given up when no part has come for a while.
//!
//! The limits are those by which TinyBase's own server lives: they bound what a connection can make the room hold. One for
//! the room is beside them, which TinyBase has not.

use super::{Envelope, MAX_TEXT_BYTES, Recipient, WireError};

/// How many bytes the parts in one room may take. Each connection may have as many as a message has; where that is too much
/// for all together, the messages are forgotten that have waited longest for their next part.
pub const MAX_ROOM_BYTES: usize = 32 << 20;
/// How many messages of one connection may be in parts at once.
const MAX_MESSAGES: usize = 100;
/// How many parts a message may have.
const MAX_PARTS: usize = 1000;
/// Characters of a message id.
const ID_LENGTH: usize = 16;

/// A fragment as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    message: &'a str,
    index: usize,
    count: usize,
    part: &'a str,
}

impl<'a> Fragment<'a> {
    /// Reads a body that has the form of a fragment.
    pub fn read(body: &'a str) -> Option<Self> {
        let mut lines = body.splitn(4, '\n');
        let message = lines.next().filter(|id| id.len() == ID_LENGTH && id.bytes().all(is_id_character))?;
        let index = read_number(lines.next()?)?;
        let count = read_number(lines.next()?)?;
        Some(Self { message, index, count, part: lines.next()? })
    }
}

/// The parts that one connection has sent of messages that are not whole yet.
#[derive(Debug, Default)]
pub struct Fragments {
    messages: Vec<Parts>,
    bytes: usize,
}

#[derive(Debug)]
struct Parts {
    to: String,
    message: String,
    parts: Vec<Option<String>>,
    missing: usize,
    bytes: usize,
    deadline_ms: u64,
}

/// A message whose last part has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The text, with the line that names whom it is for.
    text: String,
}

impl Whole {
    /// The message's envelope.
    pub fn envelope(&self) -> Option<Envelope<'_>> {
        Envelope::open(&self.text)
    }

    /// Its text, as if it had come whole.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl Fragments {
    /// Takes in a fragment, and waits for the next for so long. Answers the message where it is whole by it.
    pub fn add(
        &mut self,
        to: Recipient,
        fragment: Fragment,
        now_ms: u64,
        silence_ms: u64,
    ) -> Result<Option<Whole>, WireError> {
        let Fragment { message, index, count, part } = fragment;
        self.expire(now_ms);
        limit("fragments", count, MAX_PARTS)?;
        if index >= count {
            let found = format!("part {index} of {count}");
            return Err(WireError::Fragment { expected: "an index below the count", found });
        }
        let known = self.messages.iter().position(|parts| parts.message == message && parts.to == to.line());
        let bytes = part.len() + if known.is_some() { 0 } else { to.line().len() + ID_LENGTH };
        limit("fragments", self.bytes + bytes, MAX_TEXT_BYTES)?;
        let position = match known {
            Some(position) => position,
            None => {
                limit("fragments", self.messages.len() + 1, MAX_MESSAGES)?;
                self.messages.push(Parts::new(to, message, count));
                self.messages.len() - 1
            }
        };
        let Some(parts) = self.messages.get_mut(position) else { return Ok(None) };
        let same_count = parts.parts.len() == count;
        match parts.parts.get_mut(index) {
            Some(free @ None) if same_count => *free = Some(part.to_owned()),
            Some(_) if same_count => {
                let found = format!("part {index} again");
                return Err(WireError::Fragment { expected: "each part once", found });
            }
            _ => {
                let found = format!("{count} parts");
                return Err(WireError::Fragment { expected: "the same count in every part", found });
            }
        }
        parts.missing -= 1;
        parts.deadline_ms = now_ms + silence_ms;
        parts.bytes += bytes;
        self.bytes += bytes;
        if parts.missing > 0 {
            return Ok(None);
        }
        let parts = self.messages.swap_remove(position);
        self.bytes -= parts.bytes;
        Ok(Some(parts.join()))
    }

    /// Forgets the messages whose next part has not come in time. Answers whether there were any.
    pub fn expire(&mut self, now_ms: u64) -> bool {
        let before = self.messages.len();
        self.messages.retain(|parts| parts.deadline_ms > now_ms);
        self.bytes = self.messages.iter().map(|parts| parts.bytes).sum();
        self.messages.len() < before
    }

    /// Forgets the message that has waited longest for its next part.
    pub fn forget_stalest(&mut self) {
        let stalest = self.messages.iter().enumerate().min_by_key(|(_, parts)| parts.deadline_ms);
        if let Some(position) = stalest.map(|(position, _)| position) {
            self.bytes -= self.messages.swap_remove(position).bytes;
        }
    }

    /// How many bytes they take, with the places for those that have not come yet.
    pub fn memory_bytes(&self) -> usize {
        let places: usize = self.messages.iter().map(|message| message.parts.len()).sum();
        self.bytes + places * size_of::<Option<String>>()
    }

    /// When the next message's time is over.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.messages.iter().map(|parts| parts.deadline_ms).min()
    }
}

impl Parts {
    fn new(to: Recipient, message: &str, count: usize) -> Self {
        Self {
            to: to.line().to_owned(),
            message: message.to_owned(),
            parts: vec![None; count],
            missing: count,
            bytes: 0,
            deadline_ms: 0,
        }
    }

    fn join(self) -> Whole {
        let mut text = self.to;
        text.reserve(self.bytes + 1);
        text.push('\n');
        self.parts.into_iter().flatten().for_each(|part| text.push_str(&part));
        Whole { text }
    }
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), WireError> {
    if found > limit { Err(WireError::Limit { what, limit, found }) } else { Ok(()) }
}

fn is_id_character(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

fn read_number(text: &str) -> Option<usize> {
    // As large as a number may be, it is one: that it is too large is for the limits to say.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}
