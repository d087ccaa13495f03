//! Keys in ASN.1: SPKI, PKCS#1, PKCS#8, SEC1 and certificates.

use num_bigint::BigUint;
use rsa::pkcs1::RsaPrivateKey as Pkcs1PrivateKey;
use rsa::pkcs8::PrivateKeyInfoRef;
use rsa::pkcs8::der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier};
use rsa::pkcs8::der::asn1::{Null, OctetStringRef, UintRef};
use rsa::pkcs8::der::{self, Decode, Encode, Reader, SliceReader};
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;

use super::{Curve, EcPrivateKey, EcPublicKey, PrivateKey, PublicKey, RsaPrivateKey, RsaPublicKey};

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";
const X25519: &str = "1.3.101.110";
const DSA: &str = "1.2.840.10040.4.1";

fn big(number: &UintRef<'_>) -> BigUint {
    BigUint::from_bytes_be(number.as_bytes())
}

/// An exponent; Go reads it into 64 bits.
fn small(number: &UintRef<'_>) -> Option<u64> {
    let n = u64::try_from(big(number)).ok()?;
    i64::try_from(n).is_ok().then_some(n)
}

/// The words for bytes that are no ASN.1 of the wanted shape.
fn malformed(error: der::Error) -> String {
    match error.kind() {
        der::ErrorKind::Incomplete { .. } => "asn1: syntax error: data truncated".to_owned(),
        _ => "asn1: structure error: tags don't match".to_owned(),
    }
}

impl PublicKey {
    /// A key with the name of its algorithm: `PUBLIC KEY` in PEM.
    pub(crate) fn from_spki(bytes: &[u8]) -> Result<PublicKey, String> {
        let info = SubjectPublicKeyInfoRef::from_der(bytes).map_err(|error| match error.kind() {
            _ if RsaPublicKey::from_pkcs1(bytes).is_ok() => {
                "x509: failed to parse public key (use ParsePKCS1PublicKey instead for this key format)"
                    .to_owned()
            }
            der::ErrorKind::TrailingData { .. } => {
                "x509: trailing data after ASN.1 of public-key".to_owned()
            }
            _ => malformed(error),
        })?;
        public_key(&info)?.ok_or_else(|| "x509: unknown public key algorithm".to_owned())
    }

    /// The key that a certificate is for.
    pub(crate) fn from_certificate(bytes: &[u8]) -> Result<PublicKey, String> {
        let (rest, certificate) = x509_parser::parse_x509_certificate(bytes)
            .map_err(|_| "x509: malformed certificate".to_owned())?;
        if !rest.is_empty() {
            return Err("x509: trailing data".to_owned());
        }
        let info = SubjectPublicKeyInfoRef::from_der(certificate.tbs_certificate.subject_pki.raw)
            .map_err(|_| "x509: malformed spki".to_owned())?;
        Ok(public_key(&info)?.unwrap_or(PublicKey::Other))
    }
}

/// `None` for an algorithm that is not known.
fn public_key(info: &SubjectPublicKeyInfoRef<'_>) -> Result<Option<PublicKey>, String> {
    let err = |text: &str| Err(format!("x509: {text}"));
    let bytes = info.subject_public_key.raw_bytes();
    let parameters = info.algorithm.parameters;
    match info.algorithm.oid.to_string().as_str() {
        RSA => {
            if parameters.is_none_or(|any| any.decode_as::<Null>().is_err()) {
                return err("RSA key missing NULL parameters");
            }
            RsaPublicKey::from_pkcs1(bytes).map(|key| Some(PublicKey::Rsa(key)))
        }
        EC => {
            let Some(oid) = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok())
            else {
                return err("invalid ECDSA parameters");
            };
            let Some(curve) = Curve::of_oid(&oid.to_string()) else {
                return err("unsupported elliptic curve");
            };
            let key = EcPublicKey::from_point(curve, bytes);
            key.map(|key| Some(PublicKey::Ec(key)))
                .ok_or_else(|| "ecdsa: invalid public key".to_owned())
        }
        ED25519 => {
            if parameters.is_some() {
                return err("Ed25519 key encoded with illegal parameters");
            }
            let Ok(key) = bytes.try_into() else {
                return err("wrong Ed25519 public key size");
            };
            Ok(Some(PublicKey::Ed25519(key)))
        }
        X25519 | DSA => Ok(Some(PublicKey::Other)),
        _ => Ok(None),
    }
}

