//! Bodies that are functions of Rust types.

use std::any::Any;
use std::fmt::Display;
use std::marker::PhantomData;

use regovm_core::Code;
use regovm_core::builtin::{BuiltinError, Call, CustomBody};
use regovm_core::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Promise;
use super::conform::conform;
use crate::convert::{DataError, Held, Reading, to_value};

/// Functions `Fn(A, B, ..) -> Result<Option<R>, E>` of up to six arguments, as [`Builtin::new`](super::Builtin::new) takes
/// them. `A` is the tuple of the types of the arguments.
pub trait TypedBody<A>: Send + Sync + 'static {
    /// How many arguments it takes.
    const ARITY: usize;

    /// One call.
    #[doc(hidden)]
    fn run<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError>;
}

macro_rules! typed_bodies {
    ($($arity:literal: $($ty:ident)*;)*) => {
        $(impl<F, $($ty,)* R, E> TypedBody<($($ty,)*)> for F
        where
            F: Fn($($ty),*) -> Result<Option<R>, E> + Send + Sync + 'static,
            $($ty: DeserializeOwned,)*
            R: Serialize,
            E: Display + 'static,
        {
            const ARITY: usize = $arity;

            fn run<'a>(
                &self,
                cx: &mut Call<'a, '_>,
                arguments: &[Value<'a>],
            ) -> Result<Option<Value<'a>>, BuiltinError> {
                // What the arguments take counts until the body is done with them.
                let held = Held::new(cx.arena);
                #[allow(unused_mut, unused_variables, reason = "not all take arguments")]
                let mut next = Next { held: &held, arguments, at: 0 };
                #[allow(non_snake_case, reason = "named as their types")]
                let ($($ty,)*) = ($(next.argument::<$ty>(cx)?,)*);
                let result = self($($ty),*).map_err(error)?;
                // Nobody knows how long that took.
                cx.look()?;
                let Some(result) = result else {
                    return Ok(None);
                };
                match to_value(&result, cx.arena) {
                    Ok(value) => Ok(Some(value)),
                    Err(wrong) => {
                        cx.look()?;
                        Err(BuiltinError::Value(format!("result: {wrong}")))
                    }
                }
            }
        })*
    };
}

typed_bodies! {
    0:;
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D G;
    6: A B C D G H;
}

/// The arguments that are left.
struct Next<'n, 'a> {
    held: &'n Held<'a>,
    arguments: &'n [Value<'a>],
    at: usize,
}

impl<'a> Next<'_, 'a> {
    fn argument<T: DeserializeOwned>(&mut self, cx: &mut Call<'a, '_>) -> Result<T, BuiltinError> {
        let value = self.arguments.get(self.at).copied().unwrap_or(Value::NULL);
        self.at += 1;
        match T::deserialize(Reading::counted(value, self.held)) {
            Ok(argument) => Ok(argument),
            Err(wrong) => {
                // Where a budget ended it, that is the error.
                cx.look()?;
                Err(unfit(self.at, value, &wrong))
            }
        }
    }
}

fn unfit(position: usize, value: Value<'_>, wrong: &DataError) -> BuiltinError {
    BuiltinError::Type(format!(
        "operand {position} ({}): {wrong}",
        value.kind().name()
    ))
}

/// The error of a body: its own if it is one of ours, else its text.
fn error<E: Display + 'static>(error: E) -> BuiltinError {
    match (&error as &dyn Any).downcast_ref::<BuiltinError>() {
        Some(ours) => ours.clone(),
        None => BuiltinError::Value(error.to_string()),
    }
}

/// A typed body with what its declaration says.
pub(super) struct Typed<A, F> {
    body: F,
    promise: Promise,
    arguments: PhantomData<fn(A)>,
}

impl<A, F> Typed<A, F> {
    pub(super) fn new(body: F, promise: Promise) -> Typed<A, F> {
        Typed {
            body,
            promise,
            arguments: PhantomData,
        }
    }
}

impl<A, F: TypedBody<A>> CustomBody for Typed<A, F> {
    fn call<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        let promise = &self.promise;
        cx.charge(promise.cost)?;
        let Some(value) = self.body.run(cx, arguments)? else {
            return Ok(None);
        };
        let fit = conform(value, &promise.result, cx.arena);
        // What was converted and looked at counts, and may have been too much.
        cx.charge(0)?;
        match fit {
            Some(value) => Ok(Some(value)),
            None => Err(BuiltinError::Halt(
                Code::EvalBuiltin,
                format!(
                    "{}: the result is not of the type that the signature says, {}",
                    promise.name, promise.result
                ),
            )),
        }
    }
}
