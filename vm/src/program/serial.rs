//! The file form of a program: magic, version, checksum, then the parts in a fixed order.
//!
//! Little endian; counts are 32 bits. A reader believes no count before it has seen as many bytes, so a short file cannot
//! ask for much memory. What is read is verified like everything else before it runs.

use std::fmt;

use regovm_core::value::number::is_json_number;
use regovm_core::{Constant, SourceMap, Span};

use super::{BuiltinUse, Function, FunctionKind, Parts, Program, Query};
use crate::bytecode::{ConstIndex, FunctionIndex, Instruction, VerifyError};

const MAGIC: &[u8; 8] = b"\x7fregovm\n";
/// Goes up when the instructions or their order change.
const VERSION: u32 = 3;
const HEADER: usize = 8 + 4 + 8;

/// Why a file is no program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The first bytes are not those of a program.
    NotAProgram,
    /// A version that this machine does not know.
    Version(u32),
    /// The checksum does not fit the bytes.
    Checksum,
    /// The bytes end too early, or mean nothing; with the offset.
    Malformed(usize, &'static str),
    /// The program would break the machine.
    Invalid(VerifyError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::NotAProgram => f.write_str("not a compiled regovm program"),
            LoadError::Version(version) => {
                write!(
                    f,
                    "compiled program of version {version}, this machine reads version {VERSION}"
                )
            }
            LoadError::Checksum => {
                f.write_str("compiled program is damaged: its checksum does not fit")
            }
            LoadError::Malformed(at, what) => {
                write!(f, "compiled program is damaged at byte {at}: {what}")
            }
            LoadError::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// FNV-1a over 8-byte words: finds accidents, not forgery, which the verifier is for.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3);
        hash ^= hash >> 29;
    }
    hash
}

impl Program {
    /// The file form.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.count(self.literals().len());
        for constant in self.literals() {
            out.constant(constant);
        }
        out.count(self.paths.len());
        for path in &self.paths {
            out.indices(path);
        }
        out.count(self.builtins.len());
        for builtin in &self.builtins {
            out.text(&builtin.name);
            out.u32(u32::from(builtin.arity));
            out.0.push(u8::from(builtin.variadic));
        }
        out.count(self.functions.len());
        for function in &self.functions {
            out.text(&function.name);
            out.0.push(u8::from(function.path.is_some()));
            out.indices(function.path.as_deref().unwrap_or_default());
            out.0.push(function.kind as u8);
            out.u32(function.params);
            out.u32(function.registers);
            out.u32(u32::from(function.iterators));
            out.u32(u32::from(function.builders));
            out.u32(u32::from(function.overlays));
            out.u32(function.code.start);
            out.u32(function.code.end);
            out.span(function.span);
        }
        out.count(self.queries.len());
        for query in &self.queries {
            out.u32(query.function.0);
            out.count(query.row.len());
            for name in &query.row {
                out.text(name);
            }
        }
        out.count(self.code.len());
        for instruction in &self.code {
            out.0.extend_from_slice(&instruction.encode());
        }
        out.count(self.spans.len());
        for (pc, span) in &self.spans {
            out.u32(*pc);
            out.span(*span);
        }
        out.count(self.sources.iter().count());
        for source in self.sources.iter() {
            out.text(&source.name);
            out.text(&source.text);
        }
        let body = out.0;
        let mut file = Vec::with_capacity(HEADER + body.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&checksum(&body).to_le_bytes());
        file.extend_from_slice(&body);
        file
    }

    /// Reads a file form and verifies it.
    pub fn load(file: &[u8]) -> Result<Program, LoadError> {
        if file.len() < HEADER || !file.starts_with(MAGIC) {
            return Err(LoadError::NotAProgram);
        }
        let mut header = Reader {
            bytes: file,
            at: MAGIC.len(),
        };
        let version = header.u32()?;
        if version != VERSION {
            return Err(LoadError::Version(version));
        }
        let expected = u64::from(header.u32()?) | u64::from(header.u32()?) << 32;
        if checksum(&file[HEADER..]) != expected {
            return Err(LoadError::Checksum);
        }
        let parts = header.parts()?;
        Program::new(parts).map_err(LoadError::Invalid)
    }

    /// Puts the right checksum on a file whose body was changed: for tests and fuzzers that look behind the checksum.
    #[doc(hidden)]
    pub fn seal(file: &mut [u8]) {
        if file.len() >= HEADER {
            let sum = checksum(&file[HEADER..]).to_le_bytes();
            file[12..20].copy_from_slice(&sum);
        }
    }
}

