//! Constant values that live outside any arena: literals of a policy, schemas, metadata.

use std::sync::Arc;

/// An owned constant. Not for data or input: those are arena values.
///
/// Numbers keep their literal text. Objects and sets keep the order of their source; order and
/// duplicates are settled when a constant becomes a value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Constant {
    /// `null`
    Null,
    /// `true` and `false`
    Boolean(bool),
    /// A JSON number as it was written.
    Number(Arc<str>),
    /// A string after unescaping.
    String(Arc<str>),
    /// An array.
    Array(Vec<Constant>),
    /// An object; keys may be any constant.
    Object(Vec<(Constant, Constant)>),
    /// A set.
    Set(Vec<Constant>),
}

impl Constant {
    /// How deep constants nest that come from outside: they are compared, copied and dropped recursively, which must fit on
    /// a stack of 512 KB. Literals of policies nest no deeper than the parser allows, which is less.
    pub const MAX_DEPTH: u32 = 512;

    /// The text if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Constant::String(text) => Some(text),
            _ => None,
        }
    }

    /// The member with a string key, if this is an object that has it; the last one wins.
    pub fn get(&self, key: &str) -> Option<&Constant> {
        match self {
            Constant::Object(members) => members
                .iter()
                .rev()
                .find(|(k, _)| k.as_str() == Some(key))
                .map(|(_, v)| v),
            _ => None,
        }
    }
}

impl From<&str> for Constant {
    fn from(text: &str) -> Constant {
        Constant::String(text.into())
    }
}
