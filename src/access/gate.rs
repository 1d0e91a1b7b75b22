//! Everything by which a request is let in or not, but for its signature.

use super::{Carriers, KeySource, Origins, Policy, Refusal, Rules, Secrets, Token};

/// What is set of who may come in.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Who may do what.
    pub policy: Policy,
    /// The secrets that sign tokens.
    pub secrets: Secrets,
    /// The keys that sign tokens.
    pub keys: KeySource,
    /// The cookie in which there may be a token: `TOKEN_COOKIE`. None, where it is empty.
    pub cookie: String,
    /// The pages that may connect.
    pub origins: Origins,
}

impl Gate {
    /// The token that a request brings, if it brings any, with everything checked that shows without its keys. `carriers` need
    /// not name the cookie. The time is in milliseconds since 1970.
    ///
    /// Where anyone may write, and nothing is set by which a token could be verified, none is looked at: apps send tokens for
    /// purposes of their own.
    pub fn token(&self, carriers: Carriers, now_ms: u64) -> Result<Option<Token>, Refusal> {
        if matches!(self.policy.rules, Rules::Open) && self.secrets.is_empty() && self.keys == KeySource::None {
            return Ok(None);
        }
        // Any page could have a browser send its cookies along.
        let cookie_name = Some(&*self.cookie).filter(|name| !name.is_empty() && self.origins.are_sites());
        let Some(text) = (Carriers { cookie_name, ..carriers }).token() else { return Ok(None) };
        let token = Token::read(&text)?;
        self.policy.expectations.check(token.claims(), now_ms)?;
        Ok(Some(token))
    }

    /// Whether a page of this origin may connect.
    pub fn admits_page(&self, origin: Option<&str>) -> Result<(), Refusal> {
        if self.origins.allows(origin) { Ok(()) } else { Err(Refusal::Origin) }
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use crate::access::{Carriers, KeySource, Origins, Policy, Refusal, Rules, Secrets, TokenError};

    #[test]
    fn where_all_may_write_and_nothing_could_verify_a_token_none_is_looked_at() {
        let carriers = Carriers { authorization: Some("Bearer nonsense"), ..Carriers::default() };
        let secrets = Secrets::read("0123456789abcdef0123456789abcdef").unwrap();
        let keys = KeySource::Url("https://issuer.example".to_owned());
        let open = || Gate { policy: Policy { rules: Rules::Open, ..Policy::default() }, ..Gate::default() };
        assert!(matches!(open().token(carriers, 0), Ok(None)));
        for gate in [Gate { secrets, ..open() }, Gate { keys, ..open() }, Gate::default()] {
            assert!(matches!(gate.token(carriers, 0), Err(Refusal::Token(TokenError::Malformed(_)))), "{gate:?}");
        }
    }

    #[test]
    fn a_cookie_counts_only_where_other_sites_are_kept_out() {
        let carriers = Carriers { url: "https://host/room", cookies: Some("session=e.e.e"), ..Carriers::default() };
        let gate = |cookie: &str, origins: &str| Gate {
            cookie: cookie.to_owned(),
            origins: Origins::read(origins).unwrap(),
            ..Gate::default()
        };
        for (cookie, origins, counts) in [
            ("session", "https://app.example", true),
            ("session", "*", false),
            ("session", "https://app.example *", false),
            ("session", "https://app.example null", false),
            ("", "https://app.example", false),
            ("other", "https://app.example", false),
        ] {
            let found = gate(cookie, origins).token(carriers, 0).map(|token| token.is_some());
            let refused = matches!(found, Err(Refusal::Token(TokenError::Malformed(_))));
            assert_eq!((refused, found == Ok(false)), (counts, !counts), "{cookie} {origins}");
        }
    }
}
