//! What is wrong with a text, in go-yaml's words, and the line that it names.

use super::cursor::Mark;

/// Which part of go-yaml complains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    /// It names no line.
    Reader,
    /// It counts lines from 1.
    Scanner,
    /// It counts lines from 0.
    Parser,
}

/// Something that is no YAML.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    by: By,
    pub(super) message: &'static str,
    /// Where that begins in which the problem is.
    context: Mark,
    pub(super) at: Mark,
}

/// A complaint about characters.
pub(super) fn said(message: &'static str, context: Mark, at: Mark) -> Problem {
    Problem {
        by: By::Scanner,
        message,
        context,
        at,
    }
}

/// A complaint about tokens.
pub(super) fn parsed(message: &'static str, context: Option<Mark>, at: Mark) -> Problem {
    Problem {
        by: By::Parser,
        message,
        context: context.unwrap_or_default(),
        at,
    }
}

/// A complaint about a character that is nowhere allowed.
pub(super) fn forbidden(message: &'static str, at: Mark) -> Problem {
    Problem {
        by: By::Reader,
        message,
        context: Mark::default(),
        at,
    }
}

impl Problem {
    /// The line that go-yaml names: that of the context, unless it is the first one, which it takes for none.
    pub(super) fn named(&self) -> Option<usize> {
        let line = match self.context.line {
            0 => self.at.line,
            line => line,
        };
        match self.by {
            By::Scanner if line > 0 => Some(line + 1),
            By::Parser if line > 0 => Some(line),
            _ => None,
        }
    }
}
