//! Signatures of Amazon Web Services, version 4: a request is written in one certain way, hashed, and authenticated with
//! a key that is derived from the secret for one day, region and service.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, Style};
use regovm_core::value::{Object, ObjectBuilder, SetBuilder, Value};
use sha2::{Digest, Sha256};

use crate::go::url_parts::UrlParts;
use crate::http_keys;
use crate::operand::{Outcome, failed, number, object, operands, plain_integer, wrong, wrong_type};
use crate::text::{charge_bytes, charge_text};

/// Configuration that has to be there, sorted.
const REQUIRED: &[&str] = &[
    "aws_access_key",
    "aws_region",
    "aws_secret_access_key",
    "aws_service",
];

/// Headers that a proxy may change; they are not signed.
const UNSIGNED: &[&str] = &["authorization", "user-agent", "x-amzn-trace-id"];

/// Who signs, and for what.
struct Credentials<'a> {
    access_key: &'a str,
    secret_key: &'a str,
    /// Empty if there is none.
    session_token: &'a str,
    region: &'a str,
    service: &'a str,
}

/// The text of a member; empty if it is missing or something else.
fn text_of<'a>(object: Object<'a>, key: &str) -> &'a str {
    object
        .get_str(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `operand 1`, a reason and the keys it is about, if there are any.
fn refuse<'a>(
    cx: &Call<'a, '_>,
    position: usize,
    reason: &str,
    keys: impl Iterator<Item = Value<'a>>,
) -> Result<(), BuiltinError> {
    let mut refused = SetBuilder::new();
    for key in keys {
        refused.insert(cx.arena, key)?;
    }
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused.finish(cx.arena);
    Err(wrong(position, &format!("{reason}: {refused}")))
}

fn credentials<'a>(cx: &Call<'a, '_>, config: Object<'a>) -> Result<Credentials<'a>, BuiltinError> {
    let keys = |fits: fn(Option<Value<'a>>) -> bool| {
        let keys = REQUIRED
            .iter()
            .filter(move |key| !fits(config.get_str(key)));
        keys.map(|key| cx.arena.string(key))
    };
    let missing = keys(|value| value.is_some());
    refuse(cx, 2, "missing required AWS config parameters(s)", missing)?;
    let invalid = keys(|value| value.is_some_and(Value::is_string));
    refuse(
        cx,
        2,
        "invalid values for required AWS config parameters(s)",
        invalid,
    )?;
    Ok(Credentials {
        access_key: text_of(config, "aws_access_key"),
        secret_key: text_of(config, "aws_secret_access_key"),
        session_token: text_of(config, "aws_session_token"),
        region: text_of(config, "aws_region"),
        service: text_of(config, "aws_service"),
    })
}

/// What is signed of a request.
struct Request<'a> {
    method: &'a str,
    url: UrlParts<'a>,
    headers: Option<Object<'a>>,
}

fn request<'a>(cx: &mut Call<'a, '_>, fields: Object<'a>) -> Result<Request<'a>, BuiltinError> {
    let known = |key: &&Value<'a>| {
        key.as_str()
            .is_some_and(|key| http_keys::ALLOWED.contains(&key))
    };
    let unknown = fields.keys().iter().filter(|key| !known(key)).copied();
    refuse(cx, 1, "invalid request parameters(s)", unknown)?;
    let lacking = |fits: fn(Option<Value<'a>>) -> bool| {
        let required = http_keys::REQUIRED.iter();
        let lacking = required.filter(move |key| !fits(fields.get_str(key)));
        lacking.map(|key| cx.arena.string(key))
    };
    let missing = lacking(|value| value.is_some());
    refuse(cx, 1, "missing required request parameters(s)", missing)?;
    let headers = match fields.get_str("headers") {
        // OPA counts from 0 here.
        Some(value) => Some(
            value
                .as_object()
                .ok_or_else(|| wrong_type(0, &["object"], value))?,
        ),
        None => None,
    };
    let invalid = lacking(|value| value.is_some_and(Value::is_string));
    refuse(
        cx,
        1,
        "invalid values for required request parameters(s)",
        invalid,
    )?;
    let url = text_of(fields, "url");
    charge_bytes(cx, url.len() * 4)?;
    Ok(Request {
        method: text_of(fields, "method"),
        url: UrlParts::parse(url).map_err(failed)?,
        headers,
    })
}

