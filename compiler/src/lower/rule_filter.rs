//! OPA's index of rules, as far as it decides which rules are evaluated: what must hold before a rule of several can.
//!
//! OPA keeps the rules of one name in a tree of the values that they compare input, data or arguments with, and
//! evaluates only those that the tree finds. Which ones these are shows in profiles, coverage and traces. Here each rule
//! has a list of conditions, all of which must hold; a condition asks for one of several tests of a document.

use std::borrow::Cow;
use std::collections::HashMap;

use regovm_core::Constant;
use regovm_parser::ast::{Expr, ExprKind, Name, Rule, Term, TermKind};

use super::Lowering;
use super::constants::constant;
use super::rule_tree::Reach;
use super::unify::is_root;
use crate::ir::{Local, Operand, Root, StmtKind};
use crate::text::dotted_name;
use crate::visit;

/// What is compared.
#[derive(Clone, PartialEq, Debug)]
enum Place {
    /// A document at a constant path.
    Document(Root, Vec<Constant>),
    /// An argument of the function, and what lies in it.
    Argument(u32, Vec<Constant>),
}

/// What it must be.
#[derive(Clone, PartialEq, Debug)]
enum Test {
    /// Defined. The variable, if there is one, stands for it in what follows.
    Defined(Option<Name>),
    /// This value.
    Equal(Constant),
    /// An array of this length with these elements, where they are known.
    Array(Vec<Option<Constant>>),
    /// A collection that has this scalar.
    Member(Constant),
    /// A text that begins, or ends, so; anything that is no text of this kind does not matter.
    Affix(Constant, bool),
    /// A text of so many parts, some of which are known: a regular expression.
    Glob(Constant),
}

#[derive(Clone, PartialEq, Debug)]
struct Entry {
    place: Place,
    test: Test,
}

/// What must hold for a rule to be evaluated.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Conditions {
    entries: Vec<Entry>,
    /// A key and the collection that must have it.
    memberships: Vec<(Place, Place)>,
    /// Of each of these lists one must hold (`or`).
    either: Vec<Vec<Conditions>>,
    /// What is known around a side of `and` or `or`: variables stand for places of it.
    outer: Vec<Entry>,
}

impl Conditions {
    /// True if the rule is always evaluated.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.memberships.is_empty() && self.either.is_empty()
    }

    fn insert(&mut self, place: Place, test: Test) {
        let is_var = matches!(test, Test::Defined(_));
        for other in &mut self.entries {
            if other.place != place {
                continue;
            }
            if other.test == test {
                return;
            }
            if !is_var && !matches!(test, Test::Affix(..)) && matches!(other.test, Test::Defined(_))
            {
                other.test = test;
                return;
            }
        }
        self.entries.push(Entry { place, test });
    }

    /// Leaves out what another list asks for just so.
    pub(super) fn remove(&mut self, known: &Conditions) {
        let all = self.entries.clone();
        // The tests of one place are alternatives.
        let of = |entries: &[Entry], place: &Place| -> Vec<Test> {
            let of_place = entries.iter().filter(|entry| entry.place == *place);
            of_place.map(|entry| entry.test.clone()).collect()
        };
        self.entries
            .retain(|entry| of(&all, &entry.place) != of(&known.entries, &entry.place));
        self.memberships
            .retain(|membership| !known.memberships.contains(membership));
        self.either.retain(|either| !known.either.contains(either));
    }

    fn place_of(&self, rule: &Rule, name: &Name) -> Option<Place> {
        let mut known = self.entries.iter().chain(&self.outer);
        let known = known.find_map(|entry| match &entry.test {
            Test::Defined(Some(other)) if other == name => Some(entry.place.clone()),
            _ => None,
        });
        known.or_else(|| {
            let at = rule
                .head
                .args
                .iter()
                .position(|arg| arg.as_var() == Some(name))?;
            Some(Place::Argument(at as u32, Vec::new()))
        })
    }
}

/// Variables that a rule has bound to constants.
type Values = HashMap<Name, Constant>;

