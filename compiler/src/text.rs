//! Syntax trees as OPA prints them in error messages (not the canonical form of `fmt`).

use std::fmt::Write as _;

use regovm_parser::ast::{
    Body, Expr, ExprKind, Head, Import, Logical, Not, Package, Ref, TemplatePart, TemplateString,
    Term, TermKind, With,
};

use crate::order::{sorted_members, sorted_set};

const KEYWORDS: &[&str] = &[
    "not", "package", "import", "as", "default", "else", "with", "null", "true", "false", "some",
    "if", "contains", "in", "every",
];

/// A term.
pub fn term_text(term: &Term) -> String {
    let mut out = String::new();
    write_term(&mut out, term);
    out
}

/// A reference.
pub fn ref_text(reference: &[Term]) -> String {
    let mut out = String::new();
    write_ref(&mut out, reference);
    out
}

/// An expression with its modifiers.
pub fn expr_text(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// Expressions joined by `; `.
pub fn body_text(body: &Body) -> String {
    let mut out = String::new();
    write_body(&mut out, body);
    out
}

/// `import data.a as b`
pub fn import_text(import: &Import) -> String {
    let mut out = String::from("import ");
    write_term(&mut out, &import.path);
    if let Some(alias) = &import.alias {
        let _ = write!(out, " as {alias}");
    }
    out
}

/// `package a.b`
pub fn package_text(package: &Package) -> String {
    // A package path is printed without its leading `data`, so its first name is a string head.
    format!(
        "package {}",
        ref_text(package.path.get(1..).unwrap_or_default())
    )
}

/// The head of a rule.
pub fn head_text(head: &Head) -> String {
    let mut out = String::new();
    write_ref(&mut out, &head.reference);
    let mut contains = false;
    if !head.args.is_empty() {
        out.push('(');
        write_terms(&mut out, &head.args);
        out.push(')');
    } else if let (1, Some(key)) = (head.reference.len(), &head.key) {
        out.push_str(" contains ");
        write_term(&mut out, key);
        contains = true;
    }
    if let Some(value) = &head.value {
        out.push_str(if head.assign { " := " } else { " = " });
        write_term(&mut out, value);
    } else if !contains
        && head.reference.len() > 1
        && let Some(key) = &head.key
    {
        out.push_str(" contains ");
        write_term(&mut out, key);
    }
    out
}

/// True for names that need no brackets after a dot.
pub fn is_plain_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A string in quotes with Go's escapes (`strconv.Quote`).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_quoted(&mut out, text);
    out
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            ' ' => out.push(' '),
            c if (c as u32) < 0x20 || c == '\x7f' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_printable(c) => out.push(c),
            c if (c as u32) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push('"');
}

/// Go's notion of printable, as far as the standard library of Rust can tell.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(c as u32,
            0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xe000..=0xf8ff
            | 0xfeff | 0xfff0..=0xfffb | 0xe0000..=0x10ffff)
}

fn write_terms(out: &mut String, terms: &[Term]) {
    for (i, term) in terms.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_term(out, term);
    }
}

fn write_term(out: &mut String, term: &Term) {
    match &term.kind {
        TermKind::Null => out.push_str("null"),
        TermKind::Boolean(true) => out.push_str("true"),
        TermKind::Boolean(false) => out.push_str("false"),
        TermKind::Number(text) => out.push_str(text),
        TermKind::String(text) => write_quoted(out, text),
        TermKind::Var(name) => out.push_str(if name.starts_with('$') { "_" } else { name }),
        TermKind::Ref(path) => write_ref(out, path),
        TermKind::Array(items) => {
            out.push('[');
            write_terms(out, items);
            out.push(']');
        }
        TermKind::Object(members) => {
            out.push('{');
            for (i, (key, value)) in sorted_members(members).into_iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_term(out, key);
                out.push_str(": ");
                write_term(out, value);
            }
            out.push('}');
        }
        TermKind::Set(items) if items.is_empty() => out.push_str("set()"),
        TermKind::Set(items) => {
            out.push('{');
            for (i, item) in sorted_set(items).into_iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_term(out, item);
            }
            out.push('}');
        }
        TermKind::ArrayComprehension(c) => {
            out.push('[');
            write_collected(out, &c.term);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push(']');
        }
        TermKind::SetComprehension(c) => {
            out.push('{');
            write_collected(out, &c.term);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push('}');
        }
        TermKind::ObjectComprehension(c) => {
            out.push('{');
            write_collected(out, &c.key);
            out.push_str(": ");
            write_collected(out, &c.value);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push('}');
        }
        TermKind::Call(terms) => write_call(out, terms),
        TermKind::Template(template) => write_template(out, template),
    }
}

