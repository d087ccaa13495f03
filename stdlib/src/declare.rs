//! How a built-in is declared: everything that is known of it, and its body, in one place.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::Value;

use crate::operand::Outcome;

/// Declares one built-in.
///
/// The signature is the static types as `regovm_core::types` reads them. Examples are Rego: a call
/// and the result that it has; the tests run them. An example without a result is undefined.
///
/// A built-in of a Cargo feature is declared in every build, so that the compiler can name the feature that a
/// policy needs; its body is only named, and may live in a module that is not compiled.
macro_rules! builtin {
    (
        name: $name:literal,
        $(feature: $feature:literal,)?
        $(since: $since:expr,)?
        $(infix: $infix:literal,)?
        $(deprecated: $deprecated:literal,)?
        $(relation: $relation:literal,)?
        $(purity: $purity:ident,)?
        signature: $signature:literal,
        doc: $doc:expr,
        cost: $cost:expr,
        examples: [$(($call:literal, $result:literal)),* $(,)?],
        body: $body:expr $(,)?
    ) => {
        ::regovm_core::builtin::Builtin {
            decl: ::regovm_core::builtin::BuiltinDecl {
                name: $name,
                infix: builtin!(@infix $($infix)?),
                signature: $signature,
                doc: $doc,
                purity: builtin!(@purity $($purity)?),
                relation: builtin!(@flag $($relation)?),
                deprecated: builtin!(@flag $($deprecated)?),
                cost: $cost,
                examples: &[$(::regovm_core::builtin::Example { call: $call, result: $result }),*],
                categories: CATEGORIES,
                since: builtin!(@since $($since)?),
                feature: builtin!(@feature $($feature)?),
                available: builtin!(@available $($feature)?),
            },
            body: builtin!(@body $($feature)?; $body),
        }
    };
    (@since) => { ::regovm_core::builtin::BuiltinDecl::DEFAULT.since };
    (@since $since:expr) => { $since };
    (@feature) => { None };
    (@feature $feature:literal) => { Some($feature) };
    (@available) => { true };
    (@available $feature:literal) => { cfg!(feature = $feature) };
    (@body ; $body:expr) => { $body };
    (@body $feature:literal; $body:expr) => {{
        #[cfg(feature = $feature)]
        {
            $body
        }
        #[cfg(not(feature = $feature))]
        {
            $crate::declare::absent
        }
    }};
    (@infix) => { None };
    (@infix $infix:literal) => { Some($infix) };
    (@flag) => { false };
    (@flag $flag:literal) => { $flag };
    (@purity) => { ::regovm_core::builtin::Purity::Pure };
    (@purity $purity:ident) => { ::regovm_core::builtin::Purity::$purity };
}

/// The body of built-ins that this build leaves out. Nothing calls it: the table keeps only their names.
#[allow(dead_code)]
pub(crate) fn absent<'a>(_: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
    Err(BuiltinError::value("its Cargo feature is off"))
}

pub(crate) use builtin;
