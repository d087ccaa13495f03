//! The key that a certificate is for.

use num_bigint::{BigInt, BigUint, Sign};

use super::algorithm::{AlgorithmIdentifier, KeyAlgorithm};
use super::der::{Bits, Der, tag};
use crate::keys::{self, Curve, EcPublicKey, RsaPublicKey};

/// A key with the numbers that Go shows of it.
#[derive(Clone, Debug)]
pub(super) enum SubjectKey {
    Rsa(RsaPublicKey),
    Ec(EcPublicKey),
    Ed25519([u8; 32]),
    Dsa {
        p: BigUint,
        q: BigUint,
        g: BigUint,
        y: BigUint,
    },
}

fn wrong(what: &str) -> String {
    format!("x509: {what}")
}

/// A number above zero.
fn positive(n: BigInt) -> Option<BigUint> {
    let (sign, digits) = n.into_parts();
    (sign == Sign::Plus).then_some(digits)
}

impl SubjectKey {
    /// The key, or `None` if its algorithm is not known.
    pub(super) fn read(
        algorithm: &AlgorithmIdentifier<'_>,
        bits: Bits<'_>,
    ) -> Result<Option<SubjectKey>, String> {
        let bytes = bits.aligned();
        match algorithm.key() {
            KeyAlgorithm::Rsa => {
                if algorithm.parameters != [5, 0] {
                    return Err(wrong("RSA key missing NULL parameters"));
                }
                rsa(&bytes).map(|key| Some(SubjectKey::Rsa(key)))
            }
            KeyAlgorithm::Ec => ec(algorithm, &bytes).map(|key| Some(SubjectKey::Ec(key))),
            KeyAlgorithm::Ed25519 => {
                if !algorithm.parameters.is_empty() {
                    return Err(wrong("Ed25519 key encoded with illegal parameters"));
                }
                let key = <[u8; 32]>::try_from(bytes.as_ref());
                let key = key.map_err(|_| wrong("wrong Ed25519 public key size"))?;
                Ok(Some(SubjectKey::Ed25519(key)))
            }
            KeyAlgorithm::Dsa => dsa(algorithm, &bytes).map(Some),
            KeyAlgorithm::Unknown => Ok(None),
        }
    }

    /// The key that checks signatures.
    pub(super) fn verifier(&self) -> keys::PublicKey {
        match self {
            SubjectKey::Rsa(key) => keys::PublicKey::Rsa(key.clone()),
            SubjectKey::Ec(key) => keys::PublicKey::Ec(key.clone()),
            SubjectKey::Ed25519(key) => keys::PublicKey::Ed25519(*key),
            SubjectKey::Dsa { .. } => keys::PublicKey::Other,
        }
    }
}

fn rsa(bytes: &[u8]) -> Result<RsaPublicKey, String> {
    let key = Der::new(bytes).inside(tag::SEQUENCE);
    let mut key = key.ok_or_else(|| wrong("invalid RSA public key"))?;
    let modulus = key.big().ok_or_else(|| wrong("invalid RSA modulus"))?;
    let exponent = key.integer();
    let exponent = exponent.ok_or_else(|| wrong("invalid RSA public exponent"))?;
    let modulus = positive(modulus).ok_or_else(|| wrong("RSA modulus is not a positive number"))?;
    match u64::try_from(exponent) {
        Ok(exponent) if exponent > 0 => Ok(RsaPublicKey { modulus, exponent }),
        _ => Err(wrong("RSA public exponent is not a positive number")),
    }
}

fn ec(algorithm: &AlgorithmIdentifier<'_>, bytes: &[u8]) -> Result<EcPublicKey, String> {
    let oid = Der::new(algorithm.parameters).oid();
    let oid = oid.ok_or_else(|| wrong("invalid ECDSA parameters"))?;
    let curve =
        Curve::of_oid(&oid.to_string()).ok_or_else(|| wrong("unsupported elliptic curve"))?;
    if bytes.first() != Some(&4) {
        return Err("ecdsa: invalid uncompressed public key".to_owned());
    }
    let name = curve.name().replace('-', "");
    if bytes.len() != 2 * curve.size() + 1 {
        return Err(format!("invalid {name} point encoding"));
    }
    EcPublicKey::from_point(curve, bytes).ok_or_else(|| format!("{name} point not on curve"))
}

fn dsa(algorithm: &AlgorithmIdentifier<'_>, bytes: &[u8]) -> Result<SubjectKey, String> {
    let y = Der::new(bytes).big();
    let y = y.ok_or_else(|| wrong("invalid DSA public key"))?;
    let parameters = || {
        let mut list = Der::new(algorithm.parameters).inside(tag::SEQUENCE)?;
        Some([list.big()?, list.big()?, list.big()?])
    };
    let [p, q, g] = parameters().ok_or_else(|| wrong("invalid DSA parameters"))?;
    let key = || {
        Some(SubjectKey::Dsa {
            p: positive(p)?,
            q: positive(q)?,
            g: positive(g)?,
            y: positive(y)?,
        })
    };
    key().ok_or_else(|| wrong("zero or negative DSA parameter"))
}
