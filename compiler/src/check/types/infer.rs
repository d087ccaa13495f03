//! The types of expressions and bodies: OPA's inference, with its order and its gaps.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic, SourceMap, Span};
use regovm_parser::ast::{Expr, ExprKind, Name, Term, TermKind};

use super::constant::constant_of;
use super::env::{Env, Node, extent, is_root};
use super::identity::TypeNumber;
use super::messages::{
    TypeError, argument_error, match_error, no_members_error, no_such_member_error,
};
use super::outer_vars::OuterVars;
use super::ty::{self, Function, Kind, Known, Param, Ty};
use super::unify::unifies;
use crate::order::{ground_prefix, is_ground_ref, refs_equal, sorted_members, sorted_set};
use crate::resolve::is_scalar;
use crate::text::{ref_text, term_text};
use crate::visit::{self, Node as Tree, VarParams, VisitMut};

/// Comprehensions inside comprehensions are looked at again from outside, as OPA does; deeper than
/// this that would take for ever.
const MAX_AGAIN: usize = 8;

/// An expression of a comprehension is checked at most so often on average, if it is not among the
/// first [`MIN_CHECKS`]: once for all that can be known of the variables around it. What is left
/// then may be anything.
const MAX_CHECKS: usize = 32;

/// See [`MAX_CHECKS`].
const MIN_CHECKS: usize = 10_000;

/// What a modifier replaces is typed no deeper than this, because trees of types are walked by recursion.
pub const MAX_PATH: usize = 500;

/// What the checker asks about the rest of the compilation.
pub struct Context<'s> {
    /// The texts.
    pub sources: &'s SourceMap,
    /// Generated variables and the terms that they stand for.
    pub subjects: Vec<&'s HashMap<Name, Term>>,
    /// Generated variables and the names that the author wrote; the first map that knows one counts.
    pub written: Vec<&'s HashMap<Name, Name>>,
    /// The ground refs of rules that depend on a document.
    pub dependents: &'s dyn Fn(&[Term]) -> Vec<Vec<Term>>,
}

/// A comprehension as it was found under an environment.
#[derive(Default)]
struct Comprehension {
    /// The errors in its body.
    errors: Vec<Diagnostic>,
    /// Its type, if there are none.
    ty: Known,
}

/// What a comprehension's types depend on: the comprehension (by the address of its body), what
/// modifiers of expressions have replaced, and what is known of the variables from outside.
type Circumstances = (*const Expr, Vec<*const Node>, Vec<TypeNumber>);

/// An expression by its address, and the types that its modifiers give.
type Modifiers = (*const Expr, Vec<TypeNumber>);

/// Checks bodies against environments.
pub struct Checker<'s> {
    context: Context<'s>,
    /// Trees that type what depends on a replaced document as anything, by the document.
    relaxed: RefCell<HashMap<String, Option<Arc<Node>>>>,
    /// The trees of modifiers, by the expression and the types that they give.
    replaced: RefCell<HashMap<Modifiers, Arc<Node>>>,
    /// The comprehensions that were checked.
    memo: RefCell<HashMap<Circumstances, Rc<Comprehension>>>,
    outer: RefCell<OuterVars>,
    /// How many expressions of comprehensions may still be checked.
    left: Cell<usize>,
}

impl<'s> Checker<'s> {
    /// A checker.
    pub fn new(context: Context<'s>) -> Checker<'s> {
        Checker {
            context,
            relaxed: RefCell::default(),
            replaced: RefCell::default(),
            memo: RefCell::default(),
            outer: RefCell::default(),
            left: Cell::new(0),
        }
    }

    /// Checks the expressions of a body in order. The environment given back knows its variables.
    pub fn check_body<'c>(&self, env: &Env<'c>, body: &[Expr]) -> (Env<'c>, Vec<Diagnostic>) {
        let outer = match has_comprehensions(body) {
            true => OuterVars::new(body),
            false => OuterVars::default(),
        };
        self.left.set(MIN_CHECKS + MAX_CHECKS * outer.exprs);
        self.outer.replace(outer);
        self.memo.borrow_mut().clear();
        self.replaced.borrow_mut().clear();
        self.body(env, body)
    }

