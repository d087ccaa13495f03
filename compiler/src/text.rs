//! Syntax trees as OPA prints them in error messages, and the names of built-ins.

use regovm_parser::ast::{Ref, Term, TermKind};
use regovm_parser::print;

pub use regovm_parser::print::{
    body as body_text, expr as expr_text, import as import_text, is_name as is_plain_name,
    package as package_text, reference as ref_text, term as term_text,
};

/// A string in quotes with Go's escapes (`strconv.Quote`).
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    print::quote(&mut out, text);
    out
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
