//! Values of `with` that take evaluation move to variables before the expression. Targets must be
//! something that can be replaced.

use regovm_core::builtin::Table;
use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Body, Expr, Term, TermKind, With};

use super::{hoist, push_expr, requires_eval};
use crate::builtins;
use crate::options::Options;
use crate::rule_tree::RuleTree;
use crate::state::{LocalNames, Query, State};
use crate::text::{quote, ref_text, term_text};
use crate::visit::{VisitMut, descend_body};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    let mut modules = std::mem::take(&mut state.modules);
    let mut rewriter = Rewriter {
        targets: Targets {
            builtins: state.builtins,
            options: state.options,
            tree: &state.rule_tree,
        },
        locals: &mut state.locals,
        errors: Vec::new(),
    };
    let all = modules.iter_mut().zip(&state.mentions);
    for (module, _) in all.filter(|(_, has)| has.with) {
        for rule in &mut module.rules {
            rewriter.rule(rule);
        }
    }
    let errors = rewriter.errors;
    state.modules = modules;
    for error in errors {
        state.error(error);
    }
}

/// Rewrites a query.
pub fn run_query(state: &State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut rewriter = Rewriter {
        targets: Targets {
            builtins: state.builtins,
            options: state.options,
            tree: &state.rule_tree,
        },
        locals: &mut query.locals,
        errors: Vec::new(),
    };
    // Only modifiers of the query itself; those of closures stay, as in OPA.
    rewriter.body_itself(&mut query.body);
    rewriter.errors
}

struct Rewriter<'s> {
    targets: Targets<'s>,
    locals: &'s mut LocalNames,
    errors: Vec<Diagnostic>,
}

impl VisitMut for Rewriter<'_> {
    fn body(&mut self, body: &mut Body) {
        if self.body_itself(body) {
            descend_body(self, body);
        }
    }
}

impl Rewriter<'_> {
    /// One error ends the work on a body and on what is below it: then false.
    fn body_itself(&mut self, body: &mut Body) -> bool {
        if body.iter().all(|expr| expr.with.is_empty()) {
            return true;
        }
        let errors_before = self.errors.len();
        let old = std::mem::take(body);
        let mut old = old.into_iter();
        // Expressions that were taken out of one expression share its modifiers, place included:
        // their values are evaluated once.
        let mut hoisted = Vec::new();
        for mut expr in old.by_ref() {
            let result = self.expr(&mut expr, body, &mut hoisted);
            push_expr(body, expr);
            if let Err(error) = result {
                self.errors.push(error);
                break;
            }
        }
        body.extend(old);
        self.errors.len() == errors_before
    }

    fn expr(
        &mut self,
        expr: &mut Expr,
        out: &mut Body,
        hoisted: &mut Vec<(Term, Term)>,
    ) -> Result<(), Diagnostic> {
        for with in &mut expr.with {
            if !self.targets.check(with)? {
                continue;
            }
            if let Some((_, local)) = hoisted.iter().find(|(value, _)| *value == with.value) {
                with.value = local.clone();
                continue;
            }
            let value = with.value.clone();
            let bind = hoist(self.locals, &mut with.value);
            hoisted.push((value, with.value.clone()));
            push_expr(out, bind);
        }
        Ok(())
    }
}

/// What can be replaced, and by what.
struct Targets<'s> {
    builtins: &'s Table,
    options: &'s Options,
    tree: &'s RuleTree,
}

