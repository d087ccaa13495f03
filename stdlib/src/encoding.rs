//! JSON, base64, hexadecimal and URL query text.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::json::{self, JsonError, ReadOptions, Style};
use regovm_core::value::{Arena, ArrayBuilder, ObjectBuilder, Value, View};
use regovm_core::work;

use crate::declare::builtin;
use crate::go::quote::{Charset, push_quoted_bytes, push_quoted_char};
use crate::operand::{Outcome, failed, object, operands, string, wrong, wrong_type};
use crate::text::{Text, charge_bytes, written};

const CATEGORIES: &[&str] = &["encoding"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "json.marshal",
        signature: "(x: any) -> y: str",
        doc: "The value as JSON on one line. Sets become sorted arrays, and <, > and & are written as escapes.",
        cost: Cost::Linear("bytes of the result"),
        examples: [(r#"json.marshal({"a": {2, 1}, "b": "<"})"#, r#""{\"a\":[1,2],\"b\":\"\\u003c\"}""#)],
        body: marshal,
    },
    builtin! {
        name: "json.marshal_with_options",
        since: (0, 64),
        signature: r#"(x: any, opts: obj<"indent": str, "prefix": str, "pretty": bool, str=>any>) -> y: str"#,
        doc: "The value as JSON, on several lines if `pretty` is true or a prefix or indent is given. The indent is a tab unless given.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"json.marshal_with_options([1], {"indent": "  "})"#, r#""[\n  1\n]""#),
            (r#"json.marshal_with_options([1], {})"#, r#""[1]""#),
        ],
        body: marshal_with_options,
    },
    builtin! {
        name: "json.unmarshal",
        signature: "(x: str) -> y: any",
        doc: "The value that a JSON text stands for. Of repeated keys the last one counts.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"json.unmarshal(`{"a": [1.50]}`)"#, r#"{"a": [1.50]}"#), (r#"json.unmarshal("{")"#, "")],
        body: unmarshal,
    },
    builtin! {
        name: "json.is_valid",
        since: (0, 25),
        signature: "(x: str) -> result: bool",
        doc: "Whether the string is a JSON text. Of anything but a string it is false.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"json.is_valid("[1]")"#, "true"), (r#"json.is_valid("{")"#, "false")],
        body: is_valid,
    },
    builtin! {
        name: "base64.encode",
        signature: "(x: str) -> y: str",
        doc: "The bytes of the string in base64, with padding.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64.encode("hello?>")"#, r#""aGVsbG8/Pg==""#)],
        body: base64_encode,
    },
    builtin! {
        name: "base64.decode",
        signature: "(x: str) -> y: str",
        doc: "The string whose bytes a base64 text stands for. Padding is required, line ends are skipped. Bytes that are no UTF-8 become U+FFFD.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64.decode("aGVsbG8=")"#, r#""hello""#), (r#"base64.decode("aGVsbG8")"#, "")],
        body: base64_decode,
    },
    builtin! {
        name: "base64.is_valid",
        since: (0, 24),
        signature: "(x: str) -> result: bool",
        doc: "Whether base64.decode could read the string. Of anything but a string it is false.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64.is_valid("aGk=")"#, "true"), (r#"base64.is_valid("a")"#, "false")],
        body: base64_is_valid,
    },
    builtin! {
        name: "base64url.encode",
        signature: "(x: str) -> y: str",
        doc: "The bytes of the string in base64 with - and _, with padding.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64url.encode("hello?>")"#, r#""aGVsbG8_Pg==""#)],
        body: base64url_encode,
    },
    builtin! {
        name: "base64url.encode_no_pad",
        since: (0, 25),
        signature: "(x: str) -> y: str",
        doc: "The bytes of the string in base64 with - and _, without padding.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64url.encode_no_pad("hello?>")"#, r#""aGVsbG8_Pg""#)],
        body: base64url_encode_no_pad,
    },
    builtin! {
        name: "base64url.decode",
        signature: "(x: str) -> y: str",
        doc: "The string whose bytes a base64 text with - and _ stands for. Padding may be missing.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"base64url.decode("aGVsbG8_Pg")"#, r#""hello?>""#)],
        body: base64url_decode,
    },
    builtin! {
        name: "hex.encode",
        since: (0, 25),
        signature: "(x: str) -> y: str",
        doc: "The bytes of the string in hexadecimal, in small letters.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"hex.encode("hi")"#, r#""6869""#)],
        body: hex_encode,
    },
    builtin! {
        name: "hex.decode",
        since: (0, 25),
        signature: "(x: str) -> y: str",
        doc: "The string whose bytes a hexadecimal text stands for. Bytes that are no UTF-8 become U+FFFD.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"hex.decode("6869")"#, r#""hi""#), (r#"hex.decode("6")"#, "")],
        body: hex_decode,
    },
    builtin! {
        name: "urlquery.encode",
        signature: "(x: str) -> y: str",
        doc: "The string escaped for a URL query: spaces become +.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"urlquery.encode("a b&ü")"#, r#""a+b%26%C3%BC""#)],
        body: urlquery_encode,
    },
    builtin! {
        name: "urlquery.decode",
        signature: "(x: str) -> y: str",
        doc: "The string that an escaped text of a URL query stands for.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"urlquery.decode("a+b%26")"#, r#""a b&""#), (r#"urlquery.decode("%zz")"#, "")],
        body: urlquery_decode,
    },
    builtin! {
        name: "urlquery.encode_object",
        signature: "(object: obj<str=>str|[str]|{str}>) -> y: str",
        doc: "A URL query of keys and values, sorted by key. A key with several values is repeated.",
        cost: Cost::Linear("bytes of the result"),
        examples: [(r#"urlquery.encode_object({"b": ["1", "2"], "a": "x y"})"#, r#""a=x+y&b=1&b=2""#)],
        body: urlquery_encode_object,
    },
    builtin! {
        name: "urlquery.decode_object",
        since: (0, 24),
        signature: "(x: str) -> object: obj<str=>[str]>",
        doc: "The keys of a URL query with all their values.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"urlquery.decode_object("a=1&b=2&a=3")"#, r#"{"a": ["1", "3"], "b": ["2"]}"#)],
        body: urlquery_decode_object,
    },
];

fn marshal<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let (text, _memory) = written(cx, x, |x| json::to_string(x, Style::Marshal))?;
    Ok(Some(cx.arena.string(&text)))
}

fn marshal_with_options<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, options] = operands(arguments)?;
    let (mut prefix, mut indent) = ("", "\t");
    let (mut implied, mut pretty) = (false, None);
    for (i, (key, value)) in object(options, 2)?.iter().enumerate() {
        let wrong = |text: String| wrong(2, &text);
        let Some(name) = key.as_str() else {
            let got = key.kind().name();
            return Err(wrong(format!(
                "failed to stringify key {key} at index {i}: operand {i} must be string but got {got}"
            )));
        };
        let text = || {
            value.as_str().ok_or_else(|| {
                let got = value.kind().name();
                wrong(format!(
                    "key {key} failed cast to string: operand {i} must be string but got {got}"
                ))
            })
        };
        match name {
            "prefix" => {
                prefix = text()?;
                implied = true;
            }
            "indent" => {
                indent = text()?;
                implied = true;
            }
            "pretty" => {
                let given = value.as_bool();
                pretty =
                    Some(given.ok_or_else(|| wrong(format!("key {key} failed cast to bool")))?);
            }
            _ => return Err(wrong(format!("object contained unknown key {key}"))),
        }
    }
    let (compact, _memory) = written(cx, x, |x| json::to_string(x, Style::Marshal))?;
    if !pretty.unwrap_or(implied) {
        return Ok(Some(cx.arena.string(&compact)));
    }
    let mut out = Text::new(cx);
    push_indented(&mut out, &compact, prefix, indent)?;
    Ok(Some(out.finish()))
}

