//! Syntax trees as OPA's `String()` prints them inside error messages.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use std::fmt::Write;

use crate::ast::{
    Expr, ExprKind, Head, Import, Logical, Package, RegoVersion, Rule, TemplatePart, Term,
    TermKind, With,
};
use crate::lexer::keyword::{BASE, FUTURE_V0, Keyword};
use crate::order;

/// `input.x`, `[1, 2]`, `plus(x, 1)`
pub fn term(term: &Term) -> String {
    let mut out = String::new();
    write_term(&mut out, term);
    out
}

/// `data.a["b c"][x]`
pub fn reference(path: &[Term]) -> String {
    let mut out = String::new();
    write_reference(&mut out, path);
    out
}

/// `x = 1`, `not p with input as {}`
pub fn expr(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// Expressions with semicolons between them.
pub fn body(body: &[Expr]) -> String {
    let mut out = String::new();
    write_body(&mut out, body);
    out
}

/// `count(x)`, as the call of a term is printed.
pub fn call(terms: &[Term]) -> String {
    let mut out = String::new();
    write_call(&mut out, terms);
    out
}

/// `with input as {}`
pub fn with(with: &With) -> String {
    let mut out = String::new();
    write_with(&mut out, with);
    out
}

/// `package a.b`
pub fn package(package: &Package) -> String {
    format!(
        "package {}",
        reference(package.path.get(1..).unwrap_or(&[]))
    )
}

/// `import data.a as b`
pub fn import(import: &Import) -> String {
    match &import.alias {
        Some(alias) => format!("import {} as {alias}", term(&import.path)),
        None => format!("import {}", term(&import.path)),
    }
}

/// `p contains x`, `f(x) := y`
pub fn head(head: &Head, version: RegoVersion) -> String {
    let mut out = String::new();
    write_head(&mut out, head, version);
    out
}

/// `p = x if { .. } else = y if { .. }`
pub fn rule(rule: &Rule, version: RegoVersion) -> String {
    let mut out = String::new();
    if rule.default {
        out.push_str("default ");
    }
    write_head(&mut out, &rule.head, version);
    let open = if version == RegoVersion::V0 {
        " { "
    } else {
        " if { "
    };
    if !rule.default {
        out.push_str(open);
        write_body(&mut out, &rule.body);
        out.push_str(" }");
    }
    let mut next = rule.else_rule.as_deref();
    while let Some(rule) = next {
        out.push_str(" else ");
        if let Some(value) = &rule.head.value {
            out.push_str("= ");
            write_term(&mut out, value);
        }
        out.push_str(open);
        write_body(&mut out, &rule.body);
        out.push_str(" }");
        next = rule.else_rule.as_deref();
    }
    out
}

fn write_head(out: &mut String, head: &Head, version: RegoVersion) {
    write_reference(out, &head.reference);
    let mut contains = false;
    if !head.args.is_empty() {
        out.push('(');
        write_terms(out, &head.args);
        out.push(')');
    } else if let Some(key) = &head.key
        && head.reference.len() == 1
    {
        if version == RegoVersion::V0 {
            out.push('[');
            write_term(out, key);
            out.push(']');
        } else {
            out.push_str(" contains ");
            write_term(out, key);
        }
        contains = true;
    }
    if let Some(value) = &head.value {
        out.push_str(if head.assign { " := " } else { " = " });
        write_term(out, value);
    } else if let Some(key) = &head.key
        && !contains
    {
        out.push_str(" contains ");
        write_term(out, key);
    }
}

fn write_terms(out: &mut String, terms: &[Term]) {
    for (at, term) in terms.iter().enumerate() {
        if at > 0 {
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
        TermKind::String(text) => quote(out, text),
        TermKind::Var(name) => out.push_str(if name.starts_with('$') { "_" } else { name }),
        TermKind::Ref(path) => write_reference(out, path),
        TermKind::Array(items) => {
            out.push('[');
            write_terms(out, items);
            out.push(']');
        }
        TermKind::Object(members) => write_object(out, members),
        TermKind::Set(items) if items.is_empty() => out.push_str("set()"),
        TermKind::Set(items) => {
            out.push('{');
            for (at, item) in order::sorted_set(items).into_iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_term(out, item);
            }
            out.push('}');
        }
        TermKind::ArrayComprehension(c) => {
            out.push('[');
            write_comprehension_term(out, &c.term);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push(']');
        }
        TermKind::SetComprehension(c) => {
            out.push('{');
            write_comprehension_term(out, &c.term);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push('}');
        }
        TermKind::ObjectComprehension(c) => {
            out.push('{');
            write_comprehension_term(out, &c.key);
            out.push_str(": ");
            write_comprehension_term(out, &c.value);
            out.push_str(" | ");
            write_body(out, &c.body);
            out.push('}');
        }
        TermKind::Call(terms) => write_call(out, terms),
        TermKind::Template(template) => {
            out.push_str("$\"");
            for part in &template.parts {
                match part {
                    TemplatePart::Text(text) => match text.as_str() {
                        Some(text) => write_template_text(out, text),
                        None => write_term(out, text),
                    },
                    TemplatePart::Expr(expr) => {
                        out.push('{');
                        write_expr(out, expr);
                        out.push('}');
                    }
                }
            }
            out.push('"');
        }
    }
}

fn write_object(out: &mut String, members: &[(Term, Term)]) {
    out.push('{');
    for (at, (key, value)) in order::sorted_members(members).into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write_term(out, key);
        out.push_str(": ");
        write_term(out, value);
    }
    out.push('}');
}

