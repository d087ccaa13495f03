//! go-yaml's words for what our scanner reports, and the line that it names.
//!
//! Errors of go-yaml's scanner count lines from 1, those of its parser from 0, and what is on line 0 is not named. An
//! error that has a context (the collection or scalar that it is in) names the line where that begins, unless it is 0.

use saphyr_parser::ScanError;

use super::YamlError;

/// A collection that was open when the error came.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    /// Line of its first character, from 0.
    pub line: usize,
    /// Characters of the text before it.
    pub index: usize,
    pub mapping: bool,
}

/// Which part of go-yaml complains.
enum By {
    Scanner,
    Parser,
}

/// What go-yaml says of an error, `opened` being the innermost collection around it.
pub(super) fn error(error: &ScanError, text: &str, opened: Option<Opened>) -> YamlError {
    let marker = error.marker();
    // The marker counts lines from 1.
    let at = marker.line().saturating_sub(1);
    let (message, named) = match plain(error.info()) {
        "found unknown anchor" => {
            let alias: String = text
                .chars()
                .skip(marker.index() + 1)
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                .collect();
            (format!("unknown anchor '{alias}' referenced"), None)
        }
        info => {
            let (message, by, context, problem) = said(info, text, at, opened);
            let line = if context == 0 { problem } else { context };
            let named = match by {
                By::Scanner if line > 0 => Some(line + 1),
                By::Parser if line > 0 => Some(line),
                _ => None,
            };
            (message, named)
        }
    };
    YamlError {
        line: marker.line(),
        col: marker.col() + 1,
        named,
        message,
        memory: None,
    }
}

/// Without what was being read.
fn plain(info: &str) -> &str {
    match info.split_once(", ") {
        Some((context, rest)) if context.starts_with("while ") => rest,
        _ => info,
    }
}

/// The message, who says it, and the lines of the context and of the problem, from 0.
fn said(info: &str, text: &str, at: usize, opened: Option<Opened>) -> (String, By, usize, usize) {
    let around = opened.map_or(0, |opened| opened.line);
    let scanner = |message: &str| (message.to_owned(), By::Scanner, at, at);
    let parser = |message: &str| (message.to_owned(), By::Parser, around, at);
    match info {
        "illegal placement of ':' indicator"
        | "misplaced bracket"
        | "expected ',' or ']'"
        | "did not find expected ',' or '}'" => parser(expected(text, opened)),
        "did not find expected key" | "did not find expected '-' indicator" => parser(info),
        "did not find expected node content" | "did not find expected <document start>" => {
            (info.to_owned(), By::Parser, at, at)
        }
        "the handle wasn't declared" => {
            ("found undefined tag handle".to_owned(), By::Parser, at, at)
        }
        "found unexpected end of stream" => {
            let end = text.matches('\n').count();
            (info.to_owned(), By::Scanner, at, end)
        }
        "simple key expected" | "simple key expect ':'" => {
            let before = text.lines().take(at);
            let keys = before
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty());
            let key = keys.last().map_or(at, |(key, _)| key);
            (
                "could not find expected ':'".to_owned(),
                By::Scanner,
                key,
                at,
            )
        }
        "found a tab" => {
            let message = "found a tab character that violates indentation";
            (message.to_owned(), By::Scanner, at, line_with_tab(text, at))
        }
        "a block scalar content cannot start with a tab" => {
            let message = "found a tab character where an indentation space is expected";
            (message.to_owned(), By::Scanner, at, line_with_tab(text, at))
        }
        "did not find expected hexadecimal number" => {
            scanner("did not find expected hexdecimal number")
        }
        _ if info.starts_with("unexpected character: ") || info.starts_with("tabs disallowed") => {
            scanner(super::NO_TOKEN)
        }
        _ => scanner(info),
    }
}

/// What go-yaml misses where something else stands in a flow collection, or outside of any.
fn expected(text: &str, opened: Option<Opened>) -> &'static str {
    let bracket = opened.and_then(|opened| text.chars().nth(opened.index));
    match (bracket, opened) {
        (Some('{'), Some(Opened { mapping: true, .. })) => "did not find expected ',' or '}'",
        // A pair in a sequence is a mapping without brackets.
        (Some('['), _) => "did not find expected ',' or ']'",
        (Some(_), Some(Opened { mapping: true, .. })) if in_flow(text, opened) => {
            "did not find expected ',' or ']'"
        }
        _ => "did not find expected node content",
    }
}

/// Whether more brackets are opened than closed in front of a collection.
fn in_flow(text: &str, opened: Option<Opened>) -> bool {
    let before = text.chars().take(opened.map_or(0, |opened| opened.index));
    let depth = before.fold(0_i64, |depth, c| match c {
        '[' | '{' => depth + 1,
        ']' | '}' => depth - 1,
        _ => depth,
    });
    depth > 0
}

/// The first line after a place that a tab indents.
fn line_with_tab(text: &str, at: usize) -> usize {
    let lines = text.lines().enumerate().skip(at + 1);
    lines
        .filter(|(_, line)| line.trim_start_matches(' ').starts_with('\t'))
        .map(|(line, _)| line)
        .next()
        .unwrap_or(at)
}
