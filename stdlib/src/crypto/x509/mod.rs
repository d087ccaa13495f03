//! Certificates, requests for them and private keys, in the shape that Go gives them.

mod algorithm;
mod certificate;
mod constraints;
mod der;
mod extensions;
mod json;
mod mailbox;
mod names;
mod oid;
mod policies;
mod private_key;
mod public_key;
mod request;
mod time;
mod unmarshal;
mod verify;

use std::borrow::Cow;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Object, Value, View};

use self::certificate::{Certificate, certificates};
use self::extensions::KEY_PURPOSES;
use self::json::Json;
use self::private_key::ParsedKey;
use self::public_key::SubjectKey;
use self::request::Request;
use self::verify::{Options, SERVER_AUTH};
use crate::encoding::base64_bytes;
use crate::keys::{PrivateKey, PublicKey, pem};
use crate::operand::{Outcome, failed, object, operands, plain_integer, string};
use crate::text::charge_bytes;

const BEGIN: &str = "-----BEGIN";
const CERTIFICATE: &str = "CERTIFICATE";

/// Bytes that a byte of input becomes: base64 of bytes and of their parts, and structures around them.
const GROWTH: usize = 16;

/// Charges for reading a text and for what it becomes.
fn charge_reading(cx: &mut Call<'_, '_>, len: usize) -> Result<(), BuiltinError> {
    charge_bytes(cx, len.saturating_mul(GROWTH))?;
    cx.reserve(len.saturating_mul(GROWTH))
}

/// The bytes as text. What is no text is in no block of PEM either.
fn readable(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The certificates of a text, one after the other: PEM, or base64 of PEM or DER.
fn certificate_bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.starts_with(BEGIN) {
        return certificate_blocks(text);
    }
    let bytes = base64_bytes(text)?;
    if bytes.starts_with(BEGIN.as_bytes()) {
        return certificate_blocks(&readable(&bytes));
    }
    Ok(bytes)
}

fn certificate_blocks(mut text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some((block, rest)) = pem::first(text) {
        if block.kind != CERTIFICATE {
            return Err(format!(
                "PEM block type is '{}', expected {CERTIFICATE}",
                block.kind
            ));
        }
        bytes.extend(block.bytes);
        text = rest;
    }
    Ok(bytes)
}

pub(super) fn parse_certificates<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Outcome<'a> {
    let [certs] = operands(arguments)?;
    let text = string(certs, 1)?;
    charge_reading(cx, text.len())?;
    let bytes = certificate_bytes(text).map_err(failed)?;
    let found = certificates(&bytes).map_err(failed)?;
    let json = Json(cx.arena);
    let shown = found.iter().map(|found| json.certificate(found, true));
    let shown = shown.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(cx.arena.array(&shown)))
}

pub(super) fn parse_and_verify<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [certs] = operands(arguments)?;
    verified(cx, string(certs, 1)?, None)
}

pub(super) fn parse_and_verify_with_options<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Outcome<'a> {
    let [certs, options] = operands(arguments)?;
    verified(cx, string(certs, 1)?, Some(object(options, 2)?))
}

/// If the certificates of a text are a chain, and the chain.
fn verified<'a>(cx: &mut Call<'a, '_>, text: &str, options: Option<Object<'a>>) -> Outcome<'a> {
    charge_reading(cx, text.len())?;
    let arena = cx.arena;
    let no = || Ok(Some(arena.array(&[Value::FALSE, arena.array(&[])])));
    let Ok(bytes) = certificate_bytes(text) else {
        return no();
    };
    let Ok(found) = certificates(&bytes) else {
        return no();
    };
    let url_texts = options.is_none();
    let options = read_options(options)?;
    if found.len() < 2 {
        return no();
    }
    let now = options.now.or_else(|| cx.host.now_ns().map(i128::from));
    let now = now.ok_or_else(|| failed("the host has no clock"))?;
    let Some(chain) = verify::chain(cx, &found, &options, now)? else {
        return no();
    };
    let json = Json(arena);
    let shown = chain
        .iter()
        .map(|certificate| json.certificate(certificate, url_texts));
    let shown = shown.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(arena.array(&[Value::TRUE, arena.array(&shown)])))
}

/// Names of extended key usages, in the order of their numbers.
const PURPOSE_NAMES: [&str; KEY_PURPOSES.len()] = [
    "KeyUsageAny",
    "KeyUsageServerAuth",
    "KeyUsageClientAuth",
    "KeyUsageCodeSigning",
    "KeyUsageEmailProtection",
    "KeyUsageIPSECEndSystem",
    "KeyUsageIPSECTunnel",
    "KeyUsageIPSECUser",
    "KeyUsageTimeStamping",
    "KeyUsageOCSPSigning",
    "KeyUsageMicrosoftServerGatedCrypto",
    "KeyUsageNetscapeServerGatedCrypto",
    "KeyUsageMicrosoftCommercialCodeSigning",
    "KeyUsageMicrosoftKernelCodeSigning",
];

