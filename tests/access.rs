//! Who may do what: the way of a request from its token to a grant, as the shell goes it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use base64ct::{Base64UrlUnpadded, Encoding};
use proptest::prelude::*;
use tinyroom::access::{
    Access, Carriers, Expectations, Grant, KeySet, Malformed, Origins, Policy, Refusal, Rules, Secrets, Token,
    TokenError, without_token,
};

const NOW_MS: u64 = 1_700_000_000_000;
const RULES: &str = r#"[
    {"rooms": "public/*", "access": "read", "who": "anyone"},
    {"rooms": "users/{sub}/*", "access": "write"},
    {"rooms": "org/{org_id}/*", "access": "admin", "if": {"org_role": "org:admin"}},
    {"rooms": "org/{org_id}/*", "access": "write"},
    {"rooms": "staff/*", "access": "admin", "if": {"app_metadata.roles": "staff"}},
    {"rooms": "paid/*", "access": "write", "if": {"https://app.example/plan": "pro"}}
]"#;

fn policy(rules: &str) -> Policy {
    Policy { rules: Rules::read(rules).unwrap(), expectations: Expectations::new("https://id.example/", "app", 60) }
}

/// A token of the issuer and for the audience that the policy expects, with these claims besides.
fn token(header: &str, claims: &str) -> String {
    let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let claims = format!(r#"{{"iss":"https://id.example/","aud":["app","other"],"exp":1700000100{claims}}}"#);
    format!("{}.{}.{}", encoded(header), encoded(&claims), Base64UrlUnpadded::encode_string(&[0; 64]))
}

fn key_set() -> KeySet {
    let number = Base64UrlUnpadded::encode_string(&[1; 32]);
    KeySet::read(&format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"k1","x":"{number}","y":"{number}"}}]}}"#))
        .unwrap()
}

/// What the shell does. That a signature is genuine is taken for granted where there is a key for it.
fn enter(policy: &Policy, keys: &KeySet, request: Carriers, room: &str) -> Result<Grant, Refusal> {
    let Some(text) = request.token() else { return policy.decide(room, None) };
    let token = Token::read(&text)?;
    policy.expectations.check(token.claims(), NOW_MS)?;
    keys.candidates(&token).next().ok_or(TokenError::UnknownKey)?;
    policy.decide(room, Some(token.claims()))
}

fn entering(rules: &str, token: &str, room: &str) -> Result<Grant, Refusal> {
    let header = format!("Bearer {token}");
    enter(&policy(rules), &key_set(), Carriers { authorization: Some(&header), ..Carriers::default() }, room)
}

