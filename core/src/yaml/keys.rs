//! Keys of one mapping that are written alike.
//!
//! Of keys that have one name in JSON, OPA keeps the last one. It does not see all that go-yaml takes for the same and
//! refuses: what is written alike, whatever it means (`~` and `"~"`), and what has no name.

use std::collections::{HashMap, HashSet};

use crate::json;
use crate::value::Value;

/// Complaints about one mapping, at most: there is one for each pair of keys.
const MAX_COMPLAINTS: usize = 1000;

/// What a node looks like in the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Written<'w> {
    Scalar(&'w str),
    Alias(&'w str),
    Sequence,
    Mapping,
}

/// No scalar.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Other {
    Alias,
    Sequence,
    Mapping,
}

/// A key.
struct Key<'a> {
    /// What it is called in JSON.
    name: Option<Value<'a>>,
    /// How it is written, if that is not its name: not as a scalar, and its text.
    written: Option<(Option<Other>, Box<str>)>,
    row: usize,
}

/// The keys of a mapping, in order.
#[derive(Default)]
pub(super) struct Keys<'a> {
    keys: Vec<Key<'a>>,
    has_odd: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn add(&mut self, name: Option<Value<'a>>, written: Written<'_>, row: usize) {
        let written = match written {
            Written::Scalar(text) if name.and_then(|name| name.as_str()) == Some(text) => None,
            Written::Scalar(text) => Some((None, text.into())),
            Written::Alias(text) => Some((Some(Other::Alias), text.into())),
            Written::Sequence => Some((Some(Other::Sequence), "".into())),
            Written::Mapping => Some((Some(Other::Mapping), "".into())),
        };
        self.has_odd |= written.is_some();
        self.keys.push(Key { name, written, row });
    }

    /// go-yaml's complaints about keys that are written alike.
    pub(super) fn repeated(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if !self.has_odd {
            return complaints;
        }
        let mut names = HashSet::new();
        let mut alike: HashMap<(Option<Other>, &str), Vec<usize>> = HashMap::new();
        let mut pairs = Vec::new();
        for (at, key) in self.keys.iter().enumerate() {
            let (other, text) = match (&key.written, key.name.and_then(|name| name.as_str())) {
                (Some((other, text)), _) => (*other, &**text),
                (None, name) => (None, name.unwrap_or_default()),
            };
            if other.is_none() && key.name.is_some_and(|name| !names.insert(name)) {
                continue;
            }
            let before = alike.entry((other, text)).or_default();
            pairs.extend(before.iter().map(|first| (*first, at, text)));
            before.push(at);
            if pairs.len() > MAX_COMPLAINTS {
                break;
            }
        }
        pairs.sort_unstable();
        for (first, at, text) in pairs.into_iter().take(MAX_COMPLAINTS) {
            let mut quoted = String::new();
            json::write_string(text, &mut quoted, false);
            complaints.push(format!(
                "line {}: mapping key {quoted} already defined at line {}",
                self.keys[at].row, self.keys[first].row
            ));
        }
        complaints
    }
}
