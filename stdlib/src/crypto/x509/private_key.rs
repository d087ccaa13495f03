//! Private keys in their three forms, and what Go says of bytes that are none.

use num_bigint::{BigInt, BigUint, Sign};

use super::algorithm::{AlgorithmIdentifier, EC_KEY, ED25519_KEY, RSA_KEY, X25519_KEY};
use super::oid::Oid;
use super::unmarshal::{Field, Fields, Shape, elements, only};
use crate::keys::{Curve, EcPrivateKey, PrivateKey, RsaPrivateKey, RsaPublicKey};

/// A private key that Go can read.
#[derive(Clone, Debug)]
pub(super) enum ParsedKey {
    Signing(PrivateKey),
    /// It signs nothing.
    X25519([u8; 32]),
}

const USE_EC: &str =
    "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)";
const USE_PKCS1: &str =
    "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)";
const USE_PKCS8: &str =
    "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)";

/// The numbers of `RSA PRIVATE KEY`.
struct Pkcs1 {
    version: i64,
    modulus: BigInt,
    public_exponent: i64,
    private_exponent: BigInt,
    primes: [BigInt; 2],
    other_primes: Vec<BigInt>,
    precomputed: [Option<BigInt>; 3],
}

fn missing() -> String {
    "asn1: syntax error: sequence truncated".to_owned()
}

fn pkcs1(bytes: &[u8]) -> Result<(Pkcs1, &[u8]), String> {
    let (mut fields, rest) = Fields::of_sequence(bytes, "pkcs1PrivateKey")?;
    let version = fields.integer(&Field::PLAIN)?.ok_or_else(missing)?;
    let modulus = fields.big(&Field::PLAIN)?.ok_or_else(missing)?;
    let public_exponent = fields.integer(&Field::PLAIN)?.ok_or_else(missing)?;
    let mut big = || fields.big(&Field::PLAIN)?.ok_or_else(missing);
    let private_exponent = big()?;
    let primes = [big()?, big()?];
    let mut optional = || fields.big(&Field::OPTIONAL);
    let precomputed = [optional()?, optional()?, optional()?];
    let mut other_primes = Vec::new();
    if let Some(others) = fields.next(&Field::OPTIONAL, Shape::List(""))? {
        let shape = Shape::Structure("pkcs1AdditionalRSAPrime");
        for other in elements(others.content, &Field::PLAIN, shape)? {
            let mut numbers = Fields::new(other.content);
            let mut big = || numbers.big(&Field::PLAIN)?.ok_or_else(missing);
            let [prime, _, _] = [big()?, big()?, big()?];
            other_primes.push(prime);
        }
    }
    let key = Pkcs1 {
        version,
        modulus,
        public_exponent,
        private_exponent,
        primes,
        other_primes,
        precomputed,
    };
    Ok((key, rest))
}

/// The key inside of `EC PRIVATE KEY`.
struct Sec1<'d> {
    version: i64,
    scalar: &'d [u8],
    curve: Option<Oid>,
}

fn sec1(bytes: &[u8]) -> Result<Sec1<'_>, String> {
    let (mut fields, _) = Fields::of_sequence(bytes, "ecPrivateKey")?;
    let version = fields.integer(&Field::PLAIN)?.ok_or_else(missing)?;
    let scalar = fields.required(&Field::PLAIN, Shape::Octets)?.content;
    let curve = fields.next(&Field::explicit(0).optional(), Shape::Oid)?;
    let curve = curve.map(|curve| super::unmarshal::oid(curve.content));
    let curve = curve.transpose()?;
    fields.bits(&Field::explicit(1).optional())?;
    Ok(Sec1 {
        version,
        scalar,
        curve,
    })
}

/// What is inside of `PRIVATE KEY`.
struct Pkcs8<'d> {
    algorithm: AlgorithmIdentifier<'d>,
    key: &'d [u8],
}

fn pkcs8(bytes: &[u8]) -> Result<Pkcs8<'_>, String> {
    let (mut fields, _) = Fields::of_sequence(bytes, "pkcs8")?;
    fields.integer(&Field::PLAIN)?.ok_or_else(missing)?;
    let algorithm = fields.sequence(&Field::PLAIN, "AlgorithmIdentifier")?;
    let algorithm = AlgorithmIdentifier::unmarshal(algorithm.ok_or_else(missing)?)?;
    let key = fields.required(&Field::PLAIN, Shape::Octets)?.content;
    Ok(Pkcs8 { algorithm, key })
}

/// A number above zero.
fn positive(n: BigInt, what: &str) -> Result<BigUint, String> {
    match n.into_parts() {
        (Sign::Plus, digits) => Ok(digits),
        _ => Err(format!(
            "x509: private key contains zero or negative {what}"
        )),
    }
}

