//! Keys in JSON (RFC 7517), read and refused as the library does that OPA reads them with.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use num_bigint::BigUint;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, ReadOptions};
use regovm_core::value::{Object, Value, View};

use super::{Curve, EcPrivateKey, EcPublicKey, PrivateKey, PublicKey, RsaPrivateKey, RsaPublicKey};
use crate::encoding::{base64_bytes, json_error};
use crate::go::quote::{Charset, push_quoted};
use crate::operand::failed;
use crate::text::charge_bytes;

/// A key of a set.
pub(crate) struct Jwk {
    pub(crate) kid: Option<String>,
    pub(crate) alg: Option<String>,
    pub(crate) kind: Kind,
    /// The key itself, or why its members make none.
    pub(crate) material: Result<Material, String>,
}

/// What a key is.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    Public(PublicKey),
    Private(PrivateKey),
    Secret(Vec<u8>),
}

/// What the members of a key say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    RsaPublic,
    RsaPrivate,
    EcPublic,
    EcPrivate,
    OkpPublic,
    OkpPrivate,
    Symmetric,
}

impl Kind {
    /// The name of the type that messages have.
    pub(crate) fn go_type(self) -> &'static str {
        match self {
            Kind::RsaPublic => "*jwk.rsaPublicKey",
            Kind::RsaPrivate => "*jwk.rsaPrivateKey",
            Kind::EcPublic => "*jwk.ecdsaPublicKey",
            Kind::EcPrivate => "*jwk.ecdsaPrivateKey",
            Kind::OkpPublic => "*jwk.okpPublicKey",
            Kind::OkpPrivate => "*jwk.okpPrivateKey",
            Kind::Symmetric => "*jwk.symmetricKey",
        }
    }

    /// The name that the checks of a key begin with.
    fn checked_name(self) -> &'static str {
        match self {
            Kind::RsaPublic => "jwk.RSAPublicKey",
            Kind::RsaPrivate => "jwk.RSAPrivateKey",
            Kind::EcPublic => "jwk.ECDSAPublicKey",
            Kind::EcPrivate => "jwk.ECDSAPrivateKey",
            Kind::OkpPublic => "jwk.OKPPublicKey",
            Kind::OkpPrivate => "jwk.OKPPrivateKey",
            Kind::Symmetric => "jwk.SymmetricKey",
        }
    }

    /// The members with bytes, and those that must be there.
    fn members(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Kind::RsaPublic => (&["e", "n"], &["e", "n"]),
            Kind::RsaPrivate => (
                &["d", "dp", "dq", "e", "n", "p", "q", "qi"],
                &["d", "e", "n"],
            ),
            Kind::EcPublic => (&["x", "y"], &["crv", "x", "y"]),
            Kind::EcPrivate => (&["d", "x", "y"], &["crv", "d", "x", "y"]),
            Kind::OkpPublic => (&["x"], &["crv", "x"]),
            Kind::OkpPrivate => (&["d", "x"], &["crv", "d", "x"]),
            Kind::Symmetric => (&["k"], &["k"]),
        }
    }
}

/// Keys of a set beyond this number are refused.
const MOST_KEYS: usize = 1000;

/// Algorithms that a key may name, beside those of signatures.
const OTHER_ALGORITHMS: &[&str] = &[
    "A128CBC-HS256",
    "A128GCM",
    "A128GCMKW",
    "A128KW",
    "A192CBC-HS384",
    "A192GCM",
    "A192GCMKW",
    "A192KW",
    "A256CBC-HS512",
    "A256GCM",
    "A256GCMKW",
    "A256KW",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "ES256K",
    "Ed25519",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA-OAEP-384",
    "RSA-OAEP-512",
    "RSA1_5",
    "dir",
    "none",
];

/// Algorithms of signatures that tokens may have.
pub(crate) const SIGNATURE_ALGORITHMS: &[&str] = &[
    "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512",
    "RS256", "RS384", "RS512",
];

