//! The memory that values live in.

use std::alloc::Layout as Room;
use std::cell::{Cell, RefCell, RefMut};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use num_bigint::BigInt;

use super::chunks::Chunks;
use super::dictionary::{self, Entry};
use super::layout::{CHUNK, HALVED, LINEAR, Layout, SORTED, fill, short_hash, table_len};
use super::number::{self, Decimal};
use super::raw::{
    ArrayHeader, NumberHeader, ObjectHeader, SetHeader, StringHeader, TAG_ARRAY, TAG_NUMBER,
    TAG_OBJECT, TAG_SET, TAG_STRING,
};
use super::scratch::Scratch;
use super::shape::{EVERYTHING, NodeId, Shape, Shapes, Wanted};
use super::{ArrayBuilder, Object, Value};
use crate::{Constant, work};

/// Allocations up to this size may overshoot the limit; larger ones are refused.
const LARGE: usize = 32 * 1024;

/// The largest single allocation: lengths in headers have 32 bits.
const HUGE: usize = u32::MAX as usize - 64;

/// A bump arena that counts what it gives out.
///
/// Small allocations always succeed; past the limit they set [`Arena::exhausted`], which an
/// evaluator polls. Large ones are refused past the limit: builders and readers return
/// [`MemoryExceeded`], and the conveniences that return a bare [`Value`] return an empty one and
/// set [`Arena::exhausted`]. So an evaluator must look at it before it hands out a result.
pub struct Arena {
    chunks: Chunks,
    /// Bytes of chunks, and those that are claimed.
    used: Cell<usize>,
    limit: Cell<usize>,
    exhausted: Cell<bool>,
    /// Kept over resets: objects of the next query have the same shapes.
    shapes: RefCell<Shapes>,
}

/// The tree of shapes of an arena in the hands of a reader.
pub(crate) struct ShapesOf<'a> {
    shapes: RefMut<'a, Shapes>,
    arena: &'a Arena,
}

impl std::ops::Deref for ShapesOf<'_> {
    type Target = Shapes;

    #[inline]
    fn deref(&self) -> &Shapes {
        &self.shapes
    }
}

impl<'a> ShapesOf<'a> {
    /// See [`Shapes::step`].
    pub(crate) fn step(
        &mut self,
        node: NodeId,
        key: &str,
        wanted: impl FnOnce() -> Wanted,
    ) -> Option<NodeId> {
        self.growing(|shapes| shapes.step(node, key, wanted))
    }

    /// See [`Shapes::root_of`].
    pub(crate) fn root_of(&mut self, projection: u64, wanted: Wanted) -> NodeId {
        self.growing(|shapes| shapes.root_of(projection, wanted))
    }

    /// See [`Shapes::came`].
    #[inline]
    pub(crate) fn came(&mut self, node: NodeId, next: NodeId) {
        self.shapes.came(node, next);
    }

    /// See [`Shapes::began`].
    pub(crate) fn began(&mut self, of: NodeId, first: NodeId) {
        self.shapes.began(of, first);
    }

    /// The keys that led to a node and are wanted.
    pub(crate) fn keys_of(&self, node: NodeId) -> Vec<Value<'a>> {
        let keys = self.shapes.keys_of(node);
        // SAFETY: the table of shapes is only cleared by `reset`, which needs the arena for
        // itself; so its keys live for 'a.
        unsafe { std::mem::transmute::<Vec<Value<'_>>, Vec<Value<'a>>>(keys) }
    }

    /// An object of the shape that ends at a node, with its values in the order of the path.
    #[inline]
    pub(crate) fn object(&mut self, node: NodeId, values: &[Value<'a>]) -> Value<'a> {
        let shape = self.shape(node);
        self.arena.shaped(shape, values.iter().copied())
    }

    #[inline]
    fn shape(&mut self, node: NodeId) -> Shape<'a> {
        let before = self.shapes.bytes();
        let shape = self.shapes.shape(node);
        // SAFETY: the table of shapes is only cleared by `reset`, which needs the arena for
        // itself; so its layouts live for 'a.
        let shape = unsafe { std::mem::transmute::<Shape<'_>, Shape<'a>>(shape) };
        self.arena.shapes_grew(self.shapes.bytes() - before);
        shape
    }

    #[inline]
    fn growing<T>(&mut self, work: impl FnOnce(&mut Shapes) -> T) -> T {
        let before = self.shapes.bytes();
        let result = work(&mut self.shapes);
        self.arena.shapes_grew(self.shapes.bytes() - before);
        result
    }
}

