//! The secrets that sign tokens of an app's own server.

use super::{Algorithm, Token};
use std::fmt;
use thiserror::Error;

/// A shorter secret can be found from one token by trying.
const MIN_SECRET_BYTES: usize = 32;

/// The secrets in `TOKEN_SECRETS`, each of which may have signed a token: for a change of secret there are two for a
/// while.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

/// A secret that is too short to be one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "expected secrets of {MIN_SECRET_BYTES} bytes or more with white space between them, found a shorter one, number \
     {position}"
)]
pub struct SecretTooShort {
    /// Which one, from 1.
    pub position: usize,
}

impl Secrets {
    /// Reads the variable.
    pub fn read(text: &str) -> Result<Self, SecretTooShort> {
        let secrets: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        match secrets.iter().position(|secret| secret.len() < MIN_SECRET_BYTES) {
            Some(index) => Err(SecretTooShort { position: index + 1 }),
            None => Ok(Self(secrets)),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secrets that may have signed a token: all, or none where it says that it is not signed by a secret.
    pub fn candidates(&self, token: &Token) -> impl Iterator<Item = &[u8]> {
        let is_ours = token.algorithm() == Algorithm::Hs256;
        self.0.iter().filter(move |_| is_ours).map(String::as_bytes)
    }
}

/// Shows how many there are, and nothing else.
impl fmt::Debug for Secrets {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{SecretTooShort, Secrets};
    use crate::access::Token;
    use base64ct::{Base64UrlUnpadded, Encoding};

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\u{e9}";

    fn token(header: &str, signature: &[u8]) -> Token {
        let encoded = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let text = format!("{}.{}.{}", encoded(header.as_bytes()), encoded(br#"{"exp":1}"#), encoded(signature));
        Token::read(&text).unwrap()
    }

    #[test]
    fn every_secret_may_have_signed_a_token_that_is_signed_by_one() {
        let secrets = Secrets::read(&format!(" {A}\n\t{B} ")).unwrap();
        for header in [r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","kid":"any"}"#] {
            let token = token(header, &[0; 32]);
            assert_eq!(secrets.candidates(&token).collect::<Vec<_>>(), [A.as_bytes(), B.as_bytes()]);
        }
    }

    #[test]
    fn no_secret_is_used_with_another_algorithm() {
        let secrets = Secrets::read(A).unwrap();
        for alg in ["RS256", "ES256", "EdDSA"] {
            assert_eq!(secrets.candidates(&token(&format!(r#"{{"alg":"{alg}"}}"#), &[0; 64])).count(), 0, "{alg}");
        }
    }

    #[test]
    fn a_short_secret_is_told_by_its_position_alone() {
        let short = A.strip_suffix('a').unwrap();
        for (text, position) in [(short.to_owned(), 1), (format!("{A} {B} {short}"), 3), (format!("{A} b {short}"), 2)]
        {
            let error = Secrets::read(&text).unwrap_err();
            assert_eq!(error, SecretTooShort { position });
            assert!(!error.to_string().contains("aaa"));
        }
    }

    #[test]
    fn there_may_be_none() {
        assert!(Secrets::read(" \n").unwrap().is_empty());
        assert!(Secrets::default().is_empty());
        assert!(!Secrets::read(A).unwrap().is_empty());
    }

    #[test]
    fn the_debug_text_does_not_hold_them() {
        assert_eq!(format!("{:?}", Secrets::read(A).unwrap()), "Secrets(1)");
    }
}
