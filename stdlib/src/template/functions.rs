//! The functions that templates may call.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Arena, Value};

use super::value::{Datum, Item};
use crate::encoding::push_query_escaped;
use crate::go::format::{Argument, push_formatted, push_printed};
use crate::go::quote::is_printable;
use crate::text::{Text, charge_bytes};

/// What a parameter accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Parameter {
    /// Anything; what is missing becomes nil.
    Any,
    /// A value as it is, also one that is missing.
    Value,
    Text,
}

/// A function: its fixed parameters, and whether the last of all may be repeated or left out.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) fixed: &'static [Parameter],
    pub(super) variadic: Option<Parameter>,
    pub(super) body: Body,
}

#[derive(Clone, Copy)]
pub(super) enum Body {
    /// Those that evaluate their arguments one by one.
    And,
    Or,
    /// Nothing in a template is a function that could be called.
    CallFunction,
    Plain(for<'a> fn(&mut Call<'a, '_>, &[Item<'a>]) -> Result<Item<'a>, Problem>),
}

/// Why a function has no result.
pub(super) enum Problem {
    Message(String),
    Stop(BuiltinError),
}

impl From<BuiltinError> for Problem {
    fn from(error: BuiltinError) -> Problem {
        Problem::Stop(error)
    }
}

type Outcome<'a> = Result<Item<'a>, Problem>;

fn problem<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Message(message.into()))
}

const fn function(
    name: &'static str,
    fixed: &'static [Parameter],
    variadic: Option<Parameter>,
    body: Body,
) -> Function {
    Function {
        name,
        fixed,
        variadic,
        body,
    }
}

use Body::Plain;

const ONE: &[Parameter] = &[Parameter::Value];
const TWO: &[Parameter] = &[Parameter::Value, Parameter::Value];
const MORE: Option<Parameter> = Some(Parameter::Value);
const ANY: Option<Parameter> = Some(Parameter::Any);

const FUNCTIONS: &[Function] = &[
    function("and", ONE, MORE, Body::And),
    function("or", ONE, MORE, Body::Or),
    function("call", ONE, MORE, Body::CallFunction),
    function("not", ONE, None, Plain(not)),
    function("len", ONE, None, Plain(len)),
    function("index", ONE, MORE, Plain(index)),
    function("slice", ONE, MORE, Plain(slice)),
    function("print", &[], ANY, Plain(print)),
    function("printf", &[Parameter::Text], ANY, Plain(printf)),
    function("println", &[], ANY, Plain(println)),
    function("html", &[], ANY, Plain(html)),
    function("js", &[], ANY, Plain(js)),
    function("urlquery", &[], ANY, Plain(urlquery)),
    function("eq", ONE, MORE, Plain(eq)),
    function("ne", TWO, None, Plain(ne)),
    function("lt", TWO, None, Plain(lt)),
    function("le", TWO, None, Plain(le)),
    function("gt", TWO, None, Plain(gt)),
    function("ge", TWO, None, Plain(ge)),
];

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn boolean<'a>(value: bool) -> Outcome<'a> {
    Ok(Datum::Boolean(value).item())
}

fn operand<'a>(arguments: &[Item<'a>], index: usize) -> Item<'a> {
    arguments.get(index).copied().unwrap_or(Item::NOTHING)
}

fn not<'a>(_: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(!operand(arguments, 0).datum.is_true())
}

fn len<'a>(_: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let item = operand(arguments, 0);
    let len = match item.datum {
        Datum::Nothing if item.held => return problem("len of nil pointer"),
        Datum::Nothing => return problem("reflect: call of reflect.Value.Type on zero Value"),
        Datum::Text(text) | Datum::Number(text) => text.len(),
        Datum::List(list) => list.len(),
        Datum::Map(map) => map.len(),
        other => return problem(format!("len of type {}", other.type_name())),
    };
    Ok(Datum::Integer(len as i64).item())
}

/// An index into something that is so long.
fn position(index: Item<'_>, most: usize) -> Result<usize, Problem> {
    let number = match index.datum {
        Datum::Integer(number) => number,
        Datum::Byte(number) => number.into(),
        Datum::Nothing if !index.held => return problem("cannot index slice/array with nil"),
        _ => {
            let name = index.type_name();
            return problem(format!("cannot index slice/array with type {name}"));
        }
    };
    match usize::try_from(number) {
        Ok(position) if position <= most => Ok(position),
        _ => problem(format!("index out of range: {number}")),
    }
}

