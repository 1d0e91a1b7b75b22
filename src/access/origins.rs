//! Which pages may connect.

use thiserror::Error;

/// The origins whose pages may connect and read: the variable `ALLOWED_ORIGINS`.
///
/// | entry | which pages |
/// |---|---|
/// | `*` | All. So it is by default. |
/// | `https://app.example.com` | Those of that origin. A port that is not said is the scheme's own. |
/// | `https://*.example.com` | Those of its subdomains, at any depth, and not of itself. |
/// | `http://localhost:*` | Those at any port. |
/// | `null` | Those that have no origin, such as files and sandboxed frames. |
///
/// A request that names no origin passes: a page elsewhere can make a browser send one, but not let it see the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Any,
    Null,
    Site(Site),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: String,
    /// Whether it is about what stands before the host, and a dot, rather than about the host.
    subdomains: bool,
    port: Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Any,
    Exactly(u16),
    /// It has none, and its scheme no usual one.
    None,
}

/// Why the variable `ALLOWED_ORIGINS` cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OriginsError {
    /// It would allow no page, and that is hardly meant.
    #[error("expected *, or origins with white space or commas between them, found nothing")]
    Empty,
    /// An entry is no origin.
    #[error(
        "expected *, null or an origin like https://app.example.com, https://*.example.com or http://localhost:*, with \
         nothing behind it, found {found:?}"
    )]
    Entry {
        /// The entry.
        found: String,
    },
}

impl Default for Origins {
    fn default() -> Self {
        Self(vec![Entry::Any])
    }
}

impl Origins {
    /// No page's: what holds where the variable cannot be read.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the variable.
    pub fn read(text: &str) -> Result<Self, OriginsError> {
        let entries = text.split(|char: char| char == ',' || char.is_whitespace()).filter(|entry| !entry.is_empty());
        let entries =
            entries.map(|entry| Entry::read(entry).ok_or_else(|| OriginsError::Entry { found: entry.to_owned() }));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() { Err(OriginsError::Empty) } else { Ok(Self(entries)) }
    }

    /// Whether a request may come from a page of this origin, as its header `Origin` has it.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        origin.is_none_or(|origin| {
            let site = Site::read(origin);
            self.0.iter().any(|entry| match entry {
                Entry::Any => true,
                Entry::Null => origin == "null",
                Entry::Site(ours) => site.as_ref().is_some_and(|site| ours.includes(site)),
            })
        })
    }

    /// Whether each is a site's. Else no cookie may count for a token: any page could have it sent along, and any page can make
    /// one that has no origin.
    pub fn are_sites(&self) -> bool {
        self.0.iter().all(|entry| matches!(entry, Entry::Site(_)))
    }

    /// Whether all pages may.
    pub fn is_any(&self) -> bool {
        self.0.contains(&Entry::Any)
    }
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::Any),
            "null" => Some(Self::Null),
            _ => {
                let (scheme, rest) = text.split_once("://")?;
                let (rest, any_port) = rest.strip_suffix(":*").map_or((rest, false), |rest| (rest, true));
                let (rest, subdomains) = rest.strip_prefix("*.").map_or((rest, false), |rest| (rest, true));
                let site = Site::read(&format!("{scheme}://{rest}"))?;
                // What is below an address is nothing, and a port cannot be both.
                let is_unsound = subdomains && site.host.starts_with('[') || any_port && has_port(rest);
                let port = if any_port { Port::Any } else { site.port };
                (!is_unsound).then_some(Self::Site(Site { subdomains, port, ..site }))
            }
        }
    }
}

impl Site {
    /// Reads an origin.
    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) =
            if has_port(rest) { rest.rsplit_once(':').map(|(host, port)| (host, Some(port)))? } else { (rest, None) };
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let is_host = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']').is_some_and(|address| is_made_of(address, b":.")),
            None => is_made_of(host, b"-._"),
        };
        let port = match port {
            None => usual_port(&scheme),
            // A sign would be read as part of a number.
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Port::Exactly(port.parse().ok()?),
            Some(_) => return None,
        };
        (is_scheme && is_host).then(|| Self { scheme, host: host.to_ascii_lowercase(), subdomains: false, port })
    }

    fn includes(&self, other: &Self) -> bool {
        let has_host = if self.subdomains {
            let labels = other.host.strip_suffix(&*self.host).and_then(|before| before.strip_suffix('.'));
            labels.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
        } else {
            other.host == self.host
        };
        has_host && other.scheme == self.scheme && (self.port == Port::Any || self.port == other.port)
    }
}

/// Whether a port stands behind a host. An address in brackets has colons of its own.
fn has_port(host: &str) -> bool {
    host.rsplit_once(']').map_or(host, |(_, behind)| behind).contains(':')
}

fn usual_port(scheme: &str) -> Port {
    match scheme {
        "https" => Port::Exactly(443),
        "http" => Port::Exactly(80),
        _ => Port::None,
    }
}

