//! Random modules, evaluated by us and by OPA: for the built-ins that are no body of their own. The compiler, the evaluator
//! or the library itself does their work, so that `stdlib/tests/oracle.rs` cannot call them.
//!
//! Runs where `REGOVM_ORACLE` names the oracle program of `conformance-suite/oracle`, and asks for as many modules of each
//! kind as `REGOVM_ORACLE_CALLS` says; `REGOVM_ORACLE_SEED` chooses which, `REGOVM_ORACLE_ONLY` keeps the kinds whose names
//! contain a text.

use std::fs;
use std::path::{Path, PathBuf};

use regovm::Capabilities;
use regovm_conformance::case::EvalCase;
use regovm_conformance::engine::{CaseError, Engine};
use regovm_conformance::locate::{opa_cases, own_cases};
use regovm_conformance::oracle::Oracle;
use regovm_conformance::regovm::RegovmEngine;
use serde_json::Value;

type Draw = fn(&mut Random, &[String]) -> EvalCase;

/// The built-ins whose calls are drawn here, each with a function that draws a module with the rule `r`.
const KINDS: &[(&str, Draw)] = &[
    ("walk", |random, _| rules(&walk(random))),
    ("eq", |random, _| rules(&unified(random, "eq"))),
    ("assign", |random, _| rules(&unified(random, "assign"))),
    ("print", |random, _| rules(&printed(random))),
    ("internal.print", |random, _| {
        rules(&printed_choices(random))
    }),
    ("internal.test_case", |random, _| {
        let list = list(random, 2);
        rules(&format!("r := 1 if internal.test_case({list})"))
    }),
    ("rand.intn", |random, _| rules(&same_chance(random))),
    ("rego.metadata.chain", |random, _| annotated(random)),
    ("rego.metadata.rule", |random, _| annotated(random)),
    ("rego.parse_module", |random, texts| parsed(random, texts)),
];

/// xorshift64*
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }
}

fn rules(text: &str) -> EvalCase {
    EvalCase {
        modules: vec![format!("package t\n{text}\n")],
        query: "x = data.t.r".to_owned(),
        strict_error: true,
        ..EvalCase::default()
    }
}

const SCALARS: &[&str] = &[
    "null", "true", "false", "0", "1", "-1", "1.0", "1.5", "1e2", "\"a\"", "\"b\"", "\"\"", "\"é\"",
];

