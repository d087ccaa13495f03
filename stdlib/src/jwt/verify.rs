//! Signatures of tokens verified.

use std::cmp::Ordering;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Object, Value};

use super::constraints::{Constraints, any_verifies, keys};
use super::token::{self, Header, Token};
use crate::keys::jwk::Material;
use crate::keys::{Hash, Scheme};
use crate::operand::{self, Outcome, failed, operands, string};
use crate::text::charge_bytes;

/// Verification with public keys only: private ones of a set are not used.
fn verify<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>], scheme: Scheme) -> Outcome<'a> {
    let [jwt, certificate] = operands(arguments)?;
    let token = Token::of_text(cx, string(jwt, 1)?)?;
    let keys = keys(cx, string(certificate, 2)?)?;
    let signature = token.signature(cx)?;
    let header = Header::read(token.header(cx)?)?;
    let signed = token.signed();
    charge_bytes(cx, signed.len() * 4)?;
    let valid = any_verifies(cx, &keys, &header, |key| match key {
        Material::Public(key) => key.verify(scheme, &signed, &signature),
        _ => false,
    })?;
    Ok(Some(Value::boolean(valid)))
}

fn verify_secret<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>], hash: Hash) -> Outcome<'a> {
    let [jwt, secret] = operands(arguments)?;
    let (jwt, secret) = (string(jwt, 1)?, string(secret, 2)?);
    let token = Token::of_text(cx, jwt)?;
    let signed = token.signed();
    charge_bytes(cx, (signed.len() + secret.len()) * 4)?;
    let signature = token.signature(cx)?;
    let valid = hash.verify_hmac(secret.as_bytes(), &signed, &signature);
    Ok(Some(Value::boolean(valid)))
}

/// Bodies that differ in the algorithm.
macro_rules! bodies {
    ($with:ident: $($name:ident = $algorithm:expr),* $(,)?) => {
        $(
            pub(super) fn $name<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
                $with(cx, arguments, $algorithm)
            }
        )*
    };
}

bodies! { verify:
    rs256 = Scheme::RsaPkcs1(Hash::Sha256),
    rs384 = Scheme::RsaPkcs1(Hash::Sha384),
    rs512 = Scheme::RsaPkcs1(Hash::Sha512),
    ps256 = Scheme::RsaPss(Hash::Sha256),
    ps384 = Scheme::RsaPss(Hash::Sha384),
    ps512 = Scheme::RsaPss(Hash::Sha512),
    es256 = Scheme::EcdsaHalves(Hash::Sha256),
    es384 = Scheme::EcdsaHalves(Hash::Sha384),
    es512 = Scheme::EcdsaHalves(Hash::Sha512),
    eddsa = Scheme::EdDsa,
}

bodies! { verify_secret:
    hs256 = Hash::Sha256,
    hs384 = Hash::Sha384,
    hs512 = Hash::Sha512,
}

pub(super) fn decode_verify<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [jwt, constraints] = operands(arguments)?;
    let constraints = Constraints::read(cx, operand::object(constraints, 2)?)?;
    let mut text = string(jwt, 1)?;
    // A payload may be a token itself, which must be signed too.
    let (header, payload) = loop {
        let token = Token::of_text(cx, text)?;
        let object = token.header(cx)?;
        let header = Header::read(object)?;
        let wanted = constraints.alg.is_empty() || constraints.alg == header.alg;
        if !header.is_valid() || !wanted {
            return answer(cx, None);
        }
        let signature = token.signature(cx)?;
        if !constraints.verify(cx, &header, &token, &signature)? {
            return answer(cx, None);
        }
        let payload = token.payload(cx)?;
        if header.cty.eq_ignore_ascii_case("JWT") {
            text = payload;
            continue;
        }
        break (object, token::object(cx, payload)?);
    };
    if holds(cx, &constraints, payload)? {
        answer(cx, Some((header, payload)))
    } else {
        answer(cx, None)
    }
}

fn answer<'a>(cx: &mut Call<'a, '_>, verified: Option<(Object<'a>, Object<'a>)>) -> Outcome<'a> {
    let parts = match verified {
        Some((header, payload)) => [
            Value::TRUE,
            token::value(cx, header),
            token::value(cx, payload),
        ],
        None => {
            let empty = cx.arena.object_from([]);
            [Value::FALSE, empty, empty]
        }
    };
    Ok(Some(cx.arena.array(&parts)))
}

/// If the claims are what is wanted, and true at the time.
fn holds<'a>(
    cx: &mut Call<'a, '_>,
    constraints: &Constraints<'a>,
    payload: Object<'a>,
) -> Result<bool, BuiltinError> {
    if !constraints.iss.is_empty() {
        let Some(issuer) = payload.get_str("iss") else {
            return Ok(false);
        };
        let issuer = issuer
            .as_str()
            .ok_or_else(|| failed("iss value must be a string"))?;
        if issuer != constraints.iss {
            return Ok(false);
        }
    }
    let audience = match payload.get_str("aud") {
        Some(audience) => constraints.is_audience(audience),
        None => constraints.aud.is_empty(),
    };
    if !audience {
        return Ok(false);
    }
    for (name, holds) in [
        ("exp", [Ordering::Less].as_slice()),
        ("nbf", &[Ordering::Equal, Ordering::Greater]),
    ] {
        let Some(limit) = payload.get_str(name) else {
            continue;
        };
        if !limit.is_number() {
            return Err(failed(format!("{name} value must be a number")));
        }
        if !holds.contains(&seconds(cx, constraints)?.cmp(&limit)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The time as claims have it.
fn seconds<'a>(
    cx: &mut Call<'a, '_>,
    constraints: &Constraints<'a>,
) -> Result<Value<'a>, BuiltinError> {
    let nanoseconds = match constraints.time {
        Some(time) => time,
        None => cx
            .host
            .now_ns()
            .ok_or_else(|| failed("the host has no clock"))? as f64,
    };
    Ok(cx.arena.float(nanoseconds / 1e9).unwrap_or(Value::NULL))
}
