//! Static types of Rego values: the data, OPA's notation for messages, and the notation in which
//! the signatures of built-ins are written.

use std::fmt;

use crate::Constant;

/// A static type.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Type {
    /// `null`
    Null,
    /// `true` and `false`
    Boolean,
    /// Numbers.
    Number,
    /// Strings.
    String,
    /// Arrays: known positions, then any number of elements of `rest`.
    Array {
        /// Types of the first elements.
        fixed: Vec<Type>,
        /// Type of the others, if there can be others.
        rest: Option<Box<Type>>,
    },
    /// Objects: known keys, and members of the pair of types `rest`.
    Object {
        /// Known keys, sorted, and the types of their values.
        fixed: Vec<(Constant, Type)>,
        /// Types of other keys and their values, if there can be others.
        rest: Option<Box<(Type, Type)>>,
    },
    /// Sets of elements of a type.
    Set(Box<Type>),
    /// A union, sorted; empty means any value.
    Any(Vec<Type>),
    /// A function.
    Function(Box<FunctionType>),
}

/// The type of a function or built-in.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FunctionType {
    /// Types of the parameters.
    pub params: Vec<Type>,
    /// Their names, where the signature has names; else empty strings.
    pub names: Vec<String>,
    /// Type of any further arguments.
    pub variadic: Option<Type>,
    /// Type of the result; `None` if there is none (`print`).
    pub result: Option<Type>,
    /// Its name, where the signature has one; else an empty string.
    pub result_name: String,
}

impl Type {
    /// Any value.
    pub const ANY: Type = Type::Any(Vec::new());

    /// An array of elements of one type.
    pub fn array_of(element: Type) -> Type {
        Type::Array {
            fixed: Vec::new(),
            rest: Some(Box::new(element)),
        }
    }

    /// A set of elements of one type.
    pub fn set_of(element: Type) -> Type {
        Type::Set(Box::new(element))
    }

    /// An object whose keys and values have one type each.
    pub fn object_of(key: Type, value: Type) -> Type {
        Type::Object {
            fixed: Vec::new(),
            rest: Some(Box::new((key, value))),
        }
    }

    /// Parses the notation of signatures: `null bool num str any`, `[T]`, `[T1,T2]`, `[T,]`,
    /// `{T}`, `obj<k=>v>`, `obj<"name":T, any=>any>`, `A|B`, `any<T>` for a union of one; and `(x: T, U...) -> y: R` for
    /// functions, with `-` for no result.
    pub fn parse(notation: &str) -> Result<Type, SignatureError> {
        let mut parser = Parser {
            text: notation,
            at: 0,
            depth: 0,
        };
        let parsed = if parser.peek() == Some('(') {
            parser.function()?
        } else {
            parser.union()?
        };
        match parser.peek() {
            None => Ok(parsed),
            Some(_) => parser.fail("end of the signature"),
        }
    }

    /// Position among the kinds of types, for the order of unions.
    fn rank(&self) -> u8 {
        match self {
            Type::Null => 0,
            Type::Boolean => 1,
            Type::Number => 2,
            Type::String => 3,
            Type::Array { .. } => 4,
            Type::Object { .. } => 5,
            Type::Set(_) => 6,
            Type::Any(_) => 7,
            Type::Function(_) => 8,
        }
    }

