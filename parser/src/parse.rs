//! The way from a text to a module or a query.

use regovm_core::{Code, Diagnostic, SourceId, SourceMap, Span};

use crate::ast::{Body, Comment, Module, RegoVersion};
use crate::explain::{self, Goal};
use crate::grammar;
use crate::lexer::keyword::{self, Keyword, KeywordSet};
use crate::lexer::layout::{Layout, Refusal, layout};
use crate::lexer::scan::{Scanned, scan};
use crate::lower::{self, Builder, Refused};

/// What a text is parsed as.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// The dialect.
    pub version: RegoVersion,
    /// Keywords of the future that are active without an import.
    pub future_keywords: Vec<Keyword>,
    /// Read `# METADATA` blocks.
    pub process_annotations: bool,
}

/// A query: expressions all of which must hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// The expressions.
    pub body: Body,
    /// All comments in source order.
    pub comments: Vec<Comment>,
}

impl ParseOptions {
    /// The active keywords, those that imports may add, and whether `not` takes a body.
    pub(crate) fn keywords(&self) -> (KeywordSet, KeywordSet, bool) {
        let importable = keyword::FUTURE_V0.with(keyword::FUTURE_V1);
        let mut active = keyword::initial(self.version);
        for word in &self.future_keywords {
            active = active.import(*word);
        }
        (
            active,
            importable,
            self.future_keywords.contains(&Keyword::Not),
        )
    }
}

/// Parses a module.
///
/// ```
/// use regovm_core::SourceMap;
/// use regovm_parser::{ParseOptions, parse_module};
///
/// let mut sources = SourceMap::new();
/// let id = sources.add("p.rego", "package p\n\nallow if input.user == \"admin\"\n").unwrap();
/// let module = parse_module(&sources, id, &ParseOptions::default()).unwrap();
/// assert_eq!(&*module.rules[0].head.name, "allow");
/// ```
pub fn parse_module(
    sources: &SourceMap,
    id: SourceId,
    options: &ParseOptions,
) -> Result<Module, Vec<Diagnostic>> {
    let source = sources.get(id);
    let text = &*source.text;
    let base = source.base;
    let whole = Span::new(base, base + text.len() as u32);
    let explain = || explain::explain(text, base, options, Goal::Module);
    let (scanned, layout) = match tokens(text, base, options, true) {
        Ok(found) => found,
        Err(Some(diagnostic)) => return Err(vec![diagnostic]),
        Err(None) => return Err(explain()),
    };
    if layout.tokens.is_empty() {
        let place = Span::new(base, base);
        let mut empty = Diagnostic::new(Code::Parse, place, "empty module");
        // OPA gives no row for an empty module.
        empty.span = place;
        return Err(vec![empty]);
    }
    let wildcards = layout.wildcards;
    let mut builder = Builder::new(base, &scanned.comments);
    let tokens = layout.tokens.into_iter().map(Ok);
    let Ok(statements) = grammar::ModuleParser::new().parse(&mut builder, tokens) else {
        return Err(explain());
    };
    if builder.refused() {
        return Err(explain());
    }
    let (_, importable, _) = options.keywords();
    match lower::module(statements, options.version, importable, wildcards, whole) {
        Ok(mut module) => {
            module.comments = comments(text, base, &scanned);
            Ok(module)
        }
        Err(Refused::Syntax) => Err(explain()),
        Err(Refused::Errors(errors)) => Err(errors),
    }
}

/// Parses a query, as `eval` takes it: expressions, but neither rules nor imports.
pub fn parse_query(
    sources: &SourceMap,
    id: SourceId,
    options: &ParseOptions,
) -> Result<Query, Vec<Diagnostic>> {
    let source = sources.get(id);
    let text = &*source.text;
    let base = source.base;
    let explain = || explain::explain(text, base, options, Goal::Query);
    let (scanned, layout) = match tokens(text, base, options, false) {
        Ok(found) => found,
        Err(Some(diagnostic)) => return Err(vec![diagnostic]),
        Err(None) => return Err(explain()),
    };
    let mut builder = Builder::new(base, &scanned.comments);
    let tokens = layout.tokens.into_iter().map(Ok);
    match grammar::QueryParser::new().parse(&mut builder, tokens) {
        Ok(body) if !builder.refused() => Ok(Query {
            body,
            comments: comments(text, base, &scanned),
        }),
        _ => Err(explain()),
    }
}

/// Runs the lexer; an error is a diagnostic that is already final, or none if the text has to be
/// explained.
fn tokens(
    text: &str,
    base: u32,
    options: &ParseOptions,
    module: bool,
) -> Result<(Scanned, Layout), Option<Diagnostic>> {
    let scanned = scan(text).ok_or(None)?;
    let (active, importable, not_bodies) = options.keywords();
    match layout(
        text,
        &scanned,
        module,
        options.version,
        active,
        importable,
        not_bodies,
    ) {
        Ok(layout) => Ok((scanned, layout)),
        Err(Refusal::Malformed) => Err(None),
        Err(Refusal::TooDeep(at)) => Err(Some(explain::too_deep(base + at))),
    }
}

fn comments(text: &str, base: u32, scanned: &Scanned) -> Vec<Comment> {
    let comment = |&(start, end): &(u32, u32)| {
        let inner = text[start as usize + 1..end as usize].trim_end_matches('\r');
        Comment {
            text: inner.into(),
            span: Span::new(base + start, base + end),
        }
    };
    scanned.comments.iter().map(comment).collect()
}
