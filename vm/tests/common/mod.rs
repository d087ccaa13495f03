//! A small assembler for tests, and the built-ins that its programs call.
//!
//! ```text
//! const "a", 1, [1, 2]          constants k0, k1, ...: JSON
//! path k0 k1                    path0, ...
//! use count 1                   builtin0, ... with their arity
//! rule data.p registers=3 ...   a function; its code follows
//!   Get r0 k1 r2 else fail      operands in their order; `else label`; `[r0, k1]` a list
//! fail:
//!   ReturnUndefined
//! query x y                     a query function with its columns
//! ```

#![allow(dead_code)]

use std::collections::HashMap;

use regovm_core::builtin::{Builtin, BuiltinDecl, BuiltinError, Call, Purity, Table};
use regovm_core::host::NoHost;
use regovm_core::value::{Arena, Value, View};
use regovm_core::{Constant, SourceMap, Span, json};
use regovm_vm::bytecode::{ConstIndex, FunctionIndex, Instruction, Opcode, Source};
use regovm_vm::observe::{Moment, Point, Site, SiteKind};
use regovm_vm::program::{BuiltinUse, Function, FunctionKind, Query};
use regovm_vm::{EvalError, Options, Parts, Program, Session, Target, link};

/// Assembles a program and has it verified.
pub fn program(text: &str) -> Program {
    match Program::new(parts(text)) {
        Ok(program) => program,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Assembles a program that need not be valid.
pub fn parts(text: &str) -> Parts {
    let mut parts = Parts::default();
    let mut sources = SourceMap::new();
    let id = sources.add("test.rvm", text).unwrap();
    let base = sources.get(id).base;
    let mut labels = HashMap::new();
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    let mut offset = base;
    for line in text.lines() {
        let span = Span::new(offset, offset + line.len() as u32);
        offset += line.len() as u32 + 1;
        let line = line.split(" ;").next().unwrap().trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "const" => parts.constants.extend(constants(rest)),
            "path" => parts.paths.push(
                rest.split_whitespace()
                    .map(|key| ConstIndex(number(key, "k")))
                    .collect(),
            ),
            "use" => {
                let (name, arity) = rest.split_once(' ').unwrap();
                parts.builtins.push(BuiltinUse {
                    name: name.into(),
                    arity: arity.parse().unwrap(),
                    variadic: false,
                });
            }
            "point" | "enter" | "leave" => {
                let variables = rest.split_whitespace().enumerate();
                let variables = variables.map(|(at, word)| (at as u32, Source(source(word))));
                parts.observed.points.push(Point {
                    moment: match word {
                        "enter" => Moment::Enter,
                        "leave" => Moment::Leave,
                        _ => Moment::Eval,
                    },
                    site: 0,
                    variables: variables.collect(),
                });
                parts.observed.names = vec!["x".into(), "y".into()];
                parts.observed.sites = vec![Site {
                    kind: SiteKind::Expression,
                    span,
                    whole: span,
                    index: 0,
                    text: "x".into(),
                    silent: false,
                    references: Vec::new(),
                    reads: Vec::new(),
                    result: None,
                    tree: Constant::Null,
                    inner: Vec::new(),
                    path: Constant::Null,
                    variables: Vec::new(),
                }];
            }
            "rule" | "function" | "query" => {
                if word == "query" {
                    let row = rest
                        .split_whitespace()
                        .filter(|word| !word.contains('='))
                        .map(Into::into)
                        .collect();
                    parts.queries.push(Query {
                        function: FunctionIndex(parts.functions.len() as u32),
                        row,
                    });
                }
                start_function(&mut parts, word, rest, span);
            }
            _ if line.ends_with(':') => {
                labels.insert(
                    line.trim_end_matches(':').to_owned(),
                    parts.code.len() as u32,
                );
            }
            _ => {
                parts.spans.push((parts.code.len() as u32, span));
                instruction(&mut parts, &mut open, word, rest);
                let end = parts.code.len() as u32;
                parts.functions.last_mut().unwrap().code.end = end;
            }
        }
    }
    for (at, byte, label) in open {
        let mut word = parts.code[at].encode();
        word[byte..byte + 4].copy_from_slice(&labels[&label].to_le_bytes());
        parts.code[at] = Instruction::decode(word).unwrap();
    }
    parts.sources = sources;
    parts
}

fn constants(text: &str) -> Vec<Constant> {
    let arena = Arena::new();
    let list = format!("[{text}]");
    let list = json::read(list.as_bytes(), &arena, Default::default()).expect("constants are JSON");
    list.as_array()
        .unwrap()
        .iter()
        .map(regovm_core::value::to_constant)
        .collect()
}

fn start_function(parts: &mut Parts, word: &str, rest: &str, span: Span) {
    let setting = |name: &str, default: u32| {
        rest.split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .map_or(default, |value| value.parse().unwrap())
    };
    let path = rest
        .split_whitespace()
        .find_map(|word| word.strip_prefix("path="))
        .map(|keys| {
            keys.split(',')
                .map(|key| ConstIndex(number(key, "k")))
                .collect()
        });
    let start = parts.code.len() as u32;
    parts.functions.push(Function {
        name: rest.split_whitespace().next().unwrap_or("").to_owned(),
        path,
        kind: match word {
            "rule" => FunctionKind::Rule,
            "function" => FunctionKind::Function,
            _ => FunctionKind::Query,
        },
        params: setting("params", 0),
        registers: setting("registers", 8),
        iterators: setting("iterators", 2) as u16,
        builders: setting("builders", 2) as u16,
        overlays: setting("overlays", 2) as u16,
        code: start..start,
        span,
    });
}

fn number(text: &str, prefix: &str) -> u32 {
    text.strip_prefix(prefix)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("{text} is no {prefix}"))
}