/// JSON on one line, laid out anew: every line begins with the prefix and the indents.
fn push_indented(
    out: &mut Text<'_, '_, '_>,
    compact: &str,
    prefix: &str,
    indent: &str,
) -> Result<(), BuiltinError> {
    let line = |out: &mut Text<'_, '_, '_>, depth: usize| {
        out.push('\n')?;
        out.push_str(prefix)?;
        (0..depth).try_for_each(|_| out.push_str(indent))
    };
    out.push_str(prefix)?;
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c)?;
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '[' | '{' => {
                out.push(c)?;
                if let Some(close) = chars.next_if(|next| matches!(next, ']' | '}')) {
                    out.push(close)?;
                } else {
                    depth += 1;
                    line(out, depth)?;
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                line(out, depth)?;
                out.push(c)?;
            }
            ',' => {
                out.push(c)?;
                line(out, depth)?;
            }
            ':' => out.push_str(": ")?,
            c => {
                in_string = c == '"';
                out.push(c)?;
            }
        }
    }
    Ok(())
}

/// The error of Go's decoder of streams for a text that is no JSON.
pub(crate) fn json_error(text: &str, error: JsonError) -> BuiltinError {
    match error.memory {
        Some(memory) => memory.into(),
        // Go's decoder of streams, which OPA uses here, has other words for the end.
        None if error.message == "unexpected end of JSON input" => {
            let blank = text.trim_matches([' ', '\t', '\r', '\n']).is_empty();
            failed(if blank { "EOF" } else { "unexpected EOF" })
        }
        None => failed(error.message),
    }
}

