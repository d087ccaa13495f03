//! Algorithms of signatures by the names that tokens give them.

use crate::keys::jwk::Material;
use crate::keys::{Hash, Scheme};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hmac(Hash),
    Scheme(Scheme),
}

impl Algorithm {
    /// The algorithms of the standard.
    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        use Hash::{Sha256, Sha384, Sha512};
        Some(match name {
            "HS256" => Algorithm::Hmac(Sha256),
            "HS384" => Algorithm::Hmac(Sha384),
            "HS512" => Algorithm::Hmac(Sha512),
            "RS256" => Algorithm::Scheme(Scheme::RsaPkcs1(Sha256)),
            "RS384" => Algorithm::Scheme(Scheme::RsaPkcs1(Sha384)),
            "RS512" => Algorithm::Scheme(Scheme::RsaPkcs1(Sha512)),
            "PS256" => Algorithm::Scheme(Scheme::RsaPssSalted(Sha256)),
            "PS384" => Algorithm::Scheme(Scheme::RsaPssSalted(Sha384)),
            "PS512" => Algorithm::Scheme(Scheme::RsaPssSalted(Sha512)),
            "ES256" => Algorithm::Scheme(Scheme::EcdsaRaw(Sha256)),
            "ES384" => Algorithm::Scheme(Scheme::EcdsaRaw(Sha384)),
            "ES512" => Algorithm::Scheme(Scheme::EcdsaRaw(Sha512)),
            "EdDSA" => Algorithm::Scheme(Scheme::EdDsa),
            _ => return None,
        })
    }

    /// The algorithm of a token's header. The library of OPA takes its own names for them too.
    pub(crate) fn of_header(name: &str) -> Option<Algorithm> {
        Algorithm::named(match name {
            "Ed25519" => "EdDSA",
            "HMAC_WITH_SHA256" => "HS256",
            "HMAC_WITH_SHA384" => "HS384",
            "HMAC_WITH_SHA512" => "HS512",
            "RSA_PKCS1v15_WITH_SHA256" => "RS256",
            "RSA_PKCS1v15_WITH_SHA384" => "RS384",
            "RSA_PKCS1v15_WITH_SHA512" => "RS512",
            "RSA_PSS_WITH_SHA256" => "PS256",
            "RSA_PSS_WITH_SHA384" => "PS384",
            "RSA_PSS_WITH_SHA512" => "PS512",
            "ECDSA_WITH_P256_AND_SHA256" => "ES256",
            "ECDSA_WITH_P384_AND_SHA384" => "ES384",
            "ECDSA_WITH_P521_AND_SHA512" => "ES512",
            other => other,
        })
    }

    /// If a key of any kind verifies a signature.
    pub(crate) fn verify(self, key: &Material, message: &[u8], signature: &[u8]) -> bool {
        match (self, key) {
            (Algorithm::Hmac(hash), Material::Secret(secret)) => {
                !secret.is_empty() && hash.verify_hmac(secret, message, signature)
            }
            (Algorithm::Scheme(scheme), Material::Public(key)) => {
                key.verify(scheme, message, signature)
            }
            (Algorithm::Scheme(scheme), Material::Private(key)) => {
                key.public().verify(scheme, message, signature)
            }
            _ => false,
        }
    }
}
