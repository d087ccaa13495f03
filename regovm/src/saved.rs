//! The file form of a prepared policy: the program, and the shapes of its queries in front.

use regovm_core::json::{ProjectionBuilder, Step};
use regovm_vm::Program;

use crate::policy::{Compiled, QueryExpression, QueryShape};
use crate::report::{Failure, Stage};

/// First bytes of the file; the number is the version of this form.
const MAGIC: &[u8; 8] = b"regovmP2";

pub(crate) fn write<'i>(
    program: &Program,
    shapes: &[QueryShape],
    inputs: impl Iterator<Item = &'i ProjectionBuilder>,
) -> Vec<u8> {
    let queries: Vec<serde_json::Value> = shapes
        .iter()
        .zip(inputs)
        .map(|(shape, input)| shape_to_json(shape, input))
        .collect();
    let shapes = serde_json::to_vec(&queries).unwrap_or_default();
    let program = program.save();
    let mut file = Vec::with_capacity(MAGIC.len() + 4 + shapes.len() + program.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&(shapes.len() as u32).to_le_bytes());
    file.extend_from_slice(&shapes);
    file.extend_from_slice(&program);
    file
}

pub(crate) fn read(file: &[u8]) -> Result<Compiled, Failure> {
    let bad = |why: &str| Failure::message(Stage::Load, format!("not a saved policy: {why}"));
    let rest = file
        .strip_prefix(MAGIC)
        .ok_or_else(|| bad("it does not start like one of this version"))?;
    let (length, rest) = rest
        .split_first_chunk::<4>()
        .ok_or_else(|| bad("it ends early"))?;
    let length = u32::from_le_bytes(*length) as usize;
    let (shapes, program) = rest
        .split_at_checked(length)
        .ok_or_else(|| bad("it ends early"))?;
    let shapes: Vec<serde_json::Value> =
        serde_json::from_slice(shapes).map_err(|_| bad("the queries are damaged"))?;
    let queries: Option<Vec<_>> = shapes
        .iter()
        .map(|query| Some((shape_from_json(query)?, input_from_json(query)?)))
        .collect();
    let (shapes, inputs) = queries
        .ok_or_else(|| bad("the queries are damaged"))?
        .into_iter()
        .unzip();
    let program =
        Program::load(program).map_err(|error| Failure::message(Stage::Load, error.to_string()))?;
    Ok(Compiled {
        program,
        shapes,
        inputs,
        loops: Vec::new(),
    })
}

fn shape_to_json(shape: &QueryShape, input: &ProjectionBuilder) -> serde_json::Value {
    let expressions: Vec<serde_json::Value> = shape
        .expressions
        .iter()
        .map(|e| serde_json::json!([e.text, e.row, e.col, e.column]))
        .collect();
    // Any member is null.
    let input: Vec<serde_json::Value> = input
        .paths()
        .into_iter()
        .map(|(path, all)| {
            let steps: Vec<Option<&str>> = path
                .into_iter()
                .map(|step| match step {
                    Step::Any => None,
                    Step::Member(name) => Some(name),
                })
                .collect();
            serde_json::json!([steps, all])
        })
        .collect();
    serde_json::json!({"expressions": expressions, "variables": shape.variables, "input": input})
}

fn input_from_json(json: &serde_json::Value) -> Option<ProjectionBuilder> {
    let mut wanted = ProjectionBuilder::new();
    for path in json.get("input")?.as_array()? {
        let steps = path.get(0)?.as_array()?.iter().map(|step| {
            if step.is_null() {
                return Some(Step::Any);
            }
            step.as_str().map(Step::Member)
        });
        let steps: Vec<Step<'_>> = steps.collect::<Option<_>>()?;
        if path.get(1)?.as_bool()? {
            wanted.add(steps);
        } else {
            wanted.touch(steps);
        }
    }
    Some(wanted)
}

fn shape_from_json(json: &serde_json::Value) -> Option<QueryShape> {
    let expressions = json.get("expressions")?.as_array()?.iter().map(|e| {
        Some(QueryExpression {
            text: e.get(0)?.as_str()?.to_owned(),
            row: e.get(1)?.as_u64()? as u32,
            col: e.get(2)?.as_u64()? as u32,
            column: e.get(3)?.as_u64().map(|column| column as usize),
        })
    });
    let variables = json
        .get("variables")?
        .as_array()?
        .iter()
        .map(|v| Some((v.get(0)?.as_str()?.to_owned(), v.get(1)?.as_u64()? as usize)));
    Some(QueryShape {
        expressions: expressions.collect::<Option<_>>()?,
        variables: variables.collect::<Option<_>>()?,
    })
}
