//! What policies consist of and need, without a query.

use std::collections::BTreeSet;

use regovm_compiler::text::dotted_name;
use regovm_compiler::visit::{Node, walk, walk_exprs};
use regovm_core::builtin::Table;
use regovm_core::value::Arena;
use regovm_core::{Constant, Location, SourceMap};
use regovm_parser::ast::{
    AnnotationTarget, Annotations, ExprKind, Module, RegoVersion, Rule, SchemaAnnotation, Term,
    TermKind,
};
use regovm_parser::print;
use serde_json::{Map, Value, json};

use crate::capabilities;

/// What policies consist of and need.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Packages with the file of each policy, in the order in which the policies were added: `data.authz`, `a.rego`.
    pub packages: Vec<(String, String)>,
    /// Metadata blocks, sorted by what they describe.
    pub annotations: Vec<Annotation>,
    /// What the policies need: built-ins, keywords and features, in OPA's format.
    pub required: Value,
}

/// A metadata block and what it describes.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// What it says, in OPA's JSON.
    pub fields: Value,
    /// The path of what it describes, in OPA's JSON.
    pub path: Value,
    /// The same as text, without `data` in front: `authz.allow`.
    pub name: String,
    /// The package, without `data` in front.
    pub package: String,
    /// The head of the rule, if it describes one.
    pub rule: Option<String>,
    /// Where what it describes stands.
    pub location: Option<Location>,
    /// `schemas`: the described path, and the schema's name or text.
    pub schemas: Vec<(String, String)>,
}

/// Packages and metadata of modules.
pub(crate) fn look(modules: &[Module], sources: &SourceMap) -> Inspection {
    let packages = modules
        .iter()
        .map(|module| {
            let file = sources.source_at(module.span.start);
            (
                print::reference(&module.package.path),
                file.map(|file| file.name.to_string()).unwrap_or_default(),
            )
        })
        .collect();
    let mut annotations: Vec<_> = modules
        .iter()
        .flat_map(|module| {
            let blocks = module.annotations.iter();
            blocks.map(move |block| (path_of(module, block), module, block))
        })
        .collect();
    annotations.sort_by_cached_key(|(path, _, block)| {
        let keys: Vec<String> = path.iter().map(print::term).collect();
        let place = sources.locate(block.span);
        (keys, place.map(|at| (at.file.to_string(), at.row, at.col)))
    });
    Inspection {
        packages,
        annotations: annotations
            .into_iter()
            .map(|(path, module, block)| annotation(&path, module, block, sources))
            .collect(),
        required: Value::Null,
    }
}

fn described<'m>(module: &'m Module, block: &Annotations) -> Option<&'m Rule> {
    match block.target {
        AnnotationTarget::Package => None,
        AnnotationTarget::Rule(at) => module.rules.get(at as usize),
    }
}

/// The package, or the part of the rule's path that is the same for all its values.
fn path_of(module: &Module, block: &Annotations) -> Vec<Term> {
    let mut path = module.package.path.clone();
    if let Some(rule) = described(module, block) {
        let mut reference = rule.head.reference.iter();
        path.extend(reference.next().map(|name| match &name.kind {
            TermKind::Var(name_text) => Term::string(name_text.clone(), name.span),
            _ => name.clone(),
        }));
        let ground = |term: &&Term| !matches!(term.kind, TermKind::Var(_));
        path.extend(reference.take_while(ground).cloned());
    }
    path
}

/// A path below `data` as text.
fn below_data(path: &[Term]) -> String {
    let mut rest = path.get(1..).unwrap_or_default().to_vec();
    if let Some(first) = rest.first_mut()
        && let TermKind::String(name) = &first.kind
    {
        *first = Term::var(name.clone(), first.span);
    }
    print::reference(&rest)
}

fn reference_json(path: &[Term]) -> Value {
    let terms = path.iter().map(|term| match &term.kind {
        TermKind::Var(name) => json!({"type": "var", "value": &**name}),
        TermKind::String(text) => json!({"type": "string", "value": &**text}),
        TermKind::Boolean(value) => json!({"type": "boolean", "value": value}),
        _ => json!({"type": "number", "value": print::term(term)}),
    });
    terms.collect()
}

fn constant_json(constant: &Constant) -> Value {
    let arena = Arena::new();
    crate::convert::to_json(arena.constant(constant))
}