/// The key of `RSA PRIVATE KEY`.
pub(super) fn from_pkcs1(bytes: &[u8]) -> Result<RsaPrivateKey, String> {
    let (key, rest) = pkcs1(bytes).map_err(|why| {
        if sec1(bytes).is_ok() {
            USE_EC.to_owned()
        } else if pkcs8(bytes).is_ok() {
            USE_PKCS8.to_owned()
        } else {
            why
        }
    })?;
    if !rest.is_empty() {
        return Err("asn1: syntax error: trailing data".to_owned());
    }
    if key.version > 1 {
        return Err("x509: unsupported private key version".to_owned());
    }
    let value = |n| positive(n, "value");
    let modulus = value(key.modulus)?;
    let exponent = value(key.private_exponent)?;
    let primes = key.primes.into_iter().map(value);
    let mut primes = primes.collect::<Result<Vec<_>, _>>()?;
    let precomputed = key.precomputed.into_iter().flatten().map(value);
    let precomputed = precomputed.collect::<Result<Vec<_>, _>>()?;
    for prime in key.other_primes {
        primes.push(positive(prime, "prime")?);
    }
    // Go calculates all of them if one is missing, or if there are more than two primes.
    let precomputed = <[BigUint; 3]>::try_from(precomputed).ok();
    let precomputed = precomputed.filter(|_| primes.len() == 2);
    // One below zero is as wrong as zero, in the same words.
    let public_exponent = u64::try_from(key.public_exponent).unwrap_or(0);
    let key = RsaPrivateKey {
        public: RsaPublicKey {
            modulus,
            exponent: public_exponent,
        },
        exponent,
        primes,
        precomputed,
    };
    key.check()?;
    Ok(key)
}

/// The key of `EC PRIVATE KEY`; the curve may be known from outside.
pub(super) fn from_sec1(bytes: &[u8], outside: Option<&Oid>) -> Result<EcPrivateKey, String> {
    let key = sec1(bytes).map_err(|why| {
        if pkcs8(bytes).is_ok() {
            USE_PKCS8.to_owned()
        } else if pkcs1(bytes).is_ok() {
            USE_PKCS1.to_owned()
        } else {
            format!("x509: failed to parse EC private key: {why}")
        }
    })?;
    if key.version != 1 {
        return Err(format!(
            "x509: unknown EC private key version {}",
            key.version
        ));
    }
    let curve = outside.or(key.curve.as_ref());
    let curve = curve
        .and_then(|oid| Curve::of_oid(&oid.to_string()))
        .ok_or("x509: unknown elliptic curve")?;
    let zeros = key.scalar.iter().take_while(|byte| **byte == 0).count();
    if key.scalar.len() - zeros > curve.size() {
        return Err("x509: invalid private key length".to_owned());
    }
    let number = BigUint::from_bytes_be(key.scalar);
    if let Some(found) = EcPrivateKey::from_scalar(curve, key.scalar) {
        return Ok(found);
    }
    // Zero times the base is no point, and neither is the order of the curve times the base.
    let none = number == BigUint::default()
        || EcPrivateKey::from_scalar(curve, &(number - 1_u32).to_bytes_be()).is_some();
    Err(if none {
        "ecdsa: invalid public key encoding".to_owned()
    } else {
        "input overflows the modulus".to_owned()
    })
}

/// The key of `PRIVATE KEY`.
pub(super) fn from_pkcs8(bytes: &[u8]) -> Result<ParsedKey, String> {
    let outer = pkcs8(bytes).map_err(|why| {
        if sec1(bytes).is_ok() {
            USE_EC.to_owned()
        } else if pkcs1(bytes).is_ok() {
            USE_PKCS1.to_owned()
        } else {
            why
        }
    })?;
    let Pkcs8 { algorithm, key } = outer;
    let embedded = |kind: &str, why: String| {
        format!("x509: failed to parse {kind} private key embedded in PKCS#8: {why}")
    };
    let signing = if algorithm.oid.is(RSA_KEY) {
        let key = from_pkcs1(key).map_err(|why| embedded("RSA", why))?;
        PrivateKey::Rsa(key)
    } else if algorithm.oid.is(EC_KEY) {
        let curve = Fields::new(algorithm.parameters).oid(&Field::PLAIN).ok();
        let key = from_sec1(key, curve.as_ref()).map_err(|why| embedded("EC", why))?;
        PrivateKey::Ec(key)
    } else if algorithm.oid.is(ED25519_KEY) {
        let seed = octets(&algorithm, key, "Ed25519")?;
        let seed = seed
            .try_into()
            .map_err(|_| format!("x509: invalid Ed25519 private key length: {}", seed.len()))?;
        PrivateKey::Ed25519(seed)
    } else if algorithm.oid.is(X25519_KEY) {
        let number = octets(&algorithm, key, "X25519")?;
        let number = number.try_into();
        let number = number.map_err(|_| "crypto/ecdh: invalid private key size".to_owned())?;
        return Ok(ParsedKey::X25519(number));
    } else {
        return Err(format!(
            "x509: PKCS#8 wrapping contained private key with unknown algorithm: {}",
            algorithm.oid
        ));
    };
    Ok(ParsedKey::Signing(signing))
}

/// The bytes of a key that is nothing else.
fn octets<'d>(
    algorithm: &AlgorithmIdentifier<'_>,
    key: &'d [u8],
    kind: &str,
) -> Result<&'d [u8], String> {
    if !algorithm.parameters.is_empty() {
        return Err(format!("x509: invalid {kind} private key parameters"));
    }
    match only(key, &Field::PLAIN, Shape::Octets) {
        Ok((element, _)) => Ok(element.content),
        Err(why) => Err(format!("x509: invalid {kind} private key: {why}")),
    }
}
