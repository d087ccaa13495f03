//! Tokens made.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, ReadOptions, Style};
use regovm_core::value::{Value, View};

use super::algorithm::Algorithm;
use crate::go::quote::{Charset, push_quoted};
use crate::keys::jwk::{self, Jwk, Kind, Material};
use crate::keys::{HostRandom, PrivateKey, PublicKey, Scheme, SignError};
use crate::operand::{Outcome, failed, operands, string};
use crate::text::{charge_bytes, charge_text};

pub(super) fn encode_sign<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let parts: [Value<'a>; 3] = operands(arguments)?;
    let mut texts = [""; 3];
    for (text, part) in texts.iter_mut().zip(parts) {
        charge_text(cx, part)?;
        *text = cx.arena.text(&json::to_string(part, Style::Marshal));
    }
    encode(cx, texts)
}

pub(super) fn encode_sign_raw<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [headers, payload, key] = operands(arguments)?;
    let key = string(key, 3)?;
    encode(cx, [string(headers, 1)?, string(payload, 2)?, key])
}

fn encode<'a>(cx: &mut Call<'a, '_>, [headers, payload, key]: [&'a str; 3]) -> Outcome<'a> {
    let keys = jwk::parse(cx, key)?;
    let Some(key) = keys.first() else {
        return Err(failed("no keys found in JWK set"));
    };
    charge_bytes(cx, headers.len() * 2)?;
    let header = read_header(cx, headers);
    let alg = header
        .as_ref()
        .map_err(String::clone)
        .and_then(|header| text_of(*header, "alg"))
        .map_err(|error| failed(format!("missing or invalid 'alg' header: {error}")))?;
    let algorithm =
        Algorithm::named(alg).ok_or_else(|| failed(format!("unknown JWS algorithm: {alg}")))?;
    let is_jwt = header.map_or(true, |header| {
        text_of(header, "typ").map_or(true, |typ| typ == "JWT")
    });
    if is_jwt && !is_json(cx, payload)? {
        return Err(failed("type is JWT but payload is not JSON"));
    }
    let length = headers.len() + payload.len();
    charge_bytes(cx, length * 4)?;
    cx.reserve(length * 4)?;
    let mut token = URL_SAFE_NO_PAD.encode(headers) + "." + &URL_SAFE_NO_PAD.encode(payload);
    let signature = sign(cx, key, algorithm, token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(Some(cx.arena.string(&token)))
}

fn is_json<'a>(cx: &mut Call<'a, '_>, text: &'a str) -> Result<bool, BuiltinError> {
    charge_bytes(cx, text.len() * 2)?;
    match json::read_borrowed(text.as_bytes(), cx.arena, ReadOptions::default()) {
        Ok(_) => Ok(true),
        Err(error) => match error.memory {
            Some(memory) => Err(memory.into()),
            None => Ok(false),
        },
    }
}

fn read_header<'a>(cx: &Call<'a, '_>, text: &'a str) -> Result<Value<'a>, String> {
    let read = json::read_borrowed(text.as_bytes(), cx.arena, ReadOptions::default());
    read.or_else(|error| {
        let text = text.trim_start_matches(BLANKS);
        if text.is_empty() {
            Err("cannot parse JSON: cannot parse empty string; unparsed tail: \"\"".to_owned())
        } else if text.starts_with(['{', '[', '"', 't', 'f', 'n']) {
            Err(format!("cannot parse JSON: {}", error.message))
        } else {
            read_number(text)
        }
    })
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// What begins with nothing else is a number to OPA's library, of any characters that numbers have.
fn read_number<'a>(text: &str) -> Result<Value<'a>, String> {
    let in_numbers = |c: char| matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E');
    let end = text.find(|c| !in_numbers(c)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if !rest.is_empty() && matches!(number, "" | "-" | "+") {
        let first = match text.bytes().next() {
            Some(byte @ 0x80..) => format!("\"\\x{byte:02x}\""),
            _ => shown(text.get(..1).unwrap_or_default()),
        };
        return Err(format!(
            "cannot parse JSON: cannot parse number: unexpected char: {first}; unparsed tail: {}",
            shown(text)
        ));
    }
    match rest.trim_start_matches(BLANKS) {
        // A number has no members, whichever it is.
        "" => Ok(Value::NULL),
        tail => Err(format!("unexpected tail: {}", shown(tail))),
    }
}

/// A text in quotes, its middle left out if it is long.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let (head, tail) = (text.get(..40), text.get(text.len().saturating_sub(40)..));
    match (head, tail) {
        (Some(head), Some(tail)) if text.len() > 80 => {
            push_quoted(&mut out, &format!("{head}...{tail}"), Charset::Unicode);
        }
        _ => push_quoted(&mut out, text, Charset::Unicode),
    }
    out
}