/// The hash of what is sent.
fn body_hash(cx: &mut Call<'_, '_>, fields: Object<'_>) -> Result<String, BuiltinError> {
    let body = match (fields.get_str("raw_body"), fields.get_str("body")) {
        (Some(_), _) => text_of(fields, "raw_body").to_owned(),
        (None, Some(body)) => {
            charge_text(cx, body)?;
            json::to_string(body, Style::Marshal)
        }
        (None, None) => String::new(),
    };
    charge_bytes(cx, body.len())?;
    Ok(hexadecimal(&Sha256::digest(body)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn authenticated(key: &[u8], text: &str) -> Result<Vec<u8>, BuiltinError> {
    // A key of any length is a key: a long one is hashed first.
    let mut code =
        Hmac::<Sha256>::new_from_slice(key).map_err(|error| failed(error.to_string()))?;
    code.update(text.as_bytes());
    Ok(code.finalize().into_bytes().to_vec())
}

/// `20160102T150405Z`
fn timestamp(time_ns: i64) -> String {
    let seconds = time_ns.div_euclid(1_000_000_000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March have their leap day at the end. They are counted in cycles of 400, from the year 0.
    let day = day + 719_468;
    let (cycle, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (400 * cycle + year, month + 3),
        _ => (400 * cycle + year + 1, month - 9),
    };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day_of_month:02}T{hour:02}{minute:02}{second:02}Z")
}

pub(super) fn sign_req<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [fields, config, time] = operands(arguments)?;
    // OPA counts all three as the first.
    let (fields, config) = (object(fields, 1)?, object(config, 1)?);
    let credentials = credentials(cx, config)?;
    let time = plain_integer(number(time, 1)?)
        .ok_or_else(|| wrong(3, "could not convert time_ns value into a unix timestamp"))?;
    let request = request(cx, fields)?;
    let body_hash = body_hash(cx, fields)?;
    let unsigned_body = match config.get_str("disable_payload_signing") {
        None => false,
        Some(flag) => flag.as_bool().ok_or_else(|| {
            wrong(
                2,
                "invalid value for 'disable_payload_signing' in AWS config",
            )
        })?,
    };
    let content = if unsigned_body {
        "UNSIGNED-PAYLOAD".to_owned()
    } else {
        body_hash
    };

    let time = timestamp(time);
    let mut added = vec![
        ("host", &request.url.host[..]),
        ("x-amz-date", time.as_bytes()),
    ];
    if matches!(credentials.service, "s3" | "glacier") {
        added.push(("x-amz-content-sha256", content.as_bytes()));
    }
    if !credentials.session_token.is_empty() {
        let token = credentials.session_token.as_bytes();
        added.push(("x-amz-security-token", token));
    }
    let headers: Vec<Header<'_>> = request
        .headers
        .iter()
        .flat_map(|headers| headers.iter())
        .map(|(key, value)| {
            let value = value.as_str().unwrap_or("");
            (key.as_str().unwrap_or(""), value.as_bytes())
        })
        .collect();
    let bytes = headers
        .iter()
        .map(|(key, value)| key.len() + value.len() + 32);
    let bytes = bytes.sum::<usize>();
    charge_bytes(cx, bytes * 4)?;
    cx.reserve(bytes * 3)?;

    let authorization = authorization(&request, &credentials, &headers, &added, &time, &content)?;
    let mut signed = ObjectBuilder::new();
    let authorization = ("Authorization", authorization.as_bytes());
    for (key, value) in headers.into_iter().chain([authorization]).chain(added) {
        let value = cx.arena.string(&String::from_utf8_lossy(value));
        signed.insert(cx.arena, cx.arena.string(key), value)?;
    }
    let mut out = ObjectBuilder::new();
    for (key, value) in fields.iter() {
        out.insert(cx.arena, key, value)?;
    }
    let signed = signed.finish(cx.arena);
    out.insert(cx.arena, cx.arena.string("headers"), signed)?;
    Ok(Some(out.finish(cx.arena)))
}

/// Name and value. The name of a host need not be text.
type Header<'a> = (&'a str, &'a [u8]);

/// The header that holds the signature.
fn authorization(
    request: &Request<'_>,
    credentials: &Credentials<'_>,
    headers: &[Header<'_>],
    added: &[Header<'_>],
    time: &str,
    content: &str,
) -> Result<String, BuiltinError> {
    let mut signed: BTreeMap<String, &[u8]> = added
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value))
        .collect();
    for (key, value) in headers {
        let key = key.to_lowercase();
        if !UNSIGNED.contains(&key.as_str()) {
            signed.insert(key, value);
        }
    }
    let names: Vec<&str> = signed.keys().map(String::as_str).collect();
    let names = names.join(";");
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        request.url.escaped_path(),
        request.url.raw_query,
    )
    .into_bytes();
    for (key, value) in &signed {
        canonical.extend([key.as_bytes(), b":", value, b"\n"].concat());
    }
    canonical.extend(format!("\n{names}\n{content}").bytes());

    let Credentials {
        access_key,
        secret_key,
        region,
        service,
        ..
    } = credentials;
    let date = &time[..8];
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let hash = hexadecimal(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in [date, region, service, "aws4_request"] {
        key = authenticated(&key, part)?;
    }
    let signature = hexadecimal(&authenticated(&key, &to_sign)?);
    Ok(format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        for (time, want) in [
            (0, "19700101T000000Z"),
            (-1, "19691231T235959Z"),
            (951_782_400_000_000_000, "20000229T000000Z"),
            (951_868_799_999_999_999, "20000229T235959Z"),
            (951_868_800_000_000_000, "20000301T000000Z"),
            (i64::MAX, "22620411T234716Z"),
            (i64::MIN, "16770921T001243Z"),
        ] {
            assert_eq!(timestamp(time), want);
        }
    }
}
