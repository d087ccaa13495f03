//! `CODEOWNERS`: patterns with the people who review what they match.

use crate::error::ConfigError;
use crate::lines::{BYTE_ORDER_MARK, lines};
use crate::node::{Content, Node};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut rules = Vec::new();
    for (number, (at, line)) in lines(text).enumerate() {
        let line = line.trim_start_matches(BYTE_ORDER_MARK);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let rule = rule(at, number + 1, line).map_err(|what| {
            ConfigError::new(format!("line {}: {what}", number + 1))
                .at_offset(text, at)
                .with_hint("owners are @user, @organisation/team or an e-mail address")
        })?;
        rules.push(rule);
    }
    let rules = match rules.is_empty() {
        true => Node::new(0, Content::Null),
        false => Node::list(0, rules),
    };
    Ok(Node::map(0, vec![("rules".to_owned(), rules)]))
}

fn rule(at: usize, number: usize, line: &str) -> Result<Node, String> {
    let (line, comment) = match line.find('#') {
        Some(hash) if !line[..hash].ends_with('\\') => (&line[..hash], line[hash + 1..].trim()),
        _ => (line, ""),
    };
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c.is_whitespace() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        word.push(c);
        // A backslash keeps a blank in the pattern.
        if c == '\\' {
            word.extend(characters.next());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let mut words = words.into_iter();
    let pattern = words.next().unwrap_or_default();
    let owners: Vec<Node> = words
        .map(|word| owner(at, &word))
        .collect::<Result<_, _>>()?;
    let text = |name: &str, text: &str| (name.to_owned(), Node::text(at, text));
    Ok(Node::map(
        at,
        vec![
            text("pattern", &pattern),
            ("owners".to_owned(), Node::list(at, owners)),
            text("comment", comment),
            (
                "lineNumber".to_owned(),
                Node::new(at, Content::Number(number.to_string())),
            ),
        ],
    ))
}

fn owner(at: usize, word: &str) -> Result<Node, String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let (kind, value) = match word.strip_prefix('@') {
        Some(named) => match named.split_once('/') {
            Some((organisation, team)) if is_name(organisation) && is_name(team) => ("team", named),
            None if is_name(named) => ("username", named),
            _ => return Err(format!("invalid owner format '{word}'")),
        },
        None => match word.split_once('@') {
            Some((name, machine)) if !name.is_empty() && machine.contains('.') => ("email", word),
            _ => return Err(format!("invalid owner format '{word}'")),
        },
    };
    Ok(Node::map(
        at,
        vec![
            ("type".to_owned(), Node::text(at, kind)),
            ("value".to_owned(), Node::text(at, value)),
        ],
    ))
}
