//! Elements between brackets, on the lines that the text has them on.

use regovm_core::Span;

use super::body::is_union;
use super::places::Place;
use super::{Laid, Printer};
use crate::ast::{Body, Expr, ExprKind, TemplatePart, Term, TermKind};

/// An element.
#[derive(Clone, Copy)]
pub(super) enum Item<'e> {
    Term(&'e Term),
    Pair(&'e Term, &'e Term),
}

impl Item<'_> {
    /// What its place is taken from.
    fn first(&self) -> &Term {
        match self {
            Item::Term(term) | Item::Pair(term, _) => term,
        }
    }
}

/// What kind of list it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// Arguments of a call or of a head: a union keeps the parentheses that it has.
    Arguments,
    /// Elements, where a union has to have them.
    Elements,
}

/// Names that stages give to variables; where they occur, rows say nothing.
const GENERATED: &str = "__local";

impl Printer<'_> {
    /// Elements in lines. The rows count from the place; comments above the closing row are laid out with them.
    pub(super) fn list(
        &mut self,
        items: Vec<Item<'_>>,
        place: Place,
        closing: Option<i64>,
        listing: Listing,
    ) -> Laid {
        let lines = self.in_lines(items, place.row);
        let mut below = lines.len() > 1;
        if let [line] = &lines[..] {
            if closing.is_some_and(|row| self.page.remarks.any_between(place.row, row)) {
                return Err(self.page.clash());
            }
            below = line
                .first()
                .is_some_and(|first| self.is_below(place.text, first.first().text));
        }
        if below {
            self.page.open_block();
        }
        let mut laid = Ok(());
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                self.page.put(",");
                self.page.end_line();
                self.page.begin_line();
            }
            for (at, item) in line.iter().enumerate() {
                if at > 0 {
                    self.page.put(", ");
                }
                laid = self.item(*item, listing).and(laid);
            }
        }
        if below {
            self.page.put(",");
            self.page.end_line();
            if laid.is_ok()
                && let Some(row) = closing
            {
                laid = self.remarks_at(row);
            }
            self.page.outdent();
            self.page.begin_line();
        }
        laid
    }

    /// Whether the only line of elements is below the bracket. Like OPA, it looks for the first text that is equal to that of
    /// the first element.
    fn is_below(&self, all: Span, first: Span) -> bool {
        let (all, first) = (self.ground.text(all), self.ground.text(first));
        match all.find(first) {
            Some(at) => all[..at].find('\n').is_some_and(|at| at > 0),
            None => false,
        }
    }

    fn item(&mut self, item: Item<'_>, listing: Listing) -> Laid {
        match item {
            Item::Pair(key, value) => {
                let first = self.union_in_parentheses(key);
                self.page.put(": ");
                first.and(self.union_in_parentheses(value))
            }
            Item::Term(term) => {
                let written = self.ground.text(term.text).starts_with('(');
                if listing == Listing::Elements || written {
                    self.union_in_parentheses(term)
                } else {
                    self.term(term)
                }
            }
        }
    }

    fn union_in_parentheses(&mut self, term: &Term) -> Laid {
        let union = matches!(&term.kind, TermKind::Call(terms) if is_union(terms));
        if union {
            self.page.put("(");
        }
        let laid = self.term(term);
        if union {
            self.page.put(")");
        }
        laid
    }

    /// Elements grouped by their rows.
    fn in_lines<'e>(&self, mut items: Vec<Item<'e>>, row: i64) -> Vec<Vec<Item<'e>>> {
        let known = items.iter().all(|item| match item {
            Item::Term(term) => is_placed(term),
            Item::Pair(key, value) => is_placed(key) && is_placed(value),
        });
        if !known {
            return vec![items];
        }
        items.sort_by_key(|item| item.first().span.start);
        let mut lines = vec![Vec::new()];
        let mut last = row;
        for (at, item) in items.into_iter().enumerate() {
            let row = self.ground.row(item.first().span);
            if row > last && at > 0 {
                lines.push(Vec::new());
            }
            last = row;
            if let Some(line) = lines.last_mut() {
                line.push(item);
            }
        }
        lines
    }

    /// On how many lines the expressions of a body begin.
    pub(super) fn lines_of_body(&self, body: &Body, row: i64) -> usize {
        if !body_is_placed(body) {
            return 1;
        }
        let mut lines = 1;
        let mut last = row;
        for (at, expr) in body.iter().enumerate() {
            let row = self.ground.row(expr.span);
            if row > last && at > 0 {
                lines += 1;
            }
            last = row;
        }
        lines
    }
}

/// Whether the rows of a term and of its parts can be trusted.
fn is_placed(term: &Term) -> bool {
    if term.span == Span::NONE {
        return false;
    }
    match &term.kind {
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => true,
        TermKind::Var(name) => !name.starts_with(GENERATED),
        TermKind::Ref(list)
        | TermKind::Array(list)
        | TermKind::Set(list)
        | TermKind::Call(list) => list.iter().all(is_placed),
        TermKind::Object(members) => members
            .iter()
            .all(|(key, value)| is_placed(key) && is_placed(value)),
        TermKind::ArrayComprehension(of) | TermKind::SetComprehension(of) => {
            is_placed(&of.term) && body_is_placed(&of.body)
        }
        TermKind::ObjectComprehension(of) => {
            is_placed(&of.key) && is_placed(&of.value) && body_is_placed(&of.body)
        }
        TermKind::Template(template) => template.parts.iter().all(|part| match part {
            TemplatePart::Text(term) => is_placed(term),
            TemplatePart::Expr(expr) => expr_is_placed(expr),
        }),
    }
}

fn body_is_placed(body: &Body) -> bool {
    body.iter().all(expr_is_placed)
}

fn expr_is_placed(expr: &Expr) -> bool {
    let said = match &expr.kind {
        ExprKind::Term(term) => is_placed(term),
        ExprKind::Call(terms) | ExprKind::Some(terms) => terms.iter().all(is_placed),
        ExprKind::Every(every) => {
            every.key.iter().all(is_placed)
                && is_placed(&every.value)
                && is_placed(&every.domain)
                && body_is_placed(&every.body)
        }
        ExprKind::Not(not) => body_is_placed(&not.body),
        ExprKind::And(logical) | ExprKind::Or(logical) => {
            body_is_placed(&logical.lhs) && body_is_placed(&logical.rhs)
        }
    };
    said && expr
        .with
        .iter()
        .all(|with| is_placed(&with.target) && is_placed(&with.value))
}