/// Quotes and escapes text of a template, where braces are escaped too.
fn write_template_text(out: &mut String, text: &str) {
    let mut quoted = String::new();
    quote(&mut quoted, text);
    out.push_str(&quoted[1..quoted.len() - 1].replace('{', "\\{"));
}

fn write_call(out: &mut String, terms: &[Term]) {
    let Some((operator, operands)) = terms.split_first() else {
        return;
    };
    write_term(out, operator);
    out.push('(');
    write_terms(out, operands);
    out.push(')');
}

/// The element of a comprehension: infix operators are printed as such, in parentheses, so that a
/// bar in it is not read as the bar of the comprehension.
fn write_comprehension_term(out: &mut String, term: &Term) {
    if let TermKind::Call(terms) = &term.kind
        && let [operator, lhs, rhs] = &terms[..]
        && let Some(symbol) = infix_symbol(operator)
    {
        out.push('(');
        write_comprehension_term(out, lhs);
        let _ = write!(out, " {symbol} ");
        write_comprehension_term(out, rhs);
        out.push(')');
    } else {
        write_term(out, term);
    }
}

/// The symbol of an infix operator by its name.
pub(crate) fn infix_symbol(operator: &Term) -> Option<&'static str> {
    let [name] = &operator.as_ref()?[..] else {
        return None;
    };
    Some(match &**name.as_var()? {
        "plus" => "+",
        "minus" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        "and" => "&",
        "or" => "|",
        "eq" => "=",
        "assign" => ":=",
        "equal" => "==",
        "neq" => "!=",
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        _ => return None,
    })
}

fn write_reference(out: &mut String, path: &[Term]) {
    let Some((head, steps)) = path.split_first() else {
        return;
    };
    match head.as_str() {
        Some(text) => out.push_str(text),
        None => write_term(out, head),
    }
    for step in steps {
        match step.as_str() {
            Some(name) if is_plain_name(name) => {
                out.push('.');
                out.push_str(name);
            }
            Some(text) if !text.chars().any(|c| c == '\\' || c.is_control()) => {
                let _ = write!(out, "[\"{text}\"]");
            }
            _ => {
                out.push('[');
                write_term(out, step);
                out.push(']');
            }
        }
    }
}

