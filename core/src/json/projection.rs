//! Which parts of a document are wanted.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Arena;
use crate::value::{EVERYTHING, NOTHING, Value, Wanted};

/// A step of a path into a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'s> {
    /// The member of objects with this name.
    Member(&'s str),
    /// Every member of objects and every element of arrays.
    Any,
}

/// Paths longer than this end there: everything below is wanted.
const MAX_STEPS: usize = 32;

/// A projection with more parts wants everything.
const MAX_PARTS: usize = 4096;

/// Which parts of a document are wanted: paths, with everything that lies at their ends. See
/// [`read_projected`](super::read_projected).
///
/// What a projection does to a document is [`Projection::prune`]:
/// - An object keeps the members that a path goes through or ends at; others are absent.
/// - An array keeps its length. If a path goes on with [`Step::Any`], its elements are projected in turn, else each of
///   them is `null`: a path that goes on with the name of a member finds nothing in an array.
/// - Whatever else is found on the way stays as it is.
#[derive(Debug)]
pub struct Projection {
    /// Unique in the process: trees of shapes remember what was decided for each key.
    id: u64,
    parts: Vec<Part>,
    root: Wanted,
}

#[derive(Debug, Default)]
struct Part {
    members: HashMap<Box<str>, Wanted>,
    others: Option<Wanted>,
}

/// A projection that grows.
#[derive(Clone, Default, Debug)]
pub struct ProjectionBuilder {
    root: Tree,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Tree {
    everything: bool,
    any: Option<Box<Tree>>,
    members: BTreeMap<String, Tree>,
}

impl Tree {
    fn add<'s>(&mut self, path: &mut dyn Iterator<Item = Step<'s>>, all: bool, left: usize) {
        if self.everything {
            return;
        }
        let step = path.next();
        match step {
            None if !all => {}
            Some(Step::Member(name)) if left > 0 => {
                if !self.members.contains_key(name) {
                    self.members.insert(name.to_owned(), Tree::default());
                }
                if let Some(below) = self.members.get_mut(name) {
                    below.add(path, all, left - 1);
                }
            }
            Some(Step::Any) if left > 0 => {
                self.any.get_or_insert_default().add(path, all, left - 1);
            }
            _ => {
                *self = Tree {
                    everything: true,
                    ..Tree::default()
                };
            }
        }
    }

    /// Adds all paths of another tree. False if that takes too many steps.
    fn join(&mut self, other: &Tree, left: &mut usize) -> bool {
        if self.everything {
            return true;
        }
        if other.everything {
            *self = other.clone();
            return true;
        }
        let Some(less) = left.checked_sub(1) else {
            return false;
        };
        *left = less;
        if let Some(any) = &other.any
            && !self.any.get_or_insert_default().join(any, left)
        {
            return false;
        }
        other.members.iter().all(|(name, below)| {
            self.members
                .entry(name.clone())
                .or_default()
                .join(below, left)
        })
    }
}

impl ProjectionBuilder {
    /// Nothing is wanted yet.
    pub fn new() -> ProjectionBuilder {
        ProjectionBuilder::default()
    }

