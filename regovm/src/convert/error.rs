//! Why something has no form on the other side.

use std::fmt::{Display, Formatter, Result};

/// Why a Rego value does not become a Rust type, or a Rust value no Rego value: what is wrong, and where in it.
///
/// ```
/// let policy = regovm::Engine::new().prepare(r#"x := {"limits": [1, "two"]}"#)?;
/// let mut session = policy.session();
/// let answer = session.eval_without_input(0)?;
/// type Row = std::collections::HashMap<String, std::collections::HashMap<String, Vec<u32>>>;
/// let error = answer.solutions().next().unwrap().decode::<Row>().unwrap_err();
/// assert_eq!(error.to_string(), r#"x.limits[1]: invalid type: string "two", expected u32"#);
/// # Ok::<(), regovm::Failure>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataError {
    message: String,
    /// From the inside out.
    path: Vec<Step>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Element(usize),
    Member(String),
}

impl DataError {
    pub(crate) fn new(message: impl Into<String>) -> DataError {
        DataError {
            message: message.into(),
            path: Vec::new(),
        }
    }

    /// The error of a whole whose element it is about.
    pub(super) fn in_element(mut self, index: usize) -> DataError {
        self.path.push(Step::Element(index));
        self
    }

    /// The error of a whole whose member it is about.
    pub(super) fn in_member(mut self, name: &str) -> DataError {
        self.path.push(Step::Member(name.to_owned()));
        self
    }
}

impl Display for DataError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (at, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Element(index) => write!(f, "[{index}]")?,
                Step::Member(name) if is_name(name) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    f.write_str(name)?;
                }
                Step::Member(name) => write!(f, "[{name:?}]")?,
            }
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|c| c.is_alphanumeric() || c == '_')
}

impl std::error::Error for DataError {}

impl serde::de::Error for DataError {
    fn custom<T: Display>(message: T) -> DataError {
        DataError::new(message.to_string())
    }
}

impl serde::ser::Error for DataError {
    fn custom<T: Display>(message: T) -> DataError {
        DataError::new(message.to_string())
    }
}
