//! Calls: comparisons become guards, `walk` becomes an iteration, everything else stays a call.

use regovm_core::builtin::BuiltinId;
use regovm_core::{Constant, Span};
use regovm_parser::ast::{Term, TermKind};

use super::rule_tree::{NodeId, NodeKind};
use super::{Lowered, Lowering, Task, internal};
use crate::ir::{Callee, Compare, Operand, StmtKind};
use crate::text::dotted_name;

/// What an operator term names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    /// `=` and what is left of `:=`.
    Unify,
    /// A built-in.
    Builtin(BuiltinId),
    /// A user function.
    Function(NodeId),
}

impl Lowering<'_> {
    /// A call as a statement; an operand more than there are parameters captures the result.
    pub(super) fn call(&mut self, terms: &[Term], span: Span) -> Lowered<()> {
        let Some((operator, operands)) = terms.split_first() else {
            return Err(internal(span, "a call of nothing"));
        };
        match self.operator(operator)? {
            Operator::Unify => match operands {
                [a, b] => self.unify(a, b),
                [a, b, output] => {
                    let (lhs, rhs) = (self.value(a)?, self.value(b)?);
                    let value = self.b.assign(|dst| StmtKind::CompareValue {
                        dst,
                        op: Compare::Equal,
                        lhs,
                        rhs,
                    });
                    self.match_operand(value, output)
                }
                _ => Err(internal(span, "an equation without two sides")),
            },
            Operator::Function(node) => {
                let arity = self.arity(node);
                let (args, output) = split(operands, arity);
                let args = self.values(args)?;
                let function = self.request(Task::Rules(node));
                let value = self.call_function(function, args);
                self.use_result(value, output)
            }
            Operator::Builtin(id) => self.call_builtin(id, operands, span),
        }
    }

    /// A call inside a term.
    pub(super) fn call_value(&mut self, terms: &[Term], span: Span) -> Lowered<Operand> {
        let Some((operator, operands)) = terms.split_first() else {
            return Err(internal(span, "a call of nothing"));
        };
        let args = self.values(operands)?;
        match self.operator(operator)? {
            Operator::Function(node) => {
                let function = self.request(Task::Rules(node));
                Ok(self.call_function(function, args))
            }
            Operator::Builtin(builtin) => {
                Ok(self
                    .b
                    .assign(|dst| StmtKind::CallBuiltin { dst, builtin, args }))
            }
            Operator::Unify => Err(internal(span, "an equation inside a term")),
        }
    }

    fn call_builtin(&mut self, builtin: BuiltinId, operands: &[Term], span: Span) -> Lowered<()> {
        let table = self.checked.state.builtins;
        let Some((ty, decl)) = table.function_type(builtin).zip(table.get(builtin)) else {
            return Err(internal(span, "an unknown built-in"));
        };
        let arity = if ty.variadic.is_some() {
            operands.len()
        } else {
            ty.params.len()
        };
        let (args, output) = split(operands, arity);
        if decl.relation && decl.name == "walk" {
            return self.walk(args, output, span);
        }
        let args = self.values(args)?;
        if let (Some(op), [lhs, rhs]) = (comparison(decl.name), &args[..])
            && !self.mocked.contains(&builtin)
        {
            let (lhs, rhs) = (*lhs, *rhs);
            let Some(output) = output else {
                self.b.emit(StmtKind::Guard { op, lhs, rhs });
                return Ok(());
            };
            let value = self
                .b
                .assign(|dst| StmtKind::CompareValue { dst, op, lhs, rhs });
            return self.match_operand(value, output);
        }
        let value = self
            .b
            .assign(|dst| StmtKind::CallBuiltin { dst, builtin, args });
        if ty.result.is_none() {
            return Ok(());
        }
        self.use_result(value, output)
    }

    fn use_result(&mut self, value: Operand, output: Option<&Term>) -> Lowered<()> {
        match output {
            Some(output) => self.match_operand(value, output),
            None => {
                self.b.emit(StmtKind::Truthy { value });
                Ok(())
            }
        }
    }

    /// `walk(x, [path, value])` iterates; paths that nobody reads are not built.
    fn walk(&mut self, args: &[Term], output: Option<&Term>, span: Span) -> Lowered<()> {
        let [arg] = args else {
            return Err(internal(span, "walk takes one argument"));
        };
        let base = self.value(arg)?;
        match output.map(|output| (&output.kind, output)) {
            None => self.b.walk(base, None, None),
            Some((TermKind::Array(items), _)) if items.len() != 2 => self.b.emit(StmtKind::Fail),
            Some((TermKind::Array(items), _)) => {
                let locals: Vec<_> = items
                    .iter()
                    .map(|item| (!self.is_unused(item)).then(|| self.b.local()))
                    .collect();
                self.b.walk(base, locals[0], locals[1]);
                for (local, item) in locals.into_iter().zip(items) {
                    if let Some(local) = local {
                        self.match_operand(Operand::Local(local), item)?;
                    }
                }
            }
            Some((_, output)) if self.is_unused(output) => self.b.walk(base, None, None),
            Some((_, output)) => {
                let (path, value) = (self.b.local(), self.b.local());
                self.b.walk(base, Some(path), Some(value));
                let items = vec![Operand::Local(path), Operand::Local(value)];
                let pair = self.b.assign(|dst| StmtKind::MakeArray { dst, items });
                self.match_operand(pair, output)?;
            }
        }
        Ok(())
    }

    /// What an operator names.
    pub(super) fn operator(&self, operator: &Term) -> Lowered<Operator> {
        self.find_operator(operator)
            .ok_or_else(|| internal(operator.span, "a call of something that is no function"))
    }

    /// What a term names, if it names a function.
    pub(super) fn find_operator(&self, operator: &Term) -> Option<Operator> {
        let path = match &operator.kind {
            TermKind::Ref(path) => path.as_slice(),
            TermKind::Var(_) => std::slice::from_ref(operator),
            _ => return None,
        };
        let head = path.first()?.as_var()?;
        if **head == *"data" {
            let node = self.tree.find(&path[1..])?;
            return (self.tree.kind(node) == NodeKind::Function)
                .then_some(Operator::Function(node));
        }
        let name = dotted_name(&path.to_vec())?;
        if name == "eq" || name == "assign" {
            return Some(Operator::Unify);
        }
        self.checked.state.builtins.id(&name).map(Operator::Builtin)
    }

    /// The function or built-in as something that can be replaced.
    pub(super) fn callee(&mut self, term: &Term) -> Option<Callee> {
        match self.find_operator(term)? {
            Operator::Builtin(id) => Some(Callee::Builtin(id)),
            Operator::Function(node) => Some(Callee::Function(self.request(Task::Rules(node)))),
            Operator::Unify => None,
        }
    }

    /// The number of parameters of a user function.
    pub(super) fn arity(&self, node: NodeId) -> usize {
        let first = self.tree.rules(node).first();
        first.map_or(0, |id| self.checked.state.rule(*id).head.args.len())
    }

    /// `true` as an operand.
    pub(super) fn true_operand(&mut self) -> Operand {
        self.constants.operand(Constant::Boolean(true))
    }
}

/// Arguments and the operand that captures the result.
fn split(operands: &[Term], arity: usize) -> (&[Term], Option<&Term>) {
    let (args, output) = operands.split_at(arity.min(operands.len()));
    (args, output.first())
}

fn comparison(name: &str) -> Option<Compare> {
    Some(match name {
        "equal" => Compare::Equal,
        "neq" => Compare::NotEqual,
        "lt" => Compare::Less,
        "lte" => Compare::LessEqual,
        "gt" => Compare::Greater,
        "gte" => Compare::GreaterEqual,
        _ => return None,
    })
}