fn instruction(parts: &mut Parts, open: &mut Vec<(usize, usize, String)>, name: &str, rest: &str) {
    let opcode = *Opcode::ALL
        .iter()
        .find(|opcode| opcode.name() == name)
        .unwrap_or_else(|| panic!("no {name}"));
    let (rest, list) = match rest.split_once('[') {
        Some((before, list)) => {
            let (list, after) = list.split_once(']').unwrap();
            let items = list
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            (format!("{before} {after}"), items.map(source).collect())
        }
        None => (rest.to_owned(), Vec::new()),
    };
    let (rest, label) = match rest.split_once("else ") {
        Some((before, label)) => (before.to_owned(), Some(label.trim().to_owned())),
        None => (rest, None),
    };
    let mut words = rest.split_whitespace();
    let mut word = [opcode as u8, 0, 0, 0, 0, 0, 0, 0];
    let mut place = 2;
    for (field, kind) in opcode.operands() {
        let wide = !matches!(
            *kind,
            "Reg"
                | "Source"
                | "OptReg"
                | "IterSlot"
                | "IndexSlot"
                | "BuilderSlot"
                | "OverlaySlot"
                | "BuiltinIndex"
                | "ShortLen"
                | "ShortPath"
                | "ConflictKind"
        );
        let bits = if *field == "count" && opcode.flags().list {
            list.len() as u32
        } else {
            operand(kind, words.next().expect(field), open, parts.code.len())
        };
        if wide {
            word[4..8].copy_from_slice(&bits.to_le_bytes());
        } else {
            word[place..place + 2].copy_from_slice(&(bits as u16).to_le_bytes());
            place += 2;
        }
    }
    assert_eq!(words.next(), None, "too many operands for {name}");
    parts.code.push(Instruction::decode(word).unwrap());
    if opcode.flags().branch {
        let count = if opcode.flags().list {
            list.len() as u16
        } else {
            0
        };
        open.push((
            parts.code.len(),
            4,
            label.unwrap_or_else(|| panic!("{name} needs an else")),
        ));
        let mut word = [Opcode::Else as u8, 0, 0, 0, 0, 0, 0, 0];
        word[2..4].copy_from_slice(&count.to_le_bytes());
        parts.code.push(Instruction::decode(word).unwrap());
    }
    for part in list.chunks(3) {
        let mut word = [Opcode::Items as u8, 0, 0, 0, 0, 0, 0, 0];
        for (at, source) in part.iter().enumerate() {
            word[2 + 2 * at..4 + 2 * at].copy_from_slice(&source.to_le_bytes());
        }
        parts.code.push(Instruction::decode(word).unwrap());
    }
}

fn source(text: &str) -> u16 {
    match text.strip_prefix('k') {
        Some(digits) => digits.parse::<u16>().unwrap() | 0x8000,
        None => number(text, "r") as u16,
    }
}

