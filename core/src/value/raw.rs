//! The tagged word behind [`Value`] and the headers it points to.
//!
//! All pointers are made and read here, in `arena.rs` and in `frozen.rs`; the rest of the crate
//! works on the safe views.

use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::atomic::AtomicU32;

use super::arena::Arena;
use super::layout::{Layout, ShapeId};
use super::number::Decimal;

/// A Rego value: one tagged word of 8 bytes that lives as long as the arena behind it.
///
/// Integers of 61 bits, booleans and null are inside the word; everything else is a pointer to
/// a header in the arena. Values are `Copy`; comparing, hashing and printing look at the
/// structure, [`Value::to_bits`] at the identity.
#[derive(Clone, Copy)]
pub struct Value<'a>(NonZeroU64, PhantomData<&'a Arena>);

pub(super) const TAG_MASK: u64 = 7;
pub(super) const TAG_INTEGER: u64 = 1;
pub(super) const TAG_STRING: u64 = 2;
pub(super) const TAG_NUMBER: u64 = 3;
pub(super) const TAG_ARRAY: u64 = 4;
pub(super) const TAG_OBJECT: u64 = 5;
pub(super) const TAG_SET: u64 = 6;

const BITS_NULL: u64 = 8;
const BITS_FALSE: u64 = 16;
const BITS_TRUE: u64 = 24;

/// The largest integer inside the word.
pub(super) const INLINE_MAX: i64 = (1 << 60) - 1;
/// The smallest integer inside the word.
pub(super) const INLINE_MIN: i64 = -(1 << 60);

#[repr(C)]
pub(super) struct StringHeader {
    pub(super) text: *const u8,
    pub(super) len: u32,
    /// 0 while unknown.
    pub(super) hash: AtomicU32,
}

#[repr(C)]
pub(super) struct NumberHeader {
    pub(super) text: *const u8,
    pub(super) len: u32,
    /// 0 while unknown.
    pub(super) hash: AtomicU32,
    /// The exact value if its digits fit.
    pub(super) decimal: Option<Decimal>,
}

/// The elements follow the header.
#[repr(C)]
pub(super) struct ArrayHeader {
    pub(super) len: u32,
    /// 0 while unknown.
    pub(super) hash: AtomicU32,
}

const fn word(bits: u64) -> NonZeroU64 {
    match NonZeroU64::new(bits) {
        Some(word) => word,
        None => panic!("no value has all bits clear"),
    }
}

impl<'a> Value<'a> {
    /// `null`
    pub const NULL: Value<'static> = Value(word(BITS_NULL), PhantomData);
    /// `false`
    pub const FALSE: Value<'static> = Value(word(BITS_FALSE), PhantomData);
    /// `true`
    pub const TRUE: Value<'static> = Value(word(BITS_TRUE), PhantomData);

