//! Queries, and what queries and schemas share.

use super::ast::{
    Argument, Child, Comment, Comments, Directive, Field, Fragment, Inline, Literal, LiteralKind,
    MAX_DEPTH, Operation, Query, Selection, Spread, Type, Variable,
};
use super::lexer::{Kind, Lexer, Position, Token, Wrong};
use crate::go::quote::{Charset, push_quoted};

pub(super) type Parsed<T> = Result<T, Wrong>;

/// Reads tokens one ahead.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    peeked: Token,
    /// Why the token ahead is none.
    invalid: Option<Wrong>,
    /// The token before, for messages.
    pub(super) previous: Option<Token>,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parser<'t> {
        let mut parser = Parser {
            lexer: Lexer::new(text),
            peeked: Token {
                kind: Kind::End,
                value: String::new(),
                at: Position::default(),
                comments: Vec::new(),
            },
            invalid: None,
            previous: None,
            depth: 0,
        };
        parser.advance();
        parser
    }

    fn advance(&mut self) -> Token {
        let next = self.lexer.next().unwrap_or_else(|wrong| {
            let at = wrong.at;
            self.invalid = Some(wrong);
            Token {
                kind: Kind::Invalid,
                value: String::new(),
                at,
                comments: Vec::new(),
            }
        });
        std::mem::replace(&mut self.peeked, next)
    }

    pub(super) fn peek(&self) -> &Token {
        &self.peeked
    }

    pub(super) fn at(&self) -> Position {
        self.peeked.at
    }

    /// The comments before the next token.
    pub(super) fn comment(&self) -> Option<Box<Comments>> {
        let comment = |text: &String| Comment {
            value: text.clone(),
            at: Position::default(),
        };
        let list: Vec<_> = self.peeked.comments.iter().map(comment).collect();
        (!list.is_empty()).then(|| {
            Box::new(Comments {
                list,
                at: Position::default(),
            })
        })
    }

    pub(super) fn next(&mut self) -> Parsed<Token> {
        if let Some(wrong) = self.invalid.take() {
            return Err(wrong);
        }
        let token = self.advance();
        self.previous = Some(token.clone());
        Ok(token)
    }

    pub(super) fn is(&self, mark: &'static str) -> bool {
        self.peeked.kind == Kind::Mark(mark)
    }

    /// Takes a mark if it is next.
    pub(super) fn skip(&mut self, mark: &'static str) -> Parsed<bool> {
        let found = self.is(mark);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    pub(super) fn wrong<T>(&self, message: String) -> Parsed<T> {
        let at = self.peeked.at;
        Err(Wrong { at, message })
    }

    pub(super) fn unexpected<T>(&self) -> Parsed<T> {
        unexpected(&self.peeked)
    }

    pub(super) fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        if self.peeked.kind == kind {
            return self.next();
        }
        let (wanted, found) = (kind.name(), self.peeked.kind.name());
        self.wrong(format!("Expected {wanted}, found {found}"))
    }

    pub(super) fn expect_mark(&mut self, mark: &'static str) -> Parsed<()> {
        self.expect(Kind::Mark(mark)).map(|_| ())
    }

    /// Takes a keyword and gives the comments before it.
    pub(super) fn keyword(&mut self, keyword: &str) -> Parsed<Option<Box<Comments>>> {
        let comment = self.comment();
        if self.is_keyword(keyword) {
            self.next()?;
            return Ok(comment);
        }
        let mut message = "Expected ".to_owned();
        push_quoted(&mut message, keyword, Charset::Unicode);
        self.wrong(format!("{message}, found {}", self.peeked.text()))
    }

    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        self.peeked.kind == Kind::Name && self.peeked.value == keyword
    }

    pub(super) fn name(&mut self) -> Parsed<String> {
        self.expect(Kind::Name).map(|token| token.value)
    }

    /// Things between two marks, if the first one is there; then there is at least one thing. Gives the comments
    /// before the end, too.
    pub(super) fn some<T>(
        &mut self,
        start: &'static str,
        end: &'static str,
        mut one: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<T>, Option<Box<Comments>>)> {
        let mut things = Vec::new();
        if !self.skip(start)? {
            return Ok((things, None));
        }
        while !self.is(end) {
            things.push(one(self)?);
        }
        if things.is_empty() {
            return self.wrong(format!("expected at least one definition, found {end}"));
        }
        let comment = self.comment();
        self.next()?;
        Ok((things, comment))
    }

    /// Runs a step that may lead to itself.
    fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self.wrong("GraphQL document is nested too deeply".to_owned());
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn operation(&mut self) -> Parsed<Operation> {
        let at = self.at();
        if self.is("{") {
            return Ok(Operation {
                operation: "query".to_owned(),
                selections: self.selections()?,
                at,
                ..Operation::default()
            });
        }
        let comment = self.comment();
        let operation = self.operation_type()?;
        let name = match self.peek().kind {
            Kind::Name => self.name()?,
            _ => String::new(),
        };
        Ok(Operation {
            operation,
            name,
            variables: self.variables()?,
            directives: self.directives(false)?,
            selections: self.selections()?,
            comment,
            at,
        })
    }

    pub(super) fn operation_type(&mut self) -> Parsed<String> {
        let token = self.next()?;
        match token.value.as_str() {
            "query" | "mutation" | "subscription" => Ok(token.value),
            _ => unexpected(&token),
        }
    }

    fn variables(&mut self) -> Parsed<Vec<Variable>> {
        self.some("(", ")", Self::variable).map(|(all, _)| all)
    }

    fn variable(&mut self) -> Parsed<Variable> {
        let (at, comment) = (self.at(), self.comment());
        let name = self.variable_name()?;
        self.expect_mark(":")?;
        Ok(Variable {
            name,
            ty: self.ty()?,
            default: self.default()?,
            directives: self.directives(false)?,
            comment,
            used: false,
            at,
        })
    }

    fn variable_name(&mut self) -> Parsed<String> {
        self.expect_mark("$")?;
        self.name()
    }

    /// `= 1`, if it is there.
    pub(super) fn default(&mut self) -> Parsed<Option<Box<Literal>>> {
        Ok(match self.skip("=")? {
            true => Some(Box::new(self.literal(true)?)),
            false => None,
        })
    }

    /// `{ .. }`, which must be there.
    fn selections(&mut self) -> Parsed<Vec<Selection>> {
        if !self.is("{") {
            return self.expect(Kind::Mark("{")).map(|_| Vec::new());
        }
        self.deeper(|parser| parser.some("{", "}", Self::selection))
            .map(|(all, _)| all)
    }

    fn selection(&mut self) -> Parsed<Selection> {
        if self.is("...") {
            self.spread()
        } else {
            self.field().map(Selection::Field)
        }
    }

    fn field(&mut self) -> Parsed<Field> {
        let (at, comment) = (self.at(), self.comment());
        let alias = self.name()?;
        let name = match self.skip(":")? {
            true => self.name()?,
            false => alias.clone(),
        };
        Ok(Field {
            alias,
            name,
            arguments: self.arguments(false)?,
            directives: self.directives(false)?,
            selections: match self.is("{") {
                true => self.selections()?,
                false => Vec::new(),
            },
            comment,
            at,
        })
    }

    fn arguments(&mut self, constant: bool) -> Parsed<Vec<Argument>> {
        let argument = |parser: &mut Self| {
            let (at, comment) = (parser.at(), parser.comment());
            let name = parser.name()?;
            parser.expect_mark(":")?;
            Ok(Argument {
                name,
                value: parser.literal(constant)?,
                comment,
                at,
            })
        };
        self.some("(", ")", argument).map(|(all, _)| all)
    }

    fn spread(&mut self) -> Parsed<Selection> {
        let comment = self.comment();
        self.expect_mark("...")?;
        let at = self.at();
        if self.peek().kind == Kind::Name && self.peek().value != "on" {
            return Ok(Selection::Spread(Spread {
                name: self.name()?,
                directives: self.directives(false)?,
                comment,
                at,
            }));
        }
        let mut condition = String::new();
        // OPA takes the string "on" for the word, too.
        if self.peek().value == "on" {
            self.next()?;
            condition = self.name()?;
        }
        Ok(Selection::Inline(Inline {
            condition,
            directives: self.directives(false)?,
            selections: self.selections()?,
            comment,
            at,
        }))
    }

    fn fragment(&mut self) -> Parsed<Fragment> {
        let at = self.at();
        let comment = self.keyword("fragment")?;
        if self.peek().value == "on" {
            return self.unexpected();
        }
        let name = self.name()?;
        let variables = self.variables()?;
        self.keyword("on")?;
        Ok(Fragment {
            name,
            variables,
            condition: self.name()?,
            directives: self.directives(false)?,
            selections: self.selections()?,
            comment,
            at,
        })
    }

    pub(super) fn literal(&mut self, constant: bool) -> Parsed<Literal> {
        let at = self.at();
        let comment = self.comment();
        let kind = match self.peek().kind {
            Kind::Mark("[") => {
                let children = self.deeper(|parser| {
                    parser.children("[", "]", |parser| {
                        Ok(Child {
                            value: parser.literal(constant)?,
                            ..Child::default()
                        })
                    })
                })?;
                return Ok(Literal {
                    children,
                    kind: LiteralKind::List,
                    comment,
                    at,
                    ..Literal::default()
                });
            }
            Kind::Mark("{") => {
                let child = |parser: &mut Self| {
                    let (at, comment) = (parser.at(), parser.comment());
                    let name = parser.name()?;
                    parser.expect_mark(":")?;
                    Ok(Child {
                        name,
                        value: parser.literal(constant)?,
                        comment,
                        at,
                    })
                };
                return Ok(Literal {
                    children: self.deeper(|parser| parser.children("{", "}", child))?,
                    kind: LiteralKind::Object,
                    comment,
                    at,
                    ..Literal::default()
                });
            }
            Kind::Mark("$") if !constant => {
                return Ok(Literal {
                    raw: self.variable_name()?,
                    kind: LiteralKind::Variable,
                    at,
                    ..Literal::default()
                });
            }
            Kind::Int => LiteralKind::Int,
            Kind::Float => LiteralKind::Float,
            Kind::String => LiteralKind::String,
            Kind::BlockString => LiteralKind::Block,
            Kind::Name => match self.peek().value.as_str() {
                "true" | "false" => LiteralKind::Boolean,
                "null" => LiteralKind::Null,
                _ => LiteralKind::Enum,
            },
            _ => return self.unexpected(),
        };
        Ok(Literal {
            raw: self.next()?.value,
            kind,
            at,
            ..Literal::default()
        })
    }

    /// Any number of things between two marks.
    fn children(
        &mut self,
        start: &'static str,
        end: &'static str,
        mut one: impl FnMut(&mut Self) -> Parsed<Child>,
    ) -> Parsed<Vec<Child>> {
        let mut children = Vec::new();
        self.expect_mark(start)?;
        while !self.is(end) {
            children.push(one(self)?);
        }
        self.next()?;
        Ok(children)
    }

    pub(super) fn directives(&mut self, constant: bool) -> Parsed<Vec<Directive>> {
        let mut directives = Vec::new();
        while self.skip("@")? {
            directives.push(Directive {
                at: self.at(),
                name: self.name()?,
                arguments: self.arguments(constant)?,
                location: String::new(),
            });
        }
        Ok(directives)
    }

    pub(super) fn ty(&mut self) -> Parsed<Type> {
        let mut ty = Type::default();
        if self.skip("[")? {
            ty.at = self.at();
            let element = self.deeper(Self::ty)?;
            ty.element = Some(Box::new(element));
            self.expect_mark("]")?;
        } else {
            ty.at = self.at();
            ty.name = self.name()?;
        }
        ty.required = self.skip("!")?;
        Ok(ty)
    }
}

pub(super) fn unexpected<T>(token: &Token) -> Parsed<T> {
    Err(Wrong {
        at: token.at,
        message: format!("Unexpected {}", token.text()),
    })
}

/// Reads a query.
pub(super) fn parse_query(text: &str) -> Parsed<Query> {
    let mut parser = Parser::new(text);
    let mut query = Query::default();
    loop {
        let token = parser.peek();
        match (token.kind, token.value.as_str()) {
            (Kind::End, _) => return Ok(query),
            (Kind::Mark("{"), _) | (Kind::Name, "query" | "mutation" | "subscription") => {
                query.operations.push(parser.operation()?);
            }
            (Kind::Name, "fragment") => query.fragments.push(parser.fragment()?),
            _ => return parser.unexpected(),
        }
    }
}