impl RsaPublicKey {
    /// `RSA PUBLIC KEY` in PEM.
    pub(crate) fn from_pkcs1(bytes: &[u8]) -> Result<RsaPublicKey, String> {
        let wrong = |text: &str| format!("x509: {text}");
        let mut reader = SliceReader::new(bytes).map_err(|_| wrong("invalid RSA public key"))?;
        let (modulus, exponent) = reader
            .sequence(|inner| {
                Ok::<_, der::Error>((UintRef::decode(inner)?, UintRef::decode(inner)?))
            })
            .map_err(|_| wrong("invalid RSA public key"))?;
        let exponent = small(&exponent).ok_or_else(|| wrong("invalid RSA public exponent"))?;
        let modulus = big(&modulus);
        if modulus == BigUint::default() {
            return Err(wrong("RSA modulus is not a positive number"));
        }
        if exponent == 0 {
            return Err(wrong("RSA public exponent is not a positive number"));
        }
        Ok(RsaPublicKey { modulus, exponent })
    }
}

impl RsaPrivateKey {
    /// `RSA PRIVATE KEY` in PEM.
    pub(crate) fn from_pkcs1(bytes: &[u8]) -> Result<RsaPrivateKey, String> {
        let key = Pkcs1PrivateKey::<UintRef<'_>>::from_der(bytes).map_err(|error| {
            if sec1(bytes).is_ok() {
                return "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)".to_owned();
            }
            if PrivateKeyInfoRef::from_der(bytes).is_ok() {
                return "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)".to_owned();
            }
            match error.kind() {
                der::ErrorKind::TrailingData { .. } => "asn1: syntax error: trailing data".to_owned(),
                _ => malformed(error),
            }
        })?;
        let mut primes = vec![big(&key.prime1), big(&key.prime2)];
        let others = key.other_prime_infos.as_deref().unwrap_or_default();
        primes.extend(others.iter().map(|info| big(&info.prime)));
        let exponent = small(&key.public_exponent)
            .ok_or_else(|| "asn1: structure error: integer too large".to_owned())?;
        let key = RsaPrivateKey {
            public: RsaPublicKey {
                modulus: big(&key.modulus),
                exponent,
            },
            exponent: big(&key.private_exponent),
            primes,
            precomputed: Some([
                big(&key.exponent1),
                big(&key.exponent2),
                big(&key.coefficient),
            ]),
        };
        let zero = BigUint::default();
        let given = key.precomputed.iter().flatten();
        if [&key.public.modulus, &key.exponent]
            .into_iter()
            .chain(&key.primes)
            .chain(given)
            .any(|n| *n == zero)
        {
            return Err("x509: private key contains zero or negative value".to_owned());
        }
        key.check()?;
        Ok(key)
    }
}

struct Sec1<'d> {
    version: u8,
    scalar: &'d [u8],
    curve: Option<ObjectIdentifier>,
}

fn sec1(bytes: &[u8]) -> der::Result<Sec1<'_>> {
    SliceReader::new(bytes)?.sequence(|inner| {
        let version = u8::decode(inner)?;
        let scalar = <&OctetStringRef>::decode(inner)?.as_bytes();
        let curve = ContextSpecific::<ObjectIdentifier>::decode_explicit(inner, der::TagNumber(0))?;
        let _point =
            ContextSpecific::<BitStringRef<'_>>::decode_explicit(inner, der::TagNumber(1))?;
        Ok(Sec1 {
            version,
            scalar,
            curve: curve.map(|field| field.value),
        })
    })
}

