//! Trees that policies give instead of texts, read as OPA reads them: from JSON, into structures of Go, and with the
//! words that Go has for values that do not fit.

use regovm_core::builtin::BuiltinError;
use regovm_core::value::{Value, View};

use super::ast::{Field, Inline, Node, Selection, Spread, too_deep};
use crate::operand::failed;

/// A value that a member cannot have.
pub(super) struct Mismatch {
    got: String,
    wanted: String,
    /// The structure and the names of the members that lead to it, as far as Go tells.
    structure: &'static str,
    path: Vec<&'static str>,
}

/// Why nothing more is read.
pub(super) enum Unread {
    TooDeep,
    Mismatch(Mismatch),
}

impl From<Unread> for BuiltinError {
    fn from(unread: Unread) -> BuiltinError {
        let Mismatch {
            got,
            wanted,
            structure,
            path,
        } = match unread {
            Unread::TooDeep => return too_deep(),
            Unread::Mismatch(mismatch) => mismatch,
        };
        let place = match path.is_empty() {
            true => "value".to_owned(),
            false => format!("struct field {structure}.{}", path.join(".")),
        };
        failed(format!(
            "json: cannot unmarshal {got} into Go {place} of type {wanted}"
        ))
    }
}

/// The name of the value's kind.
fn kind(value: Value<'_>) -> &'static str {
    match value.kind().name() {
        "boolean" => "bool",
        "set" => "array",
        kind => kind,
    }
}

/// One reading of a value by Go. Where a value does not fit, it goes on, and fails at its end.
#[derive(Default)]
pub(super) struct Reading {
    structure: &'static str,
    path: Vec<&'static str>,
    /// The type of Go that the texts here have, if it has a name.
    pub(super) text_type: Option<&'static str>,
    first: Option<Mismatch>,
}

impl Reading {
    /// The value does not fit.
    pub(super) fn wrong(&mut self, value: Value<'_>, wanted: &str) {
        self.wrong_as(kind(value).to_owned(), wanted);
    }

    pub(super) fn wrong_as(&mut self, got: String, wanted: &str) {
        if self.first.is_none() {
            self.first = Some(Mismatch {
                got,
                wanted: wanted.to_owned(),
                structure: self.structure,
                path: self.path.clone(),
            });
        }
    }

    /// Reads the value of a member of a structure.
    pub(super) fn member<T: Node>(
        &mut self,
        (structure, member): (&'static str, &'static str),
        text_type: Option<&'static str>,
        value: Value<'_>,
        depth: usize,
    ) -> Result<T, Unread> {
        let outer = std::mem::replace(&mut self.structure, structure);
        self.text_type = text_type;
        self.path.push(member);
        let node = T::decode(value, depth, self)?;
        self.path.pop();
        self.structure = outer;
        Ok(node)
    }
}

/// Reads a value in a reading of its own.
pub(super) fn apart<T: Node>(
    value: Value<'_>,
    text_type: Option<&'static str>,
    depth: usize,
) -> Result<T, Unread> {
    let mut reading = Reading {
        text_type,
        ..Reading::default()
    };
    match T::decode(value, depth, &mut reading) {
        // What ends an inner reading ends this one, and is placed by both.
        Err(Unread::Mismatch(mut inner)) if !reading.path.is_empty() => {
            reading.path.append(&mut inner.path);
            inner.path = reading.path;
            inner.structure = reading.structure;
            Err(Unread::Mismatch(inner))
        }
        Err(other) => Err(other),
        Ok(node) => match reading.first {
            Some(mismatch) => Err(Unread::Mismatch(mismatch)),
            None => Ok(node),
        },
    }
}

/// A value that ends all readings that it is in.
pub(super) fn refused<T>(value: Value<'_>, wanted: &str) -> Result<T, Unread> {
    Err(Unread::Mismatch(Mismatch {
        got: kind(value).to_owned(),
        wanted: wanted.to_owned(),
        structure: "",
        path: Vec::new(),
    }))
}

/// The elements of a list; a set is one too.
pub(super) fn elements<'a>(value: Value<'a>) -> Option<Vec<Value<'a>>> {
    match value.view() {
        View::Array(array) => Some(array.iter().collect()),
        View::Set(set) => Some(set.iter().collect()),
        _ => None,
    }
}

/// OPA takes an element for a field if it can be one, spreads too, then for a spread, then for an inline fragment. What is
/// none of them it leaves out.
pub(super) fn selections(value: Value<'_>, depth: usize) -> Result<Vec<Selection>, Unread> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let Some(elements) = elements(value) else {
        return refused(value, "[]json.RawMessage");
    };
    let mut found = Vec::new();
    for element in elements {
        let read = fitting(apart::<Field>(element, None, depth))?.map(Selection::Field);
        let read = match read {
            None => fitting(apart::<Spread>(element, None, depth))?.map(Selection::Spread),
            field => field,
        };
        let read = match read {
            None => fitting(apart::<Inline>(element, None, depth))?.map(Selection::Inline),
            found => found,
        };
        found.extend(read);
    }
    Ok(found)
}

fn fitting<T>(read: Result<T, Unread>) -> Result<Option<T>, Unread> {
    match read {
        Ok(node) => Ok(Some(node)),
        Err(Unread::Mismatch(_)) => Ok(None),
        Err(Unread::TooDeep) => Err(Unread::TooDeep),
    }
}
