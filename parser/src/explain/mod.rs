//! OPA's words for texts that are no Rego.
//!
//! The grammar only says *that* a text is refused. Which complaint OPA makes depends on what it was
//! trying to read at that point, what it tries next when an attempt fails, and which complaints of
//! failed attempts it keeps. This module goes through the text in that order, with attempts that
//! can be taken back, and collects the complaints that remain. It runs for refused texts only.
//!
//! `cursor` reads tokens, `terms`, `literals` and `statements` try what may stand there.

mod cursor;
mod literals;
mod logical;
mod statements;
mod terms;

use regovm_core::{Code, Diagnostic, Span};

use crate::ast::Term;
use crate::lexer::keyword::{BASE, FUTURE_V0, FUTURE_V1, Keyword, KeywordSet};
use crate::lower::is_version_keyword;
use crate::lower::tree::Statement;
use crate::parse::ParseOptions;
use cursor::{Cursor, State, Tok};

/// How deep attempts may nest. Their frames are large, and malformed texts that nest this deep are
/// nobody's policy: they get the complaint about depth instead of a more telling one.
const MAX_ATTEMPTS: u32 = 200;

/// What the text was to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// A module.
    Module,
    /// A query.
    Query,
}

/// The error of texts that nest too deep.
pub fn too_deep(at: u32) -> Diagnostic {
    Diagnostic::new(Code::Parse, Span::new(at, at), TOO_DEEP)
}

const TOO_DEEP: &str = "max parsing recursion depth exceeded";

/// Finds what is wrong with a text that the grammar refused.
///
/// A few such texts are Rego after all, where what a bracket means depends on all of a statement (a
/// space inside the head of a rule). Their statements are the answer then; those of a query are all
/// [`Statement::Body`].
pub fn explain(
    text: &str,
    base: u32,
    options: &ParseOptions,
    goal: Goal,
) -> Result<Vec<Statement>, Vec<Diagnostic>> {
    let (keywords, importable, not_bodies) = options.keywords();
    let mut reader = Reader {
        c: Cursor::new(text, base, keywords),
        options,
        importable,
        not_bodies,
        known: Known::default(),
        depth: 0,
        steps: 10_000 + text.len(),
        too_deep: None,
    };
    let statements = reader.statements(goal == Goal::Query);
    if let Some(at) = reader.too_deep {
        return Err(vec![too_deep(at)]);
    }
    if reader.steps == 0 {
        return Err(vec![reader.surprise()]);
    }
    let faults = &reader.c.s.faults;
    if !faults.is_empty() {
        let diagnostic = |fault: &cursor::Fault| {
            Diagnostic::new(Code::Parse, fault.span, fault.message.clone())
                .with_details(details(text, (fault.span.start - base) as usize))
        };
        return Err(faults.iter().map(diagnostic).collect());
    }
    if reader.tok() != Tok::Eof {
        return Err(vec![reader.surprise()]);
    }
    Ok(statements)
}

/// OPA's details of a complaint: the line, and the index of the byte in it.
fn details(text: &str, offset: usize) -> String {
    let bytes = text.as_bytes();
    let mut at = offset.min(bytes.len().saturating_sub(1));
    while at > 0 && matches!(bytes[at], b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) {
        at -= 1;
    }
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let start = bytes[..at.min(bytes.len())]
        .iter()
        .rposition(is_end)
        .map_or(0, |i| i + 1);
    let end = bytes[start..]
        .iter()
        .position(is_end)
        .map_or(bytes.len(), |i| start + i);
    let line = text.get(start..end).unwrap_or("");
    let mut json = String::from("{\"line\":\"");
    for c in line.chars() {
        match c {
            '"' | '\\' => {
                json.push('\\');
                json.push(c);
            }
            '\t' => json.push_str("\\t"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", c as u32)),
            c => json.push(c),
        }
    }
    json.push_str(&format!("\",\"idx\":{}}}", at.saturating_sub(start)));
    json
}

/// Reads with attempts.
struct Reader<'a> {
    c: Cursor<'a>,
    options: &'a ParseOptions,
    importable: KeywordSet,
    not_bodies: bool,
    known: Known,
    depth: u32,
    /// How many attempts may still be made. Attempts inside attempts can double with every level;
    /// a text made for that ends here.
    steps: usize,
    /// Where attempts nested too deep, which ends them all.
    too_deep: Option<u32>,
}

/// Terms that were read before, by where they start, and how things stood after them.
///
/// A term that ends makes those inside it (and behind it) forgotten: they are read anew by the next
/// attempt, and may be understood differently then.
#[derive(Default)]
struct Known {
    entries: Vec<KnownTerm>,
    /// The newest one.
    head: Option<usize>,
}

