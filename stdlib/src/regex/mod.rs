//! Regular expressions, with the syntax and the matches of Go.

mod classes;
pub(crate) mod engine;
mod intersection;
mod program;
mod template;
mod threads;
mod translate;

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{ArrayBuilder, Value};

use crate::declare::builtin;
use crate::go::quote::{Charset, push_quoted};
use crate::operand::{Outcome, failed, integer, operands, string};
use crate::text::{Text, charge_bytes};
use engine::Matches;
#[cfg(feature = "jsonschema")]
pub(crate) use engine::Pattern;
pub(crate) use engine::compile;
use template::Template;

const CATEGORIES: &[&str] = &["regex"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "regex.match",
        since: (0, 23),
        signature: "(pattern: str, value: str) -> result: bool",
        doc: "Whether the pattern matches anywhere in the string. Patterns are those of RE2: no look-around, no back-references.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"regex.match(`^a+\d$`, "aa7")"#, "true"),
            (r#"regex.match("b", "abc")"#, "true"),
            (r#"regex.match("[", "[")"#, ""),
        ],
        body: matches,
    },
    builtin! {
        name: "re_match",
        deprecated: true,
        signature: "(str, str) -> bool",
        doc: "The old name of regex.match.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"re_match("a.c", "abc")"#, "true")],
        body: matches,
    },
    builtin! {
        name: "regex.is_valid",
        since: (0, 23),
        signature: "(pattern: str) -> result: bool",
        doc: "Whether the string is a pattern. Of anything but a string it is false.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"regex.is_valid("a{2}")"#, "true"), (r#"regex.is_valid("(?=a)")"#, "false")],
        body: is_valid,
    },
    builtin! {
        name: "regex.split",
        signature: "(pattern: str, value: str) -> output: [str]",
        doc: "The parts of the string between matches. A pattern that matches nothing but the empty text splits into characters.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"regex.split(`\s*,\s*`, "a , b,c")"#, r#"["a", "b", "c"]"#),
            (r#"regex.split("", "abc")"#, r#"["a", "b", "c"]"#),
        ],
        body: split,
    },
    builtin! {
        name: "regex.replace",
        since: (0, 45),
        signature: "(s: str, pattern: str, value: str) -> output: str",
        doc: "Replaces every match. In the new text $1 or ${name} stands for a group; a name is as long as it can be, so that $1x is the group 1x, which there is not.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"regex.replace("john smith", `(\w+) (\w+)`, "$2, ${1}!")"#, r#""smith, john!""#),
            (r#"regex.replace("abc", "b", "$1x")"#, r#""ac""#),
        ],
        body: replace,
    },
    builtin! {
        name: "regex.find_n",
        signature: "(pattern: str, value: str, number: num) -> output: [str]",
        doc: "The first matches, at most as many as asked for; all with a negative number.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"regex.find_n(`\d+`, "1, 22, 333", 2)"#, r#"["1", "22"]"#),
            (r#"regex.find_n("x", "abc", -1)"#, "[]"),
        ],
        body: find_n,
    },
    builtin! {
        name: "regex.find_all_string_submatch_n",
        signature: "(pattern: str, value: str, number: num) -> output: [[str]]",
        doc: "The first matches with their groups: the whole match, then each group, empty where it took no part.",
        cost: Cost::Linear("bytes"),
        examples: [
            (
                r#"regex.find_all_string_submatch_n("(a)|(b)", "ab", -1)"#,
                r#"[["a", "a", ""], ["b", "", "b"]]"#
            ),
        ],
        body: find_all_string_submatch_n,
    },
    builtin! {
        name: "regex.template_match",
        signature: "(template: str, value: str, delimiter_start: str, delimiter_end: str) -> result: bool",
        doc: "Whether the whole string matches a template: plain text with patterns between two delimiters of one character.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"regex.template_match("urn:foo:{.*}", "urn:foo:bar:baz", "{", "}")"#, "true"),
            (r#"regex.template_match("a.{b}", "axb", "{", "}")"#, "false"),
        ],
        body: template_match,
    },
    builtin! {
        name: "regex.globs_match",
        signature: "(glob1: str, glob2: str) -> result: bool",
        doc: "Whether two patterns have a text in common. Of patterns only characters, ., [a-z], * and + are known, and \\ before any of them.",
        cost: Cost::Superlinear("the lengths of both"),
        examples: [
            (r#"regex.globs_match("a.a.[0-9]+z", "b.b*")"#, "false"),
            (r#"regex.globs_match("[a-z]at*[0-9]", ".at.*")"#, "true"),
            (r#"regex.globs_match("a]", "b")"#, ""),
        ],
        body: globs_match,
    },
];

fn globs_match<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [first, second] = operands(arguments)?;
    let (first, second) = (string(first, 1)?, string(second, 2)?);
    Ok(Some(Value::boolean(intersection::intersect(
        cx, first, second,
    )?)))
}

fn matches<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [pattern, text] = operands(arguments)?;
    let (pattern, text) = (string(pattern, 1)?, string(text, 2)?);
    let pattern = compile(cx, pattern)?;
    Ok(Some(Value::boolean(pattern.is_match(cx, text)?)))
}

fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [pattern] = operands(arguments)?;
    let Some(pattern) = pattern.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, pattern.len() * 32)?;
    let _memory = cx.claim(pattern.len() * 48)?;
    let valid = translate::translate(pattern).is_ok();
    cx.look()?;
    Ok(Some(Value::boolean(valid)))
}

