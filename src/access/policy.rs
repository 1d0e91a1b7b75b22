//! The decision, and what comes of it.

use super::{Access, Claims, Expectations, Refusal, Rules};

/// Everything that decides who may do what, but for the keys.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Who may do what, room by room.
    pub rules: Rules,
    /// What every token must say.
    pub expectations: Expectations,
}

/// What somebody may do in a room, who that is, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What they may do.
    pub access: Access,
    /// Who they are, where a token says so.
    pub sub: Option<String>,
    /// When their token ends, in milliseconds since 1970 and with the leeway for clocks, and so this; without a token
    /// never.
    pub expires_at_ms: Option<u64>,
}

impl Policy {
    /// Decides about a room for whoever brings a token with these claims, or none. The token must have been
    /// [checked](Expectations::check), and its signature verified.
    pub fn decide(&self, room: &str, claims: Option<&Claims>) -> Result<Grant, Refusal> {
        match (self.rules.access(room, claims), claims) {
            (Some(access), claims) => Ok(Grant {
                access,
                sub: claims.and_then(Claims::sub).map(str::to_owned),
                expires_at_ms: claims.map(|claims| self.expectations.expires_at_ms(claims)),
            }),
            (None, None) => Err(Refusal::TokenMissing),
            (None, Some(_)) => Err(Refusal::NoAccess),
        }
    }
}

impl Grant {
    /// What somebody may do of whom nothing else is known, for as long as they like.
    pub fn of(access: Access) -> Self {
        Self { access, sub: None, expires_at_ms: None }
    }

    /// Whether this is enough for what needs `needed`. Who has brought no token is told to bring one.
    pub fn require(&self, needed: Access) -> Result<(), Refusal> {
        match self.expires_at_ms {
            _ if self.access.includes(needed) => Ok(()),
            None => Err(Refusal::TokenMissing),
            Some(_) => Err(Refusal::NoAccess),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, Policy};
    use crate::access::{Access, Claims, Expectations, Refusal, Rules};

    #[test]
    fn who_may_not_is_told_to_bring_a_token_or_that_this_one_does_not_do() {
        let rules = r#"[{"rooms":"public","access":"read","who":"anyone"},{"rooms":"{sub}","access":"write"}]"#;
        let policy = Policy {
            rules: Rules::read(rules).unwrap(),
            expectations: Expectations { leeway_s: 30, ..Expectations::default() },
        };
        let claims = Claims::of(r#"{"exp":1000.5,"sub":"ann"}"#);
        let ann = |access| Grant { access, sub: Some("ann".to_owned()), expires_at_ms: Some(1_030_500) };
        assert_eq!(policy.decide("ann", Some(&claims)), Ok(ann(Access::Write)));
        assert_eq!(policy.decide("public", Some(&claims)), Ok(ann(Access::Read)));
        assert_eq!(policy.decide("bob", Some(&claims)), Err(Refusal::NoAccess));
        assert_eq!(policy.decide("bob", None), Err(Refusal::TokenMissing));
        assert_eq!(policy.decide("public", None), Ok(Grant { access: Access::Read, sub: None, expires_at_ms: None }));
    }

    #[test]
    fn a_grant_is_enough_for_what_it_includes() {
        let grant = |expires_at_ms| Grant { access: Access::Write, sub: None, expires_at_ms };
        for (needed, without, with) in [
            (Access::Read, Ok(()), Ok(())),
            (Access::Write, Ok(()), Ok(())),
            (Access::Admin, Err(Refusal::TokenMissing), Err(Refusal::NoAccess)),
        ] {
            assert_eq!((grant(None).require(needed), grant(Some(1)).require(needed)), (without, with), "{needed}");
        }
    }

    #[test]
    fn nothing_is_open_by_default() {
        assert_eq!(Policy::default().decide("", None), Err(Refusal::TokenMissing));
    }
}
