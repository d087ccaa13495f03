//! Sorted lists of distinct keys and the way to find one: the keys of objects, shared by objects
//! of one shape, and the elements of sets.

use std::num::NonZeroU32;

use super::order::equal_texts;
use super::{Kind, Value, hash};
use crate::work;

/// The identity of a shape: objects with equal ids have the same keys in the same slots. Unique
/// in the process and never used again, so that a cache that remembers one can never be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ShapeId(pub NonZeroU32);

/// Lists up to this length are searched from front to back.
pub(super) const LINEAR: usize = 8;

/// Sets up to this length have no table: their elements are halved until one is left.
pub(super) const HALVED: usize = 16;

/// Lists up to this length may do without a table: keys of objects in JSON texts that have no shape, most of which are
/// never looked for.
pub(super) const SORTED: usize = 64;

/// Distinct keys in Rego's order.
pub(super) struct Layout<'a> {
    pub(super) keys: &'a [Value<'a>],
    /// One hash for each key; empty if `index` is.
    pub(super) hashes: &'a [u32],
    /// Open addressing: positions of keys plus 1; empty for short lists and for some of middle length (see [`HALVED`] and [`SORTED`]),
    /// else a power of two.
    pub(super) index: &'a [u32],
    /// Set if many objects share this layout.
    pub(super) id: Option<ShapeId>,
}

/// Half a hash, for tables.
#[inline]
pub(super) fn short_hash(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

/// The room that a table for some keys needs.
pub(super) fn table_len(keys: usize) -> usize {
    (keys + keys / 2 + 1).next_power_of_two()
}

/// Looks for a hash in a table; `matches` gets positions of keys with that hash.
#[inline]
pub(super) fn probe(
    index: &[u32],
    hashes: &[u32],
    hash: u32,
    mut matches: impl FnMut(usize) -> bool,
) -> Result<usize, usize> {
    let mask = index.len() - 1;
    let mut slot = hash as usize & mask;
    loop {
        match index[slot] {
            0 => return Err(slot),
            entry => {
                let position = entry as usize - 1;
                if hashes[position] == hash && matches(position) {
                    return Ok(position);
                }
            }
        }
        slot = (slot + 1) & mask;
    }
}

/// Keys between two looks at the watch.
pub(super) const CHUNK: usize = 1 << 12;

/// Fills an empty table. Keys are missing if there is no point in going on.
pub(super) fn fill(index: &mut [u32], hashes: &[u32]) {
    let mask = index.len() - 1;
    for (position, hash) in hashes.iter().enumerate() {
        if position % CHUNK == CHUNK - 1 && !work::effort(CHUNK as u64) {
            return;
        }
        let mut slot = *hash as usize & mask;
        while index[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        index[slot] = position as u32 + 1;
    }
}

impl Layout<'_> {
    /// The position of a key.
    #[inline]
    pub(super) fn find(&self, key: Value<'_>) -> Option<usize> {
        if self.index.is_empty() {
            if self.keys.len() > LINEAR {
                return self.keys.binary_search_by(|k| (*k).cmp(&key)).ok();
            }
            return match key.as_str() {
                Some(text) => {
                    let bits = key.to_bits();
                    let same = |k: &str| k.len() == text.len() && equal_texts(k, text);
                    self.keys
                        .iter()
                        .position(|k| k.to_bits() == bits || k.as_str().is_some_and(same))
                }
                None => self.keys.iter().position(|k| *k == key),
            };
        }
        let hash = short_hash(key.hash());
        probe(self.index, self.hashes, hash, |at| self.keys[at] == key).ok()
    }

    /// The position of a string key.
    pub(super) fn find_str(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            if self.keys.len() > LINEAR {
                let order = |k: &Value<'_>| match k.as_str() {
                    Some(text) => text.cmp(key),
                    None => k.kind().cmp(&Kind::String),
                };
                return self.keys.binary_search_by(order).ok();
            }
            return self.keys.iter().position(|k| k.as_str() == Some(key));
        }
        let hash = short_hash(hash::text(key));
        probe(self.index, self.hashes, hash, |at| {
            self.keys[at].as_str() == Some(key)
        })
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;

    #[test]
    fn tables_have_room_and_find_every_key() {
        for len in [1, 8, 9, 63, 64, 1000] {
            assert!(table_len(len) > len);
            assert!(table_len(len).is_power_of_two());
        }
        let arena = Arena::new();
        for count in [0, 1, 8, 9, 17, 500] {
            let list: Vec<Value<'_>> = (0..count)
                .flat_map(|n| [arena.integer(n), arena.string(&n.to_string())])
                .chain([Value::NULL, arena.array(&[arena.integer(count)])])
                .collect();
            let object = arena.object_from(list.iter().map(|key| (*key, *key)));
            let object = object.as_object().unwrap();
            assert_eq!(object.len(), list.len());
            for key in &list {
                assert_eq!(object.get(*key), Some(*key));
            }
            for absent in [
                arena.integer(-1),
                arena.string("x"),
                Value::TRUE,
                arena.array(&[]),
            ] {
                assert_eq!(object.get(absent), None);
                assert_eq!(object.find_slot(absent), None);
            }
            assert_eq!(object.get_str("x"), None);
        }
    }
}
