//! Functions that show what goes on, and those that statements of the language turn into.

use regovm_core::Code;
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::json;
use regovm_core::value::{Array, Value, View};

use crate::declare::builtin;
use crate::operand::{Outcome, array, operands, string};
use crate::strings::rego_text;
use crate::text::{Text, charge_bytes, written};

const CATEGORIES: &[&str] = &["debugging"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "print",
        since: (0, 34),
        signature: "(any...) -> -",
        doc: "Prints its operands on one line, also if some are undefined. The compiler turns it into internal.print, or removes it.",
        cost: Cost::Linear("bytes printed"),
        examples: [],
        body: print,
    },
    builtin! {
        name: "internal.print",
        since: (0, 34),
        signature: "([{any}]) -> -",
        doc: "Prints one line for every way to choose an element from each set; an empty set prints <undefined>.",
        cost: Cost::Superlinear("elements of the sets, multiplied"),
        examples: [],
        body: internal_print,
    },
    builtin! {
        name: "internal.template_string",
        since: (1, 12),
        signature: "([any]) -> str",
        doc: "Joins the parts of a template string: texts, and sets of at most one value. An empty set becomes <undefined>.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"internal.template_string(["a ", {1}, " b ", {"x"}])"#, r#""a 1 b x""#),
            (r#"internal.template_string(["a ", set()])"#, r#""a <undefined>""#),
        ],
        body: template_string,
    },
    builtin! {
        name: "internal.test_case",
        since: (1, 2),
        signature: "([any]) -> -",
        doc: "Marks a case of a test with several; means nothing to the result.",
        cost: Cost::Constant,
        examples: [],
        body: test_case,
    },
    builtin! {
        name: "trace",
        signature: "(note: str) -> result: bool",
        doc: "Puts a note into the trace of the evaluation. Always true.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trace("here")"#, "true"), ("trace(1)", "")],
        body: trace,
    },
];

fn print<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let mut line = String::new();
    for (i, value) in arguments.iter().enumerate() {
        if i > 0 {
            line.push(' ');
        }
        push_shown(cx, &mut line, *value)?;
    }
    let place = cx.place();
    cx.host.print_at(&line, place.as_deref());
    Ok(Some(Value::TRUE))
}

/// A value as it is printed: strings without quotes.
fn push_shown(
    cx: &mut Call<'_, '_>,
    line: &mut String,
    value: Value<'_>,
) -> Result<(), BuiltinError> {
    match value.as_str() {
        Some(text) => {
            charge_bytes(cx, text.len())?;
            line.push_str(text);
        }
        None => line.push_str(&rego_text(cx, value)?),
    }
    Ok(())
}

/// What a part of a line can be: one text, or the elements of a set.
fn choices<'a>(cx: &mut Call<'a, '_>, part: Value<'a>) -> Result<Vec<String>, BuiltinError> {
    let values = match part.view() {
        View::Set(set) if set.is_empty() => return Ok(vec!["<undefined>".to_owned()]),
        View::Set(set) => set.as_sorted_slice(),
        View::Array(_) | View::Object(_) => {
            return Err(BuiltinError::Halt(
                Code::EvalInternal,
                format!("illegal argument type: {}", part.kind().name()),
            ));
        }
        _ => std::slice::from_ref(&part),
    };
    values
        .iter()
        .map(|value| {
            let mut text = String::new();
            push_shown(cx, &mut text, *value).map(|()| text)
        })
        .collect()
}

fn lines<'a>(cx: &mut Call<'a, '_>, parts: Array<'a>) -> Result<Vec<Vec<String>>, BuiltinError> {
    parts.iter().map(|part| choices(cx, part)).collect()
}

fn internal_print<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [parts] = operands(arguments)?;
    let parts = lines(cx, array(parts, 1)?)?;
    let place = cx.place();
    // The last part changes fastest.
    let mut chosen = vec![0; parts.len()];
    loop {
        let line: Vec<&str> = parts
            .iter()
            .zip(&chosen)
            .map(|(part, at)| part[*at].as_str())
            .collect();
        let line = line.join(" ");
        cx.charge(line.len() as u64 / 4 + 16)?;
        cx.host.print_at(&line, place.as_deref());
        let Some(moved) = (0..parts.len())
            .rev()
            .find(|i| chosen[*i] + 1 < parts[*i].len())
        else {
            return Ok(Some(Value::TRUE));
        };
        chosen[moved] += 1;
        chosen[moved + 1..].fill(0);
    }
}

fn template_string<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [parts] = operands(arguments)?;
    let parts = lines(cx, array(parts, 1)?)?;
    if parts.iter().any(|part| part.len() > 1) {
        return Err(BuiltinError::Halt(
            Code::EvalConflict,
            "template-strings must not produce multiple outputs".to_owned(),
        ));
    }
    let mut out = Text::new(cx);
    for part in parts.iter().flatten() {
        out.push_str(part)?;
    }
    Ok(Some(out.finish()))
}

fn test_case<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [path] = operands(arguments)?;
    let mut keys = Vec::new();
    for key in array(path, 1)?.iter() {
        match key.as_str() {
            Some(text) => {
                charge_bytes(cx, text.len())?;
                keys.push(text.to_owned());
            }
            None => {
                let encode = |value: Value<'_>| json::to_string(value, json::Style::Marshal);
                keys.push(written(cx, key, encode)?.0);
            }
        }
    }
    cx.host.test_case(&keys);
    Ok(Some(Value::TRUE))
}

fn trace<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [note] = operands(arguments)?;
    let note = string(note, 1)?;
    charge_bytes(cx, note.len())?;
    cx.host.note(note);
    Ok(Some(Value::TRUE))
}
