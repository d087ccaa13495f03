//! Queries and schemas of recorded calls, with tokens and selections changed, and the syntax trees of such.

use crate::Kind::Changed;
use crate::{Function, Random, list, ours, raw, unquoted};

pub const FUNCTIONS: &[Function] = &[
    ("graphql.parse_query", &[Changed(text)]),
    ("graphql.parse_schema", &[Changed(text)]),
    ("graphql.schema_is_valid", &[Changed(schema)]),
    (
        "graphql.is_valid",
        &[Changed(query), Changed(fitting_schema)],
    ),
    ("graphql.parse", &[Changed(query), Changed(fitting_schema)]),
    (
        "graphql.parse_and_verify",
        &[Changed(query), Changed(fitting_schema)],
    ),
];

/// A text of which at most two things are changed.
fn text(random: &mut Random, [own, other]: [&str; 2]) -> String {
    let (Some(text), Some(other)) = (unquoted(own), unquoted(other)) else {
        return own.to_owned();
    };
    let mut tokens = tokens(&text);
    let other = self::tokens(&other);
    for _ in 0..random.below(3) {
        change(random, &mut tokens, &other);
    }
    raw(&tokens.concat())
}

fn schema(random: &mut Random, operands: [&str; 2]) -> String {
    let schema = text(random, operands);
    text_or_tree(random, "graphql.parse_schema", schema)
}

/// Mostly as it was, so that the query has something to fit.
fn fitting_schema(random: &mut Random, [own, other]: [&str; 2]) -> String {
    match random.below(6) {
        0 => schema(random, [own, other]),
        _ => text_or_tree(random, "graphql.parse_schema", own.to_owned()),
    }
}

fn query(random: &mut Random, [own, other]: [&str; 2]) -> String {
    let query = match random.below(8) {
        0..=1 => own.to_owned(),
        2 => other.to_owned(),
        _ => text(random, [own, other]),
    };
    text_or_tree(random, "graphql.parse_query", query)
}

/// The text, or the tree that the function makes of it, perhaps with another value somewhere.
fn text_or_tree(random: &mut Random, function: &str, text: String) -> String {
    if random.below(6) != 0 {
        return text;
    }
    let tree = ours(function, &list(std::slice::from_ref(&text)));
    if !tree.starts_with('{') {
        return text;
    }
    let mut tokens = tokens(&tree);
    let values: Vec<_> = (1..tokens.len())
        .filter(|at| tokens[at - 1].starts_with(':') && !tokens[*at].starts_with(['{', '[']))
        .collect();
    if !values.is_empty() && random.below(2) == 0 {
        let value = &mut tokens[values[random.below(values.len())]];
        let end = value.len() - value.trim_end_matches([' ', ',']).len();
        let end = &value[value.len() - end..];
        let new = random.of(VALUES).to_owned() + end;
        *value = &new;
        return tokens.concat();
    }
    tree
}

const VALUES: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"Int\"",
    "\"query\"",
    "\"OBJECT\"",
    "\"FIELD\"",
    "null",
    "true",
    "false",
    "0",
    "1",
    "3",
    "9",
    "-1",
    "1.5",
    "1e30",
    "[]",
    "{}",
    "[null]",
    "[{}]",
];

/// Words, strings, signs, each with the blanks and comments that follow.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut end = match first {
            '"' if rest.starts_with("\"\"\"") => rest[3..].find("\"\"\"").map_or(3, |at| at + 6),
            '"' => end_of_string(rest),
            '.' if rest.starts_with("...") => 3,
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        loop {
            let blanks = rest[end..].trim_start_matches([' ', '\n', '\t', ',']);
            end = rest.len() - blanks.len();
            if !blanks.starts_with('#') {
                break;
            }
            end += blanks.find('\n').unwrap_or(blanks.len());
        }
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

fn end_of_string(text: &str) -> usize {
    let mut escaped = true;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\n' => return at,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// Tokens from an opening one to the one that closes it, if there is one.
fn group(random: &mut Random, tokens: &[&str]) -> Option<(usize, usize)> {
    let opens = |token: &&str| token.starts_with(['{', '(', '[']);
    let opening: Vec<_> = (0..tokens.len()).filter(|at| opens(&tokens[*at])).collect();
    let start = *opening.get(random.below(opening.len().max(1)))?;
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        if opens(token) {
            depth += 1;
        } else if token.starts_with(['}', ')', ']']) {
            depth -= 1;
        }
        if depth == 0 {
            return Some((start, at + 1));
        }
    }
    None
}

fn change<'t>(random: &mut Random, tokens: &mut Vec<&'t str>, other: &[&'t str]) {
    if tokens.is_empty() || other.is_empty() {
        return;
    }
    let at = random.below(tokens.len());
    let second = random.below(tokens.len());
    let from = random.below(other.len());
    match random.below(12) {
        0 => {
            tokens.remove(at);
        }
        1 => tokens.insert(at, tokens[at]),
        2 => tokens.swap(at, second),
        3 => tokens[at] = tokens[second],
        4 => tokens[at] = other[from],
        5 => tokens[at] = random.of(TOKENS),
        6 => tokens.insert(at, random.of(TOKENS)),
        7 => {
            if let Some((start, end)) = group(random, tokens) {
                tokens.drain(start..end);
            }
        }
        8 => {
            if let (Some((start, end)), Some((first, last))) =
                (group(random, tokens), group(random, other))
            {
                tokens.splice(start..end, other[first..last].iter().copied());
            }
        }
        9 => {
            if let Some((start, end)) = group(random, tokens) {
                let inner: Vec<_> = tokens[start + 1..end - 1].to_vec();
                tokens.splice(start + 1..start + 1, inner);
            }
        }
        10 => {
            tokens.truncate(at);
            tokens.extend(&other[from..]);
        }
        _ => {
            tokens.push("\n");
            tokens.extend(other);
        }
    }
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    ":",
    "$",
    "@",
    "!",
    "[",
    "]",
    "=",
    "|",
    "&",
    "...",
    "a ",
    "on ",
    "1 ",
    "-1.5e3 ",
    "\"s\" ",
    "# c\n",
    "\n",
    "é",
    "0",
    "null ",
    "true ",
    "fragment ",
    "query ",
    "type ",
    "extend ",
    "input ",
    "implements ",
    "repeatable ",
    "\"\"\"x\n y\"\"\" ",
    "__typename ",
    "$v ",
    "@include(if: true) ",
    "@deprecated ",
    "interface ",
    "Int ",
    "String ",
    "Query ",
];
