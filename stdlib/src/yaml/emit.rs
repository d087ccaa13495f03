//! Writing YAML: collections as blocks, everything on as few lines as there are scalars.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, Style as JsonStyle};
use regovm_core::value::{Object, Value, View, number};
use regovm_core::yaml::{CONTROL_CHARACTERS, Resolved, resolve};

use super::keys;
use super::scalar::{Style, Traits, is_break, is_printable, wanted};
use crate::operand::{Outcome, failed, number_text, operands};
use crate::text::{Text, charge_text};

/// Spaces by which a collection stands to the right of the one around it.
const INDENT: usize = 2;

/// Longer keys stand behind a question mark.
const SIMPLE_KEY: usize = 128;

/// OPA writes JSON and reads that as YAML first, where keys are on one line and have no more characters, quotes included.
const JSON_KEY: usize = 1024;

pub(super) fn marshal<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    charge_text(cx, x)?;
    let mut emitter = Emitter {
        out: Text::new(cx),
        column: 0,
        after_blank: true,
        in_indent: true,
        indent: 0,
    };
    emitter.document(x)?;
    Ok(Some(emitter.out.finish()))
}

/// A collection that is being written.
enum Open<'a> {
    Sequence(std::slice::Iter<'a, Value<'a>>),
    Mapping(std::vec::IntoIter<(String, Value<'a>)>),
}

struct Emitter<'c, 'a, 'h> {
    out: Text<'c, 'a, 'h>,
    /// Characters on the line.
    column: usize,
    /// A blank, or what counts as one, was written last.
    after_blank: bool,
    /// Nothing but spaces and dashes are on the line.
    in_indent: bool,
    /// Of the collection that is being written.
    indent: usize,
}

type Written = Result<(), BuiltinError>;

impl<'a> Emitter<'_, 'a, '_> {
    fn document(&mut self, root: Value<'a>) -> Written {
        let mut open: Vec<Open<'a>> = Vec::new();
        open.extend(self.node(root)?);
        while let Some(innermost) = open.last_mut() {
            let next = match innermost {
                Open::Sequence(elements) => elements.next().map(|element| (None, *element)),
                Open::Mapping(members) => members.next().map(|(key, value)| (Some(key), value)),
            };
            let Some((key, value)) = next else {
                open.pop();
                continue;
            };
            self.indent = (open.len() - 1) * INDENT;
            self.out.work(16)?;
            self.start_of_line()?;
            match key {
                None => self.indicator("-", true)?,
                Some(key) => self.key(&key)?,
            }
            open.extend(self.node(value)?);
        }
        self.indent = 0;
        self.start_of_line()
    }

    /// A scalar or an empty collection; any other collection is given back.
    fn node(&mut self, value: Value<'a>) -> Result<Option<Open<'a>>, BuiltinError> {
        match value.view() {
            View::Null => self.plain("null")?,
            View::Boolean(truth) => self.plain(if truth { "true" } else { "false" })?,
            View::Integer(_) | View::Number(_) => self.number(value)?,
            View::String(text) => self.text(text.as_str(), false)?,
            View::Array(array) if array.is_empty() => self.flow("[]")?,
            View::Set(set) if set.is_empty() => self.flow("[]")?,
            View::Object(object) if object.is_empty() => self.flow("{}")?,
            View::Array(array) => return Ok(Some(Open::Sequence(array.as_slice().iter()))),
            View::Set(set) => return Ok(Some(Open::Sequence(set.as_sorted_slice().iter()))),
            View::Object(object) => return Ok(Some(Open::Mapping(members(object).into_iter()))),
        }
        Ok(None)
    }

    fn key(&mut self, key: &str) -> Written {
        let unreadable = |line: &str| {
            Err(failed(format!(
                "yaml: {line}did not find expected ',' or '}}'"
            )))
        };
        // An escape is six characters.
        if key.len() > JSON_KEY / 6 && json_text(key).chars().count() > JSON_KEY {
            return unreadable("");
        }
        if key.contains('\u{85}') {
            return unreadable("line 1: ");
        }
        let simple = key.len() <= SIMPLE_KEY && !Traits::of(key).multiline;
        if simple {
            self.text(key, true)?;
            return self.mark(":", false);
        }
        self.indicator("?", true)?;
        self.text(key, false)?;
        self.start_of_line()?;
        self.indicator(":", true)
    }

    /// Numbers pass through YAML, where integers have 64 bits and others are floats. What does not fit stays text.
    fn number(&mut self, value: Value<'a>) -> Written {
        let text = number_text(value);
        match resolve(&text) {
            Resolved::Integer(n) => self.plain(&n.to_string()),
            Resolved::Float(n) => self.plain(&number::format_f64(n)),
            _ => self.text(&text, false),
        }
    }

    fn line_end(&mut self) -> Written {
        self.out.push('\n')?;
        self.column = 0;
        self.in_indent = true;
        Ok(())
    }

    fn character(&mut self, c: char) -> Written {
        self.out.push(c)?;
        self.column += 1;
        Ok(())
    }

    /// To the column of the collection, on this line if nothing is there yet.
    fn start_of_line(&mut self) -> Written {
        self.advance_to(self.indent)
    }

    fn advance_to(&mut self, column: usize) -> Written {
        let beside = self.column > column || self.column == column && !self.after_blank;
        if !self.in_indent || beside {
            self.line_end()?;
        }
        self.out.repeat(' ', column - self.column)?;
        self.column = column;
        self.after_blank = true;
        Ok(())
    }

    /// A dash or the like, with a space in front. It may be followed by a collection on the same line.
    fn indicator(&mut self, mark: &str, opens: bool) -> Written {
        if !self.after_blank {
            self.character(' ')?;
        }
        self.mark(mark, opens)
    }

    fn mark(&mut self, mark: &str, opens: bool) -> Written {
        self.out.push_str(mark)?;
        self.column += mark.len();
        self.after_blank = false;
        self.in_indent &= opens;
        Ok(())
    }

    fn flow(&mut self, brackets: &str) -> Written {
        self.indicator(brackets, false)
    }

    fn plain(&mut self, text: &str) -> Written {
        self.indicator("", false)?;
        self.out.push_str(text)?;
        self.column += text.chars().count();
        Ok(())
    }

    fn text(&mut self, text: &str, simple_key: bool) -> Written {
        self.out.work(text.len())?;
        // The text comes out of JSON, which leaves these as they are and YAML does not read them.
        if text.chars().any(
            |c| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'),
        ) {
            return Err(failed(format!("yaml: {CONTROL_CHARACTERS}")));
        }
        let folded = folded(text);
        let text = &folded;
        match Traits::of(text).style(wanted(text), simple_key) {
            Style::Plain => self.plain(text),
            Style::SingleQuoted => self.single_quoted(text),
            Style::DoubleQuoted => self.double_quoted(text),
            Style::Literal => self.literal(text),
        }
    }

    /// The column of the further lines of a scalar.
    fn inner(&self) -> usize {
        self.indent + INDENT
    }

    fn single_quoted(&mut self, text: &str) -> Written {
        self.indicator("'", false)?;
        let mut after_break = false;
        for c in text.chars() {
            if is_break(c) {
                self.out.push(c)?;
                self.column = 0;
                self.in_indent = true;
                after_break = true;
                continue;
            }
            if c == ' ' {
                self.character(c)?;
                continue;
            }
            if after_break {
                self.advance_to(self.inner())?;
            }
            if c == '\'' {
                self.character(c)?;
            }
            self.character(c)?;
            self.in_indent = false;
            after_break = false;
        }
        self.mark("'", false)
    }

    fn double_quoted(&mut self, text: &str) -> Written {
        self.indicator("\"", false)?;
        // Behind a mark of the order of bytes everything is escaped.
        let all = text.starts_with('\u{feff}');
        for c in text.chars() {
            if all || !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escaped(c)?;
            } else {
                self.character(c)?;
            }
        }
        self.mark("\"", false)
    }

