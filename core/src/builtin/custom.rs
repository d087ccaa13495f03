//! Built-ins that are not part of the program: an embedder makes them while it runs.

use std::sync::Arc;

use super::{BuiltinDecl, BuiltinError, BuiltinFn, Call, Purity};
use crate::value::Value;

/// A built-in of a caller: declaration, and a body that may hold a state. Whoever makes one checks name and signature.
pub struct CustomBuiltin {
    /// The name as policies write it.
    pub name: String,
    /// The type, in the notation of [`Type::parse`](crate::types::Type::parse).
    pub signature: String,
    /// What it does.
    pub doc: String,
    /// If equal arguments always give equal results.
    pub purity: Purity,
    /// What runs when it is called.
    pub body: Box<dyn CustomBody>,
}

impl CustomBuiltin {
    /// What is known of it without running it.
    pub fn decl(&self) -> BuiltinDecl<'_> {
        BuiltinDecl {
            name: &self.name,
            signature: &self.signature,
            doc: &self.doc,
            purity: self.purity,
            categories: &["custom"],
            ..BuiltinDecl::DEFAULT
        }
    }
}

/// What a built-in of a caller does. Closures of this form are bodies.
pub trait CustomBody: Send + Sync {
    /// One call. `Ok(None)` is undefined.
    fn call<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError>;
}

impl<F> CustomBody for F
where
    F: for<'a> Fn(&mut Call<'a, '_>, &[Value<'a>]) -> Result<Option<Value<'a>>, BuiltinError>
        + Send
        + Sync,
{
    fn call<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        self(cx, arguments)
    }
}

/// What runs when a built-in is called.
#[derive(Clone)]
pub enum Body {
    /// A function of the program.
    Own(BuiltinFn),
    /// Something of a caller.
    Custom(Arc<CustomBuiltin>),
}

impl Body {
    /// One call.
    pub fn call<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        arguments: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        match self {
            Body::Own(body) => body(cx, arguments),
            Body::Custom(builtin) => builtin.body.call(cx, arguments),
        }
    }
}