    fn body<'c>(&self, env: &Env<'c>, body: &[Expr]) -> (Env<'c>, Vec<Diagnostic>) {
        let env = env.wrap();
        let mut errors = Vec::new();
        for expr in body {
            let below_with;
            let scope = if expr.with.is_empty() {
                &env
            } else {
                below_with = self.with_env(&env, expr);
                &below_with
            };
            let closure_errors = self.closures(scope, expr);
            let in_closures = !closure_errors.is_empty();
            errors.extend(closure_errors);
            let mut refs = RefChecker {
                checker: self,
                env: scope,
                errors: Vec::new(),
            };
            refs.expr(expr);
            let in_refs = !refs.errors.is_empty();
            errors.append(&mut refs.errors);
            if let Some(error) = self.expr(scope, expr) {
                // A type that is not known is then a consequence of the error in the part.
                if !((in_closures || in_refs) && error.unknown) {
                    errors.push(error.diagnostic);
                }
            }
        }
        (env, errors)
    }

    /// A comprehension, checked once for all environments that say the same of it. `ty` makes its
    /// type from the environment that knows the variables of its body.
    fn comprehension(
        &self,
        env: &Env<'_>,
        term: &Term,
        body: &[Expr],
        ty: impl FnOnce(&Env<'_>) -> Ty,
    ) -> Rc<Comprehension> {
        let number = |var: &Term| env.number(&env.get_var(var));
        let types = match self.outer.borrow().of(body) {
            Some(vars) => vars.iter().map(number).collect(),
            // It stands in a head.
            None => visit::term_vars(term, VarParams::ALL)
                .iter()
                .map(|name| number(&Term::var(name.clone(), Span::NONE)))
                .collect(),
        };
        let circumstances = (body.as_ptr(), env.replaced(), types);
        if let Some(done) = self.memo.borrow().get(&circumstances) {
            return done.clone();
        }
        let done = match self.left.get().checked_sub(body.len()) {
            Some(left) => {
                self.left.set(left);
                let (inner, errors) = self.body(env, body);
                let ty = errors.is_empty().then(|| ty(&inner));
                Comprehension { errors, ty }
            }
            None => Comprehension {
                errors: Vec::new(),
                ty: Some(ty::any()),
            },
        };
        let done = Rc::new(done);
        self.memo.borrow_mut().insert(circumstances, done.clone());
        done
    }

    /// The comprehension that a term is.
    fn comprehension_term(&self, env: &Env<'_>, term: &Term) -> Option<Rc<Comprehension>> {
        Some(match &term.kind {
            TermKind::ArrayComprehension(it) => self.comprehension(env, term, &it.body, |env| {
                ty::array(Vec::new(), self.get(env, &it.term))
            }),
            TermKind::SetComprehension(it) => {
                self.comprehension(env, term, &it.body, |env| ty::set(self.get(env, &it.term)))
            }
            TermKind::ObjectComprehension(it) => self.comprehension(env, term, &it.body, |env| {
                let (key, value) = (self.get(env, &it.key), self.get(env, &it.value));
                ty::object(Vec::new(), Some(ty::Rest { key, value }))
            }),
            _ => return None,
        })
    }

    /// The errors inside comprehensions of an expression: those of the last one that has any.
    fn closures(&self, env: &Env<'_>, expr: &Expr) -> Vec<Diagnostic> {
        let mut result = Vec::new();
        self.closures_below(env, Tree::Expr(expr), 0, &mut result);
        result
    }

    fn closures_below(
        &self,
        env: &Env<'_>,
        node: Tree<'_>,
        depth: usize,
        result: &mut Vec<Diagnostic>,
    ) {
        let mut found: Vec<&Term> = Vec::new();
        visit::walk_terms(node, &mut |term| {
            let comprehension = is_comprehension(term);
            if comprehension {
                found.push(term);
            }
            comprehension
        });
        for term in found {
            let Some(comprehension) = self.comprehension_term(env, term) else {
                continue;
            };
            if !comprehension.errors.is_empty() {
                result.clone_from(&comprehension.errors);
            } else if depth < MAX_AGAIN {
                let mut itself = true;
                visit::walk(Tree::Term(term), &mut |node| {
                    if std::mem::take(&mut itself) {
                        return false;
                    }
                    self.closures_below(env, node, depth + 1, result);
                    true
                });
            }
        }
    }

    /// The type of a term.
    pub fn get(&self, env: &Env<'_>, term: &Term) -> Known {
        match &term.kind {
            TermKind::Array(items) => {
                let fixed = items.iter().map(|item| self.get(env, item)).collect();
                Some(ty::array(fixed, None))
            }
            TermKind::Object(members) => Some(super::env::object_type(members, &mut |term| {
                self.get(env, term)
            })),
            TermKind::Set(items) => {
                let items = sorted_set(items);
                let types: Vec<Known> = items.iter().map(|item| self.get(env, item)).collect();
                Some(ty::set(ty::union(&types)))
            }
            _ if is_comprehension(term) => self.comprehension_term(env, term)?.ty.clone(),
            _ => env.get(term),
        }
    }

    fn expr(&self, env: &Env<'_>, expr: &Expr) -> Option<TypeError> {
        if let Some(error) = self.replaced_functions(env, expr) {
            return Some(error);
        }
        let ExprKind::Call(terms) = &expr.kind else {
            return None;
        };
        let (operator, operands) = terms.split_first()?;
        let path: &[Term] = match &operator.kind {
            TermKind::Ref(path) => path,
            _ => std::slice::from_ref(operator),
        };
        match name_of_two(path) {
            Some(("eq", None)) => return self.equality(env, expr.span, path, operands),
            Some(("internal", Some("member_2"))) => {
                if let Some(error) = self.membership(env, expr.span, operands, 2) {
                    return Some(error);
                }
            }
            Some(("internal", Some("member_3"))) => {
                if let Some(error) = self.membership(env, expr.span, operands, 3) {
                    return Some(error);
                }
            }
            _ => {}
        }
        self.call(env, expr.span, path, operands)
    }

    /// `x in xs` of 2 operands, `k, v in xs` of 3: declared as anything, but the elements must fit.
    fn membership(
        &self,
        env: &Env<'_>,
        span: Span,
        operands: &[Term],
        arity: usize,
    ) -> Option<TypeError> {
        let collection = self.get(env, operands.get(arity - 1)?)?;
        let values = ty::values(&collection)?;
        if arity == 3 {
            let keys = ty::keys(&collection);
            if let Some(error) = self.member(env, span, &operands[0], &keys) {
                return Some(error);
            }
        }
        self.member(env, span, &operands[arity - 2], &Some(values))
    }

    fn member(&self, env: &Env<'_>, span: Span, term: &Term, want: &Known) -> Option<TypeError> {
        if ty::has_unknown(want) {
            return None;
        }
        let have = self.get(env, term);
        let clash = !ty::has_unknown(&have) && !unifies(&have, want);
        (clash || !self.unify_term(env, term, want, false)).then(|| match_error(span, &have, want))
    }

    fn call(
        &self,
        env: &Env<'_>,
        span: Span,
        path: &[Term],
        operands: &[Term],
    ) -> Option<TypeError> {
        let undefined = || {
            let message = format!("undefined function {}", ref_text(path));
            Some(TypeError {
                diagnostic: Diagnostic::new(Code::Type, span, message),
                unknown: false,
            })
        };
        let Some(ty) = env.get_ref(path) else {
            return undefined();
        };
        if ty::is_any(&ty) {
            return None;
        }
        let Kind::Function(function) = &*ty else {
            return undefined();
        };
        let want = || -> Vec<Param> {
            let params = function.params.iter();
            params.chain(&function.result).cloned().collect()
        };
        let most = function.params.len() + usize::from(function.result.is_some());
        let have = || {
            operands
                .iter()
                .map(|o| self.get(env, o))
                .collect::<Vec<_>>()
        };
        let error = |message: &str, have: &[Known]| {
            Some(argument_error(
                span,
                path,
                message,
                have,
                &want(),
                &function.variadic,
            ))
        };
        if operands.len() > most && function.variadic.is_none() {
            return error("too many arguments", &have());
        }
        if operands.len() < function.params.len() {
            return error("too few arguments", &have());
        }
        let before = have();
        for (i, operand) in operands.iter().enumerate() {
            let param = match function.params.get(i) {
                None if i == function.params.len() => function.result.as_ref(),
                param => param,
            };
            let wanted = param.map_or(&function.variadic, |param| &param.ty);
            // What is known already is compared as a whole, so that `sum([1, a])` fails for a
            // string `a`; what is not known yet is typed by what the function wants.
            if !ty::has_unknown(&before[i]) && !unifies(&before[i], wanted) {
                return error("invalid argument(s)", &before);
            }
            if !self.unify_term(env, operand, wanted, false) {
                return error("invalid argument(s)", &have());
            }
        }
        None
    }

    fn equality(
        &self,
        env: &Env<'_>,
        span: Span,
        path: &[Term],
        operands: &[Term],
    ) -> Option<TypeError> {
        let [a, b] = operands else {
            let have: Vec<Known> = operands.iter().map(|o| self.get(env, o)).collect();
            let any = || Param {
                name: None,
                ty: Some(ty::any()),
            };
            let message = if operands.len() < 2 {
                "too few arguments"
            } else {
                "too many arguments"
            };
            return Some(argument_error(
                span,
                path,
                message,
                &have,
                &[any(), any()],
                &None,
            ));
        };
        let (ty_a, ty_b) = (self.get(env, a), self.get(env, b));
        (!self.unify_terms(env, a, &ty_a, b, &ty_b)).then(|| match_error(span, &ty_a, &ty_b))
    }

    /// The environment below the modifiers of an expression: replaced documents may also have the
    /// type of their replacement, what depends on them may be anything.
    fn with_env<'c>(&self, env: &Env<'c>, expr: &Expr) -> Env<'c> {
        let mut scope = env.clone();
        let mut replaced: Vec<(&[Term], Ty)> = Vec::new();
        for with in &expr.with {
            let TermKind::Ref(target) = &with.target.kind else {
                continue;
            };
            let target_ty = env.get_ref(target);
            let function = matches!(target_ty.as_deref(), Some(Kind::Function(_)));
            if let Some(tree) = self.relaxed_dependents(target, function) {
                scope = scope.wrap_with(tree);
            }
            if function {
                // The declaration stays: its arity is compared with the replacement's.
                continue;
            }
            let mut ty = ty::any();
            if is_ground_ref(target)
                && target_ty.is_some()
                && let value @ Some(_) = self.get(env, &with.value)
            {
                ty = ty::or(&target_ty, &value).unwrap_or(ty);
            }
            let path = ground_prefix(target);
            if path.len() > MAX_PATH {
                ty = ty::any();
            }
            replaced.push((&path[..path.len().min(MAX_PATH)], ty));
        }
        if replaced.is_empty() {
            return scope;
        }
        // Last, so that a replaced document keeps its type whatever else is replaced.
        scope.wrap_with(self.replaced_tree(env, expr, replaced))
    }

    /// One tree for each set of types that an expression's modifiers give.
    fn replaced_tree(&self, env: &Env<'_>, expr: &Expr, replaced: Vec<(&[Term], Ty)>) -> Arc<Node> {
        let types = replaced
            .iter()
            .map(|(_, ty)| env.number(&Some(ty.clone())))
            .collect();
        let mut trees = self.replaced.borrow_mut();
        let tree = trees.entry((std::ptr::from_ref(expr), types));
        let make = || {
            let mut tree = Node::default();
            for (path, ty) in replaced {
                tree.put(path, Some(ty));
            }
            Arc::new(tree)
        };
        tree.or_insert_with(make).clone()
    }

    fn relaxed_dependents(&self, target: &[Term], function: bool) -> Option<Arc<Node>> {
        let mut key = ref_text(target);
        if function {
            key.insert_str(0, "f:");
        }
        if let Some(tree) = self.relaxed.borrow().get(&key) {
            return tree.clone();
        }
        let mut tree: Option<Node> = None;
        for path in (self.context.dependents)(target) {
            if !(function && refs_equal(&path, target)) {
                tree.get_or_insert_default().put(&path, Some(ty::any()));
            }
        }
        let tree = tree.map(Arc::new);
        self.relaxed.borrow_mut().insert(key, tree.clone());
        tree
    }

    /// `with f as g`: the same number of arguments, of types that fit.
    fn replaced_functions(&self, env: &Env<'_>, expr: &Expr) -> Option<TypeError> {
        for with in &expr.with {
            let (target, value) = (self.get(env, &with.target), self.get(env, &with.value));
            let (Some(Kind::Function(from)), Some(Kind::Function(to))) =
                (target.as_deref(), value.as_deref())
            else {
                continue;
            };
            if !unifies(&target, &value) {
                let have: Vec<Known> = to.params.iter().map(|p| p.ty.clone()).collect();
                let path: &[Term] = match &with.target.kind {
                    TermKind::Ref(path) => path,
                    _ => std::slice::from_ref(&with.target),
                };
                return Some(argument_error(
                    with.span,
                    path,
                    "arity mismatch",
                    &have,
                    &from.params,
                    &from.variadic,
                ));
            }
        }
        None
    }

    /// Two terms that are equated: types variables on either side.
    fn unify_terms(&self, env: &Env<'_>, a: &Term, ty_a: &Known, b: &Term, ty_b: &Known) -> bool {
        match (ty::has_unknown(ty_a), ty::has_unknown(ty_b)) {
            (true, false) => return self.unify_term(env, a, ty_b, false),
            (false, true) => return self.unify_term(env, b, ty_a, false),
            (false, false) => return unifies(ty_a, ty_b),
            (true, true) => {}
        }
        match (&a.kind, &b.kind) {
            (TermKind::Array(x), TermKind::Array(y)) => {
                return x.len() == y.len()
                    && x.iter().zip(y).all(|(x, y)| {
                        self.unify_terms(env, x, &self.get(env, x), y, &self.get(env, y))
                    });
            }
            (TermKind::Object(x), TermKind::Object(y)) => {
                let (x, y) = (sorted_members(x), sorted_members(y));
                return x.len() == y.len()
                    && x.iter()
                        .zip(&y)
                        .all(|((xk, _), (yk, _))| crate::order::terms_equal(xk, yk))
                    && x.iter().zip(&y).all(|((_, x), (_, y))| {
                        self.unify_terms(env, x, &self.get(env, x), y, &self.get(env, y))
                    });
            }
            (TermKind::Array(_) | TermKind::Object(_), TermKind::Var(_))
            | (TermKind::Var(_), TermKind::Var(_)) => {
                return self.unify_term(env, a, &Some(ty::any()), false)
                    && self.unify_term(env, b, &self.get(env, a), false);
            }
            (TermKind::Var(_), TermKind::Array(_) | TermKind::Object(_)) => {
                return self.unify_term(env, b, &Some(ty::any()), false)
                    && self.unify_term(env, a, &self.get(env, b), false);
            }
            (TermKind::Array(_) | TermKind::Object(_), _) => return false,
            _ => {}
        }
        // What is known in part (a comprehension, say) is what the variable is.
        if a.as_var().is_some() && ty_a.is_none() && ty_b.is_some() {
            return self.unify_term(env, a, ty_b, false);
        }
        if b.as_var().is_some() && ty_b.is_none() && ty_a.is_some() {
            return self.unify_term(env, b, ty_a, false);
        }
        false
    }

    /// A term that must have a type: types the variables in it. With `union` what variables have
    /// already is widened.
    fn unify_term(&self, env: &Env<'_>, term: &Term, want: &Known, union: bool) -> bool {
        let each_member = |of: &[Ty]| {
            let mut fits = false;
            for member in of {
                fits |= self.unify_term(env, term, &Some(member.clone()), true);
            }
            fits
        };
        match &term.kind {
            TermKind::Array(items) => {
                let Some(want) = want.as_ref().map(ty::unwrap) else {
                    return false;
                };
                match &*want {
                    Kind::Array { fixed, rest } => {
                        (items.len() == fixed.len() || rest.is_some())
                            && items.iter().enumerate().all(|(i, item)| {
                                let want = ty::array_select(fixed, rest, i);
                                self.unify_term(env, item, &want, union)
                            })
                    }
                    Kind::Any(of) if of.is_empty() => {
                        for item in items {
                            self.unify_term(env, item, &Some(want.clone()), true);
                        }
                        true
                    }
                    Kind::Any(of) => each_member(of),
                    _ => false,
                }
            }
            TermKind::Object(members) => {
                let Some(want) = want.as_ref().map(ty::unwrap) else {
                    return false;
                };
                let members = sorted_members(members);
                match &*want {
                    Kind::Object { fixed, rest } => {
                        let open = rest.as_ref().is_some_and(|r| r.value.is_some());
                        (members.len() == fixed.len() || open)
                            && members.iter().all(|(key, value)| match constant_of(key) {
                                Some(key) => match ty::object_select(fixed, rest, &key) {
                                    None => false,
                                    want => self.unify_term(env, value, &want, union),
                                },
                                None => {
                                    self.unify_term(env, value, &Some(ty::any()), union);
                                    true
                                }
                            })
                    }
                    Kind::Any(of) if of.is_empty() => {
                        for (key, value) in members {
                            self.unify_term(env, key, &Some(want.clone()), true);
                            self.unify_term(env, value, &Some(want.clone()), true);
                        }
                        true
                    }
                    Kind::Any(of) => each_member(of),
                    _ => false,
                }
            }
            TermKind::Set(items) => {
                let Some(want) = want else { return false };
                match &**want {
                    Kind::Set(of) => sorted_set(items)
                        .into_iter()
                        .all(|item| self.unify_term(env, item, of, union)),
                    Kind::Any(of) if of.is_empty() => {
                        for item in sorted_set(items) {
                            self.unify_term(env, item, &Some(want.clone()), true);
                        }
                        true
                    }
                    Kind::Any(of) => each_member(of),
                    _ => false,
                }
            }
            TermKind::Var(_) => {
                let have = env.get_var(term);
                if union {
                    env.put_var(term, ty::or(&have, want));
                } else if have.is_some() {
                    return unifies(&have, want);
                } else {
                    env.put_var(term, want.clone());
                }
                true
            }
            _ => unifies(&self.get(env, term), want),
        }
    }

    /// A ref as the author wrote it.
    fn written(&self, path: &[Term]) -> Vec<Term> {
        struct Rewrite<'c, 's>(&'c Context<'s>);
        impl VisitMut for Rewrite<'_, '_> {
            fn term(&mut self, term: &mut Term) {
                let Some(name) = term.as_var().cloned() else {
                    return visit::descend_term(self, term);
                };
                if let Some(subject) = self.0.subjects.iter().find_map(|map| map.get(&name)) {
                    *term = subject.clone();
                } else if let Some(name) = self.0.written.iter().find_map(|map| map.get(&name)) {
                    term.kind = TermKind::Var(name.clone());
                }
            }
        }
        let mut path = path.to_vec();
        let mut rewrite = Rewrite(&self.context);
        for term in &mut path {
            rewrite.term(term);
        }
        path
    }
}

