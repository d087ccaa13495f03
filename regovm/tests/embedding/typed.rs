//! Types of Rust as inputs, data and results.

use std::collections::{BTreeMap, HashMap};

use regovm::{Data, Engine, PreparedPolicy};
use serde::{Deserialize, Serialize};
use serde_json::json;

fn query(query: &str) -> PreparedPolicy {
    Engine::new().prepare(query).unwrap()
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Kind {
    Unit,
    One(i64),
    Two(bool, String),
    Named { a: Option<u8> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Newtype(f64);

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Everything {
    truth: bool,
    small: i8,
    large: u64,
    huge: u128,
    negative: i128,
    float: f32,
    letter: char,
    text: String,
    nothing: Option<String>,
    something: Option<u16>,
    unit: (),
    list: Vec<Kind>,
    pair: (u8, String),
    wrapped: Newtype,
    by_name: BTreeMap<String, i32>,
    by_number: HashMap<u32, bool>,
    by_truth: BTreeMap<bool, char>,
    json: serde_json::Value,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

fn everything() -> Everything {
    Everything {
        truth: true,
        small: -128,
        large: u64::MAX,
        huge: u128::MAX,
        negative: i128::MIN,
        float: 0.1,
        letter: 'é',
        text: "a \"b\"\n".to_owned(),
        nothing: None,
        something: Some(7),
        unit: (),
        list: vec![
            Kind::Unit,
            Kind::One(-1),
            Kind::Two(false, "x".to_owned()),
            Kind::Named { a: None },
        ],
        pair: (1, "one".to_owned()),
        wrapped: Newtype(1e300),
        by_name: BTreeMap::from([("b".to_owned(), 2), ("a".to_owned(), 1)]),
        by_number: HashMap::from([(12, true), (3, false)]),
        by_truth: BTreeMap::from([(true, 't')]),
        json: json!({"deep": [1, 2.5, {"x": null}], "large": 123_456_789_012_345_678_901_234_567_890_u128}),
        rest: BTreeMap::from([("extra".to_owned(), json!([1]))]),
    }
}

/// What goes in as a type comes out as the same, and on the way it is what its JSON would be.
#[test]
fn types_go_in_and_come_out() {
    let thing = everything();
    let policy = query("input");
    let mut session = policy.session();
    let json: serde_json::Value = {
        let answer = session.eval(&thing).unwrap();
        assert_eq!(
            answer.decode::<Everything>().unwrap().as_ref(),
            Some(&thing)
        );
        assert_eq!(answer.value(), answer.decode().unwrap());
        answer.value().unwrap()
    };
    let text = serde_json::to_vec(&thing).unwrap();
    assert_eq!(
        session.eval_json(&text).unwrap().value().as_ref(),
        Some(&json)
    );
    assert_eq!(
        session.eval_value(&json).unwrap().value().as_ref(),
        Some(&json)
    );
    let answer = session.eval_json(&text).unwrap();
    assert_eq!(answer.decode::<Everything>().unwrap(), Some(thing));
}

#[test]
fn values_of_rego_become_what_is_asked_for() {
    macro_rules! becomes {
        ($($text:literal => $ty:ty: $expected:expr;)*) => {
            $(
                let policy = query(concat!("x := ", $text));
                let mut session = policy.session();
                let answer = session.eval_json(b"{}").unwrap();
                let x = answer.solutions().next().unwrap().bindings().next().unwrap().1;
                assert_eq!(x.decode::<$ty>().unwrap(), $expected, "{}", $text);
            )*
        };
    }
    becomes! {
        "{3, 1, 2}" => Vec<u8>: [1, 2, 3];
        "{\"b\", \"a\"}" => std::collections::BTreeSet<&str>: ["a", "b"].into();
        "{1: \"x\", 2: \"y\"}" => BTreeMap<u8, &str>: [(1, "x"), (2, "y")].into();
        "{\"1\": 2}" => BTreeMap<i64, i64>: [(1, 2)].into();
        "{[1, 2]: 3}" => BTreeMap<(u8, u8), u8>: [((1, 2), 3)].into();
        "{[1, 2]: 3}" => BTreeMap<String, u8>: [("[1,2]".to_owned(), 3)].into();
        "{{\"a\"}: null}" => serde_json::Value: json!({"[\"a\"]": null});
        "{true: 1, null: 2}" => BTreeMap<String, u8>: [("true".to_owned(), 1), ("null".to_owned(), 2)].into();
        "{true: 1}" => BTreeMap<bool, u8>: [(true, 1)].into();
        "1.0" => u8: 1;
        "1e2" => i64: 100;
        "3" => f64: 3.0;
        "0.5" => f32: 0.5;
        "null" => Option<u8>: None;
        "null" => (): ();
        "\"x\"" => &str: "x";
        "\"x\"" => &[u8]: b"x";
        "[1, \"a\"]" => (u8, String): (1, "a".to_owned());
        "\"Unit\"" => Kind: Kind::Unit;
        "{\"Two\": [true, \"x\"]}" => Kind: Kind::Two(true, "x".to_owned());
        "{\"Named\": {\"a\": 1}}" => Kind: Kind::Named { a: Some(1) };
        "[{}, []]" => (BTreeMap<String, ()>, Vec<()>): (BTreeMap::new(), vec![]);
    }
}

#[test]
fn what_does_not_fit_is_said_with_its_place() {
    #[derive(Deserialize, Debug)]
    struct Rule {
        #[allow(dead_code, reason = "only read")]
        ports: Vec<u16>,
    }
    macro_rules! fails {
        ($($text:literal => $ty:ty: $expected:literal;)*) => {
            $(
                let policy = query(concat!("x := ", $text));
                let mut session = policy.session();
                let answer = session.eval_json(b"{}").unwrap();
                let error = answer.decode_all::<BTreeMap<String, $ty>>().unwrap_err();
                assert_eq!(error.to_string(), $expected, "{}", $text);
            )*
        };
    }
    fails! {
        "[{\"ports\": [1, 70000]}]" => Vec<Rule>: "x[0].ports[1]: invalid value: integer `70000`, expected u16";
        "{\"a b\": {}}" => BTreeMap<String, Rule>: "x[\"a b\"]: missing field `ports`";
        "1" => String: "x: invalid type: integer `1`, expected a string";
        "1.5" => u8: "x: invalid type: floating point `1.5`, expected u8";
        "[1, 2, 3]" => (u8, u8): "x: invalid length 3, expected 2 elements";
        "\"Other\"" => Kind: "x: unknown variant `Other`, expected one of `Unit`, `One`, `Two`, `Named`";
        "{\"Unit\": 1, \"One\": 2}" => Kind: "x: a variant with content is an object with one member";
        "1" => Kind: "x: invalid type: number, expected the name of a variant";
        "{\"x\": 1}" => BTreeMap<u8, u8>: "x: invalid type: string \"x\", expected u8";
    }
}

/// What nests too deep for recursion is refused; it does not overflow the stack.
#[test]
fn depth_is_limited() {
    #[derive(Deserialize)]
    struct List(#[allow(dead_code, reason = "only read")] Vec<List>);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let policy = query("input");
    let mut session = policy.session();
    let shallow = nested(100);
    assert!(
        session
            .eval_json(shallow.as_bytes())
            .unwrap()
            .decode::<List>()
            .unwrap()
            .is_some()
    );
    let deep = nested(5_000);
    let answer = session.eval_json(deep.as_bytes()).unwrap();
    let error = answer.decode::<List>().map(drop).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the value nests deeper than 128"),
        "{error}"
    );
}

#[test]
fn what_has_no_form_in_rego_is_refused() {
    let policy = query("input");
    let mut session = policy.session();
    let failure = session
        .eval(&[1.0, f64::NAN])
        .map(|a| a.value())
        .unwrap_err();
    assert_eq!(failure.errors[0].message, "[1]: NaN is no number of JSON");
    let keys = BTreeMap::from([((1, 2), 3)]);
    let failure = session.eval(&keys).map(|a| a.value()).unwrap_err();
    assert_eq!(
        failure.errors[0].message,
        "the key of a map must have a text"
    );
}

#[test]
fn data_is_made_of_types_and_shared() {
    #[derive(Serialize)]
    struct Org {
        teams: BTreeMap<&'static str, Vec<&'static str>>,
    }
    let org = Org {
        teams: BTreeMap::from([
            ("payments", vec!["alice"]),
            ("search", vec!["bob", "carol"]),
        ]),
    };
    let data = Data::of(&org).unwrap();
    let members = query("{m | some m in data.teams[_]}").with_data(&data);
    let teams = query("count(data.teams)").with_data(members.data());
    let mut session = members.session();
    let answer = session.eval_without_input(0).unwrap();
    assert_eq!(
        answer.decode().unwrap(),
        Some(vec!["alice", "bob", "carol"])
    );
    assert_eq!(
        teams
            .session()
            .eval_without_input(0)
            .unwrap()
            .decode()
            .unwrap(),
        Some(2)
    );

    let failure = Data::of(&[1]).map(drop).unwrap_err();
    assert_eq!(failure.errors[0].message, "data must be an object");
}

/// Steps and answers do not depend on how an input came in.
#[test]
fn steps_are_the_same_for_all_forms_of_an_input() {
    let policy = query("count([x | some x in input.list; x > 3])");
    let input = json!({"list": (0..100).collect::<Vec<u32>>()});
    let text = input.to_string();
    let mut session = policy.session();
    let of_text = session.eval_json(text.as_bytes()).unwrap().steps();
    assert_eq!(session.eval_value(&input).unwrap().steps(), of_text);
    assert_eq!(session.eval(&input).unwrap().steps(), of_text);
}
