//! Metadata: `# METADATA` blocks, what they say, and what they stand above.

mod attach;
mod fields;
mod node;

use regovm_core::yaml::read_constant_with;
use regovm_core::{Code, Constant, Diagnostic, Location, SourceMap, Span};

use crate::ast::{AnnotationTarget, Annotations, Comment};
use crate::print;
use node::{Node, Tree};

pub(crate) use attach::attach;

/// A comment with its place as people count it.
struct Line<'a> {
    comment: &'a Comment,
    at: Location,
}

impl Line<'_> {
    fn starts_block(&self) -> bool {
        self.at.col == 1 && says_metadata(self.comment)
    }
}

fn says_metadata(comment: &Comment) -> bool {
    comment.text.trim_start().starts_with("METADATA")
}

/// Reads the blocks among the comments of a module. What they stand above is settled by [`attach`].
pub(crate) fn blocks(
    sources: &SourceMap,
    comments: &[Comment],
) -> Result<Vec<Annotations>, Vec<Diagnostic>> {
    if !comments.iter().any(says_metadata) {
        return Ok(Vec::new());
    }
    let lines: Vec<Line<'_>> = comments
        .iter()
        .filter_map(|comment| {
            Some(Line {
                comment,
                at: sources.locate(comment.span)?,
            })
        })
        .collect();
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.starts_block() {
            continue;
        }
        let mut end = at + 1;
        while let Some(next) = lines.get(end) {
            if next.at.col != 1 || next.at.row != lines[end - 1].at.row + 1 || next.starts_block() {
                break;
            }
            end += 1;
        }
        match block(line, &lines[at + 1..end]) {
            Ok(annotations) => found.push(annotations),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(errors)
    }
}

fn block(first: &Line<'_>, lines: &[Line<'_>]) -> Result<Annotations, Diagnostic> {
    let place = first.comment.span;
    let mut text = String::new();
    for line in lines {
        let comment = &line.comment.text;
        text.push_str(comment.strip_prefix(' ').unwrap_or(comment));
        text.push('\n');
    }
    if text.trim().is_empty() {
        let message = "expected METADATA block, found whitespace";
        return Err(Diagnostic::new(Code::Parse, place, message));
    }
    let (node, value) = read(&text).map_err(|(line, message)| {
        // OPA takes the line of the YAML text for an index among the comments.
        let at = line.map_or(0, |line| line.min(lines.len() - 1));
        let message = with_space_hints(message, lines);
        Diagnostic::new(Code::Parse, lines[at].comment.span, message)
    })?;
    let read = fields::read(&node, &value)
        .map_err(|message| Diagnostic::new(Code::Parse, place, message))?;
    let end = lines.last().map_or(place.end, |line| line.comment.span.end);
    Ok(Annotations {
        scope: read.scope,
        entrypoint: read.entrypoint,
        fields: read.object,
        schemas: read.schemas,
        compile: read.compile,
        target: AnnotationTarget::Package,
        span: Span::new(place.start, end),
    })
}

/// The block as YAML; an error has its line, if it has one, and OPA's text.
fn read(text: &str) -> Result<(Node, Constant), (Option<usize>, String)> {
    let mut tree = Tree::default();
    let value = read_constant_with(text, &mut |event, mark| tree.event(event, mark))
        .map_err(|error| (error.named, error.to_string()))?;
    let node = tree.finish();
    let mut errors = Vec::new();
    fields::check_kinds(&node, &mut errors);
    let Some((line, _)) = errors.first() else {
        return Ok((node, value));
    };
    let line = *line;
    let list: Vec<String> = errors
        .iter()
        .map(|(line, message)| format!("  line {line}: {message}"))
        .collect();
    Err((
        Some(line),
        format!("yaml: unmarshal errors:\n{}", list.join("\n")),
    ))
}

/// Adds what OPA suspects: that no space which YAML knows follows a colon.
fn with_space_hints(mut message: String, lines: &[Line<'_>]) -> String {
    for line in lines {
        let mut suspects = Vec::new();
        let parts: Vec<&str> = line.comment.text.split(':').skip(1).collect();
        for (at, part) in parts.iter().enumerate() {
            let c = match part.chars().next() {
                None if at + 1 == parts.len() => break,
                None => char::REPLACEMENT_CHARACTER,
                Some(' ' | '\t') => break,
                Some(c) => c,
            };
            suspects.push(quoted_rune(c));
        }
        if !suspects.is_empty() {
            let row = line.at.row;
            let list = suspects.join(" ");
            message = format!(
                "{message}\n  Hint: on line {row}, symbol(s) [{list}] immediately following a key/value separator ':' is not a legal yaml space character"
            );
        }
    }
    message
}

fn quoted_rune(c: char) -> String {
    match c {
        '\'' => r"'\''".to_string(),
        '\\' => r"'\\'".to_string(),
        c if c.is_ascii_graphic() || c == ' ' => format!("'{c}'"),
        c if (c as u32) < 0x20 => {
            let mut quoted = String::new();
            print::quote(&mut quoted, c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
        c if (c as u32) < 0x10000 => format!("'\\u{:04x}'", c as u32),
        c => format!("'\\U{:08x}'", c as u32),
    }
}
