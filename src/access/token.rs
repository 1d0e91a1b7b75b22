//! A token, taken apart.

use super::token_error::{Malformed, Part, TokenError};
use super::value::{Object, Value};
use super::{Algorithm, Claims};
use base64ct::{Base64UrlUnpadded, Encoding};
use std::fmt;

/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// A JSON Web Token in its compact form, taken apart and written as it must be. Whether it is genuine is not known yet.
///
/// Of its header nothing counts but the algorithm and the name of the key: a key that it brings along, or tells where
/// to get, is anybody's.
pub struct Token {
    signing_input: String,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: Claims,
}

impl Token {
    /// Takes a token apart.
    pub fn read(text: &str) -> Result<Self, TokenError> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Malformed::TooLong.into());
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(Malformed::Parts)?;
        let (header, claims) = signing_input.split_once('.').ok_or(Malformed::Parts)?;
        if claims.contains('.') {
            return Err(Malformed::Parts.into());
        }
        let header = object(header, Part::Header)?;
        let algorithm = header.get("alg").and_then(Value::text).and_then(Algorithm::named);
        let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
        check_header(&header)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(id) => Some(id.text().ok_or(Malformed::KeyId)?.to_owned()),
        };
        let signature = bytes(signature, Part::Signature)?;
        let claims = Claims::read(object(claims, Part::Claims)?)?;
        if algorithm.signature_bytes().is_some_and(|bytes| bytes != signature.len()) {
            return Err(TokenError::Signature);
        }
        Ok(Self { signing_input: signing_input.to_owned(), signature, algorithm, key_id, claims })
    }

    /// What has been signed.
    pub fn signing_input(&self) -> &str {
        &self.signing_input
    }

    /// The signature. One with [`Algorithm::Es256`] is two numbers of 32 bytes, as WebCrypto takes it.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Its text. There is but one way to write it.
    pub fn text(&self) -> String {
        format!("{}.{}", self.signing_input, Base64UrlUnpadded::encode_string(&self.signature))
    }

    /// How it says that it is signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// With which key it says that it is signed.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What it says. Not to be believed before the signature has been verified.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Shows nothing that would let the token be used, or tell of its owner.
impl fmt::Debug for Token {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Token").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn check_header(header: &Object) -> Result<(), Malformed> {
    if header.contains_key("crit") {
        return Err(Malformed::Critical);
    }
    // A media type, of which `application/` may be left out, and letters may be small or large.
    let is_access_token = |kind: &str| {
        let kind = kind.to_ascii_lowercase();
        matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
    };
    match header.get("typ") {
        Some(kind) if !kind.text().is_some_and(is_access_token) => Err(Malformed::Type),
        _ => Ok(()),
    }
}

fn bytes(text: &str, part: Part) -> Result<Vec<u8>, Malformed> {
    let bytes = Base64UrlUnpadded::decode_vec(text).unwrap_or_default();
    if bytes.is_empty() { Err(Malformed::Encoding(part)) } else { Ok(bytes) }
}

