//! How tokens may be signed.

/// How a token is signed. There are no others here: `none` least of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256, by a secret that whoever verifies knows too.
    Hs256,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The algorithm of a name in a token's header: of exactly that name, for names there are case-sensitive.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// How many bytes each signature has, where that does not depend on the key.
    pub(super) fn signature_bytes(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Rs256 => None,
            Self::Es256 | Self::EdDsa => Some(64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn no_other_name_is_an_algorithm() {
        for name in [
            "none", "None", "NONE", "nOnE", "", " none", "hs256", "HS256 ", "Hs256", "HS384", "HS512", "HS1", "RS1",
            "RS384", "RS512", "PS256", "ES256K", "ES384", "ES512", "eddsa", "EDDSA", "Ed25519", "Ed448", "A256KW",
            "dir", "RSA-OAEP",
        ] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }
}
