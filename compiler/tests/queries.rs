//! What the query stages make of queries, and what the answer shows of them.

use regovm_compiler::front::check_modules;
use regovm_compiler::options::Options;
use regovm_compiler::state::Query;
use regovm_compiler::text::body_text;
use regovm_core::SourceMap;
use regovm_core::builtin::{Builtin, BuiltinDecl, Table};
use regovm_parser::{ParseOptions, parse_module, parse_query};

const MODULE: &str = "package a.b\n\np := 1\n\nf(x) := x + 1\n\ns contains \"x\"\n";

fn table() -> Table {
    let mut table = Table::new(&[]);
    for (name, signature, relation) in [
        ("eq", "(any, any) -> bool", false),
        ("assign", "(any, any) -> bool", false),
        ("equal", "(any, any) -> bool", false),
        ("lt", "(any, any) -> bool", false),
        ("plus", "(num, num) -> num", false),
        ("count", "([any]) -> num", false),
        ("walk", "(any) -> [any]", true),
        ("print", "(any...) -> -", false),
    ] {
        table.add(Builtin {
            decl: BuiltinDecl {
                name,
                signature,
                relation,
                ..BuiltinDecl::DEFAULT
            },
            body: |_, _| Ok(None),
        });
    }
    table
}

/// The rewritten query, its bindings, and its expressions with the variables that hold their values.
fn compiled(text: &str, change: impl Fn(&mut Query)) -> [String; 3] {
    let mut sources = SourceMap::new();
    let module = sources.add("test.rego", MODULE).expect("short text");
    let module = parse_module(&sources, module, &ParseOptions::default()).expect("a module");
    let id = sources.add("", text).expect("short text");
    let parsed = match parse_query(&sources, id, &ParseOptions::default()) {
        Ok(parsed) => parsed,
        Err(errors) => return [errors[0].message.clone(), String::new(), String::new()],
    };
    let mut query = Query::new(parsed.body);
    change(&mut query);
    let (table, options) = (table(), Options::default());
    let checked = check_modules(&sources, vec![module], vec![query], &table, &options, None);
    let query = match checked {
        Ok(mut checked) => checked.queries.remove(0),
        Err(errors) => return [errors[0].message.clone(), String::new(), String::new()],
    };
    let bindings: Vec<String> = query
        .answer
        .bindings
        .iter()
        .map(|(name, var)| format!("{name}={var}"))
        .collect();
    let expressions: Vec<String> = query
        .answer
        .expressions
        .iter()
        .map(|e| {
            format!(
                "{}={}",
                sources.text(e.span),
                e.capture.as_deref().unwrap_or("true")
            )
        })
        .collect();
    [
        body_text(&query.body),
        bindings.join(" "),
        expressions.join(", "),
    ]
}

#[test]
fn every_expression_keeps_its_value() {
    let cases = [
        ("1 + 2", "plus(1, 2, _)", "", "1 + 2=$term1"),
        ("data.a.b", "data.a.b = _", "", "data.a.b=$term1"),
        ("1 < 2", "lt(1, 2, _)", "", "1 < 2=$term1"),
        // More than one expression, or iteration: false ends the solution.
        (
            "1 < 2; true",
            "lt(1, 2, _); true = _; _; _",
            "",
            "1 < 2=$term1, true=$term2",
        ),
        (
            "data.a.b[x]",
            "data.a.b[x] = _; _",
            "x=x",
            "data.a.b[x]=$term1",
        ),
        (
            "walk(input)",
            "__localq0__ = input; walk(__localq0__, _); _",
            "",
            "walk(input)=$term1",
        ),
        (
            "data.a.b.f(1)",
            "data.a.b.f(1, _)",
            "",
            "data.a.b.f(1)=$term1",
        ),
        // These have no value of their own.
        ("x = 1", "x = 1", "x=x", "x = 1=true"),
        ("x := 1", "__localq0__ = 1", "x=__localq0__", "x := 1=true"),
        ("not false", "not false", "", "not false=true"),
        (
            "count([1], x)",
            "count([1], x)",
            "x=x",
            "count([1], x)=true",
        ),
        // Closures keep their variables to themselves.
        (
            "[x | x := 1]",
            "[__localq0__ | __localq0__ = 1] = _",
            "",
            "[x | x := 1]=$term1",
        ),
    ];
    for (text, body, bindings, expressions) in cases {
        let got = compiled(text, |_| {});
        assert_eq!(got, [body, bindings, expressions], "{text}");
    }
}

#[test]
fn erased_queries_say_true() {
    assert_eq!(compiled("print(1)", |_| {}), ["true", "", "print(1)=true"]);
}

#[test]
fn bindings_alone_need_no_values() {
    let got = compiled("1 < 2; x = data.a.b.p", |query| query.bindings_only = true);
    assert_eq!(got[0], "lt(1, 2); x = data.a.b.p");
    assert_eq!(got[1], "x=x");
    assert_eq!(got[2], "1 < 2=true, x = data.a.b.p=true");
}

#[test]
fn names_resolve_in_the_context_of_a_package() {
    let in_package = |query: &mut Query| {
        let mut sources = SourceMap::new();
        let id = sources.add("", "data.a.b").expect("short text");
        let path = parse_query(&sources, id, &ParseOptions::default())
            .expect("a ref")
            .body;
        if let regovm_parser::ast::ExprKind::Term(term) = &path[0].kind {
            query.package = term.as_ref().cloned();
        }
    };
    assert_eq!(
        compiled("p + 1", in_package)[0],
        "__localq0__ = data.a.b.p; plus(__localq0__, 1, _)"
    );
    assert_eq!(compiled("p", in_package)[0], "data.a.b.p = _");
    assert_eq!(compiled("p := 2; p", in_package)[1], "p=__localq0__");
    assert_eq!(compiled("p", |_| {})[0], "var p is unsafe");
}

#[test]
fn errors_of_queries_end_them() {
    assert_eq!(
        compiled("x := 1; x := 2", |_| {})[0],
        "var x assigned above"
    );
    assert_eq!(compiled("some x; true", |_| {})[0], "declared var x unused");
    assert_eq!(
        compiled("print(1) == 2", |_| {})[0],
        "print(1) used as value"
    );
}
