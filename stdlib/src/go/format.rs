//! `fmt.Sprintf` of Go: flags, width, precision, argument indexes, verbs, and the texts Go prints
//! for mistakes instead of failing.

use std::borrow::Cow;

use num_bigint::{BigInt, Sign};
use smallvec::SmallVec;

use super::float::push_float;
use super::quote::{Charset, can_backquote, is_printable, push_quoted, push_quoted_char};
use crate::text::Text;
use regovm_core::builtin::BuiltinError;
use regovm_core::value::{Arena, Object, Value, View};

/// An operand, as the Go type that OPA hands to `fmt.Sprintf`.
#[derive(Clone)]
pub(crate) enum Argument<'a> {
    /// `int64`
    Integer(i64),
    /// `float64`
    Float(f64),
    /// `*big.Int`
    Big(BigInt),
    /// `string`: strings, and every other value as its text.
    Text(Cow<'a, str>),
    // Those that only templates have.
    /// `int`
    Int(i64),
    /// `uint8`
    Byte(u8),
    /// `bool`
    Boolean(bool),
    /// `json.Number`
    JsonNumber(Cow<'a, str>),
    /// `nil`
    Nil,
    /// `[]interface {}`: elements, and so many nils behind them.
    List(&'a [Value<'a>], usize),
    /// `map[string]interface {}`
    Map(Object<'a>),
}

impl<'v> Argument<'v> {
    fn type_name(&self) -> &'static str {
        match self {
            Argument::Integer(_) => "int64",
            Argument::Float(_) => "float64",
            Argument::Big(_) => "*big.Int",
            Argument::Text(_) => "string",
            Argument::Int(_) => "int",
            Argument::Byte(_) => "uint8",
            Argument::Boolean(_) => "bool",
            Argument::JsonNumber(_) => "json.Number",
            Argument::Nil => "<nil>",
            Argument::List(..) => "[]interface {}",
            Argument::Map(_) => "map[string]interface {}",
        }
    }

    /// An element of a list or map.
    fn element(value: Value<'v>) -> Argument<'v> {
        match value.view() {
            View::Null => Argument::Nil,
            View::Boolean(value) => Argument::Boolean(value),
            View::Integer(number) => Argument::JsonNumber(Cow::Owned(number.to_string())),
            View::Number(number) => Argument::JsonNumber(Cow::Borrowed(number.text())),
            View::String(text) => Argument::Text(Cow::Borrowed(text.as_str())),
            View::Array(array) => Argument::List(array.as_slice(), 0),
            View::Set(set) => Argument::List(set.as_sorted_slice(), 0),
            View::Object(object) => Argument::Map(object),
        }
    }
}

/// Numbers in a format beyond this are no width, precision or index.
const LARGEST_NUMBER: usize = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v` and `%#v`: the flags keep away from the verbs that `%v` stands for.
    plus_v: bool,
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

type Outcome = Result<(), BuiltinError>;

/// The parts of a text, one after the other.
pub(crate) type Parts<'t> = SmallVec<[&'t str; 16]>;

/// The longest text that is made of parts of other texts at once, as [`plain_parts`] does.
pub(crate) const LONGEST_PLAIN: usize = 4096;

/// Adds the parts of a format of nothing but `%s`, `%d`, `%v` and `%%` filled with as many strings and integers, each where
/// it fits, and says how many bytes they have: most formats are like that. `None` for all others, whatever was added.
pub(crate) fn plain_parts<'a>(
    arena: &'a Arena,
    format: &'a str,
    values: &[Value<'a>],
    parts: &mut Parts<'a>,
) -> Option<usize> {
    let mut bytes = 0;
    let mut rest = format;
    let mut values = values.iter();
    while let Some(at) = memchr::memchr(b'%', rest.as_bytes()) {
        let verb = rest.as_bytes().get(at + 1)?;
        let filled = match verb {
            b'%' => "%",
            b's' | b'd' | b'v' => match (verb, values.next()?.view()) {
                (b's' | b'v', View::String(text)) => text.as_str(),
                (b'd' | b'v', View::Integer(number)) => {
                    let mut digits = [0; 20];
                    arena.text(std::str::from_utf8(decimal(number, &mut digits)).ok()?)
                }
                _ => return None,
            },
            _ => return None,
        };
        bytes += at + filled.len();
        if bytes > LONGEST_PLAIN {
            return None;
        }
        parts.push(&rest[..at]);
        parts.push(filled);
        rest = &rest[at + 2..];
    }
    bytes += rest.len();
    parts.push(rest);
    (values.next().is_none() && bytes <= LONGEST_PLAIN).then_some(bytes)
}

