//! The fields of a metadata block: which kinds of values they take, and what they become.

use std::collections::HashMap;

use regovm_core::yaml::is_old_boolean;
use regovm_core::{Constant, SourceMap, Span};

use super::node::{Kind, Node};
use crate::ast::{CompileAnnotation, ExprKind, Name, Ref, SchemaAnnotation, Term, TermKind};
use crate::parse::{ParseOptions, parse_query};
use crate::shape::place_term;

/// What a block says.
pub(super) struct Fields {
    pub(super) scope: Name,
    pub(super) entrypoint: bool,
    pub(super) object: Constant,
    pub(super) schemas: Vec<SchemaAnnotation>,
    pub(super) compile: Option<CompileAnnotation>,
}

/// The kinds of values that fields take, by their Go types.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Flag,
    Texts,
    Items,
    Maps,
    Map,
}

const TYPES: [(&str, Type); 11] = [
    ("scope", Type::Text),
    ("title", Type::Text),
    ("entrypoint", Type::Flag),
    ("description", Type::Text),
    ("organizations", Type::Texts),
    ("related_resources", Type::Items),
    ("authors", Type::Items),
    ("schemas", Type::Maps),
    ("compile", Type::Map),
    ("custom", Type::Map),
    ("labels", Type::Map),
];

/// Pairs of keys that are the same, at most: their number grows with the square of that of the keys.
const MAX_PAIRS: usize = 1000;

const MAP: &str = "map[string]interface {}";

/// Notes the fields whose values have a kind that they do not take.
pub(super) fn check_kinds(block: &Node, errors: &mut Vec<(usize, String)>) {
    let members = match &block.kind {
        Kind::Mapping(members) => members,
        _ => return expect(block, "!!null", "ast.rawAnnotation", errors),
    };
    if has_repeated_keys(block, errors) {
        return;
    }
    for (key, value) in members {
        let Some(name) = key.text() else { continue };
        let Some((_, kind)) = TYPES.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        match kind {
            Type::Text => check_text(value, errors),
            Type::Flag => {
                let word = value.text().unwrap_or("");
                if !is_old_boolean(word) {
                    expect(value, "!!bool", "bool", errors);
                }
            }
            Type::Texts => {
                expect(value, "!!seq", "[]string", errors);
                items(value)
                    .iter()
                    .for_each(|item| check_text(item, errors));
            }
            Type::Items => {
                expect(value, "!!seq", "[]interface {}", errors);
                items(value)
                    .iter()
                    .for_each(|item| check_repeated(item, errors));
            }
            Type::Maps => {
                expect(value, "!!seq", "[]map[string]interface {}", errors);
                items(value).iter().for_each(|item| check_map(item, errors));
            }
            Type::Map => check_map(value, errors),
        }
    }
}

fn check_map(node: &Node, errors: &mut Vec<(usize, String)>) {
    if matches!(node.kind, Kind::Mapping(_)) {
        check_repeated(node, errors);
    } else {
        expect(node, "!!map", MAP, errors);
    }
}

/// Notes the keys that stand twice in a mapping, wherever it is. One that has some is not looked into.
fn check_repeated(node: &Node, errors: &mut Vec<(usize, String)>) {
    match &node.kind {
        Kind::Sequence(items) => items.iter().for_each(|item| check_repeated(item, errors)),
        Kind::Mapping(members) if !has_repeated_keys(node, errors) => {
            members
                .iter()
                .for_each(|(_, value)| check_repeated(value, errors));
        }
        Kind::Mapping(_) | Kind::Scalar(..) | Kind::Alias => {}
    }
}

/// Notes the keys that stand twice in a mapping, pair by pair.
fn has_repeated_keys(node: &Node, errors: &mut Vec<(usize, String)>) -> bool {
    let Kind::Mapping(members) = &node.kind else {
        return false;
    };
    let mut alike: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    for (at, (key, _)) in members.iter().enumerate() {
        let before = alike.entry(key.text().unwrap_or_default()).or_default();
        pairs.extend(before.iter().map(|first| (*first, at)));
        before.push(at);
        if pairs.len() > MAX_PAIRS {
            break;
        }
    }
    pairs.sort_unstable();
    for (first, again) in pairs.iter().take(MAX_PAIRS) {
        let [(first, _), (again, _)] = [&members[*first], &members[*again]];
        let name = first.text().unwrap_or_default();
        let message = format!(
            "mapping key \"{name}\" already defined at line {}",
            first.line
        );
        errors.push((again.line, message));
    }
    !pairs.is_empty()
}

fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Sequence(items) => items,
        _ => &[],
    }
}

fn check_text(node: &Node, errors: &mut Vec<(usize, String)>) {
    if matches!(node.kind, Kind::Sequence(_) | Kind::Mapping(_)) {
        expect(node, "!!str", "string", errors);
    }
}

fn expect(node: &Node, tag: &str, into: &str, errors: &mut Vec<(usize, String)>) {
    let found = node.tag();
    if found == tag || found == "!!null" || has_repeated_keys(node, errors) {
        return;
    }
    let value = match node.text() {
        Some(text) if text.len() > 10 => {
            format!(" `{}...`", text.chars().take(7).collect::<String>())
        }
        Some(text) => format!(" `{text}`"),
        None => String::new(),
    };
    errors.push((
        node.line,
        format!("cannot unmarshal {found}{value} into {into}"),
    ));
}

/// Reads the fields of a block whose kinds are right.
pub(super) fn read(node: &Node, value: &Constant) -> Result<Fields, String> {
    let text = |key: &str| match node.get(key) {
        Some(node) if node.tag() != "!!null" => node.text().unwrap_or("").to_string(),
        _ => String::new(),
    };
    let list = |key: &str| match value.get(key) {
        Some(Constant::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    let mut object = Vec::new();
    let mut add = |key: &str, value: Constant| object.push((Constant::from(key), value));
    let scope: Name = text("scope").into();
    let title = text("title");
    if !title.is_empty() {
        add("title", Constant::from(&*title));
    }
    let entrypoint = matches!(
        &*text("entrypoint"),
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON"
    );
    if entrypoint {
        add("entrypoint", Constant::Boolean(true));
    }
    let description = text("description");
    if !description.is_empty() {
        add("description", Constant::from(&*description));
    }
    let organizations: Vec<Constant> = node
        .get("organizations")
        .map_or(&[][..], items)
        .iter()
        .map(|item| Constant::from(item.text().unwrap_or("")))
        .collect();
    if !organizations.is_empty() {
        add("organizations", Constant::Array(organizations));
    }
    let mut related = Vec::new();
    for item in list("related_resources") {
        let resource = related_resource(&item).map_err(|reason| {
            format!(
                "invalid related-resource definition {}: {reason}",
                as_go_text(&item)
            )
        })?;
        related.push(resource);
    }
    if !related.is_empty() {
        add("related_resources", Constant::Array(related));
    }
    let compile = compile(value.get("compile"))?;
    let mut schemas = Vec::new();
    for pair in list("schemas") {
        schemas.push(schema(&pair)?);
    }
    let mut authors = Vec::new();
    for item in list("authors") {
        let author = author(&item).map_err(|reason| {
            format!("invalid author definition {}: {reason}", as_go_text(&item))
        })?;
        authors.push(author);
    }
    if !authors.is_empty() {
        add("authors", Constant::Array(authors));
    }
    if !schemas.is_empty() {
        add(
            "schemas",
            Constant::Array(schemas.iter().map(schema_object).collect()),
        );
    }
    for key in ["custom", "labels"] {
        if let Some(Constant::Object(members)) = value.get(key)
            && !members.is_empty()
        {
            let mut path = Vec::new();
            if let Some(Node {
                kind: Kind::Mapping(inner),
                ..
            }) = node.get(key)
            {
                for (_, inner) in inner {
                    check_keys(inner, &mut path)?;
                }
            }
            add(key, Constant::Object(members.clone()));
        }
    }
    Ok(Fields {
        scope,
        entrypoint,
        object: Constant::Object(object),
        schemas,
        compile,
    })
}

/// Keys of inner mappings must be text.
fn check_keys(node: &Node, path: &mut Vec<String>) -> Result<(), String> {
    match &node.kind {
        Kind::Mapping(members) => {
            let texts = members.iter().all(|(key, _)| key.tag() == "!!str");
            if !texts {
                return Err(format!("invalid map key type(s): {}", path.join("/")));
            }
            for (key, value) in members {
                path.push(key.text().unwrap_or("").to_string());
                check_keys(value, path)?;
                path.pop();
            }
        }
        Kind::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                check_keys(item, path)?;
                path.pop();
            }
        }
        _ => {}
    }
    Ok(())
}

