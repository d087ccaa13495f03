//! Tests of the reader: all lanes give what the simplest reader gives, and parts are parts of the whole.

use proptest::prelude::*;

use super::lanes::{Scalar, Work};
use super::{Borrowed, Copied, JsonError, ReadOptions, Reader};
use crate::json::{Projection, ProjectionBuilder, Step, Style, to_string};
use crate::{Arena, Value};

type Outcome<'a> = Result<Value<'a>, JsonError>;

/// The same text read in every way; checks that it does not matter which.
fn read_all<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    options: ReadOptions,
    projection: Option<&Projection>,
) -> Outcome<'a> {
    let reader = || Reader::new(text, arena, Copied, options, projection);
    let scalar = reader().with(Scalar);
    let mut others: Vec<(&str, Outcome<'a>)> = vec![
        ("widest", reader().document()),
        (
            "borrowed",
            Reader::new(text, arena, Borrowed, options, projection).document(),
        ),
    ];
    #[cfg(target_arch = "x86_64")]
    others.push(("sse2", reader().with(super::lanes::x86::Sse2)));
    // An arena that knows no shapes yet.
    let fresh = Arena::new();
    others.push((
        "fresh",
        Reader::new(text, &fresh, Copied, options, projection)
            .document()
            .map(|value| arena.copy(value)),
    ));
    for (name, other) in others {
        match (&scalar, &other) {
            (Ok(a), Ok(b)) => {
                assert_eq!(a, b, "{name}: {}", text.escape_ascii());
                let (a, b) = (to_string(*a, Style::Compact), to_string(*b, Style::Compact));
                assert_eq!(a, b, "{name}: {}", text.escape_ascii());
            }
            (a, b) => assert_eq!(a, b, "{name}: {}", text.escape_ascii()),
        }
    }
    scalar
}

fn whole<'a>(text: &'a [u8], arena: &'a Arena) -> Outcome<'a> {
    read_all(text, arena, ReadOptions::default(), None)
}

/// Reads parts of a text, strictly and not, and compares them with the whole.
fn check_parts(text: &[u8], projection: &Projection) {
    let arena = Arena::new();
    let all = whole(text, &arena);
    let read = |strict| {
        let options = ReadOptions {
            strict,
            ..ReadOptions::default()
        };
        read_all(text, &arena, options, Some(projection))
    };
    let wanted = all.map(|value| projection.prune(value, &arena));
    assert_eq!(read(true), wanted, "strict: {}", text.escape_ascii());
    match (read(false), wanted) {
        // Something is wrong in what was left out, or before what was found to be wrong.
        (Ok(_), Err(_)) => {}
        (Err(one), Err(other)) => {
            assert!(one.offset >= other.offset, "{one} before {other}");
        }
        (parts, wanted) => assert_eq!(parts, wanted, "{}", text.escape_ascii()),
    }
}

fn projection(paths: &[&str]) -> Projection {
    let mut builder = ProjectionBuilder::new();
    for path in paths {
        builder.add(path.split('.').map(|step| match step {
            "*" => Step::Any,
            name => Step::Member(name),
        }));
    }
    builder.finish()
}

/// What serde_json makes of a text.
fn theirs<'a>(text: &[u8], arena: &'a Arena) -> Option<Value<'a>> {
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    let text = value.to_string();
    let options = ReadOptions::default();
    Some(super::read(text.as_bytes(), arena, options).unwrap())
}

fn same_as_theirs(text: &[u8]) {
    let arena = Arena::new();
    let ours = whole(text, &arena);
    // Ours refuses numbers that OPA refuses.
    if !ours
        .as_ref()
        .is_err_and(|error| error.message.contains("too big"))
    {
        assert_eq!(ours.ok(), theirs(text, &arena), "{}", text.escape_ascii());
    }
}

#[test]
fn strings_of_every_length_end_where_they_end() {
    for before in 0..200 {
        let plain = "x".repeat(before);
        for special in [
            "",
            "\\n",
            "\\\"",
            "\\\\",
            "\\\\\\\"",
            "\\u00e9",
            "\\ud83d\\ude00",
            "é",
            "€",
            "😀",
            "\u{7f}",
        ] {
            for after in [0, 1, 31, 32, 33, 64] {
                let text = format!("[\"{plain}{special}{}\",1]", "y".repeat(after));
                same_as_theirs(text.as_bytes());
            }
        }
    }
}