struct Writer(Vec<u8>);

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const NUMBER: u8 = 3;
const STRING: u8 = 4;
const ARRAY: u8 = 5;
const OBJECT: u8 = 6;
const SET: u8 = 7;
const END: u8 = 8;

impl Writer {
    fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        // The parts of a program are numbered with 32 bits when it is made.
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn span(&mut self, span: Span) {
        self.u32(span.start);
        self.u32(span.end);
    }

    fn indices(&mut self, indices: &[ConstIndex]) {
        self.count(indices.len());
        for index in indices {
            self.u32(index.0);
        }
    }

    /// Children come before what holds them, so that neither side needs recursion.
    fn constant(&mut self, constant: &Constant) {
        enum Step<'c> {
            Enter(&'c Constant),
            Leave(u8, usize),
        }
        let mut todo = vec![Step::Enter(constant)];
        while let Some(step) = todo.pop() {
            match step {
                Step::Leave(tag, count) => {
                    self.0.push(tag);
                    self.count(count);
                }
                Step::Enter(Constant::Null) => self.0.push(NULL),
                Step::Enter(Constant::Boolean(false)) => self.0.push(FALSE),
                Step::Enter(Constant::Boolean(true)) => self.0.push(TRUE),
                Step::Enter(Constant::Number(text)) => {
                    self.0.push(NUMBER);
                    self.text(text);
                }
                Step::Enter(Constant::String(text)) => {
                    self.0.push(STRING);
                    self.text(text);
                }
                Step::Enter(Constant::Array(items)) => {
                    todo.push(Step::Leave(ARRAY, items.len()));
                    todo.extend(items.iter().rev().map(Step::Enter));
                }
                Step::Enter(Constant::Set(items)) => {
                    todo.push(Step::Leave(SET, items.len()));
                    todo.extend(items.iter().rev().map(Step::Enter));
                }
                Step::Enter(Constant::Object(members)) => {
                    todo.push(Step::Leave(OBJECT, members.len()));
                    todo.extend(
                        members
                            .iter()
                            .rev()
                            .flat_map(|(k, v)| [Step::Enter(v), Step::Enter(k)]),
                    );
                }
            }
        }
        self.0.push(END);
    }
}

struct Reader<'f> {
    bytes: &'f [u8],
    at: usize,
}

impl<'f> Reader<'f> {
    fn wrong<T>(&self, what: &'static str) -> Result<T, LoadError> {
        Err(LoadError::Malformed(self.at, what))
    }

