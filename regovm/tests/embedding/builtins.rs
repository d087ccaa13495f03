//! Built-ins of callers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use regovm::builtin::BuiltinError;
use regovm::value::Value;
use regovm::{Budget, Builtin, Capabilities, Code, Engine, Failure, Stage};
use serde_json::json;

/// An engine with some built-ins.
fn engine() -> Engine {
    let teams = BTreeMap::from([("alice", "payments"), ("bob", "search")]);
    let builtins = [
        Builtin::new(
            "acme.team",
            "(user: str) -> team: str",
            move |user: String| Ok::<_, String>(teams.get(user.as_str()).copied()),
        ),
        Builtin::new(
            "acme.sum",
            "(x: num, y: num) -> z: num",
            |x: i64, y: i64| x.checked_add(y).map(Some).ok_or("the sum is too large"),
        ),
        Builtin::new(
            "acme.words",
            "(text: str) -> words: {str}",
            |text: String| {
                Ok::<_, String>(Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>()))
            },
        ),
        Builtin::new("acme.answer", "() -> num", || Ok::<_, String>(Some(42))),
        Builtin::new("acme.liar", "(x: any) -> [num]", |x: serde_json::Value| {
            Ok::<_, String>(Some(x))
        }),
        Builtin::over_values("acme.first", "(list: [any]) -> any", |cx, arguments| {
            cx.charge(1)?;
            match arguments.first().and_then(|list| list.as_array()) {
                Some(list) => Ok(list.get(0)),
                None => Err(BuiltinError::operand(1, "must be array")),
            }
        }),
    ];
    let mut engine = Engine::new();
    for builtin in builtins {
        engine.add_builtin(builtin).unwrap();
    }
    engine
}

/// The value of a query.
fn value(engine: &Engine, query: &str) -> Option<serde_json::Value> {
    let policy = engine.prepare(query).unwrap();
    policy.session().eval_json(b"{}").unwrap().value()
}

fn strict_error(engine: &Engine, query: &str) -> (Code, String) {
    let policy = engine.prepare(query).unwrap();
    let mut session = policy.session();
    session.set_strict_builtin_errors(true);
    let failure = session.eval_json(b"{}").map(|a| a.value()).unwrap_err();
    first(failure)
}

fn first(failure: Failure) -> (Code, String) {
    let error = failure.errors.into_iter().next().unwrap();
    (error.code.unwrap(), error.message)
}

