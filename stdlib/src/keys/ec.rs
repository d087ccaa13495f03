//! Keys of elliptic curves.

use num_bigint::BigUint;

use super::{HostRandom, SignError};

/// A curve by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Only in certificates and PEM: JSON web keys have no name for it.
    P224,
    P256,
    P384,
    P521,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EcPublicKey {
    pub(crate) curve: Curve,
    /// Both coordinates, after a 4.
    point: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EcPrivateKey {
    pub(crate) public: EcPublicKey,
    /// As long as a coordinate.
    pub(crate) scalar: Vec<u8>,
}

/// Runs code with the crate of a curve as `$lib`.
macro_rules! on_curve {
    ($curve:expr, $lib:ident => $body:expr) => {
        match $curve {
            Curve::P224 => {
                use ::p224 as $lib;
                $body
            }
            Curve::P256 => {
                use ::p256 as $lib;
                $body
            }
            Curve::P384 => {
                use ::p384 as $lib;
                $body
            }
            Curve::P521 => {
                use ::p521 as $lib;
                $body
            }
        }
    };
}

impl Curve {
    /// The name in JSON web keys and in Go.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Curve::P224 => "P-224",
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    /// The curve of a name.
    pub(crate) fn named(name: &str) -> Option<Curve> {
        [Curve::P256, Curve::P384, Curve::P521]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    /// The curve of an object identifier.
    pub(crate) fn of_oid(oid: &str) -> Option<Curve> {
        match oid {
            "1.3.132.0.33" => Some(Curve::P224),
            "1.2.840.10045.3.1.7" => Some(Curve::P256),
            "1.3.132.0.34" => Some(Curve::P384),
            "1.3.132.0.35" => Some(Curve::P521),
            _ => None,
        }
    }

    /// Bytes of a coordinate.
    pub(crate) fn size(self) -> usize {
        match self {
            Curve::P224 => 28,
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// What coordinates are smaller than.
    pub(crate) fn prime(self) -> BigUint {
        let power = |exponent: u32| BigUint::from(1_u8) << exponent;
        match self {
            Curve::P224 => power(224) - power(96) + 1_u8,
            Curve::P256 => power(256) - power(224) + power(192) + power(96) - 1_u8,
            Curve::P384 => power(384) - power(128) - power(96) + power(32) - 1_u8,
            Curve::P521 => power(521) - 1_u8,
        }
    }

    /// Bits of a coordinate.
    pub(crate) fn bits(self) -> u64 {
        match self {
            Curve::P224 => 224,
            Curve::P256 => 256,
            Curve::P384 => 384,
            Curve::P521 => 521,
        }
    }
}

/// A number without the zeros before it, filled up to a length; `None` if it is longer.
fn filled(number: &[u8], size: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let missing = size.checked_sub(digits.len())?;
    let mut out = vec![0; missing];
    out.extend_from_slice(digits);
    Some(out)
}

impl EcPublicKey {
    /// A point in its uncompressed form; `None` if it is not on the curve.
    pub(crate) fn from_point(curve: Curve, point: &[u8]) -> Option<EcPublicKey> {
        if point.len() != 2 * curve.size() + 1 || point.first() != Some(&4) {
            return None;
        }
        let on_curve = on_curve!(curve, lib => lib::PublicKey::from_sec1_bytes(point).is_ok());
        on_curve.then(|| EcPublicKey {
            curve,
            point: point.to_vec(),
        })
    }

    /// A point by its coordinates; `None` if it is not on the curve.
    pub(crate) fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Option<EcPublicKey> {
        let size = curve.size();
        let mut point = vec![4];
        point.extend(filled(x, size)?);
        point.extend(filled(y, size)?);
        EcPublicKey::from_point(curve, &point)
    }

    /// Both coordinates, each as long as the curve has them.
    pub(crate) fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point
            .get(1..)
            .unwrap_or_default()
            .split_at(self.curve.size())
    }

    /// If two numbers are a signature of a digest.
    pub(crate) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> bool {
        let size = self.curve.size();
        let (Some(r), Some(s)) = (filled(r, size), filled(s, size)) else {
            return false;
        };
        on_curve!(self.curve, lib => {
            use lib::ecdsa::signature::hazmat::PrehashVerifier;
            let signature = lib::ecdsa::Signature::from_slice(&[r, s].concat());
            let key = lib::ecdsa::VerifyingKey::from_sec1_bytes(&self.point);
            match (key, signature) {
                (Ok(key), Ok(signature)) => key.verify_prehash(digest, &signature).is_ok(),
                _ => false,
            }
        })
    }
}

impl EcPrivateKey {
    /// A key by its number; `None` if it is zero or too large for the curve.
    pub(crate) fn from_scalar(curve: Curve, scalar: &[u8]) -> Option<EcPrivateKey> {
        let scalar = filled(scalar, curve.size())?;
        let point = on_curve!(curve, lib => {
            let key = lib::SecretKey::from_slice(&scalar).ok()?;
            lib::Sec1Point::from(key.public_key()).as_bytes().to_vec()
        });
        let public = EcPublicKey { curve, point };
        Some(EcPrivateKey { public, scalar })
    }

    /// The two numbers of a signature of a digest.
    pub(crate) fn sign(
        &self,
        digest: &[u8],
        random: &mut HostRandom<'_>,
    ) -> Result<(Vec<u8>, Vec<u8>), SignError> {
        if !random.gives() {
            return Err(SignError::NoRandom);
        }
        on_curve!(self.public.curve, lib => {
            use lib::ecdsa::signature::hazmat::RandomizedPrehashSigner;
            let bad = |_| SignError::Key("crypto/ecdsa: invalid private key".to_owned());
            let key = lib::ecdsa::SigningKey::from_slice(&self.scalar).map_err(bad)?;
            let signature: lib::ecdsa::Signature =
                key.sign_prehash_with_rng(random, digest).map_err(|_| SignError::NoRandom)?;
            let (r, s) = signature.split_bytes();
            Ok((r.to_vec(), s.to_vec()))
        })
    }
}
