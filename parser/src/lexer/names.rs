//! The names and literals of texts, so that a token is a few bytes and each name is allocated once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::ast::Name;

/// Names that are kept from one text to the next, at most.
const KEPT: usize = 1 << 12;

/// A name or literal of a text: its number in [`Names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol(u32);

/// What the symbols of a text stand for. Names of earlier texts are still there, because policies that belong together
/// use the same ones.
#[derive(Debug, Default)]
pub struct Names {
    list: Vec<Name>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// Begins a text: no symbol of an earlier one is used any more.
    pub(crate) fn begin(&mut self) {
        if self.list.len() > KEPT {
            self.list.clear();
            self.numbers.clear();
        }
    }

    /// The symbol of a name.
    pub(crate) fn of(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.hash_one(text);
        let list = &self.list;
        if let Some(number) = self
            .numbers
            .find(hash, |number| &*list[*number as usize] == text)
        {
            return Symbol(*number);
        }
        let number = list.len() as u32;
        self.list.push(text.into());
        let (list, hasher) = (&self.list, &self.hasher);
        self.numbers.insert_unique(hash, number, |number| {
            hasher.hash_one(&*list[*number as usize])
        });
        Symbol(number)
    }

    /// What a symbol stands for.
    pub fn get(&self, symbol: Symbol) -> &Name {
        &self.list[symbol.0 as usize]
    }
}
