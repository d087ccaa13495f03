//! Values from the outside: reading, printing, order, numbers.

use regovm_core::json::{self, ReadOptions, Style};
use regovm_core::value::{Frozen, ObjectBuilder, SetBuilder, number, to_constant};
use regovm_core::{Arena, Value};

fn read<'a>(arena: &'a Arena, text: &str) -> Value<'a> {
    json::read(text.as_bytes(), arena, ReadOptions::default()).unwrap()
}

#[test]
fn a_value_is_one_word() {
    assert_eq!(size_of::<Value<'_>>(), 8);
    assert_eq!(size_of::<Option<Value<'_>>>(), 8);
}

#[test]
fn json_reads_and_prints() {
    let arena = Arena::new();
    for (text, compact) in [
        ("null", "null"),
        (
            " [1, 2.50, 1e2 , -0, true,false ] ",
            "[1,2.50,1e2,-0,true,false]",
        ),
        (r#"{"b":1,"a":{"x":[]},"b":2}"#, r#"{"a":{"x":[]},"b":2}"#),
        (
            r#""\u00e9\ud83d\ude00\ud800x\n<&>""#,
            "\"é😀\u{FFFD}x\\n<&>\"",
        ),
        ("18446744073709551616", "18446744073709551616"),
    ] {
        assert_eq!(json::to_string(read(&arena, text), Style::Compact), compact);
    }
    let html = read(&arena, "\"<a href='x'>&\u{2028}\"");
    assert_eq!(
        json::to_string(html, Style::Marshal),
        r#""\u003ca href='x'\u003e\u0026\u2028""#
    );
    let nested = read(&arena, r#"{"a":[1,{}],"b":[]}"#);
    assert_eq!(
        json::to_string(nested, Style::Pretty),
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"
    );
}

#[test]
fn equal_numbers_are_one_key_with_the_first_spelling() {
    let arena = Arena::new();
    let one = arena.integer(1);
    let one_point = arena.number_text("1.0").unwrap();
    let mut set = SetBuilder::new();
    assert_eq!(set.insert(&arena, one), Ok(true));
    assert_eq!(set.insert(&arena, one_point), Ok(false));
    assert_eq!(set.finish(&arena).to_string(), "{1}");
    let mut object = ObjectBuilder::new();
    object.insert(&arena, one, arena.string("a")).unwrap();
    assert_eq!(
        object.insert(&arena, one_point, arena.string("b")),
        Ok(Some(arena.string("a")))
    );
    let object = object.finish(&arena);
    assert_eq!(object.to_string(), r#"{1: "b"}"#);
    assert_eq!(json::to_string(object, Style::Compact), r#"{"1":"b"}"#);
    assert_eq!(object.get(one_point).unwrap().as_str(), Some("b"));
}

#[test]
fn frozen_values_cross_threads() {
    let frozen = Frozen::build(|arena| read(arena, r#"{"a": [1, {"b": "c"}], "d": 1.5}"#));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                assert_eq!(
                    frozen.root().get_str("a").unwrap().to_string(),
                    r#"[1, {"b": "c"}]"#
                );
            });
        }
    });
    let arena = Arena::new();
    let copy = arena.copy(frozen.root());
    assert_eq!(copy, frozen.root());
    assert_eq!(copy.hash(), frozen.root().hash());
    assert_eq!(arena.constant(&to_constant(copy)), copy);
}

#[test]
fn arithmetic_prints_as_opa() {
    let arena = Arena::new();
    let n = |text: &str| arena.number_text(text).unwrap();
    type Op = for<'a> fn(Value<'_>, Value<'_>, &'a Arena) -> Result<Value<'a>, number::NumberError>;
    let table: &[(Op, &str, &str, &str)] = &[
        (number::add, "0.1", "0.2", "0.3"),
        (number::div, "1", "3", "0.33333333333333333334"),
        (number::div, "10", "2", "5"),
        (number::add, "1e2", "0", "100"),
        (number::mul, "1.0", "2", "2"),
        (number::sub, "3", "1.0", "2"),
        (number::sub, "3.14159", "3", "0.14158999999999999993"),
        (
            number::div,
            "100000000000000000001",
            "2",
            "50000000000000000000",
        ),
        (number::div, "9007199254740993", "1", "9007199254740993"),
        (
            number::add,
            "18446744073709551617",
            "1",
            "18446744073709551618",
        ),
        (number::div, "12345675", "10", "1.2345675e+06"),
        (number::add, "1234567.5", "0", "1.2345675e+06"),
        (number::mul, "0.00001", "1", "1e-05"),
        (number::mul, "0.0001", "1", "0.0001"),
        (number::div, "123456789", "1000", "123456.789"),
        (number::add, "1.1", "2.2", "3.3000000000000000002"),
        (number::mul, "0.1", "3", "0.3"),
        (
            number::div,
            "1616158964679822112",
            "10",
            "1.616158964679822112e+17",
        ),
        (number::mul, "1e6", "1.1", "1100000"),
        (number::rem, "-7", "3", "-1"),
        (number::rem, "10", "18446744073709551616", "10"),
    ];
    for (op, a, b, want) in table {
        assert_eq!(
            op(n(a), n(b), &arena).unwrap().to_string(),
            *want,
            "{a} {b}"
        );
    }
    assert_eq!(
        number::ceil(n("1e30"), &arena).unwrap().to_string(),
        "1000000000000000000024696061952"
    );
    assert_eq!(number::round(n("-2.5"), &arena).unwrap().to_string(), "-3");
    assert_eq!(
        number::div(n("1"), n("0.0"), &arena),
        Err(number::NumberError::DivideByZero)
    );
    assert_eq!(
        number::rem(n("1"), n("0.5"), &arena),
        Err(number::NumberError::ModuloFloat)
    );
}

#[test]
fn values_nested_deep_need_no_stack() {
    let text = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let work = move || {
        let (one, two) = (Arena::new(), Arena::new());
        let (a, b) = (read(&one, &text), read(&two, &text));
        assert_eq!(a, b);
        assert_eq!(a.hash(), b.hash());
        assert_eq!(two.copy(a), b);
        assert_eq!(json::to_string(a, Style::Compact), text);
        assert_eq!(json::rego_text(a), text);
    };
    let collections = || {
        let build = |leaf: i64| {
            Frozen::build(|arena| {
                let mut value = arena.integer(leaf);
                for depth in 0..10_000 {
                    value = match depth % 3 {
                        0 => arena.set_from([value, Value::NULL]),
                        1 => arena.object_from([(arena.string("k"), value)]),
                        _ => arena.array(&[value]),
                    };
                }
                value
            })
        };
        let (a, b, arena) = (build(0), build(1), Arena::new());
        assert!(a.root() < b.root());
        assert_ne!(a.root().hash(), b.root().hash());
        assert_eq!(a.root().to_string().len(), b.root().to_string().len());
        let copy = arena.copy(a.root());
        assert_eq!(copy, a.root());
        assert_eq!(
            json::to_string(copy, Style::Marshal).matches('k').count(),
            3333
        );
        let keyed = arena.object_from([(copy, Value::NULL), (Value::TRUE, copy)]);
        assert_eq!(keyed.get(a.root()), Some(Value::NULL));
        let list: Vec<_> = (0..20).map(|n| arena.integer(n)).chain([copy]).collect();
        assert!(arena.set_from(list).as_set().unwrap().contains(a.root()));
    };
    for work in [
        Box::new(work) as Box<dyn FnOnce() + Send>,
        Box::new(collections),
    ] {
        std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(work)
            .unwrap()
            .join()
            .unwrap();
    }
}

#[test]
fn the_limit_is_kept() {
    let arena = Arena::with_limit(1 << 20);
    assert!(arena.reserve(2 << 20).is_err());
    assert!(arena.exhausted());
    let arena = Arena::with_limit(100_000);
    let text = format!("[{}1]", "1.5,".repeat(100_000));
    let error = json::read(text.as_bytes(), &arena, ReadOptions::default()).unwrap_err();
    assert!(error.memory.is_some());
    assert!(arena.used() < 100_000 + (1 << 20));
}

/// Random arithmetic with the results of OPA 1.22; `ERR` is undefined.
#[test]
fn arithmetic_equals_that_of_opa() {
    let arena = Arena::new();
    for line in include_str!("data/arithmetic.txt").lines() {
        let (call, want) = line.split_once(" = ").unwrap();
        let mut words = call.split(' ');
        let op = words.next().unwrap();
        let numbers: Vec<_> = words.map(|text| arena.number_text(text).unwrap()).collect();
        let result = match (op, numbers.as_slice()) {
            ("+", [a, b]) => number::add(*a, *b, &arena),
            ("-", [a, b]) => number::sub(*a, *b, &arena),
            ("*", [a, b]) => number::mul(*a, *b, &arena),
            ("/", [a, b]) => number::div(*a, *b, &arena),
            ("%", [a, b]) => number::rem(*a, *b, &arena),
            ("<", [a, b]) => Ok(Value::boolean(a < b)),
            ("==", [a, b]) => Ok(Value::boolean(a == b)),
            ("abs", [a]) => number::abs(*a, &arena),
            ("ceil", [a]) => number::ceil(*a, &arena),
            ("floor", [a]) => number::floor(*a, &arena),
            ("round", [a]) => number::round(*a, &arena),
            _ => panic!("{line}"),
        };
        let got = result.map_or("ERR".to_string(), |value| value.to_string());
        assert_eq!(got, want, "{line}");
    }
}

#[test]
fn gigantic_numbers_are_refused_at_once() {
    let arena = Arena::new();
    let digits = "9".repeat(1_000_000);
    let huge = arena.number_text(&digits).unwrap();
    let tiny = arena.number_text(&format!("0.{digits}")).unwrap();
    let one = arena.integer(1);
    for number in [huge, tiny] {
        assert_eq!(
            number::add(number, one, &arena),
            Err(number::NumberError::TooLarge)
        );
        assert_eq!(
            number::mul(number, number, &arena),
            Err(number::NumberError::TooLarge)
        );
        assert_eq!(
            number::div(one, number, &arena),
            Err(number::NumberError::TooLarge)
        );
    }
    assert!(tiny < one && one < huge);
    assert_ne!(huge.hash(), tiny.hash());
    let options = ReadOptions::default();
    assert!(json::read(b"1e31000", &arena, options).is_err());
    assert!(json::read(b"1e-999999999999999999999", &arena, options).is_err());
}

#[test]
fn the_order_is_that_of_opa() {
    let arena = Arena::new();
    let mut values = vec![
        Value::NULL,
        Value::FALSE,
        Value::TRUE,
        arena.number_text("-1e400").unwrap(),
        arena.integer(-1),
        arena.number_text("2.5").unwrap(),
        arena.integer(10),
        arena.number_text("1152921504606846976").unwrap(),
        arena.string(""),
        arena.string("Z"),
        arena.string("a"),
        arena.string("ab"),
        arena.string("é"),
        read(&arena, "[]"),
        read(&arena, "[1]"),
        read(&arena, "[1, 0]"),
        read(&arena, "[2]"),
        read(&arena, "{}"),
        read(&arena, r#"{"a":1,"b":0}"#),
        read(&arena, r#"{"a":2}"#),
        read(&arena, r#"{"b":0}"#),
        arena.set_from([]),
        arena.set_from([arena.integer(1), arena.integer(5)]),
        arena.set_from([arena.integer(2)]),
    ];
    let sorted: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    values.reverse();
    values.sort();
    let again: Vec<String> = values.iter().map(|value| value.to_string()).collect();
    assert_eq!(again, sorted);
}

#[test]
fn builders_keep_the_limit() {
    let limit = 1 << 20;
    let arena = Arena::with_limit(limit);
    let mut set = SetBuilder::new();
    let error = (0..).find_map(|i| set.insert(&arena, arena.integer(i)).err());
    assert!(error.is_some());
    assert!(arena.used() < 2 * limit);
    let held = arena.used();
    drop(set);
    assert!(arena.used() < held);
    let arena = Arena::with_limit(limit);
    let set = arena.set_from((0..).map(|i| arena.integer(i)));
    assert!(arena.exhausted());
    assert!(set.as_set().is_some());
    assert!(arena.used() < 2 * limit);
    let arena = Arena::with_limit(limit);
    assert_eq!(arena.string(&"x".repeat(2 * limit)).as_str(), Some(""));
    assert!(arena.check().is_err());
}