    fn take(&mut self, count: usize) -> Result<&'f [u8], LoadError> {
        match self
            .at
            .checked_add(count)
            .and_then(|end| self.bytes.get(self.at..end))
        {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => self.wrong("it ends too early"),
        }
    }

    fn u8(&mut self) -> Result<u8, LoadError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, LoadError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn u16(&mut self) -> Result<u16, LoadError> {
        let number = self.u32()?;
        u16::try_from(number).or_else(|_| self.wrong("a number is too large"))
    }

    /// A count of things that take at least `size` bytes each.
    fn count(&mut self, size: usize) -> Result<usize, LoadError> {
        let count = self.u32()? as usize;
        if count > (self.bytes.len() - self.at) / size {
            return self.wrong("a count is larger than the file");
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'f str, LoadError> {
        let count = self.count(1)?;
        let bytes = self.take(count)?;
        std::str::from_utf8(bytes).or_else(|_| self.wrong("a text is not UTF-8"))
    }

    fn span(&mut self) -> Result<Span, LoadError> {
        Ok(Span::new(self.u32()?, self.u32()?))
    }

    fn indices(&mut self) -> Result<Vec<ConstIndex>, LoadError> {
        let count = self.count(4)?;
        (0..count).map(|_| Ok(ConstIndex(self.u32()?))).collect()
    }

    fn constant(&mut self) -> Result<Constant, LoadError> {
        // Each with its depth.
        let mut stack: Vec<(Constant, u32)> = Vec::new();
        loop {
            let tag = self.u8()?;
            let constant = match tag {
                NULL => Constant::Null,
                FALSE => Constant::Boolean(false),
                TRUE => Constant::Boolean(true),
                NUMBER => {
                    let text = self.text()?;
                    if !is_json_number(text) {
                        return self.wrong("a number is none");
                    }
                    Constant::Number(text.into())
                }
                STRING => Constant::String(self.text()?.into()),
                ARRAY | SET | OBJECT => {
                    let count = self.u32()? as usize;
                    let values = if tag == OBJECT {
                        count.checked_mul(2)
                    } else {
                        Some(count)
                    };
                    let Some(first) = values.and_then(|values| stack.len().checked_sub(values))
                    else {
                        return self.wrong("a collection has more members than there are");
                    };
                    let depth = stack[first..]
                        .iter()
                        .map(|(_, depth)| *depth)
                        .max()
                        .unwrap_or(0)
                        + 1;
                    if depth > Constant::MAX_DEPTH {
                        return self.wrong("a constant nests too deep");
                    }
                    let items: Vec<Constant> =
                        stack.drain(first..).map(|(constant, _)| constant).collect();
                    let constant = match tag {
                        ARRAY => Constant::Array(items),
                        SET => Constant::Set(items),
                        _ => {
                            let mut members = Vec::with_capacity(count);
                            let mut items = items.into_iter();
                            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                                members.push((key, value));
                            }
                            Constant::Object(members)
                        }
                    };
                    stack.push((constant, depth));
                    continue;
                }
                END => {
                    return match stack.pop() {
                        Some((constant, _)) if stack.is_empty() => Ok(constant),
                        _ => self.wrong("a constant is incomplete"),
                    };
                }
                _ => return self.wrong("no such kind of constant"),
            };
            stack.push((constant, 0));
        }
    }

    fn parts(&mut self) -> Result<Parts, LoadError> {
        let mut parts = Parts::default();
        for _ in 0..self.count(2)? {
            parts.constants.push(self.constant()?);
        }
        for _ in 0..self.count(4)? {
            parts.paths.push(self.indices()?);
        }
        for _ in 0..self.count(9)? {
            let name = self.text()?.to_owned();
            let arity = self.u16()?;
            let variadic = self.flag()?;
            parts.builtins.push(BuiltinUse {
                name,
                arity,
                variadic,
            });
        }
        for _ in 0..self.count(46)? {
            let function = self.function()?;
            parts.functions.push(function);
        }
        for _ in 0..self.count(8)? {
            let function = FunctionIndex(self.u32()?);
            let columns = self.count(4)?;
            let row = (0..columns)
                .map(|_| Ok(self.text()?.to_owned()))
                .collect::<Result<_, LoadError>>()?;
            parts.queries.push(Query { function, row });
        }
        for _ in 0..self.count(8)? {
            let bytes = self.take(8)?;
            let mut word = [0; 8];
            word.copy_from_slice(bytes);
            match Instruction::decode(word) {
                Some(instruction) => parts.code.push(instruction),
                None => return self.wrong("no such instruction"),
            }
        }
        for _ in 0..self.count(12)? {
            let pc = self.u32()?;
            let span = self.span()?;
            parts.spans.push((pc, span));
        }
        let mut sources = SourceMap::new();
        for _ in 0..self.count(8)? {
            let name = self.text()?;
            let text = self.text()?;
            if sources.add(name, text).is_err() {
                return self.wrong("the source texts are too large");
            }
        }
        parts.sources = sources;
        if self.at != self.bytes.len() {
            return self.wrong("something follows the program");
        }
        Ok(parts)
    }

    fn flag(&mut self) -> Result<bool, LoadError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => self.wrong("a flag is neither 0 nor 1"),
        }
    }

    fn optional_path(&mut self) -> Result<Option<Vec<ConstIndex>>, LoadError> {
        let some = self.flag()?;
        let path = self.indices()?;
        match (some, path.is_empty()) {
            (true, _) => Ok(Some(path)),
            (false, true) => Ok(None),
            (false, false) => self.wrong("a path that is none"),
        }
    }

    fn function(&mut self) -> Result<Function, LoadError> {
        Ok(Function {
            name: self.text()?.to_owned(),
            path: self.optional_path()?,
            kind: match self.u8()? {
                0 => FunctionKind::Rule,
                1 => FunctionKind::Function,
                2 => FunctionKind::Query,
                _ => return self.wrong("no such kind of function"),
            },
            params: self.u32()?,
            registers: self.u32()?,
            iterators: self.u16()?,
            builders: self.u16()?,
            overlays: self.u16()?,
            code: self.u32()?..self.u32()?,
            span: self.span()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Program {
        let mut sources = SourceMap::new();
        sources.add("p.rego", "package p\n").unwrap();
        let nested = Constant::Object(vec![
            (
                Constant::from("b"),
                Constant::Set(vec![Constant::Null, Constant::Boolean(true)]),
            ),
            (Constant::Number("1.50".into()), Constant::Array(vec![])),
        ]);
        Program::new(Parts {
            code: vec![Instruction::ReturnUndefined {}],
            functions: vec![Function {
                name: "query".into(),
                path: Some(vec![ConstIndex(0)]),
                kind: FunctionKind::Query,
                params: 0,
                registers: 3,
                iterators: 1,
                builders: 2,
                overlays: 3,
                code: 0..1,
                span: Span::new(1, 4),
            }],
            constants: vec![Constant::from("a"), nested],
            paths: vec![vec![], vec![ConstIndex(0), ConstIndex(1)]],
            builtins: vec![BuiltinUse {
                name: "count".into(),
                arity: 1,
                variadic: false,
            }],
            queries: vec![Query {
                function: FunctionIndex(0),
                row: vec!["x".into()],
            }],
            sources,
            spans: vec![(0, Span::new(1, 3))],
            ..Parts::default()
        })
        .unwrap()
    }

    #[test]
    fn saving_loading_saving_is_identical() {
        let first = example().save();
        let loaded = Program::load(&first).unwrap();
        assert_eq!(loaded.save(), first);
        assert_eq!(loaded.literals(), example().literals());
        assert_eq!(loaded.functions, example().functions);
    }

    #[test]
    fn damage_is_found() {
        let file = example().save();
        assert_eq!(Program::load(b"").unwrap_err(), LoadError::NotAProgram);
        assert_eq!(
            Program::load(&file[..10]).unwrap_err(),
            LoadError::NotAProgram
        );
        let mut other = file.clone();
        other[8] = 9;
        assert_eq!(Program::load(&other).unwrap_err(), LoadError::Version(9));
        for at in 20..file.len() {
            let mut other = file.clone();
            other[at] ^= 1;
            assert_eq!(
                Program::load(&other).unwrap_err(),
                LoadError::Checksum,
                "byte {at}"
            );
        }
        for end in 20..file.len() {
            let mut short = file[..end].to_vec();
            Program::seal(&mut short);
            assert!(
                matches!(Program::load(&short), Err(LoadError::Malformed(..))),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn counts_are_not_believed() {
        let mut file = example().save();
        file[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        Program::seal(&mut file);
        assert!(matches!(
            Program::load(&file),
            Err(LoadError::Malformed(_, "a count is larger than the file"))
        ));
    }
}
