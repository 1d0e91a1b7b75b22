//! Who may do what.
//!
//! A request may bring a *token*: a JSON Web Token that the app's own server, or a service such as Auth0, Clerk,
//! Firebase or Supabase, has signed for its user. A [`Policy`] decides by the room's name and the token's claims which
//! [`Access`] that is, or why there is none. Nothing here computes a signature, asks for the time or fetches a key: the
//! shell does, in this order.
//!
//! 1. [`Carriers::token`] finds the token's text in the request. Without one, step 6 follows.
//! 2. [`Token::read`] takes the text apart, and refuses what no correct issuer writes.
//! 3. [`Expectations::check`] compares times, issuer and audience. ([`Gate::token`] does these three.)
//! 4. [`Secrets::candidates`] and [`KeySet::candidates`] name the keys that may have signed it: there is no other way
//!    to get at a key, so that none is used with an algorithm which is not its own.
//! 5. The shell verifies [`Token::signature`] over [`Token::signing_input`]. Until that has succeeded with one of them,
//!    nothing of what the claims say may be believed.
//! 6. [`Policy::decide`] gives a [`Grant`], or a [`Refusal`] that knows how to be told to sockets and over HTTP.
//!
//! A token that fails at any of these steps is refused, also where none would have been needed: whoever sent it
//! believes to be somebody, and must not go on as nobody.
//!
//! | file | what it is |
//! |---|---|
//! | `level` | read, write, admin |
//! | `policy` | the decision, and what comes of it |
//! | `rules`, `rule`, `pattern`, `percent` | the variable `ACCESS` |
//! | `rooms` | the claim `rooms` |
//! | `token`, `algorithm`, `claims`, `value` | what stands in a token |
//! | `expectations` | what a token must say: issuer, audience, times |
//! | `secrets`, `keys`, `key_source` | what verifies signatures |
//! | `refusal`, `token_error` | why not |
//! | `origins` | which pages may connect |
//! | `carriers` | where a token stands in a request |
//! | `gate` | all of it, as it is set |

mod algorithm;
mod carriers;
mod claims;
mod expectations;
mod gate;
mod key_source;
mod keys;
mod level;
mod origins;
mod pattern;
mod percent;
mod policy;
mod refusal;
mod rooms;
mod rule;
mod rules;
mod secrets;
mod token;
mod token_error;
mod value;

pub use algorithm::Algorithm;
pub use carriers::{Carriers, without_token};
pub use claims::Claims;
pub use expectations::Expectations;
pub use gate::Gate;
pub use key_source::{KeySource, KeySourceError};
pub use keys::{Jwk, KeySet, KeySetError};
pub use level::{Access, UnknownAccess};
pub use origins::{Origins, OriginsError};
pub use pattern::PatternError;
pub use policy::{Grant, Policy};
pub use refusal::Refusal;
pub use rule::RuleError;
pub use rules::{RuleList, Rules, RulesError};
pub use secrets::{SecretTooShort, Secrets};
pub use token::{MAX_TOKEN_BYTES, Token};
pub use token_error::{Malformed, Part, TokenError};
pub use value::JsonError;
