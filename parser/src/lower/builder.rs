//! What the grammar has read so far, and the nodes that it makes of it.
//!
//! Everything that is complete lies on a stack of its kind: the symbols of the grammar only count. A node takes what
//! belongs to it from the top, so that nothing large moves with the symbols and lists get the room that they need at once.
//!
//! Some texts fit the grammar but are refused all the same. The builder then only notes that; [`crate::explain`] finds
//! OPA's words.

use regovm_core::Span;

use super::tree::{Else, Equation, Operand, RuleBody, Statement, Tail as TailOf};
use super::{infix_call, is_declarable, is_membership, is_number, is_var, missing, template_part};
use crate::ast::{
    Body, Comprehension, Every, Expr, ExprKind, Logical, Name, Not, ObjectComprehension,
    TemplatePart, TemplateString, Term, TermKind, With,
};
use crate::lexer::layout::{Infix, Scalar};
use crate::lexer::names::{Names, Symbol};
use crate::shape::void_calls;

/// How the term on top can go on.
#[derive(Clone, Copy, Debug)]
pub enum Primary {
    /// It is complete, and may be the head of a reference.
    Atom,
    /// `input` or `data`, which are references when they stand alone.
    Root,
    /// A reference: its steps lie above its head.
    Steps(u32),
    /// The result of a call.
    Called,
}

/// The terms of an equation: how many operators wait in each.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    lhs: u32,
    /// `:=` (or else `=`), the place of the operator, and the right side.
    rhs: Option<(bool, u32, u32, u32)>,
}

impl Sides {
    /// A term alone.
    pub fn one(term: u32) -> Sides {
        Sides {
            lhs: term,
            rhs: None,
        }
    }

    /// Two terms with an operator, which is `:=` or else `=`, between two offsets.
    pub fn two(lhs: u32, assign: bool, start: u32, end: u32, rhs: u32) -> Sides {
        let rhs = Some((assign, start, end, rhs));
        Sides { lhs, rhs }
    }
}

/// What follows the first body of a rule.
#[derive(Clone, Copy, Debug)]
pub enum Tail {
    /// Nothing.
    None,
    /// `else ..`
    Else,
    /// So many more bodies in braces.
    Chain(u32),
}

/// What follows `else` and its value.
#[derive(Clone, Copy, Debug)]
pub enum Clause {
    /// Nothing.
    Bare,
    /// A body, and maybe the next `else`.
    Body {
        /// `if` stands before it.
        has_if: bool,
        /// There is a next one.
        next: bool,
    },
}

/// An operator that waits for its right operand to be complete.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    operator: Infix,
    start: u32,
    end: u32,
}

impl Infix {
    /// Operators with a higher number bind tighter.
    fn binding(self) -> u32 {
        match self {
            Infix::KeyComma => 0,
            Infix::In => 1,
            Infix::Equal
            | Infix::NotEqual
            | Infix::Less
            | Infix::LessEqual
            | Infix::Greater
            | Infix::GreaterEqual => 2,
            Infix::Or => 3,
            Infix::And => 4,
            Infix::Plus | Infix::Minus => 5,
            Infix::Times | Infix::Divide | Infix::Remainder => 6,
        }
    }
}

/// The built-ins that stand for operators: those of [`Infix`] in its order, then more.
const OPERATORS: [&str; 18] = [
    "mul", "div", "rem", "plus", "minus", "and", "or", "equal", "neq", "lt", "lte", "gt", "gte",
    "member_2", "member_3", "eq", "assign", "internal",
];
const EQ: usize = Infix::KeyComma as usize + 1;
const ASSIGN: usize = EQ + 1;
const INTERNAL: usize = ASSIGN + 1;

/// What is complete but belongs to nothing yet. It is kept from one text to the next, empty but with its room.
#[derive(Debug, Default)]
pub struct Stacks {
    terms: Vec<Term>,
    waiting: Vec<Waiting>,
    pairs: Vec<(Term, Term)>,
    exprs: Vec<Expr>,
    operands: Vec<Operand>,
    /// For each operator that waits between operands whether it is `and`.
    junctions: Vec<bool>,
    texts: Vec<(Name, Span)>,
    bodies: Vec<RuleBody>,
    branches: Vec<Else>,
    statements: Vec<Statement>,
    /// The names of [`OPERATORS`], as far as they were needed.
    operators: [Option<Name>; OPERATORS.len()],
}