struct KnownTerm {
    start: usize,
    term: Option<Term>,
    after: State,
    /// The next that starts before this one.
    next: Option<usize>,
}

impl Known {
    fn get(&self, start: usize) -> Option<&KnownTerm> {
        let mut at = self.head;
        while let Some(entry) = at.map(|at| &self.entries[at]) {
            if entry.start <= start {
                return (entry.start == start).then_some(entry);
            }
            at = entry.next;
        }
        None
    }

    fn add(&mut self, start: usize, term: Option<Term>, after: State) {
        let mut next = self.head;
        while let Some(at) = next.filter(|at| self.entries[*at].start >= start) {
            next = self.entries[at].next;
        }
        self.head = Some(self.entries.len());
        self.entries.push(KnownTerm {
            start,
            term,
            after,
            next,
        });
    }
}

impl<'a> Reader<'a> {
    /// The complaint for texts on which no attempt complains, which should not exist.
    fn surprise(&self) -> Diagnostic {
        let message = format!("unexpected {} token", self.tok().name());
        Diagnostic::new(Code::Parse, self.c.span(), message)
    }

    fn tok(&self) -> Tok {
        self.c.s.tok
    }

    fn is(&self, keyword: Keyword) -> bool {
        self.c.s.tok == Tok::Key(keyword)
    }

    fn save(&self) -> State {
        self.c.s.clone()
    }

    fn restore(&mut self, state: State) {
        self.c.s = state;
    }

    fn failed(&self) -> bool {
        !self.c.s.faults.is_empty()
    }

    /// Counts an attempt inside the current one; the caller takes it off again.
    fn enter(&mut self) -> Option<()> {
        if self.steps == 0 {
            return None;
        }
        self.steps -= 1;
        if self.depth >= MAX_ATTEMPTS {
            self.too_deep = Some(self.c.span().start);
            self.steps = 0;
            return None;
        }
        self.depth += 1;
        Some(())
    }

    /// Runs an attempt one level deeper.
    fn deeper<T>(&mut self, attempt: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.enter()?;
        let result = attempt(self);
        self.depth -= 1;
        result
    }

    /// Runs an attempt with other keywords, and without what was read with these.
    fn with_keywords<T>(
        &mut self,
        keywords: KeywordSet,
        attempt: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = std::mem::replace(&mut self.c.keywords, keywords);
        let known = std::mem::take(&mut self.known);
        let result = attempt(self);
        self.known = known;
        self.c.keywords = before;
        result
    }

    /// Whether a keyword could be imported and is none yet in this version.
    fn is_of_the_future(&self, keyword: Keyword) -> bool {
        match self.options.version {
            crate::ast::RegoVersion::V1 => FUTURE_V1.has(keyword),
            _ => FUTURE_V0.has(keyword),
        }
    }

    fn future_keywords(&self) -> KeywordSet {
        self.c.keywords.with(FUTURE_V0).with(FUTURE_V1)
    }

    fn present_keywords(&self) -> KeywordSet {
        self.c.keywords.without(FUTURE_V0).without(FUTURE_V1)
    }

    /// Whether a token is a keyword that may be a name in references.
    fn may_be_name(&self, tok: Tok) -> bool {
        // OPA asks by the word of the token, so `&` and `|` count as `and` and `or`.
        let keyword = match tok {
            Tok::Key(keyword) => keyword,
            Tok::And => Keyword::And,
            Tok::Or => Keyword::Or,
            _ => return false,
        };
        self.c.keywords.has(keyword) || is_version_keyword(keyword.text(), self.options.version)
    }

    /// The token that follows without a space between.
    fn next_glued(&mut self) -> Tok {
        let state = self.save();
        self.c.scan_space();
        let tok = self.tok();
        self.restore(state);
        tok
    }

    /// A keyword before a dot or bracket is the first name of a reference.
    fn keyword_as_name(&mut self) -> bool {
        if self.may_be_name(self.tok()) && matches!(self.next_glued(), Tok::Dot | Tok::LBracket) {
            self.c.s.tok = Tok::Ident;
            return true;
        }
        false
    }

    fn logical_keywords(&self) -> bool {
        self.c.keywords.has(Keyword::And) || self.c.keywords.has(Keyword::Or)
    }

    fn import_keywords(&mut self, set: KeywordSet) {
        self.c.keywords = self.c.keywords.with(set).with(BASE);
        self.not_bodies |= set.has(Keyword::Not);
    }
}
