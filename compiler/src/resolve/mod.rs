//! Names and rewrites: from what the author wrote to the few forms that checks and lowering know.
//!
//! One file per stage. A stage changes the syntax tree in place; its header says what it changes.

pub mod capture;
pub mod comprehension_terms;
pub mod dynamic_terms;
pub mod equals;
pub mod expr_terms;
pub mod graph;
pub mod head_refs;
pub mod imports;
pub mod local_vars;
pub mod print_calls;
pub mod refs;
pub mod refs_in_head;
mod scopes;
pub mod template_strings;
pub mod test_rules;
pub mod trees;
pub mod void_calls;
pub mod with_values;

use regovm_core::Span;
use regovm_parser::ast::{Body, Expr, ExprKind, Name, Rule, Term, TermKind};

use crate::output_vars::is_operator;
use crate::state::{LocalNames, Mentions, State};
use crate::visit::{Node, for_each_in_chain_mut, walk};

/// True for a body that says nothing: `true`. As in OPA, `not true` counts too.
pub fn is_empty_body(body: &[Expr]) -> bool {
    matches!(
        body,
        [Expr {
            kind: ExprKind::Term(Term {
                kind: TermKind::Boolean(true),
                ..
            }),
            ..
        }]
    )
}

/// Adds expressions to a body; the first replaces a body that says nothing.
pub fn append_to_body(body: &mut Body, exprs: impl IntoIterator<Item = Expr>) {
    let mut exprs = exprs.into_iter().peekable();
    if exprs.peek().is_some() && is_empty_body(body) {
        body.clear();
    }
    for expr in exprs {
        push_expr(body, expr);
    }
}

/// Adds an expression and gives it its position.
pub fn push_expr(body: &mut Body, mut expr: Expr) {
    expr.index = body.len() as u32;
    body.push(expr);
}

/// The operator of a built-in with a plain name.
pub fn operator(name: &str, span: Span) -> Term {
    Term::new(TermKind::Ref(vec![Term::var(name, span)]), span)
}

/// `a = b`
pub fn equality(a: Term, b: Term, span: Span) -> Expr {
    thread_local! {
        // Most of what stages add are equalities: they share the name.
        static EQ: Name = Name::from("eq");
    }
    let name = Term::var(EQ.with(Name::clone), Span::NONE);
    let operator = Term::new(TermKind::Ref(vec![name]), Span::NONE);
    Expr::new(ExprKind::Call(vec![operator, a, b]), span)
}

/// Moves a term into a generated expression `__localN__ = term` and leaves the variable.
pub fn hoist(locals: &mut LocalNames, term: &mut Term) -> Expr {
    let span = term.span;
    let local = locals.fresh(span);
    let moved = std::mem::replace(term, local.clone());
    let mut expr = equality(local, moved, span);
    expr.generated = true;
    expr
}

/// True for scalars: null, booleans, numbers, strings.
pub fn is_scalar(term: &Term) -> bool {
    matches!(
        term.kind,
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_)
    )
}

/// True for `input` and `data` alone.
pub fn is_root_document(term: &Term) -> bool {
    match &term.kind {
        TermKind::Ref(path) => matches!(
            path.as_slice(),
            [Term { kind: TermKind::Var(name), .. }] if matches!(&**name, "input" | "data")
        ),
        _ => false,
    }
}

/// True if a term holds references or closures, so that its value takes evaluation.
pub fn requires_eval(term: &Term) -> bool {
    holds(Node::Term(term), |node| {
        is_closure(node) || matches!(node, Node::Term(term) if term.as_ref().is_some())
    })
}

/// True if an expression holds closures.
pub fn has_closures(expr: &Expr) -> bool {
    holds(Node::Expr(expr), is_closure)
}

/// True if something is true of a node or of one below it.
fn holds(node: Node<'_>, is: impl Fn(&Node<'_>) -> bool) -> bool {
    let mut found = false;
    walk(node, &mut |node| {
        found |= is(&node);
        found
    });
    found
}

fn is_closure(node: &Node<'_>) -> bool {
    match node {
        Node::Term(term) => matches!(
            term.kind,
            TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_)
        ),
        Node::Expr(expr) => matches!(
            expr.kind,
            ExprKind::Every(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_)
        ),
        _ => false,
    }
}

/// True for `a := b`.
pub fn is_assignment(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(terms) if is_operator(terms, "assign"))
}

/// The two sides of `a := b`.
pub fn assignment_operands(expr: &Expr) -> Option<(&Term, &Term)> {
    match &expr.kind {
        ExprKind::Call(terms) if is_operator(terms, "assign") => match terms.as_slice() {
            [_, a, b] => Some((a, b)),
            _ => None,
        },
        _ => None,
    }
}

/// Calls `f` on every rule of every module, `else` rules included.
fn for_each_rule(state: &mut State<'_>, f: &mut dyn FnMut(&mut State<'_>, &mut Rule)) {
    for_each_rule_where(state, |_| true, f);
}

/// The same for the modules that have something.
fn for_each_rule_where(
    state: &mut State<'_>,
    wanted: impl Fn(&Mentions) -> bool,
    f: &mut dyn FnMut(&mut State<'_>, &mut Rule),
) {
    // The modules leave the state while they change, so that `f` can use the rest of it.
    let mut modules = std::mem::take(&mut state.modules);
    for (m, module) in modules.iter_mut().enumerate() {
        if !state.mentions.get(m).is_none_or(&wanted) {
            continue;
        }
        for rule in &mut module.rules {
            for_each_in_chain_mut(rule, &mut |rule| f(state, rule));
        }
    }
    state.modules = modules;
}
