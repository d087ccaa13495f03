//! Tokens. `jwt.json` holds some of every algorithm, good and damaged, and keys that fit and others.

use std::sync::OnceLock;

use regovm_core::{Arena, Constant};

use crate::Kind::Drawn;
use crate::{Function, Random, raw};

pub const FUNCTIONS: &[Function] = &[
    ("io.jwt.decode", &[Drawn(any_token)]),
    ("io.jwt.decode", &[Drawn(bad_token)]),
    ("io.jwt.decode", &[Drawn(claims)]),
    ("io.jwt.verify_rs256", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_rs384", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_rs512", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_ps256", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_ps384", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_ps512", &[Drawn(rsa_token), Drawn(rsa_key)]),
    ("io.jwt.verify_es256", &[Drawn(ec_token), Drawn(ec_key)]),
    ("io.jwt.verify_es384", &[Drawn(ec_token), Drawn(ec_key)]),
    ("io.jwt.verify_es512", &[Drawn(ec_token), Drawn(ec_key)]),
    ("io.jwt.verify_eddsa", &[Drawn(ed_token), Drawn(ed_key)]),
    ("io.jwt.verify_rs256", &[Drawn(any_token), Drawn(bad_key)]),
    ("io.jwt.verify_es256", &[Drawn(any_token), Drawn(bad_key)]),
    ("io.jwt.verify_eddsa", &[Drawn(any_token), Drawn(bad_key)]),
    ("io.jwt.verify_hs256", &[Drawn(hs_token), Drawn(secret)]),
    ("io.jwt.verify_hs384", &[Drawn(hs_token), Drawn(secret)]),
    ("io.jwt.verify_hs512", &[Drawn(hs_token), Drawn(secret)]),
    ("io.jwt.decode_verify", &[Drawn(claims), Drawn(wanted)]),
    ("io.jwt.decode_verify", &[Drawn(claims), Drawn(wanted)]),
    ("io.jwt.decode_verify", &[Drawn(any_token), Drawn(trusted)]),
    (
        "io.jwt.decode_verify",
        &[Drawn(rsa_token), Drawn(trusted_rsa)],
    ),
    (
        "io.jwt.decode_verify",
        &[Drawn(ec_token), Drawn(trusted_ec)],
    ),
    (
        "io.jwt.decode_verify",
        &[Drawn(ed_token), Drawn(trusted_ed)],
    ),
    (
        "io.jwt.encode_sign",
        &[Drawn(header), Drawn(payload), Drawn(signing_key)],
    ),
    (
        "io.jwt.encode_sign_raw",
        &[
            Drawn(raw_header),
            Drawn(raw_payload),
            Drawn(raw_signing_key),
        ],
    ),
    (
        "io.jwt.encode_sign_raw",
        &[
            Drawn(plain_header),
            Drawn(raw_payload),
            Drawn(raw_signing_key),
        ],
    ),
    (
        "io.jwt.encode_sign_raw",
        &[Drawn(plain_header), Drawn(raw_payload), Drawn(bad_key)],
    ),
];

fn fixtures() -> &'static Constant {
    static FIXTURES: OnceLock<Constant> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        let arena = Arena::new();
        let text = include_bytes!("jwt.json");
        let value = regovm_core::json::read(text, &arena, Default::default()).expect("JSON");
        regovm_core::value::to_constant(value)
    })
}

/// A text of one of the lists.
fn one(random: &mut Random, kind: &str, list: &str) -> &'static str {
    let list = fixtures().get(kind).and_then(|lists| lists.get(list));
    let Some(Constant::Array(texts)) = list else {
        panic!("no such list");
    };
    texts[random.below(texts.len())].as_str().expect("a text")
}

fn token(random: &mut Random, family: &str) -> String {
    let family = match random.below(12) {
        0 => "bad",
        1 => "claims",
        2 => "hs",
        _ => family,
    };
    raw(one(random, "tokens", family))
}

fn key_text(random: &mut Random, family: &str) -> &'static str {
    let family = match random.below(12) {
        0 => "bad",
        1..=3 => "all",
        _ => family,
    };
    one(random, "keys", family)
}

macro_rules! drawn {
    ($($token:ident, $key:ident, $trusted:ident = $family:literal;)*) => {
        $(
            fn $token(random: &mut Random) -> String {
                token(random, $family)
            }

            fn $key(random: &mut Random) -> String {
                raw(key_text(random, $family))
            }

            fn $trusted(random: &mut Random) -> String {
                let key = key_text(random, $family);
                constraints(random, &format!("\"cert\": {}", raw(key)))
            }
        )*
    };
}

drawn! {
    rsa_token, rsa_key, trusted_rsa = "rsa";
    ec_token, ec_key, trusted_ec = "ec";
    ed_token, ed_key, trusted_ed = "ed";
}

fn hs_token(random: &mut Random) -> String {
    token(random, "hs")
}