    /// `true` or `false`.
    pub const fn boolean(value: bool) -> Value<'a> {
        if value { Value::TRUE } else { Value::FALSE }
    }

    /// The integer inside the word, if it fits into 61 bits. See [`Arena::integer`] for the rest.
    pub const fn inline_integer(value: i64) -> Option<Value<'a>> {
        if value >= INLINE_MIN && value <= INLINE_MAX {
            Some(Value(
                word(((value as u64) << 3) | TAG_INTEGER),
                PhantomData,
            ))
        } else {
            None
        }
    }

    /// The word itself: equal bits mean the same value. Different bits mean nothing.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0.get()
    }

    #[inline]
    pub(super) const fn tag(self) -> u64 {
        self.0.get() & TAG_MASK
    }

    /// The integer if it is inside the word.
    #[inline]
    pub(super) const fn inline(self) -> Option<i64> {
        if self.tag() == TAG_INTEGER {
            Some((self.0.get() as i64) >> 3)
        } else {
            None
        }
    }

    /// Tags a pointer.
    ///
    /// # Safety
    /// `header` must point to a header of the kind of `tag` that lives for `'a`.
    #[inline]
    pub(super) unsafe fn from_pointer<T>(header: *const T, tag: u64) -> Value<'a> {
        let bits = header.expose_provenance() as u64 | tag;
        // SAFETY: the tag of a pointer is not zero.
        Value(unsafe { NonZeroU64::new_unchecked(bits) }, PhantomData)
    }

    #[inline]
    pub(super) fn pointer<T>(self) -> *const T {
        std::ptr::with_exposed_provenance((self.0.get() & !TAG_MASK) as usize)
    }

    /// Asks the processor to fetch what the word points to. A loop over many members spends most of its time waiting for
    /// them if it does not ask for each some rounds before it looks at it.
    #[inline]
    pub fn prefetch(self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if self.tag() >= TAG_STRING {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let header: *const i8 = self.pointer();
            // SAFETY: a prefetch reads nothing and never faults; every x86-64 has it. What is behind the header is most
            // often wanted too.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(header);
                _mm_prefetch::<_MM_HINT_T0>(header.wrapping_add(64));
            }
        }
    }

    #[inline]
    pub(super) fn string_header(self) -> Option<&'a StringHeader> {
        // SAFETY: a word with this tag was made from such a header, which lives for 'a.
        (self.tag() == TAG_STRING).then(|| unsafe { &*self.pointer() })
    }

    #[inline]
    pub(super) fn number_header(self) -> Option<&'a NumberHeader> {
        // SAFETY: as above.
        (self.tag() == TAG_NUMBER).then(|| unsafe { &*self.pointer() })
    }

    /// The elements of an array; the caller has checked the tag.
    #[inline]
    pub(super) fn array_parts(self) -> Option<(&'a ArrayHeader, &'a [Value<'a>])> {
        if self.tag() != TAG_ARRAY {
            return None;
        }
        let header: *const ArrayHeader = self.pointer();
        // SAFETY: a word with this tag was made from a header with `len` elements right behind
        // it in the same allocation, and both live for 'a.
        unsafe {
            let elements = header.add(1).cast::<Value<'a>>();
            Some((
                &*header,
                std::slice::from_raw_parts(elements, (*header).len as usize),
            ))
        }
    }
}

impl StringHeader {
    #[inline]
    pub(super) fn as_str(&self) -> &str {
        // SAFETY: headers are made from a `&str` that lives as long as they do.
        unsafe {
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.text, self.len as usize))
        }
    }
}

impl NumberHeader {
    #[inline]
    pub(super) fn as_str(&self) -> &str {
        // SAFETY: headers are made from a `&str` that lives as long as they do.
        unsafe {
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.text, self.len as usize))
        }
    }
}

/// The values follow the header, in the order of the layout's keys.
#[repr(C)]
pub(super) struct ObjectHeader<'a> {
    pub(super) layout: &'a Layout<'a>,
    /// 0 while unknown.
    pub(super) hash: AtomicU32,
    /// The layout's id again, so that an inline cache need not look at the layout.
    pub(super) id: Option<ShapeId>,
}

pub(super) struct SetHeader<'a> {
    pub(super) layout: Layout<'a>,
    /// 0 while unknown.
    pub(super) hash: AtomicU32,
}

impl<'a> Value<'a> {
    /// The header and the values of an object.
    #[inline]
    pub(super) fn object_parts(self) -> Option<(&'a ObjectHeader<'a>, &'a [Value<'a>])> {
        if self.tag() != TAG_OBJECT {
            return None;
        }
        let header: *const ObjectHeader<'a> = self.pointer();
        // SAFETY: a word with this tag was made from a header with one value for each key of its
        // layout right behind it in the same allocation, and all of them live for 'a.
        unsafe {
            let values = header.add(1).cast::<Value<'a>>();
            let header = &*header;
            Some((
                header,
                std::slice::from_raw_parts(values, header.layout.keys.len()),
            ))
        }
    }

    #[inline]
    pub(super) fn set_header(self) -> Option<&'a SetHeader<'a>> {
        // SAFETY: a word with this tag was made from such a header, which lives for 'a.
        (self.tag() == TAG_SET).then(|| unsafe { &*self.pointer() })
    }
}