impl Lowering<'_> {
    /// The conditions of rules of one name. `complete`: their values are known to be compared for an early exit.
    pub(super) fn conditions(&self, rules: &[&Rule], complete: bool) -> Vec<Conditions> {
        let agree = complete && {
            let mut values = rules.iter().map(|rule| match &rule.head.value {
                Some(value) => constant(value),
                None => Some(Constant::Boolean(true)),
            });
            let first = values.next().flatten();
            first.is_some() && values.all(|value| value == first)
        };
        rules
            .iter()
            .map(|rule| {
                let mut conditions = self.conditions_of(rule, &rule.body);
                if agree {
                    conditions.memberships.clear();
                }
                match !conditions.is_empty() && skips_index(rule) {
                    true => Conditions::default(),
                    false => conditions,
                }
            })
            .collect()
    }

    /// What expressions of a rule ask for.
    pub(super) fn conditions_of(&self, rule: &Rule, exprs: &[Expr]) -> Conditions {
        let mut conditions = Conditions::default();
        let mut values = Values::new();
        for expr in exprs {
            self.condition(rule, expr, &mut conditions, &mut values);
        }
        conditions
    }

    fn condition(
        &self,
        rule: &Rule,
        expr: &Expr,
        conditions: &mut Conditions,
        values: &mut Values,
    ) {
        if expr.negated || !expr.with.is_empty() {
            return;
        }
        match &expr.kind {
            ExprKind::Term(term) => {
                let term = plug(term, values);
                if let TermKind::Ref(path) = &term.kind
                    && !self.collection_key(rule, path, conditions)
                {
                    self.equal(rule, &term, None, conditions, values);
                }
            }
            ExprKind::Call(terms) => {
                let Some((operator, operands)) = terms.split_first() else {
                    return;
                };
                let plugged = |term| plug(term, values);
                match (operator_name(operator).as_deref(), operands) {
                    (Some("eq" | "equal"), [a, b]) => {
                        let (a, b) = (&plugged(a), &plugged(b));
                        let _ = self.wildcard(rule, a, b, conditions, values)
                            || self.wildcard(rule, b, a, conditions, values)
                            || self.equal(rule, a, Some(b), conditions, values)
                            || self.equal(rule, b, Some(a), conditions, values);
                    }
                    (Some("internal.member_2"), [a, b]) => {
                        let (a, b) = (&plugged(a), &plugged(b));
                        self.member(rule, a, b, conditions, values);
                    }
                    (Some("startswith" | "strings.any_prefix_match"), [a, b]) => {
                        let (a, b) = (&plugged(a), &plugged(b));
                        self.affix(rule, a, b, true, conditions, values);
                    }
                    (Some("endswith" | "strings.any_suffix_match"), [a, b]) => {
                        let (a, b) = (&plugged(a), &plugged(b));
                        self.affix(rule, a, b, false, conditions, values);
                    }
                    (Some("glob.match"), [pattern, delimiters, value]) => {
                        let place = value
                            .as_var()
                            .and_then(|name| conditions.place_of(rule, name));
                        let test = glob(pattern, delimiters).map(Test::Glob);
                        if let (Some(place), Some(test)) = (place, test) {
                            conditions.insert(place, test);
                        }
                    }
                    _ => {}
                }
            }
            ExprKind::And(logical) => {
                for side in [&logical.lhs, &logical.rhs] {
                    if let Some(side) = self.side(rule, side, conditions, values) {
                        for entry in side.entries {
                            conditions.insert(entry.place, entry.test);
                        }
                        conditions.either.extend(side.either);
                    }
                }
            }
            ExprKind::Or(logical) => {
                let lhs = self.side(rule, &logical.lhs, conditions, values);
                let rhs = self.side(rule, &logical.rhs, conditions, values);
                if let (Some(lhs), Some(rhs)) = (lhs, rhs) {
                    conditions.either.push(vec![lhs, rhs]);
                }
            }
            _ => {}
        }
    }

    /// The conditions of a side of `and` or `or`, if it has any. Its variables mean nothing outside.
    fn side(
        &self,
        rule: &Rule,
        body: &[Expr],
        around: &Conditions,
        values: &Values,
    ) -> Option<Conditions> {
        let mut side = Conditions {
            outer: around
                .entries
                .iter()
                .chain(&around.outer)
                .cloned()
                .collect(),
            ..Conditions::default()
        };
        let mut values = values.clone();
        for expr in body {
            self.condition(rule, expr, &mut side, &mut values);
        }
        for entry in &mut side.entries {
            if let Test::Defined(name) = &mut entry.test {
                *name = None;
            }
        }
        side.memberships.clear();
        (!side.is_empty()).then_some(side)
    }

    /// The document that a reference names, if it is no virtual one.
    fn place(&self, rule: &Rule, path: &[Term], conditions: &Conditions) -> Option<Place> {
        let (head, rest) = path.split_first()?;
        let keys: Option<Vec<Constant>> = rest.iter().map(constant).collect();
        let keys = keys?;
        match &**head.as_var()? {
            "input" => Some(Place::Document(Root::Input, keys)),
            "data" => (!self.is_virtual(rest)).then_some(Place::Document(Root::Data, keys)),
            _ => match conditions.place_of(rule, head.as_var()?)? {
                Place::Document(root, mut path) => {
                    path.extend(keys);
                    Some(Place::Document(root, path))
                }
                // OPA indexes an argument itself only: refs into it are not rooted in a document.
                Place::Argument(at, path) if keys.is_empty() => Some(Place::Argument(at, path)),
                Place::Argument(..) => None,
            },
        }
    }

    /// True if rules stand at a path below `data` or on the way to it, or a package, be it without rules.
    pub(super) fn is_virtual(&self, keys: &[Term]) -> bool {
        matches!(self.tree.reach(keys), Reach::Rules)
    }

    /// `a = b`, or `a` alone.
    fn equal(
        &self,
        rule: &Rule,
        a: &Term,
        b: Option<&Term>,
        conditions: &mut Conditions,
        values: &mut Values,
    ) -> bool {
        match &a.kind {
            TermKind::Var(name) if !is_root(name) => {
                let Some(b) = b else { return false };
                if let Some(value) = constant(b) {
                    values.insert(name.clone(), value);
                } else if let Some(value) = b.as_var().and_then(|b| values.get(b)).cloned() {
                    values.insert(name.clone(), value);
                }
                let Some(test) = index_value(b) else {
                    return false;
                };
                let Some(place) = conditions.place_of(rule, name) else {
                    return false;
                };
                conditions.insert(place, test);
                true
            }
            TermKind::Ref(path) => {
                let Some(place) = self.place(rule, path, conditions) else {
                    return false;
                };
                let test = match b {
                    None => Some(Test::Defined(None)),
                    Some(b) => match b.as_var().and_then(|b| values.get(b)) {
                        Some(value) => Some(of_constant(value)),
                        None => index_value(b),
                    },
                };
                let Some(test) = test else { return false };
                conditions.insert(place, test);
                true
            }
            _ => false,
        }
    }

    /// `input.xs[_] = "a"`
    fn wildcard(
        &self,
        rule: &Rule,
        a: &Term,
        b: &Term,
        conditions: &mut Conditions,
        values: &Values,
    ) -> bool {
        let TermKind::Ref(path) = &a.kind else {
            return false;
        };
        let Some((last, prefix)) = path.split_last() else {
            return false;
        };
        if prefix.is_empty() || constant(last).is_some() {
            return false;
        }
        let Some(place @ Place::Document(..)) = self.place(rule, prefix, conditions) else {
            return false;
        };
        let value = match b.as_var() {
            Some(name) => values.get(name).cloned(),
            None => constant(b),
        };
        let Some(value) = value.filter(is_scalar) else {
            return false;
        };
        conditions.insert(place, Test::Member(value));
        true
    }

    /// `a in b`
    fn member(
        &self,
        rule: &Rule,
        a: &Term,
        b: &Term,
        conditions: &mut Conditions,
        values: &Values,
    ) {
        if let Some(place) = a.as_var().and_then(|name| conditions.place_of(rule, name)) {
            let collection = match b.as_var().and_then(|name| values.get(name)) {
                Some(value) => Some(value.clone()),
                None => constant(b),
            };
            let members = match collection {
                Some(Constant::Array(items) | Constant::Set(items)) => items,
                Some(Constant::Object(members)) => {
                    members.into_iter().map(|(_, value)| value).collect()
                }
                _ => return,
            };
            for member in members {
                conditions.insert(place.clone(), of_constant(&member));
            }
            return;
        }
        let value = match a.as_var() {
            Some(name) => match values.get(name) {
                Some(value) if is_scalar(value) => Some(value.clone()),
                Some(_) => return,
                None => None,
            },
            None => match constant(a) {
                Some(value) if is_scalar(&value) => Some(value),
                _ => return,
            },
        };
        let place = match &b.kind {
            TermKind::Ref(path) => self.place(rule, path, conditions),
            TermKind::Var(name) => conditions
                .place_of(rule, name)
                .filter(|place| matches!(place, Place::Document(..))),
            _ => None,
        };
        let Some(place) = place else { return };
        conditions.insert(
            place,
            match value {
                Some(value) => Test::Member(value),
                None => Test::Defined(a.as_var().cloned()),
            },
        );
    }

    /// `startswith(x, "a")`, or one of several
    fn affix(
        &self,
        rule: &Rule,
        a: &Term,
        b: &Term,
        prefix: bool,
        conditions: &mut Conditions,
        values: &Values,
    ) {
        let place = match &a.kind {
            TermKind::Ref(path) => self.place(rule, path, conditions),
            TermKind::Var(name) => conditions.place_of(rule, name),
            _ => None,
        };
        let value = match b.as_var() {
            Some(name) => values.get(name).cloned(),
            None => constant(b),
        };
        let (Some(place), Some(value)) = (place, value) else {
            return;
        };
        let bases = match value {
            Constant::Array(bases) | Constant::Set(bases) => bases,
            only => vec![only],
        };
        // Left out, a base that is no text would exclude what it may match.
        if bases.iter().all(|base| matches!(base, Constant::String(_))) {
            for base in bases {
                conditions.insert(place.clone(), Test::Affix(base, prefix));
            }
        }
    }

    /// `data.allowed[x]` with a key that is known before the rule runs.
    fn collection_key(&self, rule: &Rule, path: &[Term], conditions: &mut Conditions) -> bool {
        let Some((key, prefix)) = path.split_last() else {
            return false;
        };
        if prefix.first().and_then(Term::as_var).map(|name| &**name) != Some("data") {
            return false;
        }
        let Some(collection @ Place::Document(..)) = self.place(rule, prefix, conditions) else {
            return false;
        };
        let key = match &key.kind {
            TermKind::Ref(path) => self
                .place(rule, path, conditions)
                .filter(|place| matches!(place, Place::Document(..))),
            TermKind::Var(name) => conditions.place_of(rule, name),
            _ => None,
        };
        let Some(key) = key else { return false };
        let found = (key, collection);
        if !conditions.memberships.contains(&found) {
            conditions.memberships.push(found);
        }
        true
    }

    /// Statements that fail unless the conditions hold.
    pub(super) fn test(&mut self, conditions: &Conditions) {
        let mut done: Vec<&Place> = Vec::new();
        for entry in &conditions.entries {
            if done.contains(&&entry.place) {
                continue;
            }
            done.push(&entry.place);
            let mut tests: Vec<&Test> = conditions
                .entries
                .iter()
                .filter(|other| other.place == entry.place)
                .map(|other| &other.test)
                .collect();
            if tests.len() > 1 && tests.iter().any(|test| !matches!(test, Test::Defined(_))) {
                tests.retain(|test| !matches!(test, Test::Defined(_)));
            }
            one_end(&mut tests);
            let value = self.placed(&entry.place);
            match tests.as_slice() {
                [only] => self.one_test(value, only),
                several if several.iter().any(|test| matches!(test, Test::Defined(_))) => {}
                several => {
                    let result = self.b.local();
                    let branches = several
                        .iter()
                        .map(|test| {
                            let mark = self.b.begin();
                            self.one_test(value, test);
                            let src = self.true_operand();
                            self.b.emit(StmtKind::Move { dst: result, src });
                            self.b.end(mark)
                        })
                        .collect();
                    self.b.emit(StmtKind::FirstDefined { result, branches });
                    self.b.emit(StmtKind::IsDefined { local: result });
                }
            }
        }
        for alternatives in &conditions.either {
            let result = self.b.local();
            let branches = alternatives
                .iter()
                .map(|alternative| {
                    let mark = self.b.begin();
                    self.test(alternative);
                    let src = self.true_operand();
                    self.b.emit(StmtKind::Move { dst: result, src });
                    self.b.end(mark)
                })
                .collect();
            self.b.emit(StmtKind::FirstDefined { result, branches });
            self.b.emit(StmtKind::IsDefined { local: result });
        }
        for (key, collection) in &conditions.memberships {
            let key = self.placed(key);
            let collection = self.placed(collection);
            let _ = self.get(collection, key);
        }
    }

    fn placed(&mut self, place: &Place) -> Operand {
        match place {
            Place::Document(root, path) => self.load(*root, path.clone()),
            Place::Argument(at, _) => Operand::Local(Local(*at)),
        }
    }

    fn one_test(&mut self, value: Operand, test: &Test) {
        match test {
            Test::Defined(_) => {}
            Test::Equal(constant) => {
                let constant = self.constants.operand(constant.clone());
                self.guard_equal(value, constant);
            }
            Test::Array(items) => {
                self.b.emit(StmtKind::IsArray {
                    value,
                    len: items.len() as u32,
                });
                for (number, item) in items.iter().enumerate() {
                    let Some(item) = item else { continue };
                    let key = self.constants.operand(super::constants::integer(number));
                    let element = self.get(value, key);
                    let item = self.constants.operand(item.clone());
                    self.guard_equal(element, item);
                }
            }
            Test::Member(constant) => {
                let wanted = self.constants.operand(constant.clone());
                let scope = self.b.scope();
                let mark = self.b.begin();
                let member = self.b.local();
                self.b.scan(value, None, Some(member));
                self.guard_equal(Operand::Local(member), wanted);
                self.b.emit(StmtKind::Yield { scope });
                let body = self.b.end(mark);
                self.b.emit(StmtKind::Exists { scope, body });
            }
            Test::Affix(constant, prefix) => {
                let name = match prefix {
                    true => "startswith",
                    false => "endswith",
                };
                let affix = self.constants.operand(constant.clone());
                // Of a collection a member will do.
                let result = self.b.local();
                let mark = self.b.begin();
                self.text_gives_true(value, name, vec![value, affix]);
                self.mark_true(result);
                let text = self.b.end(mark);
                let mark = self.b.begin();
                let (scope, member) = (self.b.scope(), self.b.local());
                let body = self.b.begin();
                self.b.scan(value, None, Some(member));
                let member = Operand::Local(member);
                self.text_gives_true(member, name, vec![member, affix]);
                self.b.emit(StmtKind::Yield { scope });
                let body = self.b.end(body);
                self.b.emit(StmtKind::Exists { scope, body });
                self.mark_true(result);
                let branches = vec![text, self.b.end(mark)];
                self.b.emit(StmtKind::FirstDefined { result, branches });
                self.b.emit(StmtKind::IsDefined { local: result });
            }
            Test::Glob(pattern) => {
                let pattern = self.constants.operand(pattern.clone());
                self.text_gives_true(value, "regex.match", vec![pattern, value]);
            }
        }
    }

    /// Fails unless a value is a text and a built-in gives true, which has no error then.
    fn text_gives_true(&mut self, value: Operand, name: &str, args: Vec<Operand>) {
        for (name, args) in [("is_string", vec![value]), (name, args)] {
            let builtin = self.checked.state.builtins.id(name);
            // What replaces it is no concern of the index.
            let Some(builtin) = builtin.filter(|id| !self.mocked.contains(id)) else {
                return;
            };
            let value = self
                .b
                .assign(|dst| StmtKind::CallBuiltin { dst, builtin, args });
            self.b.emit(StmtKind::Truthy { value });
        }
    }
}

