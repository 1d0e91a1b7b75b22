//! The public keys with which services sign tokens.

use super::value::{Object, Value};
use super::{Algorithm, JsonError, Token};
use base64ct::{Base64UrlUnpadded, Encoding};
use thiserror::Error;

/// Shorter RSA keys are not safe any more.
const MIN_RSA_BITS: usize = 2048;
/// As many keys are tried with a token that says of none that it is its own. Each costs a verification.
const MAX_CANDIDATES: usize = 4;

/// A JWK set, with what in it can be used: keys for signatures by RSA (RS256), on P-256 (ES256) and with Ed25519
/// (EdDSA).
///
/// All others are left out: those for other uses, RSA keys under 2048 bits, keys that are not written as they must be,
/// and symmetric keys always, since whoever can read a set could sign with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Jwk>);

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    algorithm: Algorithm,
    id: Option<String>,
    text: String,
}

/// Why a text is no JWK set.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySetError {
    /// It is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It has no keys, not even an empty list of them.
    #[error("expected an object with a list of keys in its field keys")]
    NoKeys,
}

impl KeySet {
    /// Reads a set.
    pub fn read(text: &str) -> Result<Self, KeySetError> {
        let set = Value::read(text)?;
        let keys = set.object().and_then(|set| set.get("keys")).and_then(Value::list).ok_or(KeySetError::NoKeys)?;
        Ok(Self(keys.iter().filter_map(|key| Jwk::read(key.object()?)).collect()))
    }

    /// How many keys in it can be used.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none can be used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have signed a token, at most four: those for its algorithm, and where the token names its key,
    /// of these the ones with that name.
    pub fn candidates(&self, token: &Token) -> impl Iterator<Item = &Jwk> {
        let (algorithm, id) = (token.algorithm(), token.key_id().map(str::to_owned));
        let may_have = move |key: &&Jwk| key.algorithm == algorithm && (id.is_none() || key.id == id);
        self.0.iter().filter(may_have).take(MAX_CANDIDATES)
    }
}

impl Jwk {
    /// Reads a key; `None` where it cannot be used.
    fn read(key: &Object) -> Option<Self> {
        let field = |name: &str| key.get(name).and_then(Value::text);
        let (algorithm, text) = match (field("kty")?, field("crv")) {
            ("RSA", _) => {
                let (n, e) = (field("n")?, field("e")?);
                let is_usable = bits(&decoded(n)?) >= MIN_RSA_BITS && is_exponent(&decoded(e)?);
                (Algorithm::Rs256, is_usable.then(|| format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))?)
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (coordinate(field("x")?)?, coordinate(field("y")?)?);
                (Algorithm::Es256, format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#))
            }
            ("OKP", Some("Ed25519")) => {
                let x = coordinate(field("x")?)?;
                (Algorithm::EdDsa, format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#))
            }
            _ => return None,
        };
        // Where it says what it is for, that must be this.
        let is_absent_or = |name: &str, fits: &dyn Fn(&Value) -> bool| key.get(name).is_none_or(fits);
        let verifies = |operation: &Value| operation.text() == Some("verify");
        let is_for_this = is_absent_or("use", &|purpose| purpose.text() == Some("sig"))
            && is_absent_or("key_ops", &|operations| operations.list().is_some_and(|list| list.iter().any(verifies)))
            && is_absent_or("alg", &|name| name.text().is_some_and(|name| is_name_of(name, algorithm)))
            && is_absent_or("kid", &|id| id.text().is_some());
        is_for_this.then(|| Self { algorithm, id: field("kid").map(str::to_owned), text })
    }

    /// How it verifies. It is used in no other way.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as JSON to be imported, with its public numbers alone: of other fields WebCrypto refuses some.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether a key may call its algorithm so. Of keys for Ed25519 some say the curve's name.
fn is_name_of(name: &str, algorithm: Algorithm) -> bool {
    Algorithm::named(name) == Some(algorithm) || (algorithm == Algorithm::EdDsa && name == "Ed25519")
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

/// A text that decodes to the 32 bytes of a coordinate.
fn coordinate(text: &str) -> Option<&str> {
    (decoded(text)?.len() == 32).then_some(text)
}

/// How long a number is, without zeros before it.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first_zeros = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first_zeros
}

/// Whether a number may be an RSA key's public exponent: an odd one, and not 1, with which anyone could sign.
fn is_exponent(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte % 2 == 1) && (2..=32).contains(&bits(number))
}

#[cfg(test)]
mod tests {
    use super::{KeySet, KeySetError};
    use crate::access::Algorithm::{self, EdDsa, Es256, Rs256};
    use crate::access::Token;
    use base64ct::{Base64UrlUnpadded, Encoding};

