//! HCL 2, as its JSON form has it: a block is an object below its type and labels, in an array because there may be
//! several; expressions that are not literal are templates, `${..}`, with their source text.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::{Directive, Element, Strip, Template};

use crate::error::ConfigError;
use crate::lines::BYTE_ORDER_MARK;
use crate::node::{Content, Members, Node, number};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let skipped = text.len() - text.trim_start_matches(BYTE_ORDER_MARK).len();
    let plain = &text[skipped..];
    let body = hcl_edit::parser::parse_body(plain).map_err(|error| {
        let at = skipped + error.location().offset();
        ConfigError::new(format!("hcl: {}", error.message())).at_offset(text, at)
    })?;
    let source = Source {
        text: plain,
        skipped,
    };
    source.body(&body, 0)
}

struct Source<'t> {
    text: &'t str,
    skipped: usize,
}

impl Source<'_> {
    fn at(&self, span: Option<Range<usize>>) -> usize {
        self.skipped + span.map_or(0, |span| span.start)
    }

    fn wrong(&self, what: String, at: usize) -> ConfigError {
        ConfigError::new(what).at_offset(self.text, at - self.skipped)
    }

    fn body(&self, body: &Body, at: usize) -> Result<Node, ConfigError> {
        let mut members = Members::default();
        // Blocks first: an attribute of the name of a block wins.
        for structure in body {
            if let Structure::Block(block) = structure {
                self.block(block, &mut members)?;
            }
        }
        for structure in body {
            let Structure::Attribute(attribute) = structure else {
                continue;
            };
            let at = self.at(attribute.key.span().or_else(|| attribute.span()));
            let name = attribute.key.as_str();
            let mut node = self.value(&attribute.value)?;
            node.at = at;
            members.set(name.to_owned(), node);
        }
        Ok(Node::map(at, members.finish()))
    }

    fn block(&self, block: &Block, members: &mut Members) -> Result<(), ConfigError> {
        let at = self.at(block.ident.span().or_else(|| block.span()));
        let body = self.body(&block.body, at)?;
        let mut keys = vec![block.ident.as_str()];
        keys.extend(block.labels.iter().map(|label| label.as_str()));
        let Some((last, above)) = keys.split_last() else {
            return Ok(());
        };
        let conflict = || {
            let what = format!(
                "invalid HCL detected for {:?} block, cannot have blocks with and without labels",
                block.ident.as_str()
            );
            self.wrong(what, at)
        };
        let Some((first, between)) = above.split_first() else {
            return match members.get_mut(last).map(|node| &mut node.content) {
                Some(Content::List(blocks)) => {
                    blocks.push(body);
                    Ok(())
                }
                Some(_) => Err(conflict()),
                None => {
                    members.set((*last).to_owned(), Node::list(at, vec![body]));
                    Ok(())
                }
            };
        };
        if members.get(first).is_none() {
            members.set((*first).to_owned(), Node::map(at, Vec::new()));
        }
        let mut below = members.get_mut(first);
        for key in between {
            below = match below.map(|node| &mut node.content) {
                Some(Content::Map(map)) => Some(member(map, key, || Node::map(at, Vec::new()))),
                _ => return Err(conflict()),
            };
        }
        match below.map(|node| &mut node.content) {
            Some(Content::Map(map)) => {
                let blocks = member(map, last, || Node::list(at, Vec::new()));
                match &mut blocks.content {
                    Content::List(blocks) => blocks.push(body),
                    _ => return Err(conflict()),
                }
                Ok(())
            }
            _ => Err(conflict()),
        }
    }

    fn source(&self, span: Option<Range<usize>>) -> &str {
        span.and_then(|span| self.text.get(span))
            .unwrap_or_default()
    }

    /// An expression as a template with nothing else in it.
    fn wrapped(&self, expression: &Expression) -> String {
        format!("${{{}}}", self.source(expression.span()))
    }

    fn value(&self, expression: &Expression) -> Result<Node, ConfigError> {
        let at = self.at(expression.span());
        let content = match expression {
            Expression::Null(_) => Content::Null,
            Expression::Bool(value) => Content::Bool(*value.value()),
            Expression::Number(value) => self.number(value.value(), 1.0),
            Expression::String(text) => Content::Text(escaped(text)),
            Expression::Array(elements) => {
                let elements = elements.iter().map(|element| self.value(element));
                Content::List(elements.collect::<Result<_, _>>()?)
            }
            Expression::Object(object) => {
                let mut members = Members::default();
                for (key, value) in object {
                    let mut node = self.value(value.expr())?;
                    let key_at = match key {
                        ObjectKey::Ident(name) => name.span(),
                        ObjectKey::Expression(expression) => expression.span(),
                    };
                    node.at = self.at(key_at);
                    members.set(self.key(key), node);
                }
                Content::Map(members.finish())
            }
            Expression::StringTemplate(template) => match single(template) {
                Some(inside) => return self.value(inside).map(|node| Node { at, ..node }),
                None => Content::Text(self.elements(template.iter())),
            },
            Expression::HeredocTemplate(heredoc) => Content::Text(self.template(&heredoc.template)),
            Expression::UnaryOp(operation) => match (operation.operator.value(), &operation.expr) {
                (UnaryOperator::Not, Expression::Bool(value)) => Content::Bool(!*value.value()),
                (UnaryOperator::Neg, Expression::Number(value)) => self.number(value.value(), -1.0),
                _ => Content::Text(self.wrapped(expression)),
            },
            _ => Content::Text(self.wrapped(expression)),
        };
        Ok(Node::new(at, content))
    }

    fn number(&self, value: &hcl_edit::Number, sign: f64) -> Content {
        let integer = value.as_i64().filter(|_| sign > 0.0);
        match integer {
            Some(integer) => Content::Number(integer.to_string()),
            None => {
                let value = value.as_f64().and_then(|value| number(sign * value));
                value.map_or(Content::Null, Content::Number)
            }
        }
    }

    fn key(&self, key: &ObjectKey) -> String {
        match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(expression) => match expression {
                Expression::Traversal(_) | Expression::Variable(_) => {
                    self.source(expression.span()).to_owned()
                }
                _ => self.part(expression),
            },
        }
    }

    /// An expression as a part of a text.
    fn part(&self, expression: &Expression) -> String {
        match expression {
            Expression::Null(_) => "null".to_owned(),
            Expression::Bool(value) => value.value().to_string(),
            Expression::Number(value) => match self.number(value.value(), 1.0) {
                Content::Number(number) => number,
                _ => String::new(),
            },
            Expression::String(text) => escaped(text),
            Expression::StringTemplate(template) => self.elements(template.iter()),
            Expression::Conditional(conditional) => {
                let condition = self.source(conditional.cond_expr.span());
                let mut text = format!("%{{if {condition}}}");
                text.push_str(&self.part(&conditional.true_expr));
                let otherwise = self.part(&conditional.false_expr);
                if !otherwise.is_empty() {
                    text.push_str("%{else}");
                    text.push_str(&otherwise);
                }
                text + "%{endif}"
            }
            _ => self.wrapped(expression),
        }
    }

    fn template(&self, template: &Template) -> String {
        self.elements(template.iter())
    }

    /// The parts of a template; marks that strip blanks have done so.
    fn elements<'e>(&self, elements: impl Iterator<Item = &'e Element>) -> String {
        let elements: Vec<&Element> = elements.collect();
        let mut text = String::new();
        for (i, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(literal) => {
                    let mut literal = literal.as_str();
                    if i > 0 && strips(elements[i - 1]).1 {
                        literal = literal.trim_start();
                    }
                    if elements.get(i + 1).is_some_and(|next| strips(next).0) {
                        literal = literal.trim_end();
                    }
                    text.push_str(&escaped(literal));
                }
                Element::Interpolation(inside) => text.push_str(&self.part(&inside.expr)),
                Element::Directive(directive) => text.push_str(&self.directive(directive)),
            }
        }
        text
    }

    fn directive(&self, directive: &Directive) -> String {
        match directive {
            Directive::If(directive) => {
                let condition = self.source(directive.if_expr.cond_expr.span());
                let mut text = format!("%{{if {condition}}}");
                let closing = match &directive.else_expr {
                    Some(otherwise) => otherwise.strip,
                    None => directive.endif_expr.strip,
                };
                let inside = self.template(&directive.if_expr.template);
                text.push_str(stripped(&inside, directive.if_expr.strip, closing));
                if let Some(otherwise) = &directive.else_expr {
                    let inside = self.template(&otherwise.template);
                    let inside = stripped(&inside, otherwise.strip, directive.endif_expr.strip);
                    if !inside.is_empty() {
                        text.push_str("%{else}");
                        text.push_str(inside);
                    }
                }
                text + "%{endif}"
            }
            Directive::For(directive) => {
                let opening = &directive.for_expr;
                let mut text = "%{for ".to_owned();
                if let Some(key) = &opening.key_var {
                    text.push_str(key.as_str());
                    text.push_str(", ");
                }
                text.push_str(opening.value_var.as_str());
                text.push_str(" in ");
                text.push_str(self.source(opening.collection_expr.span()));
                text.push('}');
                let inside = self.template(&opening.template);
                text.push_str(stripped(
                    &inside,
                    opening.strip,
                    directive.endfor_expr.strip,
                ));
                text + "%{endfor}"
            }
        }
    }
}

