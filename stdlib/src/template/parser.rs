//! Tokens into trees, with the messages of Go.

use std::collections::HashMap;

use regovm_core::builtin::{BuiltinError, StopReason};
use regovm_core::value::Arena;

use super::ast::{Branch, Call, Command, Node, NodeKind, Part, Pipe, is_empty};
use super::functions;
use super::lexer::{Kind, Lexer, Token, quoted};
use super::literal;
use crate::operand::failed;

/// How deep actions and parentheses may nest together: this parser and the evaluation are recursive.
pub(super) const DEPTH: usize = 100;

/// The templates of a text by name.
pub(super) type Templates<'t> = HashMap<&'t str, Vec<Part<'t>>>;

type Parsed<T> = Result<T, BuiltinError>;

/// Parses a text, which is the template `name`, with all that it defines.
pub(super) fn parse<'t>(name: &'t str, text: &'t str, arena: &'t Arena) -> Parsed<Templates<'t>> {
    let mut shared = Shared {
        lexer: Lexer::new(text),
        templates: HashMap::new(),
        arena,
        name,
        depth: 0,
    };
    Tree::new(&mut shared).whole(name)?;
    Ok(shared.templates)
}

/// What all trees of a text have together.
struct Shared<'t> {
    lexer: Lexer<'t>,
    templates: Templates<'t>,
    arena: &'t Arena,
    name: &'t str,
    depth: usize,
}

/// The parser of one template. Tokens that were looked at are kept in the order of looking, newest first.
struct Tree<'s, 't> {
    shared: &'s mut Shared<'t>,
    tokens: [Token<'t>; 3],
    peeked: usize,
    variables: Vec<&'t str>,
    ranges: usize,
    action_line: usize,
}

/// What stands in a list, or ends it.
enum Item<'t> {
    Part(Part<'t>),
    End,
    Else,
}

impl Item<'_> {
    fn ending(&self) -> &'static str {
        match self {
            Item::End => "{{end}}",
            _ => "{{else}}",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn context(self) -> &'static str {
        match self {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        }
    }
}

impl<'s, 't> Tree<'s, 't> {
    fn new(shared: &'s mut Shared<'t>) -> Tree<'s, 't> {
        Tree {
            shared,
            tokens: [Token::nothing(), Token::nothing(), Token::nothing()],
            peeked: 0,
            variables: vec!["$"],
            ranges: 0,
            action_line: 0,
        }
    }