fn text_of<'a>(header: Value<'a>, name: &str) -> Result<&'a str, String> {
    let value = header
        .get_str(name)
        .ok_or_else(|| format!("jwsbb: header \"{name}\" not found"))?;
    let other = match value.view() {
        View::String(text) => return Ok(text.as_str()),
        View::Null => "null",
        View::Boolean(true) => "true",
        View::Boolean(false) => "false",
        View::Array(_) | View::Set(_) => "array",
        View::Object(_) => "object",
        _ => "number",
    };
    Err(format!("value doesn't contain string; it contains {other}"))
}

fn sign(
    cx: &mut Call<'_, '_>,
    key: &Jwk,
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, BuiltinError> {
    let scheme = match algorithm {
        Algorithm::Hmac(hash) => {
            let secret = secret(key).ok_or_else(|| wrong_key(key, &SECRET))?;
            return Ok(hash.hmac(&secret, message));
        }
        Algorithm::Scheme(scheme) => scheme,
    };
    let (wanted, kind) = match scheme {
        Scheme::RsaPkcs1(_) | Scheme::RsaPss(_) | Scheme::RsaPssSalted(_) => {
            (&RSA, Kind::RsaPrivate)
        }
        Scheme::EcdsaRaw(_) | Scheme::EcdsaHalves(_) | Scheme::EcdsaAsn1(_) => {
            (&ECDSA, Kind::EcPrivate)
        }
        Scheme::EdDsa => (&ED25519, Kind::OkpPrivate),
    };
    let private = match &key.material {
        Ok(Material::Private(private)) if key.kind == kind => private,
        Err(error) if key.kind == kind => return Err(wanted.refused(key, error)),
        _ => return Err(wrong_key(key, wanted)),
    };
    cx.charge(private.work())?;
    private
        .sign(scheme, message, &mut HostRandom::new(cx.host))
        .map_err(|error| match error {
            SignError::Key(text) => failed(text),
            SignError::NoRandom => failed("the host gives no random bytes"),
            SignError::WrongKind => wrong_key(key, wanted),
        })
}

/// The bytes of a key as a secret. Keys of Ed25519 are bytes to OPA's library, so they count.
fn secret(key: &Jwk) -> Option<Vec<u8>> {
    match &key.material {
        Ok(Material::Secret(secret)) => Some(secret.clone()),
        Ok(Material::Public(PublicKey::Ed25519(key))) => Some(key.to_vec()),
        Ok(Material::Private(private @ PrivateKey::Ed25519(seed))) => match private.public() {
            PublicKey::Ed25519(public) => Some([*seed, public].concat()),
            _ => None,
        },
        _ => None,
    }
}

/// Words of OPA's library for a key that an algorithm needs.
struct Wanted {
    required: &'static str,
    produced: &'static str,
    target: &'static str,
    prefix: &'static str,
}

const SECRET: Wanted = Wanted {
    required: "[]byte",
    produced: "[]byte",
    target: "*[]uint8",
    prefix: "keyconv: ",
};
const RSA: Wanted = Wanted {
    required: "*rsa.PrivateKey",
    produced: "rsa.PrivateKey",
    target: "*rsa.PrivateKey",
    prefix: "",
};
const ECDSA: Wanted = Wanted {
    required: "*ecdsa.PrivateKey",
    produced: "ecdsa.PrivateKey",
    target: "*ecdsa.PrivateKey",
    prefix: "keyconv: ",
};
const ED25519: Wanted = Wanted {
    required: "ed25519.PrivateKey",
    produced: "ed25519.PrivateKey",
    target: "*ed25519.PrivateKey",
    prefix: "",
};

impl Wanted {
    fn refused(&self, key: &Jwk, reason: &str) -> BuiltinError {
        let name = key.kind.go_type();
        let Wanted {
            required,
            produced,
            prefix,
            ..
        } = self;
        failed(format!(
            "jwsbb.Sign: invalid key type {name}. {required} is required: {prefix}failed to produce {produced} from {name}: {reason}"
        ))
    }
}

/// The error for a key of another kind than the algorithm's.
fn wrong_key(key: &Jwk, wanted: &Wanted) -> BuiltinError {
    let has = match (&key.material, key.kind) {
        (Ok(Material::Public(PublicKey::Ed25519(_))), _) => "ed25519.PublicKey",
        (Ok(Material::Private(PrivateKey::Ed25519(_))), _) => "ed25519.PrivateKey",
        (Ok(_), Kind::OkpPublic) => "*ecdh.PublicKey",
        (Ok(_), Kind::OkpPrivate) => "*ecdh.PrivateKey",
        (Err(error), Kind::OkpPublic | Kind::OkpPrivate) => return wanted.refused(key, error),
        (_, kind) => {
            let name = kind.go_type();
            return wanted.refused(
                key,
                &format!("jwk.Export: no suitable exporter found for key type '{name}'"),
            );
        }
    };
    let target = wanted.target;
    wanted.refused(
        key,
        &format!(
            "jwk.Export: failed to assign key: argument to AssignIfCompatible() must be compatible with {has} (was {target})"
        ),
    )
}
