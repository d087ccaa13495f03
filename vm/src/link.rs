//! Joining a program with the built-ins that it needs.

use std::fmt;

use regovm_core::builtin::{Body, BuiltinFn, LeftOut, Purity, Table};

use crate::program::Program;

/// The bodies of a program's built-ins, in the order of its numbers.
pub struct Linked {
    pub(crate) builtins: Vec<LinkedBuiltin>,
}

pub(crate) enum LinkedBuiltin {
    /// One of ours whose results depend on its arguments only: the common case.
    Plain(BuiltinFn),
    /// Any other.
    Other {
        body: Body,
        /// Results stay the same for a whole query, since the world gives others every time.
        fixed: bool,
    },
}

/// A built-in that the program needs is missing or takes other arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkError {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub problem: LinkProblem,
}

/// Why a built-in cannot be linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkProblem {
    /// There is none of that name.
    Missing,
    /// It takes other arguments than the program was compiled for.
    Arguments,
    /// The table was made without it.
    LeftOut(LeftOut),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.problem {
            LinkProblem::Missing => write!(f, "unsupported built-in: {name}"),
            LinkProblem::Arguments => write!(
                f,
                "built-in {name} takes other arguments than the program was compiled for"
            ),
            LinkProblem::LeftOut(why) => f.write_str(&why.hint(name)),
        }
    }
}

impl std::error::Error for LinkError {}

/// Finds the bodies of all built-ins that a program needs.
pub fn link(program: &Program, table: &Table) -> Result<Linked, LinkError> {
    let mut builtins = Vec::with_capacity(program.builtins.len());
    for needed in &program.builtins {
        let problem = |problem| LinkError {
            name: needed.name.clone(),
            problem,
        };
        let missing = || {
            problem(match table.left_out(&needed.name) {
                Some(why) => LinkProblem::LeftOut(why),
                None => LinkProblem::Missing,
            })
        };
        let id = table.id(&needed.name).ok_or_else(missing)?;
        let decl = table.get(id).ok_or_else(missing)?;
        let body = table.body(id).ok_or_else(missing)?;
        let function = table.function_type(id).ok_or_else(missing)?;
        if function.params.len() != usize::from(needed.arity)
            || function.variadic.is_some() != needed.variadic
        {
            return Err(problem(LinkProblem::Arguments));
        }
        let fixed = decl.purity == Purity::Nondeterministic;
        builtins.push(match body {
            Body::Own(body) if !fixed => LinkedBuiltin::Plain(body),
            body => LinkedBuiltin::Other { body, fixed },
        });
    }
    Ok(Linked { builtins })
}
