//! Names become full references: an import by its path, a rule of the same package as
//! `data.<package>.<rule>`. Arguments, declared variables and `every` variables shadow them.

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{
    Body, Expr, ExprKind, Import, Module, Name, Ref, Rule, TemplatePart, Term, TermKind,
};

use super::{assignment_operands, is_root_document};
use crate::order::{compare_terms, terms_equal};
use crate::parallel;
use crate::state::{Query, State};
use crate::visit::{
    Node, VarParams, VarSet, VarVisitor, VisitMut, descend_term, for_each_in_chain_mut, term_vars,
    walk,
};

/// Resolves all names in all modules.
pub fn run(state: &mut State<'_>) {
    // Rule names by package, over all modules of it.
    let mut exports: HashMap<String, Vec<Name>> = HashMap::new();
    for module in &state.modules {
        let names = exports
            .entry(package_key(&module.package.path))
            .or_default();
        names.extend(module.rules.iter().map(|rule| rule.head.name.clone()));
    }
    let strict = state.options.strict;
    let found = parallel::change(state, |_, m, module, found| {
        let names = &exports[&package_key(&module.package.path)];
        resolve_module(strict, m, module, names, found);
    });
    for found in found {
        match found {
            Found::Error(error) => {
                state.error(error);
            }
            Found::Unused(module, import) => state.unused_imports.push((module, import)),
        }
    }
}

enum Found {
    Error(Diagnostic),
    /// A module, and the index of an import that nothing in it refers to.
    Unused(usize, usize),
}

fn resolve_module(
    strict: bool,
    index: usize,
    module: &mut Module,
    names: &[Name],
    found: &mut Vec<Found>,
) {
    let mut resolver = Resolver::new(globals(&module.package.path, names, &module.imports));
    for rule in &mut module.rules {
        for_each_in_chain_mut(rule, &mut |rule| {
            if let Err(message) = resolver.rule(rule) {
                let error = Diagnostic::new(Code::Compile, rule.span, message);
                found.push(Found::Error(error));
            }
        });
    }
    for rule in &mut module.rules {
        resolver.shared_places().rule(rule);
    }
    if !strict {
        return;
    }
    for (i, import) in module.imports.iter().enumerate() {
        if is_language_import(import) {
            continue;
        }
        let unused = import_name(import)
            .and_then(|name| resolver.globals.get(&name))
            .is_some_and(|global| !global.used);
        if unused {
            found.push(Found::Unused(index, i));
        }
    }
}

/// Resolves the names of a query in its context.
pub fn run_query(state: &mut State<'_>, query: &mut Query) {
    let mut names = Vec::new();
    let mut package = Vec::new();
    if let Some(path) = &query.package {
        package = path.clone();
        for module in &state.modules {
            if crate::order::refs_equal(&module.package.path, path) {
                names.extend(module.rules.iter().map(|rule| rule.head.name.clone()));
            }
        }
    }
    let mut resolver = Resolver::new(globals(&package, &names, &query.imports));
    resolver.ignored.push(declared_in_body(&query.body));
    resolver.body(&mut query.body);
    resolver.shared_places().body(&mut query.body);
}

fn package_key(path: &[Term]) -> String {
    crate::text::ref_text(path)
}

/// True for `import rego.v1` and `import future.keywords.x`.
fn is_language_import(import: &Import) -> bool {
    let head = match &import.path.kind {
        TermKind::Ref(path) => path.first().and_then(Term::as_var),
        _ => None,
    };
    head.is_some_and(|head| matches!(&**head, "future" | "rego"))
}

