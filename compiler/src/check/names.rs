//! Names that must stay what they are: `input` and `data`, and what imports bring.

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Expr, ExprKind, Import, Module, Name, RegoVersion, Term, TermKind};

use crate::output_vars::is_operator;
use crate::parallel;
use crate::state::{Query, State};
use crate::text::{import_text, term_text};
use crate::visit::{Node, walk_exprs};

/// Imports that nothing refers to (the list is filled in strict mode only).
pub fn unused_imports(state: &mut State<'_>) {
    for (module, index) in std::mem::take(&mut state.unused_imports) {
        let Some(import) = state.modules[module].imports.get(index) else {
            continue;
        };
        let message = format!("{} unused", import_text(import));
        if !state.recoverable(Diagnostic::new(Code::Compile, import.span, message)) {
            break;
        }
    }
}

/// Rules, arguments and variables that would hide `input` or `data`.
pub fn keyword_overrides(state: &mut State<'_>) {
    let found = parallel::look(state, |_, module, found| {
        if state.options.strict || is_v1(module) {
            overrides_in_module(module, found);
        }
    });
    report(state, found);
}

/// The same for the assignments of a query, in strict mode.
pub fn keyword_overrides_in_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if state.options.strict {
        overrides_in_exprs(Node::Body(&query.body), &mut found);
    }
    found
}

/// Two imports of one name.
pub fn duplicate_imports(state: &mut State<'_>) {
    let mut found = Vec::new();
    for module in &state.modules {
        if !(state.options.strict || is_v1(module)) {
            continue;
        }
        let mut seen: HashMap<Name, &Import> = HashMap::new();
        for import in &module.imports {
            let Some(name) = import_name(import) else {
                continue;
            };
            match seen.get(&name) {
                Some(first) => {
                    let message = format!("import must not shadow {}", import_text(first));
                    found.push(Diagnostic::new(Code::Compile, import.span, message));
                }
                None => {
                    seen.insert(name, import);
                }
            }
        }
    }
    report(state, found);
}

/// True for modules that follow the rules of v1.
pub fn is_v1(module: &Module) -> bool {
    module.version != RegoVersion::V0
}

fn report(state: &mut State<'_>, found: Vec<Diagnostic>) {
    for diagnostic in found {
        state.recoverable(diagnostic);
    }
}

fn import_name(import: &Import) -> Option<Name> {
    if let Some(alias) = &import.alias {
        return Some(alias.clone());
    }
    let last = match &import.path.kind {
        TermKind::Ref(path) => path.last()?,
        _ => &import.path,
    };
    match &last.kind {
        TermKind::Var(name) | TermKind::String(name) => Some(name.clone()),
        _ => None,
    }
}

fn is_reserved(name: &str) -> bool {
    name == "input" || name == "data"
}

/// The name if a term is `input` or `data` alone.
fn root_document(term: &Term) -> Option<&Name> {
    let name = match &term.kind {
        TermKind::Var(name) => name,
        TermKind::Ref(path) => match path.as_slice() {
            [head] => head.as_var()?,
            _ => return None,
        },
        _ => return None,
    };
    is_reserved(name).then_some(name)
}

fn overrides_in_module(module: &Module, found: &mut Vec<Diagnostic>) {
    for rule in &module.rules {
        let name = &rule.head.name;
        if is_reserved(name) {
            let message = format!("rules must not shadow {name} (use a different rule name)");
            found.push(Diagnostic::new(Code::Compile, rule.span, message));
        }
        for arg in &rule.head.args {
            if let Some(name) = root_document(arg) {
                let message =
                    format!("args must not shadow {name} (use a different variable name)");
                found.push(Diagnostic::new(Code::Compile, arg.span, message));
            }
        }
    }
    for rule in &module.rules {
        overrides_in_exprs(Node::Rule(rule), found);
    }
}

fn overrides_in_exprs(node: Node<'_>, found: &mut Vec<Diagnostic>) {
    walk_exprs(node, &mut |expr| {
        if let Some(target) = assigned(expr) {
            let name = term_text(target);
            if is_reserved(&name) {
                let message =
                    format!("variables must not shadow {name} (use a different variable name)");
                found.push(Diagnostic::new(Code::Compile, expr.span, message));
            }
        }
        false
    });
}

fn assigned(expr: &Expr) -> Option<&Term> {
    match &expr.kind {
        ExprKind::Call(terms) if is_operator(terms, "assign") => terms.get(1),
        _ => None,
    }
}