/// The memory limit of an arena is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryExceeded {
    /// The limit in bytes.
    pub limit: usize,
}

/// Copies items one block after the other, as long as there is a point in going on; gives how many.
///
/// # Safety
///
/// As [`std::ptr::copy_nonoverlapping`].
#[inline]
unsafe fn copy<T: Copy>(items: &[T], to: *mut T) -> usize {
    /// Bytes between two looks at the watch.
    const BLOCK: usize = 1 << 18;
    let len = (BLOCK / size_of::<T>().max(1)).max(1);
    if items.len() < len {
        // SAFETY: promised by the caller.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), to, items.len()) };
        return items.len();
    }
    let mut copied = 0;
    for block in items.chunks(len) {
        if block.len() == len && !work::effort_bytes(BLOCK) {
            // What is left is not wanted any more, and a text must end where a character does: so nothing of it.
            return 0;
        }
        // SAFETY: the block is a part of `items`, and its place the same part of the room.
        unsafe { std::ptr::copy_nonoverlapping(block.as_ptr(), to.add(copied), block.len()) };
        copied += block.len();
    }
    copied
}

impl std::fmt::Display for MemoryExceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "memory limit of {} bytes exceeded", self.limit)
    }
}

impl std::error::Error for MemoryExceeded {}

impl Default for Arena {
    fn default() -> Arena {
        Arena::new()
    }
}

impl Arena {
    /// An empty arena without limit.
    pub fn new() -> Arena {
        Arena::with_limit(usize::MAX)
    }

    /// An empty arena that may use about this many bytes.
    pub fn with_limit(bytes: usize) -> Arena {
        Arena {
            chunks: Chunks::default(),
            used: Cell::new(0),
            limit: Cell::new(bytes),
            exhausted: Cell::new(false),
            shapes: RefCell::new(Shapes::new()),
        }
    }

    /// Forgets every value at once and keeps memory for the next ones.
    pub fn reset(&mut self) {
        self.restart(self.limit.get());
    }

    /// As [`Arena::reset`], with another limit.
    pub fn restart(&mut self, limit: usize) {
        self.limit.set(limit);
        self.chunks.reset();
        let shapes = self.shapes.get_mut();
        shapes.reset(limit / 8);
        self.used.set(shapes.bytes());
        self.exhausted.set(self.used.get() > limit);
        self.make_room(0);
    }

    /// Bytes in use since the last reset: of this arena, and those that were claimed beside it.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// The limit in bytes; `usize::MAX` if there is none.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// True once more was asked for than the limit allows.
    #[inline]
    pub fn exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// The error of an exhausted arena.
    pub fn check(&self) -> Result<(), MemoryExceeded> {
        if self.exhausted.get() {
            Err(self.exceeded())
        } else {
            Ok(())
        }
    }

    fn exceeded(&self) -> MemoryExceeded {
        MemoryExceeded {
            limit: self.limit.get(),
        }
    }

    /// What may still be used.
    fn left(&self) -> usize {
        self.limit.get().saturating_sub(self.used.get())
    }

    /// Frees what is only kept for later if the limit leaves no room for it besides so many bytes more.
    #[inline]
    fn make_room(&self, bytes: usize) {
        if self.limit.get() != usize::MAX
            && self.left() < bytes.saturating_add(self.chunks.kept_bytes())
        {
            self.chunks.forget_kept();
        }
    }

