//! The type checker: what expressions, rules and functions can be, and where that cannot be.

pub mod constant;
pub mod env;
mod groups;
pub mod identity;
pub mod infer;
pub mod messages;
pub mod outer_vars;
pub mod schema;
pub mod ty;
pub mod unify;

use std::sync::Arc;

use hashbrown::HashMap;
use regovm_core::builtin::Table;
use regovm_core::types::{FunctionType, Type};
use regovm_core::{Code, Constant, Diagnostic, Span};
use regovm_parser::ast::{Name, Ref, Rule, SchemaAnnotation, Term, TermKind};

use self::constant::{compare_constants, constant_of};
use self::env::{Env, Node, TypeEnv, var_term};
use self::infer::{Checker, Context, function_type};
use self::ty::{Function, Kind, Known, Param, Rest, Ty};
use crate::order::{ground_prefix, is_constant, is_ground_ref};
use crate::parallel;
use crate::rule_tree::is_multi_value;
use crate::state::{Query, RuleId, State};
use crate::text::ref_text;
use crate::visit::{Node as Tree, walk};

/// Types what rules stand on: `input` by the schema that the caller gives.
pub fn start(state: &mut State<'_>) {
    let mut base = Node::default();
    let mut kept = Vec::new();
    if let Some((_, schema)) = state
        .options
        .schemas
        .iter()
        .find(|(path, _)| path.is_empty())
    {
        match schema::load(schema) {
            Ok(loaded) => {
                if loaded.ty.is_some() {
                    base.put(&[var_term("input")], loaded.ty.clone());
                }
                kept = loaded.kept;
                kept.extend(loaded.ty);
            }
            Err(message) => {
                state.error(Diagnostic::new(Code::Type, Span::NONE, message));
            }
        }
    }
    state.facts.types = TypeEnv::new(base, kept);
}

/// The declared type of a built-in with the names that messages show.
fn declared(function: &FunctionType) -> Function {
    let named = |name: &str| (!name.is_empty()).then(|| Name::from(name));
    let params = function.params.iter().enumerate().map(|(i, ty)| Param {
        name: function.names.get(i).and_then(|name| named(name)),
        ty: Some(from_declaration(ty)),
    });
    Function {
        params: params.collect(),
        variadic: function.variadic.as_ref().map(from_declaration),
        result: function.result.as_ref().map(|ty| Param {
            name: named(&function.result_name),
            ty: Some(from_declaration(ty)),
        }),
    }
}

fn from_declaration(declaration: &Type) -> Ty {
    match declaration {
        Type::Null => ty::null(),
        Type::Boolean => ty::boolean(),
        Type::Number => ty::number(),
        Type::String => ty::string(),
        Type::Array { fixed, rest } => ty::array(
            fixed.iter().map(|ty| Some(from_declaration(ty))).collect(),
            rest.as_deref().map(from_declaration),
        ),
        Type::Object { fixed, rest } => ty::object(
            fixed
                .iter()
                .map(|(key, ty)| (key.clone(), Some(from_declaration(ty))))
                .collect(),
            rest.as_deref().map(|(key, value)| Rest {
                key: Some(from_declaration(key)),
                value: Some(from_declaration(value)),
            }),
        ),
        Type::Set(of) => ty::set(Some(from_declaration(of))),
        Type::Any(of) if of.is_empty() => ty::any(),
        Type::Any(of) => {
            let mut of: Vec<Ty> = of.iter().map(from_declaration).collect();
            of.sort_by(ty::compare);
            Arc::new(Kind::Any(of))
        }
        Type::Function(function) => Arc::new(Kind::Function(declared(function))),
    }
}

/// True if a built-in's declared result can be a scalar; true too if that cannot be told.
pub(super) fn may_return(builtins: &Table, name: &str, value: &Term) -> bool {
    let result = builtins
        .id(name)
        .and_then(|id| builtins.function_type(id))
        .and_then(|function| function.result.as_ref());
    let Some(result) = result else { return true };
    let scalar = match value.kind {
        TermKind::Null => ty::null(),
        TermKind::Boolean(_) => ty::boolean(),
        TermKind::Number(_) => ty::number(),
        TermKind::String(_) => ty::string(),
        _ => return true,
    };
    ty::contains(&from_declaration(result), &scalar)
}

/// The ground refs of the rules that a ref may mean, and of all rules that depend on those.
fn dependents(state: &State<'_>, path: &[Term]) -> Vec<Ref> {
    let mut visited = hashbrown::HashSet::new();
    let mut todo = state.rules_dynamic(path, true);
    todo.reverse();
    let mut found = Vec::new();
    while let Some(id) = todo.pop() {
        if visited.insert(id) {
            found.push(ground_prefix(&state.rule_ref(id)).to_vec());
            todo.extend(state.graph.used_by(id));
        }
    }
    found
}