/// Looks at the refs of one expression, and types the variables in them.
struct RefChecker<'c, 's> {
    checker: &'c Checker<'s>,
    env: &'c Env<'c>,
    errors: Vec<Diagnostic>,
}

impl RefChecker<'_, '_> {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(terms) => {
                for term in terms.iter().skip(1) {
                    self.term(term);
                }
                return;
            }
            ExprKind::Term(term) => return self.term(term),
            ExprKind::Not(not) => return self.body(&not.body),
            ExprKind::Some(terms) => {
                for term in terms {
                    self.term(term);
                }
            }
            ExprKind::Every(every) => {
                if let Some(key) = &every.key {
                    self.term(key);
                }
                self.term(&every.value);
                self.term(&every.domain);
                self.body(&every.body);
            }
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.body(&pair.lhs);
                self.body(&pair.rhs);
            }
        }
        for with in &expr.with {
            self.term(&with.target);
            self.term(&with.value);
        }
    }

    fn body(&mut self, body: &[Expr]) {
        for expr in body {
            self.expr(expr);
        }
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Ref(path) => {
                if let Some(error) = self.function_as_value(path) {
                    self.report(term, path, error);
                    return;
                }
                if let Some(error) = self.reference(path) {
                    self.report(term, path, error);
                }
                path.iter().for_each(|term| self.term(term));
            }
            TermKind::Array(items) | TermKind::Call(items) => {
                items.iter().for_each(|term| self.term(term));
            }
            TermKind::Set(items) => sorted_set(items)
                .into_iter()
                .for_each(|term| self.term(term)),
            TermKind::Object(members) => {
                for (key, value) in sorted_members(members) {
                    self.term(key);
                    self.term(value);
                }
            }
            _ => {}
        }
    }

    /// An error stands where OPA says (see `SharedPlaces` of the stage that resolves names); if that
    /// is elsewhere, a hint has the true place.
    fn report(&mut self, term: &Term, path: &[Term], error: Diagnostic) {
        let sources = self.checker.context.sources;
        let shown = path.first().and_then(|head| sources.order(head.span));
        let elsewhere = shown != sources.order(term.span);
        self.errors.push(match sources.locate(term.span) {
            Some(here) if elsewhere => error.with_hint(format!(
                "the reference is in row {}, column {}",
                here.row, here.col
            )),
            _ => error,
        });
    }

    fn function_as_value(&self, path: &[Term]) -> Option<Diagnostic> {
        let ty = self.env.get_ref(path)?;
        matches!(&*ty, Kind::Function(_)).then(|| {
            no_members_error(
                path[0].span,
                &self.checker.written(path),
                path.len() - 1,
                &Some(ty.clone()),
            )
        })
    }

    fn reference(&self, path: &[Term]) -> Option<Diagnostic> {
        let head = path.first()?;
        // What the lowest layer says.
        let mut last = None;
        // Where a layer does not say enough, the next one starts over.
        for node in self.env.heads(head) {
            last = match node.map(|node| self.descend_from(&node, path, 1)) {
                Some(Descent::Done(error)) => return error.map(|error| *error),
                Some(Descent::Missing(node, at)) => Some((node, at)),
                None => None,
            };
        }
        match last {
            Some((node, at)) if is_root(head) => {
                // What the rules say is not all: base documents may be there too. Types
                // variables by all rules that there are.
                for child in node.children.values() {
                    self.below_all(child, path, at + 1);
                }
                None
            }
            _ => self.leaf(&ty::any(), path, usize::from(is_root(head))),
        }
    }

    /// The walk from a node that stands for the terms before `at`.
    fn descend_from(&self, node: &Arc<Node>, path: &[Term], at: usize) -> Descent {
        match &node.value {
            Some(ty) => Descent::Done(self.leaf(ty, path, at).map(Box::new)),
            None => self.descend(node, path, at),
        }
    }

    /// The walk over all children at once, whose errors count for nothing.
    fn below_all(&self, node: &Arc<Node>, path: &[Term], at: usize) {
        if let Descent::Missing(node, at) = self.descend(node, path, at) {
            for child in node.children.values() {
                self.below_all(child, path, at + 1);
            }
        }
    }

    fn descend(&self, node: &Arc<Node>, path: &[Term], at: usize) -> Descent {
        let Some(head) = path.get(at) else {
            return Descent::Done(None);
        };
        let invalid = |have: Known, want: Known| {
            let keys: Vec<Term> = node.children.keys().map(|key| key.0.clone()).collect();
            let path_text = self.checker.written(path);
            let error = no_such_member_error(path[0].span, &path_text, at, &have, &want, &keys);
            Descent::Done(Some(Box::new(error)))
        };
        // The shortest rule is `data.a.b`: above that there are only packages.
        if (at == 1 || at == 2) && !matches!(head.kind, TermKind::Var(_) | TermKind::String(_)) {
            return invalid(self.checker.get(self.env, head), Some(ty::string()));
        }
        if head.as_var().is_some() {
            let keys = extent(node).as_ref().and_then(ty::keys);
            let have = self.env.get_var(head);
            if have.is_none() {
                self.env.put_var(head, keys);
            } else if !unifies(&keys, &have) {
                return invalid(have, keys);
            }
        }
        match node.child(head) {
            None => Descent::Missing(node.clone(), at),
            Some(child) => self.descend_from(child, path, at + 1),
        }
    }

    /// The rest of a ref into a value of a type.
    fn leaf(&self, ty: &Ty, path: &[Term], at: usize) -> Option<Diagnostic> {
        let mut ty = ty.clone();
        for (at, head) in path.iter().enumerate().skip(at) {
            let invalid = |have: &Known, want: &Known, keys: &[Term]| {
                let written = self.checker.written(path);
                Some(no_such_member_error(
                    path[0].span,
                    &written,
                    at,
                    have,
                    want,
                    keys,
                ))
            };
            if has_no_members(&ty) {
                return invalid(&None, &None, &[]);
            }
            // All keys together are more than a known key needs.
            let known = constant_of(head).and_then(|key| ty::select(&ty, &key));
            if let (Some(child), true) = (known, is_scalar(head)) {
                ty = child;
                continue;
            }
            let Some(keys) = ty::keys(&ty) else {
                let written = self.checker.written(path);
                return Some(no_members_error(
                    path[0].span,
                    &written,
                    at.saturating_sub(1),
                    &Some(ty),
                ));
            };
            let keys = Some(keys);
            match &head.kind {
                TermKind::Var(_) => {
                    let have = self.env.get_var(head);
                    if have.is_none() {
                        self.env.put_var(head, keys);
                    } else if !unifies(&have, &keys) {
                        return invalid(&have, &keys, &known_keys(&ty));
                    }
                }
                TermKind::Ref(inner) => {
                    let have = self.env.get_ref(inner);
                    if have.is_some() && !unifies(&have, &keys) {
                        return invalid(&have, &keys, &known_keys(&ty));
                    }
                }
                TermKind::Array(_) | TermKind::Object(_) | TermKind::Set(_) => {
                    if !self.checker.unify_term(self.env, head, &keys, false) {
                        return invalid(&self.checker.get(self.env, head), &keys, &[]);
                    }
                }
                _ => return invalid(&None, &keys, &known_keys(&ty)),
            }
            match ty::values(&ty) {
                Some(values) => ty = values,
                None if at + 1 == path.len() => return None,
                // Nothing is known of the members: they have none.
                None => {
                    let written = self.checker.written(path);
                    return Some(no_members_error(path[0].span, &written, at, &None));
                }
            }
        }
        None
    }
}

