//! Imports leave the modules: all names are resolved. Later messages may still want them.

use crate::state::State;

/// Moves the imports of the modules to [`State::imports`].
pub fn remove(state: &mut State<'_>) {
    state.imports = state
        .modules
        .iter_mut()
        .map(|module| std::mem::take(&mut module.imports))
        .collect();
}