fn term(random: &mut Random, depth: usize) -> String {
    match random.below(if depth > 0 { 7 } else { 4 }) {
        0..=3 => random.of(SCALARS).to_owned(),
        4 => list(random, depth - 1),
        5 => {
            let elements = terms(random, depth - 1);
            if elements.is_empty() {
                "set()".to_owned()
            } else {
                format!("{{{}}}", elements.join(", "))
            }
        }
        _ => {
            let keys = ["\"a\"", "\"b\"", "1", "[1]"];
            let mut members = Vec::new();
            for key in keys {
                if random.below(2) == 0 {
                    members.push(format!("{key}: {}", term(random, depth - 1)));
                }
            }
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn terms(random: &mut Random, depth: usize) -> Vec<String> {
    (0..random.below(4)).map(|_| term(random, depth)).collect()
}

fn list(random: &mut Random, depth: usize) -> String {
    format!("[{}]", terms(random, depth).join(", "))
}

fn walk(random: &mut Random) -> String {
    let value = term(random, 3);
    let scalar = random.of(SCALARS);
    let call = match random.below(8) {
        0..=2 => format!("[p | walk({value}, p)]"),
        3 => format!("{{path | walk({value}, [path, {scalar}])}}"),
        4 => format!("[v | walk({value}, [[{scalar}, _], v])]"),
        5 => format!("[[path, k] | walk({value}, [path, {{\"a\": k}}])]"),
        6 => format!("[v | walk({value}, [{}, v])]", list(random, 1)),
        _ => format!("[v | walk({value}, [_, v]); v != {scalar}]"),
    };
    // The order of a relation's pairs counts, that of a set does not.
    format!("r := sprintf(\"%v\", [{call}])")
}

/// `eq` and `assign` are statements, not values.
fn unified(random: &mut Random, name: &str) -> String {
    let value = term(random, 3);
    let pattern = match random.below(6) {
        0 => term(random, 3),
        1 => "[a, b]".to_owned(),
        2 => "{\"a\": a, \"b\": b}".to_owned(),
        3 => "[a, [b, _]]".to_owned(),
        4 => "[a, a]".to_owned(),
        _ => value.clone(),
    };
    let sides = if random.below(3) == 0 && name == "eq" {
        format!("{value}, {pattern}")
    } else {
        format!("{pattern}, {value}")
    };
    let result = if pattern.contains("a, ") && pattern.contains('b') {
        "[a, b]"
    } else {
        "true"
    };
    format!("r := sprintf(\"%v\", [[{result}]]) if {name}({sides})")
}

fn printed(random: &mut Random) -> String {
    let value = random.of(&["1", "\"a\"", "input.x", "{1}[2]", "[x | x := 1]"]);
    format!("r := 1 if print({}, {value})", term(random, 2))
}

fn printed_choices(random: &mut Random) -> String {
    let parts = (0..random.below(4)).map(|_| match random.below(6) {
        0 => "set()".to_owned(),
        1 => term(random, 1),
        _ => format!("{{{}}}", term(random, 1)),
    });
    let parts: Vec<_> = parts.collect();
    format!("r := 1 if internal.print([{}])", parts.join(", "))
}

/// Chance is not compared, but that equal calls in a query have one result, and that it is below the bound.
fn same_chance(random: &mut Random) -> String {
    let (name, other) = (
        random.of(&["\"a\"", "\"b\""]),
        random.of(&["\"a\"", "\"c\""]),
    );
    let bound = random.of(&["0", "1", "2", "1000000", "-7", "3.0", "\"1\"", "1.5"]);
    format!(
        "one := rand.intn({name}, {bound})\n\
         r := [one == rand.intn({name}, {bound}), one <= abs({bound}), one == floor(one), \
         uuid.rfc4122({name}) == uuid.rfc4122({other})]"
    )
}

/// Comments of metadata, some of which are none.
fn metadata(random: &mut Random) -> String {
    let right = [
        "scope: package",
        "scope: rule",
        "scope: document",
        "scope: subpackages",
        "title: A title",
        "description: |\n#  Two\n#  lines",
        "description: \"quoted: yes\"",
        "authors:\n# - Ann <ann@a.example>\n# - name: Bo\n# - name: Cy\n#   email: cy@a.example",
        "authors:\n# - Ann B C",
        "organizations:\n# - One\n# - Two",
        "related_resources:\n# - https://a.example/x\n# - ref: https://b.example\n#   description: B",
        "entrypoint: true",
        "custom:\n#  a: 1\n#  b: [x, {y: 1.50}]\n#  1: two\n#  nil: ~",
        "schemas:\n# - input.y: {type: string}",
    ];
    let wrong = [
        "scope: other",
        "title: 1",
        "authors: Ann",
        "organizations: One",
        "related_resources:\n# - ref: b",
        "entrypoint: 1",
        "custom: 1",
        "schemas:\n# - input: schema.x",
        "unknown: 1",
        "- a",
    ];
    let mut text = String::new();
    if random.below(4) != 0 {
        text.push_str("# METADATA\n");
        for _ in 0..random.below(4) {
            let odd = random.below(40) == 0;
            text.push_str(&format!(
                "# {}\n",
                random.of(if odd { &wrong } else { &right })
            ));
        }
        text.push_str(random.of(&["", "", "", "\n", "# \n", "#\n"]));
    }
    text
}

/// Two packages, one within the other, with rules that ask for their metadata.
fn annotated(random: &mut Random) -> EvalCase {
    let call = |random: &mut Random| random.of(&["rego.metadata.rule()", "rego.metadata.chain()"]);
    let module = |random: &mut Random, package: &str| {
        let mut text = format!("{}package {package}\n", metadata(random));
        for name in ["a", "b"] {
            text.push_str(&metadata(random));
            let call = call(random);
            text.push_str(&match random.below(6) {
                0 => format!("{name} if {{ x := {call}; x }}\n"),
                1 => format!("{name} contains x if x := {call}\n"),
                2 => format!("{name}(x) := [x, {call}]\n{name}_called := {name}(1)\n"),
                3 => format!("{name} := 1 if false\nelse := {call}\n"),
                4 => format!("{name} := x if some x in [{call}]\n"),
                _ => format!("{name} := {call}\n"),
            });
        }
        text
    };
    EvalCase {
        modules: vec![module(random, "t.r"), module(random, "t.r.within")],
        query: "x = data.t.r".to_owned(),
        strict_error: true,
        annotations: true,
        ..EvalCase::default()
    }
}

/// The modules of the cases below a folder.
fn modules_below(folder: &Path, out: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            modules_below(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "json") {
            let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            for case in file["cases"].as_array().into_iter().flatten() {
                let texts = case["modules"].as_array().into_iter().flatten();
                let texts = texts.filter_map(Value::as_str).map(str::to_owned);
                out.extend(texts.filter(|text| text.len() < 4000));
            }
        }
    }
}

/// Tokens, roughly: words, spaces, single characters of everything else.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => 1,
        ' ' | '\t' => 2,
        _ => 0,
    };
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut last = 0;
    for (at, c) in text.char_indices() {
        if at > start && (kind(c) != last || last == 0) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = kind(c);
    }
    tokens.push(&text[start..]);
    tokens
}

