//! URIs and their parts.

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::{ObjectBuilder, Value};

use crate::declare::builtin;
use crate::go::url_parts::UrlParts;
use crate::operand::{Outcome, failed, operands, string};
use crate::text::charge_bytes;

const CATEGORIES: &[&str] = &["uri"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "uri.parse",
        since: (1, 16),
        signature: "(uri: str) -> output: obj<str=>str>",
        doc: "The parts of a URI that it has: scheme, hostname, port, path (and raw_path, with those escapes that need not be there), raw_query and fragment.",
        cost: Cost::Linear("bytes"),
        examples: [
            (
                r#"uri.parse("https://example.com:8080/a%2Fb?x=1#y")"#,
                r#"{"scheme": "https", "hostname": "example.com", "port": "8080", "path": "/a/b", "raw_path": "/a%2Fb", "raw_query": "x=1", "fragment": "y"}"#
            ),
            (r#"uri.parse("http://[::1")"#, ""),
        ],
        body: parse,
    },
    builtin! {
        name: "uri.is_valid",
        since: (1, 16),
        signature: "(uri: str) -> result: bool",
        doc: "Whether uri.parse could read the string. Of the empty string and of anything but a string it is false.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"uri.is_valid("/a?b")"#, "true"), (r#"uri.is_valid("a b:c")"#, "false")],
        body: is_valid,
    },
];

fn parse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [uri] = operands(arguments)?;
    let text = string(uri, 1)?;
    charge_bytes(cx, text.len() * 4)?;
    cx.reserve(text.len() * 4)?;
    let url = UrlParts::parse(text).map_err(failed)?;
    let (hostname, port) = url.hostname_and_port();
    // Go keeps the spelling of a path only if it would not write it like that itself.
    let raw_path = if url.default_path() == url.raw_path {
        &url.path[..]
    } else {
        url.raw_path.as_bytes()
    };
    let parts: [(&str, &[u8]); 7] = [
        ("scheme", url.scheme.as_bytes()),
        ("hostname", hostname),
        ("port", port),
        ("path", &url.path),
        ("raw_path", raw_path),
        ("raw_query", url.raw_query.as_bytes()),
        ("fragment", &url.fragment),
    ];
    let mut object = ObjectBuilder::new();
    for (name, part) in parts {
        if !part.is_empty() {
            let part = cx.arena.string(&String::from_utf8_lossy(part));
            object.insert(cx.arena, cx.arena.string(name), part)?;
        }
    }
    Ok(Some(object.finish(cx.arena)))
}

fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [uri] = operands(arguments)?;
    let Some(text) = uri.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, text.len() * 4)?;
    Ok(Some(Value::boolean(
        !text.is_empty() && UrlParts::parse(text).is_ok(),
    )))
}
