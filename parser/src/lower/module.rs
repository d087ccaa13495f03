//! Statements to a module: which statement is which kind of rule.

use regovm_core::{Code, Diagnostic, Span};

use super::tree::{Else, Equation, RuleBody, Statement, Tail};
use crate::ast::{
    Body, Expr, ExprKind, Head, HeadKeywords, Import, Module, Package, Ref, RegoVersion, Rule,
    Term, TermKind,
};
use crate::explain::too_deep;
use crate::lexer::keyword::{Keyword, KeywordSet};
use crate::lexer::layout::MAX_DEPTH;
use crate::shape::{default_dependencies, is_ground, place_body, place_term, value_name};

/// Why statements are no module.
#[derive(Debug)]
pub enum Refused {
    /// The parser of OPA stops at a statement; [`crate::explain`] knows where and why.
    Syntax,
    /// Every statement is well formed, but they do not make a module.
    Errors(Vec<Diagnostic>),
}

/// Statements to a module; comments and annotations are filled in later.
pub fn module(
    statements: Vec<Statement>,
    version: RegoVersion,
    importable: KeywordSet,
    is_builtin: Option<fn(&str) -> bool>,
    wildcards: u32,
    span: Span,
) -> Result<Module, Refused> {
    let mut lowering = Lowering {
        version,
        importable,
        is_builtin,
        wildcards,
        errors: Vec::new(),
    };
    let mut parts: Vec<(Part, Span)> = Vec::with_capacity(statements.len());
    // First what OPA finds while it reads statement by statement, ..
    for statement in statements {
        lowering
            .statement(statement, &mut parts)
            .ok_or(Refused::Syntax)?;
    }
    // .. then what it finds when all are read.
    lowering.assemble(parts, span)
}

/// A statement that is well formed.
enum Part {
    Package(Package),
    Import(Import),
    Rule(Rule),
    Body(Body),
}

struct Lowering {
    version: RegoVersion,
    importable: KeywordSet,
    is_builtin: Option<fn(&str) -> bool>,
    wildcards: u32,
    errors: Vec<Diagnostic>,
}

impl Lowering {
    fn statement(&mut self, statement: Statement, parts: &mut Vec<(Part, Span)>) -> Option<()> {
        match statement {
            Statement::Package { path, span } => {
                parts.push((
                    Part::Package(Package {
                        path: package_path(path)?,
                        span,
                    }),
                    span,
                ));
            }
            Statement::Import { path, alias, span } => {
                let import = self.import(path, alias, span)?;
                parts.push((Part::Import(import), span));
            }
            Statement::Default {
                head,
                head_span,
                span,
            } => {
                parts.push((Part::Rule(self.default_rule(head, head_span, span)?), span));
            }
            Statement::Rule {
                head,
                key,
                has_if,
                body,
                tail,
                head_span,
                span,
            } => {
                let head = rule_head(head, head_span, key)?;
                self.rule(head, has_if, body, tail, span, parts)?;
            }
            Statement::Body(body) => {
                let span = body.first().map_or(Span::NONE, |expr| expr.span);
                if body.first().is_some_and(is_glued_infix) {
                    return None;
                }
                parts.push((Part::Body(body), span));
            }
        }
        Some(())
    }