    fn escaped(&mut self, c: char) -> Written {
        let code = c as u32;
        let escape = match c {
            '\0' => "0".to_owned(),
            '\u{7}' => "a".to_owned(),
            '\u{8}' => "b".to_owned(),
            '\t' => "t".to_owned(),
            '\n' => "n".to_owned(),
            '\u{b}' => "v".to_owned(),
            '\u{c}' => "f".to_owned(),
            '\r' => "r".to_owned(),
            '\u{1b}' => "e".to_owned(),
            '"' | '\\' => c.to_string(),
            '\u{85}' => "N".to_owned(),
            '\u{a0}' => "_".to_owned(),
            '\u{2028}' => "L".to_owned(),
            '\u{2029}' => "P".to_owned(),
            _ if code <= 0xff => format!("x{code:02X}"),
            _ if code <= 0xffff => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        self.character('\\')?;
        self.out.push_str(&escape)?;
        self.column += escape.len();
        Ok(())
    }

    /// `|`, how lines begin if the first one begins with blanks, and what is at the end if that is not one line end.
    fn literal(&mut self, text: &str) -> Written {
        self.indicator("|", false)?;
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.mark("2", false)?;
        }
        let mut back = text.chars().rev();
        let last_breaks = (
            back.next().is_some_and(is_break),
            back.next().is_none_or(is_break),
        );
        match last_breaks {
            (false, _) => self.mark("-", false)?,
            (true, true) => self.mark("+", false)?,
            (true, false) => {}
        }
        self.line_end()?;
        self.after_blank = true;
        let mut after_break = true;
        for c in text.chars() {
            if c == '\n' {
                self.line_end()?;
                after_break = true;
            } else if is_break(c) {
                self.out.push(c)?;
                self.column = 0;
                self.in_indent = true;
                after_break = true;
            } else {
                if after_break {
                    self.advance_to(self.inner())?;
                }
                self.character(c)?;
                self.in_indent = false;
                after_break = false;
            }
        }
        Ok(())
    }
}

fn json_text(text: &str) -> String {
    let mut out = String::new();
    json::write_string(text, &mut out, true);
    out
}

/// A rare line end stands for itself in JSON, and YAML folds lines there: one end is a space, of more the first one
/// is dropped, and spaces beside them are too.
fn folded(text: &str) -> Cow<'_, str> {
    let mut lines = text.split('\u{85}').peekable();
    let first = lines.next().unwrap_or_default();
    if lines.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = first.trim_end_matches(' ').to_owned();
    let mut ends = 0;
    while let Some(line) = lines.next() {
        ends += 1;
        let is_last = lines.peek().is_none();
        let line = line.trim_start_matches(' ');
        let kept = if is_last {
            line
        } else {
            line.trim_end_matches(' ')
        };
        if is_last || !kept.is_empty() {
            match ends {
                1 => out.push(' '),
                _ => out.extend(std::iter::repeat_n('\n', ends - 1)),
            }
            out.push_str(kept);
            ends = 0;
        }
    }
    Cow::Owned(out)
}

/// Members by what their keys are called in JSON, in the order of YAML.
fn members<'a>(object: Object<'a>) -> Vec<(String, Value<'a>)> {
    let named: BTreeMap<String, Value<'a>> = object
        .iter()
        .map(|(key, value)| {
            let name = key
                .as_str()
                .map_or_else(|| json::to_string(key, JsonStyle::Marshal), str::to_owned);
            (name, value)
        })
        .collect();
    keys::sorted(named)
}
