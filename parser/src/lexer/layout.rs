//! The layout layer: raw tokens become the tokens of the grammar.
//!
//! What a word, a bracket, a bar or a comma means in Rego depends on what stands around it: newlines
//! end terms before `[`, `(` and `{`; imports turn words into keywords; braces hold bodies or
//! values; a bar starts the body of a comprehension or joins sets. All this can be seen from the
//! neighbouring tokens and from the bracket that is open, so it is settled here, and the grammar
//! after it is a plain LR(1) grammar.
//!
//! The layer also bounds the depth of the syntax tree before anything recursive looks at it.

use super::keyword::{BASE, FUTURE_V0, FUTURE_V1, Keyword, KeywordSet};
use super::names::{Names, Symbol};
use super::scan::Scanned;
use super::strings::{template_text, unescape};
use super::token::{RawKind, RawToken};
use crate::ast::RegoVersion;

/// How deep a syntax tree may be. Brackets, operator chains, calls of calls and `else` count.
///
/// Cloning a tree takes about 2.5 KB of stack per level in a debug build and the stages of the
/// compiler take more; this depth fits in the 2 MB of a thread.
pub const MAX_DEPTH: u32 = 300;

/// An operator between two operands of a term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Most are the text that they stand for; the others are explained.
pub enum Infix {
    Times,
    Divide,
    Remainder,
    Plus,
    Minus,
    /// `&` between sets
    And,
    /// `|` between sets
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    /// The comma of `k, v in xs`
    KeyComma,
}

/// A term of one token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // They are what they say.
pub enum Scalar {
    Null,
    True,
    False,
    Number(Symbol),
    String(Symbol),
}

/// A token of the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Most are the text that they stand for; the others are explained.
pub enum Token {
    Package,
    Import,
    As,
    Default,
    Else,
    If,
    Contains,
    Some,
    Every,
    With,
    /// `not` in its classic form
    Not,
    /// `not` of `import future.keywords.not`
    NotBody,
    /// `and` (or else `or`) between expressions
    Logical(bool),
    Scalar(Scalar),
    /// A variable; each `_` has become one of its own.
    Ident(Symbol),
    /// A dot and the word after it; its place is that of the word.
    Field(Symbol),
    TemplateWhole(Symbol, bool),
    TemplateStart(Symbol, bool),
    TemplateMiddle(Symbol),
    TemplateEnd(Symbol),
    /// `[` of an array
    ArrayOpen,
    /// `[` right after a term
    IndexOpen,
    BracketClose,
    /// `(` around an expression
    GroupOpen,
    /// `(` around operands of `and`, `or`, `not`
    LogicalOpen,
    /// `(` right after a term
    CallOpen,
    ParenClose,
    /// `{` of a set, object or comprehension
    BraceOpen,
    /// `{` of a rule body or an `every` body
    BodyOpen,
    /// `{` of an operand of `and`, `or`, `not`
    OperandOpen,
    BraceClose,
    Comma,
    Colon,
    Semicolon,
    /// An operator of terms.
    Infix(Infix),
    /// The sign of `-x`
    Negate,
    /// `|` of a comprehension
    Bar,
    /// `:=` (or else `=`)
    Equals(bool),
    /// Two expressions meet on different lines.
    NewLine,
    /// Two expressions meet on one line.
    Joint,
}

/// Why the layer gave up; what OPA says about it is found by [`crate::explain`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The text cannot be Rego.
    Malformed,
    /// The tree would be deeper than [`MAX_DEPTH`]; the byte offset says where.
    TooDeep(u32),
}

/// A token with its byte offsets.
pub type Spanned = (u32, Token, u32);

/// What the layer gives to the grammar.
#[derive(Debug)]
pub struct Layout {
    /// Tokens with byte offsets into the text.
    pub tokens: Vec<Spanned>,
    /// How many `_` were renamed.
    pub wildcards: u32,
}

/// What is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    /// Statements of a module, or expressions of a query.
    Top,
    /// Expressions of a body.
    Body,
    /// Terms with commas between them.
    List,
    /// One expression.
    Single,
    /// Operands of `and` and `or`.
    Logical,
}

/// One open bracket.
struct Frame {
    context: Context,
    /// Index of the bar that makes this a comprehension.
    bar: Option<usize>,
    /// `every` waits for its body.
    every: bool,
    /// Depth at which the bracket stands, for the limit.
    depth: Depth,
}

/// Depth of the tree below one bracket.
#[derive(Default)]
struct Depth {
    /// Operators in the expression so far.
    chain: u32,
    /// Deepest bracket in the expression so far.
    inner: u32,
    /// Deepest expression so far.
    deepest: u32,
}

impl Depth {
    fn end_expression(&mut self) {
        self.deepest = self.deepest.max(self.chain + self.inner);
        self.chain = 0;
        self.inner = 0;
    }
}