    /// OPA's order of types, which is the order of the members of a union.
    pub fn compare(&self, other: &Type) -> std::cmp::Ordering {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let lists = |a: &[Type], b: &[Type]| {
            let differing = a
                .iter()
                .zip(b)
                .map(|(a, b)| a.compare(b))
                .find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        };
        match (self, other) {
            (Type::Array { fixed: a, rest: x }, Type::Array { fixed: b, rest: y }) => {
                let rest = match (x, y) {
                    (Some(x), Some(y)) => x.compare(y),
                    (Some(_), None) => Greater,
                    (None, Some(_)) => Less,
                    (None, None) => Equal,
                };
                rest.then_with(|| lists(a, b))
            }
            (Type::Object { fixed: a, rest: x }, Type::Object { fixed: b, rest: y }) => {
                let rest = match (x, y) {
                    (Some(x), Some(y)) => x.0.compare(&y.0).then_with(|| x.1.compare(&y.1)),
                    (Some(_), None) => Greater,
                    (None, Some(_)) => Less,
                    (None, None) => Equal,
                };
                let members = || {
                    let differing = a
                        .iter()
                        .zip(b)
                        .map(|((k, v), (l, w))| k.cmp(l).then_with(|| v.compare(w)))
                        .find(|order| order.is_ne());
                    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
                };
                rest.then_with(members)
            }
            (Type::Set(a), Type::Set(b)) => a.compare(b),
            (Type::Any(a), Type::Any(b)) => lists(a, b),
            (Type::Function(a), Type::Function(b)) => a
                .params
                .len()
                .cmp(&b.params.len())
                .then_with(|| lists(&a.params, &b.params))
                .then_with(|| lists(a.result.as_slice(), b.result.as_slice()))
                .then_with(|| lists(a.variadic.as_slice(), b.variadic.as_slice())),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// OPA's notation: `array<string>[number]`, `object<a: string>[any: any]`, `any<number, string>`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Null => f.write_str("null"),
            Type::Boolean => f.write_str("boolean"),
            Type::Number => f.write_str("number"),
            Type::String => f.write_str("string"),
            Type::Array { fixed, rest } => {
                f.write_str("array")?;
                list(f, "<", fixed, ">")?;
                rest.as_ref().map_or(Ok(()), |rest| write!(f, "[{rest}]"))
            }
            Type::Object { fixed, rest } => {
                f.write_str("object")?;
                for (i, (key, value)) in fixed.iter().enumerate() {
                    f.write_str(if i == 0 { "<" } else { ", " })?;
                    key_text(f, key)?;
                    write!(f, ": {value}")?;
                }
                if !fixed.is_empty() {
                    f.write_str(">")?;
                }
                rest.as_ref()
                    .map_or(Ok(()), |rest| write!(f, "[{}: {}]", rest.0, rest.1))
            }
            Type::Set(of) => write!(f, "set[{of}]"),
            Type::Any(of) => {
                f.write_str("any")?;
                list(f, "<", of, ">")
            }
            Type::Function(function) => function.fmt(f),
        }
    }
}

impl fmt::Display for FunctionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{param}", if i == 0 { "" } else { ", " })?;
        }
        if let Some(variadic) = &self.variadic {
            write!(
                f,
                "{}{variadic}...",
                if self.params.is_empty() { "" } else { ", " }
            )?;
        }
        f.write_str(") => ")?;
        match &self.result {
            Some(result) => result.fmt(f),
            None => f.write_str("???"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, open: &str, types: &[Type], close: &str) -> fmt::Result {
    for (i, of) in types.iter().enumerate() {
        write!(f, "{}{of}", if i == 0 { open } else { ", " })?;
    }
    f.write_str(if types.is_empty() { "" } else { close })
}

/// A key as Go prints the native value: strings bare.
fn key_text(f: &mut fmt::Formatter<'_>, key: &Constant) -> fmt::Result {
    match key {
        Constant::Null => f.write_str("<nil>"),
        Constant::Boolean(truth) => write!(f, "{truth}"),
        Constant::Number(text) | Constant::String(text) => f.write_str(text),
        Constant::Array(elements) | Constant::Set(elements) => {
            f.write_str("[")?;
            for (i, element) in elements.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { " " })?;
                key_text(f, element)?;
            }
            f.write_str("]")
        }
        Constant::Object(members) => {
            f.write_str("map[")?;
            for (i, (key, value)) in members.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { " " })?;
                key_text(f, key)?;
                f.write_str(":")?;
                key_text(f, value)?;
            }
            f.write_str("]")
        }
    }
}

/// A signature that does not follow the notation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignatureError {
    /// Byte offset in the signature.
    pub offset: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected {} at byte {} of the signature",
            self.expected, self.offset
        )
    }
}

impl std::error::Error for SignatureError {}

