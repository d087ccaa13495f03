//! Hashes, message authentication, certificates and keys.

#[cfg(feature = "crypto")]
mod hashes;
#[cfg(feature = "x509")]
mod x509;

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
    builtin! {
        name: "crypto.x509.parse_certificates",
        feature: "x509",
        signature: "(certs: str) -> output: [obj<str=>any>]",
        doc: "The certificates of a text: PEM, or base64 of PEM or DER.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.x509.parse_certificates("")"#, "[]"), (r#"crypto.x509.parse_certificates("MAA=")"#, "")],
        body: x509::parse_certificates,
    },
    builtin! {
        name: "crypto.x509.parse_and_verify_certificates",
        feature: "x509",
        since: (0, 31),
        signature: "(certs: str) -> output: [bool, [obj<str=>any>]]",
        doc: "Whether the last certificate of a text is signed by way of those before it by the first one, for the use of a server and now; and the chain.",
        cost: Cost::Superlinear("bytes, and up to 100 signatures"),
        examples: [(r#"crypto.x509.parse_and_verify_certificates("")"#, "[false, []]")],
        body: x509::parse_and_verify,
    },
    builtin! {
        name: "crypto.x509.parse_and_verify_certificates_with_options",
        feature: "x509",
        since: (0, 63),
        signature: "(certs: str, options: obj<str=>any>) -> output: [bool, [obj<str=>any>]]",
        doc: "Whether the last certificate of a text is signed by way of those before it by the first one, and the chain. Options: `DNSName`, `CurrentTime` in nanoseconds, `KeyUsages`, `MaxConstraintComparisons`.",
        cost: Cost::Superlinear("bytes, and up to 100 signatures"),
        examples: [(r#"crypto.x509.parse_and_verify_certificates_with_options("", {"CurrentTime": 0})"#, "[false, []]")],
        body: x509::parse_and_verify_with_options,
    },
    builtin! {
        name: "crypto.x509.parse_certificate_request",
        feature: "x509",
        since: (0, 21),
        signature: "(csr: str) -> output: obj<str=>any>",
        doc: "A request for a certificate: PEM, or base64 of PEM or DER.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"crypto.x509.parse_certificate_request("MAA=")"#, "")],
        body: x509::parse_certificate_request,
    },
    builtin! {
        name: "crypto.x509.parse_keypair",
        feature: "x509",
        since: (0, 53),
        signature: "(cert: str, pem: str) -> output: obj<str=>any>",
        doc: "A certificate and its private key: PEM, or base64 of PEM or DER. Undefined unless they belong together.",
        cost: Cost::Superlinear("bytes"),
        examples: [(r#"crypto.x509.parse_keypair("MAA=", "MAA=")"#, "")],
        body: x509::parse_keypair,
    },
    builtin! {
        name: "crypto.x509.parse_rsa_private_key",
        feature: "x509",
        since: (0, 33),
        signature: "(pem: str) -> output: obj<str=>any>",
        doc: "The first private key of a text as a JSON Web Key: PEM, or base64 of PEM. It need not be of RSA.",
        cost: Cost::Superlinear("bytes"),
        examples: [
            (
                r#"crypto.x509.parse_rsa_private_key("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINZXmNZDdIh+XH7phhOlLfFqMQFSUfx4hiex9EYh7wN1\n-----END PRIVATE KEY-----")"#,
                r#"{"crv": "Ed25519", "d": "1leY1kN0iH5cfumGE6Ut8WoxAVJR_HiGJ7H0RiHvA3U", "kty": "OKP", "x": "w_EWafcUg1n8oltN4SRCCDVQSWAK8J5opOanGvU02lQ"}"#
            ),
            (r#"crypto.x509.parse_rsa_private_key("MAA=")"#, "null"),
        ],
        body: x509::parse_rsa_private_key,
    },
    builtin! {
        name: "crypto.parse_private_keys",
        feature: "x509",
        since: (0, 55),
        signature: "(keys: str) -> output: [obj<str=>any>]",
        doc: "All private keys of a text: PEM, or base64 of PEM.",
        cost: Cost::Superlinear("bytes"),
        examples: [(r#"crypto.parse_private_keys("")"#, "null"), (r#"crypto.parse_private_keys("nope")"#, "[]")],
        body: x509::parse_private_keys,
    },
];