    /// Announces a large allocation, in this arena or beside it. Allocates nothing.
    #[inline]
    pub fn reserve(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        if bytes > LARGE && (bytes > HUGE || self.left() < bytes) {
            self.exhausted.set(true);
            return Err(self.exceeded());
        }
        Ok(())
    }

    /// Counts bytes that are allocated beside this arena; see [`Claim`](super::Claim) for those that are freed again.
    pub fn claim(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        let used = self.used.get().saturating_add(bytes);
        if used > self.limit.get() {
            self.exhausted.set(true);
            return Err(self.exceeded());
        }
        self.make_room(bytes);
        self.used.set(used);
        Ok(())
    }

    /// Undoes [`Arena::claim`].
    pub fn release(&self, bytes: usize) {
        self.used.set(self.used.get().saturating_sub(bytes));
    }

    /// Room of a layout; counted.
    #[inline]
    pub(super) fn room(&self, layout: Room) -> NonNull<u8> {
        match self.chunks.take(layout) {
            Some(room) => room,
            None => self.more_room(layout),
        }
    }

    #[cold]
    fn more_room(&self, layout: Room) -> NonNull<u8> {
        self.make_room(layout.size());
        let (room, bytes) = self.chunks.more(layout, self.left());
        let used = self.used.get().saturating_add(bytes);
        self.used.set(used);
        if used > self.limit.get() {
            self.exhausted.set(true);
        }
        room
    }

    /// Does something with the tree of shapes, and counts what it grows by.
    #[inline]
    fn with_shapes<T>(&self, work: impl FnOnce(&mut Shapes) -> T) -> T {
        let mut shapes = self.shapes.borrow_mut();
        let before = shapes.bytes();
        let result = work(&mut shapes);
        self.shapes_grew(shapes.bytes() - before);
        result
    }

    /// Counts bytes by which the tree of shapes grew.
    #[inline]
    fn shapes_grew(&self, bytes: usize) {
        if bytes > 0 {
            let used = self.used.get().saturating_add(bytes);
            self.used.set(used);
            if used > self.limit.get() {
                self.exhausted.set(true);
            }
        }
    }

    #[inline]
    fn place<T>(&self, value: T) -> *const T {
        let place = self.room(Room::new::<T>()).cast::<T>();
        // SAFETY: `room` gives memory of this layout that nothing else refers to. Dropping is
        // not needed: headers own nothing.
        unsafe { place.write(value) };
        place.as_ptr()
    }