fn trimmed<'a>(value: &'a Constant, key: &str) -> &'a str {
    value
        .get(key)
        .and_then(Constant::as_str)
        .unwrap_or("")
        .trim()
}

fn pairs(members: &[(&str, &str)]) -> Constant {
    let filled = members.iter().filter(|(_, value)| !value.is_empty());
    Constant::Object(
        filled
            .map(|(k, v)| (Constant::from(*k), Constant::from(*v)))
            .collect(),
    )
}

fn related_resource(value: &Constant) -> Result<Constant, String> {
    match value {
        Constant::String(address) if address.is_empty() => {
            Err("ref URL may not be empty string".to_string())
        }
        Constant::String(address) => {
            check_address(address)?;
            Ok(pairs(&[("ref", address)]))
        }
        Constant::Object(_) => {
            let address = trimmed(value, "ref");
            if address.is_empty() {
                return Err("'ref' value required in object".to_string());
            }
            check_address(address)?;
            Ok(pairs(&[
                ("ref", address),
                ("description", trimmed(value, "description")),
            ]))
        }
        _ => Err("invalid value type, must be string or map".to_string()),
    }
}

/// What Go's reader of addresses refuses.
fn check_address(address: &str) -> Result<(), String> {
    let refuse = |reason: &str| {
        let mut quoted = String::new();
        crate::print::quote(&mut quoted, address);
        Err(format!("parse {quoted}: {reason}"))
    };
    if address.chars().any(|c| c < ' ' || c == '\u{7f}') {
        return refuse("net/url: invalid control character in URL");
    }
    let plain = address.split('#').next().unwrap_or("");
    let colon = plain.find(':');
    let scheme_end = plain
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .unwrap_or(plain.len());
    let mut rest = plain;
    let mut has_scheme = false;
    match colon {
        Some(0) => return refuse("missing protocol scheme"),
        Some(at) if at == scheme_end => {
            if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
                has_scheme = true;
                rest = &plain[at + 1..];
            } else {
                return refuse("first path segment in URL cannot contain colon");
            }
        }
        _ => {}
    }
    if !has_scheme
        && !rest.starts_with('/')
        && let Some(at) = colon
        && rest.find('/').is_none_or(|slash| at < slash)
    {
        return refuse("first path segment in URL cannot contain colon");
    }
    if let Some(authority) = rest.strip_prefix("//") {
        let authority = authority.split(['/', '?']).next().unwrap_or("");
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let port = if host.starts_with('[') {
            match host.rfind(']') {
                None => return refuse("missing ']' in host"),
                Some(at) => &host[at + 1..],
            }
        } else {
            host.find(':').map_or("", |at| &host[at..])
        };
        let digits = port.strip_prefix(':').unwrap_or(port);
        if !(port.is_empty() || port.starts_with(':') && digits.chars().all(|c| c.is_ascii_digit()))
        {
            let mut quoted = String::new();
            crate::print::quote(&mut quoted, port);
            return refuse(&format!("invalid port {quoted} after host"));
        }
        if let Some(c) = host.chars().find(|c| matches!(c, ' ' | '<' | '>' | '"')) {
            return refuse(&format!("invalid character \"{c}\" in host name"));
        }
    }
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let digits = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if *byte == b'%' && !(digits(at + 1) && digits(at + 2)) {
            let shown: String = rest[at..].chars().take(3).collect();
            return refuse(&format!("invalid URL escape \"{shown}\""));
        }
    }
    Ok(())
}

fn author(value: &Constant) -> Result<Constant, String> {
    match value {
        Constant::String(text) => {
            let mut words: Vec<&str> = text.split_whitespace().collect();
            let Some(last) = words.last().copied() else {
                return Err("author is an empty string".to_string());
            };
            let address = last
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix('>'));
            if address.is_some() {
                words.pop();
            }
            Ok(pairs(&[
                ("name", &words.join(" ")),
                ("email", address.unwrap_or("")),
            ]))
        }
        Constant::Object(_) => {
            let (name, email) = (trimmed(value, "name"), trimmed(value, "email"));
            if name.is_empty() && email.is_empty() {
                return Err("'name' and/or 'email' values required in object".to_string());
            }
            Ok(pairs(&[("name", name), ("email", email)]))
        }
        _ => Err("invalid value type, must be string or map".to_string()),
    }
}