/// The name that an import gives: its alias, or the last element of its path.
pub fn import_name(import: &Import) -> Option<Name> {
    if let Some(alias) = &import.alias {
        return Some(alias.clone());
    }
    match &import.path.kind {
        TermKind::Var(name) => Some(name.clone()),
        TermKind::Ref(path) => match &path.last()?.kind {
            TermKind::Var(name) | TermKind::String(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A name that stands for a document or a rule.
struct Global {
    path: Ref,
    head: Head,
    used: bool,
}

fn globals(package: &[Term], names: &[Name], imports: &[Import]) -> HashMap<Name, Global> {
    let mut globals = HashMap::new();
    for name in names {
        let mut path = package.to_vec();
        path.push(Term::string(name.clone(), Span::NONE));
        let head = Head::Package;
        globals.insert(
            name.clone(),
            Global {
                path,
                head,
                used: false,
            },
        );
    }
    for import in imports {
        if is_language_import(import) {
            continue;
        }
        let path = match &import.path.kind {
            TermKind::Ref(path) => path.clone(),
            _ => vec![import.path.clone()],
        };
        if let Some(name) = import_name(import) {
            let head = Head::Import(name.clone());
            globals.insert(
                name,
                Global {
                    path,
                    head,
                    used: false,
                },
            );
        }
    }
    globals
}

struct Resolver {
    globals: HashMap<Name, Global>,
    /// Names that mean variables here, innermost scope last.
    ignored: Vec<VarSet>,
    /// Where names were replaced, and the head that their paths share.
    heads: HashMap<Span, Head>,
    /// Where each head was used last.
    last: HashMap<Head, Span>,
}

/// The first term of the paths that names stand for.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Head {
    /// Of the package: all of its rules share it.
    Package,
    /// Of an import.
    Import(Name),
}

/// Gives the heads of replaced names their place. OPA has one head for all rules of the package (and
/// one for each import) and moves it with each use, so its errors about references show the last
/// use in the module. That is what tools compare with; the errors have a hint with the true place.
struct SharedPlaces<'r>(&'r Resolver);

impl VisitMut for SharedPlaces<'_> {
    fn term(&mut self, term: &mut Term) {
        if let TermKind::Ref(path) = &mut term.kind
            && let Some(head) = path.first_mut()
        {
            let shared = self.0.heads.get(&head.span);
            if let Some(last) = shared.and_then(|shared| self.0.last.get(shared)) {
                head.span = *last;
            }
        }
        descend_term(self, term);
    }
}

impl Resolver {
    fn new(globals: HashMap<Name, Global>) -> Resolver {
        Resolver {
            globals,
            ignored: Vec::new(),
            heads: HashMap::new(),
            last: HashMap::new(),
        }
    }

    fn shared_places(&self) -> SharedPlaces<'_> {
        SharedPlaces(self)
    }

    fn rule(&mut self, rule: &mut Rule) -> Result<(), String> {
        let args = argument_vars(&rule.head.args)?;
        self.ignored = vec![args, declared_in_body(&rule.body)];
        for term in rule.head.reference.iter_mut().skip(1) {
            self.term(term);
        }
        if let Some(key) = &mut rule.head.key {
            self.term(key);
        }
        if let Some(value) = &mut rule.head.value {
            self.term(value);
        }
        self.body(&mut rule.body);
        self.ignored.clear();
        Ok(())
    }

    fn body(&mut self, body: &mut Body) {
        for expr in body {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Call(terms) => self.terms(terms),
            ExprKind::Some(symbols) => {
                // Plain symbols are declared here; of `some .. in` all parts may refer to names.
                if let Some(Term {
                    kind: TermKind::Call(terms),
                    ..
                }) = symbols.first_mut()
                {
                    self.terms(terms);
                }
            }
            ExprKind::Every(every) => {
                let mut bound = term_vars(&every.value, VarParams::ALL);
                if let Some(key) = &every.key {
                    bound.extend(&term_vars(key, VarParams::ALL));
                }
                self.ignored.push(bound);
                self.term(&mut every.domain);
                self.body(&mut every.body);
                self.ignored.pop();
            }
            ExprKind::Not(not) => self.body(&mut not.body),
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.body(&mut pair.lhs);
                self.body(&mut pair.rhs);
            }
        }
        for with in &mut expr.with {
            self.term(&mut with.target);
            self.term(&mut with.value);
        }
    }

    fn terms(&mut self, terms: &mut [Term]) {
        for term in terms {
            self.term(term);
        }
    }

    fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            TermKind::Var(name) => {
                if let Some(path) = self.lookup(name, term.span) {
                    term.kind = TermKind::Ref(path);
                }
            }
            TermKind::Ref(path) => self.reference(path),
            TermKind::Array(items) | TermKind::Call(items) => self.terms(items),
            TermKind::Set(items) => {
                // In order: the last name decides where errors stand (see `SharedPlaces`).
                sort_set(items);
                self.terms(items);
                sort_set(items);
            }
            TermKind::Object(members) => {
                sort_object(members);
                for (key, value) in members.iter_mut() {
                    self.term(key);
                    self.term(value);
                }
                sort_object(members);
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.ignored.push(declared_in_body(&inner.body));
                self.term(&mut inner.term);
                self.body(&mut inner.body);
                self.ignored.pop();
            }
            TermKind::ObjectComprehension(inner) => {
                self.ignored.push(declared_in_body(&inner.body));
                self.term(&mut inner.key);
                self.term(&mut inner.value);
                self.body(&mut inner.body);
                self.ignored.pop();
            }
            TermKind::Template(template) => {
                for part in &mut template.parts {
                    if let TemplatePart::Expr(expr) = part {
                        self.expr(expr);
                    }
                }
            }
            TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => {}
        }
    }

    /// The head of a reference is replaced by the path it stands for; names in brackets become
    /// references of their own.
    fn reference(&mut self, path: &mut Ref) {
        let mut prefix = None;
        for (i, term) in path.iter_mut().enumerate() {
            match &term.kind {
                TermKind::Var(name) if i == 0 => prefix = self.lookup(name, term.span),
                TermKind::Template(_) => {}
                _ => self.term(term),
            }
        }
        if let Some(prefix) = prefix {
            path.splice(..1, prefix);
        }
    }

    /// The path that a name stands for, with all its terms at the place of the name.
    fn lookup(&mut self, name: &Name, span: Span) -> Option<Ref> {
        let global = self.globals.get_mut(name)?;
        if self.ignored.iter().any(|scope| scope.contains(name)) {
            return None;
        }
        global.used = true;
        self.heads.insert(span, global.head.clone());
        self.last.insert(global.head.clone(), span);
        let mut path = global.path.clone();
        for term in &mut path {
            term.span = span;
        }
        Some(path)
    }
}