/// Where both ends of a text are asked for, OPA looks at one only: the one whose shortest text is longer.
fn one_end(tests: &mut Vec<&Test>) {
    let shortest = |end: bool| {
        let lengths = tests.iter().filter_map(|test| match test {
            Test::Affix(Constant::String(text), of) if *of == end => Some(text.len()),
            _ => None,
        });
        lengths.min()
    };
    if let (Some(prefix), Some(suffix)) = (shortest(true), shortest(false)) {
        let kept = prefix >= suffix;
        tests.retain(|test| !matches!(test, Test::Affix(_, end) if *end != kept));
    }
}

/// What OPA's index makes of a glob, if it can: the parts between delimiters, each either any text or a known one. As a regular
/// expression.
fn glob(pattern: &Term, delimiters: &Term) -> Option<Constant> {
    let Some(Constant::String(pattern)) = constant(pattern) else {
        return None;
    };
    let Some(Constant::Array(delimiters)) = constant(delimiters) else {
        return None;
    };
    let mut between = String::new();
    for delimiter in &delimiters {
        match delimiter {
            Constant::String(text) if text.is_ascii() => between.push_str(text),
            _ => return None,
        }
    }
    if delimiters.is_empty() {
        between.push('.');
    }
    let class: String = between
        .chars()
        .flat_map(|c| escaped(c).chars().collect::<Vec<_>>())
        .collect();
    let mut parts = Vec::new();
    for part in split_escaped(&pattern, &between) {
        if part == "*" {
            parts.push(format!(r"(?:[^{class}\\]|\\[\s\S])*"));
            continue;
        }
        let mut after_backslash = false;
        for c in part.chars() {
            if c == '\\' {
                after_backslash = !after_backslash;
                continue;
            }
            if !after_backslash && matches!(c, '[' | '?' | '{' | '*') {
                return None;
            }
            after_backslash = false;
        }
        parts.push(part.chars().map(escaped).collect());
    }
    // A backslash at the end of the text escapes nothing.
    let end = if pattern.ends_with('*') {
        r"\\?\z"
    } else {
        r"\z"
    };
    let regex = format!(r"\A{}{end}", parts.join(&format!("[{class}]")));
    Some(Constant::String(regex.as_str().into()))
}

