//! The tree that rules with refs in their heads build: objects within objects, values and sets at the leaves.

use hashbrown::HashMap;
use regovm_core::value::{Arena, MemoryExceeded, ObjectBuilder, SetBuilder, Value};

/// What can go wrong.
pub(crate) enum TreeError {
    /// Two values for one key.
    Conflict,
    /// No memory left.
    Memory(MemoryExceeded),
}

impl From<MemoryExceeded> for TreeError {
    fn from(error: MemoryExceeded) -> TreeError {
        TreeError::Memory(error)
    }
}

/// An object that is being built: its leaves are in an [`ObjectBuilder`], its branches beside it.
#[derive(Default)]
pub(crate) struct Tree<'a> {
    leaves: ObjectBuilder<'a>,
    branches: HashMap<Value<'a>, Branch<'a>>,
}

enum Branch<'a> {
    Object(Tree<'a>),
    Set(SetBuilder<'a>),
}

impl<'a> Branch<'a> {
    fn finish(self, arena: &'a Arena) -> Result<Value<'a>, MemoryExceeded> {
        match self {
            Branch::Object(tree) => tree.finish(arena),
            Branch::Set(set) => Ok(set.finish(arena)),
        }
    }
}

impl<'a> Tree<'a> {
    /// Puts a value below a path of one key at least.
    ///
    /// A value on the way is a conflict, even an object: rules do not write into each other's values. An object that other
    /// rules have built at the place is none if it is equal so far, as in OPA.
    pub(crate) fn insert(
        &mut self,
        path: &[Value<'a>],
        value: Value<'a>,
        arena: &'a Arena,
    ) -> Result<(), TreeError> {
        let Some((last, way)) = path.split_last() else {
            return Err(TreeError::Conflict);
        };
        let tree = self.descend(way, arena)?;
        match tree.branches.remove(last) {
            None => {}
            Some(branch) => {
                let built = branch.finish(arena)?;
                if built != value {
                    return Err(TreeError::Conflict);
                }
            }
        }
        match tree.leaves.insert_unique(arena, *last, value)? {
            Some(old) if old != value => Err(TreeError::Conflict),
            _ => Ok(()),
        }
    }

    /// Adds an element to the set below a path of one key at least.
    pub(crate) fn insert_set(
        &mut self,
        path: &[Value<'a>],
        value: Value<'a>,
        arena: &'a Arena,
    ) -> Result<(), TreeError> {
        let Some((last, way)) = path.split_last() else {
            return Err(TreeError::Conflict);
        };
        let tree = self.descend(way, arena)?;
        if tree.leaves.get(*last).is_some() {
            return Err(TreeError::Conflict);
        }
        match tree
            .branches
            .entry(*last)
            .or_insert_with(|| Branch::Set(SetBuilder::default()))
        {
            Branch::Set(set) => {
                set.insert(arena, value)?;
                Ok(())
            }
            Branch::Object(_) => Err(TreeError::Conflict),
        }
    }

    fn descend(&mut self, way: &[Value<'a>], arena: &'a Arena) -> Result<&mut Tree<'a>, TreeError> {
        let mut tree = self;
        for key in way {
            if tree.leaves.get(*key).is_some() {
                return Err(TreeError::Conflict);
            }
            if !tree.branches.contains_key(key) {
                arena.reserve(size_of::<(Value<'a>, Branch<'a>)>())?;
            }
            match tree
                .branches
                .entry(*key)
                .or_insert_with(|| Branch::Object(Tree::default()))
            {
                Branch::Object(below) => tree = below,
                Branch::Set(_) => return Err(TreeError::Conflict),
            }
        }
        Ok(tree)
    }

    /// The object.
    pub(crate) fn finish(mut self, arena: &'a Arena) -> Result<Value<'a>, MemoryExceeded> {
        // In the order of the keys, so that a run allocates the same way every time.
        let mut branches: Vec<_> = self.branches.into_iter().collect();
        branches.sort_unstable_by_key(|(key, _)| *key);
        for (key, branch) in branches {
            let value = branch.finish(arena)?;
            self.leaves.insert(arena, key, value)?;
        }
        Ok(self.leaves.finish(arena))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'a>(arena: &'a Arena, path: &str) -> Vec<Value<'a>> {
        path.split('.').map(|key| arena.string(key)).collect()
    }

    #[test]
    fn paths_and_sets_share_a_tree() {
        let arena = Arena::new();
        let mut tree = Tree::default();
        assert!(
            tree.insert(&keys(&arena, "a.b"), arena.integer(1), &arena)
                .is_ok()
        );
        assert!(
            tree.insert(&keys(&arena, "a.b"), arena.integer(1), &arena)
                .is_ok()
        );
        assert!(
            tree.insert_set(&keys(&arena, "a.s"), arena.integer(2), &arena)
                .is_ok()
        );
        assert!(
            tree.insert_set(&keys(&arena, "a.s"), arena.integer(1), &arena)
                .is_ok()
        );
        assert!(
            tree.insert(&keys(&arena, "c"), arena.integer(3), &arena)
                .is_ok()
        );
        assert!(matches!(
            tree.insert(&keys(&arena, "a.b"), arena.integer(2), &arena),
            Err(TreeError::Conflict)
        ));
        assert!(matches!(
            tree.insert(&keys(&arena, "c.d"), arena.integer(2), &arena),
            Err(TreeError::Conflict)
        ));
        let value = tree.finish(&arena).unwrap();
        assert_eq!(value.to_string(), r#"{"a": {"b": 1, "s": {1, 2}}, "c": 3}"#);
    }
}
