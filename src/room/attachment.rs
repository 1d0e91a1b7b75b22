//! What is known of a connection while the room is out of memory: the text that is left with its socket.
//!
//! ```text
//! id [recheck_at_ms|- access expires_at_ms|- sub]     since there is access
//! id [recheck_at_ms]                                  before
//! ```
//!
//! A new version finds sockets that the one before has accepted, so what that wrote is read.

use super::ConnectionId;
use crate::access::Grant;
use std::fmt::Display;

/// What is left with a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Whose it is.
    pub id: ConnectionId,
    /// When to ask once more what it holds, in milliseconds since 1970.
    pub recheck_at_ms: Option<u64>,
    /// Who is behind it, and what that one may do.
    pub grant: Grant,
}

impl Attachment {
    /// Reads the text. Of a connection about whom it does not say what it may do, `before` tells.
    pub fn read(text: &str, before: impl FnOnce() -> Grant) -> Option<Self> {
        let mut words = text.splitn(5, ' ');
        let id = ConnectionId::parse(words.next()?)?;
        let recheck_at_ms = words.next().and_then(|at_ms| at_ms.parse().ok());
        let grant = match (words.next(), words.next(), words.next()) {
            (Some(access), Some(expires_at_ms), sub) => Grant {
                access: access.parse().ok()?,
                sub: sub.map(str::to_owned),
                expires_at_ms: expires_at_ms.parse().ok(),
            },
            _ => before(),
        };
        Some(Self { id, recheck_at_ms, grant })
    }

    /// The id in such a text.
    pub fn id(text: &str) -> Option<ConnectionId> {
        ConnectionId::parse(text.split(' ').next()?)
    }

    /// The text.
    pub fn text(&self) -> String {
        let Self { id, recheck_at_ms, grant } = self;
        let number = |number: &Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let words: [&dyn Display; 4] = [id, &number(recheck_at_ms), &grant.access, &number(&grant.expires_at_ms)];
        let words = words.map(ToString::to_string).join(" ");
        grant.sub.iter().fold(words, |words, sub| words + " " + sub)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attachment, ConnectionId};
    use crate::access::{Access, Grant};
    use fastrand::Rng;

    fn id() -> ConnectionId {
        ConnectionId::new(&mut Rng::with_seed(1))
    }

    #[test]
    fn what_is_left_with_a_socket_is_read_again() {
        for sub in [None, Some("ann"), Some("auth0|1 2\n"), Some("-")] {
            for (recheck_at_ms, expires_at_ms) in [(None, None), (Some(7), Some(8)), (None, Some(0))] {
                let grant = Grant { access: Access::Admin, sub: sub.map(str::to_owned), expires_at_ms };
                let attachment = Attachment { id: id(), recheck_at_ms, grant };
                let text = attachment.text();
                assert_eq!(Attachment::read(&text, || panic!("{text}")), Some(attachment));
                assert_eq!(Attachment::id(&text), Some(id()));
            }
        }
    }

    #[test]
    fn what_an_earlier_version_has_left_says_nothing_of_access() {
        let before = || Grant::of(Access::Write);
        let found = |recheck_at_ms| Some(Attachment { id: id(), recheck_at_ms, grant: before() });
        assert_eq!(Attachment::read(id().as_str(), before), found(None));
        assert_eq!(Attachment::read(&format!("{} 123", id()), before), found(Some(123)));
    }

    #[test]
    fn what_is_no_attachment_is_none() {
        let before = || Grant::of(Access::Write);
        for text in ["", "short", &format!("{} - owner -", id())] {
            assert_eq!(Attachment::read(text, before), None, "{text}");
        }
    }
}
