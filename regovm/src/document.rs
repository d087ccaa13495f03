//! Base documents: read, put at their paths, merged into one `data`.

use std::sync::Arc;

use regovm_core::value::{Arena, Frozen, Value};
use regovm_core::{json, yaml};
use serde::Serialize;

use crate::convert::{DataError, to_value};
use crate::report::{ErrorReport, Failure, Stage};

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

impl Document {
    /// A JSON document for the root of `data`.
    pub fn json(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Document {
        Document {
            name: name.into(),
            path: Vec::new(),
            format: DocumentFormat::Json,
            bytes: bytes.into(),
        }
    }

    /// A YAML document for the root of `data`.
    pub fn yaml(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Document {
        Document {
            format: DocumentFormat::Yaml,
            ..Document::json(name, bytes)
        }
    }

    /// The same at a place below `data`: `["a", "b"]` is `data.a.b`.
    pub fn at(mut self, path: &[&str]) -> Document {
        self.path = path.iter().map(|key| (*key).to_owned()).collect();
        self
    }
}

/// All of `data`: made once, cheap to clone, and shared by policies, sessions and threads.
///
/// ```
/// use regovm::{Data, Document, Engine};
///
/// let mut engine = Engine::new();
/// engine.add_module("p.rego", "package p\nallow if input.user in data.users\n");
/// let policy = engine.prepare("data.p.allow")?;
///
/// let data = Data::new(&[Document::json("users.json", r#"{"users": ["alice", "bob"]}"#)])?;
/// // Another program may have the same data, without a copy.
/// let (policy, names) = (policy.with_data(&data), Engine::new().prepare("data.users[0]")?.with_data(&data));
/// assert_eq!(policy.session().eval_json(br#"{"user": "bob"}"#)?.value(), Some(true.into()));
/// assert_eq!(names.session().eval_without_input(0)?.value(), Some("alice".into()));
/// # Ok::<(), regovm::Failure>(())
/// ```
#[derive(Clone)]
pub struct Data(Arc<Frozen>);

impl Data {
    /// Reads documents and merges them: objects member by member, anything else may be defined once.
    pub fn new(documents: &[Document]) -> Result<Data, Failure> {
        Data::of_documents(documents).map_err(|errors| Failure {
            stage: Stage::Load,
            errors: errors.into_iter().map(|(_, error)| error).collect(),
        })
    }

    /// The same, with the number of its document beside each error.
    pub(crate) fn of_documents(documents: &[Document]) -> Result<Data, Vec<(usize, ErrorReport)>> {
        match merge(documents, &[]) {
            Ok(frozen) => Ok(Data(Arc::new(frozen))),
            Err((index, error)) => Err(all_errors(documents, index, error)),
        }
    }

    /// Makes data of what serde serializes as an object.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Data, Failure> {
        let made = Frozen::try_build(|arena| {
            let value = to_value(value, arena)?;
            match value.as_object() {
                Some(_) => Ok(value),
                None => Err(DataError::new("data must be an object")),
            }
        });
        match made {
            Ok(frozen) => Ok(Data(Arc::new(frozen))),
            Err(wrong) => Err(Failure::message(Stage::Load, wrong.to_string())),
        }
    }

    /// What is frozen already.
    #[cfg(feature = "bundle")]
    pub(crate) fn frozen_as(frozen: Arc<Frozen>) -> Data {
        Data(frozen)
    }

    #[cfg(feature = "bundle")]
    pub(crate) fn shared(&self) -> &Arc<Frozen> {
        &self.0
    }

    /// None.
    pub(crate) fn empty() -> Data {
        Data(Arc::new(Frozen::build(|arena| arena.object_from([]))))
    }

    pub(crate) fn frozen(&self) -> &Frozen {
        &self.0
    }
}

/// The errors of all documents, of which the first is known: those that have one are left out for the others.
fn all_errors(
    documents: &[Document],
    index: usize,
    error: Unreadable,
) -> Vec<(usize, ErrorReport)> {
    let report = |error: Unreadable| ErrorReport {
        hint: error.hint,
        ..ErrorReport::message(error.message)
    };
    let mut bad = vec![index];
    let mut errors = vec![(index, report(error))];
    while let Err((index, error)) = merge(documents, &bad) {
        bad.push(index);
        errors.push((index, report(error)));
    }
    errors
}

/// Reads and merges documents except for some; objects merge member by member, anything else may be defined once. An error
/// comes with the number of its document.
fn merge(documents: &[Document], except: &[usize]) -> Result<Frozen, (usize, Unreadable)> {
    Frozen::try_build(|arena| {
        let mut root = Tree::default();
        for (index, document) in documents.iter().enumerate() {
            if except.contains(&index) {
                continue;
            }
            add_document(&mut root, documents, index, document, arena)
                .map_err(|error| (index, error))?;
        }
        Ok(root.finish(arena))
    })
}

fn add_document<'a>(
    root: &mut Tree<'a>,
    documents: &[Document],
    index: usize,
    document: &Document,
    arena: &'a Arena,
) -> Result<(), Unreadable> {
    let value = read(document.format, &document.bytes, arena).map_err(|mut error| {
        error.message = format!("{}: {}", document.name, error.message);
        error
    })?;
    // Below a path anything may stand.
    if document.path.is_empty() && value.as_object().is_none() {
        return Err(format!("{}: document must be of type object", document.name).into());
    }
    let nested = document.path.iter().rev().fold(value, |below, key| {
        arena.object_from([(arena.string(key), below)])
    });
    root.add(nested, index, "data").map_err(|conflict| {
        let (second, first) = (&documents[conflict.second], &documents[conflict.first]);
        let at = conflict.at;
        let text = "merge error: conflicting values at";
        format!(
            "{}: {text} {at}, also defined in {}",
            second.name, first.name
        )
        .into()
    })
}

