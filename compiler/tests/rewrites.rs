//! What the rewriting stages make of modules, against what OPA makes of them.
//!
//! `data/rewrites.txt` has a module above each `-----` and OPA's rewritten rules below it, one a
//! line, `else` rules on lines of their own. Generated variables are compared by the order in which
//! they appear.

use std::collections::HashMap;

use regovm_compiler::options::Options;
use regovm_compiler::pipeline::STAGES;
use regovm_compiler::state::State;
use regovm_compiler::text::{body_text, ref_text, term_text};
use regovm_compiler::visit::for_each_in_chain;
use regovm_core::SourceMap;
use regovm_core::builtin::{Builtin, BuiltinDecl, Table};
use regovm_parser::ast::{Module, Rule};
use regovm_parser::{ParseOptions, parse_module};

/// Names and signatures are all that the stages look at.
const BUILTINS: &[(&str, &str)] = &[
    ("eq", "(any, any) -> bool"),
    ("assign", "(any, any) -> bool"),
    ("equal", "(any, any) -> result: bool"),
    ("gt", "(any, any) -> result: bool"),
    ("plus", "(num, num) -> z: num"),
    ("count", "(any) -> n: num"),
    ("sum", "(any) -> n: num"),
    ("max", "(any) -> n: num"),
    ("array.concat", "([any], [any]) -> z: [any]"),
    ("print", "(any...) -> -"),
    ("internal.print", "([{any}]) -> -"),
    ("internal.template_string", "([any]) -> str"),
    ("internal.member_2", "(any, any) -> bool"),
    ("internal.member_3", "(any, any, any) -> bool"),
];

fn table() -> Table {
    let mut table = Table::new(&[]);
    for (name, signature) in BUILTINS {
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

fn rule_text(rule: &Rule) -> String {
    let head = &rule.head;
    let mut text = ref_text(&head.reference);
    if !head.args.is_empty() {
        let args: Vec<String> = head.args.iter().map(term_text).collect();
        text += &format!("({})", args.join(", "));
    }
    for (what, term) in [("key", &head.key), ("value", &head.value)] {
        if let Some(term) = term {
            text += &format!(" {what} {}", term_text(term));
        }
    }
    format!("{text} {{ {} }}", body_text(&rule.body))
}

fn rewritten(text: &str) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add("test.rego", text).expect("short text");
    let module: Module = match parse_module(&sources, id, &ParseOptions::default()) {
        Ok(module) => module,
        Err(errors) => return format!("{errors:?}"),
    };
    let options = Options {
        enable_print: true,
        ..Options::default()
    };
    let table = table();
    let mut state = State::new(&sources, &options, &table, vec![module]);
    for stage in STAGES {
        // Checks may move and refuse; what they look at is the matter here.
        let check = stage.name.starts_with("Check") && stage.name != "CheckVoidCalls";
        if !check && !stage.name.contains("etadata") && !stage.name.contains("Annotation") {
            (stage.run)(&mut state);
        }
    }
    if let Some(error) = state.diagnostics.iter().next() {
        return error.message.clone();
    }
    let mut lines = Vec::new();
    for rule in &state.modules[0].rules {
        for_each_in_chain(rule, &mut |rule| lines.push(rule_text(rule)));
    }
    lines.join("\n")
}

/// `__local7__` becomes `L0` where it is the first of its line, and so on.
fn renumbered(line: &str) -> String {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("__local") {
        let end = rest[at + 7..]
            .find("__")
            .map_or(rest.len(), |end| at + 7 + end + 2);
        out += &rest[..at];
        let next = seen.len();
        out += &format!("L{}", *seen.entry(&rest[at..end]).or_insert(next));
        rest = &rest[end..];
    }
    out + rest
}

#[test]
fn rules_are_rewritten_as_opa_does() {
    let cases = include_str!("data/rewrites.txt");
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases.split("\n# ") {
        let (title, text) = case
            .trim_start_matches("# ")
            .split_once('\n')
            .expect("a title");
        let (module, want) = text.split_once("-----\n").expect("a module and its rules");
        count += 1;
        let got = rewritten(module);
        let (mut want, mut got) = (want.trim().lines(), got.lines());
        loop {
            let (want, got) = (want.next(), got.next());
            if want.is_none() && got.is_none() {
                break;
            }
            let (want, got) = (want.unwrap_or("nothing"), got.unwrap_or("nothing"));
            if renumbered(want) != renumbered(got) {
                failures.push(format!("{title}\n  want {want}\n  got  {got}"));
            }
        }
    }
    assert!(count > 30, "only {count} cases");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