/// Whether a text is of letters, digits and these, and not empty.
fn is_made_of(text: &str, others: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{Origins, OriginsError};

    #[test]
    fn an_entry_fits_its_origins_and_no_others() {
        for (entry, fitting, others) in [
            ("*", &["https://a.example", "http://localhost:1", "null", "anything at all"][..], &[][..]),
            ("null", &["null"], &["NULL", "Null", "https://null", "https://a.example", ""]),
            (
                "https://app.example.com",
                &[
                    "https://app.example.com",
                    "https://APP.example.com",
                    "HTTPS://app.example.com",
                    "https://app.example.com:443",
                ],
                &[
                    "http://app.example.com",
                    "https://app.example.com:80",
                    "https://app.example.com:8443",
                    "https://app.example.com.",
                    "https://app.example.com.evil.com",
                    "https://evilapp.example.com",
                    "https://x.app.example.com",
                    "https://example.com",
                    "https://app.example.com/",
                    "https://app.example.com@evil.com",
                    "https://evil.com/app.example.com",
                    "https://evil.com#https://app.example.com",
                    "https://app.example.com https://evil.com",
                    "https://app.example.com:",
                    "https://app.example.com:+443",
                    "https://app.example.com:*",
                    "https:app.example.com",
                    "app.example.com",
                    "null",
                    "",
                ],
            ),
            (
                "https://*.example.com",
                &[
                    "https://a.example.com",
                    "https://a.b.example.com",
                    "https://A.Example.Com",
                    "https://xn--e-bga.example.com",
                ],
                &[
                    "https://example.com",
                    "https://.example.com",
                    "https://..example.com",
                    "https://a..example.com",
                    "https://evilexample.com",
                    "https://a.evilexample.com",
                    "https://example.com.evil.com",
                    "https://a.example.com.evil.com",
                    "https://evil.com/.example.com",
                    "https://evil.com?.example.com",
                    "https://evil.com\\.example.com",
                    "https://user@a.example.com",
                    "https://*.example.com",
                    "http://a.example.com",
                    "https://a.example.com:444",
                ],
            ),
            (
                "http://localhost:*",
                &["http://localhost", "http://localhost:80", "http://localhost:5173", "http://LOCALHOST:65535"],
                &[
                    "https://localhost:5173",
                    "http://localhost:65536",
                    "http://localhost:x",
                    "http://localhost.evil.com:80",
                    "http://127.0.0.1:80",
                ],
            ),
            (
                "https://*.example.com:*",
                &["https://a.example.com:1", "https://a.example.com"],
                &["https://example.com:1"],
            ),
            ("https://a.example:443", &["https://a.example"], &["https://a.example:80"]),
            ("http://a.example:443", &["http://a.example:443"], &["http://a.example", "https://a.example"]),
            ("http://[::1]:5173", &["http://[::1]:5173"], &["http://[::1]", "http://[::2]:5173", "http://::1:5173"]),
            ("http://[::1]:*", &["http://[::1]:5173", "http://[::1]"], &["http://[::11]"]),
            ("capacitor://localhost", &["capacitor://localhost"], &["http://localhost", "capacitor://localhost:80"]),
            ("chrome-extension://abc", &["chrome-extension://abc"], &["chrome-extension://abd"]),
        ] {
            let origins = Origins::read(entry).unwrap();
            for origin in fitting {
                assert!(origins.allows(Some(origin)), "{entry} {origin}");
            }
            for origin in others {
                assert!(!origins.allows(Some(origin)), "{entry} {origin}");
            }
            assert!(origins.allows(None), "{entry}");
            assert_eq!(origins.is_any(), entry == "*", "{entry}");
        }
    }

    #[test]
    fn entries_have_white_space_or_commas_between_them() {
        let origins = Origins::read(" https://a.example,https://b.example ,\n\thttps://c.example,").unwrap();
        for origin in ["https://a.example", "https://b.example", "https://c.example"] {
            assert!(origins.allows(Some(origin)), "{origin}");
        }
        assert!(!origins.is_any());
        assert!(Origins::read("https://a.example *").unwrap().is_any());
    }

    #[test]
    fn what_is_no_origin_is_told() {
        for entry in [
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://user@app.example.com",
            "https://*",
            "https://*.",
            "https://**.example.com",
            "https://a.*.example.com",
            "https://a*.example.com",
            "https://*example.com",
            "https://*.[::1]",
            "*://app.example.com",
            "*.example.com",
            "https://a.example:",
            "https://a.example:0x50",
            "https://a.example:65536",
            "https://a.example:-1",
            "https://a.example:80:*",
            "https://a.example:*:*",
            "https://a.example:8*",
            "https://[::1",
            "https://::1",
            "https://bücher.example",
            "1http://a.example",
            "NULL",
            "https:/a.example",
        ] {
            let error = OriginsError::Entry { found: entry.to_owned() };
            assert_eq!(Origins::read(&format!("https://good.example {entry}")), Err(error), "{entry}");
        }
        for text in ["", " ", ", ,"] {
            assert_eq!(Origins::read(text), Err(OriginsError::Empty));
        }
    }

    #[test]
    fn by_default_all_pages_may_and_where_the_list_is_unreadable_none() {
        assert!(Origins::default().is_any());
        assert!(Origins::default().allows(Some("https://a.example")));
        assert!(!Origins::none().is_any());
        assert!(!Origins::none().allows(Some("https://a.example")));
        assert!(!Origins::none().allows(Some("null")));
        assert!(Origins::none().allows(None));
    }
}