fn object(text: &str, part: Part) -> Result<Object, Malformed> {
    let json = String::from_utf8(bytes(text, part)?).ok();
    match json.and_then(|json| Value::read(&json).ok()) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(Malformed::Json(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TOKEN_BYTES, Token};
    use crate::access::{Algorithm, Malformed, Part, TokenError};
    use base64ct::{Base64UrlUnpadded, Encoding};

    const HEADER: &str = r#"{"alg":"HS256"}"#;
    const CLAIMS: &str = r#"{"exp":1,"sub":"ann"}"#;

    fn encoded(text: impl AsRef<[u8]>) -> String {
        Base64UrlUnpadded::encode_string(text.as_ref())
    }

    fn read(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> Result<Token, TokenError> {
        Token::read(&format!("{}.{}.{}", encoded(header), encoded(claims), encoded([7; 32])))
    }

    fn error(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> TokenError {
        read(header, claims).unwrap_err()
    }

    fn malformed(text: &str) -> Malformed {
        match Token::read(text) {
            Err(TokenError::Malformed(malformed)) => malformed,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = format!("{}.{}.{}", encoded(r#"{"alg":"ES256","kid":"k"}"#), encoded(CLAIMS), encoded([7; 64]));
        let token = Token::read(&text).unwrap();
        assert_eq!(format!("{}.{}", token.signing_input(), encoded(token.signature())), text);
        assert_eq!(token.text(), text);
        assert_eq!(
            (token.algorithm(), token.key_id(), token.claims().sub()),
            (Algorithm::Es256, Some("k"), Some("ann"))
        );
        assert_eq!(read(HEADER, CLAIMS).unwrap().key_id(), None);
    }

    #[test]
    fn an_unsigned_token_is_refused_in_every_spelling() {
        for alg in [
            r#""none""#,
            r#""None""#,
            r#""NONE""#,
            r#""nOnE""#,
            r#""no\u006ee""#,
            r#""""#,
            "null",
            "[]",
            r#"["HS256"]"#,
        ] {
            assert_eq!(error(format!(r#"{{"alg":{alg}}}"#), CLAIMS), TokenError::Algorithm, "{alg}");
            let unsigned = format!("{}.{}.", encoded(format!(r#"{{"alg":{alg}}}"#)), encoded(CLAIMS));
            assert_eq!(Token::read(&unsigned).unwrap_err(), TokenError::Algorithm, "{alg}");
        }
        assert_eq!(error("{}", CLAIMS), TokenError::Algorithm);
        assert_eq!(error(r#"{"ALG":"HS256"}"#, CLAIMS), TokenError::Algorithm);
        let unsigned = format!("{}.{}.", encoded(HEADER), encoded(CLAIMS));
        assert_eq!(malformed(&unsigned), Malformed::Encoding(Part::Signature));
    }

    #[test]
    fn a_signature_has_the_length_of_its_algorithm() {
        for (alg, length) in [("HS256", 32), ("ES256", 64), ("EdDSA", 64)] {
            for bytes in [1, 31, 32, 33, 48, 63, 64, 65, 256] {
                let header = encoded(format!(r#"{{"alg":"{alg}"}}"#));
                let text = format!("{header}.{}.{}", encoded(CLAIMS), encoded(vec![0; bytes]));
                let result = Token::read(&text).map(|_| ());
                assert_eq!(result, if bytes == length { Ok(()) } else { Err(TokenError::Signature) }, "{alg} {bytes}");
            }
        }
    }

    #[test]
    fn a_token_has_three_parts() {
        let text = format!("{}.{}.{}", encoded(HEADER), encoded(CLAIMS), encoded([7; 32]));
        for other in ["", ".", "a", "a.b", &format!("{text}."), &format!("{text}.a.b"), &format!(".{text}"), "....."] {
            assert_eq!(malformed(other), Malformed::Parts, "{other}");
        }
        assert_eq!(malformed(".."), Malformed::Encoding(Part::Header));
    }

    #[test]
    fn base64url_is_strict() {
        let [header, claims, signature] = [encoded(HEADER), encoded(CLAIMS), encoded([7; 32])];
        assert!(Token::read(&format!("{header}.{claims}.{signature}")).is_ok());
        // The last character of 32 bytes has two bits that mean nothing: "Bwc" and "Bwd" would be the same bytes.
        let noncanonical = format!("{}d", signature.strip_suffix('c').unwrap());
        for bad in [
            format!("{signature}="),
            format!("{signature}=="),
            format!("{signature}\n"),
            format!(" {signature}"),
            signature.replace('B', "+"),
            signature.replace('B', "/"),
            signature.replace('B', "é"),
            noncanonical,
            "A".to_owned(),
            String::new(),
        ] {
            assert_eq!(malformed(&format!("{header}.{claims}.{bad}")), Malformed::Encoding(Part::Signature), "{bad:?}");
        }
        for bad in ["", "=", "e30=", "e3", "A", " e30", "e30\n", "e3 0"] {
            assert!(
                matches!(malformed(&format!("{bad}.{claims}.{signature}")), Malformed::Encoding(Part::Header)),
                "{bad:?}"
            );
            assert!(
                matches!(malformed(&format!("{header}.{bad}.{signature}")), Malformed::Encoding(Part::Claims)),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn header_and_claims_are_objects_with_distinct_keys() {
        for bad in [
            &b"null"[..],
            b"[]",
            b"\"a\"",
            b"1",
            b"{",
            b"{}x",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"\xc0\x80\":1}",
            br#"{"exp":NaN}"#,
            br#"{"exp":1e999}"#,
            br#"{"exp":Infinity}"#,
            br#"{"exp":1,"exp":9999999999}"#,
            br#"{"exp":1,"a":{"b":1,"b":2}}"#,
        ] {
            assert_eq!(error(bad, CLAIMS), Malformed::Json(Part::Header).into(), "{bad:?}");
            assert_eq!(error(HEADER, bad), Malformed::Json(Part::Claims).into(), "{bad:?}");
        }
        assert_eq!(error(r#"{"alg":"HS256","alg":"none"}"#, CLAIMS), Malformed::Json(Part::Header).into());
        assert_eq!(error(r#"{"alg":"none","alg":"HS256"}"#, CLAIMS), Malformed::Json(Part::Header).into());
    }

    #[test]
    fn deep_json_is_refused() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let levels = 1000;
            let deep = format!(r#"{{"exp":1,"a":{}1{}}}"#, open.repeat(levels), close.repeat(levels));
            assert_eq!(error(HEADER, &deep), Malformed::Json(Part::Claims).into());
            assert_eq!(error(&deep, CLAIMS), Malformed::Json(Part::Header).into());
        }
    }

    #[test]
    fn a_token_is_at_most_8_kib() {
        let padded = |bytes: usize| {
            let text = |pad: usize| {
                let claims = format!(r#"{{"exp":1,"pad":"{}"}}"#, "x".repeat(pad));
                format!("{}.{}.{}", encoded(HEADER), encoded(claims), encoded([7; 32]))
            };
            (0..bytes).map(|less| text(bytes * 3 / 4 - less)).find(|text| text.len() <= bytes).unwrap()
        };
        let longest = padded(MAX_TOKEN_BYTES);
        assert_eq!(longest.len(), MAX_TOKEN_BYTES);
        assert!(Token::read(&longest).is_ok());
        assert_eq!(malformed(&padded(MAX_TOKEN_BYTES + 4)), Malformed::TooLong);
        assert_eq!(malformed(&"a".repeat(1 << 20)), Malformed::TooLong);
        assert_eq!(Malformed::TooLong.to_string(), format!("longer than {MAX_TOKEN_BYTES} bytes"));
    }

    #[test]
    fn what_must_be_understood_is_not() {
        for crit in [r#"["b64"],"b64":false"#, r#"["exp"]"#, "[]", "null", r#""exp""#, r#"["b64"],"b64":true"#] {
            let header = format!(r#"{{"alg":"HS256","crit":{crit}}}"#);
            assert_eq!(error(header, CLAIMS), Malformed::Critical.into(), "{crit}");
        }
    }

    #[test]
    fn a_token_for_something_else_is_refused() {
        for (typ, is_ours) in [
            (r#""JWT""#, true),
            (r#""jwt""#, true),
            (r#""at+jwt""#, true),
            (r#""AT+JWT""#, true),
            (r#""application/at+jwt""#, true),
            (r#""Application/JWT""#, true),
            (r#""application/application/jwt""#, false),
            (r#""dpop+jwt""#, false),
            (r#""logout+jwt""#, false),
            (r#""secevent+jwt""#, false),
            (r#""JOSE""#, false),
            (r#""JWT ""#, false),
            (r#""""#, false),
            ("null", false),
            (r#"["JWT"]"#, false),
        ] {
            let result = read(format!(r#"{{"alg":"HS256","typ":{typ}}}"#), CLAIMS).map(|_| ());
            assert_eq!(result, if is_ours { Ok(()) } else { Err(Malformed::Type.into()) }, "{typ}");
        }
    }

    #[test]
    fn the_name_of_a_key_is_a_text() {
        for kid in ["1", "null", r#"["a"]"#, "{}", "true"] {
            assert_eq!(error(format!(r#"{{"alg":"HS256","kid":{kid}}}"#), CLAIMS), Malformed::KeyId.into(), "{kid}");
        }
        let odd = read(r#"{"alg":"HS256","kid":"../../dev/null' OR 1=1 --\u0000"}"#, CLAIMS).unwrap();
        assert_eq!(odd.key_id(), Some("../../dev/null' OR 1=1 --\0"));
    }

    #[test]
    fn keys_in_the_header_are_passed_over() {
        let header = r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"jku":"https://evil.example/","x5u":"https://a.example/",
            "x5c":["AAAA"],"b64":false,"zip":"DEF","cty":"JWT"}"#;
        let token = read(header, CLAIMS).unwrap();
        assert_eq!((token.algorithm(), token.key_id()), (Algorithm::Hs256, None));
    }

    #[test]
    fn the_debug_text_of_a_token_does_not_hold_it() {
        assert_eq!(format!("{:?}", read(HEADER, CLAIMS).unwrap()), "Token { algorithm: Hs256, .. }");
    }
}
