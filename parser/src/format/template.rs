//! Template strings.

use regovm_core::Span;

use super::body::Lead;
use super::{Laid, Printer};
use crate::ast::{Expr, TemplatePart, TemplateString, Term};
use crate::print;

impl Printer<'_> {
    pub(super) fn template(&mut self, template: &TemplateString) -> Laid {
        let quote = if template.multi_line { "`" } else { "\"" };
        self.page.put("$");
        self.page.put(quote);
        for (at, part) in template.parts.iter().enumerate() {
            match part {
                TemplatePart::Text(term) => self.template_text(term, template.multi_line),
                TemplatePart::Expr(expr) => {
                    let next = template.parts.get(at + 1).map(place_of);
                    self.hole(expr, next)?;
                }
            }
        }
        self.page.put(quote);
        Ok(())
    }

    fn template_text(&mut self, term: &Term, multi_line: bool) {
        let Some(text) = term.as_str() else {
            let text = print::term(term);
            return self.page.put(text.trim_matches('"'));
        };
        if multi_line {
            return self.page.put(&escape_braces(text));
        }
        let mut quoted = String::new();
        print::quote(&mut quoted, text);
        let escaped = escape_braces(&quoted);
        self.page.put(&escaped[1..escaped.len() - 1]);
    }

    fn hole(&mut self, expr: &Expr, next: Option<Span>) -> Laid {
        self.page.put("{");
        self.page.indent();
        if self.page.beside.is_some() {
            self.page.end_line();
            self.page.begin_line();
        } else {
            let above = self.page.remarks.above(self.ground.row(expr.span)).to_vec();
            if !above.is_empty() {
                // The first stands behind the brace.
                self.page.put(" ");
                self.page.go_on_in_line();
                self.page.remark_lines(&above);
                self.page.remarks.skip(above.len());
            }
        }
        let laid = self.expr(expr, Lead::No);
        if laid.is_ok()
            && let Some(next) = next
        {
            let above = self.page.remarks.above(self.ground.row(next)).to_vec();
            if !above.is_empty() {
                self.page.end_line();
                self.page.remark_lines(&above);
                self.page.remarks.skip(above.len());
                self.page.begin_line();
            }
        }
        self.page.put("}");
        self.page.outdent();
        laid
    }
}

fn place_of(part: &TemplatePart) -> Span {
    match part {
        TemplatePart::Text(term) => term.span,
        TemplatePart::Expr(expr) => expr.span,
    }
}

/// Braces that would open a hole.
fn escape_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = '\0';
    for c in text.chars() {
        if c == '{' && before != '\\' {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}
