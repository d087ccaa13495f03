//! From text to tokens: where blocks begin and end, and what is a key.
//!
//! A key on one line is known as one when its colon comes, so tokens wait in a queue while their first one may still
//! begin a key. go-yaml looks at two tokens more than it needs; so do we, because it decides which of several errors
//! is the first.

mod properties;
mod scalars;

use std::borrow::Cow;
use std::collections::VecDeque;

use hashbrown::HashMap;

use super::cursor::{Cursor, Mark, ends_word, is_blank, is_break};
use super::problem::{Problem, said};

/// Blocks and brackets nest no deeper than this.
const MAX_DEPTH: usize = 10_000;

/// A key on one line has no more characters.
const MAX_KEY: usize = 1024;

/// Tokens behind the next one that are read in any case.
const LOOKAHEAD: usize = 2;

/// Blanks in front of a comment, at most.
const BEFORE_COMMENT: usize = 512;

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Without any marks.
    Plain,
    /// `'` around it.
    SingleQuoted,
    /// `"` around it.
    DoubleQuoted,
    /// Lines behind a `|`.
    Literal,
    /// Lines behind a `>`.
    Folded,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind<'t> {
    StreamEnd,
    /// `%YAML`, with the two numbers.
    Version(u8, u8),
    /// `%TAG`, with handle and prefix.
    TagDirective(&'t str, String),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    /// Handle and suffix.
    Tag(&'t str, String),
    Scalar(Cow<'t, str>, Style),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// What may be a key, if a colon follows.
#[derive(Clone, Copy, Default)]
struct PossibleKey {
    possible: bool,
    /// Nothing else can stand here.
    required: bool,
    /// Its first token, counted from the start of the text.
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    queue: VecDeque<Token<'t>>,
    /// Tokens that left the queue.
    taken: usize,
    /// The first token of the queue is what it is.
    settled: bool,
    /// Columns of the blocks around the innermost one.
    outer: Vec<Option<usize>>,
    /// Column of the innermost block.
    indent: Option<usize>,
    /// Brackets that are open.
    flow_depth: usize,
    key_allowed: bool,
    /// One for the blocks, and one for each open bracket.
    keys: Vec<PossibleKey>,
    /// Where in `keys` is what begins with a token.
    waiting: HashMap<usize, usize>,
}

type Scanned = Result<(), Problem>;

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Scanner<'t> {
        Scanner {
            cursor: Cursor::new(text),
            queue: VecDeque::new(),
            taken: 0,
            settled: false,
            outer: Vec::new(),
            indent: None,
            flow_depth: 0,
            key_allowed: true,
            keys: vec![PossibleKey::default()],
            waiting: HashMap::new(),
        }
    }

    /// The next token.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>, Problem> {
        while !self.settled {
            self.settled = self.queue.len() > LOOKAHEAD && !self.may_begin_key()?;
            if !self.settled {
                self.fetch()?;
            }
        }
        Ok(&self.queue[0])
    }

    /// Takes the token that was looked at.
    pub(super) fn take(&mut self) -> Option<Token<'t>> {
        self.settled = false;
        self.waiting.remove(&self.taken);
        self.taken += 1;
        self.queue.pop_front()
    }

    /// Whether the first token of the queue may still begin a key.
    fn may_begin_key(&mut self) -> Result<bool, Problem> {
        match self.waiting.get(&self.taken) {
            Some(&depth) if depth < self.keys.len() => self.is_possible(depth),
            _ => Ok(false),
        }
    }

    fn problem<T>(&self, context: Mark, message: &'static str) -> Result<T, Problem> {
        Err(said(message, context, self.cursor.mark))
    }

    fn push(&mut self, kind: Kind<'t>, start: Mark) {
        let end = self.cursor.mark;
        self.queue.push_back(Token { kind, start, end });
    }

    /// A token of so many characters.
    fn push_mark(&mut self, kind: Kind<'t>, length: usize) {
        let start = self.cursor.mark;
        self.cursor.skip_many(length);
        self.push(kind, start);
    }

    /// Reads one more token, perhaps with tokens for blocks in front of it.
    fn fetch(&mut self) -> Scanned {
        let before = self.cursor.mark;
        self.skip_to_token();
        let column = self.cursor.mark.column;
        self.close_blocks(Some(column), before);
        self.cursor.ahead(3);
        let Some(c) = self.cursor.first() else {
            self.cursor.end();
            self.leave_document()?;
            self.push(Kind::StreamEnd, self.cursor.mark);
            return Ok(());
        };
        if column == 0 && c == '%' {
            self.leave_document()?;
            return self.directive();
        }
        for (dots, kind) in [("---", Kind::DocumentStart), ("...", Kind::DocumentEnd)] {
            if self.cursor.is_at_document(dots) {
                self.leave_document()?;
                self.push_mark(kind, 3);
                return Ok(());
            }
        }
        let in_flow = self.flow_depth > 0;
        let word_ends = ends_word(self.cursor.ahead(1));
        match c {
            '[' => self.open_bracket(Kind::FlowSequenceStart)?,
            '{' => self.open_bracket(Kind::FlowMappingStart)?,
            ']' => self.close_bracket(Kind::FlowSequenceEnd)?,
            '}' => self.close_bracket(Kind::FlowMappingEnd)?,
            ',' => {
                self.drop_key()?;
                self.key_allowed = true;
                self.push_mark(Kind::FlowEntry, 1);
            }
            // The comment behind it belongs to what follows.
            '-' if word_ends => return self.entry(),
            '?' if in_flow || word_ends => self.key()?,
            ':' if in_flow || word_ends => self.value()?,
            '*' | '&' => {
                self.save_key()?;
                self.anchor(c == '*')?;
            }
            '!' => {
                self.save_key()?;
                self.tag()?;
            }
            '|' | '>' if !in_flow => {
                self.drop_key()?;
                self.key_allowed = true;
                self.block_scalar(c == '|')?;
            }
            '\'' | '"' => {
                self.save_key()?;
                self.quoted_scalar(c)?;
            }
            '\t' | '#' | '|' | '>' | '%' | '@' | '`' => {
                let at = self.cursor.mark;
                return self.problem(at, "found character that cannot start any token");
            }
            _ => {
                self.save_key()?;
                self.plain_scalar()?;
            }
        }
        self.skip_comment_beside();
        Ok(())
    }

    /// To the next token: over blanks, comments and ends of lines. A tab is no blank where a key may begin.
    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.mark.column == 0 && self.cursor.is_at('\u{feff}') {
                self.cursor.skip();
            }
            let tabs = self.flow_depth > 0 || !self.key_allowed;
            self.cursor.skip_while(|c| c == ' ' || tabs && c == '\t');
            if self.cursor.is_at('#') {
                self.skip_comments();
            }
            if self.cursor.skip_break().is_none() {
                return;
            }
            if self.flow_depth == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Over a comment and those on further lines. Between them are tabs where a key could begin, too.
    fn skip_comments(&mut self) {
        self.cursor.skip_rest_of_line();
        loop {
            let mut ahead = self.cursor.clone();
            for _ in 0..BEFORE_COMMENT {
                match ahead.first() {
                    Some(c) if is_blank(c) => ahead.skip(),
                    Some(c) if is_break(c) => drop(ahead.skip_break()),
                    _ => break,
                }
            }
            if !ahead.is_at('#') {
                return;
            }
            ahead.skip_rest_of_line();
            self.cursor = ahead;
        }
    }

    /// Over a comment on the line of the last token.
    fn skip_comment_beside(&mut self) {
        if self.cursor.lines_ended > 0 {
            return;
        }
        let mut ahead = self.cursor.clone();
        for _ in 1..BEFORE_COMMENT {
            if !ahead.first().is_some_and(is_blank) {
                break;
            }
            ahead.skip();
        }
        if ahead.is_at('#') {
            ahead.skip_rest_of_line();
            self.cursor = ahead;
        }
    }

    /// Closes the blocks that stand to the right of a column.
    fn close_blocks(&mut self, column: Option<usize>, mark: Mark) {
        while self.flow_depth == 0 && self.indent > column {
            let token = Token {
                kind: Kind::BlockEnd,
                start: mark,
                end: mark,
            };
            self.queue.push_back(token);
            self.indent = self.outer.pop().flatten();
        }
    }

    /// Opens a block if none is open at a column. Its token is put in front of the given one, or at the end.
    fn open_block(&mut self, kind: Kind<'t>, mark: Mark, before: Option<usize>) -> Scanned {
        if self.flow_depth > 0 || self.indent >= Some(mark.column) {
            return Ok(());
        }
        self.outer.push(self.indent);
        self.indent = Some(mark.column);
        if self.outer.len() > MAX_DEPTH {
            let context = self.innermost().mark;
            return self.problem(context, "exceeded max depth of 10000");
        }
        self.insert(kind, mark, before);
        Ok(())
    }

    fn insert(&mut self, kind: Kind<'t>, mark: Mark, before: Option<usize>) {
        // In front of a token that left the queue nothing can be put; go-yaml puts it at the end.
        let at = before.and_then(|token| token.checked_sub(self.taken));
        let at = at.unwrap_or(self.queue.len());
        let token = Token {
            kind,
            start: mark,
            end: mark,
        };
        self.queue.insert(at.min(self.queue.len()), token);
    }

    fn innermost(&mut self) -> &mut PossibleKey {
        let last = self.keys.len() - 1;
        &mut self.keys[last]
    }

    /// Whether a colon would still make it a key.
    fn is_possible(&mut self, depth: usize) -> Result<bool, Problem> {
        let now = self.cursor.mark;
        let key = &mut self.keys[depth];
        if key.possible && (key.mark.line < now.line || key.mark.index + MAX_KEY < now.index) {
            if key.required {
                let context = key.mark;
                return self.problem(context, "could not find expected ':'");
            }
            key.possible = false;
        }
        Ok(key.possible)
    }

    /// What comes now may be a key.
    fn save_key(&mut self) -> Scanned {
        if !self.key_allowed {
            return Ok(());
        }
        let mark = self.cursor.mark;
        let key = PossibleKey {
            possible: true,
            required: self.flow_depth == 0 && self.indent == Some(mark.column),
            token: self.taken + self.queue.len(),
            mark,
        };
        self.drop_key()?;
        *self.innermost() = key;
        self.waiting.insert(key.token, self.keys.len() - 1);
        Ok(())
    }

    /// What was saved last is no key.
    fn drop_key(&mut self) -> Scanned {
        let key = *self.innermost();
        if key.possible {
            if key.required {
                return self.problem(key.mark, "could not find expected ':'");
            }
            self.innermost().possible = false;
            self.waiting.remove(&key.token);
        }
        Ok(())
    }

    fn leave_document(&mut self) -> Scanned {
        self.close_blocks(None, self.cursor.mark);
        self.drop_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn open_bracket(&mut self, kind: Kind<'t>) -> Scanned {
        self.save_key()?;
        let mark = self.cursor.mark;
        self.keys.push(PossibleKey {
            token: self.taken + self.queue.len(),
            mark,
            ..PossibleKey::default()
        });
        self.flow_depth += 1;
        if self.flow_depth > MAX_DEPTH {
            return self.problem(mark, "exceeded max depth of 10000");
        }
        self.key_allowed = true;
        self.push_mark(kind, 1);
        Ok(())
    }

    fn close_bracket(&mut self, kind: Kind<'t>) -> Scanned {
        self.drop_key()?;
        if self.flow_depth > 0 {
            self.flow_depth -= 1;
            if let Some(key) = self.keys.pop() {
                self.waiting.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.push_mark(kind, 1);
        Ok(())
    }

    /// `-`
    fn entry(&mut self) -> Scanned {
        let mark = self.cursor.mark;
        if self.flow_depth == 0 {
            if !self.key_allowed {
                return self.problem(
                    mark,
                    "block sequence entries are not allowed in this context",
                );
            }
            self.open_block(Kind::BlockSequenceStart, mark, None)?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.push_mark(Kind::BlockEntry, 1);
        Ok(())
    }

    /// `?`
    fn key(&mut self) -> Scanned {
        let mark = self.cursor.mark;
        if self.flow_depth == 0 {
            if !self.key_allowed {
                return self.problem(mark, "mapping keys are not allowed in this context");
            }
            self.open_block(Kind::BlockMappingStart, mark, None)?;
        }
        self.drop_key()?;
        self.key_allowed = self.flow_depth == 0;
        self.push_mark(Kind::Key, 1);
        Ok(())
    }

    /// `:`
    fn value(&mut self) -> Scanned {
        let mark = self.cursor.mark;
        if self.is_possible(self.keys.len() - 1)? {
            let key = *self.innermost();
            self.insert(Kind::Key, key.mark, Some(key.token));
            self.open_block(Kind::BlockMappingStart, key.mark, Some(key.token))?;
            self.innermost().possible = false;
            self.waiting.remove(&key.token);
            self.key_allowed = false;
        } else {
            if self.flow_depth == 0 {
                if !self.key_allowed {
                    return self.problem(mark, "mapping values are not allowed in this context");
                }
                self.open_block(Kind::BlockMappingStart, mark, None)?;
            }
            self.key_allowed = self.flow_depth == 0;
        }
        self.push_mark(Kind::Value, 1);
        Ok(())
    }
}
