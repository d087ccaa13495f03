//! The names and literals of a text, so that a token is a few bytes and each name is allocated once.

use hashbrown::HashMap;

use crate::ast::Name;

/// A name or literal of a text: its number in [`Names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol(u32);

/// What the symbols of a text stand for.
#[derive(Debug)]
pub struct Names<'t> {
    list: Vec<Name>,
    known: HashMap<&'t str, Symbol>,
}

impl<'t> Names<'t> {
    /// Without names, for a text of so many tokens.
    pub(crate) fn new(tokens: usize) -> Names<'t> {
        // A name stands for about four tokens in policies.
        let names = tokens / 4;
        Names {
            list: Vec::with_capacity(names),
            known: HashMap::with_capacity(names.min(1 << 10)),
        }
    }

    /// The symbol of a piece of the text.
    pub(crate) fn of(&mut self, text: &'t str) -> Symbol {
        let list = &mut self.list;
        *self.known.entry(text).or_insert_with(|| {
            list.push(text.into());
            Symbol(list.len() as u32 - 1)
        })
    }

    /// A symbol for something that is not in the text as it is.
    pub(crate) fn add(&mut self, name: impl Into<Name>) -> Symbol {
        self.list.push(name.into());
        Symbol(self.list.len() as u32 - 1)
    }

    /// What a symbol stands for.
    pub fn get(&self, symbol: Symbol) -> &Name {
        &self.list[symbol.0 as usize]
    }
}
