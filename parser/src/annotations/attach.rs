//! What a metadata block stands above.

use std::collections::HashMap;

use regovm_core::{Code, Constant, Diagnostic, SourceMap, Span};

use crate::ast::{AnnotationTarget, Annotations, Module, Rule, Term};
use crate::print;
use crate::shape::is_ground;

/// What stands below a block.
#[derive(Clone, Copy)]
enum Below {
    Package,
    Import,
    Rule(usize),
}

/// Connects blocks with the package and the rules of their module.
pub(crate) fn attach(
    sources: &SourceMap,
    module: &mut Module,
    mut blocks: Vec<Annotations>,
) -> Result<(), Vec<Diagnostic>> {
    let row = |span: Span| sources.order(span).map_or(0, |(_, row, _)| row);
    let mut statements: Vec<(u32, Below)> = vec![(row(module.package.span), Below::Package)];
    statements.extend(
        module
            .imports
            .iter()
            .map(|import| (row(import.span), Below::Import)),
    );
    let rules = module.rules.iter().enumerate();
    statements.extend(rules.map(|(at, rule)| (row(rule.span), Below::Rule(at))));
    // Package, imports and rules are in source order each, but imports may follow rules.
    statements.sort_by_key(|(row, _)| *row);
    let mut errors = Vec::new();
    for block in &mut blocks {
        let after = row(block.span);
        let next = statements.partition_point(|(row, _)| *row <= after);
        let below = statements.get(next).map(|(_, below)| *below);
        if block.scope.is_empty() {
            block.scope = match below {
                Some(Below::Rule(_)) if block.entrypoint => "document".into(),
                Some(Below::Rule(_)) => "rule".into(),
                Some(Below::Package) => "package".into(),
                Some(Below::Import) => "import".into(),
                None => "".into(),
            };
        }
        check(block, below, &mut errors);
        block.target = match below {
            Some(Below::Rule(at)) => AnnotationTarget::Rule(at as u32),
            _ => AnnotationTarget::Package,
        };
        if let Constant::Object(members) = &mut block.fields {
            let scope = Constant::String(block.scope.clone());
            members.insert(0, (Constant::from("scope"), scope));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    attach_to_rules(sources, module, &blocks);
    module.annotations = blocks;
    Ok(())
}

fn check(block: &Annotations, below: Option<Below>, errors: &mut Vec<Diagnostic>) {
    let scope = &block.scope;
    let mut error =
        |message: String| errors.push(Diagnostic::new(Code::Parse, block.span, message));
    let wanted = match &**scope {
        "rule" | "document" => Some("rule"),
        "package" | "subpackages" => Some("package"),
        _ => None,
    };
    let have = below.map(|below| match below {
        Below::Package => "package",
        Below::Import => "import",
        Below::Rule(_) => "rule",
    });
    match wanted {
        None => error(format!(
            "invalid annotation scope '{scope}'. Use one of 'rule', 'document', 'package', or 'subpackages'"
        )),
        Some(_) if have == wanted => {}
        Some(wanted) => {
            let have = have
                .map(|have| format!(" (have {have})"))
                .unwrap_or_default();
            error(format!(
                "annotation scope '{scope}' must be applied to {wanted}{have}"
            ));
        }
    }
    if block.entrypoint && !matches!(&**scope, "document" | "package") {
        error(format!(
            "annotation entrypoint applied to non-document or package scope '{scope}'"
        ));
    }
}

/// Blocks of one document.
#[derive(Default)]
struct Group {
    /// For all its rules.
    document: Vec<u32>,
    /// For one rule each, with their rows.
    rule: Vec<(u32, u32)>,
    /// How many of these stand above the current rule.
    seen: usize,
    /// Of these, those that no rule has taken yet.
    pending: Vec<u32>,
}

fn attach_to_rules(sources: &SourceMap, module: &mut Module, blocks: &[Annotations]) {
    let row = |span: Span| sources.order(span).map_or(0, |(_, row, _)| row);
    let mut groups: HashMap<String, Group> = HashMap::new();
    for (at, block) in blocks.iter().enumerate() {
        let AnnotationTarget::Rule(target) = block.target else {
            continue;
        };
        let Some(rule) = module.rules.get(target as usize) else {
            continue;
        };
        let group = groups.entry(document(rule)).or_default();
        match &*block.scope {
            "document" => group.document.push(at as u32),
            "rule" => group.rule.push((row(block.span), at as u32)),
            _ => {}
        }
    }
    if groups.is_empty() {
        return;
    }
    for rule in &mut module.rules {
        let Some(group) = groups.get_mut(&document(rule)) else {
            continue;
        };
        let below = row(rule.span);
        while let Some((_, block)) = group.rule.get(group.seen).filter(|(row, _)| *row < below) {
            group.pending.push(*block);
            group.seen += 1;
        }
        rule.annotations = group
            .document
            .iter()
            .chain(&group.pending)
            .copied()
            .collect();
        rule.annotations.sort_unstable();
        group.pending.pop();
    }
}

/// The path of a rule as far as it has no variables.
fn document(rule: &Rule) -> String {
    let reference = &rule.head.reference;
    let end = reference
        .iter()
        .skip(1)
        .position(|step| !is_ground(step))
        .map_or(reference.len(), |at| at + 1);
    let ground: &[Term] = &reference[..end];
    print::reference(ground)
}
