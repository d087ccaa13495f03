//! Reading JSON straight into an arena, in one pass.
//!
//! The reader foresees the next key of an object from the last object that looked the same so far (see
//! `value/shape.rs`) and compares it with one wide comparison; strings end where a wide comparison says so, and are
//! checked to be UTF-8 on the way. What is not wanted ([`Projection`]) is skipped 64 bytes at a time.

mod error;
mod key;
mod lanes;
mod locate;
mod number;
mod skip;
mod string;
#[cfg(test)]
mod tests;

pub use self::error::JsonError;
use self::error::quote;
use self::lanes::{Lanes, Work, widest};
pub use self::locate::{JsonPlace, PathStep, locate, locate_all};
use super::Projection;
use crate::value::{
    Arena, Claim, EVERYTHING, MemoryExceeded, NOTHING, NodeId, ShapesOf, Value, Wanted,
};
use crate::work;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// How deep arrays and objects may nest.
    pub max_depth: usize,
    /// Whether parts that a projection leaves out are checked like those that are read. If not, they are checked to be
    /// JSON as far as brackets, strings and the bytes outside of strings are concerned; see [`read_projected`].
    pub strict: bool,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            max_depth: 10_000,
            strict: false,
        }
    }
}

/// Reads a text; strings are copied into the arena.
pub fn read<'a>(
    text: &[u8],
    arena: &'a Arena,
    options: ReadOptions,
) -> Result<Value<'a>, JsonError> {
    Reader::new(text, arena, Copied, options, None).document()
}

/// Reads a text that lives as long as the arena's values: strings without escapes borrow it.
pub fn read_borrowed<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    options: ReadOptions,
) -> Result<Value<'a>, JsonError> {
    Reader::new(text, arena, Borrowed, options, None).document()
}

/// Reads the parts of a text that a projection wants; strings are copied into the arena. The result is what
/// [`Projection::prune`] leaves of the whole document, or the error that reading all of it gives.
///
/// The exception are errors inside of parts that are left out. Of those, without [`ReadOptions::strict`], only these are
/// found: brackets that do not match or are not closed, strings that are not closed or have control characters in them,
/// bytes outside of strings that JSON does not have there (letters that are not in `true`, `false` and `null`, say), too
/// deep nesting, and what is wrong with a number or a word that is itself the value of a member or an element that is
/// left out. Not found are missing and superfluous commas and colons, keys that are no strings, misspelled words and
/// numbers deeper down, and escapes in strings that do not exist.
pub fn read_projected<'a>(
    text: &[u8],
    arena: &'a Arena,
    options: ReadOptions,
    projection: &Projection,
) -> Result<Value<'a>, JsonError> {
    Reader::new(text, arena, Copied, options, Some(projection)).document()
}

/// Both of [`read_projected`] and [`read_borrowed`].
pub fn read_projected_borrowed<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    options: ReadOptions,
    projection: &Projection,
) -> Result<Value<'a>, JsonError> {
    Reader::new(text, arena, Borrowed, options, Some(projection)).document()
}

/// Where the texts of strings go.
trait Keep<'a, 't>: Copy {
    /// True if texts stay where they are.
    const BORROWS: bool;

    fn keep(self, arena: &'a Arena, text: &'t str) -> &'a str;
}

#[derive(Clone, Copy)]
struct Borrowed;

impl<'a> Keep<'a, 'a> for Borrowed {
    const BORROWS: bool = true;

    #[inline(always)]
    fn keep(self, _: &'a Arena, text: &'a str) -> &'a str {
        text
    }
}

#[derive(Clone, Copy)]
struct Copied;

impl<'a, 't> Keep<'a, 't> for Copied {
    const BORROWS: bool = false;

    #[inline(always)]
    fn keep(self, arena: &'a Arena, text: &'t str) -> &'a str {
        arena.text(text)
    }
}

/// Bytes of the text between two looks at the budgets.
const CHUNK: usize = 1 << 12;

/// Bytes of the text that are work like one piece (see [`crate::work`]).
const BYTES_PER_PIECE: usize = 4;

struct Reader<'a, 't, 'p, K> {
    text: &'t [u8],
    at: usize,
    /// Where the budgets are looked at next.
    look_at: usize,
    arena: &'a Arena,
    keep: K,
    options: ReadOptions,
    projection: Option<&'p Projection>,
    /// Roots in the tree of shapes for the parts of the projection, as far as they were needed.
    roots: Vec<Option<NodeId>>,
    shapes: ShapesOf<'a>,
    /// One for all that are empty, once there is one.
    empty_object: Option<Value<'a>>,
    empty_array: Option<Value<'a>>,
    /// Values of open collections.
    values: Vec<Value<'a>>,
    memory_of_values: Claim<'a>,
    /// Collections around the open one.
    around: Vec<Frame>,
    /// The text of a string with escapes.
    decoded: Vec<u8>,
    memory_of_decoded: Claim<'a>,
}