    /// Adds a path: what lies at its end is wanted, with everything below it. The empty path wants the whole document.
    pub fn add<'s>(&mut self, path: impl IntoIterator<Item = Step<'s>>) -> &mut ProjectionBuilder {
        self.root.add(&mut path.into_iter(), true, MAX_STEPS);
        self
    }

    /// Adds a path of which only matters if there is something at its end, whether that is `false`, and how long it is if
    /// it is an array. What is below it is wanted as far as other paths say.
    pub fn touch<'s>(
        &mut self,
        path: impl IntoIterator<Item = Step<'s>>,
    ) -> &mut ProjectionBuilder {
        self.root.add(&mut path.into_iter(), false, MAX_STEPS);
        self
    }

    /// True if the whole document is wanted.
    pub fn is_everything(&self) -> bool {
        self.root.everything
    }

    /// The paths, sorted, and whether everything is wanted that is at their ends: the arguments with which
    /// [`ProjectionBuilder::add`] and [`ProjectionBuilder::touch`] make the same projection.
    pub fn paths(&self) -> Vec<(Vec<Step<'_>>, bool)> {
        fn walk<'s>(
            tree: &'s Tree,
            path: &mut Vec<Step<'s>>,
            out: &mut Vec<(Vec<Step<'s>>, bool)>,
        ) {
            if tree.any.is_none() && tree.members.is_empty() {
                out.push((path.clone(), tree.everything));
            }
            if let Some(any) = &tree.any {
                path.push(Step::Any);
                walk(any, path, out);
                path.pop();
            }
            for (name, below) in &tree.members {
                path.push(Step::Member(name));
                walk(below, path, out);
                path.pop();
            }
        }
        let mut out = Vec::new();
        walk(&self.root, &mut Vec::new(), &mut out);
        out
    }

    /// The projection.
    pub fn finish(&self) -> Projection {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut parts = vec![Part::default()];
        let mut left = 4 * MAX_PARTS;
        let root = flatten(&self.root, &mut parts, &mut left).unwrap_or_else(|| {
            parts.truncate(1);
            EVERYTHING
        });
        Projection {
            id: NEXT.fetch_add(1, Relaxed),
            parts,
            root,
        }
    }
}

/// The part for a tree; nothing if there would be too many.
fn flatten(tree: &Tree, parts: &mut Vec<Part>, left: &mut usize) -> Option<Wanted> {
    if tree.everything {
        return Some(EVERYTHING);
    }
    if parts.len() >= MAX_PARTS {
        return None;
    }
    let place = parts.len();
    parts.push(Part::default());
    let others = match &tree.any {
        Some(any) => Some(flatten(any, parts, left)?),
        None => None,
    };
    let mut members = HashMap::with_capacity(tree.members.len());
    for (name, below) in &tree.members {
        // What is wanted of every member is wanted of this one too.
        let below = match &tree.any {
            Some(any) => {
                let mut both = below.clone();
                if !both.join(any, left) {
                    return None;
                }
                flatten(&both, parts, left)?
            }
            None => flatten(below, parts, left)?,
        };
        members.insert(name.as_str().into(), below);
    }
    parts[place] = Part { members, others };
    Some(place as Wanted)
}