#[test]
fn calls_give_what_the_bodies_give() {
    let engine = engine();
    for (query, expected) in [
        (r#"acme.team("alice")"#, Some(json!("payments"))),
        (r#"acme.team("nobody")"#, None),
        ("acme.sum(1, 2)", Some(json!(3))),
        ("acme.sum(1.0, 2e2)", Some(json!(201))),
        (r#"acme.words("b a b") == {"a", "b"}"#, Some(json!(true))),
        ("acme.answer()", Some(json!(42))),
        (r#"acme.first(["x", "y"])"#, Some(json!("x"))),
        ("acme.first([])", None),
        ("acme.liar([1, 2])", Some(json!([1, 2]))),
        (
            r#"{t: u | some u in {"alice", "bob"}; t := acme.team(u)}"#,
            Some(json!({"payments": "alice", "search": "bob"})),
        ),
    ] {
        assert_eq!(value(&engine, query), expected, "{query}");
    }
}

#[test]
fn calls_are_checked_against_the_signature() {
    let engine = engine();
    for (query, expected) in [
        ("acme.team(1)", "acme.team: invalid argument(s)"),
        ("acme.team()", "acme.team: arity mismatch"),
        ("acme.team(\"a\") + 1", "plus: invalid argument(s)"),
        ("acme.nothing(1)", "undefined function acme.nothing"),
    ] {
        let failure = engine.prepare(query).map(drop).unwrap_err();
        assert_eq!(failure.stage, Stage::Compile, "{query}");
        let (code, message) = first(failure);
        assert_eq!((code, &*message), (Code::Type, expected), "{query}");
    }
}

#[test]
fn errors_are_errors_of_built_ins() {
    let engine = engine();
    let large = "acme.sum(9223372036854775807, 1)";
    assert_eq!(value(&engine, large), None);
    assert_eq!(
        strict_error(&engine, large),
        (
            Code::EvalBuiltin,
            "acme.sum: the sum is too large".to_owned()
        )
    );
    let broken = "acme.sum(1.5, 1)";
    assert_eq!(value(&engine, broken), None);
    assert_eq!(
        strict_error(&engine, broken),
        (
            Code::EvalType,
            "acme.sum: operand 1 (number): invalid type: floating point `1.5`, expected i64"
                .to_owned()
        )
    );
    // A body that breaks the promise of its signature ends the query, strict or not.
    let failure = engine.prepare(r#"acme.liar(["x"])"#).unwrap();
    let failure = failure.session().eval_json(b"{}").map(|a| a.value());
    assert_eq!(
        first(failure.unwrap_err()),
        (
            Code::EvalBuiltin,
            "acme.liar: the result is not of the type that the signature says, array[number]"
                .to_owned()
        )
    );
}

#[test]
fn with_replaces_them_and_they_replace_others() {
    let mut engine = engine();
    engine.add_module(
        "p.rego",
        r#"package p
        team := acme.team(input.user)
        fake(user) := concat("-", ["team", user])
        by_value := t if t := team with acme.team as "ops" with input.user as "carol"
        by_function := t if t := team with acme.team as fake with input.user as "carol"
        size := n if n := count([1, 2]) with count as acme.first
        "#,
    );
    assert_eq!(value(&engine, "data.p.by_value"), Some(json!("ops")));
    assert_eq!(
        value(&engine, "data.p.by_function"),
        Some(json!("team-carol"))
    );
    assert_eq!(value(&engine, "data.p.size"), Some(json!(1)));
}

#[test]
fn what_depends_on_the_world_is_asked_once_in_a_query() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut engine = Engine::new();
    let counter = asked.clone();
    let next = Builtin::new("acme.next", "(name: str) -> num", move |_: String| {
        Ok::<_, String>(Some(counter.fetch_add(1, Ordering::Relaxed)))
    });
    engine.add_builtin(next.nondeterministic()).unwrap();
    let query = r#"[acme.next("a"), acme.next("b"), acme.next("a")] = [a, b, a]; a != b"#;
    let policy = engine.prepare(query).unwrap();
    let mut session = policy.session();
    for round in 1..=3 {
        assert!(!session.eval_json(b"{}").unwrap().is_undefined());
        assert_eq!(asked.load(Ordering::Relaxed), 2 * round);
    }
}

/// Steps, and the message of the error if there was one.
fn under(engine: &Engine, query: &str, input: &[u8], budget: Budget) -> (u64, Option<String>) {
    let policy = engine.prepare(query).unwrap();
    let mut session = policy.session();
    session.set_budget(budget);
    let error = session.eval_json(input).map(|a| a.value()).err();
    (session.steps(), error.map(|failure| first(failure).1))
}

#[test]
fn budgets_hold_for_them() {
    let mut engine = Engine::new();
    let nothing = |cost| {
        let body = |_: u64| Ok::<_, String>(Some(true));
        Builtin::new(format!("acme.cost{cost}"), "(x: num) -> bool", body).cost(cost)
    };
    for cost in [0, 1_000] {
        engine.add_builtin(nothing(cost)).unwrap();
    }
    let size = Builtin::new("acme.size", "(list: [any]) -> num", |list: Vec<String>| {
        Ok::<_, String>(Some(list.len()))
    });
    let list = Builtin::new("acme.list", "(size: num) -> [num]", |size: usize| {
        Ok::<_, String>(Some((0..size).collect::<Vec<_>>()))
    });
    engine.add_builtin(size).unwrap();
    engine.add_builtin(list).unwrap();

    // What a call costs is in the count, the same each time.
    let steps = |query: &str, input: &str| {
        let counts = [(); 2].map(|()| under(&engine, query, input.as_bytes(), Budget::default()));
        assert_eq!(counts[0], counts[1]);
        assert_eq!(counts[0].1, None, "{query}");
        counts[0].0
    };
    let (cheap, dear) = (
        steps("acme.cost0(1)", "{}"),
        steps("acme.cost1000(1)", "{}"),
    );
    assert_eq!(dear - cheap, 1_000);
    // So do arguments and results.
    let many = serde_json::to_string(&vec!["abc"; 80_000]).unwrap();
    assert!(steps("acme.size(input)", &many) > steps("acme.size(input)", "[]") + 5_000);
    assert!(steps("acme.list(80000)", "{}") > steps("acme.list(0)", "{}") + 5_000);

    let limited =
        |query: &str, input: &str, budget| under(&engine, query, input.as_bytes(), budget).1;
    let few = Budget {
        steps: Some(500),
        ..Budget::default()
    };
    for (query, input) in [
        ("acme.cost1000(1)", "{}"),
        ("acme.size(input)", &*many),
        ("acme.list(80000)", "{}"),
    ] {
        let message = limited(query, input, few.clone()).unwrap();
        assert!(message.contains("step budget of 500"), "{query}: {message}");
    }
    // The copies that arguments become are memory, and so are results.
    let small = Budget {
        memory: Some(many.len() + (3 << 20)),
        ..Budget::default()
    };
    assert_eq!(limited("count(input)", &many, small.clone()), None);
    for (query, input) in [("acme.size(input)", &*many), ("acme.list(800000)", "{}")] {
        let message = limited(query, input, small.clone()).unwrap();
        assert!(message.contains("memory"), "{query}: {message}");
    }
}

#[test]
fn a_body_that_takes_too_long_is_noticed() {
    let clock = Arc::new(AtomicU64::new(0));
    let mut engine = Engine::new();
    let work = clock.clone();
    let slow = Builtin::new("acme.slow", "(x: num) -> num", move |x: u64| {
        work.fetch_add(x, Ordering::Relaxed);
        Ok::<_, String>(Some(x))
    });
    engine.add_builtin(slow).unwrap();
    let deadline = |milliseconds| {
        let clock = clock.clone();
        clock.store(0, Ordering::Relaxed);
        let now = move || Duration::from_millis(clock.load(Ordering::Relaxed));
        Budget {
            deadline: Some((Duration::from_millis(milliseconds), Arc::new(now))),
            ..Budget::default()
        }
    };
    let query = "acme.slow(input)";
    assert_eq!(under(&engine, query, b"10", deadline(20)).1, None);
    let (_, message) = under(&engine, query, b"30", deadline(20));
    assert!(message.unwrap().contains("20ms"));
}

#[test]
fn saved_policies_need_them() {
    let engine = engine();
    let file = engine.prepare(r#"acme.team("bob")"#).unwrap().save();
    let loaded = engine.load(&file).unwrap();
    let mut session = loaded.session();
    assert_eq!(
        session.eval_json(b"{}").unwrap().decode().unwrap(),
        Some("search")
    );

    for failure in [
        Engine::new().load(&file).map(drop).unwrap_err(),
        regovm::PreparedPolicy::load(&file).map(drop).unwrap_err(),
    ] {
        assert_eq!(failure.errors[0].message, "unsupported built-in: acme.team");
        assert!(
            failure.errors[0]
                .hint
                .as_ref()
                .unwrap()
                .contains("Engine::load")
        );
    }
    let mut other = Engine::new();
    let body = |a: String, _: String| Ok::<_, String>(Some(a));
    let builtin = Builtin::new("acme.team", "(a: str, b: str) -> str", body);
    other.add_builtin(builtin).unwrap();
    assert_eq!(
        other.load(&file).map(drop).unwrap_err().errors[0].message,
        "built-in acme.team takes other arguments than the program was compiled for"
    );
}

#[test]
fn what_is_wrong_with_a_declaration_is_said() {
    let mut engine = engine();
    let signature = "(x: num) -> num";
    for (name, signature, expected) in [
        ("count", signature, "there is a built-in count already"),
        (
            "acme.team",
            signature,
            "there is a built-in acme.team already",
        ),
        (
            "time",
            signature,
            "the name of the built-in time clashes with time.",
        ),
        (
            "acme.team.of",
            signature,
            "the name of the built-in acme.team.of clashes with acme.team",
        ),
        ("", signature, "\"\" is no name of a built-in"),
        ("input.x", signature, "\"input.x\" is no name of a built-in"),
        ("not", signature, "\"not\" is no name of a built-in"),
        ("acme.", signature, "\"acme.\" is no name of a built-in"),
        ("a-b", signature, "\"a-b\" is no name of a built-in"),
        ("1a", signature, "\"1a\" is no name of a built-in"),
        (
            "regovm.x",
            signature,
            "the name of the built-in regovm.x is reserved",
        ),
        (
            "acme.x",
            "num",
            "the signature of the built-in acme.x is the type of no function",
        ),
        (
            "acme.x",
            "(x: number",
            "the built-in acme.x has a wrong signature: expected , at byte 7",
        ),
        (
            "acme.x",
            "(x: num, y: num) -> num",
            "the body of the built-in acme.x takes 1 arguments, its signature 2",
        ),
        (
            "acme.x",
            "(x: num...) -> num",
            "the built-in acme.x must have a fixed number of parameters, and a result",
        ),
        (
            "acme.x",
            "(x: num) -> -",
            "the built-in acme.x must have a fixed number of parameters, and a result",
        ),
    ] {
        let builtin = Builtin::new(name, signature, |x: i64| Ok::<_, String>(Some(x)));
        let failure = engine.add_builtin(builtin).map(drop).unwrap_err();
        let error = &failure.errors[0];
        assert!(
            error.message.starts_with(expected),
            "{name} {signature}: {}",
            error.message
        );
        assert!(error.hint.is_some());
    }
    // What was refused is not there.
    assert!(engine.prepare("acme.x(1)").is_err());
}

#[test]
fn capabilities_do_not_concern_them_but_know_them() {
    let mut engine = engine();
    engine.set_capabilities(Capabilities::of_release("v1.0.0").unwrap());
    assert_eq!(value(&engine, "acme.answer()"), Some(json!(42)));
    let (old, now) = (
        Capabilities::of_release("v1.0.0").unwrap(),
        engine.capabilities(),
    );
    assert!(!old.allows("acme.team") && now.allows("acme.team"));
    let read = Capabilities::parse(&now.to_json()).unwrap();
    assert!(read.allows("acme.sum") && read.allows("count"));

    engine.set_unsafe_builtins(vec!["acme.answer".to_owned()]);
    let failure = engine.prepare("acme.answer()").map(drop).unwrap_err();
    assert_eq!(
        failure.errors[0].message,
        "unsafe built-in function calls in expression: acme.answer"
    );
}

#[test]
fn a_body_serves_many_threads() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut engine = Engine::new();
    let counter = asked.clone();
    let double = Builtin::over_values("acme.double", "(x: num) -> num", move |cx, arguments| {
        counter.fetch_add(1, Ordering::Relaxed);
        let number = arguments.first().and_then(|x| x.as_i64());
        Ok(number.map(|number| cx.arena.integer(2 * number)))
    });
    engine.add_builtin(double).unwrap();
    let policy = engine.prepare("acme.double(input)").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let policy = &policy;
            scope.spawn(move || {
                let mut session = policy.session();
                for round in 0..50 {
                    let input = (thread * 1_000 + round).to_string();
                    let answer = session.eval_json(input.as_bytes()).unwrap();
                    let doubled: i64 = answer.decode().unwrap().unwrap();
                    assert_eq!(doubled, 2 * (thread * 1_000 + round));
                }
            });
        }
    });
    assert_eq!(asked.load(Ordering::Relaxed), 200);
}

#[test]
fn errors_of_our_kind_stay_what_they_are() {
    let mut engine = Engine::new();
    let halt = |text: String| Err::<Option<bool>, _>(BuiltinError::Halt(Code::EvalInternal, text));
    let fatal = Builtin::new("acme.fatal", "(text: str) -> bool", halt);
    engine.add_builtin(fatal).unwrap();
    let values = Builtin::over_values("acme.typed", "(x: any) -> any", |_, arguments| {
        Err(BuiltinError::operand_type(1, &["string"], arguments[0]))
    });
    engine.add_builtin(values).unwrap();
    let policy = engine
        .prepare(r#"acme.fatal("the database is gone")"#)
        .unwrap();
    let failure = policy.session().eval_json(b"{}").map(|a| a.value());
    assert_eq!(
        first(failure.unwrap_err()),
        (Code::EvalInternal, "the database is gone".to_owned())
    );
    assert_eq!(
        strict_error(&engine, "acme.typed(1)"),
        (
            Code::EvalType,
            "acme.typed: operand 1 must be string but got number".to_owned()
        )
    );
}

/// The form of bodies is named, so that functions can be handed in too.
#[test]
fn functions_are_bodies() {
    fn both(a: bool, b: bool) -> Result<Option<bool>, std::convert::Infallible> {
        Ok(Some(a && b))
    }
    fn same<'a>(
        _: &mut regovm::builtin::Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        Ok(arguments.first().copied())
    }
    let mut engine = Engine::new();
    let builtin = Builtin::new("acme.both", "(a: bool, b: bool) -> bool", both);
    engine.add_builtin(builtin).unwrap();
    let builtin = Builtin::over_values("acme.same", "(x: any) -> any", same);
    engine.add_builtin(builtin).unwrap();
    assert_eq!(
        value(&engine, "acme.same(acme.both(true, false))"),
        Some(json!(false))
    );
}