impl Stacks {
    /// Removes what a text left that was refused.
    fn clear(&mut self) {
        self.terms.clear();
        self.waiting.clear();
        self.pairs.clear();
        self.exprs.clear();
        self.operands.clear();
        self.junctions.clear();
        self.texts.clear();
        self.bodies.clear();
        self.branches.clear();
        self.statements.clear();
    }
}

/// Makes nodes for the grammar.
#[derive(Debug)]
pub struct Builder<'a> {
    text: &'a str,
    base: u32,
    comments: &'a [(u32, u32)],
    names: &'a Names,
    stacks: &'a mut Stacks,
    refused: bool,
}

/// Takes the upper part of a stack.
fn take<T>(stack: &mut Vec<T>, count: u32) -> Vec<T> {
    match count {
        0 => Vec::new(),
        1 => stack.pop().into_iter().collect(),
        _ => stack.split_off(stack.len().saturating_sub(count as usize)),
    }
}

impl<'a> Builder<'a> {
    /// A builder for a text whose first byte has a global position.
    pub fn new(
        text: &'a str,
        base: u32,
        comments: &'a [(u32, u32)],
        names: &'a Names,
        stacks: &'a mut Stacks,
    ) -> Builder<'a> {
        stacks.clear();
        Builder {
            text,
            base,
            comments,
            names,
            stacks,
            refused: false,
        }
    }

    /// The statements of a module, unless something was refused.
    pub fn statements(self) -> Option<Vec<Statement>> {
        let statements = std::mem::take(&mut self.stacks.statements);
        (!self.refused).then_some(statements)
    }

    /// The expressions of a query, unless something was refused.
    pub fn query(mut self, count: u32) -> Option<Body> {
        let body = self.body(count);
        (!self.refused).then_some(body)
    }

    fn refuse(&mut self) {
        self.refused = true;
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.base + start, self.base + end)
    }

    fn name(&self, symbol: Symbol) -> Name {
        self.names.get(symbol).clone()
    }

    /// The byte at the start of the text of a node.
    fn first_byte(&self, span: Span) -> u8 {
        let at = span.start.wrapping_sub(self.base) as usize;
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    // ---- Statements ----

    /// `package a.b`
    pub fn package(&mut self, path: u32, start: u32, end: u32) {
        let path = self.plain(path);
        let span = self.span(start, end);
        self.stacks
            .statements
            .push(Statement::Package { path, span });
    }

    /// `import a.b as c`; the alias has its offsets.
    pub fn import(&mut self, path: u32, alias: Option<(Symbol, u32, u32)>, start: u32, end: u32) {
        let path = self.plain(path);
        let alias = alias.map(|(name, start, end)| (self.name(name), self.span(start, end)));
        let span = self.span(start, end);
        self.stacks
            .statements
            .push(Statement::Import { path, alias, span });
    }

    /// `default p := 1`
    pub fn default(&mut self, head: Sides, start: u32, head_start: u32, end: u32) {
        let statement = Statement::Default {
            head: self.sides(head),
            head_span: self.span(head_start, end),
            span: self.span(start, end),
        };
        self.stacks.statements.push(statement);
    }

    /// `p contains x`
    pub fn bare_rule(&mut self, head: Sides, key: u32, start: u32, end: u32) {
        let key = Some(self.folded(key));
        let head = self.sides(head);
        let span = self.span(start, end);
        self.stacks.statements.push(Statement::Rule {
            head,
            key,
            has_if: false,
            body: None,
            tail: TailOf::None,
            head_span: span,
            span,
        });
    }

    /// A rule with a body, from an offset; its head ends at another.
    pub fn rule(
        &mut self,
        head: Sides,
        key: Option<u32>,
        has_if: bool,
        tail: Tail,
        start: u32,
        head_end: u32,
    ) {
        let tail = match tail {
            Tail::None => TailOf::None,
            Tail::Else => match self.stacks.branches.pop() {
                Some(branch) => TailOf::Else(Box::new(branch)),
                None => TailOf::None,
            },
            Tail::Chain(count) => TailOf::Chain(take(&mut self.stacks.bodies, count)),
        };
        let body = self.stacks.bodies.pop();
        let last = match &tail {
            TailOf::None => None,
            TailOf::Else(branch) => Some(branch.span),
            TailOf::Chain(bodies) => bodies.last().map(|last| last.span),
        };
        let last = last.or(body.as_ref().map(|body| body.span));
        let head_span = self.span(start, head_end);
        let key = key.map(|key| self.folded(key));
        let head = self.sides(head);
        self.stacks.statements.push(Statement::Rule {
            head,
            key,
            has_if,
            body,
            tail,
            head_span,
            span: Span::new(head_span.start, last.unwrap_or(head_span).end),
        });
    }

    /// `else ..` from an offset; one without body ends at another.
    pub fn else_branch(
        &mut self,
        value: Option<(bool, u32)>,
        clause: Clause,
        start: u32,
        end: u32,
    ) {
        let mut branch = Else {
            value: value.map(|(assign, value)| (assign, self.folded(value))),
            has_if: false,
            body: None,
            next: None,
            span: self.span(start, end),
        };
        if let Clause::Body { has_if, next } = clause {
            branch.has_if = has_if;
            branch.body = self.stacks.bodies.pop();
            if next {
                branch.next = self.stacks.branches.pop().map(Box::new);
            }
            let last = match &branch.next {
                Some(next) => Some(next.span),
                None => branch.body.as_ref().map(|body| body.span),
            };
            branch.span.end = last.unwrap_or(branch.span).end;
        }
        self.stacks.branches.push(branch);
    }

    /// Expressions as a statement.
    pub fn expressions(&mut self, count: u32) {
        let body = self.body(count);
        self.stacks.statements.push(Statement::Body(body));
    }

    /// `{ .. }`
    pub fn braced_body(&mut self, count: u32, start: u32, end: u32) {
        let body = RuleBody {
            body: self.body(count),
            braces: true,
            span: self.span(start, end),
        };
        self.stacks.bodies.push(body);
    }

    /// A body of one expression, without braces.
    pub fn literal_body(&mut self) {
        let body = self.body(1);
        self.stacks.bodies.push(RuleBody {
            span: body.first().map_or(Span::NONE, |expr| expr.span),
            body,
            braces: false,
        });
    }

    // ---- Expressions ----

    fn body(&mut self, count: u32) -> Body {
        let mut body = take(&mut self.stacks.exprs, count);
        for (at, expr) in body.iter_mut().enumerate() {
            expr.index = at as u32;
        }
        body
    }

    /// The terms of an equation.
    fn sides(&mut self, sides: Sides) -> Equation {
        let rhs = sides
            .rhs
            .map(|(assign, start, end, rhs)| (assign, self.span(start, end), self.folded(rhs)));
        let lhs = self.folded(sides.lhs);
        Equation { lhs, rhs }
    }

    fn expr(&mut self, sides: Sides, start: u32, end: u32) -> Expr {
        let Equation { lhs, rhs } = self.sides(sides);
        let kind = match rhs {
            Some((assign, place, rhs)) => {
                let operator = self.operator(if assign { ASSIGN } else { EQ }, place);
                ExprKind::Call(vec![operator, lhs, rhs])
            }
            None => match lhs.kind {
                TermKind::Call(terms) => ExprKind::Call(terms),
                kind => ExprKind::Term(Term::with_text(kind, lhs.span, lhs.text)),
            },
        };
        Expr::new(kind, self.span(start, end))
    }

    /// An equation (or a term) as an expression.
    pub fn equation(&mut self, sides: Sides, start: u32, end: u32) {
        let expr = self.expr(sides, start, end);
        self.stacks.exprs.push(expr);
    }

    fn push_operand(&mut self, expr: Expr, span: Span) {
        self.stacks.operands.push(Operand {
            body: vec![expr],
            explicit: false,
            group: false,
            span,
        });
    }

    /// An equation (or a term) as an operand of `and` and `or`.
    pub fn operand(&mut self, sides: Sides, start: u32, end: u32) {
        let expr = self.expr(sides, start, end);
        self.push_operand(expr, self.span(start, end));
    }

    /// `not x` in its classic form; the offsets are without `not`.
    pub fn negated(&mut self, sides: Sides, start: u32, end: u32) {
        let mut expr = self.expr(sides, start, end);
        expr.negated = true;
        self.push_operand(expr, self.span(start, end));
    }

    /// `not x` in its new form.
    pub fn not(&mut self, start: u32, end: u32) {
        let span = self.span(start, end);
        let inner = self.popped_operand();
        let not = Not {
            body: inner.body,
            explicit: inner.explicit,
            span,
        };
        self.push_operand(Expr::new(ExprKind::Not(Box::new(not)), span), span);
    }

    fn popped_operand(&mut self) -> Operand {
        // The grammar put it there.
        self.stacks.operands.pop().unwrap_or_else(|| Operand {
            body: Vec::new(),
            explicit: false,
            group: false,
            span: Span::NONE,
        })
    }

    /// Braces around an operand. A plain union in them could be a comprehension as well.
    pub fn braces(&mut self, count: u32, start: u32, end: u32) {
        let body = self.body(count);
        if let Some(Expr {
            kind: ExprKind::Call(terms),
            span: place,
            ..
        }) = body.first()
            && let Some(operator) = terms.first()
            && operator.span.end == operator.span.start + 1
            && crate::print::infix_symbol(operator) == Some("|")
            && self.first_byte(*place) != b'('
        {
            self.refuse();
        }
        self.stacks.operands.push(Operand {
            body,
            explicit: true,
            group: false,
            span: self.span(start, end),
        });
    }

    /// Parentheses around operands.
    pub fn group(&mut self, start: u32, end: u32) {
        let body = self.body(1);
        if matches!(
            body.first().map(|expr| &expr.kind),
            Some(ExprKind::Some(_) | ExprKind::Every(_))
        ) {
            self.refuse();
        }
        self.stacks.operands.push(Operand {
            body,
            explicit: false,
            group: true,
            span: self.span(start, end),
        });
    }

    /// `x and y`, `x or y`, where `x` may have operators that wait; gives how many wait now.
    pub fn junction(&mut self, mut waiting: u32, and: bool) -> u32 {
        let rhs = self.popped_operand();
        // What stands left binds first, unless it is an `or` before an `and`.
        while waiting > 0 && (!and || self.stacks.junctions.last() == Some(&true)) {
            self.join();
            waiting -= 1;
        }
        self.stacks.junctions.push(and);
        self.stacks.operands.push(rhs);
        waiting + 1
    }

    fn join(&mut self) {
        let and = self.stacks.junctions.pop().unwrap_or(false);
        let rhs = self.popped_operand();
        let lhs = self.popped_operand();
        let span = Span::new(lhs.span.start, rhs.span.end);
        if void_calls(&lhs.body).is_some() || void_calls(&rhs.body).is_some() {
            self.refuse();
        }
        // A brace at the start of an operand opens a body, never a value.
        if !lhs.explicit
            && !lhs.group
            && let [expr] = &lhs.body[..]
            && !expr.negated
            && !matches!(
                expr.kind,
                ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
            )
            && self.first_byte(lhs.span) == b'{'
        {
            self.refuse();
        }
        let logical = Box::new(Logical {
            lhs: lhs.body,
            rhs: rhs.body,
            explicit_lhs: lhs.explicit,
            explicit_rhs: rhs.explicit,
            span,
        });
        let kind = if and {
            ExprKind::And(logical)
        } else {
            ExprKind::Or(logical)
        };
        self.push_operand(Expr::new(kind, span), span);
    }

    /// Operands, with operators that wait, as an expression.
    pub fn literal(&mut self, waiting: u32, start: u32, end: u32) {
        for _ in 0..waiting {
            self.join();
        }
        let mut operand = self.popped_operand();
        let whole = operand.body.len() == 1 && !operand.explicit;
        let Some(mut expr) = operand.body.pop() else {
            return self.refuse();
        };
        let logical = expr.negated
            || matches!(
                expr.kind,
                ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
            );
        if !whole || operand.group && !logical {
            self.refuse();
        }
        place_literal(&mut expr, self.span(start, end));
        self.stacks.exprs.push(expr);
    }

    /// `with target as value` between two offsets, after an expression. The target ends at an offset.
    pub fn with(&mut self, target: (Primary, u32), value: u32, start: u32, end: u32) {
        let value = self.folded(value);
        self.finish(target.0, target.1);
        let target = self.popped();
        if !matches!(target.kind, TermKind::Ref(_) | TermKind::Var(_)) || !self.is_named(&target) {
            self.refuse();
        }
        let span = self.span(start, end);
        let Some(expr) = self.stacks.exprs.last_mut() else {
            return self.refuse();
        };
        expr.with.push(With {
            target,
            value,
            span,
        });
        let place = expr.span.to(span);
        place_literal(expr, place);
        match &mut expr.kind {
            ExprKind::Every(every) => every.span = place,
            // Names alone have no value.
            ExprKind::Some(symbols) if !is_member(symbols) => self.refuse(),
            _ => {}
        }
    }

    /// `some x, y` and `some x in xs`
    pub fn some(&mut self, count: u32, start: u32, end: u32) {
        let mut symbols = take(&mut self.stacks.terms, count);
        if !is_member(&symbols) && !symbols.iter().all(is_declarable) {
            self.refuse();
        }
        for symbol in &mut symbols {
            // `some input` declares a variable.
            if let TermKind::Ref(path) = &mut symbol.kind
                && path.len() == 1
                && let Some(var) = path.pop()
            {
                *symbol = var;
            }
        }
        let span = self.span(start, end);
        self.stacks
            .exprs
            .push(Expr::new(ExprKind::Some(symbols), span));
    }

    /// `every k, v in xs { .. }`
    pub fn every(&mut self, header: u32, count: u32, start: u32, end: u32) {
        let span = self.span(start, end);
        let body = self.body(count);
        let header = self.folded(header);
        let mut every = Every {
            key: None,
            value: missing(),
            domain: missing(),
            body,
            span,
        };
        let fits = match header.kind {
            TermKind::Call(call) => match is_membership(&call) {
                Some(keyed) => {
                    let mut operands = call.into_iter().skip(1);
                    if keyed {
                        every.key = operands.next();
                    }
                    every.value = operands.next().unwrap_or_else(missing);
                    every.domain = operands.next().unwrap_or_else(missing);
                    every.value.as_var().is_some()
                        && every.key.as_ref().is_none_or(|key| key.as_var().is_some())
                }
                None => false,
            },
            _ => false,
        };
        if !fits {
            self.refuse();
        }
        let every = ExprKind::Every(Box::new(every));
        self.stacks.exprs.push(Expr::new(every, span));
    }

    // ---- Terms ----

    fn push(&mut self, kind: TermKind, start: u32, end: u32) -> Primary {
        let span = self.span(start, end);
        self.stacks.terms.push(Term::new(kind, span));
        Primary::Atom
    }

    fn popped(&mut self) -> Term {
        // The grammar put it there.
        self.stacks.terms.pop().unwrap_or_else(missing)
    }

    /// A variable.
    pub fn variable(&mut self, name: Symbol, start: u32, end: u32) -> Primary {
        let name = self.name(name);
        let root = matches!(&*name, "input" | "data");
        let atom = self.push(TermKind::Var(name), start, end);
        if root { Primary::Root } else { atom }
    }

    /// A scalar. A number must not have leading zeros nor an exponent beyond reason.
    pub fn scalar(&mut self, scalar: Scalar, start: u32, end: u32) -> Primary {
        let kind = match scalar {
            Scalar::Null => TermKind::Null,
            Scalar::True => TermKind::Boolean(true),
            Scalar::False => TermKind::Boolean(false),
            Scalar::String(text) => TermKind::String(self.name(text)),
            Scalar::Number(text) => {
                let text = self.name(text);
                self.refused |= !is_number(&text);
                TermKind::Number(text)
            }
        };
        self.push(kind, start, end)
    }

    /// `(t)`
    pub fn parentheses(&mut self, waiting: u32, start: u32, end: u32) -> Primary {
        self.fold(waiting);
        let text = self.span(start, end);
        if let Some(term) = self.stacks.terms.last_mut() {
            term.text = text;
            if let TermKind::Ref(path) = &mut term.kind
                && let [only] = &mut path[..]
            {
                only.text = text;
            }
        }
        Primary::Atom
    }

    /// `[a, b]`
    pub fn array(&mut self, count: u32, start: u32, end: u32) -> Primary {
        let items = take(&mut self.stacks.terms, count);
        self.push(TermKind::Array(items), start, end)
    }

    /// `{a, b}`
    pub fn set(&mut self, count: u32, start: u32, end: u32) -> Primary {
        let items = take(&mut self.stacks.terms, count);
        self.push(TermKind::Set(items), start, end)
    }

    /// `{a: b}`
    pub fn object(&mut self, count: u32, start: u32, end: u32) -> Primary {
        let members = take(&mut self.stacks.pairs, count);
        self.push(TermKind::Object(members), start, end)
    }

    /// Completes an element of a list.
    pub fn list(&mut self, waiting: u32) {
        self.fold(waiting);
    }

    /// Completes a member of an object.
    pub fn pair(&mut self, key: u32, value: u32) {
        let value = self.folded(value);
        let key = self.folded(key);
        self.stacks.pairs.push((key, value));
    }

    /// `[t | body]`
    pub fn array_comprehension(&mut self, term: u32, body: u32, start: u32, end: u32) -> Primary {
        let body = self.body(body);
        let term = self.plain(term);
        let inner = Box::new(Comprehension { term, body });
        self.push(TermKind::ArrayComprehension(inner), start, end)
    }

    /// `{t | body}`
    pub fn set_comprehension(&mut self, term: u32, body: u32, start: u32, end: u32) -> Primary {
        let body = self.body(body);
        let term = self.plain(term);
        let inner = Box::new(Comprehension { term, body });
        self.push(TermKind::SetComprehension(inner), start, end)
    }

    /// `{k: v | body}`
    pub fn object_comprehension(
        &mut self,
        key: u32,
        value: u32,
        body: u32,
        start: u32,
        end: u32,
    ) -> Primary {
        let body = self.body(body);
        let value = self.plain(value);
        let key = self.folded(key);
        let inner = Box::new(ObjectComprehension { key, value, body });
        self.push(TermKind::ObjectComprehension(inner), start, end)
    }

    /// The head of a reference or call.
    fn head(&mut self, primary: Primary) -> u32 {
        match primary {
            Primary::Steps(steps) => return steps,
            Primary::Root | Primary::Called => {}
            Primary::Atom => match self.stacks.terms.last().map(|term| &term.kind) {
                Some(
                    TermKind::Var(_)
                    | TermKind::Array(_)
                    | TermKind::Object(_)
                    | TermKind::Set(_)
                    | TermKind::ArrayComprehension(_)
                    | TermKind::ObjectComprehension(_)
                    | TermKind::SetComprehension(_)
                    | TermKind::Call(_),
                ) => {}
                _ => self.refuse(),
            },
        }
        0
    }

    /// `t.name`
    pub fn field(&mut self, primary: Primary, name: Symbol, start: u32, end: u32) -> Primary {
        let steps = self.head(primary);
        let name = self.name(name);
        self.push(TermKind::String(name), start, end);
        Primary::Steps(steps + 1)
    }

    /// `t[index]`
    pub fn index(&mut self, primary: Primary, index: u32) -> Primary {
        let index = self.folded(index);
        let steps = self.head(primary);
        self.stacks.terms.push(index);
        Primary::Steps(steps + 1)
    }

    /// The reference of a head and so many steps at the end of a list of terms.
    fn reference(&self, path: Vec<Term>, end: u32) -> Term {
        let end = self.base + end;
        let (start, text) = path
            .first()
            .map_or((end, end), |head| (head.span.start, head.text.start));
        Term::with_text(
            TermKind::Ref(path),
            Span::new(start, end),
            Span::new(text, end),
        )
    }

    /// Completes the term on top, which ends at an offset: `input` and `data` alone are references.
    pub fn finish(&mut self, primary: Primary, end: u32) {
        match primary {
            Primary::Atom | Primary::Called => {}
            Primary::Root => {
                let term = self.popped();
                let (span, text) = (term.span, term.text);
                let reference = TermKind::Ref(vec![term]);
                self.stacks
                    .terms
                    .push(Term::with_text(reference, span, text));
            }
            Primary::Steps(steps) => {
                let path = take(&mut self.stacks.terms, steps + 1);
                let reference = self.reference(path, end);
                self.stacks.terms.push(reference);
            }
        }
    }

    /// `t(arguments)`, where the operator ends at the first offset.
    pub fn call(&mut self, primary: Primary, place: u32, count: u32, end: u32) -> Primary {
        if matches!(primary, Primary::Called) {
            // A call of the result of a call.
            self.refuse();
        }
        let arguments = self.stacks.terms.len().saturating_sub(count as usize);
        let mut call = Vec::with_capacity(count as usize + 1);
        call.push(missing());
        call.extend(self.stacks.terms.drain(arguments..));
        let steps = self.head(primary);
        let path = take(&mut self.stacks.terms, steps + 1);
        let operator = match &path[..] {
            [head] => {
                let (span, text) = (head.span, head.text);
                Term::with_text(TermKind::Ref(path), span, text)
            }
            _ => self.reference(path, place),
        };
        let span = Span::new(operator.span.start, self.base + end);
        let text = Span::new(operator.text.start, self.base + end);
        let is_set = count == 0
            && matches!(operator.as_ref().map(|path| &path[..]), Some([head]) if is_var(head, "set"));
        let kind = if is_set {
            TermKind::Set(Vec::new())
        } else {
            call[0] = operator;
            TermKind::Call(call)
        };
        self.stacks.terms.push(Term::with_text(kind, span, text));
        Primary::Called
    }

    /// Whether a complete term starts with a name.
    fn is_named(&self, term: &Term) -> bool {
        let first = self.first_byte(term.text);
        (first.is_ascii_alphabetic() || first == b'_')
            && !matches!(term.kind, TermKind::Null | TermKind::Boolean(_))
    }

    /// `-x` from an offset; the term ends at another. A sign stands before names only.
    pub fn negate(&mut self, primary: Primary, start: u32, end: u32) {
        self.finish(primary, end);
        let term = self.popped();
        if !self.is_named(&term) {
            self.refuse();
        }
        let sign = self.span(start, start + 1);
        let span = Span::new(sign.start, term.text.end);
        let zero = Term::new(TermKind::Number("0".into()), sign);
        let minus = self.operator(Infix::Minus as usize, Span::NONE);
        let call = TermKind::Call(vec![minus, zero, term]);
        self.stacks.terms.push(Term::new(call, span));
    }

    /// The term of an operator.
    fn operator(&mut self, operator: usize, place: Span) -> Term {
        let name = self.operator_name(operator);
        Term::new(TermKind::Ref(vec![Term::var(name, place)]), place)
    }

    fn operator_name(&mut self, operator: usize) -> Name {
        let name =
            self.stacks.operators[operator].get_or_insert_with(|| OPERATORS[operator].into());
        name.clone()
    }

    /// An operator between two offsets, after an operation where operators wait and before the term on top; gives how many
    /// wait now.
    pub fn infix(&mut self, mut waiting: u32, operator: Infix, start: u32, end: u32) -> u32 {
        if waiting > 0 {
            let rhs = self.popped();
            while let Some(last) = self.stacks.waiting.last()
                && waiting > 0
                && (operator == Infix::KeyComma || last.operator.binding() >= operator.binding())
            {
                // Only one pair of key and value can stand before `in`, and nothing that has an `in` itself.
                if operator == Infix::KeyComma && last.operator.binding() <= Infix::In.binding() {
                    self.refuse();
                }
                waiting -= self.combine(waiting);
            }
            self.stacks.terms.push(rhs);
        }
        self.stacks.waiting.push(Waiting {
            operator,
            start,
            end,
        });
        waiting + 1
    }

    /// Joins the two terms on top by the last of the operators that wait; gives how many that took.
    fn combine(&mut self, waiting: u32) -> u32 {
        let Some(last) = self.stacks.waiting.pop() else {
            self.refuse();
            return waiting;
        };
        let place = self.span(last.start, last.end);
        let rhs = self.popped();
        let lhs = self.popped();
        match last.operator {
            Infix::KeyComma => {
                // Without `in`.
                self.refuse();
                self.stacks.terms.push(lhs);
                1
            }
            Infix::In => {
                let before = self.stacks.waiting.last().map(|waits| waits.operator);
                if waiting > 1 && before == Some(Infix::KeyComma) {
                    self.stacks.waiting.pop();
                    let key = self.popped();
                    let operator = self.member_operator(Infix::KeyComma, place);
                    self.stacks
                        .terms
                        .push(infix_call(vec![operator, key, lhs, rhs]));
                    return 2;
                }
                let operator = self.member_operator(Infix::In, place);
                self.stacks.terms.push(infix_call(vec![operator, lhs, rhs]));
                1
            }
            operator => {
                let operator = self.operator(operator as usize, place);
                self.stacks.terms.push(infix_call(vec![operator, lhs, rhs]));
                1
            }
        }
    }

    fn member_operator(&mut self, operator: Infix, place: Span) -> Term {
        let package = Term::var(self.operator_name(INTERNAL), place);
        let name = Term::string(self.operator_name(operator as usize), place);
        Term::new(TermKind::Ref(vec![package, name]), place)
    }

    /// Completes an operation, which then is the term on top.
    fn fold(&mut self, mut waiting: u32) {
        while waiting > 0 {
            waiting -= self.combine(waiting);
        }
    }

    /// Completes an operation and takes it.
    fn folded(&mut self, waiting: u32) -> Term {
        self.fold(waiting);
        self.popped()
    }

    /// Takes an operation that must be without operators.
    fn plain(&mut self, waiting: u32) -> Term {
        if waiting > 0 {
            self.refuse();
        }
        self.folded(waiting)
    }

    // ---- Template strings ----

    /// A template string without holes.
    pub fn whole_template(
        &mut self,
        text: Symbol,
        multi_line: bool,
        start: u32,
        end: u32,
    ) -> Primary {
        let texts = vec![(self.name(text), self.span(start, end))];
        self.push_template(texts, Vec::new(), multi_line, (start, end))
    }

    /// The text between two holes; it starts after the brace.
    pub fn middle(&mut self, text: Symbol, start: u32, end: u32) {
        let text = (self.name(text), self.span(start + 1, end));
        self.stacks.texts.push(text);
    }

    /// A template string with holes, one more than texts in the middle. The offsets are those of the first part, then those
    /// of the last.
    pub fn template(
        &mut self,
        first: Symbol,
        multi_line: bool,
        middle: u32,
        last: Symbol,
        (start, first_end, last_start, end): (u32, u32, u32, u32),
    ) -> Primary {
        let mut texts = take(&mut self.stacks.texts, middle);
        texts.insert(0, (self.name(first), self.span(start, first_end)));
        texts.push((self.name(last), self.span(last_start + 1, end)));
        let holes = take(&mut self.stacks.exprs, middle + 1);
        self.push_template(texts, holes, multi_line, (start, end))
    }

    /// A template string: one more text than holes, in turns.
    fn push_template(
        &mut self,
        texts: Vec<(Name, Span)>,
        holes: Vec<Expr>,
        multi_line: bool,
        (start, end): (u32, u32),
    ) -> Primary {
        let mut parts = Vec::with_capacity(texts.len() + holes.len());
        let mut holes = holes.into_iter();
        for (text, span) in texts {
            if !text.is_empty() {
                parts.push(TemplatePart::Text(Term::string(text, span)));
            }
            if let Some(hole) = holes.next() {
                parts.push(self.hole(hole, span));
            }
        }
        let template = Box::new(TemplateString { parts, multi_line });
        self.push(TermKind::Template(template), start, end)
    }

    fn hole(&mut self, hole: Expr, before: Span) -> TemplatePart {
        let refused = hole.negated
            || match &hole.kind {
                ExprKind::Some(_) | ExprKind::Every(_) => true,
                ExprKind::Call(terms) => terms.first().is_some_and(|operator| {
                    matches!(&operator.kind, TermKind::Ref(path)
                        if matches!(&path[..], [head] if is_var(head, "eq") || is_var(head, "assign")))
                }),
                _ => false,
            };
        if refused {
            self.refuse();
        }
        let comment = self.comments.iter().any(|(start, _)| {
            before.end <= self.base + start && self.base + start < hole.span.start
        });
        template_part(hole, comment)
    }
}

/// Whether the symbols of `some` are one membership.
fn is_member(symbols: &[Term]) -> bool {
    matches!(symbols, [Term { kind: TermKind::Call(call), .. }] if is_membership(call).is_some())
}

/// Gives an expression its place, and that of the expressions that an implicit body holds.
fn place_literal(expr: &mut Expr, span: Span) {
    expr.span = span;
    if let ExprKind::Not(not) = &mut expr.kind
        && !not.explicit
    {
        for inner in &mut not.body {
            inner.span = span;
        }
    }
}
