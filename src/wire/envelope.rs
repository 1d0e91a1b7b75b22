//! The first line of a text: whom it is for, or whom it is from.

use super::ROOM_ID;
use std::fmt::Display;

/// What the room is called in the server of 2024 that this one descends from.
const OLD_ROOM_ID: &str = "server";

/// A text from a client, divided into its first line and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Whom it is for.
    pub to: Recipient<'a>,
    /// What stands behind the first line.
    pub body: &'a str,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient<'a> {
    /// Everybody else in the room.
    Everybody,
    /// The room.
    Room,
    /// The client with this id.
    Client(&'a str),
}

impl<'a> Envelope<'a> {
    /// Divides a text; `None` where there is no line break: that is no message.
    pub fn open(text: &'a str) -> Option<Self> {
        let (to, body) = text.split_once('\n')?;
        Some(Self { to: Recipient::new(to), body })
    }
}

impl<'a> Recipient<'a> {
    fn new(line: &'a str) -> Self {
        match line {
            "" => Self::Everybody,
            ROOM_ID | OLD_ROOM_ID => Self::Room,
            id => Self::Client(id),
        }
    }

    /// The line that names it.
    pub fn line(self) -> &'a str {
        match self {
            Self::Everybody => "",
            Self::Room => ROOM_ID,
            Self::Client(id) => id,
        }
    }
}

/// A text for a client.
pub fn seal(from: impl Display, body: &str) -> String {
    format!("{from}\n{body}")
}