    fn encoded(bytes: &[u8]) -> String {
        Base64UrlUnpadded::encode_string(bytes)
    }

    fn rsa(more: &str) -> String {
        format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"{more}}}"#, encoded(&[0xff; 256]))
    }

    fn ec(more: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"{more}}}"#, encoded(&[1; 32]))
    }

    fn okp(more: &str) -> String {
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"{more}}}"#, encoded(&[2; 32]))
    }

    fn set(keys: &[String]) -> KeySet {
        KeySet::read(&format!(r#"{{"keys":[{}]}}"#, keys.join(","))).unwrap()
    }

    fn is_used(key: String) -> bool {
        set(&[key]).len() == 1
    }

    fn token(alg: &str, kid: Option<&str>) -> Token {
        let kid = kid.map_or(String::new(), |kid| format!(r#","kid":"{kid}""#));
        let header = format!(r#"{{"alg":"{alg}"{kid}}}"#);
        let signature = vec![0; if alg == "HS256" { 32 } else { 64 }];
        Token::read(&format!("{}.{}.{}", encoded(header.as_bytes()), encoded(br#"{"exp":1}"#), encoded(&signature)))
            .unwrap()
    }

    fn candidates(set: &KeySet, alg: &str, kid: Option<&str>) -> Vec<Algorithm> {
        set.candidates(&token(alg, kid)).map(|key| key.algorithm()).collect()
    }

    #[test]
    fn a_key_is_used_with_its_own_algorithm_alone() {
        let all = set(&[rsa(""), ec(""), okp("")]);
        for kid in [None, Some("a")] {
            let named = set(&[rsa(r#","kid":"a""#), ec(r#","kid":"a""#), okp(r#","kid":"a""#)]);
            for (alg, expected) in [("RS256", Rs256), ("ES256", Es256), ("EdDSA", EdDsa)] {
                assert_eq!(candidates(&named, alg, kid), [expected]);
            }
            assert_eq!(candidates(&named, "HS256", kid), []);
        }
        assert_eq!(candidates(&all, "HS256", None), []);
    }

    #[test]
    fn a_token_that_names_its_key_gets_no_other() {
        let set = set(&[ec(r#","kid":"a""#), ec(r#","kid":"b""#), ec(r#","kid":"b""#), ec(r#","kid":"""#), ec("")]);
        for (kid, count) in [("a", 1), ("b", 2), ("c", 0), ("A", 0), ("a ", 0), ("", 1)] {
            assert_eq!(candidates(&set, "ES256", Some(kid)).len(), count, "{kid:?}");
        }
    }

    #[test]
    fn a_token_that_names_no_key_gets_four_of_its_algorithm() {
        let keys: Vec<_> = (0..10).flat_map(|id| [ec(&format!(r#","kid":"{id}""#)), okp("")]).collect();
        assert_eq!(candidates(&set(&keys), "ES256", None), [Es256; 4]);
        assert_eq!(candidates(&set(&keys), "RS256", None), []);
    }

    #[test]
    fn a_key_that_says_what_it_is_for_must_say_this() {
        for (more, used) in [
            (r#","use":"sig""#, true),
            (r#","use":"enc""#, false),
            (r#","use":"""#, false),
            (r#","use":null"#, false),
            (r#","key_ops":["verify"]"#, true),
            (r#","key_ops":["sign","verify"]"#, true),
            (r#","key_ops":["sign"]"#, false),
            (r#","key_ops":[]"#, false),
            (r#","key_ops":"verify""#, false),
            (r#","kid":7"#, false),
            (r#","alg":null"#, false),
            (r#","alg":"none""#, false),
            (r#","alg":"HS256""#, false),
            (r#","x5t":"a","ext":true"#, true),
        ] {
            for key in [rsa(more), ec(more), okp(more)] {
                assert_eq!(is_used(key), used, "{more}");
            }
        }
        for (alg, of_rsa, of_ec, of_okp) in [
            ("RS256", true, false, false),
            ("ES256", false, true, false),
            ("EdDSA", false, false, true),
            ("Ed25519", false, false, true),
            ("PS256", false, false, false),
            ("RS512", false, false, false),
            ("RSA-OAEP", false, false, false),
            ("ECDH-ES", false, false, false),
        ] {
            let alg_field = format!(r#","alg":"{alg}""#);
            let used = [rsa(&alg_field), ec(&alg_field), okp(&alg_field)].map(is_used);
            assert_eq!(used, [of_rsa, of_ec, of_okp], "{alg}");
        }
    }

    #[test]
    fn other_keys_and_weak_ones_are_left_out() {
        let n = encoded(&[0xff; 256]);
        let zeros_before = encoded(&[&[0][..], &[0xff; 255]].concat());
        let bits_2047 = encoded(&[&[0x7f][..], &[0xff; 255]].concat());
        for key in [
            format!(r#"{{"kty":"oct","k":"{n}"}}"#),
            format!(r#"{{"kty":"oct","k":"{n}","alg":"HS256","n":"{n}","e":"AQAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, encoded(&[0xff; 128])),
            format!(r#"{{"kty":"RSA","n":"{zeros_before}","e":"AQAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{bits_2047}","e":"AQAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}="  ,"e":"AQAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQ"}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AAAB"}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}","e":"Ag"}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}","e":""}}"#),
            format!(r#"{{"kty":"RSA","n":"{n}"}}"#),
            format!(r#"{{"kty":"rsa","n":"{n}","e":"AQAB"}}"#),
            r#"{"kty":"RSA","n":"","e":"AQAB"}"#.to_owned(),
            ec("").replace("P-256", "P-384"),
            ec("").replace("P-256", "secp256k1"),
            ec("").replace("\"y\"", "\"z\""),
            ec("").replace(&encoded(&[1; 32]), &encoded(&[1; 31])),
            okp("").replace("Ed25519", "X25519"),
            okp("").replace("Ed25519", "Ed448"),
            okp("").replace(&encoded(&[2; 32]), &encoded(&[2; 33])),
            okp("").replace("OKP", "EC"),
            "{}".to_owned(),
            "null".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(!is_used(key.clone()), "{key}");
        }
        assert!(is_used(rsa("").replace("AQAB", "Aw")));
    }

    #[test]
    fn what_is_imported_is_the_public_numbers_alone() {
        let more = r#","d":"AAAA","p":"AAAA","q":"AAAA","dp":"A","alg":"A","x5c":["A"],"kid":"\"}"#;
        let key = |text: String| set(&[text]).0.first().map(|key| key.text().to_owned());
        assert_eq!(key(rsa(r#","d":"AAAA","p":"AAAA","q":"AAAA","use":"sig","kid":"\"}""#)), Some(rsa("")));
        assert_eq!(key(ec(r#","d":"AAAA","alg":"ES256","key_ops":["verify"]"#)), Some(ec("")));
        assert_eq!(key(okp(r#","d":"AAAA","alg":"Ed25519","ext":true"#)), Some(okp("")));
        assert!(KeySet::read(&format!(r#"{{"keys":[{}]}}"#, rsa(more))).is_err());
    }

    #[test]
    fn what_is_no_set_is_told_from_one_without_keys() {
        assert!(set(&[]).is_empty());
        for text in ["{}", "[]", r#"{"keys":{}}"#, r#"{"keys":null}"#, "null", &rsa("")] {
            assert_eq!(KeySet::read(text), Err(KeySetError::NoKeys), "{text}");
        }
        for text in ["", "<html>", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#] {
            assert!(matches!(KeySet::read(text), Err(KeySetError::Json(_))), "{text}");
        }
    }
}
