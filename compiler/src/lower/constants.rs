//! Ground terms as constants of the program, each once.

use std::collections::HashMap;

use regovm_core::Constant;
use regovm_parser::ast::{Term, TermKind};

use super::MAX_TERM_DEPTH;
use crate::ir::{ConstId, Operand};

/// The constants of a program in the making.
#[derive(Debug, Default)]
pub(super) struct Constants {
    ids: HashMap<Constant, ConstId>,
    list: Vec<Constant>,
}

impl Constants {
    /// The number of a constant.
    pub(super) fn id(&mut self, constant: Constant) -> ConstId {
        if let Some(id) = self.ids.get(&constant) {
            return *id;
        }
        let id = ConstId(self.list.len() as u32);
        self.list.push(constant.clone());
        self.ids.insert(constant, id);
        id
    }

    /// A constant as an operand.
    pub(super) fn operand(&mut self, constant: Constant) -> Operand {
        Operand::Const(self.id(constant))
    }

    /// All constants by number.
    pub(super) fn into_vec(self) -> Vec<Constant> {
        self.list
    }
}

/// An integer.
pub(super) fn integer(value: usize) -> Constant {
    Constant::Number(value.to_string().into())
}

/// The constant that a term is, if it has neither variables nor anything to evaluate (and is not nested
/// too deep to look at).
pub(super) fn constant(term: &Term) -> Option<Constant> {
    constant_at(term, 0)
}

fn constant_at(term: &Term, depth: u32) -> Option<Constant> {
    if depth > MAX_TERM_DEPTH {
        return None;
    }
    let all = |items: &[Term]| -> Option<Vec<Constant>> {
        items
            .iter()
            .map(|item| constant_at(item, depth + 1))
            .collect()
    };
    Some(match &term.kind {
        TermKind::Null => Constant::Null,
        TermKind::Boolean(value) => Constant::Boolean(*value),
        TermKind::Number(text) => Constant::Number(text.clone()),
        TermKind::String(text) => Constant::String(text.clone()),
        TermKind::Array(items) => Constant::Array(all(items)?),
        TermKind::Set(items) => Constant::Set(all(items)?),
        TermKind::Object(members) => Constant::Object(
            members
                .iter()
                .map(|(key, value)| {
                    Some((constant_at(key, depth + 1)?, constant_at(value, depth + 1)?))
                })
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use regovm_core::Span;

    use super::*;

    #[test]
    fn constants_are_numbered_once() {
        let mut constants = Constants::default();
        let first = constants.id(Constant::from("a"));
        let second = constants.id(integer(1));
        assert_ne!(first, second);
        assert_eq!(constants.id(Constant::from("a")), first);
        assert_eq!(constants.into_vec().len(), 2);
    }

    #[test]
    fn ground_terms_are_constants() {
        let string = Term::string("a", Span::NONE);
        let var = Term::var("x", Span::NONE);
        let array = |items| Term::new(TermKind::Array(items), Span::NONE);
        assert_eq!(
            constant(&array(vec![string.clone()])),
            Some(Constant::Array(vec![Constant::from("a")]))
        );
        assert_eq!(constant(&array(vec![string, var])), None);
        let mut deep = array(vec![]);
        for _ in 0..MAX_TERM_DEPTH + 10 {
            deep = array(vec![deep]);
        }
        assert_eq!(constant(&deep), None);
    }
}
