//! The IR as indented text, for snapshots and `explain --stage ir`.

use std::fmt::Write as _;

use regovm_core::Constant;
use regovm_core::builtin::Table;

use super::{
    Block, Callee, CollectKind, Compare, Conflict, ConstId, FuncId, Function, FunctionKind, Local,
    Operand, Program, Replacement, Root, ScopeId, Stmt, StmtKind,
};
use crate::text::{is_plain_name, quote};

/// A whole program, functions in order of their numbers.
pub fn program_text(program: &Program, builtins: &Table) -> String {
    let mut text = String::new();
    for id in 0..program.functions.len() {
        if id > 0 {
            text.push('\n');
        }
        text.push_str(&function_text(program, FuncId(id as u32), builtins));
    }
    text
}

/// One function; empty text if the program has none of this number.
pub fn function_text(program: &Program, id: FuncId, builtins: &Table) -> String {
    let mut printer = Printer {
        program,
        builtins,
        out: String::new(),
        depth: 0,
    };
    if let Some(function) = program.functions.get(id.0 as usize) {
        printer.function(id, function);
    }
    printer.out
}

/// A path below a root as Rego writes it: `data.a["b c"]`.
pub fn path_text(root: &str, path: &[Constant]) -> String {
    let mut text = String::from(root);
    for key in path {
        match key.as_str() {
            Some(name) if is_plain_name(name) => {
                text.push('.');
                text.push_str(name);
            }
            _ => {
                text.push('[');
                write_constant(&mut text, key);
                text.push(']');
            }
        }
    }
    text
}

/// A constant as Rego writes it.
pub fn constant_text(constant: &Constant) -> String {
    let mut text = String::new();
    write_constant(&mut text, constant);
    text
}

fn write_constant(out: &mut String, constant: &Constant) {
    match constant {
        Constant::Null => out.push_str("null"),
        Constant::Boolean(value) => {
            let _ = write!(out, "{value}");
        }
        Constant::Number(text) => out.push_str(text),
        Constant::String(text) => out.push_str(&quote(text)),
        Constant::Array(items) => {
            out.push('[');
            write_items(out, items);
            out.push(']');
        }
        Constant::Set(items) if items.is_empty() => out.push_str("set()"),
        Constant::Set(items) => {
            out.push('{');
            write_items(out, items);
            out.push('}');
        }
        Constant::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_constant(out, key);
                out.push_str(": ");
                write_constant(out, value);
            }
            out.push('}');
        }
    }
}

fn write_items(out: &mut String, items: &[Constant]) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write_constant(out, item);
    }
}