/// Reads a text as one term, as OPA does for references inside metadata.
fn term(text: &str) -> Option<Term> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).ok()?;
    let mut body = parse_query(&sources, id, &ParseOptions::default())
        .ok()?
        .body;
    if body.len() != 1 {
        return None;
    }
    match body.pop()?.kind {
        ExprKind::Term(mut term) => {
            place_term(&mut term, Span::NONE);
            Some(term)
        }
        _ => None,
    }
}

fn reference(text: &str) -> Option<Ref> {
    match term(text)?.kind {
        TermKind::Ref(path) => Some(path),
        _ => None,
    }
}

fn compile(value: Option<&Constant>) -> Result<Option<CompileAnnotation>, String> {
    let Some(value) = value else { return Ok(None) };
    let mut compile = CompileAnnotation::default();
    if let Some(Constant::Array(unknowns)) = value.get("unknowns") {
        for text in unknowns.iter().filter_map(Constant::as_str) {
            let Some(unknown) = reference(text) else {
                return Err(format!(
                    "invalid unknowns element {text:?}: expected ref but got {text}"
                ));
            };
            compile.unknowns.push(unknown);
        }
    }
    if let Some(text) = value.get("mask_rule").and_then(Constant::as_str) {
        compile.mask_rule = match term(text) {
            Some(Term {
                kind: TermKind::Ref(path),
                ..
            }) => Some(path),
            Some(term) if matches!(term.kind, TermKind::Var(_) | TermKind::String(_)) => {
                Some(vec![term])
            }
            _ => {
                return Err(format!(
                    "invalid mask_rule annotation type {text:?}: string"
                ));
            }
        };
    }
    Ok(Some(compile))
}

fn schema(pair: &Constant) -> Result<SchemaAnnotation, String> {
    let first = match pair {
        Constant::Object(members) => members.first(),
        _ => None,
    };
    let (key, value) = match first {
        Some((Constant::String(key), value)) => (&**key, value),
        _ => ("", &Constant::Null),
    };
    let path = reference(key).ok_or("invalid document reference")?;
    let mut annotation = SchemaAnnotation {
        path,
        schema: None,
        definition: None,
    };
    match value {
        Constant::String(text) => {
            annotation.schema = Some(schema_reference(text).ok_or("invalid schema reference")?);
        }
        Constant::Object(_) => annotation.definition = Some(value.clone()),
        _ => {
            let mut quoted = String::new();
            crate::print::quote(&mut quoted, key);
            return Err(format!("invalid schema declaration for path {quoted}"));
        }
    }
    Ok(annotation)
}

fn schema_reference(text: &str) -> Option<Ref> {
    let term = term(text)?;
    let path = match term.kind {
        TermKind::Var(_) => vec![term],
        TermKind::Ref(path) => path,
        _ => return None,
    };
    path.first()?
        .as_var()
        .is_some_and(|name| &**name == "schema")
        .then_some(path)
}

fn schema_object(annotation: &SchemaAnnotation) -> Constant {
    let path = |path: &Ref| {
        let step = |term: &Term| match &term.kind {
            TermKind::String(text) => Constant::String(text.clone()),
            TermKind::Number(text) => Constant::Number(text.clone()),
            _ => Constant::from(&*crate::print::term(term)),
        };
        Constant::Array(path.iter().map(step).collect())
    };
    let mut members = vec![(Constant::from("path"), path(&annotation.path))];
    if let Some(schema) = &annotation.schema {
        members.push((Constant::from("schema"), path(schema)));
    }
    if let Some(definition) = &annotation.definition {
        members.push((Constant::from("definition"), definition.clone()));
    }
    Constant::Object(members)
}

/// A value as Go's `%s` prints it.
fn as_go_text(value: &Constant) -> String {
    match value {
        Constant::Null => "%!s(<nil>)".to_string(),
        Constant::Boolean(value) => format!("%!s(bool={value})"),
        Constant::Number(text) if text.contains(['.', 'e', 'E']) => format!("%!s(float64={text})"),
        Constant::Number(text) => format!("%!s(int={text})"),
        Constant::String(text) => text.to_string(),
        Constant::Array(items) | Constant::Set(items) => {
            let items: Vec<String> = items.iter().map(as_go_text).collect();
            format!("[{}]", items.join(" "))
        }
        Constant::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}:{}", as_go_text(key), as_go_text(value)))
                .collect();
            members.sort();
            format!("map[{}]", members.join(" "))
        }
    }
}
