//! Errors of every stage as values: a code, a message, a place, a hint.

use crate::source::{SourceMap, Span};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// OPA's error codes, which tools written for OPA look for.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The code as OPA writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
        }
    };
}

codes! {
    /// The text is no Rego.
    Parse = "rego_parse_error",
    /// A rule of the language is broken that has no code of its own.
    Compile = "rego_compile_error",
    /// Types, arities and kinds of rules do not fit.
    Type = "rego_type_error",
    /// A variable that nothing binds.
    UnsafeVar = "rego_unsafe_var_error",
    /// A rule that depends on itself.
    Recursion = "rego_recursion_error",
    /// The evaluator found something that cannot be.
    EvalInternal = "eval_internal_error",
    /// A deadline, a budget or the host stopped the query.
    EvalCancel = "eval_cancel_error",
    /// Two different values where only one may be.
    EvalConflict = "eval_conflict_error",
    /// An operand of the wrong type.
    EvalType = "eval_type_error",
    /// A built-in that failed.
    EvalBuiltin = "eval_builtin_error",
    /// A `with` value that cannot be merged.
    EvalWithMerge = "eval_with_merge_error",
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One error with everything that a renderer needs.
///
/// `message` is OPA's text. `hint` is ours and never part of what is compared with OPA.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// What kind of error this is.
    pub code: Code,
    /// The message, in OPA's words where OPA has words for it.
    pub message: String,
    /// Where; [`Span::NONE`] if nowhere.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
    /// OPA's `details` member of the JSON error, as JSON text.
    pub details: Option<String>,
    /// What OPA's text form prints below the message, without the indentation: `have: (number)`,
    /// `want: (string)`. A parse error needs none, its source line is found by `span`.
    pub detail_lines: Vec<String>,
}

impl Diagnostic {
    /// An error with a code, a place and a message.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            span,
            hint: None,
            details: None,
            detail_lines: Vec::new(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Adds OPA's `details` as JSON text.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<String>) -> Diagnostic {
        self.details = Some(details.into());
        self
    }

    /// Adds the lines that OPA's text form prints below the message.
    #[must_use]
    pub fn with_detail_lines(mut self, lines: impl IntoIterator<Item = String>) -> Diagnostic {
        self.detail_lines.extend(lines);
        self
    }

    /// One line as OPA prints it: `file:row: code: message`.
    pub fn one_line(&self, sources: &SourceMap) -> String {
        match sources.locate(self.span) {
            Some(at) if at.file.is_empty() => {
                format!("{}:{}: {}: {}", at.row, at.col, self.code, self.message)
            }
            Some(at) => format!("{}:{}: {}: {}", at.file, at.row, self.code, self.message),
            None => format!("{}: {}", self.code, self.message),
        }
    }
}

/// The errors of a run so far.
#[derive(Clone, Default, Debug)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No errors yet.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Shorthand for [`Diagnostics::push`] of a plain error.
    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::new(code, span, message));
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The errors in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Mutable access for stages that sort or cut the list.
    pub fn as_mut_vec(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.list
    }

    /// The errors as a list.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.list
    }
}