fn index<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let mut item = operand(arguments, 0).taken();
    if matches!(item.datum, Datum::Nothing) {
        return problem("index of untyped nil");
    }
    for index in arguments.iter().skip(1) {
        cx.charge(1)?;
        if item.is_null() {
            return problem("index of nil pointer");
        }
        let index = index.taken();
        item = match item.datum {
            Datum::List(list) => match list.get(position(index, list.len())?) {
                Some(value) => Item::element(value, cx.arena),
                None => return problem("reflect: slice index out of range"),
            },
            Datum::Text(text) | Datum::Number(text) => {
                match text.as_bytes().get(position(index, text.len())?) {
                    Some(byte) => Datum::Byte(*byte).item(),
                    None => return problem("reflect: string index out of range"),
                }
            }
            Datum::Map(map) => match index.datum {
                Datum::Text(key) => {
                    let value = map.get_str(key).unwrap_or(Value::NULL);
                    Item::element(value, cx.arena)
                }
                Datum::Nothing => return problem("value is nil; should be of type string"),
                other => {
                    let name = other.type_name();
                    return problem(format!("value has type {name}; should be string"));
                }
            },
            _ => {
                let name = item.datum.type_name();
                return problem(format!("can't index item of type {name}"));
            }
        };
    }
    Ok(item)
}

fn slice<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let item = operand(arguments, 0).taken();
    let indexes = arguments.get(1..).unwrap_or_default();
    if matches!(item.datum, Datum::Nothing) {
        return problem("slice of untyped nil");
    }
    if indexes.len() > 3 {
        return problem(format!("too many slice indexes: {}", indexes.len()));
    }
    let (len, capacity) = match item.datum {
        Datum::Text(_) | Datum::Number(_) if indexes.len() == 3 => {
            return problem("cannot 3-index slice a string");
        }
        Datum::Text(text) | Datum::Number(text) => (text.len(), text.len()),
        Datum::List(list) => (list.len(), list.capacity()),
        other => return problem(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, len, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(*index, capacity)?;
    }
    let [from, to, most] = bounds;
    if from > to {
        return problem(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > most {
        return problem(format!("invalid slice index: {to} > {most}"));
    }
    let part = |text: &'a str, arena: &'a Arena| match text.get(from..to) {
        Some(part) => part,
        // Within a character there are bytes that are no text.
        None => arena.text(&String::from_utf8_lossy(&text.as_bytes()[from..to])),
    };
    let sliced = match item.datum {
        Datum::Text(text) => {
            charge_bytes(cx, to - from)?;
            Datum::Text(part(text, cx.arena))
        }
        Datum::Number(text) => Datum::Number(part(text, cx.arena)),
        Datum::List(list) => {
            Datum::List(list.slice(from, to, (indexes.len() == 3).then_some(most)))
        }
        other => other,
    };
    Ok(sliced.item())
}

fn printed<'a>(
    cx: &mut Call<'a, '_>,
    print: impl FnOnce(&mut Text<'_, 'a, '_>) -> Result<(), BuiltinError>,
) -> Result<&'a str, Problem> {
    let mut out = Text::new(cx);
    print(&mut out)?;
    Ok(out.finish().as_str().unwrap_or(""))
}

fn operands<'a>(arguments: &[Item<'a>]) -> Vec<Argument<'a>> {
    arguments.iter().map(|item| item.datum.argument()).collect()
}

fn print<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let text = printed(cx, |out| push_printed(out, &operands(arguments), false))?;
    Ok(Datum::Text(text).item())
}

fn println<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let text = printed(cx, |out| push_printed(out, &operands(arguments), true))?;
    Ok(Datum::Text(text).item())
}

fn printf<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let Datum::Text(format) = operand(arguments, 0).datum else {
        return problem("printf without a format");
    };
    let rest = operands(arguments.get(1..).unwrap_or_default());
    let text = printed(cx, |out| push_formatted(out, format, &rest))?;
    Ok(Datum::Text(text).item())
}

/// The text that the escaping functions escape.
fn text_of<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Result<&'a str, Problem> {
    if let [
        Item {
            datum: Datum::Text(text),
            ..
        },
    ] = arguments
    {
        charge_bytes(cx, text.len())?;
        return Ok(text);
    }
    let shown: Vec<_> = arguments
        .iter()
        .map(|item| match item.datum {
            Datum::Nothing => Argument::Text("<no value>".into()),
            other => other.argument(),
        })
        .collect();
    printed(cx, |out| push_printed(out, &shown, false))
}

fn html<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let text = text_of(cx, arguments)?;
    let escaped = printed(cx, |out| {
        text.chars().try_for_each(|c| match c {
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        })
    })?;
    Ok(Datum::Text(escaped).item())
}

fn js<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let text = text_of(cx, arguments)?;
    let escaped = printed(cx, |out| {
        text.chars().try_for_each(|c| match c {
            '\\' | '\'' | '"' => {
                out.push('\\')?;
                out.push(c)
            }
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
            c if c < ' ' || !(c.is_ascii() || is_printable(c)) => {
                out.push_str(&format!("\\u{:04X}", c as u32))
            }
            c => out.push(c),
        })
    })?;
    Ok(Datum::Text(escaped).item())
}

