//! What policies define, without compiling them.

use regovm_core::SourceMap;
use regovm_parser::ast::{Module, Rule};
use regovm_parser::{json, print};

/// A module and its rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleOutline {
    /// The name that it was added with.
    pub name: String,
    /// Its package as a reference: `data.a.b`, `data.a["b-c"]`.
    pub package: String,
    /// Its rules in the order of the text; each default and each body is one.
    pub rules: Vec<RuleOutline>,
}

/// The head of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleOutline {
    /// The first word of its reference.
    pub first: String,
    /// Its name, if it has one in OPA's trees: rules below references such as `a.b` have none.
    pub name: Option<String>,
    /// The value of its head as Rego text.
    pub value: Option<String>,
    /// Where its head stands, from 1.
    pub row: u32,
}

pub(crate) fn of(module: &Module, name: &str, sources: &SourceMap) -> ModuleOutline {
    ModuleOutline {
        name: name.to_owned(),
        package: print::reference(&module.package.path),
        rules: module.rules.iter().map(|r| rule(r, sources)).collect(),
    }
}

fn rule(rule: &Rule, sources: &SourceMap) -> RuleOutline {
    let first = rule.head.name.to_string();
    RuleOutline {
        name: json::is_named(rule).then(|| first.clone()),
        first,
        value: rule.head.value.as_deref().map(print::term),
        row: sources.locate(rule.head.span).map_or(0, |at| at.row),
    }
}
