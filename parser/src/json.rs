//! A module as OPA's JSON of a syntax tree: what `rego.parse_module` gives and `opa parse` prints.
//!
//! Places are shown on demand; comments always have theirs, as in OPA.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regovm_core::{Constant, SourceMap, Span};

use crate::ast::{
    Annotations, Body, Comment, Expr, ExprKind, Import, Logical, Module, Name, Rule,
    SchemaAnnotation, TemplatePart, Term, TermKind,
};
use crate::{order, wildcards};

/// What a shown tree has besides itself.
#[derive(Clone, Copy, Default, Debug)]
pub struct Shown {
    /// File, row, column and text of every node.
    pub places: bool,
    /// The comments are left out.
    pub without_comments: bool,
}

/// A module, as `rego.parse_module` has it.
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
pub fn module(module: Module, sources: &SourceMap) -> Constant {
    shown(module, sources, Shown::default())
}

/// A module with what is asked for. Members stand in the order in which `opa parse` has them.
pub fn shown(mut module: Module, sources: &SourceMap, show: Shown) -> Constant {
    wildcards::renumber(&mut module);
    let tree = Tree { sources, show };
    let package = Members::new()
        .maybe("location", tree.keyword(module.package.span, "package"))
        .with("path", tree.terms(&module.package.path))
        .finish();
    let comments = if show.without_comments {
        &[]
    } else {
        &module.comments[..]
    };
    Members::new()
        .with("package", package)
        .list("imports", &module.imports, |of| tree.import(of))
        .list("annotations", &module.annotations, |of| {
            tree.annotation(of, &module.comments)
        })
        .list("rules", &module.rules, |of| tree.rule(of, &module))
        .list("comments", comments, |of| tree.comment(of, &module))
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

/// A rule of a module alone, with its annotations.
pub fn rule(of: &Rule, module: &Module, sources: &SourceMap) -> Constant {
    let show = Shown::default();
    Tree { sources, show }.rule(of, module)
}

/// A body alone.
pub fn body(of: &Body, sources: &SourceMap) -> Constant {
    let show = Shown::default();
    Tree { sources, show }.body(of)
}

/// An expression alone.
pub fn expr(of: &Expr, sources: &SourceMap) -> Constant {
    let show = Shown::default();
    Tree { sources, show }.expr(of)
}

/// A term alone.
pub fn term(of: &Term, sources: &SourceMap) -> Constant {
    let show = Shown::default();
    Tree { sources, show }.term(of)
}

/// A reference alone.
pub fn path(path: &[Term], sources: &SourceMap) -> Constant {
    let show = Shown::default();
    Tree { sources, show }.terms(path)
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

/// Makes the nodes of a tree.
struct Tree<'a> {
    sources: &'a SourceMap,
    show: Shown,
}

impl Tree<'_> {
    /// A place with the text that OPA keeps for it.
    fn place(&self, span: Span, text: Span) -> Option<Constant> {
        if !self.show.places {
            return None;
        }
        self.position(span, self.sources.text(text))
    }

    fn position(&self, span: Span, text: &str) -> Option<Constant> {
        let number = |n: u32| Constant::Number(n.to_string().into());
        let at = self.sources.locate(span)?;
        let text = (self.show.places && !text.is_empty())
            .then(|| Constant::from(&*STANDARD.encode(text.as_bytes())));
        let members = Members::new()
            .with("file", Constant::from(&*at.file))
            .with("row", number(at.row))
            .with("col", number(at.col))
            .maybe("text", text);
        Some(members.finish())
    }

    /// The place of a statement of which OPA keeps the keyword.
    fn keyword(&self, span: Span, word: &str) -> Option<Constant> {
        let end = span.start + word.len() as u32;
        self.place(span, Span::new(span.start, end))
    }

    fn comment(&self, comment: &Comment, module: &Module) -> Constant {
        let text = STANDARD.encode(comment.text.as_bytes());
        let block = module
            .annotations
            .iter()
            .find(|block| block.span.start == comment.span.start);
        // The first comment of a block has the text of all of it.
        let place = match block {
            Some(block) => {
                let text = annotation_text(block, &module.comments);
                self.position(comment.span, &text)
            }
            None => self.position(comment.span, self.sources.text(comment.span)),
        };
        Members::new()
            .with("Text", text.as_str().into())
            .maybe("Location", place)
            .finish()
    }

    fn annotation(&self, annotations: &Annotations, comments: &[Comment]) -> Constant {
        let Constant::Object(fields) = &annotations.fields else {
            return Constant::Null;
        };
        let mut members = Vec::with_capacity(fields.len() + 2);
        for (name, value) in fields {
            let value = match name.as_str() {
                Some("schemas") => {
                    let schemas = annotations.schemas.iter().map(|of| self.schema(of));
                    Constant::Array(schemas.collect())
                }
                // Names come before addresses.
                Some("authors") => value.clone(),
                _ => sorted(value),
            };
            members.push((name.clone(), value));
        }
        if let Some(compile) = &annotations.compile {
            let mask = compile.mask_rule.as_ref().map(|of| self.terms(of));
            let compile = Members::new()
                .list("unknowns", &compile.unknowns, |of| self.terms(of))
                .maybe("mask_rule", mask);
            members.push(("compile".into(), compile.finish()));
        }
        if self.show.places {
            let text = annotation_text(annotations, comments);
            let place = self.position(annotations.span, &text);
            members.extend(place.map(|place| ("location".into(), place)));
        }
        members.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
        Constant::Object(members)
    }

    fn schema(&self, of: &SchemaAnnotation) -> Constant {
        let plain = Tree {
            sources: self.sources,
            show: Shown::default(),
        };
        Members::new()
            .with("path", plain.terms(&of.path))
            .maybe("schema", of.schema.as_ref().map(|of| self.terms(of)))
            .maybe("definition", of.definition.as_ref().map(sorted))
            .finish()
    }

    fn import(&self, import: &Import) -> Constant {
        let alias_place = import
            .alias
            .as_ref()
            .and_then(|_| self.place(import.alias_span, import.alias_span));
        Members::new()
            .maybe("alias", import.alias.as_deref().map(Constant::from))
            .maybe("alias_location", alias_place)
            .maybe("location", self.keyword(import.span, "import"))
            .with("path", self.term(&import.path))
            .finish()
    }

    fn rule(&self, of: &Rule, module: &Module) -> Constant {
        let place = if of.default {
            self.keyword(of.span, "default")
        } else {
            self.place(of.span, of.span)
        };
        let annotations: Vec<&Annotations> = of
            .annotations
            .iter()
            .filter_map(|at| module.annotations.get(*at as usize))
            .collect();
        Members::new()
            .list("annotations", &annotations, |of| {
                self.annotation(of, &module.comments)
            })
            .with("body", self.body(&of.body))
            .flag("default", of.default)
            .maybe(
                "else",
                of.else_rule.as_deref().map(|of| self.rule(of, module)),
            )
            .with("head", self.head(of))
            .maybe("location", place)
            .finish()
    }

    fn head(&self, of: &Rule) -> Constant {
        let head = &of.head;
        let named = is_named(of);
        Members::new()
            .maybe("name", named.then(|| Constant::from(&*head.name)))
            .list("args", &head.args, |of| self.term(of))
            .maybe("key", head.key.as_deref().map(|of| self.term(of)))
            .maybe("value", head.value.as_deref().map(|of| self.term(of)))
            .flag("assign", head.assign)
            .with("ref", self.terms(&head.reference))
            .maybe("location", self.place(head.span, head.span))
            .finish()
    }

    fn body(&self, body: &Body) -> Constant {
        Constant::Array(body.iter().map(|of| self.expr(of)).collect())
    }

    fn expr(&self, of: &Expr) -> Constant {
        let said = match &of.kind {
            ExprKind::Term(single) => self.term(single),
            ExprKind::Call(call) => self.terms(call),
            ExprKind::Some(symbols) => Members::new()
                .maybe("location", self.keyword(of.span, "some"))
                .with("symbols", self.terms(symbols))
                .finish(),
            ExprKind::Every(every) => Members::new()
                .with("body", self.body(&every.body))
                .with("domain", self.term(&every.domain))
                .with(
                    "key",
                    every
                        .key
                        .as_ref()
                        .map_or(Constant::Null, |of| self.term(of)),
                )
                .maybe("location", self.keyword(every.span, "every"))
                .with("value", self.term(&every.value))
                .finish(),
            ExprKind::Not(not) => Members::new()
                .with("body", self.body(&not.body))
                .with("explicit_body", Constant::Boolean(not.explicit))
                .with("type", "not".into())
                .finish(),
            ExprKind::And(operands) => self.logical("and", operands),
            ExprKind::Or(operands) => self.logical("or", operands),
        };
        Members::new()
            .flag("generated", of.generated)
            .with("index", Constant::Number(of.index.to_string().into()))
            .maybe("location", self.place(of.span, of.span))
            .flag("negated", of.negated)
            .with("terms", said)
            .list("with", &of.with, |with| {
                Members::new()
                    .maybe("location", self.place(with.span, with.span))
                    .with("target", self.term(&with.target))
                    .with("value", self.term(&with.value))
                    .finish()
            })
            .finish()
    }

    fn logical(&self, operator: &str, operands: &Logical) -> Constant {
        Members::new()
            .flag("explicit_lhs", operands.explicit_lhs)
            .flag("explicit_rhs", operands.explicit_rhs)
            .with("lhs", self.body(&operands.lhs))
            .with("rhs", self.body(&operands.rhs))
            .with("type", operator.into())
            .finish()
    }

    fn terms(&self, list: &[Term]) -> Constant {
        Constant::Array(list.iter().map(|of| self.term(of)).collect())
    }

    fn term(&self, of: &Term) -> Constant {
        let text = |name: &Name| Constant::String(name.clone());
        let comprehension = |collected: &Term, inner: &Body| {
            Members::new()
                .with("term", self.term(collected))
                .with("body", self.body(inner))
                .finish()
        };
        let (kind, value) = match &of.kind {
            TermKind::Null => ("null", Some(Constant::Object(Vec::new()))),
            TermKind::Boolean(truth) => ("boolean", Some(Constant::Boolean(*truth))),
            TermKind::Number(digits) => ("number", Some(Constant::Number(json_number(digits)))),
            TermKind::String(name) => ("string", Some(text(name))),
            TermKind::Var(name) => ("var", Some(text(name))),
            TermKind::Ref(path) => ("ref", Some(self.terms(path))),
            TermKind::Array(elements) => ("array", Some(self.terms(elements))),
            TermKind::Set(elements) => {
                let elements = order::sorted_set(elements);
                let elements = elements.into_iter().map(|of| self.term(of)).collect();
                ("set", Some(Constant::Array(elements)))
            }
            TermKind::Object(members) => {
                let pair = |(key, value): (&Term, &Term)| {
                    Constant::Array(vec![self.term(key), self.term(value)])
                };
                // A key that stands twice is shown twice.
                let mut members: Vec<_> = members.iter().map(|(key, value)| (key, value)).collect();
                members.sort_by(|(a, _), (b, _)| order::compare_terms(a, b));
                let members = members.into_iter().map(pair).collect();
                ("object", Some(Constant::Array(members)))
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
                    .with("key", self.term(&of.key))
                    .with("value", self.term(&of.value))
                    .with("body", self.body(&of.body));
                ("objectcomprehension", Some(members.finish()))
            }
            TermKind::Call(call) => ("call", Some(self.terms(call))),
            TermKind::Template(template) => {
                let part = |part: &TemplatePart| match part {
                    TemplatePart::Text(text) => self.term(text),
                    TemplatePart::Expr(hole) => self.expr(hole),
                };
                let parts = if template.parts.is_empty() {
                    Constant::Null
                } else {
                    Constant::Array(template.parts.iter().map(part).collect())
                };
                let members = Members::new()
                    .with("parts", parts)
                    .with("multi_line", Constant::Boolean(template.multi_line));
                ("templatestring", Some(members.finish()))
            }
        };
        Members::new()
            .maybe("location", self.place(of.span, kept_text(of, self.sources)))
            .with("type", kind.into())
            .maybe("value", value)
            .finish()
    }
}

