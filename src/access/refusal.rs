//! Why somebody may not, and how they are told.

use super::TokenError;
use thiserror::Error;

/// Why somebody may not do something in a room. It prints as the reason with which a socket is closed, which tells
/// nothing about the room: not even whether there is anything in it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// This needs a token.
    #[error("token missing")]
    TokenMissing,
    /// The token is not taken.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The page is of an origin that may not connect.
    #[error("origin not allowed")]
    Origin,
    /// The token is good, and does not open this.
    #[error("no access to this room")]
    NoAccess,
}

impl Refusal {
    /// With which code a socket is closed: 4401 asks for another token, with 4403 none would help that says the same,
    /// and after 1013 the same token may do a little later.
    pub fn close_code(self) -> u16 {
        match self.status() {
            401 => 4401,
            403 => 4403,
            _ => 1013,
        }
    }

    /// The status of an answer over HTTP.
    pub fn status(self) -> u16 {
        match self {
            Self::Token(TokenError::KeysUnavailable) => 503,
            Self::TokenMissing | Self::Token(_) => 401,
            Self::NoAccess | Self::Origin => 403,
        }
    }

    /// What that status is called: the `title` of a problem in JSON.
    pub fn title(self) -> &'static str {
        match self.status() {
            401 => "Unauthorized",
            403 => "Forbidden",
            _ => "Service Unavailable",
        }
    }

    /// A sentence for whoever reads the answer: the `detail` of a problem in JSON.
    pub fn detail(self) -> String {
        match self {
            Self::TokenMissing => "This needs a token, and none came.".to_owned(),
            Self::Token(TokenError::KeysUnavailable) => {
                "The keys that verify tokens are not to be had at the moment. Try again.".to_owned()
            }
            Self::Token(error) => format!("The token is not taken: {error}."),
            Self::Origin => "Pages of this origin may not connect.".to_owned(),
            Self::NoAccess => "The token gives no access to this, in this room.".to_owned(),
        }
    }

    /// The header `WWW-Authenticate`, where the answer must have one.
    pub fn challenge(self) -> Option<String> {
        match self {
            Self::TokenMissing => Some(r#"Bearer realm="tinyroom""#.to_owned()),
            Self::Token(error) if self.status() == 401 => {
                Some(format!(r#"Bearer realm="tinyroom", error="invalid_token", error_description="{error}""#))
            }
            Self::Token(_) | Self::NoAccess | Self::Origin => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::access::{Malformed, Part, TokenError};

    /// The longest reason that a WebSocket's close frame holds.
    const MAX_REASON_BYTES: usize = 123;

    fn all() -> Vec<Refusal> {
        let parts = [Part::Header, Part::Claims, Part::Signature];
        let malformed = [
            Malformed::TooLong,
            Malformed::Parts,
            Malformed::Critical,
            Malformed::Type,
            Malformed::KeyId,
            Malformed::Expiry,
            Malformed::NotBefore,
            Malformed::Subject,
        ];
        let malformed = malformed.into_iter().chain(parts.map(Malformed::Encoding)).chain(parts.map(Malformed::Json));
        let tokens = [
            TokenError::Algorithm,
            TokenError::UnknownKey,
            TokenError::KeysUnavailable,
            TokenError::Signature,
            TokenError::Expired,
            TokenError::NotYetValid,
            TokenError::Issuer,
            TokenError::Audience,
        ];
        let tokens = malformed.map(TokenError::Malformed).chain(tokens).map(Refusal::Token);
        [Refusal::TokenMissing, Refusal::NoAccess, Refusal::Origin].into_iter().chain(tokens).collect()
    }

    #[test]
    fn a_refusal_is_told_to_sockets_and_over_http() {
        let missing = Refusal::TokenMissing;
        assert_eq!((missing.close_code(), missing.to_string()), (4401, "token missing".to_owned()));
        assert_eq!((missing.status(), missing.title()), (401, "Unauthorized"));
        assert_eq!(missing.challenge().as_deref(), Some(r#"Bearer realm="tinyroom""#));

        let expired = Refusal::from(TokenError::Expired);
        assert_eq!((expired.close_code(), expired.to_string()), (4401, "token expired".to_owned()));
        assert_eq!((expired.status(), expired.detail()), (401, "The token is not taken: token expired.".to_owned()));
        let challenge = r#"Bearer realm="tinyroom", error="invalid_token", error_description="token expired""#;
        assert_eq!(expired.challenge().as_deref(), Some(challenge));

        let malformed = Refusal::from(TokenError::from(Malformed::Encoding(Part::Claims)));
        assert_eq!(malformed.to_string(), "malformed token: claims not in base64url");

        let no_access = Refusal::NoAccess;
        assert_eq!((no_access.close_code(), no_access.to_string()), (4403, "no access to this room".to_owned()));
        assert_eq!((no_access.status(), no_access.title(), no_access.challenge()), (403, "Forbidden", None));

        let unavailable = Refusal::from(TokenError::KeysUnavailable);
        assert_eq!((unavailable.close_code(), unavailable.status()), (1013, 503));
        assert_eq!((unavailable.title(), unavailable.challenge()), ("Service Unavailable", None));
    }

    #[test]
    fn every_reason_fits_into_a_close_frame_and_into_a_quoted_header() {
        for refusal in all() {
            let reason = refusal.to_string();
            assert!(reason.len() <= MAX_REASON_BYTES, "{reason}");
            assert!(
                reason.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'),
                "{reason}"
            );
            assert_eq!(refusal.challenge().is_some(), refusal.status() == 401, "{reason}");
        }
    }
}
