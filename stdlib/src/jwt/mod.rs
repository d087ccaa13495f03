//! JSON web tokens: three parts in base64 with dots between them.

#[cfg(feature = "jwt")]
mod algorithm;
#[cfg(feature = "jwt")]
mod constraints;
#[cfg(feature = "jwt")]
mod sign;
#[cfg(feature = "jwt")]
mod token;
#[cfg(feature = "jwt")]
mod verify;

#[cfg(feature = "jwt")]
pub(crate) use algorithm::Algorithm;
use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

/// Declares the verification of one algorithm.
macro_rules! verification {
    ($name:literal, $since:expr, $algorithm:literal, $key:literal, $example:literal, $body:expr) => {
        builtin! {
            name: $name,
            feature: "jwt",
            since: $since,
            signature: $key,
            doc: concat!("Whether the token has a signature by ", $algorithm, " that the key verifies."),
            cost: Cost::Linear("bytes, and with the square of the length of RSA keys"),
            examples: [($example, "false")],
            body: $body,
        }
    };
}

const CATEGORIES: &[&str] = &["tokens"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "io.jwt.decode",
        feature: "jwt",
        signature: "(jwt: str) -> output: [obj<any=>any>, obj<any=>any>, str]",
        doc: "Header, payload and signature (in hexadecimal) of a token, without a look at whether they are true.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"io.jwt.decode("eyJhbGciOiJIUzI1NiJ9.e30.AQI")"#, r#"[{"alg": "HS256"}, {}, "0102"]"#),
            (r#"io.jwt.decode("a.b")"#, ""),
        ],
        body: token::decode,
    },
    builtin! {
        name: "io.jwt.decode_verify",
        feature: "jwt",
        purity: Nondeterministic,
        signature: "(jwt: str, constraints: obj<str=>any>) -> output: [bool, obj<any=>any>, obj<any=>any>]",
        doc: "Whether a token is signed and what it says holds now, with its header and payload if so. The constraints are the key (`cert` or `secret`) and what the token must say: `alg`, `iss`, `aud`, `time`.",
        cost: Cost::Linear("bytes, and with the square of the length of RSA keys"),
        examples: [
            (
                r#"io.jwt.decode_verify("eyJhbGciOiJIUzI1NiJ9.e30.E4BdrZvnIjaTOgIkYWGBy_bRFBC9mPJWQUMIfyTvT4I", {"secret": "no"})"#,
                "[false, {}, {}]"
            ),
            (r#"io.jwt.decode_verify("eyJhbGciOiJIUzI1NiJ9.e30.AQI", {})"#, ""),
        ],
        body: verify::decode_verify,
    },
    verification!(
        "io.jwt.verify_rs256",
        (0, 17),
        "RS256",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_rs256("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::rs256
    ),
    verification!(
        "io.jwt.verify_rs384",
        (0, 20),
        "RS384",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_rs384("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::rs384
    ),
    verification!(
        "io.jwt.verify_rs512",
        (0, 20),
        "RS512",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_rs512("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::rs512
    ),
    verification!(
        "io.jwt.verify_ps256",
        (0, 17),
        "PS256",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_ps256("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::ps256
    ),
    verification!(
        "io.jwt.verify_ps384",
        (0, 20),
        "PS384",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_ps384("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::ps384
    ),
    verification!(
        "io.jwt.verify_ps512",
        (0, 20),
        "PS512",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_ps512("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::ps512
    ),
    verification!(
        "io.jwt.verify_es256",
        (0, 17),
        "ES256",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_es256("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::es256
    ),
    verification!(
        "io.jwt.verify_es384",
        (0, 20),
        "ES384",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_es384("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::es384
    ),
    verification!(
        "io.jwt.verify_es512",
        (0, 20),
        "ES512",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_es512("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::es512
    ),
    verification!(
        "io.jwt.verify_eddsa",
        (1, 8),
        "EdDSA",
        "(jwt: str, certificate: str) -> result: bool",
        r#"io.jwt.verify_eddsa("e30.e30.AQI", "{\"keys\": []}")"#,
        verify::eddsa
    ),
    verification!(
        "io.jwt.verify_hs256",
        (0, 17),
        "HS256",
        "(jwt: str, secret: str) -> result: bool",
        r#"io.jwt.verify_hs256("e30.e30.AQI", "secret")"#,
        verify::hs256
    ),
    verification!(
        "io.jwt.verify_hs384",
        (0, 20),
        "HS384",
        "(jwt: str, secret: str) -> result: bool",
        r#"io.jwt.verify_hs384("e30.e30.AQI", "secret")"#,
        verify::hs384
    ),
    verification!(
        "io.jwt.verify_hs512",
        (0, 20),
        "HS512",
        "(jwt: str, secret: str) -> result: bool",
        r#"io.jwt.verify_hs512("e30.e30.AQI", "secret")"#,
        verify::hs512
    ),
];

/// The built-ins that make tokens.
pub(crate) mod signing {
    #[cfg(feature = "jwt")]
    use super::sign;
    use super::{Builtin, Cost, builtin};

    const CATEGORIES: &[&str] = &["tokensign"];

    pub(crate) const BUILTINS: &[Builtin] = &[
        builtin! {
            name: "io.jwt.encode_sign",
            feature: "jwt",
            purity: Nondeterministic,
            signature: "(headers: obj<str=>any>, payload: obj<str=>any>, key: obj<str=>any>) -> output: str",
            doc: "A token with a header and a payload, signed with a JSON web key.",
            cost: Cost::Linear("bytes, and with the cube of the length of RSA keys"),
            examples: [(
                r#"io.jwt.encode_sign({"alg": "HS256"}, {}, {"kty": "oct", "k": "c2VjcmV0"})"#,
                r#""eyJhbGciOiJIUzI1NiJ9.e30.XmNK3GpH3Ys_7wsYBfq4C3M6goz71I7dTgUkuIa5lyQ""#
            )],
            body: sign::encode_sign,
        },
        builtin! {
            name: "io.jwt.encode_sign_raw",
            feature: "jwt",
            purity: Nondeterministic,
            signature: "(headers: str, payload: str, key: str) -> output: str",
            doc: "A token of the texts of a header and a payload, signed with the text of a JSON web key.",
            cost: Cost::Linear("bytes, and with the cube of the length of RSA keys"),
            examples: [(
                r#"io.jwt.encode_sign_raw(`{"alg": "HS256"}`, "{}", `{"kty": "oct", "k": "c2VjcmV0"}`)"#,
                r#""eyJhbGciOiAiSFMyNTYifQ.e30.5KNTEYfNPL-QJUl4K82yzs1w52fYinqwB3nbF5jC2R8""#
            )],
            body: sign::encode_sign_raw,
        },
    ];
}