/// The elements of a set in Rego's order, once each: the order in which later stages meet them.
fn sort_set(items: &mut Vec<Term>) {
    items.sort_by(compare_terms);
    items.dedup_by(|later, earlier| terms_equal(later, earlier));
}

/// The members of an object by key. Of equal keys the first one stays, with the last value.
fn sort_object(members: &mut Vec<(Term, Term)>) {
    members.sort_by(|(a, _), (b, _)| compare_terms(a, b));
    members.dedup_by(|later, earlier| {
        let same = terms_equal(&later.0, &earlier.0);
        if same {
            std::mem::swap(&mut later.1, &mut earlier.1);
        }
        same
    });
}

/// The variables of formal arguments that shadow names of the module.
fn argument_vars(args: &[Term]) -> Result<VarSet, String> {
    let mut vars = VarSet::new();
    for arg in args {
        argument_vars_in(arg, &mut vars)?;
    }
    Ok(vars)
}

fn argument_vars_in(term: &Term, vars: &mut VarSet) -> Result<(), String> {
    match &term.kind {
        TermKind::Var(name) => {
            vars.add(name);
        }
        TermKind::Ref(path) => {
            if is_root_document(term) {
                let name = path[0].as_var().map_or("", |name| name);
                return Err(format!(
                    "args must not shadow {name} (use a different variable name)"
                ));
            }
            for term in path {
                argument_vars_in(term, vars)?;
            }
        }
        TermKind::Array(items) => {
            for item in items {
                argument_vars_in(item, vars)?;
            }
        }
        // Keys are not matched as patterns.
        TermKind::Object(members) => {
            for (_, value) in members {
                argument_vars_in(value, vars)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The variables that a body declares with `:=` or `some`, closures other than comprehensions
/// included.
pub fn declared_in_body(body: &[Expr]) -> VarSet {
    let mut vars = VarSet::new();
    for expr in body {
        add_declared(expr, &mut vars);
    }
    vars
}

/// Adds the variables that an expression declares; see [`declared_in_body`].
pub fn add_declared(expr: &Expr, vars: &mut VarSet) {
    walk(Node::Expr(expr), &mut |node| {
        match node {
            Node::Expr(expr) => {
                if let Some((left, _)) = assignment_operands(expr) {
                    add_written(left, vars);
                } else if let ExprKind::Some(symbols) = &expr.kind {
                    for symbol in symbols {
                        match &symbol.kind {
                            TermKind::Call(terms) if terms.len() == 4 => {
                                add_written(&terms[1], vars);
                                add_written(&terms[2], vars);
                            }
                            TermKind::Call(terms) if terms.len() > 1 => {
                                add_written(&terms[1], vars);
                            }
                            TermKind::Var(name) => {
                                vars.add(name);
                            }
                            _ => {}
                        }
                    }
                }
            }
            Node::Term(term) => {
                return matches!(
                    term.kind,
                    TermKind::ArrayComprehension(_)
                        | TermKind::SetComprehension(_)
                        | TermKind::ObjectComprehension(_)
                );
            }
            _ => {}
        }
        false
    });
}

fn add_written(pattern: &Term, vars: &mut VarSet) {
    VarVisitor::collecting(VarParams::ALL, vars).term(pattern);
}