/// Whether a name can stand after a dot in every version of Rego.
pub(crate) fn is_plain_name(name: &str) -> bool {
    is_name(name) && !Keyword::of(name).is_some_and(|keyword| BASE.with(FUTURE_V0).has(keyword))
}

/// Whether a text is spelt as a name, be it a keyword or not.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn write_body(out: &mut String, body: &[Expr]) {
    for (at, expr) in body.iter().enumerate() {
        if at > 0 {
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
        ExprKind::Call(terms) => match &terms[..] {
            [operator, lhs, rhs] if infix_symbol(operator) == Some("=") => {
                write_term(out, lhs);
                out.push_str(" = ");
                write_term(out, rhs);
            }
            terms => write_call(out, terms),
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
        ExprKind::Not(not) => match &not.body[..] {
            [inner] if !not.explicit => {
                let parens = !inner.with.is_empty()
                    || match &inner.kind {
                        ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) => true,
                        ExprKind::Term(term) => starts_with_brace(term),
                        _ => false,
                    };
                out.push_str(if parens { "not (" } else { "not " });
                write_expr(out, inner);
                if parens {
                    out.push(')');
                }
            }
            _ => {
                out.push_str("not {");
                write_body(out, &not.body);
                out.push('}');
            }
        },
        ExprKind::And(logical) => write_logical(out, logical, true),
        ExprKind::Or(logical) => write_logical(out, logical, false),
    }
    for with in &expr.with {
        out.push(' ');
        write_with(out, with);
    }
}

fn write_some(out: &mut String, symbols: &[Term]) {
    out.push_str("some ");
    let Some(Term {
        kind: TermKind::Call(call),
        ..
    }) = symbols.first()
    else {
        return write_terms(out, symbols);
    };
    match &call[..] {
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
}

fn write_with(out: &mut String, with: &With) {
    out.push_str("with ");
    write_term(out, &with.target);
    out.push_str(" as ");
    write_term(out, &with.value);
}

fn write_logical(out: &mut String, logical: &Logical, and: bool) {
    write_operand(out, &logical.lhs, logical.explicit_lhs, and, false);
    out.push_str(if and { " and " } else { " or " });
    write_operand(out, &logical.rhs, logical.explicit_rhs, and, true);
}

fn write_operand(out: &mut String, body: &[Expr], explicit: bool, under_and: bool, right: bool) {
    match body {
        [inner] if !explicit => {
            let parens = !inner.with.is_empty()
                || match &inner.kind {
                    ExprKind::Or(_) => under_and || right,
                    ExprKind::And(_) => under_and && right,
                    ExprKind::Term(term) => starts_with_brace(term),
                    _ => false,
                };
            if parens {
                out.push('(');
            }
            write_expr(out, inner);
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

/// Whether the text of a term starts with a brace, which an operand of `and` would read as a body.
fn starts_with_brace(term: &Term) -> bool {
    match &term.kind {
        TermKind::Set(items) => !items.is_empty(),
        TermKind::Object(_) | TermKind::SetComprehension(_) | TermKind::ObjectComprehension(_) => {
            true
        }
        TermKind::Ref(path) => path.first().is_some_and(starts_with_brace),
        _ => false,
    }
}

/// Quotes text as Go does.
pub fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
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

/// Whether Go prints a character as it is; near enough for everything that texts contain.
fn is_printable(c: char) -> bool {
    let code = c as u32;
    !(c.is_control()
        || c.is_whitespace() && c != ' '
        || c == '\u{ad}'
        || (0x200b..=0x200f).contains(&code)
        || (0x202a..=0x202e).contains(&code)
        || (0x2060..=0x206f).contains(&code)
        || (0xe000..=0xf8ff).contains(&code)
        || code == 0xfeff
        || (0xfff0..=0xfffb).contains(&code)
        || code >= 0xe0000)
}