/// The collected term of a comprehension shows operators as infix, in parentheses.
fn write_collected(out: &mut String, term: &Term) {
    if let TermKind::Call(terms) = &term.kind
        && let [operator, left, right] = terms.as_slice()
        && let Some(infix) = infix(&term_text(operator))
    {
        out.push('(');
        write_collected(out, left);
        let _ = write!(out, " {infix} ");
        write_collected(out, right);
        out.push(')');
        return;
    }
    write_term(out, term);
}

fn infix(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "assign" => ":=",
        "eq" => "=",
        "equal" => "==",
        "neq" => "!=",
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        "plus" => "+",
        "minus" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        "and" => "&",
        "or" => "|",
        _ => return None,
    })
}

fn write_call(out: &mut String, terms: &[Term]) {
    let Some((operator, args)) = terms.split_first() else {
        return;
    };
    write_term(out, operator);
    out.push('(');
    write_terms(out, args);
    out.push(')');
}

fn write_ref(out: &mut String, path: &[Term]) {
    let Some((head, rest)) = path.split_first() else {
        return;
    };
    match &head.kind {
        // The head of a ref is never quoted.
        TermKind::String(text) => out.push_str(text),
        _ => write_term(out, head),
    }
    for term in rest {
        match &term.kind {
            TermKind::String(text) if is_plain_name(text) && !KEYWORDS.contains(&&**text) => {
                out.push('.');
                out.push_str(text);
            }
            TermKind::String(text) => {
                out.push('[');
                if text.chars().any(|c| c == '\\' || c.is_control()) {
                    write_quoted(out, text);
                } else {
                    let _ = write!(out, "\"{text}\"");
                }
                out.push(']');
            }
            _ => {
                out.push('[');
                write_term(out, term);
                out.push(']');
            }
        }
    }
}

fn write_template(out: &mut String, template: &TemplateString) {
    out.push_str("$\"");
    for part in &template.parts {
        match part {
            TemplatePart::Expr(expr) => {
                out.push('{');
                write_expr(out, expr);
                out.push('}');
            }
            TemplatePart::Text(term) => match &term.kind {
                TermKind::String(text) => {
                    let quoted = quote(text);
                    out.push_str(&quoted[1..quoted.len() - 1].replace('{', "\\{"));
                }
                _ => write_term(out, term),
            },
        }
    }
    out.push('"');
}

fn write_body(out: &mut String, body: &[Expr]) {
    for (i, expr) in body.iter().enumerate() {
        if i > 0 {
            out.push_str("; ");
        }
        write_expr(out, expr);
    }
}

fn write_expr(out: &mut String, expr: &Expr) {
    if expr.negated {
        out.push_str("not ");
    }
    match &expr.kind {
        ExprKind::Term(term) => write_term(out, term),
        ExprKind::Call(terms) => match terms.as_slice() {
            [operator, left, right] if is_operator(operator, "eq") => {
                write_term(out, left);
                out.push_str(" = ");
                write_term(out, right);
            }
            _ => write_call(out, terms),
        },
        ExprKind::Some(symbols) => write_some(out, symbols),
        ExprKind::Every(every) => {
            out.push_str("every ");
            if let Some(key) = &every.key {
                write_term(out, key);
                out.push_str(", ");
            }
            write_term(out, &every.value);
            out.push_str(" in ");
            write_term(out, &every.domain);
            out.push_str(" { ");
            write_body(out, &every.body);
            out.push_str(" }");
        }
        ExprKind::Not(not) => write_not(out, not),
        ExprKind::And(logical) => write_logical(out, logical, "and"),
        ExprKind::Or(logical) => write_logical(out, logical, "or"),
    }
    for with in &expr.with {
        out.push(' ');
        write_with(out, with);
    }
}

fn write_with(out: &mut String, with: &With) {
    out.push_str("with ");
    write_term(out, &with.target);
    out.push_str(" as ");
    write_term(out, &with.value);
}

