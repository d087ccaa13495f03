//! Built-ins of your own.
//!
//! A [`Builtin`] has a name, a signature and a body, and is added to an [`Engine`](crate::Engine) before the policies
//! that call it. From then on it is as every other built-in: calls are checked against the signature, `with` replaces it,
//! errors are errors of built-ins (undefined unless the session is strict), budgets count.
//!
//! Signatures are written `(x: num, tags: [str]) -> found: {str}`: the types are `null`, `bool`, `num`, `str`, `any`, `[T]`
//! for arrays (`[T, U]` for those of so many elements), `{T}` for sets, `obj<K=>V>` for objects
//! (`obj<"name": str, any=>any>` if members are known) and `A|B` for either. Names may be left out.
//!
//! Bodies come in two forms. With [`Builtin::new`] a body is a function of Rust types, and serde does the rest:
//!
//! ```
//! use std::collections::HashMap;
//! use regovm::{Builtin, Engine};
//!
//! let teams = HashMap::from([("alice".to_owned(), "payments".to_owned())]);
//! let mut engine = Engine::new();
//! engine.add_builtin(Builtin::new(
//!     "acme.team",
//!     "(user: str) -> team: str",
//!     move |user: String| Ok::<_, String>(teams.get(&user).cloned()),
//! ))?;
//! engine.add_module("p.rego", "package p\nallow if acme.team(input.user) == \"payments\"\n");
//! let mut session = engine.prepare("data.p.allow")?.session();
//! assert_eq!(session.eval_json(br#"{"user": "alice"}"#)?.decode()?, Some(true));
//! assert_eq!(session.eval_json(br#"{"user": "bob"}"#)?.decode::<bool>()?, None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With [`Builtin::over_values`] it is a function of values, which copies nothing that it does not want to, and charges for
//! its work itself:
//!
//! ```
//! use regovm::builtin::BuiltinError;
//! use regovm::{Builtin, Engine};
//!
//! let longest = Builtin::over_values("acme.longest", "(texts: [str]) -> text: str", |cx, arguments| {
//!     let Some(texts) = arguments.first().and_then(|list| list.as_array()) else {
//!         return Err(BuiltinError::operand(1, "must be array"));
//!     };
//!     cx.charge(texts.len() as u64)?;
//!     Ok(texts.iter().max_by_key(|text| text.as_str().map(str::len)))
//! });
//! let mut engine = Engine::new();
//! engine.add_builtin(longest)?;
//! let mut session = engine.prepare(r#"acme.longest(["a", "ccc", "bb"])"#)?.session();
//! assert_eq!(session.eval_without_input(0)?.decode()?, Some("ccc"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conform;
mod typed;

use std::sync::Arc;

pub use regovm_core::builtin::{BuiltinError, Call, StopReason};
use regovm_core::builtin::{CustomBody, CustomBuiltin, Purity, Table};
use regovm_core::types::Type;
use regovm_core::value::Value;
use regovm_parser::Keyword;

use self::typed::Typed;
pub use self::typed::TypedBody;

/// A built-in of yours; see [the module](crate::builtin).
pub struct Builtin {
    name: String,
    signature: String,
    doc: String,
    purity: Purity,
    cost: u64,
    body: Box<Maker>,
    /// Parameters of the body, where it says so.
    arity: Option<usize>,
}

/// Makes a body when the declaration is complete.
type Maker = dyn FnOnce(Promise) -> Box<dyn CustomBody> + Send + Sync;

/// What bodies must know of the declaration.
struct Promise {
    name: String,
    cost: u64,
    result: Type,
}