    fn import(
        &mut self,
        path: Term,
        alias: Option<(crate::ast::Name, Span)>,
        span: Span,
    ) -> Option<Import> {
        let (place, text) = (path.span, path.text);
        let steps: Ref = match path.kind {
            TermKind::Var(_) => vec![path],
            TermKind::Ref(steps) => steps,
            _ => return None,
        };
        let root = steps.first()?.as_var()?.clone();
        let names: Vec<&str> = steps[1..].iter().map(Term::as_str).collect::<Option<_>>()?;
        match &*root {
            "data" | "input" => {}
            "future" => {
                let fits = match names[..] {
                    ["keywords"] => true,
                    ["keywords", word] => {
                        Keyword::of(word).is_some_and(|keyword| self.importable.has(keyword))
                    }
                    _ => false,
                };
                if !fits || alias.is_some() {
                    return None;
                }
            }
            "rego" => {
                if !matches!(names[..], ["v1"] | ["v2"]) || alias.is_some() {
                    return None;
                }
            }
            _ => return None,
        }
        match &alias {
            Some((name, _)) if &**name == "input" || &**name == "data" => return None,
            Some(_) => {}
            None => {
                let last = names.last().copied().unwrap_or(&root);
                let reserved = is_version_keyword(last, self.version);
                if reserved && &*root != "future" {
                    return None;
                }
            }
        }
        let (alias, alias_span) = match alias {
            Some((name, span)) => (Some(name), span),
            None => (None, Span::NONE),
        };
        let path = Term::with_text(TermKind::Ref(steps), place, text);
        Some(Import {
            path,
            alias,
            alias_span,
            span,
        })
    }

    fn default_rule(&mut self, head: Equation, head_span: Span, span: Span) -> Option<Rule> {
        let head = rule_head(head, head_span, None)?;
        let value = head.value.as_deref()?;
        if !default_dependencies(value).is_empty() {
            return None;
        }
        for (at, arg) in head.args.iter().enumerate() {
            let name = arg.as_var()?;
            if head.args[..at]
                .iter()
                .any(|other| other.as_var() == Some(name))
            {
                return None;
            }
        }
        Some(Rule {
            default: true,
            head,
            body: true_body(keyword_of(span, "default")),
            generated_body: false,
            else_rule: None,
            annotations: Vec::new(),
            span,
        })
    }

    fn rule(
        &mut self,
        mut head: Head,
        has_if: bool,
        body: Option<RuleBody>,
        tail: Tail,
        span: Span,
        parts: &mut Vec<(Part, Span)>,
    ) -> Option<()> {
        head.keywords.has_if = has_if;
        if !head.keywords.has_contains && head.args.is_empty() && head.reference.len() == 2 {
            let step = &head.reference[1];
            if has_if {
                if !is_ground(step) || matches!(step.kind, TermKind::Ref(_)) {
                    head.key = Some(Box::new(step.clone()));
                }
                if head.value.is_none() {
                    head.generated_value = true;
                    head.value = Some(Box::new(Term::new(TermKind::Boolean(true), head.span)));
                }
            } else {
                head.key = Some(Box::new(step.clone()));
                if head.value.is_none() {
                    head.reference.truncate(1);
                }
            }
        }
        let Some(body) = body else {
            let name = head.reference.first().map_or(span, |name| name.span);
            let rule = Rule {
                default: false,
                head,
                body: true_body(name),
                generated_body: true,
                else_rule: None,
                annotations: Vec::new(),
                span,
            };
            parts.push((Part::Rule(rule), span));
            return Some(());
        };
        let mut rule = Rule {
            default: false,
            head,
            body: body.body,
            generated_body: false,
            else_rule: None,
            annotations: Vec::new(),
            span,
        };
        let mut chain = Vec::new();
        match tail {
            Tail::None => {}
            Tail::Else(first) => {
                let dynamic = rule.head.reference[1..].iter().any(|step| !is_ground(step));
                if dynamic || rule.head.key.is_some() {
                    return None;
                }
                rule.else_rule = Some(Box::new(self.else_chain(&rule.head, *first)));
            }
            Tail::Chain(bodies) => {
                for next in bodies {
                    let mut head = rule.head.clone();
                    self.fresh_wildcards(&mut head);
                    place_head(&mut head, next.span);
                    chain.push(Rule {
                        default: false,
                        head,
                        body: next.body,
                        generated_body: false,
                        else_rule: None,
                        annotations: Vec::new(),
                        span: next.span,
                    });
                }
                // The first rule ends before the second body.
                if let Some(next) = chain.first() {
                    rule.span = Span::new(span.start, body.span.end.min(next.span.start));
                }
            }
        }
        parts.push((Part::Rule(rule), span));
        for rule in chain {
            let span = rule.span;
            parts.push((Part::Rule(rule), span));
        }
        Some(())
    }

