//! Reads `{"text", "v", "query", "kw", "ast", "ann"}` JSON lines and prints what the parser makes of each, in the
//! shape of OPA's JSON. For comparing with OPA by scripts.

use std::io::{BufRead, Write};

use regovm_core::{SourceMap, Span};
use regovm_parser::ast::*;
use regovm_parser::{Keyword, ParseOptions, parse_module, parse_query};
use serde_json::{Map, Value, json};

struct Dump<'a> {
    sources: &'a SourceMap,
}

impl Dump<'_> {
    fn at(&self, map: &mut Map<String, Value>, span: Span) {
        if let Some(at) = self.sources.locate(span) {
            map.insert("@".into(), json!(format!("{}:{}", at.row, at.col)));
        }
    }
    fn node(&self, span: Span, value: Value) -> Value {
        let Value::Object(mut map) = value else {
            return value;
        };
        self.at(&mut map, span);
        Value::Object(map)
    }
    fn terms(&self, terms: &[Term]) -> Value {
        Value::Array(terms.iter().map(|t| self.term(t)).collect())
    }
    fn term(&self, t: &Term) -> Value {
        let (kind, value) = match &t.kind {
            TermKind::Null => return self.node(t.span, json!({"type": "null"})),
            TermKind::Boolean(b) => ("boolean", json!(b)),
            TermKind::Number(n) => ("number", json!(&**n)),
            TermKind::String(s) => ("string", json!(&**s)),
            TermKind::Var(v) => ("var", json!(&**v)),
            TermKind::Ref(r) => ("ref", self.terms(r)),
            TermKind::Array(r) => ("array", self.terms(r)),
            TermKind::Set(r) => ("set", self.terms(r)),
            TermKind::Call(r) => ("call", self.terms(r)),
            TermKind::Object(m) => (
                "object",
                Value::Array(
                    m.iter()
                        .map(|(k, v)| json!([self.term(k), self.term(v)]))
                        .collect(),
                ),
            ),
            TermKind::ArrayComprehension(c) => (
                "arraycomprehension",
                json!({"term": self.term(&c.term), "body": self.body(&c.body)}),
            ),
            TermKind::SetComprehension(c) => (
                "setcomprehension",
                json!({"term": self.term(&c.term), "body": self.body(&c.body)}),
            ),
            TermKind::ObjectComprehension(c) => (
                "objectcomprehension",
                json!({"key": self.term(&c.key), "value": self.term(&c.value), "body": self.body(&c.body)}),
            ),
            TermKind::Template(t) => (
                "templatestring",
                json!({"multi_line": t.multi_line, "parts": t.parts.iter().map(|p| match p {
                    TemplatePart::Text(t) => self.term(t),
                    TemplatePart::Expr(e) => self.expr(e),
                }).collect::<Vec<_>>()}),
            ),
        };
        self.node(t.span, json!({"type": kind, "value": value}))
    }
    fn body(&self, b: &Body) -> Value {
        Value::Array(b.iter().map(|e| self.expr(e)).collect())
    }
    fn expr(&self, e: &Expr) -> Value {
        let mut m = Map::new();
        self.at(&mut m, e.span);
        m.insert("index".into(), json!(e.index));
        if e.negated {
            m.insert("negated".into(), json!(true));
        }
        if e.generated {
            m.insert("generated".into(), json!(true));
        }
        if !e.with.is_empty() {
            let with = e.with.iter().map(|w| {
                self.node(
                    w.span,
                    json!({"target": self.term(&w.target), "value": self.term(&w.value)}),
                )
            });
            m.insert("with".into(), Value::Array(with.collect()));
        }
        let terms = match &e.kind {
            ExprKind::Term(t) => self.term(t),
            ExprKind::Call(t) => self.terms(t),
            ExprKind::Some(t) => self.node(e.span, json!({"symbols": self.terms(t)})),
            ExprKind::Every(q) => self.node(
                q.span,
                json!({
                "key": q.key.as_ref().map(|k| self.term(k)), "value": self.term(&q.value),
                "domain": self.term(&q.domain), "body": self.body(&q.body)}),
            ),
            ExprKind::Not(n) => {
                json!({"type": "not", "body": self.body(&n.body), "explicit_body": n.explicit})
            }
            ExprKind::And(l) => {
                json!({"type": "and", "lhs": self.body(&l.lhs), "rhs": self.body(&l.rhs), "explicit_lhs": l.explicit_lhs, "explicit_rhs": l.explicit_rhs})
            }
            ExprKind::Or(l) => {
                json!({"type": "or", "lhs": self.body(&l.lhs), "rhs": self.body(&l.rhs), "explicit_lhs": l.explicit_lhs, "explicit_rhs": l.explicit_rhs})
            }
        };
        m.insert("terms".into(), terms);
        Value::Object(m)
    }
    fn rule(&self, r: &Rule) -> Value {
        let h = &r.head;
        let mut head = Map::new();
        self.at(&mut head, h.span);
        head.insert("ref".into(), self.terms(&h.reference));
        if !h.args.is_empty() {
            head.insert("args".into(), self.terms(&h.args));
        }
        if let Some(k) = &h.key {
            head.insert("key".into(), self.term(k));
        }
        if let Some(v) = &h.value {
            head.insert("value".into(), self.term(v));
        }
        if h.assign {
            head.insert("assign".into(), json!(true));
        }
        let mut m = Map::new();
        self.at(&mut m, r.span);
        m.insert("head".into(), Value::Object(head));
        m.insert("body".into(), self.body(&r.body));
        if r.default {
            m.insert("default".into(), json!(true));
        }
        if let Some(e) = &r.else_rule {
            m.insert("else".into(), self.rule(e));
        }
        Value::Object(m)
    }
    fn module(&self, m: &Module) -> Value {
        json!({
            "package": self.node(m.package.span, json!({"path": self.terms(&m.package.path)})),
            "imports": m.imports.iter().map(|i| {
                let mut v = json!({"path": self.term(&i.path)});
                if let Some(a) = &i.alias { v["alias"] = json!(&**a); }
                self.node(i.span, v)
            }).collect::<Vec<_>>(),
            "rules": m.rules.iter().map(|r| self.rule(r)).collect::<Vec<_>>(),
        })
    }
}

