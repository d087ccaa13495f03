//! TOML.

use serde_json::Number;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset};

use crate::error::ConfigError;
use crate::lines::BYTE_ORDER_MARK;
use crate::node::{Content, Node, number};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let skipped = text.len() - text.trim_start_matches(BYTE_ORDER_MARK).len();
    let table = DeTable::parse(&text[skipped..]).map_err(|error| {
        let wrong = ConfigError::new(format!("toml: {}", error.message()));
        match error.span() {
            Some(span) => wrong.at_offset(text, skipped + span.start),
            None => wrong,
        }
    })?;
    members(text, skipped, table.get_ref(), skipped)
}

fn members(
    text: &str,
    at: usize,
    table: &DeTable<'_>,
    skipped: usize,
) -> Result<Node, ConfigError> {
    let members = table.iter().map(|(key, value)| {
        let mut node = node(text, value, skipped)?;
        node.at = skipped + key.span().start;
        Ok((key.get_ref().to_string(), node))
    });
    Ok(Node::map(at, members.collect::<Result<_, ConfigError>>()?))
}

fn node(text: &str, value: &Spanned<DeValue<'_>>, skipped: usize) -> Result<Node, ConfigError> {
    let at = skipped + value.span().start;
    let content = match value.get_ref() {
        DeValue::String(string) => Content::Text(string.to_string()),
        DeValue::Boolean(value) => Content::Bool(*value),
        DeValue::Integer(integer) => {
            let integer = i64::from_str_radix(integer.as_str(), integer.radix());
            let integer = integer.map_err(|_| {
                ConfigError::new("toml: the integer is out of range").at_offset(text, at)
            })?;
            Content::Number(Number::from(integer).to_string())
        }
        DeValue::Float(float) => {
            let finite = float.as_str().parse().ok().and_then(number);
            Content::Number(finite.ok_or_else(|| {
                ConfigError::new(format!("JSON has no number {}", float.as_str()))
                    .at_offset(text, at)
            })?)
        }
        DeValue::Datetime(datetime) => Content::Text(instant(datetime)),
        DeValue::Array(elements) => {
            let elements = elements.iter().map(|element| node(text, element, skipped));
            Content::List(elements.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => return members(text, at, table, skipped),
    };
    Ok(Node::new(at, content))
}

/// Dates and times in full, as conftest shows them: what is missing is the first day, midnight, or UTC.
fn instant(datetime: &Datetime) -> String {
    let date = match datetime.date {
        Some(date) => date.to_string(),
        None => "0000-01-01".to_owned(),
    };
    let time = match datetime.time {
        Some(time) => time.to_string(),
        None => "00:00:00".to_owned(),
    };
    let offset = match datetime.offset {
        Some(offset @ Offset::Custom { minutes }) if minutes != 0 => offset.to_string(),
        _ => "Z".to_owned(),
    };
    format!("{date}T{time}{offset}")
}
