//! `rego.parse_module`: the one built-in that needs the parser, which the crate of the others does not know.

use regovm_core::SourceMap;
use regovm_core::builtin::{Builtin, BuiltinDecl, BuiltinError, Call, Cost, Example};
use regovm_core::value::Value;
use regovm_parser::{EMPTY_MODULE, ParseOptions};

use crate::report::{Failure, Stage};

/// Work that a byte of text costs: lexing, parsing and the tree.
const UNITS_PER_BYTE: u64 = 16;

pub(crate) const BUILTIN: Builtin = Builtin {
    decl: BuiltinDecl {
        name: "rego.parse_module",
        signature: "(filename: str, rego: str) -> output: obj<str=>any>",
        doc: "The syntax tree of a module of Rego v1, as OPA writes it in JSON.",
        cost: Cost::Linear("bytes"),
        examples: &[Example {
            call: r#"rego.parse_module("p.rego", "package p")"#,
            result: r#"{"package": {"path": [{"type": "var", "value": "data"}, {"type": "string", "value": "p"}]}}"#,
        }],
        categories: &["rego"],
        ..BuiltinDecl::DEFAULT
    },
    body: parse_module,
};

fn parse_module<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    let text = |position: usize| {
        let value = arguments.get(position - 1).copied().unwrap_or(Value::NULL);
        value
            .as_str()
            .ok_or_else(|| BuiltinError::operand_type(position, &["string"], value))
    };
    let (name, module) = (text(1)?, text(2)?);
    cx.charge(UNITS_PER_BYTE * module.len() as u64 + 1)?;
    cx.reserve(module.len())?;
    let mut sources = SourceMap::new();
    let id = sources
        .add(name, module)
        .map_err(|error| BuiltinError::value(error.to_string()))?;
    let options = ParseOptions {
        is_builtin: Some(crate::is_builtin),
        ..ParseOptions::default()
    };
    match regovm_parser::parse_module(&sources, id, &options) {
        Ok(module) => {
            let tree = regovm_parser::json::module(module, &sources);
            Ok(Some(cx.arena.constant(&tree)))
        }
        Err(errors) => {
            let is_list = errors.iter().all(|error| error.message != EMPTY_MODULE);
            let failure = Failure::from_diagnostics(Stage::Compile, errors, &sources);
            let text = failure.plain_text("");
            let only = text.strip_prefix("1 error occurred: ").unwrap_or(&text);
            let text = if is_list { &text } else { only };
            Err(BuiltinError::value(text.trim_end()))
        }
    }
}
