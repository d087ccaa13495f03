//! Keys of signatures: read from PEM, DER, certificates and JSON, then used to verify and sign.
//!
//! A key is its numbers. The crates that calculate with them check points, sizes and exponents when a key is
//! used, as Go does; what a text must satisfy to be read as a key is checked where it is read.

mod der;
mod ec;
mod hash;
#[cfg(feature = "jwt")]
pub(crate) mod jwk;
pub(crate) mod pem;
mod random;
mod rsa;

pub(crate) use ec::{Curve, EcPrivateKey, EcPublicKey};
pub(crate) use hash::Hash;
pub(crate) use random::HostRandom;
pub(crate) use rsa::{RsaPrivateKey, RsaPublicKey};

use ed25519_dalek::Signer;

/// A key that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa(RsaPublicKey),
    Ec(EcPublicKey),
    Ed25519([u8; 32]),
    /// A key of a kind that verifies nothing here: DSA, X25519, other curves.
    Other,
}

/// A key that signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrivateKey {
    Rsa(RsaPrivateKey),
    Ec(EcPrivateKey),
    /// The seed.
    Ed25519([u8; 32]),
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    RsaPkcs1(Hash),
    /// With a salt of any length when it verifies, and of the length of the hash when it signs.
    RsaPss(Hash),
    /// With a salt of the length of the hash.
    RsaPssSalted(Hash),
    /// Two numbers side by side, each as long as the curve has them.
    EcdsaRaw(Hash),
    /// Two numbers of any length, the halves of the signature. Only for verification.
    EcdsaHalves(Hash),
    /// Two numbers in a sequence of ASN.1.
    EcdsaAsn1(Hash),
    EdDsa,
}

impl PublicKey {
    /// If the signature is one of the message by the key. A key of another kind than the scheme's has made none.
    pub(crate) fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        match (self, scheme) {
            (PublicKey::Rsa(key), Scheme::RsaPkcs1(hash)) => {
                key.verify_pkcs1(hash, message, signature)
            }
            (PublicKey::Rsa(key), Scheme::RsaPss(hash)) => {
                key.verify_pss(hash, message, signature, None)
            }
            (PublicKey::Rsa(key), Scheme::RsaPssSalted(hash)) => {
                key.verify_pss(hash, message, signature, Some(hash.size()))
            }
            (PublicKey::Ec(key), Scheme::EcdsaRaw(hash) | Scheme::EcdsaHalves(hash)) => {
                let exact = signature.len() == 2 * key.curve.size();
                let (r, s) = signature.split_at(signature.len() / 2);
                (exact || scheme == Scheme::EcdsaHalves(hash))
                    && key.verify(&hash.digest(&[message]), r, s)
            }
            (PublicKey::Ec(key), Scheme::EcdsaAsn1(hash)) => der::ecdsa_signature(signature)
                .is_some_and(|(r, s)| key.verify(&hash.digest(&[message]), r, s)),
            (PublicKey::Ed25519(key), Scheme::EdDsa) => verify_ed25519(key, message, signature),
            _ => false,
        }
    }

    /// Units of work of one verification.
    pub(crate) fn work(&self) -> u64 {
        match self {
            PublicKey::Rsa(key) => key.work(),
            PublicKey::Ec(_) | PublicKey::Ed25519(_) => 2_000,
            PublicKey::Other => 1,
        }
    }
}

/// Without the extra checks of `verify_strict`, as Go verifies.
fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    use ed25519_dalek::Verifier;
    let key = ed25519_dalek::VerifyingKey::from_bytes(key);
    let signature = ed25519_dalek::Signature::from_slice(signature);
    match (key, signature) {
        (Ok(key), Ok(signature)) => key.verify(message, &signature).is_ok(),
        _ => false,
    }
}

/// Why there is no signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignError {
    /// The key is not one of the scheme.
    WrongKind,
    /// The host gives no random bytes.
    NoRandom,
    /// The key itself is bad; in Go's words.
    Key(String),
}

