//! Metadata: which block describes what, and `rego.metadata.chain()` and `.rule()` as constants.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{
    AnnotationTarget, Annotations, Body, Expr, ExprKind, Ref, Rule, SchemaAnnotation, Term,
    TermKind,
};

use super::place;
use super::types::constant::term_of;
use super::types::env::{AsKey, Key};
use crate::order::ground_prefix;
use crate::resolve::{append_to_body, equality};
use crate::state::{RuleId, State};
use crate::text::{ref_text, term_text};
use crate::visit::{Node, VisitMut, descend_body, walk_exprs};

/// A block by its place: module, and index in its annotations.
type BlockId = (usize, usize);

/// Blocks by what they describe.
#[derive(Clone, Default, Debug)]
pub struct AnnotationSet {
    /// Of one rule, in source order.
    by_rule: HashMap<(u32, u32), Vec<BlockId>>,
    /// Of a package.
    by_package: HashMap<String, BlockId>,
    /// Of all rules of one name, and of a package and those below it.
    by_path: PathNode,
    /// Some block has schemas.
    pub(super) has_schemas: bool,
}

#[derive(Clone, Default, Debug)]
struct PathNode {
    block: Option<BlockId>,
    children: BTreeMap<Key, PathNode>,
}

impl PathNode {
    fn get(&self, path: &[Term]) -> Option<BlockId> {
        let node = path
            .iter()
            .try_fold(self, |node, term| node.children.get(term as &dyn AsKey));
        node.and_then(|node| node.block)
    }

    fn insert(&mut self, path: &[Term], block: BlockId) {
        let mut node = self;
        for term in path {
            node = node.children.entry(Key(term.clone())).or_default();
        }
        node.block = Some(block);
    }

    /// The blocks on the way to a path, from the root.
    fn on_the_way(&self, path: &[Term]) -> Vec<BlockId> {
        let mut found = Vec::new();
        let mut node = self;
        for term in path {
            match node.children.get(term as &dyn AsKey) {
                Some(child) => node = child,
                None => break,
            }
            found.extend(node.block);
        }
        found
    }
}

fn block<'s>(state: &'s State<'_>, (module, index): BlockId) -> &'s Annotations {
    &state.modules[module].annotations[index]
}

impl AnnotationSet {
    fn of_rule(&self, id: RuleId) -> &[BlockId] {
        // Else branches have no blocks of their own.
        if id.branch > 0 {
            return &[];
        }
        self.by_rule
            .get(&(id.module, id.rule))
            .map_or(&[], |blocks| blocks)
    }

    /// The schemas that hold for a rule, the more special ones later.
    pub fn schemas_of(&self, state: &State<'_>, id: RuleId) -> Vec<SchemaAnnotation> {
        if !self.has_schemas {
            return Vec::new();
        }
        let package = &state.module_of(id).package.path;
        let rule = state.rule_ref(id);
        let mut blocks = self.by_path.on_the_way(package);
        blocks.extend(self.by_package.get(&ref_text(package)));
        blocks.extend(self.by_path.get(ground_prefix(&rule)));
        blocks.extend(self.of_rule(id));
        blocks
            .into_iter()
            .flat_map(|id| block(state, id).schemas.iter().cloned())
            .collect()
    }

    /// The blocks for a rule from the nearest to the farthest, each with the path it describes; the
    /// first entry is the rule itself, with or without a block.
    fn chain(&self, state: &State<'_>, id: RuleId) -> Vec<(Ref, Option<BlockId>)> {
        let package = &state.module_of(id).package.path;
        let rule = state.rule_ref(id);
        let rule = ground_prefix(&rule).to_vec();
        let mut own = self.of_rule(id).to_vec();
        own.sort_by_key(|id| std::cmp::Reverse(block(state, *id).span.start));
        let mut chain: Vec<(Ref, Option<BlockId>)> = own
            .into_iter()
            .map(|block| (rule.clone(), Some(block)))
            .collect();
        if chain.is_empty() {
            chain.push((rule.clone(), None));
        }
        if let Some(found) = self.by_path.get(&rule) {
            chain.push((rule, Some(found)));
        }
        if let Some(found) = self.by_package.get(&ref_text(package)) {
            chain.push((package.clone(), Some(*found)));
        }
        for found in self.by_path.on_the_way(package).into_iter().rev() {
            let path = match block(state, found).target {
                AnnotationTarget::Package => state.modules[found.0].package.path.clone(),
                AnnotationTarget::Rule(rule) => state.rule_ref(RuleId::new(found.0, rule as usize)),
            };
            chain.push((path, Some(found)));
        }
        chain
    }
}

/// Sorts the blocks of all modules by what they describe.
pub fn set(state: &mut State<'_>) {
    let mut set = AnnotationSet::default();
    let mut found = Vec::new();
    for (m, module) in state.modules.iter().enumerate() {
        for (i, annotations) in module.annotations.iter().enumerate() {
            let id = (m, i);
            set.has_schemas |= !annotations.schemas.is_empty();
            let mut redeclared = |other: BlockId| {
                let message = format!(
                    "{} annotation redeclared: {}",
                    annotations.scope,
                    place(state, block(state, other).span)
                );
                found.push(Diagnostic::new(Code::Type, annotations.span, message));
            };
            match (&*annotations.scope, &annotations.target) {
                ("rule", AnnotationTarget::Rule(rule)) => {
                    set.by_rule.entry((m as u32, *rule)).or_default().push(id);
                }
                ("package", AnnotationTarget::Package) => {
                    let name = ref_text(&module.package.path);
                    match set.by_package.get(&name) {
                        Some(other) => redeclared(*other),
                        None => {
                            set.by_package.insert(name, id);
                        }
                    }
                }
                ("document", AnnotationTarget::Rule(rule)) => {
                    let path = state.rule_ref(RuleId::new(m, *rule as usize));
                    let path = ground_prefix(&path);
                    match set.by_path.get(path) {
                        Some(other) => redeclared(other),
                        None => set.by_path.insert(path, id),
                    }
                }
                ("subpackages", AnnotationTarget::Package) => {
                    let path = &module.package.path;
                    match set.by_path.get(path) {
                        Some(other) => redeclared(other),
                        None => set.by_path.insert(path, id),
                    }
                }
                _ => {}
            }
        }
    }
    if found.is_empty() {
        state.facts.annotations = set;
    }
    for diagnostic in found {
        state.error(diagnostic);
    }
}

