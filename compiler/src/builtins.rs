//! What the stages ask about built-ins.

use regovm_core::builtin::{BuiltinDecl, BuiltinId, Table};
use regovm_parser::ast::Term;

use crate::rule_tree::dotted_name;

/// A built-in as the stages see it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'t> {
    /// Its place in the table.
    pub id: BuiltinId,
    /// Its declaration.
    pub decl: BuiltinDecl<'t>,
    /// Number of parameters; variable ones do not count.
    pub arity: usize,
    /// It has no result, as `print`.
    pub void: bool,
}

/// The built-in that the operator of a call names.
pub fn facts<'t>(table: &'t Table, path: &[Term]) -> Option<Facts<'t>> {
    named(table, &dotted_name(path)?)
}

/// The built-in of a name.
pub fn named<'t>(table: &'t Table, name: &str) -> Option<Facts<'t>> {
    let id = table.id(name)?;
    let function = table.function_type(id)?;
    Some(Facts {
        id,
        decl: table.decl(name)?,
        arity: function.params.len(),
        void: function.result.is_none(),
    })
}

/// True if a built-in has this name.
pub fn is_builtin(table: &Table, name: &str) -> bool {
    table.id(name).is_some()
}