/// Types in signatures nest no deeper than this.
const MAX_DEPTH: usize = 64;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn fail<T>(&self, expected: &str) -> Result<T, SignatureError> {
        Err(SignatureError {
            offset: self.at,
            expected: expected.to_string(),
        })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), SignatureError> {
        if self.take(token) {
            Ok(())
        } else {
            self.fail(token)
        }
    }

    /// `name:`, which is skipped only if the colon is there.
    fn label(&mut self) -> Option<String> {
        let quoted = self.peek() == Some('"');
        let start = self.at;
        let rest = self.rest();
        let (name, len) = if quoted {
            let end = rest[1..].find('"')?;
            (&rest[1..=end], end + 2)
        } else {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (&rest[..end], end)
        };
        self.at += len;
        if !name.is_empty() && self.take(":") {
            return Some(name.to_string());
        }
        self.at = start;
        None
    }

    fn function(&mut self) -> Result<Type, SignatureError> {
        let mut function = FunctionType {
            params: vec![],
            names: vec![],
            variadic: None,
            result: None,
            result_name: String::new(),
        };
        self.expect("(")?;
        while !self.take(")") {
            if !function.params.is_empty() {
                self.expect(",")?;
            }
            let name = self.label().unwrap_or_default();
            let param = self.union()?;
            if self.take("...") {
                function.variadic = Some(param);
                self.expect(")")?;
                break;
            }
            function.params.push(param);
            function.names.push(name);
        }
        self.expect("->")?;
        if !self.take("-") {
            function.result_name = self.label().unwrap_or_default();
            function.result = Some(self.union()?);
        }
        Ok(Type::Function(Box::new(function)))
    }

    fn union(&mut self) -> Result<Type, SignatureError> {
        let first = self.single()?;
        if self.peek() != Some('|') {
            return Ok(first);
        }
        let mut members = vec![first];
        while self.take("|") {
            members.push(self.single()?);
        }
        members.sort_by(Type::compare);
        members.dedup();
        Ok(Type::Any(members))
    }

    fn single(&mut self) -> Result<Type, SignatureError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("a type that nests less deep");
        }
        let parsed = self.unchecked()?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn unchecked(&mut self) -> Result<Type, SignatureError> {
        if self.take("[") {
            let mut fixed = Vec::new();
            let mut commas = false;
            while !self.take("]") {
                if !fixed.is_empty() && !commas {
                    return self.fail(", or ]");
                }
                fixed.push(self.union()?);
                commas = self.take(",");
            }
            return Ok(match <[Type; 1]>::try_from(fixed) {
                Ok([element]) if !commas => Type::array_of(element),
                Ok(fixed) => Type::Array {
                    fixed: fixed.into(),
                    rest: None,
                },
                Err(fixed) => Type::Array { fixed, rest: None },
            });
        }
        if self.take("{") {
            let element = self.union()?;
            self.expect("}")?;
            return Ok(Type::set_of(element));
        }
        if self.take("obj<") {
            return self.object();
        }
        if self.take("any<") {
            let of = self.union()?;
            self.expect(">")?;
            return Ok(match of {
                Type::Any(_) => of,
                one => Type::Any(vec![one]),
            });
        }
        for (word, named) in [
            ("null", Type::Null),
            ("bool", Type::Boolean),
            ("num", Type::Number),
            ("str", Type::String),
            ("any", Type::ANY),
        ] {
            if self.take(word) {
                return Ok(named);
            }
        }
        self.fail("a type")
    }

    fn object(&mut self) -> Result<Type, SignatureError> {
        let mut fixed = Vec::new();
        let mut rest = None;
        while !self.take(">") {
            if !fixed.is_empty() {
                self.expect(",")?;
            }
            if let Some(name) = self.label() {
                fixed.push((Constant::from(name.as_str()), self.union()?));
            } else {
                let key = self.union()?;
                self.expect("=>")?;
                rest = Some(Box::new((key, self.union()?)));
                self.expect(">")?;
                break;
            }
        }
        fixed.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Type::Object { fixed, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_print_in_the_notation_of_opa() {
        for (notation, text) in [
            ("(num, num) -> num", "(number, number) => number"),
            (
                "(x: num|{any}, y: {any}|num) -> num|{any}",
                "(any<number, set[any]>, any<number, set[any]>) => any<number, set[any]>",
            ),
            ("(any...) -> -", "(any...) => ???"),
            ("(any) -> [[any],any]", "(any) => array<array[any], any>"),
            ("[str,]", "array<string>"),
            ("[]", "array"),
            ("() -> obj<str=>any>", "() => object[string: any]"),
            (
                "(obj<pretty:bool, \"indent\":str, str=>any>) -> str",
                "(object<indent: string, pretty: boolean>[string: any]) => string",
            ),
            (
                "str|[str|[any]]|obj<str=>str|[any]>|{str|[any]}|null",
                "any<null, string, array[any<string, array[any]>], \
                 object[string: any<string, array[any]>], set[any<string, array[any]>]>",
            ),
        ] {
            assert_eq!(
                Type::parse(notation).map(|t| t.to_string()),
                Ok(text.to_string())
            );
        }
    }

    #[test]
    fn names_of_parameters_and_results_are_kept() {
        let Ok(Type::Function(function)) = Type::parse("(start: num, num) -> range: [num]") else {
            panic!("not a function")
        };
        assert_eq!(function.names, ["start", ""]);
        assert_eq!(function.result_name, "range");
    }

    #[test]
    fn wrong_signatures_say_where() {
        for (notation, offset) in [
            ("", 0),
            ("(num", 4),
            ("[num str]", 5),
            ("obj<x>", 4),
            ("num num", 4),
            ("{num", 4),
        ] {
            let error = Type::parse(notation).expect_err(notation);
            assert_eq!(error.offset, offset, "{notation}: {error}");
        }
        assert!(Type::parse(&"[".repeat(100_000)).is_err());
    }
}
