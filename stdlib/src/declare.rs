//! How a built-in is declared: everything that is known of it, and its body, in one place.

/// Declares one built-in.
///
/// The signature is the static types as `regovm_core::types` reads them. Examples are Rego: a call
/// and the result that it has; the tests run them. An example without a result is undefined.
macro_rules! builtin {
    (
        name: $name:literal,
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
            },
            body: $body,
        }
    };
    (@infix) => { None };
    (@infix $infix:literal) => { Some($infix) };
    (@flag) => { false };
    (@flag $flag:literal) => { $flag };
    (@purity) => { ::regovm_core::builtin::Purity::Pure };
    (@purity $purity:ident) => { ::regovm_core::builtin::Purity::$purity };
}

pub(crate) use builtin;