    /// Else branches from the last to the first, so that a long chain needs no deep stack.
    fn else_chain(&mut self, head: &Head, first: Else) -> Rule {
        let mut branches = Vec::new();
        let mut next = Some(Box::new(first));
        while let Some(branch) = next {
            let mut branch = *branch;
            next = branch.next.take();
            branches.push(self.else_branch(head, branch));
        }
        let mut rule: Option<Box<Rule>> = None;
        while let Some(mut branch) = branches.pop() {
            branch.else_rule = rule.take();
            rule = Some(Box::new(branch));
        }
        match rule {
            Some(rule) => *rule,
            // There was a first branch.
            None => unreachable!("an else chain has a branch"),
        }
    }

    fn else_branch(&mut self, head: &Head, branch: Else) -> Rule {
        let generated_value = branch.value.is_none();
        let span = match &branch.value {
            Some((_, value)) => Span::new(branch.span.start, value.text.end),
            None => keyword_of(branch.span, "else"),
        };
        let (assign, value) = branch.value.unwrap_or_else(|| {
            let value = Term::new(TermKind::Boolean(true), Span::NONE);
            (head.assign, value)
        });
        // Name and arguments are those of the first head, which has no key.
        let mut head = Head {
            name: head.name.clone(),
            reference: head.reference.clone(),
            args: head.args.clone(),
            key: None,
            value: Some(Box::new(value)),
            assign,
            generated_value,
            keywords: HeadKeywords {
                has_if: branch.has_if,
                has_contains: false,
            },
            span,
        };
        self.fresh_wildcards(&mut head);
        let generated_body = branch.body.is_none();
        let body = match branch.body {
            Some(mut body) => {
                if !body.braces {
                    place_body(&mut body.body, branch.span);
                }
                body.body
            }
            None => true_body(branch.span),
        };
        Rule {
            default: false,
            head,
            body,
            generated_body,
            else_rule: None,
            annotations: Vec::new(),
            span: branch.span,
        }
    }

    fn fresh_wildcards(&mut self, head: &mut Head) {
        for arg in &mut head.args {
            if let TermKind::Var(name) = &mut arg.kind
                && name.starts_with('$')
            {
                *name = format!("${}", self.wildcards).into();
                self.wildcards += 1;
            }
        }
    }

