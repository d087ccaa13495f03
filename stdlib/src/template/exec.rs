//! Evaluation of templates.

use regovm_core::builtin::{BuiltinError, Call, StopReason};
use regovm_core::value::Value;

use super::ast::{self, Branch, Command, Node, NodeKind, Part, Pipe, Place};
use super::functions::{self, Body, Function, Parameter, Problem};
use super::lexer::quoted;
use super::parser::Templates;
use super::value::{Datum, Item};
use crate::go::format::push_printed;
use crate::operand::failed;
use crate::text::{Text, charge_bytes};

/// How deep templates may call each other. Go's own bound is far beyond what the stack of a thread can take.
pub(super) const DEPTH: usize = 50;

type Evaluated<T> = Result<T, BuiltinError>;

/// How a list of parts ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Through,
    Break,
    Continue,
}

/// Evaluates the template of a name over values. `text` is what all templates were parsed from.
pub(super) fn run<'a>(
    cx: &mut Call<'a, '_>,
    templates: &Templates<'a>,
    name: &'a str,
    text: &'a str,
    values: Value<'a>,
) -> Evaluated<String> {
    let dot = Item::element(values, cx.arena).taken();
    let mut state = State {
        cx,
        templates,
        text,
        out: String::new(),
        paid: 0,
        main: name,
        name,
        variables: vec![("$", dot)],
        place: None,
        depth: 0,
        nested: 0,
    };
    if let Some(parts) = templates.get(name) {
        state.walk(dot, parts)?;
    }
    Ok(state.out)
}

struct State<'c, 'x, 'a, 'h> {
    cx: &'c mut Call<'a, 'h>,
    templates: &'x Templates<'a>,
    text: &'a str,
    out: String,
    /// How long the output may get before more memory is announced.
    paid: usize,
    /// The name of the text.
    main: &'a str,
    /// The template that is evaluated.
    name: &'a str,
    variables: Vec<(&'a str, Item<'a>)>,
    /// What messages point at.
    place: Option<Place<'x, 'a>>,
    /// Calls of templates.
    depth: usize,
    /// Actions and pipes within each other, over all calls.
    nested: usize,
}

/// The value that a command gets from the one before it in the pipe.
type Piped<'a> = Option<Item<'a>>;

