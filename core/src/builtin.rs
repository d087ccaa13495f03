//! What a built-in function is: its declaration, its body, and what a body may use.

mod custom;
mod table;

use std::any::{Any, TypeId};
use std::collections::HashMap;

pub use self::custom::{Body, CustomBody, CustomBuiltin};
pub use self::table::{BuiltinId, LeftOut, Table};
use crate::Code;
use crate::host::Host;
use crate::value::{Arena, Claim, MemoryExceeded, Value};

/// Everything that is known about a built-in without running it.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinDecl<'d> {
    /// The name as policies write it.
    pub name: &'d str,
    /// The operator, if it has one.
    pub infix: Option<&'static str>,
    /// The type, in the notation of [`Type::parse`](crate::types::Type::parse).
    pub signature: &'d str,
    /// What it does, in one or two sentences.
    pub doc: &'d str,
    /// If equal arguments always give equal results.
    pub purity: Purity,
    /// True for `walk`: it can have several results.
    pub relation: bool,
    /// Refused in Rego v1.
    pub deprecated: bool,
    /// How the work grows.
    pub cost: Cost,
    /// Calls with their results, which a test runs.
    pub examples: &'static [Example],
    /// Groups of OPA's documentation.
    pub categories: &'static [&'static str],
    /// The first release of OPA that has it; the oldest that has a list of built-ins is 0.17.
    pub since: Release,
    /// The Cargo feature that it belongs to, if it is not in every build.
    pub feature: Option<&'static str>,
    /// False if this build was made without that feature.
    pub available: bool,
}

impl BuiltinDecl<'_> {
    /// A pure built-in with nothing special, for `..` in declarations.
    pub const DEFAULT: BuiltinDecl<'static> = BuiltinDecl {
        name: "",
        infix: None,
        signature: "",
        doc: "",
        purity: Purity::Pure,
        relation: false,
        deprecated: false,
        cost: Cost::Constant,
        examples: &[],
        categories: &[],
        since: (0, 17),
        feature: None,
        available: true,
    };
}

/// A release of OPA: major and minor number.
pub type Release = (u16, u16);

/// If results depend on arguments only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purity {
    /// They do.
    Pure,
    /// They depend on the clock, chance, the network or the host too.
    Nondeterministic,
}

/// How the work of a built-in grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// Not at all.
    Constant,
    /// With the size of what is named.
    Linear(&'static str),
    /// Faster than that.
    Superlinear(&'static str),
}

/// A call with its result, both in Rego.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The call.
    pub call: &'static str,
    /// The value it gives.
    pub result: &'static str,
}

/// A built-in that is part of the program: declaration and body. Those of callers are [`CustomBuiltin`]s.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// The declaration.
    pub decl: BuiltinDecl<'static>,
    /// The body.
    pub body: BuiltinFn,
}

/// The body of a built-in. `Ok(None)` is undefined.
pub type BuiltinFn =
    for<'a> fn(&mut Call<'a, '_>, &[Value<'a>]) -> Result<Option<Value<'a>>, BuiltinError>;

/// Why a built-in has no result. The evaluator puts `name: ` before the texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuiltinError {
    /// An operand of the wrong type: `eval_type_error`.
    Type(String),
    /// An operand of a wrong value: `eval_builtin_error`.
    Value(String),
    /// What cannot be: fails the query even where errors of built-ins are no results, without the name in front.
    Halt(Code, String),
    /// The query is over; always propagates.
    Stop(StopReason),
}

/// Why a query must stop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StopReason {
    /// The step budget is used up.
    Steps,
    /// The deadline has passed.
    Deadline,
    /// The memory limit is reached.
    Memory,
    /// Calls nest too deep.
    Depth,
    /// The caller cancelled.
    Cancelled,
}

impl BuiltinError {
    /// `operand 1 must be one of {array, set} but got number`
    pub fn operand_type(position: usize, want: &[&str], got: Value<'_>) -> BuiltinError {
        let want = one_of(want);
        BuiltinError::Type(format!(
            "operand {position} must be {want} but got {}",
            got.kind()
        ))
    }

    /// `operand 1 must be array of strings but got array containing number`
    pub fn operand_element(
        position: usize,
        composite: Value<'_>,
        want: &[&str],
        got: Value<'_>,
    ) -> BuiltinError {
        let of = match want {
            [one] => format!("{one}s"),
            many => format!("(any of) {{{}}}", many.join(", ")),
        };
        let kind = composite.kind();
        BuiltinError::Type(format!(
            "operand {position} must be {kind} of {of} but got {kind} containing {}",
            got.kind()
        ))
    }

    /// `operand 2 must be one of {2, 8, 10, 16}`
    pub fn operand_enum(position: usize, want: &[&str]) -> BuiltinError {
        BuiltinError::Type(format!("operand {position} must be {}", one_of(want)))
    }

    /// `operand 1 ` and a text.
    pub fn operand(position: usize, text: &str) -> BuiltinError {
        BuiltinError::Type(format!("operand {position} {text}"))
    }

    /// An `eval_builtin_error`.
    pub fn value(text: impl Into<String>) -> BuiltinError {
        BuiltinError::Value(text.into())
    }
}

/// The text, without the code and the name that the evaluator puts in front.
impl std::fmt::Display for BuiltinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BuiltinError::Type(text) | BuiltinError::Value(text) | BuiltinError::Halt(_, text) => {
                f.write_str(text)
            }
            BuiltinError::Stop(reason) => write!(f, "stopped: {reason:?}"),
        }
    }
}