fn unmarshal<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    unmarshalled(cx, string(x, 1)?).map(Some)
}

/// The value that a JSON text stands for.
pub(crate) fn unmarshalled<'a>(
    cx: &mut Call<'a, '_>,
    text: &'a str,
) -> Result<Value<'a>, BuiltinError> {
    charge_bytes(cx, text.len() * 2)?;
    let result = unmarshal_text(cx.arena, text);
    // The reading may have ended early.
    cx.look()?;
    result
}

fn unmarshal_text<'a>(arena: &'a Arena, text: &'a str) -> Result<Value<'a>, BuiltinError> {
    let read = |text: &'a str| json::read_borrowed(text.as_bytes(), arena, ReadOptions::default());
    let trailing = |error: &JsonError| error.message.ends_with("after top-level value");
    let at = match read(text) {
        Err(error) if trailing(&error) => error.offset,
        other => return other.map_err(|error| json_error(text, error)),
    };
    // OPA looks at the next token, and lets a null pass with all that follows.
    let (first, rest) = text.split_at(at);
    if !rest.starts_with(['{', '[']) {
        let token = match read(rest) {
            Err(error) if trailing(&error) => read(&rest[..error.offset]),
            other => other,
        };
        let token = token.map_err(|error| json_error(rest, error))?;
        let shown = match token.view() {
            View::Null => {
                return read(first).map_err(|error| json_error(first, error));
            }
            View::Boolean(value) => format!("%!s(bool={value})"),
            View::String(text) => text.to_string(),
            _ => token.to_string(),
        };
        return Err(failed(format!(
            "error: invalid character '{shown}' after top-level value"
        )));
    }
    let shown = &rest[..1];
    Err(failed(format!(
        "error: invalid character '{shown}' after top-level value"
    )))
}

fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let Some(text) = x.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, text.len() * 2)?;
    let read = json::read_borrowed(text.as_bytes(), cx.arena, ReadOptions::default());
    // The reading may have ended early.
    cx.look()?;
    match read {
        Ok(_) => Ok(Some(Value::TRUE)),
        Err(JsonError {
            memory: Some(memory),
            ..
        }) => Err(memory.into()),
        Err(_) => Ok(Some(Value::FALSE)),
    }
}

/// Go accepts bits after the last byte that are not zero.
const STRICT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, STRICT);
const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, STRICT);
const URL_UNPADDED: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, STRICT.with_encode_padding(false));

fn encoded<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
    engine: &GeneralPurpose,
) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    let mut out = Text::new(cx);
    out.room(text.len() / 3 * 4 + 4)?;
    // Blocks of whole groups of three bytes, so that only the last one is padded.
    for block in text.as_bytes().chunks(3 << 14) {
        out.push_str(&engine.encode(block))?;
    }
    Ok(Some(out.finish()))
}

fn base64_encode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    encoded(cx, arguments, &STANDARD)
}

fn base64url_encode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    encoded(cx, arguments, &URL)
}

fn base64url_encode_no_pad<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    encoded(cx, arguments, &URL_UNPADDED)
}

/// The bytes, or how many characters of the text were fine. Line ends do not count.
fn decoded(text: &str, engine: &GeneralPurpose) -> Result<Vec<u8>, usize> {
    let bare: String = text
        .chars()
        .filter(|c| work::effort(1) && !matches!(c, '\n' | '\r'))
        .collect();
    let mut bytes = Vec::with_capacity(bare.len() / 4 * 3 + 3);
    let mut blocks = bare.as_bytes().chunks(4 << 14).peekable();
    while let Some(block) = blocks.next() {
        work::effort_bytes(4 * block.len());
        let padded = blocks.peek().is_some() && block.ends_with(b"=");
        if padded || engine.decode_vec(block, &mut bytes).is_err() {
            return Err(first_wrong(text, engine));
        }
    }
    Ok(bytes)
}

