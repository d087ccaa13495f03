//! Hashes, message authentication, certificates and keys.

#[cfg(feature = "crypto")]
mod hashes;

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["crypto"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "crypto.md5",
        feature: "crypto",
        signature: "(x: str) -> y: str",
        doc: "The MD5 hash of the string's bytes in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.md5("hi")"#, r#""49f68a5c8493ec2c0bf489821c21fc3b""#)],
        body: hashes::md5,
    },
    builtin! {
        name: "crypto.sha1",
        feature: "crypto",
        signature: "(x: str) -> y: str",
        doc: "The SHA-1 hash of the string's bytes in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.sha1("hi")"#, r#""c22b5f9178342609428d6f51b2c5af4c0bde6a42""#)],
        body: hashes::sha1,
    },
    builtin! {
        name: "crypto.sha256",
        feature: "crypto",
        signature: "(x: str) -> y: str",
        doc: "The SHA-256 hash of the string's bytes in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.sha256("hi")"#, r#""8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4""#)],
        body: hashes::sha256,
    },
    builtin! {
        name: "crypto.hmac.md5",
        feature: "crypto",
        since: (0, 36),
        signature: "(x: str, key: str) -> y: str",
        doc: "The HMAC of the string's bytes with a key, by MD5, in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.hmac.md5("hi", "key")"#, r#""77bc290440dec41a4d5c6f3f769482fc""#)],
        body: hashes::hmac_md5,
    },
    builtin! {
        name: "crypto.hmac.sha1",
        feature: "crypto",
        since: (0, 36),
        signature: "(x: str, key: str) -> y: str",
        doc: "The HMAC of the string's bytes with a key, by SHA-1, in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.hmac.sha1("hi", "key")"#, r#""7a57c768a439a123a3f0957800ab4f9d38c7403b""#)],
        body: hashes::hmac_sha1,
    },
    builtin! {
        name: "crypto.hmac.sha256",
        feature: "crypto",
        since: (0, 36),
        signature: "(x: str, key: str) -> y: str",
        doc: "The HMAC of the string's bytes with a key, by SHA-256, in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.hmac.sha256("hi", "key")"#, r#""1c9dc82e5f8e5ed5a0180aad33b8204dea12fde2fb62ffb5e963035bf324a7a4""#)],
        body: hashes::hmac_sha256,
    },
    builtin! {
        name: "crypto.hmac.sha512",
        feature: "crypto",
        since: (0, 36),
        signature: "(x: str, key: str) -> y: str",
        doc: "The HMAC of the string's bytes with a key, by SHA-512, in hexadecimal.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.hmac.sha512("hi", "key")"#, r#""5b27423cfcc1e84ba3968c0553ec1a6b9ba3515246a234dbb3ac5e620f9abfd0c74027f6139d017b80a12219ac527c52a44e1c39757952277ce14456d516d619""#)],
        body: hashes::hmac_sha512,
    },
    builtin! {
        name: "crypto.hmac.equal",
        feature: "crypto",
        since: (0, 52),
        signature: "(mac1: str, mac2: str) -> result: bool",
        doc: "Whether two codes are equal, in a time that does not tell how much of them is.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.hmac.equal("ab", "ab")"#, "true"), (r#"crypto.hmac.equal("ab", "ac")"#, "false")],
        body: hashes::hmac_equal,
    },
];