/// State of the layer.
struct Layer<'a, 't> {
    text: &'t str,
    raw: &'a [RawToken],
    /// For each opening bracket the index of its partner.
    partner: Vec<u32>,
    module: bool,
    version: RegoVersion,
    keywords: KeywordSet,
    importable: KeywordSet,
    not_bodies: bool,
    templates: std::slice::Iter<'a, bool>,
    stack: Vec<Frame>,
    names: &'a mut Names,
    out: Layout,
    /// The last token ends an operand, so that another operand would start a new expression.
    after_operand: bool,
    /// The next token starts an expression (or a rule), where keywords may be names.
    fresh: bool,
    /// The head of a rule may go on with `contains`.
    in_head: bool,
    /// An `else` was seen in this statement.
    in_else: bool,
    /// How many were seen in this statement.
    elses: u32,
    /// This statement imports something other than keywords.
    after_import: bool,
    /// The next word is the first of a path.
    path_start: bool,
    /// An `if` may still come in this statement.
    before_if: bool,
    /// A `with` or an import may go on with `as`.
    before_as: bool,
}

/// Gives raw tokens their meaning. The keywords are those that are active, those that imports may add, and whether `not` takes
/// a body.
pub fn layout(
    text: &str,
    scanned: &Scanned,
    names: &mut Names,
    module: bool,
    version: RegoVersion,
    (keywords, importable, not_bodies): (KeywordSet, KeywordSet, bool),
) -> Result<Layout, Refusal> {
    let raw = &scanned.tokens;
    let mut layer = Layer {
        text,
        raw,
        partner: partners(raw)?,
        module,
        version,
        keywords,
        importable,
        not_bodies,
        templates: scanned.raw_templates.iter(),
        stack: Vec::with_capacity(8),
        names,
        out: Layout {
            tokens: Vec::with_capacity(raw.len() + raw.len() / 8),
            wildcards: 0,
        },
        after_operand: false,
        fresh: true,
        in_head: true,
        in_else: false,
        elses: 0,
        after_import: false,
        path_start: false,
        before_if: module,
        before_as: false,
    };
    layer.open(Context::Top, None);
    let mut at = 0;
    while at < raw.len() {
        at = layer.token(at)?;
    }
    if layer.stack.len() != 1 {
        return Err(Refusal::Malformed);
    }
    layer.close(text.len() as u32)?;
    Ok(layer.out)
}

