//! YAML, read and written as OPA reads and writes it.

#[cfg(feature = "yaml")]
mod emit;
#[cfg(feature = "yaml")]
mod keys;
#[cfg(feature = "yaml")]
mod scalar;

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::Value;
use regovm_core::yaml::{self, YamlError};

use crate::declare::builtin;
use crate::operand::{Outcome, failed, operands, string};
use crate::text::charge_bytes;

const CATEGORIES: &[&str] = &["encoding"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "yaml.marshal",
        feature: "yaml",
        signature: "(x: any) -> y: str",
        doc: "The value as YAML in blocks, indented by two. Sets become sorted arrays.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (
                r#"yaml.marshal({"a": ["x", {"b": "yes", "c": []}], "num": 1.50, "t": "one\ntwo\n"})"#,
                r#""a:\n  - x\n  - b: \"yes\"\n    c: []\nnum: 1.5\nt: |\n  one\n  two\n""#
            ),
        ],
        body: emit::marshal,
    },
    builtin! {
        name: "yaml.unmarshal",
        feature: "yaml",
        signature: "(x: str) -> y: any",
        doc: "The value of the first document of a YAML text.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"yaml.unmarshal("a: [1, yes]")"#, r#"{"a": [1, "yes"]}"#), (r#"yaml.unmarshal("[")"#, "")],
        body: unmarshal,
    },
    builtin! {
        name: "yaml.is_valid",
        feature: "yaml",
        since: (0, 25),
        signature: "(x: str) -> result: bool",
        doc: "Whether the string is YAML. Of anything but a string it is false.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"yaml.is_valid("a: b")"#, "true"), (r#"yaml.is_valid("a: b: c")"#, "false")],
        body: is_valid,
    },
];

fn read<'a>(cx: &mut Call<'a, '_>, text: &str) -> Result<Value<'a>, YamlError> {
    yaml::read(text, cx.arena)
}

#[cfg_attr(not(feature = "yaml"), allow(dead_code))]
fn unmarshal<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len() * 8)?;
    match read(cx, text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(yaml_error(error)),
    }
}

#[cfg_attr(not(feature = "yaml"), allow(dead_code))]
fn yaml_error(error: YamlError) -> BuiltinError {
    match error.memory {
        Some(memory) => memory.into(),
        None => failed(error.to_string()),
    }
}

#[cfg_attr(not(feature = "yaml"), allow(dead_code))]
fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let Some(text) = x.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, text.len() * 8)?;
    match read(cx, text) {
        Ok(_) => Ok(Some(Value::TRUE)),
        Err(YamlError {
            memory: Some(memory),
            ..
        }) => Err(memory.into()),
        Err(_) => Ok(Some(Value::FALSE)),
    }
}