fn split<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [expression, text] = operands(arguments)?;
    let (expression, text) = (string(expression, 1)?, string(text, 2)?);
    let pattern = compile(cx, expression)?;
    let mut parts = ArrayBuilder::new();
    if text.is_empty() && !expression.is_empty() {
        parts.push(cx.arena, cx.arena.string_ref(text))?;
        return Ok(Some(parts.finish(cx.arena)));
    }
    let (mut begin, mut end) = (0, 0);
    let mut matches = Matches::new(&pattern, text, -1);
    while let Some(found) = matches.next_span(cx)? {
        end = found.start;
        if found.end != 0 {
            parts.push(cx.arena, cx.arena.string_ref(&text[begin..end]))?;
        }
        begin = found.end;
    }
    if end != text.len() {
        parts.push(cx.arena, cx.arena.string_ref(&text[begin..]))?;
    }
    Ok(Some(parts.finish(cx.arena)))
}

fn replace<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, pattern, replacement] = operands(arguments)?;
    let (text, pattern, replacement) =
        (string(x, 1)?, string(pattern, 2)?, string(replacement, 3)?);
    let pattern = compile(cx, pattern)?;
    let template = Template::parse(replacement);
    let mut matches = Matches::new(&pattern, text, -1);
    // Collected first: the text in the making holds on to the call. All groups of a match, then those of the next.
    let mut found = Vec::new();
    let mut width = 1;
    let mut memory = cx.claim(0)?;
    while let Some(groups) = matches.next_groups(cx)? {
        width = groups.len().max(1);
        if found.capacity() - found.len() < width {
            let room = 2 * found.capacity() + width;
            // For a moment there are the old list and one twice as large.
            let bytes = (room + found.capacity()) * size_of_val(groups.as_slice()) / width;
            memory.grow_to(cx.arena, bytes)?;
            found.reserve_exact(room - found.len());
        }
        found.extend(groups);
    }
    if found.is_empty() {
        return Ok(Some(x));
    }
    let mut out = Text::new(cx);
    let mut copied = 0;
    for groups in found.chunks(width) {
        if let Some(Some(whole)) = groups.first() {
            out.push_str(&text[copied..whole.start])?;
            template.expand(pattern.names(), text, groups, &mut out)?;
            copied = whole.end;
        }
    }
    out.push_str(&text[copied..])?;
    if out.as_str() == text {
        return Ok(Some(x));
    }
    Ok(Some(out.finish()))
}

/// Pattern, text and the greatest number of matches.
fn find_operands<'a>(arguments: &[Value<'a>]) -> Result<(&'a str, &'a str, i64), BuiltinError> {
    let [pattern, text, number] = operands(arguments)?;
    Ok((string(pattern, 1)?, string(text, 2)?, integer(number, 3)?))
}

fn find_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (pattern, text, number) = find_operands(arguments)?;
    let pattern = compile(cx, pattern)?;
    let mut matches = Matches::new(&pattern, text, number);
    let mut found = ArrayBuilder::new();
    while let Some(span) = matches.next_span(cx)? {
        found.push(cx.arena, cx.arena.string_ref(&text[span]))?;
    }
    Ok(Some(found.finish(cx.arena)))
}

fn find_all_string_submatch_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (pattern, text, number) = find_operands(arguments)?;
    let pattern = compile(cx, pattern)?;
    let mut matches = Matches::new(&pattern, text, number);
    let mut found = ArrayBuilder::new();
    while let Some(groups) = matches.next_groups(cx)? {
        let groups: Vec<_> = groups
            .into_iter()
            .map(|group| cx.arena.string_ref(group.map_or("", |span| &text[span])))
            .collect();
        found.push(cx.arena, cx.arena.array(&groups))?;
    }
    Ok(Some(found.finish(cx.arena)))
}

fn template_match<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [template, text, start, end] = operands(arguments)?;
    let (template, text) = (string(template, 1)?, string(text, 2)?);
    let (start, end) = (string(start, 3)?, string(end, 4)?);
    let delimiter = |name: &str, delimiter: &str| match delimiter.as_bytes() {
        [one] => Ok(*one),
        // OPA tells the length of the first one in both messages.
        _ => Err(failed(format!(
            "{name} delimiter has to be exactly one character long but is {} long",
            start.len()
        ))),
    };
    let (start, end) = (delimiter("start", start)?, delimiter("end", end)?);
    charge_bytes(cx, template.len())?;
    let _memory = cx.claim(template.len() * 4)?;

    let mut pattern = "^".to_owned();
    let mut rest = 0;
    for (open, close) in delimited(template, start, end)? {
        push_literal_pattern(&mut pattern, &template[rest..open]);
        let part = &template[open + 1..close];
        compile(cx, &format!("^{part}$"))?;
        pattern.push_str(&format!("({part})"));
        rest = close + 1;
    }
    push_literal_pattern(&mut pattern, &template[rest..]);
    pattern.push('$');
    let pattern = compile(cx, &pattern)?;
    Ok(Some(Value::boolean(pattern.is_match(cx, text)?)))
}

/// Where delimiters open and close, leaving out those within others.
fn delimited(template: &str, start: u8, end: u8) -> Result<Vec<(usize, usize)>, BuiltinError> {
    let unbalanced = || {
        let mut message = "unbalanced braces in ".to_owned();
        push_quoted(&mut message, template, Charset::Unicode);
        failed(message)
    };
    let mut found = Vec::new();
    let mut level = 0;
    let mut open = 0;
    for (at, byte) in template.bytes().enumerate() {
        if byte == start {
            level += 1;
            if level == 1 {
                open = at;
            }
        } else if byte == end {
            level -= 1;
            match level {
                0 => found.push((open, at)),
                ..0 => return Err(unbalanced()),
                _ => {}
            }
        }
    }
    if level == 0 {
        Ok(found)
    } else {
        Err(unbalanced())
    }
}

fn push_literal_pattern(pattern: &mut String, text: &str) {
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
}
