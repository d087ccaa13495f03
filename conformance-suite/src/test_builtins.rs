//! Built-ins that OPA registers for its own tests only, which its cases call.

use std::time::Duration;

use regovm::internals::core::builtin::{Builtin, BuiltinDecl, BuiltinError, Call, Purity};
use regovm::internals::core::value::Value;

/// `test.sleep("10ms")` waits and gives null.
pub const SLEEP: Builtin = Builtin {
    decl: BuiltinDecl {
        name: "test.sleep",
        signature: "(duration: str) -> null",
        doc: "Waits.",
        purity: Purity::Nondeterministic,
        ..BuiltinDecl::DEFAULT
    },
    body: sleep,
};

fn sleep<'a>(
    _: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Result<Option<Value<'a>>, BuiltinError> {
    let text = arguments.first().and_then(|value| value.as_str());
    let milliseconds = text.and_then(|text| text.strip_suffix("ms")?.parse().ok());
    let Some(milliseconds) = milliseconds else {
        return Err(BuiltinError::value("the cases wait for milliseconds only"));
    };
    std::thread::sleep(Duration::from_millis(milliseconds));
    Ok(Some(Value::NULL))
}