    fn next(&mut self) -> Token<'t> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.shared.lexer.next();
        }
        self.tokens[self.peeked].clone()
    }

    fn peek(&mut self) -> &Token<'t> {
        if self.peeked == 0 {
            self.peeked = 1;
            self.tokens[0] = self.shared.lexer.next();
        }
        &self.tokens[self.peeked - 1]
    }

    /// Undoes one `next`.
    fn back(&mut self) {
        self.peeked += 1;
    }

    /// Puts a token before the one that was read last.
    fn push_back(&mut self, token: Token<'t>) {
        self.tokens[1] = token;
        self.peeked = 2;
    }

    /// Puts two tokens before the one that was read last.
    fn push_back_two(&mut self, first: Token<'t>, second: Token<'t>) {
        self.tokens[1] = second;
        self.tokens[2] = first;
        self.peeked = 3;
    }

    fn next_word(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_word(&mut self) -> Token<'t> {
        let token = self.next_word();
        self.back();
        token
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Parsed<T> {
        let (name, line) = (self.shared.name, self.tokens[0].line);
        Err(failed(format!("template: {name}:{line}: {message}")))
    }

    fn unexpected<T>(&self, token: &Token<'t>, context: &str) -> Parsed<T> {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.shown()));
        }
        let mut message = token.shown();
        if self.action_line != 0 && self.action_line != token.line {
            // Not "action in action".
            let what = if message.ends_with(" action") {
                ""
            } else {
                " in action"
            };
            let (name, line) = (self.shared.name, self.action_line);
            message.push_str(&format!("{what} started at {name}:{line}"));
        }
        self.error(message)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'t>> {
        let token = self.next_word();
        if token.kind != kind {
            return self.unexpected(&token, context);
        }
        Ok(token)
    }

    /// Runs what nests, as long as it does not nest too deep.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.shared.depth >= DEPTH {
            return Err(BuiltinError::Stop(StopReason::Depth));
        }
        self.shared.depth += 1;
        let parsed = parse(self);
        self.shared.depth -= 1;
        parsed
    }

    /// The tree is the template of this name, unless there is one that is more than space.
    fn add(&mut self, name: &'t str, parts: Vec<Part<'t>>) -> Parsed<()> {
        match self.shared.templates.get(name) {
            Some(old) if !is_empty(old) => {
                if !is_empty(&parts) {
                    let name = quoted(name);
                    return self.error(format!("template: multiple definition of template {name}"));
                }
            }
            _ => {
                self.shared.templates.insert(name, parts);
            }
        }
        Ok(())
    }

    fn whole(&mut self, name: &'t str) -> Parsed<()> {
        let mut parts = Vec::new();
        loop {
            match self.peek().kind {
                Kind::Eof => break,
                Kind::LeftDelim => {
                    let delimiter = self.next();
                    if self.next_word().kind == Kind::Define {
                        Tree::new(self.shared).definition()?;
                        continue;
                    }
                    self.push_back(delimiter);
                }
                _ => {}
            }
            match self.item()? {
                Item::Part(part) => parts.push(part),
                end => return self.error(format!("unexpected {}", end.ending())),
            }
        }
        self.add(name, parts)
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let token = self.next_word();
        let name = self.template_name(&token, context)?;
        self.expect(Kind::RightDelim, context)?;
        self.body(name, context)
    }

    /// The rest of a template up to its end.
    fn body(&mut self, name: &'t str, context: &str) -> Parsed<()> {
        let (parts, end) = self.nested(Self::list)?;
        if !matches!(end, Item::End) {
            return self.error(format!("unexpected {} in {context}", end.ending()));
        }
        self.add(name, parts)
    }

    fn template_name(&mut self, token: &Token<'t>, context: &str) -> Parsed<&'t str> {
        match token.kind {
            Kind::String | Kind::RawString => self.unquoted(token.source()),
            _ => self.unexpected(token, context),
        }
    }

    fn unquoted(&self, text: &'t str) -> Parsed<&'t str> {
        match literal::unquoted(text) {
            Some(text) => Ok(self.shared.arena.text(&text)),
            None => self.error("invalid syntax"),
        }
    }

    fn list(&mut self) -> Parsed<(Vec<Part<'t>>, Item<'t>)> {
        let mut parts = Vec::new();
        while self.peek_word().kind != Kind::Eof {
            match self.item()? {
                Item::Part(part) => parts.push(part),
                end => return Ok((parts, end)),
            }
        }
        self.error("unexpected EOF")
    }

    fn item(&mut self) -> Parsed<Item<'t>> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Item::Part(Part::Text(token.source()))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item<'t>> {
        let token = self.next_word();
        let part = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.jump("{{break}}")?;
                Part::Break
            }
            Kind::Continue => {
                self.jump("{{continue}}")?;
                Part::Continue
            }
            Kind::Else => {
                // What follows is read by the one that this belongs to.
                if !matches!(self.peek_word().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Else);
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End);
            }
            Kind::If => Part::If(self.control(Control::If)?),
            Kind::With => Part::With(self.control(Control::With)?),
            Kind::Range => Part::Range(self.control(Control::Range)?),
            Kind::Template => self.template()?,
            _ => {
                self.back();
                Part::Action(self.pipe("command", Kind::RightDelim)?)
            }
        };
        Ok(Item::Part(part))
    }

    fn jump(&mut self, what: &str) -> Parsed<()> {
        let token = self.next_word();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, what);
        }
        if self.ranges == 0 {
            return self.error(format!("{what} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn control(&mut self, control: Control) -> Parsed<Branch<'t>> {
        self.nested(|tree| tree.control_within(control))
    }

    fn control_within(&mut self, control: Control) -> Parsed<Branch<'t>> {
        let known = self.variables.len();
        let pipe = self.pipe(control.context(), Kind::RightDelim)?;
        let ranges = usize::from(control == Control::Range);
        self.ranges += ranges;
        let (list, next) = self.list()?;
        self.ranges -= ranges;
        let mut otherwise = None;
        if matches!(next, Item::Else) {
            otherwise = Some(match (control, self.peek().kind) {
                // `else if` is an `if` within the `else` that needs no end of its own.
                (Control::If, Kind::If) => {
                    self.next();
                    vec![Part::If(self.control(Control::If)?)]
                }
                (Control::With, Kind::With) => {
                    self.next();
                    vec![Part::With(self.control(Control::With)?)]
                }
                _ => {
                    let (list, end) = self.list()?;
                    if !matches!(end, Item::End) {
                        return self.error(format!("expected end; found {}", end.ending()));
                    }
                    list
                }
            });
        }
        self.variables.truncate(known);
        Ok(Branch {
            pipe,
            list,
            otherwise,
        })
    }

    fn block(&mut self) -> Parsed<Part<'t>> {
        let context = "block clause";
        let token = self.next_word();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipe(context, Kind::RightDelim)?;
        Tree::new(self.shared).body(name, context)?;
        Ok(Part::Template(Call {
            at: token.at,
            name,
            pipe: Some(pipe),
        }))
    }

    fn template(&mut self) -> Parsed<Part<'t>> {
        let context = "template clause";
        let token = self.next_word();
        let name = self.template_name(&token, context)?;
        let mut pipe = None;
        if self.next_word().kind != Kind::RightDelim {
            self.back();
            pipe = Some(self.pipe(context, Kind::RightDelim)?);
        }
        Ok(Part::Template(Call {
            at: token.at,
            name,
            pipe,
        }))
    }

    fn pipe(&mut self, context: &str, end: Kind) -> Parsed<Pipe<'t>> {
        let mut pipe = Pipe {
            at: self.peek_word().at,
            variables: Vec::new(),
            assigns: false,
            commands: Vec::new(),
        };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
                Kind::Boolean
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back();
                    pipe.commands.push(self.command()?);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            use NodeKind::*;
            if let Some(Boolean(_) | Dot | Nil | Number(_) | Text(..)) =
                command.words.first().map(|word| &word.kind)
            {
                let stage = i + 1;
                return self.error(format!("non executable command in pipeline stage {stage}"));
            }
        }
        Ok(pipe)
    }

    /// Reads `$x :=`, `$x =`, or the `$x,` before it; true if another one may follow.
    fn declaration(&mut self, pipe: &mut Pipe<'t>, context: &str) -> Parsed<bool> {
        let variable = self.peek_word();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        // `$x y` has a variable as its first word: all three tokens go back.
        let adjacent = self.peek().clone();
        let next = self.peek_word();
        let name = variable.source();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                pipe.assigns = next.kind == Kind::Assign;
                self.next_word();
                pipe.variables.push(name);
                self.variables.push(name);
            }
            Kind::Char if next.text == "," => {
                self.next_word();
                pipe.variables.push(name);
                self.variables.push(name);
                if context != "range" || pipe.variables.len() >= 2 {
                    return self.error(format!("too many declarations in {context}"));
                }
                return match self.peek_word().kind {
                    Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                    _ => self.error("range can only initialize variables"),
                };
            }
            _ if adjacent.kind == Kind::Space => self.push_back_two(variable, adjacent),
            _ => self.push_back(variable),
        }
        Ok(false)
    }

    fn command(&mut self) -> Parsed<Command<'t>> {
        let mut command = Command {
            at: self.peek_word().at,
            words: Vec::new(),
        };
        loop {
            self.peek_word();
            if let Some(word) = self.operand()? {
                command.words.push(word);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if command.words.is_empty() {
            return self.error("empty command");
        }
        Ok(command)
    }

    /// A term with the fields that are taken of it.
    fn operand(&mut self) -> Parsed<Option<Node<'t>>> {
        let Some(mut node) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(node));
        }
        let at = self.peek().at;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(self.next().source().trim_start_matches('.'));
        }
        match &mut node.kind {
            NodeKind::Field(names) | NodeKind::Variable(names) => {
                names.append(&mut fields);
                node.at = at;
                Ok(Some(node))
            }
            NodeKind::Boolean(_)
            | NodeKind::Text(..)
            | NodeKind::Number(_)
            | NodeKind::Nil
            | NodeKind::Dot => {
                let term = quoted(&node.text());
                self.error(format!("unexpected . after term {term}"))
            }
            _ => Ok(Some(Node {
                at,
                kind: NodeKind::Chain(Box::new(node), fields),
            })),
        }
    }

    fn term(&mut self) -> Parsed<Option<Node<'t>>> {
        let token = self.next_word();
        let text = token.source();
        let kind = match token.kind {
            Kind::Identifier if functions::find(text).is_none() => {
                return self.error(format!("function {} not defined", quoted(text)));
            }
            Kind::Identifier => NodeKind::Identifier(text),
            Kind::Dot => NodeKind::Dot,
            Kind::Nil => NodeKind::Nil,
            Kind::Variable if !self.variables.contains(&text) => {
                return self.error(format!("undefined variable {}", quoted(text)));
            }
            Kind::Variable => NodeKind::Variable(vec![text]),
            Kind::Field => NodeKind::Field(vec![text.trim_start_matches('.')]),
            Kind::Boolean => NodeKind::Boolean(text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match literal::number(text, token.kind) {
                    Ok(number) => NodeKind::Number(number),
                    Err(message) => return self.error(message),
                }
            }
            Kind::LeftParen => {
                let context = "parenthesized pipeline";
                let pipe = self.nested(|tree| tree.pipe(context, Kind::RightParen))?;
                return Ok(Some(Node {
                    at: pipe.at,
                    kind: NodeKind::Pipe(Box::new(pipe)),
                }));
            }
            Kind::String | Kind::RawString => NodeKind::Text(text, self.unquoted(text)?),
            _ => {
                self.back();
                return Ok(None);
            }
        };
        Ok(Some(Node { at: token.at, kind }))
    }
}