fn annotation(
    path: &[Term],
    module: &Module,
    block: &Annotations,
    sources: &SourceMap,
) -> Annotation {
    let mut fields = constant_json(&block.fields);
    if let Value::Object(members) = &mut fields
        && let Some(schemas) = members.get_mut("schemas")
    {
        *schemas = block.schemas.iter().map(schema_json).collect();
    }
    if let Some(authors) = fields.get_mut("authors").and_then(Value::as_array_mut) {
        for author in authors.iter_mut().filter_map(Value::as_object_mut) {
            // The name stands first.
            if let Some(email) = author.shift_remove("email") {
                author.insert("email".to_owned(), email);
            }
        }
    }
    let rule = described(module, block);
    Annotation {
        fields,
        path: reference_json(path),
        name: below_data(path),
        package: below_data(&module.package.path),
        rule: rule.map(|rule| print::reference(&rule.head.reference)),
        location: sources.locate(rule.map_or(module.package.span, |rule| rule.span)),
        schemas: block
            .schemas
            .iter()
            .map(|schema| {
                let text = match (&schema.schema, &schema.definition) {
                    (Some(name), _) => print::reference(name),
                    (None, Some(definition)) => {
                        let arena = Arena::new();
                        let value = arena.constant(definition);
                        regovm_core::json::to_string(value, regovm_core::json::Style::Marshal)
                    }
                    (None, None) => String::new(),
                };
                (print::reference(&schema.path), text)
            })
            .collect(),
    }
}

fn schema_json(schema: &SchemaAnnotation) -> Value {
    let mut json = Map::new();
    json.insert("path".to_owned(), reference_json(&schema.path));
    if let Some(name) = &schema.schema {
        json.insert("schema".to_owned(), reference_json(name));
    }
    if let Some(definition) = &schema.definition {
        json.insert("definition".to_owned(), constant_json(definition));
    }
    Value::Object(json)
}

/// What modules need: as written, and as the checks have rewritten them (if they have).
pub(crate) fn required(written: &[Module], checked: &[Module], builtins: &Table) -> Value {
    let mut names = BTreeSet::new();
    let mut features = BTreeSet::new();
    let mut keywords = BTreeSet::new();
    for module in written {
        imports(module, &mut features, &mut keywords);
        language(module, &mut features);
        for rule in &module.rules {
            rewritten_away(rule, &mut names, &mut features);
        }
    }
    for rule in checked.iter().flat_map(|module| &module.rules) {
        walk_exprs(Node::Rule(rule), &mut |expr| {
            if let ExprKind::Call(terms) = &expr.kind {
                names.extend(terms.first().and_then(operator));
            }
            // OPA does not look into `every`.
            matches!(expr.kind, ExprKind::Every(..))
        });
    }
    let mut required = Map::new();
    let entries = capabilities::minimal_entries(builtins, &names);
    if !entries.is_empty() {
        required.insert("builtins".to_owned(), entries.into());
    }
    for (name, list) in [("future_keywords", keywords), ("features", features)] {
        if !list.is_empty() {
            required.insert(name.to_owned(), list.into_iter().collect());
        }
    }
    Value::Object(required)
}

/// The name that a call calls.
fn operator(term: &Term) -> Option<String> {
    match &term.kind {
        TermKind::Ref(path) => dotted_name(path),
        TermKind::Var(name) => Some(name.to_string()),
        _ => None,
    }
}

/// Built-ins that stand in the text and in no rewritten module.
fn rewritten_away(
    rule: &Rule,
    names: &mut BTreeSet<String>,
    features: &mut BTreeSet<&'static str>,
) {
    const GONE: &[&str] = &["assign", "equal", "print"];
    let mut called = |terms: &[Term]| {
        let name = terms.first().and_then(operator);
        names.extend(name.filter(|name| GONE.contains(&name.as_str())));
    };
    let mut templates = false;
    walk(Node::Rule(rule), &mut |node| {
        match node {
            Node::Expr(expr) => {
                if let ExprKind::Call(terms) = &expr.kind {
                    called(terms);
                }
            }
            Node::Term(term) => match &term.kind {
                TermKind::Call(terms) => called(terms),
                TermKind::Template(_) => templates = true,
                _ => {}
            },
            _ => {}
        }
        false
    });
    if templates {
        features.insert("template_strings");
        names.insert("internal.template_string".to_owned());
    }
}

fn imports(
    module: &Module,
    features: &mut BTreeSet<&'static str>,
    keywords: &mut BTreeSet<&'static str>,
) {
    let v1 = module.version == RegoVersion::V1;
    for import in &module.imports {
        let TermKind::Ref(path) = &import.path.kind else {
            continue;
        };
        let Some(name) = dotted_name(path) else {
            continue;
        };
        if name == "rego.v1" && !v1 {
            features.insert("rego_v1_import");
        }
        let Some(rest) = name.strip_prefix("future.keywords") else {
            continue;
        };
        let importable = capabilities::importable_keywords(v1);
        let wanted = rest.strip_prefix('.');
        keywords
            .extend(importable.filter(|keyword| wanted.is_none_or(|wanted| wanted == *keyword)));
    }
}

/// Features that the dialect and the heads of rules stand for.
fn language(module: &Module, features: &mut BTreeSet<&'static str>) {
    if module.version == RegoVersion::V1 {
        features.insert("rego_v1");
        return;
    }
    for rule in &module.rules {
        let path = &rule.head.reference;
        if path.len() >= 3 {
            let constant = path
                .iter()
                .skip(1)
                .all(|term| !matches!(term.kind, TermKind::Var(_)));
            features.insert(if constant {
                "rule_head_ref_string_prefixes"
            } else {
                "rule_head_refs"
            });
        }
    }
}
