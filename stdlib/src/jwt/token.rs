//! Tokens taken apart.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Object, Value};

use crate::encoding::{base64url_bytes, lossy, unmarshalled};
use crate::keys::jwk::prefixed;
use crate::operand::{Outcome, failed, operands, string};
use crate::text::charge_bytes;

/// The parts of a token as they were written.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Token<'a> {
    pub(super) fn of_text(cx: &mut Call<'a, '_>, text: &'a str) -> Result<Token<'a>, BuiltinError> {
        charge_bytes(cx, text.len())?;
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        match parts.as_slice() {
            [_] => Err(failed("encoded JWT had no period separators")),
            [header, payload, signature] => Ok(Token {
                header,
                payload,
                signature,
            }),
            _ => Err(failed(format!(
                "encoded JWT must have 3 sections, found {}",
                text.split('.').count()
            ))),
        }
    }

    /// What the signature is of.
    pub(super) fn signed(&self) -> Vec<u8> {
        [self.header, ".", self.payload].concat().into_bytes()
    }

    pub(super) fn header(&self, cx: &mut Call<'a, '_>) -> Result<Object<'a>, BuiltinError> {
        let text = part(cx, "header", self.header)?;
        let header = object(cx, text).map_err(|error| prefixed("bad JWT header: ", error))?;
        if header.get_str("enc").is_some() {
            return Err(failed("JWT is a JWE object, which is not supported"));
        }
        Ok(header)
    }

    /// The text of the payload.
    pub(super) fn payload(&self, cx: &mut Call<'a, '_>) -> Result<&'a str, BuiltinError> {
        part(cx, "payload", self.payload)
    }

    pub(super) fn signature(&self, cx: &mut Call<'a, '_>) -> Result<Vec<u8>, BuiltinError> {
        base64url_bytes(cx, self.signature)
    }
}

/// The text that a part stands for.
fn part<'a>(cx: &mut Call<'a, '_>, name: &str, part: &str) -> Result<&'a str, BuiltinError> {
    let bytes = base64url_bytes(cx, part)
        .map_err(|error| prefixed(&format!("JWT {name} had invalid encoding: "), error))?;
    let text = lossy(cx, &bytes)?.and_then(Value::as_str);
    Ok(text.unwrap_or_default())
}

/// The object that a text stands for.
pub(super) fn object<'a>(cx: &mut Call<'a, '_>, text: &'a str) -> Result<Object<'a>, BuiltinError> {
    unmarshalled(cx, text)
        .map_err(|error| prefixed("invalid JSON: ", error))?
        .as_object()
        .ok_or_else(|| failed("decoded JSON type was not an Object"))
}

/// The value of an object.
pub(super) fn value<'a>(cx: &Call<'a, '_>, object: Object<'a>) -> Value<'a> {
    let members: Vec<_> = object.iter().collect();
    cx.arena.object_from(members)
}

pub(super) fn decode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [jwt] = operands(arguments)?;
    let mut text = string(jwt, 1)?;
    // A payload may be a token itself; each is shorter than the one around it.
    loop {
        let token = Token::of_text(cx, text)?;
        let header = token.header(cx)?;
        let payload = token.payload(cx)?;
        if let Some(content) = header.get_str("cty") {
            let content = content
                .as_str()
                .ok_or_else(|| failed("cty: must be a string"))?;
            if content == "JWT" {
                text = payload.trim_matches(['"', '\'']);
                continue;
            }
        }
        let payload = object(cx, payload)?;
        let signature = token
            .signature(cx)
            .map_err(|error| prefixed("JWT signature had invalid encoding: ", error))?;
        let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [
            value(cx, header),
            value(cx, payload),
            cx.arena.string(&signature),
        ];
        return Ok(Some(cx.arena.array(&parts)));
    }
}

/// What the header of a token says about its signature.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) alg: &'a str,
    pub(super) kid: &'a str,
    pub(super) cty: &'a str,
    critical: Vec<&'a str>,
    unknown: Vec<&'a str>,
}

impl<'a> Header<'a> {
    pub(super) fn read(object: Object<'a>) -> Result<Header<'a>, BuiltinError> {
        let mut header = Header::default();
        for (name, value) in object.iter() {
            let name = name.as_str().unwrap_or_default();
            let text = || {
                value
                    .as_str()
                    .ok_or_else(|| failed(format!("{name}: must be a string")))
            };
            match name {
                "alg" => header.alg = text()?,
                "kid" => header.kid = text()?,
                "cty" => header.cty = text()?,
                "typ" => {
                    text()?;
                }
                "crit" => {
                    let names = value
                        .as_array()
                        .ok_or_else(|| failed("crit: must be a list"))?;
                    header.critical = names.iter().map_while(|name| name.as_str()).collect();
                    if header.critical.is_empty() {
                        return Err(failed("crit: must be a nonempty list"));
                    }
                }
                _ => header.unknown.push(name),
            }
        }
        Ok(header)
    }

    /// If it names an algorithm, and nothing as critical that is not known.
    pub(super) fn is_valid(&self) -> bool {
        !self.alg.is_empty() && !self.unknown.iter().any(|name| self.critical.contains(name))
    }
}
