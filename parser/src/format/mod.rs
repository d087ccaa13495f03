//! The text of a module in the one layout that `opa fmt` gives it.
//!
//! What is laid out is the tree; the text tells where lines were broken, and comments go along by the line that they
//! stand on. A term whose comments the layout has no place for keeps the text that it had.
//!
//! One round of `opa fmt` is [`once`]. A few texts change again in the next round, because the layout depends on the
//! lines that the round before has made: [`module`] goes on until the text stands still.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

mod body;
mod imports;
mod list;
mod logical;
mod page;
mod places;
mod rule;
mod statements;
mod template;
mod term;

use std::collections::HashSet;

use regovm_core::{Diagnostic, SourceId, SourceMap};

use crate::ast::{ExprKind, Module, Name, RegoVersion, Rule};
use crate::lexer::keyword::{BASE, FUTURE_V0, FUTURE_V1, Keyword, KeywordSet};
use crate::{ParseOptions, parse_module, wildcards};
use imports::Directives;
use page::{Page, Remark};
use places::Ground;

/// How often a text is laid out before it has to stand still.
const ROUNDS: usize = 100;

/// What a text is formatted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Target {
    /// Rego v0.
    V0,
    /// Both: v0 with `import rego.v1`.
    V0AndV1,
    /// Rego v1.
    #[default]
    V1,
}

/// How to format.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What the text is formatted for.
    pub target: Target,
    /// Leave out imports that the target makes needless: `rego.v1` and `future.keywords`.
    pub drop_imports: bool,
    /// Keywords may stand after a dot: `a.if`.
    pub keywords_in_refs: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            target: Target::V1,
            drop_imports: false,
            keywords_in_refs: true,
        }
    }
}

impl Target {
    /// The dialect in which the result has to parse.
    pub fn version(self) -> RegoVersion {
        match self {
            Target::V0 => RegoVersion::V0,
            Target::V0AndV1 => RegoVersion::V0CompatV1,
            Target::V1 => RegoVersion::V1,
        }
    }
}

/// Formats a parsed module until the text stands still.
///
/// ```
/// use regovm_core::SourceMap;
/// use regovm_parser::{ParseOptions, format, parse_module};
///
/// let mut sources = SourceMap::new();
/// let id = sources.add("p.rego", "package p\nallow if{input.user==\"admin\"}").unwrap();
/// let module = parse_module(&sources, id, &ParseOptions::default()).unwrap();
/// let text = format::module(module, &sources, id, &format::Options::default()).unwrap();
/// assert_eq!(text, "package p\n\nallow if input.user == \"admin\"\n");
/// ```
pub fn module(
    module: Module,
    sources: &SourceMap,
    id: SourceId,
    options: &Options,
) -> Result<String, Vec<Diagnostic>> {
    let mut text = once(module, sources, id, options)?;
    for _ in 1..ROUNDS {
        let Some(next) = again(&text, options) else {
            break;
        };
        if next == text {
            break;
        }
        text = next;
    }
    Ok(text)
}

/// The next round; nothing if the text does not parse.
fn again(text: &str, options: &Options) -> Option<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).ok()?;
    let parse = ParseOptions {
        version: options.target.version(),
        ..ParseOptions::default()
    };
    let module = parse_module(&sources, id, &parse).ok()?;
    once(module, &sources, id, options).ok()
}

/// Formats a parsed module in one round, as `opa fmt` does.
pub fn once(
    mut module: Module,
    sources: &SourceMap,
    id: SourceId,
    options: &Options,
) -> Result<String, Vec<Diagnostic>> {
    wildcards::renumber(&mut module);
    let ground = Ground::new(sources.get(id));
    let remarks = module
        .comments
        .iter()
        .map(|comment| Remark {
            row: ground.row(comment.span),
            leads: ground.starts_row(comment.span),
            text: comment.text.trim_end().into(),
        })
        .collect();
    let dialect = Dialect::of(&module, options);
    let directives = Directives::of(&module, options, &ground);
    let mut printer = Printer {
        page: Page::new(remarks),
        ground,
        dialect,
        named_wildcards: wildcards::repeated(&module),
        takes_last: false,
        errors: Vec::new(),
    };
    printer.statements(&module, directives);
    if printer.errors.is_empty() {
        Ok(printer.page.finish())
    } else {
        Err(printer.errors)
    }
}

/// A comment has no place where the layout would put it; what could not be laid out is there as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Clash;

/// Whether everything had its place.
type Laid = Result<(), Clash>;

/// What of the target and of the module's imports the layout depends on.
struct Dialect {
    /// Partial sets have `contains`.
    contains: bool,
    /// Bodies have `if`.
    ifs: bool,
    /// Heads are printed as references, because one of them has to be.
    ref_heads: bool,
    v1: bool,
    /// Words that are keywords here.
    keywords: KeywordSet,
    keywords_in_refs: bool,
}

impl Dialect {
    fn of(module: &Module, options: &Options) -> Dialect {
        let v1 = options.target != Target::V0;
        let mut dialect = Dialect {
            contains: v1,
            ifs: v1,
            ref_heads: false,
            v1,
            keywords: if v1 { BASE.with(FUTURE_V0) } else { BASE },
            keywords_in_refs: options.keywords_in_refs,
        };
        for import in &module.imports {
            let names = imports::names(&import.path);
            match names.as_slice() {
                ["rego", "v1"] | ["future", "keywords"] => {
                    dialect.contains = true;
                    dialect.ifs = true;
                }
                ["rego", "v2"] => {
                    dialect.contains = true;
                    dialect.ifs = true;
                    dialect.keywords = dialect.keywords.with(FUTURE_V0).with(FUTURE_V1);
                }
                ["future", "keywords", word] => {
                    dialect.contains |= *word == "contains";
                    dialect.ifs |= *word == "if";
                    if let Some(keyword) = Keyword::of(word) {
                        dialect.keywords = dialect.keywords.with(KeywordSet::of(&[keyword]));
                    }
                }
                _ => {}
            }
        }
        let mut rules: Vec<&Rule> = module.rules.iter().collect();
        while let Some(rule) = rules.pop() {
            let head = &rule.head;
            let keyed = head.key.is_some() && head.value.is_none();
            dialect.ref_heads |= head.reference.len() > 2 || head.reference.len() == 2 && keyed;
            rules.extend(rule.else_rule.as_deref());
        }
        dialect
    }
}

/// Lays out one module.
struct Printer<'a> {
    page: Page,
    ground: Ground<'a>,
    dialect: Dialect,
    /// Wildcards that stand in several places, which names must show.
    named_wildcards: HashSet<Name>,
    /// What keeps its text takes the comment behind its last line along.
    takes_last: bool,
    errors: Vec<Diagnostic>,
}

impl Printer<'_> {
    /// Puts out the comments above a row; the one beside it goes to the end of the line.
    fn remarks_at(&mut self, row: i64) -> Laid {
        let (above, beside) = self.page.remarks.take(row);
        let last = above.last().map(|remark| remark.row);
        self.page.remark_lines(&above);
        if last.is_some_and(|last| row - last > 1) {
            self.page.blank_line();
        }
        self.page.keep_beside(beside)
    }
}

/// Whether an expression is `and` or `or`.
fn is_logical(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::And(_) | ExprKind::Or(_))
}
