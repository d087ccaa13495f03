//! The way from a text to a module or a query.

use regovm_core::{Code, Diagnostic, SourceId, SourceMap, Span};

use crate::annotations;
use crate::ast::{Body, Comment, Module, RegoVersion};
use crate::explain::{self, Goal};
use crate::grammar;
use crate::lexer::keyword::{self, Keyword, KeywordSet};
use crate::lexer::layout::{Layout, Refusal, Spanned, layout};
use crate::lexer::names::Names;
use crate::lexer::scan::scan;
use crate::lower::builder::{Builder, Stacks};
use crate::lower::tree::Statement;
use crate::lower::{self, Refused};

/// What a text is parsed as.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// The dialect.
    pub version: RegoVersion,
    /// Keywords of the future that are active without an import.
    pub future_keywords: Vec<Keyword>,
    /// Read `# METADATA` blocks.
    pub process_annotations: bool,
    /// Knows the names of built-ins: a call of one stands for no rule. (The parser has no list of its own.)
    pub is_builtin: Option<fn(&str) -> bool>,
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

/// Said of a text without statements. It is the only error, and OPA's parser does not put it into a list.
pub const EMPTY_MODULE: &str = "empty module";

/// Parses one text after the other. What that takes, and names that texts have in common, is kept between them.
///
/// ```
/// use regovm_core::SourceMap;
/// use regovm_parser::{ParseOptions, Parser};
///
/// let mut sources = SourceMap::new();
/// let mut parser = Parser::default();
/// for text in ["package p\n\nallow if input.x\n", "package q\n\nallow if input.x\n"] {
///     let id = sources.add("", text).unwrap();
///     let module = parser.module(&sources, id, &ParseOptions::default()).unwrap();
///     assert_eq!(&*module.rules[0].head.name, "allow");
/// }
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    names: Names,
    stacks: Stacks,
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
    Parser::default().module(sources, id, options)
}

impl Parser {
    /// Parses a module.
    pub fn module(
        &mut self,
        sources: &SourceMap,
        id: SourceId,
        options: &ParseOptions,
    ) -> Result<Module, Vec<Diagnostic>> {
        let source = sources.get(id);
        let text = &*source.text;
        let base = source.base;
        let whole = Span::new(base, base + text.len() as u32);
        let read = self.read(text, base, options, Goal::Module, |mut builder, tokens| {
            let parser = grammar::ModuleParser::new();
            parser.parse(&mut builder, tokens).ok()?;
            builder.statements()
        })?;
        if read.found.is_empty() {
            let empty = Diagnostic::new(Code::Parse, Span::whole_file(base), EMPTY_MODULE);
            return Err(vec![empty]);
        }
        let comments = comments(text, base, &read.comments);
        let blocks = if options.process_annotations {
            // Blocks are read with the statements, before the statements make a module.
            annotations::blocks(sources, &comments)?
        } else {
            Vec::new()
        };
        let (_, importable, _) = options.keywords();
        let lower = |statements, wildcards| {
            lower::module(
                statements,
                options.version,
                importable,
                options.is_builtin,
                wildcards,
                whole,
            )
        };
        let lowered = match lower(read.found, read.wildcards) {
            Err(Refused::Syntax) if !read.second => {
                let statements = explain::explain(text, base, options, Goal::Module)?;
                lower(statements, 0)
            }
            lowered => lowered,
        };
        match lowered {
            Ok(mut module) => {
                module.comments = comments;
                if !blocks.is_empty() {
                    annotations::attach(sources, &mut module, blocks)?;
                }
                Ok(module)
            }
            Err(Refused::Errors(errors)) => Err(errors),
            Err(Refused::Syntax) => Err(vec![Diagnostic::new(
                Code::Parse,
                whole,
                "unexpected statement",
            )]),
        }
    }

    /// Reads a text by the grammar; if that refuses, the way [`explain`] does it.
    fn read(
        &mut self,
        text: &str,
        base: u32,
        options: &ParseOptions,
        goal: Goal,
        parse: impl FnOnce(Builder<'_>, Tokens) -> Option<Vec<Statement>>,
    ) -> Result<Read, Vec<Diagnostic>> {
        let mut comments = Vec::new();
        if let Some(scanned) = scan(text) {
            let module = goal == Goal::Module;
            self.names.begin();
            let laid_out = layout(
                text,
                &scanned,
                &mut self.names,
                module,
                options.version,
                options.keywords(),
            );
            match laid_out {
                Ok(Layout { tokens, wildcards }) => {
                    let (comments, stacks) = (&scanned.comments, &mut self.stacks);
                    let builder = Builder::new(text, base, comments, &self.names, stacks);
                    let tokens: Tokens = tokens.into_iter().map(Ok);
                    if let Some(found) = parse(builder, tokens) {
                        let comments = scanned.comments;
                        return Ok(Read {
                            found,
                            comments,
                            wildcards,
                            second: false,
                        });
                    }
                }
                Err(Refusal::Malformed) => {}
                Err(Refusal::TooDeep(at)) => return Err(vec![explain::too_deep(base + at)]),
            }
            comments = scanned.comments;
        }
        let found = explain::explain(text, base, options, goal)?;
        Ok(Read {
            found,
            comments,
            wildcards: 0,
            second: true,
        })
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
    let read =
        Parser::default().read(text, base, options, Goal::Query, |mut builder, tokens| {
            let parser = grammar::QueryParser::new();
            let count = parser.parse(&mut builder, tokens).ok()?;
            let body = builder.query(count)?;
            Some(if body.is_empty() {
                Vec::new()
            } else {
                vec![Statement::Body(body)]
            })
        })?;
    let mut body = Body::new();
    for statement in read.found {
        match statement {
            Statement::Body(exprs) => {
                exprs
                    .into_iter()
                    .for_each(|expr| lower::push(&mut body, expr));
            }
            Statement::Package { span, .. } => {
                return Err(vec![Diagnostic::new(
                    Code::Parse,
                    span,
                    EXPECTED_BODY_PACKAGE,
                )]);
            }
            Statement::Import { span, .. } => {
                return Err(vec![Diagnostic::new(
                    Code::Parse,
                    span,
                    EXPECTED_BODY_IMPORT,
                )]);
            }
            Statement::Default { span, .. } | Statement::Rule { span, .. } => {
                return Err(vec![Diagnostic::new(Code::Parse, span, EXPECTED_BODY_RULE)]);
            }
        }
    }
    Ok(Query {
        body,
        comments: comments(text, base, &read.comments),
    })
}

const EXPECTED_BODY_PACKAGE: &str = "expected body but got *ast.Package";
const EXPECTED_BODY_IMPORT: &str = "expected body but got *ast.Import";
const EXPECTED_BODY_RULE: &str = "expected body but got *ast.Rule";

/// What a text says.
struct Read {
    found: Vec<Statement>,
    comments: Vec<(u32, u32)>,
    wildcards: u32,
    /// The grammar had refused it.
    second: bool,
}

type Tokens = std::iter::Map<std::vec::IntoIter<Spanned>, fn(Spanned) -> Result<Spanned, ()>>;

fn comments(text: &str, base: u32, places: &[(u32, u32)]) -> Vec<Comment> {
    let comment = |&(start, end): &(u32, u32)| {
        let inner = text[start as usize + 1..end as usize].trim_end_matches('\r');
        Comment {
            text: inner.into(),
            span: Span::new(base + start, base + end),
        }
    };
    places.iter().map(comment).collect()
}