/// A character that means itself in a regular expression.
fn escaped(c: char) -> String {
    match c.is_ascii_punctuation() {
        true => format!("\\{c}"),
        false => c.to_string(),
    }
}

/// The parts of a text between delimiters; those behind a backslash do not count.
fn split_escaped<'t>(text: &'t str, delimiters: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let (mut start, mut after_backslash) = (0, false);
    for (at, c) in text.char_indices() {
        if c == '\\' || after_backslash {
            after_backslash = !after_backslash;
        } else if delimiters.contains(c) {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A reference with the constants that its variables stand for.
fn plug<'t>(term: &'t Term, values: &Values) -> Cow<'t, Term> {
    let mut term = Cow::Borrowed(term);
    if let TermKind::Ref(path) = &term.kind
        && path
            .iter()
            .skip(1)
            .filter_map(Term::as_var)
            .any(|name| values.contains_key(name))
        && let TermKind::Ref(path) = &mut term.to_mut().kind
    {
        for key in path.iter_mut().skip(1) {
            let value = key.as_var().and_then(|name| values.get(name)).cloned();
            if let Some(kind) = value.as_ref().and_then(scalar_kind) {
                key.kind = kind;
            }
        }
    }
    term
}

fn scalar_kind(value: &Constant) -> Option<TermKind> {
    Some(match value {
        Constant::Null => TermKind::Null,
        Constant::Boolean(value) => TermKind::Boolean(*value),
        Constant::Number(text) => TermKind::Number(text.clone()),
        Constant::String(text) => TermKind::String(text.clone()),
        _ => return None,
    })
}

