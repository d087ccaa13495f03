//! Indexes of collections, made while a query runs.
//!
//! An index finds the members of one collection by the hash of keys that the program computes from them; a member can have
//! many (each of its tags). It gives all members that have the keys, each once and in the order of the collection, and now
//! and then one that has not: whoever asks compares anyway. So it holds numbers only, no values.
//!
//! A collection is known by its identity: values never change, and their memory is not used again while the query runs.
//! Indexes of base data outlive the query: they are built at once, for all queries to come.

use std::rc::Rc;

use hashbrown::HashTable;
use hashbrown::hash_map::{Entry, HashMap};
use regovm_core::value::{Arena, Value, View};

use crate::error::Fault;
use crate::iterate::AHEAD;
use crate::room::{room, room_in_table};

/// When an iteration is worth an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indexing {
    /// Members that a collection has at least; fewer are visited one by one.
    pub min_members: usize,
    /// Iterations over all members before the index is built: building costs about as much as they do.
    pub scans_before: u32,
}

impl Default for Indexing {
    fn default() -> Indexing {
        Indexing {
            min_members: 16,
            scans_before: 2,
        }
    }
}

/// No member.
const NONE: u32 = u32::MAX;

struct Bucket {
    hash: u64,
    /// The first entry and the last one.
    first: u32,
    last: u32,
}

/// A member under one of its keys.
struct Key {
    member: u32,
    /// The next entry of the bucket.
    next: u32,
}

/// An index. A member may have several keys.
#[derive(Default)]
pub(crate) struct Index {
    buckets: HashTable<Bucket>,
    entries: Vec<Key>,
}

impl Index {
    /// Puts a member, the last one so far of so many, into the bucket of a hash.
    fn add(&mut self, arena: &Arena, member: u32, members: u32, hash: u64) -> Result<(), Fault> {
        let Ok(entry) = u32::try_from(self.entries.len()) else {
            return Err(Fault::Internal("an index of too many keys"));
        };
        if let Some(bucket) = self.buckets.find_mut(hash, |bucket| bucket.hash == hash) {
            let last = &mut self.entries[bucket.last as usize];
            // The keys of a member come together: it is there once.
            if last.member == member {
                return Ok(());
            }
            last.next = entry;
            bucket.last = entry;
        } else {
            let more = expected(self.buckets.len(), member, members);
            room_in_table(&mut self.buckets, more, arena, |bucket| bucket.hash)?;
            let bucket = Bucket {
                hash,
                first: entry,
                last: entry,
            };
            self.buckets
                .insert_unique(hash, bucket, |bucket| bucket.hash);
        }
        if self.entries.len() == self.entries.capacity() {
            let more = expected(self.entries.len(), member, members);
            room(&mut self.entries, more, arena)?;
        }
        self.entries.push(Key { member, next: NONE });
        Ok(())
    }

    /// Bytes on the heap.
    fn bytes(&self) -> usize {
        self.buckets.allocation_size() + self.entries.capacity() * size_of::<Key>()
    }

    fn first(&self, hash: u64) -> u32 {
        self.buckets
            .find(hash, |bucket| bucket.hash == hash)
            .map_or(NONE, |bucket| bucket.first)
    }
}

/// Members after which the rest are taken to be like them.
const SAMPLE: u32 = 64;

/// How many more of something are to come, at least one, if the first members have had so many: what grows step by step moves
/// its content again and again.
fn expected(so_far: usize, visited: u32, members: u32) -> usize {
    if visited < SAMPLE {
        return 1;
    }
    let left = u64::from(members.saturating_sub(visited));
    (so_far as u64 * left / u64::from(visited)) as usize + 1
}

/// What is known of an index of a collection.
enum Known {
    /// It does not exist, but so many iterations could have used it.
    Wanted(u32),
    /// It is in the list at this place.
    Ready(u32),
}

/// A place among the members that an index found.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    base: Value<'a>,
    index: u32,
    /// The entry.
    at: u32,
    /// The entry that comes behind the last one of the bucket.
    then: u32,
}

/// An index that is being built.
pub(crate) struct Building<'a> {
    base: Value<'a>,
    number: u16,
    /// Members visited, of so many.
    visited: u32,
    members: u32,
    /// Whether it is kept for other queries.
    kept: bool,
    /// Steps of the query when it began.
    pub(crate) steps_before: u64,
    index: Index,
}

