//! The tree of a template, and how messages show its nodes.

use super::literal::Number;
use crate::go::quote::{Charset, push_quoted};

/// Text or action.
pub(super) enum Part<'t> {
    Text(&'t str),
    Action(Pipe<'t>),
    If(Branch<'t>),
    With(Branch<'t>),
    Range(Branch<'t>),
    Template(Call<'t>),
    Break,
    Continue,
}

/// What `if`, `with` and `range` have.
pub(super) struct Branch<'t> {
    pub(super) pipe: Pipe<'t>,
    pub(super) list: Vec<Part<'t>>,
    pub(super) otherwise: Option<Vec<Part<'t>>>,
}

/// `{{template "name" pipe}}`
pub(super) struct Call<'t> {
    pub(super) at: usize,
    pub(super) name: &'t str,
    pub(super) pipe: Option<Pipe<'t>>,
}

/// `$i, $x := a | b c`
pub(super) struct Pipe<'t> {
    pub(super) at: usize,
    pub(super) variables: Vec<&'t str>,
    /// The variables exist already.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command<'t>>,
}

/// A first word with operands.
pub(super) struct Command<'t> {
    pub(super) at: usize,
    pub(super) words: Vec<Node<'t>>,
}

pub(super) struct Node<'t> {
    pub(super) at: usize,
    pub(super) kind: NodeKind<'t>,
}

pub(super) enum NodeKind<'t> {
    Boolean(bool),
    Dot,
    Nil,
    Number(Number<'t>),
    /// As written, and what it stands for.
    Text(&'t str, &'t str),
    /// `.a.b`
    Field(Vec<&'t str>),
    /// `$x.a.b`, with the variable first.
    Variable(Vec<&'t str>),
    /// The name of a function.
    Identifier(&'t str),
    /// Fields of something else.
    Chain(Box<Node<'t>>, Vec<&'t str>),
    Pipe(Box<Pipe<'t>>),
}

/// The node that a message is about.
#[derive(Clone, Copy)]
pub(super) enum Place<'x, 't> {
    Node(&'x Node<'t>),
    Pipe(&'x Pipe<'t>),
    Command(&'x Command<'t>),
    Template(&'x Call<'t>),
}

impl Place<'_, '_> {
    pub(super) fn at(self) -> usize {
        match self {
            Place::Node(node) => node.at,
            Place::Pipe(pipe) => pipe.at,
            Place::Command(command) => command.at,
            Place::Template(call) => call.at,
        }
    }

    pub(super) fn text(self) -> String {
        let mut out = String::new();
        match self {
            Place::Node(node) => node.write(&mut out),
            Place::Pipe(pipe) => pipe.write(&mut out),
            Place::Command(command) => command.write(&mut out),
            Place::Template(call) => {
                out.push_str("{{template ");
                push_quoted(&mut out, call.name, Charset::Unicode);
                if let Some(pipe) = &call.pipe {
                    out.push(' ');
                    pipe.write(&mut out);
                }
                out.push_str("}}");
            }
        }
        out
    }
}

impl Pipe<'_> {
    fn write(&self, out: &mut String) {
        if !self.variables.is_empty() {
            out.push_str(&self.variables.join(", "));
            out.push_str(if self.assigns { " = " } else { " := " });
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                out.push_str(" | ");
            }
            command.write(out);
        }
    }
}

impl Command<'_> {
    fn write(&self, out: &mut String) {
        for (i, word) in self.words.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            word.write_operand(out);
        }
    }
}

impl Node<'_> {
    /// As an operand: pipes stand in parentheses.
    fn write_operand(&self, out: &mut String) {
        let pipe = matches!(self.kind, NodeKind::Pipe(_));
        out.push_str(if pipe { "(" } else { "" });
        self.write(out);
        out.push_str(if pipe { ")" } else { "" });
    }

    fn write(&self, out: &mut String) {
        match &self.kind {
            NodeKind::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            NodeKind::Dot => out.push('.'),
            NodeKind::Nil => out.push_str("nil"),
            NodeKind::Number(number) => out.push_str(number.text),
            NodeKind::Text(quoted, _) => out.push_str(quoted),
            NodeKind::Field(names) => names.iter().for_each(|name| {
                out.push('.');
                out.push_str(name);
            }),
            NodeKind::Variable(names) => out.push_str(&names.join(".")),
            NodeKind::Identifier(name) => out.push_str(name),
            NodeKind::Chain(node, names) => {
                node.write_operand(out);
                for name in names {
                    out.push('.');
                    out.push_str(name);
                }
            }
            NodeKind::Pipe(pipe) => pipe.write(out),
        }
    }

    pub(super) fn text(&self) -> String {
        Place::Node(self).text()
    }
}

/// Whether there is nothing but space.
pub(super) fn is_empty(parts: &[Part<'_>]) -> bool {
    parts
        .iter()
        .all(|part| matches!(part, Part::Text(text) if text.trim().is_empty()))
}
