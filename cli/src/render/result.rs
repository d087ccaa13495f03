//! Solutions of a query in every output format.
//!
//! Values are written from the memory of the session: an answer takes no memory a second time.

use std::io::{self, Write};

use regovm::{Answer, AnswerValue, ExpressionValue, JsonLayout, Solution};
use serde_json::{Value, json};

use super::{go_json, table};
use crate::command::eval::EvalFormat;

/// Prints all solutions.
pub fn write(
    out: &mut impl Write,
    format: EvalFormat,
    answer: &Answer<'_>,
    extras: &[(&str, Value)],
) -> io::Result<()> {
    match format {
        EvalFormat::Json => as_json(out, answer, extras),
        EvalFormat::Discard => {
            let mut object = serde_json::Map::new();
            for (name, value) in extras {
                object.insert((*name).to_owned(), value.clone());
            }
            if !answer.is_undefined() {
                object.insert("result".to_owned(), json!("discarded"));
            }
            let mut object = Value::Object(object);
            object.sort_all_objects();
            go_json::write_indented(out, &object)
        }
        EvalFormat::Bindings => answer.solutions().try_for_each(|solution| {
            bindings(out, &solution, 0)?;
            out.write_all(b"\n")
        }),
        EvalFormat::Values => answer.solutions().try_for_each(|solution| {
            let values = solution.expressions().map(|expression| expression.value);
            list(out, ('[', ']'), 0, values, |out, value| {
                indented(out, value, 1)
            })?;
            out.write_all(b"\n")
        }),
        EvalFormat::Raw => answer
            .solutions()
            .try_for_each(|solution| raw(out, &solution)),
        EvalFormat::Pretty | EvalFormat::Source => pretty(out, answer),
    }
}

/// A value whose lines are indented for so many collections around it.
fn indented(out: &mut impl Write, value: AnswerValue<'_>, outer: usize) -> io::Result<()> {
    value.write_json(out, JsonLayout::Indented(outer))
}

/// Items in brackets, each on lines of its own.
fn list<W: Write, T>(
    out: &mut W,
    brackets: (char, char),
    outer: usize,
    items: impl Iterator<Item = T>,
    mut item: impl FnMut(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    let mut count = 0;
    write!(out, "{}", brackets.0)?;
    for next in items {
        let separator = if count > 0 { "," } else { "" };
        write!(out, "{separator}\n{:1$}", "", 2 * (outer + 1))?;
        item(out, next)?;
        count += 1;
    }
    if count > 0 {
        write!(out, "\n{:1$}", "", 2 * outer)?;
    }
    write!(out, "{}", brackets.1)
}

/// A member of an object, up to its value.
fn key(out: &mut impl Write, name: &str) -> io::Result<()> {
    write!(out, "{}: ", go_json::compact(&name.into()))
}

fn bindings(out: &mut impl Write, solution: &Solution<'_, '_>, outer: usize) -> io::Result<()> {
    list(
        out,
        ('{', '}'),
        outer,
        solution.bindings(),
        |out, (name, value)| {
            key(out, name)?;
            indented(out, value, outer + 1)
        },
    )
}

/// Everything as one object; `extras` that belong before the result are those named `errors`.
fn as_json(out: &mut impl Write, answer: &Answer<'_>, extras: &[(&str, Value)]) -> io::Result<()> {
    let mut members: Vec<(&str, Option<&Value>)> = extras
        .iter()
        .map(|(name, value)| (*name, Some(value)))
        .collect();
    if !answer.is_undefined() {
        let at = members
            .iter()
            .take_while(|(name, _)| *name == "errors")
            .count();
        members.insert(at, ("result", None));
    }
    if members.is_empty() {
        return go_json::write_indented(out, &json!({}));
    }
    list(
        out,
        ('{', '}'),
        0,
        members.into_iter(),
        |out, (name, value)| {
            key(out, name)?;
            let Some(value) = value else {
                return solutions(out, answer);
            };
            let mut text = Vec::new();
            go_json::write_indented(&mut text, value)?;
            let text = String::from_utf8_lossy(&text);
            out.write_all(text.trim_end().replace('\n', "\n  ").as_bytes())
        },
    )?;
    out.write_all(b"\n")
}

fn solutions(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    list(out, ('[', ']'), 1, answer.solutions(), |out, solution| {
        let parts = ["expressions", "bindings"];
        let wanted = if solution.bindings().next().is_some() {
            2
        } else {
            1
        };
        list(out, ('{', '}'), 2, parts[..wanted].iter(), |out, part| {
            key(out, part)?;
            match *part {
                "bindings" => bindings(out, &solution, 3),
                _ => list(out, ('[', ']'), 3, solution.expressions(), expression),
            }
        })
    })
}

fn expression<W: Write>(out: &mut W, expression: ExpressionValue<'_>) -> io::Result<()> {
    let members = ["value", "text", "location"];
    list(out, ('{', '}'), 4, members.iter(), |out, member| {
        key(out, member)?;
        match *member {
            "value" => indented(out, expression.value, 5),
            "text" => write!(out, "{}", go_json::compact(&expression.text.into())),
            _ => {
                let place = [("row", expression.row), ("col", expression.col)];
                list(out, ('{', '}'), 5, place.iter(), |out, (name, number)| {
                    key(out, name)?;
                    write!(out, "{number}")
                })
            }
        }
    })
}

fn raw(out: &mut impl Write, solution: &Solution<'_, '_>) -> io::Result<()> {
    for (i, expression) in solution.expressions().enumerate() {
        if i > 0 {
            out.write_all(b" ")?;
        }
        match expression.value.as_str() {
            Some(text) => out.write_all(text.as_bytes())?,
            None => expression.value.write_json(&mut *out, JsonLayout::Line)?,
        }
    }
    out.write_all(b"\n")
}

/// A value in a cell.
fn line(value: AnswerValue<'_>) -> String {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail.
    let _ = value.write_json(&mut bytes, JsonLayout::Line);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn pretty(out: &mut impl Write, answer: &Answer<'_>) -> io::Result<()> {
    let Some(first) = answer.solutions().next() else {
        return out.write_all(b"undefined\n");
    };
    let expressions: Vec<_> = first.expressions().collect();
    let mut names: Vec<&str> = first.bindings().map(|(name, _)| name).collect();
    if answer.solutions().count() == 1 && names.is_empty() {
        let all_boolean = expressions.iter().all(|e| e.value.is_boolean());
        if let [only, rest @ ..] = expressions.as_slice()
            && (rest.is_empty() || all_boolean)
        {
            indented(out, only.value, 0)?;
            return out.write_all(b"\n");
        }
    }
    // Expressions first, in order; then variables by name.
    let shown: Vec<usize> = (0..expressions.len())
        .filter(|i| !expressions[*i].value.is_boolean() || names.is_empty())
        .collect();
    names.sort_unstable();
    let head: Vec<String> = shown
        .iter()
        .map(|i| expressions[*i].text.to_owned())
        .chain(names.iter().map(|name| (*name).to_owned()))
        .collect();
    let rows: Vec<Vec<String>> = answer
        .solutions()
        .map(|solution| {
            let expressions: Vec<_> = solution.expressions().collect();
            let values = shown.iter().filter_map(|i| expressions.get(*i));
            let variables = names.iter().map(|name| {
                let found = solution.bindings().find(|(written, _)| written == name);
                found.map_or_else(|| "null".to_owned(), |(_, value)| line(value))
            });
            values
                .map(|expression| line(expression.value))
                .chain(variables)
                .collect()
        })
        .collect();
    writeln!(out, "{}", table::render(&head, &rows))
}