fn access(claims: &str, room: &str) -> Option<Access> {
    let token = token(r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#, claims);
    entering(RULES, &token, room).map(|grant| grant.access).ok()
}

#[test]
fn a_token_of_a_service_opens_rooms_as_it_is() {
    // In the manner of Auth0: the subject has a bar, and an app's claims are named by URLs.
    let claims = r#","sub":"auth0|1","azp":"a","https://app.example/plan":"pro""#;
    assert_eq!(access(claims, "users/auth0%7C1/list"), Some(Access::Write));
    assert_eq!(access(claims, "users/auth0|1/list"), Some(Access::Write));
    assert_eq!(access(claims, "users/auth0|2/list"), None);
    assert_eq!(access(claims, "paid/list"), Some(Access::Write));
    // In the manner of Clerk: organizations.
    let claims = r#","sub":"user_1","org_id":"org_1","org_role":"org:admin""#;
    assert_eq!(access(claims, "org/org_1/list"), Some(Access::Admin));
    assert_eq!(access(&claims.replace("admin", "member"), "org/org_1/list"), Some(Access::Write));
    assert_eq!(access(claims, "org/org_2/list"), None);
    // In the manner of Supabase: what only the app's server may set stands in an object.
    let claims = r#","sub":"8d0f","role":"authenticated","app_metadata":{"roles":["staff","x"]},"user_metadata":{}"#;
    assert_eq!(access(claims, "staff/list"), Some(Access::Admin));
    assert_eq!(access(&claims.replace("app_", "").replace("user_", "app_"), "staff/list"), None);
    // In the manner of Firebase.
    let claims = r#","sub":"Xy9","user_id":"Xy9","auth_time":1700000000,"firebase":{"identities":{}}"#;
    assert_eq!(access(claims, "users/Xy9/list"), Some(Access::Write));
    assert_eq!(access(claims, "users/xy9/list"), None);
}

#[test]
fn a_grant_says_who_and_for_how_long() {
    let token = token(r#"{"alg":"ES256"}"#, r#","sub":"ann""#);
    let grant = Grant { access: Access::Write, sub: Some("ann".to_owned()), expires_at_ms: Some(1_700_000_160_000) };
    assert_eq!(entering(RULES, &token, "users/ann/list"), Ok(grant));
}

#[test]
fn a_bad_token_is_refused_where_none_would_be_needed() {
    let good = token(r#"{"alg":"ES256"}"#, "");
    for rules in ["open", RULES] {
        assert!(entering(rules, &good, "public/news").is_ok());
        for (bad, error) in [
            (token(r#"{"alg":"none"}"#, ""), TokenError::Algorithm),
            (token(r#"{"alg":"RS256"}"#, ""), TokenError::UnknownKey),
            (token(r#"{"alg":"ES256","kid":"k2"}"#, ""), TokenError::UnknownKey),
            (token(r#"{"alg":"ES256"}"#, r#","nbf":1700000061"#), TokenError::NotYetValid),
            ("undefined".to_owned(), Malformed::Parts.into()),
        ] {
            assert_eq!(entering(rules, &bad, "public/news"), Err(error.into()), "{bad}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret_and_a_secret_no_key() {
    let keys = key_set();
    let secrets = Secrets::read(&"s".repeat(32)).unwrap();
    for (alg, by_keys, by_secrets) in [("HS256", 0, 1), ("RS256", 0, 0), ("ES256", 1, 0), ("EdDSA", 0, 0)] {
        let text = token(&format!(r#"{{"alg":"{alg}","kid":"k1"}}"#), "");
        let text = if alg == "HS256" {
            let (signed, _) = text.rsplit_once('.').unwrap();
            format!("{signed}.{}", Base64UrlUnpadded::encode_string(&[0; 32]))
        } else {
            text
        };
        let token = Token::read(&text).unwrap();
        assert_eq!(
            (keys.candidates(&token).count(), secrets.candidates(&token).count()),
            (by_keys, by_secrets),
            "{alg}"
        );
    }
}

#[test]
fn without_a_token_only_what_is_for_anyone_is_open() {
    let enter = |rules: &str, room: &str| enter(&policy(rules), &key_set(), Carriers::default(), room);
    let anyone = |access| Ok(Grant { access, sub: None, expires_at_ms: None });
    assert_eq!(enter(RULES, "public/news"), anyone(Access::Read));
    assert_eq!(enter("open", "anything"), anyone(Access::Write));
    for room in ["users//list", "users/{sub}/list", "users/undefined/x", "%70ublic/news", "public", ""] {
        assert_eq!(enter(RULES, room), Err(Refusal::TokenMissing), "{room}");
        assert_eq!(enter("closed", room), Err(Refusal::TokenMissing), "{room}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(
        text in any::<String>(),
        json in r#"[\[{"a:1,}\]. %*=?#&;/-]{0,40}"#,
        header in "[{}\"algHS256:,]{0,20}",
    ) {
        for text in [&text, &json] {
            let _ = (Rules::read(text), KeySet::read(text), Origins::read(text), Secrets::read(text));
            let _ = Token::read(text);
            let _ = Token::read(&format!("{0}.{0}.{0}", Base64UrlUnpadded::encode_string(text.as_bytes())));
            let _ = Token::read(&token(&header, text));
            let (some, name) = (Some(&**text), Some("a"));
            let carriers = Carriers { authorization: some, subprotocols: some, url: text, cookies: some, cookie_name: name };
            let _ = carriers.token();
            let _ = Origins::read("https://*.a.example http://localhost:*").unwrap().allows(some);
            prop_assert!(without_token(text).len() <= text.len());
            let _ = policy(RULES).decide(text, None);
        }
    }
}