/// What an iteration does that wants an index.
pub(crate) enum Plan<'a> {
    /// It visits all members.
    Scan,
    /// It builds the index first.
    Build(Box<Building<'a>>),
    /// The index is there. If it was built by an earlier query, this one pays so many steps for it.
    Use(Found<'a>, u64),
}

/// The hash under which members with some keys are found.
pub(crate) fn hash(keys: &[Value<'_>]) -> u64 {
    keys.iter().fold(0, |hash: u64, key| {
        (hash.rotate_left(23) ^ key.hash()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

/// Has a member fetched into the cache, if there is one at this place.
#[inline]
fn prefetch(base: Value<'_>, at: usize) {
    let members = match base.view() {
        View::Array(array) => array.as_slice(),
        View::Set(set) => set.as_sorted_slice(),
        View::Object(object) => object.values(),
        _ => return,
    };
    if let Some(member) = members.get(at) {
        member.prefetch();
    }
}

/// A member by its place in the order of the collection; its key is made by `index` if it is the element of an array.
fn member<'a>(
    base: Value<'a>,
    at: u32,
    index: impl FnOnce(usize) -> Value<'a>,
) -> Option<(Value<'a>, Value<'a>)> {
    let at = at as usize;
    match base.view() {
        View::Array(array) => Some((index(at), *array.as_slice().get(at)?)),
        View::Set(set) => {
            let element = *set.as_sorted_slice().get(at)?;
            Some((element, element))
        }
        View::Object(object) => object.at(at),
        _ => None,
    }
}

/// A collection, by the word of its value, and an index of the program.
type Name = (u64, u16);

/// Indexes of base data, with the steps that building them took, for later queries of the same program.
#[derive(Default)]
pub(crate) struct KeptIndexes {
    /// The addresses of the program and of its data. Who holds a session holds both.
    of: (usize, u64),
    indexes: HashMap<Name, (Rc<Index>, u64)>,
}

/// The indexes of a query.
pub(crate) struct Indexes {
    kept: KeptIndexes,
    known: HashMap<Name, Known>,
    list: Vec<Rc<Index>>,
}

impl Indexes {
    /// `of`: the addresses of the program and of its data.
    pub(crate) fn new(mut kept: KeptIndexes, of: (usize, u64)) -> Indexes {
        if kept.of != of {
            kept.indexes.clear();
            kept.of = of;
        }
        Indexes {
            kept,
            known: HashMap::new(),
            list: Vec::new(),
        }
    }

    pub(crate) fn into_kept(self) -> KeptIndexes {
        self.kept
    }

    /// An iteration over `base` begins that could use an index; `of_data`: base data has it.
    pub(crate) fn open<'a>(
        &mut self,
        base: Value<'a>,
        number: u16,
        of_data: bool,
        when: Indexing,
        arena: &Arena,
    ) -> Result<Plan<'a>, Fault> {
        let members = base.collection_len().unwrap_or(0);
        if members < when.min_members || members >= NONE as usize {
            return Ok(Plan::Scan);
        }
        let name = (base.to_bits(), number);
        let found = |index: u32| Found {
            base,
            index,
            at: NONE,
            then: NONE,
        };
        let before = self.known.allocation_size();
        let known = match self.known.entry(name) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let kept = self.kept.indexes.get(&name).filter(|_| of_data);
                if let Some((index, steps)) = kept {
                    let number = self.list.len() as u32;
                    entry.insert(Known::Ready(number));
                    arena.claim(index.bytes())?;
                    self.list.push(index.clone());
                    return Ok(Plan::Use(found(number), *steps));
                }
                entry.insert(Known::Wanted(0))
            }
        };
        let plan = match known {
            Known::Ready(index) => Plan::Use(found(*index), 0),
            Known::Wanted(scans) if !of_data && *scans < when.scans_before => {
                *scans += 1;
                Plan::Scan
            }
            Known::Wanted(_) => Plan::Build(Box::new(Building {
                base,
                number,
                visited: 0,
                members: members as u32,
                kept: of_data,
                steps_before: 0,
                index: Index::default(),
            })),
        };
        arena.claim(self.known.allocation_size() - before)?;
        Ok(plan)
    }

    /// An index is complete, by so many steps; gives the iteration that uses it.
    pub(crate) fn complete<'a>(&mut self, building: Building<'a>, steps: u64) -> Found<'a> {
        let number = self.list.len() as u32;
        let name = (building.base.to_bits(), building.number);
        self.known.insert(name, Known::Ready(number));
        let index = Rc::new(building.index);
        if building.kept {
            self.kept.indexes.insert(name, (index.clone(), steps));
        }
        self.list.push(index);
        Found {
            base: building.base,
            index: number,
            at: NONE,
            then: NONE,
        }
    }

    /// Goes to the first member with a hash; a second hash adds members to those of the first.
    pub(crate) fn seek(&self, found: &mut Found<'_>, hash: u64) {
        let index = self.list.get(found.index as usize);
        let first = index.map_or(NONE, |index| index.first(hash));
        match found.at {
            NONE => found.at = first,
            _ => found.then = first,
        }
    }

    /// The member at the place, which goes on to the next.
    pub(crate) fn next<'a>(
        &self,
        found: &mut Found<'a>,
        index: impl FnOnce(usize) -> Value<'a>,
    ) -> Option<(Value<'a>, Value<'a>)> {
        let entries = &self.list.get(found.index as usize)?.entries;
        let Key {
            member: at,
            next: after,
        } = *entries.get(found.at as usize)?;
        found.at = match after {
            NONE => std::mem::replace(&mut found.then, NONE),
            after => after,
        };
        if let Some(next) = entries.get(found.at as usize) {
            prefetch(found.base, next.member as usize);
        }
        member(found.base, at, index)
    }
}

