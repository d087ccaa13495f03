//! Snapshots of the IR: each `tests/ir/*.rego` has the text of its IR beside it, each `tests/optimized/*.rego` that of its
//! optimised IR.
//!
//! A line `# query: ..` at the top of a file is a query; without one all rules are lowered. With
//! `REGOVM_BLESS=1` in the environment the snapshots are written anew instead of compared.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests may read files"
)]

use std::path::Path;

use regovm_compiler::front::check_modules;
use regovm_compiler::ir::{display, verify};
use regovm_compiler::lower::lower;
use regovm_compiler::optimize::{Context, optimize};
use regovm_compiler::options::Options;
use regovm_compiler::state::Query;
use regovm_core::SourceMap;
use regovm_core::builtin::{Builtin, BuiltinDecl, BuiltinError, Call, Cost, Purity, Table};
use regovm_core::value::Value;
use regovm_parser::ast::RegoVersion;
use regovm_parser::{ParseOptions, parse_module, parse_query};

fn no_body<'a>(_: &mut Call<'a, '_>, _: &[Value<'a>]) -> Result<Option<Value<'a>>, BuiltinError> {
    Ok(None)
}

/// `plus` is folded.
fn plus<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    let numbers: Option<Vec<i64>> = arguments.iter().map(|it| it.as_i64()).collect();
    let numbers = numbers.ok_or_else(|| BuiltinError::value("a number is wanted"))?;
    Ok(Some(cx.arena.integer(numbers.iter().sum())))
}

/// The few built-ins that the snapshots use; their bodies do not matter here.
fn builtins() -> Table {
    let declared: &[(&'static str, Option<&'static str>, &'static str, bool)] = &[
        ("eq", Some("="), "(any, any) -> bool", false),
        ("assign", Some(":="), "(any, any) -> bool", false),
        ("equal", Some("=="), "(any, any) -> bool", false),
        ("neq", Some("!="), "(any, any) -> bool", false),
        ("lt", Some("<"), "(any, any) -> bool", false),
        ("gt", Some(">"), "(any, any) -> bool", false),
        ("gte", Some(">="), "(any, any) -> bool", false),
        ("plus", Some("+"), "(num, num) -> num", false),
        ("internal.member_2", Some("in"), "(any, any) -> bool", false),
        (
            "internal.member_3",
            Some("in"),
            "(any, any, any) -> bool",
            false,
        ),
        ("count", None, "(any) -> num", false),
        ("startswith", None, "(str, str) -> bool", false),
        ("regex.match", None, "(str, str) -> bool", false),
        ("walk", None, "(any) -> [[any], any]", true),
        ("time.now_ns", None, "() -> num", false),
    ];
    let mut table = Table::new(&[]);
    for (name, infix, signature, relation) in declared {
        let decl = BuiltinDecl {
            name,
            infix: *infix,
            signature,
            relation: *relation,
            purity: match *name {
                "time.now_ns" => Purity::Nondeterministic,
                _ => Purity::Pure,
            },
            cost: match *name {
                "startswith" | "regex.match" => Cost::Linear("bytes"),
                _ => Cost::Constant,
            },
            ..BuiltinDecl::DEFAULT
        };
        table.add(Builtin {
            decl,
            body: match *name {
                "plus" => plus,
                _ => no_body,
            },
        });
    }
    table
}

/// The IR of a module, or what went wrong.
fn ir(text: &str, version: RegoVersion) -> Result<String, String> {
    stage(text, version, false)
}

fn stage(text: &str, version: RegoVersion, optimized: bool) -> Result<String, String> {
    let mut sources = SourceMap::new();
    let describe = |errors: Vec<regovm_core::Diagnostic>, sources: &SourceMap| {
        errors
            .iter()
            .map(|e| e.one_line(sources) + "\n")
            .collect::<String>()
    };
    let parse_options = ParseOptions {
        version,
        ..ParseOptions::default()
    };
    let id = sources.add("p.rego", text).map_err(|e| e.to_string())?;
    let module = parse_module(&sources, id, &parse_options).map_err(|e| describe(e, &sources))?;
    let mut queries = Vec::new();
    for line in text.lines() {
        let Some(query) = line.strip_prefix("# query: ") else {
            break;
        };
        let id = sources.add("", query).map_err(|e| e.to_string())?;
        let query = parse_query(&sources, id, &parse_options).map_err(|e| describe(e, &sources))?;
        queries.push(Query::new(query.body));
    }
    let (table, options) = (builtins(), Options::default());
    let checked = check_modules(&sources, vec![module], queries, &table, &options, None)
        .map_err(|e| describe(e, &sources))?;
    let mut program = lower(&checked).map_err(|e| describe(e.into_vec(), &sources))?;
    if optimized {
        optimize(&mut program, &Context { builtins: &table }, &[]);
    }
    verify::verify(&program).map_err(|e| e.to_string())?;
    Ok(display::program_text(&program, &table))
}

#[test]
fn snapshots() {
    compare_snapshots("tests/ir", 10, false);
}

#[test]
fn snapshots_of_what_is_optimized() {
    compare_snapshots("tests/optimized", 1, true);
}

fn compare_snapshots(folder: &str, at_least: usize, optimized: bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let bless = std::env::var_os("REGOVM_BLESS").is_some();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of snapshots")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "rego"))
        .collect();
    files.sort();
    assert!(files.len() >= at_least, "snapshots are missing");
    let mut wrong = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable module");
        let found = stage(&text, RegoVersion::V1, optimized)
            .unwrap_or_else(|error| format!("ERROR {error}"));
        let snapshot = file.with_extension("ir");
        if found.starts_with("ERROR") {
            wrong += &format!("{}\n{found}", file.display());
            continue;
        }
        if bless {
            std::fs::write(&snapshot, &found).expect("a writable snapshot");
            continue;
        }
        let wanted = std::fs::read_to_string(&snapshot).unwrap_or_default();
        if found != wanted {
            wrong += &format!("{}\n--- wanted\n{wanted}--- found\n{found}", file.display());
        }
    }
    assert!(
        wrong.is_empty(),
        "REGOVM_BLESS=1 writes them anew:\n{wrong}"
    );
}

