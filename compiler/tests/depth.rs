//! The deepest texts that the parser lets through pass all stages on the stack of a test thread,
//! and in a time that grows with their size.

use regovm_compiler::front::check_modules;
use regovm_compiler::options::Options;
use regovm_compiler::state::Query;
use regovm_core::SourceMap;
use regovm_core::builtin::{Builtin, BuiltinDecl, Table};
use regovm_parser::{ParseOptions, parse_module, parse_query};

fn table() -> Table {
    let mut table = Table::new(&[]);
    for (name, signature) in [
        ("eq", "(any, any) -> bool"),
        ("assign", "(any, any) -> bool"),
        ("plus", "(any, any) -> any"),
        ("count", "(any) -> any"),
        ("internal.template_string", "([any]) -> str"),
    ] {
        table.add(Builtin {
            decl: BuiltinDecl {
                name,
                signature,
                ..BuiltinDecl::DEFAULT
            },
            body: |_, _| Ok(None),
        });
    }
    table
}

/// True if so many levels pass the parser; then they have passed all stages too.
fn compiles(before: &str, core: &str, after: &str, levels: usize) -> bool {
    let expr = format!("{}{core}{}", before.repeat(levels), after.repeat(levels));
    let text = format!(
        "package a\nimport future.keywords.not\nimport future.keywords.and\n\
         import future.keywords.or\np if {{ {expr} }}\n"
    );
    let mut sources = SourceMap::new();
    let id = sources.add("deep.rego", text).expect("short text");
    let Ok(module) = parse_module(&sources, id, &ParseOptions::default()) else {
        return false;
    };
    let mut queries = Vec::new();
    let id = sources.add("", expr).expect("short text");
    if let Ok(query) = parse_query(&sources, id, &ParseOptions::default()) {
        queries.push(Query::new(query.body));
    }
    let (table, options) = (
        table(),
        Options {
            strict: true,
            ..Options::default()
        },
    );
    // Errors are fine; an overflow of the stack is not.
    let _ = check_modules(&sources, vec![module], queries, &table, &options, None);
    true
}

#[test]
fn deep_texts_pass_all_stages() {
    let deep = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(all_shapes);
    deep.expect("a thread").join().expect("no panic");
}

fn all_shapes() {
    let shapes = [
        ("[", "1", "]"),
        ("{\"a\": ", "1", "}"),
        ("{", "1", "}"),
        ("count(", "[1]", ")"),
        ("1 + (", "1", ")"),
        ("input[", "1", "]"),
        ("[1][", "0", "]"),
        ("not (", "input.x", ")"),
        ("input.x and (", "input.x", ")"),
        ("[x | x := ", "1", "]"),
        ("{x | x := ", "1", "}"),
        ("{x: y | y := 1; x := ", "1", "}"),
        ("[", "1", " | true]"),
        ("every x in [y | y := 1; ", "true", "] { x }"),
        ("every x in [1] { x; ", "true", "}"),
        ("some x in [y | some y in [1]; ", "true", "]; x"),
        ("not { x := 1; x; ", "false", "}"),
        ("{ y := 1; y } or { ", "true", "}"),
        ("{ ", "true", "} or { y := 1; y }"),
        ("$\"{[", "1", "]}\""),
        ("$\"{[x | x := ", "1", "]}\""),
        ("not { a := [y | y := 1; ", "b := 1; b", "]; a }"),
        ("a := {y: 1 | some y in [1]; {", "true", "} or { y } }; a"),
        ("[x | x := input[y] with input as ", "1", "]"),
    ];
    for (before, core, after) in shapes {
        assert!(!compiles(before, core, after, 100_000), "{before}");
        // The deepest of these that the parser lets through.
        let passed = [300, 290, 148, 98, 70, 49]
            .into_iter()
            .find(|levels| compiles(before, core, after, *levels));
        assert!(passed.is_some(), "{before} does not nest");
    }
}