impl Projection {
    /// True if the whole document is wanted.
    pub fn is_everything(&self) -> bool {
        self.root == EVERYTHING
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// What is wanted of the document.
    pub(crate) fn root(&self) -> Wanted {
        self.root
    }

    /// What is wanted of a member of an object of which something is wanted.
    pub(crate) fn member(&self, of: Wanted, name: &str) -> Wanted {
        if of == EVERYTHING {
            return EVERYTHING;
        }
        match self.parts.get(of as usize) {
            Some(part) => match part.members.get(name) {
                Some(wanted) => *wanted,
                None => part.others.unwrap_or(NOTHING),
            },
            None => NOTHING,
        }
    }

    /// What is wanted of the elements of an array of which something is wanted.
    #[inline]
    pub(crate) fn element(&self, of: Wanted) -> Wanted {
        if of == EVERYTHING {
            return EVERYTHING;
        }
        let part = self.parts.get(of as usize);
        part.and_then(|part| part.others).unwrap_or(NOTHING)
    }

    /// What is left of a value: what reading its text with this projection gives.
    pub fn prune<'a>(&self, value: Value<'a>, arena: &'a Arena) -> Value<'a> {
        prune(self, self.root, value, arena)
    }
}

/// The depth of the recursion is that of the projection.
fn prune<'a>(
    projection: &Projection,
    wanted: Wanted,
    value: Value<'a>,
    arena: &'a Arena,
) -> Value<'a> {
    if wanted == EVERYTHING {
        return value;
    }
    if let Some(object) = value.as_object() {
        return arena.object_from(object.iter().filter_map(|(key, below)| {
            let wanted = projection.member(wanted, key.as_str()?);
            (wanted != NOTHING).then(|| (key, prune(projection, wanted, below, arena)))
        }));
    }
    if let Some(array) = value.as_array() {
        let wanted = projection.element(wanted);
        return arena.array_from(array.iter().map(|element| match wanted {
            NOTHING => Value::NULL,
            wanted => prune(projection, wanted, element, arena),
        }));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ReadOptions, read};

    fn projection(paths: &[&str]) -> ProjectionBuilder {
        let mut builder = ProjectionBuilder::new();
        for path in paths {
            builder.add(
                path.split('.')
                    .filter(|step| !step.is_empty())
                    .map(|step| match step {
                        "*" => Step::Any,
                        name => Step::Member(name),
                    }),
            );
        }
        builder
    }

    #[test]
    fn what_is_touched_keeps_its_kind_and_length() {
        let arena = Arena::new();
        let text = br#"{"a": {"b": 1}, "c": [1, [2], {"d": 3}], "e": false}"#;
        let value = read(text, &arena, ReadOptions::default()).unwrap();
        let mut builder = ProjectionBuilder::new();
        for name in ["a", "c", "e"] {
            builder.touch([Step::Member(name)]);
        }
        let touched = builder.finish().prune(value, &arena).to_string();
        assert_eq!(touched, r#"{"a": {}, "c": [null, null, null], "e": false}"#);
        builder.touch([Step::Any, Step::Any]);
        let touched = builder.finish().prune(value, &arena).to_string();
        assert_eq!(
            touched,
            r#"{"a": {"b": 1}, "c": [1, [null], {}], "e": false}"#
        );
    }

    fn pruned(paths: &[&str], text: &str) -> String {
        let arena = Arena::new();
        let value = read(text.as_bytes(), &arena, ReadOptions::default()).unwrap();
        projection(paths).finish().prune(value, &arena).to_string()
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let text =
            r#"{"a": [{"b": 1, "c": 2}, [3], 4], "d": {"e": {"f": 5}, "g": [6, 7]}, "h": "x"}"#;
        for (paths, left) in [
            (&[][..], "{}"),
            (&[""], text),
            (&["h", "missing"], r#"{"h": "x"}"#),
            (&["h.below"], r#"{"h": "x"}"#),
            (&["a.*.b"], r#"{"a": [{"b": 1}, [null], 4]}"#),
            (&["a.b"], r#"{"a": [null, null, null]}"#),
            (&["a.*.*"], r#"{"a": [{"b": 1, "c": 2}, [3], 4]}"#),
            (&["d.e", "d.e.f"], r#"{"d": {"e": {"f": 5}}}"#),
            (
                &["*.g", "d.e"],
                r#"{"a": [null, null, null], "d": {"e": {"f": 5}, "g": [6, 7]}, "h": "x"}"#,
            ),
        ] {
            assert_eq!(pruned(paths, text), left, "{paths:?}");
        }
    }

    #[test]
    fn paths_make_the_same_projection_again() {
        let mut builder = projection(&["a.*.b", "a.*.b.c", "*.d", "a.x", "q"]);
        builder.touch([Step::Member("t"), Step::Any]);
        let mut again = ProjectionBuilder::new();
        for (path, all) in builder.paths() {
            if all {
                again.add(path);
            } else {
                again.touch(path);
            }
        }
        assert_eq!(builder.root, again.root);
        assert!(projection(&["a", ""]).finish().is_everything());
        assert!(projection(&["a", ""]).is_everything());
        assert!(!projection(&[]).finish().is_everything());
    }

    #[test]
    fn projections_stay_small() {
        // Each level wants all that the level of `*` beside it wants.
        let mut paths = Vec::new();
        for level in 0..30 {
            let start = "*.".repeat(level);
            paths.extend((0..8).map(|n| format!("{start}m{n}.x")));
        }
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let projection = projection(&paths).finish();
        assert!(projection.parts.len() <= MAX_PARTS);
        let deep = "a.".repeat(100_000);
        assert_eq!(projection_of(&deep).parts.len(), MAX_STEPS + 1);
    }

    fn projection_of(path: &str) -> Projection {
        projection(&[path]).finish()
    }
}