    /// Copies a slice into the arena; empty and exhausted if it is large and does not fit.
    pub(super) fn slice<'a, T: Copy>(&'a self, items: &[T]) -> &'a [T] {
        let bytes = size_of_val(items);
        if self.reserve(bytes).is_err() {
            return &[];
        }
        let place = self.room(Room::for_value(items)).cast::<T>();
        // SAFETY: the room has the layout of `items`, the source is no part of it, and as much is
        // taken for written as was copied.
        unsafe {
            let copied = copy(items, place.as_ptr());
            std::slice::from_raw_parts(place.as_ptr(), copied)
        }
    }

    /// Copies text into the arena; empty if it is large and does not fit.
    pub fn text<'a>(&'a self, text: &str) -> &'a str {
        let bytes = self.slice(text.as_bytes());
        // SAFETY: a copy of a str, or empty.
        unsafe { std::str::from_utf8_unchecked(bytes) }
    }

    /// A string; the text is copied.
    pub fn string<'a>(&'a self, text: &str) -> Value<'a> {
        self.string_ref(self.text(text))
    }

    /// A string of texts one after the other, each of them copied once; empty if it is large and does not fit.
    ///
    /// ```
    /// use regovm_core::Arena;
    /// let arena = Arena::new();
    /// assert_eq!(arena.concat(&["a", "", "bc"]).as_str(), Some("abc"));
    /// ```
    pub fn concat<'a>(&'a self, parts: &[&str]) -> Value<'a> {
        let add = |bytes: usize, part: &&str| bytes.checked_add(part.len());
        let bytes = parts.iter().try_fold(0, add).unwrap_or(usize::MAX);
        let room = Room::array::<u8>(bytes);
        let (Ok(()), Ok(room)) = (self.reserve(bytes), room) else {
            self.exhausted.set(true);
            return self.string_ref("");
        };
        let place = self.room(room);
        let mut end = place.as_ptr();
        // SAFETY: the room has as many bytes as all parts together, which are no part of it; all of them are written, and
        // texts one after the other are a text.
        let text = unsafe {
            for part in parts {
                std::ptr::copy_nonoverlapping(part.as_ptr(), end, part.len());
                end = end.add(part.len());
            }
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(place.as_ptr(), bytes))
        };
        self.string_ref(text)
    }

    /// A string that borrows its text.
    #[inline]
    pub fn string_ref<'a>(&'a self, text: &'a str) -> Value<'a> {
        let text = if text.len() > HUGE {
            self.exhausted.set(true);
            ""
        } else {
            text
        };
        let header = self.place(StringHeader {
            text: text.as_ptr(),
            len: text.len() as u32,
            hash: AtomicU32::new(0),
        });
        // SAFETY: a string header in this arena whose text lives for 'a.
        unsafe { Value::from_pointer(header, TAG_STRING) }
    }

    /// An integer.
    #[inline]
    pub fn integer(&self, value: i64) -> Value<'_> {
        match Value::inline_integer(value) {
            Some(value) => value,
            None => self.number_trusted(&value.to_string()),
        }
    }

    /// An unsigned integer.
    pub fn unsigned(&self, value: u64) -> Value<'_> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.number_trusted(&value.to_string()),
        }
    }

    /// An integer of any size.
    pub fn bigint(&self, value: &BigInt) -> Value<'_> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.number_trusted(&value.to_string()),
        }
    }

    /// A float, in the text that Go's `%g` gives it; `None` if it is not finite.
    pub fn float(&self, value: f64) -> Option<Value<'_>> {
        value
            .is_finite()
            .then(|| self.number_trusted(&number::format_f64(value)))
    }

    /// A number from its JSON text, which is kept; `None` if the text is no JSON number.
    pub fn number_text(&self, text: &str) -> Option<Value<'_>> {
        number::is_json_number(text).then(|| self.number_trusted(text))
    }

    /// A number from text known to be a number. Canonical small integers go into the word.
    pub(crate) fn number_trusted<'a>(&'a self, text: &str) -> Value<'a> {
        if let Some(value) = number::canonical_integer(text).and_then(Value::inline_integer) {
            return value;
        }
        self.number_header(self.text(text))
    }

    /// As [`Arena::number_trusted`], borrowing the text.
    pub(crate) fn number_trusted_ref<'a>(&'a self, text: &'a str) -> Value<'a> {
        if let Some(value) = number::canonical_integer(text).and_then(Value::inline_integer) {
            return value;
        }
        self.number_header(text)
    }

    fn number_header<'a>(&'a self, text: &'a str) -> Value<'a> {
        let text = if text.is_empty() || text.len() > HUGE {
            self.exhausted.set(true);
            "0"
        } else {
            text
        };
        let header = self.place(NumberHeader {
            text: text.as_ptr(),
            len: text.len() as u32,
            hash: AtomicU32::new(0),
            decimal: Decimal::parse(text),
        });
        // SAFETY: a number header in this arena whose text lives for 'a.
        unsafe { Value::from_pointer(header, TAG_NUMBER) }
    }

    /// An array.
    #[inline]
    pub fn array<'a>(&'a self, elements: &[Value<'a>]) -> Value<'a> {
        let bytes = size_of_val(elements);
        let elements = if self.reserve(bytes).is_err() {
            &[]
        } else {
            elements
        };
        let layout = Room::from_size_align(
            size_of::<ArrayHeader>() + size_of_val(elements),
            align_of::<Value<'a>>(),
        );
        let Ok(layout) = layout else {
            return Value::NULL;
        };
        let header = self.room(layout).cast::<ArrayHeader>();
        // SAFETY: the room has space for the header and the elements behind it; both have an
        // alignment of at most 8, and the header's size is a multiple of it.
        unsafe {
            let place = header.add(1).cast::<Value<'a>>();
            let copied = copy(elements, place.as_ptr());
            header.write(ArrayHeader {
                len: copied as u32,
                hash: AtomicU32::new(0),
            });
            Value::from_pointer(header.as_ptr(), TAG_ARRAY)
        }
    }

    /// An array from an iterator.
    pub fn array_from<'a>(&'a self, elements: impl IntoIterator<Item = Value<'a>>) -> Value<'a> {
        let mut builder = ArrayBuilder::new();
        for element in elements {
            if builder.push(self, element).is_err() {
                break;
            }
        }
        builder.finish(self)
    }

    /// A set from an iterator; of equal elements the first spelling stays.
    pub fn set_from<'a>(&'a self, elements: impl IntoIterator<Item = Value<'a>>) -> Value<'a> {
        let mut list: Scratch<'a, [Value<'a>; 8]> = Scratch::default();
        for element in elements {
            if list.push(self, element).is_err() {
                break;
            }
        }
        if list.as_slice().is_sorted_by(|a, b| a < b) {
            return self.set_sorted(list.as_slice());
        }
        if list.sort_by_key(self, |value| *value).is_err() {
            return self.set_sorted(&[]);
        }
        // Stable, so that the first spelling stays in front.
        let list = list.as_mut_slice();
        let mut kept = 1;
        for at in 1..list.len() {
            if list[at] != list[kept - 1] {
                list[kept] = list[at];
                kept += 1;
            }
        }
        self.set_sorted(&list[..kept])
    }

    /// An object from pairs; of equal keys the first spelling and the last value stay.
    pub fn object_from<'a>(
        &'a self,
        pairs: impl IntoIterator<Item = (Value<'a>, Value<'a>)>,
    ) -> Value<'a> {
        let mut list: Scratch<'a, [(Value<'a>, Value<'a>); 8]> = Scratch::default();
        for pair in pairs {
            if list.push(self, pair).is_err() {
                break;
            }
        }
        if list.as_slice().is_sorted_by(|a, b| a.0 < b.0) {
            return self.object_sorted(list.as_slice());
        }
        if list.sort_by_key(self, |(key, _)| *key).is_err() {
            return self.no_members();
        }
        // Stable, so that the first spelling stays in front.
        let list = list.as_mut_slice();
        let mut kept = 1;
        for at in 1..list.len() {
            if list[at].0 == list[kept - 1].0 {
                list[kept - 1].1 = list[at].1;
            } else {
                list[kept] = list[at];
                kept += 1;
            }
        }
        self.object_sorted(&list[..kept])
    }

    /// An object whose string keys are names and no data, so that many objects have the same:
    /// it shares a shape with them. The same object as [`Arena::object_from`] makes.
    pub fn record<'a>(&'a self, members: &[(Value<'a>, Value<'a>)]) -> Value<'a> {
        let shaped = self.with_shapes(|shapes| {
            let node = members.iter().try_fold(NodeId::ROOT, |node, (key, _)| {
                shapes.step(node, key.as_str()?, || EVERYTHING)
            })?;
            let shape = shapes.shape(node);
            // SAFETY: as in `ShapesOf::shape`.
            let shape = unsafe { std::mem::transmute::<Shape<'_>, Shape<'a>>(shape) };
            Some(self.shaped(shape, members.iter().map(|(_, value)| *value)))
        });
        shaped.unwrap_or_else(|| self.object_from(members.iter().copied()))
    }

    /// The tree of shapes, for as long as a reader reads. Nothing else may make objects with shapes meanwhile.
    pub(crate) fn shapes(&self) -> ShapesOf<'_> {
        let mut shapes = self.shapes.borrow_mut();
        shapes.begin();
        ShapesOf {
            shapes,
            arena: self,
        }
    }

    /// An object of a shape, with its values in the order in which the keys came.
    #[inline]
    fn shaped<'a>(
        &'a self,
        shape: Shape<'a>,
        values: impl ExactSizeIterator<Item = Value<'a>>,
    ) -> Value<'a> {
        let count = shape.layout.keys.len();
        if values.len() != count {
            return Value::NULL;
        }
        let place = self.object_room(shape.layout);
        if shape.slots.is_empty() {
            for (at, value) in values.take(count).enumerate() {
                // SAFETY: there is room for `count` values.
                unsafe { place.1.add(at).write(value) };
            }
        } else {
            for (slot, value) in shape.slots.iter().zip(values) {
                // SAFETY: there is room for `count` values, and every slot is below `count`: `slots` is a permutation.
                unsafe { place.1.add(usize::from(*slot)).write(value) };
            }
        }
        // SAFETY: an object header in this arena, and as many values as keys were written,
        // because the iterator has that length, and `slots` too if it is not empty.
        unsafe { Value::from_pointer(place.0, TAG_OBJECT) }
    }

    /// A written header and room for its values.
    fn object_room<'a>(
        &'a self,
        layout: &'a Layout<'a>,
    ) -> (*const ObjectHeader<'a>, *mut Value<'a>) {
        let bytes = size_of::<ObjectHeader<'_>>() + size_of_val(layout.keys);
        // Lists of keys that fit into memory make sizes that fit.
        let room = Room::from_size_align(bytes, align_of::<ObjectHeader<'_>>())
            .unwrap_or(Room::new::<ObjectHeader<'_>>());
        let header = self.room(room).cast::<ObjectHeader<'a>>();
        let id = layout.id;
        // SAFETY: the room has space for the header and one value for each key behind it.
        unsafe {
            header.write(ObjectHeader {
                layout,
                hash: AtomicU32::new(0),
                id,
            });
            (header.as_ptr(), header.add(1).cast::<Value<'a>>().as_ptr())
        }
    }

    /// A layout of its own over sorted, distinct keys; empty if it is large and does not fit. With a table if there are
    /// more keys than `plain`.
    fn layout<'a>(&'a self, keys: &'a [Value<'a>], plain: usize) -> Layout<'a> {
        let table = table_len(keys.len());
        if keys.len() <= plain || self.reserve(2 * table * size_of::<u32>()).is_err() {
            let keys = if keys.len() <= plain { keys } else { &[] };
            return Layout {
                keys,
                hashes: &[],
                index: &[],
                id: None,
            };
        }
        let hashes = self.zeros(keys.len());
        for (hashes, keys) in hashes.chunks_mut(CHUNK).zip(keys.chunks(CHUNK)) {
            for (hash, key) in hashes.iter_mut().zip(keys) {
                *hash = short_hash(key.hash());
            }
            if !work::effort(keys.len() as u64) {
                break;
            }
        }
        let index = self.zeros(table);
        fill(index, hashes);
        Layout {
            keys,
            hashes,
            index,
            id: None,
        }
    }

    /// The keys of entries; the caller has reserved them.
    fn keys<'a, E>(&'a self, entries: &[E]) -> &'a [Value<'a>]
    where
        E: Copy + Into<(Value<'a>, Value<'a>)>,
    {
        let room = Room::array::<Value<'a>>(entries.len()).unwrap_or(Room::new::<Value<'a>>());
        let place = self.room(room).cast::<Value<'a>>();
        // SAFETY: the room has space for one value for each entry, and all of them are written.
        unsafe {
            for (at, entry) in entries.iter().enumerate() {
                place.add(at).write((*entry).into().0);
            }
            std::slice::from_raw_parts(place.as_ptr(), entries.len())
        }
    }

    /// Zeroed words; the caller has reserved them.
    // Not a borrow of the arena's insides: every call gives other memory.
    #[allow(clippy::mut_from_ref)]
    fn zeros(&self, len: usize) -> &mut [u32] {
        let room = Room::array::<u32>(len).unwrap_or(Room::new::<u32>());
        let place = self.room(room).cast::<u32>();
        // SAFETY: the room has space for the words, which nothing else refers to.
        unsafe {
            place.write_bytes(0, len);
            std::slice::from_raw_parts_mut(place.as_ptr(), len)
        }
    }

    /// An object from entries with distinct keys, sorted.
    pub(super) fn object_sorted<'a, E>(&'a self, entries: &[E]) -> Value<'a>
    where
        E: Copy + Into<(Value<'a>, Value<'a>)>,
    {
        self.object_of(entries, LINEAR)
    }

    fn object_of<'a, E>(&'a self, entries: &[E], plain: usize) -> Value<'a>
    where
        E: Copy + Into<(Value<'a>, Value<'a>)>,
    {
        let fits = self.reserve(size_of_val(entries) * 2).is_ok();
        let entries = if fits { entries } else { &[] };
        let layout = self.layout(self.keys(entries), plain);
        // SAFETY: `place` writes the layout into this arena, where it lives for 'a.
        let layout: &'a Layout<'a> = unsafe { &*self.place(layout) };
        let count = layout.keys.len();
        let place = self.object_room(layout);
        for (at, entry) in entries.iter().take(count).enumerate() {
            // SAFETY: there is room for `count` values.
            unsafe { place.1.add(at).write((*entry).into().1) };
        }
        // SAFETY: an object header in this arena, and as many values as keys were written.
        unsafe { Value::from_pointer(place.0, TAG_OBJECT) }
    }

    /// An empty object, where there is no memory for more.
    pub(super) fn no_members(&self) -> Value<'_> {
        self.object_sorted::<Entry<'_>>(&[])
    }

    /// An object from keys and values in turn, in the order in which a text has them: of equal keys the last value
    /// stays. The keys are strings.
    pub(crate) fn dictionary<'a>(
        &'a self,
        entries: &mut [Value<'a>],
    ) -> Result<Value<'a>, MemoryExceeded> {
        let entries: &mut [Entry<'a>] = entries.as_chunks_mut().0;
        let kept = dictionary::arrange(self, entries)?;
        self.reserve(2 * size_of_val(entries))?;
        Ok(self.object_of(&entries[..kept], SORTED))
    }

    /// An object with the keys of another, which lives as long, and other values in their order.
    pub(super) fn object_like<'a>(&'a self, object: Object<'a>, values: &[Value<'a>]) -> Value<'a> {
        let layout = object.header.layout;
        if values.len() != layout.keys.len() || self.reserve(size_of_val(values)).is_err() {
            return self.no_members();
        }
        let place = self.object_room(layout);
        // SAFETY: there is room for one value for each key, the header is in this arena, and the
        // values are from elsewhere.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), place.1, values.len());
            Value::from_pointer(place.0, TAG_OBJECT)
        }
    }

    /// A set of distinct elements, sorted.
    pub(super) fn set_sorted<'a>(&'a self, elements: &[Value<'a>]) -> Value<'a> {
        let layout = self.layout(self.slice(elements), HALVED);
        let header = self.place(SetHeader {
            layout,
            hash: AtomicU32::new(0),
        });
        // SAFETY: a set header in this arena.
        unsafe { Value::from_pointer(header, TAG_SET) }
    }

    /// A value from a constant.
    pub fn constant<'a>(&'a self, constant: &Constant) -> Value<'a> {
        super::convert::from_constant(self, constant)
    }

    /// A deep copy of a value of any arena.
    pub fn copy<'a>(&'a self, value: Value<'_>) -> Value<'a> {
        super::convert::copy(self, value)
    }
}