/// The bytes of a base64 text, or Go's error.
pub(crate) fn base64_bytes(text: &str) -> Result<Vec<u8>, String> {
    decoded(text, &STANDARD).map_err(illegal_base64)
}

/// The position that Go names in its error.
fn first_wrong(text: &str, engine: &GeneralPurpose) -> usize {
    let url = engine.encode([0xff]).starts_with('_');
    let known = |b: u8| {
        b.is_ascii_alphanumeric()
            || if url {
                matches!(b, b'-' | b'_')
            } else {
                matches!(b, b'+' | b'/')
            }
    };
    let line_end = |b: u8| matches!(b, b'\n' | b'\r');
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        // One quantum of four characters.
        let start = at;
        for position in 0..4 {
            while at < bytes.len() && line_end(bytes[at]) {
                at += 1;
            }
            let Some(&byte) = bytes.get(at) else {
                // What is missing is padding, after the last full quantum.
                return if position == 0 { at } else { at - position };
            };
            at += 1;
            if known(byte) {
                continue;
            }
            if byte != b'=' || position < 2 {
                return at - 1;
            }
            if position == 2 {
                while at < bytes.len() && line_end(bytes[at]) {
                    at += 1;
                }
                match bytes.get(at) {
                    None => return bytes.len(),
                    Some(b'=') => at += 1,
                    Some(_) => return at - 1,
                }
            }
            while at < bytes.len() && line_end(bytes[at]) {
                at += 1;
            }
            return at;
        }
        if at == start {
            return at;
        }
    }
}

pub(crate) fn lossy<'a>(cx: &mut Call<'a, '_>, bytes: &[u8]) -> Outcome<'a> {
    let mut out = Text::new(cx);
    push_lossy(&mut out, bytes)?;
    Ok(Some(out.finish()))
}

/// Bytes as text; every byte that belongs to no character becomes U+FFFD, as when Go prints it.
fn push_lossy(out: &mut Text<'_, '_, '_>, bytes: &[u8]) -> Result<(), BuiltinError> {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid())?;
        out.repeat(char::REPLACEMENT_CHARACTER, chunk.invalid().len())?;
    }
    Ok(())
}

fn base64_decode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    let _memory = cx.claim(text.len().saturating_mul(2))?;
    let bytes = base64_bytes(text).map_err(failed)?;
    lossy(cx, &bytes)
}

fn illegal_base64(at: usize) -> String {
    format!("illegal base64 data at input byte {at}")
}

fn base64_is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let Some(text) = x.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, text.len())?;
    let _memory = cx.claim(text.len().saturating_mul(2))?;
    Ok(Some(Value::boolean(decoded(text, &STANDARD).is_ok())))
}

fn base64url_decode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let bytes = base64url_bytes(cx, string(x, 1)?)?;
    lossy(cx, &bytes)
}

/// The bytes that a base64 text with - and _ stands for. Padding may be missing.
pub(crate) fn base64url_bytes(cx: &mut Call<'_, '_>, text: &str) -> Result<Vec<u8>, BuiltinError> {
    charge_bytes(cx, text.len())?;
    let _memory = cx.claim(text.len().saturating_mul(3))?;
    let mut padded = text.to_owned();
    if !text.ends_with('=') {
        match text.len() % 4 {
            0 => {}
            2 => padded.push_str("=="),
            3 => padded.push('='),
            _ => return Err(failed(format!("illegal base64url string: {text}"))),
        }
    }
    decoded(&padded, &URL).map_err(|at| failed(illegal_base64(at)))
}

fn hex_encode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    let mut out = Text::new(cx);
    out.room(text.len().saturating_mul(2))?;
    for byte in text.bytes() {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'))?;
        }
    }
    Ok(Some(out.finish()))
}

fn hex_decode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    let _memory = cx.claim(text.len())?;
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    if let Some(wrong) = bytes.iter().find(|byte| digit(**byte).is_none()) {
        // Go shows the byte as a character of its own.
        let mut shown = String::new();
        push_quoted_char(&mut shown, *wrong as char, Charset::Unicode);
        let shown = shown.trim_matches('\'').to_owned();
        return Err(failed(format!(
            "encoding/hex: invalid byte: U+{wrong:04X} '{shown}'"
        )));
    }
    if bytes.len() % 2 == 1 {
        return Err(failed("encoding/hex: odd length hex string"));
    }
    let decoded: Vec<u8> = bytes
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .fold(0, |byte, half| byte << 4 | digit(*half).unwrap_or(0))
        })
        .collect();
    lossy(cx, &decoded)
}

