//! What bundles need of the crates below the built-ins: globs, digests, and signatures of texts.

/// If a glob in which nothing separates matches a whole text.
///
/// # Errors
/// The glob is none, in OPA's words.
pub fn glob_matches(glob: &str, text: &str) -> Result<bool, String> {
    let expression = crate::globs::expression(glob)?;
    regex::Regex::new(&expression)
        .map(|expression| expression.is_match(text))
        .map_err(|_| "glob: pattern too large".to_owned())
}

/// The digest of bytes by an algorithm that signatures of bundles name; `None` if there is none of that name.
#[cfg(feature = "crypto")]
pub fn digest(algorithm: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    use sha2::Digest;
    fn with<D: Digest>(bytes: &[u8]) -> Vec<u8> {
        D::digest(bytes).to_vec()
    }
    Some(match algorithm {
        "MD5" => with::<md5::Md5>(bytes),
        "SHA-1" => with::<sha1::Sha1>(bytes),
        "SHA-224" => with::<sha2::Sha224>(bytes),
        "SHA-256" => with::<sha2::Sha256>(bytes),
        "SHA-384" => with::<sha2::Sha384>(bytes),
        "SHA-512" => with::<sha2::Sha512>(bytes),
        "SHA-512-224" => with::<sha2::Sha512_224>(bytes),
        "SHA-512-256" => with::<sha2::Sha512_256>(bytes),
        _ => return None,
    })
}

#[cfg(feature = "jwt")]
pub use signatures::{sign, verify};

#[cfg(feature = "jwt")]
mod signatures {
    use regovm_core::host::Host;

    use crate::jwt::Algorithm;
    use crate::keys::jwk::Material;
    use crate::keys::pem;
    use crate::keys::{EcPrivateKey, HostRandom, PrivateKey, PublicKey, RsaPrivateKey};
    use crate::keys::{RsaPublicKey, Scheme, SignError};

    fn algorithm(name: &str) -> Result<Algorithm, String> {
        Algorithm::named(name).ok_or_else(|| format!("unknown signature algorithm: {name}"))
    }

    const NO_PEM: &str = "failed to parse PEM block containing the key";

    /// The signature of a message by an algorithm of JSON web tokens (`HS256`, `RS256`, ...), with a secret or a private
    /// key in PEM. Some algorithms need the host's chance.
    ///
    /// # Errors
    /// The algorithm is unknown, or the key none of it: in OPA's words.
    pub fn sign(
        algorithm_name: &str,
        key: &str,
        message: &[u8],
        host: &mut dyn Host,
    ) -> Result<Vec<u8>, String> {
        let scheme = match algorithm(algorithm_name)? {
            Algorithm::Hmac(hash) => return Ok(hash.hmac(key.as_bytes(), message)),
            Algorithm::Scheme(scheme) => scheme,
        };
        private_key(key)?
            .sign(scheme, message, &mut HostRandom::new(host))
            .map_err(|error| match error {
                SignError::Key(text) => text,
                SignError::NoRandom => "the host gives no random bytes".to_owned(),
                SignError::WrongKind => wrong_kind(algorithm_name),
            })
    }

    fn wrong_kind(algorithm: &str) -> String {
        format!("the key is of another kind than {algorithm} takes")
    }

    fn private_key(text: &str) -> Result<PrivateKey, String> {
        let (block, _) = pem::first(text).ok_or(NO_PEM)?;
        match block.kind {
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1(&block.bytes).map(PrivateKey::Rsa),
            "PRIVATE KEY" => PrivateKey::from_pkcs8(&block.bytes),
            "EC PRIVATE KEY" => EcPrivateKey::from_sec1(&block.bytes, None).map(PrivateKey::Ec),
            other => Err(format!("unsupported key type: {other}")),
        }
    }

    /// Checks the signature of a message, with a secret or a key or certificate in PEM.
    ///
    /// # Errors
    /// The algorithm is unknown, the key none, or the signature is not by the key: in OPA's words.
    pub fn verify(
        algorithm_name: &str,
        key: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        let algorithm = algorithm(algorithm_name)?;
        let key = match algorithm {
            Algorithm::Hmac(_) => Material::Secret(key.as_bytes().to_vec()),
            Algorithm::Scheme(_) => verification_key(key)?,
        };
        if algorithm.verify(&key, message, signature) {
            return Ok(());
        }
        let is_rsa = matches!(key, Material::Public(PublicKey::Rsa(_)));
        let wants_rsa = matches!(
            algorithm,
            Algorithm::Scheme(Scheme::RsaPkcs1(_) | Scheme::RsaPss(_) | Scheme::RsaPssSalted(_))
        );
        let reason = match algorithm {
            Algorithm::Scheme(_) if is_rsa != wants_rsa => &wrong_kind(algorithm_name),
            Algorithm::Hmac(_) => "invalid HMAC signature",
            Algorithm::Scheme(_) if wants_rsa => "crypto/rsa: verification error",
            Algorithm::Scheme(Scheme::EdDsa) => "invalid EdDSA signature",
            Algorithm::Scheme(_) => "invalid ECDSA signature",
        };
        Err(format!("failed to verify JWT signature: {reason}"))
    }

    fn verification_key(text: &str) -> Result<Material, String> {
        let (block, _) = pem::first(text).ok_or(NO_PEM)?;
        let bytes = &block.bytes;
        let public = match block.kind {
            "RSA PUBLIC KEY" => PublicKey::Rsa(RsaPublicKey::from_pkcs1(bytes)?),
            "PUBLIC KEY" => PublicKey::from_spki(bytes)?,
            "CERTIFICATE" => PublicKey::from_certificate(bytes)?,
            "RSA PRIVATE KEY" | "PRIVATE KEY" | "EC PRIVATE KEY" => private_key(text)?.public(),
            _ => return Err(NO_PEM.to_owned()),
        };
        Ok(Material::Public(public))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn globs_without_separators() {
        assert_eq!(super::glob_matches("/a/*.rego", "/a/b/c.rego"), Ok(true));
        assert_eq!(super::glob_matches("/a/?.rego", "/a/bc.rego"), Ok(false));
        assert!(super::glob_matches("[", "[").is_err_and(|e| e.starts_with("glob: syntax error")));
    }
}
