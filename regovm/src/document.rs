//! Base documents: read, put at their paths, merged into one `data`.

use regovm_core::value::{Arena, Frozen, Value};
use regovm_core::{json, yaml};

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentFormat {
    /// JSON.
    Json,
    /// YAML (the first document of the file).
    Yaml,
}

/// A document for `data`.
#[derive(Clone, Debug)]
pub struct Document {
    /// Name for error messages.
    pub name: String,
    /// Keys below `data`.
    pub path: Vec<String>,
    /// How it is written.
    pub format: DocumentFormat,
    /// The text.
    pub bytes: Vec<u8>,
}

/// Reads and merges documents; objects merge member by member, anything else may be defined once.
pub(crate) fn merge(documents: &[Document]) -> Result<Frozen, Unreadable> {
    Frozen::try_build(|arena| {
        let mut root = Tree::default();
        for (index, document) in documents.iter().enumerate() {
            let value = read(document.format, &document.bytes, arena).map_err(|mut error| {
                error.message = format!("{}: {}", document.name, error.message);
                error
            })?;
            if value.as_object().is_none() {
                return Err(format!("{}: document must be of type object", document.name).into());
            }
            let nested = document.path.iter().rev().fold(value, |below, key| {
                arena.object_from([(arena.string(key), below)])
            });
            root.add(nested, index, "data", documents)?;
        }
        Ok(root.finish(arena))
    })
}

/// Why a document cannot be read: OPA's words, and a place that OPA does not tell.
pub(crate) struct Unreadable {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl From<String> for Unreadable {
    fn from(message: String) -> Unreadable {
        Unreadable {
            message,
            hint: None,
        }
    }
}

impl From<json::JsonError> for Unreadable {
    fn from(error: json::JsonError) -> Unreadable {
        let hint = Some(format!(
            "at line {}, column {} of the JSON text",
            error.line, error.col
        ));
        Unreadable {
            message: error.message,
            hint,
        }
    }
}

/// Reads one document.
pub(crate) fn read<'a>(
    format: DocumentFormat,
    bytes: &[u8],
    arena: &'a Arena,
) -> Result<Value<'a>, Unreadable> {
    match format {
        // Documents become data, which outlives the text.
        DocumentFormat::Json => {
            has_text(bytes)?;
            Ok(json::read(bytes, arena, json::ReadOptions::default())?)
        }
        DocumentFormat::Yaml => yaml::read(&String::from_utf8_lossy(bytes), arena)
            .map_err(|e| Unreadable::from(format!("error converting YAML to JSON: {e}"))),
    }
}

/// What is wanted of an input.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'p> {
    /// The parts that are built.
    pub(crate) projection: Option<&'p json::Projection>,
    /// The others are checked too.
    pub(crate) strict: bool,
}

impl Wanted<'_> {
    fn read<'a>(&self, bytes: &'a [u8], arena: &'a Arena) -> Result<Value<'a>, json::JsonError> {
        let options = json::ReadOptions {
            strict: self.strict,
            ..json::ReadOptions::default()
        };
        match self.projection {
            Some(projection) => json::read_projected_borrowed(bytes, arena, options, projection),
            None => json::read_borrowed(bytes, arena, options),
        }
    }
}

/// Reads JSON.
pub(crate) fn read_json<'a>(
    bytes: &'a [u8],
    arena: &'a Arena,
    wanted: &Wanted<'_>,
) -> Result<Value<'a>, Unreadable> {
    has_text(bytes)?;
    Ok(wanted.read(bytes, arena)?)
}

/// OPA's word for a text without a value.
fn has_text(bytes: &[u8]) -> Result<(), Unreadable> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::from("EOF".to_owned()));
    }
    Ok(())
}

/// Reads an input document: JSON, and YAML if it is no JSON. An empty text is `null`.
pub(crate) fn read_input<'a>(
    bytes: &'a [u8],
    arena: &'a Arena,
    wanted: &Wanted<'_>,
) -> Result<Value<'a>, Unreadable> {
    match wanted.read(bytes, arena) {
        Ok(value) => Ok(value),
        Err(not_json) if not_json.memory.is_some() || looks_like_json(bytes) => {
            // Nobody writes flow YAML of this size: the JSON error is the helpful one.
            let mut error = Unreadable::from(not_json);
            error.message = format!("unable to parse input: {}", error.message);
            Err(error)
        }
        Err(_) => yaml::read(&String::from_utf8_lossy(bytes), arena)
            .map_err(|e| Unreadable::from(format!("unable to parse input: {e}"))),
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|b| !b.is_ascii_whitespace());
    bytes.len() > YAML_FALLBACK_LIMIT && matches!(first, Some(b'{' | b'[' | b'"'))
}

/// Texts above this size that start like JSON are not tried as YAML.
const YAML_FALLBACK_LIMIT: usize = 1 << 20;

/// The merged documents so far. A member is a tree only where documents overlap.
#[derive(Default)]
struct Tree<'a> {
    members: Vec<(Value<'a>, Member<'a>)>,
    positions: std::collections::HashMap<String, usize>,
}

enum Member<'a> {
    Value(Value<'a>, usize),
    Tree(Tree<'a>, usize),
}

impl<'a> Tree<'a> {
    fn add(
        &mut self,
        value: Value<'a>,
        source: usize,
        path: &str,
        documents: &[Document],
    ) -> Result<(), String> {
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        for (key, member) in object.iter() {
            let name = key
                .as_str()
                .map_or_else(|| json::to_string(key, json::Style::Compact), str::to_owned);
            let Some(&at) = self.positions.get(&name) else {
                self.positions.insert(name, self.members.len());
                self.members.push((key, Member::Value(member, source)));
                continue;
            };
            let below = format!("{path}.{name}");
            let slot = &mut self.members[at].1;
            if let Member::Value(first, by) = slot
                && first.as_object().is_some()
                && member.as_object().is_some()
            {
                let mut tree = Tree::default();
                tree.add(*first, *by, &below, documents)?;
                *slot = Member::Tree(tree, *by);
            }
            match slot {
                Member::Tree(tree, _) if member.as_object().is_some() => {
                    tree.add(member, source, &below, documents)?;
                }
                Member::Value(_, by) | Member::Tree(_, by) => {
                    return Err(format!(
                        "{}: merge error: conflicting values at {below}, also defined in {}",
                        documents[source].name, documents[*by].name
                    ));
                }
            }
        }
        Ok(())
    }

    fn finish(self, arena: &'a Arena) -> Value<'a> {
        arena.object_from(self.members.into_iter().map(|(key, member)| match member {
            Member::Value(value, _) => (key, value),
            Member::Tree(tree, _) => (key, tree.finish(arena)),
        }))
    }
}