impl<'x, 'a> State<'_, 'x, 'a, '_> {
    fn error<T>(&self, message: impl std::fmt::Display) -> Evaluated<T> {
        let Some(place) = self.place else {
            return Err(failed(format!("template: {}: {message}", self.name)));
        };
        let before = &self.text.as_bytes()[..place.at().min(self.text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let column = before.len() - line_start;
        Err(failed(format!(
            "template: {}:{line}:{column}: executing {} at <{}>: {message}",
            self.main,
            quoted(self.name),
            place.text()
        )))
    }

    /// Runs what nests. Trees are not deep, and neither are calls of templates, but both together may be.
    fn nest<T>(&mut self, run: impl FnOnce(&mut Self) -> Evaluated<T>) -> Evaluated<T> {
        if self.nested >= 2 * DEPTH + super::parser::DEPTH {
            return Err(BuiltinError::Stop(StopReason::Depth));
        }
        self.nested += 1;
        let result = run(self);
        self.nested -= 1;
        result
    }

    fn write(&mut self, text: &str) -> Evaluated<()> {
        charge_bytes(self.cx, text.len())?;
        let len = self.out.len().saturating_add(text.len());
        if len > self.paid {
            self.paid = len.saturating_mul(2).max(1 << 12);
            self.cx.reserve(self.paid)?;
        }
        self.out.push_str(text);
        Ok(())
    }

    fn walk(&mut self, dot: Item<'a>, parts: &'x [Part<'a>]) -> Evaluated<Flow> {
        for part in parts {
            self.cx.charge(1)?;
            let flow = match part {
                Part::Text(text) => {
                    self.write(text)?;
                    Flow::Through
                }
                Part::Action(pipe) => {
                    let value = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.print(value)?;
                    }
                    Flow::Through
                }
                Part::If(branch) => self.nest(|state| state.condition(dot, branch, false))?,
                Part::With(branch) => self.nest(|state| state.condition(dot, branch, true))?,
                Part::Range(branch) => self.nest(|state| state.range(dot, branch))?,
                Part::Template(call) => {
                    self.nest(|state| state.template(dot, call))?;
                    Flow::Through
                }
                Part::Break => Flow::Break,
                Part::Continue => Flow::Continue,
            };
            if flow != Flow::Through {
                return Ok(flow);
            }
        }
        Ok(Flow::Through)
    }

    fn print(&mut self, value: Item<'a>) -> Evaluated<()> {
        match value.datum {
            Datum::Nothing => self.write("<no value>"),
            Datum::Text(text) | Datum::Number(text) => self.write(text),
            other => {
                let text = self.shown(other)?;
                self.write(text)
            }
        }
    }

    /// A value as `%v` prints it.
    fn shown(&mut self, datum: Datum<'a>) -> Evaluated<&'a str> {
        let mut out = Text::new(self.cx);
        push_printed(&mut out, &[datum.argument()], false)?;
        Ok(out.finish().as_str().unwrap_or(""))
    }

    fn condition(&mut self, dot: Item<'a>, branch: &'x Branch<'a>, with: bool) -> Evaluated<Flow> {
        let known = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.datum.is_true() {
            self.walk(if with { value } else { dot }, &branch.list)?
        } else {
            self.otherwise(dot, branch)?
        };
        self.variables.truncate(known);
        Ok(flow)
    }

    fn otherwise(&mut self, dot: Item<'a>, branch: &'x Branch<'a>) -> Evaluated<Flow> {
        match &branch.otherwise {
            Some(parts) => self.walk(dot, parts),
            None => Ok(Flow::Through),
        }
    }

    fn range(&mut self, dot: Item<'a>, branch: &'x Branch<'a>) -> Evaluated<Flow> {
        let known = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let arena = self.cx.arena;
        let numbers = |number: i64| match branch.pipe.variables.len() {
            0 | 1 => Ok(number),
            _ => Err(number),
        };
        let mut any = false;
        let mut count = |state: &mut Self, end: i64, item: fn(i64) -> Datum<'a>| match numbers(end)
        {
            Ok(end) => {
                for i in 0..end {
                    any = true;
                    if state.round(branch, Item::NOTHING, item(i).item())? == Flow::Break {
                        break;
                    }
                }
                Ok(())
            }
            Err(end) => state.error(format!(
                "can't use {end} to iterate over more than one variable"
            )),
        };
        match value.datum {
            Datum::Integer(end) => count(self, end, Datum::Integer)?,
            Datum::Byte(end) => count(self, end.into(), |i| Datum::Byte(i as u8))?,
            Datum::List(list) => {
                for i in 0..list.len() {
                    any = true;
                    let element = Item::element(list.get(i).unwrap_or(Value::NULL), arena);
                    let index = Datum::Integer(i as i64).item();
                    if self.round(branch, index, element)? == Flow::Break {
                        break;
                    }
                }
            }
            Datum::Map(map) => {
                for (key, value) in map.iter() {
                    any = true;
                    let key = Item::element(key, arena).taken();
                    if self.round(branch, key, Item::element(value, arena))? == Flow::Break {
                        break;
                    }
                }
            }
            Datum::Nothing => {}
            other => {
                let shown = self.shown(other)?;
                return self.error(format!("range can't iterate over {shown}"));
            }
        }
        // A jump out of the `else` is one of the range around, which Go confuses with this one.
        let flow = if any {
            Flow::Through
        } else {
            self.otherwise(dot, branch)?
        };
        self.variables.truncate(known);
        Ok(match flow {
            Flow::Break => Flow::Through,
            other => other,
        })
    }

    /// One turn of a range.
    fn round(
        &mut self,
        branch: &'x Branch<'a>,
        index: Item<'a>,
        element: Item<'a>,
    ) -> Evaluated<Flow> {
        self.cx.charge(1)?;
        let known = self.variables.len();
        let pipe = &branch.pipe;
        match pipe.variables.as_slice() {
            [] => {}
            [only] if pipe.assigns => self.assign(only, element)?,
            [first, second, ..] if pipe.assigns => {
                self.assign(first, index)?;
                self.assign(second, element)?;
            }
            declared => {
                // They were pushed by the pipe.
                let values = [element, index];
                let top = self.variables.iter_mut().rev().take(declared.len());
                for ((_, variable), value) in top.zip(values) {
                    *variable = value;
                }
            }
        }
        let flow = self.walk(element, &branch.list)?;
        self.variables.truncate(known);
        Ok(flow)
    }

    fn template(&mut self, dot: Item<'a>, call: &'x ast::Call<'a>) -> Evaluated<()> {
        self.place = Some(Place::Template(call));
        let Some(parts) = self.templates.get(call.name) else {
            return self.error(format!("template {} not defined", quoted(call.name)));
        };
        if self.depth == DEPTH {
            return self.error(format!("exceeded maximum template depth ({DEPTH})"));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Item::NOTHING,
        };
        let name = std::mem::replace(&mut self.name, call.name);
        let variables = std::mem::replace(&mut self.variables, vec![("$", dot)]);
        self.depth += 1;
        self.walk(dot, parts)?;
        self.depth -= 1;
        self.variables = variables;
        self.name = name;
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Item<'a>) -> Evaluated<()> {
        match self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| *known == name)
        {
            Some((_, variable)) => {
                *variable = value;
                Ok(())
            }
            None => self.error(format!("undefined variable: {name}")),
        }
    }

    fn pipe(&mut self, dot: Item<'a>, pipe: &'x Pipe<'a>) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Pipe(pipe));
        let mut value = None;
        for command in &pipe.commands {
            self.cx.charge(1)?;
            value = Some(self.command(dot, command, value)?.taken());
        }
        let value = value.unwrap_or(Item::NOTHING);
        for variable in &pipe.variables {
            if pipe.assigns {
                self.assign(variable, value)?;
            } else {
                self.variables.push((variable, value));
            }
        }
        Ok(value)
    }

    fn command(
        &mut self,
        dot: Item<'a>,
        command: &'x Command<'a>,
        piped: Piped<'a>,
    ) -> Evaluated<Item<'a>> {
        let Some((first, arguments)) = command.words.split_first() else {
            return self.error("empty command");
        };
        let has_arguments = !arguments.is_empty() || piped.is_some();
        match &first.kind {
            NodeKind::Field(names) => {
                self.place = Some(Place::Node(first));
                self.fields(dot, names, has_arguments)
            }
            NodeKind::Chain(inner, names) => self.chain(dot, first, inner, names, has_arguments),
            NodeKind::Identifier(name) => {
                self.place = Some(Place::Node(first));
                self.call(dot, name, Place::Command(command), arguments, piped)
            }
            NodeKind::Pipe(pipe) => {
                self.no_arguments(first, has_arguments)?;
                self.nest(|state| state.pipe(dot, pipe))
            }
            NodeKind::Variable(names) => self.variable(dot, first, names, has_arguments),
            constant => {
                self.place = Some(Place::Node(first));
                self.no_arguments(first, has_arguments)?;
                match constant {
                    NodeKind::Nil => self.error("nil is not a command"),
                    NodeKind::Dot => Ok(dot),
                    _ => self.constant(first),
                }
            }
        }
    }

    fn no_arguments(&self, first: &Node<'a>, has_arguments: bool) -> Evaluated<()> {
        if has_arguments {
            let first = first.text();
            return self.error(format!("can't give argument to non-function {first}"));
        }
        Ok(())
    }

    /// The value of a literal.
    fn constant(&mut self, node: &'x Node<'a>) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Node(node));
        let datum = match &node.kind {
            NodeKind::Boolean(value) => Datum::Boolean(*value),
            NodeKind::Text(_, text) => Datum::Text(text),
            NodeKind::Number(number) => match (number.float, number.integer) {
                (Some(float), _) if number.is_float() => Datum::Float(float),
                (_, Some(integer)) => Datum::Integer(integer),
                _ => return self.error(format!("{} overflows int", number.text)),
            },
            _ => Datum::Nothing,
        };
        Ok(datum.item())
    }

    fn variable(
        &mut self,
        _dot: Item<'a>,
        node: &'x Node<'a>,
        names: &'x [&'a str],
        has_arguments: bool,
    ) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Node(node));
        let Some((name, fields)) = names.split_first() else {
            return Ok(Item::NOTHING);
        };
        let known = self.variables.iter().rev().find(|(known, _)| known == name);
        let Some((_, value)) = known.copied() else {
            return self.error(format!("undefined variable: {name}"));
        };
        if fields.is_empty() {
            self.no_arguments(node, has_arguments)?;
            return Ok(value);
        }
        self.fields(value, fields, has_arguments)
    }

    fn chain(
        &mut self,
        dot: Item<'a>,
        node: &'x Node<'a>,
        inner: &'x Node<'a>,
        names: &'x [&'a str],
        has_arguments: bool,
    ) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Node(node));
        let value = self.operand(dot, inner)?;
        self.fields(value, names, has_arguments)
    }

    /// Fields of fields. Only the last one could take arguments, if it were a method.
    fn fields(
        &mut self,
        mut value: Item<'a>,
        names: &[&'a str],
        has_arguments: bool,
    ) -> Evaluated<Item<'a>> {
        for (i, name) in names.iter().enumerate() {
            self.cx.charge(1)?;
            if value.is_null() {
                return self.error(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            value = match value.datum {
                Datum::Nothing => Item::NOTHING,
                Datum::Map(_) if has_arguments && i + 1 == names.len() => {
                    return self.error(format!("{name} is not a method but has arguments"));
                }
                Datum::Map(map) => match map.get_str(name) {
                    Some(value) => Item::element(value, self.cx.arena),
                    None => Item::NOTHING,
                },
                _ => {
                    let of = value.type_name();
                    return self.error(format!("can't evaluate field {name} in type {of}"));
                }
            };
        }
        Ok(value)
    }

    /// A word that is no literal, as it is.
    fn operand(&mut self, dot: Item<'a>, node: &'x Node<'a>) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Node(node));
        match &node.kind {
            NodeKind::Dot => Ok(dot),
            NodeKind::Field(names) => self.fields(dot, names, false),
            NodeKind::Variable(names) => self.variable(dot, node, names, false),
            NodeKind::Pipe(pipe) => self.nest(|state| state.pipe(dot, pipe)),
            NodeKind::Identifier(name) => self.call(dot, name, Place::Node(node), &[], None),
            NodeKind::Chain(inner, names) => self.chain(dot, node, inner, names, false),
            _ => self.constant(node),
        }
    }

    /// A word as an argument for a parameter.
    fn argument(
        &mut self,
        dot: Item<'a>,
        parameter: Parameter,
        node: &'x Node<'a>,
    ) -> Evaluated<Item<'a>> {
        self.place = Some(Place::Node(node));
        match (&node.kind, parameter) {
            (NodeKind::Nil, Parameter::Text) => self.error("cannot assign nil to string"),
            (NodeKind::Nil, parameter) => Ok(Item {
                datum: Datum::Nothing,
                held: parameter == Parameter::Any,
            }),
            (NodeKind::Boolean(_) | NodeKind::Number(_), Parameter::Text) => {
                self.error(format!("expected string; found {}", node.text()))
            }
            _ => {
                let value = self.operand(dot, node)?;
                self.checked(value, parameter)
            }
        }
    }

    fn checked(&self, value: Item<'a>, parameter: Parameter) -> Evaluated<Item<'a>> {
        if parameter != Parameter::Text {
            return Ok(value);
        }
        match value.datum {
            Datum::Text(_) => Ok(value.taken()),
            Datum::Nothing if !value.held => self.error("invalid value; expected string"),
            other => {
                let got = other.type_name();
                self.error(format!("wrong type for value; expected string; got {got}"))
            }
        }
    }

    /// Calls a function; messages of the function itself point at `node`.
    fn call(
        &mut self,
        dot: Item<'a>,
        name: &str,
        node: Place<'x, 'a>,
        arguments: &'x [Node<'a>],
        piped: Piped<'a>,
    ) -> Evaluated<Item<'a>> {
        let Some(function) = functions::find(name) else {
            return self.error(format!("{} is not a defined function", quoted(name)));
        };
        let count = arguments.len() + usize::from(piped.is_some());
        let fixed = function.fixed.len();
        if function.variadic.is_some() && count < fixed {
            let got = arguments.len();
            return self.error(format!(
                "wrong number of args for {name}: want at least {fixed} got {got}"
            ));
        }
        if function.variadic.is_none() && count != fixed {
            return self.error(format!(
                "wrong number of args for {name}: want {fixed} got {count}"
            ));
        }
        let or = match function.body {
            Body::And => Some(false),
            Body::Or => Some(true),
            _ => None,
        };
        if let Some(or) = or {
            let mut last = Item::NOTHING;
            for argument in arguments {
                last = self.argument(dot, Parameter::Value, argument)?;
                if last.datum.is_true() == or {
                    return Ok(last);
                }
            }
            return Ok(piped.unwrap_or(last));
        }
        let parameter = |i: usize| match function.fixed.get(i) {
            Some(parameter) => *parameter,
            None => function.variadic.unwrap_or(Parameter::Value),
        };
        let mut values = Vec::with_capacity(count);
        for (i, argument) in arguments.iter().enumerate() {
            values.push(self.argument(dot, parameter(i), argument)?);
        }
        if let Some(piped) = piped {
            values.push(self.checked(piped, parameter(arguments.len()))?);
        }
        self.cx.charge(1)?;
        self.body(function, node, arguments, &values)
    }

    fn body(
        &mut self,
        function: &Function,
        node: Place<'x, 'a>,
        arguments: &[Node<'a>],
        values: &[Item<'a>],
    ) -> Evaluated<Item<'a>> {
        let message = match function.body {
            Body::Plain(body) => match body(self.cx, values) {
                Ok(value) => return Ok(value),
                Err(Problem::Stop(error)) => return Err(error),
                Err(Problem::Message(message)) => message,
            },
            _ => self.not_callable(arguments, values)?,
        };
        self.place = Some(node);
        self.error(format!("error calling {}: {message}", function.name))
    }

    /// What `call` says of everything: no value is a function.
    fn not_callable(&mut self, arguments: &[Node<'a>], values: &[Item<'a>]) -> Evaluated<String> {
        let callee = values.first().copied().unwrap_or(Item::NOTHING);
        if matches!(callee.datum, Datum::Nothing) {
            return Ok("call of nil".to_owned());
        }
        let of = callee.datum.type_name();
        let name = match (arguments.first(), callee.datum) {
            (Some(node), _) => node.text(),
            (None, Datum::Text(text) | Datum::Number(text)) => text.to_owned(),
            _ => format!("<{of} Value>"),
        };
        Ok(format!("non-function {name} of type {of}"))
    }
}