fn read_options(given: Option<Object<'_>>) -> Result<Options, BuiltinError> {
    let mut options = Options {
        dns_name: String::new(),
        now: None,
        purposes: Vec::new(),
    };
    let integer = |name: &str, value: Value<'_>, kind: &str| {
        if !value.is_number() {
            return Err(failed(format!("'{name}' should be a number")));
        }
        plain_integer(value).ok_or_else(|| failed(format!("'{name}' should be a valid {kind}")))
    };
    for (key, value) in given.iter().flat_map(|given| given.iter()) {
        let Some(key) = key.as_str() else {
            continue;
        };
        match key {
            "DNSName" => {
                let name = value.as_str();
                let name = name.ok_or_else(|| failed("'DNSName' should be a string"))?;
                name.trim_matches('"').clone_into(&mut options.dns_name);
            }
            "CurrentTime" => {
                options.now = Some(i128::from(integer(key, value, "int64 number")?));
            }
            // Go has given up this limit: the comparisons are few.
            "MaxConstraintComparisons" => {
                integer(key, value, "number")?;
            }
            "KeyUsages" => options.purposes = purposes(value)?,
            _ => return Err(failed("invalid key option")),
        }
    }
    if options.purposes.is_empty() {
        options.purposes.push(SERVER_AUTH);
    }
    Ok(options)
}

fn purposes(value: Value<'_>) -> Result<Vec<usize>, BuiltinError> {
    let names: Vec<Value<'_>> = match value.view() {
        View::Array(names) => names.iter().collect(),
        View::Set(names) => names.iter().collect(),
        _ => return Err(failed("'KeyUsages' should be an Array or Set")),
    };
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in names.iter().filter_map(|name| name.as_str()) {
        let name = name.trim_matches('"');
        match PURPOSE_NAMES.iter().position(|known| *known == name) {
            Some(purpose) => found.push(purpose),
            None => unknown.push(name),
        }
    }
    if unknown.is_empty() {
        Ok(found)
    } else {
        let unknown = unknown.join(" ");
        Err(failed(format!(
            "invalid entries for 'KeyUsages' found: [{unknown}]"
        )))
    }
}

pub(super) fn parse_certificate_request<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Outcome<'a> {
    let [csr] = operands(arguments)?;
    let text = string(csr, 1)?;
    charge_reading(cx, text.len())?;
    let bytes = request_bytes(text).map_err(failed)?;
    let request = Request::read(&bytes).map_err(failed)?;
    Json(cx.arena).request(&request).map(Some)
}

fn request_bytes(text: &str) -> Result<Vec<u8>, String> {
    let bytes = if text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        text.as_bytes().to_vec()
    } else {
        base64_bytes(text)?
    };
    match pem::first(&readable(&bytes)) {
        Some((block, _)) if block.kind == "CERTIFICATE REQUEST" => Ok(block.bytes),
        Some(_) => Err("invalid PEM-encoded certificate signing request".to_owned()),
        None => Ok(bytes),
    }
}

/// All private keys of a text of PEM. Blocks of other kinds are skipped.
fn private_keys(cx: &mut Call<'_, '_>, text: &str) -> Result<Vec<ParsedKey>, BuiltinError> {
    let decoded = base64_bytes(text).ok();
    let text = match &decoded {
        Some(bytes) => readable(bytes),
        None => Cow::Borrowed(text),
    };
    let mut found = Vec::new();
    for block in pem::blocks(&text) {
        charge_key(cx, block.bytes.len())?;
        let key = match block.kind {
            "RSA PRIVATE KEY" => private_key::from_pkcs1(&block.bytes)
                .map(|key| ParsedKey::Signing(PrivateKey::Rsa(key))),
            "PRIVATE KEY" => private_key::from_pkcs8(&block.bytes),
            "EC PRIVATE KEY" => private_key::from_sec1(&block.bytes, None)
                .map(|key| ParsedKey::Signing(PrivateKey::Ec(key))),
            _ => continue,
        };
        found.push(key.map_err(failed)?);
    }
    Ok(found)
}

/// Checking a key multiplies and divides its numbers.
fn charge_key(cx: &mut Call<'_, '_>, len: usize) -> Result<(), BuiltinError> {
    let len = len as u64;
    cx.charge(len.saturating_mul(len) / 16 + 1)?;
    // In decimal digits, several times.
    cx.reserve(usize::try_from(len).unwrap_or(usize::MAX).saturating_mul(8))
}

pub(super) fn parse_private_keys<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Outcome<'a> {
    let [keys] = operands(arguments)?;
    let text = string(keys, 1)?;
    if text.is_empty() {
        return Ok(Some(Value::NULL));
    }
    charge_reading(cx, text.len())?;
    let found = private_keys(cx, text)?;
    let json = Json(cx.arena);
    let shown = found.iter().map(|key| json.private_key(key));
    Ok(Some(cx.arena.array_from(shown)))
}