/// The digits of a number.
fn decimal(number: i64, digits: &mut [u8; 20]) -> &[u8] {
    let mut left = number.unsigned_abs();
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    &digits[at..]
}

/// Appends `format` filled with `arguments`.
pub(crate) fn push_formatted(
    out: &mut Text<'_, '_, '_>,
    format: &str,
    arguments: &[Argument<'_>],
) -> Outcome {
    Printer::new(out, format, arguments).run()
}

/// Appends arguments as `Sprint` does, with spaces between those that are no strings; or as `Sprintln` does.
pub(crate) fn push_printed(
    out: &mut Text<'_, '_, '_>,
    arguments: &[Argument<'_>],
    line: bool,
) -> Outcome {
    let mut printer = Printer::new(out, "", arguments);
    let mut after_string = true;
    for (i, argument) in arguments.iter().enumerate() {
        let string = matches!(argument, Argument::Text(_) | Argument::JsonNumber(_));
        if i > 0 && (line || !(string || after_string)) {
            printer.out.push(' ')?;
        }
        after_string = string;
        printer.print(argument, 'v', false)?;
    }
    if line {
        printer.out.push('\n')?;
    }
    Ok(())
}

struct Printer<'p, 'c, 'a, 'h> {
    out: &'p mut Text<'c, 'a, 'h>,
    format: &'p str,
    /// Byte offset of what is read next.
    at: usize,
    arguments: &'p [Argument<'p>],
    /// The argument that the next verb takes.
    next: usize,
    /// Some index was given explicitly: surplus arguments are not reported.
    reordered: bool,
    good_index: bool,
    flags: Flags,
}

/// A list or map that is being printed.
enum Open<'v> {
    List(std::slice::Iter<'v, Value<'v>>, usize),
    Map(regovm_core::value::ObjectIter<'v>),
}

impl<'p, 'c, 'a, 'h> Printer<'p, 'c, 'a, 'h> {
    fn new(
        out: &'p mut Text<'c, 'a, 'h>,
        format: &'p str,
        arguments: &'p [Argument<'p>],
    ) -> Printer<'p, 'c, 'a, 'h> {
        Printer {
            out,
            format,
            at: 0,
            arguments,
            next: 0,
            reordered: false,
            good_index: true,
            flags: Flags::default(),
        }
    }

    fn run(mut self) -> Outcome {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let plain = rest.find('%').unwrap_or(rest.len());
            self.out.push_str(&rest[..plain])?;
            self.at += plain;
            if self.at >= self.format.len() {
                break;
            }
            self.at += 1;
            if !self.directive()? {
                break;
            }
        }
        self.surplus()
    }

    fn byte(&self) -> Option<u8> {
        self.format.as_bytes().get(self.at).copied()
    }

    /// One `%...` after the percent sign; false when the format ended within it.
    fn directive(&mut self) -> Result<bool, BuiltinError> {
        self.good_index = true;
        self.flags = Flags::default();
        loop {
            match self.byte() {
                Some(b'#') => self.flags.sharp = true,
                Some(b'0') => self.flags.zero = true,
                Some(b'+') => self.flags.plus = true,
                Some(b'-') => self.flags.minus = true,
                Some(b' ') => self.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }

        let mut after_index = self.argument_index();
        if self.byte() == Some(b'*') {
            self.at += 1;
            match self.number_argument() {
                Some(width) => {
                    self.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
                None => self.out.push_str("%!(BADWIDTH)")?,
            }
            after_index = false;
        } else {
            self.flags.width = self.number();
            if after_index && self.flags.width.is_some() {
                self.good_index = false;
            }
        }

        if self.byte() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                self.good_index = false;
            }
            after_index = self.argument_index();
            if self.byte() == Some(b'*') {
                self.at += 1;
                self.flags.precision = self
                    .number_argument()
                    .and_then(|precision| usize::try_from(precision).ok());
                if self.flags.precision.is_none() {
                    self.out.push_str("%!(BADPREC)")?;
                }
                after_index = false;
            } else {
                self.flags.precision = Some(self.number().unwrap_or(0));
            }
        }

        if !after_index {
            self.argument_index();
        }
        let Some(verb) = self.format[self.at.min(self.format.len())..].chars().next() else {
            self.out.push_str("%!(NOVERB)")?;
            return Ok(false);
        };
        self.at += verb.len_utf8();

        match verb {
            '%' => self.out.push('%')?,
            _ if !self.good_index => self.mistake(verb, "(BADINDEX)")?,
            _ if self.next >= self.arguments.len() => self.mistake(verb, "(MISSING)")?,
            _ => {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                let argument = &self.arguments[self.next];
                self.print(argument, verb, false)?;
                self.next += 1;
            }
        }
        Ok(true)
    }

    /// Reads `[n]`, if it is there, and makes it the next argument. True when something that looks
    /// like an index was read.
    fn argument_index(&mut self) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest.find(']').filter(|_| rest.len() >= 3) else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let digits = &rest[1..close];
        self.at += close + 1;
        let index = parse_number(digits)
            .filter(|(_, len)| *len == digits.len())
            .map(|(n, _)| n);
        match index {
            Some(Some(index)) => {
                if (1..=self.arguments.len()).contains(&index) {
                    self.next = index - 1;
                } else {
                    self.good_index = false;
                }
                true
            }
            _ => {
                self.good_index = false;
                false
            }
        }
    }

    /// Digits of a width or precision. A number too large ends the format.
    fn number(&mut self) -> Option<usize> {
        match parse_number(&self.format[self.at.min(self.format.len())..]) {
            Some((number, len)) => {
                self.at += len;
                number
            }
            None => {
                self.at = self.format.len();
                None
            }
        }
    }

    /// The next argument as a width or precision for `*`.
    fn number_argument(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        match argument {
            Argument::Integer(n) | Argument::Int(n)
                if n.unsigned_abs() <= LARGEST_NUMBER as u64 =>
            {
                Some(*n)
            }
            Argument::Byte(n) => Some((*n).into()),
            _ => None,
        }
    }

    fn mistake(&mut self, verb: char, what: &str) -> Outcome {
        self.out.push_str("%!")?;
        self.out.push(verb)?;
        self.out.push_str(what)
    }

    fn surplus(&mut self) -> Outcome {
        if self.reordered || self.next >= self.arguments.len() {
            return Ok(());
        }
        self.flags = Flags::default();
        self.out.push_str("%!(EXTRA ")?;
        let arguments = self.arguments;
        for (i, argument) in arguments[self.next..].iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ")?;
            }
            self.type_and_value(argument, false)?;
        }
        self.out.push(')')
    }

    /// `string=a`, as messages about mistakes show an argument.
    fn type_and_value(&mut self, argument: &Argument<'_>, wrong_verb: bool) -> Outcome {
        self.out.push_str(argument.type_name())?;
        if matches!(argument, Argument::Nil) {
            return Ok(());
        }
        self.out.push('=')?;
        self.print(argument, 'v', wrong_verb)
    }

    /// `wrong_verb`: the argument is shown within the message about a verb that does not fit.
    fn print(&mut self, argument: &Argument<'_>, verb: char, wrong_verb: bool) -> Outcome {
        if verb == 'T' {
            return self.pad_truncated(argument.type_name());
        }
        match argument {
            Argument::Integer(n) | Argument::Int(n) => self.integer(*n, verb, argument),
            Argument::Byte(n) => self.integer((*n).into(), verb, argument),
            Argument::Boolean(value) if matches!(verb, 't' | 'v') => {
                self.pad(if *value { "true" } else { "false" })
            }
            Argument::Nil if verb == 'v' => self.pad("<nil>"),
            Argument::Boolean(_) | Argument::Nil => self.wrong_verb(verb, argument),
            Argument::List(..) | Argument::Map(_) => self.composite(argument, verb),
            Argument::Float(x) => self.float(*x, verb, argument),
            Argument::Text(text) | Argument::JsonNumber(text) => self.string(text, verb, argument),
            Argument::Big(n) if wrong_verb => self.big_as_struct(n),
            Argument::Big(_) if verb == 'w' => self.wrong_verb(verb, argument),
            // The address of the number in Go, which no two runs agree on.
            Argument::Big(_) if verb == 'p' => self.out.push_str("0x0"),
            Argument::Big(n) => self.big(n, verb),
        }
    }

    fn wrong_verb(&mut self, verb: char, argument: &Argument<'_>) -> Outcome {
        self.out.push_str("%!")?;
        self.out.push(verb)?;
        self.out.push('(')?;
        self.type_and_value(argument, true)?;
        self.out.push(')')
    }

    /// The beginning of a list or map, or all of what is neither.
    fn open<'v>(
        &mut self,
        argument: &Argument<'v>,
        verb: char,
    ) -> Result<Option<Open<'v>>, BuiltinError> {
        self.out.work(1)?;
        let (open, rest) = match argument {
            Argument::List(elements, nils) => ("[", Open::List(elements.iter(), *nils)),
            Argument::Map(object) => ("map[", Open::Map(object.iter())),
            // Within others it is not padded, and fits every verb.
            Argument::Nil => {
                self.out.push_str(if self.flags.sharp_v {
                    "interface {}(nil)"
                } else {
                    "<nil>"
                })?;
                return Ok(None);
            }
            other => {
                self.print(other, verb, false)?;
                return Ok(None);
            }
        };
        if self.flags.sharp_v {
            self.out.push_str(argument.type_name())?;
            self.out.push('{')?;
        } else {
            self.out.push_str(open)?;
        }
        Ok(Some(rest))
    }

    /// A list or map: the verb is that of the elements.
    fn composite(&mut self, argument: &Argument<'_>, verb: char) -> Outcome {
        let (separator, close) = if self.flags.sharp_v {
            (", ", "}")
        } else {
            (" ", "]")
        };
        let mut stack: Vec<_> = self
            .open(argument, verb)?
            .map(|open| (open, true))
            .into_iter()
            .collect();
        while let Some((open, first)) = stack.last_mut() {
            let next = match open {
                Open::List(elements, nils) => match elements.next() {
                    Some(value) => Some((None, Argument::element(*value))),
                    None if *nils > 0 => {
                        *nils -= 1;
                        Some((None, Argument::Nil))
                    }
                    None => None,
                },
                Open::Map(members) => members
                    .next()
                    .map(|(key, value)| (Some(key), Argument::element(value))),
            };
            let Some((key, value)) = next else {
                self.out.push_str(close)?;
                stack.pop();
                continue;
            };
            if !std::mem::take(first) {
                self.out.push_str(separator)?;
            }
            if let Some(key) = key {
                self.print(&Argument::element(key), verb, false)?;
                self.out.push(':')?;
            }
            if let Some(open) = self.open(&value, verb)? {
                stack.push((open, true));
            }
        }
        Ok(())
    }

    fn pad(&mut self, text: &str) -> Outcome {
        self.pad_with(text, self.flags.zero && !self.flags.minus)
    }

    fn pad_with(&mut self, text: &str, zeros: bool) -> Outcome {
        let Some(width) = self.flags.width.filter(|width| *width > 0) else {
            return self.out.push_str(text);
        };
        let missing = width.saturating_sub(text.chars().count());
        if self.flags.minus {
            self.out.push_str(text)?;
            self.out.repeat(' ', missing)
        } else {
            self.out.repeat(if zeros { '0' } else { ' ' }, missing)?;
            self.out.push_str(text)
        }
    }

    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        match self.flags.precision {
            Some(precision) => {
                let end = text
                    .char_indices()
                    .nth(precision)
                    .map_or(text.len(), |(at, _)| at);
                &text[..end]
            }
            None => text,
        }
    }

    fn pad_truncated(&mut self, text: &str) -> Outcome {
        self.pad(self.truncated(text))
    }

    fn integer(&mut self, n: i64, verb: char, argument: &Argument<'_>) -> Outcome {
        match verb {
            'v' | 'd' => self.digits(n < 0, n.unsigned_abs(), 10, verb),
            'b' => self.digits(n < 0, n.unsigned_abs(), 2, verb),
            'o' | 'O' => self.digits(n < 0, n.unsigned_abs(), 8, verb),
            'x' | 'X' => self.digits(n < 0, n.unsigned_abs(), 16, verb),
            'c' => {
                let mut bytes = [0; 4];
                self.pad(as_char(n).encode_utf8(&mut bytes))
            }
            'q' => {
                let mut quoted = String::new();
                push_quoted_char(&mut quoted, as_char(n), self.charset());
                self.pad(&quoted)
            }
            'U' => self.code_point(n),
            _ => self.wrong_verb(verb, argument),
        }
    }

    fn charset(&self) -> Charset {
        if self.flags.plus {
            Charset::Ascii
        } else {
            Charset::Unicode
        }
    }

    fn digits(&mut self, negative: bool, magnitude: u64, base: u32, verb: char) -> Outcome {
        let signed = negative || self.flags.plus || self.flags.space;
        let mut at_least = 0;
        if let Some(precision) = self.flags.precision {
            if precision == 0 && magnitude == 0 {
                return self.out.repeat(' ', self.flags.width.unwrap_or(0));
            }
            at_least = precision;
        } else if let Some(width) = self.flags.width
            && self.flags.zero
            && !self.flags.minus
        {
            at_least = if signed {
                width.saturating_sub(1)
            } else {
                width
            };
        }
        let digits = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        self.out.room(at_least)?;
        let zeros = at_least.saturating_sub(digits.len());
        let mut text = String::new();
        if negative {
            text.push('-');
        } else if self.flags.plus {
            text.push('+');
        } else if self.flags.space {
            text.push(' ');
        }
        if verb == 'O' {
            text.push_str("0o");
        }
        if self.flags.sharp {
            match base {
                2 => text.push_str("0b"),
                8 if zeros == 0 && !digits.starts_with('0') => text.push('0'),
                16 => text.push_str(if verb == 'X' { "0X" } else { "0x" }),
                _ => {}
            }
        }
        text.extend(std::iter::repeat_n('0', zeros));
        text.push_str(&digits);
        self.pad_with(&text, false)
    }

    fn code_point(&mut self, n: i64) -> Outcome {
        let digits = self.flags.precision.unwrap_or(0).max(4);
        self.out.room(digits)?;
        let mut text = format!("U+{n:0digits$X}");
        if self.flags.sharp
            && let Some(c) = u32::try_from(n).ok().and_then(char::from_u32)
            && is_printable(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with(&text, false)
    }

    fn string(&mut self, text: &str, verb: char, argument: &Argument<'_>) -> Outcome {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'q' => self.quoted(text),
            'v' | 's' => self.pad_truncated(text),
            'x' | 'X' => self.hexadecimal(text, verb),
            _ => self.wrong_verb(verb, argument),
        }
    }

    fn quoted(&mut self, text: &str) -> Outcome {
        let text = self.truncated(text);
        self.out.room(text.len())?;
        // Most characters stay as they are.
        let _memory = self.out.claim(text.len().saturating_mul(2))?;
        let mut quoted = String::new();
        if self.flags.sharp && can_backquote(text) {
            quoted = format!("`{text}`");
        } else {
            push_quoted(&mut quoted, text, self.charset());
        }
        self.pad(&quoted)
    }

    fn hexadecimal(&mut self, text: &str, verb: char) -> Outcome {
        let bytes = text.as_bytes();
        let bytes = &bytes[..bytes.len().min(self.flags.precision.unwrap_or(usize::MAX))];
        if bytes.is_empty() {
            let zeros = self.flags.zero && !self.flags.minus;
            return self
                .out
                .repeat(if zeros { '0' } else { ' ' }, self.flags.width.unwrap_or(0));
        }
        self.out.room(bytes.len().saturating_mul(5))?;
        let upper = verb == 'X';
        let prefix = if upper { "0X" } else { "0x" };
        let _memory = self.out.claim(bytes.len().saturating_mul(10))?;
        let mut encoded = String::new();
        for (i, byte) in bytes.iter().enumerate() {
            if i > 0 && self.flags.space {
                encoded.push(' ');
            }
            if self.flags.sharp && (i == 0 || self.flags.space) {
                encoded.push_str(prefix);
            }
            encoded.push_str(&if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            });
        }
        self.pad(&encoded)
    }

    fn float(&mut self, x: f64, verb: char, argument: &Argument<'_>) -> Outcome {
        let (form, precision) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.wrong_verb(verb, argument),
        };
        let precision = self.flags.precision.or(precision);
        self.out.room(precision.unwrap_or(0))?;
        let mut number = String::new();
        push_float(&mut number, x, form, precision);
        let mut sign = if number.starts_with('-') {
            number.remove(0);
            '-'
        } else {
            '+'
        };
        if self.flags.space && sign == '+' && !self.flags.plus {
            sign = ' ';
        }
        if self.flags.sharp && verb != 'b' {
            number = with_point(&number, form, precision);
        }
        if !self.flags.plus && sign == '+' {
            return self.pad(&number);
        }
        match self.flags.width {
            Some(width) if self.flags.zero && !self.flags.minus && width > number.len() + 1 => {
                self.out.push(sign)?;
                self.out.repeat('0', width - number.len() - 1)?;
                self.out.push_str(&number)
            }
            _ => {
                number.insert(0, sign);
                self.pad(&number)
            }
        }
    }

    /// `*big.Int` formats itself, with rules slightly its own.
    fn big(&mut self, n: &BigInt, verb: char) -> Outcome {
        let base = match verb {
            'b' => 2,
            'o' | 'O' => 8,
            'd' | 's' | 'v' => 10,
            'x' | 'X' => 16,
            _ => {
                self.out.push_str("%!")?;
                self.out.push(verb)?;
                self.out.push_str("(big.Int=")?;
                let decimal = self.out.big_digits(n, 10)?;
                self.out.push_str(&decimal)?;
                return self.out.push(')');
            }
        };
        let negative = n.sign() == Sign::Minus;
        let mut digits = self.out.big_digits(n, base)?;
        if negative {
            digits.remove(0);
        }
        if verb == 'X' {
            digits.make_ascii_uppercase();
        }
        let sign = match () {
            () if negative => "-",
            () if self.flags.plus || self.flags.plus_v => "+",
            () if self.flags.space => " ",
            () => "",
        };
        let prefix = match verb {
            'O' => "0o",
            _ if !(self.flags.sharp || self.flags.sharp_v) => "",
            'b' => "0b",
            'o' => "0",
            'x' => "0x",
            'X' => "0X",
            _ => "",
        };
        let mut zeros = match self.flags.precision {
            Some(0) if digits == "0" => return Ok(()),
            Some(precision) => precision.saturating_sub(digits.len()),
            None => 0,
        };
        let length = sign.len() + prefix.len() + zeros + digits.len();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(length);
        let (mut left, mut right) = (0, 0);
        if self.flags.minus {
            right = missing;
        } else if self.flags.zero && self.flags.precision.is_none() {
            zeros = missing;
        } else {
            left = missing;
        }
        self.out.repeat(' ', left)?;
        self.out.push_str(sign)?;
        self.out.push_str(prefix)?;
        self.out.repeat('0', zeros)?;
        self.out.push_str(&digits)?;
        self.out.repeat(' ', right)
    }

    /// In messages about wrong verbs Go shows the struct: sign and 64-bit words.
    fn big_as_struct(&mut self, n: &BigInt) -> Outcome {
        let named = self.flags.plus_v || self.flags.sharp_v;
        let (neg, abs) = if named { ("neg:", "abs:") } else { ("", "") };
        self.out.push_str(if self.flags.sharp_v {
            "&big.Int{"
        } else {
            "&{"
        })?;
        self.out.push_str(neg)?;
        self.pad(if n.sign() == Sign::Minus {
            "true"
        } else {
            "false"
        })?;
        self.out
            .push_str(if self.flags.sharp_v { ", " } else { " " })?;
        self.out.push_str(abs)?;
        self.out
            .push_str(if self.flags.sharp_v { "big.nat{" } else { "[" })?;
        for (i, word) in n.iter_u64_digits().enumerate() {
            if i > 0 {
                self.out
                    .push_str(if self.flags.sharp_v { ", " } else { " " })?;
            }
            if self.flags.sharp_v {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(false, word, 16, 'v')?;
                self.flags.sharp = sharp;
            } else {
                self.digits(false, word, 10, 'v')?;
            }
        }
        self.out
            .push_str(if self.flags.sharp_v { "}}" } else { "]}" })
    }
}

