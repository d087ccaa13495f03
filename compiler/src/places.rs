//! The places that OPA gives to expressions and heads where they differ from the spans of the tree.

use regovm_core::{SourceMap, Span};
use regovm_parser::ast::{Comment, Rule};

/// The head of a rule; `branch` if it is an `else`.
pub fn head(rule: &Rule, branch: bool) -> Span {
    let start = rule.head.span.start;
    if branch {
        return match &rule.head.value {
            Some(value) if !rule.head.generated_value => Span::new(start, value.span.end),
            _ => Span::new(start, start + "else".len() as u32),
        };
    }
    rule.head.span
}

/// An expression of a rule. That of a default rule stands for the keyword.
pub fn expression(rule: &Rule, span: Span) -> Span {
    if rule.default && span.start == rule.span.start {
        return Span::new(span.start, span.start + "default".len() as u32);
    }
    span
}

/// A span without the blanks and comments at its end. Comments are in the order of the source.
pub fn trimmed(sources: &SourceMap, comments: &[Comment], span: Span) -> Span {
    let mut span = span;
    loop {
        let text = sources.text(span);
        let end = span.start + text.trim_end().len() as u32;
        span = Span::new(span.start, end);
        let after = comments.partition_point(|comment| comment.span.start < end);
        let last = after.checked_sub(1).and_then(|at| comments.get(at));
        match last {
            Some(comment) if comment.span.start > span.start && comment.span.end >= end => {
                span = Span::new(span.start, comment.span.start);
            }
            _ => return span,
        }
    }
}
