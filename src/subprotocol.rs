//! Which of the WebSocket subprotocols that a client offers a room takes.
//!
//! A browser gives a connection up that takes none of its offers, so a room takes one, though it means nothing here. A
//! token is never said back: a page that has no other header to send one in offers it as a subprotocol.

use thiserror::Error;

const OURS: &str = "tinyroom";
const CHANNELS: &str = "tinybase";
const TOKEN: &[u8] = b"bearer.";

/// A client wants channels: several rooms on one socket. It would wait in vain for an answer to each.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "The subprotocol tinybase stands for channels, which there are none of here: open a socket without it to each room."
)]
pub struct NoChannels;

/// Chooses among the offers in a `Sec-WebSocket-Protocol` header.
pub fn choose(offers: &str) -> Result<Option<&str>, NoChannels> {
    let mut first = None;
    let mut ours = None;
    for offer in offers.split(',').map(str::trim) {
        match offer {
            CHANNELS => return Err(NoChannels),
            OURS => ours = Some(offer),
            _ if first.is_none() && !offer.is_empty() && !is_token(offer) => first = Some(offer),
            _ => {}
        }
    }
    Ok(ours.or(first))
}

/// The offers in such a header that are no tokens.
pub fn without_tokens(offers: &str) -> String {
    let others: Vec<_> = offers.split(',').map(str::trim).filter(|offer| !is_token(offer)).collect();
    others.join(", ")
}

/// Whether an offer is, or may be, a secret: `bearer.…`, or a JSON Web Token, signed or encrypted.
fn is_token(offer: &str) -> bool {
    let bytes = offer.as_bytes();
    let is_jwt = || {
        let is_base64url = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.';
        let dots = bytes.iter().filter(|&&byte| byte == b'.').count();
        bytes.starts_with(b"eyJ") && (dots == 2 || dots == 4) && bytes.iter().all(is_base64url)
    };
    bytes.get(..TOKEN.len()).is_some_and(|start| start.eq_ignore_ascii_case(TOKEN)) || is_jwt()
}

#[cfg(test)]
mod tests {
    use super::{NoChannels, choose, without_tokens};

    const SIGNED: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.h2-_aA";
    const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
    const ENCRYPTED: &str = "eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn";

    #[test]
    fn no_offer_is_answered_with_none() {
        for offers in ["", " ", ",", " , ,"] {
            assert_eq!(choose(offers), Ok(None), "{offers:?}");
        }
    }

    #[test]
    fn the_first_offer_is_taken() {
        assert_eq!(choose("graphql-ws"), Ok(Some("graphql-ws")));
        assert_eq!(choose(" ,a.b.c ,d"), Ok(Some("a.b.c")));
        assert_eq!(choose("Tinybase, TINYROOM"), Ok(Some("Tinybase")));
    }

    #[test]
    fn our_own_name_comes_before_any_other() {
        assert_eq!(choose("tinyroom"), Ok(Some("tinyroom")));
        assert_eq!(choose("bearer, abc,\ttinyroom"), Ok(Some("tinyroom")));
    }

    #[test]
    fn a_token_is_never_said_back() {
        for token in ["bearer.abc", "Bearer.abc", "BEARER.", SIGNED, UNSIGNED, ENCRYPTED] {
            assert_eq!(choose(token), Ok(None), "{token}");
            assert_eq!(choose(&format!("{token}, other")), Ok(Some("other")), "{token}");
            assert_eq!(choose(&format!("bearer, {token}")), Ok(Some("bearer")), "{token}");
            assert_eq!(choose(&format!("{token}, tinyroom")), Ok(Some("tinyroom")), "{token}");
        }
    }

    #[test]
    fn tokens_are_not_passed_on() {
        assert_eq!(without_tokens(&format!("tinyroom, bearer.abc,a ,{SIGNED},b")), "tinyroom, a, b");
        assert_eq!(without_tokens("Bearer.abc"), "");
    }

    #[test]
    fn what_is_only_like_a_token_is_none() {
        for offer in ["bearer", "bearers.abc", "eyJ", "eyJ.a", "eyJ.a.b!", "eyj.a.b", "a.eyJ.b", "v1.eyJ.b.c"] {
            assert_eq!(choose(offer), Ok(Some(offer)), "{offer}");
        }
    }

    #[test]
    fn channels_are_refused_whatever_else_is_offered() {
        for offers in ["tinybase", "tinyroom, tinybase", "bearer.abc,tinybase,other"] {
            assert_eq!(choose(offers), Err(NoChannels), "{offers}");
        }
    }
}
