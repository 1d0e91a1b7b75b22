//! Why a token is not taken.

use std::fmt;
use thiserror::Error;

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// It is not written as a token must be.
    #[error("malformed token: {0}")]
    Malformed(#[from] Malformed),
    /// It is signed in a way that is not taken here, or not at all.
    #[error("algorithm")]
    Algorithm,
    /// There is no key that may have signed it.
    #[error("unknown key")]
    UnknownKey,
    /// The keys could not be got; this says nothing about the token.
    #[error("keys unavailable")]
    KeysUnavailable,
    /// None of the keys has signed it.
    #[error("signature")]
    Signature,
    /// Its time is over.
    #[error("token expired")]
    Expired,
    /// Its time has not come.
    #[error("token not valid yet")]
    NotYetValid,
    /// Somebody else has made it.
    #[error("issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("audience")]
    Audience,
}

/// What is wrong with a token that is not written as it must be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// Nobody's claims need so much.
    #[error("longer than 8192 bytes")]
    TooLong,
    /// It is something else: an encrypted one has five parts.
    #[error("not three parts with dots between them")]
    Parts,
    /// A part is not in base64url, strictly: without padding, white space, or bits that mean nothing.
    #[error("{0} not in base64url")]
    Encoding(Part),
    /// A part is no JSON object, or one in which a key stands twice.
    #[error("{0} no JSON object with distinct keys")]
    Json(Part),
    /// It says that something must be understood which is not understood here.
    #[error("crit is not supported")]
    Critical,
    /// It is a token for something else.
    #[error("typ is neither JWT nor at+jwt")]
    Type,
    /// The name of its key is none.
    #[error("kid is not a text")]
    KeyId,
    /// It does not say when it ends.
    #[error("exp is not a number")]
    Expiry,
    /// It says when it begins, but not as a time.
    #[error("nbf is not a number")]
    NotBefore,
    /// It does not say whom it is about in a way that can be passed on.
    #[error("sub is not a text of at most 255 bytes")]
    Subject,
}

/// A part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How it is signed.
    Header,
    /// What it says.
    Claims,
    /// The signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}
