//! Where the keys are with which services sign tokens.

use super::{KeySet, KeySetError};
use thiserror::Error;

/// The variable `TOKEN_JWKS`: a JWK set, or the URL at which it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeySource {
    /// There are none.
    #[default]
    None,
    /// These.
    Keys(KeySet),
    /// To be got from here.
    Url(String),
}

/// Why the variable cannot be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySourceError {
    /// It is JSON, and no set.
    #[error(transparent)]
    Set(#[from] KeySetError),
    /// It is a set of keys of which none can be used.
    #[error("expected a key for RS256, ES256 or EdDSA, found none")]
    NoUsableKey,
    /// It is something else. Keys that are got over an unsafe line could be anybody's.
    #[error("expected a JWK set or its URL, which begins with https:// (or, for this machine, http://localhost)")]
    NoUrl,
}

impl KeySource {
    /// Reads the variable. White space around it, and nothing, is none.
    pub fn read(text: &str) -> Result<Self, KeySourceError> {
        match text.trim() {
            "" => Ok(Self::None),
            set if set.starts_with('{') => {
                let keys = KeySet::read(set)?;
                if keys.is_empty() { Err(KeySourceError::NoUsableKey) } else { Ok(Self::Keys(keys)) }
            }
            url if is_safe(url) => Ok(Self::Url(url.to_owned())),
            _ => Err(KeySourceError::NoUrl),
        }
    }
}

/// Whether a URL leads somewhere by a line on which nobody can answer in its place.
fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // With a name before the host a reader would take that for the host.
    if authority.is_empty() || authority.contains('@') || url.contains(|char: char| char.is_whitespace()) {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => matches!(host.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1" | "::1"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{KeySource, KeySourceError};
    use crate::access::KeySetError;

    #[test]
    fn a_url_is_taken_that_nobody_on_the_way_can_answer() {
        for url in [
            "https://issuer.example/.well-known/jwks.json",
            "HTTPS://issuer.example:8443",
            "http://localhost/keys",
            "http://127.0.0.1:9000/keys",
            "http://[::1]:9000/keys",
        ] {
            assert_eq!(KeySource::read(&format!(" {url}\n")), Ok(KeySource::Url(url.to_owned())));
        }
        for url in [
            "http://issuer.example/keys",
            "http://localhost.example/keys",
            "http://localhost@issuer.example/keys",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "https://",
            "https:///keys",
            "https://a b",
            "issuer.example",
            "[]",
        ] {
            assert_eq!(KeySource::read(url), Err(KeySourceError::NoUrl), "{url}");
        }
    }

    #[test]
    fn a_set_is_taken_if_a_key_in_it_can_be_used() {
        let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(
            matches!(KeySource::read(&format!(r#"{{"keys":[{key}]}}"#)), Ok(KeySource::Keys(keys)) if keys.len() == 1)
        );
        assert_eq!(KeySource::read(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#), Err(KeySourceError::NoUsableKey));
        assert_eq!(KeySource::read(key), Err(KeySetError::NoKeys.into()));
        assert_eq!(KeySource::read(" "), Ok(KeySource::None));
    }
}