impl<'a> Building<'a> {
    /// The next member.
    pub(crate) fn next(
        &mut self,
        index: impl FnOnce(usize) -> Value<'a>,
    ) -> Option<(Value<'a>, Value<'a>)> {
        let member = member(self.base, self.visited, index)?;
        prefetch(self.base, self.visited as usize + AHEAD);
        self.visited += 1;
        Some(member)
    }

    /// Keeps the last member under a hash.
    pub(crate) fn add(&mut self, arena: &Arena, hash: u64) -> Result<(), Fault> {
        match self.visited.checked_sub(1) {
            Some(member) => self.index.add(arena, member, self.members, hash),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Indexing = Indexing {
        min_members: 0,
        scans_before: 0,
    };

    fn build<'a>(indexes: &mut Indexes, arena: &'a Arena, base: Value<'a>) -> Found<'a> {
        let Plan::Build(mut building) = indexes.open(base, 0, false, AT_ONCE, arena).unwrap()
        else {
            panic!("nothing is built")
        };
        while let Some((_, value)) = building.next(|at| arena.integer(at as i64)) {
            // Members without a key are left out.
            if let Some(key) = value.get_str("key") {
                building.add(arena, hash(&[key])).unwrap();
            }
        }
        indexes.complete(*building, 0)
    }

    #[test]
    fn members_come_in_the_order_of_the_collection() {
        let arena = Arena::new();
        let members: Vec<Value<'_>> = (0..20)
            .map(|n| match n % 4 {
                3 => arena.object_from([]),
                rest => arena.object_from([(arena.string("key"), arena.integer(rest))]),
            })
            .collect();
        let base = arena.array(&members);
        let mut indexes = Indexes::new(KeptIndexes::default(), (0, 0));
        let mut found = build(&mut indexes, &arena, base);
        for rest in 0..3 {
            indexes.seek(&mut found, hash(&[arena.integer(rest)]));
            let places: Vec<_> = std::iter::from_fn(|| {
                let (place, _) = indexes.next(&mut found, |at| arena.integer(at as i64))?;
                place.as_i64()
            })
            .collect();
            let expected: Vec<i64> = (0..20).filter(|n| n % 4 == rest).collect();
            assert_eq!(places, expected);
        }
        indexes.seek(&mut found, hash(&[arena.integer(7)]));
        assert!(indexes.next(&mut found, |_| Value::NULL).is_none());
        let again = indexes.open(base, 0, false, AT_ONCE, &arena).unwrap();
        assert!(matches!(again, Plan::Use(..)));
    }

    #[test]
    fn small_collections_and_first_scans_have_no_index() {
        let arena = Arena::new();
        let mut indexes = Indexes::new(KeptIndexes::default(), (0, 0));
        let when = Indexing::default();
        let small = arena.array(&[Value::NULL; 15]);
        let large = arena.array(&[Value::NULL; 16]);
        for _ in 0..5 {
            let plan = indexes.open(small, 0, false, when, &arena).unwrap();
            assert!(matches!(plan, Plan::Scan));
        }
        for _ in 0..when.scans_before {
            let plan = indexes.open(large, 0, false, when, &arena).unwrap();
            assert!(matches!(plan, Plan::Scan));
        }
        let plan = indexes.open(large, 0, false, when, &arena).unwrap();
        assert!(matches!(plan, Plan::Build(_)));
        let other = indexes.open(large, 1, false, when, &arena).unwrap();
        assert!(matches!(other, Plan::Scan));
    }

    #[test]
    fn indexes_of_base_data_are_there_for_the_next_query() {
        let arena = Arena::new();
        let members: Vec<Value<'_>> = (0..20)
            .map(|n| arena.object_from([(arena.string("key"), arena.integer(n))]))
            .collect();
        let base = arena.array(&members);
        let when = Indexing::default();
        let of = (1, base.to_bits());
        let mut indexes = Indexes::new(KeptIndexes::default(), of);
        let Plan::Build(mut building) = indexes.open(base, 0, true, when, &arena).unwrap() else {
            panic!("it is not built at once")
        };
        while let Some((_, value)) = building.next(|_| Value::NULL) {
            building.add(&arena, hash(&[value])).unwrap();
        }
        indexes.complete(*building, 20);
        let mut next = Indexes::new(indexes.into_kept(), of);
        let plan = next.open(base, 0, true, when, &arena).unwrap();
        assert!(matches!(plan, Plan::Use(_, 20)));
        let plan = next.open(base, 0, true, when, &arena).unwrap();
        assert!(matches!(plan, Plan::Use(_, 0)));
        let mut other = Indexes::new(next.into_kept(), (2, base.to_bits()));
        let plan = other.open(base, 0, true, when, &arena).unwrap();
        assert!(matches!(plan, Plan::Build(_)));
    }
}
