//! What is wrong with a text.

use crate::place::Place;

/// Why a text cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> ConfigError {
        ConfigError {
            message: message.into(),
            place: None,
            hint: None,
        }
    }

    pub(crate) fn at(mut self, place: Place) -> ConfigError {
        self.place = Some(place);
        self
    }

    /// At an offset of a text.
    pub(crate) fn at_offset(self, text: &str, offset: usize) -> ConfigError {
        match crate::place::of_offsets(text.as_bytes(), &[Some(offset)])[0] {
            Some(place) => self.at(place),
            None => self,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> ConfigError {
        self.hint = Some(hint.into());
        self
    }

    /// Of collections in collections, more than readers take.
    pub(crate) fn too_deep() -> ConfigError {
        ConfigError::new(format!(
            "values nest deeper than {} levels",
            crate::node::MAX_DEPTH
        ))
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match self.place {
            Some(at) => write!(f, " (line {}, column {})", at.line, at.column),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}