fn is_scalar(value: &Constant) -> bool {
    scalar_kind(value).is_some()
}

/// What OPA's index keeps of a value.
fn index_value(term: &Term) -> Option<Test> {
    match &term.kind {
        TermKind::Var(name) if !is_root(name) => Some(Test::Defined(Some(name.clone()))),
        TermKind::Array(items) => {
            let simple = |item: &Term| match &item.kind {
                TermKind::Var(name) if !is_root(name) => Some(None),
                _ => constant(item).filter(is_scalar).map(Some),
            };
            let items: Option<Vec<_>> = items.iter().map(simple).collect();
            items.map(Test::Array)
        }
        _ => constant(term).filter(is_scalar).map(Test::Equal),
    }
}

fn of_constant(value: &Constant) -> Test {
    match value {
        Constant::Array(items) => Test::Array(
            items
                .iter()
                .map(|item| Some(item.clone()).filter(is_scalar))
                .collect(),
        ),
        Constant::Object(_) | Constant::Set(_) => Test::Defined(None),
        scalar => Test::Equal(scalar.clone()),
    }
}

/// The name of what is called.
pub(super) fn operator_name(operator: &Term) -> Option<Cow<'_, str>> {
    match &operator.kind {
        TermKind::Ref(path) => match path.as_slice() {
            [only] => Some(Cow::Borrowed(only.as_var()?)),
            _ => dotted_name(path).map(Cow::Owned),
        },
        TermKind::Var(name) => Some(Cow::Borrowed(name)),
        _ => None,
    }
}

/// Rules that print are always evaluated.
fn skips_index(rule: &Rule) -> bool {
    let mut skips = false;
    for expr in &rule.body {
        visit::walk_exprs(visit::Node::Expr(expr), &mut |expr| {
            if let ExprKind::Call(terms) = &expr.kind
                && let Some(name) = terms.first().and_then(operator_name)
            {
                skips |= name == "internal.print" || name == "internal.test_case";
            }
            false
        });
    }
    skips
}
