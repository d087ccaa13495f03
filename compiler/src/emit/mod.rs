//! IR to bytecode.
//!
//! A failure is a jump to the label that the enclosing statement gives to its block: the next member of an iteration, the
//! end of a collector, the next block of the function. Scopes are labels too: `Yield` jumps to where its scope succeeds. An
//! iteration owns a slot by its depth, so leaving it by a jump needs no clean-up.

mod assembler;
mod function;
mod registers;

use regovm_core::builtin::Table;
use regovm_core::{Code, Diagnostic, SourceMap};
use regovm_vm::bytecode::{ConstIndex, FunctionIndex};
use regovm_vm::observe::{Document, Observed};
use regovm_vm::program::{Function, Parts, Program, Query};

use crate::ir;

use assembler::Assembler;

/// Translates a program that the IR verifier accepts.
pub fn emit(
    program: &ir::Program,
    table: &Table,
    sources: &SourceMap,
) -> Result<Program, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut assembler = Assembler::new(table, &program.constants);
    let mut functions = Vec::with_capacity(program.functions.len());
    for function in &program.functions {
        match function::emit(function, &mut assembler) {
            Ok(mut emitted) => {
                emitted.path = function
                    .path
                    .as_ref()
                    .map(|path| constants(path, &mut assembler));
                functions.push(emitted);
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let queries = program
        .queries
        .iter()
        .map(|id| Query {
            function: FunctionIndex(id.0),
            row: program
                .functions
                .get(id.0 as usize)
                .map_or_else(Vec::new, |function| function.row.clone()),
        })
        .collect();
    let documents: Vec<Vec<_>> = program
        .documents
        .iter()
        .map(|of_site| {
            let documents = of_site.iter();
            documents
                .map(|document| Document {
                    name: assembler.name(&document.name),
                    span: document.span,
                    function: FunctionIndex(document.function.0),
                    keys: constants(&document.keys, &mut assembler),
                })
                .collect()
        })
        .collect();
    let Assembler {
        code,
        constants,
        paths,
        builtins,
        spans,
        points,
        names,
        ..
    } = assembler;
    let parts = Parts {
        code,
        functions,
        constants,
        paths,
        builtins,
        queries,
        sources: sources.clone(),
        spans,
        observed: Observed {
            sites: program.sites.clone(),
            points,
            names,
            written: program.written.clone(),
            documents,
        },
    };
    Program::new(parts).map_err(|error| {
        vec![Diagnostic::new(
            Code::EvalInternal,
            regovm_core::Span::NONE,
            format!("the compiler made an {error}"),
        )]
    })
}

fn constants(keys: &[regovm_core::Constant], assembler: &mut Assembler<'_>) -> Vec<ConstIndex> {
    keys.iter().map(|key| assembler.constant(key)).collect()
}

/// What a function is before its code is known.
fn skeleton(function: &ir::Function, start: u32) -> Function {
    Function {
        name: function.name.clone(),
        path: None,
        kind: function.kind,
        params: function.params,
        registers: 0,
        iterators: 0,
        builders: 0,
        overlays: 0,
        code: start..start,
        span: function.span,
    }
}
