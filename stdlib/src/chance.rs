//! Random numbers.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::operand::{Outcome, failed, integer, operands, string};

const CATEGORIES: &[&str] = &["numbers"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "rand.intn",
    since: (0, 31),
    purity: Nondeterministic,
    signature: "(str: str, n: num) -> y: num",
    doc: "A random integer from 0 to below n, the same for equal arguments during a query; the sign of n does not count, and 0 gives 0. A host without chance makes it fail.",
    cost: Cost::Constant,
    examples: [(r#"rand.intn("a", 0)"#, "0"), (r#"rand.intn("a", 6)"#, "")],
    body: intn,
}];

fn intn<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [key, bound] = operands(arguments)?;
    string(key, 1)?;
    let bound = integer(bound, 2)?.unsigned_abs();
    let chosen = if bound == 0 { 0 } else { below(cx, bound)? };
    Ok(Some(cx.arena.unsigned(chosen)))
}

/// A number below a bound, each as likely as the others.
fn below(cx: &mut Call<'_, '_>, bound: u64) -> Result<u64, BuiltinError> {
    // Numbers from here on would favour the small ones.
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        cx.charge(1)?;
        let mut bytes = [0; 8];
        if !cx.host.random(&mut bytes) {
            return Err(failed("the host gives no random bytes"));
        }
        let number = u64::from_le_bytes(bytes);
        if number < limit {
            return Ok(number % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::builtin::{Caches, Unmetered};
    use regovm_core::host::Host;
    use regovm_core::value::Arena;

    /// Gives numbers that end in what it is told.
    struct Dice(Vec<u64>);

    impl Host for Dice {
        fn random(&mut self, buffer: &mut [u8]) -> bool {
            match self.0.pop() {
                Some(number) => buffer.copy_from_slice(&number.to_le_bytes()),
                None => return false,
            }
            true
        }
    }

    #[test]
    fn numbers_that_would_favour_some_are_drawn_again() {
        let arena = Arena::new();
        let mut caches = Caches::new();
        let mut meter = Unmetered;
        for (drawn, bound, want) in [
            (vec![7], 5, Some(2)),
            (vec![7], -5, Some(2)),
            (vec![3, u64::MAX], 10, Some(3)),
            (vec![u64::MAX], 10, None),
        ] {
            let mut host = Dice(drawn);
            let mut cx = Call::new(&arena, &mut meter, &mut host, &mut caches);
            let arguments = [arena.string("key"), arena.integer(bound)];
            let got = intn(&mut cx, &arguments);
            assert_eq!(got.ok().flatten().and_then(Value::as_i64), want);
        }
    }
}
