//! `Dockerfile`: a list of commands, as BuildKit reads them.

use crate::error::ConfigError;
use crate::lines::BYTE_ORDER_MARK;
use crate::node::{Content, Node};

/// How the arguments of an instruction are written.
#[derive(Clone, Copy, PartialEq)]
enum Arguments {
    /// As they stand, or a JSON list.
    Command,
    /// Words between blanks, or a JSON list.
    Files,
    /// Words between blanks.
    Words,
    /// As they stand.
    Text,
    /// `name=value ..`, or `name value`.
    Pairs,
    /// Words in which quotation marks keep blanks.
    Names,
    /// A word, and behind it a command.
    Health,
    /// Another instruction.
    Trigger,
}

/// The instructions, and how many arguments they need at least.
const INSTRUCTIONS: &[(&str, Arguments, usize)] = &[
    ("add", Arguments::Files, 2),
    ("arg", Arguments::Names, 1),
    ("cmd", Arguments::Command, 0),
    ("copy", Arguments::Files, 2),
    ("entrypoint", Arguments::Command, 0),
    ("env", Arguments::Pairs, 1),
    ("expose", Arguments::Words, 1),
    ("from", Arguments::Words, 1),
    ("healthcheck", Arguments::Health, 1),
    ("label", Arguments::Pairs, 1),
    ("maintainer", Arguments::Text, 1),
    ("onbuild", Arguments::Trigger, 1),
    ("run", Arguments::Command, 0),
    ("shell", Arguments::Command, 1),
    ("stopsignal", Arguments::Text, 1),
    ("user", Arguments::Text, 1),
    ("volume", Arguments::Files, 1),
    ("workdir", Arguments::Text, 1),
];

/// Instructions that may have files in the lines that follow (`<<EOF`).
const WITH_FILES: [&str; 3] = ["add", "copy", "run"];

/// A line that is read.
struct Instruction {
    name: String,
    flags: Option<Vec<String>>,
    values: Vec<String>,
    is_json: bool,
    /// The instruction of `ONBUILD`.
    trigger: Option<String>,
}

/// A list with the list of commands, so that a file is one document.
pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut commands = Vec::new();
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut escape = '\\';
    let mut is_top = true;
    let mut stages = 0usize;
    let mut rest = Lines { text, at: 0 };
    while let Some((start, line)) = rest.next() {
        let line = line.trim_start_matches(BYTE_ORDER_MARK);
        let at = start + crate::lines::indent(line);
        let line = line.trim_start();
        if let Some(comment) = line.strip_prefix('#') {
            let comment = comment.trim();
            match directive(comment).filter(|_| is_top) {
                Some((name, value)) => {
                    if name == "escape" {
                        escape = match value {
                            "`" => '`',
                            "\\" => '\\',
                            _ => {
                                return Err(ConfigError::new(format!(
                                    "invalid escape token '{value}' does not match ` or \\"
                                ))
                                .at_offset(text, at));
                            }
                        };
                    }
                }
                None => {
                    is_top = false;
                    if comment.is_empty() {
                        comments.clear();
                    } else {
                        comments.push((at, comment.to_owned()));
                    }
                }
            }
            continue;
        }
        is_top = false;
        let (mut line, mut goes_on) = without_continuation(line, escape);
        if line.is_empty() && !goes_on {
            continue;
        }
        while goes_on {
            let Some((_, next)) = rest.next() else {
                break;
            };
            if next.trim_start().starts_with('#') || next.trim().is_empty() {
                continue;
            }
            let (more, more_follow) = without_continuation(next, escape);
            line.push_str(&more);
            goes_on = more_follow;
        }
        let wrong = |what: String| ConfigError::new(what).at_offset(text, at);
        let instruction = instruction(&line, escape).map_err(wrong)?;
        let kind = instruction.name.to_lowercase();
        let carrier = instruction.trigger.as_deref().map(str::to_lowercase);
        let carrier = carrier.as_deref().unwrap_or(&kind);
        if WITH_FILES.contains(&carrier) && !instruction.is_json {
            for (name, tabs) in files(&line) {
                let ends = |(_, line): &(usize, &str)| {
                    let line = if tabs {
                        line.trim_start_matches('\t')
                    } else {
                        line
                    };
                    line == name
                };
                if !rest.any(|line| ends(&line)) {
                    return Err(wrong("unterminated heredoc".to_owned())
                        .with_hint(format!("end it with a line `{name}`")));
                }
            }
        }
        if kind == "from" {
            stages += 1;
        }
        let stage = stages.saturating_sub(1);
        for (at, comment) in comments.drain(..) {
            commands.push(command(
                at,
                "comment",
                None,
                None,
                false,
                stage,
                vec![comment],
            ));
        }
        commands.push(command(
            at,
            &kind,
            instruction.flags,
            instruction.trigger,
            instruction.is_json,
            stage,
            instruction.values,
        ));
    }
    if commands.is_empty() {
        return Err(ConfigError::new("file with no instructions")
            .with_hint("a Dockerfile begins with FROM"));
    }
    Ok(Node::list(0, vec![Node::list(0, commands)]))
}

