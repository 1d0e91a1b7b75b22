//! What every token must say.

use super::value::Value;
use super::{Claims, TokenError};

/// The largest number of milliseconds that JavaScript counts exactly.
const MAX_MS: u64 = (1 << 53) - 1;

/// Who must have made a token and for whom, and how far clocks may be apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// What the claim `iss` must be: `TOKEN_ISSUER`.
    pub issuer: Option<String>,
    /// Of which the claim `aud` must name one, if there are any: `TOKEN_AUDIENCE`.
    pub audiences: Vec<String>,
    /// How many seconds a token is valid before `nbf` and after `exp`: `TOKEN_LEEWAY_S`.
    pub leeway_s: u32,
}

impl Default for Expectations {
    fn default() -> Self {
        Self { issuer: None, audiences: Vec::new(), leeway_s: 60 }
    }
}

impl Expectations {
    /// Reads the variables. One that is empty expects nothing; audiences have white space between them.
    pub fn new(issuer: &str, audiences: &str, leeway_s: u32) -> Self {
        let issuer = Some(issuer.trim()).filter(|issuer| !issuer.is_empty()).map(str::to_owned);
        Self { issuer, audiences: audiences.split_whitespace().map(str::to_owned).collect(), leeway_s }
    }

    /// Whether a token with these claims is what is expected, at `now_ms`, in milliseconds since 1970.
    pub fn check(&self, claims: &Claims, now_ms: u64) -> Result<(), TokenError> {
        let (now_s, leeway_s) = (now_ms as f64 / 1000.0, f64::from(self.leeway_s));
        if self.issuer.is_some() && self.issuer.as_deref() != claims.find("iss").and_then(Value::text) {
            Err(TokenError::Issuer)
        } else if !self.is_for_us(claims) {
            Err(TokenError::Audience)
        } else if now_s >= claims.expires_at_s() + leeway_s {
            Err(TokenError::Expired)
        } else if claims.not_before_s().is_some_and(|time| now_s < time - leeway_s) {
            Err(TokenError::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// When a token with these claims is valid no longer, in milliseconds since 1970; at most 2^53 - 1.
    pub fn expires_at_ms(&self, claims: &Claims) -> u64 {
        let ms = (claims.expires_at_s() + f64::from(self.leeway_s)) * 1000.0;
        // Of what is no such number at all, the cast makes the nearest.
        (ms as u64).min(MAX_MS)
    }

    fn is_for_us(&self, claims: &Claims) -> bool {
        let is_ours =
            |audience: &Value| audience.text().is_some_and(|text| self.audiences.iter().any(|ours| ours == text));
        self.audiences.is_empty()
            || claims.find("aud").is_some_and(|audience| {
                is_ours(audience) || audience.list().is_some_and(|audiences| audiences.iter().any(is_ours))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Expectations, MAX_MS};
    use crate::access::{Claims, TokenError};

    #[test]
    fn a_token_is_valid_between_its_times_and_a_little_around_them() {
        let expectations = Expectations::new("", "", 10);
        let claims = Claims::of(r#"{"exp":200.5,"nbf":100.5}"#);
        for (now_ms, result) in [
            (0, Err(TokenError::NotYetValid)),
            (90_499, Err(TokenError::NotYetValid)),
            (90_500, Ok(())),
            (210_499, Ok(())),
            (210_500, Err(TokenError::Expired)),
            (u64::MAX, Err(TokenError::Expired)),
        ] {
            assert_eq!(expectations.check(&claims, now_ms), result, "{now_ms}");
        }
        assert_eq!(expectations.expires_at_ms(&claims), 210_500);
    }

    #[test]
    fn times_that_are_out_of_all_bounds_are_far_away() {
        let expectations = Expectations::default();
        for (times, result, end_ms) in [
            (r#""exp":-1e308"#, Err(TokenError::Expired), 0),
            (r#""exp":-1"#, Err(TokenError::Expired), 59_000),
            (r#""exp":0"#, Err(TokenError::Expired), 60_000),
            (r#""exp":1.7e308"#, Ok(()), MAX_MS),
            (r#""exp":9223372036854775807"#, Ok(()), MAX_MS),
            (r#""exp":18446744073709551616"#, Ok(()), MAX_MS),
            (r#""exp":1e300,"nbf":-1e300"#, Ok(()), MAX_MS),
            (r#""exp":1e300,"nbf":1e300"#, Err(TokenError::NotYetValid), MAX_MS),
            // In milliseconds, as some write it by mistake.
            (r#""exp":1e300,"nbf":1700000000000"#, Err(TokenError::NotYetValid), MAX_MS),
        ] {
            let claims = Claims::of(&format!("{{{times}}}"));
            assert_eq!(expectations.check(&claims, 1_700_000_000_000), result, "{times}");
            assert_eq!(expectations.expires_at_ms(&claims), end_ms, "{times}");
        }
    }

    #[test]
    fn the_issuer_must_be_the_one_that_is_expected() {
        let expectations = Expectations::new(" https://id.example/ ", "", 60);
        for (iss, result) in [
            (r#""https://id.example/""#, Ok(())),
            (r#""https://id.example""#, Err(TokenError::Issuer)),
            (r#""https://id.example/x""#, Err(TokenError::Issuer)),
            (r#""""#, Err(TokenError::Issuer)),
            (r#"["https://id.example/"]"#, Err(TokenError::Issuer)),
            ("null", Err(TokenError::Issuer)),
        ] {
            let claims = Claims::of(&format!(r#"{{"exp":1,"iss":{iss}}}"#));
            assert_eq!(expectations.check(&claims, 0), result, "{iss}");
            assert_eq!(Expectations::default().check(&claims, 0), Ok(()), "{iss}");
        }
        assert_eq!(expectations.check(&Claims::of(r#"{"exp":1}"#), 0), Err(TokenError::Issuer));
    }

    #[test]
    fn the_audience_must_be_one_of_those_that_are_expected() {
        let expectations = Expectations::new("", " rooms\tother\n", 60);
        for (aud, result) in [
            (r#""rooms""#, Ok(())),
            (r#"["a","other"]"#, Ok(())),
            (r#""rooms other""#, Err(TokenError::Audience)),
            (r#""room""#, Err(TokenError::Audience)),
            (r#"[["rooms"]]"#, Err(TokenError::Audience)),
            ("[]", Err(TokenError::Audience)),
            (r#"{"rooms":true}"#, Err(TokenError::Audience)),
            ("null", Err(TokenError::Audience)),
        ] {
            let claims = Claims::of(&format!(r#"{{"exp":1,"aud":{aud}}}"#));
            assert_eq!(expectations.check(&claims, 0), result, "{aud}");
            assert_eq!(Expectations::default().check(&claims, 0), Ok(()), "{aud}");
        }
        assert_eq!(expectations.check(&Claims::of(r#"{"exp":1}"#), 0), Err(TokenError::Audience));
    }
}
