//! The bodies of the functions.

use std::sync::OnceLock;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Value, View};

use super::ast::{FieldDefinition, Node, Query, SchemaDocument};
use super::decode::apart;
use super::lexer::{Position, Wrong};
use super::parser;
use super::rules::{located, validate};
use super::schema::{Refused, Schema};
use super::sdl;
use crate::operand::{Outcome, failed, operands, string, wrong_type};
use crate::text::{charge_bytes, charge_text};

/// What every schema has.
const PRELUDE: &str = include_str!("prelude.graphql");
/// Fields that need no declaration: the first two are of the root of queries.
const META: &str =
    "type Meta { __schema: __Schema! __type(name: String!): __Type __typename: String }";
/// Nodes are much larger than their text: bytes for each byte of it, at most.
const BYTES_PER_BYTE: usize = 200;

/// The schema in every schema, and the fields that need no declaration.
fn prelude() -> (&'static SchemaDocument, &'static [FieldDefinition]) {
    static PARSED: OnceLock<(SchemaDocument, Vec<FieldDefinition>)> = OnceLock::new();
    let (document, meta) = PARSED.get_or_init(|| {
        let mut document = sdl::parse_schema(PRELUDE).unwrap_or_default();
        for definition in &mut document.definitions {
            definition.built_in = true;
        }
        let meta = sdl::parse_schema(META).unwrap_or_default().definitions;
        let mut fields: Vec<_> = meta.into_iter().flat_map(|meta| meta.fields).collect();
        for field in &mut fields {
            field.at = Position::default();
        }
        (document, fields)
    });
    (document, meta)
}

/// A fault of a text or of a query, as OPA words it.
fn syntax_error(wrong: &Wrong) -> BuiltinError {
    explained(&located(wrong.at, &wrong.message))
}

/// OPA takes the place out of the line `input:1:2: message`, or tells the line as it is.
fn explained(message: &str) -> BuiltinError {
    let mut parts = message.splitn(4, ':').skip(1);
    let number = |part: Option<&str>| part?.parse::<u64>().ok();
    if let (Some(line), Some(column), Some(text)) =
        (number(parts.next()), number(parts.next()), parts.next())
    {
        let text = text.trim_start_matches(' ');
        let text = text.strip_suffix(".\n").unwrap_or(text);
        return failed(format!(
            "{text} in GraphQL string at location {line}:{column}"
        ));
    }
    failed(format!("GraphQL parse error: {message}"))
}

fn charge_parse(cx: &mut Call<'_, '_>, text: &str) -> Result<(), BuiltinError> {
    charge_bytes(cx, text.len().saturating_mul(16))?;
    cx.reserve(text.len().saturating_mul(BYTES_PER_BYTE))
}

fn query_of_text(cx: &mut Call<'_, '_>, text: &str) -> Result<Query, BuiltinError> {
    charge_parse(cx, text)?;
    parser::parse_query(text).map_err(|wrong| syntax_error(&wrong))
}

fn schema_of_text(cx: &mut Call<'_, '_>, text: &str) -> Result<SchemaDocument, BuiltinError> {
    charge_parse(cx, text)?;
    sdl::parse_schema(text).map_err(|wrong| syntax_error(&wrong))
}

/// A document from its text or its object. `position` counts from 0, as OPA does here.
fn document<T: Node>(
    cx: &mut Call<'_, '_>,
    operand: Value<'_>,
    position: usize,
    of_text: fn(&mut Call<'_, '_>, &str) -> Result<T, BuiltinError>,
) -> Result<T, BuiltinError> {
    match operand.view() {
        View::String(text) => of_text(cx, text.as_str()),
        View::Object(_) => {
            charge_text(cx, operand)?;
            Ok(apart(operand, None, 0)?)
        }
        _ => Err(wrong_type(position, &["string", "object"], operand)),
    }
}

fn built<'d>(
    cx: &mut Call<'_, '_>,
    document: &'d SchemaDocument,
) -> Result<Schema<'d>, BuiltinError> {
    let (prelude, meta) = prelude();
    charge_bytes(cx, PRELUDE.len())?;
    let meta = meta.get(..2).unwrap_or(&[]);
    Schema::build(cx, [prelude, document], meta).map_err(|refused| match refused {
        Refused::Stop(error) => error,
        Refused::Wrong(Wrong { mut at, message }) => {
            if at == Position::default() {
                at = Position {
                    line: -1,
                    column: -1,
                };
            }
            let message = located(at, &message);
            failed(format!(
                "Error in gqlparser SchemaDocument to Schema conversion: {message}"
            ))
        }
    })
}

fn check(
    cx: &mut Call<'_, '_>,
    query: &Query,
    document: &SchemaDocument,
) -> Result<(), BuiltinError> {
    let schema = built(cx, document)?;
    let (_, meta) = prelude();
    let Some(typename) = meta.last() else {
        return Err(failed("no prelude"));
    };
    let errors = validate(cx, &schema, query, typename)?;
    match errors.as_str() {
        "" => Ok(()),
        errors => Err(explained(errors)),
    }
}

fn value<'a>(cx: &mut Call<'a, '_>, node: &impl Node) -> Value<'a> {
    node.encode(cx.arena)
        .unwrap_or_else(|| cx.arena.record(&[]))
}

/// Query and schema, if one fits the other.
fn verified<'a>(
    cx: &mut Call<'a, '_>,
    query: Value<'a>,
    schema: Value<'a>,
) -> Result<(Query, SchemaDocument), BuiltinError> {
    let query = document(cx, query, 0, query_of_text)?;
    let schema = document(cx, schema, 1, schema_of_text)?;
    check(cx, &query, &schema)?;
    Ok((query, schema))
}

/// The result, or nothing if it is one of the errors of a built-in.
fn unless_wrong<T>(result: Result<T, BuiltinError>) -> Result<Option<T>, BuiltinError> {
    match result {
        Ok(result) => Ok(Some(result)),
        Err(error @ (BuiltinError::Stop(_) | BuiltinError::Halt(..))) => Err(error),
        Err(BuiltinError::Type(_) | BuiltinError::Value(_)) => Ok(None),
    }
}

pub(super) fn parse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [query, schema] = operands(arguments)?;
    let (query, schema) = verified(cx, query, schema)?;
    let trees = [value(cx, &query), value(cx, &schema)];
    Ok(Some(cx.arena.array(&trees)))
}

pub(super) fn parse_and_verify<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [query, schema] = operands(arguments)?;
    let result = verified(cx, query, schema);
    let trees = match unless_wrong(result)? {
        Some((query, schema)) => [Value::TRUE, value(cx, &query), value(cx, &schema)],
        None => [Value::FALSE, cx.arena.record(&[]), cx.arena.record(&[])],
    };
    Ok(Some(cx.arena.array(&trees)))
}

pub(super) fn parse_query<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text] = operands(arguments)?;
    let query = query_of_text(cx, string(text, 1)?)?;
    Ok(Some(value(cx, &query)))
}

pub(super) fn parse_schema<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text] = operands(arguments)?;
    let schema = schema_of_text(cx, string(text, 1)?)?;
    Ok(Some(value(cx, &schema)))
}

pub(super) fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [query, schema] = operands(arguments)?;
    let result = verified(cx, query, schema);
    Ok(Some(Value::boolean(unless_wrong(result)?.is_some())))
}

pub(super) fn schema_is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let result = document(cx, operand, 0, schema_of_text)
        .and_then(|document| built(cx, &document).map(|_| ()));
    Ok(Some(Value::boolean(unless_wrong(result)?.is_some())))
}
