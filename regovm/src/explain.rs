//! What the compiler makes of a policy, as text.

use regovm_compiler::emit;
use regovm_compiler::ir::{Function, display};
use regovm_compiler::optimize::plan::{How, Step, plan};
use regovm_compiler::optimize::{Context, WhyNot};
use regovm_core::{SourceMap, Span};

use crate::compile::{Job, with_ir};
use crate::observe::UnservedLoop;
use crate::report::{Failure, Stage};

/// What to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Explain {
    /// For each loop the index that serves it, or why none can.
    Plan,
    /// The optimised IR.
    Ir,
    /// The bytecode.
    Bytecode,
}

pub(crate) fn text(job: Job<'_>, what: Explain) -> Result<String, Failure> {
    let builtins = job.builtins;
    with_ir(job, |sources, _, ir, rewritten| {
        Ok(match what {
            Explain::Plan => {
                let steps = plan(ir, &Context { builtins });
                plan_text(&steps, &ir.functions, sources) + &rewritten_by(rewritten)
            }
            Explain::Ir => display::program_text(ir, builtins),
            Explain::Bytecode => {
                let program = emit::emit(ir, builtins, sources)
                    .map_err(|errors| Failure::from_diagnostics(Stage::Compile, errors, sources))?;
                regovm_vm::bytecode::listing(&program)
            }
        })
    })
}

/// The rewrites that changed something, with what they do.
fn rewritten_by(names: &[&str]) -> String {
    let mut text = String::new();
    for (name, about) in crate::rewrites().filter(|(name, _)| names.contains(name)) {
        if text.is_empty() {
            text.push_str("\nrewritten by\n");
        }
        text += &format!("  {name}: {about}\n");
    }
    text
}

fn plan_text(steps: &[Step], functions: &[Function], sources: &SourceMap) -> String {
    let mut text = String::new();
    let mut last = None;
    for step in steps {
        if last != Some(step.function) {
            if last.is_some() {
                text.push('\n');
            }
            text += functions
                .get(step.function)
                .map_or("", |function| &function.name);
            text.push('\n');
            last = Some(step.function);
        }
        let indent = "  ".repeat(step.depth + 1);
        let place = place(sources, step.span);
        let line = sources.line(step.span).trim();
        text += &format!(
            "{indent}{place}  {line}\n{indent}  {}\n",
            how(&step.how, sources)
        );
    }
    if text.is_empty() {
        text.push_str("no loops\n");
    }
    text
}

/// Loops that visit all members, with what would help.
pub(crate) fn unserved_loops(
    ir: &regovm_compiler::ir::Program,
    builtins: &regovm_core::builtin::Table,
    sources: &SourceMap,
) -> Vec<UnservedLoop> {
    let steps = plan(ir, &Context { builtins });
    let remedy = |step: &Step| -> Option<String> {
        Some(match &step.how {
            How::All(WhyNot::OtherwiseCompared(span)) => format!(
                "no index can serve {}: compare a field of the member with == to something that is known before the loop; or build an object of the members by such a field in a rule of its own, and look it up",
                quoted(sources, *span)
            ),
            How::All(WhyNot::NothingCompared) => "compare a field of the member with == to something that is known before the loop, so that an index finds it; or build an object of the members by that field in a rule of its own, and look it up".to_owned(),
            How::All(WhyNot::ComparedWithItself(span)) => format!(
                "both sides of {} depend on the member: put what the member does not decide on one side of ==, so that an index finds it",
                quoted(sources, *span)
            ),
            How::All(WhyNot::Seen(span)) => format!(
                "move {} behind the comparison with ==, so that an index finds the member",
                quoted(sources, *span)
            ),
            How::Every => "say it with `not` and a loop that compares with ==, so that an index finds the member".to_owned(),
            How::Walk => "walk once in a rule of its own, and look up what it found".to_owned(),
            // Each collection is gone through once: an index would not be faster.
            How::All(WhyNot::Once | WhyNot::NotWorth) => return None,
            How::Index { .. } | How::Rules(_) | How::Shared(_) => return None,
        })
    };
    steps
        .iter()
        .filter_map(|step| {
            Some(UnservedLoop {
                span: step.span,
                remedy: remedy(step)?,
            })
        })
        .collect()
}

fn place(sources: &SourceMap, span: Span) -> String {
    match sources.locate(span) {
        Some(at) => format!("{}:{}", at.file, at.row),
        None => "query".to_owned(),
    }
}

/// An expression of the policy on one line.
fn quoted(sources: &SourceMap, span: Span) -> String {
    let text = sources.text(span);
    format!(
        "`{}`",
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

fn how(how: &How, sources: &SourceMap) -> String {
    match how {
        How::Index {
            number,
            serves,
            unless_strict,
        } => {
            let mut serves: Vec<String> =
                serves.iter().map(|span| quoted(sources, *span)).collect();
            serves.dedup();
            let strict = if *unless_strict {
                "; all of them with strict errors of built-ins"
            } else {
                ""
            };
            format!(
                "members are found by index {number}, for {}{strict}",
                serves.join(", ")
            )
        }
        How::All(WhyNot::NothingCompared) => {
            "visits all members: none is compared (==) with what is known before the loop"
                .to_owned()
        }
        How::All(WhyNot::OtherwiseCompared(span)) => format!(
            "visits all members: none is compared (==) with what is known before the loop, and no index can serve {}",
            quoted(sources, *span)
        ),
        How::All(WhyNot::ComparedWithItself(span)) => format!(
            "visits all members: both sides of {} depend on the member",
            quoted(sources, *span)
        ),
        How::All(WhyNot::Seen(span)) => format!(
            "visits all members: {} comes before the comparison, and can be seen or be a conflict",
            quoted(sources, *span)
        ),
        How::All(WhyNot::Once) => {
            "visits all members: each time it is another collection, so an index would not be used again"
                .to_owned()
        }
        How::All(WhyNot::NotWorth) => {
            "visits all members: an index would cost more than it saves".to_owned()
        }
        How::Walk => "visits everything below a value".to_owned(),
        How::Every => "visits all members until one does not hold".to_owned(),
        How::Shared(count) => {
            format!(
                "visits all members once for {count} rules; one by one with strict errors of built-ins"
            )
        }
        How::Rules(count) => {
            format!("of {count} rules those run whose comparison with a constant can hold")
        }
    }
}
