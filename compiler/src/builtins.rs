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
    of_id(table, id(table, path)?)
}

/// The id of the built-in that the operator of a call names.
pub fn id(table: &Table, path: &[Term]) -> Option<BuiltinId> {
    match path {
        [only] => table.id(only.as_var()?),
        _ => table.id(&dotted_name(path)?),
    }
}

/// The built-in of a name.
pub fn named<'t>(table: &'t Table, name: &str) -> Option<Facts<'t>> {
    of_id(table, table.id(name)?)
}

fn of_id(table: &Table, id: BuiltinId) -> Option<Facts<'_>> {
    let function = table.function_type(id)?;
    Some(Facts {
        id,
        decl: table.get(id)?,
        arity: function.params.len(),
        void: function.result.is_none(),
    })
}

/// True if a built-in has this name.
pub fn is_builtin(table: &Table, name: &str) -> bool {
    table.id(name).is_some()
}
