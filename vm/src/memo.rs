//! Results that were computed before: rules by their number, functions by their arguments.
//!
//! Arguments are compared by value if they are small and by identity if they are large: a whole document is never hashed.

use hashbrown::{HashMap, HashTable};
use regovm_core::value::{Arena, MemoryExceeded, Value, View};

use crate::room::room_in_table;

/// Values in an argument that is compared by value, at most.
const SMALL: u32 = 16;
/// Bytes of a string that is compared by value, at most.
const SHORT: usize = 1024;

/// A result: a value, or undefined.
pub(crate) type Outcome<'a> = Option<Value<'a>>;

/// Calls that are remembered under one overlay, at most; then all are forgotten, so that a function of millions of rows
/// does not fill the memory with results that nobody asks for again.
const MAX_CALLS: usize = 1 << 18;

struct Entry<'a> {
    hash: u64,
    function: u32,
    /// Where its arguments begin among those of all calls. A function always has the same number of them.
    arguments: u32,
    outcome: Outcome<'a>,
}

/// Results of calls with arguments.
#[derive(Default)]
pub(crate) struct Calls<'a> {
    table: HashTable<Entry<'a>>,
    /// Arguments of all calls, one after the other: forgetting many calls must not take long.
    arguments: Vec<Value<'a>>,
}

impl<'a> Calls<'a> {
    /// The hash under which a call is found.
    pub(crate) fn hash(function: u32, arguments: &[Value<'a>]) -> u64 {
        let mut hash = u64::from(function).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for argument in arguments {
            let part = if is_small(*argument) {
                argument.hash()
            } else {
                argument.to_bits()
            };
            hash = (hash.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        hash ^ hash >> 32
    }

    /// What the call gave, if it was made before.
    pub(crate) fn get(
        &self,
        hash: u64,
        function: u32,
        arguments: &[Value<'a>],
    ) -> Option<Outcome<'a>> {
        let same = |entry: &Entry<'a>| {
            entry.hash == hash && entry.function == function && {
                let kept = &self.arguments[entry.arguments as usize..];
                kept.iter().zip(arguments).all(|(a, b)| same(*a, *b))
            }
        };
        self.table.find(hash, same).map(|entry| entry.outcome)
    }

    /// Remembers a call; the memory that it takes is claimed.
    pub(crate) fn put(
        &mut self,
        arena: &Arena,
        hash: u64,
        function: u32,
        arguments: impl ExactSizeIterator<Item = Value<'a>>,
        outcome: Outcome<'a>,
    ) -> Result<(), MemoryExceeded> {
        if self.table.len() >= MAX_CALLS {
            self.table.clear();
            self.arguments.clear();
        }
        // Only a function of very many parameters gets here before the calls are too many.
        let Ok(first) = u32::try_from(self.arguments.len()) else {
            return Ok(());
        };
        room_in_table(&mut self.table, 1, arena, |entry| entry.hash)?;
        let free = self.arguments.capacity() - self.arguments.len();
        if arguments.len() > free {
            let before = self.arguments.capacity();
            let claimed = 2 * before + arguments.len();
            arena.claim(claimed * size_of::<Value<'a>>())?;
            self.arguments.reserve(arguments.len());
            let left = (claimed + before).saturating_sub(self.arguments.capacity());
            arena.release(left * size_of::<Value<'a>>());
        }
        self.arguments.extend(arguments);
        let entry = Entry {
            hash,
            function,
            arguments: first,
            outcome,
        };
        self.table.insert_unique(hash, entry, |entry| entry.hash);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.table.allocation_size() + self.arguments.capacity() * size_of::<Value<'a>>()
    }
}

fn same(a: Value<'_>, b: Value<'_>) -> bool {
    a.to_bits() == b.to_bits() || (is_small(a) && is_small(b) && a == b)
}

fn is_small(value: Value<'_>) -> bool {
    fn count(value: Value<'_>, left: &mut u32) -> bool {
        let Some(rest) = left.checked_sub(1) else {
            return false;
        };
        *left = rest;
        match value.view() {
            View::String(text) => text.len() <= SHORT,
            View::Array(array) => {
                array.len() <= SMALL as usize
                    && array.as_slice().iter().all(|value| count(*value, left))
            }
            View::Set(set) => {
                set.len() <= SMALL as usize
                    && set
                        .as_sorted_slice()
                        .iter()
                        .all(|value| count(*value, left))
            }
            View::Object(object) => {
                object.len() <= SMALL as usize
                    && object
                        .iter()
                        .all(|(key, value)| count(key, left) && count(value, left))
            }
            View::Null | View::Boolean(_) | View::Integer(_) | View::Number(_) => true,
        }
    }
    count(value, &mut SMALL.clone())
}

/// Everything that was computed under one overlay.
#[derive(Default)]
pub(crate) struct Memo<'a> {
    rules: HashMap<u32, Outcome<'a>>,
    pub(crate) calls: Calls<'a>,
}

impl<'a> Memo<'a> {
    pub(crate) fn rule(&self, function: u32) -> Option<Outcome<'a>> {
        self.rules.get(&function).copied()
    }

    /// Remembers a rule; the memory that it takes is claimed. There are no more of them than rules in the program.
    pub(crate) fn put_rule(
        &mut self,
        arena: &Arena,
        function: u32,
        outcome: Outcome<'a>,
    ) -> Result<(), MemoryExceeded> {
        let before = self.rules.allocation_size();
        self.rules.insert(function, outcome);
        arena.claim(self.rules.allocation_size() - before)
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.rules.allocation_size() + self.calls.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::value::Arena;

    #[test]
    fn small_arguments_are_compared_by_value() {
        let arena = Arena::new();
        let mut calls = Calls::default();
        let pair = || arena.array(&[arena.string("a"), arena.integer(1)]);
        let arguments = [pair(), arena.integer(2)];
        let hash = Calls::hash(3, &arguments);
        let kept = arguments.iter().copied();
        calls.put(&arena, hash, 3, kept, Some(Value::TRUE)).unwrap();
        let again = [pair(), arena.integer(2)];
        assert_eq!(Calls::hash(3, &again), hash);
        assert_eq!(calls.get(hash, 3, &again), Some(Some(Value::TRUE)));
        assert_eq!(calls.get(hash, 4, &again), None);
    }

    #[test]
    fn large_arguments_are_compared_by_identity() {
        let arena = Arena::new();
        let large = || arena.array(&vec![Value::NULL; 100]);
        let (one, other) = (large(), large());
        assert!(same(one, one));
        assert!(!same(one, other));
        let text = || arena.string(&"x".repeat(2000));
        assert!(!is_small(text()));
    }

    #[test]
    fn undefined_is_remembered_too() {
        let mut memo = Memo::default();
        assert_eq!(memo.rule(1), None);
        memo.put_rule(&Arena::new(), 1, None).unwrap();
        assert_eq!(memo.rule(1), Some(None));
    }
}
