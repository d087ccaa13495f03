//! A module as OPA's JSON of a syntax tree: what `rego.parse_module` gives and `opa parse` prints.
//!
//! Members stand in the order of their names. Only comments have places, as in OPA.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regovm_core::{Constant, SourceMap};

use crate::ast::{
    Body, Comment, Expr, ExprKind, Import, Logical, Module, Name, Rule, TemplatePart, Term,
    TermKind,
};
use crate::{order, wildcards};

/// A module.
///
/// ```
/// use regovm_core::SourceMap;
/// use regovm_parser::{ParseOptions, json, parse_module};
///
/// let mut sources = SourceMap::new();
/// let id = sources.add("p.rego", "package p\n").unwrap();
/// let module = parse_module(&sources, id, &ParseOptions::default()).unwrap();
/// let json = json::module(module, &sources);
/// assert!(json.get("package").is_some() && json.get("rules").is_none());
/// ```
pub fn module(mut module: Module, sources: &SourceMap) -> Constant {
    wildcards::renumber(&mut module);
    Members::new()
        .list("comments", &module.comments, |comment| {
            comment_json(comment, sources)
        })
        .list("imports", &module.imports, import)
        .with(
            "package",
            Members::new()
                .with("path", terms(&module.package.path))
                .finish(),
        )
        .list("rules", &module.rules, rule)
        .finish()
}

/// The members of an object.
struct Members(Vec<(Constant, Constant)>);

impl Members {
    fn new() -> Members {
        Members(Vec::new())
    }

    fn with(mut self, name: &str, value: Constant) -> Members {
        self.0.push((name.into(), value));
        self
    }

    /// Left out if false.
    fn flag(self, name: &str, set: bool) -> Members {
        if set {
            self.with(name, Constant::Boolean(true))
        } else {
            self
        }
    }

    /// Left out if empty.
    fn list<T>(self, name: &str, items: &[T], json: impl Fn(&T) -> Constant) -> Members {
        if items.is_empty() {
            self
        } else {
            self.with(name, Constant::Array(items.iter().map(json).collect()))
        }
    }

