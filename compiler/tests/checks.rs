//! What the checking stages refuse, against what OPA refuses.
//!
//! `data/checks.txt` has a module above each `-----` and OPA's errors below it (recorded from OPA
//! 1.22.0): `row:col code: message`, then the lines of its details, indented. `data/order.txt` has
//! the bodies of rules as written and in the order in which they are safe.

use std::num::NonZero;

use regovm_compiler::front::check_modules;
use regovm_compiler::options::Options;
use regovm_compiler::pipeline::STAGES;
use regovm_compiler::state::State;
use regovm_compiler::text::expr_text;
use regovm_core::builtin::{Builtin, BuiltinDecl, Table};
use regovm_core::{Diagnostic, SourceMap};
use regovm_parser::{ParseOptions, parse_module};

/// Names and signatures are all that the stages look at.
const BUILTINS: &[(&str, &str)] = &[
    ("eq", "(any, any) -> bool"),
    ("assign", "(any, any) -> bool"),
    ("equal", "(x: any, y: any) -> result: bool"),
    ("neq", "(x: any, y: any) -> result: bool"),
    ("lt", "(x: any, y: any) -> result: bool"),
    ("lte", "(x: any, y: any) -> result: bool"),
    ("gt", "(x: any, y: any) -> result: bool"),
    ("gte", "(x: any, y: any) -> result: bool"),
    ("plus", "(x: num, y: num) -> z: num"),
    ("minus", "(x: num|{any}, y: num|{any}) -> z: num|{any}"),
    ("mul", "(x: num, y: num) -> z: num"),
    (
        "count",
        "(collection: str|[any]|obj<any=>any>|{any}) -> n: num",
    ),
    ("sum", "(collection: [num]|{num}) -> n: num"),
    ("max", "(collection: [any]|{any}) -> n: any"),
    (
        "concat",
        "(delimiter: str, collection: [str]|{str}) -> output: str",
    ),
    ("upper", "(x: str) -> y: str"),
    ("split", "(x: str, delimiter: str) -> ys: [str]"),
    ("startswith", "(search: str, base: str) -> result: bool"),
    (
        "object.get",
        "(object: obj<any=>any>, key: any, default: any) -> value: any",
    ),
    ("walk", "(x: any) -> output: [[any],any,]"),
    ("any", "([any]|{any}) -> bool"),
    ("print", "(any...) -> -"),
    ("internal.print", "([{any}]) -> -"),
    ("internal.template_string", "([any]) -> str"),
    ("internal.member_2", "(any, any) -> bool"),
    ("internal.member_3", "(any, any, any) -> bool"),
];

fn table() -> Table {
    let mut table = Table::new(&[]);
    for (name, signature) in BUILTINS {
        let decl = BuiltinDecl {
            name,
            signature,
            relation: *name == "walk",
            deprecated: *name == "any",
            ..BuiltinDecl::DEFAULT
        };
        table.add(Builtin {
            decl,
            body: |_, _| Ok(None),
        });
    }
    table
}

fn cases(text: &str) -> Vec<(String, String)> {
    text.split("=====\n")
        .filter(|case| !case.trim().is_empty())
        .map(|case| {
            let (module, want) = case.split_once("-----\n").unwrap_or((case, ""));
            (module.to_string(), want.to_string())
        })
        .collect()
}

fn described(sources: &SourceMap, errors: &[Diagnostic]) -> String {
    let mut text = String::new();
    for error in errors {
        let (row, col) = sources
            .locate(error.span)
            .map_or((0, 0), |at| (at.row, at.col));
        text += &format!("{row}:{col} {}: {}\n", error.code, error.message);
        for line in &error.detail_lines {
            text += &format!("    {line}\n");
        }
    }
    text
}

fn refused(text: &str, options: &Options) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add("test-0.rego", text).expect("short text");
    let parse_options = ParseOptions {
        process_annotations: true,
        ..ParseOptions::default()
    };
    let module = match parse_module(&sources, id, &parse_options) {
        Ok(module) => module,
        Err(errors) => return described(&sources, &errors),
    };
    let table = table();
    match check_modules(&sources, vec![module], Vec::new(), &table, options, None) {
        Ok(_) => String::new(),
        Err(errors) => described(&sources, &errors),
    }
}

