//! Terms.

use regovm_core::{Code, Diagnostic};

use super::body::{Lead, is_infix, is_union};
use super::list::{Item, Listing};
use super::places::{Place, line_ends};
use super::{Laid, Printer};
use crate::ast::{Body, Term, TermKind};
use crate::lexer::keyword::Keyword;
use crate::print;
use crate::shape::value_name;

/// Whether an operator is `in`.
pub(super) fn is_membership(operator: &Term) -> bool {
    match operator.as_ref().map(Vec::as_slice) {
        Some([head, name]) => {
            head.as_var().is_some_and(|head| &**head == "internal")
                && matches!(name.as_str(), Some("member_2" | "member_3"))
        }
        _ => false,
    }
}

impl Printer<'_> {
    /// A term; if its comments find no place, its text as it was, and a clash.
    pub(super) fn term(&mut self, term: &Term) -> Laid {
        self.term_at(term, self.place(term))
    }

    /// A term that counts as standing somewhere else.
    pub(super) fn term_at(&mut self, term: &Term, place: Place) -> Laid {
        self.term_or_text(term, place, false)
    }

    /// A term that is written in parentheses.
    pub(super) fn term_in_parentheses(&mut self, term: &Term) -> Laid {
        self.term_or_text(term, self.place(term), true)
    }

    fn term_or_text(&mut self, term: &Term, place: Place, parentheses: bool) -> Laid {
        let mark = self.page.mark();
        let laid = self.bare_term(term, place, parentheses);
        if laid.is_err() {
            let text = self.ground.text(term.text);
            let row = self.ground.row(term.text);
            let rows = (row, row + line_ends(text));
            self.page.replace(mark, text, rows, self.takes_last);
        }
        laid
    }

    /// A term that leaves clashes to what it is a part of.
    fn bare_term(&mut self, term: &Term, place: Place, parentheses: bool) -> Laid {
        self.remarks_at(place.row)?;
        self.page.begin_line_if_needed();
        match &term.kind {
            TermKind::Null => self.page.put("null"),
            TermKind::Boolean(true) => self.page.put("true"),
            TermKind::Boolean(false) => self.page.put("false"),
            TermKind::Number(digits) => self.page.put(digits),
            TermKind::String(text) => self.string(text, place),
            TermKind::Var(name) => self.variable(name),
            TermKind::Ref(path) => self.reference(path)?,
            TermKind::Array(elements) => {
                let items = elements.iter().map(Item::Term).collect();
                self.brackets(("[", "]"), items, place)?;
            }
            TermKind::Set(elements) if elements.is_empty() => {
                self.page.put("set()");
                if let Some(row) = self.ground.closing_row(b'(', b')', place) {
                    self.remarks_at(row)?;
                }
            }
            TermKind::Set(elements) => {
                let items = once_each(elements).into_iter().map(Item::Term).collect();
                self.brackets(("{", "}"), items, place)?;
            }
            TermKind::Object(members) => {
                let items = members.iter().map(|(key, value)| Item::Pair(key, value));
                self.brackets(("{", "}"), items.collect(), place)?;
            }
            TermKind::ArrayComprehension(of) => {
                self.page.put("[");
                self.collected(("[", "]"), &of.term, self.place(&of.term), &of.body, place)?;
            }
            TermKind::SetComprehension(of) => {
                self.page.put("{");
                self.collected(("{", "}"), &of.term, self.place(&of.term), &of.body, place)?;
            }
            TermKind::ObjectComprehension(of) => {
                self.page.put("{");
                let union = is_union_term(&of.key);
                if union {
                    self.page.put("(");
                }
                self.term(&of.key)?;
                if union {
                    self.page.put(")");
                }
                self.page.put(": ");
                // The value stands behind its key, wherever it was.
                let value = Place {
                    row: place.row,
                    text: of.value.text,
                };
                self.collected(("{", "}"), &of.value, value, &of.body, place)?;
            }
            TermKind::Call(terms) => self.call(terms, parentheses)?,
            TermKind::Template(template) => self.template(template)?,
        }
        self.page.begin_line_if_needed();
        Ok(())
    }

    /// A string in the quotes and with the escapes that it has.
    fn string(&mut self, text: &str, place: Place) {
        let written = self.ground.text(place.text);
        let quote = written
            .chars()
            .next_back()
            .filter(|c| matches!(c, '"' | '`'));
        let start = if written.starts_with('`') {
            Some(0)
        } else {
            // The text of a branch's value has `else :=` in front.
            quote.and_then(|quote| written.find(quote))
        };
        match start {
            Some(start) => self.page.put(&written[start..]),
            None => {
                let mut quoted = String::new();
                print::quote(&mut quoted, text);
                self.page.put(&quoted);
            }
        }
    }

    fn variable(&mut self, name: &str) {
        match name.strip_prefix('$') {
            Some(number) if self.named_wildcards.contains(name) => {
                self.page.put("_");
                self.page.put(number);
            }
            Some(_) => self.page.put("_"),
            None => self.page.put(name),
        }
    }

    fn brackets(&mut self, brackets: (&str, &str), items: Vec<Item<'_>>, place: Place) -> Laid {
        self.page.put(brackets.0);
        let (open, close) = (brackets.0.as_bytes()[0], brackets.1.as_bytes()[0]);
        if items.is_empty() {
            if self
                .ground
                .closing_row(open, close, place)
                .is_some_and(|row| self.page.remarks.any_between(place.row, row))
            {
                return Err(self.page.clash());
            }
        } else {
            let closing = self.ground.closing_row(open, close, place);
            self.list(items, place, closing, Listing::Elements)?;
        }
        self.page.put(brackets.1);
        Ok(())
    }

    /// The collected term of a comprehension, and its body.
    fn collected(
        &mut self,
        brackets: (&str, &str),
        term: &Term,
        at: Place,
        body: &Body,
        place: Place,
    ) -> Laid {
        if at.row > place.row {
            self.page.end_line();
            self.page.begin_line();
        }
        let call = matches!(term.kind, TermKind::Call(_));
        let written = self.ground.text(term.text).starts_with('(');
        let parentheses = call && (is_union_term(term) || written);
        self.bare_term(term, at, parentheses)?;
        self.page.put(" |");
        let ends = (brackets.0.as_bytes()[0], brackets.1.as_bytes()[0]);
        self.inner_body(ends, body, at.row, place, Lead::No)?;
        self.page.put(brackets.1);
        Ok(())
    }

    /// A path from its head.
    pub(super) fn reference(&mut self, path: &[Term]) -> Laid {
        let Some((head, steps)) = path.split_first() else {
            return Ok(());
        };
        let call = matches!(head.kind, TermKind::Call(_));
        let parentheses = call && self.ground.text(head.text).starts_with('(');
        self.bare_term(head, self.place(head), parentheses)?;
        for step in steps {
            match &step.kind {
                TermKind::String(name) => self.named_step(name, step),
                TermKind::Var(name) => {
                    self.page.put("[");
                    self.variable(name);
                    self.page.put("]");
                }
                _ => {
                    self.page.put("[");
                    if self.term(step).is_err() {
                        // The bracket must not become a part of the comment.
                        self.page.break_line();
                    }
                    self.page.put("]");
                }
            }
        }
        Ok(())
    }

    /// A step with a name: behind a dot if it can be.
    pub(super) fn named_step(&mut self, name: &str, step: &Term) {
        let keyword = Keyword::of(name).is_some_and(|word| self.dialect.keywords.has(word));
        let quoted = self.ground.text(step.text).starts_with('"');
        let bracket =
            !print::is_name(name) || keyword && (!self.dialect.keywords_in_refs || quoted);
        if !bracket {
            self.page.put(".");
            self.page.put(name);
            return;
        }
        let mut text = String::from("[");
        print::quote(&mut text, name);
        text.push(']');
        self.page.put(&text);
    }

    fn call(&mut self, terms: &[Term], parentheses: bool) -> Laid {
        if is_membership(&terms[0]) {
            return self.membership(true, terms);
        }
        let Some(symbol) = is_infix(terms) else {
            return self.plain_call(terms);
        };
        if parentheses {
            self.page.put("(");
        }
        let [_, lhs, rhs] = terms else {
            self.wrong_arity(terms);
            return Ok(());
        };
        self.bare_term(lhs, self.place(lhs), true)?;
        self.page.put(" ");
        self.page.put(symbol);
        self.page.put(" ");
        self.bare_term(rhs, self.place(rhs), true)?;
        if parentheses {
            self.page.put(")");
        }
        Ok(())
    }

    /// `name(arguments)`
    pub(super) fn plain_call(&mut self, terms: &[Term]) -> Laid {
        let Some((operator, operands)) = terms.split_first() else {
            return Ok(());
        };
        let mut laid = match &operator.kind {
            TermKind::Ref(path) => self.reference(path),
            _ => {
                self.page.put(&print::term(operator));
                Ok(())
            }
        };
        self.page.put("(");
        let place = self.place(operator);
        let closing = self.ground.closing_row(b'(', b')', place);
        if !operands.is_empty() {
            let items = operands.iter().map(Item::Term).collect();
            laid = self
                .list(items, place, closing, Listing::Arguments)
                .and(laid);
        }
        self.page.put(")");
        laid
    }

    /// `v in xs`, `k, v in xs`
    pub(super) fn membership(&mut self, parentheses: bool, terms: &[Term]) -> Laid {
        let keyed = terms[0].as_ref().and_then(|path| path.get(1)?.as_str()) == Some("member_3");
        match &terms[1..] {
            [value, domain] if !keyed => {
                let first = self.bare_or_text(value, !parentheses);
                self.page.put(" in ");
                self.bare_or_text(domain, !parentheses).and(first)
            }
            [key, value, domain] if keyed => {
                if parentheses {
                    self.page.put("(");
                }
                let mut laid = self.bare_or_text(key, !parentheses);
                self.page.put(", ");
                laid = self.bare_or_text(value, !parentheses).and(laid);
                self.page.put(" in ");
                laid = self.bare_or_text(domain, !parentheses).and(laid);
                if parentheses {
                    self.page.put(")");
                }
                laid
            }
            _ => {
                self.wrong_arity(terms);
                Ok(())
            }
        }
    }

    /// An operand in parentheses. Where no term is around it that would keep its text, it keeps its own.
    fn bare_or_text(&mut self, term: &Term, statement: bool) -> Laid {
        if statement {
            self.term_in_parentheses(term)
        } else {
            self.bare_term(term, self.place(term), true)
        }
    }

    /// An infix operator was called by its name with a number of operands that it does not take.
    pub(super) fn wrong_arity(&mut self, terms: &[Term]) {
        let Some((operator, operands)) = terms.split_first() else {
            return;
        };
        let name = print::term(operator);
        let want = operand_types(&name);
        let have: Vec<&str> = operands.iter().map(|term| value_name(&term.kind)).collect();
        let list = |items: &[&str]| {
            let quoted: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
            quoted.join(",")
        };
        let details = format!("{{\"have\":[{}],\"want\":[{}]}}", list(&have), list(want));
        let lines = [
            format!("have: ({})", have.join(",")),
            format!("want: ({})", want.join(",")),
        ];
        self.errors.push(
            Diagnostic::new(Code::Type, operator.span, format!("{name}: arity mismatch"))
                .with_details(details)
                .with_detail_lines(lines),
        );
    }
}

/// What infix operators take, as their declarations say it.
fn operand_types(name: &str) -> &'static [&'static str] {
    match name {
        "plus" | "mul" | "div" | "rem" => &["number", "number"],
        "minus" => &["any<number, set[any]>", "any<number, set[any]>"],
        "and" | "or" => &["set[any]", "set[any]"],
        "internal.member_3" => &["any", "any", "any"],
        _ => &["any", "any"],
    }
}

fn is_union_term(term: &Term) -> bool {
    matches!(&term.kind, TermKind::Call(terms) if is_union(terms))
}

/// The elements of a set in the order of the text, each where it stands first.
fn once_each(elements: &[Term]) -> Vec<&Term> {
    let mut sorted: Vec<&Term> = elements.iter().collect();
    sorted.sort_by(|a, b| crate::order::compare_terms(a, b));
    sorted.dedup_by(|a, b| crate::order::compare_terms(a, b).is_eq());
    sorted.sort_by_key(|term| term.span.start);
    sorted
}