struct Printer<'p> {
    program: &'p Program,
    builtins: &'p Table,
    out: String,
    depth: usize,
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn function(&mut self, id: FuncId, function: &Function) {
        let kind = match function.kind {
            FunctionKind::Rule => "rule",
            FunctionKind::Function => "function",
            FunctionKind::Query => "query",
        };
        let params: Vec<String> = (0..function.params).map(|i| local(Local(i))).collect();
        let mut head = format!("{kind} f{} {}({})", id.0, function.name, params.join(", "));
        if let Some(path) = &function.path {
            let _ = write!(head, " at {}", path_text("data", path));
        }
        if !function.row.is_empty() {
            let _ = write!(head, " row [{}]", function.row.join(", "));
        }
        self.line(&head);
        self.blocks(&function.blocks);
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.depth += 1;
            self.line("block");
            self.block(block);
            self.depth -= 1;
        }
    }

    fn block(&mut self, block: &Block) {
        self.depth += 1;
        for stmt in block {
            self.stmt(stmt);
        }
        self.depth -= 1;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let mut text = self.head(&stmt.kind);
        if let Some(overlay) = stmt.overlay {
            let _ = write!(text, " under {}", local(overlay));
        }
        self.line(&text);
        match &stmt.kind {
            StmtKind::Scan { index, body, .. } => {
                if let Some(index) = index {
                    self.depth += 1;
                    self.line(&format!("build {}", pair(index.key, index.value)));
                    self.block(&index.build);
                    self.line("probe");
                    self.block(&index.probe);
                    self.depth -= 1;
                }
                self.block(body);
            }
            StmtKind::Walk { body, .. }
            | StmtKind::Collect { body, .. }
            | StmtKind::Exists { body, .. }
            | StmtKind::Not { body, .. }
            | StmtKind::Every { body, .. } => self.block(body),
            StmtKind::Blocks { blocks }
            | StmtKind::Switch { blocks, .. }
            | StmtKind::FirstDefined {
                branches: blocks, ..
            } => {
                self.blocks(blocks);
            }
            _ => {}
        }
    }

    /// The statement without the blocks inside it.
    fn head(&self, kind: &StmtKind) -> String {
        match kind {
            StmtKind::Move { dst, src } => format!("{} := {}", local(*dst), self.operand(*src)),
            StmtKind::Load { dst, root, path } => {
                let keys: Vec<Constant> = path.iter().map(|key| self.constant(*key)).collect();
                let root = match root {
                    Root::Input => "input",
                    Root::Data => "base data",
                };
                format!("{} := load {}", local(*dst), path_text(root, &keys))
            }
            StmtKind::Get { dst, base, key } => {
                format!(
                    "{} := {}[{}]",
                    local(*dst),
                    self.operand(*base),
                    self.operand(*key)
                )
            }
            StmtKind::GetData { dst, base, key } => {
                format!(
                    "{} := data {}[{}]",
                    local(*dst),
                    self.operand(*base),
                    self.operand(*key)
                )
            }
            StmtKind::Scan {
                base,
                key,
                value,
                index,
                ..
            } => {
                let mut text = format!("scan {} as {}", self.operand(*base), pair(*key, *value));
                if let Some(index) = index {
                    let _ = write!(text, " by index {}", index.id.0);
                    if index.data.is_some() {
                        text.push_str(" of base data");
                    }
                    if index.keyless {
                        text.push_str(" with keyless");
                    }
                    if index.fallible {
                        text.push_str(" unless strict");
                    }
                }
                text
            }
            StmtKind::IndexKeys { keys } => format!("index under [{}]", self.operands(keys)),
            StmtKind::IndexProbe { keys } => format!("look for [{}]", self.operands(keys)),
            StmtKind::Walk {
                base, path, value, ..
            } => {
                format!("walk {} as {}", self.operand(*base), pair(*path, *value))
            }
            StmtKind::Guard { op, lhs, rhs } => {
                format!(
                    "guard {} {} {}",
                    self.operand(*lhs),
                    compare(*op),
                    self.operand(*rhs)
                )
            }
            StmtKind::CompareValue { dst, op, lhs, rhs } => format!(
                "{} := {} {} {}",
                local(*dst),
                self.operand(*lhs),
                compare(*op),
                self.operand(*rhs)
            ),
            StmtKind::Truthy { value } => format!("guard {}", self.operand(*value)),
            StmtKind::IsArray { value, len } => {
                format!("guard {} is array of {len}", self.operand(*value))
            }
            StmtKind::IsObject { value, len } => {
                format!("guard {} is object of {len}", self.operand(*value))
            }
            StmtKind::Fail => "fail".to_string(),
            StmtKind::Strict { wanted: true } => "guard strict errors".to_string(),
            StmtKind::Strict { wanted: false } => "guard no strict errors".to_string(),
            StmtKind::MakeArray { dst, items } => {
                format!("{} := array [{}]", local(*dst), self.operands(items))
            }
            StmtKind::MakeSet { dst, items } => {
                format!("{} := set {{{}}}", local(*dst), self.operands(items))
            }
            StmtKind::MakeObject { dst, members } => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(k, v)| format!("{}: {}", self.operand(*k), self.operand(*v)))
                    .collect();
                format!("{} := object {{{}}}", local(*dst), members.join(", "))
            }
            StmtKind::Collect {
                scope: id,
                kind,
                dst,
                ..
            } => {
                let kind = match kind {
                    CollectKind::Array => "array",
                    CollectKind::Set => "set",
                    CollectKind::Object => "object",
                };
                format!("{} := collect {kind} {}", local(*dst), scope(*id))
            }
            StmtKind::Append {
                scope: id,
                key: None,
                value,
            } => {
                format!("append {} to {}", self.operand(*value), scope(*id))
            }
            StmtKind::Append {
                scope: id,
                key: Some(key),
                value,
            } => {
                format!(
                    "append {}: {} to {}",
                    self.operand(*key),
                    self.operand(*value),
                    scope(*id)
                )
            }
            StmtKind::Exists { scope: id, .. } => format!("exists {}", scope(*id)),
            StmtKind::Not { scope: id, .. } => format!("not {}", scope(*id)),
            StmtKind::Every {
                scope: id,
                domain,
                key,
                value,
                ..
            } => {
                format!(
                    "every {} in {} as {}",
                    scope(*id),
                    self.operand(*domain),
                    pair(*key, *value)
                )
            }
            StmtKind::Yield { scope: id } => format!("yield {}", scope(*id)),
            StmtKind::Switch { on, .. } => format!("switch {}", self.operand(*on)),
            StmtKind::Blocks { .. } => "blocks".to_string(),
            StmtKind::FirstDefined { result, .. } => format!("{} := first defined", local(*result)),
            StmtKind::CallBuiltin { dst, builtin, args } => format!(
                "{} := {}({})",
                local(*dst),
                self.callee(Callee::Builtin(*builtin)),
                self.operands(args)
            ),
            StmtKind::CallFunction {
                dst,
                function,
                args,
            } => format!(
                "{} := {}({})",
                local(*dst),
                self.callee(Callee::Function(*function)),
                self.operands(args)
            ),
            StmtKind::MakeOverlay {
                dst,
                parent,
                replacements,
            } => {
                let mut text = format!("{} := overlay", local(*dst));
                if let Some(parent) = parent {
                    let _ = write!(text, " on {}", local(*parent));
                }
                for (i, replacement) in replacements.iter().enumerate() {
                    text.push_str(if i == 0 { " with " } else { ", " });
                    text.push_str(&self.replacement(replacement));
                }
                text
            }
            StmtKind::ResetLocal { local: it } => format!("{} := undefined", local(*it)),
            StmtKind::IsDefined { local: it } => format!("guard {} is defined", local(*it)),
            StmtKind::IsUndefined { local: it } => format!("guard {} is undefined", local(*it)),
            StmtKind::SetResult {
                local: it,
                value,
                conflict,
            } => {
                let conflict = match conflict {
                    Conflict::CompleteRule => "rule",
                    Conflict::Function => "function",
                };
                format!(
                    "result {} := {} ({conflict})",
                    local(*it),
                    self.operand(*value)
                )
            }
            StmtKind::InsertPath {
                local: it,
                path,
                value,
            } => {
                format!(
                    "insert {}{} := {}",
                    local(*it),
                    self.keys(path),
                    self.operand(*value)
                )
            }
            StmtKind::InsertSet {
                local: it,
                path,
                value,
            } => {
                format!(
                    "insert {}{} contains {}",
                    local(*it),
                    self.keys(path),
                    self.operand(*value)
                )
            }
            StmtKind::OpenObject { local: it } => format!("{} := open object", local(*it)),
            StmtKind::OpenSet { local: it } => format!("{} := open set", local(*it)),
            StmtKind::MergeDocuments { dst, base, derived } => format!(
                "{} := merge {} with {}",
                local(*dst),
                self.operand(*base),
                self.operand(*derived)
            ),
            StmtKind::Close { dst, local: it } => {
                format!("{} := close {}", local(*dst), local(*it))
            }
            StmtKind::Return { value } => format!("return {}", self.operand(*value)),
            StmtKind::ReturnUndefined => "return undefined".to_string(),
            StmtKind::Observe { moment, site, .. } => format!("observe {moment:?} of site {site}"),
            StmtKind::Recall { dst, function } => {
                format!("{} := recall f{}", local(*dst), function.0)
            }
            StmtKind::ComprehensionCache { dst } => {
                format!("{} := cache of comprehensions", local(*dst))
            }
            StmtKind::EmitRow { values } => format!("emit [{}]", self.operands(values)),
        }
    }

    fn replacement(&self, replacement: &Replacement) -> String {
        match replacement {
            Replacement::Document { root, path, value } => {
                let root = match root {
                    Root::Input => "input",
                    Root::Data => "data",
                };
                format!("{} as {}", path_text(root, path), self.operand(*value))
            }
            Replacement::FunctionValue { target, value } => {
                format!("{} as {}", self.callee(*target), self.operand(*value))
            }
            Replacement::Function {
                target,
                replacement,
            } => {
                format!("{} as {}", self.callee(*target), self.callee(*replacement))
            }
        }
    }

    fn callee(&self, callee: Callee) -> String {
        match callee {
            Callee::Builtin(id) => match self.builtins.get(id) {
                Some(decl) => decl.name.to_string(),
                None => format!("builtin{}", id.0),
            },
            Callee::Function(id) => match self.program.functions.get(id.0 as usize) {
                Some(function) => format!("f{} {}", id.0, function.name),
                None => format!("f{}", id.0),
            },
        }
    }

    fn constant(&self, id: ConstId) -> Constant {
        self.program
            .constants
            .get(id.0 as usize)
            .cloned()
            .unwrap_or(Constant::Null)
    }

    fn operand(&self, operand: Operand) -> String {
        match operand {
            Operand::Local(it) => local(it),
            Operand::Const(id) => match self.program.constants.get(id.0 as usize) {
                Some(constant) => constant_text(constant),
                None => format!("c{}", id.0),
            },
        }
    }

    fn operands(&self, operands: &[Operand]) -> String {
        let texts: Vec<String> = operands.iter().map(|it| self.operand(*it)).collect();
        texts.join(", ")
    }

    fn keys(&self, path: &[Operand]) -> String {
        path.iter()
            .map(|key| format!("[{}]", self.operand(*key)))
            .collect()
    }
}

fn local(local: Local) -> String {
    format!("l{}", local.0)
}

fn scope(scope: ScopeId) -> String {
    format!("#{}", scope.0)
}

fn pair(first: Option<Local>, second: Option<Local>) -> String {
    let name = |it: Option<Local>| it.map_or_else(|| "_".to_string(), local);
    format!("{}, {}", name(first), name(second))
}

fn compare(op: Compare) -> &'static str {
    match op {
        Compare::Equal => "==",
        Compare::NotEqual => "!=",
        Compare::Less => "<",
        Compare::LessEqual => "<=",
        Compare::Greater => ">",
        Compare::GreaterEqual => ">=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_constants_read_as_rego() {
        let path = [
            Constant::from("a"),
            Constant::from("b c"),
            Constant::Number("1".into()),
        ];
        assert_eq!(path_text("data", &path), r#"data.a["b c"][1]"#);
        let constant = Constant::Object(vec![(
            Constant::from("k"),
            Constant::Array(vec![
                Constant::Null,
                Constant::Boolean(true),
                Constant::Set(vec![]),
            ]),
        )]);
        assert_eq!(constant_text(&constant), r#"{"k": [null, true, set()]}"#);
    }
}
