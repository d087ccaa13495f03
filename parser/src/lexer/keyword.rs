//! Which words are keywords, and where they come from.

use crate::ast::RegoVersion;

macro_rules! keywords {
    ($($name:ident = $text:literal,)*) => {
        /// A word with a meaning of its own.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs)] // Each is the word that it names.
        pub enum Keyword { $($name,)* }

        impl Keyword {
            /// The keyword of a word, active or not.
            pub fn of(word: &str) -> Option<Keyword> {
                match word { $($text => Some(Keyword::$name),)* _ => None }
            }

            /// The word.
            pub fn text(self) -> &'static str {
                match self { $(Keyword::$name => $text,)* }
            }
        }
    };
}

keywords! {
    Package = "package",
    Import = "import",
    As = "as",
    Default = "default",
    Else = "else",
    Not = "not",
    Some = "some",
    With = "with",
    Null = "null",
    True = "true",
    False = "false",
    In = "in",
    Every = "every",
    Contains = "contains",
    If = "if",
    And = "and",
    Or = "or",
}

/// A set of keywords.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeywordSet(u32);

impl KeywordSet {
    /// No keyword.
    pub const NONE: KeywordSet = KeywordSet(0);

    /// The set of some keywords.
    pub const fn of(list: &[Keyword]) -> KeywordSet {
        let mut bits = 0;
        let mut at = 0;
        while at < list.len() {
            bits |= 1 << (list[at] as u32);
            at += 1;
        }
        KeywordSet(bits)
    }

    /// Whether it is in the set.
    pub const fn has(self, keyword: Keyword) -> bool {
        self.0 & (1 << (keyword as u32)) != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: KeywordSet) -> KeywordSet {
        KeywordSet(self.0 | other.0)
    }

    /// The set without the members of another.
    #[must_use]
    pub const fn without(self, other: KeywordSet) -> KeywordSet {
        KeywordSet(self.0 & !other.0)
    }

    /// Adds the keyword that an import names, and what it brings along.
    #[must_use]
    pub const fn import(self, keyword: Keyword) -> KeywordSet {
        let added = self.with(KeywordSet::of(&[keyword]));
        match keyword {
            Keyword::Every => added.with(KeywordSet::of(&[Keyword::In])),
            _ => added,
        }
    }
}

/// Keywords of every version.
pub const BASE: KeywordSet = KeywordSet::of(&[
    Keyword::Package,
    Keyword::Import,
    Keyword::As,
    Keyword::Default,
    Keyword::Else,
    Keyword::Not,
    Keyword::Some,
    Keyword::With,
    Keyword::Null,
    Keyword::True,
    Keyword::False,
]);

/// `import future.keywords` of v0, and part of v1.
pub const FUTURE_V0: KeywordSet =
    KeywordSet::of(&[Keyword::In, Keyword::Every, Keyword::Contains, Keyword::If]);

/// `import future.keywords` of v1. `not` is an old keyword that gets a new meaning.
pub const FUTURE_V1: KeywordSet = KeywordSet::of(&[Keyword::Not, Keyword::And, Keyword::Or]);

/// The keywords that a module starts with.
pub fn initial(version: RegoVersion) -> KeywordSet {
    match version {
        RegoVersion::V0 | RegoVersion::V0CompatV1 => BASE,
        RegoVersion::V1 => BASE.with(FUTURE_V0),
    }
}
