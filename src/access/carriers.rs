//! Where a token stands in a request.

use super::percent;
use std::borrow::Cow;

const PARAMETER: &str = "token";

/// Everything in a request that may carry a token.
///
/// They are looked at in the order in which they stand here, and the first that holds anything counts, whatever the
/// others hold: a token that somebody has put into the request is nearer to what they mean than one that a browser
/// adds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carriers<'a> {
    /// The header `Authorization`: `Bearer …`. With another scheme it is about something else.
    pub authorization: Option<&'a str>,
    /// The header `Sec-WebSocket-Protocol`: an offer `bearer.…`.
    pub subprotocols: Option<&'a str>,
    /// The URL: `?token=…`, with percent signs or without. It is best taken [out](without_token) of what is passed on.
    pub url: &'a str,
    /// The header `Cookie`: that of the name below. Of several with that name the first counts, which browsers send
    /// first for being the most specific.
    pub cookies: Option<&'a str>,
    /// The cookie's name: `TOKEN_COOKIE`. To be `None` where pages of [any](super::Origins::is_any) origin may connect:
    /// a browser sends cookies along for whoever makes it connect.
    pub cookie_name: Option<&'a str>,
}

impl<'a> Carriers<'a> {
    /// The token's text, good or bad. What is empty is none.
    pub fn token(&self) -> Option<Cow<'a, str>> {
        let header = self.authorization.and_then(bearer).or_else(|| self.subprotocols.and_then(offered));
        let cookie = || cookie(self.cookies?, self.cookie_name?);
        header.map(Cow::Borrowed).or_else(|| parameter(self.url)).or_else(|| cookie().map(Cow::Borrowed))
    }
}

/// A URL without the parameters `token` in its query, and otherwise as it is.
pub fn without_token(url: &str) -> Cow<'_, str> {
    let (path, query, fragment) = divided(url);
    let is_other = |pair: &&str| name_and_value(pair).0 != PARAMETER;
    let Some(query) = query.filter(|query| !query.split('&').all(|pair| is_other(&pair))) else {
        return Cow::Borrowed(url);
    };
    let others: Vec<_> = query.split('&').filter(is_other).collect();
    let mark = if others.is_empty() { "" } else { "?" };
    Cow::Owned(format!("{path}{mark}{}{fragment}", others.join("&")))
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(|char: char| char.is_ascii_whitespace())?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

fn offered(offers: &str) -> Option<&str> {
    offers.split(',').find_map(|offer| {
        let (name, token) = offer.trim().split_once('.')?;
        Some(token).filter(|token| name.eq_ignore_ascii_case("bearer") && !token.is_empty())
    })
}

fn parameter(url: &str) -> Option<Cow<'_, str>> {
    let mut pairs = divided(url).1?.split('&').map(name_and_value);
    let (_, value) = pairs.find(|(name, value)| *name == PARAMETER && !value.is_empty())?;
    // What is no UTF-8 becomes characters that no token has, and is refused with it.
    let decoded = || String::from_utf8_lossy(&percent::decoded(value)).into_owned();
    Some(if value.contains('%') { Cow::Owned(decoded()) } else { Cow::Borrowed(value) })
}

/// What stands in a URL before its query, the query without its mark, and the fragment.
fn divided(url: &str) -> (&str, Option<&str>, &str) {
    let (before, fragment) = url.split_at_checked(url.find('#').unwrap_or(url.len())).unwrap_or((url, ""));
    match before.split_once('?') {
        Some((path, query)) => (path, Some(query), fragment),
        None => (before, None, fragment),
    }
}

