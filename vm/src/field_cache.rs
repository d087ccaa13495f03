//! Where fields stand in objects of known shapes.
//!
//! Objects from JSON share shapes, and shapes are never used again for other keys, so what was found once holds for all
//! runs of a program. The cache is direct-mapped: a new entry takes the place of an old one.

use regovm_core::value::{Object, ShapeId, Value};

/// Entries; a power of two. A loop over objects of many types reads a few fields of each.
const ENTRIES: usize = 512;
/// The slot of a field that objects of the shape do not have.
const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Entry {
    /// The word of a constant key.
    key: u64,
    shape: Option<ShapeId>,
    slot: u32,
}

const EMPTY: Entry = Entry {
    key: 0,
    shape: None,
    slot: ABSENT,
};

/// Slots of fields by shape and key.
pub(crate) struct FieldCache {
    entries: Box<[Entry; ENTRIES]>,
    /// The address of the program whose constants the keys are.
    program: usize,
}

impl Default for FieldCache {
    fn default() -> FieldCache {
        FieldCache {
            entries: Box::new([EMPTY; ENTRIES]),
            program: 0,
        }
    }
}

impl FieldCache {
    /// What is known is for the program at this address: the words of another one's keys mean other texts. Who holds a
    /// session holds its program too, so that no other one is made at its address in between.
    pub(crate) fn is_for(&mut self, program: usize) {
        if self.program != program {
            self.entries.fill(EMPTY);
            self.program = program;
        }
    }

    /// The field of an object; `key` is a constant of the program.
    #[inline]
    pub(crate) fn get<'a>(&mut self, object: Object<'a>, key: Value<'a>) -> Option<Value<'a>> {
        let Some(shape) = object.shape_id() else {
            return object.get(key);
        };
        let word = key.to_bits();
        // Constants lie eight bytes apart at least.
        let place = (word >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let place = (place as usize ^ shape.0.get() as usize) % ENTRIES;
        let entry = &mut self.entries[place];
        if entry.key != word || entry.shape != Some(shape) {
            *entry = Entry {
                key: word,
                shape: Some(shape),
                slot: object.find_slot(key).unwrap_or(ABSENT),
            };
        }
        object.slot(entry.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::json;
    use regovm_core::value::Arena;

    #[test]
    fn fields_are_those_of_the_object() {
        let arena = Arena::new();
        let text = br#"[{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"b": 5}, {"a": 6}, {}]"#;
        let list = json::read(text, &arena, json::ReadOptions::default()).unwrap();
        let mut cache = FieldCache::default();
        for round in 1..3 {
            for key in ["a", "b", "c"] {
                let key = arena.string(key);
                for value in list.as_array().unwrap().iter() {
                    let object = value.as_object().unwrap();
                    assert_eq!(cache.get(object, key), object.get(key));
                }
            }
            cache.is_for(round);
        }
    }
}
