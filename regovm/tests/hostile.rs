//! Hostile texts and damaged files on a thread with a stack as small as Rust gives it.

use std::thread;

use regovm::{Budget, Engine, PreparedPolicy};

/// Threads of Rust have 2 MB unless told otherwise.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

fn nest(open: &str, middle: &str, close: &str, depth: usize) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

const FORMS: [(&str, &str, &str); 13] = [
    ("[", "1", "]"),
    ("{\"a\": ", "1", "}"),
    ("{", "1", "}"),
    ("(", "1", ")"),
    ("[1 | ", "true", "]"),
    ("abs(", "1", ")"),
    ("input[", "0", "]"),
    ("1 + ", "1", ""),
    ("1 if { false } else := ", "2", ""),
    ("[x | x := ", "1", "]"),
    ("{y: x | y := 1; x := ", "1", "}"),
    ("$\"{[", "1", "]}\""),
    ("[1 | every y in ", "[1]", " { y }]"),
];

#[test]
fn policies_of_any_depth_are_compiled_or_refused() {
    on_a_small_stack(|| {
        for (open, middle, close) in FORMS {
            for depth in [90, 301, 400, 900, 100_000] {
                let text = format!("package p\nx := {}\n", nest(open, middle, close, depth));
                let mut engine = Engine::new();
                engine.add_module("p.rego", &text);
                match engine.prepare("data.p.x") {
                    Ok(policy) => {
                        assert!(depth < 300, "{open} {depth}");
                        let mut session = policy.session();
                        // Quotes in quotes in quotes double their escapes.
                        session.set_budget(Budget {
                            steps: Some(100_000),
                            memory: Some(4 << 20),
                            ..Budget::default()
                        });
                        let _ = session.eval_json(b"[0]");
                        // What was compiled can be saved, too.
                        assert!(PreparedPolicy::load(&policy.save()).is_ok());
                    }
                    Err(failure) => {
                        let message = &failure.errors[0].message;
                        assert_eq!(
                            message, "max parsing recursion depth exceeded",
                            "{open} {depth}"
                        );
                        assert!(depth > 300, "{open} {depth}");
                    }
                }
            }
        }
    });
}

#[test]
fn inputs_of_any_depth_are_read_or_refused() {
    on_a_small_stack(|| {
        let mut engine = Engine::new();
        engine.add_module(
            "p.rego",
            "package p\nx := count(json.marshal(input))\ny if { {input, [input]} == {input, input.a} }\nz := count([1 | walk(input)])\n",
        );
        let policy = engine.prepare("data.p").unwrap();
        let mut session = policy.session();
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [100, 5_000, 9_000, 100_000] {
                let text = nest(open, "1", close, depth);
                let answer = session.eval_json(text.as_bytes());
                assert_eq!(answer.is_ok(), depth < 10_000, "{open} {depth}");
            }
        }
    });
}

const POLICY: &str = r#"
package p

import data.lib

default allow := false

allow if {
    some i, role in input.roles
    every x in [1, 2, i] { x >= 0 }
    role in {"admin", "root"}
    not denied[role]
}

denied contains name if {
    some name, value in {"a": 1.5, "b": [2, {"c"}]}
    walk(value, [path, leaf])
    f(leaf) > count(path) with input.x as 3
}

f(x) := y if {
    y := sum([n | some n in numbers.range(1, 10); n % 2 == 0])
    is_number(x)
} else := 7

tree.a[x].b := sprintf("%v", [x]) if some x in input.roles
"#;

fn saved() -> Vec<u8> {
    let mut engine = Engine::new();
    engine.add_module("p.rego", POLICY);
    engine.prepare("x := data.p; x.allow").unwrap().save()
}

/// Loads and, if that works, runs with budgets. Neither may panic.
fn try_file(file: &[u8]) -> bool {
    let Ok(policy) = PreparedPolicy::load(file) else {
        return false;
    };
    let mut session = policy.session();
    session.set_budget(Budget {
        steps: Some(20_000),
        memory: Some(4 << 20),
        ..Budget::default()
    });
    if let Ok(answer) = session.eval_json(br#"{"roles": ["admin", "guest"]}"#) {
        for solution in answer.solutions() {
            let _ = solution.bindings().count();
            let _ = solution.expressions().count();
        }
    }
    true
}

#[test]
fn a_saved_policy_that_is_cut_is_refused() {
    let file = saved();
    assert!(try_file(&file));
    for end in 0..file.len() {
        assert!(!try_file(&file[..end]), "{end} of {}", file.len());
    }
}

#[test]
fn a_damaged_policy_is_refused_or_runs_within_its_budgets() {
    let file = saved();
    // Xorshift: the same damage in every run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..4_000 {
        let mut damaged = file.clone();
        for _ in 0..=random(3) {
            let at = random(damaged.len());
            damaged[at] = match random(3) {
                0 => damaged[at] ^ (1 << random(8)),
                1 => 0xff,
                _ => random(256) as u8,
            };
        }
        try_file(&damaged);
    }
}