/// The member of a name, which is made if there is none.
fn member<'m>(
    map: &'m mut Vec<(String, Node)>,
    key: &str,
    make: impl FnOnce() -> Node,
) -> &'m mut Node {
    let at = match map.iter().position(|(known, _)| known == key) {
        Some(at) => at,
        None => {
            map.push((key.to_owned(), make()));
            map.len() - 1
        }
    };
    &mut map[at].1
}

/// The expression of a template that has nothing else in it.
fn single(template: &hcl_edit::template::StringTemplate) -> Option<&Expression> {
    let mut elements = template.iter();
    match (elements.next(), elements.next()) {
        (Some(Element::Interpolation(inside)), None) => Some(&inside.expr),
        _ => None,
    }
}

/// Whether an element strips blanks before and behind it.
fn strips(element: &Element) -> (bool, bool) {
    let sides = |strip: Strip| (strip.strip_start(), strip.strip_end());
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(inside) => sides(inside.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (
                directive.if_expr.strip.strip_start(),
                directive.endif_expr.strip.strip_end(),
            ),
            Directive::For(directive) => (
                directive.for_expr.strip.strip_start(),
                directive.endfor_expr.strip.strip_end(),
            ),
        },
    }
}

/// The text between two marks of a directive.
fn stripped(text: &str, opening: Strip, closing: Strip) -> &str {
    let text = if opening.strip_end() {
        text.trim_start()
    } else {
        text
    };
    if closing.strip_start() {
        text.trim_end()
    } else {
        text
    }
}

/// A literal whose characters could mean a template.
fn escaped(literal: &str) -> String {
    literal.replace("${", "$${").replace("%{", "%%{")
}