    /// Left out if there is none.
    fn maybe(self, name: &str, value: Option<Constant>) -> Members {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn finish(self) -> Constant {
        Constant::Object(self.0)
    }
}

fn comment_json(comment: &Comment, sources: &SourceMap) -> Constant {
    let number = |n: u32| Constant::Number(n.to_string().into());
    let place = sources.locate(comment.span).map(|at| {
        Members::new()
            .with("col", number(at.col))
            .with("file", Constant::from(&*at.file))
            .with("row", number(at.row))
            .finish()
    });
    let text = STANDARD.encode(comment.text.as_bytes());
    Members::new()
        .maybe("Location", place)
        .with("Text", text.as_str().into())
        .finish()
}

fn import(import: &Import) -> Constant {
    Members::new()
        .maybe("alias", import.alias.as_deref().map(Constant::from))
        .with("path", term(&import.path))
        .finish()
}

fn rule(of: &Rule) -> Constant {
    Members::new()
        .with("body", body(&of.body))
        .flag("default", of.default)
        .maybe("else", of.else_rule.as_deref().map(rule))
        .with("head", head(of))
        .finish()
}

/// Whether the head of a rule has a name in OPA's trees, and not only a reference.
pub fn is_named(of: &Rule) -> bool {
    let head = &of.head;
    // A name is what older readers know. OPA keeps it for some heads below one key.
    let below_key = head.reference.len() == 2
        && !of.default
        && !head.keywords.has_contains
        && if head.keywords.has_if {
            !head.generated_value || !head.args.is_empty()
        } else {
            head.args.is_empty()
        };
    head.reference.len() == 1 || below_key
}

fn head(of: &Rule) -> Constant {
    let head = &of.head;
    Members::new()
        .list("args", &head.args, term)
        .flag("assign", head.assign)
        .maybe("key", head.key.as_deref().map(term))
        .maybe("name", is_named(of).then(|| Constant::from(&*head.name)))
        .with("ref", terms(&head.reference))
        .maybe("value", head.value.as_deref().map(term))
        .finish()
}

fn body(body: &Body) -> Constant {
    Constant::Array(body.iter().map(expr).collect())
}

fn expr(of: &Expr) -> Constant {
    let said = match &of.kind {
        ExprKind::Term(single) => term(single),
        ExprKind::Call(call) => terms(call),
        ExprKind::Some(symbols) => Members::new().with("symbols", terms(symbols)).finish(),
        ExprKind::Every(every) => Members::new()
            .with("body", body(&every.body))
            .with("domain", term(&every.domain))
            .with("key", every.key.as_ref().map_or(Constant::Null, term))
            .with("value", term(&every.value))
            .finish(),
        ExprKind::Not(not) => Members::new()
            .with("body", body(&not.body))
            .with("explicit_body", Constant::Boolean(not.explicit))
            .with("type", "not".into())
            .finish(),
        ExprKind::And(operands) => logical("and", operands),
        ExprKind::Or(operands) => logical("or", operands),
    };
    Members::new()
        .flag("generated", of.generated)
        .with("index", Constant::Number(of.index.to_string().into()))
        .flag("negated", of.negated)
        .with("terms", said)
        .list("with", &of.with, |with| {
            Members::new()
                .with("target", term(&with.target))
                .with("value", term(&with.value))
                .finish()
        })
        .finish()
}

fn logical(operator: &str, operands: &Logical) -> Constant {
    Members::new()
        .flag("explicit_lhs", operands.explicit_lhs)
        .flag("explicit_rhs", operands.explicit_rhs)
        .with("lhs", body(&operands.lhs))
        .with("rhs", body(&operands.rhs))
        .with("type", operator.into())
        .finish()
}

fn terms(list: &[Term]) -> Constant {
    Constant::Array(list.iter().map(term).collect())
}

fn term(of: &Term) -> Constant {
    let text = |name: &Name| Constant::String(name.clone());
    let comprehension = |collected: &Term, inner: &Body| {
        Members::new()
            .with("body", body(inner))
            .with("term", term(collected))
            .finish()
    };
    let (kind, value) = match &of.kind {
        TermKind::Null => ("null", Some(Constant::Object(Vec::new()))),
        TermKind::Boolean(truth) => ("boolean", Some(Constant::Boolean(*truth))),
        TermKind::Number(digits) => ("number", Some(Constant::Number(json_number(digits)))),
        TermKind::String(name) => ("string", Some(text(name))),
        TermKind::Var(name) => ("var", Some(text(name))),
        TermKind::Ref(path) => ("ref", Some(terms(path))),
        TermKind::Array(elements) => ("array", Some(terms(elements))),
        TermKind::Set(elements) => {
            let elements = order::sorted_set(elements);
            let elements = elements.into_iter().map(term).collect();
            ("set", Some(Constant::Array(elements)))
        }
        TermKind::Object(members) => {
            let pair = |(key, value): (&Term, &Term)| Constant::Array(vec![term(key), term(value)]);
            let members = order::sorted_members(members).into_iter().map(pair);
            ("object", Some(Constant::Array(members.collect())))
        }
        TermKind::ArrayComprehension(of) => (
            "arraycomprehension",
            Some(comprehension(&of.term, &of.body)),
        ),
        TermKind::SetComprehension(of) => {
            ("setcomprehension", Some(comprehension(&of.term, &of.body)))
        }
        TermKind::ObjectComprehension(of) => {
            let members = Members::new()
                .with("body", body(&of.body))
                .with("key", term(&of.key))
                .with("value", term(&of.value));
            ("objectcomprehension", Some(members.finish()))
        }
        TermKind::Call(call) => ("call", Some(terms(call))),
        TermKind::Template(template) => {
            let part = |part: &TemplatePart| match part {
                TemplatePart::Text(text) => term(text),
                TemplatePart::Expr(hole) => expr(hole),
            };
            let parts = if template.parts.is_empty() {
                Constant::Null
            } else {
                Constant::Array(template.parts.iter().map(part).collect())
            };
            let members = Members::new()
                .with("multi_line", Constant::Boolean(template.multi_line))
                .with("parts", parts);
            ("templatestring", Some(members.finish()))
        }
    };
    Members::new()
        .with("type", kind.into())
        .maybe("value", value)
        .finish()
}

/// JSON wants a digit before the point. (OPA fails to print `.5`.)
fn json_number(digits: &Name) -> Name {
    if digits.starts_with('.') {
        format!("0{digits}").into()
    } else {
        digits.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseOptions, parse_module};

    /// The names that heads have, as OPA gives them.
    #[test]
    fn names_of_heads() {
        for (text, named) in [
            ("p := 1", true),
            ("p contains 1", true),
            ("p.q := 1", true),
            ("p.q contains 1", false),
            ("p[x] if x := 1", false),
            ("p[x] := 2 if x := 1", true),
            ("p.q.r := 1", false),
            ("p.q(x) if x", true),
            ("p.q(x) := x", false),
            ("default p.q := 1", false),
        ] {
            let mut sources = SourceMap::new();
            let id = sources
                .add("p.rego", format!("package a\n{text}\n"))
                .unwrap();
            let parsed = parse_module(&sources, id, &ParseOptions::default()).unwrap();
            let json = module(parsed, &sources);
            let Some(Constant::Array(rules)) = json.get("rules") else {
                panic!("no rules: {text}");
            };
            let head = rules[0].get("head").unwrap();
            assert_eq!(head.get("name").is_some(), named, "{text}");
        }
    }
}
