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

fn repeated(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// What is wrong with a module, if anything.
fn first_error(text: String) -> Option<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("long.rego", text).expect("short text");
    let module = match parse_module(&sources, id, &ParseOptions::default()) {
        Ok(module) => module,
        Err(errors) => return Some(errors[0].message.clone()),
    };
    let (table, options) = (table(), Options::default());
    let checked = check_modules(&sources, vec![module], Vec::new(), &table, &options, None);
    checked.err().map(|errors| errors[0].message.clone())
}

/// Each of these took time that grew with the square or a power of its length.
#[test]
fn long_flat_texts_are_checked() {
    const N: usize = 3_000;
    let body = |exprs: String| format!("package a\np if {{ {exprs} true }}\n");
    let backwards = repeated(N, |i| format!("x{i} = x{}; ", i + 1));
    assert_eq!(first_error(body(format!("{backwards}x{N} = 1; "))), None);
    let unsafe_vars = first_error(body(repeated(N, |i| format!("x{i}; "))));
    assert_eq!(unsafe_vars.as_deref(), Some("var x0 is unsafe"));
    let closures = repeated(N, |i| format!("c{i} := [x | x := input[y]]; "));
    assert_eq!(first_error(body(format!("y := 1; {closures}"))), None);
    let templates = repeated(N / 3, |i| format!("t{i} := $\"a {{input.x{i}}}\"; "));
    assert_eq!(first_error(body(templates)), None);
    let members = repeated(N, |i| format!("{{\"k{i}\": 1}}, "));
    let array = format!("x := [{members}]; x[_].k1 = 1; ");
    assert_eq!(first_error(body(array)), None);
}

/// A cycle of many rules is reported as often as the error limit lets it be.
#[test]
fn long_cycles_are_found() {
    let rules = repeated(2_000, |i| format!("p{i} := p{}\n", (i + 1) % 2_000));
    let error = first_error(format!("package a\n{rules}")).unwrap_or_default();
    assert!(
        error.starts_with("rule data.a.p0 is recursive: data.a.p0 -> data.a.p1 -> "),
        "{error}"
    );
}

/// Types that share their parts are far larger than their texts.
#[test]
fn types_with_shared_parts_are_compared_part_by_part() {
    let shared = |name: &str, first: &str| {
        let steps = repeated(60, |i| {
            format!("{name}{} := [{name}{i}, {name}{i}]; ", i + 1)
        });
        format!("{name}0 := {first}; {steps}")
    };
    for (last, wrong) in [("2", false), ("\"a\"", true)] {
        for level in [8, 60] {
            let text = format!(
                "package a\np if {{ {}{}x{level} = y{level} }}\n",
                shared("x", "1"),
                shared("y", last)
            );
            // What is as large as the larger ones may be anything.
            let error = (wrong && level == 8).then_some("match error");
            assert_eq!(first_error(text).as_deref(), error, "{last} {level}");
        }
    }
}

/// Trees of paths are walked by recursion: their paths have a limit.
#[test]
fn long_paths_are_refused() {
    let too_deep = Some("max parsing recursion depth exceeded");
    let path = ".a".repeat(100_000);
    assert_eq!(
        first_error(format!("package a{path}\n")).as_deref(),
        too_deep
    );
    assert_eq!(
        first_error(format!("package a\np{path} := 1\n")).as_deref(),
        too_deep
    );
    let target = format!("package a\np if input.x with input{path} as 1\n");
    assert_eq!(first_error(target), None);
    let data = format!("package a\np if data{path}\n");
    assert_eq!(first_error(data), None);
}
