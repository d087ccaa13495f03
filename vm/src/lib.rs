//! The bytecode and the machine that runs it.
//!
//! A [`Program`] is verified when it is made or loaded. [`link`] joins it with the built-ins it needs. A [`Session`] runs
//! its queries over values in an arena, again and again.
//!
//! Registers are windows in one vector, one window for each call of a function of the program; calls nest in a vector of
//! frames, never on the stack of the thread. Undefined is control flow: an instruction that finds something undefined
//! continues at its `Else`.

pub mod bytecode;
pub mod observe;
pub mod profile;
pub mod program;

mod budget;
mod error;
mod exec;
mod field_cache;
mod index;
mod iterate;
mod link;
mod machine;
mod memo;
mod overlay;
mod room;
mod session;
mod tree;

pub use budget::Deadline;
pub use error::EvalError;
pub use index::Indexing;
pub use link::{LinkError, LinkProblem, Linked, link};
pub use program::{LoadError, Parts, Program};
pub use session::{Answer, Options, Reading, Session, Target, Watch};