/// A collection that is being read. Its values so far lie on the stack of values from `base` on.
#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    /// What is wanted of an array's elements; of an object, what is wanted of it.
    wanted: Wanted,
    /// Where an object is in the tree of shapes. Of an array or a dictionary, the key whose value it is, or lies in.
    node: NodeId,
    base: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No collection: the document itself.
    Document,
    Array,
    Object,
    /// An object that has no shape any more: keys and values in turn.
    Dictionary,
}

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    fn new(
        text: &'t [u8],
        arena: &'a Arena,
        keep: K,
        options: ReadOptions,
        projection: Option<&'p Projection>,
    ) -> Reader<'a, 't, 'p, K> {
        Reader {
            text,
            at: 0,
            look_at: 0,
            arena,
            keep,
            options,
            projection: projection.filter(|projection| !projection.is_everything()),
            roots: Vec::new(),
            shapes: arena.shapes(),
            empty_object: None,
            empty_array: None,
            values: Vec::new(),
            memory_of_values: Claim::default(),
            around: Vec::new(),
            decoded: Vec::new(),
            memory_of_decoded: Claim::default(),
        }
    }

    fn document(self) -> Result<Value<'a>, JsonError> {
        widest(self)
    }

    #[inline]
    fn memory<T>(&self, result: Result<T, MemoryExceeded>) -> Result<T, JsonError> {
        match result {
            Ok(value) => Ok(value),
            Err(exceeded) => self.exceeded(exceeded),
        }
    }

    /// The byte at the current place; 0 at the end of the text, which no token begins with.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Skips white space.
    #[inline(always)]
    fn space<L: Lanes>(&mut self, lanes: L) {
        if self.byte() <= b' ' {
            self.blank(lanes);
        }
    }

    #[inline(always)]
    fn blank<L: Lanes>(&mut self, lanes: L) {
        while let Some(block) = lanes::block(self.text, self.at) {
            let solid = lanes.solid(block);
            if solid != 0 {
                self.at += solid.trailing_zeros() as usize;
                return;
            }
            self.at += size_of::<lanes::Block>();
        }
        self.last_space();
    }

    /// Skips white space byte by byte.
    #[cold]
    fn last_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Looks at the budgets.
    #[cold]
    fn look(&mut self) -> Result<(), JsonError> {
        self.memory(self.arena.check())?;
        // What was read since the last look; the first one comes before anything.
        let bytes = (self.at + CHUNK).saturating_sub(self.look_at);
        self.look_at = self.at + CHUNK;
        self.go_on((bytes / BYTES_PER_PIECE) as u64)
    }

    /// Fails if there is no point in going on; whoever watches knows why.
    #[inline]
    fn go_on(&self, pieces: u64) -> Result<(), JsonError> {
        if work::effort(pieces) {
            Ok(())
        } else {
            self.error(self.at, "stopped")
        }
    }

    #[inline(always)]
    fn push(&mut self, value: Value<'a>) -> Result<(), JsonError> {
        if self.values.len() == self.values.capacity() {
            self.more_values()?;
        }
        self.values.push(value);
        Ok(())
    }

    #[cold]
    fn more_values(&mut self) -> Result<(), JsonError> {
        let more = self.values.len().max(64);
        let claimed = self
            .memory_of_values
            .grow(self.arena, more * size_of::<Value<'_>>());
        self.memory(claimed)?;
        self.values.reserve_exact(more);
        Ok(())
    }

    #[inline(always)]
    fn run<L: Lanes, const PROJECTED: bool>(&mut self, lanes: L) -> Result<Value<'a>, JsonError> {
        // What is wanted of the value that comes next.
        let mut wanted = match self.projection {
            Some(projection) if PROJECTED => projection.root(),
            _ => EVERYTHING,
        };
        let mut here = Frame {
            kind: Kind::Document,
            wanted,
            // A root of its own for each projection: what is foreseen when all is wanted is always wanted.
            node: self.root::<PROJECTED>(wanted),
            base: 0,
        };
        'value: loop {
            if self.at >= self.look_at {
                self.look()?;
            }
            self.space(lanes);
            let mut value = if PROJECTED && wanted == NOTHING {
                self.skip(lanes)?;
                Value::NULL
            } else {
                match self.byte() {
                    b'"' => self.string(lanes)?,
                    b'{' => {
                        self.enter()?;
                        self.space(lanes);
                        if self.byte() == b'}' {
                            self.at += 1;
                            let shapes = &mut self.shapes;
                            let empty = || shapes.object(NodeId::ROOT, &[]);
                            *self.empty_object.get_or_insert_with(empty)
                        } else {
                            let of = here.node;
                            self.around.push(here);
                            here = Frame {
                                kind: Kind::Object,
                                wanted,
                                node: self.root::<PROJECTED>(wanted),
                                base: self.values.len(),
                            };
                            if self.members::<L, PROJECTED>(
                                lanes,
                                &mut here,
                                Some(of),
                                &mut wanted,
                            )? {
                                continue 'value;
                            }
                            self.close_object(&mut here)?
                        }
                    }
                    b'[' => {
                        self.enter()?;
                        self.space(lanes);
                        if self.byte() == b']' {
                            self.at += 1;
                            let empty = || self.arena.array(&[]);
                            *self.empty_array.get_or_insert_with(empty)
                        } else {
                            if PROJECTED && let Some(projection) = self.projection {
                                wanted = projection.element(wanted);
                            }
                            self.around.push(here);
                            here = Frame {
                                kind: Kind::Array,
                                wanted,
                                node: here.node,
                                base: self.values.len(),
                            };
                            continue 'value;
                        }
                    }
                    b'-' | b'0'..=b'9' => self.number()?,
                    b't' => self.word("true", Value::TRUE)?,
                    b'f' => self.word("false", Value::FALSE)?,
                    b'n' => self.word("null", Value::NULL)?,
                    _ => return self.unexpected("looking for beginning of value"),
                }
            };
            // The value is complete: put it where it belongs, and close what it completes.
            loop {
                self.space(lanes);
                match here.kind {
                    Kind::Array => {
                        self.push(value)?;
                        match self.byte() {
                            b',' => {
                                self.at += 1;
                                wanted = here.wanted;
                                continue 'value;
                            }
                            b']' => value = self.close_array(&mut here)?,
                            _ => return self.unexpected("after array element"),
                        }
                    }
                    Kind::Object | Kind::Dictionary => {
                        self.push(value)?;
                        if self.byte() == b',' {
                            self.at += 1;
                            if self.members::<L, PROJECTED>(lanes, &mut here, None, &mut wanted)? {
                                continue 'value;
                            }
                        }
                        value = self.close_object(&mut here)?;
                    }
                    Kind::Document => {
                        if self.at < self.text.len() {
                            return self.unexpected("after top-level value");
                        }
                        return Ok(value);
                    }
                }
            }
        }
    }

    /// One level deeper.
    #[inline(always)]
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.around.len() >= self.options.max_depth {
            return self.error(self.at, "exceeded max depth");
        }
        self.at += 1;
        Ok(())
    }

    /// The root of an object of which something is wanted.
    #[inline(always)]
    fn root<const PROJECTED: bool>(&mut self, wanted: Wanted) -> NodeId {
        if !PROJECTED || wanted == EVERYTHING {
            return NodeId::ROOT;
        }
        match self.roots.get(wanted as usize) {
            Some(Some(root)) => *root,
            _ => self.new_root(wanted),
        }
    }

    #[cold]
    fn new_root(&mut self, wanted: Wanted) -> NodeId {
        let id = self.projection.map_or(0, Projection::id);
        let root = self.shapes.root_of(id, wanted);
        let place = wanted as usize;
        if self.roots.len() <= place {
            self.roots.resize(place + 1, None);
        }
        self.roots[place] = Some(root);
        root
    }

    #[inline(always)]
    fn close_array(&mut self, here: &mut Frame) -> Result<Value<'a>, JsonError> {
        self.at += 1;
        let elements = &self.values[here.base..];
        self.memory(self.arena.reserve(size_of_val(elements)))?;
        let value = self.arena.array(elements);
        self.leave(here);
        Ok(value)
    }

    #[inline(always)]
    fn close_object(&mut self, here: &mut Frame) -> Result<Value<'a>, JsonError> {
        if self.byte() != b'}' {
            return self.unexpected("after object key:value pair");
        }
        self.at += 1;
        let value = if here.kind == Kind::Object {
            self.shapes.object(here.node, &self.values[here.base..])
        } else {
            self.close_dictionary(here)?
        };
        self.leave(here);
        Ok(value)
    }

    #[cold]
    fn close_dictionary(&mut self, here: &Frame) -> Result<Value<'a>, JsonError> {
        let made = self.arena.dictionary(&mut self.values[here.base..]);
        self.memory(made)
    }

    #[inline(always)]
    fn leave(&mut self, here: &mut Frame) {
        self.values.truncate(here.base);
        if let Some(frame) = self.around.pop() {
            *here = frame;
        }
    }

    #[inline(always)]
    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return self.misspelled(word);
        }
        self.at += word.len();
        Ok(value)
    }

    #[cold]
    fn misspelled<T>(&mut self, word: &str) -> Result<T, JsonError> {
        for expected in word.bytes() {
            if self.text.get(self.at) != Some(&expected) {
                let context = format!("in literal {word} (expecting {})", quote(expected));
                return self.unexpected(&context);
            }
            self.at += 1;
        }
        self.unexpected("in literal")
    }
}

impl<'a, 't, 'p, K: Keep<'a, 't>> Work for Reader<'a, 't, 'p, K> {
    type Out = Result<Value<'a>, JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(mut self, lanes: L) -> Result<Value<'a>, JsonError> {
        if self.projection.is_some() {
            self.run::<L, true>(lanes)
        } else {
            self.run::<L, false>(lanes)
        }
    }
}