fn write_some(out: &mut String, symbols: &[Term]) {
    out.push_str("some ");
    if let Some(TermKind::Call(call)) = symbols.first().map(|t| &t.kind) {
        match call.as_slice() {
            [_, value, domain] => {
                write_term(out, value);
                out.push_str(" in ");
                write_term(out, domain);
            }
            [_, key, value, domain] => {
                write_term(out, key);
                out.push_str(", ");
                write_term(out, value);
                out.push_str(" in ");
                write_term(out, domain);
            }
            _ => write_terms(out, symbols),
        }
    } else {
        write_terms(out, symbols);
    }
}

fn write_not(out: &mut String, not: &Not) {
    match not.body.as_slice() {
        [only] if !not.explicit => {
            let parens = !only.with.is_empty()
                || matches!(
                    only.kind,
                    ExprKind::Or(_) | ExprKind::And(_) | ExprKind::Not(_)
                )
                || starts_with_brace(only);
            out.push_str(if parens { "not (" } else { "not " });
            write_expr(out, only);
            if parens {
                out.push(')');
            }
        }
        body => {
            out.push_str("not {");
            write_body(out, body);
            out.push('}');
        }
    }
}

fn starts_with_brace(expr: &Expr) -> bool {
    let ExprKind::Term(term) = &expr.kind else {
        return false;
    };
    match &term.kind {
        TermKind::Set(items) => !items.is_empty(),
        TermKind::Object(_) | TermKind::SetComprehension(_) | TermKind::ObjectComprehension(_) => {
            true
        }
        TermKind::Ref(path) => path.first().is_some_and(|head| {
            matches!(
                head.kind,
                TermKind::Object(_)
                    | TermKind::Set(_)
                    | TermKind::SetComprehension(_)
                    | TermKind::ObjectComprehension(_)
            )
        }),
        _ => false,
    }
}

fn write_logical(out: &mut String, logical: &Logical, operator: &str) {
    write_operand(out, &logical.lhs, logical.explicit_lhs, operator, false);
    let _ = write!(out, " {operator} ");
    write_operand(out, &logical.rhs, logical.explicit_rhs, operator, true);
}

fn write_operand(out: &mut String, body: &[Expr], explicit: bool, operator: &str, right: bool) {
    match body {
        [only] if !explicit => {
            let parens = !only.with.is_empty()
                || match only.kind {
                    ExprKind::Or(_) => operator == "and" || right,
                    ExprKind::And(_) => operator == "and" && right,
                    _ => starts_with_brace(only),
                };
            if parens {
                out.push('(');
            }
            write_expr(out, only);
            if parens {
                out.push(')');
            }
        }
        _ => {
            out.push_str("{ ");
            write_body(out, body);
            out.push_str(" }");
        }
    }
}

/// True if a term is the built-in name `name` as it stands in operator position.
pub fn is_operator(operator: &Term, name: &str) -> bool {
    match &operator.kind {
        TermKind::Ref(path) => match path.as_slice() {
            [head] => head.as_var().is_some_and(|v| **v == *name),
            _ => false,
        },
        TermKind::Var(var) => **var == *name,
        _ => false,
    }
}

/// The dotted name of a ref whose first term is a var and whose rest are strings
/// (`json.marshal`); how built-ins are looked up.
pub fn dotted_name(path: &Ref) -> Option<String> {
    let mut out = String::from(&**path.first()?.as_var()?);
    for term in &path[1..] {
        out.push('.');
        out.push_str(term.as_str()?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use regovm_core::Span;
    use regovm_parser::ast::Term;

    use super::*;

    fn var(name: &str) -> Term {
        Term::var(name, Span::NONE)
    }

    fn string(text: &str) -> Term {
        Term::string(text, Span::NONE)
    }

    #[test]
    fn refs_quote_what_is_no_plain_name() {
        let path = [
            var("data"),
            string("a"),
            string("if"),
            string("b c"),
            var("$1"),
            string("x"),
        ];
        assert_eq!(ref_text(&path), r#"data.a["if"]["b c"][_].x"#);
    }

    #[test]
    fn sets_and_objects_are_sorted() {
        let number = |n: &str| Term::new(TermKind::Number(n.into()), Span::NONE);
        let set = Term::new(
            TermKind::Set(vec![string("a"), number("10"), number("2"), number("2.0")]),
            Span::NONE,
        );
        assert_eq!(term_text(&set), r#"{2, 10, "a"}"#);
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        assert_eq!(quote("a\"\n\u{1}é\u{200b}"), "\"a\\\"\\n\\x01é\\u200b\"");
    }
}