    fn assemble(mut self, parts: Vec<(Part, Span)>, span: Span) -> Result<Module, Refused> {
        let mut module = Module {
            package: Package {
                path: Vec::new(),
                span: Span::NONE,
            },
            imports: Vec::new(),
            rules: Vec::new(),
            comments: Vec::new(),
            annotations: Vec::new(),
            version: self.version,
            span,
        };
        let following: Vec<(u32, Option<&'static str>)> = parts
            .iter()
            .map(|(part, span)| (span.start, head_keyword(part)))
            .collect();
        for (at, (part, span)) in parts.into_iter().enumerate() {
            match part {
                Part::Package(package) if at == 0 => module.package = package,
                Part::Package(_) => self.error(span, "unexpected package"),
                _ if at == 0 => self.error(span, "package expected"),
                Part::Import(import) => {
                    if module.version == RegoVersion::V0 && is_rego_import(&import) {
                        module.version = RegoVersion::V0CompatV1;
                    }
                    module.imports.push(import);
                }
                Part::Rule(rule) => module.rules.push(rule),
                Part::Body(body) => {
                    // Without its import a keyword is a name, and a rule head falls apart there.
                    let keyword = if module.version == RegoVersion::V0 {
                        following[at]
                            .1
                            .or_else(|| following.get(at + 1).and_then(|next| next.1))
                    } else {
                        None
                    };
                    match rule_from_body(body, self.is_builtin) {
                        Ok(rule) => module.rules.push(rule),
                        Err((span, mut message)) => {
                            if let Some(keyword) = keyword {
                                let example = match keyword {
                                    "if" => "p if { ... }",
                                    _ => "p contains x",
                                };
                                message = format!(
                                    "{message} (hint: `import future.keywords.{keyword}` for `{example}` rules)"
                                );
                            }
                            self.error(span, &message);
                        }
                    }
                }
            }
        }
        if module.version != RegoVersion::V0 {
            for rule in &module.rules {
                let mut next = Some(rule);
                while let Some(rule) = next {
                    crate::strict::check_rule(rule, &mut self.errors);
                    next = rule.else_rule.as_deref();
                }
            }
        }
        if let Some(place) = too_long(&module) {
            return Err(Refused::Errors(vec![too_deep(place.start)]));
        }
        if self.errors.is_empty() {
            Ok(module)
        } else {
            Err(Refused::Errors(self.errors))
        }
    }

    fn error(&mut self, span: Span, message: &str) {
        self.errors
            .push(Diagnostic::new(Code::Parse, span, message));
    }
}

/// Where the path of a package or of a rule is longer than trees of paths may be deep.
fn too_long(module: &Module) -> Option<Span> {
    let long = |path: &Ref| path.len() > MAX_DEPTH as usize;
    if long(&module.package.path) {
        return Some(module.package.span);
    }
    let heads = module.rules.iter().map(|rule| &rule.head);
    heads
        .filter(|head| long(&head.reference))
        .map(|head| head.span)
        .next()
}

/// The path of a package with `data` in front.
fn package_path(path: Term) -> Option<Ref> {
    let place = path.span;
    match path.kind {
        TermKind::Var(name) => Some(vec![Term::var("data", place), Term::string(name, place)]),
        TermKind::Ref(mut steps) => {
            let head = steps.first()?;
            let name = head.as_var()?.clone();
            let place = head.span;
            if steps[1..].iter().any(|step| step.as_str().is_none()) {
                return None;
            }
            steps[0] = Term::string(name, place);
            steps.insert(0, Term::var("data", place));
            Some(steps)
        }
        _ => None,
    }
}

/// The head of a rule from the equation that stands for it.
fn rule_head(equation: Equation, span: Span, key: Option<Term>) -> Option<Head> {
    let lhs = equation.lhs;
    if lhs.span.start != span.start {
        return None;
    }
    let (reference, args) = match lhs.kind {
        TermKind::Var(_) => (vec![lhs], Vec::new()),
        TermKind::Ref(steps) => (steps, Vec::new()),
        TermKind::Call(mut terms) => {
            if terms.len() < 2 && terms.is_empty() {
                return None;
            }
            let operator = terms.remove(0);
            // The operator of an infix call stands after its first operand.
            if operator.span.start != lhs.span.start {
                return None;
            }
            let TermKind::Ref(steps) = operator.kind else {
                return None;
            };
            (steps, terms)
        }
        _ => return None,
    };
    let name = reference.first()?.as_var()?.clone();
    let mut head = Head {
        name,
        reference,
        args,
        key: None,
        value: None,
        assign: false,
        generated_value: false,
        keywords: HeadKeywords::default(),
        span,
    };
    if let Some(key) = key {
        if !head.args.is_empty() || equation.rhs.is_some() {
            return None;
        }
        head.key = Some(Box::new(key));
        head.keywords.has_contains = true;
        return Some(head);
    }
    match equation.rhs {
        Some((assign, _, value)) => {
            head.assign = assign;
            head.value = Some(Box::new(value));
        }
        None if head.reference.len() != 2 || !head.args.is_empty() => {
            head.generated_value = true;
            // OPA gives it no place.
            head.value = Some(Box::new(Term::new(TermKind::Boolean(true), Span::NONE)));
        }
        None => {}
    }
    Some(head)
}

/// `x+1` as a statement: OPA reads a rule head up to the operator and stops there.
fn is_glued_infix(expr: &Expr) -> bool {
    if expr.negated || !expr.with.is_empty() {
        return false;
    }
    let ExprKind::Call(terms) = &expr.kind else {
        return false;
    };
    let mut terms: &[Term] = terms;
    loop {
        let [operator, first, ..] = terms else {
            return false;
        };
        if operator.span == Span::NONE || operator.span.start == first.span.start {
            return false;
        }
        match &first.kind {
            TermKind::Call(inner)
                if inner.len() == 3 && inner[0].span.start > inner[1].span.start =>
            {
                terms = inner;
            }
            TermKind::Var(_) | TermKind::Ref(_) => {
                let single = first.as_ref().is_none_or(|path| path.len() == 1);
                let infix = crate::print::infix_symbol(operator)
                    .is_some_and(|symbol| !matches!(symbol, "=" | ":="));
                return single
                    && infix
                    && first.span.start == expr.span.start
                    && first.span.end == operator.span.start;
            }
            _ => return false,
        }
    }
}

/// The place of the keyword that a statement starts with.
fn keyword_of(span: Span, word: &str) -> Span {
    Span::new(span.start, span.start + word.len() as u32)
}

fn true_body(span: Span) -> Body {
    let mut expr = Expr::new(
        ExprKind::Term(Term::new(TermKind::Boolean(true), span)),
        span,
    );
    expr.generated = true;
    vec![expr]
}

fn place_head(head: &mut Head, span: Span) {
    head.span = span;
    // OPA's walk leaves the reference out.
    for term in &mut head.args {
        place_term(term, span);
    }
    for term in head.key.iter_mut().chain(&mut head.value) {
        place_term(term, span);
    }
}

fn is_rego_import(import: &Import) -> bool {
    match &import.path.kind {
        TermKind::Ref(path) => path
            .first()
            .is_some_and(|head| head.as_var().is_some_and(|name| &**name == "rego")),
        _ => false,
    }
}

/// Whether a word is a keyword of a version whatever is imported.
pub fn is_version_keyword(word: &str, version: RegoVersion) -> bool {
    Keyword::of(word).is_some_and(|keyword| {
        crate::lexer::keyword::initial(match version {
            RegoVersion::V0 => RegoVersion::V0,
            RegoVersion::V0CompatV1 | RegoVersion::V1 => RegoVersion::V1,
        })
        .has(keyword)
    })
}

/// The rule-head keyword that a statement was reduced to where the keyword is not imported.
fn head_keyword(part: &Part) -> Option<&'static str> {
    let name = match part {
        Part::Rule(rule) => &rule.head.name,
        Part::Body(body) => match &body[..] {
            [
                Expr {
                    kind: ExprKind::Term(term),
                    ..
                },
            ] => term.as_var()?,
            _ => return None,
        },
        _ => return None,
    };
    match &**name {
        "if" => Some("if"),
        "contains" => Some("contains"),
        _ => None,
    }
}