fn name_and_value(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

fn cookie<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(other, _)| other.trim() == name)?;
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Some(value).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Carriers, without_token};

    const NONE: Carriers =
        Carriers { authorization: None, subprotocols: None, url: "https://h/r", cookies: None, cookie_name: None };

    fn found(carriers: Carriers) -> Option<String> {
        carriers.token().map(|token| token.into_owned())
    }

    #[test]
    fn the_first_carrier_with_a_token_counts() {
        let mut carriers = Carriers {
            authorization: Some("Bearer header"),
            subprotocols: Some("tinyroom, bearer.offer"),
            url: "https://h/r?token=query",
            cookies: Some("session=cookie"),
            cookie_name: Some("session"),
        };
        assert_eq!(found(carriers).as_deref(), Some("header"));
        carriers.authorization = Some("Basic YTpi");
        assert_eq!(found(carriers).as_deref(), Some("offer"));
        carriers.subprotocols = Some("tinyroom");
        assert_eq!(found(carriers).as_deref(), Some("query"));
        carriers.url = "https://h/r?token=";
        assert_eq!(found(carriers).as_deref(), Some("cookie"));
        carriers.cookie_name = None;
        assert_eq!(found(carriers), None);
        assert_eq!(found(NONE), None);
    }

    #[test]
    fn an_authorization_header_carries_a_token_where_its_scheme_is_bearer() {
        for (header, token) in [
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer a.b.c", Some("a.b.c")),
            ("  BEARER \t a.b.c  ", Some("a.b.c")),
            ("Bearer a, Bearer b", Some("a, Bearer b")),
            ("Bearer", None),
            ("Bearer  ", None),
            ("Bearera.b.c", None),
            ("a.b.c", None),
            ("Basic a.b.c", None),
            ("Token a.b.c", None),
            ("", None),
        ] {
            assert_eq!(found(Carriers { authorization: Some(header), ..NONE }).as_deref(), token, "{header:?}");
        }
    }

    #[test]
    fn an_offer_carries_a_token_behind_bearer_and_a_dot() {
        for (offers, token) in [
            ("bearer.a.b.c", Some("a.b.c")),
            ("tinyroom,Bearer.a.b.c", Some("a.b.c")),
            (" bearer.a , bearer.b", Some("a")),
            ("bearer., bearer.b", Some("b")),
            ("bearer, a.b.c", None),
            ("bearers.a", None),
            ("x.bearer.a", None),
            ("a.b.c", None),
            ("", None),
        ] {
            assert_eq!(found(Carriers { subprotocols: Some(offers), ..NONE }).as_deref(), token, "{offers:?}");
        }
    }

    #[test]
    fn a_query_carries_a_token_under_exactly_that_name() {
        for (url, token) in [
            ("https://h/r?token=a.b.c", Some("a.b.c")),
            ("https://h/r?x=1&token=a&token=b", Some("a")),
            ("https://h/r?token=a%2Eb%2ec#token=d", Some("a.b.c")),
            ("https://h/r?token=a=b", Some("a=b")),
            ("https://h/r?token=a+b", Some("a+b")),
            ("https://h/r?token=%zz%", Some("%zz%")),
            ("https://h/r?token=%ff", Some("\u{fffd}")),
            ("https://h/r?token", None),
            ("https://h/r?token=", None),
            ("https://h/r?token&token=&token=a", Some("a")),
            ("https://h/r?Token=a&xtoken=a&%74oken=a", None),
            ("https://h/token=a", None),
            ("https://h/r#?token=a", None),
        ] {
            assert_eq!(found(Carriers { url, ..NONE }).as_deref(), token, "{url}");
        }
    }

    #[test]
    fn a_cookie_carries_a_token_under_its_exact_name() {
        for (cookies, token) in [
            ("session=a.b.c", Some("a.b.c")),
            ("x=1; session=a; session=b", Some("a")),
            ("x=1;session=\"a\" ; y", Some("a")),
            ("session=a=b", Some("a=b")),
            ("session=\"", Some("\"")),
            ("session=; y=1", None),
            ("session=\"\"", None),
            ("Session=a; xsession=a; session2=a", None),
            ("session", None),
            ("x=session=a", None),
            ("", None),
        ] {
            let carriers = Carriers { cookies: Some(cookies), cookie_name: Some("session"), ..NONE };
            assert_eq!(found(carriers).as_deref(), token, "{cookies}");
        }
    }

    #[test]
    fn tokens_are_taken_out_of_a_url_and_nothing_else_is_touched() {
        for (url, without) in [
            ("https://h/r", "https://h/r"),
            ("https://h/r?", "https://h/r?"),
            ("https://h/r?a=%7C&b&&c=+#f?token=x", "https://h/r?a=%7C&b&&c=+#f?token=x"),
            ("https://h/r?token=x", "https://h/r"),
            ("https://h/r?token", "https://h/r"),
            ("https://h/r?token=x#f", "https://h/r#f"),
            ("https://h/r?token=x&token=y", "https://h/r"),
            ("https://h/r?a=1&token=x&b=%C3%a9&token&c", "https://h/r?a=1&b=%C3%a9&c"),
            ("https://h/r?token=a=b?c&d", "https://h/r?d"),
            ("https://h/r?&token=x&", "https://h/r?&"),
            ("https://h/r?xtoken=x&Token=x&tokens=x&%74oken=x", "https://h/r?xtoken=x&Token=x&tokens=x&%74oken=x"),
            ("https://h/token=x?a?token=x", "https://h/token=x?a?token=x"),
            ("https://h/%zz/é?token=x&é", "https://h/%zz/é?é"),
        ] {
            assert_eq!(without_token(url), without, "{url}");
            assert_eq!(without_token(without), without, "{url}");
        }
    }
}