/// Matches brackets; template holes are brackets too.
fn partners(raw: &[RawToken]) -> Result<Vec<u32>, Refusal> {
    let mut partner = vec![u32::MAX; raw.len()];
    let mut open: Vec<(usize, RawKind)> = Vec::new();
    for (at, token) in raw.iter().enumerate() {
        match token.kind {
            RawKind::LBracket | RawKind::LBrace | RawKind::LParen | RawKind::TemplateStart => {
                open.push((at, token.kind));
            }
            RawKind::RBracket | RawKind::RBrace | RawKind::RParen | RawKind::TemplateEnd => {
                let wanted = match token.kind {
                    RawKind::RBracket => RawKind::LBracket,
                    RawKind::RBrace => RawKind::LBrace,
                    RawKind::RParen => RawKind::LParen,
                    _ => RawKind::TemplateStart,
                };
                match open.pop() {
                    Some((start, kind)) if kind == wanted => partner[start] = at as u32,
                    _ => return Err(Refusal::Malformed),
                }
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH as usize {
            return Err(Refusal::TooDeep(token.start));
        }
    }
    if open.is_empty() {
        Ok(partner)
    } else {
        Err(Refusal::Malformed)
    }
}

impl<'t> Layer<'_, 't> {
    fn word(&self, at: usize) -> &'t str {
        let token = &self.raw[at];
        &self.text[token.start as usize..token.end as usize]
    }

    fn kind(&self, at: usize) -> Option<RawKind> {
        self.raw.get(at).map(|token| token.kind)
    }

    /// The keyword at an index, if the word is one here.
    fn keyword(&self, at: usize) -> Option<Keyword> {
        let keyword = self.raw.get(at)?.keyword?;
        self.keywords.has(keyword).then_some(keyword)
    }

    /// No space and no comment stands before the token.
    fn adjacent(&self, at: usize) -> bool {
        at > 0 && at < self.raw.len() && self.raw[at].start == self.raw[at - 1].end
    }

    /// A dot or bracket follows directly: the word before it is a name whatever it says.
    fn reference_follows(&self, at: usize) -> bool {
        self.adjacent(at + 1) && matches!(self.kind(at + 1), Some(RawKind::Dot | RawKind::LBracket))
    }

    fn logical_keywords(&self) -> bool {
        self.keywords.has(Keyword::And) || self.keywords.has(Keyword::Or)
    }

    fn frame(&mut self) -> &mut Frame {
        // The bottom frame is never popped before the end.
        self.stack.last_mut().expect("a frame is open")
    }

    fn context(&self) -> Context {
        self.stack
            .last()
            .map_or(Context::Top, |frame| frame.context)
    }

    fn name(&mut self, text: &'t str) -> Symbol {
        self.names.of(text)
    }

    fn last(&self) -> Option<Token> {
        self.out.tokens.last().map(|(_, token, _)| *token)
    }

    fn open(&mut self, context: Context, bar: Option<usize>) {
        self.stack.push(Frame {
            context,
            bar,
            every: false,
            depth: Depth::default(),
        });
    }

    fn close(&mut self, offset: u32) -> Result<(), Refusal> {
        let Some(mut frame) = self.stack.pop() else {
            return Err(Refusal::Malformed);
        };
        frame.depth.end_expression();
        let inner = frame.depth.deepest + 1;
        if inner > MAX_DEPTH {
            return Err(Refusal::TooDeep(offset));
        }
        if let Some(outer) = self.stack.last_mut() {
            outer.depth.inner = outer.depth.inner.max(inner);
        }
        Ok(())
    }

    /// Counts an operator that makes the tree of its left side one level deeper.
    fn chain(&mut self, offset: u32) -> Result<(), Refusal> {
        let depth = &mut self.frame().depth;
        depth.chain += 1;
        if depth.chain + depth.inner > MAX_DEPTH {
            return Err(Refusal::TooDeep(offset));
        }
        Ok(())
    }

    fn emit(&mut self, at: usize, token: Token) {
        self.out
            .tokens
            .push((self.raw[at].start, token, self.raw[at].end));
    }

    /// A token that starts an operand, an expression or a statement: separates it from what stands
    /// before it.
    fn start_operand(&mut self, at: usize) {
        if !self.after_operand {
            return;
        }
        let start = self.raw[at].start;
        let gap = at
            .checked_sub(1)
            .map_or(0, |last| self.raw[last].end as usize);
        let newline = self.text.as_bytes()[gap..start as usize].contains(&b'\n');
        let token = if newline {
            Token::NewLine
        } else {
            Token::Joint
        };
        self.out.tokens.push((start, token, start));
        self.after_operand = false;
        let frame = self.frame();
        frame.every = false;
        frame.depth.end_expression();
        if frame.context == Context::Top {
            self.in_head = true;
            self.in_else = false;
            self.elses = 0;
            self.after_import = false;
            self.before_if = self.module;
        }
        self.before_as = false;
        self.fresh = matches!(self.context(), Context::Top | Context::Body);
    }

    /// Emits an operand token.
    fn operand(&mut self, at: usize, token: Token) {
        self.start_operand(at);
        self.emit(at, token);
        self.after_operand = true;
        self.fresh = false;
    }

    /// Emits a token after which an operand must follow.
    fn operator(&mut self, at: usize, token: Token) {
        self.emit(at, token);
        self.after_operand = false;
        self.fresh = false;
    }

    fn infix(&mut self, at: usize, token: Token) -> Result<(), Refusal> {
        if !matches!(token, Token::Equals(_)) {
            self.chain(self.raw[at].start)?;
        }
        self.in_head = false;
        self.operator(at, token);
        Ok(())
    }

    /// Handles the token at an index and returns the next index.
    fn token(&mut self, at: usize) -> Result<usize, Refusal> {
        let raw = self.raw[at];
        match raw.kind {
            RawKind::Word => return self.word_token(at),
            RawKind::Number => {
                let name = self.name(self.word(at));
                self.operand(at, Token::Scalar(Scalar::Number(name)));
            }
            RawKind::String => {
                let word = self.word(at);
                let inner = &word[1..word.len() - 1];
                let name = if inner.as_bytes().contains(&b'\\') {
                    let text = unescape(inner).ok_or(Refusal::Malformed)?;
                    self.names.of(&text)
                } else {
                    self.name(inner)
                };
                self.operand(at, Token::Scalar(Scalar::String(name)));
            }
            RawKind::RawString => {
                let word = self.word(at);
                let name = self.name(&word[1..word.len() - 1]);
                self.operand(at, Token::Scalar(Scalar::String(name)));
            }
            RawKind::TemplateWhole
            | RawKind::TemplateStart
            | RawKind::TemplateMiddle
            | RawKind::TemplateEnd => self.template(at)?,
            RawKind::LBracket => self.bracket(at)?,
            RawKind::LParen => self.paren(at)?,
            RawKind::LBrace => self.brace(at),
            RawKind::RBracket | RawKind::RBrace | RawKind::RParen => {
                self.close(raw.start)?;
                let token = match raw.kind {
                    RawKind::RBracket => Token::BracketClose,
                    RawKind::RBrace => Token::BraceClose,
                    _ => Token::ParenClose,
                };
                self.emit(at, token);
                self.after_operand = true;
                self.fresh = false;
            }
            RawKind::Comma => {
                let key = self.context() != Context::List && self.is_key_comma(at);
                let frame = self.frame();
                frame.depth.end_expression();
                let token = if key {
                    Token::Infix(Infix::KeyComma)
                } else {
                    Token::Comma
                };
                self.operator(at, token);
            }
            RawKind::Colon => {
                self.frame().depth.end_expression();
                self.operator(at, Token::Colon);
            }
            RawKind::Semicolon => {
                let frame = self.frame();
                frame.depth.end_expression();
                frame.every = false;
                self.operator(at, Token::Semicolon);
                self.fresh = true;
            }
            RawKind::Dot => {
                // Only right after a term is this the dot of a reference.
                if !self.after_operand && self.kind(at + 1) == Some(RawKind::Number) {
                    return self.fraction(at, at);
                }
                if !(self.after_operand && self.adjacent(at)) {
                    return Err(Refusal::Malformed);
                }
                if self.kind(at + 1) != Some(RawKind::Word) || !self.adjacent(at + 1) {
                    return Err(Refusal::Malformed);
                }
                let name = self.name(self.word(at + 1));
                self.emit(at + 1, Token::Field(name));
                self.after_operand = true;
                self.fresh = false;
                return Ok(at + 2);
            }
            RawKind::Pipe => {
                if self.frame().bar == Some(at) {
                    let frame = self.frame();
                    frame.context = Context::Body;
                    frame.depth.end_expression();
                    self.operator(at, Token::Bar);
                    self.fresh = true;
                } else {
                    self.infix(at, Token::Infix(Infix::Or))?;
                }
            }
            RawKind::Minus if !self.after_operand => return self.sign(at),
            RawKind::Minus => self.infix(at, Token::Infix(Infix::Minus))?,
            RawKind::Plus => self.infix(at, Token::Infix(Infix::Plus))?,
            RawKind::Star => self.infix(at, Token::Infix(Infix::Times))?,
            RawKind::Slash => self.infix(at, Token::Infix(Infix::Divide))?,
            RawKind::Percent => self.infix(at, Token::Infix(Infix::Remainder))?,
            RawKind::Ampersand => self.infix(at, Token::Infix(Infix::And))?,
            RawKind::Unify => self.infix(at, Token::Equals(false))?,
            RawKind::Equal => self.infix(at, Token::Infix(Infix::Equal))?,
            RawKind::NotEqual => self.infix(at, Token::Infix(Infix::NotEqual))?,
            RawKind::Assign => self.infix(at, Token::Equals(true))?,
            RawKind::Less => self.infix(at, Token::Infix(Infix::Less))?,
            RawKind::LessEqual => self.infix(at, Token::Infix(Infix::LessEqual))?,
            RawKind::Greater => self.infix(at, Token::Infix(Infix::Greater))?,
            RawKind::GreaterEqual => self.infix(at, Token::Infix(Infix::GreaterEqual))?,
            RawKind::Comment | RawKind::TemplateQuote => return Err(Refusal::Malformed),
        }
        Ok(at + 1)
    }

    /// A minus where an operand must stand: the sign of a number or of a variable.
    fn sign(&mut self, at: usize) -> Result<usize, Refusal> {
        if self.kind(at + 1) == Some(RawKind::Number) {
            let name = format!("-{}", self.word(at + 1));
            let name = self.names.of(&name);
            self.start_operand(at);
            self.out.tokens.push((
                self.raw[at].start,
                Token::Scalar(Scalar::Number(name)),
                self.raw[at + 1].end,
            ));
            self.after_operand = true;
            self.fresh = false;
            return Ok(at + 2);
        }
        if self.kind(at + 1) == Some(RawKind::Dot) && self.kind(at + 2) == Some(RawKind::Number) {
            return self.fraction(at, at + 1);
        }
        self.operator(at, Token::Negate);
        Ok(at + 1)
    }

    /// A number that starts with a dot, as OPA allows.
    fn fraction(&mut self, start: usize, dot: usize) -> Result<usize, Refusal> {
        if self.word(dot + 1).contains('.') {
            return Err(Refusal::Malformed);
        }
        let sign = if start == dot { "" } else { "-" };
        let name = format!("{sign}.{}", self.word(dot + 1));
        let name = self.names.of(&name);
        self.start_operand(start);
        self.out.tokens.push((
            self.raw[start].start,
            Token::Scalar(Scalar::Number(name)),
            self.raw[dot + 1].end,
        ));
        self.after_operand = true;
        self.fresh = false;
        Ok(dot + 2)
    }

    fn template(&mut self, at: usize) -> Result<(), Refusal> {
        if self.version != RegoVersion::V1 {
            return Err(Refusal::Malformed);
        }
        let multi_line = *self.templates.next().ok_or(Refusal::Malformed)?;
        let word = self.word(at);
        let kind = self.raw[at].kind;
        // Continuations start with `}`, the others with `$` and a quote.
        let skip = match kind {
            RawKind::TemplateWhole | RawKind::TemplateStart => 2,
            _ => 1,
        };
        let inner = word.get(skip..word.len() - 1).ok_or(Refusal::Malformed)?;
        let part = template_text(inner, multi_line).ok_or(Refusal::Malformed)?;
        let part = self.names.of(&part);
        match kind {
            RawKind::TemplateWhole => self.operand(at, Token::TemplateWhole(part, multi_line)),
            RawKind::TemplateStart => {
                self.operand(at, Token::TemplateStart(part, multi_line));
                self.open(Context::Single, None);
                self.after_operand = false;
                self.fresh = true;
            }
            _ => {
                self.close(self.raw[at].start)?;
                if kind == RawKind::TemplateEnd {
                    self.emit(at, Token::TemplateEnd(part));
                    self.after_operand = true;
                    self.fresh = false;
                } else {
                    self.emit(at, Token::TemplateMiddle(part));
                    self.open(Context::Single, None);
                    self.after_operand = false;
                    self.fresh = true;
                }
            }
        }
        Ok(())
    }

    fn bracket(&mut self, at: usize) -> Result<(), Refusal> {
        if self.after_operand && self.adjacent(at) {
            self.emit(at, Token::IndexOpen);
            self.open(Context::Single, None);
        } else {
            if self.after_bare_name() {
                return Err(Refusal::Malformed);
            }
            self.start_operand(at);
            self.emit(at, Token::ArrayOpen);
            let bar = self.comprehension_bar(at);
            self.open(Context::List, bar);
        }
        self.after_operand = false;
        self.fresh = false;
        Ok(())
    }

    fn paren(&mut self, at: usize) -> Result<(), Refusal> {
        if self.after_operand && self.adjacent(at) {
            self.chain(self.raw[at].start)?;
            self.emit(at, Token::CallOpen);
            self.open(Context::List, None);
        } else {
            if self.after_bare_name() {
                return Err(Refusal::Malformed);
            }
            let operand_place = !self.after_operand && self.operand_place()
                || self.after_operand && matches!(self.context(), Context::Top | Context::Body);
            self.start_operand(at);
            let negated = self.last() == Some(Token::NotBody);
            if operand_place && (negated || self.logical_keywords()) && self.is_logical_group(at) {
                self.emit(at, Token::LogicalOpen);
                self.open(Context::Logical, None);
            } else {
                self.emit(at, Token::GroupOpen);
                self.open(Context::Single, None);
            }
        }
        self.after_operand = false;
        self.fresh = false;
        Ok(())
    }

    /// An operand of `and`, `or` or `not` may stand here.
    fn operand_place(&self) -> bool {
        self.fresh
            || matches!(
                self.last(),
                Some(Token::Logical(_) | Token::NotBody | Token::LogicalOpen)
            )
    }

    fn brace(&mut self, at: usize) {
        let close = self.partner[at] as usize;
        let logical_next = self.logical_keywords()
            && matches!(self.keyword(close + 1), Some(Keyword::And | Keyword::Or));
        let mut kind = Token::BraceOpen;
        let every = self.stack.last().is_some_and(|frame| frame.every);
        if self.after_operand {
            let body = match self.context() {
                Context::Top => self.module || every,
                Context::Body | Context::Single | Context::Logical => every,
                Context::List => false,
            };
            if body {
                kind = Token::BodyOpen;
                self.frame().every = false;
            } else {
                self.start_operand(at);
                if self.fresh && logical_next {
                    kind = Token::OperandOpen;
                }
            }
        } else {
            match self.last() {
                Some(Token::If) => {
                    if self.in_else {
                        kind = Token::BodyOpen;
                    } else if logical_next {
                        kind = Token::OperandOpen;
                    } else if !self.is_value_after_if(at, close) {
                        kind = Token::BodyOpen;
                    }
                }
                Some(Token::Else) => kind = Token::BodyOpen,
                Some(Token::NotBody | Token::Logical(_)) => {
                    kind = Token::OperandOpen;
                }
                Some(Token::LogicalOpen) if logical_next => kind = Token::OperandOpen,
                _ if self.fresh && logical_next => kind = Token::OperandOpen,
                _ => {}
            }
        }
        self.emit(at, kind);
        if kind == Token::BraceOpen {
            let bar = self.comprehension_bar(at);
            self.open(Context::List, bar);
            self.fresh = false;
        } else {
            self.in_head = false;
            if self.context() == Context::Top {
                self.before_if = false;
            }
            // A body stands beside what comes before it.
            self.frame().depth.end_expression();
            self.open(Context::Body, None);
            self.fresh = true;
        }
        self.after_operand = false;
    }

    /// After `if`, braces are a body unless only a value can be meant: an object, a comprehension,
    /// or the first operand of something longer.
    fn is_value_after_if(&self, open: usize, close: usize) -> bool {
        if close == open + 1 || self.comprehension_bar(open).is_some() {
            return true;
        }
        let mut first = open + 1;
        if self.kind(first) == Some(RawKind::Comma) {
            first += 1;
        }
        if let Some(after) = self.skip_membership(first)
            && self.kind(after) == Some(RawKind::Colon)
        {
            return true;
        }
        let next = close + 1;
        match self.kind(next) {
            Some(RawKind::Dot | RawKind::LBracket | RawKind::LParen) => self.adjacent(next),
            Some(RawKind::Unify | RawKind::Assign) => true,
            Some(kind) => {
                is_infix(kind)
                    || (self.keyword(next) == Some(Keyword::In) && !self.reference_follows(next))
            }
            None => false,
        }
    }

    /// Whether parentheses group operands of `and`, `or` and `not` (rather than a term).
    fn is_logical_group(&self, open: usize) -> bool {
        let mut group = open;
        // Redundant parentheses around a group.
        while self.kind(group + 1) == Some(RawKind::LParen)
            && self.partner[group + 1] + 1 == self.partner[group]
        {
            group += 1;
        }
        let end = self.partner[group] as usize;
        let mut at = group + 1;
        let mut operand = false;
        while at < end {
            match self.keyword(at) {
                Some(Keyword::And | Keyword::Or) if operand => return true,
                Some(Keyword::With) if operand => return true,
                Some(Keyword::Not) if !operand && !self.reference_follows(at) => return true,
                _ => {}
            }
            if self.kind(at) == Some(RawKind::Dot) {
                at += 2;
                operand = true;
                continue;
            }
            operand = match self.kind(at) {
                Some(kind) => !is_infix(kind) && self.keyword(at) != Some(Keyword::In),
                None => false,
            };
            if self.partner[at] != u32::MAX {
                at = self.partner[at] as usize;
                operand = true;
            }
            at += 1;
        }
        false
    }

    /// The bar of a comprehension whose bracket is open at an index.
    fn comprehension_bar(&self, open: usize) -> Option<usize> {
        let close = self.partner[open] as usize;
        let first = open + 1;
        let mut bar = self.skip_primary(first)?;
        if self.kind(open) == Some(RawKind::LBrace) && self.kind(bar) != Some(RawKind::Pipe) {
            // The key of an object may be any expression, its value only a plain term.
            let colon = self.skip_membership(first)?;
            if self.kind(colon) != Some(RawKind::Colon) {
                return None;
            }
            bar = self.skip_primary(colon + 1)?;
        }
        if bar >= close || self.kind(bar) != Some(RawKind::Pipe) {
            return None;
        }
        // A comma that no body can hold makes it a list whose first element is a union.
        let mut at = bar + 1;
        let mut declaration = false;
        while at < close {
            match self.raw[at].kind {
                RawKind::Comma if !declaration && !self.is_key_comma(at) => return None,
                RawKind::Comma => {}
                RawKind::Word => match self.keyword(at) {
                    Some(Keyword::Some) => declaration = true,
                    Some(_) => declaration = false,
                    None => {}
                },
                _ => declaration = false,
            }
            if self.partner[at] != u32::MAX {
                at = self.partner[at] as usize;
            }
            at += 1;
        }
        Some(bar)
    }

    /// Whether this is the comma of `k, v in xs`.
    fn is_key_comma(&self, comma: usize) -> bool {
        self.skip_relation(comma + 1)
            .is_some_and(|at| self.keyword(at) == Some(Keyword::In))
    }

    /// The index after the term (with its references and calls) that starts at an index.
    fn skip_primary(&self, mut at: usize) -> Option<usize> {
        if self.kind(at) == Some(RawKind::Minus) {
            at += 1;
        }
        at = match self.kind(at)? {
            RawKind::Word => match self.keyword(at) {
                None | Some(Keyword::Null | Keyword::True | Keyword::False | Keyword::Contains) => {
                    at + 1
                }
                Some(Keyword::And | Keyword::Or)
                    if self.kind(at + 1) == Some(RawKind::LParen) && self.adjacent(at + 1) =>
                {
                    at + 1
                }
                Some(_) => return None,
            },
            RawKind::Number | RawKind::String | RawKind::RawString | RawKind::TemplateWhole => {
                at + 1
            }
            RawKind::Dot if self.kind(at + 1) == Some(RawKind::Number) => at + 2,
            RawKind::LBracket | RawKind::LBrace | RawKind::LParen | RawKind::TemplateStart => {
                self.partner[at] as usize + 1
            }
            _ => return None,
        };
        loop {
            match self.kind(at) {
                Some(RawKind::Dot) if self.adjacent(at) => {
                    if self.kind(at + 1) != Some(RawKind::Word) || !self.adjacent(at + 1) {
                        return None;
                    }
                    at += 2;
                }
                Some(RawKind::LBracket | RawKind::LParen) if self.adjacent(at) => {
                    at = self.partner[at] as usize + 1;
                }
                _ => return Some(at),
            }
        }
    }

    /// The index after terms joined by operators that bind tighter than `in`.
    fn skip_relation(&self, at: usize) -> Option<usize> {
        let mut at = self.skip_primary(at)?;
        while self.kind(at).is_some_and(is_infix) {
            at = self.skip_primary(at + 1)?;
        }
        Some(at)
    }

    /// The index after relations joined by `in`.
    fn skip_membership(&self, at: usize) -> Option<usize> {
        let mut at = self.skip_relation(at)?;
        while self.keyword(at) == Some(Keyword::In) {
            at = self.skip_relation(at + 1)?;
        }
        Some(at)
    }

    fn word_token(&mut self, at: usize) -> Result<usize, Refusal> {
        if std::mem::take(&mut self.path_start) {
            return Ok(self.ident(at));
        }
        let Some(keyword) = self.keyword(at) else {
            return Ok(self.ident(at));
        };
        // Whether the word would start an expression or a statement if it were a name.
        let starts = self.fresh
            || self.after_operand && matches!(self.context(), Context::Top | Context::Body);
        let as_name = starts && self.reference_follows(at);
        let top = self.context() == Context::Top;
        let statement = self.module && top && (self.after_operand || self.out.tokens.is_empty());
        if statement && (self.is_rule_name(at, keyword) || self.is_name_after_import(at, keyword)) {
            return Err(Refusal::Malformed);
        }
        match keyword {
            Keyword::Null | Keyword::True | Keyword::False => {
                if as_name {
                    return Ok(self.ident(at));
                }
                let scalar = match keyword {
                    Keyword::Null => Scalar::Null,
                    Keyword::True => Scalar::True,
                    _ => Scalar::False,
                };
                self.operand(at, Token::Scalar(scalar));
            }
            Keyword::Contains => {
                if self.after_operand && top && self.in_head && self.module {
                    self.in_head = false;
                    self.operator(at, Token::Contains);
                } else if self.last() == Some(Token::Default) && !self.reference_follows(at) {
                    return Err(Refusal::Malformed);
                } else {
                    return Ok(self.ident(at));
                }
            }
            Keyword::And | Keyword::Or => {
                if self.after_operand && !self.reference_follows(at) {
                    self.infix(at, Token::Logical(keyword == Keyword::And))?;
                } else if as_name
                    || self.kind(at + 1) == Some(RawKind::LParen) && self.adjacent(at + 1)
                {
                    return Ok(self.ident(at));
                } else {
                    return Err(Refusal::Malformed);
                }
            }
            Keyword::In => {
                if self.after_operand && !self.reference_follows(at) {
                    self.infix(at, Token::Infix(Infix::In))?;
                } else if as_name {
                    return Ok(self.ident(at));
                } else {
                    return Err(Refusal::Malformed);
                }
            }
            Keyword::If | Keyword::With | Keyword::As => {
                // After an expression (but not after the mere name of a rule, nor after a path) a
                // dot or bracket makes any keyword a name that starts something new.
                let named = self.reference_follows(at);
                let after_else = keyword == Keyword::If && self.last() == Some(Token::Else);
                let goes_on = (self.after_operand || after_else)
                    && match keyword {
                        Keyword::If if after_else => true,
                        Keyword::If => top && self.before_if && (self.in_head || !named),
                        Keyword::As => self.before_as,
                        _ => !named,
                    };
                if !goes_on {
                    return if as_name {
                        Ok(self.ident(at))
                    } else {
                        Err(Refusal::Malformed)
                    };
                }
                self.in_head = false;
                match keyword {
                    Keyword::If => {
                        self.operator(at, Token::If);
                        self.before_if = false;
                        self.fresh = true;
                    }
                    Keyword::With => {
                        self.operator(at, Token::With);
                        self.before_as = true;
                    }
                    _ => {
                        self.operator(at, Token::As);
                        self.before_as = false;
                    }
                }
            }
            Keyword::Else => {
                if as_name {
                    return Ok(self.ident(at));
                }
                if !self.after_operand {
                    return Err(Refusal::Malformed);
                }
                self.in_else = true;
                self.before_if = true;
                self.elses += 1;
                let elses = self.elses;
                let depth = &mut self.frame().depth;
                depth.end_expression();
                if elses + depth.deepest > MAX_DEPTH {
                    return Err(Refusal::TooDeep(self.raw[at].start));
                }
                self.operator(at, Token::Else);
            }
            Keyword::Not => {
                if as_name {
                    return Ok(self.ident(at));
                }
                self.start_operand(at);
                let token = if self.not_bodies {
                    Token::NotBody
                } else {
                    Token::Not
                };
                self.operator(at, token);
            }
            Keyword::Some | Keyword::Every => {
                if as_name {
                    return Ok(self.ident(at));
                }
                self.start_operand(at);
                if keyword == Keyword::Every {
                    self.operator(at, Token::Every);
                    self.frame().every = true;
                } else {
                    self.operator(at, Token::Some);
                }
            }
            Keyword::Default | Keyword::Package | Keyword::Import => {
                if as_name {
                    return Ok(self.ident(at));
                }
                if !self.module {
                    return Err(Refusal::Malformed);
                }
                self.start_operand(at);
                match keyword {
                    Keyword::Default => {
                        self.operator(at, Token::Default);
                        self.fresh = true;
                    }
                    Keyword::Package => {
                        self.operator(at, Token::Package);
                        self.path_start = true;
                    }
                    _ => {
                        self.operator(at, Token::Import);
                        self.path_start = true;
                        self.before_as = true;
                        self.import(at);
                    }
                }
                self.in_head = keyword == Keyword::Default;
                self.before_if = false;
            }
        }
        Ok(at + 1)
    }

    /// Whether a keyword that starts a statement is followed by what would make it a rule of that
    /// name; OPA stops there.
    fn is_rule_name(&self, at: usize, keyword: Keyword) -> bool {
        let value = matches!(self.kind(at + 1), Some(RawKind::Assign | RawKind::Unify));
        let call = self.kind(at + 1) == Some(RawKind::LParen);
        let word = matches!(self.keyword(at + 1), Some(Keyword::If | Keyword::Contains));
        match keyword {
            Keyword::Some | Keyword::Every => value || call || word,
            Keyword::Not => value || word,
            // No rule can start with it, but a query that no module may hold.
            Keyword::Contains => !self.in_head && !self.reference_follows(at),
            _ => false,
        }
    }

    /// OPA reads the path of an import without the keywords of the future, and with it the first
    /// token of the next statement.
    fn is_name_after_import(&self, at: usize, keyword: Keyword) -> bool {
        self.after_import && FUTURE_V0.with(FUTURE_V1).has(keyword) && !self.reference_follows(at)
    }

    /// The last token is the name of a rule (or what would be one), and a space follows. OPA reads
    /// over that space; only the end of the statement shows whether it is a rule.
    fn after_bare_name(&self) -> bool {
        let tokens = &self.out.tokens;
        self.module
            && self.context() == Context::Top
            && matches!(self.last(), Some(Token::Ident(_)))
            && match tokens.len().checked_sub(2).map(|at| &tokens[at].1) {
                None => true,
                Some(token) => matches!(token, Token::NewLine | Token::Joint | Token::Default),
            }
    }

    /// A variable or the first name of a reference.
    fn ident(&mut self, at: usize) -> usize {
        let word = self.word(at);
        let name = if word == "_" {
            let number = self.out.wildcards;
            self.out.wildcards += 1;
            self.names.of(&format!("${number}"))
        } else {
            self.name(word)
        };
        self.operand(at, Token::Ident(name));
        at + 1
    }

    /// Applies `import future.keywords..` and `import rego.v1` to what follows.
    fn import(&mut self, at: usize) {
        let mut path = Vec::new();
        let mut next = at + 1;
        while self.kind(next) == Some(RawKind::Word) && path.len() < 4 {
            path.push(self.word(next));
            next += 1;
            while self.kind(next) == Some(RawKind::LBracket)
                && matches!(
                    self.kind(next + 1),
                    Some(RawKind::String | RawKind::RawString)
                )
                && self.kind(next + 2) == Some(RawKind::RBracket)
            {
                let quoted = self.word(next + 1);
                path.push(&quoted[1..quoted.len() - 1]);
                next += 3;
            }
            if self.kind(next) != Some(RawKind::Dot) {
                break;
            }
            next += 1;
        }
        self.after_import = !matches!(path.first(), Some(&("future" | "rego")));
        match path[..] {
            ["future", "keywords"] => self.keywords_of(self.importable),
            ["future", "keywords", word] => {
                if let Some(keyword) = Keyword::of(word).filter(|k| self.importable.has(*k)) {
                    self.not_bodies |= keyword == Keyword::Not;
                    self.keywords = self.keywords.import(keyword);
                }
            }
            ["rego", "v1"] if self.version != RegoVersion::V1 => self.keywords_of(FUTURE_V0),
            ["rego", "v2"] => self.keywords_of(FUTURE_V0.with(FUTURE_V1)),
            _ => {}
        }
    }

    fn keywords_of(&mut self, set: KeywordSet) {
        self.not_bodies |= set.has(Keyword::Not);
        self.keywords = self.keywords.with(set).with(BASE);
    }
}

fn is_infix(kind: RawKind) -> bool {
    matches!(
        kind,
        RawKind::Plus
            | RawKind::Minus
            | RawKind::Star
            | RawKind::Slash
            | RawKind::Percent
            | RawKind::Ampersand
            | RawKind::Pipe
            | RawKind::Equal
            | RawKind::NotEqual
            | RawKind::Less
            | RawKind::LessEqual
            | RawKind::Greater
            | RawKind::GreaterEqual
    )
}