/// The rule that an expression stands for, or why it stands for none.
fn rule_from_body(
    mut body: Body,
    is_builtin: Option<fn(&str) -> bool>,
) -> Result<Rule, (Span, String)> {
    let place = body.first().map_or(Span::NONE, |expr| expr.span);
    let refuse = |message: &str| Err((place, message.to_string()));
    if body.len() != 1 {
        return refuse("multiple expressions cannot be used for rule head");
    }
    let Some(expr) = body.pop() else {
        return refuse("empty body");
    };
    if !expr.with.is_empty() {
        return refuse("expressions using with keyword cannot be used for rule head");
    }
    if expr.negated {
        return refuse("negated expressions cannot be used for rule head");
    }
    match expr.kind {
        ExprKind::Some(_) => refuse("'some' declarations cannot be used for rule head"),
        ExprKind::Term(term) => rule_from_term(term).map_err(|message| (place, message)),
        ExprKind::Call(terms) => {
            rule_from_call(terms, expr.span, is_builtin).map_err(|message| (place, message))
        }
        ExprKind::Every(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => {
            refuse("expression cannot be used for rule head")
        }
    }
}

fn plain_rule(
    reference: Ref,
    args: Vec<Term>,
    key: Option<Term>,
    value: Option<Term>,
    body: Span,
    span: Span,
) -> Result<Rule, String> {
    let Some(name) = reference.first().and_then(Term::as_var).cloned() else {
        return Err(format!(
            "invalid rule head: {}",
            crate::print::reference(&reference)
        ));
    };
    let head = Head {
        name,
        reference,
        args,
        key: key.map(Box::new),
        value: value.map(Box::new),
        assign: false,
        generated_value: false,
        keywords: HeadKeywords::default(),
        span,
    };
    Ok(Rule {
        default: false,
        head,
        body: true_body(body),
        generated_body: true,
        else_rule: None,
        annotations: Vec::new(),
        span,
    })
}

fn rule_from_term(term: Term) -> Result<Rule, String> {
    let span = term.span;
    let name = value_name(&term.kind);
    match term.kind {
        TermKind::Ref(mut reference) if reference.len() > 2 => {
            let value = Term::new(TermKind::Boolean(true), span);
            let mut rule = plain_rule(
                std::mem::take(&mut reference),
                Vec::new(),
                None,
                Some(value),
                span,
                span,
            )?;
            rule.head.generated_value = true;
            Ok(rule)
        }
        TermKind::Ref(mut reference) if reference.len() == 2 => {
            if reference[0].as_var().is_none() {
                return Err(format!(
                    "invalid rule head: {}",
                    crate::print::reference(&reference)
                ));
            }
            let key = reference.pop();
            plain_rule(reference, Vec::new(), key, None, span, span)
        }
        TermKind::Ref(_) => Err("refs cannot be used for rule head".to_string()),
        _ => Err(format!("{name} cannot be used for rule name")),
    }
}

fn rule_from_call(
    mut terms: Vec<Term>,
    span: Span,
    is_builtin: Option<fn(&str) -> bool>,
) -> Result<Rule, String> {
    let operator = match terms.first().map(|term| &term.kind) {
        Some(TermKind::Ref(path)) => path.clone(),
        _ => return Err("expression cannot be used for rule head".to_string()),
    };
    let name = crate::print::reference(&operator);
    let assign = name == "assign";
    if name == "eq" || assign {
        if terms.len() < 3 {
            return Err("assignment requires two operands".to_string());
        }
        let rhs = terms.remove(2);
        let lhs = terms.remove(1);
        let mut rule = rule_from_equation(lhs, rhs)?;
        rule.head.assign = assign;
        rule.span = span;
        rule.head.span = span;
        return Ok(rule);
    }
    if is_builtin.is_some_and(|is_builtin| is_builtin(&name)) {
        return Err("rule name conflicts with built-in function".to_string());
    }
    if terms.len() <= 1 {
        return Err("rule argument list must take at least one argument".to_string());
    }
    let operator_term = terms.remove(0);
    let place = operator_term.span;
    let value = Term::new(TermKind::Boolean(true), place);
    plain_rule(operator, terms, None, Some(value), place, place)
}

fn rule_from_equation(lhs: Term, rhs: Term) -> Result<Rule, String> {
    let rhs_span = rhs.span;
    let span = lhs.span;
    match lhs.kind {
        TermKind::Call(mut terms) => {
            let operator = terms.remove(0);
            let TermKind::Ref(reference) = operator.kind else {
                return Err("call cannot be used for rule name".to_string());
            };
            if reference.first().and_then(Term::as_var).is_none() {
                return Err("call cannot be used for rule name".to_string());
            }
            let mut rule = plain_rule(reference, terms, None, Some(rhs), rhs_span, span)?;
            rule.generated_body = true;
            Ok(rule)
        }
        TermKind::Ref(reference) => {
            if reference.first().and_then(Term::as_var).is_none() {
                return Err(format!(
                    "invalid rule head: {}",
                    crate::print::reference(&reference)
                ));
            }
            let key = (reference.len() == 2).then(|| reference[1].clone());
            plain_rule(reference, Vec::new(), key, Some(rhs), rhs_span, rhs_span)
        }
        TermKind::Var(_) => plain_rule(vec![lhs], Vec::new(), None, Some(rhs), rhs_span, span),
        kind => Err(format!(
            "{} cannot be used for rule name",
            value_name(&kind)
        )),
    }
}