#[test]
fn errors_are_those_of_opa() {
    let options = Options::default();
    let mut failed = String::new();
    let cases = cases(include_str!("data/checks.txt"));
    assert!(cases.len() > 50, "only {} cases", cases.len());
    for (module, want) in cases {
        let got = refused(&module, &options);
        if got != want {
            failed += &format!("{module}--- OPA\n{want}--- ours\n{got}\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn bodies_are_put_in_order() {
    for (module, want) in cases(include_str!("data/order.txt")) {
        let mut sources = SourceMap::new();
        let id = sources
            .add("test.rego", module.as_str())
            .expect("short text");
        let parsed = parse_module(&sources, id, &ParseOptions::default()).expect("a module");
        let (table, options) = (table(), Options::default());
        let mut state = State::new(&sources, &options, &table, vec![parsed]);
        for stage in STAGES {
            (stage.run)(&mut state);
            assert!(state.diagnostics.is_empty(), "{:?}", state.diagnostics);
            if stage.name == "CheckSafetyRuleBodies" {
                break;
            }
        }
        let body = &state.modules[0].rules[0].body;
        let got: String = body.iter().map(|expr| expr_text(expr) + "\n").collect();
        assert_eq!(got, want, "{module}");
    }
}

#[test]
fn what_the_build_or_the_caller_leaves_out_is_said_so() {
    let text = "package a\n\np := count([])\n\nq := nothing(1)\n";
    let mut sources = SourceMap::new();
    let id = sources.add("test.rego", text).expect("short text");
    let module = parse_module(&sources, id, &ParseOptions::default()).expect("a module");
    let table = table().only(|decl| decl.name != "count");
    let options = Options::default();
    let Err(errors) = check_modules(&sources, vec![module], Vec::new(), &table, &options, None)
    else {
        panic!("unknown functions were accepted");
    };
    let hints: Vec<Option<&str>> = errors.iter().map(|error| error.hint.as_deref()).collect();
    assert_eq!(hints, [Some("`count` is not among the capabilities"), None]);
}

#[test]
fn the_global_schema_types_the_input() {
    use regovm_core::Constant;
    let object = |members: &[(&str, Constant)]| {
        Constant::Object(
            members
                .iter()
                .map(|(k, v)| ((*k).into(), v.clone()))
                .collect(),
        )
    };
    let text = object(&[("type", "string".into())]);
    let schema = object(&[("properties", object(&[("name", text)]))]);
    let options = Options {
        schemas: vec![(Vec::new(), schema)],
        ..Options::default()
    };
    assert_eq!(
        refused(
            "package a\n\np if input.name == 1\n\nq if input.nmae\n",
            &options
        ),
        "3:6 rego_type_error: match error\n    left  : string\n    right : number\n\
         5:6 rego_type_error: undefined ref: input.nmae\n    input.nmae\n          ^\n          \
         have: \"nmae\"\n          want (one of): [\"name\"]\n"
    );
}

#[test]
fn forbidden_and_deprecated_built_ins_are_found_beside_type_errors() {
    let options = Options {
        unsafe_builtins: vec!["count".to_string()],
        ..Options::default()
    };
    assert_eq!(
        refused(
            "package a\n\np if count([any([true])])\n\nq if 1 == \"a\"\n",
            &options
        ),
        "3:6 rego_type_error: unsafe built-in function calls in expression: count\n\
         3:13 rego_type_error: deprecated built-in function calls in expression: any\n\
         5:6 rego_type_error: match error\n    left  : number\n    right : string\n"
    );
}

/// What checks on so many threads leave of modules, or their errors.
fn checked_on(threads: usize, modules: &[String]) -> Result<String, Vec<Diagnostic>> {
    let mut sources = SourceMap::new();
    let mut parsed = Vec::new();
    for (i, module) in modules.iter().enumerate() {
        let id = sources
            .add(format!("{i:04}.rego"), module.as_str())
            .expect("short text");
        parsed.extend(parse_module(&sources, id, &ParseOptions::default()));
    }
    let table = table();
    let options = Options {
        strict: true,
        error_limit: 0,
        threads: NonZero::new(threads),
        ..Options::default()
    };
    let checked = check_modules(&sources, parsed, Vec::new(), &table, &options, None)?;
    let state = &checked.state;
    Ok(format!(
        "{:#?}\n{:#?}\n{:?}",
        state.modules, state.facts.types, state.graph.sorted
    ))
}

#[test]
fn threads_change_nothing() {
    let cases = cases(include_str!("data/checks.txt"));
    let mut refused: Vec<String> = Vec::new();
    for (i, (module, _)) in cases.iter().enumerate() {
        // Apart from each other, so that they do not conflict.
        if let Some((package, rules)) = module.split_once('\n') {
            refused.push(format!("{package}.of_{i}\n{rules}"));
        }
    }
    let mut sets: Vec<Vec<String>> = refused.chunks(7).map(<[String]>::to_vec).collect();
    // Those that get as far as the type checker, and all together.
    let typed = cases.iter().zip(&refused).filter(|((_, want), _)| {
        want.contains("invalid argument") || want.contains("match error") || want.contains("ref ")
    });
    sets.push(typed.map(|(_, module)| module.clone()).collect());
    sets.push(refused);
    // Some refer to each other, some share a package, some rules stand below others.
    let good = (0..60).map(|i| match i % 4 {
        0 => format!(
            "package lib.p{i}\n\np contains x if some x in [1, {i}]\n\nq := count(p)\n\nr[x] := y if {{\n\tx := input.a\n\ty := [z | z := input.b[_]; z > x]\n}}\n"
        ),
        1 => format!("package lib.p{}\n\ns := q + 1\n\nf(x) := [x, s]\n", i - 1),
        2 => format!(
            "package other.p{i}\n\nimport data.lib.p{} as lib\n\nt := lib.f(1)[1]\n\nu if every x in lib.p {{\n\tx > 0\n}}\n",
            i - 2
        ),
        _ => format!("package lib\n\np{}.r.deep := 1\n\nv{i} := input.x\n", i - 3),
    });
    sets.push(
        good.clone()
            .filter(|module| !module.contains("deep"))
            .collect(),
    );
    sets.push(good.collect());
    let mut accepted = 0;
    for set in sets {
        let one = checked_on(1, &set);
        accepted += usize::from(one.is_ok());
        for threads in [2, 3, 64] {
            let many = checked_on(threads, &set);
            assert!(one == many, "{set:#?}\n{one:#?}\n{many:#?}");
        }
    }
    assert!(accepted > 0);
}