pub(crate) fn push_query_escaped(
    out: &mut Text<'_, '_, '_>,
    text: &str,
) -> Result<(), BuiltinError> {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char)?
            }
            b' ' => out.push('+')?,
            _ => out.push_str(&format!("%{byte:02X}"))?,
        }
    }
    Ok(())
}

/// The bytes behind `%xx` and `+`, or the escape that is none.
pub(crate) fn query_unescaped(text: &str) -> Result<Vec<u8>, &[u8]> {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut unescaped = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        work::effort(1);
        at += 1;
        match byte {
            b'%' => match (hex(at), hex(at + 1)) {
                (Some(high), Some(low)) => {
                    unescaped.push((high * 16 + low) as u8);
                    at += 2;
                }
                _ => return Err(&bytes[at - 1..(at + 2).min(bytes.len())]),
            },
            b'+' => unescaped.push(b' '),
            byte => unescaped.push(byte),
        }
    }
    Ok(unescaped)
}

/// Go cuts within characters here, and shows the bytes.
fn invalid_escape(escape: &[u8]) -> BuiltinError {
    let mut message = "invalid URL escape ".to_owned();
    push_quoted_bytes(&mut message, escape);
    failed(message)
}

fn urlquery_encode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    let mut out = Text::new(cx);
    out.room(text.len())?;
    push_query_escaped(&mut out, text)?;
    Ok(Some(out.finish()))
}

fn urlquery_decode<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    let _memory = cx.claim(text.len())?;
    let bytes = query_unescaped(text).map_err(invalid_escape)?;
    lossy(cx, &bytes)
}

fn urlquery_encode_object<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let Some(members) = x.as_object() else {
        return Err(wrong_type(1, &["object"], x));
    };
    let wrong_value = || wrong(1, "values must be string, array[string], or set[string]");
    let mut pairs: Vec<(String, &str)> = Vec::new();
    let mut memory = cx.claim(0)?;
    for (key, value) in members.iter() {
        // Keys that are no strings count by their JSON text.
        let key = key
            .as_str()
            .map_or_else(|| json::to_string(key, Style::Marshal), str::to_owned);
        let values = match value.view() {
            View::String(_) => std::slice::from_ref(&value),
            View::Array(values) => values.as_slice(),
            View::Set(values) => values.as_sorted_slice(),
            _ => return Err(wrong_value()),
        };
        cx.charge(values.len() as u64 + 1)?;
        let pair = 2 * size_of::<(String, &str)>() + key.len();
        memory.grow(cx.arena, values.len().saturating_mul(pair))?;
        for value in values {
            pairs.push((key.clone(), value.as_str().ok_or_else(wrong_value)?));
        }
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut out = Text::new(cx);
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push('&')?;
        }
        push_query_escaped(&mut out, key)?;
        out.push('=')?;
        push_query_escaped(&mut out, value)?;
    }
    Ok(Some(out.finish()))
}

fn urlquery_decode_object<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    cx.reserve(text.len() * 4)?;
    let mut values: std::collections::BTreeMap<Value<'a>, ArrayBuilder<'a>> =
        std::collections::BTreeMap::new();
    // Go goes on after an error and reports the first one, but semicolons before all.
    let mut error = None;
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        cx.charge(1)?;
        if pair.contains(';') {
            error = Some(failed("invalid semicolon separator in query"));
            continue;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (query_unescaped(key), query_unescaped(value)) {
            (Ok(key), Ok(value)) => {
                let key = lossy(cx, &key)?.unwrap_or(Value::NULL);
                let value = lossy(cx, &value)?.unwrap_or(Value::NULL);
                values.entry(key).or_default().push(cx.arena, value)?;
            }
            (Err(escape), _) | (_, Err(escape)) => {
                error.get_or_insert_with(|| invalid_escape(escape));
            }
        }
    }
    if let Some(error) = error {
        return Err(error);
    }
    let mut object = ObjectBuilder::new();
    for (key, values) in values {
        object.insert(cx.arena, key, values.finish(cx.arena))?;
    }
    Ok(Some(object.finish(cx.arena)))
}