fn is_comprehension(term: &Term) -> bool {
    matches!(
        term.kind,
        TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_)
    )
}

fn has_comprehensions(body: &[Expr]) -> bool {
    let mut found = false;
    for expr in body {
        visit::walk_terms(Tree::Expr(expr), &mut |term| {
            found = found || is_comprehension(term);
            found
        });
    }
    found
}

enum Descent {
    Done(Option<Box<Diagnostic>>),
    Missing(Arc<Node>, usize),
}

/// True for collections that can hold nothing.
fn has_no_members(ty: &Ty) -> bool {
    match &*ty::unwrap(ty) {
        Kind::Object { fixed, rest } => fixed.is_empty() && rest.is_none(),
        Kind::Array { fixed, rest } => fixed.is_empty() && rest.is_none(),
        Kind::Set(of) => of.is_none(),
        _ => false,
    }
}

/// The names in a path of one or two terms.
fn name_of_two(path: &[Term]) -> Option<(&str, Option<&str>)> {
    match path {
        [head] => Some((head.as_var()?, None)),
        [head, last] => Some((head.as_var()?, Some(last.as_str()?))),
        _ => None,
    }
}

/// The keys that objects of a type are known to have.
fn known_keys(ty: &Ty) -> Vec<Term> {
    fn collect(ty: &Ty, out: &mut Vec<Term>) {
        match &*ty::unwrap(ty) {
            Kind::Object { fixed, .. } => {
                out.extend(fixed.iter().map(|(key, _)| super::constant::term_of(key)));
            }
            Kind::Any(of) => of.iter().for_each(|ty| collect(ty, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    collect(ty, &mut out);
    out.sort_by(crate::order::compare_terms);
    out.dedup_by(|a, b| term_text(a) == term_text(b));
    out
}

/// A function's type from those of its arguments and its value.
pub fn function_type(params: Vec<Known>, result: Known) -> Ty {
    let params = params
        .into_iter()
        .map(|ty| Param { name: None, ty })
        .collect();
    let result = result.map(|ty| Param {
        name: None,
        ty: Some(ty),
    });
    Arc::new(Kind::Function(Function {
        params,
        variadic: None,
        result,
    }))
}
