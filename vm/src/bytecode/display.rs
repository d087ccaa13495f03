//! Listings of code, for people, for snapshots and for `explain --stage bytecode`.

use std::fmt::Write;

use super::{Callee, Instruction, Opcode, OperandView};
use crate::program::Program;

/// The whole program, function by function, each instruction with the source line it comes from when that changes.
pub fn listing(program: &Program) -> String {
    let mut text = String::new();
    for (number, function) in program.functions.iter().enumerate() {
        let _ = writeln!(
            text,
            "f{number} {} {:?}: {} parameters, {} registers, {} iterations, {} builders, {} overlays",
            function.name,
            function.kind,
            function.params,
            function.registers,
            function.iterators,
            function.builders,
            function.overlays,
        );
        let mut line = (String::new(), 0);
        for pc in function.code.clone() {
            let Some(instruction) = program.code.get(pc as usize) else {
                break;
            };
            if let Some(at) = program.sources.locate(program.span_at(pc))
                && line != (at.file.to_string(), at.row)
            {
                let _ = writeln!(
                    text,
                    "  ; {}:{}  {}",
                    at.file,
                    at.row,
                    program.sources.line(program.span_at(pc)).trim()
                );
                line = (at.file.to_string(), at.row);
            }
            let _ = writeln!(text, "  {pc:5}  {}", one(program, instruction));
        }
    }
    text
}

fn one(program: &Program, instruction: &Instruction) -> String {
    let mut text = String::new();
    if matches!(
        instruction,
        Instruction::Else { .. } | Instruction::Items { .. } | Instruction::Case { .. }
    ) {
        text.push_str("  ");
    }
    text.push_str(instruction.opcode().name());
    let mut notes = Vec::new();
    instruction.for_each_operand(|name, operand| {
        let _ = write!(text, " {name}={operand}");
        notes.extend(note(program, operand));
    });
    if !notes.is_empty() {
        let _ = write!(text, "  ; {}", notes.join(", "));
    }
    text
}

/// What an operand stands for, if its number alone does not say it.
fn note(program: &Program, operand: OperandView) -> Option<String> {
    let constant = |index: usize| {
        program
            .constants()
            .get(index)
            .map(|value| shorten(&value.to_string()))
    };
    let function = |index: usize| {
        program
            .functions
            .get(index)
            .map(|function| function.name.clone())
    };
    let builtin = |index: usize| {
        program
            .builtins
            .get(index)
            .map(|builtin| builtin.name.clone())
    };
    let path = |index: usize| {
        let keys = program.paths.get(index)?.iter();
        let keys: Vec<String> = keys.filter_map(|key| constant(key.index())).collect();
        Some(format!("[{}]", keys.join(", ")))
    };
    match operand {
        OperandView::Source(source) => constant(source.split().err()?.index()),
        OperandView::Const(index) => constant(index.index()),
        OperandView::Path(index) => path(index.index()),
        OperandView::ShortPath(index) => path(index.index()),
        OperandView::Point(index) => {
            let point = program.observed.points.get(index.index())?;
            let site = program.observed.sites.get(point.site as usize)?;
            Some(format!("{:?} {}", point.moment, shorten(&site.text)))
        }
        OperandView::Function(index) => function(index.index()),
        OperandView::Builtin(index) => builtin(index.index()),
        OperandView::Callee(index) => match index.unpack() {
            Callee::Function(index) => function(index.index()),
            Callee::Builtin(index) => builtin(index.index()),
        },
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    if text.len() <= 60 {
        return text.to_owned();
    }
    let end = (0..=57)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}...", &text[..end])
}

/// The instruction reference as Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Instructions\n\n| instruction | operands | what it does |\n|---|---|---|\n",
    );
    for opcode in Opcode::ALL {
        let operands: Vec<String> = opcode
            .operands()
            .iter()
            .map(|(name, kind)| format!("{name}: {kind}"))
            .collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            opcode.name(),
            operands.join(", "),
            opcode.doc()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_names_every_instruction() {
        let text = reference();
        for opcode in Opcode::ALL {
            assert!(text.contains(&format!("| `{}` |", opcode.name())));
        }
    }

    #[test]
    fn long_constants_are_cut_between_characters() {
        let text = "é".repeat(100);
        let short = shorten(&text);
        assert!(short.ends_with("...") && short.len() <= 60);
    }
}