/// Rules with chains of `else`, whose wildcards are numbered in the order that OPA reads them in.
fn chained(random: &mut Random) -> String {
    let term = |random: &mut Random| {
        random.of(&[
            "_",
            "[_]",
            "[_, _]",
            "{_: _}",
            "q[_]",
            "[x | x := _]",
            "f(_)",
            "1",
            "x",
            "-0.5",
        ])
    };
    let body = |random: &mut Random| match random.below(4) {
        0 => format!("{} == {}", term(random), term(random)),
        1 => format!("some {} in {}", term(random), term(random)),
        2 => format!("every k, v in {} {{ {} }}", term(random), term(random)),
        _ => format!("not {} with input as {}", term(random), term(random)),
    };
    let head = random.of(&["p", "p(_)", "p(_, [_])", "p.q[_]", "p contains _", "p[_]"]);
    let mut text = format!("package a\n{head}");
    if !head.contains("contains") {
        text.push_str(&format!(" := {}", term(random)));
    }
    text.push_str(&format!(" if {{ {} }}", body(random)));
    for _ in 0..random.below(4) {
        let value = if random.below(4) == 0 {
            String::new()
        } else {
            format!(":= {}", term(random))
        };
        text.push_str(&format!(" else {value}"));
        if random.below(4) != 0 {
            text.push_str(&format!(" if {{ {}; {} }}", body(random), body(random)));
        }
    }
    text.push_str(&format!("\nr if {{ {} }}\n", body(random)));
    text
}

/// A module of the cases, as it is or with a few tokens dropped, swapped, doubled or made wildcards; or one of [`chained`].
fn parsed(random: &mut Random, texts: &[String]) -> EvalCase {
    let chain;
    let text = if random.below(4) == 0 {
        chain = chained(random);
        &chain
    } else {
        &texts[random.below(texts.len())]
    };
    let mut tokens = tokens(text);
    for _ in 0..random.below(3) {
        let at = random.below(tokens.len());
        match random.below(4) {
            0 if tokens.len() > 1 => drop(tokens.remove(at)),
            1 => {
                let other = random.below(tokens.len());
                tokens.swap(at, other);
            }
            2 => tokens[at] = "_",
            _ => tokens.insert(at, tokens[at]),
        }
    }
    EvalCase {
        input: Some(Value::String(tokens.concat())),
        ..rules("r := json.marshal(rego.parse_module(\"p.rego\", input))")
    }
}

#[test]
fn modules_evaluate_as_in_opa() {
    let Some(program) = std::env::var_os("REGOVM_ORACLE") else {
        eprintln!("skipped: REGOVM_ORACLE names no oracle");
        return;
    };
    let number = |name: &str, default: u64| {
        let text = std::env::var(name).ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let seed = number("REGOVM_ORACLE_SEED", 1);
    let only = std::env::var("REGOVM_ORACLE_ONLY").unwrap_or_default();
    let oracle = Oracle::start(Path::new(&program)).unwrap();
    let mut texts = Vec::new();
    modules_below(&own_cases(), &mut texts);
    if let Ok(cases) = opa_cases() {
        modules_below(&cases.join("v1"), &mut texts);
    }
    let (mut asked, mut failed, mut different) = (0, 0, 0);
    for (name, draw) in KINDS.iter().filter(|(name, _)| name.contains(&only)) {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..number("REGOVM_ORACLE_CALLS", 50) {
            let case = draw(&mut random, &texts);
            let ours = RegovmEngine.evaluate(RegovmEngine.modes()[0], &case);
            let theirs = oracle.evaluate(oracle.modes()[0], &case);
            asked += 1;
            failed += usize::from(theirs.is_err());
            // OPA reads `.5` and cannot print it as JSON; ours prints 0.5.
            let unprintable = |error: &CaseError| error.message.contains("invalid number literal");
            if theirs.as_ref().err().is_some_and(unprintable) && ours.is_ok() {
                continue;
            }
            if ours != theirs {
                different += 1;
                println!("{name}: {:#?} {:?}", case.modules, case.input);
                println!("  ours   {ours:?}\n  theirs {theirs:?}");
            }
        }
    }
    println!("{asked} modules, {failed} of them failed in OPA");
    assert_eq!(different, 0, "of {asked} modules");
}

/// What is no built-in of the crate of bodies must be drawn here; of the others, `stdlib/tests/oracle.rs` says where they are
/// drawn.
#[test]
fn every_builtin_of_the_library_alone_is_drawn() {
    let bodies = regovm::internals::stdlib::table();
    let all: Value = serde_json::from_str(&Capabilities::current().to_json()).unwrap();
    for builtin in all["builtins"].as_array().unwrap() {
        let name = builtin["name"].as_str().unwrap();
        let drawn = KINDS.iter().any(|(kind, _)| *kind == name);
        assert!(drawn || bodies.id(name).is_some(), "{name}");
    }
}