/// Checks all rules, each after those that it uses.
pub fn run(state: &mut State<'_>) {
    let this = &*state;
    let typed = on_threads(this).unwrap_or_else(|| typed(this, &this.graph.sorted));
    state.facts.types = state.facts.types.with_layer(typed.tree, typed.kept);
    let sources = state.sources;
    let mut errors = typed.errors;
    crate::front::sort_errors(sources, &mut errors);
    for diagnostic in errors {
        state.recoverable(diagnostic);
    }
}

/// What is known of rules.
#[derive(Default)]
struct Typed {
    tree: Arc<Node>,
    errors: Vec<Diagnostic>,
    kept: Vec<Ty>,
}

/// Checks rules that come after those that they use.
fn typed<'r>(state: &State<'_>, rules: impl IntoIterator<Item = &'r RuleId>) -> Typed {
    let dependents = |path: &[Term]| dependents(state, path);
    let checker = Checker::new(Context {
        sources: state.sources,
        subjects: vec![&state.locals.subjects],
        written: vec![&state.rewritten_vars],
        dependents: &dependents,
    });
    let mut checked = Rules {
        state,
        checker,
        env: state.facts.types.open(state.builtins).wrap(),
        errors: Vec::new(),
        schemas: HashMap::new(),
        kept: Vec::new(),
    };
    for &id in rules {
        checked.rule(id);
    }
    Typed {
        tree: checked.env.tree(),
        errors: checked.errors,
        kept: checked.kept,
    }
}

/// The same on several threads, where modules have nothing to do with each other. Nothing is given if that is no help,
/// or if there are errors: they may show what else there is in a package, which depends on the order of all rules.
fn on_threads(state: &State<'_>) -> Option<Typed> {
    let threads = parallel::threads(state.options, state.modules.len());
    // Schemas may be for rules that nothing refers to.
    if threads < 2 || state.facts.annotations.has_schemas {
        return None;
    }
    let groups = groups::of(state);
    if groups.len() < 2 {
        return None;
    }
    let pieces = groups.chunks(parallel::piece(threads, groups.len()));
    let typed = parallel::each(threads, pieces, |groups| {
        typed(state, groups.iter().flatten())
    });
    let mut all = Typed::default();
    let tree = Arc::make_mut(&mut all.tree);
    for piece in typed {
        if !piece.errors.is_empty() {
            return None;
        }
        tree.join(&piece.tree);
        all.kept.extend(piece.kept);
    }
    Some(all)
}

/// Checks a query.
pub fn run_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let this = &*state;
    let dependents = |path: &[Term]| dependents(this, path);
    let checker = Checker::new(Context {
        sources: this.sources,
        subjects: vec![&query.locals.subjects],
        written: vec![&query.rewritten_vars, &this.rewritten_vars],
        dependents: &dependents,
    });
    let (_, errors) = checker.check_body(&this.facts.types.open(this.builtins), &query.body);
    errors
}

/// The types of rules so far.
struct Rules<'r, 'c> {
    state: &'r State<'c>,
    checker: Checker<'r>,
    env: Env<'c>,
    errors: Vec<Diagnostic>,
    /// Types of named schemas.
    schemas: HashMap<String, Known>,
    kept: Vec<Ty>,
}

impl Rules<'_, '_> {
    fn rule(&mut self, id: RuleId) {
        let rule = self.state.rule(id);
        let env = self.env.wrap();
        for annotation in self.state.facts.annotations.schemas_of(self.state, id) {
            if let Err(message) = self.apply_schema(&env, &annotation) {
                self.errors
                    .push(Diagnostic::new(Code::Type, rule.span, message));
            }
        }
        let (inner, errors) = self.checker.check_body(&env, &rule.body);
        let path = self.state.rule_ref(id);
        if !errors.is_empty() {
            self.errors.extend(errors);
            // What refers to the rule does not fail because of it.
            self.env.put(&path, Some(ty::any()));
            return;
        }
        if let Some(ty) = self.rule_type(rule, &path, &inner) {
            let end = if rule.head.args.is_empty() {
                ground_prefix(&path)
            } else {
                &path
            };
            self.env.insert(end, &ty);
        }
    }

