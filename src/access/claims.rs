//! What a token says.

use super::token_error::Malformed;
use super::value::{Object, Value};

/// The longest `sub`, in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// What a token says about who sends it. To be believed once its signature has been verified, and no earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    all: Object,
    expires_at_s: f64,
    not_before_s: Option<f64>,
}

impl Claims {
    pub(super) fn read(all: Object) -> Result<Self, Malformed> {
        let expires_at_s = all.get("exp").and_then(Value::number).ok_or(Malformed::Expiry)?;
        let not_before_s = match all.get("nbf") {
            None => None,
            Some(time) => Some(time.number().ok_or(Malformed::NotBefore)?),
        };
        let is_subject = |subject: &Value| subject.text().is_some_and(|text| text.len() <= MAX_SUBJECT_BYTES);
        if all.get("sub").is_some_and(|subject| !is_subject(subject)) {
            return Err(Malformed::Subject);
        }
        Ok(Self { all, expires_at_s, not_before_s })
    }

    /// Whom the token is about: the claim `sub`, where it is not empty.
    pub fn sub(&self) -> Option<&str> {
        self.all.get("sub").and_then(Value::text).filter(|subject| !subject.is_empty())
    }

    /// When the token ends: the claim `exp`, in seconds since 1970.
    pub(super) fn expires_at_s(&self) -> f64 {
        self.expires_at_s
    }

    /// Before when the token is not yet valid: the claim `nbf`, in seconds since 1970.
    pub(super) fn not_before_s(&self) -> Option<f64> {
        self.not_before_s
    }

    /// The claims in a text of JSON that has what all claims must have.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        tests::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The claim at a path: the one of exactly that name, or else what is found step by step where the path has dots.
    ///
    /// The whole name comes first because services have apps name their claims by URLs, with dots in them.
    pub(super) fn find(&self, path: &str) -> Option<&Value> {
        self.all.get(path).or_else(|| {
            let (first, rest) = path.split_once('.')?;
            rest.split('.').try_fold(self.all.get(first)?, |value, step| value.object()?.get(step))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Claims;
    use crate::access::token_error::Malformed;
    use crate::access::value::Value;

    pub(super) fn read(text: &str) -> Result<Claims, Malformed> {
        Claims::read(Value::read(text).unwrap().object().unwrap().clone())
    }

    #[test]
    fn times_are_numbers() {
        let claims = read(r#"{"exp":1700000000.25,"nbf":-5}"#).unwrap();
        assert_eq!((claims.expires_at_s(), claims.not_before_s()), (1_700_000_000.25, Some(-5.0)));
        assert_eq!(read(r#"{"exp":1e300}"#).unwrap().not_before_s(), None);
        for exp in ["null", r#""1700000000""#, "[1700000000]", "true", "{}"] {
            assert_eq!(read(&format!(r#"{{"exp":{exp}}}"#)), Err(Malformed::Expiry), "{exp}");
            assert_eq!(read(&format!(r#"{{"exp":1,"nbf":{exp}}}"#)), Err(Malformed::NotBefore), "{exp}");
        }
        assert_eq!(read(r#"{"Exp":1}"#), Err(Malformed::Expiry));
    }

    #[test]
    fn a_subject_is_a_text_that_is_not_too_long() {
        let with = |sub: &str| read(&format!(r#"{{"exp":1,"sub":{sub}}}"#));
        let longest = "é".repeat(127) + "e";
        assert_eq!(with(&format!("\"{longest}\"")).unwrap().sub(), Some(&*longest));
        assert_eq!(with(&format!("\"{longest}e\"")), Err(Malformed::Subject));
        assert_eq!(with("\"\"").unwrap().sub(), None);
        assert_eq!(read(r#"{"exp":1}"#).unwrap().sub(), None);
        for sub in ["7", "null", r#"["a"]"#] {
            assert_eq!(with(sub), Err(Malformed::Subject), "{sub}");
        }
    }

    #[test]
    fn a_path_leads_to_a_claim_by_its_name_or_through_objects() {
        let claims = read(
            r#"{"exp":1,"a":{"b":{"c":"deep"},"":"no name"},"a.b":{"c":"not reached"},
                "https://app.example/role":"owner","x.y":"whole","x":{"y":"parts"},"list":[{"b":1}],"text":"b"}"#,
        )
        .unwrap();
        for (path, found) in [
            ("text", Some("b")),
            ("a.b.c", Some("deep")),
            ("a.", Some("no name")),
            ("x.y", Some("whole")),
            ("https://app.example/role", Some("owner")),
            ("a.c", None),
            ("a.b.c.d", None),
            ("list.0", None),
            ("list.b", None),
            ("text.length", None),
            ("", None),
            (".", None),
            ("..", None),
            ("A.b.c", None),
            ("__proto__", None),
        ] {
            assert_eq!(claims.find(path).and_then(Value::text), found, "{path}");
        }
    }
}