/// A body of very many iterations is refused, not a stack overflow.
#[test]
fn nesting_is_an_error() {
    let mut text = String::from("package p\nq if {\n");
    for i in 0..600 {
        text += &format!("  some x{i} in input.x\n  x{i} > 1\n");
    }
    text += "}\n";
    let error = ir(&text, RegoVersion::V1).expect_err("nests too deep");
    assert!(error.contains("nested too deep"), "{error}");
}

/// What the parser and the limits of lowering let through is lowered and emitted on the stack of a test's thread.
#[test]
fn deep_closures_are_lowered_or_refused() {
    for depth in [30, 100, 240] {
        let nested =
            |open: &str, core: &str, close: &str| open.repeat(depth) + core + &close.repeat(depth);
        let bodies = [
            nested("[", "input.x", "]"),
            nested("{\"a\": ", "input.x", "}"),
            nested("count(", "input.x", ")"),
        ];
        for body in bodies {
            let text = format!("package p\np := {body}\n");
            if let Err(error) = ir(&text, RegoVersion::V1) {
                assert!(depth >= 100, "{depth}: {error}");
            }
        }
        let every = nested("every x in input.x { ", "input.y", " }");
        let _ = ir(&format!("package p\np if {every}\n"), RegoVersion::V1);
        let scans: String = (0..depth)
            .map(|i| format!("some x{i} in input.x\n"))
            .collect();
        let result = ir(
            &format!("package p\np := 1 if {{ {scans} x0 == 1 }}\n"),
            RegoVersion::V1,
        );
        assert!(result.is_ok(), "{depth}: {result:?}");
    }
}
