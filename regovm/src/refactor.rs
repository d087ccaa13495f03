//! Changes of policies that keep what they mean.

use std::fmt;

use regovm_compiler::front;
use regovm_compiler::options::Options;
use regovm_compiler::visit::{VisitMut, descend_term};
use regovm_core::{Location, SourceId, SourceMap, Span};
use regovm_parser::ast::{Module, Ref, RegoVersion, Term, TermKind};
use regovm_parser::format::{self as layout, Target};
use regovm_parser::{order, print, shape};

use crate::format::parsed;
use crate::report::{Failure, Stage};

/// Why references were not moved.
#[derive(Clone, Debug)]
pub enum MoveError {
    /// A policy does not parse, or the result does not compile.
    Policy(Failure),
    /// What is wrong with the mapping, and where it cannot be followed.
    Mapping(String, Option<Location>),
}

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MoveError::Policy(failure) => f.write_str(failure.plain_text("").trim_end()),
            MoveError::Mapping(message, Some(at)) => {
                write!(f, "{}:{}: {message}", at.file, at.row)
            }
            MoveError::Mapping(message, None) => f.write_str(message),
        }
    }
}

impl std::error::Error for MoveError {}

/// References that move: from the first, to the second.
#[derive(Clone, Debug, Default)]
pub struct Moves(Vec<(Ref, Ref)>);

impl Moves {
    /// Adds a mapping, written as `data.lib.foo:data.baz.bar`.
    ///
    /// # Errors
    /// It is not of that form; in OPA's words.
    pub fn add(&mut self, text: &str) -> Result<(), MoveError> {
        let pair = text
            .split_once(':')
            .and_then(|(from, to)| Some((reference(from)?, reference(to)?)));
        let message = "expected mapping of the form <from>:<to>";
        let pair = pair.ok_or_else(|| MoveError::Mapping(message.to_owned(), None))?;
        self.0.push(pair);
        Ok(())
    }

    /// Moves the references of policies (name and text) and gives their new texts, formatted.
    ///
    /// ```
    /// use regovm::RegoVersion;
    /// use regovm::refactor::Moves;
    ///
    /// let mut moves = Moves::default();
    /// moves.add("data.lib.foo:data.baz")?;
    /// let policy = ("p.rego".to_owned(), b"package lib.foo\n\nallow if data.lib.foo.x".to_vec());
    /// let moved = moves.apply(&[policy], RegoVersion::V1)?;
    /// assert_eq!(moved[0], "package baz\n\nallow if data.baz.x\n");
    /// # Ok::<(), regovm::refactor::MoveError>(())
    /// ```
    ///
    /// # Errors
    /// A policy does not parse, the result does not compile, or a reference ends within what moves.
    pub fn apply(
        &self,
        policies: &[(String, Vec<u8>)],
        version: RegoVersion,
    ) -> Result<Vec<String>, MoveError> {
        let mut sources = SourceMap::new();
        let mut modules: Vec<(Module, SourceId)> = Vec::with_capacity(policies.len());
        let mut errors = Vec::new();
        for (name, text) in policies {
            match parsed(&mut sources, name, text, version) {
                Ok(module) => modules.push(module),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            let failure = Failure::from_diagnostics(Stage::Load, errors, &sources);
            return Err(MoveError::Policy(failure));
        }
        for (module, _) in &mut modules {
            self.in_module(module)
                .map_err(|(message, span)| MoveError::Mapping(message, sources.locate(span)))?;
        }
        let failed =
            |errors| MoveError::Policy(Failure::from_diagnostics(Stage::Compile, errors, &sources));
        let moved = modules.iter().map(|(module, _)| module.clone()).collect();
        front::check_modules(
            &sources,
            moved,
            Vec::new(),
            &crate::builtins(),
            &Options::default(),
            None,
        )
        .map_err(failed)?;
        let options = layout::Options {
            target: match version {
                RegoVersion::V1 => Target::V1,
                _ => Target::V0,
            },
            ..layout::Options::default()
        };
        modules
            .into_iter()
            .map(|(module, id)| layout::module(module, &sources, id, &options).map_err(failed))
            .collect()
    }

    fn in_module(&self, module: &mut Module) -> Result<(), (String, Span)> {
        let mut mover = Mover {
            moves: &self.0,
            refused: None,
        };
        mover.path(&mut module.package.path);
        for import in &mut module.imports {
            mover.term(&mut import.path);
        }
        for rule in &mut module.rules {
            for step in rule.head.reference.iter_mut().skip(1) {
                mover.term(step);
            }
            mover.rule(rule);
        }
        mover.refused.map_or(Ok(()), Err)
    }
}

/// Reads a reference that starts with a name.
fn reference(text: &str) -> Option<Ref> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text.trim()).ok()?;
    let options = regovm_parser::ParseOptions::default();
    let query = regovm_parser::parse_query(&sources, id, &options).ok()?;
    let [expr] = &query.body[..] else { return None };
    match &expr.kind {
        regovm_parser::ast::ExprKind::Term(Term {
            kind: TermKind::Ref(path),
            ..
        }) => Some(path.clone()),
        _ => None,
    }
}

struct Mover<'m> {
    moves: &'m [(Ref, Ref)],
    /// The first reference that cannot move.
    refused: Option<(String, Span)>,
}

impl Mover<'_> {
    fn path(&mut self, path: &mut Ref) {
        let Some(first) = path.first() else { return };
        let place = first.span;
        for (from, to) in self.moves {
            if starts_with(path, from) {
                let moved = to.iter().cloned().map(|mut step| {
                    // New steps stand where the reference stands.
                    shape::place_term(&mut step, place);
                    step
                });
                *path = moved.chain(path[from.len()..].iter().cloned()).collect();
                return;
            }
            let constant = path
                .iter()
                .take_while(|step| step.as_var().is_some() || step.as_str().is_some());
            let constant = 1 + constant
                .skip(1)
                .take_while(|step| step.as_str().is_some())
                .count();
            let prefix = &path[..constant.min(path.len())];
            if self.refused.is_none() && starts_with(from, prefix) {
                let (all, prefix) = (print::reference(path), print::reference(prefix));
                let message = format!(
                    "cannot rewrite `{all}`: constant prefix `{prefix}` of `{all}` is too short"
                );
                let end = path.last().map_or(place, |last| last.span);
                self.refused = Some((message, end));
                return;
            }
        }
    }
}

impl VisitMut for Mover<'_> {
    fn term(&mut self, term: &mut Term) {
        if let TermKind::Ref(path) = &mut term.kind {
            self.path(path);
        }
        descend_term(self, term);
    }
}

fn starts_with(path: &[Term], start: &[Term]) -> bool {
    path.len() >= start.len() && order::compare_refs(&path[..start.len()], start).is_eq()
}