/// Lines with their offsets; what follows an instruction takes lines too.
struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<(usize, &'t str)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let end = rest.find('\n');
        self.at += end.map_or(rest.len(), |end| end + 1);
        let line = &rest[..end.unwrap_or(rest.len())];
        Some((start, line.strip_suffix('\r').unwrap_or(line)))
    }
}

/// `name=value` of a comment that instructs the parser.
fn directive(comment: &str) -> Option<(&str, &str)> {
    let (name, value) = comment.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_known = ["syntax", "escape", "check"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    is_known.then_some((name, value))
}

/// The line without the escape character that continues it, and whether it had one.
fn without_continuation(line: &str, escape: char) -> (String, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

fn instruction(line: &str, escape: char) -> Result<Instruction, String> {
    let line = line.trim();
    let (name, behind) = match line.split_once([' ', '\t', '\u{b}', '\u{c}', '\r']) {
        Some((name, behind)) => (name, Some(behind)),
        None => (line, None),
    };
    let kind = name.to_lowercase();
    let Some((_, arguments, least)) = INSTRUCTIONS.iter().find(|(known, ..)| *known == kind) else {
        return Err(format!("unknown instruction: {name}"));
    };
    let (flags, written) = match behind {
        Some(behind) => {
            let (flags, rest) = flags(behind.trim_start(), escape);
            (Some(flags), rest.trim())
        }
        None => (None, ""),
    };
    let mut found = Instruction {
        name: name.to_owned(),
        flags,
        values: Vec::new(),
        is_json: false,
        trigger: None,
    };
    let listed = |written: &str| match written.starts_with('[') {
        true => json_list(written).transpose(),
        false => Ok(None),
    };
    let may_be_list = matches!(arguments, Arguments::Command | Arguments::Files);
    if may_be_list && let Some(list) = listed(written)? {
        found.values = list;
        found.is_json = true;
    } else {
        match arguments {
            Arguments::Command | Arguments::Text => {
                found
                    .values
                    .extend((!written.is_empty()).then(|| written.to_owned()));
            }
            Arguments::Files | Arguments::Words => {
                found
                    .values
                    .extend(written.split_whitespace().map(str::to_owned));
            }
            Arguments::Names => found.values = words(written, escape),
            Arguments::Pairs => found.values = pairs(written, escape, &name.to_uppercase())?,
            Arguments::Health => {
                let (kind, command) = written
                    .split_once(char::is_whitespace)
                    .unwrap_or((written, ""));
                let command = command.trim_start();
                found
                    .values
                    .extend((!kind.is_empty()).then(|| kind.to_owned()));
                match listed(command)? {
                    Some(list) => {
                        found.values.extend(list);
                        found.is_json = true;
                    }
                    None if command.is_empty() => {}
                    None => found.values.push(command.to_owned()),
                }
            }
            Arguments::Trigger => {
                if !written.is_empty() {
                    let inner = instruction_of_trigger(written, escape)?;
                    found.trigger = Some(inner.name);
                    found.values = inner.values;
                    found.is_json = inner.is_json;
                    return Ok(found);
                }
            }
        }
    }
    let upper = name.to_uppercase();
    match (kind.as_str(), found.values.len()) {
        ("from", count) if count != 1 && count != 3 => {
            Err("FROM requires either one or three arguments".to_owned())
        }
        (_, count) if count < *least => Err(format!(
            "{upper} requires at least {least} argument{}",
            if *least == 1 { "" } else { "s" }
        )),
        _ => Ok(found),
    }
}

/// Triggers have no triggers, so that the reader is not recursive.
fn instruction_of_trigger(written: &str, escape: char) -> Result<Instruction, String> {
    let name = written.split_whitespace().next().unwrap_or_default();
    if name.eq_ignore_ascii_case("onbuild") {
        return Err("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned());
    }
    instruction(written, escape)
}

/// The words with two dashes at the beginning, and what follows them.
fn flags(line: &str, escape: char) -> (Vec<String>, &str) {
    let mut found = Vec::new();
    let mut rest = line;
    while rest.starts_with("--") {
        let mut flag = String::new();
        let mut quote = None;
        let mut end = rest.len();
        let mut characters = rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match quote {
                None if c.is_whitespace() => {
                    end = at;
                    break;
                }
                None if c == '"' || c == '\'' => quote = Some(c),
                Some(open) if c == open => quote = None,
                _ if c == escape => flag.extend(characters.next().map(|(_, c)| c)),
                _ => flag.push(c),
            }
        }
        rest = rest[end..].trim_start();
        if flag == "--" {
            break;
        }
        found.push(flag);
    }
    (found, rest)
}

/// A JSON list of strings; nothing if the text is no JSON list.
fn json_list(written: &str) -> Option<Result<Vec<String>, String>> {
    let list: Vec<serde_json::Value> = serde_json::from_str(written).ok()?;
    let texts = list.into_iter().map(|element| match element {
        serde_json::Value::String(text) => Ok(text),
        _ => {
            Err("when using JSON array syntax, arrays must be comprised of strings only".to_owned())
        }
    });
    Some(texts.collect())
}

/// Words in which quotation marks, which stay, keep blanks.
fn words(line: &str, escape: char) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            continue;
        }
        // Nothing is escaped in single quotes; an escape character at the end means nothing.
        if c == escape && quote != Some('\'') {
            let Some(escaped) = characters.next() else {
                break;
            };
            word.push(c);
            word.push(escaped);
            continue;
        }
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// For each pair its name, its value, and what stands between them.
fn pairs(line: &str, escape: char, name: &str) -> Result<Vec<String>, String> {
    let words = words(line, escape);
    let Some(first) = words.first() else {
        return Ok(Vec::new());
    };
    if !first.contains('=') {
        let Some((key, value)) = line.split_once(char::is_whitespace) else {
            return Err(format!("{name} must have two arguments"));
        };
        return Ok(vec![
            key.to_owned(),
            value.trim_start().to_owned(),
            String::new(),
        ]);
    }
    let mut found = Vec::new();
    for word in &words {
        let (key, value) = word.split_once('=').ok_or_else(|| {
            format!("Syntax error - can't find = in {word:?}. Must be of the form: name=value")
        })?;
        found.extend([key.to_owned(), value.to_owned(), "=".to_owned()]);
    }
    Ok(found)
}

/// The names of files that follow a line (`<<EOF`), and whether tabs before their end do not count (`<<-EOF`).
fn files(line: &str) -> Vec<(String, bool)> {
    let named = |word: &str| {
        let (descriptor, behind) = word.split_once("<<")?;
        let tabs = behind.starts_with('-');
        let name = behind
            .strip_prefix('-')
            .unwrap_or(behind)
            .replace(['"', '\''], "");
        let is_file = descriptor.chars().all(|c| c.is_ascii_digit())
            && !name.is_empty()
            && !name.contains('<');
        is_file.then_some((name, tabs))
    };
    line.split_whitespace().filter_map(named).collect()
}

fn command(
    at: usize,
    name: &str,
    flags: Option<Vec<String>>,
    trigger: Option<String>,
    is_json: bool,
    stage: usize,
    values: Vec<String>,
) -> Node {
    let texts = |list: Vec<String>| {
        Node::list(
            at,
            list.into_iter().map(|text| Node::text(at, text)).collect(),
        )
    };
    let null = || Node::new(at, Content::Null);
    let values = if values.is_empty() {
        null()
    } else {
        texts(values)
    };
    let members = [
        ("Cmd", Node::text(at, name)),
        ("SubCmd", Node::text(at, trigger.unwrap_or_default())),
        ("JSON", Node::new(at, Content::Bool(is_json))),
        ("Flags", flags.map_or_else(null, texts)),
        ("Value", values),
        ("Stage", Node::new(at, Content::Number(stage.to_string()))),
    ];
    let members = members
        .into_iter()
        .map(|(name, node)| (name.to_owned(), node));
    Node::map(at, members.collect())
}