impl std::error::Error for BuiltinError {}

fn one_of(want: &[&str]) -> String {
    match want {
        [one] => (*one).to_string(),
        many => format!("one of {{{}}}", many.join(", ")),
    }
}

impl From<MemoryExceeded> for BuiltinError {
    fn from(_: MemoryExceeded) -> BuiltinError {
        BuiltinError::Stop(StopReason::Memory)
    }
}

impl From<StopReason> for BuiltinError {
    fn from(reason: StopReason) -> BuiltinError {
        BuiltinError::Stop(reason)
    }
}

/// Counts work against the budgets of a query; the evaluator implements it.
pub trait Meter {
    /// Accounts for some units of work; fails if a budget is used up, the deadline has passed or
    /// the query is cancelled.
    fn charge(&mut self, units: u64) -> Result<(), StopReason>;

    /// Looks at the clock and at the caller's wish to stop now, after work of which nobody knows how long it takes.
    fn look(&mut self) -> Result<(), StopReason> {
        Ok(())
    }
}

/// A meter without budgets, for tests and tools.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn charge(&mut self, _units: u64) -> Result<(), StopReason> {
        Ok(())
    }
}

/// Bytes of caches that survive from one run to the next, at most.
const MOST_KEPT: usize = 64 << 20;

/// Things that built-ins keep between calls, one of each type: compiled patterns and the like.
#[derive(Default)]
pub struct Caches {
    by_type: HashMap<TypeId, Box<dyn Any + Send>>,
    /// Bytes that [`Call::keep`] has announced.
    held: usize,
    run: u64,
}

impl Caches {
    /// No caches yet.
    pub fn new() -> Caches {
        Caches::default()
    }

    /// The cache of a type, made when it is first asked for.
    pub fn get<T: Default + Send + 'static>(&mut self) -> &mut T {
        let cache = self
            .by_type
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        match cache.downcast_mut() {
            Some(cache) => cache,
            None => unreachable!("the key is the type"),
        }
    }

    /// The number of the run. What was computed in an earlier one is charged again, though it is not done again: the
    /// count of steps must not depend on what ran before.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Begins a run. What is kept counts against its limit, and is forgotten if it takes too much of it.
    pub fn begin_run(&mut self, arena: &Arena) {
        self.run += 1;
        let most = (arena.limit() / 8).min(MOST_KEPT);
        if self.held > most || arena.claim(self.held).is_err() {
            self.clear();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.by_type.clear();
        self.held = 0;
    }
}

/// What a body may use while it runs.
pub struct Call<'a, 'h> {
    /// Where results go.
    pub arena: &'a Arena,
    /// The budgets.
    pub meter: &'h mut dyn Meter,
    /// The world.
    pub host: &'h mut dyn Host,
    /// What was kept from earlier calls of the session.
    pub caches: &'h mut Caches,
    place: Option<&'h dyn Fn() -> String>,
    transient: bool,
}

impl<'a, 'h> Call<'a, 'h> {
    /// A call.
    pub fn new(
        arena: &'a Arena,
        meter: &'h mut dyn Meter,
        host: &'h mut dyn Host,
        caches: &'h mut Caches,
    ) -> Call<'a, 'h> {
        Call {
            arena,
            meter,
            host,
            caches,
            place: None,
            transient: false,
        }
    }

    /// Says where the call stands.
    pub fn at(mut self, place: &'h dyn Fn() -> String) -> Call<'a, 'h> {
        self.place = Some(place);
        self
    }

    /// Where the call stands, as OPA writes it before errors: `policy.rego:3`.
    pub fn place(&self) -> Option<String> {
        self.place.map(|place| place()).filter(|at| !at.is_empty())
    }

    /// Another call with these arguments must run again. Results of nondeterministic built-ins are otherwise kept for the
    /// rest of the query.
    pub fn transient(&mut self) {
        self.transient = true;
    }

    /// Whether [`Call::transient`] was called.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// Accounts for work, and fails too if the arena is exhausted.
    #[inline]
    pub fn charge(&mut self, units: u64) -> Result<(), BuiltinError> {
        self.arena.check()?;
        Ok(self.meter.charge(units)?)
    }

    /// Looks at the clock now; fails too if the arena is exhausted.
    pub fn look(&mut self) -> Result<(), BuiltinError> {
        self.arena.check()?;
        Ok(self.meter.look()?)
    }

    /// Counts memory beside the arena until the claim is dropped.
    pub fn claim(&mut self, bytes: usize) -> Result<Claim<'a>, BuiltinError> {
        Ok(Claim::new(self.arena, bytes)?)
    }

    /// Counts memory that stays in a cache of the session.
    pub fn keep(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        self.arena.claim(bytes)?;
        self.caches.held += bytes;
        Ok(())
    }

    /// Takes back [`Call::keep`], for what a cache has forgotten.
    pub fn forget(&mut self, bytes: usize) {
        self.arena.release(bytes);
        self.caches.held = self.caches.held.saturating_sub(bytes);
    }

    /// Announces a large allocation.
    pub fn reserve(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        Ok(self.arena.reserve(bytes)?)
    }

    /// The cache of a type, kept for the session.
    pub fn cache<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.caches.get()
    }
}