impl Targets<'_> {
    /// Checks a modifier; true if its value must be evaluated before.
    fn check(&self, with: &mut With) -> Result<bool, Diagnostic> {
        // A built-in as a value is a reference to a function, not a variable.
        self.name_function(&mut with.value);
        let is_builtin = self.is_builtin(&with.target)?;
        let head = match &with.target.kind {
            TermKind::Ref(path) => path.first().and_then(Term::as_var).map(|name| &**name),
            _ => None,
        };
        match head {
            Some("data") => {
                if self.is_function_replacement(with)? {
                    return Ok(false);
                }
            }
            Some("input") => {}
            _ if is_builtin => {
                self.name_function(&mut with.target);
                self.check_builtin(&with.target)?;
                if self.is_function(&with.value)? {
                    return Ok(false);
                }
            }
            _ => {
                let error = Diagnostic::new(
                    Code::Type,
                    with.target.span,
                    "with keyword target must reference existing input, data, or a function",
                );
                let name = term_text(&with.target);
                return Err(match self.builtins.left_out(&name) {
                    Some(why) => error.with_hint(why.hint(&name)),
                    None => error,
                });
            }
        }
        Ok(requires_eval(&with.value))
    }

    fn name_function(&self, term: &mut Term) {
        if let TermKind::Var(name) = &term.kind
            && builtins::is_builtin(self.builtins, name)
        {
            term.kind = TermKind::Ref(vec![Term::var(name.clone(), term.span)]);
        }
    }

    /// True if the target or the value is a function, so that the value is not evaluated.
    fn is_function_replacement(&self, with: &With) -> Result<bool, Diagnostic> {
        let TermKind::Ref(path) = &with.target.kind else {
            return Ok(false);
        };
        let Some((last, prefix)) = path.split_last() else {
            return Ok(false);
        };
        let mut node = self.tree;
        for (i, term) in prefix.iter().enumerate() {
            match node.step(i, term) {
                None => break,
                Some(next) if next.rules.is_empty() => node = next,
                Some(_) => {
                    return Err(Diagnostic::new(
                        Code::Compile,
                        with.target.span,
                        "with keyword cannot partially replace virtual document(s)",
                    ));
                }
            }
        }
        let target = node.step(prefix.len(), last);
        if target.is_some_and(|node| node.facts.has_function) && self.is_function(&with.value)? {
            return Ok(true);
        }
        let TermKind::Ref(value) = &with.value.kind else {
            return Ok(false);
        };
        Ok(self
            .tree
            .find(value)
            .is_some_and(|node| node.facts.has_function))
    }

    /// True if a value stands for a function or a rule: something that is not evaluated here.
    fn is_function(&self, value: &Term) -> Result<bool, Diagnostic> {
        if let TermKind::Ref(path) = &value.kind
            && self.tree.find(path).is_some()
        {
            return Ok(true);
        }
        self.is_builtin(value)
    }

    fn is_builtin(&self, term: &Term) -> Result<bool, Diagnostic> {
        let name = match &term.kind {
            TermKind::Var(name) => name.to_string(),
            TermKind::Ref(path) => ref_text(path),
            _ => return Ok(false),
        };
        if self.options.unsafe_builtins.contains(&name) {
            let message = format!(
                "with keyword replacing built-in function: target must not be unsafe: {}",
                quote(&name)
            );
            return Err(Diagnostic::new(Code::Compile, term.span, message));
        }
        Ok(builtins::is_builtin(self.builtins, &name))
    }

    fn check_builtin(&self, target: &Term) -> Result<(), Diagnostic> {
        let TermKind::Ref(path) = &target.kind else {
            return Ok(());
        };
        let name = ref_text(path);
        let Some(facts) = builtins::named(self.builtins, &name) else {
            return Ok(());
        };
        let problem = match name.as_str() {
            "eq" | "rego.metadata.chain" | "rego.metadata.rule" => {
                format!("replacement of {} invalid", quote(&name))
            }
            _ if path
                .first()
                .and_then(Term::as_var)
                .is_some_and(|head| &**head == "internal") =>
            {
                format!("replacement of internal function {} invalid", quote(&name))
            }
            _ if facts.decl.relation => "target must not be a relation".to_string(),
            _ if facts.void => "target must not be a void function".to_string(),
            _ => return Ok(()),
        };
        let message = format!("with keyword replacing built-in function: {problem}");
        Err(Diagnostic::new(Code::Compile, target.span, message))
    }
}
