//! `http.send`.
//!
//! The body here reads the request, looks into the caches, follows redirects, tries again, and makes the answer. The
//! exchange with a server is the host's ([`regovm_core::host::Host::http`]).

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

#[cfg(feature = "http")]
mod cache;
#[cfg(feature = "http")]
mod exchange;
#[cfg(feature = "http")]
mod headers;
#[cfg(feature = "http")]
mod request;
#[cfg(feature = "http")]
mod response;
#[cfg(feature = "http")]
mod send;

const CATEGORIES: &[&str] = &["http"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "http.send",
    feature: "http",
    purity: Nondeterministic,
    signature: "(request: obj<str=>any>) -> response: obj<any=>any>",
    doc: "The response to an HTTP request. The request is an object; `method` and `url` are required. The host must allow the machine.",
    cost: Cost::Linear("bytes of request and response"),
    examples: [(r#"http.send({"method": "get"})"#, "")],
    body: send::send,
}];