#[test]
fn what_is_wrong_in_a_string_is_found_everywhere() {
    let arena = Arena::new();
    for before in 0..130 {
        let plain = "x".repeat(before);
        for wrong in ["\n", "\0", "\\x", "\\u12g4", "\\ud83d\\x"] {
            let text = format!("{{\"a\":\"{plain}{wrong}{plain}\"}}");
            let error = whole(text.as_bytes(), &arena).unwrap_err();
            let into = wrong
                .bytes()
                .position(|c| matches!(c, b'\n' | 0 | b'x' | b'g'))
                .unwrap();
            assert_eq!(error.offset, 6 + before + into, "{text:?}");
        }
        let error = whole(format!("[\"{plain}").as_bytes(), &arena).unwrap_err();
        assert_eq!(error.message, "unexpected end of JSON input");
        assert_eq!(error.offset, 2 + before);
        // Every byte that is no UTF-8 becomes one character.
        let mut text = format!("[\"{plain}").into_bytes();
        text.extend(b"\xff\xe2\x82\\n\xc3\xa9\"]");
        let value = whole(&text, &arena).unwrap();
        let read = value.as_array().unwrap().get(0).unwrap();
        assert_eq!(
            read.as_str().unwrap(),
            format!("{plain}\u{fffd}\u{fffd}\u{fffd}\né")
        );
    }
}

#[test]
fn space_and_keys_of_every_length_are_read() {
    for len in 0..100 {
        let (space, key) = (" \n\t\r".repeat(len), "k".repeat(len));
        let members: Vec<String> = (0..3)
            .map(|n| format!("{{\"{key}\"{space}:{space}{n},\"{key}é\":{space}[],\"z\":{{}}}}"))
            .collect();
        let text = format!("{space}[{}]{space}", members.join(&format!("{space},")));
        same_as_theirs(text.as_bytes());
        check_parts(text.as_bytes(), &projection(&["*.z"]));
    }
}

#[test]
fn integers_of_every_length_are_read() {
    for digits in 1..25 {
        for first in ["1", "9", "0", "-1", "-0", "-", "+1"] {
            for end in ["", ".5", "e1", ".", "e", "x", " "] {
                let number = format!("{first}{}{end}", "7".repeat(digits - 1));
                same_as_theirs(number.as_bytes());
                same_as_theirs(format!("[{number},1,2,3,4,5]").as_bytes());
                check_parts(
                    format!("{{\"a\":{number}}}").as_bytes(),
                    &projection(&["b"]),
                );
            }
        }
    }
}

#[test]
fn keys_come_in_any_order_again_and_again() {
    let mut text = String::from("[");
    for n in 0..400u32 {
        let keys: Vec<String> = (0..n % 90)
            .map(|k| format!("\"k{}\":{k}", (k * (n + 1)) % 97))
            .collect();
        text.push_str(&format!("{{{}}},", keys.join(",")));
        text.push_str(&format!(
            "{{\"id{n}\":{{\"a\":1,\"id{n}\":[{{\"b\":2}}]}},\"a\":[]}},"
        ));
    }
    text.push_str("0]");
    same_as_theirs(text.as_bytes());
    for paths in [
        &["*.k3", "*.k5"][..],
        &["*.*.a"],
        &["*.a", "*.id7"],
        &["x"],
        &["*.*.id9.*.b"],
    ] {
        check_parts(text.as_bytes(), &projection(paths));
    }
}

#[test]
fn one_arena_serves_several_projections() {
    let text = br#"{"a":{"b":{"c":1,"d":2},"e":[{"c":3,"d":4},{"c":5,"d":6}]},"f":7}"#;
    let arena = Arena::new();
    let projections: Vec<Projection> = [
        &["a.b"][..],
        &["a.b.c"],
        &["a.e.*.d", "a.b.c"],
        &["f"],
        &["a.*.c"],
    ]
    .map(projection)
    .into();
    for _ in 0..3 {
        for projection in &projections {
            let all = whole(text, &arena).unwrap();
            let options = ReadOptions::default();
            let parts = read_all(text, &arena, options, Some(projection)).unwrap();
            assert_eq!(parts, projection.prune(all, &arena));
        }
    }
}

