//! Values that own their arena and can be shared by threads.

use std::ptr::NonNull;

use super::arena::Arena;
use super::{Value, hash};

/// An arena with its roots, closed for good: `Send + Sync`.
///
/// Everything computed lazily in a value is computed when it is frozen, so that reading from
/// several threads writes nothing but cached hashes, which are atomic.
pub struct Frozen {
    roots: Vec<Value<'static>>,
    /// From `Box::into_raw`; freed when dropped.
    arena: NonNull<Arena>,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.roots.clear();
        // SAFETY: from a box, and no value of the arena can outlive the borrow of `self`.
        drop(unsafe { Box::from_raw(self.arena.as_ptr()) });
    }
}

// SAFETY: after `build` nothing allocates in the arena or changes a value in it; the only
// writes are to hash caches, which are atomic. `used` and `limit` are only read.
unsafe impl Send for Frozen {}
// SAFETY: as above.
unsafe impl Sync for Frozen {}

impl Frozen {
    /// Builds one value in an arena of its own.
    pub fn build(make: impl for<'a> FnOnce(&'a Arena) -> Value<'a>) -> Frozen {
        Frozen::build_many(|arena| vec![make(arena)])
    }

    /// Builds several values, as the constants of a program, in one arena.
    pub fn build_many(make: impl for<'a> FnOnce(&'a Arena) -> Vec<Value<'a>>) -> Frozen {
        let built: Result<Frozen, std::convert::Infallible> =
            Frozen::try_build_many(|arena| Ok(make(arena)));
        match built {
            Ok(frozen) => frozen,
            Err(never) => match never {},
        }
    }

    /// As [`Frozen::build`], for building that can fail.
    pub fn try_build<E>(
        make: impl for<'a> FnOnce(&'a Arena) -> Result<Value<'a>, E>,
    ) -> Result<Frozen, E> {
        Frozen::try_build_many(|arena| Ok(vec![make(arena)?]))
    }

    /// As [`Frozen::build_many`], for building that can fail.
    pub fn try_build_many<E>(
        make: impl for<'a> FnOnce(&'a Arena) -> Result<Vec<Value<'a>>, E>,
    ) -> Result<Frozen, E> {
        let arena = NonNull::from(Box::leak(Box::new(Arena::new())));
        let mut frozen = Frozen {
            roots: Vec::new(),
            arena,
        };
        // SAFETY: the arena stays at its address until the Frozen is dropped. The roots only
        // leave with the lifetime of a borrow of the Frozen, and `make` must work for every
        // lifetime, so it can neither keep nor bring in values.
        frozen.roots = make(unsafe { arena.as_ref() })?;
        for root in &frozen.roots {
            hash::force(*root);
        }
        Ok(frozen)
    }

    /// The first root; `null` if there is none.
    pub fn root<'a>(&'a self) -> Value<'a> {
        self.roots.first().copied().unwrap_or(Value::NULL)
    }

    /// All roots.
    pub fn roots<'a>(&'a self) -> &'a [Value<'a>] {
        &self.roots
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        // SAFETY: the arena lives until `self` is dropped.
        unsafe { self.arena.as_ref() }.used()
    }
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.roots()).finish()
    }
}
