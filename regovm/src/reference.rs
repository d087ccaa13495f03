//! The reference of all built-ins as Markdown, made from their declarations.

use std::collections::BTreeMap;
use std::fmt::Write;

use regovm_core::builtin::{BuiltinDecl, Cost, Purity};

/// What stands above the list.
const PREFACE: &str = "\
# Built-in functions

Generated from the declarations in `stdlib/src` by `REGOVM_BLESS=1 cargo test -p regovm-conformance --test reference`; a test compares.

Types: `num`, `str`, `bool`, `null`, `any`, `[T]` an array, `{T}` a set, `obj<K=>V>` an object, `A|B` either. The first lines of an
example are a call, the last one is its result; *undefined* means that the call has none, or, with
`--strict-builtin-errors`, that it is an error. Work is charged to the step budget as the line *Work* says.
";

/// The whole text.
pub fn builtins() -> String {
    let table = crate::builtins();
    let mut categories: BTreeMap<&str, Vec<BuiltinDecl<'_>>> = BTreeMap::new();
    for (_, decl) in table.iter() {
        let category = decl.categories.first().copied().unwrap_or("other");
        categories.entry(category).or_default().push(decl);
    }
    let mut text = PREFACE.to_owned();
    for (category, mut declarations) in categories {
        declarations.sort_by_key(|decl| decl.name);
        let _ = write!(text, "\n## {category}\n");
        for decl in &declarations {
            push_builtin(&mut text, decl);
        }
    }
    text
}

fn push_builtin(text: &mut String, decl: &BuiltinDecl<'_>) {
    // Writing to a text never fails.
    let _ = write!(
        text,
        "\n### {}\n\n```\n{}{}\n```\n\n{}\n",
        decl.name, decl.name, decl.signature, decl.doc
    );
    let mut notes = Vec::new();
    if let Some(operator) = decl.infix {
        notes.push(format!("Operator: `{operator}`."));
    }
    if decl.deprecated {
        notes.push("Deprecated: refused in Rego v1.".to_owned());
    }
    if decl.purity == Purity::Nondeterministic {
        notes.push("Asks the host: the result is kept for the rest of the query.".to_owned());
    }
    if decl.relation {
        notes.push("A relation: it can have several results.".to_owned());
    }
    if let Some(feature) = decl.feature {
        notes.push(format!("Cargo feature: `{feature}`."));
    }
    if decl.since != BuiltinDecl::DEFAULT.since {
        notes.push(format!("Since OPA {}.{}.", decl.since.0, decl.since.1));
    }
    match decl.cost {
        Cost::Constant => {}
        Cost::Linear(size) => notes.push(format!("Work: linear in {size}.")),
        Cost::Superlinear(size) => notes.push(format!("Work: more than linear in {size}.")),
    }
    if !notes.is_empty() {
        let _ = write!(text, "\n{}\n", notes.join(" "));
    }
    if !decl.examples.is_empty() {
        text.push_str("\n```rego\n");
        for example in decl.examples {
            let result = match example.result {
                "" => "undefined",
                result => result,
            };
            let _ = writeln!(text, "{}\n# {result}", example.call);
        }
        text.push_str("```\n");
    }
}
