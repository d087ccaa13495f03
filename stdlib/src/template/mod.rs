//! `strings.render_template`: the templates of Go's `text/template`, over data without methods.
//!
//! Bounds of ours: actions and parentheses nest [`parser::DEPTH`] deep, templates call each other [`exec::DEPTH`]
//! deep, and there are no complex numbers.

mod ast;
mod exec;
mod functions;
mod lexer;
mod literal;
mod parser;
mod value;

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::json::{self, ReadOptions};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::encoding::json_error;
use crate::operand::{Outcome, object, operands, string};
use crate::strings::rego_text;
use crate::text::charge_bytes;

const CATEGORIES: &[&str] = &["strings"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "strings.render_template",
    since: (0, 59),
    signature: "(value: str, vars: obj<str=>any>) -> result: str",
    doc: "The text of a template of Go, filled with values. Keys that are missing show as <undefined>.",
    cost: Cost::Superlinear("bytes, and what loops do with them"),
    examples: [
        (r#"strings.render_template("{{.a}} {{.b}}", {"a": 1})"#, r#""1 <undefined>""#),
        (
            r#"strings.render_template("{{range $i, $x := .xs}}{{if $i}}, {{end}}{{$x}}{{end}}", {"xs": ["a", "b"]})"#,
            r#""a, b""#
        ),
        (r#"strings.render_template("{{", {})"#, ""),
    ],
    body: render,
}];

/// The name that OPA gives the template of a call.
const NAME: &str = "template";

fn render<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text, values] = operands(arguments)?;
    let text = string(text, 1)?;
    object(values, 2)?;
    // OPA makes JSON of the values by printing them, which fails for those that are no JSON.
    let printed = rego_text(cx, values)?;
    charge_bytes(cx, printed.len() * 2)?;
    let values = json::read(printed.as_bytes(), cx.arena, ReadOptions::default())
        .map_err(|error| json_error(&printed, error))?;
    charge_bytes(cx, text.len() * 8)?;
    cx.reserve(text.len() * 16)?;
    let templates = parser::parse(NAME, text, cx.arena)?;
    let out = exec::run(cx, &templates, NAME, text, values)?;
    // In the text of the template too.
    cx.reserve(out.len() * 2)?;
    let out = out.replace("<no value>", "<undefined>");
    Ok(Some(cx.arena.string(&out)))
}

#[cfg(test)]
mod tests;