fn any_token(random: &mut Random) -> String {
    let family = random.of(&["rsa", "ec", "ed", "hs"]).to_owned();
    token(random, &family)
}

fn bad_token(random: &mut Random) -> String {
    raw(one(random, "tokens", "bad"))
}

fn claims(random: &mut Random) -> String {
    token(random, "claims")
}

fn bad_key(random: &mut Random) -> String {
    raw(one(random, "keys", "bad"))
}

fn secret(random: &mut Random) -> String {
    raw(one(random, "keys", "hs"))
}

fn trusted(random: &mut Random) -> String {
    let key = match random.below(8) {
        0 => "\"cert\": 1".to_owned(),
        1 => "\"secret\": 1".to_owned(),
        2 => "\"secret\": \"\"".to_owned(),
        3 => "\"alg\": \"\"".to_owned(),
        4 => "\"cert\": \"{\\\"keys\\\": []}\", \"secret\": \"a\"".to_owned(),
        _ => format!("\"cert\": {}", raw(one(random, "keys", "all"))),
    };
    constraints(random, &key)
}

/// What the claims of tokens are held against, with the right secret.
fn wanted(random: &mut Random) -> String {
    constraints(random, "\"secret\": \"a secret\"")
}

/// Always with a time: OPA knows what time it is.
fn constraints(random: &mut Random, key: &str) -> String {
    let time = random.of(&[
        "0",
        "1500000000000",
        "1500500000000",
        "1499999999999",
        "1.5e12",
        "1800000000000",
        "1e30",
        "1600000000000",
        "999999999999",
        "1700000000000000000",
    ]);
    let odd = match random.below(12) {
        0 => ", \"alg\": \"HS256\"",
        1 => ", \"alg\": \"RS256\"",
        2 => ", \"alg\": 1",
        3 => ", \"iss\": \"x\"",
        4 => ", \"iss\": \"\", \"aud\": \"z\"",
        5 => ", \"aud\": \"y\"",
        6 => ", \"aud\": 1",
        7 => ", \"other\": 1",
        8 => ", \"aud\": \"y\", \"iss\": \"x\"",
        _ => "",
    };
    match random.below(20) {
        0 => format!("{{{key}{odd}, \"time\": -1}}"),
        1 => format!("{{{key}{odd}, \"time\": \"1\"}}"),
        _ => format!("{{{key}{odd}, \"time\": {time}}}"),
    }
}

fn header(random: &mut Random) -> String {
    random
        .of(&[
            r#"{"alg": "HS256"}"#,
            r#"{"alg": "HS384", "typ": "JWT"}"#,
            r#"{"alg": "HS512", "typ": "text"}"#,
            r#"{"alg": "RS256", "kid": "<&>"}"#,
            r#"{"alg": "RS384", "n": 1.50}"#,
            r#"{"alg": "RS512", "set": {2, 1}}"#,
            r#"{"alg": "EdDSA"}"#,
            r#"{"alg": "RS256"}"#,
            r#"{"alg": "Ed25519"}"#,
            r#"{"alg": "none"}"#,
            r#"{"alg": 1}"#,
            r#"{"alg": null}"#,
            r#"{"alg": ["HS256"]}"#,
            r#"{"alg": "HS256", "typ": 1}"#,
            "{}",
        ])
        .to_owned()
}

fn payload(random: &mut Random) -> String {
    random
        .of(&[
            "{}",
            r#"{"a": [1.0, {"b": null}], "c": "ü<>&\u2028"}"#,
            r#"{"s": {3, 1}, "n": 12345678901234567890123}"#,
        ])
        .to_owned()
}

fn signing_key_text(random: &mut Random) -> &'static str {
    let list = random.of(&["rsa", "other"]).to_owned();
    one(random, "signing", &list)
}

fn signing_key(random: &mut Random) -> String {
    signing_key_text(random).to_owned()
}

fn raw_signing_key(random: &mut Random) -> String {
    raw(signing_key_text(random))
}

fn raw_payload(random: &mut Random) -> String {
    raw(random.of(&["{}", "{\"a\": 1}", " 1 ", "x", "", "[", "\"ü\""]))
}

/// Signatures by ES and PS differ from call to call; the keys of these calls have none.
fn plain_header(random: &mut Random) -> String {
    raw(random.of(&[
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS384","typ":"x"}"#,
        r#"{"alg":"RS256","typ":"x"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"EdDSA","typ":"x"}"#,
        r#"{"alg":"ES256","typ":"x"}"#,
    ]))
}

fn raw_header(random: &mut Random) -> String {
    raw(random.of(&[
        r#"{"alg":"HS256"}"#,
        r#" {"alg": "RS512" , "typ":"x"}"#,
        r#"{"alg":"EdDSA","typ":null}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":true}"#,
        r#"{"alg":{}}"#,
        r#"[]"#,
        r#""x""#,
        "",
        " ",
    ]))
}