impl EcPrivateKey {
    /// `EC PRIVATE KEY` in PEM. The curve may be known from outside.
    pub(crate) fn from_sec1(
        bytes: &[u8],
        outside: Option<ObjectIdentifier>,
    ) -> Result<EcPrivateKey, String> {
        let key = sec1(bytes).map_err(|error| {
            if PrivateKeyInfoRef::from_der(bytes).is_ok() {
                return "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)".to_owned();
            }
            if Pkcs1PrivateKey::<UintRef<'_>>::from_der(bytes).is_ok() {
                return "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)".to_owned();
            }
            format!("x509: failed to parse EC private key: {}", malformed(error))
        })?;
        if key.version != 1 {
            return Err(format!(
                "x509: unknown EC private key version {}",
                key.version
            ));
        }
        let curve = outside
            .or(key.curve)
            .and_then(|oid| Curve::of_oid(&oid.to_string()))
            .ok_or_else(|| "x509: unknown elliptic curve".to_owned())?;
        let zeros = key.scalar.len().saturating_sub(curve.size());
        if key.scalar.iter().take(zeros).any(|byte| *byte != 0) {
            return Err("x509: invalid private key length".to_owned());
        }
        EcPrivateKey::from_scalar(curve, key.scalar)
            .ok_or_else(|| "ecdsa: private key is not valid for the curve".to_owned())
    }
}

impl PrivateKey {
    /// `PRIVATE KEY` in PEM.
    pub(crate) fn from_pkcs8(bytes: &[u8]) -> Result<PrivateKey, String> {
        let info = PrivateKeyInfoRef::from_der(bytes).map_err(|error| {
            if sec1(bytes).is_ok() {
                return "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)".to_owned();
            }
            if Pkcs1PrivateKey::<UintRef<'_>>::from_der(bytes).is_ok() {
                return "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)".to_owned();
            }
            malformed(error)
        })?;
        let inner = info.private_key.as_bytes();
        let parameters: Option<AnyRef<'_>> = info.algorithm.parameters;
        match info.algorithm.oid.to_string().as_str() {
            RSA => RsaPrivateKey::from_pkcs1(inner)
                .map(PrivateKey::Rsa)
                .map_err(|error| {
                    format!("x509: failed to parse RSA private key embedded in PKCS#8: {error}")
                }),
            EC => {
                let oid = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
                EcPrivateKey::from_sec1(inner, oid)
                    .map(PrivateKey::Ec)
                    .map_err(|error| {
                        format!("x509: failed to parse EC private key embedded in PKCS#8: {error}")
                    })
            }
            ED25519 => {
                if parameters.is_some() {
                    return Err("x509: invalid Ed25519 private key parameters".to_owned());
                }
                let seed = <&OctetStringRef>::from_der(inner).map_err(|error| {
                    format!("x509: invalid Ed25519 private key: {}", malformed(error))
                })?;
                let seed = seed.as_bytes();
                seed.try_into().map(PrivateKey::Ed25519).map_err(|_| {
                    format!("x509: invalid Ed25519 private key length: {}", seed.len())
                })
            }
            other => Err(format!(
                "x509: PKCS#8 wrapping contained private key with unknown algorithm: {other}"
            )),
        }
    }
}

/// The two numbers of a signature.
pub(super) fn ecdsa_signature(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let (r, s) = reader
        .sequence(|inner| Ok::<_, der::Error>((UintRef::decode(inner)?, UintRef::decode(inner)?)))
        .ok()?;
    reader.finish().ok()?;
    Some((r.as_bytes(), s.as_bytes()))
}

/// Two numbers as a signature.
pub(super) fn ecdsa_signature_bytes(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    vec![UintRef::new(r).ok()?, UintRef::new(s).ok()?]
        .to_der()
        .ok()
}