    fn rule_type(&self, rule: &Rule, path: &[Term], env: &Env<'_>) -> Known {
        let head = &rule.head;
        let value =
            |term: &Option<Box<Term>>| term.as_deref().and_then(|term| self.checker.get(env, term));
        if !head.args.is_empty() {
            for arg in &head.args {
                // What the body does not mention may be anything.
                walk(Tree::Term(arg), &mut |node| {
                    if let Tree::Term(term) = node
                        && term.as_var().is_some()
                        && env.get_var(term).is_none()
                    {
                        env.put_var(term, Some(ty::any()));
                    }
                    false
                });
            }
            let params = head
                .args
                .iter()
                .map(|arg| self.checker.get(env, arg))
                .collect();
            return Some(function_type(params, value(&head.value)));
        }
        let ty = if is_multi_value(rule) {
            ty::set(Some(value(&head.key)?))
        } else {
            let ty = value(&head.value);
            if is_ground_ref(path) {
                return ty;
            }
            ty?
        };
        self.nested(env, &path[ground_prefix(path).len()..], ty)
    }

    /// Objects by the terms of a ref's end, one in the other.
    fn nested(&self, env: &Env<'_>, path: &[Term], ty: Ty) -> Known {
        let mut ty = ty;
        for term in path.iter().rev() {
            let key = Some(self.checker.get(env, term)?);
            ty = ty::object(
                Vec::new(),
                Some(Rest {
                    key,
                    value: Some(ty),
                }),
            );
        }
        Some(ty)
    }

    /// Types the document that an annotation describes.
    fn apply_schema(&mut self, env: &Env<'_>, annotation: &SchemaAnnotation) -> Result<(), String> {
        let Some(ty) = self.schema_type(annotation)? else {
            return Ok(());
        };
        let path = &annotation.path;
        if path.is_empty() || path.len() > infer::MAX_PATH {
            return Ok(());
        }
        // The shortest part of the path that has a type is what is overridden.
        let prefix = match path.len() {
            1 => env.get_ref(path).map(|ty| (1, ty)),
            _ => (1..path.len()).find_map(|n| Some((n, env.get_ref(&path[..n])?))),
        };
        match prefix {
            Some((n, known)) if n < path.len() => {
                let keys = keys_of(&path[n..])?;
                env.put(&path[..n], Some(overridden(&keys, &known, &ty)));
            }
            _ => env.put(path, Some(ty)),
        }
        Ok(())
    }

    fn schema_type(&mut self, annotation: &SchemaAnnotation) -> Result<Known, String> {
        let state = self.state;
        let Some(reference) = annotation.schema.as_ref().filter(|path| !path.is_empty()) else {
            return match &annotation.definition {
                Some(definition) => self.load(definition),
                None => Err("no schema as input to compile".to_string()),
            };
        };
        if state.options.schemas.is_empty() {
            return Ok(None);
        }
        let name = ref_text(reference);
        if let Some(ty) = self.schemas.get(&name) {
            return Ok(ty.clone());
        }
        let path: Option<Vec<&str>> = reference.iter().skip(1).map(Term::as_str).collect();
        let found = path.and_then(|path| {
            let same = |other: &[String]| other.iter().map(String::as_str).eq(path.iter().copied());
            state.options.schemas.iter().find(|(other, _)| same(other))
        });
        let Some((_, schema)) = found else {
            return Err(format!("undefined schema: {name}"));
        };
        let ty = self.load(schema)?;
        self.schemas.insert(name, ty.clone());
        Ok(ty)
    }

    fn load(&mut self, schema: &Constant) -> Result<Known, String> {
        let loaded = schema::load(schema)?;
        self.kept.extend(loaded.kept);
        self.kept.extend(loaded.ty.clone());
        Ok(loaded.ty)
    }
}

fn keys_of(path: &[Term]) -> Result<Vec<Constant>, String> {
    path.iter()
        .map(|term| {
            constant_of(term)
                .filter(|_| is_constant(term))
                .ok_or_else(|| {
                    format!(
                        "error getting key from value: {}",
                        crate::text::term_text(term)
                    )
                })
        })
        .collect()
}

/// A type in which the member at `path` has another type.
fn overridden(path: &[Constant], ty: &Ty, with: &Ty) -> Ty {
    let ty = ty::unwrap(ty);
    let Some((key, tail)) = path.split_first() else {
        return with.clone();
    };
    let new_member = |rest: &Option<Rest>| {
        let nested = tail.iter().rev().fold(with.clone(), |ty, key| {
            ty::object(vec![(key.clone(), Some(ty))], rest.clone())
        });
        (key.clone(), Some(nested))
    };
    let Kind::Object { fixed, rest } = &*ty else {
        let rest = Some(Rest {
            key: Some(ty::any()),
            value: Some(ty::any()),
        });
        return ty::object(vec![new_member(&rest)], rest);
    };
    let mut fixed = fixed.clone();
    match fixed
        .iter_mut()
        .find(|(known, _)| compare_constants(known, key).is_eq())
    {
        Some((_, value)) => {
            let below = value.clone().unwrap_or_else(ty::any);
            *value = Some(overridden(tail, &below, with));
        }
        None => fixed.push(new_member(rest)),
    }
    ty::object(fixed, rest.clone())
}