impl PrivateKey {
    /// The signature of a message.
    pub(crate) fn sign(
        &self,
        scheme: Scheme,
        message: &[u8],
        random: &mut HostRandom<'_>,
    ) -> Result<Vec<u8>, SignError> {
        match (self, scheme) {
            (PrivateKey::Rsa(key), Scheme::RsaPkcs1(hash)) => key.sign_pkcs1(hash, message, random),
            (PrivateKey::Rsa(key), Scheme::RsaPss(hash) | Scheme::RsaPssSalted(hash)) => {
                key.sign_pss(hash, message, random)
            }
            (PrivateKey::Ec(key), Scheme::EcdsaRaw(hash)) => {
                let (r, s) = key.sign(&hash.digest(&[message]), random)?;
                Ok([r, s].concat())
            }
            (PrivateKey::Ec(key), Scheme::EcdsaAsn1(hash)) => {
                let (r, s) = key.sign(&hash.digest(&[message]), random)?;
                der::ecdsa_signature_bytes(&r, &s)
                    .ok_or_else(|| SignError::Key("a signature that has no DER".to_owned()))
            }
            (PrivateKey::Ed25519(seed), Scheme::EdDsa) => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                Ok(key.sign(message).to_bytes().to_vec())
            }
            _ => Err(SignError::WrongKind),
        }
    }

    /// The key that verifies what this one signs.
    pub(crate) fn public(&self) -> PublicKey {
        match self {
            PrivateKey::Rsa(key) => PublicKey::Rsa(key.public.clone()),
            PrivateKey::Ec(key) => PublicKey::Ec(key.public.clone()),
            PrivateKey::Ed25519(seed) => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                PublicKey::Ed25519(key.verifying_key().to_bytes())
            }
        }
    }

    /// Units of work of one signature.
    pub(crate) fn work(&self) -> u64 {
        match self {
            PrivateKey::Rsa(key) => key.work(),
            PrivateKey::Ec(_) | PrivateKey::Ed25519(_) => 2_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::host::{Host, NoHost};

    /// Keys of all kinds, each in the forms that it has, then its public key.
    const KEYS: &str = include_str!("testdata.pem");

    struct Counting(u8);

    impl Host for Counting {
        fn random(&mut self, buffer: &mut [u8]) -> bool {
            for byte in buffer {
                self.0 = self.0.wrapping_mul(5).wrapping_add(1);
                *byte = self.0;
            }
            true
        }
    }

    fn private(block: &pem::Block<'_>) -> Option<PrivateKey> {
        let bytes = &block.bytes;
        Some(match block.kind {
            "PRIVATE KEY" => PrivateKey::from_pkcs8(bytes).expect("PKCS#8"),
            "RSA PRIVATE KEY" => PrivateKey::Rsa(RsaPrivateKey::from_pkcs1(bytes).expect("PKCS#1")),
            "EC PRIVATE KEY" => PrivateKey::Ec(EcPrivateKey::from_sec1(bytes, None).expect("SEC1")),
            _ => return None,
        })
    }

    #[test]
    fn all_forms_of_a_key_are_the_same() {
        let mut forms: Vec<PrivateKey> = Vec::new();
        let mut kinds = 0;
        for block in pem::blocks(KEYS) {
            match private(&block) {
                Some(key) => forms.push(key),
                None => {
                    let public = PublicKey::from_spki(&block.bytes).expect("SPKI");
                    assert!(forms.iter().all(|key| key.public() == public));
                    assert!(forms.windows(2).all(|keys| keys[0] == keys[1]));
                    forms.clear();
                    kinds += 1;
                }
            }
        }
        assert_eq!(kinds, 5);
    }

    #[test]
    fn what_is_signed_verifies() {
        let hashes = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
        let mut made = 0;
        for key in pem::blocks(KEYS).iter().filter_map(private) {
            let schemes = hashes
                .into_iter()
                .flat_map(|hash| {
                    [
                        Scheme::RsaPkcs1(hash),
                        Scheme::RsaPss(hash),
                        Scheme::RsaPssSalted(hash),
                        Scheme::EcdsaRaw(hash),
                        Scheme::EcdsaAsn1(hash),
                    ]
                })
                .chain([Scheme::EdDsa]);
            for scheme in schemes {
                let mut host = Counting(1);
                let random = &mut HostRandom::new(&mut host);
                let signature = match key.sign(scheme, b"message", random) {
                    Err(error) => {
                        assert_eq!(error, SignError::WrongKind);
                        continue;
                    }
                    Ok(signature) => signature,
                };
                made += 1;
                let public = key.public();
                assert!(public.verify(scheme, b"message", &signature), "{scheme:?}");
                assert!(!public.verify(scheme, b"massage", &signature));
                assert!(!public.verify(scheme, b"message", &signature[1..]));
                assert!(!public.verify(scheme, b"message", &[]));
                assert!(!PublicKey::Other.verify(scheme, b"message", &signature));
                let chance = !matches!(scheme, Scheme::RsaPkcs1(_) | Scheme::EdDsa);
                let mut nothing = NoHost;
                let random = &mut HostRandom::new(&mut nothing);
                match key.sign(scheme, b"message", random) {
                    Err(error) => assert!(chance && error == SignError::NoRandom),
                    Ok(again) => assert!(!chance && again == signature),
                }
            }
        }
        // Two forms of an RSA key and of three curves, and one of Ed25519.
        assert_eq!(made, 2 * 12 + 6 * 8 + 1);
    }

    #[test]
    fn damaged_keys_are_refused() {
        for block in pem::blocks(KEYS) {
            for at in [0, 1, 5, block.bytes.len() / 2] {
                let short = &block.bytes[..at];
                assert!(PrivateKey::from_pkcs8(short).is_err());
                assert!(RsaPrivateKey::from_pkcs1(short).is_err());
                assert!(EcPrivateKey::from_sec1(short, None).is_err());
                assert!(PublicKey::from_spki(short).is_err());
                assert!(PublicKey::from_certificate(short).is_err());
            }
        }
    }
}
