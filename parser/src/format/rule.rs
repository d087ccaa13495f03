//! Rules: heads, bodies, `else`.

use super::body::Lead;
use super::list::{Item, Listing};
use super::page::Mark;
use super::places::{Place, line_ends};
use super::{Laid, Printer};
use crate::ast::{Body, Expr, ExprKind, Head, Rule, Term, TermKind};

/// Whether an expression is a set that is not negated.
pub(super) fn is_set(expr: &Expr) -> bool {
    !expr.negated
        && matches!(
            &expr.kind,
            ExprKind::Term(Term {
                kind: TermKind::Set(_),
                ..
            })
        )
}

/// Whether a body says nothing: `true`.
fn is_true(body: &Body) -> bool {
    matches!(&body[..], [expr] if !expr.negated && expr.with.is_empty() && matches!(
        &expr.kind,
        ExprKind::Term(Term { kind: TermKind::Boolean(true), .. })
    ))
}

/// Whether a term has a variable, or names one in its path.
fn is_dynamic(step: &Term) -> bool {
    matches!(step.kind, TermKind::Ref(_)) || !crate::shape::is_ground(step)
}

impl Printer<'_> {
    /// A rule, or a branch of one whose line has begun.
    pub(super) fn rule(&mut self, rule: &Rule, branch: bool) -> Laid {
        if !branch {
            self.page.begin_line();
        }
        if rule.default {
            self.page.put("default ");
        }
        let constant = is_true(&rule.body) && rule.else_rule.is_none();
        self.takes_last = constant;
        let clash = self.head(rule, constant, branch).is_err();
        if rule.body.is_empty() || constant {
            self.page.end_line();
            return Ok(());
        }
        self.takes_last = true;
        if self.has_if(rule) {
            self.page.put(" if");
            if self.fits_behind_head(rule) {
                self.page.put(" ");
                let _ = self.expr(&rule.body[0], Lead::No);
                self.page.end_line();
                return self.branch_of(rule);
            }
        }
        if clash && self.page.remarks.first().is_some() {
            self.page.put(" { ");
        } else {
            self.page.put(" {");
            self.page.end_line();
        }
        // Behind `if` a union at the start of the braces would be a comprehension.
        let lead = if self.has_if(rule) && !branch {
            Lead::Operand
        } else {
            Lead::No
        };
        self.page.indent();
        let _ = self.body(&rule.body, lead);
        let laid = match self.closing_row_of(rule, branch) {
            Some(row) => self.remarks_at(row),
            None => Ok(()),
        };
        self.page.outdent();
        if laid.is_err() {
            // There are two comments for one line: the second comes later.
            self.page.go_on();
        }
        self.page.begin_line();
        self.page.put("}");
        self.branch_of(rule)
    }

    fn has_if(&self, rule: &Rule) -> bool {
        self.dialect.ifs && (self.dialect.contains || rule.head.value.is_some())
    }

    /// Whether the body is one expression that starts where the head ends.
    fn fits_behind_head(&self, rule: &Rule) -> bool {
        let [expr] = &rule.body[..] else {
            return false;
        };
        self.ground.row(expr.span) == self.ground.end_row(rule.head.span) && !is_set(expr)
    }

    fn closing_row_of(&self, rule: &Rule, branch: bool) -> Option<i64> {
        let place = self.ground.place_of(rule.span);
        if branch {
            self.ground.closing_row(b'{', b'}', place)
        } else if !rule.head.args.is_empty() {
            let skip = (b'(', b')');
            self.ground.closing_row_behind(skip, b'{', b'}', place)
        } else if rule.head.key.is_some() {
            let skip = (b'[', b']');
            self.ground.closing_row_behind(skip, b'{', b'}', place)
        } else {
            self.ground.closing_row(b'{', b'}', place)
        }
    }

    /// The `else` of a rule, if it has one.
    fn branch_of(&mut self, rule: &Rule) -> Laid {
        let Some(branch) = rule.else_rule.as_deref() else {
            return Ok(());
        };
        let row = self.ground.row(branch.head.span);
        let behind_brace = self.stands_behind(rule, branch);
        let remark_above = self
            .page
            .remarks
            .first()
            .is_some_and(|remark| remark.row < row)
            || self.page.beside.is_some();
        if !remark_above && behind_brace {
            self.page.put(" ");
        } else {
            self.page.blank_line();
            self.page.begin_line();
        }
        if self.remarks_at(row).is_err() {
            self.page.go_on();
        }
        if remark_above && !behind_brace {
            // The comments have ended the line.
            self.page.begin_line();
        }
        self.rule(branch, true)
    }

    /// Whether `else` stands on a line behind something else.
    fn stands_behind(&self, rule: &Rule, branch: &Rule) -> bool {
        let text = self.ground.text(rule.span);
        let down = self.ground.row(branch.span) - self.ground.row(rule.span);
        if down <= 0 {
            return false;
        }
        let line = text.split('\n').nth(usize::try_from(down).unwrap_or(0));
        line.is_some_and(|line| !line.trim().starts_with("else"))
    }

    /// The head of a rule. If something of it finds no place, it stays as it was.
    fn head(&mut self, rule: &Rule, constant: bool, branch: bool) -> Laid {
        let mark = self.page.mark();
        let laid = self.head_parts(rule, constant, branch);
        if self.page.is_unfinished_since(&mark) {
            self.keep_text(&rule.head, mark);
        }
        laid
    }

    fn head_parts(&mut self, rule: &Rule, constant: bool, branch: bool) -> Laid {
        let head = &rule.head;
        let mut laid = Ok(());
        if branch {
            self.page.put("else");
        } else {
            if self.has_remark_in_name(head) {
                let mark = self.page.mark();
                self.keep_text(head, mark);
                return Ok(());
            }
            self.name(head)?;
            if !head.args.is_empty() {
                self.page.put("(");
                let place = self.ground.place_of(head.span);
                let closing = self.ground.closing_row(b'(', b')', place);
                let items = head.args.iter().map(Item::Term).collect();
                laid = self.list(items, place, closing, Listing::Arguments);
                self.page.put(")");
            }
        }
        if let Some(key) = &head.key
            && head.value.is_none()
        {
            if self.dialect.contains {
                self.page.put(" contains ");
                laid = self.term(key).and(laid);
            } else {
                self.page.put("[");
                laid = self.term(key).and(laid);
                self.page.put("]");
            }
        }
        let Some(value) = &head.value else {
            return laid;
        };
        let is_true = matches!(value.kind, TermKind::Boolean(true));
        if head.key.is_none() && is_true && !constant && !rule.default {
            return laid;
        }
        let v1_constant =
            self.dialect.v1 && constant && head.key.is_none() && (branch || head.args.is_empty());
        // A value that nobody wrote stands where the head stands.
        if value.span == head.span && !branch && is_true && !v1_constant {
            return laid;
        }
        let assigns = head.assign || self.dialect.v1;
        self.page.put(if assigns { " := " } else { " = " });
        if branch {
            // The value of a branch counts from `else` on.
            let place = self.ground.place_of(head.span);
            return self.term_at(value, place).and(laid);
        }
        self.term(value).and(laid)
    }

    /// Whether the next comment stands on the line of a bracket in the name.
    fn has_remark_in_name(&self, head: &Head) -> bool {
        let [_, second] = name_of(head) else {
            return false;
        };
        let row = self.ground.row(second.span);
        let next = self.page.remarks.first();
        !self.dialect.ref_heads && next.is_some_and(|remark| remark.row == row)
    }

    /// The name of a rule, or its reference.
    fn name(&mut self, head: &Head) -> Laid {
        let path = name_of(head);
        let [first, second] = path else {
            return self.reference(path);
        };
        if self.dialect.ref_heads {
            return self.reference(path);
        }
        self.page.put(&crate::print::term(first));
        self.page.put("[");
        self.page.put(&crate::print::term(second));
        self.page.put("]");
        Ok(())
    }

    fn keep_text(&mut self, head: &Head, mark: Mark) {
        let text = self.ground.text(head.span);
        let row = self.ground.row(head.span);
        let rows = (row, row + line_ends(text));
        self.page.replace(mark, text, rows, self.takes_last);
    }

    /// Where a term stands.
    pub(super) fn place(&self, term: &Term) -> Place {
        self.ground.place(term)
    }
}

/// The path that names a rule.
fn name_of(head: &Head) -> &[Term] {
    let path = &head.reference[..];
    let keyed = head.key.is_some() && head.value.is_none();
    if keyed && !path.iter().skip(1).any(is_dynamic) {
        return &path[..ground_prefix(path)];
    }
    path
}

/// How many steps of a path have no variable.
fn ground_prefix(path: &[Term]) -> usize {
    let steps = path
        .iter()
        .skip(1)
        .take_while(|step| crate::shape::is_ground(step));
    1 + steps.count()
}