/// `#` on floats: always a point, and the trailing zeros that `%g` drops.
fn with_point(number: &str, form: char, precision: Option<usize>) -> String {
    let mut missing = match form {
        'g' | 'G' | 'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let tail_at = number
        .find(|c| matches!(c, 'p' | 'P') || (matches!(c, 'e' | 'E') && !matches!(form, 'x' | 'X')))
        .unwrap_or(number.len());
    let (body, tail) = number.split_at(tail_at);
    let mut significant = false;
    for c in body.chars().filter(|c| *c != '.') {
        significant |= c != '0';
        if significant {
            missing -= 1;
        }
    }
    let mut text = body.to_owned();
    if !body.contains('.') {
        if body == "0" {
            missing -= 1;
        }
        text.push('.');
    }
    text.extend(std::iter::repeat_n(
        '0',
        usize::try_from(missing).unwrap_or(0),
    ));
    text.push_str(tail);
    text
}

/// Leading digits: the number, if there are any, and how many bytes they take; None when the
/// number is too large.
fn parse_number(text: &str) -> Option<(Option<usize>, usize)> {
    let mut number = 0;
    let mut len = 0;
    for digit in text.bytes().take_while(u8::is_ascii_digit) {
        if number > LARGEST_NUMBER {
            return None;
        }
        number = number * 10 + usize::from(digit - b'0');
        len += 1;
    }
    Some(((len > 0).then_some(number), len))
}

fn as_char(n: i64) -> char {
    u32::try_from(n)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
