//! Strings.

use super::hash;
use super::raw::StringHeader;

/// A string of an arena.
#[derive(Clone, Copy)]
pub struct Str<'a>(pub(super) &'a StringHeader);

impl<'a> Str<'a> {
    /// The text, for as long as the arena lives.
    #[inline]
    pub fn as_str(self) -> &'a str {
        self.0.as_str()
    }

    /// The hash that the value has too.
    #[inline]
    pub fn hash(self) -> u64 {
        hash::string(self.0)
    }
}

impl std::ops::Deref for Str<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.0.as_str()
    }
}
