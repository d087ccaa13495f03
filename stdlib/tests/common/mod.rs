//! Constant terms and calls in Rego, read just well enough for examples and the oracle's answers.

#![allow(dead_code, reason = "not every test needs all of it")]

use regovm_core::builtin::{BuiltinError, Caches, Call, Table, Unmetered};
use regovm_core::host::Host;
use regovm_core::value::{Arena, Value};

pub struct Reader<'t, 'a> {
    text: &'t str,
    arena: &'a Arena,
}

impl<'t, 'a> Reader<'t, 'a> {
    pub fn new(text: &'t str, arena: &'a Arena) -> Reader<'t, 'a> {
        Reader { text, arena }
    }

    fn space(&mut self) {
        self.text = self.text.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        match self.text.strip_prefix(token) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    /// `name(arguments)`
    pub fn call(&mut self) -> (&'t str, Vec<Value<'a>>) {
        let open = self.text.find('(').expect("a call");
        let name = self.text[..open].trim();
        self.text = &self.text[open + 1..];
        let arguments = self.list(")");
        (name, arguments)
    }

    fn list(&mut self, close: &str) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        while !self.take(close) {
            values.push(self.term());
            self.take(",");
        }
        values
    }

    pub fn term(&mut self) -> Value<'a> {
        for (name, value) in [
            ("null", Value::NULL),
            ("true", Value::TRUE),
            ("false", Value::FALSE),
        ] {
            if self.take(name) {
                return value;
            }
        }
        if self.take("set()") {
            return self.arena.set_from([]);
        }
        if self.take("[") {
            let elements = self.list("]");
            return self.arena.array(&elements);
        }
        if self.take("{") {
            return self.braces();
        }
        if self.take("`") {
            let end = self.text.find('`').expect("end of a raw string");
            let value = self.arena.string(&self.text[..end]);
            self.text = &self.text[end + 1..];
            return value;
        }
        if self.text.starts_with('"') {
            return self.string();
        }
        let end = self
            .text
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, rest) = self.text.split_at(end.unwrap_or(self.text.len()));
        self.text = rest;
        self.arena
            .number_text(number)
            .unwrap_or_else(|| panic!("no term: {number}{rest}"))
    }

    fn braces(&mut self) -> Value<'a> {
        if self.take("}") {
            return self.arena.object_from([]);
        }
        let first = self.term();
        if !self.take(":") {
            self.take(",");
            let mut elements = vec![first];
            elements.extend(self.list("}"));
            return self.arena.set_from(elements);
        }
        let mut pairs = vec![(first, self.term())];
        while !self.take("}") {
            self.take(",");
            let key = self.term();
            assert!(self.take(":"), "a colon before {}", self.text);
            pairs.push((key, self.term()));
        }
        self.arena.object_from(pairs)
    }

    fn string(&mut self) -> Value<'a> {
        let mut escaped = false;
        let end = self.text[1..]
            .find(|c| {
                let end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                end
            })
            .expect("end of a string");
        let (literal, rest) = self.text.split_at(end + 2);
        self.text = rest;
        // Values are shown with escapes that JSON does not have.
        let mut json = String::new();
        let mut escaped = false;
        for c in literal.chars() {
            match c {
                'x' if escaped => json.push_str("u00"),
                'a' if escaped => json.push_str("u0007"),
                'v' if escaped => json.push_str("u000b"),
                other => json.push(other),
            }
            escaped = c == '\\' && !escaped;
        }
        regovm_core::json::read(json.as_bytes(), self.arena, Default::default())
            .expect("a JSON string")
    }
}

/// A host that remembers what was printed.
#[derive(Default)]
pub struct Lines(pub Vec<String>);

impl Host for Lines {
    fn print(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }

    fn note(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// Runs a body without budgets, in a world that only remembers what was printed.
pub fn run<'a>(
    table: &Table,
    arena: &'a Arena,
    name: &str,
    arguments: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    run_in(&mut Lines::default(), table, arena, name, arguments)
}

/// Runs a body without budgets.
pub fn run_in<'a>(
    host: &mut dyn Host,
    table: &Table,
    arena: &'a Arena,
    name: &str,
    arguments: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    let id = table
        .id(name)
        .unwrap_or_else(|| panic!("no built-in {name}"));
    let body = table.body(id).expect("of this table");
    let (mut meter, mut caches) = (Unmetered, Caches::new());
    let place = || "test-0.rego:2".to_owned();
    let mut call = Call::new(arena, &mut meter, host, &mut caches).at(&place);
    body.call(&mut call, arguments)
}