fn urlquery<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    let text = text_of(cx, arguments)?;
    let escaped = printed(cx, |out| push_query_escaped(out, text))?;
    Ok(Datum::Text(escaped).item())
}

/// Kinds that can be compared with their like.
#[derive(PartialEq, Eq)]
enum Basic {
    Boolean,
    Integer,
    Unsigned,
    Float,
    Text,
}

fn basic(datum: Datum<'_>) -> Option<Basic> {
    match datum {
        Datum::Boolean(_) => Some(Basic::Boolean),
        Datum::Integer(_) => Some(Basic::Integer),
        Datum::Byte(_) => Some(Basic::Unsigned),
        Datum::Float(_) => Some(Basic::Float),
        Datum::Text(_) | Datum::Number(_) => Some(Basic::Text),
        Datum::Nothing | Datum::List(_) | Datum::Map(_) => None,
    }
}

fn incompatible<T>(a: Datum<'_>, b: Datum<'_>) -> Result<T, Problem> {
    let (a, b) = (a.type_name(), b.type_name());
    problem(format!("incompatible types for comparison: {a} and {b}"))
}

/// A value in a message, by a verb.
fn shown<'a>(cx: &mut Call<'a, '_>, datum: Datum<'a>, verb: &str) -> Result<&'a str, Problem> {
    let argument = [datum.argument()];
    printed(cx, |out| push_formatted(out, verb, &argument))
}

fn equal<'a>(cx: &mut Call<'a, '_>, a: Datum<'a>, b: Datum<'a>) -> Result<bool, Problem> {
    use Datum::*;
    Ok(match (a, b) {
        (Boolean(a), Boolean(b)) => a == b,
        (Integer(a), Integer(b)) => a == b,
        (Byte(a), Byte(b)) => a == b,
        (Integer(a), Byte(b)) | (Byte(b), Integer(a)) => a == i64::from(b),
        (Float(a), Float(b)) => a == b,
        (Text(a) | Number(a), Text(b) | Number(b)) => {
            charge_bytes(cx, a.len().min(b.len()))?;
            a == b
        }
        (Nothing, Nothing) => true,
        (Nothing, _) | (_, Nothing) => false,
        (List(_), List(_)) | (Map(_), Map(_)) => {
            let value = shown(cx, b, "%s")?;
            return problem(format!("non-comparable type {value}: {}", b.type_name()));
        }
        (List(_), Map(_)) | (Map(_), List(_)) => {
            let (first, second) = (shown(cx, a, "%s")?, shown(cx, b, "%v")?);
            let (a, b) = (a.type_name(), b.type_name());
            return problem(format!("non-comparable types {first}: {a}, {b}: {second}"));
        }
        _ => return incompatible(a, b),
    })
}

/// Whether the first is equal to one of the others.
fn any_equal<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Result<bool, Problem> {
    let first = operand(arguments, 0).datum;
    let others = arguments.get(1..).unwrap_or_default();
    if others.is_empty() {
        return problem("missing argument for comparison");
    }
    for other in others {
        cx.charge(1)?;
        if equal(cx, first, other.datum)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn less<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Result<bool, Problem> {
    use Datum::*;
    let (a, b) = (operand(arguments, 0).datum, operand(arguments, 1).datum);
    let (Some(kind), Some(other)) = (basic(a), basic(b)) else {
        return problem("invalid type for comparison");
    };
    Ok(match (a, b) {
        (Integer(a), Integer(b)) => a < b,
        (Byte(a), Byte(b)) => a < b,
        (Integer(a), Byte(b)) => a < i64::from(b),
        (Byte(a), Integer(b)) => i64::from(a) < b,
        (Float(a), Float(b)) => a < b,
        (Text(a) | Number(a), Text(b) | Number(b)) => {
            charge_bytes(cx, a.len().min(b.len()))?;
            a < b
        }
        _ if kind != other => return incompatible(a, b),
        _ => return problem("invalid type for comparison"),
    })
}

fn eq<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(any_equal(cx, arguments)?)
}

fn ne<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(!any_equal(cx, arguments)?)
}

fn lt<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(less(cx, arguments)?)
}

fn le<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(less(cx, arguments)? || any_equal(cx, arguments)?)
}

fn gt<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(!(less(cx, arguments)? || any_equal(cx, arguments)?))
}

fn ge<'a>(cx: &mut Call<'a, '_>, arguments: &[Item<'a>]) -> Outcome<'a> {
    boolean(!less(cx, arguments)?)
}