fn main() {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::new(stdout.lock());
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = request["text"].as_str().unwrap().to_string();
        let options = ParseOptions {
            version: match request["v"].as_str() {
                Some("v0") => RegoVersion::V0,
                Some("v0-compat-v1") => RegoVersion::V0CompatV1,
                _ => RegoVersion::V1,
            },
            future_keywords: request["kw"]
                .as_array()
                .map(|k| k.iter().filter_map(|k| Keyword::of(k.as_str()?)).collect())
                .unwrap_or_default(),
            process_annotations: request["ann"] == true,
        };
        let mut sources = SourceMap::new();
        let id = sources.add("", text).unwrap();
        let (ast, errors) = if request["query"] == true {
            match parse_query(&sources, id, &options) {
                Ok(q) => (Some(Dump { sources: &sources }.body(&q.body)), vec![]),
                Err(e) => (None, e),
            }
        } else {
            match parse_module(&sources, id, &options) {
                Ok(m) => (
                    (request["ast"] == true).then(|| Dump { sources: &sources }.module(&m)),
                    vec![],
                ),
                Err(e) => (None, e),
            }
        };
        let errors: Vec<Value> = errors
            .iter()
            .map(|e| {
                let at = sources.locate(e.span);
                json!({"code": e.code.as_str(), "row": at.as_ref().map_or(0, |a| a.row),
                    "col": at.as_ref().map_or(0, |a| a.col), "msg": e.message})
            })
            .collect();
        let mut response = json!({"errors": errors});
        if request["ast"] == true
            && let Some(ast) = ast
        {
            response["ast"] = ast;
        }
        writeln!(out, "{response}").unwrap();
    }
}