/// A text before the text of an error.
pub(crate) fn prefixed(prefix: &str, error: BuiltinError) -> BuiltinError {
    match error {
        BuiltinError::Value(text) => BuiltinError::Value(format!("{prefix}{text}")),
        other => other,
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

/// The keys of a set, or the one key that the text is.
pub(crate) fn parse<'a>(cx: &mut Call<'a, '_>, text: &'a str) -> Result<Vec<Jwk>, BuiltinError> {
    charge_bytes(cx, text.len() * 2)?;
    // A set must be the whole text, but a key may be followed by anything.
    let read =
        |text: &'a str| json::read_borrowed(text.as_bytes(), cx.arena, ReadOptions::default());
    let (value, whole) = match read(text) {
        Ok(value) => (Ok(value), true),
        Err(error) if error.message.ends_with("after top-level value") => {
            let first = text.get(..error.offset).unwrap_or_default();
            (read(first), false)
        }
        Err(error) => (Err(error), false),
    };
    let value = value.map_err(|error| {
        prefixed(
            "jwk.Parse: failed to parse sole key: jwk.ParseKey: jwk.Parse: failed to probe data: probe: failed to unmarshal data: ",
            json_error(text, error),
        )
    })?;
    let Some(keys) = value.get_str("keys").filter(|_| whole) else {
        let key = key(value).map_err(|error| {
            failed(format!(
                "jwk.Parse: failed to parse sole key: jwk.ParseKey: {error}"
            ))
        })?;
        return Ok(vec![key]);
    };
    let refused = |text: String| failed(format!("jwk.Parse: failed to unmarshal JWK set: {text}"));
    let Some(keys) = keys.as_array() else {
        let got = match keys.view() {
            View::Object(_) => "{".to_owned(),
            View::Null => "<nil>".to_owned(),
            View::String(text) => text.as_str().to_owned(),
            _ => keys.to_string(),
        };
        return Err(refused(format!(
            "failed to decode \"keys\": expected '[' but got {got}"
        )));
    };
    let mut parsed = Vec::with_capacity(keys.len().min(MOST_KEYS));
    for (i, value) in keys.iter().enumerate() {
        if i >= MOST_KEYS {
            return Err(refused(format!(
                "too many keys in \"keys\" array: max {MOST_KEYS}"
            )));
        }
        // Points are looked up on their curves.
        cx.charge(100)?;
        parsed.push(key(value).map_err(|error| {
            refused(format!(
                "failed to decode key #{i} in \"keys\": jwk.ParseKey: {error}"
            ))
        })?);
    }
    Ok(parsed)
}

/// The name of a JSON type in Go's messages.
fn json_type(value: Value<'_>) -> &'static str {
    match value.view() {
        View::Null => "null",
        View::Boolean(_) => "bool",
        View::String(_) => "string",
        View::Array(_) | View::Set(_) => "array",
        View::Object(_) => "object",
        _ => "number",
    }
}

/// A string; Go takes `null` for an empty one.
fn text<'a>(value: Value<'a>) -> Result<&'a str, String> {
    match value.view() {
        View::Null => Ok(""),
        View::String(text) => Ok(text.as_str()),
        _ => Err(format!(
            "json: cannot unmarshal {} into Go value of type string",
            json_type(value)
        )),
    }
}

