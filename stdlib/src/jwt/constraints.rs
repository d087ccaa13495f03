//! What a token must satisfy, and the keys that are trusted.

use std::collections::HashMap;
use std::sync::Arc;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Object, Value};

use super::algorithm::Algorithm;
use super::token::{Header, Token};
use crate::keys::jwk::{self, Material, prefixed};
use crate::keys::{PublicKey, pem};
use crate::operand::failed;
use crate::text::charge_bytes;

/// A key that may verify.
pub(super) struct Key {
    /// Empty if the key has none.
    alg: String,
    kid: String,
    pub(super) material: Material,
}

impl Key {
    fn bare(material: Material) -> Key {
        Key {
            alg: String::new(),
            kid: String::new(),
            material,
        }
    }

    /// Units of work of one verification.
    pub(super) fn work(&self) -> u64 {
        match &self.material {
            Material::Public(key) => key.work(),
            Material::Private(key) => key.public().work(),
            Material::Secret(_) => 1,
        }
    }
}

/// Keys by the text that they were read from: policies verify many tokens with few keys.
#[derive(Default)]
struct Known(HashMap<String, Arc<Vec<Key>>>);

/// How many texts are remembered, and how long one may be.
const MOST_TEXTS: usize = 100;
const LONGEST_TEXT: usize = 1 << 20;

/// The keys of a certificate, a public key, a JSON web key or a set of them.
pub(super) fn keys<'a>(
    cx: &mut Call<'a, '_>,
    text: &'a str,
) -> Result<Arc<Vec<Key>>, BuiltinError> {
    charge_bytes(cx, text.len())?;
    if let Some(keys) = cx.cache::<Known>().0.get(text) {
        return Ok(Arc::clone(keys));
    }
    let keys = Arc::new(read_keys(cx, text)?);
    if text.len() <= LONGEST_TEXT {
        let known = &mut cx.cache::<Known>().0;
        if known.len() >= MOST_TEXTS {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&keys));
    }
    Ok(keys)
}

fn read_keys<'a>(cx: &mut Call<'a, '_>, text: &'a str) -> Result<Vec<Key>, BuiltinError> {
    charge_bytes(cx, text.len() * 4)?;
    if let Some((block, rest)) = pem::first(text) {
        if !rest.is_empty() {
            return Err(failed("extra data after a PEM certificate block"));
        }
        let key = match block.kind {
            "CERTIFICATE" => PublicKey::from_certificate(&block.bytes)
                .map_err(|error| failed(format!("failed to parse a PEM certificate: {error}")))?,
            "PUBLIC KEY" => PublicKey::from_spki(&block.bytes)
                .map_err(|error| failed(format!("failed to parse a PEM public key: {error}")))?,
            _ => {
                return Err(failed("failed to extract a Key from the PEM certificate"));
            }
        };
        return Ok(vec![Key::bare(Material::Public(key))]);
    }
    let set = jwk::parse(cx, text).map_err(|error| {
        prefixed(
            "failed to parse a JWK key (set): jwk.ParseString: failed to parse string: ",
            error,
        )
    })?;
    let mut keys = Vec::with_capacity(set.len());
    for key in set {
        let material = key.material.map_err(failed)?;
        let alg = key.alg.unwrap_or_default();
        if alg.is_empty() || Algorithm::named(&alg).is_some() {
            keys.push(Key {
                alg,
                kid: key.kid.unwrap_or_default(),
                material,
            });
        }
    }
    Ok(keys)
}

/// If one of the keys that may be meant verifies: the one that the header names, or else each whose algorithm is
/// the header's or not known.
pub(super) fn any_verifies(
    cx: &mut Call<'_, '_>,
    keys: &[Key],
    header: &Header<'_>,
    mut verifies: impl FnMut(&Material) -> bool,
) -> Result<bool, BuiltinError> {
    let named = keys
        .iter()
        .find(|key| !header.kid.is_empty() && key.kid == header.kid);
    if let Some(key) = named {
        cx.charge(key.work())?;
        return Ok(verifies(&key.material));
    }
    for key in keys {
        if key.alg.is_empty() || key.alg == header.alg {
            cx.charge(key.work())?;
            if verifies(&key.material) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What `io.jwt.decode_verify` asks of a token.
pub(super) struct Constraints<'a> {
    keys: Option<Arc<Vec<Key>>>,
    secret: &'a str,
    /// Empty is any.
    pub(super) alg: &'a str,
    /// Empty is any.
    pub(super) iss: &'a str,
    /// Empty is none.
    pub(super) aud: &'a str,
    /// Nanoseconds since 1970; `None` is now.
    pub(super) time: Option<f64>,
}

impl<'a> Constraints<'a> {
    pub(super) fn read(
        cx: &mut Call<'a, '_>,
        object: Object<'a>,
    ) -> Result<Constraints<'a>, BuiltinError> {
        let mut constraints = Constraints {
            keys: None,
            secret: "",
            alg: "",
            iss: "",
            aud: "",
            time: None,
        };
        for (name, value) in object.iter() {
            let name = name
                .as_str()
                .ok_or_else(|| failed("constraints must have strings as keys"))?;
            let text = || {
                value
                    .as_str()
                    .ok_or_else(|| failed(format!("{name} constraint: must be a string")))
            };
            match name {
                "cert" => constraints.keys = Some(keys(cx, text()?)?),
                "secret" => constraints.secret = text()?,
                "alg" => constraints.alg = text()?,
                "iss" => constraints.iss = text()?,
                "aud" => constraints.aud = text()?,
                "time" => constraints.time = Some(time(value)?),
                _ => {
                    return Err(failed(format!(
                        "unknown token validation constraint: {name}"
                    )));
                }
            }
        }
        match (&constraints.keys, constraints.secret) {
            (Some(_), "") => Ok(constraints),
            (Some(_), _) => Err(failed("duplicate key constraints")),
            (None, "") => Err(failed("no key constraint")),
            (None, _) => Ok(constraints),
        }
    }

    /// If the signature is one of a trusted key.
    pub(super) fn verify(
        &self,
        cx: &mut Call<'a, '_>,
        header: &Header<'a>,
        token: &Token<'a>,
        signature: &[u8],
    ) -> Result<bool, BuiltinError> {
        let Some(algorithm) = Algorithm::of_header(header.alg) else {
            return Ok(false);
        };
        let signed = token.signed();
        charge_bytes(cx, signed.len() * 4)?;
        match &self.keys {
            Some(keys) => any_verifies(cx, keys, header, |key| {
                algorithm.verify(key, &signed, signature)
            }),
            None => {
                let secret = Material::Secret(self.secret.as_bytes().to_vec());
                Ok(algorithm.verify(&secret, &signed, signature))
            }
        }
    }

    /// If an audience is the one that is wanted.
    pub(super) fn is_audience(&self, value: Value<'_>) -> bool {
        let wanted = |value: Value<'_>| value.as_str() == Some(self.aud);
        wanted(value) || value.as_array().is_some_and(|list| list.iter().any(wanted))
    }
}

fn time(value: Value<'_>) -> Result<f64, BuiltinError> {
    let wrong = |text: &str| failed(format!("token time constraint: {text}"));
    if !value.is_number() {
        return Err(wrong("must be a number"));
    }
    match value.as_f64().filter(|time| time.is_finite()) {
        None => Err(wrong("unvalid float64")),
        Some(time) if time < 0.0 => Err(wrong("must not be negative")),
        Some(time) => Ok(time),
    }
}
