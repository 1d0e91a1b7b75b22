//! What somebody may do in a room.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What somebody may do in a room. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Get what the room holds, now and as it changes.
    Read,
    /// Change it as well.
    Write,
    /// Do to the room what no client of it does, such as deleting it.
    Admin,
}

/// A word that is no [`Access`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected read, write or admin")]
pub struct UnknownAccess;

impl Access {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Whether who has this may do what needs `needed`.
    pub fn includes(self, needed: Self) -> bool {
        needed <= self
    }

    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Access {
    type Err = UnknownAccess;

    fn from_str(word: &str) -> Result<Self, UnknownAccess> {
        Self::ALL.into_iter().find(|access| access.word() == word).ok_or(UnknownAccess)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Access::{self, Admin, Read, Write};
    use super::UnknownAccess;

    #[test]
    fn each_includes_itself_and_those_before_it() {
        for (has, includes) in [(Read, [true, false, false]), (Write, [true, true, false]), (Admin, [true; 3])] {
            assert_eq!(Access::ALL.map(|needed| has.includes(needed)), includes, "{has}");
        }
    }

    #[test]
    fn what_is_printed_is_read_and_nothing_else() {
        for access in Access::ALL {
            assert_eq!(access.to_string().parse(), Ok(access));
        }
        for word in ["", "Read", " read", "read ", "none", "owner", "readwrite", "*"] {
            assert_eq!(word.parse::<Access>(), Err(UnknownAccess), "{word:?}");
        }
    }
}