/// Data that takes the place of what was at some paths.
#[derive(Clone)]
#[cfg(feature = "bundle")]
pub(crate) struct Overlay {
    /// The paths. They do not overlap with those of other overlays.
    pub(crate) roots: Vec<Vec<String>>,
    /// A whole tree, of which what is at the paths counts.
    pub(crate) data: Arc<Frozen>,
}

/// Data with overlays in place.
#[cfg(feature = "bundle")]
pub(crate) fn overlaid(data: &Frozen, overlays: &[Overlay]) -> Frozen {
    Frozen::build(|arena| {
        let mut root = arena.copy(data.root());
        for overlay in overlays {
            for path in &overlay.roots {
                let found = path.iter().try_fold(overlay.data.root(), |value, key| {
                    value.as_object()?.get_str(key)
                });
                let value = found.map(|value| arena.copy(value));
                root = with_value_at(root, path, value, arena);
            }
        }
        root
    })
}

/// An object with another value at a path, or with none there.
#[cfg(feature = "bundle")]
fn with_value_at<'a>(
    object: Value<'a>,
    path: &[String],
    value: Option<Value<'a>>,
    arena: &'a Arena,
) -> Value<'a> {
    // From the root to the parent of the place.
    let mut parents = Vec::new();
    let mut next = Some(object);
    for key in path {
        let parent = next.filter(|value| value.as_object().is_some());
        next = parent.and_then(|parent| parent.get_str(key));
        parents.push((key, parent));
    }
    if value.is_none() && next.is_none() {
        return object;
    }
    parents
        .into_iter()
        .rev()
        .fold(value, |value, (key, parent)| {
            let members = parent.and_then(Value::as_object);
            let others = members.into_iter().flat_map(|members| members.iter());
            let others = others.filter(|(name, _)| name.as_str() != Some(key));
            let own = value.map(|value| (arena.string(key), value));
            Some(arena.object_from(others.chain(own).collect::<Vec<_>>()))
        })
        .unwrap_or_else(|| arena.object_from([]))
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
        DocumentFormat::Json => Ok(read_stream(bytes, arena)?),
        DocumentFormat::Yaml => yaml::read(&String::from_utf8_lossy(bytes), arena)
            .map_err(|e| Unreadable::from(format!("error converting YAML to JSON: {e}"))),
    }
}

/// Reads JSON with the words of Go's decoder of streams, which OPA reads files of JSON with.
pub(crate) fn read_stream<'a>(
    bytes: &[u8],
    arena: &'a Arena,
) -> Result<Value<'a>, json::JsonError> {
    json::read(bytes, arena, json::ReadOptions::default()).map_err(|mut error| {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            error.message = "EOF".to_owned();
        } else if error.message == "unexpected end of JSON input" {
            error.message = "unexpected EOF".to_owned();
        }
        error
    })
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

/// Where two documents say different things.
pub(crate) struct Conflict {
    /// The path: `data.a.b`.
    at: String,
    /// The number of the document that said something first, and of the other.
    first: usize,
    second: usize,
}

/// The merged documents so far. A member is a tree only where documents overlap.
#[derive(Default)]
pub(crate) struct Tree<'a> {
    members: Vec<(Value<'a>, Member<'a>)>,
    positions: std::collections::HashMap<String, usize>,
}

enum Member<'a> {
    Value(Value<'a>, usize),
    Tree(Tree<'a>, usize),
}

impl<'a> Tree<'a> {
    /// Adds an object, which is that of document number `source`.
    pub(crate) fn add(
        &mut self,
        value: Value<'a>,
        source: usize,
        path: &str,
    ) -> Result<(), Conflict> {
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
                tree.add(*first, *by, &below)?;
                *slot = Member::Tree(tree, *by);
            }
            match slot {
                Member::Tree(tree, _) if member.as_object().is_some() => {
                    tree.add(member, source, &below)?;
                }
                Member::Value(_, by) | Member::Tree(_, by) => {
                    return Err(Conflict {
                        at: below,
                        first: *by,
                        second: source,
                    });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self, arena: &'a Arena) -> Value<'a> {
        arena.object_from(self.members.into_iter().map(|(key, member)| match member {
            Member::Value(value, _) => (key, value),
            Member::Tree(tree, _) => (key, tree.finish(arena)),
        }))
    }
}