impl Builtin {
    /// A built-in whose body is a function of Rust types: `Fn(A, B) -> Result<Option<R>, E>` with up to six arguments, which
    /// `serde` deserializes, and a result that it serializes. `Ok(None)` is undefined; an error is one of the built-in with
    /// its text (a [`BuiltinError`] stays what it is).
    ///
    /// Parameters of closures must have their types written down. A sequence becomes a set where the signature says so; a
    /// result that is not of the type of the signature is an error that ends the query.
    ///
    /// Arguments and results count as work and memory of the query; what the body does is charged by [`Builtin::cost`].
    pub fn new<A: 'static, F: TypedBody<A>>(
        name: impl Into<String>,
        signature: impl Into<String>,
        body: F,
    ) -> Builtin {
        let make = |promise| -> Box<dyn CustomBody> { Box::new(Typed::new(body, promise)) };
        Builtin {
            arity: Some(F::ARITY),
            ..Builtin::made_by(name.into(), signature.into(), Box::new(make))
        }
    }

    /// A built-in whose body is a function of values. It charges for its work ([`Call::charge`]) before doing it and announces
    /// large results ([`Call::reserve`]), if the budgets of sessions are to hold for it. Nobody checks that a result is of the
    /// type of the signature.
    pub fn over_values<F>(name: impl Into<String>, signature: impl Into<String>, body: F) -> Builtin
    where
        F: for<'a> Fn(&mut Call<'a, '_>, &[Value<'a>]) -> Result<Option<Value<'a>>, BuiltinError>
            + Send
            + Sync
            + 'static,
    {
        let make = |promise: Promise| -> Box<dyn CustomBody> {
            match promise.cost {
                0 => Box::new(body),
                cost => Box::new(Charged { body, cost }),
            }
        };
        Builtin::made_by(name.into(), signature.into(), Box::new(make))
    }

    fn made_by(name: String, signature: String, body: Box<Maker>) -> Builtin {
        Builtin {
            name,
            signature,
            doc: String::new(),
            purity: Purity::Pure,
            cost: 0,
            body,
            arity: None,
        }
    }

    /// What it does, for [`Capabilities`](crate::Capabilities) and people.
    pub fn doc(mut self, text: impl Into<String>) -> Builtin {
        self.doc = text.into();
        self
    }

    /// Equal arguments may give other results at another time: it looks at a clock, a database, a service. Within a query
    /// it is then called once for the same arguments, and the result kept. Without this, how often it is called, and
    /// whether, is left to the compiler.
    pub fn nondeterministic(mut self) -> Builtin {
        self.purity = Purity::Nondeterministic;
        self
    }

    /// Steps that each call takes from the budget, beside those for arguments and result.
    pub fn cost(mut self, steps: u64) -> Builtin {
        self.cost = steps;
        self
    }

    /// Puts it into a table, or says what is wrong with it and what to do about that.
    pub(crate) fn add_to(self, table: &mut Table) -> Result<(), (String, String)> {
        let name = &self.name;
        self.check_name(table)?;
        let function = match Type::parse(&self.signature) {
            Ok(Type::Function(function)) => function,
            Ok(_) => {
                return Err((
                    format!("the signature of the built-in {name} is the type of no function"),
                    "write (x: str, y: num) -> z: bool".to_owned(),
                ));
            }
            Err(error) => {
                return Err((
                    format!("the built-in {name} has a wrong signature: {error}"),
                    format!(
                        "types in {:?} are null, bool, num, str, any, [T], {{T}}, obj<K=>V>, A|B",
                        self.signature
                    ),
                ));
            }
        };
        let (None, Some(result)) = (&function.variadic, function.result) else {
            return Err((
                format!("the built-in {name} must have a fixed number of parameters, and a result"),
                "take an array for any number of values; give true if there is nothing to give"
                    .to_owned(),
            ));
        };
        if let Some(arity) = self.arity.filter(|arity| *arity != function.params.len()) {
            let declared = function.params.len();
            return Err((
                format!(
                    "the body of the built-in {name} takes {arity} arguments, its signature {declared}"
                ),
                "body and signature must have the same parameters".to_owned(),
            ));
        }
        if table.len() >= usize::from(u16::MAX) {
            return Err((
                format!("too many built-ins to add {name}"),
                "an engine has room for 65,535".to_owned(),
            ));
        }
        let body = (self.body)(Promise {
            name: self.name.clone(),
            cost: self.cost,
            result,
        });
        table.add_custom(Arc::new(CustomBuiltin {
            name: self.name,
            signature: self.signature,
            doc: self.doc,
            purity: self.purity,
            body,
        }));
        Ok(())
    }

    fn check_name(&self, table: &Table) -> Result<(), (String, String)> {
        let name = &self.name;
        let is_word = |word: &str| {
            let mut characters = word.chars();
            characters
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let mut words = name.split('.');
        let first = words.next().unwrap_or_default();
        let reserved = ["data", "input", "_"].contains(&first) || Keyword::of(first).is_some();
        if reserved || !is_word(first) || !words.all(is_word) {
            return Err((
                format!("{name:?} is no name of a built-in"),
                "a name is words of letters, digits and _ with dots between them, as in acme.lookup; the first word is no \
                 keyword"
                    .to_owned(),
            ));
        }
        if ["regovm", "internal", "opa", "rego"].contains(&first) {
            return Err((
                format!("the name of the built-in {name} is reserved"),
                "begin it with a word of your own, as in acme.lookup".to_owned(),
            ));
        }
        let below = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let clash = table
            .names()
            .find(|known| below(known, name) || below(name, known));
        match clash {
            Some(known) if known == name => Err((
                format!("there is a built-in {name} already"),
                "give it another name; to replace a built-in in tests use `with`".to_owned(),
            )),
            Some(known) => Err((
                format!("the name of the built-in {name} clashes with {known}"),
                "no name of a built-in can go on where another ends".to_owned(),
            )),
            None => Ok(()),
        }
    }
}

/// A body with a price.
struct Charged<F> {
    body: F,
    cost: u64,
}

impl<F: CustomBody> CustomBody for Charged<F> {
    fn call<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        cx.charge(self.cost)?;
        self.body.call(cx, arguments)
    }
}
