//! The memory that values live in.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use bumpalo::Bump;
use num_bigint::BigInt;

use super::number::{self, Decimal};
use super::raw::{
    ArrayHeader, NumberHeader, ObjectHeader, SetHeader, StringHeader, TAG_ARRAY, TAG_NUMBER,
    TAG_OBJECT, TAG_SET, TAG_STRING,
};
use super::{ArrayBuilder, ObjectBuilder, SetBuilder, Value};
use crate::Constant;

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
    bump: Bump,
    used: Cell<usize>,
    limit: Cell<usize>,
    exhausted: Cell<bool>,
}

/// The memory limit of an arena is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryExceeded {
    /// The limit in bytes.
    pub limit: usize,
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
            bump: Bump::new(),
            used: Cell::new(0),
            limit: Cell::new(bytes),
            exhausted: Cell::new(false),
        }
    }

    /// Forgets every value at once and keeps memory for the next ones.
    pub fn reset(&mut self) {
        self.bump.reset();
        self.used.set(0);
        self.exhausted.set(false);
    }

    /// Bytes given out since the last reset.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// The limit in bytes; `usize::MAX` if there is none.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Changes the limit.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.set(bytes);
        self.exhausted.set(self.used.get() > bytes);
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

    /// Announces a large allocation, in this arena or beside it. Allocates nothing.
    #[inline]
    pub fn reserve(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        if bytes > LARGE
            && (bytes > HUGE || self.limit.get().saturating_sub(self.used.get()) < bytes)
        {
            self.exhausted.set(true);
            return Err(self.exceeded());
        }
        Ok(())
    }

    /// Room of a layout; counted.
    #[inline]
    pub(super) fn room(&self, layout: Layout) -> NonNull<u8> {
        let used = self.used.get().saturating_add(layout.size());
        self.used.set(used);
        if used > self.limit.get() {
            self.exhausted.set(true);
        }
        self.bump.alloc_layout(layout)
    }

    #[inline]
    fn place<T>(&self, value: T) -> *const T {
        let place = self.room(Layout::new::<T>()).cast::<T>();
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
        let place = self.room(Layout::for_value(items)).cast::<T>();
        // SAFETY: the room has the layout of `items`, and the source is no part of it.
        unsafe {
            std::ptr::copy_nonoverlapping(items.as_ptr(), place.as_ptr(), items.len());
            std::slice::from_raw_parts(place.as_ptr(), items.len())
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

    /// A string that borrows its text.
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
    pub fn array<'a>(&'a self, elements: &[Value<'a>]) -> Value<'a> {
        let bytes = size_of_val(elements);
        let elements = if self.reserve(bytes).is_err() {
            &[]
        } else {
            elements
        };
        let layout = Layout::from_size_align(
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
            header.write(ArrayHeader {
                len: elements.len() as u32,
                hash: AtomicU32::new(0),
            });
            let place = header.add(1).cast::<Value<'a>>();
            std::ptr::copy_nonoverlapping(elements.as_ptr(), place.as_ptr(), elements.len());
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
        let mut builder = SetBuilder::new();
        for element in elements {
            if builder.insert(self, element).is_err() {
                break;
            }
        }
        builder.finish(self)
    }

    /// An object from pairs; of equal keys the first spelling and the last value stay.
    pub fn object_from<'a>(
        &'a self,
        pairs: impl IntoIterator<Item = (Value<'a>, Value<'a>)>,
    ) -> Value<'a> {
        let mut builder = ObjectBuilder::new();
        for (key, value) in pairs {
            if builder.insert(self, key, value).is_err() {
                break;
            }
        }
        builder.finish(self)
    }

    /// An object header over entries sorted by key.
    pub(super) fn object_sorted<'a>(&'a self, entries: &[(Value<'a>, Value<'a>)]) -> Value<'a> {
        let entries = self.slice(entries);
        let header = self.place(ObjectHeader {
            hash: AtomicU32::new(0),
            entries,
        });
        // SAFETY: an object header in this arena.
        unsafe { Value::from_pointer(header, TAG_OBJECT) }
    }

    /// A set header over sorted elements.
    pub(super) fn set_sorted<'a>(&'a self, elements: &[Value<'a>]) -> Value<'a> {
        let elements = self.slice(elements);
        let header = self.place(SetHeader {
            hash: AtomicU32::new(0),
            elements,
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