fn is_call(expr: &Expr, name: &str) -> bool {
    match &expr.kind {
        ExprKind::Call(terms) => terms.first().is_some_and(|term| term_text(term) == name),
        _ => false,
    }
}

const CHAIN: &str = "rego.metadata.chain";
const RULE: &str = "rego.metadata.rule";

/// Puts `rego.metadata.chain()` and `rego.metadata.rule()` at the start of bodies that call them,
/// as constants.
pub fn rewrite_calls(state: &mut State<'_>) {
    for id in state.rule_ids() {
        if !state.mentions[id.module as usize].metadata {
            continue;
        }
        let calls = calls_in(state.rule(id));
        if calls.is_none() {
            continue;
        }
        // Blocks are looked up by the places of rules in their modules: the rule stays there meanwhile.
        let mut rule = state.rule(id).clone();
        rewrite_rule(state, id, calls, &mut rule);
        *state.rule_mut(id) = rule;
    }
}

/// Where a rule, its else chain included, first calls each of the two.
#[derive(Clone, Copy)]
struct Calls {
    chain: Option<Span>,
    rule: Option<Span>,
}

impl Calls {
    fn is_none(&self) -> bool {
        self.chain.is_none() && self.rule.is_none()
    }
}

fn calls_in(rule: &Rule) -> Calls {
    let (mut chain, mut own) = (None, None);
    walk_exprs(Node::Rule(rule), &mut |expr| {
        if chain.is_none() && is_call(expr, CHAIN) {
            chain = Some(expr.span);
        } else if own.is_none() && is_call(expr, RULE) {
            own = Some(expr.span);
        }
        chain.is_some() && own.is_some()
    });
    Calls { chain, rule: own }
}

fn rewrite_rule(state: &mut State<'_>, id: RuleId, calls: Calls, rule: &mut Rule) {
    let mut body = Body::new();
    let mut replace = Replace {
        chain: None,
        rule: None,
    };
    if let Some(span) = calls.chain {
        let chain = chain_term(state, id, span);
        replace.chain = Some(assign(state, &mut body, chain));
    }
    if let Some(span) = calls.rule {
        let own = state.facts.annotations.of_rule(id);
        let first = own.iter().min_by_key(|id| block(state, **id).span.start);
        let mut term = match first {
            Some(id) => term_of(&block(state, *id).fields),
            None => Term::new(TermKind::Object(Vec::new()), span),
        };
        place_all(&mut term, span);
        replace.rule = Some(assign(state, &mut body, term));
    }
    append_to_body(&mut body, std::mem::take(&mut rule.body));
    rule.body = body;
    replace.head(&mut rule.head);
    replace.body(&mut rule.body);
}

/// `__localN__ = term`; gives the variable.
fn assign(state: &mut State<'_>, body: &mut Body, term: Term) -> Term {
    let span = term.span;
    let local = state.fresh_local(span);
    let mut expr = equality(local.clone(), term, span);
    expr.generated = true;
    append_to_body(body, [expr]);
    local
}

fn chain_term(state: &State<'_>, id: RuleId, span: Span) -> Term {
    let string = |text: &str| Term::string(text, span);
    let links = state
        .facts
        .annotations
        .chain(state, id)
        .into_iter()
        .map(|(path, found)| {
            let path = path.iter().skip(1).map(|term| match &term.kind {
                TermKind::String(text) => string(text),
                _ => string(&term_text(term)),
            });
            let path = Term::new(TermKind::Array(path.collect()), span);
            let mut members = vec![(string("path"), path)];
            if let Some(found) = found {
                members.push((string("annotations"), term_of(&block(state, found).fields)));
            }
            Term::new(TermKind::Object(members), span)
        });
    let mut term = Term::new(TermKind::Array(links.collect()), span);
    place_all(&mut term, span);
    term
}

/// Gives a constant and all its parts one place.
fn place_all(term: &mut Term, span: Span) {
    struct Place(Span);
    impl VisitMut for Place {
        fn term(&mut self, term: &mut Term) {
            term.span = self.0;
            crate::visit::descend_term(self, term);
        }
    }
    Place(span).term(term);
}

/// Replaces the calls by the variables.
struct Replace {
    chain: Option<Term>,
    rule: Option<Term>,
}

impl VisitMut for Replace {
    fn body(&mut self, body: &mut Body) {
        descend_body(self, body);
        for (i, expr) in body.iter_mut().enumerate() {
            let var = match (&self.chain, &self.rule) {
                (Some(var), _) if is_call(expr, CHAIN) => var,
                (_, Some(var)) if is_call(expr, RULE) => var,
                _ => continue,
            };
            let output = match &mut expr.kind {
                ExprKind::Call(terms) if terms.len() > 1 => Some(terms.swap_remove(1)),
                _ => None,
            };
            let span = expr.span;
            *expr = match output {
                Some(output) => equality(output, var.clone(), span),
                None => Expr::new(ExprKind::Term(var.clone()), span),
            };
            expr.generated = true;
            expr.index = i as u32;
        }
    }
}