fn operand(kind: &str, text: &str, open: &mut Vec<(usize, usize, String)>, at: usize) -> u32 {
    match kind {
        "Reg" => number(text, "r"),
        "Source" => u32::from(source(text)),
        "OptReg" if text == "_" => 0xffff,
        "OptReg" => number(text, "r"),
        "IterSlot" => number(text, "iter"),
        "BuilderSlot" => number(text, "build"),
        "OverlaySlot" => number(text, "overlay"),
        "ConstIndex" => number(text, "k"),
        "PathIndex" | "ShortPath" => number(text, "path"),
        "IndexSlot" => number(text, "index"),
        "BuiltinIndex" => number(text, "builtin"),
        "FunctionIndex" => number(text, "f"),
        "PointIndex" => number(text, "point"),
        "CalleeIndex" if text.starts_with('b') => number(text, "builtin") | 1 << 31,
        "CalleeIndex" => number(text, "f"),
        "Number" | "ListLen" => text.parse().unwrap(),
        "ConflictKind" => ["rule", "function"]
            .iter()
            .position(|kind| *kind == text)
            .unwrap() as u32,
        "Jump" => {
            open.push((at, 4, text.to_owned()));
            0
        }
        _ => panic!("operand kind {kind}"),
    }
}

fn count<'a>(
    call: &mut Call<'a, '_>,
    args: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    match args[0].collection_len() {
        Some(len) => {
            call.charge(len as u64)?;
            Ok(Some(call.arena.integer(len as i64)))
        }
        None => Err(BuiltinError::operand_type(
            1,
            &["array", "object", "set"],
            args[0],
        )),
    }
}

fn plus<'a>(
    call: &mut Call<'a, '_>,
    args: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    match (args[0].view(), args[1].view()) {
        (View::Integer(a), View::Integer(b)) => Ok(Some(call.arena.integer(a.wrapping_add(b)))),
        _ => Err(BuiltinError::value("no sum")),
    }
}

/// An array with one more `null` than the argument: grows as long as somebody feeds it.
fn push<'a>(
    call: &mut Call<'a, '_>,
    args: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    let Some(array) = args[0].as_array() else {
        return Ok(None);
    };
    call.reserve(8 * (array.len() + 1))?;
    Ok(Some(
        call.arena.array_from(array.iter().chain([Value::NULL])),
    ))
}

/// Something else each time that it really runs.
fn tick<'a>(call: &mut Call<'a, '_>, _: &[Value<'a>]) -> Result<Option<Value<'a>>, BuiltinError> {
    let ticks = call.cache::<i64>();
    *ticks += 1;
    let now = *ticks;
    Ok(Some(call.arena.integer(now)))
}

const fn decl(name: &'static str, signature: &'static str) -> BuiltinDecl<'static> {
    BuiltinDecl {
        name,
        signature,
        ..BuiltinDecl::DEFAULT
    }
}

const BUILTINS: &[Builtin] = &[
    Builtin {
        decl: decl("count", "(x: any) -> num"),
        body: count,
    },
    Builtin {
        decl: decl("plus", "(x: num, y: num) -> num"),
        body: plus,
    },
    Builtin {
        decl: decl("push", "(x: any) -> any"),
        body: push,
    },
    Builtin {
        decl: BuiltinDecl {
            purity: Purity::Nondeterministic,
            ..decl("tick", "(x: any) -> num")
        },
        body: tick,
    },
];

/// The built-ins of tests.
pub fn table() -> Table {
    Table::new(&[BUILTINS])
}

/// Runs the first query; rows as Rego text, and the steps.
pub fn try_run(
    program: &Program,
    input: &str,
    data: &str,
    options: &Options,
    memory: usize,
) -> Result<(Vec<String>, u64), EvalError> {
    let linked = link(program, &table()).expect("all built-ins exist");
    let base = Arena::new();
    let data = json::read(data.as_bytes(), &base, Default::default()).unwrap();
    let arena = Arena::with_limit(memory);
    let input = (!input.is_empty())
        .then(|| json::read(input.as_bytes(), &arena, Default::default()).unwrap());
    let target = Target {
        program,
        linked: &linked,
        data: Some(data),
        shown: None,
    };
    let answer = Session::new().run(target, 0, &arena, input, options, &mut NoHost)?;
    let rows = answer
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect();
    Ok((rows, answer.steps))
}

/// As [`try_run`] without limits.
pub fn run(program: &Program, input: &str, data: &str) -> Result<Vec<String>, EvalError> {
    try_run(program, input, data, &Options::default(), usize::MAX).map(|(rows, _)| rows)
}