/// A metadata block as OPA writes it from what it has read.
fn annotation_text(annotations: &Annotations, comments: &[Comment]) -> String {
    let within = annotations.span.start + 1..annotations.span.end;
    let lines = comments
        .iter()
        .filter(|comment| within.contains(&comment.span.start))
        .map(|comment| comment.text.strip_prefix(' ').unwrap_or(&comment.text));
    let text = lines.collect::<Vec<_>>().join("\n# ");
    format!("# METADATA\n# {text}")
}

/// Members in the order of their names, as Go writes maps.
fn sorted(value: &Constant) -> Constant {
    match value {
        Constant::Object(members) => {
            let pair = |(name, value): &(Constant, Constant)| (name.clone(), sorted(value));
            let mut members: Vec<_> = members.iter().map(pair).collect();
            members.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            Constant::Object(members)
        }
        Constant::Array(items) => Constant::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// The text that OPA keeps for a term, which for some is not all of it.
fn kept_text(of: &Term, sources: &SourceMap) -> Span {
    match &of.kind {
        // Of a number with a sign or a point in front: that.
        TermKind::Number(digits) if digits.starts_with(['-', '.']) && of.text == of.span => {
            Span::new(of.text.start, of.text.start + 1)
        }
        // What follows a bracket directly is kept from its end on.
        TermKind::Ref(path) => match path.first() {
            Some(head) if path.len() > 1 && !matches!(head.kind, TermKind::Var(_)) => {
                let plain_call = matches!(head.kind, TermKind::Call(_))
                    && !sources.text(head.text).starts_with('(');
                if plain_call || head.text.end == 0 {
                    of.text
                } else {
                    Span::new(head.text.end - 1, of.text.end)
                }
            }
            _ => of.text,
        },
        _ => of.text,
    }
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