#[test]
fn what_is_left_out_is_still_json_as_far_as_it_is_looked_at() {
    let arena = Arena::new();
    let wanted = projection(&["wanted"]);
    let lenient = |text: &str| {
        let text = text.as_bytes();
        let read = |strict| {
            let options = ReadOptions {
                max_depth: 80,
                strict,
            };
            super::read_projected(text, &arena, options, &wanted)
                .map(|value| value.to_string())
                .map_err(|error| (error.offset, error.message))
        };
        (read(false), read(true))
    };
    for long in [0, 30, 62, 63, 64, 65, 200] {
        let pad = " ".repeat(long);
        // Found, in the words and in the place that reading all of it gives.
        for wrong in [
            "[}",
            "{]",
            "[[}]",
            "[\"a]",
            "[\"a\n\"]",
            "[#]",
            "[\u{e9}]",
            "[wahr]",
            "tru",
            "01",
            "1.",
            "-",
            "\"a",
            "\"\n\"",
            "[1",
            "{\"a\":{}",
            "[{]}",
        ] {
            let text = format!("{{\"left\":{pad}{wrong},\"wanted\":1}}");
            let whole = super::read(text.as_bytes(), &arena, ReadOptions::default());
            let whole = whole.map(|value| value.to_string());
            let whole = whole.map_err(|error| (error.offset, error.message));
            assert!(whole.is_err(), "{text}");
            assert_eq!(lenient(&text), (whole.clone(), whole), "{text}");
        }
        // Only found where it is asked for.
        for wrong in [
            "[1 2]",
            "[,]",
            "{\"a\" 1}",
            "{1:2}",
            "[nul]",
            "[01]",
            "[\"\\x\"]",
            "\"\\x\"",
        ] {
            let text = format!("{{\"left\":{pad}{wrong},\"wanted\":1}}");
            let (read, strict) = lenient(&text);
            assert_eq!(read, Ok(r#"{"wanted": 1}"#.to_owned()), "{text}");
            assert!(strict.is_err(), "{text}");
        }
        let deep = format!("{{\"left\":{}1{}}}", "[".repeat(80), "]".repeat(80));
        let (read, strict) = lenient(&deep);
        assert_eq!(read, strict);
        assert_eq!(read.unwrap_err().1, "exceeded max depth");
        let deep = format!("{{\"left\":{}1{}}}", "[{\"a\":".repeat(39), "}]".repeat(39));
        assert_eq!(lenient(&deep), (Ok("{}".to_owned()), Ok("{}".to_owned())));
    }
}

#[test]
fn deep_collections_are_left_out_without_recursion() {
    let wanted = projection(&["wanted"]);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"b\":", "}]")] {
        for depth in [63, 64, 65, 128, 129, 3000] {
            let text = format!(
                "{{\"left\":{}0{},\"wanted\":2}}",
                open.repeat(depth),
                close.repeat(depth)
            );
            check_parts(text.as_bytes(), &wanted);
        }
    }
}

/// Texts that look like JSON, with a bias to what is special.
fn almost_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => "[\\[\\]{},:]",
        4 => Just("{\"a\":".to_owned()),
        4 => Just("\"b\":[".to_owned()),
        3 => "\"[ab\\\\\"é/nu]{0,40}\"",
        2 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        2 => "true|false|null| {0,70}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        "[\\[\\]{}\",:\\\\a-z ]{0,80}".prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 80, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-e]|[a-d\"\\\\é]{0,3}", inner), 0..9)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn paths() -> impl Strategy<Value = Projection> {
    let step = prop_oneof![3 => "[a-e]", 1 => Just("*".to_owned())];
    let path = prop::collection::vec(step, 1..4).prop_map(|steps| steps.join("."));
    prop::collection::vec(path, 0..6).prop_map(|paths| {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        projection(&paths)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_ways_of_reading_agree(text in almost_json(), projection in paths()) {
        check_parts(text.as_bytes(), &projection);
        same_as_theirs(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_in_one_way(bytes in prop::collection::vec(any::<u8>(), 0..150), at in 0usize..150) {
        let arena = Arena::new();
        let mut text = b"{\"a\":[\"".to_vec();
        text.extend(&bytes[..at.min(bytes.len())]);
        text.extend(b"\",");
        text.extend(&bytes[at.min(bytes.len())..]);
        text.extend(b"]}");
        let _ = whole(&text, &arena);
        check_parts(&text, &projection(&["b"]));
    }

    #[test]
    fn parts_are_parts_of_the_whole(value in json(), projection in paths(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        same_as_theirs(text.as_bytes());
        check_parts(text.as_bytes(), &projection);
        // Cut off, it is no JSON any more.
        let mut cut = text.len() / 2;
        while !text.is_char_boundary(cut) {
            cut += 1;
        }
        check_parts(&text.as_bytes()[..cut], &projection);
    }
}