/// Bytes in base64 of either alphabet, padded or not.
fn bytes(value: Value<'_>) -> Result<Vec<u8>, String> {
    let text = text(value).map_err(|error| format!("error reading next value: {error}"))?;
    let alphabet = if text.contains(['+', '/']) {
        &base64::alphabet::STANDARD
    } else {
        &base64::alphabet::URL_SAFE
    };
    let padding = if text.ends_with('=') {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(padding)
        .with_decode_allow_trailing_bits(true);
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    GeneralPurpose::new(alphabet, config)
        .decode(bare)
        .map_err(|_| "expected base64 encoded []byte (string)".to_owned())
}

fn key(value: Value<'_>) -> Result<Jwk, String> {
    let probe = "jwk.Parse: failed to probe data: probe: failed to unmarshal data: ";
    let object = match value.view() {
        View::Object(object) => object,
        View::Null => return Err("invalid key type from JSON ()".to_owned()),
        _ => {
            return Err(format!(
                "{probe}json: cannot unmarshal {} into Go value of type struct {{ Kty string \"json:\\\"kty\\\"\"; D json.RawMessage \"json:\\\"d,omitempty\\\"\" }}",
                json_type(value)
            ));
        }
    };
    let kty = match object.get_str("kty") {
        None => "",
        Some(kty) => text(kty).map_err(|_| {
            format!(
                "{probe}json: cannot unmarshal {} into Go struct field .kty of type string",
                json_type(kty)
            )
        })?,
    };
    let private = object.get_str("d").is_some();
    let kind = match (kty, private) {
        ("RSA", true) => Kind::RsaPrivate,
        ("RSA", false) => Kind::RsaPublic,
        ("EC", true) => Kind::EcPrivate,
        ("EC", false) => Kind::EcPublic,
        ("OKP", true) => Kind::OkpPrivate,
        ("OKP", false) => Kind::OkpPublic,
        ("oct", _) => Kind::Symmetric,
        (other, _) => return Err(format!("invalid key type from JSON ({other})")),
    };
    let members = Members::read(kind, object).map_err(|error| {
        let name = kind.go_type();
        format!(
            "failed to unmarshal JSON into key ({name}): failed to unmarshal JSON into key ({name}): {error}"
        )
    })?;
    members.check().map_err(|error| {
        format!(
            "jwk.Parse: key validation failed: key validation failed: {}: {error}",
            kind.checked_name()
        )
    })?;
    let material = members
        .material()
        .map_err(|error| format!("jwk.Export: failed to export jwk.Key to raw format: {error}"));
    Ok(Jwk {
        kid: members.kid,
        alg: members.alg,
        kind,
        material,
    })
}

/// The members of a key, each well-formed by itself.
struct Members {
    kind: Kind,
    kid: Option<String>,
    alg: Option<String>,
    crv: String,
    /// Those with bytes.
    bytes: Vec<(&'static str, Vec<u8>)>,
}

impl Members {
    fn read(kind: Kind, object: Object<'_>) -> Result<Members, String> {
        let (byte_members, required) = kind.members();
        let mut members = Members {
            kind,
            kid: None,
            alg: None,
            crv: String::new(),
            bytes: Vec::new(),
        };
        for (name, value) in object.iter() {
            let name = name.as_str().unwrap_or_default();
            let within = |error: String| format!("failed to decode value for key {name}: {error}");
            let next = |error: String| within(format!("error reading next value: {error}"));
            if let Some(member) = byte_members.iter().find(|member| **member == name) {
                members.bytes.push((member, bytes(value).map_err(within)?));
                continue;
            }
            match name {
                "kid" => members.kid = Some(text(value).map_err(next)?.to_owned()),
                "use" | "x5t" | "x5t#S256" | "x5u" => {
                    text(value).map_err(next)?;
                }
                "alg" => {
                    let alg = text(value).map_err(within)?;
                    let known =
                        SIGNATURE_ALGORITHMS.contains(&alg) || OTHER_ALGORITHMS.contains(&alg);
                    if !known {
                        let short: String = alg.chars().take(64).collect();
                        let shown = if short.len() < alg.len() {
                            short + "..."
                        } else {
                            short
                        };
                        return Err(within(format!(
                            "invalid key value: {}: invalid key algorithm",
                            quoted(&shown)
                        )));
                    }
                    members.alg = Some(alg.to_owned());
                }
                "crv" if required.contains(&"crv") => {
                    let crv = text(value).map_err(|error| {
                        within(format!(
                            "failed to unmarshal EllipticCurveAlgorithm: {error}"
                        ))
                    })?;
                    let known = Curve::named(crv).is_some()
                        || ["Ed25519", "Ed448", "X25519", "X448"].contains(&crv);
                    if !known {
                        return Err(within(format!(
                            "unknown EllipticCurveAlgorithm: {}",
                            quoted(crv)
                        )));
                    }
                    members.crv = crv.to_owned();
                }
                "key_ops" => check_operations(value).map_err(within)?,
                "x5c" => check_chain(value).map_err(within)?,
                _ => {}
            }
        }
        for member in required {
            let there = match *member {
                "crv" => !members.crv.is_empty(),
                member => members.optional(member).is_some(),
            };
            if !there {
                return Err(format!("required field {member} is missing"));
            }
        }
        Ok(members)
    }

    fn optional(&self, member: &str) -> Option<&[u8]> {
        let found = self.bytes.iter().find(|(name, _)| *name == member);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    fn get(&self, member: &str) -> &[u8] {
        self.optional(member).unwrap_or_default()
    }

    fn number(&self, member: &str) -> BigUint {
        BigUint::from_bytes_be(self.get(member))
    }

    /// What must hold before a key is one at all.
    fn check(&self) -> Result<(), String> {
        let missing = |member: &str, what: &str| Err(format!("missing \"{member}\" {what}"));
        match self.kind {
            Kind::RsaPublic | Kind::RsaPrivate => {
                let zero = BigUint::default();
                if self.number("n") == zero {
                    return missing("n", "value");
                }
                let exponent = self.number("e");
                if exponent == zero {
                    return missing("e", "value");
                }
                if !exponent.bit(0) {
                    return Err(
                        "invalid rsa public exponent: must be a positive odd integer".to_owned(),
                    );
                }
                if exponent.bits() >= 64 {
                    return Err(format!(
                        "rsa public exponent too large for this platform: {} bits (max 63)",
                        exponent.bits()
                    ));
                }
                if self.kind == Kind::RsaPrivate && self.get("d").is_empty() {
                    return missing("d", "value");
                }
            }
            Kind::EcPublic | Kind::EcPrivate => {
                let Some(curve) = Curve::named(&self.crv) else {
                    return Err(format!(
                        "invalid curve algorithm \"{}\": unknown elliptic curve algorithm: \"{}\"",
                        self.crv, self.crv
                    ));
                };
                let length = |member: &str| {
                    let len = self.get(member).len();
                    if len == curve.size() {
                        Ok(())
                    } else {
                        let name = curve.name();
                        Err(format!(
                            "invalid \"{member}\" length ({len}) for curve \"{name}\""
                        ))
                    }
                };
                length("x")?;
                length("y")?;
                self.check_point(curve)?;
                if self.kind == Kind::EcPrivate {
                    length("d")?;
                }
            }
            Kind::OkpPublic | Kind::OkpPrivate => {
                let named = self.crv.to_lowercase();
                let sized = matches!(named.as_str(), "ed25519" | "x25519");
                for (member, what) in [("x", "public"), ("d", "private")] {
                    if member == "d" && self.kind == Kind::OkpPublic {
                        continue;
                    }
                    let len = self.get(member).len();
                    if len == 0 {
                        return missing(member, "field");
                    }
                    if sized && len != 32 {
                        return Err(format!("{named}: wrong {what} key size"));
                    }
                }
            }
            Kind::Symmetric => {
                if self.get("k").is_empty() {
                    return missing("k", "field");
                }
            }
        }
        Ok(())
    }

    fn check_point(&self, curve: Curve) -> Result<(), String> {
        let (x, y) = (self.number("x"), self.number("y"));
        let zero = BigUint::default();
        if x == zero && y == zero {
            return Err(
                "invalid ECDSA public key: identity point is not a valid public key".to_owned(),
            );
        }
        for (name, number) in [("x", &x), ("y", &y)] {
            if number.bits() > curve.bits() {
                return Err(format!(
                    "invalid ECDSA public key: {name} coordinate is {} bits, exceeds curve \"{}\" field size of {} bits",
                    number.bits(),
                    curve.name(),
                    curve.bits()
                ));
            }
        }
        let name = curve.name().replace('-', "");
        if x >= curve.prime() || y >= curve.prime() {
            return Err(format!(
                "invalid ECDSA public key: invalid {name} element encoding"
            ));
        }
        match self.point(curve) {
            Some(_) => Ok(()),
            None => Err(format!(
                "invalid ECDSA public key: {name} point not on curve"
            )),
        }
    }

    fn point(&self, curve: Curve) -> Option<EcPublicKey> {
        EcPublicKey::from_coordinates(curve, self.get("x"), self.get("y"))
    }

    /// The key of the members.
    fn material(&self) -> Result<Material, String> {
        match self.kind {
            Kind::RsaPublic => Ok(Material::Public(PublicKey::Rsa(self.rsa_public()))),
            Kind::RsaPrivate => {
                for prime in ["q", "p"] {
                    if self.optional(prime).is_none() {
                        return Err(format!("missing \"{prime}\" value"));
                    }
                }
                let given = ["dp", "dq", "qi"];
                let all = given.iter().all(|member| self.optional(member).is_some());
                Ok(Material::Private(PrivateKey::Rsa(RsaPrivateKey {
                    public: self.rsa_public(),
                    exponent: self.number("d"),
                    primes: vec![self.number("p"), self.number("q")],
                    precomputed: all.then(|| given.map(|member| self.number(member))),
                })))
            }
            Kind::EcPublic | Kind::EcPrivate => {
                let bad = || "failed to build public key".to_owned();
                let curve = Curve::named(&self.crv).ok_or_else(bad)?;
                let public = self.point(curve).ok_or_else(bad)?;
                Ok(match self.kind {
                    Kind::EcPublic => Material::Public(PublicKey::Ec(public)),
                    _ => Material::Private(PrivateKey::Ec(EcPrivateKey {
                        public,
                        scalar: self.get("d").to_vec(),
                    })),
                })
            }
            Kind::OkpPublic => {
                let built = |error: String| {
                    format!("jwk.OKPPublicKey: failed to build public key: {error}")
                };
                match self.crv.as_str() {
                    "Ed25519" => ed25519(self.get("x"))
                        .map(|key| Material::Public(PublicKey::Ed25519(key)))
                        .map_err(built),
                    "X25519" => Ok(Material::Public(PublicKey::Other)),
                    other => Err(built(format!("invalid curve algorithm {other}"))),
                }
            }
            Kind::OkpPrivate => {
                let built = |error: String| {
                    format!("jwk.OKPPrivateKey: failed to build private key: {error}")
                };
                match self.crv.as_str() {
                    "Ed25519" => {
                        let key = PrivateKey::Ed25519(ed25519(self.get("d")).map_err(built)?);
                        let public = ed25519(self.get("x")).map_err(built)?;
                        if key.public() != PublicKey::Ed25519(public) {
                            return Err(built("ed25519: invalid x value given d value".to_owned()));
                        }
                        Ok(Material::Private(key))
                    }
                    "X25519" => Ok(Material::Public(PublicKey::Other)),
                    other => Err(built(format!("invalid curve algorithm {other}"))),
                }
            }
            Kind::Symmetric => Ok(Material::Secret(self.get("k").to_vec())),
        }
    }

    fn rsa_public(&self) -> RsaPublicKey {
        RsaPublicKey {
            modulus: self.number("n"),
            exponent: u64::try_from(self.number("e")).unwrap_or_default(),
        }
    }
}

fn ed25519(bytes: &[u8]) -> Result<[u8; 32], String> {
    bytes
        .try_into()
        .map_err(|_| "ed25519: wrong public key size".to_owned())
}

fn check_operations(value: Value<'_>) -> Result<(), String> {
    let wrong = |value: Value<'_>, name: &str| {
        let got = json_type(value);
        Err(format!(
            "json: cannot unmarshal {got} into Go value of type {name}"
        ))
    };
    match value.view() {
        View::Null => Ok(()),
        View::Array(operations) => {
            match operations
                .iter()
                .find(|operation| !operation.is_string() && !operation.is_null())
            {
                Some(other) => wrong(other, "jwk.KeyOperation"),
                None => Ok(()),
            }
        }
        _ => wrong(value, "jwk.KeyOperationList"),
    }
}

/// Certificates beside a key: not used, but they must be some.
fn check_chain(value: Value<'_>) -> Result<(), String> {
    let Some(certificates) = value.as_array() else {
        return Err("failed to unmarshal certificate chain: expected JSON array".to_owned());
    };
    for (i, certificate) in certificates.iter().enumerate() {
        let wrong = |error: String| format!("failed to decode certificate at index {i}: {error}");
        let text = text(certificate).map_err(wrong)?;
        let bare: String = text.split_ascii_whitespace().collect();
        let der = base64_bytes(&bare)
            .map_err(|error| wrong(format!("failed to base64 decode the certificate: {error}")))?;
        PublicKey::from_certificate(&der)
            .map_err(|error| wrong(format!("failed to parse certificate: {error}")))?;
    }
    Ok(())
}