pub(super) fn parse_rsa_private_key<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Outcome<'a> {
    let [pem] = operands(arguments)?;
    let text = string(pem, 1)?;
    if text.is_empty() {
        return Err(failed("input PEM data was empty"));
    }
    charge_reading(cx, text.len())?;
    let decoded = if text.starts_with(BEGIN) {
        None
    } else {
        Some(base64_bytes(text).map_err(failed)?)
    };
    let text = match &decoded {
        Some(bytes) => readable(bytes),
        None => Cow::Borrowed(text),
    };
    let found = private_keys(cx, &text)?;
    match found.first() {
        Some(key) => Json(cx.arena).web_key(key).map(Some),
        None => Ok(Some(Value::NULL)),
    }
}

pub(super) fn parse_keypair<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [cert, key] = operands(arguments)?;
    // OPA counts the key as the first operand too.
    let (cert, key) = (string(cert, 1)?, string(key, 1)?);
    charge_reading(cx, cert.len().saturating_add(key.len()))?;
    let cert = pem_or_bytes(cert).map_err(failed)?;
    let key = pem_or_bytes(key).map_err(failed)?;
    let chain = chain_of(cert).map_err(failed)?;
    let key = key_of(key).map_err(failed)?;
    let [first, ..] = chain.as_slice() else {
        return Ok(None);
    };
    let leaf = Certificate::only(first).map_err(failed)?;
    charge_key(cx, key.len())?;
    let key = any_key(&key).map_err(failed)?;
    match_key(leaf.key.as_ref(), &key).map_err(failed)?;
    Json(cx.arena).key_pair(&chain, &leaf, &key).map(Some)
}

/// Text of PEM, or the bytes that base64 stands for.
enum Given<'t> {
    Pem(Cow<'t, str>),
    Bytes(Vec<u8>),
}

fn pem_or_bytes(text: &str) -> Result<Given<'_>, String> {
    let begins = |bytes: &[u8]| bytes.starts_with(b"-----BEGIN ");
    if begins(text.as_bytes()) {
        return Ok(Given::Pem(Cow::Borrowed(text)));
    }
    let bytes = base64_bytes(text)?;
    Ok(if begins(&bytes) {
        Given::Pem(Cow::Owned(readable(&bytes).into_owned()))
    } else {
        Given::Bytes(bytes)
    })
}

/// The certificates of a key pair.
fn chain_of(given: Given<'_>) -> Result<Vec<Vec<u8>>, String> {
    let text = match given {
        Given::Bytes(bytes) => return Ok(vec![bytes]),
        Given::Pem(text) => text,
    };
    let (chain, others): (Vec<_>, Vec<_>) = pem::blocks(&text)
        .into_iter()
        .partition(|block| block.kind == CERTIFICATE);
    if !chain.is_empty() {
        return Ok(chain.into_iter().map(|block| block.bytes).collect());
    }
    let kinds: Vec<_> = others.iter().map(|block| block.kind).collect();
    Err(match kinds.as_slice() {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [kind] if kind.ends_with("PRIVATE KEY") => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".to_owned()
        }
        kinds => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            kinds.join(" ")
        ),
    })
}

/// The key of a key pair.
fn key_of(given: Given<'_>) -> Result<Vec<u8>, String> {
    let text = match given {
        Given::Bytes(bytes) => return Ok(bytes),
        Given::Pem(text) => text,
    };
    let mut skipped = Vec::new();
    for block in pem::blocks(&text) {
        if block.kind == "PRIVATE KEY" || block.kind.ends_with(" PRIVATE KEY") {
            return Ok(block.bytes);
        }
        skipped.push(block.kind);
    }
    Err(match skipped.as_slice() {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [CERTIFICATE] => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        kinds => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            kinds.join(" ")
        ),
    })
}

/// A key in whichever form it has.
fn any_key(bytes: &[u8]) -> Result<PrivateKey, String> {
    if let Ok(key) = private_key::from_pkcs1(bytes) {
        return Ok(PrivateKey::Rsa(key));
    }
    match private_key::from_pkcs8(bytes) {
        Ok(ParsedKey::Signing(key)) => return Ok(key),
        Ok(ParsedKey::X25519(_)) => {
            return Err("tls: found unknown private key type in PKCS#8 wrapping".to_owned());
        }
        Err(_) => {}
    }
    private_key::from_sec1(bytes, None)
        .map(PrivateKey::Ec)
        .map_err(|_| "tls: failed to parse private key".to_owned())
}

/// Fails unless the key is the one of the certificate.
fn match_key(public: Option<&SubjectKey>, private: &PrivateKey) -> Result<(), String> {
    let own = private.public();
    let (same_kind, same) = match (public, &own) {
        (Some(SubjectKey::Rsa(key)), PublicKey::Rsa(own)) => (true, key == own),
        (Some(SubjectKey::Ec(key)), PublicKey::Ec(own)) => (true, key == own),
        (Some(SubjectKey::Ed25519(key)), PublicKey::Ed25519(own)) => (true, key == own),
        (None | Some(SubjectKey::Dsa { .. }), _) => {
            return Err("tls: unknown public key algorithm".to_owned());
        }
        _ => (false, false),
    };
    match (same_kind, same) {
        (false, _) => Err("tls: private key type does not match public key type".to_owned()),
        (true, false) => Err("tls: private key does not match public key".to_owned()),
        (true, true) => Ok(()),
    }
}
